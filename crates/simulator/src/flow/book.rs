//! The flow's own idea of the book: which orders rest, so that it never cancels one that does not, and what an aggressor
//! takes, so that it knows when they are gone. It is strict price-time like the real ones, and was written apart from them: the
//! benchmarks' flow must not change because the book under test did.

use model::{Price, Quantity, Side};
use std::collections::BTreeMap;

/// Where a resting order is.
pub(super) type Slot = u32;

const NONE: Slot = Slot::MAX;

#[derive(Clone, Copy, Debug)]
pub(super) struct GhostOrder {
    pub(super) id: u64,
    pub(super) side: Side,
    pub(super) price: Price,
    pub(super) leaves: Quantity,
    /// How often it was replaced.
    pub(super) revision: u32,
    /// Whether part of it has traded.
    pub(super) traded: bool,
    /// Its neighbours in the queue at its price.
    older: Slot,
    younger: Slot,
    /// Its place in [`GhostBook::resting`].
    position: u32,
}

/// The queue at one price.
#[derive(Clone, Copy, Debug)]
struct Queue {
    oldest: Slot,
    youngest: Slot,
}

#[derive(Clone, Debug, Default)]
pub(super) struct GhostBook {
    orders: Vec<GhostOrder>,
    free: Vec<Slot>,
    /// All resting orders in no particular order, to pick one by chance.
    resting: Vec<Slot>,
    bids: BTreeMap<Price, Queue>,
    asks: BTreeMap<Price, Queue>,
    bid_orders: usize,
}

impl GhostBook {
    pub(super) fn len(&self) -> usize {
        self.resting.len()
    }

    pub(super) fn side_len(&self, side: Side) -> usize {
        match side {
            Side::Buy => self.bid_orders,
            Side::Sell => self.resting.len() - self.bid_orders,
        }
    }

    pub(super) fn get(&self, slot: Slot) -> &GhostOrder {
        &self.orders[slot as usize]
    }

    /// The `index`th resting order, in no particular order.
    pub(super) fn nth(&self, index: u64) -> Slot {
        self.resting[usize::try_from(index).expect("an index below the length")]
    }

    fn best_queue(&self, side: Side) -> Option<(Price, Queue)> {
        match side {
            Side::Buy => self.bids.last_key_value(),
            Side::Sell => self.asks.first_key_value(),
        }
        .map(|(&price, &queue)| (price, queue))
    }

    pub(super) fn best(&self, side: Side) -> Option<Price> {
        self.best_queue(side).map(|(price, _)| price)
    }

    /// The order that would trade next on a side.
    pub(super) fn front(&self, side: Side) -> Option<Slot> {
        self.best_queue(side).map(|(_, queue)| queue.oldest)
    }

    /// The side whose best price the mid-price has run over, and by how many ticks.
    pub(super) fn stale(&self, mid: Price) -> Option<(Side, u64)> {
        match (self.best(Side::Buy), self.best(Side::Sell)) {
            (Some(bid), _) if bid >= mid => Some((Side::Buy, (bid.0 - mid.0).unsigned_abs())),
            (_, Some(ask)) if ask <= mid => Some((Side::Sell, (mid.0 - ask.0).unsigned_abs())),
            _ => None,
        }
    }

    pub(super) fn add(&mut self, id: u64, side: Side, price: Price, leaves: Quantity) {
        let position = u32::try_from(self.resting.len()).expect("fewer than 2^32 resting orders");
        let order = GhostOrder {
            id,
            side,
            price,
            leaves,
            revision: 0,
            traded: false,
            older: NONE,
            younger: NONE,
            position,
        };
        let slot = if let Some(slot) = self.free.pop() {
            self.orders[slot as usize] = order;
            slot
        } else {
            self.orders.push(order);
            Slot::try_from(self.orders.len() - 1).expect("fewer than 2^32 resting orders")
        };
        self.resting.push(slot);
        self.bid_orders += usize::from(side == Side::Buy);
        self.enqueue(slot);
    }

    pub(super) fn remove(&mut self, slot: Slot) -> GhostOrder {
        self.dequeue(slot);
        let order = self.orders[slot as usize];
        self.resting.swap_remove(order.position as usize);
        if let Some(&moved) = self.resting.get(order.position as usize) {
            self.orders[moved as usize].position = order.position;
        }
        self.bid_orders -= usize::from(order.side == Side::Buy);
        self.free.push(slot);
        order
    }

    pub(super) fn replace(&mut self, slot: Slot, price: Price, leaves: Quantity) {
        let order = &mut self.orders[slot as usize];
        order.revision += 1;
        if order.price == price && leaves <= order.leaves {
            order.leaves = leaves;
            return;
        }
        self.dequeue(slot);
        let order = &mut self.orders[slot as usize];
        (order.price, order.leaves) = (price, leaves);
        self.enqueue(slot);
    }

    /// What an immediate-or-cancel order does to the book.
    pub(super) fn take(&mut self, side: Side, limit: Price, mut qty: Quantity) {
        while !qty.is_zero()
            && let Some((price, queue)) = self.best_queue(side.opposite())
            && match side {
                Side::Buy => price <= limit,
                Side::Sell => price >= limit,
            }
        {
            let maker = &mut self.orders[queue.oldest as usize];
            let traded = qty.min(maker.leaves);
            maker.leaves -= traded;
            maker.traded = true;
            qty -= traded;
            if maker.leaves.is_zero() {
                self.remove(queue.oldest);
            }
        }
    }

    fn queues(&mut self, side: Side) -> &mut BTreeMap<Price, Queue> {
        match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        }
    }

    fn enqueue(&mut self, slot: Slot) {
        let GhostOrder { side, price, .. } = self.orders[slot as usize];
        let queue = self.queues(side).entry(price).or_insert(Queue { oldest: slot, youngest: NONE });
        let older = std::mem::replace(&mut queue.youngest, slot);
        if older != NONE {
            self.orders[older as usize].younger = slot;
        }
        let order = &mut self.orders[slot as usize];
        (order.older, order.younger) = (older, NONE);
    }

    fn dequeue(&mut self, slot: Slot) {
        let GhostOrder { side, price, older, younger, .. } = self.orders[slot as usize];
        if older != NONE {
            self.orders[older as usize].younger = younger;
        }
        if younger != NONE {
            self.orders[younger as usize].older = older;
        }
        if older != NONE && younger != NONE {
            return;
        }
        let queues = self.queues(side);
        let queue = queues.get_mut(&price).expect("a resting order has a queue");
        if older == NONE {
            queue.oldest = younger;
        }
        if younger == NONE {
            queue.youngest = older;
        }
        if queue.oldest == NONE {
            queues.remove(&price);
        }
    }
}
