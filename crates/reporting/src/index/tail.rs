//! The index of the segment that is still being written: pieces of it, in memory, for whoever asks again and again.

use std::collections::VecDeque;
use std::sync::Arc;

use event_store::Reader;

use super::SegmentIndex;
use crate::error::Error;

/// A segment has a record of a piece for every so many of its bytes: some hundred pieces when it is full, and what comes after the last of
/// them is read in a fraction of a millisecond.
const BYTES_A_RECORD: u64 = 8192;

/// The pieces that there are, made further with every question.
#[derive(Debug, Default)]
pub struct Tail {
    pieces: Vec<Arc<SegmentIndex>>,
    /// Stands after the last piece; `None` before the first question.
    end: Option<Reader>,
}

/// A segment from its beginning.
#[derive(Debug, Clone)]
pub struct Pieces {
    /// In the order of the log, one after the other.
    pub indices: VecDeque<Arc<SegmentIndex>>,
    /// Stands after the last of them.
    pub end: Reader,
}

impl Tail {
    /// The number of the segment, if a record is in one of its pieces.
    pub fn segment_from(&self, sequence: u64) -> Option<u64> {
        let piece = self.pieces.first().filter(|piece| piece.first_sequence() <= sequence)?;
        (sequence <= self.pieces.last()?.last_sequence()).then(|| piece.number())
    }

    /// The pieces of a segment that has no index file. `None` where there are none: for one that is complete, whose file will come, and
    /// for the first question about another, because a single walk is shorter than one that makes an index too.
    pub fn pieces(&mut self, reader: &Reader, segment: u64) -> Result<Option<Pieces>, Error> {
        if reader.sealed_segment(segment)?.is_some() {
            return Ok(None);
        }
        let Some(end) = self.end.as_mut().filter(|end| end.segment() == segment) else {
            let mut begin = reader.clone();
            begin.seek_segment(segment)?;
            *self = Self { pieces: Vec::new(), end: Some(begin) };
            return Ok(None);
        };
        let records = (end.segment_bytes() / BYTES_A_RECORD).max(1);
        while let Some(piece) = SegmentIndex::piece(end, records)? {
            if piece.number() != segment {
                // Completed this very moment.
                *self = Self::default();
                return Ok(None);
            }
            self.pieces.push(piece);
        }
        let indices = VecDeque::from(self.pieces.clone());
        Ok((!indices.is_empty()).then(|| Pieces { indices, end: end.clone() }))
    }
}
