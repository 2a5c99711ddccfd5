//! Nasdaq TotalView-ITCH 5.0 in `BinaryFILE` framing: each message after its length, two bytes, most significant first.
//!
//! The messages that matter here are read field by field from the specification
//! (<https://www.nasdaqtrader.com/content/technicalsupport/specifications/dataproducts/NQTVITCHSpecification.pdf>); of the others only the length
//! is checked. This is written here because the `itchy` crate (0.3.4) panics on a stock name that is not UTF-8, on a bad message
//! near the end of its buffer and on a stalled read, and never looks at the length that frames a message.

use super::{Action, Fault, Feed, FeedError, FeedInfo, Format, MarketMessage, SkipReason};
use model::{Phase, Side, Symbol, Timestamp};
use std::io::Read;

/// ITCH's prices have four decimals.
const PRICE_SCALE: u8 = 4;
/// The longest message: `I`, the net order imbalance indicator. Longer ones are of a later version.
const MESSAGE_BYTES_MAX: usize = 512;
/// What every message begins with: kind, stock locate, tracking number, nanoseconds since midnight.
const HEADER_BYTES: usize = 11;

/// The kinds of message and their lengths, without the two bytes of framing.
const LENGTHS: &[(u8, usize)] = &[
    (b'S', 12),
    (b'R', 39),
    (b'H', 25),
    (b'Y', 20),
    (b'L', 26),
    (b'V', 35),
    (b'W', 12),
    (b'K', 28),
    (b'J', 35),
    (b'h', 21),
    (b'A', 36),
    (b'F', 40),
    (b'E', 31),
    (b'C', 36),
    (b'X', 23),
    (b'D', 19),
    (b'U', 35),
    (b'P', 44),
    (b'Q', 40),
    (b'B', 19),
    (b'I', 50),
    (b'N', 20),
    (b'O', 48),
];

/// Reads a file that is not compressed, or that somebody decompresses on the way ([`gunzip`]).
#[derive(Debug)]
pub struct ItchReader<R> {
    name: Box<str>,
    from: R,
    buffer: [u8; MESSAGE_BYTES_MAX],
    record: u64,
    offset: u64,
    ended: bool,
}

/// A reader of the uncompressed bytes of a gzip file.
#[cfg(feature = "feeds")]
pub fn gunzip<R: std::io::BufRead>(from: R) -> std::io::BufReader<flate2::bufread::MultiGzDecoder<R>> {
    std::io::BufReader::new(flate2::bufread::MultiGzDecoder::new(from))
}

impl<R: Read> ItchReader<R> {
    /// A reader of `from`, best buffered. The name is for error messages.
    pub fn new(name: &str, from: R) -> Self {
        Self { name: name.into(), from, buffer: [0; MESSAGE_BYTES_MAX], record: 0, offset: 0, ended: false }
    }

    fn error(&self, fault: Fault) -> FeedError {
        FeedError { file: self.name.clone(), record: self.record, offset: self.offset, fault }
    }

    /// Fills the buffer's first `len` bytes, or says how many there were.
    fn fill(&mut self, len: usize) -> std::io::Result<usize> {
        let mut got = 0;
        while got < len {
            match self.from.read(&mut self.buffer[got..len]) {
                Ok(0) => break,
                Ok(more) => got += more,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(got)
    }

    fn read(&mut self) -> Result<Option<MarketMessage>, FeedError> {
        self.record += 1;
        let got = self.fill(2).map_err(|error| self.error(error.into()))?;
        if got == 0 {
            return Ok(None);
        }
        if got < 2 {
            return Err(self.error(Fault::Truncated { needed: 2, got }));
        }
        let len = usize::from(u16::from_be_bytes([self.buffer[0], self.buffer[1]]));
        if len == 0 {
            return Err(self.error(Fault::Empty));
        }
        if len > MESSAGE_BYTES_MAX {
            return Err(self.error(Fault::TooLong { max: MESSAGE_BYTES_MAX }));
        }
        let got = self.fill(len).map_err(|error| self.error(error.into()))?;
        if got < len {
            return Err(self.error(Fault::Truncated { needed: len + 2, got: got + 2 }));
        }
        let mut message = parse(&self.buffer[..len]).map_err(|fault| self.error(fault))?;
        message.record = self.record;
        self.offset += len as u64 + 2;
        Ok(Some(message))
    }
}

impl<R: Read> Feed for ItchReader<R> {
    fn info(&self) -> FeedInfo {
        FeedInfo { format: Format::Itch, price_scale: PRICE_SCALE }
    }

    fn next_message(&mut self) -> Result<Option<MarketMessage>, FeedError> {
        if self.ended {
            return Ok(None);
        }
        let message = self.read();
        self.ended = !matches!(message, Ok(Some(_)));
        message
    }
}

/// A message whose length has been checked against its kind.
struct Fields<'a>(&'a [u8]);

impl Fields<'_> {
    fn be<const N: usize>(&self, at: usize) -> u64 {
        self.0[at..at + N].iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    fn price(&self, at: usize) -> i64 {
        self.be::<4>(at).cast_signed()
    }

    fn side(&self, at: usize) -> Result<Side, Fault> {
        match self.0[at] {
            b'B' => Ok(Side::Buy),
            b'S' => Ok(Side::Sell),
            byte => Err(Fault::BadCode { byte, what: "side" }),
        }
    }

    fn symbol(&self, at: usize) -> Result<Symbol, Fault> {
        let bytes = self.0[at..at + 8].trim_ascii_end();
        let text = str::from_utf8(bytes).map_err(|error| Fault::BadCode {
            byte: bytes[error.valid_up_to()],
            what: "letter of a symbol",
        })?;
        Ok(Symbol::new(text)?)
    }
}

fn parse(message: &[u8]) -> Result<MarketMessage, Fault> {
    let code = message[0];
    let known = LENGTHS.iter().find(|&&(kind, _)| kind == code);
    let expected = known.map_or(HEADER_BYTES, |&(_, len)| len);
    if known.is_some() && message.len() != expected || message.len() < HEADER_BYTES {
        return Err(Fault::BadLength { kind: code.into(), expected, got: message.len() });
    }
    let fields = Fields(message);
    let (kind, action) = action(code, &fields)?;
    Ok(MarketMessage {
        record: 0,
        at: Timestamp(fields.be::<6>(5).cast_signed()),
        instrument: u32::from(u16::from_be_bytes([message[1], message[2]])),
        kind,
        action,
        ends_event: true,
        book: None,
    })
}

fn action(code: u8, fields: &Fields) -> Result<(&'static str, Action), Fault> {
    let administrative = Action::Skip(SkipReason::Administrative);
    Ok(match code {
        b'R' => ("R", Action::List { symbol: fields.symbol(11)? }),
        b'H' => ("H", trading_state(fields.0[19])?),
        b'A' => ("A", add(fields)?),
        b'F' => ("F", add(fields)?),
        b'E' => ("E", execute(fields)),
        b'C' => ("C", execute(fields)),
        b'X' => {
            let (order, qty) = (fields.be::<8>(11), fields.be::<4>(19));
            ("X", Action::Cancel { order, qty: Some(qty), place: None })
        }
        b'D' => ("D", Action::Cancel { order: fields.be::<8>(11), qty: None, place: None }),
        b'U' => {
            let (order, new_order) = (fields.be::<8>(11), fields.be::<8>(19));
            let (qty, price) = (fields.be::<4>(27), fields.price(31));
            // "The new order … is assigned a new timestamp": it goes to the back even when only quantity was taken off.
            ("U", Action::Modify { order, new_order, side: None, price, qty, to_back: true })
        }
        b'P' => ("P", Action::Skip(SkipReason::HiddenExecution)),
        b'Q' => ("Q", Action::Skip(SkipReason::Cross)),
        b'S' => ("S", administrative),
        b'Y' => ("Y", administrative),
        b'L' => ("L", administrative),
        b'V' => ("V", administrative),
        b'W' => ("W", administrative),
        b'K' => ("K", administrative),
        b'J' => ("J", administrative),
        b'h' => ("h", administrative),
        b'B' => ("B", administrative),
        b'I' => ("I", administrative),
        b'N' => ("N", administrative),
        b'O' => ("O", administrative),
        _ => ("unknown", Action::Skip(SkipReason::UnknownKind)),
    })
}

fn add(fields: &Fields) -> Result<Action, Fault> {
    let (order, side) = (fields.be::<8>(11), fields.side(19)?);
    let (qty, price) = (fields.be::<4>(20), fields.price(32));
    if qty == 0 || price == 0 {
        return Ok(Action::Skip(SkipReason::Incomplete));
    }
    Ok(Action::Add { order, side, price, qty })
}

fn execute(fields: &Fields) -> Action {
    match (fields.be::<8>(11), fields.be::<4>(19)) {
        (_, 0) => Action::Skip(SkipReason::Incomplete),
        (order, qty) => Action::Execute { order, qty, place: None },
    }
}

/// The trading action of a stock: halted, paused, quotation only, or trading.
fn trading_state(byte: u8) -> Result<Action, Fault> {
    match byte {
        b'H' | b'P' => Ok(Action::Phase(Phase::Halted)),
        b'Q' => Ok(Action::Skip(SkipReason::Administrative)),
        b'T' => Ok(Action::Phase(Phase::Open)),
        byte => Err(Fault::BadCode { byte, what: "trading state" }),
    }
}
