//! Two ways to come to rows: [`RecordScan`] looks at each record by itself, in as many threads as there are;
//! [`FoldScan`] goes through the log in order, because a row depends on what came before it.

use std::sync::{Arc, Mutex, PoisonError};

use event_store::{Block, BlockHeader, Reader, Record, Span};

use super::Scan;
use crate::error::Error;
use crate::store::Store;

/// Bytes of log that one thread takes at once: a few thousand records, so that most make a full vector, and few enough
/// that what is decoded stays in the processor's cache.
pub const SPAN_BYTES: usize = 512 << 10;

/// Which part of the log a scan goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The first record.
    pub from: u64,
    /// The last record.
    pub to: u64,
}

impl Range {
    /// Whether a record is in it.
    #[inline]
    pub fn holds(self, sequence: u64) -> bool {
        sequence >= self.from && sequence <= self.to
    }
}

/// The spans of a range, in order.
#[derive(Debug)]
pub struct Spans {
    reader: Reader,
    to: u64,
}

impl Spans {
    pub fn new(store: &Store, range: Range) -> Result<Self, Error> {
        let mut reader = store.reader();
        if range.from > 1 && range.from <= range.to {
            reader.seek_sequence(range.from)?;
        }
        // A range that is empty has no spans, wherever it begins.
        Ok(Self { reader, to: if range.from > range.to { 0 } else { range.to } })
    }

    pub fn next(&mut self) -> Result<Option<Span>, Error> {
        Ok(self.reader.next_span(SPAN_BYTES, self.to)?)
    }
}

/// A record and where it stands.
pub struct Seen<'a> {
    /// The record.
    pub record: Record<'a>,
    /// Its block's header.
    pub block: &'a BlockHeader,
    /// The sequence number of the command that it is, or that caused it.
    pub command: u64,
}

/// Makes rows of single records.
pub trait FromRecord<R>: Send + Sync {
    /// Appends what rows there are in a record.
    fn rows(&self, seen: &Seen<'_>, rows: &mut Vec<R>) -> Result<(), Error>;
}

/// Goes through records, each by itself.
pub struct RecordScan<F> {
    spans: Mutex<Spans>,
    range: Range,
    from_record: F,
}

impl<F> RecordScan<F> {
    pub fn new(store: &Arc<Store>, range: Range, from_record: F) -> Result<Self, Error> {
        Ok(Self { spans: Mutex::new(Spans::new(store, range)?), range, from_record })
    }
}

impl<R, F: FromRecord<R>> Scan<Vec<R>> for RecordScan<F> {
    fn refill(&self, rows: &mut Vec<R>) -> Result<(), Error> {
        while rows.is_empty() {
            // A span is taken whole or not at all, so what a panic leaves behind is good.
            let next = self.spans.lock().unwrap_or_else(PoisonError::into_inner).next()?;
            let Some(span) = next else { return Ok(()) };
            span.try_for_each(|block| {
                let mut command = 0;
                for record in block.records() {
                    if record.kind < model::KIND_EVENT_FIRST {
                        command = record.sequence;
                    }
                    if self.range.holds(record.sequence) {
                        let seen = Seen { record, block: block.header(), command };
                        self.from_record.rows(&seen, rows)?;
                    }
                }
                Ok::<_, Error>(())
            })?;
        }
        Ok(())
    }

    fn threads(&self) -> u64 {
        std::thread::available_parallelism().map_or(1, |threads| threads.get() as u64)
    }
}

/// Makes rows of the log in order.
pub trait Fold<R>: Send {
    /// Takes in a block; appends the rows it makes.
    fn block(&mut self, block: &Block<'_>, rows: &mut Vec<R>) -> Result<(), Error>;

    /// The log has ended; appends the rows that had to wait for it.
    fn finish(&mut self, _rows: &mut Vec<R>) -> Result<(), Error> {
        Ok(())
    }
}

/// Goes through the log in order.
pub struct FoldScan<F> {
    state: Mutex<FoldState<F>>,
}

struct FoldState<F> {
    spans: Spans,
    fold: F,
    finished: bool,
}

impl<F> FoldScan<F> {
    /// Goes through the whole blocks of `range`.
    pub fn new(store: &Arc<Store>, range: Range, fold: F) -> Result<Self, Error> {
        let spans = Spans::new(store, range)?;
        Ok(Self { state: Mutex::new(FoldState { spans, fold, finished: false }) })
    }
}

impl<R, F: Fold<R>> Scan<Vec<R>> for FoldScan<F> {
    fn refill(&self, rows: &mut Vec<R>) -> Result<(), Error> {
        let state = &mut *self.state.lock().unwrap_or_else(PoisonError::into_inner);
        while rows.is_empty() && !state.finished {
            if let Some(span) = state.spans.next()? {
                span.try_for_each(|block| state.fold.block(block, rows))?;
            } else {
                state.finished = true;
                state.fold.finish(rows)?;
            }
        }
        Ok(())
    }
}

/// Rows that are all there already.
pub struct Ready<R>(Mutex<Vec<R>>);

impl<R> Ready<R> {
    pub fn new(rows: Vec<R>) -> Self {
        Self(Mutex::new(rows))
    }
}

impl<R: Send> Scan<Vec<R>> for Ready<R> {
    fn refill(&self, rows: &mut Vec<R>) -> Result<(), Error> {
        rows.append(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
        Ok(())
    }
}
