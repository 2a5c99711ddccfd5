//! Recovery: finds the end of the log, tells a torn tail from corruption, and leaves a store that can be appended
//! to. Running it twice is the same as running it once.
//!
//! A *durable mark* in the segment headers says up to which record the log had certainly reached the disk. A bad
//! block above it is what a crash leaves of writes that were never acknowledged: it is erased. A bad block at or
//! below it is damage to acknowledged records: nothing is touched, and the error says where. Two things raise the
//! mark: the store was closed properly; or the machine has not restarted since the writer died, so that the
//! operating system still has every byte that was written, synced or not.

use std::collections::VecDeque;
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

use crate::control::{Control, HALTED, WRITTEN};
use crate::error::{Damage, Error};
use crate::format::BlockHeader;
use crate::fs::{Access, FileSystem};
use crate::mapping::Tail;
use crate::publish::{BlockCursor, Peek, Published};
use crate::segment::{self, Geometry, Mark, SEGMENTS_DIR, Segment};
use crate::walk::{Expected, chain_of, check_content, check_place};

/// Erasing looks at, and writes, this many bytes at a time.
const ERASE_CHUNK: usize = 4096;

/// What opening a store found and did.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Recovery {
    /// The store was created just now.
    pub created: bool,
    /// The last writer had closed the store.
    pub clean: bool,
    /// The last record, 0 if there is none.
    pub last_sequence: u64,
    /// The last block, 0 if there is none.
    pub last_block_index: u64,
    /// The time of the last block, UNIX nanoseconds; `None` if there is none.
    pub last_timestamp_ns: Option<i64>,
    /// Blocks that were read and checked. Blocks of earlier segments were durable; `verify` checks them too.
    pub blocks_checked: u64,
    /// What a crash had left unfinished, if anything. It was erased.
    pub torn: Option<TornTail>,
}

/// The unfinished end of a log after a crash. None of it was ever acknowledged as durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TornTail {
    /// The segment it began in.
    pub segment: u64,
    /// Where in the file it began, in bytes.
    pub offset: u64,
    /// The sequence number its first record would have had.
    pub first_sequence: u64,
    /// What was wrong with the first block of it.
    pub damage: Damage,
    /// Bytes that were erased, zeros between them included.
    pub bytes_erased: u64,
}

/// The end of the log, ready to be appended to.
pub(crate) struct LogEnd {
    pub segment: Arc<Segment>,
    pub cursor: BlockCursor,
    pub expected: Expected,
    pub mark: Mark,
    /// Empty segments after this one.
    pub ready: VecDeque<Arc<Segment>>,
    pub report: Recovery,
    /// Segments with bytes that recovery changed or that may not be on the disk yet.
    pub unsynced: Vec<Arc<Segment>>,
}

/// Where and why a walk ended.
struct Stop {
    segment: Arc<Segment>,
    cursor: BlockCursor,
    expected: Expected,
    /// `None`: nothing more is there.
    damage: Option<Damage>,
    /// Where the damage is, if not at the cursor.
    offset: usize,
}

/// What recovery needs to know.
pub(crate) struct Scan<'a> {
    pub fs: &'a dyn FileSystem,
    pub dir: &'a Path,
    pub geometry: Geometry,
    pub control: &'a Control,
    pub truncate_after: Option<u64>,
    /// Whether changes are synced.
    pub sync: bool,
    /// Deliberate defects.
    #[cfg(feature = "fault-injection")]
    pub sabotage: crate::fault::Sabotage,
}

impl Scan<'_> {
    /// Finds the end of the log; `None` if no segment was ever made.
    pub fn run(&self) -> Result<Option<LogEnd>, Error> {
        let numbers = self.segment_numbers()?;
        if numbers.is_empty() {
            return Ok(None);
        }
        let mut segments = VecDeque::new();
        for &number in &numbers {
            segments.push_back(Arc::new(self.open(number)?));
        }
        let mut mark = Mark::default();
        for segment in &segments {
            let theirs = segment.mark()?;
            mark.sequence = mark.sequence.max(theirs.sequence);
            mark.turn = mark.turn.max(theirs.turn);
        }
        if let Some(limit) = self.truncate_after.filter(|&limit| limit < mark.sequence) {
            mark = self.lower_mark(&segments, mark, limit)?;
        }
        #[cfg(feature = "fault-injection")]
        if self.sabotage == crate::fault::Sabotage::IgnoreMark {
            mark.sequence = 0;
        }
        let floor = self.floor(mark);
        let (start, expected) = self.start(&segments, mark)?;
        let mut unsynced = Vec::new();
        let mut report = Recovery { clean: self.control.state().clean, ..Recovery::default() };
        let mut later = segments.split_off(start);
        let stop = self.walk(&mut later, expected, mark, &mut report, &mut unsynced)?;
        if stop.expected.last_sequence() < floor {
            return Err(self.corruption(&stop, floor));
        }
        self.finish(stop, later, mark, report, unsynced).map(Some)
    }

    /// The last record that must be there.
    fn floor(&self, mark: Mark) -> u64 {
        #[cfg(feature = "fault-injection")]
        if self.sabotage == crate::fault::Sabotage::IgnoreMark {
            return 0;
        }
        let state = self.control.state();
        let mut floor = mark.sequence;
        if state.clean {
            floor = floor.max(state.last_sequence);
        }
        // After a failed sync the operating system may have dropped what it could not write.
        let alive =
            state.boot_id != 0 && state.boot_id == self.fs.boot_id() && self.control.load(HALTED) == 0;
        if alive {
            floor = floor.max(self.control.load(WRITTEN));
        }
        self.truncate_after.map_or(floor, |limit| floor.min(limit))
    }

    /// The numbers of the segment files: 1 and up, without a hole, and none missing at the end.
    fn segment_numbers(&self) -> Result<Vec<u64>, Error> {
        let listing = segment::list(self.fs, self.dir)?;
        let folder = self.dir.join(SEGMENTS_DIR);
        for name in &listing.leftovers {
            let path = folder.join(name);
            self.fs.remove(&path).map_err(|e| Error::io("remove", &path, e))?;
        }
        let known = self.control.state().segments;
        let last = listing.segments.last().copied().unwrap_or(0).max(known);
        for number in 1..=last {
            let index = usize::try_from(number - 1).expect("as many files as fit a directory");
            if listing.segments.get(index) != Some(&number) {
                let last_sequence_before = self.last_sequence_of(number - 1);
                return Err(Error::MissingSegment {
                    dir: self.dir.to_owned(),
                    segment: number,
                    last_sequence_before,
                });
            }
        }
        Ok(listing.segments)
    }

    /// The last record of a sealed segment, 0 if that cannot be told. Only for messages.
    fn last_sequence_of(&self, number: u64) -> u64 {
        let Ok(segment) = self.open(number) else { return 0 };
        match BlockCursor::first(Arc::clone(&segment.mapping)).seal() {
            Peek::Block(seal) => {
                check_content(&seal, segment.salt, number).map_or(0, |header| header.last_sequence())
            }
            _ => 0,
        }
    }

    fn open(&self, number: u64) -> Result<Segment, Error> {
        Segment::open(self.fs, self.dir, self.geometry, number, Access::Write)
    }

    /// Takes back what was promised about records the caller wants gone, before any of them goes.
    fn lower_mark(&self, segments: &VecDeque<Arc<Segment>>, mark: Mark, limit: u64) -> Result<Mark, Error> {
        let lowered = Mark { turn: mark.turn + 1, sequence: limit };
        for segment in segments {
            if segment.mark()?.sequence > limit {
                let turn = segment.turn_after(0)?;
                segment.set_mark(Mark { turn, sequence: limit });
                if self.sync {
                    segment.sync()?;
                }
            }
        }
        Ok(lowered)
    }

    /// The segment to start checking at, and what its first block must continue: the last segment that begins with
    /// a durable record. What precedes it was durable before, and is `verify`'s business.
    fn start(&self, segments: &VecDeque<Arc<Segment>>, mark: Mark) -> Result<(usize, Expected), Error> {
        for index in (1..segments.len()).rev() {
            let segment = &segments[index];
            let cursor = BlockCursor::first(Arc::clone(&segment.mapping));
            let Peek::Block(first) = cursor.peek() else { continue };
            match check_content(&first, segment.salt, segment.number) {
                Ok(header) if header.first_sequence <= mark.sequence => {}
                _ => continue,
            }
            let before = &segments[index - 1];
            return Ok((index, self.after_seal(before, mark)?));
        }
        Ok((0, Expected::genesis(self.geometry.store_id)))
    }

    /// What follows a segment that was durable, end mark included.
    fn after_seal(&self, segment: &Segment, mark: Mark) -> Result<Expected, Error> {
        let cursor = BlockCursor::first(Arc::clone(&segment.mapping));
        let damage = match cursor.seal() {
            Peek::Block(seal) => match check_content(&seal, segment.salt, segment.number) {
                Ok(header) if header.is_seal() => {
                    return Ok(Expected {
                        next_sequence: header.first_sequence,
                        next_index: header.block_index,
                        term: header.term,
                        timestamp_ns: header.timestamp_ns,
                        previous_bytes: 0,
                        chain: seal.chain(),
                    });
                }
                Ok(_) => Damage::Seal,
                Err(damage) => damage,
            },
            Peek::Nothing => Damage::Missing,
            Peek::BadLength(found) => Damage::Length { found },
        };
        Err(Error::Corruption {
            dir: self.dir.to_owned(),
            path: segment.path.clone(),
            segment: segment.number,
            offset: crate::format::seal_offset(self.geometry.len()) as u64,
            first_sequence: 0,
            last_sequence: mark.sequence,
            damage,
        })
    }

    /// Walks from the front of `segments` to the last good block. What is left in `segments` comes after it.
    fn walk(
        &self,
        segments: &mut VecDeque<Arc<Segment>>,
        mut expected: Expected,
        mark: Mark,
        report: &mut Recovery,
        unsynced: &mut Vec<Arc<Segment>>,
    ) -> Result<Stop, Error> {
        let mut segment = segments.pop_front().expect("a store has a first segment");
        let mut cursor = BlockCursor::first(Arc::clone(&segment.mapping));
        unsynced.push(Arc::clone(&segment));
        loop {
            let (block, is_seal) = match cursor.peek() {
                Peek::Nothing => (cursor.seal(), true),
                other => (other, false),
            };
            let offset =
                if is_seal { crate::format::seal_offset(self.geometry.len()) } else { cursor.offset() };
            let outcome = match block {
                Peek::Nothing => Err(None),
                Peek::BadLength(found) => Err(Some(Damage::Length { found })),
                Peek::Block(block) => self.accept(&block, &segment, &expected, mark, is_seal).map_err(Some),
            };
            let (header, chain) = match outcome {
                Ok(Some(accepted)) => accepted,
                // Discarded on request.
                Ok(None) => {
                    return Ok(Stop { segment, offset: cursor.offset(), cursor, expected, damage: None });
                }
                Err(damage) => return Ok(Stop { segment, cursor, expected, damage, offset }),
            };
            expected.advance(&header, chain);
            if is_seal {
                // Of a block that was begun here and moved to the next segment, the crash may have left pieces.
                self.erase(&segment, cursor.offset()..offset);
                let Some(next) = segments.pop_front() else {
                    return Err(Error::MissingSegment {
                        dir: self.dir.to_owned(),
                        segment: segment.number + 1,
                        last_sequence_before: expected.last_sequence(),
                    });
                };
                segment = next;
                cursor = BlockCursor::first(Arc::clone(&segment.mapping));
                unsynced.push(Arc::clone(&segment));
            } else {
                report.blocks_checked += 1;
                cursor.advance();
            }
        }
    }

    /// Checks a block where it stands, and gives it the hash it must carry. `None`: it is to be discarded.
    fn accept(
        &self,
        block: &Published<'_>,
        segment: &Segment,
        expected: &Expected,
        mark: Mark,
        is_seal: bool,
    ) -> Result<Option<(BlockHeader, [u8; 32])>, Damage> {
        let header = match check_content(block, segment.salt, segment.number) {
            #[cfg(feature = "fault-injection")]
            Err(Damage::Checksum { .. }) if self.sabotage == crate::fault::Sabotage::SkipChecksum => {
                block.decode()
            }
            other => other?,
        };
        if header.is_seal() != is_seal {
            return Err(Damage::Seal);
        }
        check_place(&header, expected)?;
        if self.truncate_after.is_some_and(|limit| header.last_sequence() > limit) {
            return Ok(None);
        }
        let chain = chain_of(block, &expected.chain);
        if block.chain() != chain {
            // The flusher fills the field before it syncs: below the mark it must be right. An end mark comes after
            // its segment's last record, and is on the disk before any record after that.
            let last_needed = header.last_sequence() + u64::from(is_seal);
            if last_needed <= mark.sequence {
                return Err(Damage::Chain);
            }
            block.set_chain(&chain);
        }
        Ok(Some((header, chain)))
    }

    fn corruption(&self, stop: &Stop, floor: u64) -> Error {
        Error::Corruption {
            dir: self.dir.to_owned(),
            path: stop.segment.path.clone(),
            segment: stop.segment.number,
            offset: stop.offset as u64,
            first_sequence: stop.expected.next_sequence,
            last_sequence: floor,
            damage: stop.damage.unwrap_or(Damage::Missing),
        }
    }

    /// Erases what follows the last good block.
    fn finish(
        &self,
        stop: Stop,
        later: VecDeque<Arc<Segment>>,
        mark: Mark,
        mut report: Recovery,
        unsynced: Vec<Arc<Segment>>,
    ) -> Result<LogEnd, Error> {
        let Stop { segment, cursor, expected, damage, offset: _ } = stop;
        report.last_sequence = expected.last_sequence();
        report.last_block_index = expected.next_index - 1;
        report.last_timestamp_ns = (expected.timestamp_ns != i64::MIN).then_some(expected.timestamp_ns);
        let state = self.control.state();
        report.clean = state.clean && state.last_sequence == report.last_sequence && damage.is_none();
        let mut ready = later;
        if !report.clean {
            let erased = self.erase(&segment, cursor.offset()..self.geometry.len());
            if erased > 0 {
                if self.sync {
                    segment.sync()?;
                }
                if self.truncate_after.is_none() || damage.is_some() {
                    report.torn = Some(TornTail {
                        segment: segment.number,
                        offset: cursor.offset() as u64,
                        first_sequence: expected.next_sequence,
                        damage: damage.unwrap_or(Damage::NotZero),
                        bytes_erased: erased,
                    });
                }
            }
            // Later segments may hold pieces of the torn tail too. They are cheap to make again.
            self.discard(&segment, &ready)?;
            ready.clear();
        }
        Ok(LogEnd { segment, cursor, expected, mark, ready, report, unsynced })
    }

    /// Zeroes part of a segment; returns the distance from the first to past the last byte that was not zero.
    #[cfg_attr(
        not(feature = "fault-injection"),
        expect(clippy::unused_self, reason = "only sabotage looks at it")
    )]
    fn erase(&self, segment: &Segment, range: Range<usize>) -> u64 {
        #[cfg(feature = "fault-injection")]
        if self.sabotage == crate::fault::Sabotage::KeepTornTail {
            return 0;
        }
        let mut tail = Tail::claim(Arc::clone(&segment.mapping), range.start, range.end);
        let (mut first, mut last) = (None, 0);
        let mut at = 0;
        while at < tail.remaining() {
            let end = (at + ERASE_CHUNK).min(tail.remaining());
            if tail.bytes(at..end).iter().any(|&byte| byte != 0) {
                tail.bytes_mut(at..end).fill(0);
                tail.wrote(at..end);
                first = first.or(Some(at));
                last = end;
            }
            at = end;
        }
        first.map_or(0, |first| (last - first) as u64)
    }

    fn discard(&self, end: &Segment, later: &VecDeque<Arc<Segment>>) -> Result<(), Error> {
        if later.is_empty() {
            return Ok(());
        }
        self.control.update(self.sync, |state| state.segments = end.number)?;
        for segment in later.iter().rev() {
            self.fs.remove(&segment.path).map_err(|e| Error::io("remove", &segment.path, e))?;
        }
        if self.sync {
            let path = self.dir.join(SEGMENTS_DIR);
            self.fs.sync_dir(&path).map_err(|e| Error::io("sync", &path, e))?;
        }
        Ok(())
    }
}
