//! An incoming order's walk through the other side of the book, best price first and oldest first within it.
//!
//! The walk only reads: it says which trades and self-trade preventions happen and what is left; `evolve` makes them true.
//! No resting order is met twice, so nothing the walk has already said can change what it reads next.

use crate::instruments::Instrument;
use model::{
    AccountId, CancelReason, Event, InstrumentId, OrderCanceled, OrderId, OrderReduced, Price, Quantity,
    SelfTradePrevention, Side, Timestamp, Trade, TradeId,
};
use order_book::{OrderBook, Resting};

/// An incoming order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Taker {
    pub order_id: OrderId,
    pub account: AccountId,
    pub instrument: InstrumentId,
    pub side: Side,
    /// The worst price it takes; `None` for a market order.
    pub limit: Option<Price>,
    /// What is left of it.
    pub leaves: Quantity,
    /// The mode that applies to it. Never `Default`.
    pub self_trade_prevention: SelfTradePrevention,
    /// The cash a market buy may spend; `None` where a hold covers every price it takes.
    pub budget: Option<i64>,
}

/// How a walk ended.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum End {
    /// Nothing is left of the order.
    Filled,
    /// There is nothing more that it could trade with.
    Dry,
    /// Self-trade prevention ended the order, and its `OrderCanceled` is among the events.
    Prevented,
}

/// What an incoming order finds at a resting one.
enum Meeting {
    /// It trades so much.
    Trade(Quantity),
    /// The resting order is of its own account.
    Own,
    /// The price, or the money, ends the walk.
    OutOfReach,
}

impl Taker {
    /// Whether it takes a price.
    #[inline]
    pub fn takes(&self, price: Price) -> bool {
        match (self.limit, self.side) {
            (None, _) => true,
            (Some(limit), Side::Buy) => price <= limit,
            (Some(limit), Side::Sell) => price >= limit,
        }
    }

    #[inline]
    fn meet<B>(&self, instrument: &Instrument<B>, resting: &Resting) -> Meeting {
        if !self.takes(resting.price) {
            return Meeting::OutOfReach;
        }
        let mut quantity = self.leaves.min(resting.leaves);
        // Money is looked at before self-trade prevention.
        if let Some(budget) = self.budget {
            let lots = match instrument.cash(resting.price, Quantity(1)) {
                Some(lot_value) => (budget / lot_value.0).unsigned_abs(),
                None => 0,
            };
            if lots == 0 {
                return Meeting::OutOfReach;
            }
            quantity = quantity.min(Quantity(lots));
        }
        if resting.owner == self.account { Meeting::Own } else { Meeting::Trade(quantity) }
    }

    #[inline]
    fn take<B>(&mut self, instrument: &Instrument<B>, price: Price, quantity: Quantity) {
        self.leaves -= quantity;
        if let Some(budget) = &mut self.budget {
            *budget -= instrument.cash(price, quantity).expect("within the budget").0;
        }
    }
}

/// Whether the order would trade completely. Counts only what it would trade: an own order in the way ends the count unless
/// its mode takes it out of the way whole.
pub(crate) fn fills_completely<B: OrderBook>(instrument: &Instrument<B>, mut taker: Taker) -> bool {
    for (_, resting) in instrument.book.orders(taker.side.opposite()) {
        match taker.meet(instrument, &resting) {
            Meeting::Trade(quantity) => taker.take(instrument, resting.price, quantity),
            Meeting::Own if taker.self_trade_prevention == SelfTradePrevention::CancelOldest => {}
            Meeting::Own | Meeting::OutOfReach => return false,
        }
        if taker.leaves.is_zero() {
            return true;
        }
    }
    false
}

/// Walks the book and appends what happens. `taker.leaves` is then what is left.
pub(crate) fn sweep<B: OrderBook>(
    instrument: &Instrument<B>,
    taker: &mut Taker,
    next_trade: TradeId,
    now: Timestamp,
    events: &mut Vec<Event>,
) -> End {
    let mut trade_id = next_trade;
    for (_, resting) in instrument.book.orders(taker.side.opposite()) {
        match taker.meet(instrument, &resting) {
            Meeting::OutOfReach => return End::Dry,
            Meeting::Trade(quantity) => {
                taker.take(instrument, resting.price, quantity);
                events.push(Event::Trade(Trade {
                    trade_id,
                    maker_order_id: resting.order_id,
                    taker_order_id: taker.order_id,
                    price: resting.price,
                    quantity,
                    executed_at: now,
                    maker_account: resting.owner,
                    taker_account: taker.account,
                    instrument: taker.instrument,
                    taker_side: taker.side,
                    maker_filled: quantity == resting.leaves,
                    taker_filled: taker.leaves.is_zero(),
                    reserved: 0,
                }));
                trade_id.0 += 1;
                if taker.leaves.is_zero() {
                    return End::Filled;
                }
            }
            Meeting::Own => {
                if prevent(taker, &resting, events) {
                    return End::Prevented;
                }
            }
        }
    }
    End::Dry
}

/// The incoming order met one of its own account. Says whether that ended it.
#[cold]
fn prevent(taker: &mut Taker, resting: &Resting, events: &mut Vec<Event>) -> bool {
    let canceled = |order_id, leaves, side, was_booked| {
        Event::OrderCanceled(OrderCanceled {
            order_id,
            leaves,
            account: taker.account,
            instrument: taker.instrument,
            reason: CancelReason::Stp,
            side,
            was_booked,
            reserved: [0; 5],
        })
    };
    let reduced = |order_id, by, leaves| {
        Event::OrderReduced(OrderReduced {
            order_id,
            by,
            leaves,
            account: taker.account,
            instrument: taker.instrument,
        })
    };
    let incoming_canceled = |leaves| canceled(taker.order_id, leaves, taker.side, false);
    let resting_canceled = |leaves| canceled(resting.order_id, leaves, taker.side.opposite(), true);

    match taker.self_trade_prevention {
        // An order's mode is resolved when it is accepted; `Default` is the exchange's default.
        SelfTradePrevention::CancelNewest | SelfTradePrevention::Default => {
            events.push(incoming_canceled(taker.leaves));
            true
        }
        SelfTradePrevention::CancelOldest => {
            events.push(resting_canceled(resting.leaves));
            false
        }
        SelfTradePrevention::CancelBoth => {
            events.push(resting_canceled(resting.leaves));
            events.push(incoming_canceled(taker.leaves));
            true
        }
        SelfTradePrevention::Decrement => {
            let by = taker.leaves.min(resting.leaves);
            let (resting_left, incoming_left) = (resting.leaves - by, taker.leaves - by);
            events.push(if resting_left.is_zero() {
                resting_canceled(by)
            } else {
                reduced(resting.order_id, by, resting_left)
            });
            events.push(if incoming_left.is_zero() {
                incoming_canceled(by)
            } else {
                reduced(taker.order_id, by, incoming_left)
            });
            taker.leaves = incoming_left;
            incoming_left.is_zero()
        }
    }
}
