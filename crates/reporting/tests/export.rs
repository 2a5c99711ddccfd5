//! The Parquet export against the log it is made from, whatever happens to its process.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use common::{Market, ask, session, splitmix};
use duckdb::Connection;
use reporting::{Error, Export, ExportError, ExportOptions, MANIFEST};
use serde_json::Value;

const TABLES: &[&str] =
    &["trades", "order_events", "events", "commands", "ledger", "quotes", "rule_verdicts", "rule_changes"];

fn options(part_records: u64, all: bool) -> ExportOptions {
    ExportOptions { part_records: Some(part_records), all, memory_mib: 512, threads: 2 }
}

/// Some days of trading.
fn market(dir: &Path, days: u64) -> Market {
    let mut market = Market::opened(dir);
    for day in 0..days {
        trade_a_day(&mut market, day);
    }
    market
}

fn trade_a_day(market: &mut Market, day: u64) {
    for round in 0..4 {
        market.trade(700 + 10 * day + round, 100);
        market.sleep(20_000_000_000);
    }
    market.sleep(86_400_000_000_000);
}

/// Opens an export. A process that another test is just starting has our files open for a moment, and so the lock.
fn open(store: &Path, dir: &Path, options: &ExportOptions) -> Export {
    let started = Instant::now();
    loop {
        match Export::open(store, dir, options) {
            Err(Error::Export(ExportError::Busy { .. })) if started.elapsed() < Duration::from_secs(10) => {
                std::thread::sleep(Duration::from_millis(5));
            }
            opened => return opened.unwrap(),
        }
    }
}

fn export(store: &Path, dir: &Path, options: &ExportOptions) {
    let mut export = open(store, dir, options);
    while export.step().unwrap().is_some() {}
    export.finish().unwrap();
}

fn manifest(dir: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(dir.join(MANIFEST)).unwrap()).unwrap()
}

/// All files and what is in them.
fn contents(dir: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![dir.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found.insert(path.strip_prefix(dir).unwrap().to_owned(), std::fs::read(path).unwrap());
            }
        }
    }
    found
}

fn same_contents(one: &Path, other: &Path) {
    let (one, other) = (contents(one), contents(other));
    assert_eq!(one.keys().collect::<Vec<_>>(), other.keys().collect::<Vec<_>>());
    for (path, bytes) in &one {
        assert!(bytes == &other[path], "{} differs", path.display());
    }
}

/// All rows of a query over an export, as text.
fn rows(sql: &str) -> Vec<Vec<String>> {
    let connection = Connection::open_in_memory().unwrap();
    let mut statement = connection.prepare(sql).unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let width = row.as_ref().column_count();
        let cell = |at| row.get::<_, Option<String>>(at).unwrap().unwrap_or_else(|| "-".to_owned());
        found.push((0..width).map(cell).collect());
    }
    found
}

/// What is in the files is what is in the log up to a record, row for row, and in its order.
fn agrees(store: &Path, dir: &Path, to: u64) {
    let session = session(store);
    for table in TABLES {
        if !dir.join(table).exists() {
            assert_eq!(common::one(&session, &format!("SELECT count(*) FROM {table}(to_seq := {to})")), "0");
            continue;
        }
        // The one column that is split in two.
        let (here, there) = match *table {
            "order_events" | "commands" => (
                "* EXCLUDE (expire_time) REPLACE (make_timestamp(epoch_ns(time) // 1000) AS time), epoch_ns(expire_time)",
                "* EXCLUDE (expire_time, expire_time_ns, trade_date), expire_time_ns",
            ),
            _ => ("* REPLACE (make_timestamp(epoch_ns(time) // 1000) AS time)", "* EXCLUDE (trade_date)"),
        };
        let log = ask(
            &session,
            &format!("SELECT COLUMNS(*)::VARCHAR FROM (SELECT {here} FROM {table}(to_seq := {to}))"),
        );
        let files = rows(&format!(
            "SELECT COLUMNS(*)::VARCHAR FROM (SELECT {there} FROM read_parquet('{}/{table}/*/*.parquet', hive_partitioning = true))",
            dir.display()
        ));
        if !table.starts_with("rule") {
            assert!(files.len() > 200, "{table} has {}", files.len());
        }
        assert!(log == files, "{table}: {} rows in the log, {} in the files", log.len(), files.len());
    }
}

/// The manifest says what is there: all of it, and nothing else.
fn the_manifest_holds(dir: &Path) {
    let manifest = manifest(dir);
    let mut named = vec![PathBuf::from(".lock"), PathBuf::from(MANIFEST)];
    for file in manifest["parts"].as_array().unwrap().iter().chain(manifest["reference"].as_array().unwrap())
    {
        let path = dir.join(file["path"].as_str().unwrap());
        named.push(PathBuf::from(file["path"].as_str().unwrap()));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), file["bytes"].as_u64().unwrap());
        let sum = Command::new("sha256sum").arg(&path).output().unwrap();
        assert!(String::from_utf8(sum.stdout).unwrap().starts_with(file["sha256"].as_str().unwrap()));
        let counted = rows(&format!("SELECT count(*)::VARCHAR FROM read_parquet('{}')", path.display()));
        assert_eq!(counted[0][0], file["rows"].to_string());
        if let Some(day) = file["trade_date"].as_str() {
            let (first, last) = (&file["first_sequence"], &file["last_sequence"]);
            let strays = rows(&format!(
                "SELECT count(*)::VARCHAR FROM read_parquet('{}') WHERE time::DATE <> '{day}' OR sequence NOT BETWEEN {first} AND {last}",
                path.display()
            ));
            assert_eq!(strays[0][0], "0", "{}", path.display());
        }
    }
    named.sort();
    assert_eq!(contents(dir).into_keys().collect::<Vec<_>>(), named);
}

#[test]
fn the_files_hold_what_the_log_holds() {
    let dir = tempfile::tempdir().unwrap();
    let (store, out) = (dir.path().join("store"), dir.path().join("out"));
    let market = market(&store, 3);
    export(&store, &out, &options(300, false));
    let sealed = manifest(&out)["sealed_sequence"].as_u64().unwrap();
    assert!(sealed < market.last() && sealed > market.last() - 400, "{sealed} of {}", market.last());
    agrees(&store, &out, sealed);
    the_manifest_holds(&out);

    // The rest too, if that is wanted, and again without any effect.
    for _ in 0..2 {
        export(&store, &out, &options(300, true));
        assert_eq!(manifest(&out)["last_sequence"].as_u64(), Some(market.last()));
        assert_eq!(manifest(&out)["sealed_sequence"].as_u64(), Some(sealed));
        agrees(&store, &out, market.last());
        the_manifest_holds(&out);
    }
    let parts = manifest(&out)["parts"].as_array().unwrap().clone();
    let days: std::collections::BTreeSet<&str> =
        parts.iter().map(|part| part["trade_date"].as_str().unwrap()).collect();
    assert_eq!(days.len(), 3, "{days:?}");
}

#[test]
fn many_runs_over_a_growing_log_make_the_files_that_one_makes() {
    let dir = tempfile::tempdir().unwrap();
    let (store, grown, at_once) =
        (dir.path().join("store"), dir.path().join("grown"), dir.path().join("once"));
    let mut market = Market::opened(&store);
    for day in 0..3 {
        for round in 0..6 {
            market.trade(100 * day + round, 60);
            // The end of the log is written, and replaced by the next run.
            export(&store, &grown, &options(250, round % 3 != 0));
        }
        market.sleep(86_400_000_000_000);
    }
    for dir in [&grown, &at_once] {
        export(&store, dir, &options(250, true));
    }
    same_contents(&grown, &at_once);
    agrees(&store, &grown, market.last());
}

/// Set for the process that is killed: the store it exports, and where to.
const STORE: &str = "OUTCRY_TEST_EXPORT";
const INTO: &str = "OUTCRY_TEST_EXPORT_INTO";

/// Not a test of its own: what the killed process runs.
#[test]
fn exports_until_killed() {
    let (Some(store), Some(into)) = (std::env::var_os(STORE), std::env::var_os(INTO)) else { return };
    export(Path::new(&store), Path::new(&into), &options(100, true));
}

#[test]
fn killed_fifty_times_it_makes_the_files_that_an_undisturbed_run_makes() {
    let dir = tempfile::tempdir().unwrap();
    let (store, killed, undisturbed) =
        (dir.path().join("store"), dir.path().join("killed"), dir.path().join("whole"));
    market(&store, 3);
    let started = Instant::now();
    export(&store, &undisturbed, &options(100, true));
    let whole = started.elapsed();
    let mut unfinished = 0;
    for round in 0..50 {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["exports_until_killed", "--exact", "--nocapture"])
            .env(STORE, &store)
            .env(INTO, &killed)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Anywhere from before it has begun to a good part of the whole: most runs get a little further than the last.
        std::thread::sleep(
            (whole / 3000 * u32::try_from(splitmix(round) % 1000).unwrap()).min(Duration::from_secs(2)),
        );
        child.kill().unwrap();
        child.wait().unwrap();
        let progress = std::fs::read(killed.join(MANIFEST)).ok();
        if progress.is_none_or(|_| manifest(&killed)["reference"].as_array().unwrap().is_empty()) {
            unfinished += 1;
        }
        if round % 10 == 9 {
            // So that it is killed at the beginning and at the end as well, begin again.
            export(&store, &killed, &options(100, true));
            same_contents(&killed, &undisturbed);
            std::fs::remove_dir_all(&killed).unwrap();
        }
    }
    assert!(unfinished > 10, "only {unfinished} of 50 were killed before they were done");
}

#[test]
fn what_is_no_export_of_this_log_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let (store, out) = (dir.path().join("store"), dir.path().join("out"));
    let mut market = market(&store, 1);
    export(&store, &out, &options(100, true));
    let refused = |store: &Path, dir: &Path, options: &ExportOptions| {
        let error = Export::open(store, dir, options).err().expect("refused");
        assert!(error.to_string().contains("\nhint: "), "{error}");
        let Error::Export(error) = error else { panic!("{error}") };
        error
    };
    // Another store, even one with the same events.
    let other = dir.path().join("other");
    drop(self::market(&other, 1));
    assert!(matches!(refused(&other, &out, &options(100, true)), ExportError::OtherLog { .. }));
    // Cut elsewhere.
    let error = refused(&store, &out, &options(101, true));
    assert!(matches!(error, ExportError::OtherParts { found: 100, asked: 101, .. }), "{error}");
    // Somebody at work in it.
    let busy = open(&store, &out, &options(100, true));
    assert!(matches!(refused(&store, &out, &options(100, true)), ExportError::Busy { .. }));
    drop(busy);
    // A directory of something else.
    let full = dir.path().join("full");
    std::fs::create_dir(&full).unwrap();
    std::fs::write(full.join("letter.txt"), "dear").unwrap();
    assert!(matches!(refused(&store, &full, &options(100, true)), ExportError::NotAnExport { .. }));
    assert_eq!(std::fs::read(full.join("letter.txt")).unwrap(), b"dear");

    let good = std::fs::read(out.join(MANIFEST)).unwrap();
    let change = |from: &str, to: &str| {
        let text = String::from_utf8(good.clone()).unwrap();
        assert!(text.contains(from), "{from} in {text}");
        std::fs::write(out.join(MANIFEST), text.replacen(from, to, 1)).unwrap();
    };
    change("\"schema_version\": 1", "\"schema_version\": 2");
    assert!(matches!(refused(&store, &out, &options(100, true)), ExportError::OtherSchema { .. }));
    change("\"maker_filled\"", "\"maker_is_filled\"");
    assert!(matches!(refused(&store, &out, &options(100, true)), ExportError::OtherSchema { .. }));
    change("{", "{,");
    assert!(matches!(refused(&store, &out, &options(100, true)), ExportError::Manifest { .. }));
    let chain = manifest_chain(&good);
    change(&chain, &"0".repeat(64));
    assert!(matches!(refused(&store, &out, &options(100, true)), ExportError::OtherLog { .. }));
    // A file that is gone.
    std::fs::write(out.join(MANIFEST), &good).unwrap();
    let path = out.join(manifest(&out)["parts"][3]["path"].as_str().unwrap());
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(refused(&store, &out, &options(100, true)), ExportError::Damaged { .. }));

    // And nothing of all this has hurt the log.
    market.trade(1, 10);
}

fn manifest_chain(manifest: &[u8]) -> String {
    let manifest: Value = serde_json::from_slice(manifest).unwrap();
    manifest["sealed_chain"].as_str().unwrap().to_owned()
}
