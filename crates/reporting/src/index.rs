//! The trades of a completed segment of the log, in lists and by instrument, and where the few records are that name things. With
//! it a query reads the numbers that it is about, where it would have read everything.
//!
//! This is the room to look in for "how does one instrument's trades cost so little" ([`SegmentIndex`]), "how are trades taken"
//! ([`TradeRows`]), "what is in an index file" (`layout.rs`), "who makes it" ([`Indexer`]), "what about the segment that is still
//! being written" ([`Tail`]) and "how is it used" (`tables/trades.rs`, `store.rs`).
//!
//! **Architecture invariant:** an index is an accelerator, never a truth. It is made from the log, belongs to one history of it, and never
//! changes; every zone of it is checked before it is used. Without it, or with one of another history or version, a query reads the log
//! from end to end and answers the same.

mod build;
mod indexer;
mod layout;
mod rows;
mod tail;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use event_store::{Block, Reader, SealedSegment, SideFile};
use model::InstrumentId;

pub use indexer::{Indexer, Indexing};
use layout::{Header, Zone};
pub use rows::{List, TradeRow, TradeRows};
pub use tail::{Pieces, Tail};

use crate::error::Error;

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

/// Some trades of a zone, by number from its first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Places {
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

impl Places {
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
    pub fn places(
        &self,
        zone: usize,
        from: u64,
        to: u64,
        instrument: Option<InstrumentId>,
    ) -> Result<Places, Error> {
        let place = &self.zones[zone];
        if to < place.first_sequence || from > place.last_sequence {
            return Ok(Places::NONE);
        }
        let view = self.view(zone)?;
        // Both ends of the range, found by halves: sequence numbers ascend.
        let sequences = view.list(List::Sequence);
        let before = |sequence: u64| partition(place.trades, |at| sequences.get(at) < sequence);
        let whole = from <= place.first_sequence && to >= place.last_sequence;
        let (low, high) = if whole { (0, place.trades) } else { (before(from), before(to + 1)) };
        let Some(instrument) = instrument else { return Ok(Places::InOrder { from: low, to: high }) };
        let ((from, to), order) = (view.of_instrument(instrument.0), view.by_instrument());
        // Within an instrument the list is in the order of the log.
        let before = |limit: u32| from + partition(to - from, |at| order.get(from + at) < limit);
        Ok(Places::OfInstrument { from: before(low), to: before(high) })
    }

    /// What one of the lists says of the trades at places that [`SegmentIndex::places`] has found.
    fn list(&self, zone: usize, places: Places, list: List) -> Vec<u64> {
        let view = layout::View::new(self.bytes.get(), &self.zones[zone]);
        let numbers = view.list(list);
        match places {
            Places::InOrder { from, to } => numbers.run(from, to),
            Places::OfInstrument { from, to } => {
                let order = view.by_instrument();
                (from..to).map(|place| numbers.get(order.get(place))).collect()
            }
        }
    }

    /// A zone. The first time, its checksum is looked at.
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
