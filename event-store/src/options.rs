//! The settings of a store, each with its limits.

use std::sync::Arc;

use crate::error::Error;
use crate::format::{
    BLOCK_HEADER_BYTES, RECORD_HEADER_BYTES, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN, SEGMENT_HEADER_BYTES,
    StoreId,
};
use crate::fs::{Disk, FileSystem};

/// When a record counts as safe.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Durability {
    /// When the disk says that it has it. Survives power loss.
    #[default]
    Fsync,
    /// When the operating system has it. Survives the death of the process, not of the machine. `durable` then moves
    /// only when a segment is finished, on request, and when the store is closed.
    Os,
}

/// Who moves the `committed` mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum CommitPolicy {
    /// This store by itself: `committed` is `durable` under [`Durability::Fsync`], `written` under
    /// [`Durability::Os`].
    #[default]
    Local,
    /// The owner of the [`crate::Committer`], for instance when a quorum has the records.
    External,
}

/// Who prepares the segments to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Preparation {
    /// A thread of the store's own, which stays [`Options::segments_ahead`] segments ahead of the writer.
    #[default]
    Background,
    /// The writer itself, when it needs one. For tests, tools and stores that stay small.
    Inline,
}

/// What is done to a new segment file before it is written to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Allocation {
    /// Disk space is allocated and overwritten with zeros: later syncs of the log need not touch the file system's
    /// own structures.
    Zeroed,
    /// Disk space is allocated. Enough when syncing is left to the operating system.
    Reserved,
}

/// Default size of a segment, in bytes.
pub const SEGMENT_BYTES_DEFAULT: u64 = 256 << 20;

/// Most segments that may be prepared ahead.
pub const SEGMENTS_AHEAD_MAX: usize = 16;

/// How to open a store for writing.
#[derive(Debug, Clone)]
pub struct Options {
    /// Size of each segment file in bytes: a multiple of 4096 from 16 KiB to 2 GiB. Counts when the store is
    /// created; an existing store keeps its own.
    pub segment_bytes: u64,
    /// Largest block in bytes, its 128-byte header included. `None`: a quarter of a segment.
    pub max_block_bytes: Option<usize>,
    /// When a record counts as safe.
    pub durability: Durability,
    /// Who moves the `committed` mark.
    pub commit: CommitPolicy,
    /// Who prepares segments.
    pub preparation: Preparation,
    /// What preparing does. `None`: `Zeroed` under [`Durability::Fsync`], `Reserved` under [`Durability::Os`].
    pub allocation: Option<Allocation>,
    /// Whether new segments' pages are set up for writing ahead of use, so that the writer meets no page faults.
    /// `None`: under [`Durability::Os`] with [`Preparation::Background`]. Under [`Durability::Fsync`] it costs writing every page
    /// to the disk once more.
    pub prefault: Option<bool>,
    /// Segments kept ready ahead of the writer by [`Preparation::Background`], 1 to 16.
    pub segments_ahead: usize,
    /// Create the store if the directory holds none.
    pub create: bool,
    /// The replication term blocks are stamped with; 0 on a single node.
    pub term: u64,
    /// Discard every block that ends after this record before the first append. For a deposed leader: its
    /// uncommitted tail. `None`: keep all that is valid.
    pub truncate_after: Option<u64>,
    /// Id of a store to be created. `None`: random. Replicas of one log share one id.
    pub store_id: Option<StoreId>,
    /// Creation time of a store to be created, UNIX nanoseconds. `None`: now.
    pub created_ns: Option<i64>,
    /// The file system.
    pub file_system: Arc<dyn FileSystem>,
    /// Deliberate defects, so that the crash tests can prove that they would notice one.
    #[cfg(feature = "fault-injection")]
    #[doc(hidden)]
    pub sabotage: crate::fault::Sabotage,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            segment_bytes: SEGMENT_BYTES_DEFAULT,
            max_block_bytes: None,
            durability: Durability::default(),
            commit: CommitPolicy::default(),
            preparation: Preparation::default(),
            allocation: None,
            prefault: None,
            segments_ahead: 2,
            create: true,
            term: 0,
            truncate_after: None,
            store_id: None,
            created_ns: None,
            file_system: Arc::new(Disk),
            #[cfg(feature = "fault-injection")]
            sabotage: crate::fault::Sabotage::default(),
        }
    }
}

impl Options {
    /// Settings for a small, short-lived store: 1 MiB segments made on demand, nothing synced before it is closed. Opens in well
    /// under a millisecond; for tests and scenarios.
    pub fn small() -> Self {
        Self {
            segment_bytes: 1 << 20,
            durability: Durability::Os,
            preparation: Preparation::Inline,
            ..Self::default()
        }
    }

    /// What preparing a segment does under these settings.
    pub(crate) fn allocation(&self) -> Allocation {
        self.allocation.unwrap_or(match self.durability {
            Durability::Fsync => Allocation::Zeroed,
            Durability::Os => Allocation::Reserved,
        })
    }

    /// Whether preparing a segment sets up its pages under these settings.
    pub(crate) fn prefault(&self) -> bool {
        let worthwhile = self.durability == Durability::Os && self.preparation == Preparation::Background;
        self.prefault.unwrap_or(worthwhile)
    }

    /// Whether files are made permanent as they are made and recovered: always, save for stores whose records are
    /// not synced and whose segments the writer would have to wait for.
    pub(crate) fn syncs_files(&self) -> bool {
        self.durability == Durability::Fsync || self.preparation == Preparation::Background
    }

    /// The largest block in a store of such segments, in bytes.
    pub(crate) fn max_block_bytes(&self, segment_bytes: u64) -> Result<usize, Error> {
        let segment = usize::try_from(segment_bytes).expect("checked against SEGMENT_BYTES_MAX");
        let limit = segment - SEGMENT_HEADER_BYTES - BLOCK_HEADER_BYTES;
        let bytes = self.max_block_bytes.unwrap_or(segment / 4) & !15;
        if bytes < BLOCK_HEADER_BYTES + RECORD_HEADER_BYTES || bytes > limit {
            return Err(Error::InvalidOption {
                setting: "max_block_bytes",
                value: bytes as u64,
                requirement: "at least 144 and at most the segment size less 4224",
            });
        }
        Ok(bytes)
    }

    pub(crate) fn check(&self) -> Result<(), Error> {
        check_segment_bytes(self.segment_bytes)?;
        if !(1..=SEGMENTS_AHEAD_MAX).contains(&self.segments_ahead) {
            return Err(Error::InvalidOption {
                setting: "segments_ahead",
                value: self.segments_ahead as u64,
                requirement: "1 to 16",
            });
        }
        Ok(())
    }
}

/// The limits of the segment size, for settings and for what a control file says.
pub(crate) fn check_segment_bytes(bytes: u64) -> Result<(), Error> {
    if !(SEGMENT_BYTES_MIN..=SEGMENT_BYTES_MAX).contains(&bytes) || !bytes.is_multiple_of(4096) {
        return Err(Error::InvalidOption {
            setting: "segment_bytes",
            value: bytes,
            requirement: "a multiple of 4096 from 16384 to 2147483648",
        });
    }
    Ok(())
}
