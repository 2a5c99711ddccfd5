//! The events of a log from some record on, each with the subject it goes to and as the bytes it is sent as.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::path::Path;

use event_store::{BlockHeader, Reader, ReaderOptions, Record};
use model::{DecodeError, Event, InstrumentCreated, InstrumentId, KIND_EVENT_FIRST, Record as _};

use crate::error::Error;

/// Makes of a record what is sent.
pub type Encode = fn(&Record<'_>, &BlockHeader) -> Result<Vec<u8>, DecodeError>;

/// An event to send.
#[derive(Debug)]
pub struct Outgoing {
    /// Its record.
    pub sequence: u64,
    /// Where it goes.
    pub subject: String,
    /// What is sent.
    pub payload: Vec<u8>,
}

/// A log that is read on from some record.
pub struct Source {
    reader: Reader,
    encode: Encode,
    prefix: String,
    /// What instruments are called in subjects, by id.
    symbols: Vec<String>,
    /// Instruments listed up to this record are in `symbols`.
    named_to: u64,
    /// The first record that is wanted.
    from: u64,
    /// Events of the block that was read last.
    ready: VecDeque<Outgoing>,
}

impl Source {
    /// Opens a store.
    pub fn open(dir: &Path, prefix: &str, encode: Encode) -> Result<Self, Error> {
        let reader = Reader::with_options(dir, ReaderOptions::tail())?;
        let (prefix, ready) = (prefix.to_owned(), VecDeque::new());
        Ok(Self { reader, encode, prefix, symbols: Vec::new(), named_to: 0, from: 1, ready })
    }

    /// The store's id.
    pub fn store_id(&self) -> String {
        self.reader.store_id().to_string()
    }

    /// The last committed record.
    pub fn committed(&self) -> u64 {
        self.reader.bound()
    }

    /// Goes to a record, at most one past the last.
    pub fn seek(&mut self, from: u64) -> Result<(), Error> {
        self.ready.clear();
        self.from = from;
        if from > self.named_to + 1 {
            // Instruments that were listed before.
            self.reader.seek_sequence(self.named_to + 1)?;
            while self.reader.next_sequence() < from {
                let Some(block) = self.reader.next_block()? else { break };
                for record in block.records_from(self.named_to + 1) {
                    name(&mut self.symbols, &record)?;
                    self.named_to = record.sequence;
                }
            }
        }
        self.reader.seek_sequence(from)?;
        Ok(())
    }

    /// The next event; `None` when there is none yet.
    pub fn next(&mut self) -> Result<Option<Outgoing>, Error> {
        while self.ready.is_empty() {
            let Some(block) = self.reader.next_block()? else { return Ok(None) };
            for record in block.records_from(self.from) {
                if record.sequence > self.named_to {
                    name(&mut self.symbols, &record)?;
                    self.named_to = record.sequence;
                }
                if record.kind >= KIND_EVENT_FIRST {
                    let sequence = record.sequence;
                    let wrong = |source| Error::Record { sequence, source };
                    let event = Event::decode(record.kind, record.version, record.payload).map_err(wrong)?;
                    let symbol = instrument(&event)
                        .and_then(|id| self.symbols.get(id.index()))
                        .map_or(NOTHING, String::as_str);
                    let subject = format!("{}.{}.{symbol}", self.prefix, event.name());
                    let payload = (self.encode)(&record, block.header()).map_err(wrong)?;
                    self.ready.push_back(Outgoing { sequence, subject, payload });
                }
            }
        }
        Ok(self.ready.pop_front())
    }
}

/// Stands for the symbol where an event is about no instrument.
const NOTHING: &str = "_";

/// Takes in what an instrument is called.
fn name(symbols: &mut Vec<String>, record: &Record<'_>) -> Result<(), Error> {
    if record.kind == InstrumentCreated::KIND {
        let created = InstrumentCreated::decode(record.version, record.payload)
            .map_err(|source| Error::Record { sequence: record.sequence, source })?;
        // They are numbered in the order in which they are listed.
        symbols.push(token(created.symbol.as_str()));
    }
    Ok(())
}

/// A symbol as one token of a subject. Dots part tokens there, and blanks, `*` and `>` mean something else: everything but letters,
/// digits, `-` and `_` is written as in a URL.
fn token(symbol: &str) -> String {
    let mut token = String::with_capacity(symbol.len());
    for byte in symbol.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' {
            token.push(char::from(byte));
        } else {
            write!(token, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    // What stands for nothing.
    if token == NOTHING { "%5F".to_owned() } else { token }
}

/// The instrument an event is about.
fn instrument(event: &Event) -> Option<InstrumentId> {
    match event {
        Event::OrderAccepted(it) => Some(it.instrument),
        Event::OrderRejected(it) => Some(it.instrument),
        Event::Trade(it) => Some(it.instrument),
        Event::OrderBooked(it) => Some(it.instrument),
        Event::OrderCanceled(it) => Some(it.instrument),
        Event::OrderReplaced(it) => Some(it.instrument),
        Event::OrderReduced(it) => Some(it.instrument),
        Event::CommandRejected(it) => Some(it.instrument),
        Event::PhaseChanged(it) => Some(it.instrument),
        Event::InstrumentCreated(it) => Some(it.instrument),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::token;

    #[test]
    fn symbols_are_one_token_each_and_stay_apart() {
        for (symbol, expected) in [
            ("AAPL", "AAPL"),
            ("BRK.B", "BRK%2EB"),
            ("BRK-B", "BRK-B"),
            ("A>", "A%3E"),
            ("A%2E", "A%252E"),
            ("_", "%5F"),
        ] {
            assert_eq!(token(symbol), expected);
        }
    }
}
