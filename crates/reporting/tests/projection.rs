//! The projection against the log it comes from, whatever happens to its process.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant};

use common::{Market, ask, session, splitmix};
use duckdb::Connection;
use reporting::{Error, Projection, ProjectionOptions};

const COLUMNS: &str = "sequence, trade_id, symbol, price, quantity, notional, buyer, seller, price_ticks, quantity_lots, command_sequence";
const CANDLES: &str = "symbol, start, open, high, low, close, volume, trades, open_ticks, high_ticks, low_ticks, close_ticks, volume_lots, \
    first_sequence, last_sequence";

fn open(dir: &Path) -> Result<Projection, Box<Error>> {
    Ok(Projection::open(dir, ProjectionOptions::default())?)
}

/// All rows of a query over the file, as text.
fn file_rows(file: &Path, sql: &str) -> Vec<Vec<String>> {
    let connection = Connection::open(file).unwrap();
    let as_text = format!("SELECT COLUMNS(*)::VARCHAR FROM ({sql})");
    let mut statement = connection.prepare(&as_text).unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let width = row.as_ref().column_count();
        found.push(
            (0..width)
                .map(|at| row.get::<_, Option<String>>(at).unwrap().unwrap_or("-".to_owned()))
                .collect(),
        );
    }
    found
}

/// What is in the file is what is in the log, row for row.
fn agrees(dir: &Path, file: &Path) {
    let session = session(dir);
    let same = |query: &str, at_least: usize| {
        let expected = ask(&session, &format!("SELECT COLUMNS(*)::VARCHAR FROM ({query})"));
        assert!(expected.len() >= at_least, "{} rows of {query}", expected.len());
        let found = file_rows(file, query);
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected, "{query}");
        }
        assert_eq!(found.len(), expected.len(), "{query}");
    };
    same(&format!("SELECT {COLUMNS} FROM trades ORDER BY sequence"), 50);
    for interval in ["1s", "1m", "5m", "15m", "1h", "1d"] {
        same(&format!("SELECT {CANDLES} FROM candles_{interval} ORDER BY symbol, start"), 3);
    }
    let balances =
        "SELECT account, asset, is_instrument, total, total_minor FROM balances WHERE total_minor <> 0";
    same(&format!("{balances} ORDER BY account, asset"), 8);
    for (table, order) in
        [("instruments", "instrument_id"), ("accounts", "account_id"), ("assets", "asset_id")]
    {
        same(&format!("FROM {table} ORDER BY {order}"), 3);
    }
    let wrongly = "SELECT symbol FROM candles, watermark WHERE closed <> (time_ns >= start_ns + CASE \"interval\" \
        WHEN '1s' THEN 1 WHEN '1m' THEN 60 WHEN '5m' THEN 300 WHEN '15m' THEN 900 WHEN '1h' THEN 3600 ELSE 86400::BIGINT END * 1000000000)";
    assert_eq!(file_rows(file, wrongly), Vec::<Vec<String>>::new(), "closed is what the log has passed");
}

/// A hash of everything in every table of the file.
fn content(file: &Path) -> Vec<Vec<String>> {
    let tables = "SELECT table_name FROM duckdb_tables() WHERE NOT internal ORDER BY table_name";
    let tables = file_rows(file, tables);
    assert!(tables.len() >= 11, "{tables:?}");
    let hash = |table: &str| {
        file_rows(file, &format!("SELECT '{table}', count(*), sum(hash(t)) FROM \"{table}\" t"))
    };
    tables.iter().flat_map(|table| hash(&table[0])).collect()
}

fn market(dir: &Path) -> Market {
    let mut market = Market::opened(dir);
    for round in 0..10 {
        market.trade(700 + round, 150);
        market.sleep(20_000_000_000);
    }
    market
}

#[test]
fn it_has_what_the_log_has_and_goes_on_from_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(reporting::PROJECTION_FILE);
    let mut market = market(dir.path());
    let mut projection = open(dir.path()).unwrap();
    assert_eq!(projection.catch_up().unwrap(), market.last());
    assert_eq!((projection.watermark(), projection.catch_up().unwrap()), (market.last(), 0));
    drop(projection);
    agrees(dir.path(), &file);

    let before = market.last();
    for round in 0..20 {
        market.trade(800 + round, 20);
        market.sleep(700_000_000);
        let mut projection = open(dir.path()).unwrap();
        assert_eq!(projection.remade(), None);
        projection.catch_up().unwrap();
    }
    assert!(market.last() > before + 400);
    agrees(dir.path(), &file);

    // Deleted, it is made again, to the last unit.
    let was = content(&file);
    std::fs::remove_file(&file).unwrap();
    open(dir.path()).unwrap().catch_up().unwrap();
    agrees(dir.path(), &file);
    assert_eq!(content(&file), was);
}

#[test]
fn what_was_traded_is_there_after_the_next_step() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = market(dir.path());
    let mut projection = open(dir.path()).unwrap();
    projection.catch_up().unwrap();
    let before = market.last();
    market.trade(900, 300);
    let begun = Instant::now();
    let step = projection.step().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
    assert_eq!((step.records, step.more), (market.last() - before, false));
    assert_eq!(projection.watermark(), market.last());
    drop(projection);
    agrees(dir.path(), &dir.path().join(reporting::PROJECTION_FILE));
}

#[test]
fn a_file_of_another_log_is_refused() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    market(one.path());
    market(other.path());
    open(one.path()).unwrap().catch_up().unwrap();
    let file = one.path().join(reporting::PROJECTION_FILE);
    let elsewhere = |file: &Path| {
        let options = ProjectionOptions { file: Some(file.to_owned()), ..ProjectionOptions::default() };
        Projection::open(other.path(), options).err().unwrap()
    };
    let refused = elsewhere(&file);
    assert!(
        matches!(refused, Error::ForeignProjection { .. }) && refused.to_string().contains("delete"),
        "{refused}"
    );
    // Nor is one that somebody made for something else, or that is no database at all.
    let foreign = other.path().join("foreign.duckdb");
    Connection::open(&foreign).unwrap().execute_batch("CREATE TABLE t AS SELECT 1").unwrap();
    assert!(matches!(elsewhere(&foreign), Error::ForeignProjection { .. }));
    let text = other.path().join("text.duckdb");
    std::fs::write(&text, "not a database ".repeat(1000)).unwrap();
    let refused = elsewhere(&text);
    assert!(matches!(refused, Error::ForeignProjection { .. }), "{refused:?}");
    assert_eq!(file_rows(&foreign, "FROM t"), [["1"]]);
}

#[test]
fn what_this_version_cannot_go_on_with_is_made_again() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join(reporting::PROJECTION_FILE);
    let market = market(dir.path());
    let spoil = |sql: &str, why: &str| {
        Connection::open(&file).unwrap().execute_batch(sql).unwrap();
        let mut projection = open(dir.path()).unwrap();
        assert!(projection.remade().is_some_and(|said| said.contains(why)), "{:?}", projection.remade());
        assert_eq!(projection.catch_up().unwrap(), market.last());
    };
    open(dir.path()).unwrap().catch_up().unwrap();
    let was = content(&file);
    spoil("UPDATE watermark SET schema_version = 1", "another version");
    // The table that the first version had.
    spoil(
        "ALTER TABLE watermark DROP COLUMN checksum; UPDATE watermark SET schema_version = 1",
        "another version",
    );
    spoil("UPDATE watermark SET sequence = sequence + 1000", "lost");
    // Another block stands where the file had got to: the log was cut off and went on.
    spoil("UPDATE watermark SET checksum = checksum + 1", "lost");
    assert_eq!(content(&file), was);
}

/// How long a process may take to start: a bound on a test that hangs, not a measurement.
const PATIENCE: Duration = Duration::from_mins(1);

/// Set for the process that is killed: the store it projects.
const STORE: &str = "OUTCRY_TEST_PROJECT";

/// Not a test of its own: what the killed process runs.
#[test]
fn projects_until_killed() {
    let Some(store) = std::env::var_os(STORE) else { return };
    // Another process may not have let go of the file yet.
    let started = Instant::now();
    let mut projection = loop {
        match open(Path::new(&store)) {
            Ok(projection) => break projection,
            Err(error) if started.elapsed() > Duration::from_secs(20) => panic!("{error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    assert_eq!(projection.remade(), None);
    println!("{UP_TO}{}", projection.watermark());
    loop {
        if projection.step().unwrap().records == 0 {
            std::thread::sleep(Duration::from_millis(1));
        } else {
            println!("{UP_TO}{}", projection.watermark());
        }
    }
}

/// What the killed process says of each mark that it has committed, the first when it has opened the file.
const UP_TO: &str = "committed up to ";

/// The marks that a projecting process speaks of, as they come.
fn marks(child: &mut Child) -> Receiver<u64> {
    let (send, marks) = mpsc::channel();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    std::thread::spawn(move || {
        for line in lines.map_while(Result::ok) {
            // The test harness begins a line of its own, and leaves it unfinished.
            if let Some(mark) = line.split(UP_TO).nth(1) {
                let _ = send.send(mark.parse().unwrap());
            }
        }
    });
    marks
}

/// The processes are killed while they start, while they take in the first records and while they keep up, in turn. The
/// random moment counts from there, so that a slow machine tests no less than a fast one.
#[test]
fn killed_two_hundred_times_it_has_every_row_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    let mut promised = 0;
    for round in 0..200 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["projects_until_killed", "--exact", "--nocapture"])
            .env(STORE, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let marks = marks(&mut child);
        market.trade(10_000 + 100 * round, 10);
        for awaited in 0..round % 3 {
            let mark = marks.recv_timeout(PATIENCE).unwrap();
            assert!(
                mark >= promised,
                "round {round}, mark {awaited}: {promised} was committed, {mark} is there"
            );
            promised = mark;
        }
        let moment = Duration::from_micros(splitmix(round) % 80_000);
        let started = Instant::now();
        let mut step = 1;
        while started.elapsed() < moment {
            market.trade(10_000 + 100 * round + step, 10);
            step += 1;
            std::thread::sleep(Duration::from_millis(2));
        }
        market.sleep(1_000_000_000);
        child.kill().unwrap();
        child.wait().unwrap();
        promised = marks.iter().last().unwrap_or(promised);
    }
    let before = market.last();
    market.trade(9, 200);
    let mut projection = open(dir.path()).unwrap();
    assert_eq!(projection.remade(), None);
    assert!(projection.watermark() >= promised, "what was committed is there");
    assert!(projection.watermark() > before / 2, "those that were killed had got somewhere");
    projection.catch_up().unwrap();
    assert_eq!(projection.watermark(), market.last());
    drop(projection);
    let file = dir.path().join(reporting::PROJECTION_FILE);
    agrees(dir.path(), &file);
    let was = content(&file);
    std::fs::remove_file(&file).unwrap();
    open(dir.path()).unwrap().catch_up().unwrap();
    assert_eq!(content(&file), was, "as if nothing had happened");
}

#[test]
fn a_file_that_is_open_elsewhere_is_said_to_be() {
    let dir = tempfile::tempdir().unwrap();
    market(dir.path());
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["projects_until_killed", "--exact", "--nocapture"])
        .env(STORE, dir.path())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let begun = Instant::now();
    let refused = loop {
        match open(dir.path()) {
            Err(error) => break error,
            Ok(_) => assert!(begun.elapsed() < Duration::from_secs(20), "nobody else opened it"),
        }
        std::thread::sleep(Duration::from_millis(20));
    };
    child.kill().unwrap();
    child.wait().unwrap();
    let said = refused.to_string();
    assert!(matches!(*refused, Error::ProjectionInUse { .. }) && said.contains("PID"), "{said}");
}
