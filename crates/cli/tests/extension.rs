//! The DuckDB extension, from outside: loaded by Python, it answers what `outcry sql` answers, and no store can harm the
//! program that asks.
//!
//! `cargo xtask test` builds the extension beside the program and names the interpreter in `OUTCRY_PYTHON`.

mod common;

#[path = "common/rules.rs"]
mod rules;

use common::{Exchange, OUTCRY, outcry};
use serde_json::{Value, json};
use std::ffi::OsString;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

const ASK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/extension.py");
const CANDLES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/candles.py");

/// A Python and one of the versions of DuckDB that it has.
#[derive(Clone)]
struct Python {
    interpreter: OsString,
    path: Option<PathBuf>,
}

impl Python {
    /// With the DuckDB that the program itself links.
    fn usual() -> Option<Self> {
        let interpreter = std::env::var_os("OUTCRY_PYTHON").filter(|python| !python.is_empty());
        if interpreter.is_none() {
            eprintln!("skipped: OUTCRY_PYTHON names no Python; `cargo xtask test` sets it");
        }
        Some(Self { interpreter: interpreter?, path: None })
    }

    /// With every version there is: in the folder `duckdb-2` of the environment lies a later one.
    fn all() -> Vec<Self> {
        let Some(usual) = Self::usual() else { return Vec::new() };
        let folder =
            Path::new(&usual.interpreter).parent().and_then(Path::parent).map(|it| it.join("duckdb-2"));
        let later =
            folder.filter(|folder| folder.is_dir()).map(|it| Self { path: Some(it), ..usual.clone() });
        if later.is_none() {
            eprintln!("skipped: the environment of OUTCRY_PYTHON has no folder duckdb-2 with a later DuckDB");
        }
        [Some(usual), later].into_iter().flatten().collect()
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.interpreter);
        command.env_remove("OUTCRY_STORE").env_remove("PYTHONPATH");
        if let Some(path) = &self.path {
            command.env("PYTHONPATH", path);
        }
        command
    }

    /// Asks some queries; `default` is the store that is meant where none is named.
    fn ask(&self, default: Option<&Path>, asked: &Value) -> Value {
        let mut command = self.command();
        if let Some(default) = default {
            command.env("OUTCRY_STORE", default);
        }
        let mut child = command
            .arg(ASK)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("Python starts");
        let mut stdin = child.stdin.take().expect("piped");
        stdin.write_all(asked.to_string().as_bytes()).expect("it reads all of it");
        drop(stdin);
        let output = child.wait_with_output().expect("it ends");
        let said = text(&output.stderr);
        assert!(output.status.success(), "the process did not live ({}): {said}", output.status);
        serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"))
    }

    /// Each query's answer, asked once.
    fn answers(&self, default: Option<&Path>, queries: &[String]) -> Vec<Value> {
        let mut said = self.ask(default, &json!({ "extension": extension(), "queries": queries }));
        let Value::Array(answers) = said["answers"][0].take() else { panic!("{said}") };
        assert_eq!(answers.len(), queries.len());
        answers
    }
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// The extension beside the program.
fn extension() -> PathBuf {
    let file = Path::new(OUTCRY).with_file_name("outcry.duckdb_extension");
    assert!(file.is_file(), "there is no {}: `cargo xtask test extension` builds it", file.display());
    file
}

/// Runs a command of the program that must succeed.
fn done(args: &[&str]) -> Output {
    let output = outcry(args);
    assert!(output.status.success(), "{args:?}: {}", text(&output.stderr));
    output
}

/// A store with something in every table: simulated trading, and a rule that says no.
fn traded(store: &Path) -> Exchange {
    let exchange = Exchange::dev(store, 2000);
    let rule = store.with_extension("wasm");
    fs::write(&rule, rules::max_qty("a rule says so")).expect("written");
    let (url, rule) = (exchange.url().to_owned(), rule.to_str().expect("text").to_owned());
    done(&["plugin", "load", &rule, "--activate", "--param", "max=90", "--url", &url]);
    let start = Instant::now();
    while committed(store) < 6_000 {
        assert!(start.elapsed() < Duration::from_mins(1), "it trades");
        std::thread::sleep(Duration::from_millis(50));
    }
    let over = outcry(&["order", "buy", "alice", "AAPL", "91", "@", "1.00", "--id", "over", "--url", &url]);
    assert_eq!(over.status.code(), Some(1), "the rule says no");
    exchange
}

fn committed(store: &Path) -> u64 {
    event_store::Reader::open(store).expect("a store").bound()
}

/// What `outcry sql` answers.
fn own(store: &Path, queries: &[String]) -> Vec<Value> {
    let mut args =
        vec!["sql", "--format", "json", "--max-rows", "0", "--store", store.to_str().expect("text")];
    args.extend(queries.iter().flat_map(|query| ["-c", query]));
    let output = done(&args);
    let answers = serde_json::Deserializer::from_slice(&output.stdout).into_iter::<Value>();
    answers.map(|answer| json!({ "rows": answer.expect("an array") })).collect()
}

/// All values of a query as text, each with the type it had.
fn as_text(query: &str) -> String {
    format!("SELECT coalesce(COLUMNS(*)::VARCHAR, '(null)') FROM ({query})")
}

/// Queries of all kinds. `STORE` stands where a store is named; the order of rows is that of the log.
fn queries(last: u64) -> Vec<String> {
    let mut queries = Vec::new();
    for table in reporting::tables().iter().filter(|table| table.has_view()) {
        let name = table.name;
        queries.push(as_text(&format!("FROM {name}(STORE)")));
        queries.push(as_text(&format!("SELECT count(*) FROM {name}(STORE)")));
        queries.push(format!("SELECT column_name, column_type FROM (DESCRIBE FROM {name}(STORE))"));
        let has = |parameter: &str| table.parameters.iter().any(|it| it.name == parameter);
        for (parameter, value) in [
            ("symbol", "'AAPL'".to_owned()),
            ("account", "'alice'".to_owned()),
            ("from_seq", (last / 3).to_string()),
            ("to_seq", (last / 2).to_string()),
        ] {
            if has(parameter) {
                queries.push(as_text(&format!("FROM {name}({parameter} := {value}, STORE)")));
            }
        }
    }
    for at in [1, last / 4, last / 2, last] {
        queries.push(as_text(&format!("FROM book_at('AAPL', {at}, STORE)")));
        queries.push(as_text(&format!("FROM balance_at('alice', {at}, STORE)")));
    }
    for query in [
        "SELECT notional, symbol, sequence FROM trades(symbol := 'AAPL', STORE)",
        "SELECT symbol, sum(notional) AS notional, count(*) AS trades FROM trades(STORE) GROUP BY symbol ORDER BY symbol",
        "SELECT kind, count(*) AS events FROM events(STORE) GROUP BY kind ORDER BY kind",
        "SELECT o.symbol, count(*) AS fills FROM orders(STORE) o JOIN executions(STORE) e USING (order_id) GROUP BY ALL ORDER BY 1",
        "SELECT symbol, time_bucket(INTERVAL 1 second, time) AS start, arg_min(price, sequence) AS open, max(price) AS high,
                min(price) AS low, arg_max(price, sequence) AS close, sum(quantity) AS volume
         FROM trades(STORE) GROUP BY ALL ORDER BY ALL",
        "SELECT asset, sum(amount_minor) AS amount FROM ledger(STORE) GROUP BY asset ORDER BY asset",
    ] {
        queries.push(as_text(query));
    }
    queries
}

/// The same queries for a DuckDB that must be told the store, and for `outcry sql`.
fn for_both(store: &Path, queries: &[String]) -> (Vec<String>, Vec<String>) {
    let named = format!("store := '{}'", store.display());
    let foreign = queries.iter().map(|query| query.replace("STORE", &named)).collect();
    let own = queries.iter().map(|query| query.replace(", STORE", "").replace("STORE", "")).collect();
    (foreign, own)
}

#[test]
fn every_table_answers_as_outcry_sql_does() {
    let pythons = Python::all();
    if pythons.is_empty() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    traded(&store).stop();
    let (foreign, without_store) = for_both(&store, &queries(committed(&store)));
    let wanted = own(&store, &without_store);
    for (query, answer) in without_store.iter().zip(&wanted) {
        // A part of the log may hold no change of a rule, a whole one does.
        assert!(query.contains(" := ") || query.contains("_at(") || answer["rows"] != json!([]), "{query}");
    }
    for python in pythons {
        let compare = |asked: &[String], answers: Vec<Value>| {
            for ((query, answer), wanted) in asked.iter().zip(answers).zip(&wanted) {
                assert!(answer == *wanted, "{query}\ngives {answer:.400}\nnot {wanted:.400}");
            }
        };
        compare(&foreign, python.answers(None, &foreign));
        // With a store that is meant when none is named, they are the same queries to the letter.
        compare(&without_store, python.answers(Some(&store), &without_store));
        // Each function has a second name, and a view may have the first.
        let second = [
            "CREATE VIEW trades AS FROM trades()",
            "SELECT (SELECT count(*) FROM trades) = (SELECT count(*) FROM outcry_trades()) AS same",
        ];
        let answers = python.answers(Some(&store), &second.map(str::to_owned));
        assert_eq!(answers[1], json!({ "rows": [{ "same": true }] }));
    }
}

#[test]
fn several_threads_ask_while_the_exchange_trades() {
    let pythons = Python::all();
    if pythons.is_empty() {
        return;
    }
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    let exchange = traded(&store);
    let last = committed(&store);
    let queries = [
        // What is behind a record does not change,
        "SELECT count(*) AS rows, sum(sequence) AS sum FROM events(to_seq := LAST, STORE)".replace("LAST", &last.to_string()),
        format!("SELECT count(*) AS rows, sum(price_ticks) AS sum FROM book_at('AAPL', {last}, STORE)"),
        // no call sees half a command,
        "SELECT count(*) AS rows FROM (SELECT asset FROM ledger(STORE) GROUP BY asset HAVING sum(amount_minor) <> 0)".to_owned(),
        // and what is new is seen.
        "SELECT max(trade_id) AS last, count(*) AS rows FROM trades(STORE)".to_owned(),
    ];
    let (foreign, _) = for_both(&store, &queries);
    let mut seen = 0;
    for python in pythons {
        let asked = json!({ "extension": extension(), "queries": foreign, "threads": 4, "times": 5 });
        let said = python.ask(None, &asked);
        let first = &said["answers"][0];
        for answers in said["answers"].as_array().expect("one a thread") {
            let mut before = seen;
            for round in answers.as_array().expect("rounds").chunks(queries.len()) {
                assert_eq!(round[..3], first.as_array().expect("rounds")[..3]);
                assert_eq!(round[2], json!({ "rows": [{ "rows": 0 }] }));
                let row = &round[3]["rows"][0];
                let (now, rows) = (row["last"].as_u64().expect("a number"), row["rows"].as_u64());
                assert_eq!(Some(now), rows, "trades are numbered from 1");
                assert!(now >= before, "{now} after {before}");
                before = now;
            }
        }
        let end = first.as_array().and_then(|rounds| rounds.last()).expect("a round");
        let end = end["rows"][0]["last"].as_u64().expect("a number");
        assert!(end > seen, "it went on trading: {end} after {seen}");
        seen = end;
    }
    exchange.stop();
}

#[test]
fn what_is_wrong_is_said_and_the_process_lives() {
    let Some(python) = Python::usual() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let path = |name: &str| dir.path().join(name);
    let store = path("store");
    traded(&store).stop();
    let last = committed(&store);
    let copy = |name: &str| {
        let status = Command::new("cp").arg("-r").arg(&store).arg(path(name)).status();
        assert!(status.expect("cp runs").success());
        path(name).join("segments/0000000001.segment")
    };
    let truncated = copy("truncated");
    fs::File::options().write(true).open(&truncated).expect("a segment").set_len(100_000).expect("cut");
    fs::write(copy("gone").with_file_name("0000000002.segment"), "").expect("written");
    fs::remove_file(path("gone").join("segments/0000000001.segment")).expect("removed");
    // A block that is not where the one before it ends.
    let damaged = copy("damaged");
    let mut bytes = fs::read(&damaged).expect("a segment");
    bytes[0x1000..0x1004].copy_from_slice(&[0x08, 0, 0, 0]);
    fs::write(&damaged, bytes).expect("written");
    newer(&path("newer"));
    fs::create_dir(path("empty")).expect("a directory");
    let ask = |store: &str, parameters: &str| {
        format!("FROM trades(store := '{}'{parameters})", path(store).display())
    };
    let good = format!("SELECT count(*) > 0 AS is_good FROM trades(store := '{}')", store.display());
    let cases = [
        (ask("nowhere", ""), "there is no store in", "outcry dev"),
        (ask("empty", ""), "is not an event store", "outcry dev"),
        (ask("truncated", ""), "", "outcry log verify"),
        (ask("gone", ""), "is missing", "outcry log verify"),
        (ask("damaged", ""), "", "outcry log verify"),
        (
            ask("newer", ", symbol := 'AAPL'"),
            "written by a newer build",
            "use the version of outcry that wrote it",
        ),
        (ask("store", ", symbol := 'NOPE'"), "there is no instrument NOPE", "SELECT symbol FROM instruments"),
        (ask("store", ", account := 'nobody'"), "there is no account nobody", "SELECT account FROM accounts"),
        (ask("store", ", colour := 'red'"), "colour", ""),
        ("FROM trades()".to_owned(), "which store?", "FROM trades(store := "),
        ("FROM trades(store := NULL)".to_owned(), "which store?", "OUTCRY_STORE"),
        ("FROM trades(store := 'a\\0b')".to_owned(), "there is no store in", ""),
        (
            format!("FROM book_at('AAPL', {}, store := '{}')", last + 1, store.display()),
            "is not in the log",
            "hint: ",
        ),
        (format!("FROM book_at('AAPL', store := '{}')", store.display()), "book_at", ""),
        ("FROM trades".to_owned(), "trades does not exist", ""),
    ];
    let queries: Vec<String> = cases.iter().flat_map(|(query, ..)| [query.clone(), good.clone()]).collect();
    let answers = python.answers(None, &queries);
    for ((query, words, hint), answer) in cases.iter().zip(answers.chunks(2)) {
        let error =
            answer[0]["error"].as_str().unwrap_or_else(|| panic!("{query} is answered: {}", answer[0]));
        assert!(error.contains(words) && error.contains(hint), "{query}: {error}");
        assert!(words.is_empty() || hint.is_empty() || error.contains("\nhint: "), "{query}: {error}");
        assert_eq!(answer[1], json!({ "rows": [{ "is_good": true }] }), "after {query}: {error}");
    }
}

/// A store that a later build might have written.
fn newer(dir: &Path) {
    let options = event_store::Options {
        preparation: event_store::Preparation::Inline,
        ..event_store::Options::small()
    };
    let mut store = event_store::Writer::open(dir, &options).expect("a new store");
    let mut block = store.writer.begin(1_767_605_400_000_000_000).expect("room");
    // An instrument, as nobody writes it yet.
    block.reserve(0x0220, 99, 0, 64).expect("room");
    block.finish();
    store.flusher.poll().expect("written");
}

/// Whatever a disk or a person does to the bytes of a log, the asking program gets an answer or an error.
#[test]
fn no_damage_harms_the_process() {
    let Some(python) = Python::usual() else { return };
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    traded(&store).stop();
    let whole = fs::read(store.join("segments/0000000001.segment")).expect("a segment");
    let used = whole.iter().rposition(|byte| *byte != 0).expect("something is in it");
    let mut queries = Vec::new();
    let mut bits = 1_u64;
    for at in 0..24 {
        let copy = dir.path().join(format!("copy{at}"));
        let status = Command::new("cp").arg("-r").arg(&store).arg(&copy).status();
        assert!(status.expect("cp runs").success());
        let mut bytes = whole.clone();
        for _ in 0..=at {
            // Knuth's generator: the same damage every time.
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let place = usize::try_from(bits >> 16).expect("64 bits") % used;
            bytes[place] ^= 1 << (bits >> 61);
        }
        fs::write(copy.join("segments/0000000001.segment"), bytes).expect("written");
        // Snapshots would spare it reading some of the log.
        let _ = fs::remove_dir_all(copy.join("snapshots"));
        for table in [
            "trades",
            "orders",
            "order_events",
            "quotes",
            "balances",
            "ledger",
            "events",
            "commands",
            "log",
            "rule_verdicts",
        ] {
            queries.push(format!(
                "SELECT count(DISTINCT t::VARCHAR) AS rows FROM {table}(store := '{}') t",
                copy.display()
            ));
        }
    }
    let answers = python.answers(None, &queries);
    let errors = answers.iter().filter(|answer| answer["error"].is_string()).count();
    assert!(errors > 0 && errors < answers.len(), "{errors} errors in {} answers", answers.len());
}

#[test]
fn the_lines_it_prints_work_in_python() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("it's a store");
    let run = |args: &[&str]| {
        let output =
            Command::new(OUTCRY).arg("sql").arg("extension").args(args).current_dir(dir.path()).output();
        output.expect("the program starts")
    };
    if Python::usual().is_some() {
        let _ = extension();
    } else if !Path::new(OUTCRY).with_file_name("outcry.duckdb_extension").is_file() {
        // Said with a hint, at least.
        let output = run(&[]);
        assert_eq!(output.status.code(), Some(1));
        assert!(
            text(&output.stderr).contains("\"cargo xtask extension\" builds it"),
            "{}",
            text(&output.stderr)
        );
        return;
    }
    let output = run(&["other.duckdb_extension"]);
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    assert!(
        text(&output.stderr).contains("hint: write it to outcry.duckdb_extension"),
        "{}",
        text(&output.stderr)
    );
    let output = run(&["no/such/folder/outcry.duckdb_extension"]);
    assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));

    traded(&store).stop();
    let output = run(&["--store", store.to_str().expect("text")]);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let (lines, said) = (text(&output.stdout), text(&output.stderr));
    assert_eq!(lines.lines().count(), 2, "{lines}");
    let written = dir.path().join("outcry.duckdb_extension");
    let bytes = fs::read(&written).expect("it is there");
    assert_eq!(reporting::footer::version(&bytes), Some(concat!("v", env!("CARGO_PKG_VERSION"))));
    let again = run(&[".", "--json"]);
    let answer: Value = serde_json::from_slice(&again.stdout).expect("JSON");
    assert_eq!(
        (answer["bytes"].as_u64(), answer["python"].as_array().map(Vec::len)),
        (Some(bytes.len() as u64), Some(2))
    );
    let example = said.split_once("for example: ").expect("an example").1.trim();

    for python in Python::all() {
        let script = format!("{lines}\nprint({example}.fetchall()[0][0] > 0)");
        let output = python.command().args(["-c", &script]).output().expect("Python starts");
        assert_eq!(text(&output.stdout), "True\n", "{script}\n{}", text(&output.stderr));
    }
}

#[test]
fn python_plots_candles() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    let Some(python) = Python::usual() else { return };
    let exchange = traded(&store);
    let picture = dir.path().join("candles.svg");
    let plot = |symbol: &str| {
        let mut command = python.command();
        command.arg(CANDLES).arg(&store).args([symbol]).arg(&picture).args(["--seconds", "1", "--extension"]);
        command.arg(extension()).output().expect("Python starts")
    };
    let output = plot("AAPL");
    assert!(output.status.success(), "{}", text(&output.stderr));
    let drawn = fs::read_to_string(&picture).expect("a picture");
    let candles = drawn.matches("class=\"candle\"").count();
    assert!(
        candles > 0 && text(&output.stdout).contains(&format!("in {candles} candles")),
        "{}",
        text(&output.stdout)
    );
    assert!(drawn.starts_with("<svg ") && drawn.ends_with("</svg>\n"), "{drawn}");
    exchange.stop();
    // Every trade is in one of them.
    assert!(plot("AAPL").status.success());
    let drawn = fs::read_to_string(&picture).expect("a picture");
    let plotted: u64 = drawn
        .split(" in ")
        .filter_map(|part| part.split_once(" trades</title>")?.0.parse::<u64>().ok())
        .sum();
    let counted = own(&store, &["SELECT count(*) AS trades FROM trades(symbol := 'AAPL')".to_owned()]);
    assert_eq!(Some(plotted), counted[0]["rows"][0]["trades"].as_u64());
    let output = plot("NOPE");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("there is no instrument NOPE"), "{}", text(&output.stderr));
}
