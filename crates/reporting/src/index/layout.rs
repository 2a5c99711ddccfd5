//! The bytes of an index file. All numbers are little-endian.
//!
//! | at | bytes | what |
//! |---:|---:|---|
//! | 0 | 8 | `OUTCRYIX` |
//! | 8 | 4 | version, 2 |
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
//! | | | a row for each zone, 40 bytes: first and last sequence number (8 each), where it begins in units of 16 bytes (4), bytes (4), trades (4), instruments (4), CRC-32C (4), zero (4) |
//!
//! A zone is up to 65,536 trades in a row. It begins at a multiple of 16, and its parts follow each other:
//!
//! | entries | bytes each | what |
//! |---|---:|---|
//! | 12 | 16 | for each of the lists of `rows.rs`: the smallest number in it (8), bytes of an entry: 0, 1, 2, 4 or 8 (4), zero (4) |
//! | 12 times trades | 0 to 8 | the lists: by how much each number is more than the smallest |
//! | instruments | 8 | an instrument, ascending, and where its trades end in the list that follows (4 each) |
//! | trades | 2 | numbers of the zone's trades, by instrument and then in the order of the log |

use event_store::{ALIGNMENT, StoreId};

use super::rows::{List, TradeRows};
use crate::table::Rows as _;

/// The most trades of a zone: their numbers fit 16 bits.
pub const ZONE_TRADES: u32 = 1 << 16;

const MAGIC: &[u8; 8] = b"OUTCRYIX";
const VERSION: u32 = 2;
const HEADER_BYTES: usize = 128;
const CHECKSUM_AT: usize = 12;
const ZONE_BYTES: usize = 40;
const LIST_BYTES: usize = 16;
const LISTS_BYTES: usize = LIST_BYTES * List::COUNT;
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
    /// Where it begins in the file.
    pub at: usize,
    pub bytes: usize,
    pub trades: u32,
    pub instruments: u32,
    pub checksum: u32,
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

/// A zone that is ready to be written.
#[derive(Debug)]
pub struct PackedZone {
    first_sequence: u64,
    last_sequence: u64,
    trades: u32,
    instruments: u32,
    bytes: Vec<u8>,
}

/// Puts a file together.
pub fn write(header: &Header, naming_blocks: &[u32], zones: &[PackedZone]) -> Vec<u8> {
    let mut bytes = vec![0; HEADER_BYTES];
    bytes[0..8].copy_from_slice(MAGIC);
    bytes[8..12].copy_from_slice(&VERSION.to_le_bytes());
    bytes[16..32].copy_from_slice(&header.store_id.0);
    bytes[32..40].copy_from_slice(&header.segment.to_le_bytes());
    bytes[40..48].copy_from_slice(&header.first_sequence.to_le_bytes());
    bytes[48..56].copy_from_slice(&header.last_sequence.to_le_bytes());
    bytes[56..60].copy_from_slice(&units(header.last_block).to_le_bytes());
    bytes[60..64].copy_from_slice(&header.naming_blocks.to_le_bytes());
    bytes[64..68].copy_from_slice(&small(zones.len()).to_le_bytes());
    bytes[96..128].copy_from_slice(&header.chain);
    bytes.extend(naming_blocks.iter().flat_map(|block| block.to_le_bytes()));
    let table = bytes.len();
    let tables_end = table + ZONE_BYTES * zones.len();
    let whole = zones.iter().map(|zone| zone.bytes.len() + ALIGNMENT).sum::<usize>();
    bytes.reserve(tables_end - table + whole);
    bytes.resize(tables_end, 0);
    for (number, zone) in zones.iter().enumerate() {
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT), 0);
        let at = bytes.len();
        bytes.extend(&zone.bytes);
        let row = &mut bytes[table + ZONE_BYTES * number..][..ZONE_BYTES];
        row[0..8].copy_from_slice(&zone.first_sequence.to_le_bytes());
        row[8..16].copy_from_slice(&zone.last_sequence.to_le_bytes());
        row[16..20].copy_from_slice(&units(at).to_le_bytes());
        row[20..24].copy_from_slice(&small(zone.bytes.len()).to_le_bytes());
        row[24..28].copy_from_slice(&zone.trades.to_le_bytes());
        row[28..32].copy_from_slice(&zone.instruments.to_le_bytes());
        row[32..36].copy_from_slice(&crc32c::crc32c(&zone.bytes).to_le_bytes());
    }
    let sum = checksum(&bytes, tables_end);
    bytes[CHECKSUM_AT..CHECKSUM_AT + 4].copy_from_slice(&sum.to_le_bytes());
    bytes
}

fn small(count: usize) -> u32 {
    u32::try_from(count).expect("a zone has few trades, and a segment fewer zones than bytes")
}

/// Packs the trades of a zone; `None` when there are none.
pub fn pack(rows: &TradeRows) -> Option<PackedZone> {
    let sequences = rows.list(List::Sequence);
    let (first_sequence, last_sequence) = (*sequences.first()?, *sequences.last()?);
    let mut bytes = vec![0; LISTS_BYTES];
    for list in List::ALL {
        let numbers = rows.list(list);
        let (base, most) = (*numbers.iter().min()?, *numbers.iter().max()?);
        let width = width(most - base);
        let describe = &mut bytes[LIST_BYTES * list as usize..][..LIST_BYTES];
        describe[0..8].copy_from_slice(&base.to_le_bytes());
        describe[8..12].copy_from_slice(&small(width).to_le_bytes());
        let more = numbers.iter().map(|number| number - base);
        match width {
            0 => {}
            1 => put::<1>(&mut bytes, more),
            2 => put::<2>(&mut bytes, more),
            4 => put::<4>(&mut bytes, more),
            _ => put::<8>(&mut bytes, more),
        }
    }
    let instruments = put_instruments(&mut bytes, rows.list(List::Instrument));
    Some(PackedZone { first_sequence, last_sequence, trades: small(rows.len()), instruments, bytes })
}

/// Appends numbers of so many bytes.
fn put<const WIDTH: usize>(bytes: &mut Vec<u8>, numbers: impl ExactSizeIterator<Item = u64>) {
    let at = bytes.len();
    bytes.resize(at + WIDTH * numbers.len(), 0);
    let (entries, _) = bytes[at..].as_chunks_mut::<WIDTH>();
    for (entry, number) in entries.iter_mut().zip(numbers) {
        entry.copy_from_slice(&number.to_le_bytes()[..WIDTH]);
    }
}

/// How many bytes hold a number.
fn width(number: u64) -> usize {
    match number {
        0 => 0,
        1..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    }
}

/// Appends where each instrument's trades are. Returns how many instruments there are.
fn put_instruments(bytes: &mut Vec<u8>, instruments: &[u64]) -> u32 {
    let mut order: Vec<u16> = (0..=u16::MAX).take(instruments.len()).collect();
    let instrument = |trade: u16| instruments[usize::from(trade)];
    order.sort_by_key(|&trade| instrument(trade));
    let (mut count, mut end) = (0, 0);
    for run in order.chunk_by(|&one, &other| instrument(one) == instrument(other)) {
        end += small(run.len());
        let number = u32::try_from(instrument(run[0])).expect("instruments have 32-bit numbers");
        bytes.extend(number.to_le_bytes());
        bytes.extend(end.to_le_bytes());
        count += 1;
    }
    bytes.extend(order.iter().flat_map(|trade| trade.to_le_bytes()));
    count
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
            bytes: word(row, 20) as usize,
            trades: word(row, 24),
            instruments: word(row, 28),
            checksum: word(row, 32),
        }
    };
    let zones: Vec<Zone> = (0..zones).map(row).collect();
    let inside =
        |zone: &Zone| (1..=ZONE_TRADES).contains(&zone.trades) && zone.at + zone.bytes <= bytes.len();
    zones.iter().all(inside).then_some((header, zones))
}

/// Where a naming block begins in the segment.
pub fn naming_block(bytes: &[u8], number: u32) -> usize {
    word(bytes, HEADER_BYTES + NAMING_BYTES * number as usize) as usize * ALIGNMENT
}

/// A zone, where it lies.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    whole: &'a [u8],
    zone: &'a Zone,
}

impl<'a> View<'a> {
    /// A zone that [`read`] found inside the file.
    pub fn new(bytes: &'a [u8], zone: &'a Zone) -> Self {
        Self { whole: &bytes[zone.at..zone.at + zone.bytes], zone }
    }

    /// Whether it is what was written. Everything else may be asked only of one that is.
    pub fn is_whole(&self) -> bool {
        if self.whole.len() < LISTS_BYTES || crc32c::crc32c(self.whole) != self.zone.checksum {
            return false;
        }
        let mut widths = List::ALL.map(|list| self.width(list as usize)).into_iter();
        let lists = self.trades() * widths.clone().sum::<usize>();
        let instruments = 8 * self.zone.instruments as usize + 2 * self.trades();
        widths.all(|width| [0, 1, 2, 4, 8].contains(&width))
            && self.whole.len() == LISTS_BYTES + lists + instruments
    }

    fn trades(&self) -> usize {
        self.zone.trades as usize
    }

    /// Bytes of an entry of a list.
    fn width(&self, list: usize) -> usize {
        word(self.whole, LIST_BYTES * list + 8) as usize
    }

    /// One of the lists.
    pub fn list(&self, list: List) -> PackedList<'a> {
        let number = list as usize;
        let width = self.width(number);
        let begin = LISTS_BYTES + self.trades() * (0..number).map(|before| self.width(before)).sum::<usize>();
        let base = long(self.whole, LIST_BYTES * number);
        PackedList { base, width, bytes: &self.whole[begin..begin + width * self.trades()] }
    }

    /// The list of the trades by instrument.
    pub fn by_instrument(&self) -> Order<'a> {
        let (_, order) = self.whole.split_at(self.whole.len() - 2 * self.trades());
        Order(order)
    }

    /// The places of an instrument's trades in that list.
    pub fn of_instrument(&self, instrument: u32) -> (u32, u32) {
        let instruments = self.zone.instruments;
        let end = self.whole.len() - 2 * self.trades();
        let directory = &self.whole[end - 8 * instruments as usize..end];
        let at = super::partition(instruments, |at| word(directory, 8 * at as usize) < instrument);
        let end = |at: u32| word(directory, 8 * at as usize + 4);
        let begin = if at == 0 { 0 } else { end(at - 1) };
        let is_there = at < instruments && word(directory, 8 * at as usize) == instrument;
        if is_there { (begin, end(at)) } else { (begin, begin) }
    }
}

/// The trades of a zone, by number, ordered by instrument.
#[derive(Debug, Clone, Copy)]
pub struct Order<'a>(&'a [u8]);

impl Order<'_> {
    /// The trade at a place.
    #[inline]
    pub fn get(self, place: u32) -> u32 {
        let at = 2 * place as usize;
        u32::from(u16::from_le_bytes([self.0[at], self.0[at + 1]]))
    }
}

/// A list of numbers.
#[derive(Debug, Clone, Copy)]
pub struct PackedList<'a> {
    base: u64,
    width: usize,
    bytes: &'a [u8],
}

impl PackedList<'_> {
    /// That of a trade.
    #[inline]
    pub fn get(self, trade: u32) -> u64 {
        let at = self.width * trade as usize;
        let mut bytes = [0; 8];
        bytes[..self.width].copy_from_slice(&self.bytes[at..at + self.width]);
        self.base + u64::from_le_bytes(bytes)
    }

    /// Those of some trades in a row.
    pub fn run(self, from: u32, to: u32) -> Vec<u64> {
        let (from, to) = (from as usize, to as usize);
        let bytes = &self.bytes[self.width * from..self.width * to];
        let base = self.base;
        match self.width {
            0 => vec![base; to - from],
            1 => bytes.iter().map(|&more| base + u64::from(more)).collect(),
            2 => entries(bytes, |entry| base + u64::from(u16::from_le_bytes(entry))),
            4 => entries(bytes, |entry| base + u64::from(u32::from_le_bytes(entry))),
            _ => entries(bytes, |entry| base + u64::from_le_bytes(entry)),
        }
    }
}

fn entries<const WIDTH: usize>(bytes: &[u8], number: impl Fn([u8; WIDTH]) -> u64) -> Vec<u64> {
    let (entries, _) = bytes.as_chunks();
    entries.iter().map(|entry| number(*entry)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{AccountId, InstrumentId, OrderId, Price, Quantity, Side, Timestamp, Trade, TradeId};

    const HEADER: Header = Header {
        store_id: StoreId([3; 16]),
        segment: 7,
        first_sequence: 1000,
        last_sequence: 99_000_000_000,
        last_block: 4096,
        naming_blocks: 2,
        chain: [9; 32],
    };

    /// Trades of which some lists are of one number, and others of numbers of any size.
    fn rows(trades: &[(u64, u64, u32, i64)]) -> TradeRows {
        let mut rows = TradeRows::default();
        for &(sequence, command, instrument, price) in trades {
            let trade = Trade {
                trade_id: TradeId(sequence / 2),
                maker_order_id: OrderId(u64::MAX - sequence),
                taker_order_id: OrderId(0),
                price: Price(price),
                quantity: Quantity(sequence.wrapping_mul(sequence)),
                executed_at: Timestamp(1_767_623_400_000_000_000 + price),
                maker_account: AccountId(u32::MAX),
                taker_account: AccountId(instrument),
                instrument: InstrumentId(instrument),
                taker_side: if sequence.is_multiple_of(2) { Side::Buy } else { Side::Sell },
                maker_filled: instrument == 2,
                taker_filled: price > 0,
                reserved: 0,
            };
            rows.push(sequence, command, &trade);
        }
        rows
    }

    fn some() -> TradeRows {
        rows(&[
            (1001, 1000, 5, 7),
            (1003, 1000, 2, 7),
            (1005, 1004, 5, i64::MAX / 4),
            (90_000_000_000, 9, 9, 1),
        ])
    }

    #[test]
    fn a_zone_is_read_as_it_was_written() {
        let zone = pack(&some()).unwrap();
        let bytes = write(&HEADER, &[256, 300], &[zone]);
        let (found, zones) = read(&bytes).unwrap();
        assert_eq!(found, HEADER);
        assert_eq!((naming_block(&bytes, 0), naming_block(&bytes, 1)), (4096, 4800));
        assert_eq!((zones[0].first_sequence, zones[0].last_sequence), (1001, 90_000_000_000));
        let view = View::new(&bytes, &zones[0]);
        assert!(view.is_whole());
        for list in List::ALL {
            let (numbers, expected) = (view.list(list), some());
            assert_eq!(numbers.run(0, 4), expected.list(list), "{list:?}");
            assert_eq!(numbers.run(1, 3), expected.list(list)[1..3], "{list:?}");
            assert_eq!([0, 1, 2, 3].map(|at| numbers.get(at)), expected.list(list), "{list:?}");
        }
        let of = |instrument| {
            let (from, to) = view.of_instrument(instrument);
            (from..to).map(|place| view.by_instrument().get(place)).collect::<Vec<_>>()
        };
        assert_eq!([of(2), of(5), of(9)], [vec![1], vec![0, 2], vec![3]]);
        assert!([0, 3, 7, 10].map(of).iter().all(Vec::is_empty));
    }

    #[test]
    fn numbers_take_no_more_bytes_than_they_need() {
        for (most, bytes) in [(0, 0), (255, 1), (256, 2), (65_535, 2), (65_536, 4), (1 << 32, 8)] {
            assert_eq!(width(most), bytes);
        }
        assert!(pack(&TradeRows::default()).is_none());
    }

    #[test]
    fn no_flipped_bit_and_no_cut_goes_unnoticed() {
        let one = || pack(&rows(&[(1001, 1000, 1, 3), (1003, 1000, 0, 4)])).unwrap();
        let header = Header { naming_blocks: 1, ..HEADER };
        let bytes = write(&header, &[256], &[one(), one()]);
        let sound = |bytes: &[u8]| {
            read(bytes).is_some_and(|(_, zones)| zones.iter().all(|zone| View::new(bytes, zone).is_whole()))
        };
        assert!(sound(&bytes));
        let (_, zones) = read(&bytes).unwrap();
        for bit in 0..8 * bytes.len() {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            // What lies before and between the zones is only padding.
            let tables_end = HEADER_BYTES + NAMING_BYTES + 2 * ZONE_BYTES;
            let [first, second] = [zones[0].at, zones[1].at];
            let is_padding = (tables_end..first).contains(&(bit / 8))
                || (first + zones[0].bytes..second).contains(&(bit / 8));
            assert!(!sound(&flipped) || is_padding, "bit {bit}");
        }
        for end in 0..bytes.len() {
            assert!(!sound(&bytes[..end]), "cut at {end}");
        }
    }
}
