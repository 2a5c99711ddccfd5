//! Orders as their owners see them: every order that works, and the newest of those that no longer do, each with what
//! has become of it. A fold over the same events as the engine's state, with the history that the engine forgets.

use model::{
    AccountId, CancelReason, ClOrdId, Event, InstrumentId, OrderAccepted, OrderCanceled, OrderId,
    OrderReduced, OrderReplaced, OrderType, Price, Quantity, Side, TimeInForce, Timestamp, Trade, TradeId,
};
use std::collections::{HashMap, VecDeque};

use crate::api::{Liquidity, OrdStatus};

/// An order as it stands, in the exchange's own units.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct OrderView {
    /// The exchange's id for it.
    pub order_id: OrderId,
    /// The client's id for it, the newest if it was replaced.
    pub cl_ord_id: ClOrdId,
    /// Whose.
    pub account: AccountId,
    /// In what.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// Market or limit.
    pub order_type: OrderType,
    /// How long it works.
    pub time_in_force: TimeInForce,
    /// Whether it must not take.
    pub post_only: bool,
    /// Its limit in ticks; 0 for a market order.
    pub price: Price,
    /// Its total quantity in lots.
    pub quantity: Quantity,
    /// What still works, in lots; 0 once it does not.
    pub leaves: Quantity,
    /// What has traded, in lots.
    pub cum: Quantity,
    /// The sum of price times quantity of its trades, in ticks times lots. None when some are not known.
    pub traded_value: Option<i128>,
    /// When it expires, if it is `gtd`; [`Timestamp::NONE`] otherwise.
    pub expire_at: Timestamp,
    /// What it is.
    pub status: OrdStatus,
    /// Why it stopped working before it was filled.
    pub cancel_reason: Option<CancelReason>,
    /// When it was accepted; [`Timestamp::NONE`] when that is not known.
    pub accepted_at: Timestamp,
    /// The event that made it what it is.
    pub sequence: u64,
    /// When that was.
    pub changed_at: Timestamp,
}

/// What happened to an order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum What {
    /// It was accepted.
    Accepted,
    /// It traded.
    Traded {
        /// The trade's number.
        trade_id: TradeId,
        /// In ticks.
        price: Price,
        /// In lots.
        quantity: Quantity,
        /// Whether it rested or came in.
        liquidity: Liquidity,
    },
    /// It stopped working before it was filled.
    Canceled,
    /// It has a new id, quantity or price.
    Replaced {
        /// The id it had before.
        orig_cl_ord_id: ClOrdId,
        /// Whether it kept its place in the queue.
        priority_kept: bool,
    },
    /// Self-trade prevention took something off it.
    Reduced {
        /// How much, in lots.
        by: Quantity,
    },
}

/// One thing that happened to one order, and the order right after.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Execution {
    /// What happened.
    pub what: What,
    /// The order right after; its `sequence` and `changed_at` are the event's.
    pub order: OrderView,
}

/// Where in the log an event stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct At {
    /// Its sequence number.
    pub sequence: u64,
    /// Its block's time.
    pub time: Timestamp,
}

/// All working orders and the newest `kept` of the others.
#[derive(Debug)]
pub struct Orders {
    /// By slot of the order id.
    working: Vec<Option<OrderView>>,
    /// In the order in which they stopped working; the first has number `done_first`.
    done: VecDeque<OrderView>,
    done_first: u64,
    kept: usize,
    done_numbers: HashMap<OrderId, u64>,
    by_client: HashMap<(AccountId, ClOrdId), OrderId>,
    /// Ids that orders had before they were replaced: still found, as many as orders are kept.
    superseded: VecDeque<(AccountId, ClOrdId)>,
}

impl Orders {
    /// No orders yet.
    pub fn new(kept: usize) -> Self {
        Self {
            working: Vec::new(),
            done: VecDeque::new(),
            done_first: 0,
            kept,
            done_numbers: HashMap::new(),
            by_client: HashMap::new(),
            superseded: VecDeque::new(),
        }
    }

    /// An order by the exchange's id.
    pub fn get(&self, id: OrderId) -> Option<&OrderView> {
        if let Some(order) = self.working(id) {
            return Some(order);
        }
        let number = self.done_numbers.get(&id)?;
        self.done.get(usize::try_from(number - self.done_first).ok()?)
    }

    /// An order by any id its client gave it; the newest, where an id was used on several days.
    pub fn find(&self, account: AccountId, cl_ord_id: &ClOrdId) -> Option<&OrderView> {
        self.get(*self.by_client.get(&(account, *cl_ord_id))?)
    }

    /// A working order by the exchange's id.
    pub fn working(&self, id: OrderId) -> Option<&OrderView> {
        self.working.get(id.slot() as usize)?.as_ref().filter(|order| order.order_id == id)
    }

    /// The orders that no longer work, newest first.
    pub fn done(&self) -> impl Iterator<Item = &OrderView> {
        self.done.iter().rev()
    }

    /// Takes in an event, and says what it did to which orders. An order that was accepted before the history began
    /// and is not [`adopt`](Self::adopt)ed is passed over.
    #[inline]
    pub fn apply(&mut self, event: &Event, at: At, mut tell: impl FnMut(Execution)) {
        match event {
            Event::OrderAccepted(event) => tell(self.accept(event, at)),
            Event::Trade(trade) => {
                for liquidity in [Liquidity::Taker, Liquidity::Maker] {
                    self.trade(trade, liquidity, at).map(&mut tell);
                }
            }
            Event::OrderCanceled(event) => {
                self.cancel(event, at).map(&mut tell);
            }
            Event::OrderReplaced(event) => {
                self.replace(event, at).map(&mut tell);
            }
            Event::OrderReduced(event) => {
                self.reduce(event, at).map(&mut tell);
            }
            _ => {}
        }
    }

    /// Takes in a working order whose history is not known.
    pub fn adopt(&mut self, order: &OrderView) {
        if self.working(order.order_id).is_none() {
            self.insert(*order);
        }
    }

    fn insert(&mut self, order: OrderView) {
        let slot = order.order_id.slot() as usize;
        if self.working.len() <= slot {
            self.working.resize(slot + 1, None);
        }
        self.working[slot] = Some(order);
        self.by_client.insert((order.account, order.cl_ord_id), order.order_id);
    }

    fn accept(&mut self, event: &OrderAccepted, at: At) -> Execution {
        let order = OrderView {
            order_id: event.order_id,
            cl_ord_id: event.cl_ord_id,
            account: event.account,
            instrument: event.instrument,
            side: event.side,
            order_type: event.order_type,
            time_in_force: event.time_in_force,
            post_only: event.post_only,
            price: event.price,
            quantity: event.quantity,
            leaves: event.quantity,
            cum: Quantity::ZERO,
            traded_value: Some(0),
            expire_at: event.expire_at,
            status: OrdStatus::New,
            cancel_reason: None,
            accepted_at: at.time,
            sequence: at.sequence,
            changed_at: at.time,
        };
        self.insert(order);
        Execution { what: What::Accepted, order }
    }

    /// Changes a working order; one that works no more afterwards moves to those that are kept for a while.
    fn change(&mut self, id: OrderId, at: At, change: impl FnOnce(&mut OrderView)) -> Option<OrderView> {
        let slot = self.working.get_mut(id.slot() as usize)?;
        let order = slot.as_mut().filter(|order| order.order_id == id)?;
        change(order);
        order.sequence = at.sequence;
        order.changed_at = at.time;
        let order = *order;
        if !order.status.is_working() {
            *slot = None;
            self.keep(order);
        }
        Some(order)
    }

    fn trade(&mut self, trade: &Trade, liquidity: Liquidity, at: At) -> Option<Execution> {
        let (id, filled) = match liquidity {
            Liquidity::Maker => (trade.maker_order_id, trade.maker_filled),
            Liquidity::Taker => (trade.taker_order_id, trade.taker_filled),
        };
        let order = self.change(id, at, |order| {
            order.cum += trade.quantity;
            order.leaves = order.leaves.saturating_sub(trade.quantity);
            order.traded_value = order
                .traded_value
                .map(|value| value + i128::from(trade.price.0) * i128::from(trade.quantity.0));
            order.status = if filled { OrdStatus::Filled } else { OrdStatus::PartiallyFilled };
        })?;
        let what = What::Traded {
            trade_id: trade.trade_id,
            price: trade.price,
            quantity: trade.quantity,
            liquidity,
        };
        Some(Execution { what, order })
    }

    fn cancel(&mut self, event: &OrderCanceled, at: At) -> Option<Execution> {
        let order = self.change(event.order_id, at, |order| {
            order.leaves = Quantity::ZERO;
            order.cancel_reason = Some(event.reason);
            order.status = match event.reason {
                CancelReason::Expired => OrdStatus::Expired,
                _ => OrdStatus::Canceled,
            };
        })?;
        Some(Execution { what: What::Canceled, order })
    }

    fn replace(&mut self, event: &OrderReplaced, at: At) -> Option<Execution> {
        let mut orig_cl_ord_id = ClOrdId::EMPTY;
        let order = self.change(event.order_id, at, |order| {
            orig_cl_ord_id = std::mem::replace(&mut order.cl_ord_id, event.cl_ord_id);
            order.price = event.price;
            order.quantity = event.quantity;
            order.leaves = event.quantity.saturating_sub(order.cum);
        })?;
        self.by_client.insert((order.account, order.cl_ord_id), order.order_id);
        self.superseded.push_back((order.account, orig_cl_ord_id));
        if self.superseded.len() > self.kept {
            self.forget_superseded();
        }
        let what = What::Replaced { orig_cl_ord_id, priority_kept: event.priority_kept };
        Some(Execution { what, order })
    }

    fn reduce(&mut self, event: &OrderReduced, at: At) -> Option<Execution> {
        let order = self.change(event.order_id, at, |order| {
            order.quantity = order.quantity.saturating_sub(event.by);
            order.leaves = event.leaves;
        })?;
        Some(Execution { what: What::Reduced { by: event.by }, order })
    }

    fn keep(&mut self, order: OrderView) {
        self.done_numbers.insert(order.order_id, self.done_first + self.done.len() as u64);
        self.done.push_back(order);
        if self.done.len() > self.kept
            && let Some(forgotten) = self.done.pop_front()
        {
            self.done_first += 1;
            self.done_numbers.remove(&forgotten.order_id);
            self.forget_id((forgotten.account, forgotten.cl_ord_id), forgotten.order_id);
        }
    }

    fn forget_superseded(&mut self) {
        let Some(key) = self.superseded.pop_front() else { return };
        // The id may belong to another order by now, or to this one again.
        let Some(&id) = self.by_client.get(&key) else { return };
        if self.get(id).is_none_or(|order| order.cl_ord_id != key.1) {
            self.by_client.remove(&key);
        }
    }

    fn forget_id(&mut self, key: (AccountId, ClOrdId), id: OrderId) {
        if self.by_client.get(&key) == Some(&id) {
            self.by_client.remove(&key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::SelfTradePrevention;

    const ALICE: AccountId = AccountId(0);
    const BOB: AccountId = AccountId(1);

    fn at(sequence: u64) -> At {
        At { sequence, time: Timestamp(i64::try_from(sequence).unwrap()) }
    }

    fn id(text: &str) -> ClOrdId {
        ClOrdId::new(text).unwrap()
    }

    fn accepted(count: u64, account: AccountId, cl_ord_id: &str, side: Side, quantity: u64) -> Event {
        OrderAccepted {
            order_id: OrderId::new(count, u32::try_from(count).unwrap()),
            cl_ord_id: id(cl_ord_id),
            account,
            instrument: InstrumentId(0),
            price: Price(1005),
            quantity: Quantity(quantity),
            expire_at: Timestamp::NONE,
            side,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Day,
            post_only: false,
            self_trade_prevention: SelfTradePrevention::CancelNewest,
            booked: true,
            reserved: [0; 10],
        }
        .into()
    }

    fn traded(
        maker: u64,
        taker: u64,
        price: i64,
        quantity: u64,
        maker_filled: bool,
        taker_filled: bool,
    ) -> Event {
        Trade {
            trade_id: TradeId(1),
            maker_order_id: OrderId::new(maker, u32::try_from(maker).unwrap()),
            taker_order_id: OrderId::new(taker, u32::try_from(taker).unwrap()),
            price: Price(price),
            quantity: Quantity(quantity),
            executed_at: Timestamp(1),
            maker_account: ALICE,
            taker_account: BOB,
            instrument: InstrumentId(0),
            taker_side: Side::Sell,
            maker_filled,
            taker_filled,
            reserved: 0,
        }
        .into()
    }

    fn canceled(count: u64, account: AccountId, leaves: u64) -> Event {
        OrderCanceled {
            order_id: OrderId::new(count, u32::try_from(count).unwrap()),
            leaves: Quantity(leaves),
            account,
            instrument: InstrumentId(0),
            reason: CancelReason::User,
            side: Side::Buy,
            was_booked: true,
            reserved: [0; 5],
        }
        .into()
    }

    fn replaced(count: u64, new: &str, quantity: u64) -> Event {
        OrderReplaced {
            order_id: OrderId::new(count, u32::try_from(count).unwrap()),
            cl_ord_id: id(new),
            price: Price(1004),
            quantity: Quantity(quantity),
            account: ALICE,
            instrument: InstrumentId(0),
            priority_kept: false,
            booked: true,
            side: Side::Buy,
            reserved: [0; 5],
        }
        .into()
    }

    fn fold(orders: &mut Orders, events: impl IntoIterator<Item = Event>) -> Vec<Execution> {
        let mut told = Vec::new();
        for (sequence, event) in (1..).zip(events) {
            orders.apply(&event, at(sequence), |execution| told.push(execution));
        }
        told
    }

    #[test]
    fn a_trade_is_told_to_both_sides_with_the_order_right_after() {
        let mut orders = Orders::new(10);
        let told = fold(
            &mut orders,
            [
                accepted(1, ALICE, "a1", Side::Buy, 100),
                accepted(2, BOB, "b1", Side::Sell, 60),
                traded(1, 2, 1005, 40, false, false),
                traded(1, 2, 1002, 20, false, true),
            ],
        );
        let shown: Vec<_> = told
            .iter()
            .map(|e| (e.order.cl_ord_id.to_string(), e.order.status, e.order.cum.0, e.order.leaves.0))
            .collect();
        let expected = [
            ("a1", OrdStatus::New, 0, 100),
            ("b1", OrdStatus::New, 0, 60),
            ("b1", OrdStatus::PartiallyFilled, 40, 20),
            ("a1", OrdStatus::PartiallyFilled, 40, 60),
            ("b1", OrdStatus::Filled, 60, 0),
            ("a1", OrdStatus::PartiallyFilled, 60, 40),
        ];
        assert_eq!(shown, expected.map(|(id, status, cum, leaves)| (id.to_owned(), status, cum, leaves)));
        assert_eq!(orders.find(BOB, &id("b1")).unwrap().traded_value, Some(1005 * 40 + 1002 * 20));
        assert_eq!(orders.find(ALICE, &id("a1")).unwrap().sequence, 4);
    }

    #[test]
    fn a_replaced_order_is_found_by_every_id_it_had() {
        let mut orders = Orders::new(10);
        let told = fold(
            &mut orders,
            [accepted(1, ALICE, "a1", Side::Buy, 100), replaced(1, "a2", 50), canceled(1, ALICE, 50)],
        );
        let orig = What::Replaced { orig_cl_ord_id: id("a1"), priority_kept: false };
        assert_eq!(told[1].what, orig);
        assert_eq!((told[1].order.quantity, told[1].order.price), (Quantity(50), Price(1004)));
        for name in ["a1", "a2"] {
            assert_eq!(
                orders.find(ALICE, &id(name)).map(|order| order.status),
                Some(OrdStatus::Canceled),
                "{name}"
            );
        }
        assert!(orders.find(BOB, &id("a1")).is_none());
    }

    #[test]
    fn what_is_kept_is_bounded_and_nothing_else_remains() {
        let mut orders = Orders::new(3);
        let mut events = Vec::new();
        for count in 1..=50 {
            events.push(accepted(count, ALICE, &format!("a{count}"), Side::Buy, 10));
            events.push(replaced(count, &format!("r{count}"), 5));
            events.push(canceled(count, ALICE, 5));
        }
        fold(&mut orders, events);
        assert_eq!(orders.done().map(|order| order.order_id.count()).collect::<Vec<_>>(), [50, 49, 48]);
        assert!(orders.find(ALICE, &id("r47")).is_none() && orders.find(ALICE, &id("a47")).is_none());
        assert!(orders.find(ALICE, &id("a48")).is_some());
        assert_eq!((orders.done_numbers.len(), orders.superseded.len()), (3, 3));
        assert_eq!(orders.by_client.len(), 6);
    }

    #[test]
    fn an_id_used_again_on_another_day_is_the_newer_order_and_outlives_the_older() {
        let mut orders = Orders::new(1);
        fold(
            &mut orders,
            [
                accepted(1, ALICE, "a1", Side::Buy, 10),
                canceled(1, ALICE, 10),
                accepted(2, ALICE, "a1", Side::Buy, 10),
                accepted(3, ALICE, "a2", Side::Buy, 10),
                canceled(3, ALICE, 10),
            ],
        );
        assert_eq!(orders.find(ALICE, &id("a1")).map(|order| order.order_id.count()), Some(2));
    }

    #[test]
    fn events_about_orders_from_before_the_history_are_passed_over() {
        let mut orders = Orders::new(10);
        assert!(
            fold(&mut orders, [canceled(7, ALICE, 5), replaced(7, "x", 5), traded(7, 8, 1, 1, true, true)])
                .is_empty()
        );
    }
}
