//! The sequencer: the one thread that takes commands in, gives each its place in the order of things, and writes what
//! came of it to the log.
//!
//! [`Node::start`] runs an exchange: gateways leave commands with a [`Submitter`] and read the answers in the log, up to
//! `committed`. Inside, `ring.rs` holds what waits, `core.rs` is the loop, `calendar/` says when markets open and close,
//! `snapshotter.rs` and `snapshot.rs` keep recovery short, and `replay.rs` turns a log back into a state.
//!
//! **Architecture invariant:** state changes only through recorded events, and nothing is acknowledged here: whoever
//! wants an answer reads the log up to `committed`. The thread of the core loop waits for nobody; snapshots, followers
//! and gateways read the log beside it.
//!
//! **Architecture invariant:** a command and all its events are in one block.

pub mod agent;
pub mod calendar;
pub mod clock;
pub mod config;
pub mod core;
mod fault;
mod node;
pub mod replay;
mod ring;
pub mod snapshot;
mod snapshotter;
mod status;
mod wait;
pub mod what_if;

pub use agent::{Agent, Duty, PinError};
pub use calendar::{Calendar, CalendarError, Calendars, Schedule};
pub use clock::{Clock, ManualClock, SystemClock};
pub use config::{ConfigError, LIMITS_DEFAULT, NodeConfig, SnapshotEvery};
pub use event_store::Durability;
pub use fault::FatalError;
pub use node::{Node, Prepared, StartError, StopError, prepare, store_options};
pub use ring::{Envelope, RING_CAPACITY_RANGE, Refusal, SEQUENCER_TAG, SubmitError, Submitter};
pub use snapshotter::{SnapshotError, Snapshotter, Taken};
pub use status::{
    CalendarStatus, CoreStatus, NodeStatus, RecoveryStatus, RingStatus, SnapshotStatus, WatermarkStatus,
};
pub use wait::{Doorbell, PARK_MAX, Pause, WaitStrategy};
