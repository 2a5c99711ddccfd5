//! The checks that new orders and replaces share, from `MAX_QUANTITY` to `RULE`.

use super::Refusal;
use super::judge::judge;
use crate::accounts::Account;
use crate::instruments::Instrument;
use crate::rules::{ProposedOrder, Rules};
use crate::state::State;
use model::{
    Decimal, Event, OrderId, OrderType, POWERS_OF_TEN, Phase, Price, Quantity, RejectReason, RuleKind,
    Timestamp,
};
use order_book::OrderBook;

/// Millionths in a whole, for collars.
const PPM: i128 = 1_000_000;

/// Whether the instrument takes orders at the moment.
#[inline]
pub(super) fn check_phase<B>(instrument: &Instrument<B>) -> Result<(), RejectReason> {
    match instrument.phase {
        Phase::Open => Ok(()),
        Phase::Halted => Err(RejectReason::InstrumentHalted),
        Phase::Closed => Err(RejectReason::MarketClosed),
        // No instrument gets there: `SetPhase` refuses it.
        Phase::Auction => Err(RejectReason::UnsupportedPhase),
    }
}

/// A limit price in ticks.
#[inline]
pub(super) fn price_in_ticks<B>(instrument: &Instrument<B>, price: Decimal) -> Result<Price, RejectReason> {
    match price.in_steps_of(instrument.terms.tick_size) {
        Some(ticks) if ticks > 0 => Ok(Price(ticks)),
        _ => Err(RejectReason::InvalidPrice),
    }
}

/// A quantity in lots. Zero is a quantity here; a new order refuses it.
#[inline]
pub(super) fn quantity_in_lots<B>(
    instrument: &Instrument<B>,
    quantity: Decimal,
) -> Result<Quantity, RejectReason> {
    match quantity.in_steps_of(instrument.terms.lot_size).map(u64::try_from) {
        Some(Ok(lots)) => Ok(Quantity(lots)),
        _ => Err(RejectReason::InvalidQuantity),
    }
}

/// The instrument's limits, the account's limits and the rules, in this order. `price_changed` is false for a replace that
/// keeps its price, which no collar looks at.
#[inline]
#[expect(clippy::too_many_arguments, reason = "all there is to know about an order comes together here")]
pub(super) fn check_limits<B: OrderBook, R: Rules + ?Sized>(
    state: &State<B>,
    now: Timestamp,
    account: &Account,
    instrument: &Instrument<B>,
    order: &ProposedOrder,
    price_changed: bool,
    rules: &mut R,
    events: &mut Vec<Event>,
) -> Result<(), Refusal> {
    let terms = &instrument.terms;
    if order.quantity > terms.max_quantity {
        return Err(RejectReason::MaxQuantity.into());
    }
    // A market order's value is a walk through the book: take it only if someone asks.
    let unlimited = terms.max_notional.0 == i64::MAX && account.max_notional.is_none();
    let unasked = unlimited && state.rule_book.asked(RuleKind::Risk).is_empty();
    let notional = if unasked { 0 } else { notional(instrument, order) };
    if terms.max_notional.0 != i64::MAX && notional > i128::from(terms.max_notional.0) {
        return Err(RejectReason::MaxNotional.into());
    }
    if order.order_type == OrderType::Limit && price_changed {
        check_collar(instrument, order.price)?;
    }
    if order.replaces == OrderId::NONE && account.working_orders >= account.max_working_orders {
        return Err(RejectReason::AccountOrderLimit.into());
    }
    if let Some(limit) = account.max_notional {
        let decimals = state.asset(terms.currency).map_or(0, |currency| currency.decimals);
        if notional > floor_at_scale(limit, decimals) {
            return Err(RejectReason::AccountNotionalLimit.into());
        }
    }
    judge(state, now, instrument, order, notional, rules, events)
}

/// The order's value in minor units: what a limit order would pay at its limit, traded part included, and what the
/// visible book would make of a market order.
fn notional<B: OrderBook>(instrument: &Instrument<B>, order: &ProposedOrder) -> i128 {
    let value = |price, quantity| instrument.terms.tick_value.notional(price, quantity);
    if order.order_type == OrderType::Limit {
        return value(order.price, order.quantity);
    }
    let mut left = order.quantity;
    let mut cost: i128 = 0;
    for level in instrument.book.levels(order.side.opposite()) {
        let quantity = left.min(level.quantity);
        cost = cost.saturating_add(value(level.price, quantity));
        left -= quantity;
        if left.is_zero() {
            break;
        }
    }
    cost
}

#[inline]
fn check_collar<B>(instrument: &Instrument<B>, price: Price) -> Result<(), RejectReason> {
    let (Some(last), true) = (instrument.last_price, instrument.terms.collar_ppm >= 0) else {
        return Ok(());
    };
    let distance = (i128::from(price.0) - i128::from(last.0)).abs();
    if distance * PPM > i128::from(last.0) * i128::from(instrument.terms.collar_ppm) {
        return Err(RejectReason::PriceCollar);
    }
    Ok(())
}

/// A positive number as an integer count of `10^-scale`, cut off where it is finer.
fn floor_at_scale(number: Decimal, scale: u8) -> i128 {
    let units = i128::from(number.units);
    if number.scale <= scale {
        units * i128::from(POWERS_OF_TEN[usize::from(scale - number.scale)])
    } else {
        units / i128::from(POWERS_OF_TEN[usize::from(number.scale - scale)])
    }
}
