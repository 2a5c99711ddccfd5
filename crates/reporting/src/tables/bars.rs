//! `bars`: what candles are put together from. Each thread folds the trades it meets, so that a query that groups gets a row where it would
//! have got some hundred.

use std::sync::Arc;

use model::InstrumentId;

use super::trades::TradeScan;
use crate::error::Error;
use crate::index::TradeRow;
use crate::store::Store;
use crate::table::{
    Column, FROM_SEQ, FROM_TIME, Filter, Kind, Parameter, Rows as _, SYMBOL, Scan, TO_SEQ, TO_TIME, Table,
    columns,
};

/// One row an instrument, interval and run of trades.
pub struct Bars;

/// What traded of an instrument in an interval, or in a part of it.
#[derive(Debug, Clone, Copy)]
pub struct Bar {
    instrument: InstrumentId,
    start_ns: i64,
    open: i64,
    high: i64,
    low: i64,
    close: i64,
    volume: u64,
    trades: u64,
    first_sequence: u64,
    last_sequence: u64,
}

impl Bar {
    fn new(start_ns: i64, trade: TradeRow<'_>) -> Self {
        let (price, sequence) = (trade.price().0, trade.sequence());
        Self {
            instrument: trade.instrument(),
            start_ns,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: trade.quantity().0,
            trades: 1,
            first_sequence: sequence,
            last_sequence: sequence,
        }
    }

    fn take(&mut self, trade: TradeRow<'_>) {
        let price = trade.price().0;
        self.high = self.high.max(price);
        self.low = self.low.min(price);
        self.close = price;
        self.volume = self.volume.saturating_add(trade.quantity().0);
        self.trades += 1;
        self.last_sequence = trade.sequence();
    }
}

struct BarScan {
    trades: TradeScan,
    interval_ns: i64,
}

impl Scan<Vec<Bar>> for BarScan {
    fn refill(&self, rows: &mut Vec<Bar>) -> Result<(), Error> {
        // A run in which nothing that is wanted traded makes no bar, and an empty answer would be the end.
        while rows.is_empty() {
            let Some(trades) = self.trades.next_run(usize::MAX)? else { break };
            let mut current: Vec<Option<usize>> = Vec::new();
            for trade in trades.range(0..trades.len()) {
                self.fold(trade, &mut current, rows);
            }
        }
        Ok(())
    }

    fn threads(&self) -> u64 {
        self.trades.threads()
    }
}

impl BarScan {
    /// Takes in a trade. `current` has, by instrument, the place in `rows` of the bar that is being made.
    #[inline]
    fn fold(&self, trade: TradeRow<'_>, current: &mut Vec<Option<usize>>, rows: &mut Vec<Bar>) {
        let (time_ns, instrument) = (trade.time_ns(), trade.instrument().index());
        if instrument >= current.len() {
            current.resize(instrument + 1, None);
        }
        let making = current[instrument].map(|at| &mut rows[at]);
        if let Some(bar) = making.filter(|bar| (0..self.interval_ns).contains(&(time_ns - bar.start_ns))) {
            bar.take(trade);
        } else {
            current[instrument] = Some(rows.len());
            rows.push(Bar::new(time_ns - time_ns.rem_euclid(self.interval_ns), trade));
        }
    }
}

impl Table for Bars {
    type Rows = Vec<Bar>;
    const NAME: &'static str = "bars";
    const ABOUT: &'static str = "What candles of any length are put together from: `bars(60000000000)` for minutes. An interval may come in several rows, each of a run of \
        its trades; the views `candles_1m` and so on have it in one.";
    const PARAMETERS: &'static [Parameter] = &[
        Parameter { name: "interval_ns", kind: Kind::Bigint, required: true },
        FROM_SEQ,
        TO_SEQ,
        FROM_TIME,
        TO_TIME,
        SYMBOL,
    ];
    const COLUMNS: &'static [Column<Vec<Bar>>] = columns![Vec<Bar>:
        i64, "instrument_id", "", "The exchange's number for the instrument.", |row| i64::from(row.instrument.0);
        i64, "start_ns", "ns", "Where the interval begins: UNIX time.", |row| row.start_ns;
        Option<&str>, "symbol", "", "In what.", |row, names| names.symbol(row.instrument);
        i64, "open_ticks", "ticks", "The first price.", |row| row.open;
        i64, "high_ticks", "ticks", "The highest.", |row| row.high;
        i64, "low_ticks", "ticks", "The lowest.", |row| row.low;
        i64, "close_ticks", "ticks", "The last.", |row| row.close;
        u64, "volume_lots", "lots", "How much traded.", |row| row.volume;
        u64, "trades", "", "How many trades.", |row| row.trades;
        u64, "first_sequence", "record", "The first trade.", |row| row.first_sequence;
        u64, "last_sequence", "record", "The last trade.", |row| row.last_sequence;
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<Bar>>>, Error> {
        let interval_ns = filter.interval_ns.ok_or(Error::Missing {
            function: "bars",
            parameter: "a length in nanoseconds",
            example: "FROM bars(60000000000)",
        })?;
        Ok(Box::new(BarScan { trades: TradeScan::new(store, *filter)?, interval_ns }))
    }
}
