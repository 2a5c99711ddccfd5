//! The sequencer: the one thread that takes commands in, gives each its place in the order of things, and writes what
//! came of it to the log.
//!
//! **Architecture invariant:** state changes only through recorded events, and nothing is acknowledged here: whoever
//! wants an answer reads the log up to `committed`. The thread of the core loop waits for nobody; snapshots, followers
//! and gateways read the log beside it.

pub mod agent;
pub mod calendar;
pub mod clock;
pub mod ring;
pub mod wait;
