//! One segment file: how it is named, prepared, opened and checked, and the durable mark kept in its header.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::checksum::salt;
use crate::control::{read_slots, write_slot};
use crate::error::{Damage, Error, is_no_space};
use crate::format::{
    FORMAT_VERSION, HeaderFault, MARK_SLOTS, SEGMENT_HEADER_BYTES, SegmentHeader, Slot, StoreId,
};
use crate::fs::{Access, File, FileSystem, write_zeros};
use crate::mapping::Mapping;
use crate::options::Allocation;

/// The directory of the segment files, in the store directory.
pub(crate) const SEGMENTS_DIR: &str = "segments";

const SUFFIX: &str = ".segment";
const TEMPORARY_SUFFIX: &str = ".preparing";

/// The file name of a segment.
pub(crate) fn file_name(segment: u64) -> String {
    format!("{segment:010}{SUFFIX}")
}

/// What the names in the segments directory say.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    /// Segment numbers, ascending.
    pub segments: Vec<u64>,
    /// Files left by an interrupted preparation.
    pub leftovers: Vec<String>,
}

pub(crate) fn list(fs: &dyn FileSystem, dir: &Path) -> Result<Listing, Error> {
    let path = dir.join(SEGMENTS_DIR);
    let names = match fs.list(&path) {
        Ok(names) => names,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        Err(error) => return Err(Error::io("list", &path, error)),
    };
    let mut listing = Listing::default();
    for name in names {
        if name.ends_with(TEMPORARY_SUFFIX) {
            listing.leftovers.push(name);
        } else if let Some(number) = name.strip_suffix(SUFFIX).and_then(|stem| stem.parse::<u64>().ok())
            && number > 0
            && file_name(number) == name
        {
            listing.segments.push(number);
        }
    }
    listing.segments.sort_unstable();
    Ok(listing)
}

/// A mapped segment.
#[derive(Debug)]
pub(crate) struct Segment {
    pub number: u64,
    pub path: PathBuf,
    pub mapping: Arc<Mapping>,
    /// Checksum salt of its blocks.
    pub salt: u32,
    file: Box<dyn File>,
}

/// What every segment of a store has in common.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Geometry {
    pub store_id: StoreId,
    pub segment_bytes: u64,
}

impl Geometry {
    /// The segment size as an index type.
    pub fn len(&self) -> usize {
        usize::try_from(self.segment_bytes).expect("at most SEGMENT_BYTES_MAX")
    }
}

/// How a segment is prepared.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Recipe {
    pub allocation: Allocation,
    /// Whether file and directory are synced.
    pub sync: bool,
    /// Whether pages are set up for writing ahead of use.
    pub touch: bool,
    /// Deliberate defects.
    #[cfg(feature = "fault-injection")]
    pub sabotage: crate::fault::Sabotage,
}

/// Why a segment could not be prepared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PrepareFault {
    NoSpace,
    Other(Option<i32>),
    /// The directory could not be synced: final, see [`Error::SyncFailed`].
    Sync(Option<i32>),
}

impl From<io::Error> for PrepareFault {
    fn from(error: io::Error) -> Self {
        if is_no_space(&error) { Self::NoSpace } else { Self::Other(error.raw_os_error()) }
    }
}

impl Segment {
    /// Makes a new segment file under a temporary name, gives it all its disk space, and only then its name: a
    /// full disk shows here, before anything is accepted, and never as a fault while writing.
    pub fn prepare(
        fs: &dyn FileSystem,
        dir: &Path,
        geometry: Geometry,
        number: u64,
        recipe: Recipe,
    ) -> Result<Self, PrepareFault> {
        let segments = dir.join(SEGMENTS_DIR);
        let path = segments.join(file_name(number));
        let temporary = segments.join(format!("{number:010}{TEMPORARY_SUFFIX}"));
        let outcome = Self::prepare_as(fs, &temporary, geometry, number, recipe).and_then(|file| {
            fs.rename(&temporary, &path)?;
            Ok(file)
        });
        match outcome {
            Ok(file) => {
                if recipe.sync {
                    fs.sync_dir(&segments).map_err(|error| PrepareFault::Sync(error.raw_os_error()))?;
                }
                let mapping = Arc::new(file.map(geometry.len(), Access::Write)?);
                let salt = salt(geometry.store_id, number);
                Ok(Self { number, path, mapping, salt, file })
            }
            Err(error) => {
                // Give the space back; the next attempt starts afresh, so a failure here changes nothing.
                let _ = fs.remove(&temporary);
                Err(error.into())
            }
        }
    }

    fn prepare_as(
        fs: &dyn FileSystem,
        path: &Path,
        geometry: Geometry,
        number: u64,
        recipe: Recipe,
    ) -> io::Result<Box<dyn File>> {
        let file = fs.create(path)?;
        file.allocate(geometry.segment_bytes)?;
        if recipe.allocation == Allocation::Zeroed {
            write_zeros(&*file, geometry.segment_bytes)?;
        }
        let mut page = [0; SEGMENT_HEADER_BYTES];
        let header = SegmentHeader {
            store_id: geometry.store_id,
            segment: number,
            segment_bytes: geometry.segment_bytes,
        };
        page[..SegmentHeader::BYTES].copy_from_slice(&header.encode());
        let salt = salt(geometry.store_id, number);
        for (turn, at) in (0..).zip(MARK_SLOTS) {
            let slot = Slot { turn, words: [0; 6] };
            page[at..at + Slot::BYTES].copy_from_slice(&slot.encode(salt));
        }
        file.write_all_at(0, &page)?;
        if recipe.sync {
            file.sync_data()?;
        }
        Ok(file)
    }

    /// Maps an existing segment and checks its size and header.
    pub fn open(
        fs: &dyn FileSystem,
        dir: &Path,
        geometry: Geometry,
        number: u64,
        access: Access,
    ) -> Result<Self, Error> {
        let path = dir.join(SEGMENTS_DIR).join(file_name(number));
        let file = fs.open(&path, access).map_err(|source| {
            if source.kind() == io::ErrorKind::NotFound {
                Error::MissingSegment { dir: dir.to_owned(), segment: number, last_sequence_before: 0 }
            } else {
                Error::io("open", &path, source)
            }
        })?;
        let found = file.len().map_err(|e| Error::io("measure", &path, e))?;
        if found != geometry.segment_bytes {
            return Err(Error::SegmentSize {
                path,
                segment: number,
                expected: geometry.segment_bytes,
                found,
            });
        }
        let mapping = Arc::new(file.map(geometry.len(), access).map_err(|e| Error::io("map", &path, e))?);
        let mut bytes = [0; SegmentHeader::BYTES];
        mapping.load_words(0, &mut bytes);
        match SegmentHeader::decode(&bytes) {
            Ok(header) if header.store_id != geometry.store_id || header.segment != number => {
                return Err(Error::ForeignSegment { path });
            }
            Ok(header) if header.segment_bytes != geometry.segment_bytes => {
                let damage = Damage::Field { field: "segment_bytes", found: header.segment_bytes };
                return Err(Error::HeaderCorrupt { path, damage });
            }
            Ok(_) => {}
            Err(HeaderFault::Version(found)) => {
                return Err(Error::FormatVersion { path, found, supported: FORMAT_VERSION });
            }
            Err(HeaderFault::Damage(damage)) => return Err(Error::HeaderCorrupt { path, damage }),
        }
        Ok(Self { number, path, mapping, salt: salt(geometry.store_id, number), file })
    }

    /// Both copies of the durable mark.
    pub fn mark_slots(&self) -> [Option<Slot>; 2] {
        read_slots(&self.mapping, MARK_SLOTS, self.salt)
    }

    /// The newest durable mark in this header: a record that had certainly reached the disk when it was written.
    pub fn mark(&self) -> Result<Mark, Error> {
        match self.mark_slots().iter().flatten().max_by_key(|slot| slot.turn) {
            Some(slot) => Ok(Mark { turn: slot.turn, sequence: slot.words[0] }),
            None => Err(Error::HeaderCorrupt { path: self.path.clone(), damage: Damage::Slots }),
        }
    }

    /// The turn, after `turn`, whose copy is not the newest good one of this header: writing that copy leaves the
    /// good one alone, whatever became of the other in a crash.
    pub fn turn_after(&self, turn: u64) -> Result<u64, Error> {
        let newest = self.mark()?.turn;
        let next = turn.max(newest) + 1;
        Ok(if next % 2 == newest % 2 { next + 1 } else { next })
    }

    /// Writes the mark; the segment's next sync makes it permanent.
    pub fn set_mark(&self, mark: Mark) {
        let slot = Slot { turn: mark.turn, words: [mark.sequence, 0, 0, 0, 0, 0] };
        write_slot(&self.mapping, MARK_SLOTS, &slot, self.salt);
    }

    /// Writes anew a copy of the mark that a crash damaged.
    pub fn mend_mark(&self) -> Result<(), Error> {
        if self.mark_slots().iter().any(Option::is_none) {
            self.set_mark(Mark { turn: self.turn_after(0)?, sequence: self.mark()?.sequence });
        }
        Ok(())
    }

    /// Makes everything in the segment survive a crash. A failure is final.
    pub fn sync(&self) -> Result<(), Error> {
        self.file
            .sync_data()
            .map_err(|e| Error::SyncFailed { path: self.path.clone(), os_error: e.raw_os_error() })
    }
}

/// The durable mark as kept in a segment header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Mark {
    /// Counts writings.
    pub turn: u64,
    /// The last record known to be on the disk.
    pub sequence: u64,
}
