//! An event store as the tables see it: where it is, how far a query may look, and what things in it are called.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use event_store::{Block, Reader, ReaderOptions, SEGMENT_HEADER_BYTES};
use model::Event;

use crate::error::Error;
use crate::index::{Pieces, SegmentIndex, Tail};
use crate::names::{Names, is_name};
use crate::table::carry::Carry;
use crate::table::scan::Range;
use crate::table::{Arguments, Filter};

/// Bytes of log looked through at once for names.
const NAMES_SPAN_BYTES: usize = 4 << 20;

/// A store that is open for questions. It may be in use by an exchange, which never notices.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    /// Stands at the first record.
    first: Reader,
    /// The last record the running query may see; 0 when none runs.
    pinned: AtomicU64,
    known: Mutex<Known>,
    /// The indices found so far, by segment.
    indices: Mutex<BTreeMap<u64, Arc<SegmentIndex>>>,
    /// That of the segment being written.
    tail: Mutex<Tail>,
    carry: Carry,
}

/// The names found so far.
#[derive(Debug)]
struct Known {
    reader: Reader,
    names: Arc<Names>,
}

impl Store {
    /// Opens a store. Takes no longer for a large one.
    ///
    /// # Errors
    /// [`Error::Store`] when it is none, or one of another format.
    pub fn open(dir: impl AsRef<Path>) -> Result<Arc<Self>, Error> {
        let dir = dir.as_ref().to_owned();
        // Checksums are the business of `outcry log verify`: here, lengths and sequence numbers are checked block by block.
        let reader = Reader::with_options(&dir, ReaderOptions::tail())?;
        let known = Known { reader: reader.clone(), names: Arc::default() };
        Ok(Arc::new(Self {
            dir,
            first: reader,
            pinned: AtomicU64::new(0),
            known: Mutex::new(known),
            indices: Mutex::default(),
            tail: Mutex::default(),
            carry: Carry::default(),
        }))
    }

    /// The store's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The store's id, and how many records the names were looked for in.
    #[cfg(feature = "extension")]
    pub(crate) fn identity(&self) -> (event_store::StoreId, u64) {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        (known.reader.store_id(), known.reader.next_sequence() - 1)
    }

    /// What folds keep for the query that goes on where they ended.
    pub(crate) fn carry(&self) -> &Carry {
        &self.carry
    }

    /// A reader at the first record.
    pub(crate) fn reader(&self) -> Reader {
        self.first.clone()
    }

    /// The last committed record.
    pub fn committed(&self) -> u64 {
        self.known.lock().unwrap_or_else(PoisonError::into_inner).reader.bound()
    }

    /// The last record that a query planned now may see.
    pub(crate) fn bound(&self) -> u64 {
        match self.pinned.load(Ordering::Relaxed) {
            0 => self.committed(),
            pinned => pinned,
        }
    }

    /// The last record stamped from `from_ns` on and before `to_ns`; `None` when there is none.
    #[cfg(feature = "session")]
    pub(crate) fn last_before(&self, from_ns: i64, to_ns: i64) -> Result<Option<u64>, Error> {
        let first_from = |time_ns| -> Result<u64, Error> {
            let mut reader = self.reader();
            reader.seek_time(time_ns)?;
            Ok(match reader.next_block()? {
                Some(block) => block.header().first_sequence,
                None => self.committed() + 1,
            })
        };
        let (first, next) = (first_from(from_ns)?, first_from(to_ns)?);
        Ok((first < next).then(|| next - 1))
    }

    /// Fixes what queries see at what is committed now, so that all tables of one agree. Returns that record.
    #[cfg(feature = "session")]
    pub(crate) fn pin(&self) -> u64 {
        let committed = self.committed();
        self.pinned.store(committed, Ordering::Relaxed);
        committed
    }

    /// Ends [`Store::pin`].
    #[cfg(feature = "session")]
    pub(crate) fn unpin(&self) {
        self.pinned.store(0, Ordering::Relaxed);
    }

    /// The index of a segment, if there is one.
    pub(crate) fn index(&self, reader: &Reader, segment: u64) -> Result<Option<Arc<SegmentIndex>>, Error> {
        let mut indices = self.indices.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = indices.get(&segment) {
            return Ok(Some(Arc::clone(index)));
        }
        let found = SegmentIndex::load(reader, segment)?;
        if let Some(index) = &found {
            indices.insert(segment, Arc::clone(index));
        }
        Ok(found)
    }

    /// The number of the segment that holds a record.
    pub(crate) fn segment_of(&self, reader: &Reader, sequence: u64) -> Result<u64, Error> {
        let holds = |index: &&Arc<SegmentIndex>| {
            index.first_sequence() <= sequence && sequence <= index.last_sequence()
        };
        let known = self
            .indices
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .values()
            .find(holds)
            .map(|index| index.number());
        let known =
            known.or_else(|| self.tail.lock().unwrap_or_else(PoisonError::into_inner).segment_from(sequence));
        Ok(known.map_or_else(|| reader.segment_of(sequence), Ok)?)
    }

    /// What is indexed of the segment that is being written.
    pub(crate) fn pieces(&self, reader: &Reader, segment: u64) -> Result<Option<Pieces>, Error> {
        self.tail.lock().unwrap_or_else(PoisonError::into_inner).pieces(reader, segment)
    }

    /// The names of everything up to a record, and perhaps of what came soon after.
    pub(crate) fn names(&self, up_to: u64) -> Result<Arc<Names>, Error> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let Known { reader, names } = &mut *known;
        while reader.next_sequence() <= up_to {
            // Of a completed segment only the blocks that name something are looked at, if there is another to go on in.
            if reader.offset() == SEGMENT_HEADER_BYTES as u64
                && let Some(index) = self.index(reader, reader.segment())?
                && index.last_sequence() < up_to
            {
                index.for_each_naming_block(|block| take_names(names, block))?;
                reader.seek_segment(reader.segment() + 1)?;
                continue;
            }
            let Some(span) = reader.next_span(NAMES_SPAN_BYTES, up_to)? else { break };
            span.try_for_each(|block| take_names(names, block))?;
        }
        Ok(Arc::clone(names))
    }

    /// The first record made at or after a time; the one after the last if none was.
    fn first_since(&self, time: &str) -> Result<u64, Error> {
        let time_ns = moment(time).ok_or_else(|| Error::NoTime { text: time.to_owned() })?;
        let mut reader = self.reader();
        reader.seek_time(time_ns)?;
        Ok(reader.next_sequence())
    }

    /// Finds what a call's parameters name.
    pub(crate) fn resolve(&self, arguments: &Arguments) -> Result<Filter, Error> {
        let bound = self.bound();
        let mut filter = Filter {
            range: Range { from: 1, to: bound },
            bound,
            instrument: None,
            account: None,
            interval_ns: None,
        };
        if let Some(from) = arguments.from_seq {
            filter.range.from = u64::try_from(from).unwrap_or(1).max(1);
        }
        if let Some(to) = arguments.to_seq {
            filter.range.to = u64::try_from(to).unwrap_or(0).min(bound);
        }
        filter.interval_ns = arguments.interval_ns.filter(|&ns| ns > 0);
        // Time never goes back in the log, so a span of time is a range of records.
        if let Some(time) = &arguments.from_time {
            filter.range.from = filter.range.from.max(self.first_since(time)?);
        }
        if let Some(time) = &arguments.to_time {
            filter.range.to = filter.range.to.min(self.first_since(time)? - 1);
        }
        if let Some(sequence) = arguments.seq {
            let at = u64::try_from(sequence).ok().filter(|at| (1..=bound).contains(at));
            filter.range.to = at.ok_or(Error::NotThere { sequence, last: bound })?;
        }
        if arguments.symbol.is_some() || arguments.account.is_some() {
            let names = self.names(bound)?;
            if let Some(symbol) = &arguments.symbol {
                let known = names.instruments.iter().map(|row| row.terms.symbol.as_str());
                let unknown = || unknown("instrument", symbol, known, "instruments", "symbol");
                filter.instrument = Some(names.instrument_by_symbol(symbol).ok_or_else(unknown)?);
            }
            if let Some(name) = &arguments.account {
                let known = names.accounts.iter().map(|row| row.opened.name.as_str());
                let unknown = || unknown("account", name, known, "accounts", "account");
                filter.account = Some(names.account_by_name(name).ok_or_else(unknown)?);
            }
        }
        Ok(filter)
    }
}

/// UNIX nanoseconds of a time as people write it: with a zone, or without one and in UTC; a date is its beginning.
fn moment(text: &str) -> Option<i64> {
    let text = text.trim();
    let timestamp = text.parse::<jiff::Timestamp>().ok().or_else(|| {
        let civil = text.parse::<jiff::civil::DateTime>().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })?;
    i64::try_from(timestamp.as_nanosecond()).ok()
}

/// Takes in what a block names.
fn take_names(names: &mut Arc<Names>, block: &Block<'_>) -> Result<(), Error> {
    let time_ns = block.header().timestamp_ns;
    for record in block.records().filter(|record| is_name(record.kind)) {
        let event = Event::decode(record.kind, record.version, record.payload)
            .map_err(|source| Error::Record { sequence: record.sequence, source })?;
        Arc::make_mut(names).apply(&event, record.sequence, time_ns);
    }
    Ok(())
}

/// That nothing has a name; `table` lists the names there are in its column `column`.
fn unknown<'a>(
    what: &'static str,
    name: &str,
    known: impl Iterator<Item = &'a str>,
    table: &'static str,
    column: &'static str,
) -> Error {
    Error::Unknown { what, name: name.to_owned(), near: nearest(name, known), table, column }
}

/// The name that looks most like another, if one does: as alike as the words that people mistype are.
fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    const ALIKE: f64 = 0.75;
    let folded = name.to_lowercase();
    known
        .map(|known| (strsim::jaro_winkler(&folded, &known.to_lowercase()), known))
        .filter(|(alike, _)| *alike >= ALIKE)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)))
        .map(|(_, known)| known.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_read_as_people_and_databases_write_them() {
        let opening = Some(1_767_605_400_000_000_000);
        for text in [
            "2026-01-05T09:30:00Z",
            "2026-01-05 09:30:00",
            "2026-01-05 09:30",
            "2026-01-05T04:30:00-05:00",
            " 2026-01-05 09:30:00.000 ",
        ] {
            assert_eq!(moment(text), opening, "{text}");
        }
        assert_eq!(moment("2026-01-05"), Some(1_767_571_200_000_000_000));
        assert_eq!(moment("2026-01-05 09:30:00.000000001"), opening.map(|ns| ns + 1));
        assert!(["", "noon", "09:30", "2026-13-01", "9999-12-31"].iter().all(|text| moment(text).is_none()));
    }

    #[test]
    fn a_mistyped_name_finds_the_one_that_was_meant() {
        let names = || ["AAPL", "AMZN", "MSFT", "market-maker"].into_iter();
        for (typed, meant) in [
            ("APPL", Some("AAPL")),
            ("aapl", Some("AAPL")),
            ("MFST", Some("MSFT")),
            ("marketmaker", Some("market-maker")),
            ("zzz", None),
        ] {
            assert_eq!(nearest(typed, names()).as_deref(), meant, "{typed}");
        }
        assert_eq!(nearest("x", std::iter::empty()), None);
    }
}
