//! One instrument's book of resting orders, in strict price-time priority.
//!
//! This is the room to look in for how price levels and queues are kept and why adding, canceling and executing by
//! handle are O(1). Whether an order *may* rest or trade is decided in `engine`; this crate only keeps the queue.
//!
//! **Architecture invariant:** a book knows nothing of accounts' money, client order ids, time or rules, and never
//! decides anything. It does no I/O and its answers depend on nothing but the calls made on it.

mod book;
mod far;
pub mod naive;
mod near;
mod side;
mod slab;

pub use book::Book;
pub use naive::NaiveBook;

use model::{AccountId, OrderId, Price, Quantity, Side};

/// Where a resting order is. Valid from [`OrderBook::add`] until the order leaves the book; never stored in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Handle(pub u32);

/// An order that rests.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Resting {
    /// Which order.
    pub order_id: OrderId,
    /// Whose it is, for self-trade prevention.
    pub owner: AccountId,
    /// Its limit, in ticks.
    pub price: Price,
    /// What is left of it, in lots. Never zero.
    pub leaves: Quantity,
}

/// All orders of one side at one price.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Level {
    /// Their price, in ticks.
    pub price: Price,
    /// The sum of their leaves, in lots. Never zero.
    pub quantity: Quantity,
    /// How many there are. Never zero.
    pub orders: u32,
}

/// What the engine needs of a book. The fast book and its deliberately naive twin both implement it and must agree on
/// every answer.
pub trait OrderBook: Default {
    /// Puts an order at the back of the queue at its price.
    fn add(&mut self, side: Side, order: Resting) -> Handle;

    /// Takes an order out, wherever it stands in its queue, and says what it was.
    fn remove(&mut self, handle: Handle) -> Resting;

    /// Takes `by` lots (at least one, fewer than it has, or exactly all) off an order, which keeps its place. An order with nothing
    /// left is gone from the book, and its handle with it. Says what is left.
    fn reduce(&mut self, handle: Handle, by: Quantity) -> Quantity;

    /// The order behind a handle.
    fn get(&self, handle: Handle) -> Resting;

    /// On which side the order behind a handle is.
    fn side(&self, handle: Handle) -> Side {
        let is_bid = self.orders(Side::Buy).any(|(bid, _)| bid == handle);
        if is_bid { Side::Buy } else { Side::Sell }
    }

    /// The best price of a side: the highest bid, the lowest ask.
    fn best(&self, side: Side) -> Option<Level>;

    /// The order that would trade next on a side: the oldest at the best price.
    fn front(&self, side: Side) -> Option<(Handle, Resting)>;

    /// All levels of a side, best first.
    fn levels(&self, side: Side) -> impl Iterator<Item = Level> + '_;

    /// All orders of a side in the order in which they would trade: best price first, oldest first within it.
    fn orders(&self, side: Side) -> impl Iterator<Item = (Handle, Resting)> + '_;

    /// How many orders rest, on both sides together.
    fn len(&self) -> usize;

    /// Whether nothing rests.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// The README's example, tested.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
