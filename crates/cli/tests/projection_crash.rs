//! kill -9 at a random moment, again and again, while an exchange trades and projects: its file has every row once, as if nothing had
//! ever happened. A reporting rule takes part, and is activated with other parameters now and then, so that processes also die while its table is
//! being made anew. `OUTCRY_PROJECTION_KILLS` says how often; 200 without it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

#[path = "common/file.rs"]
mod file;

use common::{Exchange, answer};
use file::{content, file_rows, log_rows, shipped};
use gateway::api::{ActivateRequest, Amount, NewAccount, NewInstrument, NewOrder, Number};
use gateway::client::Client;
use model::Side;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// Clients at once.
const CLIENTS: u64 = 2;
/// The rule is activated with other parameters before every so many kills.
const ACTIVATE_EVERY: u64 = 15;

/// A small exchange that starts in a moment and projects all the time.
const CONFIG: &str = "\
[store]
segment_bytes = 1048576
durability = \"os\"
[snapshots]
every_records = 3000
[limits]
max_working_orders = 2000
max_order_ids = 1000000
max_accounts = 16
max_instruments = 4
[calendars]
trading_day = \"\"
[reporting]
every_ms = 10
retry_seconds = 1
";

/// splitmix64.
fn random(seed: u64) -> u64 {
    let mut bits = seed.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

fn number(units: u64, scale: u8) -> Number {
    Number::new(units.into(), scale)
}

fn set_up(client: &Client) {
    let terms = NewInstrument {
        symbol: "ACME".to_owned(),
        tick_size: number(1, 2),
        lot_size: number(1, 0),
        currency: None,
        currency_decimals: None,
        calendar: None,
        max_qty: None,
        max_notional: None,
        collar_percent: None,
        self_trade_prevention: None,
    };
    client.create_instrument(&terms).unwrap();
    for number_of in 0..CLIENTS {
        let balance = |asset: &str, amount| Amount { asset: asset.to_owned(), amount: number(amount, 0) };
        let balances = vec![balance("USD", 1_000_000_000), balance("ACME", 100_000_000)];
        let account = NewAccount { account: format!("client{number_of}"), status: None, balances };
        client.open_account(&account).unwrap();
    }
    let component = std::fs::read(shipped("fees")).unwrap();
    client.load_rule("fees", &component, None).unwrap();
}

fn activate(client: &Client, taker_ppm: u64) {
    let parameters = BTreeMap::from([("taker_ppm".to_owned(), taker_ppm.into())]);
    client.activate_rule("fees", &ActivateRequest { parameters, ..ActivateRequest::default() }).unwrap();
}

/// Trades until the exchange is gone.
fn trade(client: &Client, number_of: u64, cycle: u64, gone: &AtomicBool) {
    for count in 0.. {
        let bits = random(cycle << 20 | number_of << 16 | count);
        let order = NewOrder {
            account: format!("client{number_of}"),
            symbol: "ACME".to_owned(),
            side: if bits & 1 == 0 { Side::Buy } else { Side::Sell }.into(),
            order_qty: number(bits >> 8 & 15, 0),
            ord_type: None,
            price: Some(number(995 + (bits >> 16) % 10, 2)),
            cl_ord_id: Some(format!("{cycle}-{number_of}-{count}")),
            time_in_force: Some(if bits >> 32 & 1 == 0 { "gtc" } else { "ioc" }.parse().unwrap()),
            expire_time: None,
            post_only: false,
            self_trade_prevention: None,
        };
        let refused = client.submit(&order).is_err_and(|error| error.problem().is_none());
        if refused || gone.load(Ordering::Relaxed) {
            return;
        }
    }
}

#[test]
fn no_row_is_missing_or_twice_after_two_hundred_kills() {
    let kills = std::env::var("OUTCRY_PROJECTION_KILLS").map_or(200, |kills| kills.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let (store, config) = (dir.path().join("store"), dir.path().join("outcry.toml"));
    std::fs::write(&config, CONFIG).unwrap();
    let at = store.to_str().unwrap();
    let args = ["start", "--config", config.to_str().unwrap(), "--store", at, "--listen", "127.0.0.1:0"];
    // The furthest that any of them said it had got.
    let mut said = 0;
    for cycle in 0..kills {
        let exchange = Exchange::start(&args);
        let client = exchange.client();
        if cycle == 0 {
            set_up(&client);
        }
        if cycle % ACTIVATE_EVERY == 0 {
            activate(&client, 100 + cycle);
        }
        let gone = AtomicBool::new(false);
        std::thread::scope(|scope| {
            for number_of in 0..CLIENTS {
                let (client, gone) = (client.clone(), &gone);
                scope.spawn(move || trade(&client, number_of, cycle, gone));
            }
            // A quarter die before the file is open, a quarter once it has got somewhere in this life, the others
            // when it has been opened.
            let sequence = || {
                let projection = client.status().ok()?.projection?;
                projection.running.then_some(projection.sequence)
            };
            let begun = Instant::now();
            let until = |done: &dyn Fn() -> bool| {
                while !done() {
                    assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", client.status());
                    std::thread::sleep(Duration::from_millis(2));
                }
            };
            if cycle % 4 != 3 {
                until(&|| sequence().is_some());
            }
            if cycle % 4 == 0 {
                let opened = sequence();
                until(&|| sequence() > opened);
            }
            std::thread::sleep(Duration::from_micros(random(cycle) % 60_000));
            said = said.max(sequence().unwrap_or(0));
            exchange.kill();
            gone.store(true, Ordering::Relaxed);
        });
    }
    let file = store.join("reports.duckdb");
    let before = file_rows(&file, "SELECT sequence FROM watermark")[0].parse::<u64>().unwrap();
    assert!(before > 1000, "those that were killed had got somewhere: {before}");
    assert!(before >= said, "what the exchange said was in the file is in it: {said}, {before}");
    // One more life, which ends as it should.
    let exchange = Exchange::start(&args);
    let client = exchange.client();
    let begun = Instant::now();
    let is_current = || {
        client.status().is_ok_and(|status| status.projection.is_some_and(|it| it.running && it.behind == 0))
    };
    while !is_current() {
        assert!(begun.elapsed() < Duration::from_mins(1), "{:?}", client.status());
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(exchange.stop().0.success());
    let last = answer(&["log", "stats", "--store", at])["committed"].to_string();
    assert_eq!(file_rows(&file, "SELECT sequence FROM watermark"), [last.as_str()]);
    assert_eq!(
        file_rows(&file, "SELECT rule, status, sequence FROM reporting_rules"),
        [format!("fees current {last}")]
    );

    let same = |query: &str| assert_eq!(file_rows(&file, query), log_rows(at, query), "{query}");
    same("FROM trades ORDER BY sequence");
    same("SELECT account, asset, total_minor FROM balances WHERE total_minor <> 0 ORDER BY ALL");
    same(
        "SELECT symbol, start, open, high, low, close, volume, trades, first_sequence, last_sequence FROM candles_1s ORDER BY ALL",
    );
    same(
        "SELECT symbol, start, open, high, low, close, volume, trades, first_sequence, last_sequence FROM candles_1h ORDER BY ALL",
    );
    let trades: u64 = file_rows(&file, "SELECT count(*) FROM trades")[0].parse().unwrap();
    assert!(trades > 2 * kills, "too little traffic to mean anything: {trades} trades");
    let charged = "SELECT sum(taker_notional) FROM fees EXCEPT SELECT sum(notional_minor) FROM trades";
    assert_eq!(file_rows(&file, charged), Vec::<String>::new());

    // Made at once, the file is the same.
    let again = dir.path().join("again.duckdb");
    let made = answer(&["log", "project", "--store", at, "--file", again.to_str().unwrap()]);
    assert_eq!(made["sequence"].to_string(), last);
    let (found, expected) = (content(&file), content(&again));
    assert!(found.iter().any(|table| table.starts_with("fees ")), "{found:?}");
    assert_eq!(found, expected);
    eprintln!("{kills} kills, {trades} trades, each there once");
}
