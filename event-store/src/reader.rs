//! Reading the log, in this process or any other: the same files mapped read-only, followed without system calls
//! until the next segment begins. Readers take no lock, and nobody waits for them.

mod sealed;
mod span;

pub use sealed::SealedSegment;
pub use span::Span;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::checksum::ChainHash;
use crate::control::{CHAINED, Control, DURABLE, load};
use crate::error::{Damage, Error};
use crate::format::{BlockHeader, RECORD_HEADER_BYTES, RecordHeader, StoreId, record_bytes};
use crate::fs::{Access, Disk, FileSystem};
use crate::mapping::Mapping;
use crate::publish::{BlockCursor, Peek, Published};
use crate::segment::{Geometry, Segment};
use crate::walk::check_content;
use crate::watermarks::{Mark, MarkValues};

/// How to read a store.
#[derive(Debug, Clone)]
pub struct ReaderOptions {
    /// Nothing past this mark is shown. [`Mark::Committed`] for everything that acts on what it reads.
    pub bound: Mark,
    /// Whether each block's checksum and records are checked before it is shown. Worth it for a log that has been
    /// at rest; a waste for one this machine wrote a moment ago.
    pub checksums: bool,
    /// The file system.
    pub file_system: Arc<dyn FileSystem>,
}

impl Default for ReaderOptions {
    fn default() -> Self {
        Self { bound: Mark::Committed, checksums: true, file_system: Arc::new(Disk) }
    }
}

impl ReaderOptions {
    /// For following the tail of a log that is being written: no checksums.
    pub fn tail() -> Self {
        Self { checksums: false, ..Self::default() }
    }
}

/// A position in the log and the means to read on from there.
///
/// A log can be read while its writer is gone, crashed even; the marks then stand where it left them, and what a
/// crash tore is found by checksum or not shown at all. Under [`Mark::Written`] a reader may see blocks that a crash
/// and the recovery after it take back: watch [`MarkValues::incarnation`].
///
/// A clone stands where its original stands, and goes its own way from there.
#[derive(Debug, Clone)]
pub struct Reader {
    dir: PathBuf,
    options: ReaderOptions,
    control: Arc<Control>,
    geometry: Geometry,
    segment: Arc<Segment>,
    cursor: BlockCursor,
    /// The first sequence number of the next block.
    next_sequence: u64,
    /// The bound as last looked up.
    limit: u64,
}

/// A block of the log. Its bytes lie in the mapped file.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    header: BlockHeader,
    published: Published<'a>,
    control: &'a Mapping,
}

/// A record of the log. Its payload lies in the mapped file, 16-byte aligned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Record<'a> {
    /// Its number: from 1, without gaps.
    pub sequence: u64,
    /// The application's type of record.
    pub kind: u16,
    /// The application's schema version of that type.
    pub version: u16,
    /// The application's word.
    pub tag: u64,
    /// The application's bytes.
    pub payload: &'a [u8],
}

impl Reader {
    /// Opens a store for reading its committed records from the first on, with checksums.
    ///
    /// # Errors
    /// [`Error::NotAStore`], [`Error::FormatVersion`], [`Error::HeaderCorrupt`], or what the file system refuses. A store that
    /// was just created and has no segment yet is [`Error::MissingSegment`].
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        Self::with_options(dir, ReaderOptions::default())
    }

    /// Opens a store for reading from the first record on.
    ///
    /// # Errors
    /// As for [`Reader::open`].
    pub fn with_options(dir: impl AsRef<Path>, options: ReaderOptions) -> Result<Self, Error> {
        let dir = dir.as_ref().to_owned();
        let fs = &*options.file_system;
        let control = Arc::new(Control::open(fs, &dir, Access::Read)?);
        let geometry = Geometry { store_id: control.store_id(), segment_bytes: control.header.segment_bytes };
        let segment = Arc::new(Segment::open(fs, &dir, geometry, 1, Access::Read)?);
        let cursor = BlockCursor::first(Arc::clone(&segment.mapping));
        Ok(Self { dir, options, control, geometry, segment, cursor, next_sequence: 1, limit: 0 })
    }

    /// The next block at or below the bound; `None` at the end of it: ask again later.
    ///
    /// # Errors
    /// [`Error::Corruption`] for a block that is not what was written or is gone; the reader stays before it.
    /// [`Error::MissingSegment`] for a segment that is gone.
    #[inline]
    pub fn next_block(&mut self) -> Result<Option<Block<'_>>, Error> {
        let Some(header) = self.find()? else { return Ok(None) };
        self.next_sequence = header.last_sequence() + 1;
        let published = self.cursor.advance();
        Ok(Some(Block { header, published, control: self.control.mapping() }))
    }

    /// Moves the cursor to the next block, if there is one, and looks at its header.
    #[inline]
    fn find(&mut self) -> Result<Option<BlockHeader>, Error> {
        loop {
            if self.next_sequence > self.limit {
                self.limit = self.control.load(self.options.bound.word());
                if self.next_sequence > self.limit {
                    return Ok(None);
                }
            }
            match self.cursor.peek() {
                Peek::Block(block) => {
                    let header = block.decode();
                    self.check(&block, &header)?;
                    if header.last_sequence() > self.limit {
                        self.limit = self.control.load(self.options.bound.word());
                        if header.last_sequence() > self.limit {
                            return Ok(None);
                        }
                    }
                    return Ok(Some(header));
                }
                Peek::BadLength(found) => return Err(self.corruption(Damage::Length { found })),
                Peek::Nothing => {
                    if !self.next_segment()? {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn check(&self, block: &Published<'_>, header: &BlockHeader) -> Result<(), Error> {
        if self.options.checksums {
            check_content(block, self.segment.salt, self.segment.number)
                .map_err(|damage| self.corruption(damage))?;
        }
        if header.first_sequence != self.next_sequence || header.record_count == 0 {
            let damage = Damage::Sequence { expected: self.next_sequence, found: header.first_sequence };
            return Err(self.corruption(damage));
        }
        Ok(())
    }

    /// The bound says that there is more, and it is not in this segment: it must be in the next one.
    #[cold]
    fn next_segment(&mut self) -> Result<bool, Error> {
        match self.cursor.seal() {
            Peek::Block(seal) => {
                let header = seal.decode();
                if self.options.checksums {
                    check_content(&seal, self.segment.salt, self.segment.number)
                        .map_err(|damage| self.corruption(damage))?;
                }
                if header.first_sequence != self.next_sequence {
                    return Err(self.corruption(Damage::Missing));
                }
            }
            Peek::BadLength(found) => return Err(self.corruption(Damage::Length { found })),
            Peek::Nothing => {
                // Without a crash this does not happen: marks move after blocks. After one, a mark may have
                // reached the disk before the blocks it speaks of, but never so the durable mark.
                if self.next_sequence <= self.control.load(DURABLE) {
                    return Err(self.corruption(Damage::Missing));
                }
                return Ok(false);
            }
        }
        self.enter(self.segment.number + 1)?;
        Ok(true)
    }

    fn enter(&mut self, number: u64) -> Result<(), Error> {
        let opened = self.open_segment(number)?;
        self.segment = Arc::new(opened);
        self.cursor = BlockCursor::first(Arc::clone(&self.segment.mapping));
        Ok(())
    }

    fn open_segment(&self, number: u64) -> Result<Segment, Error> {
        let opened =
            Segment::open(&*self.options.file_system, &self.dir, self.geometry, number, Access::Read);
        opened.map_err(|error| match error {
            Error::MissingSegment { dir, segment, .. } => {
                Error::MissingSegment { dir, segment, last_sequence_before: self.next_sequence - 1 }
            }
            other => other,
        })
    }

    fn corruption(&self, damage: Damage) -> Error {
        Error::Corruption {
            dir: self.dir.clone(),
            path: self.segment.path.clone(),
            segment: self.segment.number,
            offset: self.cursor.offset() as u64,
            first_sequence: self.next_sequence,
            last_sequence: self.limit.max(self.next_sequence),
            damage,
        }
    }

    /// Goes to the block that holds `sequence`; one past the last record is the end. Use
    /// [`Block::records_from`] to skip what precedes it in the block.
    ///
    /// # Errors
    /// [`Error::SequenceOutOfRange`] if the record is past the bound or 0.
    pub fn seek_sequence(&mut self, sequence: u64) -> Result<(), Error> {
        let last = self.bound();
        if sequence == 0 || sequence > last + 1 {
            return Err(Error::SequenceOutOfRange { sequence, last_sequence: last });
        }
        self.seek(|header| header.first_sequence <= sequence, |header| header.last_sequence() >= sequence)
    }

    /// Goes to the first block made at or after `timestamp_ns` (UNIX nanoseconds), or to the end.
    ///
    /// # Errors
    /// Damage met on the way.
    pub fn seek_time(&mut self, timestamp_ns: i64) -> Result<(), Error> {
        self.seek(|header| header.timestamp_ns < timestamp_ns, |header| header.timestamp_ns >= timestamp_ns)
    }

    /// Goes to the first block of a segment.
    ///
    /// # Errors
    /// [`Error::MissingSegment`] if there is no such segment.
    pub fn seek_segment(&mut self, segment: u64) -> Result<(), Error> {
        let sequence = match segment {
            1 => 1,
            number => {
                let before = self.open_segment(number.saturating_sub(1))?;
                match BlockCursor::first(Arc::clone(&before.mapping)).seal() {
                    Peek::Block(seal) => seal.decode().first_sequence,
                    // Prepared, not yet begun.
                    _ => {
                        return Err(Error::MissingSegment {
                            dir: self.dir.clone(),
                            segment,
                            last_sequence_before: self.bound(),
                        });
                    }
                }
            }
        };
        self.enter(segment)?;
        self.next_sequence = sequence;
        Ok(())
    }

    /// Goes past the last record.
    ///
    /// # Errors
    /// Damage met on the way.
    pub fn seek_end(&mut self) -> Result<(), Error> {
        let last = self.bound();
        self.seek_sequence(last + 1)
    }

    /// Finds the last segment that begins `before` what is looked for, then the first block in it or after it that
    /// is `found`. Segments are searched by halves, the blocks of one segment in a row, headers only.
    fn seek(
        &mut self,
        before: impl Fn(&BlockHeader) -> bool,
        found: impl Fn(&BlockHeader) -> bool,
    ) -> Result<(), Error> {
        let segment = self.last_segment_that(before)?;
        self.seek_segment(segment)?;
        self.limit = self.bound();
        while let Some(header) = self.find_unchecked()? {
            if found(&header) {
                break;
            }
            self.next_sequence = header.last_sequence() + 1;
            self.cursor.advance();
        }
        Ok(())
    }

    fn find_unchecked(&mut self) -> Result<Option<BlockHeader>, Error> {
        let checksums = std::mem::replace(&mut self.options.checksums, false);
        let outcome = self.find();
        self.options.checksums = checksums;
        outcome
    }

    /// The last record this reader may show.
    pub fn bound(&self) -> u64 {
        self.control.load(self.options.bound.word())
    }

    /// The first sequence number of the next block.
    pub fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    /// The segment the next block is looked for in.
    pub fn segment(&self) -> u64 {
        self.segment.number
    }

    /// Where in that segment's file, in bytes.
    pub fn offset(&self) -> u64 {
        self.cursor.offset() as u64
    }

    /// All watermarks, as they stand.
    pub fn marks(&self) -> MarkValues {
        MarkValues::load(&self.control)
    }

    /// The store's id.
    pub fn store_id(&self) -> StoreId {
        self.geometry.store_id
    }

    /// When the store was created, UNIX nanoseconds.
    pub fn created_ns(&self) -> i64 {
        self.control.header.created_ns
    }

    /// Size of each segment file, in bytes.
    pub fn segment_bytes(&self) -> u64 {
        self.geometry.segment_bytes
    }

    /// The store directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }
}

impl<'a> Block<'a> {
    /// The block's header.
    #[inline]
    pub fn header(&self) -> &BlockHeader {
        &self.header
    }

    /// Its records, in order.
    #[inline]
    pub fn records(&self) -> Records<'a> {
        Records { bytes: self.published.records, sequence: self.header.first_sequence }
    }

    /// Its records from `sequence` on.
    pub fn records_from(&self, sequence: u64) -> impl Iterator<Item = Record<'a>> + use<'a> {
        self.records().skip_while(move |record| record.sequence < sequence)
    }

    /// Where in its segment's file the block begins, in bytes.
    pub fn offset(&self) -> u64 {
        self.published.offset as u64
    }

    /// The header as it stands in the file, without the chain field: 96 bytes.
    pub fn header_bytes(&self) -> &'a [u8] {
        self.published.header
    }

    /// The records as they stand in the file.
    pub fn record_bytes(&self) -> &'a [u8] {
        self.published.records
    }

    /// The block's link of the hash chain, once the flusher has filled it in.
    pub fn chain_hash(&self) -> Option<ChainHash> {
        let chained = load(self.control, CHAINED) >= self.header.last_sequence();
        chained.then(|| self.published.chain())
    }
}

/// Iterates over the records of a block.
#[derive(Debug, Clone)]
pub struct Records<'a> {
    bytes: &'a [u8],
    sequence: u64,
}

impl<'a> Iterator for Records<'a> {
    type Item = Record<'a>;

    #[inline]
    fn next(&mut self) -> Option<Record<'a>> {
        let header = RecordHeader::decode(self.bytes.get(..RECORD_HEADER_BYTES)?);
        let payload_bytes = header.payload_bytes as usize;
        // An unchecked block that is damaged may say anything here; it ends, and nothing panics.
        let payload = self.bytes.get(RECORD_HEADER_BYTES..RECORD_HEADER_BYTES + payload_bytes)?;
        self.bytes = self.bytes.get(record_bytes(payload_bytes)..).unwrap_or_default();
        let sequence = self.sequence;
        self.sequence += 1;
        Some(Record { sequence, kind: header.kind, version: header.version, tag: header.tag, payload })
    }
}
