//! Pictures of prices: candles with their volume, and sparklines. A [`Picture`] is a list of rectangles, lines and words; it is written as
//! SVG, whose colours a page chooses, or as PNG, for which this crate carries a font.
//!
//! This is the room to look in for "why does the chart look like this". What is in it comes from elsewhere; nothing here knows a store.
//!
//! **Architecture invariant:** a picture is for looking at. Coordinates are floats here and nowhere else; prices come as whole ticks and
//! their labels are made by whoever knows what a tick is.

mod candles;
mod picture;
mod png;
mod scale;
mod spark;
mod svg;

pub use candles::{Candle, CandleChart};
pub use picture::{Anchor, Ink, Picture, Shape};
pub use png::{PngError, Theme};
pub use spark::sparkline;
pub use svg::{Escaped, STYLE};
