//! Runs of blocks that can be handed to another thread: how a scan of the log is divided among several.

use std::sync::Arc;

use super::{Block, Reader};
use crate::error::{Damage, Error};
use crate::mapping::Mapping;
use crate::publish::{BlockCursor, Peek};
use crate::segment::Segment;

/// Some whole blocks in a row, all of one segment. Keeps the segment mapped, so it outlives the reader that found it.
#[derive(Debug, Clone)]
pub struct Span {
    segment: Arc<Segment>,
    control: Arc<Mapping>,
    /// Stands at the first block.
    cursor: BlockCursor,
    /// Where the last block ends.
    end: usize,
    first_sequence: u64,
    last_sequence: u64,
}

impl Reader {
    /// The next blocks at or below the bound, at least one and then as many as fit into `bytes_max`, but none past the
    /// one that holds `last_sequence`; `None` at the end of them. The reader moves past them.
    ///
    /// Only the headers are looked at here, unless the reader checks checksums.
    ///
    /// # Errors
    /// As for [`Reader::next_block`].
    pub fn next_span(&mut self, bytes_max: usize, last_sequence: u64) -> Result<Option<Span>, Error> {
        if self.next_sequence > last_sequence {
            return Ok(None);
        }
        let Some(header) = self.find()? else { return Ok(None) };
        let mut span = Span {
            segment: Arc::clone(&self.segment),
            control: Arc::clone(self.control.mapping()),
            cursor: self.cursor.clone(),
            end: 0,
            first_sequence: header.first_sequence,
            last_sequence: header.last_sequence(),
        };
        loop {
            self.cursor.advance();
            self.next_sequence = span.last_sequence + 1;
            span.end = self.cursor.offset();
            if self.next_sequence > last_sequence.min(self.limit) {
                break;
            }
            let Peek::Block(block) = self.cursor.peek() else { break };
            let header = block.decode();
            let length = block.length();
            if span.end + length - span.cursor.offset() > bytes_max || header.last_sequence() > self.limit {
                break;
            }
            self.check(&block, &header)?;
            span.last_sequence = header.last_sequence();
        }
        Ok(Some(span))
    }
}

impl Span {
    /// Sequence number of the first record.
    pub fn first_sequence(&self) -> u64 {
        self.first_sequence
    }

    /// Sequence number of the last record.
    pub fn last_sequence(&self) -> u64 {
        self.last_sequence
    }

    /// What the blocks take in the file, headers included.
    pub fn bytes(&self) -> usize {
        self.end - self.cursor.offset()
    }

    /// Number of the segment.
    pub fn segment(&self) -> u64 {
        self.segment.number
    }

    /// Calls `visit` with each block, in order.
    ///
    /// # Errors
    /// What `visit` returns, which ends the walk; [`Error::Corruption`] if the file changed under the reader.
    pub fn try_for_each<E: From<Error>>(
        &self,
        mut visit: impl FnMut(&Block<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut cursor = self.cursor.clone();
        while cursor.offset() < self.end {
            if !matches!(cursor.peek(), Peek::Block(_)) {
                return Err(self.changed(cursor.offset()).into());
            }
            let published = cursor.advance();
            let header = published.decode();
            visit(&Block { header, published, control: &self.control })?;
        }
        Ok(())
    }

    /// These blocks were there when the span was made.
    #[cold]
    fn changed(&self, offset: usize) -> Error {
        Error::Corruption {
            dir: self.segment.path.ancestors().nth(2).unwrap_or(&self.segment.path).to_owned(),
            path: self.segment.path.clone(),
            segment: self.segment.number,
            offset: offset as u64,
            first_sequence: self.first_sequence,
            last_sequence: self.last_sequence,
            damage: Damage::Missing,
        }
    }
}
