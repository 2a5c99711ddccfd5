//! The bytes of an index file. All numbers are little-endian.
//!
//! | at | bytes | what |
//! |---:|---:|---|
//! | 0 | 8 | `OUTCRYIX` |
//! | 8 | 4 | version, 1 |
//! | 12 | 4 | CRC-32C of the header but this word, the naming blocks and the table of zones |
//! | 16 | 16 | the store's id |
//! | 32 | 8 | number of the segment |
//! | 40 | 8 | sequence number of its first record |
//! | 48 | 8 | sequence number of its last record |
//! | 56 | 4 | offset of its last block, in units of 16 bytes |
//! | 60 | 4 | naming blocks: those with records that name something |
//! | 64 | 4 | zones |
//! | 68 | 28 | zero |
//! | 96 | 32 | hash chain of its last block: ties the index to this very history |
//! | 128 | | offset of each naming block, in units of 16 bytes, 4 bytes each |
//! | | | a row for each zone, 32 bytes: first and last sequence number (8 each), where its lists begin in units of 16 bytes (4), trades (4), instruments (4), CRC-32C of its lists (4) |
//!
//! A zone is up to 65,536 trades in a row. Its lists follow each other, the whole padded to 16 bytes:
//!
//! | entries | bytes each | what |
//! |---|---:|---|
//! | trades | 4 | offset of the record, in units of 16 bytes |
//! | trades | 4 | its sequence number, from the segment's first |
//! | trades | 4 | how many records before it its command is |
//! | instruments | 8 | an instrument, ascending, and where its trades end in the list that follows (4 each) |
//! | trades | 2 | numbers of the zone's trades, by instrument and then in the order of the log |

use event_store::{ALIGNMENT, StoreId};

/// The most trades of a zone: their numbers fit 16 bits.
pub const ZONE_TRADES: u32 = 1 << 16;

const MAGIC: &[u8; 8] = b"OUTCRYIX";
const VERSION: u32 = 1;
const HEADER_BYTES: usize = 128;
const CHECKSUM_AT: usize = 12;
const ZONE_BYTES: usize = 32;
const NAMING_BYTES: usize = 4;

/// What is said about the whole file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    pub store_id: StoreId,
    pub segment: u64,
    pub first_sequence: u64,
    pub last_sequence: u64,
    /// Where the last block begins.
    pub last_block: usize,
    pub naming_blocks: u32,
    pub chain: [u8; 32],
}

/// A row of the table of zones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Zone {
    pub first_sequence: u64,
    pub last_sequence: u64,
    /// Where its lists begin in the file.
    pub at: usize,
    pub trades: u32,
    pub instruments: u32,
    pub checksum: u32,
}

impl Zone {
    fn list_bytes(&self) -> usize {
        (12 + 2) * self.trades as usize + 8 * self.instruments as usize
    }
}

/// What a zone is made from: one entry a trade, in the order of the log.
#[derive(Debug, Default)]
pub struct ZoneLists {
    pub offsets: Vec<u32>,
    pub sequences: Vec<u32>,
    pub behind: Vec<u32>,
    pub instruments: Vec<u32>,
}

fn word(bytes: &[u8], at: usize) -> u32 {
    u32::from_le_bytes(bytes[at..at + 4].try_into().expect("four bytes"))
}

fn long(bytes: &[u8], at: usize) -> u64 {
    u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"))
}

/// A length or an offset as it stands in the file.
fn units(bytes: usize) -> u32 {
    debug_assert!(bytes.is_multiple_of(ALIGNMENT));
    u32::try_from(bytes / ALIGNMENT).expect("segments and indices have less than 2^36 bytes")
}

fn checksum(bytes: &[u8], tables_end: usize) -> u32 {
    let before = crc32c::crc32c(&bytes[..CHECKSUM_AT]);
    crc32c::crc32c_append(before, &bytes[CHECKSUM_AT + 4..tables_end])
}

/// Puts a file together.
pub fn write(header: &Header, naming_blocks: &[u32], zones: &[ZoneLists]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    bytes[0..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..32].copy_from_slice(&header.store_id.0);
    bytes[32..40].copy_from_slice(&header.segment.to_le_bytes());
    bytes[40..48].copy_from_slice(&header.first_sequence.to_le_bytes());
    bytes[48..56].copy_from_slice(&header.last_sequence.to_le_bytes());
    bytes[56..60].copy_from_slice(&units(header.last_block).to_le_bytes());
    bytes[60..64].copy_from_slice(&header.naming_blocks.to_le_bytes());
    let count = u32::try_from(zones.len()).expect("a segment has fewer zones than bytes");
    bytes[64..68].copy_from_slice(&count.to_le_bytes());
    bytes[96..128].copy_from_slice(&header.chain);
    extend(&mut bytes, naming_blocks);
    let table = bytes.len();
    let tables_end = table + ZONE_BYTES * zones.len();
    bytes.resize(tables_end, 0);
    for (number, lists) in zones.iter().enumerate() {
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        let at = bytes.len();
        let instruments = put_lists(&mut bytes, lists);
        let sum = crc32c::crc32c(&bytes[at..]);
        let row = &mut bytes[table + ZONE_BYTES * number..][..ZONE_BYTES];
        let absolute =
            |delta: Option<&u32>| header.first_sequence + u64::from(*delta.expect("no zone is empty"));
        row[0..8].copy_from_slice(&absolute(lists.sequences.first()).to_le_bytes());
        row[8..16].copy_from_slice(&absolute(lists.sequences.last()).to_le_bytes());
        row[16..20].copy_from_slice(&units(at).to_le_bytes());
        row[20..24].copy_from_slice(&length(&lists.offsets).to_le_bytes());
        row[24..28].copy_from_slice(&instruments.to_le_bytes());
        row[28..32].copy_from_slice(&sum.to_le_bytes());
    }
    let sum = checksum(&bytes, tables_end);
    bytes[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn length(list: &[u32]) -> u32 {
    u32::try_from(list.len()).expect("at most ZONE_TRADES")
}

fn extend(bytes: &mut Vec<u8>, words: &[u32]) {
    bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
}

/// Appends a zone's lists. Returns how many instruments it has.
fn put_lists(bytes: &mut Vec<u8>, lists: &ZoneLists) -> u32 {
    extend(bytes, &lists.offsets);
    extend(bytes, &lists.sequences);
    extend(bytes, &lists.behind);
    let mut order: Vec<u16> = (0..=u16::MAX).take(lists.offsets.len()).collect();
    let instrument = |trade: u16| lists.instruments[usize::from(trade)];
    order.sort_by_key(|&trade| instrument(trade));
    let (mut instruments, mut end) = (0, 0);
    for run in order.chunk_by(|&one, &other| instrument(one) == instrument(other)) {
        end += u32::try_from(run.len()).expect("at most ZONE_TRADES");
        extend(bytes, &[instrument(run[0]), end]);
        instruments += 1;
    }
    bytes.extend(order.iter().flat_map(|trade| trade.to_le_bytes()));
    instruments
}

/// The header and the zones of a file; `None` for one that is not whole, or of another version.
pub fn read(bytes: &[u8]) -> Option<(Header, Vec<Zone>)> {
    if bytes.len() < HEADER_BYTES || !bytes.starts_with(MAGIC) || word(bytes, 8) != VERSION {
        return None;
    }
    let (naming_blocks, zones) = (word(bytes, 60), word(bytes, 64));
    let table = HEADER_BYTES + NAMING_BYTES * naming_blocks as usize;
    let tables_end = table + ZONE_BYTES * zones as usize;
    if bytes.len() < tables_end || checksum(bytes, tables_end) != word(bytes, CHECKSUM_AT) {
        return None;
    }
    let header = Header {
        store_id: StoreId(bytes[16..32].try_into().expect("sixteen bytes")),
        segment: long(bytes, 32),
        first_sequence: long(bytes, 40),
        last_sequence: long(bytes, 48),
        last_block: word(bytes, 56) as usize * ALIGNMENT,
        naming_blocks,
        chain: bytes[96..128].try_into().expect("thirty-two bytes"),
    };
    let row = |number: u32| {
        let row = &bytes[table + ZONE_BYTES * number as usize..][..ZONE_BYTES];
        Zone {
            first_sequence: long(row, 0),
            last_sequence: long(row, 8),
            at: word(row, 16) as usize * ALIGNMENT,
            trades: word(row, 20),
            instruments: word(row, 24),
            checksum: word(row, 28),
        }
    };
    let zones: Vec<Zone> = (0..zones).map(row).collect();
    let inside =
        |zone: &Zone| (1..=ZONE_TRADES).contains(&zone.trades) && zone.at + zone.list_bytes() <= bytes.len();
    zones.iter().all(inside).then_some((header, zones))
}

/// Where a naming block begins in the segment.
pub fn naming_block(bytes: &[u8], number: u32) -> usize {
    word(bytes, HEADER_BYTES + NAMING_BYTES * number as usize) as usize * ALIGNMENT
}

/// A zone's lists, where they lie.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    whole: &'a [u8],
    checksum: u32,
    offsets: &'a [u8],
    sequences: &'a [u8],
    behind: &'a [u8],
    directory: &'a [u8],
    order: &'a [u8],
}

impl<'a> View<'a> {
    /// The lists of a zone that [`read`] found inside the file.
    pub fn new(bytes: &'a [u8], zone: &Zone) -> Self {
        let whole = &bytes[zone.at..zone.at + zone.list_bytes()];
        let trades = zone.trades as usize;
        let (offsets, rest) = whole.split_at(4 * trades);
        let (sequences, rest) = rest.split_at(4 * trades);
        let (behind, rest) = rest.split_at(4 * trades);
        let (directory, order) = rest.split_at(8 * zone.instruments as usize);
        Self { whole, checksum: zone.checksum, offsets, sequences, behind, directory, order }
    }

    /// Whether the lists are what was written.
    pub fn is_whole(&self) -> bool {
        crc32c::crc32c(self.whole) == self.checksum
    }

    /// Where in the segment's file a trade's record begins.
    #[inline]
    pub fn offset(&self, trade: u32) -> usize {
        word(self.offsets, 4 * trade as usize) as usize * ALIGNMENT
    }

    /// A trade's sequence number, from the segment's first.
    #[inline]
    pub fn sequence(&self, trade: u32) -> u32 {
        word(self.sequences, 4 * trade as usize)
    }

    /// How many records before it its command is.
    #[inline]
    pub fn behind_command(&self, trade: u32) -> u32 {
        word(self.behind, 4 * trade as usize)
    }

    /// The trade at a place of the list by instrument.
    #[inline]
    pub fn by_instrument(&self, place: u32) -> u32 {
        let at = 2 * place as usize;
        u32::from(u16::from_le_bytes([self.order[at], self.order[at + 1]]))
    }

    /// The places of an instrument's trades in that list.
    pub fn of_instrument(&self, instrument: u32) -> (u32, u32) {
        let instruments = u32::try_from(self.directory.len() / 8).expect("at most ZONE_TRADES");
        let at = super::partition(instruments, |at| word(self.directory, 8 * at as usize) < instrument);
        let end = |at: u32| word(self.directory, 8 * at as usize + 4);
        let begin = if at == 0 { 0 } else { end(at - 1) };
        let is_there = at < instruments && word(self.directory, 8 * at as usize) == instrument;
        if is_there { (begin, end(at)) } else { (begin, begin) }
    }

    /// The first trade for which `is_before` does not hold, found by halves.
    pub fn partition(&self, is_before: impl Fn(u32) -> bool) -> u32 {
        super::partition(u32::try_from(self.offsets.len() / 4).expect("at most ZONE_TRADES"), is_before)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_zone_is_read_as_it_was_written() {
        let header = Header {
            store_id: StoreId([3; 16]),
            segment: 7,
            first_sequence: 1000,
            last_sequence: 2000,
            last_block: 4096,
            naming_blocks: 2,
            chain: [9; 32],
        };
        let lists = ZoneLists {
            offsets: vec![10, 20, 30, 40],
            sequences: vec![1, 3, 5, 900],
            behind: vec![1, 3, 5, 70_000],
            instruments: vec![5, 2, 5, 9],
        };
        let bytes = write(&header, &[256, 300], &[lists]);
        let (found, zones) = read(&bytes).unwrap();
        assert_eq!(found, header);
        assert_eq!((naming_block(&bytes, 0), naming_block(&bytes, 1)), (4096, 4800));
        assert_eq!((zones[0].first_sequence, zones[0].last_sequence), (1001, 1900));
        let view = View::new(&bytes, &zones[0]);
        assert!(view.is_whole());
        assert_eq!((view.offset(2), view.sequence(3), view.behind_command(3)), (480, 900, 70_000));
        let of = |instrument| {
            let (from, to) = view.of_instrument(instrument);
            (from..to).map(|place| view.by_instrument(place)).collect::<Vec<_>>()
        };
        assert_eq!([of(2), of(5), of(9)], [vec![1], vec![0, 2], vec![3]]);
        assert!([0, 3, 7, 10].map(of).iter().all(Vec::is_empty));
    }

    #[test]
    fn no_flipped_bit_and_no_cut_goes_unnoticed() {
        let header = Header {
            store_id: StoreId([3; 16]),
            segment: 7,
            first_sequence: 1,
            last_sequence: 9,
            last_block: 4096,
            naming_blocks: 1,
            chain: [9; 32],
        };
        let one = || ZoneLists {
            offsets: vec![10, 20],
            sequences: vec![1, 3],
            behind: vec![1, 1],
            instruments: vec![1, 0],
        };
        let bytes = write(&header, &[256], &[one(), one()]);
        let sound = |bytes: &[u8]| {
            read(bytes).is_some_and(|(_, zones)| zones.iter().all(|zone| View::new(bytes, zone).is_whole()))
        };
        assert!(sound(&bytes));
        let (_, zones) = read(&bytes).unwrap();
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // What lies before and between the lists of the zones is only padding.
            let tables_end = HEADER_BYTES + NAMING_BYTES + 2 * ZONE_BYTES;
            let [first, second] = [zones[0].at, zones[1].at];
            let is_padding = (tables_end..first).contains(&(bit / 8))
                || (first + zones[0].list_bytes()..second).contains(&(bit / 8));
            assert!(!sound(&flipped) || is_padding, "bit {bit}");
        }
        for end in 0..bytes.len() {
            assert!(!sound(&bytes[..end]), "cut at {end}");
        }
    }
}
