//! The settings of a node, each with its default, and the limits that follow from each other.

use std::path::PathBuf;
use std::time::Duration;

use event_store::{BLOCK_HEADER_BYTES, Durability, SEGMENT_BYTES_DEFAULT};
use model::Configure;

use crate::calendar::Calendars;
use crate::ring::RING_CAPACITY_RANGE;
use crate::wait::WaitStrategy;

/// The most bytes of events one command can cause for each order that works: self-trade prevention may cancel the
/// resting order and reduce the incoming one, 48 bytes each with their record headers. A trade takes 80.
pub const EVENT_BYTES_PER_ORDER_MAX: u64 = 96;

/// The most bytes a command takes in a block besides what it does to working orders: the command itself, its answer,
/// and what becomes of its own order.
pub const COMMAND_BYTES_MAX: u64 = 1024;

/// The largest batch, in commands.
pub const BATCH_MAX: usize = 65_536;

/// When a snapshot is taken: whichever comes first, and never without something new in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotEvery {
    /// After this many records; `u64::MAX` for never.
    pub records: u64,
    /// After this long.
    pub interval: Duration,
}

impl Default for SnapshotEvery {
    /// Recovery replays what came after the last snapshot: two million records take about a second.
    fn default() -> Self {
        Self { records: 2_000_000, interval: Duration::from_mins(10) }
    }
}

impl SnapshotEvery {
    /// No snapshots: recovery replays the whole log, or what follows a snapshot taken before.
    pub const NEVER: Self = Self { records: u64::MAX, interval: Duration::MAX };
}

/// The settings of a node.
#[derive(Debug, Clone)]
pub struct NodeConfig {
    /// The store's directory. Created if it is not there.
    pub store: PathBuf,
    /// When a command counts as safe.
    pub durability: Durability,
    /// Size of a segment in bytes; counts when the store is created.
    pub segment_bytes: u64,
    /// Commands the inbound ring has room for.
    pub ring_capacity: usize,
    /// The most commands in one block.
    pub max_batch: usize,
    /// What the core thread does when there is nothing to do.
    pub wait: WaitStrategy,
    /// The processor the core thread is pinned to, from 0.
    pub core_cpu: Option<usize>,
    /// The processor the flusher thread is pinned to, from 0.
    pub flusher_cpu: Option<usize>,
    /// Whether the flusher shares the core's thread: every sync then stops the core. For machines with one processor.
    pub share_thread: bool,
    /// When snapshots are taken.
    pub snapshot_every: SnapshotEvery,
    /// The exchange's own bounds, recorded as the first command of a new log; an existing log keeps its own.
    pub limits: Configure,
    /// Who moves phases and trading days.
    pub calendars: Calendars,
}

/// The bounds of a new exchange: about half a million working orders and four million client order ids a day.
pub const LIMITS_DEFAULT: Configure = Configure {
    max_order_ids: 1 << 22,
    max_working_orders: 1 << 19,
    max_accounts: 1 << 16,
    max_instruments: 1 << 12,
    reserved: 0,
};

impl Default for NodeConfig {
    fn default() -> Self {
        Self {
            store: PathBuf::from("outcry-store"),
            durability: Durability::Fsync,
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            ring_capacity: 65_536,
            max_batch: 1024,
            wait: WaitStrategy::default(),
            core_cpu: None,
            flusher_cpu: None,
            share_thread: false,
            snapshot_every: SnapshotEvery::default(),
            limits: LIMITS_DEFAULT,
            calendars: Calendars::built_in(),
        }
    }
}

/// A setting that cannot be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The ring's size is out of range.
    #[error("setting ring_capacity is {value}; it must be 1 to 4194304")]
    RingCapacity {
        /// The value given.
        value: usize,
    },
    /// The batch size is out of range.
    #[error("setting max_batch is {value}; it must be 1 to 65536")]
    MaxBatch {
        /// The value given.
        value: usize,
    },
    /// One command can touch every working order, and all it causes must fit one block: a quarter of a segment.
    #[error(
        "{max_working_orders} working orders need segments of at least {needed_bytes} bytes, because one command may \
         touch them all; see segment_bytes and limits"
    )]
    SegmentTooSmall {
        /// The bound on working orders.
        max_working_orders: u32,
        /// The smallest that would do.
        needed_bytes: u64,
    },
}

/// A block may take this part of a segment: what the event store allows unless told otherwise.
const BLOCKS_PER_SEGMENT: u64 = 4;

impl NodeConfig {
    /// Checks each setting, and the settings against each other.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !RING_CAPACITY_RANGE.contains(&self.ring_capacity) {
            return Err(ConfigError::RingCapacity { value: self.ring_capacity });
        }
        if !(1..=BATCH_MAX).contains(&self.max_batch) {
            return Err(ConfigError::MaxBatch { value: self.max_batch });
        }
        let block_bytes = self.segment_bytes / BLOCKS_PER_SEGMENT;
        check_block(self.limits.max_working_orders, block_bytes)
    }
}

/// Whether everything one command can cause fits one block.
pub(crate) fn check_block(max_working_orders: u32, block_bytes: u64) -> Result<(), ConfigError> {
    let needed = u64::from(max_working_orders) * EVENT_BYTES_PER_ORDER_MAX
        + COMMAND_BYTES_MAX
        + BLOCK_HEADER_BYTES as u64;
    if needed <= block_bytes & !15 {
        return Ok(());
    }
    let needed_bytes = (needed * BLOCKS_PER_SEGMENT).next_multiple_of(4096);
    Err(ConfigError::SegmentTooSmall { max_working_orders, needed_bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_are_possible() {
        assert_eq!(NodeConfig::default().check(), Ok(()));
    }

    #[test]
    fn a_segment_holds_whatever_one_command_can_cause() {
        let mut config = NodeConfig { segment_bytes: 1 << 20, ..NodeConfig::default() };
        let Err(ConfigError::SegmentTooSmall { needed_bytes, .. }) = config.check() else {
            panic!("half a million orders in a quarter of one MiB")
        };
        config.segment_bytes = needed_bytes;
        assert_eq!(config.check(), Ok(()));
        config.segment_bytes -= 4096;
        assert!(config.check().is_err());
    }
}
