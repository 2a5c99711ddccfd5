//! `outcry sql`, from outside: on a running exchange's store, on a stopped one's, and in every format.

mod common;

use common::{Exchange, outcry};
use std::path::Path;

/// Runs `outcry sql` on a store; returns what it printed, and its exit code.
fn sql(store: &Path, args: &[&str]) -> (String, String, i32) {
    let store = store.to_str().expect("a path of text");
    let output = outcry(&[&["sql", "--store", store], args].concat());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code().expect("it was not killed"))
}

fn exchange(store: &Path) -> Exchange {
    let exchange = Exchange::dev(store, 0);
    for args in [
        &["account", "open", "carol", "USD=10000", "AAPL=100"][..],
        &["order", "sell", "carol", "AAPL", "60", "@", "230.05", "--id", "s1"],
        &["order", "buy", "alice", "AAPL", "100", "@", "230.10", "--id", "b1"],
    ] {
        let output = outcry(&[args, &["--url", exchange.url()]].concat());
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    exchange
}

const TRADES: &str = "SELECT symbol, price, quantity, notional, buyer, seller, taker_side FROM trades";

#[test]
fn a_running_exchange_and_a_stopped_one_give_the_same_answer() {
    let dir = tempfile::tempdir().expect("a directory");
    let exchange = exchange(dir.path());
    let live = sql(dir.path(), &["-c", TRADES]);
    assert_eq!(
        live.0,
        "symbol   price  quantity  notional  buyer  seller  taker_side\n\
         AAPL    230.05        60     13803  alice  carol   buy\n",
        "{}",
        live.1
    );
    exchange.stop();
    assert_eq!(sql(dir.path(), &["-c", TRADES]), live);
    // A copy is as good as the store itself.
    let elsewhere = tempfile::tempdir().expect("a directory");
    let copied = std::process::Command::new("cp")
        .arg("-r")
        .arg(dir.path())
        .arg(elsewhere.path().join("copy"))
        .status();
    assert!(copied.expect("cp runs").success());
    assert_eq!(sql(&elsewhere.path().join("copy"), &["-c", TRADES]), live);
}

#[test]
fn answers_come_in_every_format() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    exchange(&store).kill();
    let ask = |args: &[&str]| {
        let (out, err, code) = sql(&store, args);
        assert_eq!((code, err.as_str()), (0, ""), "{args:?}");
        out
    };
    let query =
        "SELECT symbol, price, time < now()::TIMESTAMP AS past, NULL AS nothing, 'a,\"b|' AS odd FROM trades";
    assert_eq!(
        ask(&["--format", "csv", "-c", query]),
        "symbol,price,past,nothing,odd\nAAPL,230.05,true,,\"a,\"\"b|\"\n"
    );
    assert_eq!(
        ask(&["--format", "markdown", "-c", query]),
        "| symbol | price | past | nothing | odd |\n| --- | ---: | --- | ---: | --- |\n| AAPL | 230.05 | true | - | a,\"b\\| |\n"
    );
    let json: serde_json::Value = serde_json::from_str(&ask(&["--json", "-c", query])).expect("JSON");
    let expected = serde_json::json!([{"symbol": "AAPL", "price": "230.05", "past": true, "nothing": null, "odd": "a,\"b|"}]);
    assert_eq!(json, expected);
    assert_eq!(ask(&["--json", "-c", "SELECT 1 AS x WHERE false"]), "[\n]\n");
    assert_eq!(ask(&["-c", "SELECT 1 AS x WHERE false"]), "(none)\n");
    assert_eq!(ask(&["-c", "SELECT 1 AS a; SELECT 2 AS b"]), "a\n1\nb\n2\n");

    let kinds = "SELECT TIMESTAMPTZ '2026-01-05 14:30:00.5+02' AS zoned, TIMESTAMP '2026-01-05 09:30:00' AS time, 0.1::FLOAT AS single, \
        1e9 AS double, -5::TINYINT AS small, 18446744073709551615::UBIGINT AS large, -0.50::DECIMAL(5,2) AS decimal, \
        170141183460469231731687303715884105727::HUGEINT AS huge, DATE '2026-01-05' AS date, [1, 2] AS list";
    assert_eq!(
        ask(&["--format", "csv", "-c", kinds]).lines().nth(1),
        Some(
            "2026-01-05 12:30:00.500,2026-01-05 09:30:00,0.1,1000000000,-5,18446744073709551615,-0.5,\
             170141183460469231731687303715884105727,2026-01-05,\"[1, 2]\""
        )
    );
    let json: serde_json::Value = serde_json::from_str(&ask(&["--json", "-c", kinds])).expect("JSON");
    let expected = serde_json::json!([{
        "zoned": "2026-01-05T12:30:00.500Z", "time": "2026-01-05T09:30:00Z", "single": 0.1, "double": 1e9, "small": -5,
        "large": "18446744073709551615", "decimal": "-0.5", "huge": "170141183460469231731687303715884105727",
        "date": "2026-01-05", "list": "[1, 2]"
    }]);
    assert_eq!(json, expected);

    let parquet = dir.path().join("trades.parquet");
    let path = parquet.to_str().expect("a path of text");
    assert_eq!(ask(&["--format", "parquet", "-o", path, "-c", "FROM trades;"]), "");
    let bytes = std::fs::read(&parquet).expect("the file is there");
    assert_eq!((&bytes[..4], &bytes[bytes.len() - 4..]), (&b"PAR1"[..], &b"PAR1"[..]));
    let csv = dir.path().join("trades.csv");
    assert_eq!(
        ask(&["--format", "csv", "-o", csv.to_str().expect("text"), "-c", "SELECT symbol FROM trades"]),
        ""
    );
    assert_eq!(std::fs::read_to_string(&csv).expect("the file is there"), "symbol\nAAPL\n");
    // A query that fails leaves no file, and none of its own name.
    let failing = dir.path().join("failing.parquet");
    let (_, err, code) =
        sql(&store, &["--format", "parquet", "-o", failing.to_str().expect("text"), "-c", "FROM nope"]);
    assert_eq!(code, 2, "{err}");
    let left: Vec<_> =
        std::fs::read_dir(dir.path()).expect("a directory").flatten().map(|it| it.file_name()).collect();
    assert_eq!(left.len(), 3, "{left:?}");
}

#[test]
fn what_goes_wrong_is_said_with_a_hint() {
    let dir = tempfile::tempdir().expect("a directory");
    exchange(dir.path()).kill();
    for (args, code, words) in [
        (&["-c", "FROM tradez"][..], 2, "hint: SHOW TABLES"),
        (&["-c", "SELECT pric FROM trades"], 2, "hint: DESCRIBE"),
        (&["-c", "FROM trades(symbol := 'NOPE')"], 2, "hint: SELECT symbol FROM instruments"),
        (&["-c", "FROM book_at('AAPL', 999999999)"], 2, "hint: sequence numbers"),
        (&["-c", "COPY (SELECT 1) TO 'x.csv'"], 1, "hint: a query can only read"),
        (&["-c", "SET memory_limit = '9GB'"], 1, "hint: a query can only read"),
        (&["--memory", "64", "-c", "SELECT list(range) FROM range(100000000)"], 1, "--memory"),
        (
            &[
                "--timeout",
                "1",
                "-c",
                "SELECT count(*) FROM range(10000000000) a, range(1000) b WHERE a.range % 7 = b.range",
            ],
            1,
            "--timeout",
        ),
        (&["--format", "parquet", "-c", "SELECT 1"], 2, "hint: name one with --output"),
        (&["-f", "nowhere.sql"], 2, "cannot read nowhere.sql"),
    ] {
        let (out, err, found) = sql(dir.path(), args);
        assert_eq!((out.as_str(), found), ("", code), "{args:?}: {err}");
        assert!(err.starts_with("error: ") && err.contains(words), "{args:?}: {err}");
    }
}

/// Runs `outcry report` on a store; returns what it printed, and its exit code.
fn report(store: &Path, args: &[&str]) -> (String, String, i32) {
    let output = outcry(&[&["report"], args, &["--store", store.to_str().expect("text")]].concat());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code().expect("it was not killed"))
}

#[test]
fn reports_are_made_of_a_running_exchange() {
    let dir = tempfile::tempdir().expect("a directory");
    let exchange = exchange(dir.path());
    let (listed, _, code) = report(dir.path(), &[]);
    assert_eq!((code, listed.lines().count()), (0, 13), "{listed}");
    let (books, err, code) = report(dir.path(), &["eod", "--json"]);
    assert_eq!((code, err.as_str()), (0, ""), "{books}");
    assert_eq!(books.matches("\"ok\": true").count(), 11, "{books}");
    let (history, _, code) = report(dir.path(), &["trade-history", "--account", "carol", "--format", "csv"]);
    assert_eq!((code, history.lines().count()), (0, 2), "{history}");
    assert!(
        history.contains(",carol,AAPL,sell,maker,") && history.contains(",230.05,60,13803,"),
        "{history}"
    );
    let (candles, _, code) =
        report(dir.path(), &["candles", "--symbol", "AAPL", "--interval", "1d", "--format", "markdown"]);
    assert_eq!((code, candles.lines().count()), (0, 3), "{candles}");
    assert!(candles.contains("| 230.05 | 230.05 | 230.05 | 230.05 | 60 | 1 |"), "{candles}");
    for (args, words) in [
        (&["trade-history", "--account", "nobody"][..], "no account nobody"),
        (&["candles", "--symbol", "NOPE"], "no instrument NOPE"),
        (&["candles", "--account", "alice"], "candles is not about one account"),
        (&["vwap", "--date", "2001-01-01"], "the log has nothing of 2001-01-01"),
        (&["vwap", "--date", "yesterday"], "write a date such as"),
        (&["vwap", "--date", "2026-02-30"], "write a date such as"),
        (&["nope"], "possible values: candles"),
        (&["candles", "--interval", "2m"], "1s 1m 5m"),
    ] {
        let (out, err, code) = report(dir.path(), args);
        assert_eq!((out.as_str(), code), ("", 2), "{args:?}: {err}");
        assert!(err.contains(words), "{args:?}: {err}");
    }
    exchange.stop();
}

#[test]
fn a_projection_is_brought_up_to_date() {
    let dir = tempfile::tempdir().expect("a directory");
    let exchange = exchange(dir.path());
    let store = dir.path().to_str().expect("text");
    // The exchange keeps the store's own file, from soon after its start; DuckDB lets nobody else open it.
    let begun = std::time::Instant::now();
    loop {
        let taken = outcry(&["log", "project", "--json", "--store", store]);
        let told = String::from_utf8_lossy(&taken.stderr).into_owned();
        if taken.status.code() == Some(1) && told.contains("is open in another process") {
            break;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(20), "{told}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let other = tempfile::tempdir().expect("a directory");
    let file = other.path().join("mine.duckdb");
    let project = || {
        let file = file.to_str().expect("text");
        let output = outcry(&["log", "project", "--json", "--store", store, "--file", file]);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice::<serde_json::Value>(&output.stdout).expect("JSON")
    };
    let first = project();
    assert_eq!(first["records"], first["sequence"]);
    let again = project();
    assert_eq!((&again["records"], &again["sequence"]), (&serde_json::json!(0), &first["sequence"]));
    exchange.stop();
}
