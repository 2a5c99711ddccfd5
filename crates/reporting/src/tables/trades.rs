//! `trades`: one row a trade, as the log has it.

use std::sync::{Arc, Mutex, PoisonError};

use event_store::{Reader, Span};
use model::{AccountId, Record as _, Side, Trade};

use crate::error::Error;
use crate::index::{Found, Pieces, SegmentIndex, Trades as Places};
use crate::store::Store;
use crate::table::scan::SPAN_BYTES;
use crate::table::vector::{Exact, Moment, VECTOR_ROWS};
use crate::table::{Column, Filter, Scan, Table, columns};

/// One row a trade.
pub struct Trades;

fn buyer(trade: &Trade) -> AccountId {
    match trade.taker_side {
        Side::Buy => trade.taker_account,
        Side::Sell => trade.maker_account,
    }
}

fn seller(trade: &Trade) -> AccountId {
    match trade.taker_side {
        Side::Buy => trade.maker_account,
        Side::Sell => trade.taker_account,
    }
}

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
        index.trades(zone, range.from, range.to, self.filter.instrument)
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

    /// Hands the next run of trades over one by one, at most so many where that can be said. Returns whether there was one.
    pub(super) fn next_run(&self, most: usize, take: impl FnMut(Found)) -> Result<bool, Error> {
        let Some(part) = self.next(most)? else { return Ok(false) };
        self.each(&part, take)?;
        Ok(true)
    }

    fn wants(&self, trade: &Trade) -> bool {
        self.filter.wants_account(trade.maker_account) || self.filter.wants_account(trade.taker_account)
    }

    fn next(&self, most: usize) -> Result<Option<Part>, Error> {
        // A part is taken whole or not at all, so what a panic leaves behind is good.
        self.way.lock().unwrap_or_else(PoisonError::into_inner).next(most)
    }

    /// Hands over the trades of a part, in the order of the log.
    fn each(&self, part: &Part, mut take: impl FnMut(Found)) -> Result<(), Error> {
        match part {
            // Whose a trade is says only its record.
            Part::Places(index, zone, places) if self.filter.only_places && self.filter.account.is_none() => {
                index.places(*zone, *places, take)
            }
            Part::Places(index, zone, places) => {
                index.read(*zone, *places, self.filter.instrument, |found| {
                    if self.wants(&found.trade) {
                        take(found);
                    }
                })
            }
            Part::Blocks(span) => span.try_for_each(|block| {
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
                    if self.filter.wants_instrument(trade.instrument) && self.wants(&trade) {
                        take(Found { sequence, command, trade });
                    }
                }
                Ok(())
            }),
        }
    }
}

impl Scan<Found> for TradeScan {
    fn refill(&self, rows: &mut Vec<Found>) -> Result<(), Error> {
        while rows.is_empty() && self.next_run(VECTOR_ROWS, |found| rows.push(found))? {}
        Ok(())
    }

    fn threads(&self) -> u64 {
        std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64)
    }
}

impl Table for Trades {
    type Row = Found;
    const NAME: &'static str = "trades";
    const ABOUT: &'static str = "One row a trade. `account` finds the trades of either side.";
    const PLACES: &'static [&'static str] = &["sequence", "command_sequence"];
    const COLUMNS: &'static [Column<Found>] = columns![Found:
        u64, "sequence", "record", "Number of the trade's record in the log. Orders everything.", |row| row.sequence;
        i64, "time_ns", "ns", "When the exchange stamped the taker's command: UNIX time.", |row| row.trade.executed_at.0;
        Moment, "time", "UTC", "The same as a timestamp.", |row| Moment(row.trade.executed_at.0);
        u64, "trade_id", "", "The trade's number, from 1 over all instruments.", |row| row.trade.trade_id.0;
        Option<&str>, "symbol", "", "In what.", |row, names| names.symbol(row.trade.instrument);
        Option<Exact>, "price", "currency", "The maker's price, at which both traded.",
            |row, names| names.price(row.trade.instrument, row.trade.price);
        Option<Exact>, "quantity", "units", "How much.",
            |row, names| names.quantity(row.trade.instrument, row.trade.quantity);
        Option<Exact>, "notional", "currency", "Price times quantity: what the buyer paid.",
            |row, names| names.notional(row.trade.instrument, row.trade.price, row.trade.quantity);
        Option<&str>, "currency", "", "What price and notional are in.", |row, names| names.currency(row.trade.instrument);
        Option<&str>, "buyer", "", "Who bought.", |row, names| names.account(buyer(&row.trade));
        Option<&str>, "seller", "", "Who sold.", |row, names| names.account(seller(&row.trade));
        &str, "taker_side", "", "`buy` or `sell`: the side of the order that came in.", |row| row.trade.taker_side.as_str();
        u64, "maker_order_id", "", "The order that rested.", |row| row.trade.maker_order_id.0;
        u64, "taker_order_id", "", "The order that came in.", |row| row.trade.taker_order_id.0;
        Option<&str>, "maker", "", "Whose order rested.", |row, names| names.account(row.trade.maker_account);
        Option<&str>, "taker", "", "Whose order came in.", |row, names| names.account(row.trade.taker_account);
        bool, "maker_filled", "", "Whether this trade filled the maker.", |row| row.trade.maker_filled;
        bool, "taker_filled", "", "Whether this trade filled the taker.", |row| row.trade.taker_filled;
        i64, "price_ticks", "ticks", "The price as the log has it.", |row| row.trade.price.0;
        u64, "quantity_lots", "lots", "The quantity as the log has it.", |row| row.trade.quantity.0;
        Option<i64>, "notional_minor", "minor units", "The notional in the currency's smallest unit.",
            |row, names| names.notional_minor(row.trade.instrument, row.trade.price, row.trade.quantity);
        i64, "instrument_id", "", "The exchange's number for the instrument.", |row| i64::from(row.trade.instrument.0);
        i64, "maker_account_id", "", "The exchange's number for the maker.", |row| i64::from(row.trade.maker_account.0);
        i64, "taker_account_id", "", "The exchange's number for the taker.", |row| i64::from(row.trade.taker_account.0);
        u64, "command_sequence", "record", "The command that caused it.", |row| row.command;
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Found>>, Error> {
        Ok(Box::new(TradeScan::new(store, *filter)?))
    }
}
