//! Databento Binary Encoding, schema `mbo`: market by order (<https://databento.com/docs/schemas-and-data-formats/mbo>).
//!
//! A snapshot of the book first (`R`, then an `A` for each order, all with the snapshot flag), then what happened: `A` add, `C` cancel,
//! `M` modify, `T` an aggressor traded, `F` a resting order was filled, each fill followed by the `C` or `M` that tells what it did to
//! the resting order. Records that belong to one event of the venue end with one that carries the "last" flag.

use super::{Action, Fault, Feed, FeedError, FeedInfo, Format, MarketMessage, SkipReason};
use ::dbn::decode::{DbnMetadata, DecodeRecordRef, dbn::Decoder};
use ::dbn::{MboMsg, Metadata, Record, VersionUpgradePolicy};
use model::{Side, Symbol, Timestamp};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::io::{BufRead, BufReader, Read};

/// DBN's prices have nine decimals.
const PRICE_SCALE: u8 = 9;
/// The most metadata that is taken: a file of all of CME's instruments has less than 10 MB.
const METADATA_BYTES_MAX: usize = 64 << 20;
/// The most records of one event that are held back to bring its cancels forward.
const EVENT_RECORDS_MAX: usize = 4096;
const ZSTD_MAGIC: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];

/// How the records of one event are ordered.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub enum EventOrder {
    /// As they stand in the file.
    #[default]
    AsRecorded,
    /// Cancels of orders that the event does not fill come before its trades. The venue does both at once; when it takes an order out of
    /// the way of an aggressor (self-match prevention), the file tells of it after the trade.
    CancelsFirst,
}

/// Counts what is read, because the decoder takes the end of a file inside a record for the end of the records.
struct Counted<'r> {
    from: Box<dyn Read + 'r>,
    count: u64,
}

impl Read for Counted<'_> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let len = self.from.read(into)?;
        self.count += len as u64;
        Ok(len)
    }
}

/// Reads a market-by-order file, compressed with zstd or not.
pub struct DbnReader<'r> {
    name: Box<str>,
    decoder: Decoder<Counted<'r>>,
    event_order: EventOrder,
    symbols: BTreeMap<u32, Symbol>,
    listed: BTreeSet<u32>,
    /// Messages that have been read and not yet been handed out.
    ready: VecDeque<MarketMessage>,
    record: u64,
    offset: u64,
    ended: bool,
}

impl<'r> DbnReader<'r> {
    /// A reader of `from`; begins by reading the file's metadata. The name is for error messages.
    pub fn new(name: &str, mut from: impl BufRead + 'r, event_order: EventOrder) -> Result<Self, FeedError> {
        let error = |fault| FeedError { file: name.into(), record: 0, offset: 0, fault };
        let magic = from.fill_buf().map_err(|fault| error(fault.into()))?;
        let plain: Box<dyn BufRead + 'r> = if magic.starts_with(&ZSTD_MAGIC) {
            let decoder = zstd::stream::Decoder::with_buffer(from).map_err(|fault| error(fault.into()))?;
            Box::new(BufReader::new(decoder))
        } else {
            Box::new(from)
        };
        let (plain, metadata_bytes) = check_prelude(plain).map_err(error)?;
        // As they are in the file, so that a record's size is its size there.
        let decoder = Decoder::with_upgrade_policy(plain, VersionUpgradePolicy::AsIs)
            .map_err(|fault| error(fault.into()))?;
        let symbols = symbols(decoder.metadata());
        Ok(Self {
            name: name.into(),
            decoder,
            event_order,
            symbols,
            listed: BTreeSet::new(),
            ready: VecDeque::new(),
            record: 0,
            offset: metadata_bytes,
            ended: false,
        })
    }

    fn error(&self, fault: Fault) -> FeedError {
        FeedError { file: self.name.clone(), record: self.record, offset: self.offset, fault }
    }

    /// Reads a record into `ready`. `None` at the end, otherwise whether it is the last of its event.
    fn read(&mut self) -> Result<Option<bool>, FeedError> {
        self.record += 1;
        let at =
            |fault| FeedError { file: self.name.clone(), record: self.record, offset: self.offset, fault };
        let Some(record) = self.decoder.decode_record_ref().map_err(|fault| at(fault.into()))? else {
            return self.end();
        };
        let size = record.record_size();
        // `get` panics on a record of the right kind and too few bytes.
        if record.has::<MboMsg>() && size < size_of::<MboMsg>() {
            return Err(at(Fault::BadLength { kind: 'O', expected: size_of::<MboMsg>(), got: size }));
        }
        let instrument = record.header().instrument_id;
        let ends_event = if let Some(mbo) = record.get::<MboMsg>() {
            let (kind, action) = action(mbo);
            let at = Timestamp(i64::try_from(mbo.ts_recv).unwrap_or(i64::MAX));
            let ends_event = mbo.flags.is_last() || mbo.flags.is_snapshot();
            let record = self.record;
            self.list(instrument, at)?;
            self.ready.push_back(MarketMessage {
                record,
                at,
                instrument,
                kind,
                action,
                ends_event,
                book: None,
            });
            ends_event
        } else {
            self.ready.push_back(MarketMessage {
                record: self.record,
                at: Timestamp::NONE,
                instrument,
                kind: "other",
                action: Action::Skip(SkipReason::Administrative),
                ends_event: true,
                book: None,
            });
            true
        };
        self.offset += size as u64;
        Ok(Some(ends_event))
    }

    /// The end of the file: was it at the end of a record?
    fn end(&self) -> Result<Option<bool>, FeedError> {
        let rest = self.decoder.get_ref().count.saturating_sub(self.offset);
        if rest == 0 {
            return Ok(None);
        }
        let got = usize::try_from(rest).unwrap_or(usize::MAX);
        Err(self.error(Fault::Truncated { needed: size_of::<MboMsg>(), got }))
    }

    /// Announces an instrument at its first record.
    fn list(&mut self, instrument: u32, at: Timestamp) -> Result<(), FeedError> {
        if !self.listed.insert(instrument) {
            return Ok(());
        }
        let symbol = match self.symbols.get(&instrument) {
            Some(&symbol) => symbol,
            None => Symbol::new(&format!("I{instrument}")).map_err(|fault| self.error(fault.into()))?,
        };
        let action = Action::List { symbol };
        self.ready.push_back(MarketMessage {
            record: self.record,
            at,
            instrument,
            kind: "list",
            action,
            ends_event: false,
            book: None,
        });
        Ok(())
    }
}

impl Feed for DbnReader<'_> {
    fn info(&self) -> FeedInfo {
        FeedInfo { format: Format::Dbn, price_scale: PRICE_SCALE }
    }

    fn next_message(&mut self) -> Result<Option<MarketMessage>, FeedError> {
        if self.ready.is_empty() && !self.ended {
            loop {
                let read = self.read();
                self.ended = !matches!(read, Ok(Some(_)));
                if read.is_err() {
                    // Half an event is not handed out.
                    self.ready.clear();
                }
                let last = read?.unwrap_or(true);
                if last || self.event_order == EventOrder::AsRecorded || self.ready.len() >= EVENT_RECORDS_MAX
                {
                    break;
                }
            }
            if self.event_order == EventOrder::CancelsFirst {
                bring_cancels_forward(&mut self.ready);
            }
        }
        Ok(self.ready.pop_front())
    }
}

/// Moves the cancels of orders that an event does not fill before its first trade.
fn bring_cancels_forward(event: &mut VecDeque<MarketMessage>) {
    let Some(trade) = event.iter().position(|message| matches!(message.action, Action::Aggress { .. }))
    else {
        return;
    };
    let filled: BTreeSet<u64> = event
        .iter()
        .filter_map(|message| match message.action {
            Action::Fill { order, .. } => Some(order),
            _ => None,
        })
        .collect();
    let (mut first, mut then) = (Vec::new(), Vec::new());
    for message in event.drain(trade..) {
        match message.action {
            Action::Cancel { order, .. } if !filled.contains(&order) => first.push(message),
            _ => then.push(message),
        }
    }
    event.extend(first);
    event.extend(then);
    let last = event.len() - 1;
    for (at, message) in event.iter_mut().enumerate() {
        message.ends_event = at == last;
    }
}

/// Looks at the first eight bytes, which give the length of the metadata, before anything allocates it. Returns a reader that begins with them.
fn check_prelude<'r>(mut from: Box<dyn BufRead + 'r>) -> Result<(Counted<'r>, u64), Fault> {
    let mut prelude = Vec::with_capacity(8);
    from.by_ref().take(8).read_to_end(&mut prelude)?;
    let &[d, b, n, _, ref len @ ..] = prelude.as_slice() else {
        return Err(Fault::Truncated { needed: 8, got: prelude.len() });
    };
    if [d, b, n] != *b"DBN" {
        return Err(Fault::BadCode { byte: d, what: "beginning of a DBN file" });
    }
    let Ok(len) = <[u8; 4]>::try_from(len) else {
        return Err(Fault::Truncated { needed: 8, got: prelude.len() });
    };
    let len = u32::from_le_bytes(len) as usize;
    if len > METADATA_BYTES_MAX {
        return Err(Fault::TooLong { max: METADATA_BYTES_MAX });
    }
    let from = Box::new(std::io::Cursor::new(prelude).chain(from));
    Ok((Counted { from, count: 0 }, len as u64 + 8))
}

/// The symbols of the instrument ids. The metadata maps either way; ids are numbers, symbols hardly ever.
fn symbols(metadata: &Metadata) -> BTreeMap<u32, Symbol> {
    let mut symbols = BTreeMap::new();
    for mapping in &metadata.mappings {
        for interval in &mapping.intervals {
            for (id, symbol) in
                [(&interval.symbol, &mapping.raw_symbol), (&mapping.raw_symbol, &interval.symbol)]
            {
                if let (Ok(id), Ok(symbol)) = (id.parse(), Symbol::new(symbol)) {
                    symbols.entry(id).or_insert(symbol);
                }
            }
        }
    }
    symbols
}

fn action(mbo: &MboMsg) -> (&'static str, Action) {
    let side = match mbo.side.cast_unsigned() {
        b'B' => Some(Side::Buy),
        b'A' => Some(Side::Sell),
        _ => None,
    };
    let (order, qty) = (mbo.order_id, u64::from(mbo.size));
    let price = (mbo.price != i64::MAX && mbo.price > 0).then_some(mbo.price);
    let incomplete = Action::Skip(SkipReason::Incomplete);
    match (mbo.action.cast_unsigned(), side, price) {
        (b'A', Some(side), Some(price)) if qty > 0 => ("A", Action::Add { order, side, price, qty }),
        (b'A', ..) => ("A", incomplete),
        // The size of a cancel is what was taken off, which can be less than all of it.
        (b'C', side, price) => {
            ("C", Action::Cancel { order, qty: (qty > 0).then_some(qty), place: side.zip(price) })
        }
        (b'M', side, Some(price)) if qty > 0 => {
            ("M", Action::Modify { order, new_order: order, side, price, qty, to_back: false })
        }
        (b'M', ..) => ("M", incomplete),
        (b'T', Some(side), Some(price)) if qty > 0 => ("T", Action::Aggress { side, price, qty }),
        (b'T', ..) => ("T", incomplete),
        (b'F', ..) => ("F", Action::Fill { order, qty }),
        (b'R', ..) => ("R", Action::Clear),
        (b'N', ..) => ("N", Action::Skip(SkipReason::Administrative)),
        _ => ("unknown", Action::Skip(SkipReason::UnknownKind)),
    }
}
