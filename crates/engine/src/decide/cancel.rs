//! Everything that takes working orders out: one by its owner, all of an account, the kill switch, and time.

use super::rejected;
use crate::orders::Order;
use crate::state::{Found, State};
use model::{
    AccountId, AccountKilled, CancelAll, CancelOrder, CancelReason, CancelRejected, Event, InstrumentId,
    KillAccount, OrderCanceled, OrderId, Record, RejectReason, Timestamp,
};
use order_book::OrderBook;

/// The cancel of what is left of a working order.
#[inline]
pub(super) fn canceled(order: &Order, reason: CancelReason) -> Event {
    Event::OrderCanceled(OrderCanceled {
        order_id: order.id,
        leaves: order.leaves,
        account: order.account,
        instrument: order.instrument,
        reason,
        side: order.side,
        was_booked: true,
        reserved: [0; 5],
    })
}

/// Takes one order out.
pub(super) fn cancel<B: OrderBook>(state: &State<B>, command: &CancelOrder, events: &mut Vec<Event>) {
    let found = match state.account(command.account) {
        None => Err(RejectReason::UnknownAccount),
        Some(_) => match state.find_order(command.account, &command.cl_ord_id) {
            Found::Working(id) => Ok(state.order(id).expect("found by its id")),
            Found::TooLate => Err(RejectReason::TooLate),
            Found::Unknown => Err(RejectReason::UnknownOrder),
        },
    };
    events.push(match found {
        Ok(order) => canceled(order, CancelReason::User),
        Err(reason) => Event::CancelRejected(CancelRejected {
            cl_ord_id: command.cl_ord_id,
            account: command.account,
            reason,
            reserved: 0,
        }),
    });
}

/// Takes all of an account's orders out, or those in one instrument.
pub(super) fn cancel_all<B: OrderBook>(state: &State<B>, command: CancelAll, events: &mut Vec<Event>) {
    let all = command.instrument == InstrumentId::ALL;
    let reason = if state.account(command.account).is_none() {
        RejectReason::UnknownAccount
    } else if !all && state.instrument(command.instrument).is_none() {
        RejectReason::UnknownInstrument
    } else {
        let chosen = |order: &&Order| all || order.instrument == command.instrument;
        let orders = state.working_orders(command.account).filter(chosen);
        events.extend(orders.map(|order| canceled(order, CancelReason::Mass)));
        return;
    };
    events.push(rejected(CancelAll::KIND, reason, command.account, command.instrument));
}

/// The kill switch.
pub(super) fn kill<B: OrderBook>(state: &State<B>, command: KillAccount, events: &mut Vec<Event>) {
    let account: AccountId = command.account;
    if state.account(account).is_none() {
        events.push(rejected(
            KillAccount::KIND,
            RejectReason::UnknownAccount,
            account,
            InstrumentId::UNKNOWN,
        ));
        return;
    }
    events.push(Event::AccountKilled(AccountKilled { account, reserved: 0 }));
    events.extend(state.working_orders(account).map(|order| canceled(order, CancelReason::Kill)));
}

/// Takes every good-till-date order out whose time has come, by time and then by age.
pub(super) fn expire_due<B: OrderBook>(state: &State<B>, now: Timestamp, events: &mut Vec<Event>) {
    let from = events.len();
    state.timers.due(now, |id| {
        let order = state.order(id).expect("a timer is of a working order");
        events.push(canceled(order, CancelReason::Expired));
    });
    events[from..].sort_unstable_by_key(|event| {
        let id = canceled_id(event);
        (state.order(id).map_or(Timestamp::NONE, |order| order.expire_at), id)
    });
}

/// Takes the orders of an instrument that last a day out, oldest first.
pub(super) fn expire_day<B: OrderBook>(state: &State<B>, instrument: InstrumentId, events: &mut Vec<Event>) {
    let from = events.len();
    let book = state.book(instrument);
    for side in [model::Side::Buy, model::Side::Sell] {
        let orders = book.orders(side).filter_map(|(_, resting)| state.order(resting.order_id));
        let of_the_day = orders.filter(|order| order.time_in_force == model::TimeInForce::Day);
        events.extend(of_the_day.map(|order| canceled(order, CancelReason::Expired)));
    }
    events[from..].sort_unstable_by_key(canceled_id);
}

/// Which order a cancel is of.
fn canceled_id(event: &Event) -> OrderId {
    match event {
        Event::OrderCanceled(event) => event.order_id,
        _ => unreachable!("only cancels were appended"),
    }
}
