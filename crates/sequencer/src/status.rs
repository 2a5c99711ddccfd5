//! What a node says about itself: plain numbers, read without disturbing the core thread.

use std::path::PathBuf;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use event_store::BlockInfo;
use serde::Serialize;

/// Numbers that the core loop alone changes and anyone may read.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    blocks: AtomicU64,
    batches: AtomicU64,
    commands: AtomicU64,
    records: AtomicU64,
    batch_max: AtomicU64,
    store_waits: AtomicU64,
    last_block_ns: AtomicI64,
}

/// One writer: a load and a store, without the locked instruction of `fetch_add`.
#[inline]
fn add(counter: &AtomicU64, by: u64) {
    counter.store(counter.load(Ordering::Relaxed) + by, Ordering::Relaxed);
}

impl Counters {
    #[inline]
    pub fn count_block(&self, block: &BlockInfo) {
        if block.record_count > 0 {
            add(&self.blocks, 1);
            add(&self.records, u64::from(block.record_count));
            self.last_block_ns.store(block.timestamp_ns, Ordering::Relaxed);
        }
    }

    #[inline]
    pub fn count_batch(&self, commands: usize) {
        add(&self.batches, 1);
        add(&self.commands, commands as u64);
        if commands as u64 > self.batch_max.load(Ordering::Relaxed) {
            self.batch_max.store(commands as u64, Ordering::Relaxed);
        }
    }

    pub fn count_store_wait(&self) {
        add(&self.store_waits, 1);
    }

    pub fn read(&self) -> CoreStatus {
        let get = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        CoreStatus {
            blocks: get(&self.blocks),
            batches: get(&self.batches),
            commands: get(&self.commands),
            records: get(&self.records),
            batch_max: get(&self.batch_max),
            store_waits: get(&self.store_waits),
            last_block_ns: self.last_block_ns.load(Ordering::Relaxed),
        }
    }
}

/// Everything a node says about itself.
#[derive(Debug, Clone, Serialize)]
pub struct NodeStatus {
    /// The store's directory.
    pub store: PathBuf,
    /// `fsync` or `os`.
    pub durability: &'static str,
    /// How far the log has got.
    pub watermarks: WatermarkStatus,
    /// The inbound ring.
    pub ring: RingStatus,
    /// The core loop, since the node was started.
    pub core: CoreStatus,
    /// What starting found and did.
    pub recovery: RecoveryStatus,
    /// Snapshots, since the node was started.
    pub snapshots: SnapshotStatus,
    /// The calendars it follows.
    pub calendars: Vec<CalendarStatus>,
    /// What stopped it for good, if something did.
    pub fatal: Option<String>,
}

/// Sequence numbers of last records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct WatermarkStatus {
    /// In the log.
    pub written: u64,
    /// With its hash chained.
    pub chained: u64,
    /// On the disk.
    pub durable: u64,
    /// Safe to act on.
    pub committed: u64,
}

/// The inbound ring.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct RingStatus {
    /// Commands in it.
    pub depth: usize,
    /// Commands it has room for.
    pub capacity: usize,
    /// Whether it takes commands.
    pub accepting: bool,
    /// Commands refused because it was full.
    pub refused_busy: u64,
    /// Commands refused because the log had no room.
    pub refused_store_full: u64,
}

/// The core loop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct CoreStatus {
    /// Blocks written.
    pub blocks: u64,
    /// Batches run. More than blocks, if one needed several.
    pub batches: u64,
    /// Commands executed.
    pub commands: u64,
    /// Records written: commands and events.
    pub records: u64,
    /// Commands in the largest batch.
    pub batch_max: u64,
    /// Polls that found work while the next segment was still being prepared.
    pub store_waits: u64,
    /// The time of the last block, UNIX nanoseconds; 0 before the first.
    pub last_block_ns: i64,
}

/// What starting found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct RecoveryStatus {
    /// The store was created.
    pub created: bool,
    /// The store had been closed properly.
    pub clean: bool,
    /// The last record, 0 for none.
    pub last_sequence: u64,
    /// The snapshot recovery began with, if there was a good one.
    pub snapshot_sequence: Option<u64>,
    /// Records replayed after it.
    pub records_replayed: u64,
    /// How long opening the store took, nanoseconds.
    pub open_ns: u64,
    /// How long loading the snapshot and replaying took, nanoseconds.
    pub replay_ns: u64,
    /// The unfinished end of the log that a crash left and recovery erased.
    pub torn: Option<String>,
    /// Snapshots that were skipped, and why.
    pub warnings: Vec<String>,
}

/// Snapshots taken.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct SnapshotStatus {
    /// How many.
    pub taken: u64,
    /// How often one could not be taken.
    pub failed: u64,
    /// The last record the newest one holds.
    pub last_sequence: Option<u64>,
    /// Its size in bytes.
    pub last_bytes: u64,
    /// How long it took, catching up with the log included, nanoseconds.
    pub last_took_ns: u64,
    /// Why the last attempt failed, if it did.
    pub last_error: Option<String>,
}

/// A calendar the node follows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CalendarStatus {
    /// Its name.
    pub name: String,
    /// The last date whose holidays it knows, if it knows any; later dates are taken for ordinary days.
    pub covered_until: Option<String>,
}
