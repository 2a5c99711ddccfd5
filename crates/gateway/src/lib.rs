//! The doors of the exchange: REST, its client, and the read side that answers questions.
//!
//! This is the room to look in for the words of the API ([`api`]) and the blocking client the program's own commands
//! use ([`client`]).
//!
//! **Architecture invariant:** nothing here runs on the core thread and the core never waits for anything here. What leaves
//! through these doors was read from the log, and only up to `committed`.

pub mod api;
pub mod client;
