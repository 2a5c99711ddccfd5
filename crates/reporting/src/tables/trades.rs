//! `trades`: one row a trade, as the log has it.

use std::sync::{Arc, Mutex, PoisonError};

use event_store::{Reader, Span};
use model::{Record as _, Trade};

use crate::error::Error;
use crate::index::{Pieces, Places, SegmentIndex, TradeRow, TradeRows};
use crate::store::Store;
use crate::table::scan::SPAN_BYTES;
use crate::table::vector::{Exact, Moment, VECTOR_ROWS};
use crate::table::{Column, Filter, Rows as _, Scan, Table, columns};

/// One row a trade.
pub struct Trades;

/// Goes through the segments of the log: straight to the trades where there is an index, block by block where there is none.
pub(super) struct TradeScan {
    filter: Filter,
    way: Mutex<Way>,
}

/// Where the scan has come to.
struct Way {
    store: Arc<Store>,
    filter: Filter,
    reader: Reader,
    /// The segment being gone through; `None` at the end.
    segment: Option<u64>,
    /// What is left of it, if it has an index.
    indexed: Option<Indexed>,
}

struct Indexed {
    index: Arc<SegmentIndex>,
    zone: usize,
    /// What is left of the zone.
    places: Places,
    /// What follows in the same segment, if the index is only of a piece of it.
    pieces: Option<Pieces>,
}

/// What one thread takes at once.
enum Part {
    Places(Arc<SegmentIndex>, usize, Places),
    Blocks(Span),
}

impl Way {
    fn new(store: &Arc<Store>, filter: Filter) -> Result<Self, Error> {
        let reader = store.reader();
        let mut way = Self { store: Arc::clone(store), filter, reader, segment: None, indexed: None };
        let range = filter.range;
        if range.from <= range.to && range.to > 0 {
            let segment = way.store.segment_of(&way.reader, range.from)?;
            if !way.enter(segment)? {
                way.reader.seek_sequence(range.from)?;
            }
        }
        Ok(way)
    }

    /// Begins a segment. Returns whether it has an index.
    fn enter(&mut self, segment: u64) -> Result<bool, Error> {
        self.segment = Some(segment);
        if let Some(index) = self.store.index(&self.reader, segment)? {
            self.take_up(index, None)?;
            return Ok(true);
        }
        let Some(mut pieces) = self.store.pieces(&self.reader, segment)? else { return Ok(false) };
        let Some(first) = pieces.indices.pop_front() else { return Ok(false) };
        self.take_up(first, Some(pieces))?;
        Ok(true)
    }

    fn take_up(&mut self, index: Arc<SegmentIndex>, pieces: Option<Pieces>) -> Result<(), Error> {
        let places = self.places(&index, 0)?;
        self.indexed = Some(Indexed { index, zone: 0, places, pieces });
        Ok(())
    }

    /// The trades of a zone that are wanted; none of a zone that is not there.
    fn places(&self, index: &SegmentIndex, zone: usize) -> Result<Places, Error> {
        if zone >= index.zones() {
            return Ok(Places::NONE);
        }
        let range = self.filter.range;
        index.places(zone, range.from, range.to, self.filter.instrument)
    }

    /// The next trades, at most so many where that can be said.
    fn next(&mut self, most: usize) -> Result<Option<Part>, Error> {
        let to = self.filter.range.to;
        while let Some(segment) = self.segment {
            if let Some(mut at) = self.indexed.take() {
                if at.places.len() > 0 {
                    let part = Part::Places(Arc::clone(&at.index), at.zone, at.places.split_off(most));
                    self.indexed = Some(at);
                    return Ok(Some(part));
                }
                at.zone += 1;
                if at.zone < at.index.zones() {
                    at.places = self.places(&at.index, at.zone)?;
                    self.indexed = Some(at);
                } else if at.index.last_sequence() >= to {
                    self.segment = None;
                } else if let Some(mut pieces) = at.pieces {
                    match pieces.indices.pop_front() {
                        Some(index) => self.take_up(index, Some(pieces))?,
                        None => self.reader = pieces.end,
                    }
                } else if !self.enter(segment + 1)? {
                    self.reader.seek_segment(segment + 1)?;
                }
                continue;
            }
            let Some(span) = self.reader.next_span(SPAN_BYTES, to)? else {
                self.segment = None;
                break;
            };
            // The reader goes on into the next segment by itself; if that one has an index, what was found of it is in there.
            if span.segment() == segment || !self.enter(span.segment())? {
                return Ok(Some(Part::Blocks(span)));
            }
        }
        Ok(None)
    }
}

impl TradeScan {
    /// Over the trades that a call asks for.
    pub(super) fn new(store: &Arc<Store>, filter: Filter) -> Result<Self, Error> {
        Ok(Self { filter, way: Mutex::new(Way::new(store, filter)?) })
    }

    /// The next run of trades, at most so many where that can be said, of which none may be wanted. `None` at the end.
    pub(super) fn next_run(&self, most: usize) -> Result<Option<TradeRows>, Error> {
        // A part is taken whole or not at all, so what a panic leaves behind is good.
        let part = self.way.lock().unwrap_or_else(PoisonError::into_inner).next(most)?;
        part.map(|part| self.rows(&part)).transpose()
    }

    /// The trades of a part, in the order of the log.
    fn rows(&self, part: &Part) -> Result<TradeRows, Error> {
        let rows = match part {
            Part::Places(index, zone, places) => TradeRows::of_index(Arc::clone(index), *zone, *places),
            Part::Blocks(span) => self.walk(span)?,
        };
        Ok(if self.filter.account.is_none() { rows } else { rows.only(|row| self.wants(row)) })
    }

    fn walk(&self, span: &Span) -> Result<TradeRows, Error> {
        let mut rows = TradeRows::default();
        span.try_for_each(|block| {
            let mut command = 0;
            for record in block.records() {
                if record.kind < model::KIND_EVENT_FIRST {
                    command = record.sequence;
                }
                if record.kind != Trade::KIND || !self.filter.range.holds(record.sequence) {
                    continue;
                }
                let sequence = record.sequence;
                let trade = Trade::decode(record.version, record.payload)
                    .map_err(|source| Error::Record { sequence, source })?;
                if self.filter.wants_instrument(trade.instrument) {
                    rows.push(sequence, command, &trade);
                }
            }
            Ok::<_, Error>(())
        })?;
        Ok(rows)
    }

    fn wants(&self, row: TradeRow<'_>) -> bool {
        self.filter.wants_account(row.maker()) || self.filter.wants_account(row.taker())
    }
}

impl Scan<TradeRows> for TradeScan {
    fn refill(&self, rows: &mut TradeRows) -> Result<(), Error> {
        while rows.is_empty() {
            let Some(next) = self.next_run(VECTOR_ROWS)? else { break };
            *rows = next;
        }
        Ok(())
    }

    fn threads(&self) -> u64 {
        std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64)
    }
}

impl Table for Trades {
    type Rows = TradeRows;
    const NAME: &'static str = "trades";
    const ABOUT: &'static str = "One row a trade. `account` finds the trades of either side.";
    const COLUMNS: &'static [Column<TradeRows>] = columns![TradeRows:
        u64, "sequence", "record", "Number of the trade's record in the log. Orders everything.", Sequence: |number| number;
        i64, "time_ns", "ns", "When the exchange stamped the taker's command: UNIX time.", Time: |number| number.cast_signed();
        Moment, "time", "UTC", "The same as a timestamp.", Time: |number| Moment(number.cast_signed());
        u64, "trade_id", "", "The trade's number, from 1 over all instruments.", TradeId: |number| number;
        Option<&str>, "symbol", "", "In what.", |row, names| names.symbol(row.instrument());
        Option<Exact>, "price", "currency", "The maker's price, at which both traded.",
            |row, names| names.price(row.instrument(), row.price());
        Option<Exact>, "quantity", "units", "How much.",
            |row, names| names.quantity(row.instrument(), row.quantity());
        Option<Exact>, "notional", "currency", "Price times quantity: what the buyer paid.",
            |row, names| names.notional(row.instrument(), row.price(), row.quantity());
        Option<&str>, "currency", "", "What price and notional are in.", |row, names| names.currency(row.instrument());
        Option<&str>, "buyer", "", "Who bought.", |row, names| names.account(row.buyer());
        Option<&str>, "seller", "", "Who sold.", |row, names| names.account(row.seller());
        &str, "taker_side", "", "`buy` or `sell`: the side of the order that came in.", |row| row.taker_side().as_str();
        u64, "maker_order_id", "", "The order that rested.", MakerOrder: |number| number;
        u64, "taker_order_id", "", "The order that came in.", TakerOrder: |number| number;
        Option<&str>, "maker", "", "Whose order rested.", |row, names| names.account(row.maker());
        Option<&str>, "taker", "", "Whose order came in.", |row, names| names.account(row.taker());
        bool, "maker_filled", "", "Whether this trade filled the maker.", |row| row.maker_filled();
        bool, "taker_filled", "", "Whether this trade filled the taker.", |row| row.taker_filled();
        i64, "price_ticks", "ticks", "The price as the log has it.", Price: |number| number.cast_signed();
        u64, "quantity_lots", "lots", "The quantity as the log has it.", Quantity: |number| number;
        Option<i64>, "notional_minor", "minor units", "The notional in the currency's smallest unit.",
            |row, names| names.notional_minor(row.instrument(), row.price(), row.quantity());
        i64, "instrument_id", "", "The exchange's number for the instrument.", Instrument: |number| number.cast_signed();
        i64, "maker_account_id", "", "The exchange's number for the maker.", Maker: |number| number.cast_signed();
        i64, "taker_account_id", "", "The exchange's number for the taker.", Taker: |number| number.cast_signed();
        u64, "command_sequence", "record", "The command that caused it.", |row| row.command();
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<TradeRows>>, Error> {
        Ok(Box::new(TradeScan::new(store, *filter)?))
    }
}
