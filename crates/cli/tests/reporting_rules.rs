//! Reporting rules in the real program: every one that ships, in its own language, fed by an exchange that trades, and checked against what SQL says of
//! the same log. And one that breaks.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

#[path = "common/file.rs"]
mod file;

use common::{Exchange, answer, outcry};
use file::{content, file_rows, log_rows, shipped};
use model::RuleKind;
use plugin_kit::{Language, wrap};
use serde_json::Value;
use std::path::Path;
use std::time::{Duration, Instant};

/// Whether the tool of a language has been fetched, or the component is there already.
fn can_build(name: &str, tool: &str) -> bool {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins").join(name);
    let built = folder.join("dist").join(format!("{name}.wasm")).is_file();
    let cache = std::env::var_os("XDG_CACHE_HOME").map(std::path::PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let fetched = cache.is_some_and(|cache| {
        let tools = std::fs::read_dir(cache.join("outcry/tools")).into_iter().flatten().flatten();
        tools.map(|entry| entry.file_name()).any(|folder| folder.to_string_lossy().starts_with(tool))
    });
    if !(built || fetched) {
        eprintln!("skipped {name}: {tool} has not been fetched");
    }
    built || fetched
}

/// The rules, with parameters that find something.
fn rules() -> Vec<(&'static str, Vec<&'static str>)> {
    let mut rules = vec![
        ("fees", vec!["tier_notional=0"]),
        ("order-to-trade-ratio", vec!["min_messages=1"]),
        ("wash-trades", vec!["window_ms=60000"]),
        ("spoofing", vec!["min_quantity=1", "min_times=1", "window_ms=60000"]),
    ];
    if can_build("large-trades", "componentize-py") {
        rules.push(("large-trades", vec!["min_notional=500000"]));
    }
    if can_build("reject-summary", "componentize-js") {
        rules.push(("reject-summary", vec!["watch_from=3"]));
    }
    rules
}

fn wait_until(url: &str, what: impl Fn(&Value) -> bool) -> Value {
    let begun = Instant::now();
    loop {
        let status = answer(&["status", "--url", url])["projection"].clone();
        if what(&status) {
            return status;
        }
        assert!(begun.elapsed() < Duration::from_mins(2), "{status}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

/// Sends orders of which some are refused.
fn trade(url: &str, round: u32) {
    for at in 0..6 {
        let (id, quantity) = (format!("r{round}-{at}"), (1 + at).to_string());
        // The same id twice: the second is refused.
        for side in ["sell", "buy"] {
            let args = ["order", side, "alice", "AAPL", &quantity, "market", "--id", &id, "--url", url];
            outcry(&args);
        }
        outcry(&["cancel", "bob", "nothing-like-it", "--url", url]);
    }
}

#[test]
fn every_rule_that_ships_fills_its_table() {
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let at = store.to_str().unwrap();
    // Some of the log is there before the rules are: they read it all the same.
    let exchange = Exchange::dev(&store, 1000);
    trade(exchange.url(), 1);
    let rules = rules();
    for (name, parameters) in &rules {
        let component = shipped(name);
        let mut args =
            vec!["plugin", "load", component.to_str().unwrap(), "--activate", "--url", exchange.url()];
        for parameter in parameters {
            args.extend(["--param", parameter]);
        }
        let output = outcry(&args);
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stderr));
    }
    trade(exchange.url(), 2);
    let all_current = |status: &Value| {
        let shown = status["rules"].as_array();
        shown.is_some_and(|shown| {
            shown.len() == rules.len() && shown.iter().all(|rule| rule["state"] == "current")
        })
    };
    wait_until(exchange.url(), all_current);
    let shown = outcry(&["plugin", "show", "fees", "--url", exchange.url()]);
    let shown = String::from_utf8_lossy(&shown.stdout).into_owned();
    assert!(shown.contains("table        fees, current"), "{shown}");
    trade(exchange.url(), 3);
    // The process dies and another one goes on.
    exchange.kill();
    let exchange = Exchange::dev(&store, 1000);
    trade(exchange.url(), 4);
    wait_until(exchange.url(), all_current);
    assert!(exchange.stop().0.success());

    let file = store.join("reports.duckdb");
    let last = answer(&["log", "stats", "--store", at])["committed"].to_string();
    let at_last = "SELECT count(*) FROM reporting_rules, watermark w WHERE status = 'current' AND reporting_rules.sequence = w.sequence";
    assert_eq!(file_rows(&file, at_last), [rules.len().to_string()]);
    assert_eq!(file_rows(&file, "SELECT sequence FROM watermark"), [last.as_str()]);

    let fees = "SELECT account, sum(trades), sum(maker_notional), sum(taker_notional), sum(maker_fee), sum(taker_fee) FROM fees GROUP BY account ORDER BY account";
    let charged = "SELECT account, count(*), sum(maker), sum(taker), sum(maker_fee), sum(taker_fee) FROM (
        SELECT maker_account_id AS account, notional_minor AS maker, 0 AS taker, -((20 * notional_minor) // 1000000) AS maker_fee, 0 AS taker_fee FROM trades
        UNION ALL
        SELECT taker_account_id, 0, notional_minor, 0, (300 * notional_minor + 999999) // 1000000 FROM trades
    ) GROUP BY account ORDER BY account";
    same(&file, at, fees, charged);
    let messages = "SELECT account, sum(orders), sum(trades) FROM order_to_trade_ratio GROUP BY account HAVING sum(orders) > 0 ORDER BY account";
    let sent = "SELECT account_id, orders, coalesce(trades, 0) FROM (
            SELECT account, count(*) AS orders FROM events WHERE kind IN ('OrderAccepted', 'OrderRejected') AND account IS NOT NULL GROUP BY account
        ) JOIN accounts USING (account) LEFT JOIN (
            SELECT id AS account_id, count(*) AS trades FROM (SELECT unnest([maker_account_id, taker_account_id]) AS id FROM trades) GROUP BY id
        ) USING (account_id) ORDER BY account_id";
    same(&file, at, messages, sent);
    if rules.iter().any(|(name, _)| *name == "large-trades") {
        let large =
            "SELECT trade_id, price, quantity, notional, maker, taker FROM large_trades ORDER BY trade_id";
        let traded = "SELECT trade_id, price_ticks, quantity_lots, notional_minor, maker_account_id, taker_account_id FROM trades
            WHERE notional_minor >= 500000 ORDER BY trade_id";
        same(&file, at, large, traded);
    }
    if rules.iter().any(|(name, _)| *name == "reject-summary") {
        let summary = "SELECT message, sum(refused) FROM reject_summary GROUP BY message ORDER BY message";
        let refused = "SELECT CASE kind WHEN 'OrderRejected' THEN 'order' WHEN 'CancelRejected' THEN 'cancel' ELSE 'replace' END AS message, count(*)
            FROM events WHERE kind IN ('OrderRejected', 'CancelRejected', 'ReplaceRejected') GROUP BY message ORDER BY message";
        same(&file, at, summary, refused);
    }
    assert!(file_rows(&file, "FROM wash_trades").len() + file_rows(&file, "FROM spoofing").len() > 0);

    // Made at once and by another process, each table is the same.
    let again = dir.path().join("again.duckdb");
    answer(&["log", "project", "--store", at, "--file", again.to_str().unwrap()]);
    assert_eq!(content(&file), content(&again));
}

fn same(file: &Path, store: &str, of_file: &str, of_log: &str) {
    let (found, expected) = (file_rows(file, of_file), log_rows(store, of_log));
    assert!(!expected.is_empty(), "{of_log}");
    assert_eq!(found, expected, "{of_file}");
}

/// A rule whose table has a row for every event, and which breaks when it is told of an order of 13 lots.
fn breaks() -> Vec<u8> {
    let module = r#"(module
        (memory (export "memory") 300)
        (data (i32.const 100) "broken") (data (i32.const 110) "account") (data (i32.const 120) "quantity")
        (data (i32.const 200) "\64\00\00\00\06\00\00\00\f0\00\00\00\02\00\00\00\00\00\00\00")
        (data (i32.const 240) "\6e\00\00\00\07\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
        (data (i32.const 260) "\78\00\00\00\08\00\00\00\00\00\00\00\82\00\00\00\00\00\00\00")
        (global $room (mut i32) (i32.const 1048576))
        (func (export "cabi_realloc") (param i32 i32 i32) (param $size i32) (result i32)
            (global.get $room)
            (global.set $room (i32.and (i32.add (global.get $room) (i32.add (local.get $size) (i32.const 7))) (i32.const -8))))
        (func (export "outcry:rules/reporting-rule@1.1.0#configure") (param i32 i32) (result i32) (i32.const 0))
        (func (export "outcry:rules/reporting-rule@1.1.0#describe") (result i32) (i32.const 200))
        (func (export "outcry:rules/reporting-rule@1.1.0#process")
            (param $state i32) (param $length i32) (param $events i32) (param $n i32) (result i32)
            (local $i i32) (local $event i32) (local $values i32)
            (block $done (loop $next
                (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
                (local.set $event (i32.add (local.get $events) (i32.mul (local.get $i) (i32.const 96))))
                (if (i64.eq (i64.load offset=48 (local.get $event)) (i64.const 13)) (then unreachable))
                (local.set $values (i32.add (i32.const 200000) (i32.mul (local.get $i) (i32.const 32))))
                (i32.store offset=4096 (i32.shl (local.get $i) (i32.const 3)) (local.get $values))
                (i32.store offset=4100 (i32.shl (local.get $i) (i32.const 3)) (i32.const 2))
                (i32.store8 (local.get $values) (i32.const 1))
                (i64.store offset=8 (local.get $values) (i64.load32_u offset=20 (local.get $event)))
                (i32.store8 offset=16 (local.get $values) (i32.const 1))
                (i64.store offset=24 (local.get $values) (i64.load offset=48 (local.get $event)))
                (local.set $i (i32.add (local.get $i) (i32.const 1)))
                (br $next)))
            (i32.store (i32.const 1024) (i32.const 3000)) (i32.store (i32.const 1028) (i32.const 0))
            (i32.store (i32.const 1032) (i32.const 4096)) (i32.store (i32.const 1036) (local.get $n))
            (global.set $room (i32.const 1048576))
            (i32.const 1024)))"#;
    let manifest = "[rule]\nname = \"breaks\"\nversion = \"1.0.0\"\nkind = \"reporting\"\ndescription = \"Breaks\"\n\
        [limits]\nmax_faults = 2\n";
    wrap(&wat::parse_str(module).unwrap(), RuleKind::Reporting, Language::C, manifest).unwrap()
}

#[test]
fn a_rule_that_breaks_is_stopped_and_trading_and_the_file_go_on() {
    let dir = tempfile::tempdir().unwrap();
    let (store, component) = (dir.path().join("store"), dir.path().join("breaks.wasm"));
    std::fs::write(&component, breaks()).unwrap();
    let exchange = Exchange::dev(&store, 0);
    let url = exchange.url().to_owned();
    let order = |quantity: &str| {
        let args = ["order", "buy", "alice", "AAPL", quantity, "@", "1.00", "--url", &url];
        assert!(outcry(&args).status.success());
    };
    let load = ["plugin", "load", component.to_str().unwrap(), "--activate", "--url", &url];
    assert!(outcry(&load).status.success());
    order("5");
    let good = wait_until(&url, |status| status["rules"][0]["state"] == "current" && status["behind"] == 0);
    assert_eq!((&good["rules"][0]["table"], &good["rules"][0]["failures"]), (&"broken".into(), &0.into()));
    order("13");
    order("7");
    let bad = wait_until(&url, |status| status["rules"][0]["state"] == "stopped" && status["behind"] == 0);
    assert_eq!(
        (&bad["rules"][0]["failures"], &bad["running"], &bad["failures"]),
        (&2.into(), &true.into(), &0.into())
    );
    assert!(bad["rules"][0]["last_error"].as_str().unwrap().contains("trap"), "{bad}");
    assert!(exchange.stop().0.success());
    let file = store.join("reports.duckdb");
    assert_eq!(file_rows(&file, "SELECT quantity FROM broken WHERE quantity > 0"), ["5"]);
    assert_eq!(file_rows(&file, "SELECT status, failures FROM reporting_rules"), ["stopped 2"]);
    let last = answer(&["log", "stats", "--store", store.to_str().unwrap()])["committed"].to_string();
    assert_eq!(file_rows(&file, "SELECT sequence FROM watermark"), [last]);
}
