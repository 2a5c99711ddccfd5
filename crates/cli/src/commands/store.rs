//! What the commands that read a store share: which store, where in it, and what its errors mean for the reader.

use crate::ui::Failure;
use clap::Args;
use event_store::{Error, Mark, Reader, ReaderOptions};
use gateway::api::Time;
use model::Timestamp;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// Which store. It may be in use by an exchange: reading never disturbs it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Store")]
pub struct Store {
    /// The directory that holds the store
    #[arg(long = "store", env = "OUTCRY_STORE", value_name = "DIR", default_value = "data/dev")]
    pub dir: PathBuf,
}

impl Store {
    /// A reader at the first record, bounded by `committed`.
    pub fn reader(&self, checksums: bool) -> Result<Reader, Failure> {
        let options = ReaderOptions { bound: Mark::Committed, checksums, ..ReaderOptions::default() };
        Ok(Reader::with_options(&self.dir, options)?)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let hint = match &error {
            Error::NotAStore { .. } => {
                let hint = "\"outcry dev\" makes one in data/dev; name another with --store or OUTCRY_STORE";
                return Self::usage(error).hint(hint);
            }
            Error::SequenceOutOfRange { .. } => {
                return Self::usage(error).hint("\"outcry log stats\" says what the log holds");
            }
            Error::FormatVersion { .. } => {
                return Self::usage(error).hint("use the version of this program that wrote it");
            }
            Error::Locked { pid: Some(pid), .. } => {
                format!(
                    "an exchange runs on it: talk to that one, stop it with \"kill {pid}\", or choose another --store"
                )
            }
            Error::Locked { pid: None, .. } => {
                "an exchange runs on it: talk to that one, or choose another --store".to_owned()
            }
            Error::ReadOnly { .. } => "is the directory yours, and the disk mounted for writing?".to_owned(),
            Error::NoSpace { .. } => "make room, or choose another --store".to_owned(),
            Error::Corruption { dir, .. } | Error::HeaderCorrupt { path: dir, .. } => {
                format!(
                    "stop; keep a copy of {}; \"outcry log verify\" says how far it is good",
                    dir.display()
                )
            }
            _ => return Self::failed(error),
        };
        Self::failed(error).hint(hint)
    }
}

/// A place in a log: a sequence number or a point in time.
#[derive(Debug, Clone, Copy)]
pub enum Place {
    Sequence(u64),
    Time(Timestamp),
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(sequence) = text.parse() {
            return Ok(Self::Sequence(sequence));
        }
        match text.parse::<Time>() {
            Ok(Time(timestamp)) => Ok(Self::Time(timestamp)),
            Err(_) => Err("write a sequence number, or a time such as 2026-01-05T15:00:00Z".to_owned()),
        }
    }
}

impl Place {
    /// Moves a reader to the first block that may hold this place. A place past the end is the end.
    pub fn seek(self, reader: &mut Reader) -> Result<(), Error> {
        match self {
            Self::Sequence(sequence) => reader.seek_sequence(sequence.clamp(1, reader.bound() + 1)),
            Self::Time(Timestamp(timestamp_ns)) => reader.seek_time(timestamp_ns),
        }
    }

    /// Whether a record lies before this place.
    pub fn is_after(self, sequence: u64, timestamp_ns: i64) -> bool {
        match self {
            Self::Sequence(place) => sequence < place,
            Self::Time(Timestamp(place)) => timestamp_ns < place,
        }
    }

    /// Whether a record lies after this place.
    pub fn is_before(self, sequence: u64, timestamp_ns: i64) -> bool {
        match self {
            Self::Sequence(place) => sequence > place,
            Self::Time(Timestamp(place)) => timestamp_ns > place,
        }
    }
}

/// The size of a directory's files, in bytes and in number.
pub fn directory_size(dir: &Path) -> (u64, u64) {
    let files = std::fs::read_dir(dir).into_iter().flatten().flatten();
    files
        .filter_map(|entry| entry.metadata().ok())
        .filter(std::fs::Metadata::is_file)
        .fold((0, 0), |(bytes, files), metadata| (bytes + metadata.len(), files + 1))
}
