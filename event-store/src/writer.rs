//! The one writer: builds blocks straight in the mapped segment and publishes them with a store. In steady state
//! it makes no system call, takes no lock and allocates nothing.

mod block;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

pub use block::{BlockWriter, Savepoint};

use crate::checksum::{block_checksum, salt};
use crate::control::{COMMITTED, WRITTEN};
use crate::error::{Damage, Error};
use crate::format::{
    BLOCK_HEADER_BYTES, BLOCK_MAGIC, BlockHeader, CHAIN_OFFSET, FLAG_SEAL, FORMAT_VERSION,
    RECORD_HEADER_BYTES, SEGMENT_HEADER_BYTES, seal_offset,
};
use crate::mapping::Tail;
use crate::segment::Segment;
use crate::shared::Shared;
use crate::supply::Supply;
use crate::walk::{Expected, check_bytes, check_place};
use crate::watermarks::Watermarks;

/// The writer of a store. There is one, held by one thread; dropping it ends the log as it is.
#[derive(Debug)]
pub struct Writer {
    pub(crate) shared: Arc<Shared>,
    pub(crate) segment: Arc<Segment>,
    /// The unpublished bytes of `segment`, up to its end mark.
    pub(crate) tail: Tail,
    /// The segment after it, if it has been fetched.
    pub(crate) next: Option<Arc<Segment>>,
    pub(crate) supply: Supply,
    pub(crate) state: WriterState,
    pub(crate) max_block_bytes: usize,
    /// Whether `committed` follows `written`.
    pub(crate) commit_on_write: bool,
}

/// Where the log stands for the writer.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WriterState {
    pub next_sequence: u64,
    pub next_index: u64,
    pub timestamp_ns: i64,
    pub previous_bytes: u32,
    pub term: u64,
    /// Term of the last block: the end mark after it carries the same, so that replicas write the same.
    pub last_term: u64,
    pub stats: WriterStats,
}

/// What the writer has done since the store was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct WriterStats {
    /// Blocks published.
    pub blocks: u64,
    /// Records published.
    pub records: u64,
    /// Bytes published, headers and padding included.
    pub bytes: u64,
    /// Blocks whose time was before the previous block's and was raised to it.
    pub clock_regressions: u64,
    /// Segments begun.
    pub segments: u64,
}

/// What became of a block.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BlockInfo {
    /// Position of the block in the log, from 1.
    pub index: u64,
    /// Sequence number of its first record.
    pub first_sequence: u64,
    /// Number of records; 0 means that nothing was written.
    pub record_count: u32,
    /// The time it carries, UNIX nanoseconds.
    pub timestamp_ns: i64,
}

impl BlockInfo {
    /// Sequence number of the last record; one less than the first if there is none.
    pub fn last_sequence(&self) -> u64 {
        self.first_sequence + u64::from(self.record_count) - 1
    }
}

impl Writer {
    /// Opens a store for writing, creating it if the options say so, and recovers it after a crash.
    ///
    /// # Errors
    /// [`Error::Locked`] if it has a writer; [`Error::Corruption`] and [`Error::MissingSegment`] if something that
    /// was durable is not there any more; anything the file system refuses.
    pub fn open(dir: impl AsRef<std::path::Path>, options: &crate::Options) -> Result<crate::Opened, Error> {
        crate::open::open(dir.as_ref(), options)
    }

    /// Whether a block can be begun now. Cheap enough to ask before each batch: nothing should be
    /// accepted from a client while the answer is an error.
    ///
    /// # Errors
    /// [`Error::NoSpace`], [`Error::PrepareFailed`] (they go away when their cause does), [`Error::NotReady`]
    /// (transient), [`Error::SyncFailed`] (for good).
    #[inline]
    pub fn ready(&mut self) -> Result<(), Error> {
        if self.shared.halted() {
            self.shared.check()?;
        }
        if self.tail.remaining() < self.max_block_bytes && self.next.is_none() {
            self.fetch_next()?;
        }
        Ok(())
    }

    /// Like [`Writer::ready`], but waits while the next segment is being prepared, at most `timeout`.
    ///
    /// # Errors
    /// As for `ready`.
    pub fn wait_ready(&mut self, timeout: Duration) -> Result<(), Error> {
        match self.ready() {
            Err(Error::NotReady { .. }) => {
                self.supply.wait(timeout);
                self.ready()
            }
            other => other,
        }
    }

    #[cold]
    fn fetch_next(&mut self) -> Result<(), Error> {
        self.next = Some(self.supply.take()?);
        Ok(())
    }

    /// Begins a block. A block may hold up to [`Writer::max_block_bytes`] bytes; room for all of them is assured
    /// when this returns. A `timestamp_ns` (UNIX nanoseconds) before the previous block's is raised to it and counted.
    ///
    /// # Errors
    /// As for [`Writer::ready`]; nothing has changed then.
    #[inline]
    pub fn begin(&mut self, timestamp_ns: i64) -> Result<BlockWriter<'_>, Error> {
        self.ready()?;
        if self.tail.remaining() < BLOCK_HEADER_BYTES + RECORD_HEADER_BYTES {
            self.roll();
        }
        let limit = self.max_block_bytes.min(self.tail.remaining());
        Ok(BlockWriter::new(self, limit, timestamp_ns))
    }

    /// The largest block, its 128-byte header included, in bytes.
    pub fn max_block_bytes(&self) -> usize {
        self.max_block_bytes
    }

    /// The sequence number the next record gets.
    pub fn next_sequence(&self) -> u64 {
        self.state.next_sequence
    }

    /// The time of the last block, UNIX nanoseconds; `i64::MIN` if there is none.
    pub fn last_timestamp_ns(&self) -> i64 {
        self.state.timestamp_ns
    }

    /// Blocks from now on carry this replication term.
    ///
    /// # Panics
    /// If the term goes down.
    pub fn set_term(&mut self, term: u64) {
        assert!(term >= self.state.term, "term {term} after {}", self.state.term);
        self.state.term = term;
    }

    /// What has been written since the store was opened.
    pub fn stats(&self) -> WriterStats {
        self.state.stats
    }

    /// Appends a block that another replica's writer made: `header` is [`crate::Block::header_bytes`], `records` is
    /// [`crate::Block::record_bytes`]. The store must have the same id and segment size; its blocks, hashes included,
    /// become the same.
    ///
    /// # Errors
    /// [`Error::BlockRefused`] if the block is damaged or does not continue this log; as for [`Writer::ready`] if there is
    /// no room. Nothing has changed then.
    pub fn append_raw(&mut self, header: &[u8], records: &[u8]) -> Result<BlockInfo, Error> {
        self.ready()?;
        let next_sequence = self.state.next_sequence;
        let refuse = |damage| Error::BlockRefused { next_sequence, damage };
        let found = u32::try_from(header.len()).unwrap_or(u32::MAX);
        let header = header.get(..CHAIN_OFFSET).ok_or_else(|| refuse(Damage::Length { found }))?;
        let stated = BlockHeader::decode(header);
        let bytes = BLOCK_HEADER_BYTES + records.len();
        if stated.length as usize != bytes || bytes > self.max_block_bytes {
            return Err(refuse(Damage::Length { found: stated.length }));
        }
        // The other replica has decided where its segments end; ours end there too.
        let roll = stated.segment == self.segment.number + 1;
        if !roll && (stated.segment != self.segment.number || bytes > self.tail.remaining()) {
            return Err(refuse(Damage::Field { field: "segment", found: stated.segment }));
        }
        let salt = salt(self.shared.geometry.store_id, stated.segment);
        let checked = check_bytes(header, records, salt, stated.segment).map_err(refuse)?;
        check_place(&checked, &self.expected(roll)).map_err(refuse)?;
        if checked.is_seal() {
            return Err(refuse(Damage::Seal));
        }
        if roll {
            if self.next.is_none() {
                self.fetch_next()?;
            }
            self.roll();
        }
        self.tail.bytes_mut(BLOCK_HEADER_BYTES..bytes).copy_from_slice(records);
        self.tail.bytes_mut(4..CHAIN_OFFSET).copy_from_slice(&header[4..]);
        self.tail.wrote(4..bytes);
        self.tail.publish(checked.length);
        self.state.term = self.state.term.max(checked.term);
        self.published(&checked);
        Ok(BlockInfo {
            index: checked.block_index,
            first_sequence: checked.first_sequence,
            record_count: checked.record_count,
            timestamp_ns: checked.timestamp_ns,
        })
    }

    /// What the next block must continue. The hash is the flusher's business.
    fn expected(&self, new_segment: bool) -> Expected {
        Expected {
            next_sequence: self.state.next_sequence,
            next_index: self.state.next_index,
            term: self.state.last_term,
            timestamp_ns: self.state.timestamp_ns,
            previous_bytes: if new_segment { 0 } else { self.state.previous_bytes },
            chain: [0; 32],
        }
    }

    /// A handle to the watermarks.
    pub fn watermarks(&self) -> Watermarks {
        Watermarks::new(Arc::clone(&self.shared))
    }

    /// The store directory.
    pub fn dir(&self) -> &std::path::Path {
        &self.shared.dir
    }

    /// Ends the current segment and moves on to the fetched one.
    #[cold]
    pub(crate) fn roll(&mut self) {
        let next = self.next.take().expect("`ready` fetched a segment before any block that may need it");
        self.publish_seal();
        self.shared.roll(Arc::clone(&next));
        let end = seal_offset(next.mapping.len());
        self.tail = Tail::claim(Arc::clone(&next.mapping), SEGMENT_HEADER_BYTES, end);
        self.segment = next;
        self.state.previous_bytes = 0;
        self.state.stats.segments += 1;
    }

    /// Writes the end mark at the end of the current segment.
    fn publish_seal(&mut self) {
        let mapping = Arc::clone(&self.segment.mapping);
        let length = u32::try_from(BLOCK_HEADER_BYTES).expect("a small constant");
        let mut header = self.header(length, FLAG_SEAL, 0, self.state.timestamp_ns);
        header.term = self.state.last_term;
        let (start, end) = (seal_offset(mapping.len()), mapping.len());
        // The tail gives up the segment; what is left between the last block and the end mark stays zero.
        self.tail.release();
        let mut seal = Tail::claim(mapping, start, end);
        write_header(&mut seal, header, self.segment.salt, BLOCK_HEADER_BYTES);
        seal.publish(length);
    }

    /// Accounts for a block just published, and moves the marks.
    #[inline]
    fn published(&mut self, header: &BlockHeader) {
        let state = &mut self.state;
        state.next_sequence += u64::from(header.record_count);
        state.next_index += 1;
        state.timestamp_ns = header.timestamp_ns;
        state.previous_bytes = header.length;
        state.last_term = header.term;
        state.stats.blocks += 1;
        state.stats.records += u64::from(header.record_count);
        state.stats.bytes += u64::from(header.length);
        let last = state.next_sequence - 1;
        self.shared.control.publish(WRITTEN, last);
        if self.commit_on_write {
            self.shared.control.publish(COMMITTED, last);
        }
        self.shared.work.notify();
    }

    fn header(&self, length: u32, flags: u16, record_count: u32, timestamp_ns: i64) -> BlockHeader {
        BlockHeader {
            length,
            checksum: 0,
            magic: BLOCK_MAGIC,
            version: u16::try_from(FORMAT_VERSION).expect("a small constant"),
            flags,
            block_index: self.state.next_index,
            term: self.state.term,
            first_sequence: self.state.next_sequence,
            timestamp_ns,
            record_count,
            previous_bytes: self.state.previous_bytes,
            segment: self.segment.number,
            reserved: [0; 4],
        }
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.shared.closed.store(true, Ordering::Release);
        self.shared.work.notify();
    }
}

/// Writes a block's header, checksum included, all but the length word.
#[inline]
fn write_header(tail: &mut Tail, mut header: BlockHeader, salt: u32, block_bytes: usize) {
    let bytes = header.encode();
    let records = tail.bytes(BLOCK_HEADER_BYTES..block_bytes);
    header.checksum = block_checksum(salt, header.length, &bytes[8..], records);
    let into = tail.bytes_mut(4..CHAIN_OFFSET);
    into[..4].copy_from_slice(&header.checksum.to_le_bytes());
    into[4..].copy_from_slice(&bytes[8..]);
    tail.wrote(4..CHAIN_OFFSET);
}
