//! The projection: tables of their own in `reports.duckdb`, for readers that want a DuckDB file. It follows the log in batches; each adds
//! rows and moves the watermark in one transaction, so that however often its process dies, nothing is there twice and nothing is
//! missing. The file can be deleted at any time: the next run makes it again from the log.
//!
//! **Architecture invariant:** the log never waits for it, and nothing is in it that is not in the log.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use duckdb::{Config, Connection, OptionalExt as _};

use crate::error::Error;
use crate::store::Store;
use crate::tables;

/// The file's name in the store directory.
pub const FILE: &str = "reports.duckdb";

/// Counts changes to the tables of the file. Another number: delete the file.
const SCHEMA_VERSION: i64 = 1;

/// The most records of the log in one transaction.
const BATCH_RECORDS: u64 = 1 << 18;

/// How long to wait for more when there is nothing to do: well under the 300 ms in which a trade is to be seen.
const IDLE: Duration = Duration::from_millis(100);

const CREATE: &str = include_str!("../reports/projection.sql");

/// Takes the batch's trades into the candles. The parameters of the scan keep it to the batch, and the order of the log makes the last
/// close the right one.
const CANDLES: &str = "
INSERT INTO candles_1m
SELECT instrument_id, any_value(symbol), time_ns // 60000000000 * 60000000000 AS start_ns,
       arg_min(price_ticks, sequence), max(price_ticks), min(price_ticks), arg_max(price_ticks, sequence),
       CAST(sum(quantity_lots) AS BIGINT), count(*), min(sequence), max(sequence)
FROM trades(from_seq := $1, to_seq := $2) GROUP BY instrument_id, start_ns
ON CONFLICT DO UPDATE SET
    high_ticks = greatest(high_ticks, excluded.high_ticks), low_ticks = least(low_ticks, excluded.low_ticks),
    close_ticks = excluded.close_ticks, volume_lots = volume_lots + excluded.volume_lots, trades = trades + excluded.trades,
    last_sequence = excluded.last_sequence";

/// The owner of a projection. DuckDB lets no other process open the file meanwhile.
pub struct Projection {
    store: Arc<Store>,
    connection: Connection,
    /// The last record that is in the file.
    watermark: u64,
}

impl Projection {
    /// Opens the projection of a store, or begins one. `file` is [`FILE`] in the store directory unless it is given.
    ///
    /// # Errors
    /// [`Error::ForeignProjection`] when the file was made from another log or by another version; what the store or DuckDB say.
    pub fn open(dir: impl AsRef<Path>, file: Option<&Path>) -> Result<Self, Error> {
        let store = Store::open(dir)?;
        let file = file.map_or_else(|| store.dir().join(FILE), Path::to_owned);
        let config = Config::default().max_memory("512MiB")?.threads(1)?.enable_autoload_extension(false)?;
        let connection = Connection::open_with_flags(&file, config)?;
        tables::register_all(&connection, &store)?;
        let id = store.reader()?.store_id().to_string();
        let watermark = begin(&connection, &store, &id, file)?;
        Ok(Self { store, connection, watermark })
    }

    /// The last record that is in the file.
    pub fn watermark(&self) -> u64 {
        self.watermark
    }

    /// Takes in the next batch, all of it or nothing. Returns its records; 0 when there are none.
    ///
    /// # Errors
    /// What the store or DuckDB say. The file is as it was.
    pub fn step(&mut self) -> Result<u64, Error> {
        let committed = self.store.committed();
        let to = committed.min(self.watermark + BATCH_RECORDS);
        if to <= self.watermark {
            return Ok(0);
        }
        let (from, last) = (signed(self.watermark + 1), signed(to));
        let time_ns = self.time_of(to)?;
        let transaction = self.connection.unchecked_transaction()?;
        for table in ["trades", "rule_verdicts", "rule_changes"] {
            let insert = format!("INSERT INTO {table} FROM {table}(from_seq := $1, to_seq := $2)");
            transaction.prepare_cached(&insert)?.execute([from, last])?;
        }
        transaction.prepare_cached(CANDLES)?.execute([from, last])?;
        transaction.execute("UPDATE watermark SET sequence = ?, time_ns = ?", [last, time_ns])?;
        transaction.commit()?;
        let taken = to - self.watermark;
        self.watermark = to;
        Ok(taken)
    }

    /// Takes in everything committed so far. Returns its records.
    ///
    /// # Errors
    /// As for [`Projection::step`].
    pub fn catch_up(&mut self) -> Result<u64, Error> {
        let mut taken = 0;
        loop {
            match self.step()? {
                0 => return Ok(taken),
                records => taken += records,
            }
        }
    }

    /// Follows the log in a thread of its own, until it is told to stop or fails.
    pub fn spawn(mut self) -> Following {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = std::thread::spawn(move || {
            while !asked.load(Ordering::Relaxed) {
                if self.step()? == 0 {
                    std::thread::sleep(IDLE);
                }
            }
            Ok(self.watermark)
        });
        Following { stop, thread }
    }

    fn time_of(&self, sequence: u64) -> Result<i64, Error> {
        let mut reader = self.store.reader()?;
        reader.seek_sequence(sequence)?;
        Ok(reader.next_block()?.map_or(0, |block| block.header().timestamp_ns))
    }
}

/// A projection that follows the log.
pub struct Following {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<u64, Error>>,
}

impl Following {
    /// Whether it has ended by itself: it failed.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends it. Returns the last record that is in the file.
    ///
    /// # Errors
    /// What it had failed with.
    pub fn stop(self) -> Result<u64, Error> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}

fn signed(sequence: u64) -> i64 {
    i64::try_from(sequence).expect("a log of 2^63 records is longer than any disk")
}

/// The watermark of a file that has one; otherwise makes the tables, and it.
fn begin(connection: &Connection, store: &Store, id: &str, file: PathBuf) -> Result<u64, Error> {
    let exists = "SELECT count(*) FROM duckdb_tables() WHERE table_name = 'watermark'";
    if connection.query_row(exists, [], |row| row.get::<_, i64>(0))? == 0 {
        let transaction = connection.unchecked_transaction()?;
        transaction.execute_batch(CREATE)?;
        transaction
            .execute("INSERT INTO watermark VALUES (?, ?, 0, 0)", duckdb::params![id, SCHEMA_VERSION])?;
        transaction.commit()?;
        return Ok(0);
    }
    let read = "SELECT sequence FROM watermark WHERE store_id = ? AND schema_version = ?";
    let found = connection
        .query_row(read, duckdb::params![id, SCHEMA_VERSION], |row| row.get::<_, i64>(0))
        .optional()?;
    // A mark past the end of the log is one of a log that has lost its end.
    let mark = found.and_then(|mark| u64::try_from(mark).ok()).filter(|&mark| mark <= store.committed());
    mark.ok_or(Error::ForeignProjection { file })
}
