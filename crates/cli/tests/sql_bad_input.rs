//! Questions that cannot be answered, stores that cannot be read: what `outcry sql`, `outcry report` and `outcry log project` say, with
//! which exit code, and that nothing else stops because of it.

mod common;

use common::{Exchange, answer, outcry};
use simulator::flow::{MarketConfig, MarketFlow, Shape, numbered_symbols};
use std::os::unix::fs::FileExt as _;
use std::path::Path;

/// 2026-01-05T09:30:00Z.
const OPENING_NS: i64 = 1_767_605_400_000_000_000;

fn run(store: &Path, args: &[&str]) -> (String, String, i32) {
    let output = outcry(&[args, &["--store", store.to_str().expect("text")]].concat());
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (text(&output.stdout), text(&output.stderr), output.status.code().expect("it was not killed"))
}

/// It fails with a message that has these words, a hint, and this exit code; in JSON too.
fn fails(store: &Path, args: &[&str], code: i32, words: &[&str]) {
    let (_, err, found) = run(store, args);
    assert_eq!(found, code, "{args:?}: {err}");
    assert!(err.starts_with("error: ") && err.contains("\nhint: "), "{args:?}: {err}");
    for word in words {
        assert!(err.contains(word), "{args:?} says nothing of {word:?}: {err}");
    }
    assert!(!err.contains("panicked"), "{err}");
    let (_, err, found) = run(store, &[args, &["--json"]].concat());
    let said: serde_json::Value = serde_json::from_str(&err).unwrap_or_else(|error| panic!("{error}: {err}"));
    assert_eq!((found, said["exit_code"].as_i64()), (code, Some(code.into())), "{err}");
    assert!(said["hint"].is_string(), "{err}");
}

fn exchange(store: &Path) -> Exchange {
    let exchange = Exchange::dev(store, 0);
    for args in [
        &["order", "sell", "bob", "AAPL", "60", "@", "230.05", "--id", "s1"][..],
        &["order", "buy", "alice", "AAPL", "100", "@", "230.10", "--id", "b1"],
    ] {
        let output = outcry(&[args, &["--url", exchange.url()]].concat());
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    exchange
}

#[test]
fn what_nobody_knows_is_named_with_what_is_near_it() {
    let dir = tempfile::tempdir().expect("a directory");
    exchange(dir.path()).stop();
    let store = dir.path();
    for (args, words) in [
        (&["sql", "-c", "FROM tradez"][..], &["tradez", "Did you mean \"trades\"", "SHOW TABLES"][..]),
        (&["sql", "-c", "SELECT pric FROM trades"], &["pric", "price", "DESCRIBE"]),
        (&["sql", "-c", "FROM trades(symbol := 'APPL')"], &["no instrument APPL; did you mean AAPL?"]),
        (&["sql", "-c", "FROM orders(account := 'alcie')"], &["no account alcie; did you mean alice?"]),
        (&["sql", "-c", "FROM book_at('aapl', 1)"], &["did you mean AAPL?"]),
        (&["sql", "-c", "SELEC 1"], &["SELEC"]),
        (&["sql", "-c", "SELECT DATE '2026-02-30'"], &["2026-02-30"]),
        (&["report", "candles", "--symbol", "APPL"], &["no instrument APPL; did you mean AAPL?"]),
        (&["report", "fees", "--account", "Bob"], &["no account Bob; did you mean bob?"]),
        (&["report", "vwap", "--date", "2001-01-01"], &["the log has nothing of 2001-01-01", "it goes from"]),
        (&["report", "vwap", "--from", "2999-01-01"], &["the log has nothing of 2999-01-01"]),
        (&["report", "eod", "--from", "2026-01-01"], &["eod closes one day", "--date"]),
        (&["report", "fees", "--chart", "x.png"], &["fees cannot be drawn"]),
        (&["report", "eod", "--chart", "x.png"], &["the end of a day is a page", ".html"]),
        (&["report", "candles", "--chart", "x.gif"], &["neither a page nor a picture", ".html or .png"]),
        (&["report", "vwap", "--format", "parquet"], &["Parquet goes to a file"]),
    ] {
        fails(store, args, 2, words);
    }
    // These the command line itself refuses, before there is a store.
    for (args, words) in [
        (&["report", "settlment"][..], "settlement"),
        (&["report", "vwap", "--date", "2026-02-30"], "write a date such as 2026-01-05"),
        (&["report", "candles", "--interval", "2m"], "1s 1m 5m"),
    ] {
        let (_, err, code) = run(store, args);
        assert_eq!(code, 2, "{err}");
        assert!(err.contains(words), "{err}");
    }
    assert_eq!(
        std::fs::read_dir(dir.path())
            .expect("a directory")
            .filter(|it| { it.as_ref().is_ok_and(|it| it.file_name().to_string_lossy().starts_with("x.")) })
            .count(),
        0
    );
}

#[test]
fn what_is_no_store_is_said_to_be_none() {
    let dir = tempfile::tempdir().expect("a directory");
    for args in [&["sql", "-c", "SELECT 1"][..], &["report", "vwap"], &["log", "project"]] {
        fails(dir.path(), args, 2, &["is not an event store", "outcry dev"]);
        fails(&dir.path().join("nowhere"), args, 2, &["is not an event store"]);
    }
    assert_eq!(std::fs::read_dir(dir.path()).expect("a directory").count(), 0, "nothing was made");
}

/// Writes some trading and then one record that no build of today knows.
fn newer(dir: &Path, kind: u16, version: u16) -> u64 {
    let options =
        event_store::Options { durability: event_store::Durability::Os, ..event_store::Options::small() };
    let mut store = event_store::Writer::open(dir, &options).expect("a store");
    let mut state = engine::State::<order_book::Book>::default();
    let mut block = store.writer.begin(OPENING_NS).expect("room");
    let name = model::AccountName::new("alice").expect("a name");
    let balances = [model::InitialBalance::NONE; model::MAX_INITIAL_BALANCES];
    let open =
        model::OpenAccount { name, balances, status: model::AccountStatus::Verified, reserved: [0; 7] };
    let command = model::Command::from(open);
    let mut events = Vec::new();
    engine::decide(&state, model::Timestamp(OPENING_NS), &command, &mut engine::NoRules, &mut events);
    let (_, payload) = block.reserve(command.kind(), command.version(), 1, command.size()).expect("room");
    command.encode(payload);
    for event in events {
        let (_, payload) = block.reserve(event.kind(), event.version(), 0, event.size()).expect("room");
        event.encode(payload);
        engine::evolve(&mut state, &event);
    }
    let sequence = block.append(kind, version, 0, &[7; 16]).expect("room");
    block.finish();
    store.flusher.poll().expect("it flushes");
    sequence
}

#[test]
fn a_log_of_a_newer_build_is_said_to_be_one() {
    // An event of a kind that is not known, and an account opened by a later version.
    for (kind, version) in [(0x02ff, 1), (0x0230, 9)] {
        let dir = tempfile::tempdir().expect("a directory");
        let sequence = newer(dir.path(), kind, version);
        let record = format!("record {sequence}: ");
        fails(
            dir.path(),
            &["sql", "-c", "SELECT count(kind) FROM events"],
            2,
            &[&record, "written by a newer build", "use the version of outcry that wrote it"],
        );
        fails(dir.path(), &["report", "tax"], 2, &["newer build"]);
        // What comes before that record is answered.
        let up_to = format!("SELECT count(kind) > 0 AS some FROM events(to_seq := {})", sequence - 1);
        let (out, err, code) = run(dir.path(), &["sql", "-c", &up_to]);
        assert_eq!((out.as_str(), code), ("some\ntrue\n", 0), "{err}");
    }
    // A store of another format is not opened at all.
    let dir = tempfile::tempdir().expect("a directory");
    exchange(dir.path()).stop();
    let control =
        std::fs::OpenOptions::new().write(true).open(dir.path().join("control")).expect("it is there");
    control.write_all_at(&[9, 0, 0, 0], 8).expect("it can be written");
    let (_, err, code) = run(dir.path(), &["sql", "-c", "SELECT 1"]);
    assert!(code != 0 && err.starts_with("error: ") && err.contains("\nhint: "), "{code}: {err}");
}

/// A market in small segments, of which any may be lost.
fn several_segments(store: &Path) {
    let options = event_store::Options {
        segment_bytes: 64 << 10,
        durability: event_store::Durability::Os,
        ..event_store::Options::small()
    };
    let mut exchange = bench::SteppedExchange::with_options(store, &options).expect("a store");
    let mut config = MarketConfig::new(Shape::Normal, 1);
    (config.symbols, config.accounts) = (numbered_symbols(2), 4);
    let flow = MarketFlow::new(config);
    let commands: Vec<model::Command> = flow.setup().chain(flow.clone().take(2_000)).collect();
    for (at, block) in (0..).zip(commands.chunks(8)) {
        exchange.execute(model::Timestamp(OPENING_NS + at * 1_000_000), block).expect("room");
    }
    exchange.close().expect("it closes");
}

#[test]
fn a_log_that_lost_some_of_itself_is_said_to_have() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    several_segments(&store);
    let segment = |number: u32| store.join(format!("segments/{number:010}.segment"));
    assert!(segment(3).exists(), "several segments");
    let good = std::fs::read(segment(2)).expect("it is there");
    let questions: [&[&str]; 3] =
        [&["sql", "-c", "SELECT count(kind) FROM events"], &["report", "order-audit"], &["report", "eod"]];
    // Cut off.
    std::fs::write(segment(2), &good[..good.len() / 2]).expect("it can be written");
    for args in questions {
        fails(&store, args, 1, &["outcry log verify"]);
    }
    // Overwritten in the middle of a block.
    let mut bad = good.clone();
    bad[8192..8192 + 4096].fill(0xa5);
    std::fs::write(segment(2), &bad).expect("it can be written");
    for args in questions {
        fails(&store, args, 1, &["outcry log verify"]);
    }
    // Gone.
    std::fs::remove_file(segment(2)).expect("it was there");
    for args in questions {
        fails(&store, args, 1, &["segment 2", "outcry log verify"]);
    }
    // What comes before is answered.
    let (out, err, code) = run(&store, &["sql", "-c", "SELECT count(*) AS n FROM commands(to_seq := 10)"]);
    assert!(code == 0 && out.starts_with("n\n"), "{err}");
    // Put back, all is well.
    std::fs::write(segment(2), &good).expect("it can be written");
    let (_, err, code) = run(&store, &["report", "eod"]);
    assert_eq!(code, 0, "{err}");
}

#[test]
fn a_query_that_would_eat_all_memory_stops_nobody_else() {
    let dir = tempfile::tempdir().expect("a directory");
    let exchange = Exchange::dev(dir.path(), 200);
    let store = dir.path();
    // How far the log is, and the file that the exchange keeps of it.
    let marks = || {
        let status = answer(&["status", "--url", exchange.url()]);
        let number = |value: &serde_json::Value| value.as_u64().unwrap_or_default();
        (number(&status["committed"]), number(&status["projection"]["sequence"]))
    };
    let before = marks();
    for args in [
        &["sql", "--memory", "64", "-c", "SELECT list(range) FROM range(100000000)"][..],
        &[
            "sql",
            "--memory",
            "64",
            "-c",
            "SELECT count(*) FROM (SELECT DISTINCT range, range * 7 FROM range(50000000))",
        ],
    ] {
        fails(store, args, 1, &["--memory"]);
    }
    fails(store, &["report", "order-audit", "--memory", "1"], 1, &["--memory"]);
    // Orders go on, and so does the projection.
    let buy = ["order", "buy", "alice", "AAPL", "1", "@", "1.00", "--id", "after", "--url", exchange.url()];
    assert_eq!(answer(&buy)["order"]["cl_ord_id"], "after");
    let begun = std::time::Instant::now();
    while marks().0 <= before.0 || marks().1 <= before.1 {
        let (now, waited) = (marks(), begun.elapsed());
        assert!(waited < std::time::Duration::from_secs(20), "{before:?} {now:?}");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    let (_, err, code) = run(store, &["report", "eod"]);
    assert_eq!(code, 0, "{err}");
    exchange.stop();
}
