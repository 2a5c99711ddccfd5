//! `quotes`: the best bid and ask after each change, from the engine's own books; and `quote_spans`, how long each of them stood.

use std::sync::Arc;

use engine::{State, evolve};
use event_store::Block;
use model::{Event, InstrumentId, KIND_EVENT_FIRST, Phase, Price, Quantity, Side};
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

/// One row a span of time in which neither they nor the phase changed.
pub struct QuoteSpans;

/// The best price of each side.
type Best = [Option<Level>; 2];

#[derive(Clone)]
pub struct Row {
    /// The last record of the command that changed it.
    sequence: u64,
    time_ns: i64,
    instrument: InstrumentId,
    best: Best,
    phase: Phase,
    /// Whether the best prices changed; if not, the phase did.
    is_change: bool,
    /// The time of the next change, where one is known.
    until_ns: Option<i64>,
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
    store: Arc<Store>,
    filter: Filter,
    /// The last record that is in the state.
    applied: u64,
    /// By instrument.
    last: Vec<Option<(Best, Phase)>>,
    /// Instruments that the running command touched.
    touched: Vec<InstrumentId>,
    /// The spans that have begun, by instrument; `None` when rows are wanted at once.
    standing: Option<Vec<Option<Row>>>,
}

fn best(state: &State<Book>, instrument: InstrumentId) -> Best {
    let book = state.book(instrument);
    [book.best(Side::Buy), book.best(Side::Sell)]
}

fn phase(state: &State<Book>, instrument: InstrumentId) -> Phase {
    state.instrument(instrument).map_or(Phase::Closed, |instrument| instrument.phase)
}

/// The place of an instrument in a table that grows.
fn place<T: Clone>(table: &mut Vec<T>, instrument: InstrumentId, empty: T) -> &mut T {
    if table.len() <= instrument.index() {
        table.resize(instrument.index() + 1, empty);
    }
    &mut table[instrument.index()]
}

impl Tops {
    fn start(store: &Arc<Store>, filter: &Filter, spans: bool) -> Result<(Self, Range), Error> {
        let before = filter.range.from.saturating_sub(1).min(filter.bound);
        let kept = store.carry().take::<State<Book>>(Quotes::NAME, filter.range.from);
        let (state, applied) = kept.map_or_else(|| state_at(store, before), |state| Ok((state, before)))?;
        let last =
            state.instruments().map(|it| Some((best(&state, it.terms.instrument), it.phase))).collect();
        let range = Range { from: applied + 1, to: filter.range.to };
        let standing = spans.then(Vec::new);
        let (store, touched) = (Arc::clone(store), Vec::new());
        Ok((Self { state, store, filter: *filter, applied, last, touched, standing }, range))
    }

    /// The command has ended: what changed?
    fn settle(&mut self, sequence: u64, time_ns: i64, rows: &mut Vec<Row>) {
        for instrument in self.touched.drain(..) {
            let now = (best(&self.state, instrument), phase(&self.state, instrument));
            let last = place(&mut self.last, instrument, None).replace(now);
            let is_change = last.map_or([None, None], |last| last.0) != now.0;
            let is_end = is_change || last.is_none_or(|last| last.1 != now.1);
            if !is_end || !self.filter.wants_instrument(instrument) || !self.filter.range.holds(sequence) {
                continue;
            }
            let (best, phase) = now;
            let row = Row { sequence, time_ns, instrument, best, phase, is_change, until_ns: None };
            match &mut self.standing {
                None if is_change => rows.push(row),
                None => {}
                Some(standing) => {
                    let ended = place(standing, instrument, None).replace(row);
                    rows.extend(ended.map(|ended| Row { until_ns: Some(time_ns), ..ended }));
                }
            }
        }
    }
}

/// The instrument whose book or phase an event changes.
fn changes(event: &Event) -> Option<InstrumentId> {
    match event {
        Event::OrderAccepted(event) if event.booked => Some(event.instrument),
        Event::Trade(event) => Some(event.instrument),
        Event::OrderBooked(event) => Some(event.instrument),
        Event::OrderCanceled(event) if event.was_booked => Some(event.instrument),
        Event::OrderReplaced(event) => Some(event.instrument),
        Event::OrderReduced(event) => Some(event.instrument),
        Event::PhaseChanged(event) => Some(event.instrument),
        Event::InstrumentCreated(event) => Some(event.instrument),
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

    /// What still stands has no end yet.
    fn finish(&mut self, rows: &mut Vec<Row>) -> Result<(), Error> {
        rows.extend(self.standing.iter_mut().flatten().filter_map(Option::take));
        let state = &mut self.state;
        self.store.carry().put(Quotes::NAME, self.applied, || std::mem::take(state));
        Ok(())
    }
}

impl Table for Quotes {
    type Rows = Vec<Row>;
    const NAME: &'static str = "quotes";
    const ABOUT: &'static str = "The best bid and ask of an instrument after each command that changed their price, quantity or number of orders.";
    const PARAMETERS: &'static [Parameter] = &[FROM_SEQ, TO_SEQ, FROM_TIME, TO_TIME, SYMBOL];
    const COLUMNS: &'static [Column<Vec<Row>>] = columns![Vec<Row>:
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

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<Row>>>, Error> {
        let (tops, range) = Tops::start(store, filter, false)?;
        Ok(Box::new(FoldScan::new(store, range, tops)?))
    }
}

impl Table for QuoteSpans {
    type Rows = Vec<Row>;
    const NAME: &'static str = "quote_spans";
    const ABOUT: &'static str = "How long each best bid and ask stood: one row a span of time in which neither they nor the instrument's phase \
        changed, in the order in which spans ended. What still stands comes last.";
    const PARAMETERS: &'static [Parameter] = &[FROM_SEQ, TO_SEQ, SYMBOL];
    const COLUMNS: &'static [Column<Vec<Row>>] = columns![Vec<Row>:
        u64, "sequence", "record", "The last record of the command that began it.", |row| row.sequence;
        i64, "time_ns", "ns", "When it began: UNIX time.", |row| row.time_ns;
        Moment, "time", "UTC", "The same as a timestamp.", |row| Moment(row.time_ns);
        Option<Moment>, "until", "UTC", "When it ended; null for what still stands.", |row| row.until_ns.map(Moment);
        Option<i64>, "lasted_ns", "ns", "How long it was; null for what still stands.", |row| row.until_ns.map(|until| until - row.time_ns);
        Option<&str>, "symbol", "", "Of what.", |row, names| names.symbol(row.instrument);
        &str, "phase", "", "`open`, `halted`, `closed` or `auction`.", |row| row.phase.as_str();
        bool, "is_change", "", "Whether it began because the best prices changed; otherwise the phase did.", |row| row.is_change;
        Option<i64>, "bid_ticks", "ticks", "The highest bid; null when nobody bids.", |row| row.price(0).map(|price| price.0);
        Option<i64>, "ask_ticks", "ticks", "The lowest ask; null when nobody asks.", |row| row.price(1).map(|price| price.0);
        Option<u64>, "bid_lots", "lots", "What all orders at the bid have left.", |row| row.quantity(0).map(|lots| lots.0);
        Option<u64>, "ask_lots", "lots", "What all orders at the ask have left.", |row| row.quantity(1).map(|lots| lots.0);
        u64, "instrument_id", "", "The exchange's number for the instrument.", |row| u64::from(row.instrument.0);
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<Row>>>, Error> {
        let (tops, range) = Tops::start(store, filter, true)?;
        Ok(Box::new(FoldScan::new(store, range, tops)?))
    }
}
