//! The projection of a running exchange: it follows, says how far it is, keeps out of trading's way, and its file agrees with the exchange
//! and with its log to the last unit.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

#[path = "common/file.rs"]
mod file;

use common::{Exchange, OUTCRY, answer, outcry};
use file::{file_rows, log_rows};
use gateway::api::{AccountsQuery, CandlesQuery};
use serde_json::Value;
use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

fn status(url: &str) -> Value {
    answer(&["status", "--url", url])["projection"].clone()
}

/// Waits until the projection has everything that is committed, while nobody trades.
fn caught_up(url: &str) -> Value {
    let begun = Instant::now();
    loop {
        let status = status(url);
        if status["running"] == true && status["behind"] == 0 && status["sequence"].as_u64() > Some(0) {
            return status;
        }
        assert!(begun.elapsed() < Duration::from_secs(20), "{status}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

fn trade(url: &str, count: u32) {
    for at in 0..count {
        let (quantity, price) = ((1 + at % 7).to_string(), format!("{}.{:02}", 99 + at % 3, at % 100));
        let (seller, buyer) = if at % 2 == 0 { ("alice", "bob") } else { ("bob", "alice") };
        for (side, account) in [("sell", seller), ("buy", buyer)] {
            let args = ["order", side, account, "AAPL", &quantity, "@", &price, "--url", url];
            assert!(outcry(&args).status.success(), "{args:?}");
        }
    }
}

#[test]
fn the_exchange_the_log_and_the_file_agree() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let at = store.to_str().unwrap();
    // Simulated traders first, then a quiet market that can be asked about.
    let exchange = Exchange::dev(&store, 2000);
    std::thread::sleep(Duration::from_secs(2));
    assert!(exchange.stop().0.success());
    let exchange = Exchange::dev(&store, 0);
    trade(exchange.url(), 12);
    let shown = caught_up(exchange.url());
    assert!(shown.get("trouble").is_none() && shown["failures"] == 0, "{shown}");
    let metrics = ureq::get(format!("{}/metrics", exchange.url())).call().unwrap();
    let metrics = metrics.into_body().read_to_string().unwrap();
    assert!(metrics.contains(&format!("outcry_projection_watermark {}", shown["sequence"])), "{metrics}");
    let taken = outcry(&["log", "project", "--store", at]);
    let said = String::from_utf8_lossy(&taken.stderr).into_owned();
    assert_eq!(taken.status.code(), Some(1), "{said}");
    assert!(
        said.contains("is open in another process") && said.contains("hint: an exchange that runs"),
        "{said}"
    );

    let mut balances = Vec::new();
    for account in exchange.client().accounts(&AccountsQuery::default()).unwrap().accounts {
        let balance = account.balances.iter();
        balances.extend(
            balance.map(|it| format!("{} {} {}", account.account, it.asset, decimal(&it.total.to_string()))),
        );
    }
    balances.retain(|line| !line.ends_with(" 0.00000000"));
    balances.sort();
    let query = CandlesQuery { interval: Some("1h".to_owned()), limit: Some(1000) };
    let candles = exchange.client().candles("AAPL", &query).unwrap();
    let candles: Vec<String> = candles
        .candles
        .iter()
        .map(|it| {
            let numbers =
                [it.open, it.high, it.low, it.close, it.volume].map(|number| decimal(&number.to_string()));
            format!("{} {}", numbers.join(" "), it.trades)
        })
        .collect();
    assert!(exchange.stop().0.success());

    let file = store.join("reports.duckdb");
    let same = |query: &str, at_least: usize| -> Vec<String> {
        let (log, file) = (log_rows(at, query), file_rows(&file, query));
        assert!(log.len() >= at_least, "{} rows of {query}", log.len());
        for (log, file) in log.iter().zip(&file) {
            assert_eq!(log, file, "{query}");
        }
        assert_eq!(log.len(), file.len(), "{query}");
        file
    };
    let mut totals =
        same("SELECT account, asset, total FROM balances WHERE total_minor <> 0 ORDER BY ALL", 10);
    totals.sort();
    assert_eq!(totals, balances);
    let hours =
        "SELECT open, high, low, close, volume, trades FROM candles_1h WHERE symbol = 'AAPL' ORDER BY start";
    assert_eq!(same(hours, 1), candles);
    same(
        "SELECT symbol, start, open, high, low, close, volume, trades, first_sequence, last_sequence FROM candles_1s ORDER BY ALL",
        5,
    );
    same("FROM trades ORDER BY sequence", 50);
    same("FROM instruments ORDER BY symbol", 3);
    let last = answer(&["log", "stats", "--store", at])["committed"].to_string();
    assert_eq!(
        file_rows(&file, "SELECT sequence FROM watermark"),
        [last],
        "it had all of it when it was closed"
    );
}

/// A number with eight decimals, as SQL shows it.
fn decimal(number: &str) -> String {
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    format!("{whole}.{decimals:0<8}")
}

#[test]
fn a_projection_in_trouble_leaves_trading_alone_and_goes_on_when_it_can() {
    let dir = tempfile::tempdir().unwrap();
    let (store, config) = (dir.path().join("store"), dir.path().join("outcry.toml"));
    std::fs::create_dir_all(&store).unwrap();
    let file = store.join("reports.duckdb");
    std::fs::write(&file, "mine, not yours\n".repeat(1000)).unwrap();
    std::fs::write(
        &config,
        "[store]\nsegment_bytes = 1048576\n[limits]\nmax_working_orders = 2000\n[calendars]\ntrading_day = \"\"\n\
         [reporting]\nevery_ms = 20\nretry_seconds = 1\n",
    )
    .unwrap();
    let mut child = Command::new(OUTCRY)
        .args(["start", "--config", config.to_str().unwrap(), "--store", store.to_str().unwrap()])
        .args(["--listen", "127.0.0.1:0", "--json", "--quiet"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut first = String::new();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(child.stdout.as_mut().unwrap()), &mut first)
        .unwrap();
    let banner: Value = serde_json::from_str(&first).unwrap();
    let url = banner["url"].as_str().unwrap();
    let run = |args: &[&str]| {
        assert!(outcry(&[args, &["--url", url, "--quiet"]].concat()).status.success(), "{args:?}");
    };
    run(&["instrument", "create", "AAPL"]);
    for account in ["alice", "bob"] {
        run(&["account", "open", account, "USD=100000", "AAPL=1000"]);
    }
    let begun = Instant::now();
    while status(url)["failures"].as_u64() < Some(2) {
        assert!(begun.elapsed() < Duration::from_secs(20), "it is tried again");
        std::thread::sleep(Duration::from_millis(100));
    }
    trade(url, 3);
    let shown = status(url);
    assert!(
        shown["running"] == false && shown["trouble"].as_str().unwrap().contains("is no projection"),
        "{shown}"
    );
    // Taken out of the way, and it goes on by itself.
    std::fs::rename(&file, store.join("mine")).unwrap();
    caught_up(url);
    trade(url, 3);
    caught_up(url);
    let pid = rustix::process::Pid::from_child(&child);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    assert!(child.wait().unwrap().success());
    let mut said = String::new();
    child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!(said.matches("does not run").count(), 1, "said once: {said}");
    assert!(said.contains("hint: delete it or move it away"), "{said}");
    assert_eq!(file_rows(&file, "SELECT count(*) FROM trades"), ["6"]);
}
