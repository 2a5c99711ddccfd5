//! Is our book the market's book? Row by row, and where not, why not.
//!
//! The market's book is shown a few levels deep, so a price can be out of view for a while and come back changed: by an order from before
//! the feed began, or one placed or canceled while nobody could see it. Nothing in the messages tells of that. A price that
//! differs is put down to it only when it was out of view since it last agreed; any other difference is our own.

use crate::feed::{BookLevel, BookRow, SkipReason};
use model::Side;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Why a price level of our book is not the market's.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Difference {
    /// The market has more at a price that was out of view: an order from before the feed began, or placed out of view.
    NeverShown,
    /// The market has less at a price that was out of view: an order that left there unseen.
    LeftUnseen,
    /// A hidden order traded with what we show.
    Hidden,
    /// None of these: our book is wrong.
    Unexplained,
}

/// A price level at which the books differ.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Differing {
    pub(super) side: Side,
    /// At the feed's scale.
    pub(super) price: i64,
    pub(super) theirs: u64,
    pub(super) ours: u64,
    pub(super) why: Difference,
}

/// How one row came out.
#[derive(Clone, Debug, Default)]
pub(super) struct RowResult {
    /// Both best prices with their quantities are equal.
    pub(super) best_equal: bool,
    /// Every level in view is equal.
    pub(super) all_equal: bool,
    /// Those at a best price of either book.
    pub(super) best_differing: Vec<Differing>,
    /// All in view.
    pub(super) differing: Vec<Differing>,
}

/// How far one side of the market's book was in view.
#[derive(Clone, Copy, Debug)]
enum View {
    /// No row yet.
    Nothing,
    /// Up to and with this price.
    To(i64),
    /// The market shows fewer levels than it could: that is all there is.
    All,
}

impl View {
    fn of(levels: &[BookLevel], depth: usize) -> Self {
        match levels.last() {
            Some(level) if levels.len() >= depth => Self::To(level.price),
            _ => Self::All,
        }
    }

    fn holds(self, side: Side, price: i64) -> bool {
        match (self, side) {
            (Self::Nothing, _) => false,
            (Self::All, _) => true,
            (Self::To(edge), Side::Buy) => price >= edge,
            (Self::To(edge), Side::Sell) => price <= edge,
        }
    }
}

#[derive(Debug)]
pub(super) struct BookComparison {
    /// What was in view in the row before: bids, asks.
    seen: [View; 2],
    /// Where the row before differed, and why. By side number and price.
    differing: BTreeMap<(u8, i64), Difference>,
}

impl Default for BookComparison {
    fn default() -> Self {
        Self { seen: [View::Nothing; 2], differing: BTreeMap::new() }
    }
}

impl BookComparison {
    /// Compares a row with our levels, both best first and at the feed's scale.
    pub(super) fn compare<'a, I: Iterator<Item = BookLevel> + 'a>(
        &mut self,
        row: &BookRow,
        skipped: Option<SkipReason>,
        ours: impl Fn(Side) -> I,
    ) -> RowResult {
        let mut result = RowResult { best_equal: true, ..RowResult::default() };
        for (side, seen) in [(Side::Buy, 0), (Side::Sell, 1)] {
            let theirs = row.side(side);
            let view = View::of(theirs, row.depth);
            let our_best = ours(side).next();
            result.best_equal &= our_best == theirs.first().copied();
            let ours: BTreeMap<i64, u64> = ours(side)
                .take_while(|level| view.holds(side, level.price))
                .map(|level| (level.price, level.qty))
                .collect();
            let theirs_by_price: BTreeMap<i64, u64> =
                theirs.iter().map(|level| (level.price, level.qty)).collect();
            let prices: BTreeSet<i64> = ours.keys().chain(theirs_by_price.keys()).copied().collect();
            for price in prices {
                let (our_qty, their_qty) = (
                    ours.get(&price).copied().unwrap_or(0),
                    theirs_by_price.get(&price).copied().unwrap_or(0),
                );
                if our_qty == their_qty {
                    self.differing.remove(&(side as u8, price));
                    continue;
                }
                let out_of_view = !self.seen[seen].holds(side, price);
                let why = *self.differing.entry((side as u8, price)).or_insert_with(|| {
                    match (out_of_view, their_qty > our_qty, skipped) {
                        (true, true, _) => Difference::NeverShown,
                        (true, false, _) => Difference::LeftUnseen,
                        (false, _, Some(SkipReason::HiddenExecution)) => Difference::Hidden,
                        (false, ..) => Difference::Unexplained,
                    }
                });
                let differing = Differing { side, price, theirs: their_qty, ours: our_qty, why };
                if [our_best, theirs.first().copied()].iter().flatten().any(|best| best.price == price) {
                    result.best_differing.push(differing);
                }
                result.differing.push(differing);
            }
            // What is out of view now says nothing later: it will be judged afresh when it comes back.
            self.differing.retain(|&(number, price), _| number != side as u8 || view.holds(side, price));
            self.seen[seen] = view;
        }
        result.all_equal = result.differing.is_empty();
        result
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Levels<'a> = &'a [(i64, u64)];

    fn levels(levels: Levels) -> Vec<BookLevel> {
        levels.iter().map(|&(price, qty)| BookLevel { price, qty }).collect()
    }

    /// Rows of two-level bids, theirs and ours: why each differs.
    fn check(rows: &[(Levels, Levels)]) -> Vec<Vec<Difference>> {
        let mut comparison = BookComparison::default();
        rows.iter()
            .map(|(theirs, ours)| {
                let row = BookRow { bids: levels(theirs), asks: Vec::new(), depth: 2 };
                let ours = levels(ours);
                let result = comparison.compare(&row, None, |side| {
                    if side == Side::Buy { ours.clone().into_iter() } else { Vec::new().into_iter() }
                });
                assert_eq!(result.all_equal, result.differing.is_empty());
                result.differing.iter().map(|differing| differing.why).collect()
            })
            .collect()
    }

    #[test]
    fn what_comes_into_view_is_not_our_fault() {
        use Difference::{LeftUnseen, NeverShown, Unexplained};
        let rows: &[(Levels, Levels)] = &[
            (&[(10, 5), (9, 5)], &[(10, 5), (9, 5)]),
            // 10 is gone, and 7 appears from below: we never heard of it.
            (&[(9, 5), (7, 1)], &[(9, 5)]),
            // It is still the same difference a row later, though now 7 was in view.
            (&[(9, 5), (7, 1)], &[(9, 5)]),
            // 10 and 11 push 9 and 7 out; meanwhile 9 goes, unseen.
            (&[(11, 1), (10, 1)], &[(11, 1), (10, 1), (9, 5)]),
            (&[(10, 1), (7, 1)], &[(10, 1), (9, 5)]),
            // 10 was in view all the time.
            (&[(10, 1), (7, 1)], &[(10, 2), (9, 5)]),
        ];
        assert_eq!(
            check(rows),
            [
                vec![],
                vec![NeverShown],
                vec![NeverShown],
                vec![],
                vec![NeverShown, LeftUnseen],
                vec![NeverShown, LeftUnseen, Unexplained],
            ]
        );
    }

    #[test]
    fn a_side_with_fewer_levels_is_all_in_view() {
        let rows: &[(Levels, Levels)] = &[(&[(10, 5)], &[(10, 5)]), (&[(10, 5), (3, 1)], &[(10, 5)])];
        assert_eq!(check(rows), [vec![], vec![Difference::Unexplained]]);
    }
}
