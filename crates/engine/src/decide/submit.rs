//! A new order: checked in the documented order of precedence, then matched.

use super::Refusal;
use super::limits::{check_limits, check_phase, price_in_ticks, quantity_in_lots};
use crate::instruments::Instrument;
use crate::rules::{ProposedOrder, Rules};
use crate::state::{Found, State};
use crate::sweep::{End, Taker, fills_completely, sweep};
use model::{
    AccountStatus, CancelReason, Event, OrderAccepted, OrderBooked, OrderCanceled, OrderId, OrderRejected,
    OrderType, Price, Quantity, RejectReason, SelfTradePrevention, Side, SubmitOrder, TimeInForce, Timestamp,
};
use order_book::OrderBook;

/// Answers a new order with `OrderRejected`, or with `OrderAccepted` and what became of it.
pub(super) fn submit<B: OrderBook, R: Rules + ?Sized>(
    state: &State<B>,
    now: Timestamp,
    command: &SubmitOrder,
    rules: &mut R,
    events: &mut Vec<Event>,
) {
    let from = events.len();
    let outcome = check(state, now, command, rules, events);
    let of_rules = events.len() - from;
    match outcome {
        Ok((instrument, order)) => accept(state, instrument, now, command, &order, events),
        Err(refusal) => events.push(Event::OrderRejected(OrderRejected {
            cl_ord_id: command.cl_ord_id,
            account: command.account,
            instrument: command.instrument,
            rule_code: refusal.rule_code,
            rule: refusal.rule,
            reason: refusal.reason,
        })),
    }
    // The order's answer comes first, then what there is to say about its judges.
    events[from..].rotate_left(of_rules);
}

/// All that can refuse a new order, in the order in which it wins.
#[inline]
fn check<'s, B: OrderBook, R: Rules + ?Sized>(
    state: &'s State<B>,
    now: Timestamp,
    command: &SubmitOrder,
    rules: &mut R,
    events: &mut Vec<Event>,
) -> Result<(&'s Instrument<B>, ProposedOrder), Refusal> {
    let account = state.account(command.account).ok_or(RejectReason::UnknownAccount)?;
    if state.find_order(command.account, &command.cl_ord_id) != Found::Unknown {
        return Err(RejectReason::DuplicateOrder.into());
    }
    check_status(account.status)?;
    let instrument = state.instrument(command.instrument).ok_or(RejectReason::UnknownInstrument)?;
    check_phase(instrument)?;
    let order = propose(instrument, command)?;
    if command.time_in_force == TimeInForce::Gtd && command.expire_at <= now {
        return Err(RejectReason::InvalidExpireTime.into());
    }
    check_limits(state, now, account, instrument, &order, true, rules, events)?;
    check_money(state, instrument, &order)?;
    if order.post_only && crosses(instrument, order.side, order.price) {
        return Err(RejectReason::PostOnlyWouldCross.into());
    }
    if state.orders.len() >= state.bounds.max_working_orders as usize {
        return Err(RejectReason::TooManyOrders.into());
    }
    if state.remembered.len() >= state.bounds.max_order_ids {
        return Err(RejectReason::TooManyOrderIds.into());
    }
    Ok((instrument, order))
}

/// The order that a command asks for, in ticks and lots, or why its fields make none.
#[inline]
pub(super) fn propose<B>(
    instrument: &Instrument<B>,
    command: &SubmitOrder,
) -> Result<ProposedOrder, RejectReason> {
    check_time_in_force(command)?;
    let quantity = quantity_in_lots(instrument, command.quantity())?;
    if quantity.is_zero() {
        return Err(RejectReason::InvalidQuantity);
    }
    let price = match (command.order_type, command.price()) {
        (OrderType::Market, _) => Price(0),
        (OrderType::Limit, Some(price)) => price_in_ticks(instrument, price)?,
        (OrderType::Limit, None) => return Err(RejectReason::InvalidPrice),
    };
    Ok(ProposedOrder {
        account: command.account,
        instrument: command.instrument,
        replaces: OrderId::NONE,
        price,
        quantity,
        leaves: quantity,
        side: command.side,
        order_type: command.order_type,
        time_in_force: command.time_in_force,
        post_only: command.post_only,
        self_trade_prevention: match command.self_trade_prevention {
            SelfTradePrevention::Default => instrument.terms.self_trade_prevention,
            own => own,
        },
    })
}

/// Whether the account may trade.
#[inline]
pub(super) fn check_status(status: AccountStatus) -> Result<(), RejectReason> {
    match status {
        AccountStatus::Verified => Ok(()),
        AccountStatus::Killed => Err(RejectReason::KillSwitch),
        AccountStatus::Opened => Err(RejectReason::AccountNotVerified),
        AccountStatus::Suspended => Err(RejectReason::AccountSuspended),
    }
}

#[inline]
fn check_time_in_force(command: &SubmitOrder) -> Result<(), RejectReason> {
    let immediate = matches!(command.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
    let fits = match command.order_type {
        OrderType::Market => immediate && !command.post_only,
        OrderType::Limit => !(immediate && command.post_only),
    };
    if fits { Ok(()) } else { Err(RejectReason::InvalidTimeInForce) }
}

/// Whether the account has what the order holds: the instrument to sell, or the limit price times the quantity. A market
/// buy needs to pay one lot at the best ask, if there is one.
#[inline]
fn check_money<B: OrderBook>(
    state: &State<B>,
    instrument: &Instrument<B>,
    order: &ProposedOrder,
) -> Result<(), RejectReason> {
    let terms = &instrument.terms;
    if order.side == Side::Sell {
        let position = state.balance(order.account, terms.asset).available();
        return match i64::try_from(order.quantity.0) {
            Ok(lots) if lots <= position.0 => Ok(()),
            _ => Err(RejectReason::InsufficientPosition),
        };
    }
    let needed = match order.order_type {
        OrderType::Limit => instrument.cash(order.price, order.quantity),
        OrderType::Market => match instrument.book.best(Side::Sell) {
            Some(ask) => instrument.cash(ask.price, Quantity(1)),
            None => return Ok(()),
        },
    };
    let available = state.balance(order.account, terms.currency).available();
    match needed {
        Some(needed) if needed <= available => Ok(()),
        _ => Err(RejectReason::InsufficientFunds),
    }
}

/// Whether a limit would trade at once.
#[inline]
pub(super) fn crosses<B: OrderBook>(instrument: &Instrument<B>, side: Side, limit: Price) -> bool {
    match (side, instrument.book.best(side.opposite())) {
        (_, None) => false,
        (Side::Buy, Some(ask)) => ask.price <= limit,
        (Side::Sell, Some(bid)) => bid.price >= limit,
    }
}

fn accept<B: OrderBook>(
    state: &State<B>,
    instrument: &Instrument<B>,
    now: Timestamp,
    command: &SubmitOrder,
    order: &ProposedOrder,
    events: &mut Vec<Event>,
) {
    let market = order.order_type == OrderType::Market;
    let immediate = matches!(order.time_in_force, TimeInForce::Ioc | TimeInForce::Fok);
    let booked = !immediate && !crosses(instrument, order.side, order.price);
    let order_id = state.orders.next_id();
    events.push(Event::OrderAccepted(OrderAccepted {
        order_id,
        cl_ord_id: command.cl_ord_id,
        account: order.account,
        instrument: order.instrument,
        price: order.price,
        quantity: order.quantity,
        expire_at: if order.time_in_force == TimeInForce::Gtd { command.expire_at } else { Timestamp::NONE },
        side: order.side,
        order_type: order.order_type,
        time_in_force: order.time_in_force,
        post_only: order.post_only,
        self_trade_prevention: order.self_trade_prevention,
        booked,
        reserved: [0; 10],
    }));
    if booked {
        return;
    }
    let budget = (market && order.side == Side::Buy)
        .then(|| state.balance(order.account, instrument.terms.currency).available().0);
    let mut taker = Taker {
        order_id,
        account: order.account,
        instrument: order.instrument,
        side: order.side,
        limit: (!market).then_some(order.price),
        leaves: order.quantity,
        self_trade_prevention: order.self_trade_prevention,
        budget,
    };
    let rest = match order.time_in_force {
        _ if market => Rest::Canceled(CancelReason::NoLiquidity),
        TimeInForce::Ioc => Rest::Canceled(CancelReason::Ioc),
        TimeInForce::Fok => Rest::Canceled(CancelReason::Fok),
        TimeInForce::Day | TimeInForce::Gtc | TimeInForce::Gtd => Rest::Booked(order.price),
    };
    if order.time_in_force == TimeInForce::Fok && !fills_completely(instrument, taker) {
        finish(&taker, rest, events);
    } else {
        take(state, instrument, &mut taker, now, rest, events);
    }
}

/// What becomes of the part of an incoming order that did not trade.
#[derive(Clone, Copy)]
pub(super) enum Rest {
    /// It rests, at this price.
    Booked(Price),
    /// It is canceled.
    Canceled(CancelReason),
}

/// Matches an incoming order and says what became of the rest.
pub(super) fn take<B: OrderBook>(
    state: &State<B>,
    instrument: &Instrument<B>,
    taker: &mut Taker,
    now: Timestamp,
    rest: Rest,
    events: &mut Vec<Event>,
) {
    match sweep(instrument, taker, state.next_trade, now, events) {
        End::Filled | End::Prevented => {}
        End::Dry => finish(taker, rest, events),
    }
}

fn finish(taker: &Taker, rest: Rest, events: &mut Vec<Event>) {
    events.push(match rest {
        Rest::Booked(price) => Event::OrderBooked(OrderBooked {
            order_id: taker.order_id,
            price,
            leaves: taker.leaves,
            instrument: taker.instrument,
            side: taker.side,
            reserved: [0; 3],
        }),
        Rest::Canceled(reason) => Event::OrderCanceled(OrderCanceled {
            order_id: taker.order_id,
            leaves: taker.leaves,
            account: taker.account,
            instrument: taker.instrument,
            reason,
            side: taker.side,
            was_booked: false,
            reserved: [0; 5],
        }),
    });
}
