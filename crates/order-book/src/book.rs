//! The fast book.

use crate::side::Levels;
use crate::slab::{NONE, Slab};
use crate::{Handle, Level, OrderBook, Resting};
use model::{AccountId, OrderId, Price, Quantity, Side};

/// The book the exchange runs on: nodes of 32 bytes in one array, levels found by price in one load, the next best
/// level by counting zeros.
#[derive(Clone, Debug)]
pub struct Book {
    /// Bids, then asks: a side is an index rather than a branch, because which comes next nobody can predict.
    halves: [Levels; 2],
    slab: Slab,
    orders: usize,
}

impl Default for Book {
    fn default() -> Self {
        Self { halves: [Levels::new(Side::Buy), Levels::new(Side::Sell)], slab: Slab::default(), orders: 0 }
    }
}

impl Book {
    /// A book that allocates nothing until it holds more than so many orders and levels together.
    pub fn with_capacity(orders_and_levels: usize) -> Self {
        let mut book = Self::default();
        book.slab.reserve(orders_and_levels);
        book
    }

    /// Every byte it has allocated, used or spare, and itself.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>()
            + self.slab.memory_bytes()
            + self.halves.iter().map(Levels::memory_bytes).sum::<usize>()
    }

    #[inline]
    fn half(&self, side: Side) -> &Levels {
        &self.halves[usize::from(side == Side::Sell)]
    }

    #[inline]
    fn half_mut(&mut self, side: Side) -> &mut Levels {
        &mut self.halves[usize::from(side == Side::Sell)]
    }

    /// An order that is known to be in a level at `price`.
    #[inline]
    fn resting(&self, order: u32, price: Price) -> Resting {
        let node = self.slab.node(order);
        Resting {
            order_id: OrderId(node.word),
            owner: AccountId(node.count),
            price,
            leaves: Quantity(node.quantity),
        }
    }

    fn end_level(&mut self, level: u32) {
        let node = self.slab.node(level);
        let (side, price) = (node.side_of_level(), node.price_of_level());
        let levels = self.half_mut(side);
        levels.remove(levels.key(price), level);
        self.slab.drop_level(level);
    }
}

impl OrderBook for Book {
    #[inline]
    fn add(&mut self, side: Side, order: Resting) -> Handle {
        assert!(!order.leaves.is_zero(), "an order that rests has something left");
        let key = self.half(side).key(order.price);
        let mut level = self.half(side).find(key);
        if level == NONE {
            level = self.slab.new_level(side, order.price);
            self.half_mut(side).insert(key, level);
        }
        self.orders += 1;
        Handle(self.slab.push_back(level, order.order_id.0, order.owner.0, order.leaves.0))
    }

    #[inline]
    fn remove(&mut self, handle: Handle) -> Resting {
        let node = *self.slab.node(handle.0);
        let level = node.level_of_order();
        let price = self.slab.node(level).price_of_level();
        self.orders -= 1;
        if self.slab.unlink(handle.0, node) == 0 {
            self.end_level(level);
        }
        Resting {
            order_id: OrderId(node.word),
            owner: AccountId(node.count),
            price,
            leaves: Quantity(node.quantity),
        }
    }

    #[inline]
    fn reduce(&mut self, handle: Handle, by: Quantity) -> Quantity {
        assert!(!by.is_zero(), "a reduction takes something off");
        let node = self.slab.node_mut(handle.0);
        let level = node.level_of_order();
        let left = node.quantity.checked_sub(by.0).expect("a reduction takes off no more than there is");
        if left == 0 {
            self.remove(handle);
        } else {
            node.quantity = left;
            self.slab.node_mut(level).quantity -= by.0;
        }
        Quantity(left)
    }

    #[inline]
    fn get(&self, handle: Handle) -> Resting {
        let level = self.slab.node(handle.0).level_of_order();
        self.resting(handle.0, self.slab.node(level).price_of_level())
    }

    #[inline]
    fn side(&self, handle: Handle) -> Side {
        let level = self.slab.node(handle.0).level_of_order();
        self.slab.node(level).side_of_level()
    }

    #[inline]
    fn best(&self, side: Side) -> Option<Level> {
        let level = self.half(side).best();
        if level == NONE { None } else { Some(self.slab.node(level).as_level()) }
    }

    #[inline]
    fn front(&self, side: Side) -> Option<(Handle, Resting)> {
        let level = self.half(side).best();
        if level == NONE {
            return None;
        }
        let node = self.slab.node(level);
        Some((Handle(node.next), self.resting(node.next, node.price_of_level())))
    }

    fn levels(&self, side: Side) -> impl Iterator<Item = Level> + '_ {
        self.half(side).iter().map(|level| self.slab.node(level).as_level())
    }

    fn orders(&self, side: Side) -> impl Iterator<Item = (Handle, Resting)> + '_ {
        self.half(side).iter().flat_map(move |level| {
            let ring = self.slab.node(level);
            let price = ring.price_of_level();
            let following =
                move |&order: &u32| Some(self.slab.node(order).next).filter(|&next| next != level);
            std::iter::successors(Some(ring.next), following)
                .map(move |order| (Handle(order), self.resting(order, price)))
        })
    }

    #[inline]
    fn len(&self) -> usize {
        self.orders
    }
}
