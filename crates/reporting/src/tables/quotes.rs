//! `quotes`: the best bid and ask after each change, from the engine's own books.

use std::sync::Arc;

use engine::{State, evolve};
use event_store::Block;
use model::{Event, InstrumentId, KIND_EVENT_FIRST, Price, Quantity, Side};
use order_book::{Book, Level, OrderBook as _};

use super::at::state_at;
use crate::error::Error;
use crate::store::Store;
use crate::table::scan::{Fold, FoldScan, Range};
use crate::table::vector::{Exact, Moment};
use crate::table::{
    Column, FROM_SEQ, FROM_TIME, Filter, Parameter, SYMBOL, Scan, TO_SEQ, TO_TIME, Table, columns,
};

/// One row a change of an instrument's best prices.
pub struct Quotes;

/// The best price of each side.
type Best = [Option<Level>; 2];

pub struct Row {
    /// The last record of the command that changed it.
    sequence: u64,
    time_ns: i64,
    instrument: InstrumentId,
    best: Best,
}

impl Row {
    fn price(&self, side: usize) -> Option<Price> {
        self.best[side].map(|level| level.price)
    }

    fn quantity(&self, side: usize) -> Option<Quantity> {
        self.best[side].map(|level| level.quantity)
    }
}

/// Looks at the books after each command: what they are between its events nobody could have seen.
struct Tops {
    state: State<Book>,
    filter: Filter,
    /// The last record that is in the state.
    applied: u64,
    /// By instrument.
    last: Vec<Best>,
    /// Instruments that the running command touched.
    touched: Vec<InstrumentId>,
}

fn best(state: &State<Book>, instrument: InstrumentId) -> Best {
    let book = state.book(instrument);
    [book.best(Side::Buy), book.best(Side::Sell)]
}

impl Tops {
    /// The command has ended: what changed?
    fn settle(&mut self, sequence: u64, time_ns: i64, rows: &mut Vec<Row>) {
        for instrument in self.touched.drain(..) {
            let now = best(&self.state, instrument);
            if self.last.len() <= instrument.index() {
                self.last.resize(instrument.index() + 1, [None, None]);
            }
            let last = &mut self.last[instrument.index()];
            if *last != now {
                *last = now;
                if self.filter.range.holds(sequence) && self.filter.wants_instrument(instrument) {
                    rows.push(Row { sequence, time_ns, instrument, best: now });
                }
            }
        }
    }
}

/// The instrument whose book an event changes.
fn changes(event: &Event) -> Option<InstrumentId> {
    match event {
        Event::OrderAccepted(event) if event.booked => Some(event.instrument),
        Event::Trade(event) => Some(event.instrument),
        Event::OrderBooked(event) => Some(event.instrument),
        Event::OrderCanceled(event) if event.was_booked => Some(event.instrument),
        Event::OrderReplaced(event) => Some(event.instrument),
        Event::OrderReduced(event) => Some(event.instrument),
        _ => None,
    }
}

impl Fold<Row> for Tops {
    fn block(&mut self, block: &Block<'_>, rows: &mut Vec<Row>) -> Result<(), Error> {
        let time_ns = block.header().timestamp_ns;
        let mut sequence = 0;
        for record in block.records_from(self.applied + 1) {
            if record.kind < KIND_EVENT_FIRST {
                self.settle(sequence, time_ns, rows);
                if record.sequence > self.filter.range.to {
                    return Ok(());
                }
            } else {
                let event = Event::decode(record.kind, record.version, record.payload)
                    .map_err(|source| Error::Record { sequence: record.sequence, source })?;
                evolve(&mut self.state, &event);
                if let Some(instrument) = changes(&event)
                    && !self.touched.contains(&instrument)
                {
                    self.touched.push(instrument);
                }
            }
            sequence = record.sequence;
            self.applied = sequence;
        }
        self.settle(sequence, time_ns, rows);
        Ok(())
    }
}

impl Table for Quotes {
    type Row = Row;
    const NAME: &'static str = "quotes";
    const ABOUT: &'static str = "The best bid and ask of an instrument after each command that changed their price, quantity or number of orders.";
    const PARAMETERS: &'static [Parameter] = &[FROM_SEQ, TO_SEQ, FROM_TIME, TO_TIME, SYMBOL];
    const COLUMNS: &'static [Column<Row>] = columns![Row:
        u64, "sequence", "record", "The last record of the command that changed it.", |row| row.sequence;
        i64, "time_ns", "ns", "When: UNIX time.", |row| row.time_ns;
        Moment, "time", "UTC", "The same as a timestamp.", |row| Moment(row.time_ns);
        Option<&str>, "symbol", "", "Of what.", |row, names| names.symbol(row.instrument);
        Option<Exact>, "bid", "currency", "The highest bid; null when nobody bids.", |row, names| names.price(row.instrument, row.price(0)?);
        Option<Exact>, "bid_quantity", "units", "What all orders at it have left.",
            |row, names| names.quantity(row.instrument, row.quantity(0)?);
        Option<i64>, "bid_orders", "", "How many orders.", |row| row.best[0].map(|level| i64::from(level.orders));
        Option<Exact>, "ask", "currency", "The lowest ask; null when nobody asks.", |row, names| names.price(row.instrument, row.price(1)?);
        Option<Exact>, "ask_quantity", "units", "What all orders at it have left.",
            |row, names| names.quantity(row.instrument, row.quantity(1)?);
        Option<i64>, "ask_orders", "", "How many orders.", |row| row.best[1].map(|level| i64::from(level.orders));
        Option<i64>, "bid_ticks", "ticks", "The bid as the log has it.", |row| row.price(0).map(|price| price.0);
        Option<i64>, "ask_ticks", "ticks", "The ask as the log has it.", |row| row.price(1).map(|price| price.0);
        Option<u64>, "bid_lots", "lots", "The bid's quantity as the log has it.", |row| row.quantity(0).map(|lots| lots.0);
        Option<u64>, "ask_lots", "lots", "The ask's quantity as the log has it.", |row| row.quantity(1).map(|lots| lots.0);
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Row>>, Error> {
        let before = filter.range.from.saturating_sub(1).min(filter.bound);
        let (state, applied) = state_at(store, before)?;
        let last = state.instruments().map(|instrument| best(&state, instrument.terms.instrument)).collect();
        let range = Range { from: applied + 1, to: filter.range.to };
        let tops = Tops { state, filter: *filter, applied, last, touched: Vec::new() };
        Ok(Box::new(FoldScan::new(store, range, tops)?))
    }
}
