//! What came of a replay: counts, agreement with the market, and the first rows that differ, ready to be printed or written as JSON.

use super::compare::Difference;
use crate::feed::SkipReason;
use serde::{Serialize, Serializer};
use std::collections::BTreeMap;

/// How many differing rows and fills are kept one by one; of the others only the reasons are counted.
pub const DIFFERENCES_MAX: usize = 50;

/// A part of a whole.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Share {
    /// How many agree.
    pub agree: u64,
    /// Of how many.
    pub of: u64,
}

impl Share {
    pub(super) fn count(&mut self, agrees: bool) {
        self.agree += u64::from(agrees);
        self.of += 1;
    }

    /// In hundredths of a percent, rounded down; 100% of nothing.
    pub const fn basis_points(self) -> u64 {
        match (self.agree * 10_000).checked_div(self.of) {
            Some(points) => points,
            None => 10_000,
        }
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let points = self.basis_points();
        write!(f, "{} of {} ({}.{:02}%)", self.agree, self.of, points / 100, points % 100)
    }
}

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        use serde::ser::SerializeStruct;
        let mut fields = serializer.serialize_struct("Share", 3)?;
        fields.serialize_field("agree", &self.agree)?;
        fields.serialize_field("of", &self.of)?;
        fields.serialize_field("basis_points", &self.basis_points())?;
        fields.end()
    }
}

/// What came of a replay.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct Summary {
    /// The feed's format.
    pub format: &'static str,
    /// Messages read.
    pub messages: u64,
    /// The same by the feed's own kinds.
    pub by_kind: BTreeMap<&'static str, u64>,
    /// Messages that became no command, by why.
    pub skipped: BTreeMap<&'static str, u64>,
    /// Commands made, set-up and seeds included.
    pub commands: u64,
    /// Orders that stand in for what rested before the feed began, or (when levels are learned) came into view.
    pub seeds: u64,
    /// Cancels and executions of orders the feed never showed that were carried out on a seed.
    pub mapped_to_seeds: u64,
    /// Messages that change an order the feed never showed, and brought it in.
    pub modifies_taken_as_adds: u64,
    /// Trades our exchange made.
    pub trades: u64,
    /// The trades among them that no aggressor of the feed caused: new orders that crossed.
    pub trades_of_crossing_orders: u64,
    /// Commands our exchange refused, by reason.
    pub rejected: BTreeMap<&'static str, u64>,
    /// The market's fills of resting orders.
    pub fills: FillAgreement,
    /// The market's book, where the feed has it.
    pub book: Option<BookAgreement>,
}

/// How often our matcher filled the order that the market's filled, by the same quantity.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct FillAgreement {
    /// Fills that agree, of all.
    pub agreement: Share,
    /// Those among them of an order the feed never showed, which our exchange filled from the seed at its price.
    pub on_seeds: u64,
    /// Those that do not agree, by why.
    pub differing: BTreeMap<FillDifference, u64>,
    /// The first of them.
    pub first_differing: Vec<DifferingFill>,
}

/// Why a fill is not the market's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum FillDifference {
    /// The market filled an order the feed never showed (from before it began, or placed out of view), and we have nothing there.
    NeverShown,
    /// Ours filled an order that the market took away in the same event instead (self-match prevention).
    TakenAwayInSameEvent,
    /// Ours filled another order: one with a better place in our queue or a better price.
    OtherOrder,
    /// Ours filled that order by another quantity.
    OtherQuantity,
    /// Ours was filled earlier, by an order of the feed that crossed it.
    FilledBefore,
    /// Ours filled nothing.
    Nothing,
}

/// A fill of the market that our matcher did not produce.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DifferingFill {
    /// The record that tells of it.
    pub record: u64,
    /// The order that the market filled.
    pub order: u64,
    /// By how much.
    pub qty: u64,
    /// What ours filled at that time: order (none: a seed) and quantity.
    pub ours: Vec<(Option<u64>, u64)>,
    /// Why.
    pub why: FillDifference,
}

/// How often our book was the market's.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize)]
pub struct BookAgreement {
    /// Rows whose best bid and ask are equal in price and quantity.
    pub best: Share,
    /// Rows whose every level is equal.
    pub levels: Share,
    /// How many levels of each side the feed shows.
    pub depth: usize,
    /// Rows whose best differ, by why. A row with two reasons counts twice.
    pub best_differing: BTreeMap<Difference, u64>,
    /// Rows of which any level differs, by why.
    pub levels_differing: BTreeMap<Difference, u64>,
    /// The first rows whose best bid or ask differ.
    pub first_best_differing: Vec<DifferingRow>,
    /// The first rows of which any level differs.
    pub first_levels_differing: Vec<DifferingRow>,
}

/// A row at which our book was not the market's.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DifferingRow {
    /// The row, from 1.
    pub record: u64,
    /// The levels that differ.
    pub levels: Vec<DifferingLevel>,
}

/// A level at which the books differ.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct DifferingLevel {
    /// `buy` or `sell`.
    pub side: &'static str,
    /// The price, as a decimal number.
    pub price: String,
    /// What the market has there.
    pub theirs: u64,
    /// What we have there.
    pub ours: u64,
    /// Why.
    pub why: Difference,
}

impl Summary {
    pub(super) fn skip(&mut self, reason: SkipReason) {
        *self.skipped.entry(reason.as_str()).or_default() += 1;
    }
}
