//! The rules that ship, built and run as an exchange runs them: within the fuel and the memory that their manifests ask for, on the
//! fast path, keeping nothing, and with the words and the rows that their READMEs promise.
//!
//! Rules in Python and JavaScript take part where their tools have been fetched (`cargo xtask setup` does).

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::{activation, desk, risk_row, validation_row};
use engine::{Outcome, RiskRow, Rules, ValidationRow};
use model::{ActivationId, RuleActivated, RuleKind, RuleParameters};
use plugin_host::{AuditMode, CallPath, Desk, ReportEvent, ReportEventKind, ReportValue, Statistics};
use plugin_kit::{Project, build};
use plugin_manifest::Manifest;
use std::path::Path;

const RULE: ActivationId = ActivationId(1);

/// Builds a rule, loads it, and activates it with these parameters.
fn shipped(desk: &Desk, name: &str, parameters: &[(&str, &str)]) -> (RuleActivated, Manifest) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins").join(name);
    let project = Project::open(&folder).unwrap();
    let built = build(&project).unwrap_or_else(|error| panic!("{name}: {error}\n{:?}", error.hint()));
    let inspection = desk.load(&std::fs::read(built.path).unwrap(), None).unwrap();
    let manifest = inspection.manifest.clone().unwrap();
    let words = manifest.configure(parameters).unwrap();
    if manifest.kind != RuleKind::Reporting {
        desk.prepare(inspection.component, words, manifest.limits.fuel, manifest.limits.memory_bytes)
            .unwrap();
    }
    let mut activated = activation(RULE.0, inspection.component, manifest.kind, words.words());
    activated.fuel = manifest.limits.fuel;
    activated.memory_bytes = manifest.limits.memory_bytes;
    if let Some(counter) = manifest.counter {
        (activated.counter_key, activated.counter_window) = (counter.key, counter.window);
    }
    (activated, manifest)
}

/// What a rule must have cost after it was asked.
fn is_cheap(desk: &Desk, name: &str, fuel_max: u64) {
    let statistics: Vec<Statistics> = desk.statistics();
    let of = &statistics[0];
    assert_eq!(of.path, Some(CallPath::Module), "{name}");
    let faults: u64 = of.faults.iter().map(|(_, count)| count).sum();
    assert_eq!((&of.unavailable, faults, of.failed_batches, of.replaced), (&None, 0, 0, 0), "{name}");
    assert!(of.fuel.max <= fuel_max, "{name} took {} fuel for an order", of.fuel.max);
    assert!(of.memory_bytes <= 128 * 1024, "{name} has {} bytes", of.memory_bytes);
}

fn symbol(text: &str) -> [u64; 2] {
    let mut bytes = [0; 16];
    bytes[..text.len()].copy_from_slice(text.as_bytes());
    let bits = u128::from_le_bytes(bytes);
    [u64::try_from(bits & u128::from(u64::MAX)).unwrap(), u64::try_from(bits >> 64).unwrap()]
}

/// A rule, and rows with the codes that they must get.
fn judges_rows(name: &str, parameters: &[(&str, &str)], rows: &[(ValidationRow, u32)], fuel_max: u64) {
    let (_store, desk) = desk();
    let (activated, _) = shipped(&desk, name, parameters);
    let mut rules = desk.live();
    rules.activated(&activated);
    // In batches and alone.
    let many: Vec<ValidationRow> = rows.iter().cycle().take(640).map(|(row, _)| *row).collect();
    for prepared in [true, false] {
        if prepared {
            rules.prepare(RULE, &many);
        }
        for (row, code) in rows {
            assert_eq!(rules.validation(RULE, row), outcome(*code), "{name} {row:?}");
        }
    }
    is_cheap(&desk, name, fuel_max);
    for (_, code) in rows.iter().filter(|(_, code)| *code != 0) {
        has_words(&desk, &activated, name, *code);
    }
    keeps_nothing(&desk, &activated, name, |rules| {
        rules.prepare(RULE, &many);
        for row in &many {
            rules.validation(RULE, row);
        }
    });
}

/// As `judges_rows`, for risk rules: with what is added to the counter.
fn judges_orders(name: &str, parameters: &[(&str, &str)], rows: &[(RiskRow, u32, i64)], fuel_max: u64) {
    let (_store, desk) = desk();
    let (activated, _) = shipped(&desk, name, parameters);
    let mut rules = desk.live();
    rules.activated(&activated);
    for (row, code, count) in rows {
        assert_eq!(rules.risk(RULE, row), (outcome(*code), *count), "{name} {row:?}");
    }
    is_cheap(&desk, name, fuel_max);
    for (_, code, _) in rows.iter().filter(|(_, code, _)| *code != 0) {
        has_words(&desk, &activated, name, *code);
    }
    keeps_nothing(&desk, &activated, name, |rules| {
        for (row, ..) in rows {
            rules.risk(RULE, row);
        }
    });
}

fn outcome(code: u32) -> Outcome {
    if code == 0 { Outcome::Accept } else { Outcome::Reject(code) }
}

fn has_words(desk: &Desk, activated: &RuleActivated, name: &str, code: u32) {
    let words = desk.explain(activated.component, &activated.parameters, code);
    assert!(
        words.len() > 10 && !words.contains('{') && !words.contains("no words"),
        "{name} {code}: {words}"
    );
}

fn keeps_nothing(desk: &Desk, activated: &RuleActivated, name: &str, ask: impl Fn(&mut dyn Rules)) {
    let mut audit = desk.audit(AuditMode::Paranoid);
    audit.activated(activated);
    ask(&mut audit);
    ask(&mut audit);
    assert_eq!(audit.findings(), [], "{name}");
}

fn row(change: impl FnOnce(&mut [u64; 12])) -> ValidationRow {
    let mut row = validation_row(1);
    change(&mut row.0);
    row
}

const SELL: u64 = 1;

#[test]
fn validation_rules() {
    let lots = |lots: u64| row(|of| (of[2], of[3]) = (lots, lots));
    judges_rows(
        "fat-finger",
        &[("max_quantity", "100"), ("max_notional", "5000")],
        &[(lots(100), 0), (lots(101), 1), (row(|of| of[5] = 5_000), 0), (row(|of| of[5] = 5_001), 2)],
        400,
    );
    judges_rows(
        "round-lots",
        &[],
        &[(lots(100), 0), (lots(99), 1), (lots(150), 2), (lots(1_000_000), 0)],
        400,
    );
    let listed: Vec<String> = (0..31).map(|number| format!("SYMBOL-{number}")).collect();
    let of = |name: &str, flags: u64| row(|of| ([of[6], of[7]], of[1]) = (symbol(name), flags));
    judges_rows(
        "restricted-list",
        &[("symbols", &listed.join(",")), ("allow_sells", "1")],
        &[
            (of("SYMBOL-30", 0), 2),
            (of("SYMBOL-30", SELL), 0),
            (of("SYMBOL-31", 0), 0),
            (of("SYMBOL-0", 0), 2),
        ],
        2_000,
    );
    judges_rows("restricted-list", &[("symbols", "AAPL")], &[(of("AAPL", SELL), 1), (of("AAPL", 0), 1)], 400);
}

#[test]
fn risk_rules() {
    let order = |change: fn(&mut RiskRow)| {
        let mut row =
            RiskRow { flags: 0, position: 0, open_buy: 0, open_sell: 0, open_cash: 0, ..risk_row(10) };
        (row.notional, row.day_volume, row.counter) = (1_000, 0, 0);
        (row.price, row.best_bid, row.best_ask, row.last_price) = (100, 0, 0, 100);
        change(&mut row);
        row
    };
    judges_orders(
        "position-limit",
        &[("max_long", "100"), ("max_short", "5")],
        &[
            (order(|of| of.position = 90), 0, 0),
            (order(|of| of.position = 91), 1, 0),
            (order(|of| (of.position, of.open_buy) = (50, 41)), 1, 0),
            (order(|of| (of.flags, of.position) = (1, 5)), 0, 0),
            (order(|of| (of.flags, of.position) = (1, 4)), 2, 0),
        ],
        100,
    );
    judges_orders(
        "daily-volume",
        &[],
        &[
            (order(|of| of.day_volume = 999_990), 0, 0),
            (order(|of| of.day_volume = 999_991), 2, 0),
            (order(|of| of.day_volume = 1_000_000), 1, 0),
            (order(|of| (of.day_volume, of.open_sell) = (1, 999_990)), 2, 0),
        ],
        100,
    );
    judges_orders(
        "price-collar",
        &[],
        &[
            (order(|of| of.price = 105), 0, 0),
            (order(|of| of.price = 106), 1, 0),
            (order(|of| (of.flags, of.price) = (1, 94)), 2, 0),
            (order(|of| (of.flags, of.price, of.best_ask) = (2, 0, 106)), 1, 0),
            (order(|of| (of.price, of.last_price) = (1_000, 0)), 0, 0),
        ],
        600,
    );
    judges_orders(
        "order-rate",
        &[("max_orders", "3")],
        &[(order(|of| of.counter = 2), 0, 1), (order(|of| of.counter = 3), 1, 0)],
        100,
    );
    judges_orders(
        "max-open-exposure",
        &[("max_exposure", "5000"), ("max_share_bps", "5000")],
        &[
            (order(|of| of.open_cash = 4_000), 0, 0),
            (order(|of| of.open_cash = 4_001), 1, 0),
            (order(|of| of.notional = 2_501), 2, 0),
            (order(|of| (of.flags, of.notional) = (1, i64::MAX)), 0, 0),
        ],
        500,
    );
}

fn event(kind: ReportEventKind, at: u32) -> ReportEvent {
    ReportEvent {
        sequence: u64::from(at),
        time: i64::from(at),
        kind,
        sell: false,
        account: 8,
        instrument: 1,
        order_id: u64::from(at),
        price: 100,
        quantity: 1_000,
        notional: 1_000_000,
        trade_id: 0,
        maker_account: 0,
        maker_order_id: 0,
        reason: 0,
    }
}

/// 7 places a large buy, sells to 8 and withdraws it; 8 sells back to 7; something is refused.
fn day() -> Vec<ReportEvent> {
    use ReportEventKind::{OrderAccepted, OrderCanceled, OrderRejected, Trade};
    vec![
        ReportEvent { account: 7, quantity: 5_000, ..event(OrderAccepted, 1) },
        ReportEvent { trade_id: 1, maker_account: 7, ..event(Trade, 2) },
        ReportEvent { order_id: 1, account: 7, quantity: 5_000, reason: 1, ..event(OrderCanceled, 3) },
        ReportEvent { trade_id: 2, maker_account: 7, sell: true, ..event(Trade, 4) },
        ReportEvent { account: 9, reason: 5, ..event(OrderRejected, 5) },
    ]
}

/// The rows that a rule makes of the day, as text, in one batch and in five.
fn reports(name: &str, parameters: &[(&str, &str)], expected: &[&str]) {
    let (_store, desk) = desk();
    let (activated, manifest) = shipped(&desk, name, parameters);
    let words = RuleParameters::new(activated.parameters.words()).unwrap();
    let mut reporter = desk
        .reporter(activated.component, words, manifest.limits.fuel, manifest.limits.memory_bytes)
        .unwrap();
    assert_eq!(reporter.table().name, name.replace('-', "_"));
    let whole = reporter.process(&[], &day()).unwrap();
    let shown: Vec<String> = whole.rows.iter().map(|row| show(row)).collect();
    assert_eq!(shown, expected, "{name}");
    // Event by event, the last row of each key is the one of the whole day.
    let key = reporter.table().key as usize;
    let mut rows: Vec<Vec<ReportValue>> = Vec::new();
    let mut state = Vec::new();
    for event in day() {
        let report = reporter.process_afresh(&state, &[event]).unwrap();
        state = report.state;
        for row in report.rows {
            rows.retain(|before| before[..key] != row[..key]);
            rows.push(row);
        }
    }
    let mut shown: Vec<String> = rows.iter().map(|row| show(row)).collect();
    shown.sort();
    let mut expected = expected.to_vec();
    expected.sort_unstable();
    assert_eq!(shown, expected, "{name}, event by event");
}

fn show(row: &[ReportValue]) -> String {
    let values = row.iter().map(|value| match value {
        ReportValue::Null => "-".to_owned(),
        ReportValue::Int64(number) => number.to_string(),
        ReportValue::Text(text) => text.clone(),
        ReportValue::Float64(number) => number.to_string(),
        ReportValue::Boolean(truth) => truth.to_string(),
    });
    values.collect::<Vec<_>>().join(" ")
}

#[test]
fn reporting_rules() {
    reports("fees", &[], &["0 7 2 2000000 0 -40 0 -40", "0 8 2 0 2000000 0 600 600"]);
    reports(
        "order-to-trade-ratio",
        &[("min_messages", "1"), ("max_ratio", "0")],
        &["0 7 1 1 0 1 2 1 true", "0 8 1 0 0 0 2 0 false", "0 9 1 1 0 0 0 1 true"],
    );
    reports("wash-trades", &[], &["2 4 1 100 1000 1000000 7 8 round-trip 1"]);
    reports(
        "wash-trades",
        &[("same_owner", "8,7")],
        &["1 2 1 100 1000 1000000 8 7 same-owner -", "2 4 1 100 1000 1000000 7 8 same-owner -"],
    );
    reports("spoofing", &[], &["1 7 1 2 sell 1000 5000 1 1 3 spoofing"]);
}

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
        eprintln!("skipped: {tool} has not been fetched");
    }
    built || fetched
}

#[test]
fn a_rule_in_python() {
    if can_build("large-trades", "componentize-py") {
        reports(
            "large-trades",
            &[("min_notional", "1000000")],
            &["1 2 1 100 1000 1000000 7 8 1", "2 4 1 100 1000 1000000 7 8 0.5"],
        );
    }
}

#[test]
fn a_rule_in_javascript() {
    if can_build("reject-summary", "componentize-js") {
        reports("reject-summary", &[("watch_from", "1")], &["9 order 5 1 5 true"]);
    }
}
