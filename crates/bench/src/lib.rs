//! The measurements of the exchange, as functions that return results: `outcry bench` prints them.
//!
//! This is the room to look in for "how was this number taken". What is measured lives elsewhere; nothing here is linked
//! into the path of an order.

pub mod book;
pub mod core;
pub mod day;
pub mod latency;
mod market;
pub mod projection;
pub mod recovery;
pub mod reports;
pub mod rules;
pub mod sql;
mod stepped;
pub mod store;
mod swaps;
mod trades;
mod watch;

pub use market::BenchError;
pub use stepped::{Counts, SteppedExchange};
pub use swaps::{SwapConfig, SwapReport};
pub use watch::{Percentiles, ThreadTime};
