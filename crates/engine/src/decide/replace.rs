//! A replace: new quantity, price or both for a working order, which keeps its age.
//!
//! Same price and no more quantity keeps the place in the queue. Anything else goes to the back, and a new price that
//! crosses comes in as taker.

use super::Refusal;
use super::cancel::canceled;
use super::limits::{check_limits, check_phase, price_in_ticks, quantity_in_lots};
use super::submit::{Rest, check_status, crosses, take};
use crate::instruments::Instrument;
use crate::orders::Order;
use crate::rules::{ProposedOrder, Rules};
use crate::state::{Found, State};
use crate::sweep::Taker;
use model::{
    CancelReason, Cash, Event, OrderReplaced, RejectReason, ReplaceOrder, ReplaceRejected, Side, Timestamp,
};
use order_book::OrderBook;

/// Answers a replace with `ReplaceRejected`, with `OrderCanceled` when the new quantity has traded already, or with
/// `OrderReplaced` and what became of the order.
pub(super) fn replace<B: OrderBook, R: Rules + ?Sized>(
    state: &State<B>,
    now: Timestamp,
    command: &ReplaceOrder,
    rules: &mut R,
    events: &mut Vec<Event>,
) {
    let from = events.len();
    let outcome = check(state, now, command, rules, events);
    let of_rules = events.len() - from;
    match outcome {
        Ok(Change::Cancel(order)) => events.push(canceled(order, CancelReason::User)),
        Ok(Change::Replace(order, instrument, proposed)) => {
            apply(state, instrument, now, command, order, &proposed, events);
        }
        Err(refusal) => events.push(Event::ReplaceRejected(ReplaceRejected {
            cl_ord_id: command.cl_ord_id,
            new_cl_ord_id: command.new_cl_ord_id,
            account: command.account,
            rule_code: refusal.rule_code,
            rule: refusal.rule,
            reason: refusal.reason,
            reserved: 0,
        })),
    }
    events[from..].rotate_left(of_rules);
}

/// What a replace that is not refused comes to.
enum Change<'s, B> {
    /// The new quantity has traded already: the rest is canceled, and the new id is not used up.
    Cancel(&'s Order),
    /// The order as it shall be.
    Replace(&'s Order, &'s Instrument<B>, ProposedOrder),
}

/// All that can refuse a replace, in the order in which it wins.
#[inline]
fn check<'s, B: OrderBook, R: Rules + ?Sized>(
    state: &'s State<B>,
    now: Timestamp,
    command: &ReplaceOrder,
    rules: &mut R,
    events: &mut Vec<Event>,
) -> Result<Change<'s, B>, Refusal> {
    let account = state.account(command.account).ok_or(RejectReason::UnknownAccount)?;
    if state.find_order(command.account, &command.new_cl_ord_id) != Found::Unknown {
        return Err(RejectReason::DuplicateOrder.into());
    }
    let order = match state.find_order(command.account, &command.cl_ord_id) {
        Found::Working(id) => state.order(id).expect("found by its id"),
        Found::TooLate => return Err(RejectReason::TooLate.into()),
        Found::Unknown => return Err(RejectReason::UnknownOrder.into()),
    };
    // Nothing of a killed account works, so what comes this far is not killed; it may still be suspended.
    check_status(account.status)?;
    let instrument = state.instrument(order.instrument).expect("an order is in an instrument");
    check_phase(instrument)?;
    let quantity = match command.quantity() {
        Some(quantity) => quantity_in_lots(instrument, quantity)?,
        None => order.quantity(),
    };
    let price = match command.price() {
        Some(price) => price_in_ticks(instrument, price)?,
        None => order.price,
    };
    if quantity <= order.cum {
        return Ok(Change::Cancel(order));
    }
    let proposed = ProposedOrder {
        account: order.account,
        instrument: order.instrument,
        replaces: order.id,
        price,
        quantity,
        leaves: quantity - order.cum,
        side: order.side,
        order_type: order.order_type,
        time_in_force: order.time_in_force,
        post_only: order.post_only,
        self_trade_prevention: order.self_trade_prevention,
    };
    let price_changed = price != order.price;
    check_limits(state, now, account, instrument, &proposed, price_changed, rules, events)?;
    check_money(state, instrument, order, &proposed)?;
    if order.post_only && crosses(instrument, order.side, price) {
        return Err(RejectReason::PostOnlyWouldCross.into());
    }
    if state.remembered.len() >= state.bounds.max_order_ids {
        return Err(RejectReason::TooManyOrderIds.into());
    }
    Ok(Change::Replace(order, instrument, proposed))
}

/// Whether the account has what the order would hold; what it holds now counts as available to it.
#[inline]
fn check_money<B: OrderBook>(
    state: &State<B>,
    instrument: &Instrument<B>,
    order: &Order,
    proposed: &ProposedOrder,
) -> Result<(), RejectReason> {
    let (asset, holds, needs, reason) = match order.side {
        Side::Buy => (
            instrument.terms.currency,
            instrument.cash(order.price, order.leaves),
            instrument.cash(proposed.price, proposed.leaves),
            RejectReason::InsufficientFunds,
        ),
        Side::Sell => (
            instrument.terms.asset,
            i64::try_from(order.leaves.0).ok().map(Cash),
            i64::try_from(proposed.leaves.0).ok().map(Cash),
            RejectReason::InsufficientPosition,
        ),
    };
    let available = state.balance(order.account, asset).available() + holds.expect("what is held fits");
    if needs.is_some_and(|needs| needs <= available) { Ok(()) } else { Err(reason) }
}

fn apply<B: OrderBook>(
    state: &State<B>,
    instrument: &Instrument<B>,
    now: Timestamp,
    command: &ReplaceOrder,
    order: &Order,
    proposed: &ProposedOrder,
    events: &mut Vec<Event>,
) {
    let priority_kept = proposed.price == order.price && proposed.leaves <= order.leaves;
    let booked = priority_kept || !crosses(instrument, order.side, proposed.price);
    events.push(Event::OrderReplaced(OrderReplaced {
        order_id: order.id,
        cl_ord_id: command.new_cl_ord_id,
        price: proposed.price,
        quantity: proposed.quantity,
        account: order.account,
        instrument: order.instrument,
        priority_kept,
        booked,
        side: order.side,
        reserved: [0; 5],
    }));
    if booked {
        return;
    }
    let mut taker = Taker {
        order_id: order.id,
        account: order.account,
        instrument: order.instrument,
        side: order.side,
        limit: Some(proposed.price),
        leaves: proposed.leaves,
        self_trade_prevention: order.self_trade_prevention,
        budget: None,
    };
    take(state, instrument, &mut taker, now, Rest::Booked(proposed.price), events);
}
