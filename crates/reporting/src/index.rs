//! Where things are in a completed segment of the log: its trades, by place and by instrument, and the few records that name
//! things. With it a query goes straight to what it is about, where it would have read everything.
//!
//! This is the room to look in for "how does one instrument's trades cost so little" ([`SegmentIndex`]), "what is in an index
//! file" (`layout.rs`), "who makes it" ([`Indexer`]), "what about the segment that is still being written" ([`Tail`]) and "how is it
//! used" (`tables/trades.rs`, `store.rs`).
//!
//! **Architecture invariant:** an index is an accelerator, never a truth. It is made from the log and holds only places in it; what is
//! read there is checked to be what the index says. Without it, or with one that is not in every way right, a query reads the
//! log from end to end and answers the same.

mod build;
mod indexer;
mod layout;
mod tail;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use event_store::{Block, Reader, SealedSegment, SideFile};
use model::{
    AccountId, InstrumentId, OrderId, Price, Quantity, Record as _, Side, Timestamp, Trade, TradeId,
};

pub use indexer::{Indexer, Indexing};
use layout::{Header, Zone};
pub use tail::{Pieces, Tail};

use crate::error::Error;

/// How many trades ahead of the one that is read the processor is told of.
const AHEAD: u32 = 12;

/// The directory of the index files, in the store directory.
pub const INDEX_DIR: &str = "index";

/// An index file's name.
fn file_name(segment: u64) -> String {
    format!("{segment:010}.index")
}

/// The bytes of an index.
#[derive(Debug)]
enum Bytes {
    File(SideFile),
    /// Made here, for here.
    Memory(Vec<u8>),
}

impl Bytes {
    #[inline]
    fn get(&self) -> &[u8] {
        match self {
            Self::File(file) => file.bytes(),
            Self::Memory(bytes) => bytes,
        }
    }
}

/// A completed segment, or a piece of one, and where things are in it.
#[derive(Debug)]
pub struct SegmentIndex {
    segment: SealedSegment,
    bytes: Bytes,
    header: Header,
    zones: Vec<Zone>,
    /// Whether a zone's checksum has been looked at.
    checked: Vec<AtomicBool>,
}

/// A trade that an index led to.
#[derive(Debug, Clone, Copy)]
pub struct Found {
    /// Its record.
    pub sequence: u64,
    /// The record of the command that caused it.
    pub command: u64,
    /// The trade.
    pub trade: Trade,
}

/// What stands for a trade that nobody looks at.
const NOTHING: Trade = Trade {
    trade_id: TradeId(0),
    maker_order_id: OrderId(0),
    taker_order_id: OrderId(0),
    price: Price(0),
    quantity: Quantity(0),
    executed_at: Timestamp(0),
    maker_account: AccountId(0),
    taker_account: AccountId(0),
    instrument: InstrumentId(0),
    taker_side: Side::Buy,
    maker_filled: false,
    taker_filled: false,
    reserved: 0,
};

/// Some trades of a zone, by number from its first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trades {
    /// These, in the order of the log.
    InOrder {
        /// The first.
        from: u32,
        /// The one after the last.
        to: u32,
    },
    /// The places `from` to `to` of the list that is ordered by instrument.
    OfInstrument {
        /// The first place.
        from: u32,
        /// The one after the last.
        to: u32,
    },
}

impl Trades {
    /// None of them.
    pub const NONE: Self = Self::InOrder { from: 0, to: 0 };

    /// How many.
    pub fn len(self) -> u32 {
        let (Self::InOrder { from, to } | Self::OfInstrument { from, to }) = self;
        to - from
    }

    /// Takes up to `most` of them off the front.
    pub fn split_off(&mut self, most: usize) -> Self {
        let part = self.len().min(u32::try_from(most).unwrap_or(u32::MAX));
        let (Self::InOrder { from, .. } | Self::OfInstrument { from, .. }) = self;
        let start = *from;
        *from += part;
        match self {
            Self::InOrder { .. } => Self::InOrder { from: start, to: start + part },
            Self::OfInstrument { .. } => Self::OfInstrument { from: start, to: start + part },
        }
    }
}

impl SegmentIndex {
    /// The index of a segment; `None` where there is none that fits: then the segment is read from end to end.
    pub fn load(reader: &Reader, number: u64) -> Result<Option<Arc<Self>>, Error> {
        let path = reader.dir().join(INDEX_DIR).join(file_name(number));
        let Some(file) = SideFile::open(&path)? else { return Ok(None) };
        let Some((header, zones)) = layout::read(file.bytes()) else { return Ok(None) };
        let Some(segment) = reader.sealed_segment(number)? else { return Ok(None) };
        // It must have been made from this very history: recovery and repair can give a segment's number to another.
        let last = segment.block_at(header.last_block);
        let fits = header.store_id == reader.store_id()
            && header.segment == number
            && header.first_sequence == segment.first_sequence()
            && header.last_sequence == segment.last_sequence()
            && last.and_then(|block| block.chain_hash()) == Some(header.chain);
        Ok(fits.then(|| Arc::new(Self::new(segment, Bytes::File(file), header, zones))))
    }

    /// The index of what is between two places in the segment that is being written: from where `reader` stands, at most so many records
    /// on. `None` while less is there; the reader stays.
    fn piece(reader: &mut Reader, records: u64) -> Result<Option<Arc<Self>>, Error> {
        let mut ahead = reader.clone();
        let last = reader.next_sequence() + records - 1;
        if last > reader.bound().min(reader.marks().chained) {
            return Ok(None);
        }
        let Some(span) = ahead.next_span(usize::MAX, last)? else { return Ok(None) };
        let Some(segment) = ahead.sealed_so_far() else { return Ok(None) };
        let Some(bytes) = build::piece(reader.store_id(), &segment, &span)? else { return Ok(None) };
        let Some((header, zones)) = layout::read(&bytes) else { return Ok(None) };
        *reader = ahead;
        Ok(Some(Arc::new(Self::new(segment, Bytes::Memory(bytes), header, zones))))
    }

    fn new(segment: SealedSegment, bytes: Bytes, header: Header, zones: Vec<Zone>) -> Self {
        let checked = zones.iter().map(|_| AtomicBool::new(false)).collect();
        Self { segment, bytes, header, zones, checked }
    }

    /// The segment that it is of.
    pub fn number(&self) -> u64 {
        self.segment.number()
    }

    /// Sequence number of the segment's first record.
    pub fn first_sequence(&self) -> u64 {
        self.header.first_sequence
    }

    /// Sequence number of the segment's last record.
    pub fn last_sequence(&self) -> u64 {
        self.header.last_sequence
    }

    /// How many zones its trades are in.
    pub fn zones(&self) -> usize {
        self.zones.len()
    }

    /// Calls `visit` with each block that names something.
    pub fn for_each_naming_block(
        &self,
        mut visit: impl FnMut(&Block<'_>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        for at in 0..self.header.naming_blocks {
            let offset = layout::naming_block(self.bytes.get(), at);
            visit(&self.segment.block_at(offset).ok_or_else(|| self.damaged())?)?;
        }
        Ok(())
    }

    /// The trades of a zone with `from <= sequence <= to`, only those of an instrument if one is given.
    pub fn trades(
        &self,
        zone: usize,
        from: u64,
        to: u64,
        instrument: Option<InstrumentId>,
    ) -> Result<Trades, Error> {
        let place = &self.zones[zone];
        let view = self.view(zone)?;
        if to < place.first_sequence || from > place.last_sequence {
            return Ok(Trades::NONE);
        }
        let first = self.header.first_sequence;
        // Both ends of the range, found by halves: sequence numbers ascend.
        let before = |sequence: u64| view.partition(|at| first + u64::from(view.sequence(at)) < sequence);
        let whole = from <= place.first_sequence && to >= place.last_sequence;
        let (low, high) = if whole { (0, place.trades) } else { (before(from), before(to + 1)) };
        let Some(instrument) = instrument else { return Ok(Trades::InOrder { from: low, to: high }) };
        let (from, to) = view.of_instrument(instrument.0);
        // Within an instrument the list is in the order of the log.
        let before = |limit: u32| from + partition(to - from, |at| view.by_instrument(from + at) < limit);
        Ok(Trades::OfInstrument { from: before(low), to: before(high) })
    }

    /// Hands over trades of a zone.
    pub fn read(
        &self,
        zone: usize,
        trades: Trades,
        instrument: Option<InstrumentId>,
        mut take: impl FnMut(Found),
    ) -> Result<(), Error> {
        let view = self.view(zone)?;
        let number = |at: u32| match trades {
            Trades::InOrder { .. } => at,
            Trades::OfInstrument { .. } => view.by_instrument(at),
        };
        let (Trades::InOrder { from, to } | Trades::OfInstrument { from, to }) = trades;
        for at in from..to.min(from + AHEAD) {
            self.segment.expect(view.offset(number(at)));
        }
        for at in from..to {
            if at + AHEAD < to {
                self.segment.expect(view.offset(number(at + AHEAD)));
            }
            let found = self.found(&view, number(at))?;
            // A list by instrument is believed no more than anything else.
            if instrument.is_some_and(|wanted| wanted != found.trade.instrument) {
                return Err(self.damaged());
            }
            take(found);
        }
        Ok(())
    }

    /// As [`SegmentIndex::read`], for those who ask only where trades are: no record is read, and every trade is the same empty one.
    pub fn places(&self, zone: usize, trades: Trades, mut take: impl FnMut(Found)) -> Result<(), Error> {
        let view = self.view(zone)?;
        let mut place = |at: u32| {
            let sequence = self.header.first_sequence + u64::from(view.sequence(at));
            take(Found { sequence, command: sequence - u64::from(view.behind_command(at)), trade: NOTHING });
        };
        match trades {
            Trades::InOrder { from, to } => (from..to).for_each(place),
            Trades::OfInstrument { from, to } => (from..to).for_each(|at| place(view.by_instrument(at))),
        }
        Ok(())
    }

    #[inline]
    fn found(&self, view: &layout::View<'_>, at: u32) -> Result<Found, Error> {
        let sequence = self.header.first_sequence + u64::from(view.sequence(at));
        let record = self.segment.record_at(view.offset(at), sequence);
        let record = record.filter(|record| record.kind == Trade::KIND).ok_or_else(|| self.damaged())?;
        let trade = Trade::decode(record.version, record.payload)
            .map_err(|source| Error::Record { sequence, source })?;
        Ok(Found { sequence, command: sequence - u64::from(view.behind_command(at)), trade })
    }

    /// A zone's lists. The first time, their checksum is looked at.
    fn view(&self, zone: usize) -> Result<layout::View<'_>, Error> {
        let view = layout::View::new(self.bytes.get(), &self.zones[zone]);
        if !self.checked[zone].load(Ordering::Relaxed) {
            if !view.is_whole() {
                return Err(self.damaged());
            }
            self.checked[zone].store(true, Ordering::Relaxed);
        }
        Ok(view)
    }

    #[cold]
    fn damaged(&self) -> Error {
        Error::IndexDamaged { segment: self.segment.number() }
    }
}

/// The first of `0..len` for which `is_before` does not hold, found by halves.
fn partition(len: u32, is_before: impl Fn(u32) -> bool) -> u32 {
    let (mut low, mut high) = (0, len);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_before(middle) { low = middle + 1 } else { high = middle }
    }
    low
}
