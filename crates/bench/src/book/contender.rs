//! What a book must do to be measured, and ours doing it.

use super::ids::OrderIndex;
use model::{AccountId, OrderId, Price, Quantity, Side};
use order_book::{Handle, OrderBook, Resting};
use simulator::flow::Message;

/// A trade, as every book can tell it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Execution {
    /// The incoming order.
    pub taker: u64,
    /// The resting order.
    pub maker: u64,
    /// The maker's price, in ticks.
    pub price: i64,
    /// In lots.
    pub qty: u64,
}

/// A side's levels at the end: price and total quantity, best first.
pub type Depth = [Vec<(i64, u64)>; 2];

/// A book with everything it needs to take the messages of a flow.
pub trait Contender: Default {
    /// Whether a replace at the same price with less quantity keeps its place in the queue here. Where it does not,
    /// such a replace is a cancel and a new order.
    const REDUCES_IN_PLACE: bool = true;

    /// The messages in this book's own terms. Not measured.
    fn translate(messages: &[Message], _reference: &[Execution]) -> Vec<Message> {
        messages.to_vec()
    }

    /// Takes one message and makes all its results, and lets no optimiser drop them. This is what is measured.
    fn apply(&mut self, message: &Message);

    /// Takes one message and appends its trades, with the ids of the flow.
    fn apply_and_tell(&mut self, message: &Message, trades: &mut Vec<Execution>);

    /// What rests in the end.
    fn depth(&self) -> Depth;

    /// How many orders rest, and every byte that costs, where the book can say so.
    fn memory(&self) -> Option<(usize, usize)> {
        None
    }
}

/// Our book behind ids that clients choose, with the matching loop that a real user would write.
///
/// `KEEPS_PLACE` off replaces by cancel and new order always, for comparison with a book that knows no other way.
#[derive(Debug, Default)]
pub struct Matcher<B, const KEEPS_PLACE: bool = true> {
    book: B,
    index: OrderIndex,
    /// Trades of the message being applied.
    trades: Vec<Execution>,
}

impl<B: OrderBook, const KEEPS_PLACE: bool> Matcher<B, KEEPS_PLACE> {
    /// Whether an order rests.
    pub fn rests(&self, id: u64) -> bool {
        self.index.get(id, &self.book).is_some()
    }

    #[inline]
    fn on_message(&mut self, message: &Message) {
        self.trades.clear();
        match *message {
            Message::New { id, side, price, qty, ioc } => {
                let left = self.take(id, side, price, qty);
                if !left.is_zero() && !ioc {
                    let handle = self.rest(id, side, price, left);
                    self.index.insert(id, handle, &self.book);
                }
            }
            Message::Cancel { id } => {
                if let Some(handle) = self.index.take(id, &self.book) {
                    self.book.remove(handle);
                }
            }
            Message::Replace { id, price, qty } => self.replace(id, price, qty),
        }
    }

    /// Trades against the other side as long as there is something at the limit or better. What is left.
    #[inline]
    fn take(&mut self, taker: u64, side: Side, limit: Price, mut left: Quantity) -> Quantity {
        // Inverting every bit turns the order of prices around: one comparison for both sides.
        let flip = -i64::from(side == Side::Sell);
        while let Some((handle, maker)) = self.book.front(side.opposite()) {
            if maker.price.0 ^ flip > limit.0 ^ flip || left.is_zero() {
                break;
            }
            let qty = left.min(maker.leaves);
            left -= qty;
            if qty == maker.leaves {
                self.index.remove(maker.order_id.0, handle);
            }
            self.book.reduce(handle, qty);
            self.trades.push(Execution { taker, maker: maker.order_id.0, price: maker.price.0, qty: qty.0 });
        }
        left
    }

    #[inline]
    fn rest(&mut self, id: u64, side: Side, price: Price, leaves: Quantity) -> Handle {
        self.book.add(side, Resting { order_id: OrderId(id), owner: AccountId(0), price, leaves })
    }

    fn replace(&mut self, id: u64, price: Price, qty: Quantity) {
        let Some(handle) = self.index.get(id, &self.book) else { return };
        let old = self.book.get(handle);
        if KEEPS_PLACE && price == old.price && qty <= old.leaves {
            if qty < old.leaves {
                self.book.reduce(handle, old.leaves - qty);
            }
            return;
        }
        let side = self.book.side(handle);
        self.book.remove(handle);
        let left = self.take(id, side, price, qty);
        if left.is_zero() {
            self.index.remove(id, handle);
        } else {
            let now = self.rest(id, side, price, left);
            self.index.moved(id, handle, now);
        }
    }
}

/// Our book, with what can be said of its memory.
pub trait Measured: OrderBook {
    /// Every byte it holds.
    fn memory_bytes(&self) -> usize;
}

impl Measured for order_book::Book {
    fn memory_bytes(&self) -> usize {
        Self::memory_bytes(self)
    }
}

impl<B: Measured, const KEEPS_PLACE: bool> Contender for Matcher<B, KEEPS_PLACE> {
    const REDUCES_IN_PLACE: bool = KEEPS_PLACE;

    #[inline]
    fn apply(&mut self, message: &Message) {
        self.on_message(message);
        std::hint::black_box(&self.trades);
    }

    fn apply_and_tell(&mut self, message: &Message, trades: &mut Vec<Execution>) {
        self.on_message(message);
        trades.extend_from_slice(&self.trades);
    }

    fn depth(&self) -> Depth {
        [Side::Buy, Side::Sell]
            .map(|side| self.book.levels(side).map(|level| (level.price.0, level.quantity.0)).collect())
    }

    fn memory(&self) -> Option<(usize, usize)> {
        Some((self.book.len(), self.book.memory_bytes() + self.index.memory_bytes()))
    }
}
