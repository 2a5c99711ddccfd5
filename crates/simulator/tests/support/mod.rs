//! Two exchanges to replay into: the real engine, and one of the plainest kind, so that neither is believed alone: price-time priority by sorting,
//! no money, no checks but those a replay must never run into.

use model::{AccountId, CancelReason, CancelRejected, Decimal, OrderRejected, RejectReason};
use model::{
    ClOrdId, Command, Event, InstrumentId, OrderAccepted, OrderBooked, OrderCanceled, OrderId, OrderReplaced,
    Price, Quantity, SelfTradePrevention, Side, SubmitOrder, TimeInForce, Timestamp, Trade, TradeId,
};
use std::collections::{BTreeMap, BTreeSet};

struct Order {
    id: OrderId,
    cl_ord_id: ClOrdId,
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    price: Price,
    total: u64,
    leaves: u64,
}

type Place = (InstrumentId, u8, i64, u64);

/// Takes commands, tells events.
pub trait Exchange: Default {
    /// What a command causes.
    fn execute(&mut self, command: &Command) -> Vec<Event>;
}

/// The real thing: `decide`, then `evolve`.
#[derive(Default)]
pub struct Engine {
    state: engine::State,
    now: i64,
}

impl Exchange for Engine {
    fn execute(&mut self, command: &Command) -> Vec<Event> {
        self.now += 1_000_000;
        let mut events = Vec::new();
        engine::decide(&self.state, Timestamp(self.now), command, &mut engine::NoRules, &mut events);
        for event in &events {
            engine::evolve(&mut self.state, event);
        }
        events
    }
}

/// The plain one.
#[derive(Default)]
pub struct PlainExchange {
    ticks: Vec<Decimal>,
    /// By instrument, side (its number), worth to an aggressor, and time: in the order in which they trade.
    resting: BTreeMap<Place, Order>,
    places: BTreeMap<(AccountId, ClOrdId), Place>,
    used: BTreeSet<(AccountId, ClOrdId)>,
    count: u64,
    trades: u64,
}

impl Exchange for PlainExchange {
    fn execute(&mut self, command: &Command) -> Vec<Event> {
        match command {
            Command::CreateInstrument(create) => {
                self.ticks.push(create.tick_size);
                vec![]
            }
            Command::SubmitOrder(submit) => self.submit(submit),
            Command::CancelOrder(cancel) => match self.places.get(&(cancel.account, cancel.cl_ord_id)) {
                Some(&place) => vec![canceled(&self.remove(place), CancelReason::User, true)],
                None => vec![
                    CancelRejected {
                        cl_ord_id: cancel.cl_ord_id,
                        account: cancel.account,
                        reason: RejectReason::UnknownOrder,
                        reserved: 0,
                    }
                    .into(),
                ],
            },
            Command::ReplaceOrder(replace) => {
                let place = self.places[&(replace.account, replace.cl_ord_id)];
                let mut order = self.remove(place);
                assert!(self.used.insert((replace.account, replace.new_cl_ord_id)));
                let tick = self.ticks[order.instrument.index()];
                let price = replace
                    .price()
                    .map_or(order.price, |price| Price(price.in_steps_of(tick).expect("on the tick")));
                let total = replace.quantity_units.cast_unsigned();
                let traded = order.total - order.leaves;
                assert!(total > traded, "a replay cancels instead");
                let kept = price == order.price && total <= order.total;
                (order.cl_ord_id, order.price, order.total) = (replace.new_cl_ord_id, price, total);
                order.leaves = total - traded;
                let crosses = self.best_opposite(&order).is_some();
                let mut events = vec![
                    OrderReplaced {
                        order_id: order.id,
                        cl_ord_id: order.cl_ord_id,
                        price,
                        quantity: Quantity(total),
                        account: order.account,
                        instrument: order.instrument,
                        priority_kept: kept,
                        booked: !crosses,
                        side: order.side,
                        reserved: [0; 5],
                    }
                    .into(),
                ];
                if kept {
                    self.insert(place, order);
                } else {
                    self.take(order, crosses, TimeInForce::Day, &mut events);
                }
                events
            }
            Command::CancelAll(all) => {
                let goes =
                    |order: &&Order| order.account == all.account && order.instrument == all.instrument;
                let ids: Vec<_> = self.resting.values().filter(goes).map(|order| order.cl_ord_id).collect();
                let gone = ids.iter().map(|&id| self.remove(self.places[&(all.account, id)]));
                gone.map(|order| canceled(&order, CancelReason::Mass, true)).collect()
            }
            _ => vec![],
        }
    }
}

impl PlainExchange {
    fn remove(&mut self, place: Place) -> Order {
        let order = self.resting.remove(&place).unwrap();
        self.places.remove(&(order.account, order.cl_ord_id));
        order
    }

    fn insert(&mut self, place: Place, order: Order) {
        self.places.insert((order.account, order.cl_ord_id), place);
        self.resting.insert(place, order);
    }

    fn submit(&mut self, submit: &SubmitOrder) -> Vec<Event> {
        let tick = self.ticks[submit.instrument.index()];
        let refused = |reason| {
            vec![
                OrderRejected {
                    cl_ord_id: submit.cl_ord_id,
                    account: submit.account,
                    instrument: submit.instrument,
                    rule_code: 0,
                    rule: 0,
                    reason,
                }
                .into(),
            ]
        };
        if !self.used.insert((submit.account, submit.cl_ord_id)) {
            return refused(RejectReason::DuplicateOrder);
        }
        let Some(price) = submit.price().and_then(|price| price.in_steps_of(tick)) else {
            return refused(RejectReason::InvalidPrice);
        };
        self.count += 1;
        let order = Order {
            id: OrderId(self.count),
            cl_ord_id: submit.cl_ord_id,
            account: submit.account,
            instrument: submit.instrument,
            side: submit.side,
            price: Price(price),
            total: submit.quantity_units.cast_unsigned(),
            leaves: submit.quantity_units.cast_unsigned(),
        };
        let crosses = self.best_opposite(&order).is_some();
        let booked = !crosses && submit.time_in_force == TimeInForce::Day;
        let mut events = vec![
            OrderAccepted {
                order_id: order.id,
                cl_ord_id: order.cl_ord_id,
                account: order.account,
                instrument: order.instrument,
                price: order.price,
                quantity: Quantity(order.total),
                expire_at: Timestamp::NONE,
                side: order.side,
                order_type: submit.order_type,
                time_in_force: submit.time_in_force,
                post_only: false,
                self_trade_prevention: SelfTradePrevention::CancelNewest,
                booked,
                reserved: [0; 10],
            }
            .into(),
        ];
        self.take(order, !booked, submit.time_in_force, &mut events);
        events
    }

    /// What an order would trade with next.
    fn best_opposite(&self, order: &Order) -> Option<Place> {
        let side = order.side.opposite() as u8;
        let reach = if order.side == Side::Buy { order.price.0 } else { -order.price.0 };
        let from = (order.instrument, side, i64::MIN, 0);
        self.resting.range(from..=(order.instrument, side, reach, u64::MAX)).next().map(|(&place, _)| place)
    }

    fn take(&mut self, mut order: Order, announce: bool, tif: TimeInForce, events: &mut Vec<Event>) {
        while order.leaves > 0
            && let Some(at) = self.best_opposite(&order)
        {
            let mut maker = self.remove(at);
            assert_ne!(maker.account, order.account, "a replay never trades with itself");
            let quantity = maker.leaves.min(order.leaves);
            (maker.leaves, order.leaves) = (maker.leaves - quantity, order.leaves - quantity);
            self.trades += 1;
            events.push(
                Trade {
                    trade_id: TradeId(self.trades),
                    maker_order_id: maker.id,
                    taker_order_id: order.id,
                    price: maker.price,
                    quantity: Quantity(quantity),
                    executed_at: Timestamp::NONE,
                    maker_account: maker.account,
                    taker_account: order.account,
                    instrument: order.instrument,
                    taker_side: order.side,
                    maker_filled: maker.leaves == 0,
                    taker_filled: order.leaves == 0,
                    reserved: 0,
                }
                .into(),
            );
            if maker.leaves > 0 {
                self.insert(at, maker);
            }
        }
        if order.leaves == 0 {
            return;
        }
        if tif == TimeInForce::Ioc {
            events.push(canceled(&order, CancelReason::Ioc, false));
            return;
        }
        if announce {
            events.push(
                OrderBooked {
                    order_id: order.id,
                    price: order.price,
                    leaves: Quantity(order.leaves),
                    instrument: order.instrument,
                    side: order.side,
                    reserved: [0; 3],
                }
                .into(),
            );
        }
        self.count += 1;
        let worth = if order.side == Side::Buy { -order.price.0 } else { order.price.0 };
        self.insert((order.instrument, order.side as u8, worth, self.count), order);
    }
}

fn canceled(order: &Order, reason: CancelReason, was_booked: bool) -> Event {
    OrderCanceled {
        order_id: order.id,
        leaves: Quantity(order.leaves),
        account: order.account,
        instrument: order.instrument,
        reason,
        side: order.side,
        was_booked,
        reserved: [0; 5],
    }
    .into()
}
