//! Readers of feeds: what they make of good bytes, what they say of bad ones, and that no bytes at all make them panic.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use expect_test::{Expect, expect};
use model::Symbol;
use proptest::prelude::*;
use simulator::feed::dbn::{DbnReader, EventOrder};
use simulator::feed::itch::{ItchReader, gunzip};
use simulator::feed::lobster::LobsterReader;
use simulator::feed::{Feed, FeedError, MarketMessage};
use std::fmt::Write as _;
use std::io::Write as _;

/// All messages, and the error that ended them, if one did.
fn read_all(mut feed: impl Feed) -> (Vec<MarketMessage>, Option<FeedError>) {
    let mut messages = Vec::new();
    loop {
        match feed.next_message() {
            Ok(Some(message)) => messages.push(message),
            Ok(None) => return (messages, None),
            Err(error) => {
                assert_eq!(feed.next_message().unwrap(), None, "a feed ends with its first error");
                return (messages, Some(error));
            }
        }
    }
}

fn lobster<'a>(messages: &'a [u8], book: Option<&'a [u8]>) -> impl Feed + use<'a> {
    let symbol = Symbol::new("AAPL").unwrap();
    LobsterReader::new(symbol, ("m.csv", messages), book.map(|book| ("b.csv", book)))
}

fn itch(bytes: &[u8]) -> ItchReader<&[u8]> {
    ItchReader::new("x.itch", bytes)
}

/// A reader of DBN fails already at its first bytes, if they are bad.
fn read_dbn(bytes: &[u8]) -> (Vec<MarketMessage>, Option<FeedError>) {
    match DbnReader::new("x.dbn", bytes, EventOrder::CancelsFirst) {
        Ok(feed) => read_all(feed),
        Err(error) => (Vec::new(), Some(error)),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "as `expect![[…]]` makes it")]
fn check((messages, error): (Vec<MarketMessage>, Option<FeedError>), expected: Expect) {
    let mut text = String::new();
    for MarketMessage { record, at, kind, action, .. } in messages {
        writeln!(text, "{record} {} {kind} {action:?}", at.0).unwrap();
    }
    if let Some(error) = error {
        writeln!(text, "{error}").unwrap();
    }
    expected.assert_eq(&text);
}

#[test]
fn lobster_messages() {
    let messages = b"34200.5,1,7,100,5853300,1\n34200.000000001,2,7,40,5853300,1\r\n34201,3,7,60,5853300,1\n\
        34201.25,4,8,10,5853400,-1\n34202,5,0,10,5853350,1\n34202,6,-1,10,5853350,1\n34203,7,0,0,-1,-1\n34204,7,0,0,1,-1";
    check(
        read_all(lobster(messages, None)),
        expect![[r#"
        0 0 list List { symbol: "AAPL" }
        1 34200500000000 add Add { order: 7, side: Buy, price: 5853300, qty: 100 }
        2 34200000000001 partial-cancel Cancel { order: 7, qty: Some(40), place: Some((Buy, 5853300)) }
        3 34201000000000 delete Cancel { order: 7, qty: Some(60), place: Some((Buy, 5853300)) }
        4 34201250000000 execution Execute { order: 8, qty: 10, place: Some((Sell, 5853400)) }
        5 34202000000000 hidden-execution Skip(HiddenExecution)
        6 34202000000000 cross Skip(Cross)
        7 34203000000000 halt Phase(Halted)
        8 34204000000000 halt Phase(Open)
    "#]],
    );
}

#[test]
fn lobster_book_rows() {
    let book = b"5859400,200,5853300,18,9999999999,0,-9999999999,0\n";
    let (messages, error) = read_all(lobster(b"1,1,7,18,5853300,1\n", Some(book)));
    assert!(error.is_none());
    expect![[r"
        BookRow {
            bids: [
                BookLevel {
                    price: 5853300,
                    qty: 18,
                },
            ],
            asks: [
                BookLevel {
                    price: 5859400,
                    qty: 200,
                },
            ],
            depth: 2,
        }
    "]]
    .assert_debug_eq(messages[1].book.as_ref().unwrap());
}

#[test]
fn bad_lobster_says_what_and_where() {
    for (messages, book, expected) in [
        (
            &b"1,1,7,18,5853300,1\n1,1,8"[..],
            None,
            expect!["m.csv: record 2 at byte 19: column 4 (size) is missing"],
        ),
        (b"1,1,7,18,5853300,1,9\n", None, expect!["m.csv: record 1 at byte 0: more than 6 columns"]),
        (
            b"1,1,7,18,5853300,2\n",
            None,
            expect!["m.csv: record 1 at byte 0: column 6 (direction) is not a number that can be there"],
        ),
        (
            b"1,1,7,-18,5853300,1\n",
            None,
            expect!["m.csv: record 1 at byte 0: column 4 (size) is not a number that can be there"],
        ),
        (
            b"1e9,1,7,18,5853300,1\n",
            None,
            expect!["m.csv: record 1 at byte 0: column 1 (time) is not a number that can be there"],
        ),
        (
            b"99999999999999,1,7,18,5853300,1\n",
            None,
            expect!["m.csv: record 1 at byte 0: column 1 (time) is not a number that can be there"],
        ),
        (
            b"1,1,\xff,18,5853300,1\n",
            None,
            expect!["m.csv: record 1 at byte 0: column 3 (order id) is not a number that can be there"],
        ),
        (
            b"1,1,7,18,5853300,1\n\n",
            None,
            expect!["m.csv: record 2 at byte 19: column 1 (time) is not a number that can be there"],
        ),
        (
            b"1,1,7,18,5853300,1\n",
            Some(&b""[..]),
            expect![
                "b.csv: record 1 at byte 0: the order book file and the message file do not have the same number of rows"
            ],
        ),
        (
            b"1,1,7,18,5853300,1\n",
            Some(b"1,2,3\n"),
            expect![
                "b.csv: record 1 at byte 0: 3 columns are not four (ask price, ask size, bid price, bid size) for each level"
            ],
        ),
        (
            b"1,1,7,18,5853300,1\n",
            Some(b"1,2,3,-4\n"),
            expect!["b.csv: record 1 at byte 0: column 4 (bid size) is not a number that can be there"],
        ),
    ] {
        let (_, error) = read_all(lobster(messages, book));
        expected.assert_eq(&error.unwrap().to_string());
    }
    let (_, error) = read_all(lobster(&vec![b'1'; 20_000], None));
    expect!["m.csv: record 1 at byte 0: a record of more than 8400 bytes"]
        .assert_eq(&error.unwrap().to_string());
}

/// A framed message of `kind`: header, then `body`.
fn framed(kind: u8, body: &[u8]) -> Vec<u8> {
    let mut message = vec![kind, 0, 2, 0, 0, 0, 0, 0, 0, 1, 0];
    message.extend_from_slice(body);
    let mut framed = u16::try_from(message.len()).unwrap().to_be_bytes().to_vec();
    framed.extend(message);
    framed
}

fn add_order(order: u64, side: u8, shares: u32, price: u32) -> Vec<u8> {
    let mut body = order.to_be_bytes().to_vec();
    body.push(side);
    body.extend(shares.to_be_bytes());
    body.extend(b"BOB     ");
    body.extend(price.to_be_bytes());
    framed(b'A', &body)
}

#[test]
fn itch_messages() {
    let mut bytes = framed(b'R', b"BOB     SN\0\0\0dNAZ PNN2N\0\0\0\0N");
    bytes.extend(framed(b'H', b"BOB     T\0    "));
    bytes.extend(add_order(7, b'B', 100, 53_000));
    bytes.extend(framed(b'E', &[0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 40, 0, 0, 0, 0, 0, 0, 0, 1]));
    bytes.extend(framed(b'X', &[0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 20]));
    bytes.extend(framed(
        b'U',
        &[0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 40, 0, 0, 0xcf, 0x09],
    ));
    bytes.extend(framed(b'D', &[0, 0, 0, 0, 0, 0, 0, 8]));
    bytes.extend(framed(b'Z', b"of a later version"));
    check(
        read_all(itch(&bytes)),
        expect![[r#"
        1 256 R List { symbol: "BOB" }
        2 256 H Phase(Open)
        3 256 A Add { order: 7, side: Buy, price: 53000, qty: 100 }
        4 256 E Execute { order: 7, qty: 40, place: None }
        5 256 X Cancel { order: 7, qty: Some(20), place: None }
        6 256 U Modify { order: 7, new_order: 8, side: None, price: 53001, qty: 40, to_back: true }
        7 256 D Cancel { order: 8, qty: None, place: None }
        8 256 unknown Skip(UnknownKind)
    "#]],
    );
}

#[test]
fn bad_itch_says_what_and_where() {
    let good = add_order(7, b'B', 100, 53_000);
    let mut cut = good.clone();
    cut.extend(&good[..20]);
    let mut short = good.clone();
    short.extend(framed(b'D', &[0, 0, 0, 0, 0, 0, 0, 8, 9]));
    let mut symbol = framed(b'R', b"B\xffB     SN\0\0\0dNAZ PNN2N\0\0\0\0N");
    symbol.extend(good.clone());
    for (bytes, expected) in [
        (&cut[..], expect!["x.itch: record 2 at byte 38: the file ends inside a record: 20 of 38 bytes"]),
        (&short, expect!["x.itch: record 2 at byte 38: a record of kind 'D' has 19 bytes, not 20"]),
        (&symbol, expect!["x.itch: record 1 at byte 0: 0xff is no letter of a symbol"]),
        (&add_order(7, b'Q', 100, 53_000), expect!["x.itch: record 1 at byte 0: 0x51 is no side"]),
        (&[0, 0, 0], expect!["x.itch: record 1 at byte 0: an empty record"]),
        (&[0], expect!["x.itch: record 1 at byte 0: the file ends inside a record: 1 of 2 bytes"]),
        (&[0xff, 0xff, 0], expect!["x.itch: record 1 at byte 0: a record of more than 512 bytes"]),
        (
            &framed(b'Z', b"")[..8],
            expect!["x.itch: record 1 at byte 0: the file ends inside a record: 8 of 13 bytes"],
        ),
    ] {
        let (_, error) = read_all(itch(bytes));
        expected.assert_eq(&error.unwrap().to_string());
    }
}

#[test]
fn a_damaged_gzip_file_is_an_error() {
    let mut zipped = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    for order in 0..1000 {
        zipped.write_all(&add_order(order, b'S', 1, 10_000)).unwrap();
    }
    let zipped = zipped.finish().unwrap();
    let read = |bytes: &[u8]| {
        let bytes = bytes.to_vec();
        read_all(ItchReader::new("x.gz", gunzip(&bytes[..])))
    };
    assert!(matches!(read(&zipped), (messages, None) if messages.len() == 1000));
    let cut = read(&zipped[..zipped.len() / 2]).1.unwrap().to_string();
    assert!(cut.starts_with("x.gz: record ") && cut.contains("cannot read"), "{cut}");
    let mut flipped = zipped.clone();
    flipped[zipped.len() / 2] ^= 0x55;
    assert!(read(&flipped).1.is_some());
}

/// A market-by-order file of one instrument, made by the library that reads it.
fn dbn_file(records: &[(u8, u8, u64, i64, u32, u8)]) -> Vec<u8> {
    use dbn::encode::{EncodeRecord, dbn::Encoder};
    use dbn::{FlagSet, MboMsg, MetadataBuilder, RecordHeader, SType, Schema};
    let metadata = MetadataBuilder::new()
        .dataset("TEST")
        .schema(Some(Schema::Mbo))
        .start(0)
        .stype_in(Some(SType::RawSymbol))
        .stype_out(SType::InstrumentId)
        .build();
    let mut bytes = Vec::new();
    let mut encoder = Encoder::new(&mut bytes, &metadata).unwrap();
    for &(action, side, order_id, price, size, flags) in records {
        let message = MboMsg {
            hd: RecordHeader::new::<MboMsg>(dbn::enums::rtype::MBO, 1, 42, 5),
            order_id,
            price,
            size,
            flags: FlagSet::from(flags),
            channel_id: 0,
            action: action.cast_signed(),
            side: side.cast_signed(),
            ts_recv: 9,
            ts_in_delta: 0,
            sequence: 1,
        };
        encoder.encode_record(&message).unwrap();
    }
    bytes
}

fn small_dbn_file() -> Vec<u8> {
    dbn_file(&[
        (b'R', b'N', 0, i64::MAX, 0, 32),
        (b'A', b'A', 1, 5_000_000_000, 3, 32),
        (b'A', b'A', 2, 5_000_000_000, 4, 160),
        (b'T', b'B', 9, 5_000_000_000, 2, 0),
        (b'F', b'A', 2, 5_000_000_000, 2, 0),
        (b'C', b'A', 1, 5_000_000_000, 3, 0),
        (b'M', b'A', 2, 5_000_000_000, 2, 128),
    ])
}

#[test]
fn dbn_messages_with_cancels_first() {
    check(
        read_dbn(&small_dbn_file()),
        expect![[r#"
        1 9 list List { symbol: "I42" }
        1 9 R Clear
        2 9 A Add { order: 1, side: Sell, price: 5000000000, qty: 3 }
        3 9 A Add { order: 2, side: Sell, price: 5000000000, qty: 4 }
        6 9 C Cancel { order: 1, qty: Some(3), place: Some((Sell, 5000000000)) }
        4 9 T Aggress { side: Buy, price: 5000000000, qty: 2 }
        5 9 F Fill { order: 2, qty: 2 }
        7 9 M Modify { order: 2, new_order: 2, side: Some(Sell), price: 5000000000, qty: 2, to_back: false }
    "#]],
    );
    let zipped = zstd::encode_all(&small_dbn_file()[..], 1).unwrap();
    let (plain, zipped) = (read_dbn(&small_dbn_file()).0, read_dbn(&zipped).0);
    assert_eq!(plain, zipped);
}

#[test]
fn bad_dbn_says_what_and_where() {
    let good = small_dbn_file();
    let mut huge = good.clone();
    huge[4..8].copy_from_slice(&u32::MAX.to_le_bytes());
    let mut short = good.clone();
    let record = good.len() - 56;
    short[record] = 12;
    let zipped = zstd::encode_all(&good[..], 1).unwrap();
    for (bytes, expected) in [
        (&b"DBN"[..], expect!["x.dbn: record 0 at byte 0: the file ends inside a record: 3 of 8 bytes"]),
        (b"a,b,c,d,e,f", expect!["x.dbn: record 0 at byte 0: 0x61 is no beginning of a DBN file"]),
        (&huge, expect!["x.dbn: record 0 at byte 0: a record of more than 67108864 bytes"]),
        (&short, expect!["x.dbn: record 7 at byte 464: a record of kind 'O' has 56 bytes, not 48"]),
        (
            &good[..good.len() - 10],
            expect!["x.dbn: record 7 at byte 464: the file ends inside a record: 46 of 56 bytes"],
        ),
        (&zipped[..zipped.len() - 10], expect!["x.dbn: record 0 at byte 0: cannot read: incomplete frame"]),
    ] {
        let (_, error) = read_dbn(bytes);
        expected.assert_eq(&error.map_or("no error".to_owned(), |error| error.to_string()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_make_a_reader_panic(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
        read_all(lobster(&bytes, Some(&bytes)));
        read_all(itch(&bytes));
        read_dbn(&bytes);
        read_all(ItchReader::new("x", gunzip(&bytes[..])));
    }

    /// Nearly right is harder than random.
    #[test]
    fn no_damage_makes_a_reader_panic(
        damage in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8),
        keep in any::<prop::sample::Index>(),
    ) {
        let mut itch_file: Vec<u8> = (0..9).flat_map(|order| add_order(order, b'B', 1, 9)).collect();
        itch_file.extend(framed(b'R', b"BOB     SN\0\0\0dNAZ PNN2N\0\0\0\0N"));
        let rows = b"34200.5,1,7,100,5853300,1\n34200.6,2,7,40,5853300,1\n34201,7,0,0,-1,-1\n".to_vec();
        let zipped = zstd::encode_all(&small_dbn_file()[..], 1).unwrap();
        for (which, mut bytes) in [itch_file, rows, small_dbn_file(), zipped].into_iter().enumerate() {
            for (at, byte) in &damage {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            bytes.truncate(keep.index(bytes.len()) + 1);
            match which {
                0 => drop(read_all(itch(&bytes))),
                1 => drop(read_all(lobster(&bytes, Some(b"1,2,3,4\n5,6,7,8\n9,1,2,3\n")))),
                _ => drop(read_dbn(&bytes)),
            }
        }
    }
}
