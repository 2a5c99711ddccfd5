//! The projection against the log it comes from, whatever happens to its process.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Market, ask, session, splitmix};
use duckdb::Connection;
use reporting::{Error, Projection};

const COLUMNS: &str =
    "sequence, trade_id, symbol, price, quantity, notional, buyer, seller, price_ticks, quantity_lots";

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
            (0..width).map(|at| row.get::<_, Option<String>>(at).unwrap().unwrap_or_default()).collect(),
        );
    }
    found
}

/// What is in the file is what is in the log, row for row.
fn agrees(dir: &Path, file: &Path) {
    let session = session(dir);
    let as_text = |sql: &str| ask(&session, &format!("SELECT COLUMNS(*)::VARCHAR FROM ({sql})"));
    let trades = format!("SELECT {COLUMNS} FROM trades ORDER BY sequence");
    let expected = as_text(&trades);
    assert!(expected.len() > 50, "{} trades", expected.len());
    assert_eq!(file_rows(file, &trades), expected);
    let candles = "symbol, open_ticks, high_ticks, low_ticks, close_ticks, volume_lots, trades, first_sequence, last_sequence";
    let kept = format!("SELECT start_ns AS s, {candles} FROM candles_1m ORDER BY symbol, s");
    let made = format!("SELECT epoch_ns(start) AS s, {candles} FROM candles_1m ORDER BY symbol, s");
    assert_eq!(file_rows(file, &kept), as_text(&made));
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
    let mut projection = Projection::open(dir.path(), None).unwrap();
    assert_eq!(projection.catch_up().unwrap(), market.last());
    assert_eq!((projection.watermark(), projection.catch_up().unwrap()), (market.last(), 0));
    drop(projection);
    agrees(dir.path(), &file);

    let before = market.last();
    market.trade(800, 300);
    let mut projection = Projection::open(dir.path(), None).unwrap();
    assert_eq!(projection.catch_up().unwrap(), market.last() - before);
    drop(projection);
    agrees(dir.path(), &file);
    let closed = file_rows(
        &file,
        "SELECT count(*) FROM candles_1m WHERE start_ns NOT IN (SELECT start_ns FROM closed_candles_1m)",
    );
    assert!(closed[0][0].parse::<u64>().unwrap() <= 3, "only the last minute is open: {closed:?}");

    // Deleted, it is made again.
    std::fs::remove_file(&file).unwrap();
    Projection::open(dir.path(), None).unwrap().catch_up().unwrap();
    agrees(dir.path(), &file);
}

#[test]
fn a_trade_is_there_soon_after_it_was_made() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = market(dir.path());
    let following = Projection::open(dir.path(), None).unwrap().spawn();
    market.trade(900, 300);
    std::thread::sleep(Duration::from_secs(2));
    assert!(!following.has_ended());
    assert_eq!(following.stop().unwrap(), market.last());
    agrees(dir.path(), &dir.path().join(reporting::PROJECTION_FILE));
}

#[test]
fn a_file_of_another_log_is_refused() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    market(one.path());
    market(other.path());
    Projection::open(one.path(), None).unwrap().catch_up().unwrap();
    let file = one.path().join(reporting::PROJECTION_FILE);
    let refused = Projection::open(other.path(), Some(&file)).err().unwrap();
    assert!(
        matches!(refused, Error::ForeignProjection { .. }) && refused.to_string().contains("delete"),
        "{refused}"
    );
}

/// Set for the process that is killed: the store it projects.
const STORE: &str = "OUTCRY_TEST_PROJECT";

/// Not a test of its own: what the killed process runs.
#[test]
fn projects_until_killed() {
    let Some(store) = std::env::var_os(STORE) else { return };
    // Another process may not have let go of the file yet.
    let started = Instant::now();
    let mut projection = loop {
        match Projection::open(&store, None) {
            Ok(projection) => break projection,
            Err(error) if started.elapsed() > Duration::from_secs(20) => panic!("{error}"),
            Err(_) => std::thread::sleep(Duration::from_millis(5)),
        }
    };
    loop {
        if projection.step().unwrap() == 0 {
            std::thread::sleep(Duration::from_millis(1));
        }
    }
}

#[test]
fn killed_two_hundred_times_it_has_every_row_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    for round in 0..200 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["projects_until_killed", "--exact", "--nocapture"])
            .env(STORE, dir.path())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let moment = Duration::from_micros(splitmix(round) % 150_000);
        let started = Instant::now();
        let mut step = 0;
        while started.elapsed() < moment {
            market.trade(10_000 + 100 * round + step, 10);
            step += 1;
            std::thread::sleep(Duration::from_millis(2));
        }
        market.sleep(1_000_000_000);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let before = market.last();
    market.trade(9, 200);
    let mut projection = Projection::open(dir.path(), None).unwrap();
    assert!(projection.watermark() > before / 2, "those that were killed had got somewhere");
    projection.catch_up().unwrap();
    assert_eq!(projection.watermark(), market.last());
    drop(projection);
    agrees(dir.path(), &dir.path().join(reporting::PROJECTION_FILE));
}
