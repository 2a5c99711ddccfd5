//! Going straight to a block of a segment that is complete, or of the part of one that is final: for whoever keeps an index of
//! where things are.

use std::sync::Arc;

use super::{Block, Reader};
use crate::error::Error;
use crate::format::{ALIGNMENT, BlockHeader, SEGMENT_HEADER_BYTES};
use crate::mapping::Mapping;
use crate::publish::{BlockCursor, Peek, Sealed};
use crate::segment;

/// A segment to which nothing is added any more, or the beginning of one. Keeps it mapped, so it outlives the reader that found it.
#[derive(Debug, Clone)]
pub struct SealedSegment {
    number: u64,
    control: Arc<Mapping>,
    sealed: Sealed,
    first_sequence: u64,
    last_sequence: u64,
}

impl Reader {
    /// A segment whose every byte is final: it has its end mark, its hash chain is filled in, and all of it is at or below
    /// the bound. `None` for one that is not there yet, or not yet so far.
    ///
    /// # Errors
    /// What [`Reader::open`] may say about a segment.
    pub fn sealed_segment(&self, number: u64) -> Result<Option<SealedSegment>, Error> {
        let mapping = if number == self.segment.number {
            Arc::clone(&self.segment.mapping)
        } else {
            match self.open_segment(number) {
                Ok(segment) => segment.mapping,
                Err(Error::MissingSegment { .. }) => return Ok(None),
                Err(error) => return Err(error),
            }
        };
        let control = Arc::clone(self.control.mapping());
        let Some((sealed, seal)) = Sealed::of(mapping, &control) else { return Ok(None) };
        let Peek::Block(first) = sealed.block_at(SEGMENT_HEADER_BYTES) else { return Ok(None) };
        let first_sequence = first.decode().first_sequence;
        let last_sequence = seal.last_sequence();
        let segment = SealedSegment { number, control, sealed, first_sequence, last_sequence };
        Ok((last_sequence <= self.bound()).then_some(segment))
    }

    /// The segment that this reader is in, up to where it stands. `None` while not all of that is final: hash chains are filled in a
    /// little later. `first_sequence` and `last_sequence` are those of the records in this part.
    pub fn sealed_so_far(&self) -> Option<SealedSegment> {
        let last_sequence = self.next_sequence - 1;
        let control = Arc::clone(self.control.mapping());
        let sealed = Sealed::before(&self.cursor, last_sequence, &control)?;
        let Peek::Block(first) = sealed.block_at(SEGMENT_HEADER_BYTES) else { return None };
        let first_sequence = first.decode().first_sequence;
        Some(SealedSegment { number: self.segment.number, control, sealed, first_sequence, last_sequence })
    }

    /// The number of the segment that holds a record: of the last one that begins at or before it.
    ///
    /// # Errors
    /// What [`Reader::open`] may say about a segment.
    pub fn segment_of(&self, sequence: u64) -> Result<u64, Error> {
        self.last_segment_that(|header| header.first_sequence <= sequence)
    }
}

impl SealedSegment {
    /// Its number.
    pub fn number(&self) -> u64 {
        self.number
    }

    /// Sequence number of its first record.
    pub fn first_sequence(&self) -> u64 {
        self.first_sequence
    }

    /// Sequence number of its last record.
    pub fn last_sequence(&self) -> u64 {
        self.last_sequence
    }

    /// The block that begins at `offset` in the segment's file, if one may.
    pub fn block_at(&self, offset: usize) -> Option<Block<'_>> {
        if !offset.is_multiple_of(ALIGNMENT) {
            return None;
        }
        match self.sealed.block_at(offset) {
            Peek::Block(published) => {
                Some(Block { header: published.decode(), published, control: &self.control })
            }
            _ => None,
        }
    }
}

impl Reader {
    /// The last segment whose first block is `before` what is looked for; the first one if none is. By halves.
    pub(super) fn last_segment_that(&self, before: impl Fn(&BlockHeader) -> bool) -> Result<u64, Error> {
        let listing = segment::list(&*self.options.file_system, &self.dir)?;
        let (mut low, mut high) = (1, listing.segments.last().copied().unwrap_or(1));
        // Segment `low` may begin before what is looked for; those above `high` do not.
        while low < high {
            let middle = high - (high - low) / 2;
            let candidate = self.open_segment(middle)?;
            let cursor = BlockCursor::first(Arc::clone(&candidate.mapping));
            match cursor.peek() {
                Peek::Block(block) if before(&block.decode()) => low = middle,
                _ => high = middle - 1,
            }
        }
        Ok(low)
    }
}
