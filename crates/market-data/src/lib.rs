//! What the market sees, folded from the log: the tape of trades, candles, and the depth of a book.
//!
//! This is the room to look in for "how does a trade become a candle" and "what are the best five levels". Who sends it to
//! whom, and in which encoding, is decided in `gateway`.
//!
//! **Architecture invariant:** everything here is a fold over events or a view of a book. Prices stay in ticks and quantities
//! in lots: whoever shows them knows the instrument's scales. No I/O, clock, thread or float, and every list is bounded.

mod candle;
mod depth;
mod tape;

pub use candle::{Candle, Candles, Interval, UnknownInterval};
pub use depth::{BestPrices, Depth, MAX_DEPTH};
pub use tape::Tape;
