//! A reporting rule reads the log: which events it is told, in which portions, and what becomes of it when it fails.

use std::sync::Arc;
use std::time::{Duration, Instant};

use event_store::Reader;
use model::Event;

use super::rule_rows::RuleRows;
use super::staged::Waiting as _;
use crate::error::Error;
use crate::names::Names;
use crate::rule::{RuleEvent, RuleRunner, is_told};
use crate::store::Store;

/// Bytes of log that a rule is told of in one call: some thousand events.
const SPAN_BYTES: usize = 512 << 10;

/// How long a rule reads before it hands over what it has.
const SLICE: Duration = Duration::from_millis(200);

/// And how many rows at most.
const SLICE_ROWS: usize = 1 << 17;

/// What became of a part of the log.
pub struct Slice {
    /// The last record of it.
    pub sequence: u64,
    /// What the rule wants to have back; `None` when it was not asked.
    pub state: Option<Vec<u8>>,
    /// Rows for its table.
    pub rows: RuleRows,
    /// How it failed on the next event, if it did.
    pub failure: Option<String>,
}

/// How far a rule has read.
pub struct Reading {
    store: Arc<Store>,
    sequence: u64,
    /// What it wants to have back.
    state: Vec<u8>,
    /// Stands behind `sequence`.
    reader: Option<Reader>,
}

impl Reading {
    /// Goes on behind a record.
    pub fn new(store: Arc<Store>, sequence: u64, state: Vec<u8>) -> Self {
        Self { store, sequence, state, reader: None }
    }

    /// Reads on up to a record, or for a while. `names` is what things were called by then.
    pub fn slice(&mut self, runner: &mut dyn RuleRunner, up_to: u64, names: &Names) -> Result<Slice, Error> {
        let end = Instant::now() + SLICE;
        let mut rows = RuleRows::new(runner.table());
        let (mut asked, mut failure) = (false, None);
        let mut events = Vec::new();
        while self.sequence < up_to && failure.is_none() {
            let last = self.read(up_to, names, &mut events)?;
            asked |= !events.is_empty();
            match self.tell(runner, &events, &mut rows) {
                Ok(()) => self.sequence = last,
                Err((event, error)) => {
                    // The next try begins with the event on which it failed.
                    (self.sequence, self.reader, failure) = (event - 1, None, Some(error));
                }
            }
            if Instant::now() >= end || rows.len() >= SLICE_ROWS {
                break;
            }
        }
        let state = asked.then(|| self.state.clone());
        Ok(Slice { sequence: self.sequence, state, rows, failure })
    }

    /// Reads the next events that rules are told. Returns the last record there.
    fn read(&mut self, up_to: u64, names: &Names, events: &mut Vec<RuleEvent>) -> Result<u64, Error> {
        events.clear();
        let mut reader = if let Some(reader) = self.reader.take() {
            reader
        } else {
            let mut reader = self.store.reader();
            reader.seek_sequence(self.sequence + 1)?;
            reader
        };
        let Some(span) = reader.next_span(SPAN_BYTES, up_to)? else {
            return Ok(up_to);
        };
        span.try_for_each(|block| {
            let time = block.header().timestamp_ns;
            let wanted = block.records_from(self.sequence + 1).take_while(|record| record.sequence <= up_to);
            for record in wanted.filter(|record| is_told(record.kind)) {
                let event = Event::decode(record.kind, record.version, record.payload)
                    .map_err(|source| Error::Record { sequence: record.sequence, source })?;
                events.extend(RuleEvent::of(&event, record.sequence, time, names));
            }
            Ok::<_, Error>(())
        })?;
        self.reader = Some(reader);
        Ok(span.last_sequence().min(up_to))
    }

    /// Tells the rule of events. When that is too much for it at once, of fewer; the number of the record on which it fails is that
    /// of an event by itself.
    fn tell(
        &mut self,
        runner: &mut dyn RuleRunner,
        events: &[RuleEvent],
        rows: &mut RuleRows,
    ) -> Result<(), (u64, String)> {
        let (mut rest, mut most) = (events, events.len());
        while !rest.is_empty() {
            let (now, later) = rest.split_at(most.min(rest.len()));
            match runner.process(&self.state, now) {
                Ok(report) => {
                    self.state = report.state;
                    report.rows.into_iter().for_each(|row| rows.put(row));
                    rest = later;
                }
                Err(error) if now.len() == 1 => return Err((now[0].sequence, error.to_string())),
                Err(_) => most = now.len() / 2,
            }
        }
        Ok(())
    }
}
