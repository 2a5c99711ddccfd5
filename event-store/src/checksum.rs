//! The two checks every block carries: a salted CRC-32C that the writer computes over bytes still in its cache,
//! and a BLAKE3 hash chained from the block before, which the flusher fills in off the hot path.

use crate::format::{BLOCK_HEADER_BYTES, CHAIN_OFFSET, StoreId};

/// A link of the hash chain.
pub type ChainHash = [u8; 32];

/// The checksum state every block of a segment starts from, so that bytes of another store or of another
/// segment, left on a recycled part of the disk, never pass.
pub(crate) fn salt(store_id: StoreId, segment: u64) -> u32 {
    crc32c::crc32c_append(crc32c::crc32c(&store_id.0), &segment.to_le_bytes())
}

/// The checksum of a block: salt, then its length, then the header after the checksum word and before the
/// chain, then the records.
pub(crate) fn block_checksum(salt: u32, length: u32, header_rest: &[u8], records: &[u8]) -> u32 {
    debug_assert_eq!(header_rest.len(), CHAIN_OFFSET - 8);
    let mut head = [0; CHAIN_OFFSET - 4];
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[4..].copy_from_slice(header_rest);
    crc32c::crc32c_append(crc32c::crc32c_append(salt, &head), records)
}

/// What the chain begins with: a hash of the store's id.
pub(crate) fn chain_genesis(store_id: StoreId) -> ChainHash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"outcry event store chain v1");
    hasher.update(&store_id.0);
    *hasher.finalize().as_bytes()
}

/// The next link: the previous link, the header without its chain field, the records.
pub(crate) fn chain_next(previous: &ChainHash, header: &[u8], records: &[u8]) -> ChainHash {
    debug_assert_eq!(header.len(), CHAIN_OFFSET);
    let mut head = [0; BLOCK_HEADER_BYTES];
    head[..32].copy_from_slice(previous);
    head[32..].copy_from_slice(header);
    let mut hasher = blake3::Hasher::new();
    hasher.update(&head);
    hasher.update(records);
    *hasher.finalize().as_bytes()
}
