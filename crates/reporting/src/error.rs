//! What can go wrong with a question, told so that the person who asked can do something about it.

use event_store::Error as StoreError;
use model::DecodeError;
use sequencer::replay::FoldError;

/// Why a question has no answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The log could not be folded.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// A record this build does not understand.
    #[error("record {sequence}: {source}")]
    Record {
        /// Its sequence number.
        sequence: u64,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// An event about an order that does not work.
    #[error("record {sequence} is about order {order_id}, which does not work then")]
    Orphan {
        /// The record.
        sequence: u64,
        /// The order it names.
        order_id: u64,
    },
    /// A name that nothing has.
    #[error(
        "there is no {what} {name}{}\nhint: SELECT {column} FROM {table} lists them",
        near.as_ref().map_or_else(String::new, |near| format!("; did you mean {near}?"))
    )]
    Unknown {
        /// What was looked for: `instrument` or `account`.
        what: &'static str,
        /// The name.
        name: String,
        /// The name there is that looks most like it.
        near: Option<String>,
        /// The table that lists what there is.
        table: &'static str,
        /// The column of it that holds the names.
        column: &'static str,
    },
    /// A sequence number that is not in the log.
    #[error(
        "record {sequence} is not in the log, which ends at {last}\nhint: sequence numbers begin at 1; every answer of the exchange carries one"
    )]
    NotThere {
        /// The number asked for.
        sequence: i64,
        /// The last one there is.
        last: u64,
    },
    /// A text that is no time.
    #[error(
        "{text:?} is no time\nhint: write 2026-01-05, '2026-01-05 14:30:00' or 2026-01-05T14:30:00Z; without a zone it is UTC"
    )]
    NoTime {
        /// What was given.
        text: String,
    },
    /// A parameter that must be given.
    #[error("{function} needs {parameter}\nhint: {example}")]
    Missing {
        /// The function.
        function: &'static str,
        /// What it needs.
        parameter: &'static str,
        /// How to call it.
        example: &'static str,
    },
    /// A call that names no store, where none is meant by itself.
    #[error(
        "which store?\nhint: name its directory, FROM trades(store := 'data/dev'), or set OUTCRY_STORE before the extension is loaded"
    )]
    WhichStore,
    /// A directory that cannot be looked into.
    #[error("there is no store in {}: {error}", dir.display())]
    NoDirectory {
        /// The directory.
        dir: std::path::PathBuf,
        /// Why not.
        error: std::io::Error,
    },
    /// A file that is not the projection of this log.
    #[error(
        "{} was made from another log, or is no projection of one\nhint: delete it or move it away; the projection is made again from the log",
        file.display()
    )]
    ForeignProjection {
        /// The file.
        file: std::path::PathBuf,
    },
    /// An index file that leads elsewhere than it says.
    #[error(
        "the index of segment {segment} is damaged\nhint: delete the folder \"index\" of the store: the log itself has everything, and \"outcry log index\" makes it again"
    )]
    IndexDamaged {
        /// The segment.
        segment: u64,
    },
    /// The log, a table made from it and a file made from that give different answers.
    #[error("\"{query}\" is answered differently by the log, the native table and the Parquet file")]
    Disagree {
        /// What was asked.
        query: &'static str,
    },
    /// A projection that another process has open.
    #[error(
        "{} is open in another process: {holder}\nhint: an exchange that runs on the store keeps the file itself, and DuckDB lets one process open it; ask the log with \"outcry sql\", or copy the file",
        file.display()
    )]
    ProjectionInUse {
        /// The file.
        file: std::path::PathBuf,
        /// Who has it.
        holder: String,
    },
    /// A projection that must be made again, and cannot be taken away.
    #[error("cannot make the projection again: {} cannot be deleted: {source}", file.display())]
    CannotRemake {
        /// The file.
        file: std::path::PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// Rows of a reporting rule that do not get into its table.
    #[error("the rows of a reporting rule (activation {activation}) cannot be written: {source}")]
    RuleTable {
        /// Its activation.
        activation: u32,
        /// What DuckDB said.
        source: Box<Error>,
    },
    /// A thread that cannot be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// A projection that failed before.
    #[error("the projection failed before and must be opened again")]
    Spoiled,
    /// An export that cannot be made, or not there.
    #[cfg(feature = "session")]
    #[error(transparent)]
    Export(#[from] crate::export::ExportError),
    /// A function of DuckDB's that has no business here.
    #[error("{function} is not for queries over a log")]
    Refused {
        /// Its name.
        function: &'static str,
    },
    /// What DuckDB said.
    #[error("{0}")]
    Sql(#[from] duckdb::Error),
    /// The query took too long.
    #[error(
        "the query was stopped after {seconds} seconds\nhint: ask for less (from_seq, to_seq, symbol, LIMIT), or allow more with --timeout"
    )]
    TimedOut {
        /// How long it was allowed to take.
        seconds: u64,
    },
    /// Somebody interrupted the query.
    #[error("the query was interrupted")]
    Interrupted,
}

impl Error {
    /// What is said, with a hint where there is one: for those who get to see nothing but a text.
    pub fn told(&self) -> String {
        match self.hint() {
            Some(hint) => format!("{self}\nhint: {hint}"),
            None => self.to_string(),
        }
    }

    /// What can be done about an error that does not say so itself.
    fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Store(StoreError::NotAStore { .. }) | Self::NoDirectory { .. } => Some(
                "a store is the directory that \"outcry dev\" or \"outcry start\" writes, with a file \"control\" in it",
            ),
            Self::Store(StoreError::FormatVersion { .. })
            | Self::Fold(FoldError::Store(StoreError::FormatVersion { .. })) => {
                Some("use the version of outcry that wrote it, or a newer one")
            }
            Self::Record { source, .. } | Self::Fold(FoldError::Record { source, .. })
                if !matches!(source, DecodeError::Malformed { .. }) =>
            {
                Some(
                    "use the version of outcry that wrote it, or a newer one; to_seq asks what comes before that record",
                )
            }
            Self::Store(_) | Self::Fold(_) | Self::Record { .. } | Self::Orphan { .. } => {
                Some("\"outcry log verify\" says how far the log is good, and to_seq := N asks that part")
            }
            _ => None,
        }
    }
}
