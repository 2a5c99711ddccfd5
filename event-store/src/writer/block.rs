//! The block under construction: records are put in place in the mapped segment, and can be taken back until it is published.

use super::{BlockInfo, Writer, write_header};
use crate::error::BlockFull;
use crate::format::{BLOCK_HEADER_BYTES, RECORD_HEADER_BYTES, RecordHeader, record_bytes};

/// A block being built. Nobody sees it until [`BlockWriter::finish`]; dropping it undoes it.
#[derive(Debug)]
pub struct BlockWriter<'w> {
    writer: &'w mut Writer,
    /// Bytes so far, block header included.
    used: usize,
    /// Bytes the block may take in this segment.
    limit: usize,
    count: u32,
    timestamp_ns: i64,
}

/// A place in a block to come back to: see [`BlockWriter::rollback`].
#[derive(Debug, Clone, Copy)]
pub struct Savepoint {
    used: usize,
    count: u32,
}

impl<'w> BlockWriter<'w> {
    /// An empty one that may take so many bytes.
    #[inline]
    pub(super) fn new(writer: &'w mut Writer, limit: usize, timestamp_ns: i64) -> Self {
        Self { writer, used: BLOCK_HEADER_BYTES, limit, count: 0, timestamp_ns }
    }

    /// Appends a record and returns its sequence number.
    ///
    /// # Errors
    /// [`BlockFull`] if the block has no room for it; the block is unchanged.
    #[inline]
    pub fn append(&mut self, kind: u16, version: u16, tag: u64, payload: &[u8]) -> Result<u64, BlockFull> {
        let (sequence, into) = self.reserve(kind, version, tag, payload.len())?;
        into.copy_from_slice(payload);
        #[cfg(feature = "fault-injection")]
        self.writer.tail.wrote(self.used - record_bytes(payload.len())..self.used);
        Ok(sequence)
    }

    /// Appends a record of `payload_bytes` bytes and returns its sequence number and the payload, 16-byte aligned
    /// and zero, to be filled in place.
    ///
    /// # Errors
    /// [`BlockFull`] if the block has no room for it; the block is unchanged.
    #[inline]
    pub fn reserve(
        &mut self,
        kind: u16,
        version: u16,
        tag: u64,
        payload_bytes: usize,
    ) -> Result<(u64, &mut [u8]), BlockFull> {
        // Checked before rounding up, which must not overflow.
        if payload_bytes > self.writer.max_block_bytes || self.used + record_bytes(payload_bytes) > self.limit
        {
            self.make_room(payload_bytes)?;
        }
        let start = self.used;
        let end = start + record_bytes(payload_bytes);
        // The block limit is below 2 GiB, so the payload's size fits the word.
        #[expect(clippy::cast_possible_truncation, reason = "payload_bytes <= max_block_bytes < 2^31")]
        let header = RecordHeader { payload_bytes: payload_bytes as u32, kind, version, tag };
        let sequence = self.next_sequence();
        self.used = end;
        self.count += 1;
        let record = self.writer.tail.bytes_mut(start..end);
        let (head, body) = record.split_at_mut(RECORD_HEADER_BYTES);
        head.copy_from_slice(&header.encode());
        Ok((sequence, &mut body[..payload_bytes]))
    }

    /// The sequence number the next record of this block gets.
    #[inline]
    pub fn next_sequence(&self) -> u64 {
        self.writer.state.next_sequence + u64::from(self.count)
    }

    /// Records so far.
    pub fn record_count(&self) -> u32 {
        self.count
    }

    /// Bytes so far, the block header included.
    pub fn bytes_used(&self) -> usize {
        self.used
    }

    /// Bytes of records this block can still take. A payload of `n` bytes takes [`record_bytes`]`(n)`.
    pub fn bytes_remaining(&self) -> usize {
        self.writer.max_block_bytes - self.used
    }

    /// Remembers the block as it is now.
    #[inline]
    pub fn savepoint(&self) -> Savepoint {
        Savepoint { used: self.used, count: self.count }
    }

    /// Undoes every record appended since `savepoint` was taken from this block.
    ///
    /// # Panics
    /// If the savepoint is ahead of the block.
    pub fn rollback(&mut self, savepoint: Savepoint) {
        assert!(savepoint.used <= self.used && savepoint.count <= self.count, "a savepoint of another block");
        self.erase(savepoint.used);
        self.used = savepoint.used;
        self.count = savepoint.count;
    }

    /// Publishes the block: from now on readers of `written` see it. A block without records is not written and uses
    /// up nothing.
    #[inline]
    pub fn finish(self) -> BlockInfo {
        let mut this = std::mem::ManuallyDrop::new(self);
        this.publish()
    }

    #[inline]
    fn publish(&mut self) -> BlockInfo {
        let (count, used) = (self.count, self.used);
        let writer = &mut *self.writer;
        let regressed = self.timestamp_ns < writer.state.timestamp_ns;
        let timestamp_ns = self.timestamp_ns.max(writer.state.timestamp_ns);
        let info = BlockInfo {
            index: writer.state.next_index,
            first_sequence: writer.state.next_sequence,
            record_count: count,
            timestamp_ns,
        };
        if count == 0 {
            return info;
        }
        #[expect(clippy::cast_possible_truncation, reason = "used <= max_block_bytes < 2^31")]
        let length = used as u32;
        let header = writer.header(length, 0, count, timestamp_ns);
        writer.tail.wrote(BLOCK_HEADER_BYTES..used);
        write_header(&mut writer.tail, header, writer.segment.salt, used);
        writer.tail.publish(length);
        writer.state.stats.clock_regressions += u64::from(regressed);
        writer.published(&header);
        info
    }

    /// The record does not fit what is left of the segment: move the block to the next segment if it fits there.
    #[cold]
    fn make_room(&mut self, payload_bytes: usize) -> Result<(), BlockFull> {
        let max = self.writer.max_block_bytes;
        let full = BlockFull {
            needed_bytes: payload_bytes.saturating_add(RECORD_HEADER_BYTES),
            remaining_bytes: max - self.used,
        };
        if payload_bytes > max || self.used + record_bytes(payload_bytes) > max {
            return Err(full);
        }
        debug_assert!(self.limit < max, "only the end of the segment can be in the way");
        // Once a segment at most, and only the block under construction moves: it has not been seen by anyone.
        let records = self.writer.tail.bytes(BLOCK_HEADER_BYTES..self.used).to_vec();
        self.erase(BLOCK_HEADER_BYTES);
        self.writer.roll();
        self.writer.tail.bytes_mut(BLOCK_HEADER_BYTES..self.used).copy_from_slice(&records);
        self.writer.tail.wrote(BLOCK_HEADER_BYTES..self.used);
        self.limit = max.min(self.writer.tail.remaining());
        assert_eq!(self.limit, max, "a block fits an empty segment: see Options::max_block_bytes");
        Ok(())
    }

    /// Zeroes the records from `from` on: unpublished bytes are zero, always.
    fn erase(&mut self, from: usize) {
        self.writer.tail.bytes_mut(from..self.used).fill(0);
        self.writer.tail.wrote(from..self.used);
    }
}

impl Drop for BlockWriter<'_> {
    fn drop(&mut self) {
        self.erase(BLOCK_HEADER_BYTES);
    }
}
