//! Other engines read the Parquet export, and answer as the log itself does: DuckDB, Spark and ClickHouse (`chdb`), each asked the
//! ten questions of `tests/python/engines/queries.py`. Needs the Python of `cargo xtask test`.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Exchange, answer, outcry};
use serde_json::{Map, Value};
use std::path::{Path, PathBuf};
use std::process::Command;

/// Runs the driver; its answer is JSON.
fn ask(python: &Path, args: &[&str]) -> Value {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/python/engines/ask.py");
    let output = Command::new(python).arg("-B").arg(script).args(args).output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {errors}");
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}: {errors}"))
}

/// What the log answers, in the form of the driver's answers.
fn from_the_log(store: &str, questions: &Value) -> Value {
    let mut answers = Map::new();
    for (name, sql) in questions.as_object().unwrap() {
        let rows = answer(&["sql", "--store", store, "--max-rows", "0", "-c", sql.as_str().unwrap()]);
        let rows = rows.as_array().unwrap();
        assert!(!rows.is_empty(), "{name} has no rows: it would prove nothing");
        // serde_json keeps an object's names sorted, so columns are compared by name.
        let columns: Vec<&String> = rows[0].as_object().unwrap().keys().collect();
        let text = |value: &Value| match value {
            Value::Null => Value::Null,
            Value::String(text) => text.as_str().into(),
            other => other.to_string().into(),
        };
        let cells = |row: &Value| row.as_object().unwrap().values().map(text).collect::<Value>();
        let rows: Value = rows.iter().map(cells).collect();
        answers.insert(name.clone(), serde_json::json!({ "columns": columns, "rows": rows }));
    }
    answers.into()
}

/// The same with columns in the order of their names.
fn sorted(answers: Value) -> Value {
    let Value::Object(answers) = answers else { panic!("not an object") };
    let one = |answer: Value| {
        let columns: Vec<String> = serde_json::from_value(answer["columns"].clone()).unwrap();
        let rows: Vec<Vec<Value>> = serde_json::from_value(answer["rows"].clone()).unwrap();
        let mut order: Vec<usize> = (0..columns.len()).collect();
        order.sort_by_key(|&at| &columns[at]);
        let pick = |row: &Vec<Value>| order.iter().map(|&at| row[at].clone()).collect::<Value>();
        let rows: Value = rows.iter().map(pick).collect();
        let columns: Vec<&String> = order.iter().map(|&at| &columns[at]).collect();
        serde_json::json!({ "columns": columns, "rows": rows })
    };
    answers.into_iter().map(|(name, answer)| (name, one(answer))).collect()
}

#[test]
fn three_engines_answer_from_the_files_what_the_log_answers() {
    let Some(python) = std::env::var_os("OUTCRY_PYTHON").map(PathBuf::from) else {
        eprintln!("skipped: OUTCRY_PYTHON is not set; `cargo xtask test` sets it");
        return;
    };
    let dir = tempfile::tempdir().unwrap();
    let (store, out) = (dir.path().join("store"), dir.path().join("out"));
    let (store_text, out_text) = (store.to_str().unwrap(), out.to_str().unwrap());
    let exchange = Exchange::dev(&store, 2000);
    let url = exchange.url().to_owned();
    // An order that is refused, and names that need care.
    outcry(&["account", "open", "carol d'oro", "USD=1000", "--url", &url]);
    outcry(&[
        "order",
        "buy",
        "carol d'oro",
        "AAPL",
        "100000",
        "@",
        "230.05",
        "--id",
        "quoted'\"x",
        "--url",
        &url,
    ]);
    let enough = |store: &str| {
        answer(&["log", "stats", "--store", store])["committed"]
            .as_u64()
            .is_some_and(|records| records > 12_000)
    };
    let started = std::time::Instant::now();
    while !enough(store_text) {
        assert!(started.elapsed().as_secs() < 120, "the market does not get going");
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    // Whole parts while it trades, the rest when it has stopped.
    let parts = ["--part-records", "5000"];
    let export = [&["log", "export", "--parquet", out_text, "--store", store_text][..], &parts].concat();
    let live = answer(&export);
    assert!(live["sealed_sequence"].as_u64() >= Some(10_000) && live["files"].as_u64() > Some(10), "{live}");
    exchange.stop();
    let rest = answer(&[&export[..], &["--all"]].concat());
    assert_eq!(rest["last_sequence"], rest["committed"]);

    let questions = ask(&python, &["questions"]);
    assert_eq!(questions.as_object().unwrap().len(), 10);
    let expected = from_the_log(store_text, &questions);
    for engine in ["duckdb", "chdb", "spark"] {
        let started = std::time::Instant::now();
        let answers = sorted(ask(&python, &[engine, out_text]));
        eprintln!("{engine} took {:.1?}", started.elapsed());
        for (name, answer) in expected.as_object().unwrap() {
            assert_eq!(&answers[name], answer, "{engine} answers {name} otherwise");
        }
    }
}
