//! How fast the log is asked, beside the same trades in a native DuckDB table and in Parquet: what `outcry bench sql` runs. It is here
//! because only this crate may talk to DuckDB.

use std::fmt::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use duckdb::{Config, Connection};

use crate::error::Error;
use crate::index::Indexer;
use crate::session::{Limits, Session, quoted};
use crate::store::Store;
use crate::tables;

/// How to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measuring {
    /// Threads of each query.
    pub threads: usize,
    /// Memory of each query, in MiB.
    pub memory_mib: u64,
    /// How often each query takes its turn; the quickest counts.
    pub turns: u32,
}

/// What one query took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QueryTimes {
    /// What it asks.
    pub query: &'static str,
    /// Over the log, with indices.
    pub log: Duration,
    /// Over the log, without; only where it was measured.
    pub unindexed: Option<Duration>,
    /// Over a table in a DuckDB file.
    pub native: Duration,
    /// Over a Parquet file.
    pub parquet: Duration,
}

/// What came out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Measured {
    /// Trades in the log.
    pub trades: u64,
    /// Completed segments, and what indexing them took.
    pub segments: u64,
    /// What indexing them took, with one thread.
    pub indexing: Duration,
    /// From nothing to a session that takes questions.
    pub open: Duration,
    /// The first answer, which needs the names of everything.
    pub first_answer: Duration,
    /// Copying the trades out of the log into the DuckDB file.
    pub native_load: Duration,
    /// The queries.
    pub queries: Vec<QueryTimes>,
}

/// One-minute candles of all symbols, as one makes them of trades.
const CANDLES: &str = "SELECT instrument_id, time_ns // 60000000000 * 60000000000, arg_min(price_ticks, sequence), max(price_ticks), \
    min(price_ticks), arg_max(price_ticks, sequence), CAST(sum(quantity_lots) AS BIGINT), count(*) FROM {from} GROUP BY ALL";

/// The same, as the log offers them.
const BARS: &str = "SELECT instrument_id, start_ns, arg_min(open_ticks, first_sequence), max(high_ticks), min(low_ticks), \
    arg_max(close_ticks, last_sequence), CAST(sum(volume_lots) AS BIGINT), CAST(sum(trades) AS BIGINT) \
    FROM bars(60000000000) GROUP BY ALL";

/// The columns that the other two have as well.
const COPIED: &str = "sequence, time_ns, trade_id, symbol, instrument_id, price_ticks, quantity_lots, maker_order_id, taker_order_id";

struct Query {
    name: &'static str,
    /// With `{from}` for where the trades are.
    sql: &'static str,
    /// How the log is asked, where that is another way.
    own: Option<&'static str>,
    /// The parameters of the log's function and the condition that says the same to the others; `{last}` is where the last
    /// per cent of the log begins.
    parameters: &'static str,
    condition: &'static str,
    /// Whether to ask without indices too: the queries that read everything say nothing new.
    unindexed: bool,
}

const AGGREGATE: &str = "SELECT sum(price_ticks), sum(quantity_lots), max(time_ns), min(trade_id), count(maker_order_id) FROM {from}";

const QUERIES: &[Query] = &[
    Query {
        name: "count",
        sql: "SELECT count(*) FROM {from}",
        own: None,
        parameters: "",
        condition: "",
        unindexed: true,
    },
    Query {
        name: "five-column aggregate",
        sql: AGGREGATE,
        own: None,
        parameters: "",
        condition: "",
        unindexed: true,
    },
    Query {
        name: "one-minute candles of all symbols",
        sql: CANDLES,
        own: Some(BARS),
        parameters: "",
        condition: "",
        unindexed: false,
    },
    Query {
        name: "the same candles, made of trades",
        sql: CANDLES,
        own: None,
        parameters: "",
        condition: "",
        unindexed: false,
    },
    Query {
        name: "one symbol",
        sql: AGGREGATE,
        own: None,
        parameters: "symbol := 'S007'",
        condition: "symbol = 'S007'",
        unindexed: true,
    },
    Query {
        name: "the last per cent",
        sql: AGGREGATE,
        own: None,
        parameters: "from_seq := {last}",
        condition: "sequence >= {last}",
        unindexed: true,
    },
    Query {
        name: "the last per cent of one symbol",
        sql: AGGREGATE,
        own: None,
        parameters: "from_seq := {last}, symbol := 'S007'",
        condition: "sequence >= {last} AND symbol = 'S007'",
        unindexed: false,
    },
];

impl Query {
    fn over_log(&self, last: u64) -> String {
        let call = format!("trades({})", self.parameters);
        self.own.unwrap_or(self.sql).replace("{from}", &call).replace("{last}", &last.to_string())
    }

    fn over(&self, table: &str, last: u64) -> String {
        let mut sql = self.sql.replace("{from}", table);
        if !self.condition.is_empty() {
            let at = sql.find(" GROUP BY").unwrap_or(sql.len());
            sql.insert_str(at, &format!(" WHERE {}", self.condition));
        }
        sql.replace("{last}", &last.to_string())
    }
}

/// Asks everything of the store in `dir`, which must have an instrument `S007`. `work` is a directory for what it is compared with.
///
/// # Errors
/// What the store or DuckDB say; [`Error::Disagree`] if two of them answer differently.
pub fn measure(
    dir: &Path,
    work: &Path,
    config: Measuring,
    mut progress: impl FnMut(&str),
) -> Result<Measured, Error> {
    let Measuring { threads, memory_mib, turns } = config;
    let limits = Limits { memory_mib, threads, timeout: None };
    let bare = open(dir, work, config, false)?;
    let last = Store::open(dir)?.committed() / 100 * 99;

    progress("asking the log without indices");
    let asked_bare = |query: &Query| quickest(&bare, &query.over_log(last), turns.min(3));
    let mut unindexed = Vec::new();
    for query in QUERIES {
        unindexed.push(query.unindexed.then(|| asked_bare(query)).transpose()?);
    }
    drop(bare);

    progress("indexing");
    let started = Instant::now();
    let mut indexer = Indexer::open(dir)?;
    let mut segments = 0;
    while indexer.step()?.is_some() {
        segments += 1;
    }
    let indexing = started.elapsed();

    let started = Instant::now();
    let session = Session::open(dir, limits)?;
    let open_time = started.elapsed();
    session.query("SELECT count(symbol) FROM instruments")?.rows()?;
    let first_answer = started.elapsed();
    drop(session);

    progress("copying the trades into a DuckDB table and a Parquet file");
    let connection = open(dir, work, config, true)?;
    let started = Instant::now();
    connection
        .execute_batch(&format!("CREATE OR REPLACE TABLE native.trades AS SELECT {COPIED} FROM trades()"))?;
    let native_load = started.elapsed();
    let parquet = work.join("trades.parquet");
    let file = quoted(&parquet);
    connection.execute_batch(&format!("CHECKPOINT native; COPY native.trades TO {file} (FORMAT parquet)"))?;
    let trades =
        connection.query_row("SELECT count(*) FROM native.trades", [], |row| row.get::<_, i64>(0))?;

    let mut queries = Vec::new();
    for (query, unindexed) in QUERIES.iter().zip(unindexed) {
        progress(query.name);
        let asked = [
            query.over_log(last),
            query.over("native.trades", last),
            query.over(&format!("read_parquet({file})"), last),
        ];
        let mut answers = Vec::new();
        let mut times = [Duration::MAX; 3];
        // In turn, so that what else the machine does meets all three.
        for _ in 0..turns {
            for (sql, time) in asked.iter().zip(&mut times) {
                let started = Instant::now();
                answers.push(all_rows(&connection, sql)?);
                *time = (*time).min(started.elapsed());
            }
        }
        answers.dedup();
        if answers.len() != 1 {
            return Err(Error::Disagree { query: query.name });
        }
        let [log, native, parquet] = times;
        queries.push(QueryTimes { query: query.name, log, unindexed, native, parquet });
    }
    let trades = u64::try_from(trades).unwrap_or_default();
    Ok(Measured { trades, segments, indexing, open: open_time, first_answer, native_load, queries })
}

/// A DuckDB that knows the tables of a store and, unlike a [`Session`], may use files: those it compares with.
fn open(dir: &Path, work: &Path, config: Measuring, attach: bool) -> Result<Connection, Error> {
    let store = Store::open(dir)?;
    let threads = i64::try_from(config.threads).unwrap_or(i64::MAX);
    let settings = Config::default().max_memory(&format!("{}MiB", config.memory_mib))?.threads(threads)?;
    let connection = Connection::open_in_memory_with_flags(settings)?;
    tables::register_all(&connection, &store)?;
    if attach {
        connection.execute_batch(&format!("ATTACH {} AS native", quoted(&work.join("native.duckdb"))))?;
    }
    Ok(connection)
}

fn quickest(connection: &Connection, sql: &str, turns: u32) -> Result<Duration, Error> {
    let mut best = Duration::MAX;
    for _ in 0..turns.max(1) {
        let started = Instant::now();
        all_rows(connection, sql)?;
        best = best.min(started.elapsed());
    }
    Ok(best)
}

/// Every row of an answer, in one order: as text, so that two answers can be compared.
fn all_rows(connection: &Connection, sql: &str) -> Result<Vec<String>, Error> {
    let mut statement = connection.prepare(sql)?;
    let mut rows = statement.query([])?;
    let mut all = Vec::new();
    while let Some(row) = rows.next()? {
        let mut text = String::new();
        for column in 0..row.as_ref().column_count() {
            let value: duckdb::types::Value = row.get(column)?;
            // Writing to a string does not fail.
            let _ = write!(text, "{value:?} ");
        }
        all.push(text);
    }
    all.sort_unstable();
    Ok(all)
}
