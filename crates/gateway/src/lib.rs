//! The doors of the exchange: REST, its client, and the read side that answers questions.
//!
//! A request's way, top to bottom: `server` accepts it, `rest/` takes it apart, `normalise` makes a command of it, and a
//! [`Session`] sends that to the core's ring with a tag. `follower` reads the log up to `committed`, folds it into the [`read_model::Model`], and
//! hands what came of each tagged command to who waits for it (`in_flight`); `answers` and [`view`] put that in the
//! words of the API ([`api`]). Questions are answered from the model alone. [`client`] is the other end of the wire.
//!
//! **Architecture invariant:** nothing here runs on the core thread and the core never waits for anything here. What leaves
//! through these doors was read from the log, and only up to `committed`; a question that follows an answer sees what the
//! answer said.

#![expect(
    clippy::result_large_err,
    reason = "a problem ends its request: moving its texts costs nothing beside sending them"
)]

mod answers;
pub mod api;
pub mod client;
mod config;
pub mod demo;
pub mod executions;
mod follower;
mod in_flight;
mod normalise;
mod projected;
pub mod read_model;
mod rest;
mod rule_view;
pub mod rules;
mod server;
mod session;
pub mod view;

pub use config::{ConfigError, DEFAULT_PORT, GatewayConfig, HistoryConfig};
pub use follower::FollowError;
pub use in_flight::{InFlight, MAX_IN_FLIGHT, NoOutcome, Outcome, Pending, Rejection, Wants};
pub use projected::Projected;
pub use server::{Gateway, StartError};
pub use session::{ExecuteError, Session, SubmitError};
