//! Checking a whole store: every checksum, the hash chain, every sequence number, and that what must be zero is.
//! Changes nothing, and may run beside a live writer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::checksum::ChainHash;
use crate::control::{CHAINED, COMMITTED, Control, DURABLE, HALTED, INCARNATION, WRITTEN};
use crate::error::{Damage, Error};
use crate::format::{
    CONTROL_BYTES, ControlHeader, MARK_SLOTS, SEGMENT_HEADER_BYTES, STATE_SLOTS, SegmentHeader, Slot,
    StoreId, seal_offset,
};
use crate::fs::{Access, Disk, FileSystem};
use crate::mapping::Mapping;
use crate::open::LOCK_FILE;
use crate::publish::{BlockCursor, Peek, Published};
use crate::recovery::TornTail;
use crate::segment::{self, Geometry, Segment};
use crate::walk::{Expected, chain_of, check_content, check_place};

/// What [`verify`] found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VerifyReport {
    /// The store's id.
    pub store_id: StoreId,
    /// Whether a writer had the store open meanwhile. Then only what was chained when verifying began is checked.
    pub live: bool,
    /// Whether the last writer closed the store. If not, opening it for writing will recover it.
    pub clean: bool,
    /// Segment files.
    pub segments: u64,
    /// Good blocks.
    pub blocks: u64,
    /// Good records.
    pub records: u64,
    /// Bytes of good blocks.
    pub bytes: u64,
    /// The last good record.
    pub last_sequence: u64,
    /// The last record certainly on the disk, as the segment headers say.
    pub durable_mark: u64,
    /// The hash of the last good block: it stands for the whole log up to there.
    pub head: ChainHash,
    /// What a crash left unfinished at the end. Not damage: opening the store for writing erases it.
    pub torn: Option<TornTail>,
    /// What is wrong. Empty: the store is intact.
    pub findings: Vec<Finding>,
}

impl VerifyReport {
    /// Whether nothing is wrong.
    pub fn is_intact(&self) -> bool {
        self.findings.is_empty()
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// The damaged file.
    pub path: PathBuf,
    /// The segment, 0 for the control file.
    pub segment: u64,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// The first record that cannot be trusted, if records are affected.
    pub first_sequence: Option<u64>,
    /// The last record affected, if that can be told.
    pub last_sequence: Option<u64>,
    /// What is wrong.
    pub damage: Damage,
}

/// Checks the store in `dir` on the operating system's file system.
///
/// # Errors
/// What makes checking impossible: no store, no readable control file, another format version. Damage to
/// segments is not an error here but a [`Finding`].
pub fn verify(dir: impl AsRef<Path>) -> Result<VerifyReport, Error> {
    verify_with(dir.as_ref(), &Disk, |_| {})
}

/// As [`verify`], on any file system, calling `progress` with the number of each segment when it has been checked.
///
/// # Errors
/// As for [`verify`].
pub fn verify_with(
    dir: &Path,
    fs: &dyn FileSystem,
    mut progress: impl FnMut(u64),
) -> Result<VerifyReport, Error> {
    let lock = dir.join(LOCK_FILE);
    let live = fs.is_locked(&lock).map_err(|e| Error::io("examine", &lock, e))?;
    let control = Control::open(fs, dir, Access::Read)?;
    let geometry = Geometry { store_id: control.store_id(), segment_bytes: control.header.segment_bytes };
    let state = control.state();
    let report = VerifyReport {
        store_id: geometry.store_id,
        live,
        clean: state.clean && !live,
        segments: 0,
        blocks: 0,
        records: 0,
        bytes: 0,
        last_sequence: 0,
        durable_mark: 0,
        head: Expected::genesis(geometry.store_id).chain,
        torn: None,
        findings: Vec::new(),
    };
    let limit = if live { control.load(CHAINED) } else { u64::MAX };
    let mut verifier = Verifier {
        dir,
        fs,
        geometry,
        control: &control,
        limit,
        expected: Expected::genesis(geometry.store_id),
        ended: false,
        floor: 0,
        report,
    };
    verifier.run(&mut progress)?;
    Ok(verifier.report)
}

struct Verifier<'a> {
    dir: &'a Path,
    fs: &'a dyn FileSystem,
    geometry: Geometry,
    control: &'a Control,
    /// Blocks past this record are not looked at.
    limit: u64,
    expected: Expected,
    /// The log has ended: segments from here on must be empty.
    ended: bool,
    /// The last record that must be there.
    floor: u64,
    report: VerifyReport,
}

impl Verifier<'_> {
    fn run(&mut self, progress: &mut impl FnMut(u64)) -> Result<(), Error> {
        let state = self.control.state();
        let numbers = segment::list(self.fs, self.dir)?.segments;
        let last = numbers.last().copied().unwrap_or(0).max(state.segments);
        let mut segments = Vec::new();
        for number in 1..=last {
            segments.push(self.open(number)?);
        }
        self.report.segments = numbers.len() as u64;
        let marks = segments.iter().flatten().filter_map(|segment| segment.mark().ok());
        self.report.durable_mark = marks.map(|mark| mark.sequence).max().unwrap_or(0);
        self.floor = self.report.durable_mark.max(if state.clean { state.last_sequence } else { 0 });
        for (number, segment) in (1..).zip(segments) {
            match segment {
                Some(segment) => self.segment(&segment),
                // Said already; what follows is judged by itself.
                None => self.rebase(number + 1),
            }
            progress(number);
        }
        self.report.last_sequence = self.expected.last_sequence();
        self.report.head = self.expected.chain;
        if !self.report.live {
            self.control_file();
        }
        Ok(())
    }

    /// Opens a segment; one that cannot be is a finding.
    fn open(&mut self, number: u64) -> Result<Option<Segment>, Error> {
        let path = self.dir.join(segment::SEGMENTS_DIR).join(segment::file_name(number));
        let damage = match Segment::open(self.fs, self.dir, self.geometry, number, Access::Read) {
            Ok(segment) => return Ok(Some(segment)),
            Err(Error::MissingSegment { .. }) => Damage::Missing,
            Err(Error::SegmentSize { found, .. }) => Damage::Field { field: "file size", found },
            Err(Error::HeaderCorrupt { damage, .. }) => damage,
            Err(Error::ForeignSegment { .. }) => Damage::Field { field: "store_id", found: number },
            Err(other) => return Err(other),
        };
        let finding =
            Finding { path, segment: number, offset: 0, first_sequence: None, last_sequence: None, damage };
        self.report.findings.push(finding);
        Ok(None)
    }

    /// Checks one segment from end to end.
    fn segment(&mut self, segment: &Segment) {
        self.header_page(segment);
        let mapping = &segment.mapping;
        let mut cursor = BlockCursor::first(Arc::clone(mapping));
        while !self.ended {
            if self.expected.next_sequence > self.limit {
                self.ended = true;
                return;
            }
            let outcome = match cursor.peek() {
                Peek::Nothing => break,
                Peek::BadLength(found) => Err(Damage::Length { found }),
                Peek::Block(block) => self.block(&block, segment, false),
            };
            if let Err(damage) = outcome {
                return self.broken(segment, cursor.offset(), damage);
            }
            self.report.blocks += 1;
            self.report.bytes += cursor.advance().length() as u64;
        }
        self.report.records = self.expected.last_sequence();
        if self.report.live && self.ended {
            return;
        }
        let seal = match cursor.seal() {
            Peek::Nothing => None,
            Peek::BadLength(found) => Some(Err(Damage::Length { found })),
            Peek::Block(seal) if !self.ended => Some(self.block(&seal, segment, true)),
            Peek::Block(_) => Some(Err(Damage::Seal)),
        };
        let end = seal_offset(self.geometry.len());
        match seal {
            Some(Err(damage)) => return self.broken(segment, end, damage),
            Some(Ok(())) => {
                if let Some(offset) = mapping.first_nonzero(cursor.offset()..end) {
                    self.find(segment, offset, Damage::NotZero);
                }
                return;
            }
            None => {}
        }
        // The log ends here, or has before.
        if !self.ended && self.expected.last_sequence() < self.floor {
            return self.broken(segment, cursor.offset(), Damage::Missing);
        }
        self.ended = true;
        if let Some(offset) = mapping.first_nonzero(cursor.offset()..self.geometry.len()) {
            self.broken(segment, offset, Damage::NotZero);
        }
    }

    /// Checks a block and moves past it.
    fn block(&mut self, block: &Published<'_>, segment: &Segment, is_seal: bool) -> Result<(), Damage> {
        let header = check_content(block, segment.salt, segment.number)?;
        if header.is_seal() != is_seal {
            return Err(Damage::Seal);
        }
        check_place(&header, &self.expected)?;
        let chain = chain_of(block, &self.expected.chain);
        // Above the durable mark a crash may have come before the flusher, or torn what it filled in.
        let needed = self.report.clean || self.report.live || header.last_sequence() < self.floor;
        if block.chain() != chain && needed {
            return Err(Damage::Chain);
        }
        self.expected.advance(&header, chain);
        Ok(())
    }

    /// The log cannot be followed past `offset`. Below the floor, or in a store that was closed, that is damage;
    /// otherwise it is what a crash leaves.
    fn broken(&mut self, segment: &Segment, offset: usize, damage: Damage) {
        let next = self.expected.next_sequence;
        if next > self.floor && !self.report.clean && !self.report.live {
            let rest = self.geometry.len() - offset;
            self.report.torn.get_or_insert(TornTail {
                segment: segment.number,
                offset: offset as u64,
                first_sequence: next,
                damage,
                bytes_erased: rest as u64,
            });
            self.ended = true;
            return;
        }
        self.find(segment, offset, damage);
        self.rebase(segment.number + 1);
    }

    /// Takes up the log again at the beginning of a segment, so that damage in one does not hide the others.
    fn rebase(&mut self, number: u64) {
        let first_lost = self.expected.next_sequence;
        let next = Segment::open(self.fs, self.dir, self.geometry, number, Access::Read).ok();
        let Some(next) = next.filter(|_| !self.ended) else { return };
        let cursor = BlockCursor::first(Arc::clone(&next.mapping));
        let Peek::Block(first) = cursor.peek() else { return };
        let Ok(header) = check_content(&first, next.salt, next.number) else { return };
        self.expected = Expected {
            next_sequence: header.first_sequence,
            next_index: header.block_index,
            term: header.term,
            timestamp_ns: header.timestamp_ns,
            previous_bytes: 0,
            chain: self.chain_before(number).unwrap_or(self.expected.chain),
        };
        if let Some(finding) = self.report.findings.last_mut() {
            finding.first_sequence = Some(first_lost);
            finding.last_sequence = header.first_sequence.checked_sub(1);
        }
    }

    /// The hash the first block of a segment continues, if the end mark before it is good.
    fn chain_before(&self, number: u64) -> Option<ChainHash> {
        let before = Segment::open(self.fs, self.dir, self.geometry, number - 1, Access::Read).ok()?;
        match BlockCursor::first(Arc::clone(&before.mapping)).seal() {
            Peek::Block(seal) => {
                check_content(&seal, before.salt, before.number).ok()?;
                Some(seal.chain())
            }
            _ => None,
        }
    }

    fn find(&mut self, segment: &Segment, offset: usize, damage: Damage) {
        let next = self.expected.next_sequence;
        let affected = next <= self.floor && damage != Damage::NotZero;
        self.report.findings.push(Finding {
            path: segment.path.clone(),
            segment: segment.number,
            offset: offset as u64,
            first_sequence: affected.then_some(next),
            last_sequence: affected.then_some(self.floor),
            damage,
        });
    }

    /// Checks what of a segment's first page is not its header: the mark copies, and zeros.
    fn header_page(&mut self, segment: &Segment) {
        let slots = segment.mark_slots();
        for (slot, offset) in slots.iter().zip(MARK_SLOTS) {
            // A crash may damage one copy; opening the store mends it.
            if slot.is_none() && (self.report.clean || slots.iter().all(Option::is_none)) {
                self.find(segment, offset, Damage::Slots);
            }
        }
        let used = [0..SegmentHeader::BYTES, slot_range(MARK_SLOTS[0]), slot_range(MARK_SLOTS[1])];
        if let Some(offset) = unused_nonzero(&segment.mapping, &used, SEGMENT_HEADER_BYTES) {
            self.find(segment, offset, Damage::NotZero);
        }
    }

    /// Checks the control file of a store that nobody writes to.
    fn control_file(&mut self) {
        let state = self.control.state();
        let mut faults = Vec::new();
        for (good, offset) in self.control.slots_good().into_iter().zip(STATE_SLOTS) {
            if !good && self.report.clean {
                faults.push((offset, Damage::Slots));
            }
        }
        let live = [WRITTEN, CHAINED, DURABLE, COMMITTED, HALTED, INCARNATION];
        let mut used = vec![0..ControlHeader::BYTES, slot_range(STATE_SLOTS[0]), slot_range(STATE_SLOTS[1])];
        used.extend(live.map(|word| word..word + 8));
        if let Some(offset) = unused_nonzero(self.control.mapping(), &used, CONTROL_BYTES) {
            faults.push((offset, Damage::NotZero));
        }
        if self.report.clean {
            let last = state.last_sequence;
            let should = [last, last, last, state.committed, 0, state.incarnation];
            for (word, expected) in live.into_iter().zip(should) {
                let found = self.control.load(word);
                if found != expected {
                    faults.push((word, Damage::Field { field: "watermark", found }));
                }
            }
        }
        let path = self.dir.join(crate::control::CONTROL_FILE);
        self.report.findings.extend(faults.into_iter().map(|(offset, damage)| Finding {
            path: path.clone(),
            segment: 0,
            offset: offset as u64,
            first_sequence: None,
            last_sequence: None,
            damage,
        }));
    }
}

fn slot_range(offset: usize) -> std::ops::Range<usize> {
    offset..offset + Slot::BYTES
}

/// The first byte of a page, outside the ranges in use (ascending), that is not zero.
fn unused_nonzero(mapping: &Mapping, used: &[std::ops::Range<usize>], end: usize) -> Option<usize> {
    let starts = used.iter().map(|range| range.end);
    let ends = used.iter().skip(1).map(|range| range.start).chain([end]);
    starts.zip(ends).find_map(|(start, end)| mapping.first_nonzero(start..end))
}
