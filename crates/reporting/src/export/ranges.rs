//! Where the log is cut into parts: by record numbers and date alone, so that every run cuts it in the same places.

use event_store::Reader;
use model::Timestamp;

use crate::error::Error;
use crate::store::Store;

/// Some whole blocks in a row, all of one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stretch {
    /// Its first record.
    pub first: u64,
    /// Its last record.
    pub last: u64,
    /// The day its blocks were stamped on, in UTC, counted from 1970-01-01.
    pub day: i32,
    /// The log's hash chain at its end, where the log's writer has got so far.
    pub chain: Option<[u8; 32]>,
}

/// Goes along the log and cuts it. A part ends with the block that holds a multiple of `part_records`, or with the last
/// block of a day: neither can change once it has been written and something follows, so a part that is cut stays as it is.
pub struct Ranges {
    reader: Reader,
    part_records: u64,
    /// What has been seen of the part that is not cut yet.
    open: Option<Stretch>,
}

impl Ranges {
    /// Begins at a record, the first of a block.
    pub fn new(store: &Store, from: u64, part_records: u64) -> Result<Self, Error> {
        let mut reader = store.reader();
        reader.seek_sequence(from)?;
        Ok(Self { reader, part_records, open: None })
    }

    /// The next whole part; `None` when the log has not come to the end of one.
    pub fn next(&mut self) -> Result<Option<Stretch>, Error> {
        loop {
            if let Some(part) = self.open
                && part.last >= self.cut_after(part.first)
            {
                self.open = None;
                return Ok(Some(part));
            }
            let Some(block) = self.reader.next_block()? else { return Ok(None) };
            let header = block.header();
            if header.record_count == 0 {
                continue;
            }
            let seen = Stretch {
                first: header.first_sequence,
                last: header.first_sequence + u64::from(header.record_count) - 1,
                day: Timestamp(header.timestamp_ns).utc_day().0,
                chain: block.chain_hash(),
            };
            match &mut self.open {
                Some(part) if part.day == seen.day => *part = Stretch { first: part.first, ..seen },
                open => {
                    if let Some(yesterday) = open.replace(seen) {
                        return Ok(Some(yesterday));
                    }
                }
            }
        }
    }

    /// What the log has after the last whole part.
    pub fn open(&self) -> Option<Stretch> {
        self.open
    }

    /// The record after which a part that begins with `first` is cut.
    fn cut_after(&self, first: u64) -> u64 {
        first.div_ceil(self.part_records) * self.part_records
    }
}
