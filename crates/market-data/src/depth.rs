//! Depth: the best levels of a book, price by price (level 2), and the best price of each side (level 1).

use model::Side;
use order_book::{Level, OrderBook};

/// The most levels a side of a [`Depth`] may have.
pub const MAX_DEPTH: usize = 65_536;

/// The best levels of both sides, best first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Depth {
    /// Buyers, highest price first.
    pub bids: Vec<Level>,
    /// Sellers, lowest price first.
    pub asks: Vec<Level>,
}

impl Depth {
    /// The best `levels` (at most [`MAX_DEPTH`]) of each side of a book.
    pub fn of(book: &impl OrderBook, levels: usize) -> Self {
        let mut depth = Self::default();
        depth.refill(book, levels);
        depth
    }

    /// Like [`Depth::of`], into the room this depth already has.
    pub fn refill(&mut self, book: &impl OrderBook, levels: usize) {
        let levels = levels.min(MAX_DEPTH);
        self.bids.clear();
        self.bids.extend(book.levels(Side::Buy).take(levels));
        self.asks.clear();
        self.asks.extend(book.levels(Side::Sell).take(levels));
    }

    /// Both sides as they are read on a screen: the highest price first, so the best ask stands right above the best bid.
    pub fn ladder(&self) -> impl Iterator<Item = (Side, Level)> + '_ {
        let asks = self.asks.iter().rev().map(|&level| (Side::Sell, level));
        asks.chain(self.bids.iter().map(|&level| (Side::Buy, level)))
    }

    /// The best level of each side.
    pub fn best(&self) -> BestPrices {
        BestPrices { bid: self.bids.first().copied(), ask: self.asks.first().copied() }
    }
}

/// Level 1: the best level of each side.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BestPrices {
    /// The highest bid.
    pub bid: Option<Level>,
    /// The lowest ask.
    pub ask: Option<Level>,
}

impl BestPrices {
    /// The best prices of a book.
    pub fn of(book: &impl OrderBook) -> Self {
        Self { bid: book.best(Side::Buy), ask: book.best(Side::Sell) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{AccountId, OrderId, Price, Quantity};
    use order_book::{NaiveBook, Resting};

    fn book() -> NaiveBook {
        let mut book = NaiveBook::default();
        let orders = [(Side::Buy, 10), (Side::Buy, 9), (Side::Buy, 8), (Side::Sell, 11), (Side::Sell, 13)];
        for (count, (side, price)) in (1..).zip(orders) {
            book.add(
                side,
                Resting {
                    order_id: OrderId::new(count, 0),
                    owner: AccountId(0),
                    price: Price(price),
                    leaves: Quantity(1),
                },
            );
        }
        book
    }

    #[test]
    fn a_ladder_goes_down_from_the_worst_ask_to_the_worst_bid() {
        let ladder = |levels| -> Vec<i64> {
            Depth::of(&book(), levels).ladder().map(|(_, level)| level.price.0).collect()
        };
        assert_eq!(ladder(usize::MAX), [13, 11, 10, 9, 8]);
        assert_eq!(ladder(2), [13, 11, 10, 9]);
        assert_eq!(ladder(1), [11, 10]);
        assert!(ladder(0).is_empty());
    }

    #[test]
    fn the_best_of_a_depth_is_the_best_of_its_book() {
        let best = Depth::of(&book(), 1).best();
        assert_eq!(best, BestPrices::of(&book()));
        assert_eq!(best.bid.map(|level| level.price), Some(Price(10)));
        assert_eq!(best.ask.map(|level| level.price), Some(Price(11)));
        assert_eq!(Depth::of(&NaiveBook::default(), 5).best(), BestPrices::default());
    }
}
