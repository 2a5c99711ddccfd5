//! The results of the book benchmark, for `--json` and for reading.

use super::Config;
use serde::Serialize;
use std::fmt;

/// All results of one run.
#[derive(Clone, Debug, Serialize)]
pub struct Report {
    /// What was run.
    pub config: Config,
    /// What one reading of the clock costs, which every percentile includes, in nanoseconds.
    pub clock_ns: f64,
    /// One for each shape of flow.
    pub shapes: Vec<ShapeReport>,
}

/// The results of one shape of flow.
#[derive(Clone, Debug, Serialize)]
pub struct ShapeReport {
    /// Its name.
    pub shape: String,
    /// How many messages there were.
    pub messages: u64,
    /// How many of them replaced.
    pub replaces: u64,
    /// How many of them canceled.
    pub cancels: u64,
    /// How many trades they caused.
    pub trades: u64,
    /// How many times as long as we the fastest other book took.
    pub times_fastest_peer: Option<f64>,
    /// Ours first.
    pub engines: Vec<EngineReport>,
}

/// The results of one book.
#[derive(Clone, Debug, Serialize)]
pub struct EngineReport {
    /// Its name and version.
    pub name: String,
    /// Nanoseconds a message took on average, in the fastest twentieths of all turns.
    pub ns_per_message: f64,
    /// The same the other way around.
    pub million_messages_per_second: f64,
    /// How many times as long as ours it took.
    pub times_ours: f64,
    /// Half of the messages took no longer, in nanoseconds, a reading of the clock included.
    pub p50_ns: u64,
    /// The same for 99%.
    pub p99_ns: u64,
    /// The same for 99.9%.
    pub p999_ns: u64,
    /// The longest one.
    pub max_ns: u64,
    /// Everything allocated, spare room and empty levels included, by orders that rest in the end. Where it can be told.
    pub bytes_per_resting_order: Option<f64>,
    /// Whether it did what ours did.
    pub agreement: Agreement,
}

/// How a book's results compare with ours on the same messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Agreement {
    /// Trades of ours.
    pub trades: u64,
    /// So many of them, from the first, were the same: taker, maker, price and quantity.
    pub equal: u64,
    /// Trades of the other.
    pub told: u64,
    /// Whether all levels were the same in the end.
    pub same_depth: bool,
}

impl Agreement {
    /// Whether everything compared was equal.
    pub fn is_full(&self) -> bool {
        self.trades == self.equal && self.told == self.trades && self.same_depth
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for shape in &self.shapes {
            writeln!(
                f,
                "{}: {} messages, {} cancels, {} replaces, {} trades",
                shape.shape, shape.messages, shape.cancels, shape.replaces, shape.trades
            )?;
            writeln!(
                f,
                "  {:<18} {:>8} {:>8} {:>8} {:>7} {:>7} {:>8} {:>9} {:>8}  trades and depth",
                "", "ns/msg", "M msg/s", "x ours", "p50", "p99", "p99.9", "max", "B/order"
            )?;
            for engine in &shape.engines {
                let bytes =
                    engine.bytes_per_resting_order.map_or("-".to_owned(), |bytes| format!("{bytes:.1}"));
                let agreement = if engine.agreement.is_full() {
                    "equal".to_owned()
                } else {
                    let Agreement { trades, equal, told, same_depth } = engine.agreement;
                    format!("DIFFER: {equal} of {trades} equal, {told} told, same depth: {same_depth}")
                };
                writeln!(
                    f,
                    "  {:<18} {:>8.1} {:>8.2} {:>8.2} {:>7} {:>7} {:>8} {:>9} {:>8}  {}",
                    engine.name,
                    engine.ns_per_message,
                    engine.million_messages_per_second,
                    engine.times_ours,
                    engine.p50_ns,
                    engine.p99_ns,
                    engine.p999_ns,
                    engine.max_ns,
                    bytes,
                    agreement
                )?;
            }
        }
        writeln!(f, "percentiles in ns, with one reading of the clock ({:.0} ns) in each", self.clock_ns)
    }
}
