//! What makes a block right, in one place: recovery, verification and checking readers all ask here.

use crate::checksum::{ChainHash, block_checksum, chain_genesis, chain_next};
use crate::error::Damage;
use crate::format::{
    ALIGNMENT, BLOCK_MAGIC, BlockHeader, FORMAT_VERSION, RECORD_HEADER_BYTES, RecordHeader, StoreId,
    record_bytes,
};
use crate::publish::Published;

/// Where the log stands: what the next block must continue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Expected {
    pub next_sequence: u64,
    pub next_index: u64,
    /// Term of the last block.
    pub term: u64,
    /// Time of the last block.
    pub timestamp_ns: i64,
    /// Length of the last block in this segment, 0 at its start.
    pub previous_bytes: u32,
    /// Hash of the last block.
    pub chain: ChainHash,
}

impl Expected {
    /// The beginning of a log.
    pub fn genesis(store_id: StoreId) -> Self {
        Self {
            next_sequence: 1,
            next_index: 1,
            term: 0,
            timestamp_ns: i64::MIN,
            previous_bytes: 0,
            chain: chain_genesis(store_id),
        }
    }

    pub fn last_sequence(&self) -> u64 {
        self.next_sequence - 1
    }

    /// Moves past a block that was found right.
    pub fn advance(&mut self, header: &BlockHeader, chain: ChainHash) {
        self.next_sequence += u64::from(header.record_count);
        self.term = header.term;
        self.timestamp_ns = header.timestamp_ns;
        self.chain = chain;
        if header.is_seal() {
            self.previous_bytes = 0;
        } else {
            self.next_index += 1;
            self.previous_bytes = header.length;
        }
    }
}

/// The hash a block must carry, given the one before it.
pub(crate) fn chain_of(block: &Published<'_>, previous: &ChainHash) -> ChainHash {
    chain_next(previous, block.header, block.records)
}

/// Checks a block by itself: checksum, magic, version, unused fields, records. Not its place in the log.
pub(crate) fn check_content(block: &Published<'_>, salt: u32, segment: u64) -> Result<BlockHeader, Damage> {
    check_bytes(block.header, block.records, salt, segment)
}

/// As [`check_content`], for a block that is not in a segment: its header without the chain field, and its records.
pub(crate) fn check_bytes(
    head: &[u8],
    records: &[u8],
    salt: u32,
    segment: u64,
) -> Result<BlockHeader, Damage> {
    let header = BlockHeader::decode(head);
    if header.magic != BLOCK_MAGIC {
        return Err(Damage::Magic { found: u64::from(header.magic) });
    }
    let computed = block_checksum(salt, header.length, &head[8..], records);
    if header.checksum != computed {
        return Err(Damage::Checksum { stored: header.checksum, computed });
    }
    if u32::from(header.version) != FORMAT_VERSION {
        return Err(Damage::Version { found: u32::from(header.version) });
    }
    if header.flags > 1 {
        return Err(Damage::Field { field: "flags", found: u64::from(header.flags) });
    }
    if header.segment != segment {
        return Err(Damage::Field { field: "segment", found: header.segment });
    }
    if header.reserved != [0; 4] {
        return Err(Damage::NotZero);
    }
    let found = count_records(records)
        .filter(|&found| (found > 0) != header.is_seal())
        .ok_or(Damage::Records { expected: header.record_count, found: 0 })?;
    if found != header.record_count {
        return Err(Damage::Records { expected: header.record_count, found });
    }
    Ok(header)
}

/// Checks that a block continues the log.
pub(crate) fn check_place(header: &BlockHeader, expected: &Expected) -> Result<(), Damage> {
    if header.block_index != expected.next_index {
        return Err(Damage::BlockIndex { expected: expected.next_index, found: header.block_index });
    }
    if header.first_sequence != expected.next_sequence {
        return Err(Damage::Sequence { expected: expected.next_sequence, found: header.first_sequence });
    }
    if header.timestamp_ns < expected.timestamp_ns {
        return Err(Damage::Timestamp { previous: expected.timestamp_ns, found: header.timestamp_ns });
    }
    if header.term < expected.term || (header.is_seal() && header.term != expected.term) {
        return Err(Damage::Field { field: "term", found: header.term });
    }
    if header.previous_bytes != expected.previous_bytes {
        return Err(Damage::BackPointer { expected: expected.previous_bytes, found: header.previous_bytes });
    }
    Ok(())
}

/// The number of records that exactly fill `bytes`, padding zero; `None` if they do not.
fn count_records(mut bytes: &[u8]) -> Option<u32> {
    let mut count = 0;
    while !bytes.is_empty() {
        if bytes.len() < RECORD_HEADER_BYTES {
            return None;
        }
        let payload = RecordHeader::decode(bytes).payload_bytes as usize;
        let total = record_bytes(payload);
        if total > bytes.len() {
            return None;
        }
        let padding = &bytes[RECORD_HEADER_BYTES + payload..total];
        debug_assert!(padding.len() < ALIGNMENT);
        if padding.iter().any(|&byte| byte != 0) {
            return None;
        }
        bytes = &bytes[total..];
        count += 1;
    }
    Some(count)
}
