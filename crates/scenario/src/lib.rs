//! The `.trade` format: a readable conversation with an exchange, and five ways to run it.
//!
//! This is the room to look in for how a scenario is read (`parse.rs`, into the types of [`syntax`]), how its lines become
//! commands of the exchange and events become lines again (`session.rs`, `view.rs`, `query.rs`), and what `restart` or
//! `snapshot` do (`exchange.rs`). [`run_files`] is all a program needs; [`run_source`] all a test needs.
//!
//! **Architecture invariant:** a scenario runs against the real thing: the sequencer's core loop over an event store on
//! disk. What is shown was read from the committed log or asked of the state that recovery comes to; the only memory of
//! its own a session has is what belongs to who talks (`names.rs`).

mod diff;
mod exchange;
pub mod instant;
mod mode;
mod names;
mod number;
mod parse;
mod problem;
mod query;
mod rewrite;
mod rules;
mod run;
mod session;
pub mod syntax;
mod view;

pub use exchange::ExchangeError;
pub use mode::{Mode, UnknownMode};
pub use parse::{CLOCK_START, CLOCK_STEP_NANOS, parse, text};
pub use problem::{Fault, Hint, Problem};
pub use run::{Difference, EXTENSION, Options, Outcome, Summary, files, run_files, run_source};
