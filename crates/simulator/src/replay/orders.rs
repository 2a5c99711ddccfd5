//! The orders of a replay: what the market calls them, what our exchange calls them, and how much of each is left there and here.

use model::{
    AccountId, CancelOrder, ClOrdId, Command, OrderId, OrderType, ReplaceOrder, SelfTradePrevention,
};
use model::{InstrumentId, Side, SubmitOrder, TimeInForce, Timestamp};
use std::collections::BTreeMap;

/// Who an order is. Ordered, so that iteration is the same everywhere.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum Key {
    /// An order of the market, by the feed's number for its instrument and the market's id.
    Market { instrument: u32, id: u64 },
    /// Stands in for liquidity that the feed shows only as a level.
    Seed(u64),
    /// An aggressor that the feed shows only by what it did.
    Taker(u64),
}

/// An order that rests there, or here.
#[derive(Clone, Copy, Debug)]
pub(super) struct Order {
    pub(super) instrument: u32,
    pub(super) side: Side,
    /// At the feed's scale.
    pub(super) price: i64,
    /// What rests of it in the market.
    pub(super) theirs: u64,
    /// What rests of it here.
    pub(super) ours: u64,
    /// Its total quantity, as our exchange was last told.
    total: u64,
    cl_ord_id: ClOrdId,
    revision: u32,
    /// Whether the market filled it in the event that is being told, so that a cancel or change of it is to be expected.
    pub(super) filling: bool,
}

/// How commands are written: whose, in what decimals, under which ids.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pen {
    pub(super) buyer: AccountId,
    pub(super) seller: AccountId,
    pub(super) price_scale: u8,
    pub(super) session: u16,
}

impl Pen {
    const fn account(&self, side: Side) -> AccountId {
        match side {
            Side::Buy => self.buyer,
            Side::Sell => self.seller,
        }
    }

    /// The market's own id where it fits, so that a person can find the order in the log: `6413245567536`, `6413245567536.2` after it
    /// was replaced twice, `seed-7`, `taker-9`; otherwise all of it packed into the form of a UUID.
    fn cl_ord_id(&self, key: Key, revision: u32) -> ClOrdId {
        let mut text = match key {
            Key::Market { id, .. } => id.to_string(),
            Key::Seed(number) => format!("seed-{number}"),
            Key::Taker(number) => format!("taker-{number}"),
        };
        if revision > 0 {
            text = format!("{text}.{revision}");
        }
        if self.session > 0 {
            text = format!("{}:{text}", self.session);
        }
        ClOrdId::new(&text).unwrap_or_else(|_| {
            let (kind, id) = match key {
                Key::Market { id, .. } => (0, id),
                Key::Seed(number) => (1, number),
                Key::Taker(number) => (2, number),
            };
            let (low, high) = (id & 0xffff_ffff_ffff, id >> 48);
            let packed = format!("{revision:08x}-{:04x}-{kind:04x}-{high:04x}-{low:012x}", self.session);
            ClOrdId::new(&packed).expect("36 characters of a lower-case UUID")
        })
    }

    pub(super) fn submit(
        &self,
        instrument: InstrumentId,
        (key, side, price, qty): (Key, Side, i64, u64),
        time_in_force: TimeInForce,
    ) -> SubmitOrder {
        SubmitOrder {
            cl_ord_id: self.cl_ord_id(key, 0),
            account: self.account(side),
            instrument,
            price_units: price,
            quantity_units: quantity_units(qty),
            expire_at: Timestamp::NONE,
            price_scale: self.price_scale,
            quantity_scale: 0,
            side,
            order_type: OrderType::Limit,
            time_in_force,
            post_only: false,
            self_trade_prevention: SelfTradePrevention::Default,
            reserved: 0,
        }
    }
}

/// A quantity of a feed fits 32 bits in DBN and ITCH; what a LOBSTER file claims past 63 bits is refused as a quantity by the exchange.
fn quantity_units(qty: u64) -> i64 {
    i64::try_from(qty).unwrap_or(i64::MAX)
}

/// All orders that rest there or here.
#[derive(Debug, Default)]
pub(super) struct OrderTable {
    orders: BTreeMap<Key, Order>,
    /// Our exchange's ids of them, and of aggressors.
    by_order_id: BTreeMap<OrderId, Key>,
    /// Those our exchange has been sent and not answered.
    by_cl_ord_id: BTreeMap<ClOrdId, Key>,
    /// Seeds by instrument, side number and price, oldest first.
    seeds: BTreeMap<(u32, u8, i64), Vec<Key>>,
}

impl OrderTable {
    pub(super) fn get(&self, key: Key) -> Option<&Order> {
        self.orders.get(&key)
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Order> {
        self.orders.get_mut(&key)
    }

    /// The key of an order of our exchange.
    pub(super) fn key_of(&self, order_id: OrderId) -> Option<Key> {
        self.by_order_id.get(&order_id).copied()
    }

    /// Adds an order that is about to be submitted.
    pub(super) fn add(&mut self, key: Key, submit: &SubmitOrder, instrument: u32, qty: u64) {
        self.by_cl_ord_id.insert(submit.cl_ord_id, key);
        let order = Order {
            instrument,
            side: submit.side,
            price: submit.price_units,
            theirs: qty,
            ours: qty,
            total: qty,
            cl_ord_id: submit.cl_ord_id,
            revision: 0,
            filling: false,
        };
        self.orders.insert(key, order);
        if let Key::Seed(_) = key {
            self.seeds.entry((instrument, submit.side as u8, submit.price_units)).or_default().push(key);
        }
    }

    /// Remembers an aggressor, to recognise its trades.
    pub(super) fn add_taker(&mut self, key: Key, cl_ord_id: ClOrdId) {
        self.by_cl_ord_id.insert(cl_ord_id, key);
    }

    /// Our exchange took an order in.
    pub(super) fn accepted(&mut self, cl_ord_id: ClOrdId, order_id: OrderId) {
        if let Some(key) = self.by_cl_ord_id.remove(&cl_ord_id) {
            self.by_order_id.insert(order_id, key);
        }
    }

    /// Our exchange did not take an order in.
    pub(super) fn rejected(&mut self, cl_ord_id: ClOrdId) {
        if let Some(key) = self.by_cl_ord_id.remove(&cl_ord_id) {
            if let Some(order) = self.orders.get_mut(&key) {
                order.ours = 0;
            }
            self.tidy(key);
        }
    }

    /// An order of our exchange works no more.
    pub(super) fn ended(&mut self, order_id: OrderId) {
        self.by_order_id.remove(&order_id);
    }

    /// Part of an order traded here.
    pub(super) fn traded_here(&mut self, key: Key, qty: u64) {
        if let Some(order) = self.orders.get_mut(&key) {
            order.ours = order.ours.saturating_sub(qty);
        }
        self.tidy(key);
    }

    /// Forgets an order that rests neither there nor here. A seed rests in the market until it is used up here.
    pub(super) fn tidy(&mut self, key: Key) {
        let Some(order) = self.orders.get(&key) else { return };
        let is_seed = matches!(key, Key::Seed(_));
        if order.ours > 0 || (order.theirs > 0 && !is_seed) || order.filling {
            return;
        }
        if is_seed {
            let place = (order.instrument, order.side as u8, order.price);
            if let Some(seeds) = self.seeds.get_mut(&place) {
                seeds.retain(|&seed| seed != key);
                if seeds.is_empty() {
                    self.seeds.remove(&place);
                }
            }
        }
        self.orders.remove(&key);
    }

    /// The oldest seed at a price.
    pub(super) fn seed_at(&self, instrument: u32, side: Side, price: i64) -> Option<Key> {
        self.seeds.get(&(instrument, side as u8, price)).and_then(|seeds| seeds.first()).copied()
    }

    /// Orders that rest here at a price, youngest last.
    pub(super) fn resting_at(&self, instrument: u32, side: Side, price: i64) -> Vec<Key> {
        let at = |order: &Order| (order.instrument, order.side, order.price) == (instrument, side, price);
        self.orders.iter().filter(|(_, order)| order.ours > 0 && at(order)).map(|(&key, _)| key).collect()
    }

    /// Forgets every order of an instrument.
    pub(super) fn clear(&mut self, instrument: u32) {
        self.orders.retain(|_, order| order.instrument != instrument);
        self.seeds.retain(|&(of, ..), _| of != instrument);
    }

    /// Whether any order of an instrument rests here.
    pub(super) fn any_of(&self, instrument: u32) -> bool {
        self.orders.values().any(|order| order.instrument == instrument && order.ours > 0)
    }

    /// The command that leaves `rest` of an order at `price`, and notes it as done. The order must rest here.
    pub(super) fn change(&mut self, pen: &Pen, key: Key, price: i64, rest: u64) -> Command {
        let order = self.orders.get_mut(&key).expect("the caller has looked it up");
        let (account, cl_ord_id) = (pen.account(order.side), order.cl_ord_id);
        if rest == 0 {
            order.ours = 0;
            self.tidy(key);
            return CancelOrder { cl_ord_id, account, reserved: 0 }.into();
        }
        order.total = (order.total - order.ours).saturating_add(rest);
        order.ours = rest;
        order.revision += 1;
        order.cl_ord_id = pen.cl_ord_id(key, order.revision);
        let price_units = if price == order.price { i64::MIN } else { price };
        order.price = price;
        let price_scale = if price_units == i64::MIN { 0 } else { pen.price_scale };
        ReplaceOrder {
            cl_ord_id,
            new_cl_ord_id: order.cl_ord_id,
            price_units,
            quantity_units: quantity_units(order.total),
            account,
            price_scale,
            quantity_scale: 0,
            reserved: [0; 2],
        }
        .into()
    }
}
