//! The bytes: constants, fixed headers and their little-endian encodings. `FORMAT.md` is the prose of this
//! module; a golden test holds the two together. No I/O and no pointers here.

use crate::error::Damage;

/// The format version this crate reads and writes. Another version is refused, never guessed at.
pub const FORMAT_VERSION: u32 = 1;

/// Alignment of blocks, records and payloads within a segment, in bytes.
pub const ALIGNMENT: usize = 16;

/// Size of a block header, in bytes.
pub const BLOCK_HEADER_BYTES: usize = 128;

/// Size of a record header, in bytes.
pub const RECORD_HEADER_BYTES: usize = 16;

/// Size of a segment's own header; blocks begin here. In bytes.
pub const SEGMENT_HEADER_BYTES: usize = 4096;

/// Size of the control file, in bytes.
pub const CONTROL_BYTES: usize = 4096;

/// The smallest segment, in bytes.
pub const SEGMENT_BYTES_MIN: u64 = 16 << 10;

/// The largest segment, in bytes: lengths and offsets within a segment are 32-bit words.
pub const SEGMENT_BYTES_MAX: u64 = 2 << 30;

/// The largest payload of one record, in bytes.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 30;

pub(crate) const BLOCK_MAGIC: u32 = u32::from_le_bytes(*b"OBLK");
pub(crate) const SEGMENT_MAGIC: u64 = u64::from_le_bytes(*b"OUTCRYSG");
pub(crate) const CONTROL_MAGIC: u64 = u64::from_le_bytes(*b"OUTCRYCT");

/// Set in the header of the block that ends a segment.
pub const FLAG_SEAL: u16 = 1;

/// Where the hash chain field begins in a block header; it is the part the checksum leaves out.
pub(crate) const CHAIN_OFFSET: usize = 96;

/// Where the two mark slots begin in a segment header, each in a sector of its own.
pub(crate) const MARK_SLOTS: [usize; 2] = [512, 1024];

/// Where the two state slots begin in the control file.
pub(crate) const STATE_SLOTS: [usize; 2] = [512, 1024];

/// The name a store is known by in every checksum: 16 random bytes chosen at its creation.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StoreId(pub [u8; 16]);

impl std::fmt::Debug for StoreId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}

impl std::fmt::Display for StoreId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// Rounds up to the alignment of records.
pub(crate) const fn align(bytes: usize) -> usize {
    (bytes + (ALIGNMENT - 1)) & !(ALIGNMENT - 1)
}

/// Bytes one record takes in a block: header, payload, padding.
pub const fn record_bytes(payload_bytes: usize) -> usize {
    RECORD_HEADER_BYTES + align(payload_bytes)
}

/// Where the end mark of a segment of this size lies.
pub(crate) const fn seal_offset(segment_bytes: usize) -> usize {
    segment_bytes - BLOCK_HEADER_BYTES
}

/// The header of a block, decoded. The 32 bytes of hash chain follow it in the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct BlockHeader {
    /// Bytes of the whole block, this header included; a multiple of 16. Stored last: zero means absent.
    pub length: u32,
    /// CRC-32C, salted with the store id and the segment number, over everything but itself and the chain.
    pub checksum: u32,
    /// `OBLK`.
    pub magic: u32,
    /// Format version of the block.
    pub version: u16,
    /// [`FLAG_SEAL`] or zero.
    pub flags: u16,
    /// Position of the block in the log, from 1, without gaps. The end mark of a segment does not count.
    pub block_index: u64,
    /// The replication term in which the block was written; 0 on a single node.
    pub term: u64,
    /// Sequence number of the first record, from 1, without gaps.
    pub first_sequence: u64,
    /// When the sequencer made the block: UNIX time, nanoseconds; never before the previous block's.
    pub timestamp_ns: i64,
    /// Number of records.
    pub record_count: u32,
    /// Length of the block before this one in the same segment, 0 for the first: the way back.
    pub previous_bytes: u32,
    /// Number of the segment.
    pub segment: u64,
    /// Zero.
    pub reserved: [u64; 4],
}

const _: () = {
    assert!(size_of::<BlockHeader>() == CHAIN_OFFSET);
    assert!(CHAIN_OFFSET + 32 == BLOCK_HEADER_BYTES);
    assert!(BLOCK_HEADER_BYTES.is_multiple_of(ALIGNMENT) && SEGMENT_HEADER_BYTES.is_multiple_of(ALIGNMENT));
    assert!(std::mem::offset_of!(BlockHeader, checksum) == 4);
    assert!(std::mem::offset_of!(BlockHeader, magic) == 8);
    assert!(std::mem::offset_of!(BlockHeader, version) == 12);
    assert!(std::mem::offset_of!(BlockHeader, flags) == 14);
    assert!(std::mem::offset_of!(BlockHeader, block_index) == 16);
    assert!(std::mem::offset_of!(BlockHeader, term) == 24);
    assert!(std::mem::offset_of!(BlockHeader, first_sequence) == 32);
    assert!(std::mem::offset_of!(BlockHeader, timestamp_ns) == 40);
    assert!(std::mem::offset_of!(BlockHeader, record_count) == 48);
    assert!(std::mem::offset_of!(BlockHeader, previous_bytes) == 52);
    assert!(std::mem::offset_of!(BlockHeader, segment) == 56);
    assert!(std::mem::offset_of!(BlockHeader, reserved) == 64);
    // Sum of the fields = size of the struct: there is no padding, so every byte of the file is defined.
    assert!(4 + 4 + 4 + 2 + 2 + 8 + 8 + 8 + 8 + 4 + 4 + 8 + 32 == size_of::<BlockHeader>());
};

pub(crate) fn get_u16(bytes: &[u8], at: usize) -> u16 {
    u16::from_le_bytes([bytes[at], bytes[at + 1]])
}

pub(crate) fn get_u32(bytes: &[u8], at: usize) -> u32 {
    let mut word = [0; 4];
    word.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(word)
}

pub(crate) fn get_u64(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

pub(crate) fn put(bytes: &mut [u8], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

impl BlockHeader {
    /// The header as it stands in the file.
    pub(crate) fn encode(&self) -> [u8; CHAIN_OFFSET] {
        let mut bytes = [0; CHAIN_OFFSET];
        put(&mut bytes, 0, &self.length.to_le_bytes());
        put(&mut bytes, 4, &self.checksum.to_le_bytes());
        put(&mut bytes, 8, &self.magic.to_le_bytes());
        put(&mut bytes, 12, &self.version.to_le_bytes());
        put(&mut bytes, 14, &self.flags.to_le_bytes());
        put(&mut bytes, 16, &self.block_index.to_le_bytes());
        put(&mut bytes, 24, &self.term.to_le_bytes());
        put(&mut bytes, 32, &self.first_sequence.to_le_bytes());
        put(&mut bytes, 40, &self.timestamp_ns.to_le_bytes());
        put(&mut bytes, 48, &self.record_count.to_le_bytes());
        put(&mut bytes, 52, &self.previous_bytes.to_le_bytes());
        put(&mut bytes, 56, &self.segment.to_le_bytes());
        for (index, word) in self.reserved.iter().enumerate() {
            put(&mut bytes, 64 + 8 * index, &word.to_le_bytes());
        }
        bytes
    }

    /// Reads a header. Says nothing about whether it is valid: see [`crate::walk`].
    ///
    /// # Panics
    /// If `bytes` is shorter than the 96 bytes of a header before its chain field.
    pub fn decode(bytes: &[u8]) -> Self {
        Self {
            length: get_u32(bytes, 0),
            checksum: get_u32(bytes, 4),
            magic: get_u32(bytes, 8),
            version: get_u16(bytes, 12),
            flags: get_u16(bytes, 14),
            block_index: get_u64(bytes, 16),
            term: get_u64(bytes, 24),
            first_sequence: get_u64(bytes, 32),
            timestamp_ns: get_u64(bytes, 40).cast_signed(),
            record_count: get_u32(bytes, 48),
            previous_bytes: get_u32(bytes, 52),
            segment: get_u64(bytes, 56),
            reserved: std::array::from_fn(|index| get_u64(bytes, 64 + 8 * index)),
        }
    }

    /// Whether this is the end mark of a segment.
    pub fn is_seal(&self) -> bool {
        self.flags & FLAG_SEAL != 0
    }

    /// Sequence number of the last record; one less than the first if the block is an end mark.
    pub fn last_sequence(&self) -> u64 {
        (self.first_sequence + u64::from(self.record_count)).saturating_sub(1)
    }
}

/// The header of a record, decoded. The payload follows, then zeros up to the next multiple of 16.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(C)]
pub struct RecordHeader {
    /// Bytes of payload, padding not included.
    pub payload_bytes: u32,
    /// The application's type of record.
    pub kind: u16,
    /// The application's schema version of that type.
    pub version: u16,
    /// A word the application may use as it likes.
    pub tag: u64,
}

const _: () = {
    assert!(size_of::<RecordHeader>() == RECORD_HEADER_BYTES);
    assert!(std::mem::offset_of!(RecordHeader, kind) == 4);
    assert!(std::mem::offset_of!(RecordHeader, version) == 6);
    assert!(std::mem::offset_of!(RecordHeader, tag) == 8);
};

impl RecordHeader {
    #[inline]
    pub(crate) fn encode(&self) -> [u8; RECORD_HEADER_BYTES] {
        let low = u64::from(self.payload_bytes) | u64::from(self.kind) << 32 | u64::from(self.version) << 48;
        let mut bytes = [0; RECORD_HEADER_BYTES];
        bytes[..8].copy_from_slice(&low.to_le_bytes());
        bytes[8..].copy_from_slice(&self.tag.to_le_bytes());
        bytes
    }

    /// Reads a header.
    ///
    /// # Panics
    /// If `bytes` is shorter than 16 bytes.
    #[inline]
    pub fn decode(bytes: &[u8]) -> Self {
        Self {
            payload_bytes: get_u32(bytes, 0),
            kind: get_u16(bytes, 4),
            version: get_u16(bytes, 6),
            tag: get_u64(bytes, 8),
        }
    }
}

/// The constant part of a segment header: which store, which segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SegmentHeader {
    pub store_id: StoreId,
    pub segment: u64,
    pub segment_bytes: u64,
}

impl SegmentHeader {
    pub const BYTES: usize = 64;

    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        put(&mut bytes, 0, &SEGMENT_MAGIC.to_le_bytes());
        put(&mut bytes, 8, &FORMAT_VERSION.to_le_bytes());
        put(&mut bytes, 16, &self.store_id.0);
        put(&mut bytes, 32, &self.segment.to_le_bytes());
        put(&mut bytes, 40, &self.segment_bytes.to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[..60]);
        put(&mut bytes, 60, &checksum.to_le_bytes());
        bytes
    }

    /// The version is looked at first: another version may have another layout and another checksum.
    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderFault> {
        check_header(bytes, SEGMENT_MAGIC)?;
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[16..32]);
        Ok(Self { store_id: StoreId(id), segment: get_u64(bytes, 32), segment_bytes: get_u64(bytes, 40) })
    }
}

/// The constant part of the control file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ControlHeader {
    pub store_id: StoreId,
    pub segment_bytes: u64,
    pub created_ns: i64,
}

impl ControlHeader {
    pub const BYTES: usize = 64;

    pub fn encode(&self) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        put(&mut bytes, 0, &CONTROL_MAGIC.to_le_bytes());
        put(&mut bytes, 8, &FORMAT_VERSION.to_le_bytes());
        put(&mut bytes, 16, &self.store_id.0);
        put(&mut bytes, 32, &self.segment_bytes.to_le_bytes());
        put(&mut bytes, 40, &self.created_ns.to_le_bytes());
        let checksum = crc32c::crc32c(&bytes[..60]);
        put(&mut bytes, 60, &checksum.to_le_bytes());
        bytes
    }

    pub fn decode(bytes: &[u8]) -> Result<Self, HeaderFault> {
        check_header(bytes, CONTROL_MAGIC)?;
        let mut id = [0; 16];
        id.copy_from_slice(&bytes[16..32]);
        Ok(Self {
            store_id: StoreId(id),
            segment_bytes: get_u64(bytes, 32),
            created_ns: get_u64(bytes, 40).cast_signed(),
        })
    }
}

/// Why a file header was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HeaderFault {
    Version(u32),
    Damage(Damage),
}

fn check_header(bytes: &[u8], magic: u64) -> Result<(), HeaderFault> {
    let found = get_u64(bytes, 0);
    if found != magic {
        return Err(HeaderFault::Damage(Damage::Magic { found }));
    }
    let (stored, computed) = (get_u32(bytes, 60), crc32c::crc32c(&bytes[..60]));
    let version = get_u32(bytes, 8);
    if version != FORMAT_VERSION {
        // A flipped bit in the version word must not be taken for another format. Later versions keep the
        // first 64 bytes and their checksum, so the two can be told apart.
        return Err(if stored == computed {
            HeaderFault::Version(version)
        } else {
            HeaderFault::Damage(Damage::Checksum { stored, computed })
        });
    }
    if stored != computed {
        return Err(HeaderFault::Damage(Damage::Checksum { stored, computed }));
    }
    Ok(())
}

/// A record kept in two copies, written in turn, each in a disk sector of its own: a crash while one is being
/// written leaves the other. The newest whose checksum holds counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Slot {
    /// Counts writings; its parity says which copy.
    pub turn: u64,
    pub words: [u64; 6],
}

impl Slot {
    pub const BYTES: usize = 64;

    pub fn encode(&self, salt: u32) -> [u8; Self::BYTES] {
        let mut bytes = [0; Self::BYTES];
        put(&mut bytes, 0, &self.turn.to_le_bytes());
        for (index, word) in self.words.iter().enumerate() {
            put(&mut bytes, 8 + 8 * index, &word.to_le_bytes());
        }
        let checksum = crc32c::crc32c_append(salt, &bytes[..60]);
        put(&mut bytes, 60, &checksum.to_le_bytes());
        bytes
    }

    pub fn decode(bytes: &[u8], salt: u32) -> Option<Self> {
        let valid = get_u32(bytes, 60) == crc32c::crc32c_append(salt, &bytes[..60]);
        valid.then(|| Self {
            turn: get_u64(bytes, 0),
            words: std::array::from_fn(|index| get_u64(bytes, 8 + 8 * index)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_encoding() {
        let header = BlockHeader {
            length: 1,
            checksum: 2,
            magic: 3,
            version: 4,
            flags: 5,
            block_index: 6,
            term: 7,
            first_sequence: 8,
            timestamp_ns: -9,
            record_count: 10,
            previous_bytes: 11,
            segment: 12,
            reserved: [13, 14, 15, 16],
        };
        assert_eq!(BlockHeader::decode(&header.encode()), header);
    }

    #[test]
    fn another_version_is_told_from_a_flipped_bit() {
        let header = SegmentHeader { store_id: StoreId([7; 16]), segment: 3, segment_bytes: 1 << 20 };
        let mut bytes = header.encode();
        bytes[8] ^= 2;
        assert!(matches!(SegmentHeader::decode(&bytes), Err(HeaderFault::Damage(Damage::Checksum { .. }))));
        let checksum = crc32c::crc32c(&bytes[..60]);
        put(&mut bytes, 60, &checksum.to_le_bytes());
        assert_eq!(SegmentHeader::decode(&bytes), Err(HeaderFault::Version(3)));
    }
}
