//! A memory-mapped, append-only log with one writer and any number of readers, in this process or in others.
//!
//! The unit of everything (sequencing, durability, checksums, replication) is the *block*: a header and some
//! *records*. A record is an opaque payload with a type, a version and a tag; it has a sequence number, from 1,
//! without gaps. The crate knows nothing about what the payloads mean. `FORMAT.md` specifies the bytes.
//!
//! ```
//! use event_store::{Options, Reader, Writer};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let dir = tempfile::tempdir()?;
//! let mut store = Writer::open(dir.path(), &Options::small())?;
//!
//! let mut block = store.writer.begin(1_767_605_400_000_000_000)?;
//! block.append(1, 1, 42, b"a command")?;
//! block.append(2, 1, 42, b"what came of it")?;
//! assert_eq!(block.finish().last_sequence(), 2);
//! store.flusher.poll()?;
//!
//! let mut reader = Reader::open(dir.path())?;
//! let block = reader.next_block()?.expect("one block was written");
//! assert_eq!(block.records().next().map(|record| record.payload), Some(&b"a command"[..]));
//! # Ok(())
//! # }
//! ```
//!
//! **Architecture invariant:** exactly one thread appends; it takes no lock, makes no system call and allocates
//! nothing in steady state, and no reader can slow it down.
//!
//! **Architecture invariant:** what is at or below the `durable` mark has been synced; a failed sync stops the store
//! for good. What is damaged below the mark is reported, never repaired in place and never skipped.
//!
//! **Architecture invariant:** `unsafe` is confined to [`mapping`] and [`publish`].

#![cfg_attr(
    loom,
    allow(dead_code, unused_imports, reason = "only the publish protocol is built for the model")
)]

#[cfg(target_endian = "big")]
compile_error!("the log is little-endian and mapped as it is; big-endian machines are not supported");
#[cfg(not(target_pointer_width = "64"))]
compile_error!("stores are mapped as a whole; 32-bit address spaces are too small");

pub mod publish;
pub mod signal;
pub mod sync;

#[cfg(not(loom))]
mod store {
    pub use crate::checksum::ChainHash;
    pub use crate::error::{BlockFull, Damage, Error};
    pub use crate::flusher::{Flusher, FlusherThread, FlusherWait};
    pub use crate::format::{
        ALIGNMENT, BLOCK_HEADER_BYTES, BlockHeader, CONTROL_BYTES, FLAG_SEAL, FORMAT_VERSION,
        PAYLOAD_BYTES_MAX, RECORD_HEADER_BYTES, RecordHeader, SEGMENT_BYTES_MAX, SEGMENT_BYTES_MIN,
        SEGMENT_HEADER_BYTES, StoreId, record_bytes,
    };
    pub use crate::open::{Opened, exists};
    pub use crate::options::{
        Allocation, CommitPolicy, Durability, Options, Preparation, SEGMENT_BYTES_DEFAULT, SEGMENTS_AHEAD_MAX,
    };
    pub use crate::reader::{Block, Reader, ReaderOptions, Record, Records, SealedSegment, Span};
    pub use crate::recovery::{Recovery, TornTail};
    pub use crate::repair::{RepairReport, Stopped, repair, repair_with};
    pub use crate::side::SideFile;
    pub use crate::stats::{KindStats, StoreStats, stats, stats_with};
    pub use crate::verify::{Finding, VerifyReport, verify, verify_with};
    pub use crate::watermarks::{Committer, Mark, MarkValues, Watermarks};
    pub use crate::writer::{BlockInfo, BlockWriter, Savepoint, Writer, WriterStats};
}
#[cfg(not(loom))]
pub use store::*;

#[cfg(not(loom))]
mod checksum;
#[cfg(not(loom))]
mod control;
#[cfg(not(loom))]
mod error;
#[cfg(all(not(loom), feature = "fault-injection"))]
pub mod fault;
#[cfg(not(loom))]
mod flusher;
#[cfg(not(loom))]
mod format;
#[cfg(not(loom))]
pub mod fs;
#[cfg(not(loom))]
pub mod mapping;
#[cfg(not(loom))]
mod open;
#[cfg(not(loom))]
mod options;
#[cfg(not(loom))]
mod reader;
#[cfg(not(loom))]
mod recovery;
#[cfg(not(loom))]
mod repair;
#[cfg(not(loom))]
mod segment;
#[cfg(not(loom))]
mod shared;
#[cfg(not(loom))]
mod side;
#[cfg(not(loom))]
mod stats;
#[cfg(not(loom))]
mod supply;
#[cfg(not(loom))]
mod verify;
#[cfg(not(loom))]
mod walk;
#[cfg(not(loom))]
mod watermarks;
#[cfg(not(loom))]
mod writer;
