//! The `.trade` format.

pub mod instant;
mod parse;
mod problem;
pub mod syntax;

pub use parse::{CLOCK_START, CLOCK_STEP_NANOS, parse, text};
pub use problem::{Fault, Hint, Problem};
