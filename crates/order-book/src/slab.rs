//! One array of 32-byte nodes for orders and levels alike.
//!
//! A level's queue is a ring: the level's own node stands between the youngest order and the oldest. So every node in
//! a queue always has two neighbours, and linking and unlinking need no test for "is it the first, is it the last",
//! tests no branch predictor could guess. Two nodes share a cache line; freed nodes are used again last first, while
//! they are still in the cache.

use crate::Level;
use model::{Price, Quantity, Side};

/// No node.
pub(crate) const NONE: u32 = u32::MAX;
/// What `level` holds in a free node.
const FREE: u32 = u32::MAX;
/// What `level` holds in a node that is itself a level of bids.
const BIDS: u32 = u32::MAX - 1;
/// What `level` holds in a node that is itself a level of asks.
const ASKS: u32 = u32::MAX - 2;
/// The most nodes there can be: every index below is a node, everything above means something else.
const MAX_NODES: usize = ASKS as usize;

/// An order, a level, or a free place.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub(crate) struct Node {
    /// An order's id; a level's price (as bits).
    pub(crate) word: u64,
    /// An order's leaves; the sum of them in a level.
    pub(crate) quantity: u64,
    /// The next younger order, then the level. From the level: the oldest order. In a free node: the next free one.
    pub(crate) next: u32,
    /// The next older order, then the level. From the level: the youngest order.
    pub(crate) prev: u32,
    /// An order's level, or what kind of other node this is.
    level: u32,
    /// An order's owner; how many orders a level has.
    pub(crate) count: u32,
}

const _: () = assert!(size_of::<Node>() == 32);

impl Node {
    /// An order's level. Panics for anything that is not an order: a handle was used after its order had left.
    #[inline]
    pub(crate) fn level_of_order(&self) -> u32 {
        assert!(self.level < ASKS, "a handle is used only while its order rests");
        self.level
    }

    /// A level's side.
    #[inline]
    pub(crate) fn side_of_level(&self) -> Side {
        debug_assert!(self.level == BIDS || self.level == ASKS);
        if self.level == BIDS { Side::Buy } else { Side::Sell }
    }

    /// A level's price.
    #[inline]
    pub(crate) fn price_of_level(&self) -> Price {
        debug_assert!(self.level == BIDS || self.level == ASKS);
        Price(self.word.cast_signed())
    }

    /// A level as the outside sees it.
    #[inline]
    pub(crate) fn as_level(&self) -> Level {
        Level { price: self.price_of_level(), quantity: Quantity(self.quantity), orders: self.count }
    }
}

/// The nodes, used and free.
#[derive(Clone, Debug)]
pub(crate) struct Slab {
    nodes: Vec<Node>,
    free: u32,
}

impl Default for Slab {
    fn default() -> Self {
        Self { nodes: Vec::new(), free: NONE }
    }
}

impl Slab {
    /// Room for `nodes` nodes before the next allocation.
    pub(crate) fn reserve(&mut self, nodes: usize) {
        self.nodes.reserve_exact(nodes.saturating_sub(self.nodes.len()));
    }

    /// Bytes allocated.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.nodes.capacity() * size_of::<Node>()
    }

    #[inline]
    pub(crate) fn node(&self, index: u32) -> &Node {
        &self.nodes[index as usize]
    }

    #[inline]
    pub(crate) fn node_mut(&mut self, index: u32) -> &mut Node {
        &mut self.nodes[index as usize]
    }

    /// A new level without orders: the caller adds one at once.
    pub(crate) fn new_level(&mut self, side: Side, price: Price) -> u32 {
        let index = self.take();
        let node = self.node_mut(index);
        node.word = price.0.cast_unsigned();
        node.quantity = 0;
        node.next = index;
        node.prev = index;
        node.level = match side {
            Side::Buy => BIDS,
            Side::Sell => ASKS,
        };
        node.count = 0;
        index
    }

    /// A new order at the back of a level's queue.
    #[inline]
    pub(crate) fn push_back(&mut self, level: u32, order_id: u64, owner: u32, leaves: u64) -> u32 {
        let index = self.take();
        let ring = self.node_mut(level);
        ring.quantity = ring.quantity.checked_add(leaves).expect("a level's quantity fits 64 bits");
        ring.count += 1;
        let youngest = ring.prev;
        ring.prev = index;
        self.node_mut(youngest).next = index;
        // Field by field: a node put together elsewhere would be read back in wider words than it was just written in,
        // which stalls until the writes have left the store buffer.
        let order = self.node_mut(index);
        order.word = order_id;
        order.quantity = leaves;
        order.next = level;
        order.prev = youngest;
        order.level = level;
        order.count = owner;
        index
    }

    /// Takes an order out of its queue and frees its node. Says how many orders its level still has.
    #[inline]
    pub(crate) fn unlink(&mut self, index: u32, order: Node) -> u32 {
        self.node_mut(order.prev).next = order.next;
        self.node_mut(order.next).prev = order.prev;
        let level = self.node_mut(order.level);
        level.quantity -= order.quantity;
        level.count -= 1;
        let left = level.count;
        self.give_back(index);
        left
    }

    /// Frees a level's node.
    pub(crate) fn drop_level(&mut self, index: u32) {
        debug_assert!(self.node(index).next == index && self.node(index).count == 0);
        self.give_back(index);
    }

    /// A free node, for the caller to fill.
    #[inline]
    fn take(&mut self) -> u32 {
        let index = self.free;
        if index == NONE {
            return self.grow();
        }
        self.free = self.node(index).next;
        index
    }

    #[cold]
    fn grow(&mut self) -> u32 {
        assert!(self.nodes.len() < MAX_NODES, "a book holds fewer than 4 billion orders and levels");
        let index = self.nodes.len();
        // An eighth at a time rather than doubling: the spare room counts against the bytes an order may cost.
        if index == self.nodes.capacity() {
            self.nodes.reserve_exact((index / 8).max(64));
        }
        self.nodes.push(Node { word: 0, quantity: 0, next: 0, prev: 0, level: FREE, count: 0 });
        u32::try_from(index).expect("below MAX_NODES")
    }

    #[inline]
    fn give_back(&mut self, index: u32) {
        let free = self.free;
        let node = self.node_mut(index);
        node.level = FREE;
        node.next = free;
        self.free = index;
    }
}
