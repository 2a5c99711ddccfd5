//! Figures about a store: how much of what, and over what time.

use std::collections::BTreeMap;
use std::path::Path;

use crate::error::Error;
use crate::format::StoreId;
use crate::fs::FileSystem;
use crate::reader::{Reader, ReaderOptions};
use crate::segment;
use crate::watermarks::{Mark, MarkValues};

/// What [`stats`] counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoreStats {
    /// The store's id.
    pub store_id: StoreId,
    /// When it was created, UNIX nanoseconds.
    pub created_ns: i64,
    /// Size of each segment file, in bytes.
    pub segment_bytes: u64,
    /// Segment files, those prepared ahead included.
    pub segments: u64,
    /// The segment the log ends in.
    pub last_segment: u64,
    /// Blocks.
    pub blocks: u64,
    /// Records.
    pub records: u64,
    /// Bytes of blocks, headers and padding included.
    pub block_bytes: u64,
    /// Bytes of payloads alone.
    pub payload_bytes: u64,
    /// The largest block, in bytes.
    pub block_bytes_max: u64,
    /// The most records in a block.
    pub block_records_max: u32,
    /// Time of the first block, UNIX nanoseconds.
    pub first_timestamp_ns: Option<i64>,
    /// Time of the last block, UNIX nanoseconds.
    pub last_timestamp_ns: Option<i64>,
    /// Replication term of the last block.
    pub last_term: u64,
    /// Records of each type and schema version.
    pub kinds: BTreeMap<(u16, u16), KindStats>,
    /// The watermarks.
    pub marks: MarkValues,
}

/// Figures of one type of record in one schema version.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct KindStats {
    /// Records.
    pub records: u64,
    /// Bytes of their payloads.
    pub payload_bytes: u64,
}

/// Counts everything written to the store in `dir`. Checks nothing: that is [`crate::verify`]'s business.
///
/// # Errors
/// As for [`Reader::open`], and damage that keeps it from being read.
pub fn stats(dir: impl AsRef<Path>) -> Result<StoreStats, Error> {
    stats_with(dir.as_ref(), ReaderOptions::default().file_system)
}

/// As [`stats`], on any file system.
///
/// # Errors
/// As for [`stats`].
pub fn stats_with(dir: &Path, file_system: std::sync::Arc<dyn FileSystem>) -> Result<StoreStats, Error> {
    let segments = segment::list(&*file_system, dir)?.segments.len() as u64;
    let options = ReaderOptions { bound: Mark::Written, checksums: false, file_system };
    let mut reader = Reader::with_options(dir, options)?;
    let mut stats = StoreStats {
        store_id: reader.store_id(),
        created_ns: reader.created_ns(),
        segment_bytes: reader.segment_bytes(),
        segments,
        last_segment: 1,
        blocks: 0,
        records: 0,
        block_bytes: 0,
        payload_bytes: 0,
        block_bytes_max: 0,
        block_records_max: 0,
        first_timestamp_ns: None,
        last_timestamp_ns: None,
        last_term: 0,
        kinds: BTreeMap::new(),
        marks: reader.marks(),
    };
    // Of a log that grows while it is counted, the part that was there at first.
    while let Some(block) =
        reader.next_block()?.filter(|block| block.header().first_sequence <= stats.marks.written)
    {
        let header = *block.header();
        stats.blocks += 1;
        stats.block_bytes += u64::from(header.length);
        stats.block_bytes_max = stats.block_bytes_max.max(u64::from(header.length));
        stats.block_records_max = stats.block_records_max.max(header.record_count);
        stats.first_timestamp_ns.get_or_insert(header.timestamp_ns);
        stats.last_timestamp_ns = Some(header.timestamp_ns);
        stats.last_term = header.term;
        stats.last_segment = header.segment;
        for record in block.records() {
            let bytes = record.payload.len() as u64;
            stats.records += 1;
            stats.payload_bytes += bytes;
            let kind = stats.kinds.entry((record.kind, record.version)).or_default();
            kind.records += 1;
            kind.payload_bytes += bytes;
        }
    }
    Ok(stats)
}
