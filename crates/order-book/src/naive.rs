//! The deliberately naive book: one sorted list a side, searched from end to end.
//!
//! It exists to be obviously right. The fast book must give the same answer to every call, and the exchange itself
//! can be run on this one (`--mode naive`) and must print the same lines. Everything here is O(n).

use crate::{Handle, Level, OrderBook, Resting};
use model::{Price, Quantity, Side};

/// A book that is only right, never fast.
#[derive(Clone, Debug, Default)]
pub struct NaiveBook {
    bids: Vec<(Handle, Resting)>,
    asks: Vec<(Handle, Resting)>,
    /// How many orders were ever added. A handle is never used twice, so a stale one is always found out.
    added: u32,
}

impl NaiveBook {
    fn side(&self, side: Side) -> &Vec<(Handle, Resting)> {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }

    fn side_mut(&mut self, side: Side) -> &mut Vec<(Handle, Resting)> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    /// On which side an order is, and how many trade before it.
    fn find(&self, handle: Handle) -> (Side, usize) {
        [Side::Buy, Side::Sell]
            .into_iter()
            .find_map(|side| {
                let place = self.side(side).iter().position(|(other, _)| *other == handle)?;
                Some((side, place))
            })
            .expect("a handle is used only while its order rests")
    }
}

/// Whether an order at `price` trades before one at `other`.
fn better(side: Side, price: Price, other: Price) -> bool {
    match side {
        Side::Buy => price > other,
        Side::Sell => price < other,
    }
}

impl OrderBook for NaiveBook {
    fn add(&mut self, side: Side, order: Resting) -> Handle {
        assert!(!order.leaves.is_zero(), "an order that rests has something left");
        let handle = Handle(self.added);
        self.added = self.added.checked_add(1).expect("the naive book is not for billions of orders");
        let queue = self.side_mut(side);
        let place =
            queue.iter().position(|(_, other)| better(side, order.price, other.price)).unwrap_or(queue.len());
        queue.insert(place, (handle, order));
        handle
    }

    fn remove(&mut self, handle: Handle) -> Resting {
        let (side, place) = self.find(handle);
        self.side_mut(side).remove(place).1
    }

    fn reduce(&mut self, handle: Handle, by: Quantity) -> Quantity {
        assert!(!by.is_zero(), "a reduction takes something off");
        let (side, place) = self.find(handle);
        let leaves = &mut self.side_mut(side)[place].1.leaves;
        *leaves -= by;
        let left = *leaves;
        if left.is_zero() {
            self.side_mut(side).remove(place);
        }
        left
    }

    fn get(&self, handle: Handle) -> Resting {
        let (side, place) = self.find(handle);
        self.side(side)[place].1
    }

    fn best(&self, side: Side) -> Option<Level> {
        self.levels(side).next()
    }

    fn front(&self, side: Side) -> Option<(Handle, Resting)> {
        self.orders(side).next()
    }

    fn levels(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        self.side(side).chunk_by(|(_, a), (_, b)| a.price == b.price).map(|orders| Level {
            price: orders[0].1.price,
            quantity: orders.iter().fold(Quantity::ZERO, |sum, (_, order)| sum + order.leaves),
            orders: u32::try_from(orders.len()).expect("fewer orders than handles"),
        })
    }

    fn orders(&self, side: Side) -> impl Iterator<Item = (Handle, Resting)> + '_ {
        self.side(side).iter().copied()
    }

    fn len(&self) -> usize {
        self.bids.len() + self.asks.len()
    }
}
