//! Every report on real markets: the records in `../shared/data` go through the exchange into a store, and all reports are made of it.
//! What one report says must be what another says. The files are not part of the repository: where they are not, this says so and passes.

mod common;

use common::{answer, outcry};
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

const FILES: [&str; 3] =
    ["AAPL_2012-06-21_message_10.csv", "ES_2024-05-08_2s.mbo.dbn.zst", "SYNTHETIC_20101224.ITCH_50.gz"];

/// The replayed files, those that are there.
fn replayed(dir: &Path) -> Vec<(PathBuf, Value)> {
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let mut stores = Vec::new();
    for (at, name) in FILES.into_iter().enumerate() {
        let file = data.join(name);
        if !file.exists() {
            eprintln!("left out: {} is not there", file.display());
            continue;
        }
        let store = dir.join(format!("store{at}"));
        let said = answer(&[
            "feed",
            "replay",
            file.to_str().expect("text"),
            "--store",
            store.to_str().expect("text"),
        ]);
        stores.push((store, said));
    }
    stores
}

fn report(store: &Path, args: &[&str]) -> String {
    let output = outcry(&[&["report"], args, &["--store", store.to_str().expect("text")]].concat());
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn rows(store: &Path, args: &[&str]) -> Vec<BTreeMap<String, Value>> {
    serde_json::from_str(&report(store, &[args, &["--json"]].concat())).expect("an array of objects")
}

fn sql(store: &Path, query: &str) -> String {
    let rows = answer(&["sql", "--store", store.to_str().expect("text"), "-c", query]);
    let row = rows[0].as_object().expect("a row").values().next().expect("a column").clone();
    row.as_str().map_or_else(|| row.to_string(), str::to_owned)
}

/// A number, however JSON carries it.
fn number(value: &Value) -> i128 {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    text.parse().unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn every_report_is_made_of_real_markets() {
    let dir = tempfile::tempdir().expect("a directory");
    for (store, replayed) in replayed(dir.path()) {
        let trades = number(&replayed["trades"]);
        assert!(trades > 0, "{replayed}");
        let listed = answer(&["report"]);
        let names: Vec<&str> =
            listed.as_array().expect("a list").iter().filter_map(|one| one["name"].as_str()).collect();
        assert_eq!(names.len(), 12);
        for name in names {
            let found = rows(&store, &[name]);
            // Nobody need do anything wrong in two seconds; everything else has something to say.
            assert!(!found.is_empty() || name == "surveillance", "{name} of {}", store.display());
            let csv = report(&store, &[name, "--format", "csv"]);
            assert_eq!(csv.lines().count(), found.len() + 1, "{name} as CSV");
            let columns = csv.lines().next().expect("a header").split(',').count();
            assert!(found.iter().all(|row| row.len() == columns), "{name}");
        }
        // Trades are what the replay counted, in three ways.
        assert_eq!(rows(&store, &["trade-history"]).len(), usize::try_from(2 * trades).expect("few"));
        let lots =
            number(&Value::from(sql(&store, "SELECT CAST(sum(quantity_lots) AS VARCHAR) FROM trades")));
        let volume = |name: &str, args: &[&str]| -> i128 {
            rows(&store, args).iter().map(|row| number(&row[name])).sum()
        };
        for interval in ["1s", "1m", "1d"] {
            let args = ["candles", "--interval", interval];
            assert_eq!(volume("trades", &args), trades, "{interval} of {}", store.display());
            assert_eq!(volume("volume_lots", &args), lots, "{interval} of {}", store.display());
        }
        assert_eq!((volume("trades", &["vwap"]), volume("volume_lots", &["vwap"])), (trades, lots));
        // Candles in order: the highest is the highest, and each opens inside its range.
        for candle in rows(&store, &["candles", "--interval", "1s"]) {
            let [open, high, low, close] =
                ["open_ticks", "high_ticks", "low_ticks", "close_ticks"].map(|name| number(&candle[name]));
            assert!(low <= open.min(close) && open.max(close) <= high, "{candle:?}");
        }
        // The books close, and settlement sums to zero.
        let closing = rows(&store, &["eod"]);
        assert!(closing.len() >= 11 && closing.iter().all(|check| check["ok"] == true), "{closing:?}");
        let settlement = rows(&store, &["settlement"]);
        let mut nets: BTreeMap<String, (i128, i128)> = BTreeMap::new();
        for row in &settlement {
            let net = nets.entry(format!("{} {}", row["trade_date"], row["symbol"])).or_default();
            net.0 += number(&row["net_lots"]);
            net.1 += number(&row["net_cash_minor"]);
            assert!(row["status"] != "failed" && row["fail_age_days"].is_null(), "{row:?}");
        }
        assert!(!nets.is_empty() && nets.values().all(|net| *net == (0, 0)), "{nets:?}");
        // Every order's life begins once, and the audit has each trade on both sides.
        let audit = rows(&store, &["order-audit"]);
        let events = |name: &str| audit.iter().filter(|row| row["event"] == name).count();
        assert_eq!(events("trade"), usize::try_from(2 * trades).expect("few"));
        let accepted = sql(&store, "SELECT count(*) FROM events WHERE kind = 'OrderAccepted'");
        assert_eq!(events("new").to_string(), accepted);
        assert_eq!(
            rows(&store, &["cat"]).iter().filter(|row| row["type"] == "OA").count().to_string(),
            accepted
        );
        // A part is the part of the whole.
        let buys = rows(&store, &["trade-history", "--account", "market-buy"]);
        assert_eq!(buys.len(), usize::try_from(trades).expect("few"));
        assert!(buys.iter().all(|row| row["side"] == "buy"));
    }
}

#[test]
fn real_markets_can_be_looked_at() {
    let dir = tempfile::tempdir().expect("a directory");
    for (store, _) in replayed(dir.path()) {
        let file = |name: &str| dir.path().join(name).to_str().expect("text").to_owned();
        let (page, picture) = (file("day.html"), file("candles.png"));
        report(&store, &["eod", "--chart", &page]);
        let html = std::fs::read_to_string(&page).expect("the page is there");
        assert!(html.contains("The books close") && !html.contains("http"));
        report(&store, &["candles", "--interval", "1s", "--chart", &picture]);
        let png = std::fs::read(&picture).expect("the picture is there");
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
    }
}
