//! The tape: the newest trades of one instrument, in the order of the log.

use model::Trade;
use std::collections::VecDeque;

/// The newest trades, at most as many as there is room for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Tape {
    capacity: usize,
    /// Oldest first.
    trades: VecDeque<Trade>,
    /// Trades ever taken in, including those no longer kept.
    total: u64,
}

impl Tape {
    /// An empty tape that keeps the newest `capacity` trades.
    pub const fn new(capacity: usize) -> Self {
        Self { capacity, trades: VecDeque::new(), total: 0 }
    }

    /// Takes in a trade.
    pub fn fold(&mut self, trade: &Trade) {
        self.total += 1;
        if self.capacity == 0 {
            return;
        }
        if self.trades.len() == self.capacity {
            self.trades.pop_front();
        }
        self.trades.push_back(*trade);
    }

    /// The trades kept, oldest first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Trade> + ExactSizeIterator {
        self.trades.iter()
    }

    /// The newest trade.
    pub fn last(&self) -> Option<&Trade> {
        self.trades.back()
    }

    /// How many trades there ever were, including those no longer kept.
    pub const fn total(&self) -> u64 {
        self.total
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use model::{AccountId, InstrumentId, OrderId, Price, Quantity, Side, Timestamp, TradeId};

    pub(crate) fn trade(at_nanos: i64, price: i64, quantity: u64) -> Trade {
        Trade {
            trade_id: TradeId(1),
            maker_order_id: OrderId::new(1, 0),
            taker_order_id: OrderId::new(2, 1),
            price: Price(price),
            quantity: Quantity(quantity),
            executed_at: Timestamp(at_nanos),
            maker_account: AccountId(0),
            taker_account: AccountId(1),
            instrument: InstrumentId(0),
            taker_side: Side::Sell,
            maker_filled: true,
            taker_filled: true,
            reserved: 0,
        }
    }

    #[test]
    fn the_newest_are_kept_in_order_and_all_are_counted() {
        let mut tape = Tape::new(3);
        for price in 1..=5 {
            tape.fold(&trade(0, price, 1));
        }
        let prices: Vec<_> = tape.iter().map(|trade| trade.price.0).collect();
        assert_eq!((prices.as_slice(), tape.total()), ([3, 4, 5].as_slice(), 5));
        assert_eq!(tape.last().map(|trade| trade.price), Some(Price(5)));
    }

    #[test]
    fn a_tape_without_room_still_counts() {
        let mut tape = Tape::new(0);
        tape.fold(&trade(0, 1, 1));
        assert_eq!((tape.iter().len(), tape.total()), (0, 1));
    }
}
