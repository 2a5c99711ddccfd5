//! Repair: copies what is good of a damaged store, up to the first damage, into a new one. The damaged store is
//! evidence and is not touched.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::control::Control;
use crate::error::{Damage, Error};
use crate::format::{HeaderFault, SegmentHeader};
use crate::fs::{Access, Disk, File, FileSystem};
use crate::open::Opened;
use crate::options::{Allocation, Options, Preparation};
use crate::publish::{BlockCursor, Peek};
use crate::segment::{self, Geometry, SEGMENTS_DIR, Segment};
use crate::walk::{Expected, chain_of, check_content, check_place};
use crate::writer::Writer;

/// What [`repair`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepairReport {
    /// Blocks copied.
    pub blocks: u64,
    /// The last record copied.
    pub last_sequence: u64,
    /// What ended the copy, if not the end of the log.
    pub stopped: Option<Stopped>,
}

/// Why a copy ended before the log did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stopped {
    /// The damaged file.
    pub path: PathBuf,
    /// Its segment.
    pub segment: u64,
    /// Where in the file, in bytes.
    pub offset: u64,
    /// What is wrong there.
    pub damage: Damage,
}

/// Copies the good beginning of the store in `from` to a new store in `to`, which must not exist or be empty. The new
/// store has the same id, and its blocks are byte for byte the same. Works without a control file.
///
/// # Errors
/// [`Error::TargetNotEmpty`]; [`Error::NotAStore`] if not even the first segment's header can be read; failures to write.
pub fn repair(from: impl AsRef<Path>, to: impl AsRef<Path>) -> Result<RepairReport, Error> {
    let disk: Arc<dyn FileSystem> = Arc::new(Disk);
    repair_with(from.as_ref(), to.as_ref(), &disk)
}

/// As [`repair`], on any file system.
///
/// # Errors
/// As for [`repair`].
pub fn repair_with(from: &Path, to: &Path, fs: &Arc<dyn FileSystem>) -> Result<RepairReport, Error> {
    match fs.list(to) {
        Ok(names) if names.is_empty() => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Ok(_) => return Err(Error::TargetNotEmpty { dir: to.to_owned() }),
        Err(error) => return Err(Error::io("list", to, error)),
    }
    let (geometry, created_ns) = identify(&**fs, from)?;
    let options = Options {
        segment_bytes: geometry.segment_bytes,
        max_block_bytes: Some(
            geometry.len() - crate::format::SEGMENT_HEADER_BYTES - crate::format::BLOCK_HEADER_BYTES,
        ),
        preparation: Preparation::Inline,
        allocation: Some(Allocation::Zeroed),
        store_id: Some(geometry.store_id),
        created_ns,
        file_system: Arc::clone(fs),
        ..Options::default()
    };
    let Opened { mut writer, mut flusher, .. } = Writer::open(to, &options)?;
    let stopped = copy(&**fs, from, geometry, &mut writer, &mut || flusher.poll().map(drop))?;
    let report =
        RepairReport { blocks: writer.stats().blocks, last_sequence: writer.next_sequence() - 1, stopped };
    drop(writer);
    flusher.close()?;
    Ok(report)
}

/// Which store this is: from the control file, or else from the first segment whose header is good.
fn identify(fs: &dyn FileSystem, dir: &Path) -> Result<(Geometry, Option<i64>), Error> {
    match Control::open(fs, dir, Access::Read) {
        Ok(control) => {
            let header = control.header;
            let geometry = Geometry { store_id: header.store_id, segment_bytes: header.segment_bytes };
            return Ok((geometry, Some(header.created_ns)));
        }
        Err(error @ Error::FormatVersion { .. }) => return Err(error),
        Err(_) => {}
    }
    for number in segment::list(fs, dir)?.segments {
        let path = dir.join(SEGMENTS_DIR).join(segment::file_name(number));
        if let Some(header) = read_header(fs, &path)? {
            return Ok((Geometry { store_id: header.store_id, segment_bytes: header.segment_bytes }, None));
        }
    }
    Err(Error::NotAStore { dir: dir.to_owned() })
}

fn read_header(fs: &dyn FileSystem, path: &Path) -> Result<Option<SegmentHeader>, Error> {
    let mut bytes = [0; SegmentHeader::BYTES];
    let file: Result<Box<dyn File>, _> = fs.open(path, Access::Read);
    if file.and_then(|file| file.read_exact_at(0, &mut bytes)).is_err() {
        return Ok(None);
    }
    match SegmentHeader::decode(&bytes) {
        Ok(header) => Ok(Some(header)),
        Err(HeaderFault::Version(found)) => Err(Error::FormatVersion {
            path: path.to_owned(),
            found,
            supported: crate::format::FORMAT_VERSION,
        }),
        Err(HeaderFault::Damage(_)) => Ok(None),
    }
}

/// Copies block after block until the end of the log or the first damage.
fn copy(
    fs: &dyn FileSystem,
    from: &Path,
    geometry: Geometry,
    writer: &mut Writer,
    flush: &mut dyn FnMut() -> Result<(), Error>,
) -> Result<Option<Stopped>, Error> {
    let mut expected = Expected::genesis(geometry.store_id);
    for number in 1.. {
        let segment = match Segment::open(fs, from, geometry, number, Access::Read) {
            Ok(segment) => segment,
            Err(error) => return Ok(Some(unreadable(from, number, &error))),
        };
        let mut cursor = BlockCursor::first(Arc::clone(&segment.mapping));
        let stop = |offset: usize, damage| {
            Ok(Some(Stopped { path: segment.path.clone(), segment: number, offset: offset as u64, damage }))
        };
        loop {
            let (block, is_seal) = match cursor.peek() {
                Peek::Nothing => (cursor.seal(), true),
                other => (other, false),
            };
            let block = match block {
                // The end, or a hole that nothing bears witness to.
                Peek::Nothing => return Ok(None),
                Peek::BadLength(found) => return stop(cursor.offset(), Damage::Length { found }),
                Peek::Block(block) => block,
            };
            let checked = check_content(&block, segment.salt, number)
                .and_then(|header| check_place(&header, &expected).map(|()| header))
                .and_then(|header| if header.is_seal() == is_seal { Ok(header) } else { Err(Damage::Seal) });
            let header = match checked {
                Ok(header) => header,
                Err(damage) => return stop(block.offset, damage),
            };
            let chain = chain_of(&block, &expected.chain);
            expected.advance(&header, chain);
            if is_seal {
                flush()?;
                break;
            }
            writer.append_raw(block.header, block.records)?;
            cursor.advance();
        }
    }
    unreachable!("segment numbers end before u64 does")
}

fn unreadable(from: &Path, number: u64, error: &Error) -> Stopped {
    let damage = match error {
        Error::SegmentSize { found, .. } => Damage::Field { field: "file size", found: *found },
        Error::HeaderCorrupt { damage, .. } => *damage,
        _ => Damage::Missing,
    };
    let path = from.join(SEGMENTS_DIR).join(segment::file_name(number));
    Stopped { path, segment: number, offset: 0, damage }
}
