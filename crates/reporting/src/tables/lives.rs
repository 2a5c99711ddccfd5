//! What becomes of each order, step by step: a fold over the order events that keeps the working orders in their slots.
//! `order_events`, `executions` and `orders` are made of it.
//!
//! The engine's own fold would do as well and takes several times as long: it keeps books, balances and client order ids
//! of which nothing is asked here. A test holds both to the same answers.

use model::{
    AccountId, CancelReason, ClOrdId, Event, InstrumentId, OrderAccepted, OrderId, OrderType, Price,
    Quantity, RejectReason, SelfTradePrevention, Side, TimeInForce, Timestamp,
};

use crate::error::Error;

/// Where in the log something happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    /// The event's record.
    pub sequence: u64,
    /// The record of the command that caused it.
    pub command: u64,
    /// The time of its block.
    pub time_ns: i64,
}

/// What an order is (FIX tag 39, `OrdStatus`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Works, and nothing of it has traded.
    New,
    /// Works, and some of it has traded.
    PartiallyFilled,
    /// All of it has traded.
    Filled,
    /// Stopped before it was filled.
    Canceled,
    /// Its time came or its day ended.
    Expired,
    /// Never worked.
    Rejected,
}

impl Status {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::PartiallyFilled => "partially-filled",
            Self::Filled => "filled",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::Rejected => "rejected",
        }
    }
}

/// An order, as it stands.
#[derive(Debug, Clone, Copy)]
pub struct Life {
    pub id: OrderId,
    pub cl_ord_id: ClOrdId,
    pub account: AccountId,
    pub instrument: InstrumentId,
    pub price: Price,
    pub leaves: Quantity,
    pub cum: Quantity,
    /// What was traded, in minor units of the currency, as far as 64 bits hold it.
    pub traded_minor: i64,
    pub expire_at: Timestamp,
    pub side: Side,
    pub order_type: OrderType,
    pub time_in_force: TimeInForce,
    pub post_only: bool,
    pub self_trade_prevention: SelfTradePrevention,
    pub status: Status,
    pub cancel_reason: Option<CancelReason>,
    /// When it was accepted.
    pub accepted: Place,
    /// When it got its place in the queue: time priority counts from here.
    pub priority: Place,
    /// The last event about it.
    pub last: Place,
    pub trades: u32,
    pub replaces: u32,
}

impl Life {
    fn new(event: &OrderAccepted, place: Place) -> Self {
        Self {
            id: event.order_id,
            cl_ord_id: event.cl_ord_id,
            account: event.account,
            instrument: event.instrument,
            price: event.price,
            leaves: event.quantity,
            cum: Quantity::ZERO,
            traded_minor: 0,
            expire_at: event.expire_at,
            side: event.side,
            order_type: event.order_type,
            time_in_force: event.time_in_force,
            post_only: event.post_only,
            self_trade_prevention: event.self_trade_prevention,
            status: Status::New,
            cancel_reason: None,
            accepted: place,
            priority: place,
            last: place,
            trades: 0,
            replaces: 0,
        }
    }

    /// All of it: what has traded and what still works, or worked when it stopped.
    pub fn quantity(&self) -> Quantity {
        self.cum + self.leaves
    }

    fn is_over(&self) -> bool {
        !matches!(self.status, Status::New | Status::PartiallyFilled)
    }

    fn traded(&mut self, price: Price, quantity: Quantity, tick_value: model::TickValue, filled: bool) {
        self.leaves -= quantity;
        self.cum += quantity;
        self.trades += 1;
        let minor = tick_value.cash(price, quantity).map_or(i64::MAX, |cash| cash.0);
        self.traded_minor = self.traded_minor.saturating_add(minor);
        self.status = if filled { Status::Filled } else { Status::PartiallyFilled };
    }
}

/// What happened to an order (FIX tag 150, `ExecType`), with the numbers that belong to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// Accepted.
    New,
    /// Traded.
    Trade {
        /// The trade's number.
        trade_id: u64,
        /// At what price, in ticks.
        price: Price,
        /// How much, in lots.
        quantity: Quantity,
        /// Whether it rested, rather than came in.
        is_maker: bool,
        /// The order on the other side.
        other: OrderId,
        /// Whose that was.
        other_account: AccountId,
    },
    /// What is left of it rests in the book.
    Booked,
    /// Stopped.
    Canceled(CancelReason),
    /// Has another id, price or quantity.
    Replaced {
        /// The client's id for it before.
        before: ClOrdId,
        /// Whether it kept its place.
        priority_kept: bool,
    },
    /// Self-trade prevention took so many lots off it.
    Reduced(Quantity),
    /// Refused: it never worked.
    Rejected(Refusal),
    /// A cancel of it was refused.
    CancelRejected(Refusal),
    /// A replace of it was refused.
    ReplaceRejected(Refusal),
}

/// Why something was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    pub reason: RejectReason,
    /// The rejecting rule and its code, when the reason is `Rule`.
    pub rule: Option<(u16, u32)>,
    pub account: AccountId,
    pub instrument: Option<InstrumentId>,
    pub cl_ord_id: ClOrdId,
}

impl Refusal {
    fn new(reason: RejectReason, rule: (u16, u32), account: AccountId, cl_ord_id: ClOrdId) -> Self {
        let rule = (reason == RejectReason::Rule).then_some(rule);
        Self { reason, rule, account, instrument: None, cl_ord_id }
    }
}

/// The orders that work, by slot.
#[derive(Debug, Default)]
pub struct Lives {
    slots: Vec<Option<Life>>,
    /// What a tick of a lot is worth, by instrument.
    tick_values: Vec<model::TickValue>,
}

impl Lives {
    fn working(&mut self, id: OrderId, place: Place) -> Result<&mut Life, Error> {
        let slot = self.slots.get_mut(id.slot() as usize).and_then(Option::as_mut);
        let life = slot.filter(|life| life.id == id);
        let life = life.ok_or(Error::Orphan { sequence: place.sequence, order_id: id.0 })?;
        life.last = place;
        Ok(life)
    }

    /// Takes in an event and tells `see` what happened, with the order as it stands after it; an order that was refused
    /// does not stand at all.
    pub fn apply(
        &mut self,
        event: &Event,
        place: Place,
        mut see: impl FnMut(Option<&Life>, Step),
    ) -> Result<(), Error> {
        match event {
            Event::InstrumentCreated(terms) => self.tick_values.push(terms.tick_value),
            Event::OrderAccepted(event) => {
                let slot = event.order_id.slot() as usize;
                if slot >= self.slots.len() {
                    self.slots.resize(slot + 1, None);
                }
                let life = self.slots[slot].insert(Life::new(event, place));
                see(Some(life), Step::New);
            }
            Event::Trade(event) => {
                let tick_value =
                    self.tick_values.get(event.instrument.index()).copied().unwrap_or(model::TickValue(0));
                for is_maker in [true, false] {
                    let (id, other, other_account, filled) = if is_maker {
                        (event.maker_order_id, event.taker_order_id, event.taker_account, event.maker_filled)
                    } else {
                        (event.taker_order_id, event.maker_order_id, event.maker_account, event.taker_filled)
                    };
                    let life = self.working(id, place)?;
                    life.traded(event.price, event.quantity, tick_value, filled);
                    let step = Step::Trade {
                        trade_id: event.trade_id.0,
                        price: event.price,
                        quantity: event.quantity,
                        is_maker,
                        other,
                        other_account,
                    };
                    see(Some(life), step);
                    self.forget_if_over(id);
                }
            }
            Event::OrderBooked(event) => {
                let life = self.working(event.order_id, place)?;
                life.priority = place;
                see(Some(life), Step::Booked);
            }
            Event::OrderCanceled(event) => {
                let life = self.working(event.order_id, place)?;
                let expired = event.reason == CancelReason::Expired;
                life.status = if expired { Status::Expired } else { Status::Canceled };
                life.cancel_reason = Some(event.reason);
                see(Some(life), Step::Canceled(event.reason));
                self.forget_if_over(event.order_id);
            }
            Event::OrderReplaced(event) => {
                let life = self.working(event.order_id, place)?;
                let before = std::mem::replace(&mut life.cl_ord_id, event.cl_ord_id);
                life.price = event.price;
                life.leaves = event.quantity - life.cum;
                life.replaces += 1;
                if !event.priority_kept {
                    life.priority = place;
                }
                see(Some(life), Step::Replaced { before, priority_kept: event.priority_kept });
            }
            Event::OrderReduced(event) => {
                let life = self.working(event.order_id, place)?;
                life.leaves = event.leaves;
                see(Some(life), Step::Reduced(event.by));
            }
            Event::OrderRejected(event) => {
                let rule = (event.rule, event.rule_code);
                let mut refusal = Refusal::new(event.reason, rule, event.account, event.cl_ord_id);
                refusal.instrument = Some(event.instrument);
                see(None, Step::Rejected(refusal));
            }
            Event::CancelRejected(event) => {
                let refusal = Refusal::new(event.reason, (0, 0), event.account, event.cl_ord_id);
                see(None, Step::CancelRejected(refusal));
            }
            Event::ReplaceRejected(event) => {
                let rule = (event.rule, event.rule_code);
                let refusal = Refusal::new(event.reason, rule, event.account, event.cl_ord_id);
                see(None, Step::ReplaceRejected(refusal));
            }
            // What is about no order.
            _ => {}
        }
        Ok(())
    }

    fn forget_if_over(&mut self, id: OrderId) {
        let slot = &mut self.slots[id.slot() as usize];
        if slot.as_ref().is_some_and(Life::is_over) {
            *slot = None;
        }
    }

    /// The orders that work, by slot.
    pub fn iter(&self) -> impl Iterator<Item = &Life> {
        self.slots.iter().flatten()
    }
}

/// The kinds of record that [`Lives::apply`] wants.
pub const fn is_order_event(kind: model::RecordKind) -> bool {
    matches!(kind, 0x0201..=0x0209 | 0x0221)
}
