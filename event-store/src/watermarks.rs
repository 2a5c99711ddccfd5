//! How far the log has got, and waiting for it to get further.

use std::sync::Arc;
use std::time::Duration;

use crate::control::{CHAINED, COMMITTED, Control, DURABLE, INCARNATION, WRITTEN};
use crate::error::Error;
use crate::shared::Shared;

/// The marks that move along the log. Each is the sequence number of a last record; 0 if there is none. They only
/// grow while a writer is open, and `durable <= chained <= written`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Mark {
    /// In the log, visible to every process; would survive the death of this one.
    Written,
    /// Its block's hash chain field has been filled in.
    Chained,
    /// On the disk.
    Durable,
    /// Safe to act on: what clients are told is never past it.
    #[default]
    Committed,
}

impl Mark {
    pub(crate) fn word(self) -> usize {
        match self {
            Self::Written => WRITTEN,
            Self::Chained => CHAINED,
            Self::Durable => DURABLE,
            Self::Committed => COMMITTED,
        }
    }
}

/// A handle to the watermarks of a store this process has open for writing. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Watermarks {
    shared: Arc<Shared>,
}

impl Watermarks {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Where a mark stands.
    #[inline]
    pub fn get(&self, mark: Mark) -> u64 {
        self.shared.control.load(mark.word())
    }

    /// The last record in the log.
    #[inline]
    pub fn written(&self) -> u64 {
        self.get(Mark::Written)
    }

    /// The last record on the disk.
    #[inline]
    pub fn durable(&self) -> u64 {
        self.get(Mark::Durable)
    }

    /// The last record that may be acted on.
    #[inline]
    pub fn committed(&self) -> u64 {
        self.get(Mark::Committed)
    }

    /// Sleeps until a mark reaches `sequence`, at most `timeout`, and returns where it stands then. Costs the writer
    /// a fence and a load per block while nobody sleeps.
    ///
    /// # Errors
    /// [`Error::SyncFailed`] if the store has stopped: the mark will not move again.
    pub fn wait(&self, mark: Mark, sequence: u64, timeout: Duration) -> Result<u64, Error> {
        let signal = if mark == Mark::Written { &self.shared.work } else { &self.shared.progress };
        signal.wait_until(timeout, || self.get(mark) >= sequence || self.shared.halted());
        let reached = self.get(mark);
        if reached < sequence {
            self.shared.check()?;
        }
        Ok(reached)
    }

    /// Whether the store has stopped after a failed sync.
    pub fn halted(&self) -> bool {
        self.shared.halted()
    }
}

/// The right to move `committed`, under [`crate::CommitPolicy::External`].
#[derive(Debug)]
pub struct Committer {
    shared: Arc<Shared>,
}

impl Committer {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Moves `committed` up to `sequence`; a smaller number changes nothing.
    ///
    /// # Panics
    /// If `sequence` is past `written`.
    pub fn commit(&mut self, sequence: u64) {
        let control: &Control = &self.shared.control;
        assert!(sequence <= control.load(WRITTEN), "commit of {sequence}, which is not written");
        if sequence > control.load(COMMITTED) {
            control.publish(COMMITTED, sequence);
            self.shared.progress.notify();
        }
    }
}

/// The watermarks as another process sees them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MarkValues {
    /// See [`Mark::Written`].
    pub written: u64,
    /// See [`Mark::Chained`].
    pub chained: u64,
    /// See [`Mark::Durable`].
    pub durable: u64,
    /// See [`Mark::Committed`].
    pub committed: u64,
    /// Grows by one each time a writer opens the store.
    pub incarnation: u64,
    /// Whether the writer has stopped after a failed sync.
    pub halted: bool,
}

impl MarkValues {
    pub(crate) fn load(control: &Control) -> Self {
        Self {
            written: control.load(WRITTEN),
            chained: control.load(CHAINED),
            durable: control.load(DURABLE),
            committed: control.load(COMMITTED),
            incarnation: control.load(INCARNATION),
            halted: control.load(crate::control::HALTED) != 0,
        }
    }
}
