//! Takes snapshots without the core loop noticing: its thread folds the log like any other reader, into a state of its
//! own, and writes that.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use event_store::{Mark, Watermarks};
use order_book::OrderBook;

use crate::agent::Duty;
use crate::config::SnapshotEvery;
use crate::replay::{FoldError, FoldOptions, Follower};
use crate::snapshot::{self, SnapshotInfo};
use crate::status::SnapshotStatus;

/// How often the thread looks whether a snapshot is due.
const LOOK_EVERY: Duration = Duration::from_millis(200);
/// How long the thread waits for the flusher to chain the hash of a block it has read.
const CHAIN_PATIENCE: Duration = Duration::from_secs(10);
/// How much more politely than the rest of the node the thread asks for the processor, in steps of `nice`.
const NICENESS: i32 = 10;

/// Why a snapshot could not be taken. The log is none the worse for it.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// The log could not be folded.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// The log has no complete block yet, or the flusher has stopped.
    #[error("the last block has no place in the hash chain yet")]
    NotChained,
    /// The file could not be written.
    #[error("snapshot of {} cannot be written: {source}", store.display())]
    Write {
        /// The store directory.
        store: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
}

/// Follows the log and writes snapshots of it.
pub struct Snapshotter<B: OrderBook> {
    store: PathBuf,
    follower: Option<Follower<B>>,
    /// Kept, because the next encoding is about as large.
    encoded: Vec<u8>,
}

/// A snapshot that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Taken {
    /// What it holds.
    pub info: SnapshotInfo,
    /// The size of the file.
    pub bytes: u64,
}

impl<B: OrderBook> Snapshotter<B> {
    /// A snapshotter that has read nothing yet.
    pub fn new(store: &Path) -> Self {
        Self { store: store.to_owned(), follower: None, encoded: Vec::new() }
    }

    /// Takes a snapshot at the last committed block. `None` if there is nothing to take one of.
    pub fn take(&mut self) -> Result<Option<Taken>, SnapshotError> {
        let follower = match &mut self.follower {
            Some(follower) => follower,
            // A block this machine wrote a moment ago need not be checked.
            none => none.insert(Follower::open(
                &self.store,
                FoldOptions { checksums: false, ..FoldOptions::default() },
            )?),
        };
        if let Err(error) = follower.catch_up(None) {
            // Half a block may have been applied: begin anew next time.
            self.follower = None;
            return Err(error.into());
        }
        let (Some(timestamp), true) = (follower.timestamp, follower.sequence > 0) else { return Ok(None) };
        self.encoded.clear();
        follower.state.encode(&mut self.encoded);
        let chain = follower.wait_chained(CHAIN_PATIENCE)?.ok_or(SnapshotError::NotChained)?;
        let info = SnapshotInfo {
            store_id: follower.reader.store_id(),
            sequence: follower.sequence,
            timestamp,
            chain,
            hash: blake3::hash(&self.encoded).into(),
        };
        let bytes = snapshot::write(&self.store, &info, &self.encoded)
            .map_err(|source| SnapshotError::Write { store: self.store.clone(), source })?;
        Ok(Some(Taken { info, bytes }))
    }
}

/// What the snapshot thread needs.
pub(crate) struct SnapshotDuty {
    pub store: PathBuf,
    pub every: SnapshotEvery,
    pub watermarks: Watermarks,
    pub status: Arc<Mutex<SnapshotStatus>>,
    pub duty: Arc<Duty>,
    /// The last record of the snapshot recovery began with.
    pub last: u64,
}

impl SnapshotDuty {
    /// The body of the snapshot thread.
    pub fn run<B: OrderBook>(self) {
        // On a small machine the core and the flusher come first. Not being allowed to be polite is no reason to stop.
        let _ = rustix::process::nice(NICENESS);
        self.duty.bell.adopt();
        let mut snapshotter = Snapshotter::<B>::new(&self.store);
        let (mut last, mut since) = (self.last, Instant::now());
        while !self.duty.stopping() {
            let fresh = self.watermarks.get(Mark::Committed).saturating_sub(last);
            if fresh > 0 && (fresh >= self.every.records || since.elapsed() >= self.every.interval) {
                let started = Instant::now();
                let taken = snapshotter.take();
                if let Ok(Some(taken)) = &taken {
                    last = taken.info.sequence;
                }
                since = Instant::now();
                self.report(taken, started.elapsed());
            }
            self.duty.bell.lie_down();
            if !self.duty.stopping() {
                self.duty.bell.sleep(LOOK_EVERY);
            }
            self.duty.bell.get_up();
        }
    }

    fn report(&self, taken: Result<Option<Taken>, SnapshotError>, took: Duration) {
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        match taken {
            Ok(None) => {}
            Ok(Some(taken)) => {
                status.taken += 1;
                status.last_sequence = Some(taken.info.sequence);
                status.last_bytes = taken.bytes;
                status.last_took_ns = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
                status.last_error = None;
            }
            Err(error) => {
                status.failed += 1;
                status.last_error = Some(error.to_string());
            }
        }
    }
}
