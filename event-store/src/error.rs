//! Everything that can go wrong, with the data needed to act on it. The variant names the reaction: fix the
//! directory, wait, free space, stop, or repair.

use std::io;
use std::path::{Path, PathBuf};

/// A failure of the event store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The directory holds no store, and the caller did not ask to create one.
    #[error("{} is not an event store: it has no control file", dir.display())]
    NotAStore {
        /// The directory that was opened.
        dir: PathBuf,
    },

    /// Segments without a control file: someone deleted it. Creating a new one would hide the old log.
    #[error(
        "{} holds segments but no control file; copy the readable prefix to a new store with \
         \"outcry log repair --store {} --to NEW\"",
        dir.display(), dir.display()
    )]
    ControlMissing {
        /// The store directory.
        dir: PathBuf,
    },

    /// The file was written by another version of the format. Use the program that wrote it.
    #[error("{} has format version {found}; this program reads version {supported}", path.display())]
    FormatVersion {
        /// The file with the other version.
        path: PathBuf,
        /// The version it states.
        found: u32,
        /// The only version this crate reads and writes.
        supported: u32,
    },

    /// Another process (or another handle in this one) is the writer.
    #[error("{} is being written by {}", dir.display(), match pid {
        Some(pid) => format!("process {pid}"),
        None => "another process".to_owned(),
    })]
    Locked {
        /// The store directory.
        dir: PathBuf,
        /// The process that holds the lock, as it wrote itself into the `LOCK` file.
        pid: Option<u32>,
    },

    /// The file system or its permissions refuse writing. Reading still works.
    #[error("cannot write {}: {source}", path.display())]
    ReadOnly {
        /// The file or directory that could not be written.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },

    /// No room to prepare the next segment. Nothing was accepted; the log so far stays readable. Preparation is
    /// tried again by itself, so writing resumes once space has been freed.
    #[error("no space for segment {segment} of {needed_bytes} bytes in {}", dir.display())]
    NoSpace {
        /// The segments directory.
        dir: PathBuf,
        /// The segment that could not be prepared.
        segment: u64,
        /// Its size in bytes.
        needed_bytes: u64,
    },

    /// The next segment is still being prepared. Nothing was accepted; try again shortly.
    #[error("segment {segment} is still being prepared")]
    NotReady {
        /// The segment being waited for.
        segment: u64,
    },

    /// Preparing the next segment failed for another reason than space. Nothing was accepted; it is tried again.
    #[error("segment {segment} cannot be prepared in {}: os error {os_error:?}", dir.display())]
    PrepareFailed {
        /// The segments directory.
        dir: PathBuf,
        /// The segment that could not be prepared.
        segment: u64,
        /// `errno` of the failing call, where there was one.
        os_error: Option<i32>,
    },

    /// The record does not fit the block that is being written.
    #[error(transparent)]
    BlockFull(#[from] BlockFull),

    /// Bytes at or below the durable mark are not what was written. Nothing is changed; stop.
    #[error(
        "{}: {damage} in segment {segment} at offset {offset}: records {first_sequence} to {last_sequence} \
         are affected; see \"outcry log verify --store {}\"; \
         \"outcry log repair --store {} --to NEW\" copies what precedes them",
        path.display(), dir.display(), dir.display()
    )]
    Corruption {
        /// The store directory.
        dir: PathBuf,
        /// The damaged segment file.
        path: PathBuf,
        /// Its number.
        segment: u64,
        /// Where in the file the damaged block begins, in bytes.
        offset: u64,
        /// The first record that cannot be trusted.
        first_sequence: u64,
        /// The last record known to have been durable; what precedes `first_sequence` is good.
        last_sequence: u64,
        /// What is wrong.
        damage: Damage,
    },

    /// A segment file that must exist does not.
    #[error(
        "segment {segment} of {} is missing: the log has a gap after record {last_sequence_before}",
        dir.display()
    )]
    MissingSegment {
        /// The store directory.
        dir: PathBuf,
        /// The number of the missing segment.
        segment: u64,
        /// The last record known to precede the gap (0 if none).
        last_sequence_before: u64,
    },

    /// A segment file does not have the size recorded in the store: it was cut short or extended.
    #[error("{} has {found} bytes, expected {expected}", path.display())]
    SegmentSize {
        /// The segment file.
        path: PathBuf,
        /// Its number.
        segment: u64,
        /// The size every segment of this store has, in bytes.
        expected: u64,
        /// The size found, in bytes.
        found: u64,
    },

    /// The header of a segment or of the control file is damaged.
    #[error("{}: {damage} in the file header", path.display())]
    HeaderCorrupt {
        /// The damaged file.
        path: PathBuf,
        /// What is wrong.
        damage: Damage,
    },

    /// The segment belongs to another store (or another place in this one).
    #[error("{} belongs to another store or another position in this one", path.display())]
    ForeignSegment {
        /// The segment file.
        path: PathBuf,
    },

    /// Syncing failed. What was written since the last good sync may or may not be on the disk, and asking
    /// again would not tell. Fatal: the store stops and acknowledges nothing more. Restart to recover.
    #[error("sync of {} failed (os error {os_error:?}); the store has stopped, restart it to recover", path.display())]
    SyncFailed {
        /// The file whose sync failed.
        path: PathBuf,
        /// `errno` of the failing call, where there was one.
        os_error: Option<i32>,
    },

    /// A setting is outside its limits.
    #[error("setting {setting} is {value}; it must be {requirement}")]
    InvalidOption {
        /// The name of the setting.
        setting: &'static str,
        /// The value given.
        value: u64,
        /// What it must be.
        requirement: &'static str,
    },

    /// The record asked for is not in the log.
    #[error("record {sequence} is not in the log, which holds 1 to {last_sequence}")]
    SequenceOutOfRange {
        /// The sequence number asked for.
        sequence: u64,
        /// The last record visible to this reader.
        last_sequence: u64,
    },

    /// A raw block handed to [`crate::Writer::append_raw`] does not continue this log.
    #[error("the block does not continue the log at record {next_sequence}: {damage}")]
    BlockRefused {
        /// The sequence number the next block must start with.
        next_sequence: u64,
        /// What does not fit.
        damage: Damage,
    },

    /// The repair target already holds something.
    #[error("{} is not empty", dir.display())]
    TargetNotEmpty {
        /// The directory that must be new or empty.
        dir: PathBuf,
    },

    /// Any other failing call.
    #[error("cannot {operation} {}: {source}", path.display())]
    Io {
        /// What was being done, as a verb.
        operation: &'static str,
        /// To which file or directory.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
}

/// A record was refused because the block has no room for it. The block is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a record of {needed_bytes} bytes does not fit the {remaining_bytes} bytes left in the block")]
pub struct BlockFull {
    /// Bytes the record needs, its header and padding included.
    pub needed_bytes: usize,
    /// Bytes the block could still take.
    pub remaining_bytes: usize,
}

/// What is wrong with some bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Damage {
    /// The stored CRC-32C does not match the bytes.
    #[error("checksum mismatch (stored {stored:#010x}, computed {computed:#010x})")]
    Checksum {
        /// The checksum in the file.
        stored: u32,
        /// The checksum of the bytes found.
        computed: u32,
    },
    /// The bytes do not begin with the magic number.
    #[error("no magic number (found {found:#x})")]
    Magic {
        /// What stands there instead.
        found: u64,
    },
    /// A block of another format version.
    #[error("block format version {found}")]
    Version {
        /// The version stated.
        found: u32,
    },
    /// A block length that is impossible at this place.
    #[error("impossible block length {found}")]
    Length {
        /// The length stated, in bytes.
        found: u32,
    },
    /// Records must be here, but the file holds nothing.
    #[error("missing block")]
    Missing,
    /// The block's index does not continue the log.
    #[error("block index {found}, expected {expected}")]
    BlockIndex {
        /// The index that would continue the log.
        expected: u64,
        /// The index found.
        found: u64,
    },
    /// The block's first sequence number does not continue the log.
    #[error("first sequence {found}, expected {expected}")]
    Sequence {
        /// The number that would continue the log.
        expected: u64,
        /// The number found.
        found: u64,
    },
    /// The block is older than the one before it.
    #[error("timestamp {found} before {previous}")]
    Timestamp {
        /// The previous block's time, UNIX nanoseconds.
        previous: i64,
        /// This block's time, UNIX nanoseconds.
        found: i64,
    },
    /// The records in the block do not add up to its length and count.
    #[error("records do not fill the block: {found} records, {expected} stated")]
    Records {
        /// The count in the block header.
        expected: u32,
        /// The records that could be walked.
        found: u32,
    },
    /// The back pointer does not match the previous block.
    #[error("back pointer {found}, expected {expected}")]
    BackPointer {
        /// The length of the previous block in this segment, in bytes.
        expected: u32,
        /// The value found.
        found: u32,
    },
    /// The BLAKE3 hash does not continue the chain.
    #[error("hash chain broken")]
    Chain,
    /// Bytes that must be zero are not.
    #[error("unused bytes are not zero")]
    NotZero,
    /// The log goes on after its end mark, or the other way round.
    #[error("segment end mark does not match its blocks")]
    Seal,
    /// Both copies of a two-slot record are damaged.
    #[error("both copies of a mark are damaged")]
    Slots,
    /// A field outside its permitted values.
    #[error("field {field} holds {found}")]
    Field {
        /// The name of the field in FORMAT.md.
        field: &'static str,
        /// The value found.
        found: u64,
    },
}

impl Error {
    /// Turns a failed call into the variant that names the reaction to it.
    pub(crate) fn io(operation: &'static str, path: &Path, source: io::Error) -> Self {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => {
                Self::ReadOnly { path, source }
            }
            _ => Self::Io { operation, path, source },
        }
    }
}

/// Whether a failed call means that the disk, or the user's share of it, is full.
pub(crate) fn is_no_space(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)
}
