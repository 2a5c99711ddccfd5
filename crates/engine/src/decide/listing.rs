//! Listing a new instrument: what its terms must be, and what they come to in integers.

use super::rejected;
use crate::assets::is_currency;
use crate::state::State;
use model::{
    AccountId, AssetRegistered, Cash, CreateInstrument, Decimal, Event, InstrumentCreated, InstrumentId,
    Phase, Quantity, Record, RejectReason, SelfTradePrevention, TickValue,
};
use order_book::OrderBook;

/// Decimals of a percentage in millionths.
const PERCENT_IN_PPM_DECIMALS: u8 = 4;

/// Lists an instrument, and registers it and its currency as assets.
pub(super) fn create_instrument<B: OrderBook>(
    state: &State<B>,
    command: &CreateInstrument,
    events: &mut Vec<Event>,
) {
    match check(state, command) {
        Ok(terms) => {
            if state.assets.get(terms.currency).is_none() {
                events.push(Event::AssetRegistered(AssetRegistered {
                    code: command.currency,
                    asset: terms.currency,
                    decimals: command.currency_decimals,
                    is_instrument: false,
                    reserved: [0; 2],
                }));
            }
            events.push(Event::AssetRegistered(AssetRegistered {
                code: command.symbol,
                asset: terms.asset,
                decimals: shortened(command.lot_size).1,
                is_instrument: true,
                reserved: [0; 2],
            }));
            events.push(Event::InstrumentCreated(terms));
        }
        Err(reason) => {
            events.push(rejected(CreateInstrument::KIND, reason, AccountId::UNKNOWN, InstrumentId::UNKNOWN));
        }
    }
}

/// The terms in integers, or why they are not possible.
fn check<B: OrderBook>(
    state: &State<B>,
    command: &CreateInstrument,
) -> Result<InstrumentCreated, RejectReason> {
    if state.instrument_by_symbol(&command.symbol).is_some() {
        return Err(RejectReason::DuplicateInstrument);
    }
    if state.asset_by_code(&command.currency).is_none() && !is_currency(&command.currency) {
        return Err(RejectReason::UnknownAsset);
    }
    terms(state, command).ok_or(RejectReason::InvalidInstrument).and_then(|terms| {
        let full = state.instruments.len() >= state.bounds.max_instruments as usize;
        if full { Err(RejectReason::TooManyEntries) } else { Ok(terms) }
    })
}

/// `None` when the terms are not possible.
fn terms<B: OrderBook>(state: &State<B>, command: &CreateInstrument) -> Option<InstrumentCreated> {
    // A code means one thing: a currency that someone owns cannot become an instrument, nor the other way round.
    let code_is_free = state.asset_by_code(&command.symbol).is_none() && command.symbol != command.currency;
    if command.symbol.is_empty() || !code_is_free {
        return None;
    }
    if command.self_trade_prevention == SelfTradePrevention::Default {
        return None;
    }
    let currency = match state.asset_by_code(&command.currency) {
        Some(known) if known.is_instrument || known.decimals != command.currency_decimals => return None,
        Some(known) => known.id,
        None => state.assets.next_id(0),
    };
    let new_currency = usize::from(state.assets.get(currency).is_none());
    let tick_value = tick_value(command.tick_size, command.lot_size, command.currency_decimals)?;
    let one_minor_unit = Decimal::new(1, command.currency_decimals);
    let max_quantity = command.max_quantity.some().map(|limit| limit_in(limit, command.lot_size));
    let max_notional = command.max_notional.some().map(|limit| limit_in(limit, one_minor_unit));
    let collar = command
        .collar_percent
        .some()
        .map(|percent| percent.at_scale(PERCENT_IN_PPM_DECIMALS).filter(|&millionths| millionths > 0));
    Some(InstrumentCreated {
        symbol: command.symbol,
        calendar: command.calendar,
        tick_size: command.tick_size,
        lot_size: command.lot_size,
        tick_value,
        max_quantity: match max_quantity {
            Some(limit) => Quantity(limit?.unsigned_abs()),
            None => Quantity(u64::MAX),
        },
        max_notional: match max_notional {
            Some(limit) => Cash(limit?),
            None => Cash(i64::MAX),
        },
        collar_ppm: match collar {
            Some(millionths) => millionths?,
            None => -1,
        },
        instrument: state.instruments.next_id(),
        asset: state.assets.next_id(new_currency),
        currency,
        self_trade_prevention: command.self_trade_prevention,
        // A calendar opens what it moves; without one an instrument trades until the operator says otherwise.
        phase: if command.calendar.is_empty() { Phase::Open } else { Phase::Closed },
        reserved: [0; 18],
    })
}

/// A number without trailing zeros, as digits and their count of decimals.
fn shortened(number: Decimal) -> (i64, u8) {
    let (mut units, mut scale) = (number.units, number.scale);
    while scale > 0 && units % 10 == 0 {
        units /= 10;
        scale -= 1;
    }
    (units, scale)
}

/// What a tick of a lot is worth in minor units: positive and whole, or `None`.
fn tick_value(tick: Decimal, lot: Decimal, decimals: u8) -> Option<TickValue> {
    let well_formed = |number: Decimal| number.units > 0 && number.scale <= Decimal::MAX_SCALE;
    if !well_formed(tick) || !well_formed(lot) || decimals > Decimal::MAX_SCALE {
        return None;
    }
    let ((tick_units, tick_scale), (lot_units, lot_scale)) = (shortened(tick), shortened(lot));
    let product = i128::from(tick_units) * i128::from(lot_units);
    let scale = u32::from(tick_scale) + u32::from(lot_scale);
    let decimals = u32::from(decimals);
    let value = if scale <= decimals {
        product.checked_mul(10i128.pow(decimals - scale))?
    } else {
        let power = 10i128.pow(scale - decimals);
        if product % power != 0 {
            return None;
        }
        product / power
    };
    i64::try_from(value).ok().map(TickValue)
}

/// A limit in whole steps, cut off where it is finer: values come in whole steps, so none lies in between. `None` when it is
/// not positive; `i64::MAX` when it is past every value there can be.
fn limit_in(limit: Decimal, step: Decimal) -> Option<i64> {
    if limit.units <= 0 || limit.scale > Decimal::MAX_SCALE {
        return None;
    }
    let (mut number, mut step_units) = (i128::from(limit.units), i128::from(step.units));
    let (from, to) = (u32::from(limit.scale), u32::from(step.scale));
    if from < to {
        number *= 10i128.pow(to - from);
    } else {
        step_units *= 10i128.pow(from - to);
    }
    Some(i64::try_from(number / step_units).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn a_tick_of_a_lot_is_a_whole_number_of_minor_units() {
        let value = |tick, lot| tick_value(decimal(tick), decimal(lot), 2).map(|value| value.0);
        assert_eq!(value("0.01", "1"), Some(1));
        assert_eq!(value("0.25", "1"), Some(25));
        assert_eq!(value("0.0001", "100"), Some(1));
        assert_eq!(value("10", "0.001"), Some(1));
        assert_eq!(value("0.001", "1"), None);
        assert_eq!(value("0.01", "0.1"), None);
        assert_eq!(value("0", "1"), None);
        assert_eq!(value("0.01", "-1"), None);
        assert_eq!(value("999999999999999999", "999999999999999999"), None);
        assert_eq!(value("0.000000000000000001", "10000000000000000"), Some(1));
    }

    #[test]
    fn a_limit_between_two_steps_is_the_lower_one() {
        let limit = |limit, step| limit_in(decimal(limit), decimal(step));
        assert_eq!(limit("150", "100"), Some(1));
        assert_eq!(limit("100.005", "0.01"), Some(10_000));
        assert_eq!(limit("0.5", "1"), Some(0));
        assert_eq!(limit("0", "1"), None);
        assert_eq!(limit("-3", "1"), None);
        assert_eq!(limit("999999999999999999", "0.000000000000000001"), Some(i64::MAX));
    }
}
