//! Judging: did our matcher fill whom the market filled, and is our book the market's?

use super::compare::{Difference, Differing};
use super::orders::{Key, Order};
use super::{DIFFERENCES_MAX, DifferingFill, DifferingLevel, DifferingRow, FillDifference, Learn, Replay};
use crate::feed::{Action, BookLevel, BookRow, MarketMessage};
use model::{Decimal, InstrumentId};
use std::collections::{BTreeMap, BTreeSet};

/// A fill that the market tells of, to be judged when our exchange has answered.
#[derive(Clone, Copy, Debug)]
pub(super) struct ExpectedFill {
    key: Key,
    qty: u64,
    /// Whether the feed has shown the order.
    known: bool,
    /// Whether any of it rested here.
    rested: bool,
    /// Whether a seed can stand in for an order that it has not shown.
    placed: bool,
}

pub(super) fn expected_fill(key: Key, qty: u64, order: Option<Order>, placed: bool) -> ExpectedFill {
    let rested = order.is_some_and(|order| order.ours > 0);
    ExpectedFill { key, qty, known: order.is_some(), rested, placed }
}

impl Replay {
    /// Did the last aggressor fill this order by this much?
    pub(super) fn judge_fill(&mut self, record: u64, expected: ExpectedFill) {
        let ExpectedFill { key, qty, known, rested, placed } = expected;
        let Key::Market { instrument, id } = key else { return };
        let same = self.aggressor_trades.iter().position(|&trade| trade == (key, qty));
        if let Some(same) = same {
            self.aggressor_trades.remove(same);
            return self.summary.fills.agreement.count(true);
        }
        let trades = &self.aggressor_trades;
        let all_seeds = trades.iter().all(|&(maker, _)| matches!(maker, Key::Seed(_)));
        if !known && placed && all_seeds && trades.iter().map(|&(_, qty)| qty).sum::<u64>() == qty {
            self.summary.mapped_to_seeds += 1;
            self.summary.fills.on_seeds += 1;
            return self.summary.fills.agreement.count(true);
        }
        self.summary.fills.agreement.count(false);
        let why = match trades.as_slice() {
            _ if !known => FillDifference::NeverShown,
            _ if !rested => FillDifference::FilledBefore,
            [] => FillDifference::Nothing,
            trades if trades.iter().any(|&(maker, _)| maker == key) => FillDifference::OtherQuantity,
            _ => FillDifference::OtherOrder,
        };
        *self.summary.fills.differing.entry(why).or_default() += 1;
        let market_id = |key| match key {
            Key::Market { instrument: of, id } if of == instrument => Some(id),
            _ => None,
        };
        let ours = trades.iter().map(|&(maker, qty)| (market_id(maker), qty)).collect();
        if self.summary.fills.first_differing.len() < DIFFERENCES_MAX {
            self.summary.fills.first_differing.push(DifferingFill { record, order: id, qty, ours, why });
        }
    }

    /// The market canceled an order that is filled here: if that was in the event of a differing fill, it explains the fill.
    pub(super) fn taken_away(&mut self, key: Key) {
        let Key::Market { id, .. } = key else { return };
        let fills = &mut self.summary.fills;
        for fill in &mut fills.first_differing[self.event_fills..] {
            if fill.why == FillDifference::OtherOrder && fill.ours.iter().any(|&(order, _)| order == Some(id))
            {
                fill.why = FillDifference::TakenAwayInSameEvent;
                if let Some(count) = fills.differing.get_mut(&FillDifference::OtherOrder) {
                    *count -= 1;
                    if *count == 0 {
                        fills.differing.remove(&FillDifference::OtherOrder);
                    }
                }
                *fills.differing.entry(FillDifference::TakenAwayInSameEvent).or_default() += 1;
            }
        }
    }

    pub(super) fn compare(&mut self, message: &MarketMessage, row: &BookRow, instrument: InstrumentId) {
        let skipped = match message.action {
            Action::Skip(reason) => Some(reason),
            _ => None,
        };
        let (book, tick_units) = (&self.book, self.tick_units);
        let result = self.comparison.compare(row, skipped, |side| {
            book.levels(instrument, side)
                .map(move |(price, qty)| BookLevel { price: price.0.saturating_mul(tick_units), qty: qty.0 })
        });
        let scale = self.pen.price_scale;
        let show = |differing: &[Differing]| DifferingRow {
            record: message.record,
            levels: differing.iter().map(|one| shown(one, scale)).collect(),
        };
        let agreement = self.summary.book.get_or_insert_default();
        agreement.depth = agreement.depth.max(row.depth);
        agreement.best.count(result.best_equal);
        agreement.levels.count(result.all_equal);
        if !result.best_equal {
            count_reasons(&mut agreement.best_differing, &result.best_differing);
            if agreement.first_best_differing.len() < DIFFERENCES_MAX {
                agreement.first_best_differing.push(show(&result.best_differing));
            }
        }
        if !result.all_equal {
            count_reasons(&mut agreement.levels_differing, &result.differing);
            if agreement.first_levels_differing.len() < DIFFERENCES_MAX {
                agreement.first_levels_differing.push(show(&result.differing));
            }
        }
        if self.options.learn == Learn::LevelsComingIntoView {
            self.to_learn = result.differing;
            self.to_learn.retain(|one| matches!(one.why, Difference::NeverShown | Difference::LeftUnseen));
        }
    }
}

/// Counts each reason once for the row.
fn count_reasons(counts: &mut BTreeMap<Difference, u64>, differing: &[Differing]) {
    let reasons: BTreeSet<_> = differing.iter().map(|one| one.why).collect();
    for why in reasons {
        *counts.entry(why).or_default() += 1;
    }
}

fn shown(one: &Differing, scale: u8) -> DifferingLevel {
    // 585.3300 reads better as 585.33.
    let (mut price, mut scale) = (one.price, scale);
    while scale > 2 && price % 10 == 0 {
        (price, scale) = (price / 10, scale - 1);
    }
    DifferingLevel {
        side: one.side.as_str(),
        price: Decimal::new(price, scale).to_string(),
        theirs: one.theirs,
        ours: one.ours,
        why: one.why,
    }
}
