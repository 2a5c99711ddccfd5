//! The candles of the file. Those that are open are kept here and written anew with each batch; one that the log has passed is written
//! once more, as closed, and never again.

use market_data::{Candle, Interval};
use model::{InstrumentId, Timestamp, Trade};

use crate::table::vector::{Exact, Moment};
use crate::table::{Column, columns};

/// A candle, with whose it is and from which records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CandleRow {
    pub instrument: InstrumentId,
    pub interval: Interval,
    pub candle: Candle,
    pub first_sequence: u64,
    pub last_sequence: u64,
}

impl CandleRow {
    /// The first moment that is not in it.
    fn end(&self) -> i64 {
        self.candle.start.0.saturating_add(self.interval.nanos())
    }

    fn begin(interval: Interval, trade: &Trade, sequence: u64) -> Self {
        let candle = Candle {
            start: interval.start_of(trade.executed_at),
            open: trade.price,
            high: trade.price,
            low: trade.price,
            close: trade.price,
            volume: trade.quantity,
            trades: 1,
        };
        Self {
            instrument: trade.instrument,
            interval,
            candle,
            first_sequence: sequence,
            last_sequence: sequence,
        }
    }

    fn take(&mut self, trade: &Trade, sequence: u64) {
        let candle = &mut self.candle;
        candle.high = candle.high.max(trade.price);
        candle.low = candle.low.min(trade.price);
        candle.close = trade.price;
        candle.volume.0 = candle.volume.0.saturating_add(trade.quantity.0);
        candle.trades += 1;
        self.last_sequence = sequence;
    }
}

/// The columns of both tables.
pub const COLUMNS: &[Column<Vec<CandleRow>>] = columns![Vec<CandleRow>:
    Option<&str>, "symbol", "", "In what.", |row, names| names.symbol(row.instrument);
    &str, "interval", "", "`1s`, `1m`, `5m`, `15m`, `1h` or `1d`.", |row| row.interval.as_str();
    Moment, "start", "UTC", "When the interval begins.", |row| Moment(row.candle.start.0);
    Option<Exact>, "open", "currency", "The first price.", |row, names| names.price(row.instrument, row.candle.open);
    Option<Exact>, "high", "currency", "The highest.", |row, names| names.price(row.instrument, row.candle.high);
    Option<Exact>, "low", "currency", "The lowest.", |row, names| names.price(row.instrument, row.candle.low);
    Option<Exact>, "close", "currency", "The last.", |row, names| names.price(row.instrument, row.candle.close);
    Option<Exact>, "volume", "units", "How much was traded.", |row, names| names.quantity(row.instrument, row.candle.volume);
    u64, "trades", "", "How many trades.", |row| row.candle.trades;
    i64, "open_ticks", "ticks", "The first price as the log has it.", |row| row.candle.open.0;
    i64, "high_ticks", "ticks", "The highest as the log has it.", |row| row.candle.high.0;
    i64, "low_ticks", "ticks", "The lowest as the log has it.", |row| row.candle.low.0;
    i64, "close_ticks", "ticks", "The last as the log has it.", |row| row.candle.close.0;
    u64, "volume_lots", "lots", "The volume as the log has it.", |row| row.candle.volume.0;
    u64, "first_sequence", "record", "The record of the first trade.", |row| row.first_sequence;
    u64, "last_sequence", "record", "The record of the last trade.", |row| row.last_sequence;
    i64, "start_ns", "ns", "When the interval begins: UNIX time.", |row| row.candle.start.0;
    i64, "instrument_id", "", "The exchange's number for the instrument.", |row| i64::from(row.instrument.0);
];

/// What is known of one instrument.
#[derive(Default)]
struct Instrument {
    /// For each interval the candle that is open.
    open: [Option<CandleRow>; Interval::ALL.len()],
    /// Trades before this moment go into the open candle of every interval.
    all_open_until: i64,
}

/// The open candles of all instruments.
#[derive(Default)]
pub struct OpenCandles {
    instruments: Vec<Instrument>,
    /// The first moment at which any of them ends.
    next_end: Option<i64>,
    /// Whether any changed since they were last written.
    changed: bool,
}

impl OpenCandles {
    /// Puts back one that was open when the file was last written.
    pub fn restore(&mut self, row: CandleRow) {
        let instrument = self.instrument(row.instrument);
        instrument.open[row.interval as usize] = Some(row);
        instrument.look();
        self.next_end = self.next_end.into_iter().chain([row.end()]).min();
    }

    /// Takes in a trade. Time never goes back in a log, so an instrument's candle of a later interval closes the one before.
    pub fn fold(&mut self, trade: &Trade, sequence: u64, closed: &mut Vec<CandleRow>) {
        self.changed = true;
        let instrument = self.instrument(trade.instrument);
        if trade.executed_at.0 < instrument.all_open_until {
            for candle in instrument.open.iter_mut().flatten() {
                candle.take(trade, sequence);
            }
            return;
        }
        for (open, interval) in instrument.open.iter_mut().zip(Interval::ALL) {
            match open {
                Some(candle) if trade.executed_at.0 < candle.end() => candle.take(trade, sequence),
                _ => closed.extend(open.replace(CandleRow::begin(interval, trade, sequence))),
            }
        }
        instrument.look();
        let end = instrument.all_open_until;
        self.next_end = self.next_end.into_iter().chain([end]).min();
    }

    /// Closes those that the log has passed.
    pub fn pass(&mut self, now: Timestamp, closed: &mut Vec<CandleRow>) {
        if self.next_end.is_none_or(|end| now.0 < end) {
            return;
        }
        self.changed = true;
        self.next_end = None;
        for instrument in &mut self.instruments {
            for open in &mut instrument.open {
                closed.extend(open.take_if(|candle| candle.end() <= now.0));
            }
            instrument.look();
            let ends = instrument.open.iter().flatten().map(CandleRow::end);
            self.next_end = self.next_end.into_iter().chain(ends).min();
        }
    }

    /// Those that are open, if any changed since this was last asked.
    pub fn changed(&mut self) -> Option<Vec<CandleRow>> {
        std::mem::take(&mut self.changed).then(|| {
            self.instruments.iter().flat_map(|instrument| instrument.open.iter().flatten().copied()).collect()
        })
    }

    fn instrument(&mut self, instrument: InstrumentId) -> &mut Instrument {
        if self.instruments.len() <= instrument.index() {
            self.instruments.resize_with(instrument.index() + 1, Instrument::default);
        }
        &mut self.instruments[instrument.index()]
    }
}

impl Instrument {
    fn look(&mut self) {
        // With an interval that has no candle, the next trade must look at each.
        let ends = self.open.iter().map(|open| open.as_ref().map_or(i64::MIN, CandleRow::end));
        self.all_open_until = ends.min().unwrap_or(i64::MIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use market_data::Candles;
    use model::{AccountId, OrderId, Price, Quantity, Side, TradeId};

    fn trade(instrument: u32, time: i64, price: i64) -> Trade {
        Trade {
            trade_id: TradeId(1),
            maker_order_id: OrderId(1),
            taker_order_id: OrderId(2),
            price: Price(price),
            quantity: Quantity(u64::try_from(price).unwrap()),
            executed_at: Timestamp(time),
            maker_account: AccountId(0),
            taker_account: AccountId(1),
            instrument: InstrumentId(instrument),
            taker_side: Side::Buy,
            maker_filled: false,
            taker_filled: false,
            reserved: 0,
        }
    }

    /// The same candles as the market data's own fold, each closed once, whenever it is asked whether time has passed.
    #[test]
    fn candles_close_once_and_are_those_of_the_market_data() {
        for pass_every in [1, 7, 1000] {
            let mut open = OpenCandles::default();
            let mut expected = Interval::ALL.map(|interval| [0, 1].map(|_| Candles::new(interval, 100_000)));
            let mut closed = Vec::new();
            let mut time = 1_767_605_400_000_000_000;
            for at in 0..3000_u64 {
                let bits = at.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
                time += i64::try_from(bits % 40_000).unwrap() * 1_000_000;
                let instrument = u32::from(bits.is_multiple_of(3));
                let trade = trade(instrument, time, i64::try_from(1 + bits % 50).unwrap());
                open.fold(&trade, at + 1, &mut closed);
                for candles in &mut expected {
                    candles[usize::from(instrument == 1)].fold(&trade);
                }
                if at % pass_every == 0 {
                    open.pass(Timestamp(time), &mut closed);
                }
            }
            open.pass(Timestamp(time), &mut closed);
            let rest = open.changed().unwrap();
            assert_eq!(open.changed(), None);
            assert!(rest.iter().all(|row| row.end() > time) && closed.iter().all(|row| row.end() <= time));
            let numbered = expected.iter().flat_map(|candles| (0..).zip(candles));
            for (instrument, candles) in numbered {
                let mut found: Vec<Candle> = closed
                    .iter()
                    .chain(&rest)
                    .filter(|row| {
                        row.instrument == InstrumentId(instrument) && row.interval == candles.interval()
                    })
                    .map(|row| row.candle)
                    .collect();
                found.sort_by_key(|candle| candle.start);
                assert!(found.iter().eq(candles.iter()), "{} {instrument}", candles.interval());
            }
        }
    }
}
