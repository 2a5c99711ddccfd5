//! An exchange without threads, ring and clock: executes commands at the times it is told and appends the blocks a real one would. For
//! logs of a size and a day that a measurement wants, as fast as one processor makes them.

use std::path::Path;

use engine::{NoRules, State, decide, evolve};
use event_store::{BlockFull, Durability, Opened, Options, Writer};
use model::{Command, Event, Record as _, Timestamp, Trade};
use order_book::Book;

use crate::BenchError;

/// Blocks between two calls of the flusher.
const FLUSH_EVERY: u64 = 64;

/// The exchange, and what it has done.
#[derive(Debug)]
pub struct SteppedExchange {
    store: Opened,
    state: State<Book>,
    events: Vec<Event>,
    counts: Counts,
}

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Counts {
    /// Commands executed.
    pub commands: u64,
    /// Orders accepted.
    pub orders: u64,
    /// Commands refused.
    pub rejected: u64,
    /// Trades.
    pub trades: u64,
    /// Records, commands and events.
    pub records: u64,
    /// Bytes of log, headers and padding included.
    pub bytes: u64,
}

impl SteppedExchange {
    /// A new store in `dir`.
    ///
    /// # Errors
    /// [`BenchError::Store`] when it cannot be made.
    pub fn create(dir: &Path) -> Result<Self, BenchError> {
        Self::with_options(dir, &Options { durability: Durability::Os, ..Options::default() })
    }

    /// A new store in `dir`, of another shape.
    ///
    /// # Errors
    /// As for [`SteppedExchange::create`].
    pub fn with_options(dir: &Path, options: &Options) -> Result<Self, BenchError> {
        let store = Writer::open(dir, options)?;
        Ok(Self { store, state: State::new(), events: Vec::new(), counts: Counts::default() })
    }

    /// Executes commands in one block, stamped `now`.
    ///
    /// # Errors
    /// [`BenchError::Store`] when the store has no room; [`BenchError::BlockFull`] when the block has not.
    pub fn execute(&mut self, now: Timestamp, commands: &[Command]) -> Result<(), BenchError> {
        self.store.writer.wait_ready(std::time::Duration::from_mins(1))?;
        let mut block = self.store.writer.begin(now.0)?;
        for command in commands {
            // Tag 0 is the sequencer's own.
            let (_, payload) = block.reserve(command.kind(), command.version(), 1, command.size())?;
            command.encode(payload);
            decide(&self.state, now, command, &mut NoRules, &mut self.events);
            for event in self.events.drain(..) {
                let (_, payload) = block.reserve(event.kind(), event.version(), 0, event.size())?;
                event.encode(payload);
                evolve(&mut self.state, &event);
                count(&mut self.counts, &event);
            }
        }
        let written = block.finish();
        self.counts.commands += commands.len() as u64;
        self.counts.records += u64::from(written.record_count);
        if written.index.is_multiple_of(FLUSH_EVERY) {
            self.store.flusher.poll()?;
        }
        Ok(())
    }

    /// The state that all commands led to.
    pub fn state(&self) -> &State<Book> {
        &self.state
    }

    /// What was written so far.
    pub fn counts(&self) -> Counts {
        Counts { bytes: self.store.writer.stats().bytes, ..self.counts }
    }

    /// Completes the hash chain and closes the store.
    ///
    /// # Errors
    /// [`BenchError::Store`] when the disk refuses.
    pub fn close(mut self) -> Result<Counts, BenchError> {
        while self.store.flusher.poll()? > 0 {}
        Ok(self.counts())
    }
}

fn count(counts: &mut Counts, event: &Event) {
    match event {
        Event::OrderAccepted(_) => counts.orders += 1,
        Event::OrderRejected(_)
        | Event::CancelRejected(_)
        | Event::ReplaceRejected(_)
        | Event::CommandRejected(_) => counts.rejected += 1,
        event if event.kind() == Trade::KIND => counts.trades += 1,
        _ => {}
    }
}

impl From<BlockFull> for BenchError {
    fn from(full: BlockFull) -> Self {
        Self::BlockFull(full)
    }
}
