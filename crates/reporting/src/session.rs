//! A place to ask questions in: an in-memory DuckDB that knows the tables of one store and can do nothing but answer.

mod answer;
mod definitions;
mod split;
mod watch;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use duckdb::{Config, Connection};

pub use answer::{Answer, AnswerColumn, Batch, CellValue, Rows};
use definitions::Definitions;
pub use split::{Split, split};
pub use watch::Stopper;
use watch::Watch;

use crate::error::Error;
use crate::store::Store;
use crate::tables;

/// What a query may use.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Memory, in MiB. A query that needs more fails; nothing is written to disk to make room.
    pub memory_mib: u64,
    /// Threads; 0 for as many as there are processors.
    pub threads: usize,
    /// How long it may take; `None` for as long as it likes.
    pub timeout: Option<Duration>,
}

impl Default for Limits {
    fn default() -> Self {
        Self { memory_mib: 1024, threads: 0, timeout: Some(Duration::from_mins(5)) }
    }
}

/// Tables over one store, and what has been made of them so far.
pub struct Session {
    store: Arc<Store>,
    connection: Connection,
    definitions: Definitions,
    limits: Limits,
    stopper: Stopper,
}

impl Session {
    /// Opens a store for questions.
    ///
    /// # Errors
    /// [`Error::Store`] when it is none; [`Error::Sql`] when DuckDB will not start.
    pub fn open(dir: impl AsRef<Path>, limits: Limits) -> Result<Self, Error> {
        Self::with_output(dir, limits, None)
    }

    /// As [`Session::open`], for questions whose answer DuckDB itself writes to one file: see [`Session::copy_to`].
    ///
    /// # Errors
    /// As for [`Session::open`].
    pub fn with_output(dir: impl AsRef<Path>, limits: Limits, output: Option<&Path>) -> Result<Self, Error> {
        let store = Store::open(dir)?;
        let mut config = Config::default().max_memory(&format!("{}MiB", limits.memory_mib))?;
        if limits.threads > 0 {
            config = config.threads(i64::try_from(limits.threads).unwrap_or(i64::MAX))?;
        }
        let connection = Connection::open_in_memory_with_flags(config)?;
        tables::register_all(&connection, &store)?;
        let definitions = Definitions::first(&connection)?;
        connection.execute_batch(&confinement(output))?;
        let stopper = Stopper::new(connection.interrupt_handle());
        Ok(Self { store, connection, definitions, limits, stopper })
    }

    /// The store.
    pub fn store(&self) -> &Arc<Store> {
        &self.store
    }

    /// A way to stop the running query from another thread.
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// Asks one statement. Everything it reads it reads as of one record: the last one committed when it began.
    ///
    /// # Errors
    /// What DuckDB finds wrong with it, or what it runs into.
    pub fn query(&self, sql: &str) -> Result<Answer<'_>, Error> {
        refuse(sql)?;
        let watch = Watch::new(&self.store, &self.stopper, self.limits.timeout);
        let run = || {
            let mut statement = self.connection.prepare(sql)?;
            // The iterator this returns panics where `step` reports, so the answer steps by itself.
            drop(statement.stream_arrow([])?);
            Ok(statement)
        };
        match self.definitions.run(&self.connection, sql, run) {
            Ok(statement) => Ok(Answer::new(statement, watch)),
            Err(error) => Err(watch.explain(error)),
        }
    }

    /// The first and the last day of the log, UTC, as `2026-01-05`; `None` for an empty one.
    ///
    /// # Errors
    /// [`Error::Store`] when the log cannot be read.
    pub fn days(&self) -> Result<Option<(String, String)>, Error> {
        let days = self
            .query("SELECT CAST(CAST(first_time AS DATE) AS VARCHAR), CAST(last_date AS VARCHAR) FROM log")?;
        Ok(match days.rows()?.first().map(Vec::as_slice) {
            Some([CellValue::Text(first), CellValue::Text(last)]) => Some((first.clone(), last.clone())),
            _ => None,
        })
    }

    /// The last record of a day, UTC; `None` when nothing happened on it.
    ///
    /// # Errors
    /// [`Error::Store`] when the log cannot be read; [`Error::Sql`] when it is no date.
    pub fn last_sequence_of(&self, date: &str) -> Result<Option<u64>, Error> {
        let date = date.replace('\'', "''");
        let times = format!("SELECT epoch_ns(DATE '{date}'), epoch_ns(DATE '{date}' + INTERVAL 1 day)");
        let rows = self.query(&times)?.rows()?;
        let Some([CellValue::Integer(from), CellValue::Integer(to)]) = rows.first().map(Vec::as_slice) else {
            return Ok(None);
        };
        self.store.last_before(*from, *to)
    }

    /// Writes the answer to a query as Parquet into the file this session was opened with. Returns its rows.
    ///
    /// # Errors
    /// As for [`Session::query`].
    pub fn copy_to(&self, sql: &str, output: &Path) -> Result<u64, Error> {
        refuse(sql)?;
        let sql = sql.trim().trim_end_matches(';');
        let copy = format!("COPY ({sql}\n) TO {} (FORMAT parquet, COMPRESSION zstd)", quoted(output));
        let watch = Watch::new(&self.store, &self.stopper, self.limits.timeout);
        let run = || self.connection.execute(&copy, []);
        let rows = self.definitions.run(&self.connection, sql, run).map_err(|error| watch.explain(error))?;
        Ok(rows as u64)
    }
}

/// DuckDB ends the whole process when a log file it was told to write is forbidden by the confinement. No file is written either
/// way; this is so that the asker is told, and the shell goes on.
fn refuse(sql: &str) -> Result<(), Error> {
    const FUNCTION: &str = "enable_logging";
    if sql.to_ascii_lowercase().contains(FUNCTION) {
        return Err(Error::Refused { function: FUNCTION });
    }
    Ok(())
}

/// A path as an SQL string.
pub(crate) fn quoted(path: &Path) -> String {
    format!("'{}'", path.to_string_lossy().replace('\'', "''"))
}

/// What keeps a query from doing anything but answer. No file is opened but `output`, none is written to make room, no
/// extension is loaded, and no statement changes any of this.
fn confinement(output: Option<&Path>) -> String {
    let allowed = output.map_or_else(String::new, quoted);
    format!(
        "SET autoinstall_known_extensions = false;
         SET autoload_known_extensions = false;
         SET allow_community_extensions = false;
         SET temp_directory = '';
         SET allowed_paths = [{allowed}];
         SET enable_external_access = false;
         SET lock_configuration = true;"
    )
}
