//! What can go wrong with an export beyond what can go wrong with a question.

use std::io;
use std::path::{Path, PathBuf};

/// Why an export cannot be made, or not here.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// The directory holds something else.
    #[error("{} is not empty and holds no export\nhint: name a directory that is empty, or not there yet", dir.display())]
    NotAnExport {
        /// The directory.
        dir: PathBuf,
    },
    /// The export belongs to another log.
    #[error("{} was exported from another log than this store's: {why}\nhint: export into a directory of its own", dir.display())]
    OtherLog {
        /// The directory.
        dir: PathBuf,
        /// How that shows.
        why: OtherLog,
    },
    /// The export has another layout, or tables with other columns.
    #[error("{} was exported by a version with other tables\nhint: export into another directory, from the first record on", dir.display())]
    OtherSchema {
        /// The directory.
        dir: PathBuf,
    },
    /// The log of this export is cut elsewhere.
    #[error("{} is cut every {found} records, not every {asked}\nhint: leave out --part-records, or export into another directory", dir.display())]
    OtherParts {
        /// The directory.
        dir: PathBuf,
        /// What it was begun with.
        found: u64,
        /// What was asked for now.
        asked: u64,
    },
    /// Somebody else writes it.
    #[error("another process exports into {}\nhint: wait for it; one at a time", dir.display())]
    Busy {
        /// The directory.
        dir: PathBuf,
    },
    /// A file that the manifest names is gone or has another size.
    #[error("{} is not as the manifest has it\nhint: put it back, or export into another directory", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// The manifest cannot be understood.
    #[error("{} is not the manifest of an export: {source}\nhint: export into another directory", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// A file or directory could not be dealt with.
    #[error("cannot {what} {}: {source}", path.display())]
    File {
        /// What was to be done.
        what: &'static str,
        /// With what.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// How it shows that an export was made from another log.
#[derive(Debug, thiserror::Error)]
pub enum OtherLog {
    /// The store has another name.
    #[error("from store {found}, and this is {store}")]
    Store {
        /// The export's.
        found: String,
        /// This one's.
        store: String,
    },
    /// The log ends before the export does.
    #[error("it goes to record {exported}, and this log to {committed}")]
    Shorter {
        /// The export's last record.
        exported: u64,
        /// The log's.
        committed: u64,
    },
    /// Something else was written there.
    #[error("the hash chain at record {sequence} differs")]
    Chain {
        /// The record.
        sequence: u64,
    },
}

/// Says what was to be done with a path.
pub fn at(what: &'static str, path: &Path) -> impl FnOnce(io::Error) -> ExportError {
    let path = path.to_owned();
    move |source| ExportError::File { what, path, source }
}
