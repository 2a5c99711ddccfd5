//! The table of working orders: found by slot, which is part of their id, and chained per account by age.
//!
//! Slots are handed out last in, first out, so that a log always gives the same ids and the table stays warm. An order
//! keeps its slot, its id and its place in the chain through every replace.

use model::{
    AccountId, ClOrdId, InstrumentId, OrderId, OrderType, Price, Quantity, SelfTradePrevention, Side,
    TimeInForce, Timestamp,
};

/// No slot, no handle, no place.
pub(crate) const NONE: u32 = u32::MAX;

/// A working order.
#[derive(Clone, Debug)]
#[repr(align(32))]
pub struct Order {
    /// The exchange's id for it; greater for younger orders.
    pub id: OrderId,
    /// The client's id for it.
    pub cl_ord_id: ClOrdId,
    /// Whose it is.
    pub account: AccountId,
    /// In what.
    pub instrument: InstrumentId,
    /// Its limit in ticks; 0 for a market order.
    pub price: Price,
    /// What still works, in lots. Never zero between commands.
    pub leaves: Quantity,
    /// What has traded, in lots.
    pub cum: Quantity,
    /// When it expires, if it is `gtd`; [`Timestamp::NONE`] otherwise.
    pub expire_at: Timestamp,
    /// Its place in the book; [`NONE`] while it is incoming.
    pub(crate) handle: u32,
    /// Its place among the timers; [`NONE`] without one.
    pub(crate) timer: u32,
    /// Buy or sell.
    pub side: Side,
    /// Market or limit.
    pub order_type: OrderType,
    /// How long it works.
    pub time_in_force: TimeInForce,
    /// Whether it must not take.
    pub post_only: bool,
    /// What happens when it comes in and meets an order of its own account. Never `Default`.
    pub self_trade_prevention: SelfTradePrevention,
}

// Aligned to half a cache line, so that none touches a third one: nearly every command finds an order at random.
const _: () = assert!(size_of::<Order>() == 96);

impl Order {
    /// A vacant slot.
    const VACANT: Self = Self {
        id: OrderId::NONE,
        cl_ord_id: ClOrdId::EMPTY,
        account: AccountId::UNKNOWN,
        instrument: InstrumentId::UNKNOWN,
        price: Price(0),
        leaves: Quantity::ZERO,
        cum: Quantity::ZERO,
        expire_at: Timestamp::NONE,
        handle: NONE,
        timer: NONE,
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Day,
        post_only: false,
        self_trade_prevention: SelfTradePrevention::CancelNewest,
    };

    /// Its total quantity, in lots: what has traded and what still works.
    pub fn quantity(&self) -> Quantity {
        self.cum + self.leaves
    }

    /// Whether it rests in its instrument's book. Always, between commands.
    pub const fn is_booked(&self) -> bool {
        self.handle != NONE
    }
}

/// The ends of an account's chain of working orders.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct AgeList {
    pub oldest: u32,
    pub youngest: u32,
}

impl AgeList {
    pub const EMPTY: Self = Self { oldest: NONE, youngest: NONE };
}

/// An order's neighbours in its account's chain.
#[derive(Clone, Copy, Debug)]
struct Link {
    older: u32,
    younger: u32,
}

/// The table of working orders.
#[derive(Clone, Debug, Default)]
pub(crate) struct Orders {
    slots: Vec<Order>,
    /// By slot. Apart from the orders, because an order that goes touches both its neighbours here: eight bytes each stay in
    /// the cache where a hundred would not.
    links: Vec<Link>,
    free: Vec<u32>,
    /// Orders accepted since the beginning of the log.
    accepted: u64,
}

impl Orders {
    /// How many orders work.
    pub fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// The id the next accepted order will have.
    #[inline]
    pub fn next_id(&self) -> OrderId {
        let slot = match self.free.last() {
            Some(&slot) => slot,
            None => u32::try_from(self.slots.len()).expect("bounded by MAX_WORKING_ORDERS"),
        };
        OrderId::new(self.accepted + 1, slot)
    }

    /// The order of an id, if it works.
    #[inline]
    pub fn get(&self, id: OrderId) -> Option<&Order> {
        self.slots.get(id.slot() as usize).filter(|order| order.id == id && id != OrderId::NONE)
    }

    /// The order in a slot, which may be vacant.
    #[inline]
    pub fn slot(&self, slot: u32) -> Option<&Order> {
        self.slots.get(slot as usize)
    }

    /// The order in a slot, if one is in it.
    pub fn slot_mut(&mut self, slot: u32) -> Option<&mut Order> {
        self.slots.get_mut(slot as usize).filter(|order| order.id != OrderId::NONE)
    }

    /// The order of an id that the log says works.
    #[inline]
    pub fn working(&mut self, id: OrderId) -> &mut Order {
        let order = &mut self.slots[id.slot() as usize];
        assert_eq!(order.id, id, "an event is about an order that works");
        order
    }

    /// All working orders, by slot.
    pub fn iter(&self) -> impl Iterator<Item = &Order> {
        self.slots.iter().filter(|order| order.id != OrderId::NONE)
    }

    /// An account's working orders, oldest first.
    pub fn of(&self, ages: AgeList) -> impl Iterator<Item = &Order> {
        let order = move |slot: u32| self.slots.get(slot as usize);
        let younger = move |last: &Order| self.links[last.id.slot() as usize].younger;
        std::iter::successors(order(ages.oldest), move |last| order(younger(last)))
    }

    /// Takes in the order that [`Orders::next_id`] named, as the youngest of its account.
    #[inline]
    pub fn insert(&mut self, order: Order, ages: &mut AgeList) {
        assert_eq!(order.id, self.next_id(), "orders are numbered in the order of acceptance");
        let slot = order.id.slot();
        if self.free.pop().is_some() {
            self.slots[slot as usize] = order;
        } else {
            self.slots.push(order);
            self.links.push(Link { older: NONE, younger: NONE });
        }
        self.accepted += 1;
        self.append(slot, ages);
    }

    /// Vacates the slot of an order that stopped working.
    #[inline]
    pub fn remove(&mut self, id: OrderId, ages: &mut AgeList) {
        let slot = id.slot();
        self.working(id).id = OrderId::NONE;
        let Link { older, younger } = self.links[slot as usize];
        match self.links.get_mut(older as usize) {
            Some(link) => link.younger = younger,
            None => ages.oldest = younger,
        }
        match self.links.get_mut(younger as usize) {
            Some(link) => link.older = older,
            None => ages.youngest = older,
        }
        self.free.push(slot);
    }

    /// Makes room for as many orders as may ever work, so that the table never moves.
    pub fn reserve(&mut self, orders: usize) {
        self.slots.reserve_exact(orders);
        self.links.reserve_exact(orders);
        self.free.reserve_exact(orders);
    }

    pub fn capacity(&self) -> usize {
        self.slots.capacity()
    }

    /// Chains the order in a slot as the youngest of its account.
    pub fn append(&mut self, slot: u32, ages: &mut AgeList) {
        self.links[slot as usize] = Link { older: ages.youngest, younger: NONE };
        match self.links.get_mut(ages.youngest as usize) {
            Some(link) => link.younger = slot,
            None => ages.oldest = slot,
        }
        ages.youngest = slot;
    }

    /// Looks where an order's neighbours in its account's chain are, so that taking it out soon after is quick. What it
    /// returns means nothing.
    #[inline]
    pub fn touch_neighbours(&self, slot: u32) -> u64 {
        let Link { older, younger } = self.links[slot as usize];
        let seen = |slot: u32| self.links.get(slot as usize).map_or(0, |link| u64::from(link.older));
        seen(older) ^ seen(younger)
    }

    /// Orders accepted since the beginning of the log.
    pub fn accepted(&self) -> u64 {
        self.accepted
    }

    /// How many slots have ever been used, and the vacant ones, the next to be used last.
    pub fn vacancies(&self) -> (usize, &[u32]) {
        (self.slots.len(), &self.free)
    }

    /// A table with nothing but vacant slots and room for so many orders, when a snapshot is read.
    pub fn restored(accepted: u64, used: usize, free: Vec<u32>, room: usize) -> Self {
        let mut table = Self { slots: Vec::new(), links: Vec::new(), free, accepted };
        if used > 0 {
            table.reserve(room);
            table.slots.resize(used, Order::VACANT);
            table.links.resize(used, Link { older: NONE, younger: NONE });
        }
        table
    }

    /// Puts an order into its slot, when a snapshot is read. Says whether the slot was there and vacant.
    pub fn restore(&mut self, order: Order) -> bool {
        match self.slots.get_mut(order.id.slot() as usize) {
            Some(vacant) if vacant.id == OrderId::NONE => {
                *vacant = order;
                true
            }
            _ => false,
        }
    }
}
