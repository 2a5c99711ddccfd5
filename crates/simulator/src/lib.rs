//! Order flow for the exchange: made up from a seed ([`flow`]), or read from the record of a real market ([`feed`], [`replay`]).
//!
//! This is the room to look in for "what do the benchmarks and the demonstration send" and "how is a market's record carried out
//! and compared".
//!
//! **Architecture invariant:** nothing here opens a file, reads a clock or draws a random number that the seed does not
//! determine. The same seed gives the same bytes on every machine: no floats, no hash map with random order.

pub mod feed;
pub mod flow;
pub mod replay;
mod rng;

pub use rng::SplitMix64;
