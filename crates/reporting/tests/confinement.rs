//! What a query may not do, and what it is told when it asks for what is not there.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use std::path::Path;
use std::time::{Duration, Instant};

use common::{Market, one, session};
use reporting::{Error, Limits, Session};

fn refusal(session: &Session, sql: &str) -> String {
    let answered = session.query(sql).and_then(reporting::Answer::rows);
    match answered {
        Ok(rows) => panic!("{sql} was answered: {rows:?}"),
        Err(error) => error.to_string(),
    }
}

fn files(dir: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let entry = entry.unwrap();
        found.push(format!("{} {}", entry.path().display(), entry.metadata().unwrap().len()));
        if entry.file_type().unwrap().is_dir() {
            found.extend(files(&entry.path()));
        }
    }
    found.sort();
    found
}

#[test]
fn a_query_writes_nothing_and_loads_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(&dir.path().join("store"));
    market.trade(1, 200);
    std::fs::write(dir.path().join("secret.csv"), "a\n1\n").unwrap();
    let session = session(&dir.path().join("store"));
    let before = files(dir.path());
    let path = dir.path().display();
    let attempts = [
        format!("COPY (SELECT 1) TO '{path}/out.csv'"),
        format!("COPY (SELECT 1) TO '{path}/out.parquet' (FORMAT parquet)"),
        format!("EXPORT DATABASE '{path}/export'"),
        format!("ATTACH '{path}/other.duckdb'"),
        format!("ATTACH '{path}/other.duckdb' AS x (READ_ONLY)"),
        format!("SELECT * FROM read_csv('{path}/secret.csv')"),
        format!("SELECT * FROM '{path}/secret.csv'"),
        format!("SELECT * FROM read_text('{path}/secret.csv')"),
        format!("SELECT * FROM glob('{path}/*')"),
        format!("IMPORT DATABASE '{path}'"),
        "INSTALL httpfs".to_owned(),
        "LOAD httpfs".to_owned(),
        format!("LOAD '{path}/x.duckdb_extension'"),
        "SET enable_external_access = true".to_owned(),
        "SET lock_configuration = false".to_owned(),
        "RESET lock_configuration".to_owned(),
        format!("SET temp_directory = '{path}/tmp'"),
        "SET memory_limit = '100GB'".to_owned(),
        format!("SET allowed_paths = ['{path}/secret.csv']"),
        format!("PRAGMA profiling_output = '{path}/profile.json'"),
        format!("CALL enable_logging(storage := 'file', storage_path := '{path}/logs')"),
        "INSERT INTO trades SELECT * FROM trades".to_owned(),
        "UPDATE trades SET price = 0".to_owned(),
        "DELETE FROM trades".to_owned(),
    ];
    for attempt in attempts {
        refusal(&session, &attempt);
    }
    assert_eq!(files(dir.path()), before);
    // It still answers.
    assert_ne!(one(&session, "SELECT count(*) FROM trades"), "0");
}

#[test]
fn what_is_not_there_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let market = Market::opened(dir.path());
    let session = session(dir.path());
    for (sql, words) in [
        ("SELECT * FROM trade", "trade"),
        ("SELECT pric FROM trades", "pric"),
        ("SELECT * FROM trades(symbol := 'NOPE')", "no instrument NOPE"),
        ("SELECT * FROM trades(account := 'nobody')", "no account nobody"),
        ("SELECT * FROM trades(sybmol := 'AAA')", "sybmol"),
        ("SELECT * FROM book_at('NOPE', 1)", "no instrument NOPE"),
        ("SELECT * FROM book_at('AAA', 0)", "record 0 is not in the log"),
        ("SELECT * FROM balance_at('account1', -5)", "record -5 is not in the log"),
        ("SELECT * FROM book_at(NULL, 1)", "needs a symbol"),
        ("SELECT DATE 'yesterday'", "yesterday"),
        ("SELEC 1", "SELEC"),
    ] {
        let said = refusal(&session, sql);
        assert!(said.contains(words), "{sql}: {said}");
    }
    let past = format!("SELECT * FROM book_at('AAA', {})", market.last() + 1);
    assert!(refusal(&session, &past).contains(&format!("ends at {}", market.last())));
}

#[test]
fn a_query_that_would_eat_all_memory_fails_alone() {
    let dir = tempfile::tempdir().unwrap();
    Market::opened(dir.path());
    let limits = Limits { memory_mib: 64, threads: 1, timeout: None };
    let session = Session::open(dir.path(), limits).unwrap();
    let said = refusal(&session, "SELECT list(range) FROM range(100000000)");
    assert!(said.contains("Out of Memory"), "{said}");
    assert_eq!(one(&session, "SELECT count(*) FROM instruments"), "3");
}

const ENDLESS: &str =
    "SELECT count(*) FROM range(1000000000) a, range(1000000000) b WHERE a.range + b.range = 7";

#[test]
fn a_query_ends_when_its_time_is_up() {
    let dir = tempfile::tempdir().unwrap();
    Market::opened(dir.path());
    let limits = Limits { timeout: Some(Duration::from_millis(200)), threads: 1, ..Limits::default() };
    let session = Session::open(dir.path(), limits).unwrap();
    let started = Instant::now();
    let error = session.query(ENDLESS).and_then(reporting::Answer::rows).unwrap_err();
    assert!(matches!(error, Error::TimedOut { .. }), "{error}");
    assert!(started.elapsed() < Duration::from_secs(20));
    assert_eq!(one(&session, "SELECT 1"), "1");
}

#[test]
fn a_query_ends_when_somebody_stops_it_and_the_session_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    Market::opened(dir.path());
    let session = session(dir.path());
    let stopper = session.stopper();
    let other = std::thread::spawn(move || {
        std::thread::sleep(Duration::from_millis(200));
        stopper.stop();
    });
    let error = session.query(ENDLESS).and_then(reporting::Answer::rows).unwrap_err();
    other.join().unwrap();
    assert!(matches!(error, Error::Interrupted), "{error}");
    assert_eq!(one(&session, "SELECT 1"), "1");
}

#[test]
fn what_is_no_store_is_said_to_be_none() {
    let dir = tempfile::tempdir().unwrap();
    let Err(error) = Session::open(dir.path(), Limits::default()) else {
        panic!("an empty directory is no store")
    };
    assert!(matches!(error, Error::Store(event_store::Error::NotAStore { .. })), "{error}");
}

#[test]
fn a_log_of_a_newer_build_is_said_to_be_one() {
    let dir = tempfile::tempdir().unwrap();
    let options = event_store::Options::small();
    let mut store = event_store::Writer::open(dir.path(), &options).unwrap();
    let mut block = store.writer.begin(common::OPENING_NS).unwrap();
    block.append(0x02ff, 9, 0, b"from the future").unwrap();
    block.finish();
    store.flusher.poll().unwrap();
    let session = session(dir.path());
    let said = refusal(&session, "SELECT * FROM events");
    assert!(said.contains("record 1") && said.contains("newer build"), "{said}");
    // What does not need that record is answered.
    assert_eq!(one(&session, "SELECT count(*) FROM trades"), "0");
}

#[test]
fn a_log_that_lost_a_segment_is_said_to_have_lost_it() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    market.trade(5, 2000);
    drop(market);
    std::fs::remove_file(dir.path().join("segments/0000000002.segment")).unwrap();
    let session = session(dir.path());
    let said = refusal(&session, "SELECT count(*) FROM events");
    assert!(said.contains("segment 2"), "{said}");
    // What lies before the gap is there.
    let all = "SELECT count(*) + (SELECT count(*) FROM commands(to_seq := 100)) FROM events(to_seq := 100)";
    assert_eq!(one(&session, all), "100");
}
