//! From the exchange's own units to the words of the API: ticks become prices, lots quantities, ids names. Pure, so that
//! time travel shows a state in the same words as the running exchange.

use engine::{Asset, Instrument, State};
use market_data::Interval;
use model::{Cash, Decimal, InstrumentId, OrderType, Price, Quantity, Side, Timestamp};
use order_book::{Book, OrderBook};

use crate::api;
use crate::executions::{Execution, OrderView, What};
use crate::read_model::Model;

/// The most levels, orders, trades, candles or accounts in one answer.
pub const MAX_LISTED: usize = 10_000;

/// A number that names nothing in this state: a bug, but not one to stop an answer for.
const UNKNOWN_NAME: &str = "?";

/// How an instrument's ticks and lots are written.
#[derive(Clone, Copy, Debug)]
pub struct Scales {
    tick: Decimal,
    lot: Decimal,
}

impl Scales {
    /// Those of an instrument.
    pub const fn of(instrument: &Instrument<Book>) -> Self {
        Self { tick: instrument.terms.tick_size, lot: instrument.terms.lot_size }
    }

    /// Those of an instrument by its id; whole units if there is none.
    pub fn by_id(state: &State<Book>, instrument: InstrumentId) -> Self {
        let whole = Decimal::new(1, 0);
        state.instrument(instrument).map_or(Self { tick: whole, lot: whole }, Self::of)
    }

    /// A price.
    pub fn price(self, price: Price) -> api::Number {
        api::Number::new(i128::from(price.0) * i128::from(self.tick.units), self.tick.scale)
    }

    /// A quantity.
    pub fn quantity(self, quantity: Quantity) -> api::Number {
        api::Number::new(i128::from(quantity.0) * i128::from(self.lot.units), self.lot.scale)
    }

    /// The average price of `quantity` lots that traded for `value` ticks times lots, rounded half away from zero to four
    /// decimals more than the tick has, without the zeros that are not the tick's.
    pub fn average(self, value: i128, quantity: Quantity) -> Option<api::Number> {
        let extra = 4.min(Decimal::MAX_SCALE - self.tick.scale);
        let lots = i128::from(quantity.0);
        let scaled =
            value.checked_mul(i128::from(self.tick.units))?.checked_mul(10i128.pow(u32::from(extra)))?;
        let half = if scaled < 0 { -(lots / 2) } else { lots / 2 };
        let mut units = scaled.checked_add(half)?.checked_div(lots)?;
        let mut scale = self.tick.scale + extra;
        while scale > self.tick.scale && units % 10 == 0 {
            units /= 10;
            scale -= 1;
        }
        Some(api::Number::new(units, scale))
    }
}

/// An amount of an asset: cents of a currency, lots of an instrument.
pub fn amount(state: &State<Book>, asset: &Asset, amount: Cash) -> api::Number {
    let cash = api::Number::new(i128::from(amount.0), asset.decimals);
    if !asset.is_instrument {
        return cash;
    }
    state.instrument_by_symbol(&asset.code).map_or(cash, |instrument| {
        let lot = instrument.terms.lot_size;
        api::Number::new(i128::from(amount.0) * i128::from(lot.units), lot.scale)
    })
}

fn time(at: Timestamp) -> Option<api::Time> {
    (at != Timestamp::NONE).then_some(api::Time(at))
}

/// An order.
pub fn order(state: &State<Book>, order: &OrderView) -> api::Order {
    let scales = Scales::by_id(state, order.instrument);
    let account = state.account(order.account).map_or(UNKNOWN_NAME, |account| account.name.as_str());
    let symbol = state.instrument(order.instrument).map_or(UNKNOWN_NAME, |it| it.terms.symbol.as_str());
    api::Order {
        order_id: order.order_id.to_string(),
        cl_ord_id: order.cl_ord_id.to_string(),
        account: account.to_owned(),
        symbol: symbol.to_owned(),
        side: order.side.into(),
        ord_type: order.order_type.into(),
        time_in_force: order.time_in_force.into(),
        expire_time: time(order.expire_at),
        price: (order.order_type == OrderType::Limit).then(|| scales.price(order.price)),
        order_qty: scales.quantity(order.quantity),
        leaves_qty: scales.quantity(order.leaves),
        cum_qty: scales.quantity(order.cum),
        avg_px: order.traded_value.and_then(|value| scales.average(value, order.cum)),
        ord_status: order.status,
        cancel_reason: order.cancel_reason.map(Into::into),
        post_only: order.post_only,
        sequence: order.sequence,
        accepted_time: time(order.accepted_at),
        transact_time: order.changed_at.into(),
    }
}

/// An execution report.
pub fn execution(state: &State<Book>, execution: &Execution) -> api::ExecutionReport {
    let scales = Scales::by_id(state, execution.order.instrument);
    let mut report = api::ExecutionReport {
        exec_id: execution.order.sequence.to_string(),
        exec_type: api::ExecType::New,
        orig_cl_ord_id: None,
        last_px: None,
        last_qty: None,
        trade_id: None,
        liquidity: None,
        priority_kept: None,
        order: order(state, &execution.order),
    };
    match execution.what {
        What::Accepted => {}
        What::Traded { trade_id, price, quantity, liquidity } => {
            report.exec_id.push(if liquidity == api::Liquidity::Maker { 'm' } else { 't' });
            report.exec_type = api::ExecType::Trade;
            report.last_px = Some(scales.price(price));
            report.last_qty = Some(scales.quantity(quantity));
            report.trade_id = Some(trade_id.to_string());
            report.liquidity = Some(liquidity);
        }
        What::Canceled if execution.order.status == api::OrdStatus::Expired => {
            report.exec_type = api::ExecType::Expired;
        }
        What::Canceled => report.exec_type = api::ExecType::Canceled,
        What::Replaced { orig_cl_ord_id, priority_kept } => {
            report.exec_type = api::ExecType::Replaced;
            report.orig_cl_ord_id = Some(orig_cl_ord_id.to_string());
            report.priority_kept = Some(priority_kept);
        }
        What::Reduced { by } => {
            report.exec_type = api::ExecType::Restated;
            report.last_qty = Some(scales.quantity(by));
        }
    }
    report
}

/// An instrument.
pub fn instrument(state: &State<Book>, instrument: &Instrument<Book>) -> api::Instrument {
    let terms = &instrument.terms;
    let scales = Scales::of(instrument);
    let currency = state.asset(terms.currency);
    let best = |side| instrument.book().best(side).map(|level| scales.price(level.price));
    api::Instrument {
        symbol: terms.symbol.to_string(),
        instrument_id: terms.instrument.0,
        currency: currency.map_or(UNKNOWN_NAME, |currency| currency.code.as_str()).to_owned(),
        tick_size: terms.tick_size.into(),
        lot_size: terms.lot_size.into(),
        phase: instrument.phase.into(),
        calendar: (!terms.calendar.is_empty()).then(|| terms.calendar.to_string()),
        max_qty: (terms.max_quantity.0 != u64::MAX).then(|| scales.quantity(terms.max_quantity)),
        max_notional: (terms.max_notional.0 != i64::MAX).then(|| {
            api::Number::new(
                i128::from(terms.max_notional.0),
                currency.map_or(0, |currency| currency.decimals),
            )
        }),
        // Millionths are ten-thousandths of a percent.
        collar_percent: (terms.collar_ppm >= 0).then(|| trimmed(i128::from(terms.collar_ppm), 4)),
        self_trade_prevention: terms.self_trade_prevention.into(),
        last_px: instrument.last_price.map(|price| scales.price(price)),
        best_bid: best(Side::Buy),
        best_ask: best(Side::Sell),
    }
}

/// A number without zeros at its end.
fn trimmed(mut units: i128, mut scale: u8) -> api::Number {
    while scale > 0 && units % 10 == 0 {
        units /= 10;
        scale -= 1;
    }
    api::Number::new(units, scale)
}

/// An account.
pub fn account(state: &State<Book>, account: &engine::Account) -> api::Account {
    let mut balances: Vec<_> = state
        .assets()
        .filter_map(|asset| {
            let balance = state.balance(account.id, asset.id);
            (balance.total != Cash::ZERO).then(|| api::Balance {
                asset: asset.code.to_string(),
                total: amount(state, asset, balance.total),
                held: amount(state, asset, balance.held),
                available: amount(state, asset, balance.available()),
            })
        })
        .collect();
    balances.sort_unstable_by(|one, other| one.asset.cmp(&other.asset));
    api::Account {
        account: account.name.to_string(),
        account_id: account.id.0,
        status: account.status.into(),
        limits: api::AccountLimits {
            max_notional: account.max_notional.map(Into::into),
            max_working_orders: (account.max_working_orders != u32::MAX)
                .then_some(account.max_working_orders),
        },
        working_orders: account.working_orders.into(),
        balances,
    }
}

/// The best `depth` levels of a book, with their orders if `with_orders`.
pub fn book(
    state: &State<Book>,
    instrument: &Instrument<Book>,
    sequence: u64,
    depth: usize,
    with_orders: bool,
) -> api::Book {
    let scales = Scales::of(instrument);
    api::Book {
        sequence,
        symbol: instrument.terms.symbol.to_string(),
        phase: instrument.phase.into(),
        last_px: state.last_price(instrument.terms.instrument).map(|price| scales.price(price)),
        bids: levels(instrument.book(), scales, Side::Buy, depth, with_orders),
        asks: levels(instrument.book(), scales, Side::Sell, depth, with_orders),
    }
}

fn levels(book: &Book, scales: Scales, side: Side, depth: usize, with_orders: bool) -> Vec<api::BookLevel> {
    let mut levels: Vec<_> = book
        .levels(side)
        .take(depth.min(MAX_LISTED))
        .map(|level| api::BookLevel {
            price: scales.price(level.price),
            qty: scales.quantity(level.quantity),
            orders: level.orders,
            entries: Vec::new(),
        })
        .collect();
    if with_orders {
        // Orders come in the order in which they would trade, so each level's stand together.
        let mut orders = book.orders(side);
        for level in &mut levels {
            level.entries = orders
                .by_ref()
                .take(level.orders as usize)
                .map(|(_, order)| api::BookEntry {
                    order_id: order.order_id.to_string(),
                    qty: scales.quantity(order.leaves),
                })
                .collect();
        }
    }
    levels
}

/// The newest `limit` trades of an instrument, oldest first.
pub fn trades(model: &Model, instrument: &Instrument<Book>, limit: usize) -> api::Trades {
    let scales = Scales::of(instrument);
    let tape = model.market(instrument.terms.instrument).map(|market| &market.tape);
    let mut trades: Vec<_> = tape
        .into_iter()
        .flat_map(|tape| tape.iter().rev())
        .take(limit.min(MAX_LISTED))
        .map(|trade| api::Trade {
            trade_id: trade.trade_id.to_string(),
            last_px: scales.price(trade.price),
            last_qty: scales.quantity(trade.quantity),
            taker_side: trade.taker_side.into(),
            maker_order_id: trade.maker_order_id.to_string(),
            taker_order_id: trade.taker_order_id.to_string(),
            transact_time: trade.executed_at.into(),
        })
        .collect();
    trades.reverse();
    api::Trades { sequence: model.sequence(), symbol: instrument.terms.symbol.to_string(), trades }
}

/// The newest `limit` candles of an instrument, oldest first.
pub fn candles(
    model: &Model,
    instrument: &Instrument<Book>,
    interval: Interval,
    limit: usize,
) -> api::Candles {
    let scales = Scales::of(instrument);
    let candles = model.market(instrument.terms.instrument).map(|market| market.candles(interval));
    let mut candles: Vec<_> = candles
        .into_iter()
        .flat_map(|candles| candles.iter().rev())
        .take(limit.min(MAX_LISTED))
        .map(|candle| api::Candle {
            start_time: candle.start.into(),
            open: scales.price(candle.open),
            high: scales.price(candle.high),
            low: scales.price(candle.low),
            close: scales.price(candle.close),
            volume: scales.quantity(candle.volume),
            trades: candle.trades,
        })
        .collect();
    candles.reverse();
    api::Candles {
        sequence: model.sequence(),
        symbol: instrument.terms.symbol.to_string(),
        interval: interval.to_string(),
        candles,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn averages_are_rounded_half_away_from_zero_and_end_where_the_tick_does() {
        let scales = Scales { tick: Decimal::new(1, 2), lot: Decimal::new(1, 0) };
        let average = |value, lots| scales.average(value, Quantity(lots)).map(|number| number.to_string());
        assert_eq!(average(1005 * 40, 40).as_deref(), Some("10.05"));
        assert_eq!(average(1005 + 1006, 2).as_deref(), Some("10.055"));
        assert_eq!(average(1000 + 1000 + 1001, 3).as_deref(), Some("10.003333"));
        assert_eq!(average(1000 + 1001 + 1001, 3).as_deref(), Some("10.006667"));
        assert_eq!(average(0, 0), None);
        assert_eq!(average(i128::MAX, 3), None);
    }

    #[test]
    fn ticks_and_lots_are_written_with_their_own_decimals() {
        let scales = Scales { tick: Decimal::new(25, 2), lot: Decimal::new(1, 3) };
        assert_eq!(scales.price(Price(42)).to_string(), "10.50");
        assert_eq!(scales.quantity(Quantity(1_500)).to_string(), "1.500");
        assert_eq!(trimmed(50_000, 4).to_string(), "5");
        assert_eq!(trimmed(25_500, 4).to_string(), "2.55");
    }
}
