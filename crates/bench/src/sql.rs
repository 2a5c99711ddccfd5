//! `outcry bench sql`: a log full of trades is asked in SQL, beside the same trades in a native DuckDB table and in Parquet; and an
//! exchange trades while a heavy query runs over its log.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use reporting::measure::{Measured, Measuring, QueryTimes, measure};
use reporting::{Limits, Session};
use sequencer::Durability;

use crate::BenchError;
use crate::latency::{self, Run};
use crate::projection;
use crate::trades::{Trading, write_trades};
use crate::watch::{Percentiles, histogram, nanos, per_second};

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Config {
    /// Of the flow.
    pub seed: u64,
    /// Trades in the log.
    pub trades: u64,
    /// Instruments.
    pub symbols: u32,
    /// Threads of each query.
    pub threads: usize,
    /// Memory of each query, in MiB.
    pub memory_mib: u64,
    /// How often each query takes its turn.
    pub turns: u32,
    /// Commands a second while a query runs.
    pub rate: u64,
    /// For how long.
    pub seconds: u64,
    /// Trades whose way into an answer is timed.
    pub live: u32,
    /// Trades of the log that is projected into a `reports.duckdb`.
    pub projected: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            seed: 1,
            trades: 20_000_000,
            symbols: 500,
            threads: 2,
            memory_mib: 8192,
            turns: 5,
            rate: 215_000,
            seconds: 5,
            live: 100,
            projected: 2_000_000,
        }
    }
}

/// What came out.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// What was run.
    pub config: Config,
    /// Bytes of the log.
    pub log_bytes: u64,
    /// Bytes of its indices.
    pub index_bytes: u64,
    /// Completed segments.
    pub segments: u64,
    /// Indexing them, one thread.
    pub indexing_ns: u64,
    /// From nothing to a session that takes questions.
    pub open_ns: u64,
    /// And to its first answer.
    pub first_answer_ns: u64,
    /// Copying the trades into the native table.
    pub native_load_ns: u64,
    /// The queries.
    pub queries: Vec<QueryReport>,
    /// From a trade's commit to a candle that has it, asked in SQL.
    pub live: Percentiles,
    /// A log full of trades on its way into `reports.duckdb`: the hardest there is, most other records are only looked at.
    pub projection: projection::Report,
    /// An exchange with nobody asking.
    pub quiet: Run,
    /// The same with a heavy query all the time, in threads of low priority, as the program runs it.
    pub queried: Run,
    /// Heavy queries that were answered meanwhile.
    pub heavy_queries: u64,
}

/// One query.
#[derive(Debug, Clone, serde::Serialize)]
pub struct QueryReport {
    /// What it asks.
    pub query: &'static str,
    /// Over the log.
    pub log_ns: u64,
    /// Rows a second, counting all there are.
    pub rows_per_second: u64,
    /// Over a log without indices, where measured.
    pub unindexed_ns: Option<u64>,
    /// Over the native table.
    pub native_ns: u64,
    /// Over the Parquet file.
    pub parquet_ns: u64,
    /// How many times the native table's time the log's is.
    pub times_native: f64,
}

/// Runs the benchmark in directories under `dir`. `progress` hears what is about to be done.
///
/// # Errors
/// Whatever goes wrong with store, exchange or DuckDB.
pub fn run(config: &Config, dir: &Path, mut progress: impl FnMut(&str)) -> Result<Report, BenchError> {
    let (store, work) = (dir.join("sql"), dir.join("sql-peers"));
    std::fs::create_dir_all(&work).map_err(|source| BenchError::Disk { path: work.clone(), source })?;
    progress("writing the log");
    let trading = Trading { seed: config.seed, trades: config.trades, symbols: config.symbols };
    write_trades(&store, &trading)?;
    let measuring = Measuring { threads: config.threads, memory_mib: config.memory_mib, turns: config.turns };
    let measured = measure(&store, &work, measuring, &mut progress)?;
    let bytes = |name: &str| folder_bytes(&store.join(name));
    let (log_bytes, index_bytes) = (bytes("segments"), bytes(reporting::INDEX_DIR));
    // What was measured is worth nothing afterwards; if it cannot be removed, so be it.
    let _ = std::fs::remove_dir_all(&work);

    progress("projecting");
    let (full, file) = (dir.join("sql-projected"), dir.join("sql-projection"));
    std::fs::create_dir_all(&file).map_err(|source| BenchError::Disk { path: file.clone(), source })?;
    write_trades(&full, &Trading { trades: config.projected, ..trading })?;
    let projection = projection::run(&full, &file)?;
    let _ = (std::fs::remove_dir_all(&full), std::fs::remove_dir_all(&file));

    progress("waiting for trades to show in SQL");
    let live = live(config, &dir.join("sql-live"))?;
    progress("trading with nobody asking");
    let quiet = trade(config, &dir.join("sql-quiet"), None)?.0;
    progress("trading with a heavy query");
    let (queried, heavy_queries) = trade(config, &dir.join("sql-queried"), Some(&store))?;
    let _ = std::fs::remove_dir_all(&store);

    let Measured { trades, segments, indexing, open, first_answer, native_load, queries } = measured;
    Ok(Report {
        config: config.clone(),
        log_bytes,
        index_bytes,
        segments,
        indexing_ns: nanos(indexing),
        open_ns: nanos(open),
        first_answer_ns: nanos(first_answer),
        native_load_ns: nanos(native_load),
        queries: queries.iter().map(|times| query_report(times, trades)).collect(),
        live,
        projection,
        quiet,
        queried,
        heavy_queries,
    })
}

fn query_report(times: &QueryTimes, trades: u64) -> QueryReport {
    QueryReport {
        query: times.query,
        log_ns: nanos(times.log),
        rows_per_second: per_second(trades, times.log),
        unindexed_ns: times.unindexed.map(nanos),
        native_ns: nanos(times.native),
        parquet_ns: nanos(times.parquet),
        times_native: times.log.as_secs_f64() / times.native.as_secs_f64().max(1e-9),
    }
}

fn folder_bytes(dir: &Path) -> u64 {
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.metadata().ok()).map(|metadata| metadata.len()).sum()
}

/// How long each of some trades takes to be in a candle: from its commit until a query, asked again and again, shows it.
fn live(config: &Config, store: &Path) -> Result<Percentiles, BenchError> {
    let mut latencies = histogram();
    let mut writer = crate::trades::Writing::new(store, config.seed, config.symbols)?;
    writer.trade(1000)?;
    let session = Session::open(store, Limits { threads: 1, ..Limits::default() })?;
    for _ in 0..config.live {
        let before = writer.traded();
        writer.trade(1)?;
        let committed = Instant::now();
        loop {
            let rows = session.query("SELECT sum(trades) FROM candles_1m")?.rows()?;
            let shown = match rows.first().and_then(|row| row.first()) {
                Some(reporting::CellValue::Integer(shown)) => u64::try_from(*shown).unwrap_or_default(),
                Some(reporting::CellValue::Number(shown)) => shown.parse().unwrap_or_default(),
                _ => 0,
            };
            if shown > before {
                break;
            }
        }
        latencies.saturating_record(nanos(committed.elapsed()));
    }
    let _ = std::fs::remove_dir_all(store);
    Ok(Percentiles::of(&latencies))
}

/// The heaviest thing one would ask of a log again and again.
const HEAVY: &str = "SELECT symbol, time_ns // 60000000000, arg_min(price_ticks, sequence), max(price_ticks), min(price_ticks), \
                     arg_max(price_ticks, sequence), sum(quantity_lots) FROM trades GROUP BY ALL";

/// Trades at a fixed rate; meanwhile somebody asks `queried`, if that is given.
fn trade(config: &Config, store: &Path, queried: Option<&Path>) -> Result<(Run, u64), BenchError> {
    let stop = Arc::new(AtomicBool::new(false));
    let asking = queried.map(|dir| {
        let (stop, dir) = (Arc::clone(&stop), dir.to_owned());
        let limits = Limits { memory_mib: config.memory_mib, threads: config.threads, timeout: None };
        std::thread::spawn(move || -> Result<u64, BenchError> {
            // The threads that DuckDB starts inherit it. What does not work leaves things as they were.
            let _ = rustix::process::nice(reporting::NICENESS);
            let session = Session::open(dir, limits)?;
            let mut answered = 0;
            while !stop.load(Ordering::Relaxed) {
                session.query(HEAVY)?.rows()?;
                answered += 1;
            }
            Ok(answered)
        })
    });
    let latency =
        latency::Config { seed: config.seed, seconds: config.seconds, ..latency::Config::default() };
    let run = latency::measure(&latency, config.rate, Durability::Os, "os", store);
    stop.store(true, Ordering::Relaxed);
    let answered = match asking {
        Some(asking) => asking.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?,
        None => 0,
    };
    let _ = std::fs::remove_dir_all(store);
    Ok((run?, answered))
}
