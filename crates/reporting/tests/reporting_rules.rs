//! Reporting rules in the projection: their tables follow from the log, whatever happens on the way. The rules here are native; that
//! components behave the same is tested with the program.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use common::{Market, splitmix};
use duckdb::Connection;
use model::{
    AccountId, ActivateRule, Command, ComponentHash, CounterKey, CounterWindow, DeactivateRule, FailMode,
    InstrumentId, LoadRule, OperatorName, RollbackRule, RuleKind, RuleMode, RuleName, RuleParameters,
    SignerKey,
};
use proptest::prelude::*;
use reporting::{
    Projection, ProjectionOptions, RuleColumn, RuleColumnKind, RuleError, RuleEvent, RuleEventKind, RuleHost,
    RuleRecipe, RuleReport, RuleRunner, RuleTable, RuleValue,
};

/// What a component does, by the first byte of its hash.
const VOLUME: u8 = 1;
const TRAIL: u8 = 2;
const TRAPS: u8 = 3;
const SLOW: u8 = 4;
const TAKEN: u8 = 5;
const ALSO_VOLUME: u8 = 6;
const MISSING: u8 = 7;

#[derive(Default)]
struct Host {
    /// Whether the missing component has been found, and the one that traps mended.
    mended: AtomicBool,
    /// Whether the slow one may go on.
    released: AtomicBool,
}

struct Native {
    what: u8,
    parameter: i64,
    mended: bool,
    host: Arc<Shared>,
    table: RuleTable,
}

type Shared = Host;

struct Opens(Arc<Shared>);

impl RuleHost for Opens {
    fn open(&self, recipe: &RuleRecipe) -> Result<Box<dyn RuleRunner>, RuleError> {
        use RuleColumnKind::{Boolean, Float64, Int64, Text, Timestamp};
        let what = recipe.component.0[0];
        let mended = self.0.mended.load(Ordering::Relaxed);
        if what == MISSING && !mended {
            return Err("the component is not there".into());
        }
        let column =
            |name: &str, kind| RuleColumn { name: name.to_owned(), kind, comment: format!("the {name}") };
        let table = match what {
            VOLUME | TRAPS | ALSO_VOLUME | MISSING | SLOW => RuleTable {
                name: match what {
                    TRAPS => "order",
                    SLOW => "slow",
                    MISSING => "missing",
                    _ => "volume",
                }
                .to_owned(),
                columns: vec![
                    column("day", Int64),
                    column("account", Text),
                    column("trades", Int64),
                    column("last", Timestamp),
                    column("share", Float64),
                    column("even", Boolean),
                ],
                key: 2,
            },
            TAKEN => RuleTable { name: "trades".to_owned(), columns: vec![column("a", Int64)], key: 0 },
            _ => RuleTable {
                name: "trail".to_owned(),
                columns: vec![column("sequence", Int64), column("hash", Int64), column("kind", Text)],
                key: 0,
            },
        };
        let parameter = recipe.parameters.words().first().copied().unwrap_or(1);
        Ok(Box::new(Native { what, parameter, mended, host: Arc::clone(&self.0), table }))
    }
}

impl RuleRunner for Native {
    fn table(&self) -> &RuleTable {
        &self.table
    }

    fn process(&mut self, state: &[u8], events: &[RuleEvent]) -> Result<RuleReport, RuleError> {
        while self.what == SLOW && !self.host.released.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(1));
        }
        if events.len() > 50 {
            return Err("that is too much at once".into());
        }
        let mut kept: BTreeMap<u64, u64> = state
            .chunks_exact(16)
            .map(|pair| {
                let number = |at: usize| u64::from_le_bytes(pair[at..at + 8].try_into().unwrap());
                (number(0), number(8))
            })
            .collect();
        let mut rows = Vec::new();
        for event in events {
            if self.what == TRAPS
                && event.kind == RuleEventKind::Trade
                && event.trade_id == 20
                && !self.mended
            {
                return Err("unreachable".into());
            }
            if self.what == TRAIL {
                // Depends on every event before, and on their order.
                let hash = kept.entry(0).or_default();
                *hash = splitmix(*hash ^ event.sequence ^ u64::from(event.reason) ^ event.quantity);
                rows.push(vec![
                    RuleValue::Int64(event.sequence.cast_signed()),
                    RuleValue::Int64(hash.cast_signed()),
                    RuleValue::Text(format!("{:?} of some length", event.kind)),
                ]);
            } else if event.kind == RuleEventKind::Trade {
                let trades = kept.entry(u64::from(event.account)).or_default();
                *trades += self.parameter.unsigned_abs();
                let every_third = trades.is_multiple_of(3);
                rows.push(vec![
                    if event.account == 0 { RuleValue::Null } else { RuleValue::Int64(1) },
                    RuleValue::Text(format!("account number {}", event.account)),
                    RuleValue::Int64(trades.cast_signed()),
                    if every_third { RuleValue::Null } else { RuleValue::Int64(event.time) },
                    RuleValue::Float64(f64::from(event.instrument) / 7.0),
                    RuleValue::Boolean(trades.is_multiple_of(2)),
                ]);
            }
        }
        let state = kept.iter().flat_map(|(key, value)| [key.to_le_bytes(), value.to_le_bytes()]).flatten();
        Ok(RuleReport { state: state.collect(), rows })
    }
}

fn name(name: &str) -> RuleName {
    RuleName::new(name).unwrap()
}

fn component(what: u8) -> ComponentHash {
    ComponentHash([what; 32])
}

fn load(rule: &str, what: u8) -> Command {
    LoadRule {
        name: name(rule),
        component: component(what),
        signer: SignerKey::NONE,
        by: OperatorName::new("ann").unwrap(),
        fuel: 1,
        memory_bytes: 1,
        size_bytes: 1,
        contract_major: 1,
        contract_minor: 1,
        max_faults: 3,
        kind: RuleKind::Reporting,
        fail: FailMode::Closed,
        counter_key: CounterKey::None,
        counter_window: CounterWindow::Forever,
        needs_approval: false,
        reserved: [0; 5],
    }
    .into()
}

fn activate(rule: &str, what: u8, parameter: i64) -> Command {
    ActivateRule {
        name: name(rule),
        component: component(what),
        parameters: RuleParameters::new(&[parameter]).unwrap(),
        by: OperatorName::new("ann").unwrap(),
        account: AccountId::ALL,
        instrument: InstrumentId::ALL,
        priority: 0,
        mode: RuleMode::Enforce,
        reserved: [0; 5],
    }
    .into()
}

fn roll_back(rule: &str) -> Command {
    RollbackRule { name: name(rule), by: OperatorName::new("bo").unwrap() }.into()
}

fn deactivate(rule: &str) -> Command {
    let by = OperatorName::new("bo").unwrap();
    DeactivateRule { name: name(rule), by, mode: RuleMode::Enforce, reserved: [0; 7] }.into()
}

/// A store with its projection, which can be opened again at any time.
struct Stage {
    dir: tempfile::TempDir,
    market: Market,
    host: Arc<Shared>,
    projection: Option<Projection>,
    seed: u64,
}

impl Stage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let market = Market::opened(dir.path());
        Self { dir, market, host: Arc::default(), projection: None, seed: 0 }
    }

    fn open(&self, file: Option<&Path>) -> Projection {
        let options = ProjectionOptions {
            file: file.map(Path::to_owned),
            rules: Some(Arc::new(Opens(Arc::clone(&self.host)))),
            ..ProjectionOptions::default()
        };
        Projection::open(self.dir.path(), options).unwrap()
    }

    fn projection(&mut self) -> &mut Projection {
        if self.projection.is_none() {
            self.projection = Some(self.open(None));
        }
        self.projection.as_mut().unwrap()
    }

    fn run(&mut self, commands: &[Command]) {
        self.market.run(commands);
    }

    fn trade(&mut self, count: u64) {
        self.seed += 1;
        self.market.trade(self.seed, count);
        self.market.sleep(300_000_000);
    }

    /// Catches up and says what the operator is told.
    fn catch_up(&mut self) -> Vec<String> {
        let projection = self.projection();
        projection.catch_up().unwrap();
        projection.take_news()
    }

    /// The word and the sequence of each rule.
    fn words(&mut self) -> Vec<(String, &'static str, u64)> {
        let rules = self.projection().rules().into_iter();
        rules.map(|rule| (rule.rule, rule.status, rule.sequence)).collect()
    }

    /// Closes the projection and asks its file.
    fn ask(&mut self, sql: &str) -> Vec<String> {
        self.projection = None;
        rows(&self.dir.path().join(reporting::PROJECTION_FILE), sql)
    }

    /// The file is the one that is made of the log at once.
    fn is_as_made_at_once(&mut self) {
        self.catch_up();
        self.projection = None;
        let again = self.dir.path().join("again.duckdb");
        let mut projection = self.open(Some(&again));
        projection.catch_up().unwrap();
        drop(projection);
        let (found, expected) = (content(&self.dir.path().join(reporting::PROJECTION_FILE)), content(&again));
        for (found, expected) in found.iter().zip(&expected) {
            assert_eq!(found, expected);
        }
        assert_eq!(found.len(), expected.len());
        std::fs::remove_file(&again).unwrap();
    }
}

/// Each row of an answer as a line.
fn rows(file: &Path, sql: &str) -> Vec<String> {
    let connection = Connection::open(file).unwrap();
    let mut statement = connection.prepare(&format!("SELECT COLUMNS(*)::VARCHAR FROM ({sql})")).unwrap();
    let mut rows = statement.query([]).unwrap();
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap() {
        let width = row.as_ref().column_count();
        let cell = |at| row.get::<_, Option<String>>(at).unwrap().unwrap_or("-".to_owned());
        found.push((0..width).map(cell).collect::<Vec<_>>().join(" "));
    }
    found
}

/// Everything in the file, and what it is declared as.
fn content(file: &Path) -> Vec<String> {
    let tables = "SELECT table_name FROM duckdb_tables() WHERE NOT internal ORDER BY table_name";
    let tables = rows(file, tables);
    let mut found =
        rows(file, "SELECT table_name, comment FROM duckdb_tables() WHERE NOT internal ORDER BY ALL");
    found.extend(rows(
        file,
        "SELECT table_name, column_name, data_type, comment FROM duckdb_columns() WHERE NOT internal ORDER BY ALL",
    ));
    for table in tables {
        // How often a rule failed on the way is no content.
        let but = if table == "reporting_rules" { " EXCLUDE (failures, last_error)" } else { "" };
        let rows =
            rows(file, &format!("SELECT count(*), sum(hash(t)) FROM (SELECT *{but} FROM \"{table}\") t"));
        found.push(format!("{table}: {rows:?}"));
    }
    found
}

#[test]
fn a_rule_fills_its_table_from_the_first_record_on() {
    let mut stage = Stage::new();
    stage.trade(300);
    stage.run(&[load("volumes", VOLUME), activate("volumes", VOLUME, 1)]);
    stage.run(&[load("trails", TRAIL), activate("trails", TRAIL, 1)]);
    stage.trade(300);
    assert_eq!(stage.catch_up(), Vec::<String>::new());
    let last = stage.market.last();
    assert_eq!(stage.words(), [("volumes".into(), "current", last), ("trails".into(), "current", last)]);
    // What it says is what SQL says over the tables beside it.
    let differs = "SELECT account, trades, day FROM volume EXCEPT ALL
        SELECT 'account number ' || taker_account_id, count(*), CASE taker_account_id WHEN 0 THEN NULL ELSE 1 END FROM trades GROUP BY taker_account_id";
    assert_eq!(stage.ask(differs), Vec::<String>::new());
    let rows: usize = stage.ask("FROM volume").len();
    assert!(rows > 2, "{rows}");
    let comments = "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = 'volume' ORDER BY column_index";
    assert!(stage.ask(comments)[3].contains("TIMESTAMP_NS"), "{:?}", stage.ask(comments));
    let told = "SELECT count(*) = count(DISTINCT sequence), max(sequence) <= (SELECT sequence FROM watermark), count(*) > 300 FROM trail";
    assert_eq!(stage.ask(told), ["true true true"]);
    stage.is_as_made_at_once();
}

#[test]
fn a_new_version_is_made_beside_the_old_one_and_takes_its_place() {
    let mut stage = Stage::new();
    stage.trade(200);
    stage.run(&[load("volumes", VOLUME), activate("volumes", VOLUME, 1)]);
    stage.trade(200);
    stage.catch_up();
    let before = stage.ask("SELECT sum(trades) FROM volume");
    // Other parameters: another table of the same name.
    stage.run(&[activate("volumes", VOLUME, 10)]);
    stage.catch_up();
    let after = stage.ask("SELECT sum(trades) // 10 FROM volume");
    assert_eq!(after, before);
    stage.trade(200);
    stage.is_as_made_at_once();
    // Another component, with another table.
    stage.run(&[load("volumes", TRAIL), activate("volumes", TRAIL, 1)]);
    stage.is_as_made_at_once();
    let tables = "SELECT table_name FROM duckdb_tables() WHERE table_name IN ('volume', 'trail') OR table_name LIKE 'building%'";
    assert_eq!(stage.ask(tables), ["trail"]);
    // Back, and back again, and out of force.
    stage.run(&[roll_back("volumes")]);
    stage.catch_up();
    assert_eq!(stage.ask(tables), ["volume"]);
    stage.run(&[roll_back("volumes")]);
    stage.is_as_made_at_once();
    stage.run(&[deactivate("volumes")]);
    stage.is_as_made_at_once();
    assert_eq!(stage.ask(tables), Vec::<String>::new());
    assert_eq!(stage.ask("FROM reporting_rules"), Vec::<String>::new());
    // The same again costs nothing: it is the table that is there.
    stage.run(&[activate("volumes", VOLUME, 1)]);
    stage.catch_up();
    stage.run(&[activate("volumes", VOLUME, 1), activate("volumes", VOLUME, 1)]);
    let at_once = stage.projection().step().unwrap();
    assert!(at_once.records > 0);
    assert_eq!(stage.words()[0].1, "current");
    stage.trade(50);
    stage.is_as_made_at_once();
}

#[test]
fn the_old_version_goes_on_until_the_new_one_has_caught_up() {
    let mut stage = Stage::new();
    stage.trade(200);
    stage.run(&[load("volumes", VOLUME), activate("volumes", VOLUME, 1)]);
    stage.catch_up();
    stage.run(&[load("volumes", SLOW), activate("volumes", SLOW, 1)]);
    for _ in 0..5 {
        stage.trade(20);
        let begun = Instant::now();
        let projection = stage.projection.as_mut().unwrap();
        assert!(projection.step().unwrap().records > 0);
        assert!(begun.elapsed() < Duration::from_secs(5), "a slow rule holds up nobody");
    }
    let last = stage.market.last();
    assert_eq!(stage.projection().watermark(), last);
    let words = stage.words();
    assert_eq!((words[0].1, words[1].1, words[1].2), ("current", "building", 0), "{words:?}");
    assert!(words[0].2 > 0);
    // The process ends and another one finds the two.
    stage.projection = None;
    assert_eq!(stage.words().len(), 2);
    stage.host.released.store(true, Ordering::Relaxed);
    stage.is_as_made_at_once();
    assert_eq!(stage.words(), [("volumes".into(), "current", last)]);
}

#[test]
fn a_rule_that_fails_is_stopped_and_nothing_else_is() {
    let mut stage = Stage::new();
    stage.run(&[
        load("bad", TRAPS),
        activate("bad", TRAPS, 1),
        load("good", VOLUME),
        activate("good", VOLUME, 1),
    ]);
    stage.trade(400);
    let news = stage.catch_up();
    assert_eq!(news.len(), 1, "{news:?}");
    assert!(
        news[0].contains("the reporting rule bad is stopped: record") && news[0].contains("unreachable"),
        "{news:?}"
    );
    let rules = stage.projection().rules();
    assert_eq!((rules[0].status, rules[0].failures, rules[1].status), ("stopped", 3, "current"), "{rules:?}");
    let trap = "SELECT sequence FROM trades WHERE trade_id = 20";
    let stopped = "SELECT sequence + 1 FROM reporting_rules WHERE rule = 'bad'";
    assert_eq!(stage.ask(stopped), stage.ask(trap), "it stands before the event on which it fails");
    // It stays stopped, silently.
    stage.trade(50);
    assert_eq!(stage.catch_up(), Vec::<String>::new());
    let last = stage.market.last();
    assert_eq!(stage.words()[1], ("good".into(), "current", last));
    // Activated again it reads everything anew; the name of its table is a word of SQL.
    stage.host.mended.store(true, Ordering::Relaxed);
    stage.run(&[activate("bad", TRAPS, 1)]);
    assert_eq!(stage.catch_up(), Vec::<String>::new());
    assert_eq!(stage.ask("FROM \"order\" EXCEPT ALL FROM volume"), Vec::<String>::new());
    stage.is_as_made_at_once();
}

#[test]
fn a_component_that_is_missing_is_waited_for() {
    let mut stage = Stage::new();
    stage.run(&[load("gone", MISSING), activate("gone", MISSING, 1)]);
    stage.trade(100);
    let news = stage.catch_up();
    assert!(news.len() == 1 && news[0].contains("the component is not there"), "{news:?}");
    let rules = stage.projection().rules();
    assert_eq!((rules[0].status, rules[0].failures), ("waiting", 1));
    // Another process finds it.
    stage.projection = None;
    stage.host.mended.store(true, Ordering::Relaxed);
    assert_eq!(stage.catch_up(), Vec::<String>::new());
    assert_eq!(stage.words()[0].1, "current");
    stage.is_as_made_at_once();
}

#[test]
fn a_name_that_is_taken_stays_whose_it_is() {
    let mut stage = Stage::new();
    stage.run(&[load("thief", TAKEN), activate("thief", TAKEN, 1)]);
    stage.trade(100);
    let news = stage.catch_up();
    assert!(news.len() == 1 && news[0].contains("the name of its table, trades, is taken"), "{news:?}");
    stage.run(&[load("first", VOLUME), activate("first", VOLUME, 1)]);
    stage.run(&[load("second", ALSO_VOLUME), activate("second", ALSO_VOLUME, 1)]);
    let news = stage.catch_up();
    assert!(news.len() == 1 && news[0].contains("its table volume is that of the rule first"), "{news:?}");
    assert_eq!(stage.words()[1].1, "current");
    stage.is_as_made_at_once();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() })]
    /// How the log is cut into batches does not show, nor do the ends of processes.
    #[test]
    fn cuts_do_not_show(steps in proptest::collection::vec((0_u8..8, 1_u64..60), 10..25)) {
        let mut stage = Stage::new();
        stage.run(&[load("volumes", VOLUME), load("trails", TRAIL)]);
        for (what, count) in steps {
            match what {
                0 => stage.run(&[activate("volumes", VOLUME, count.cast_signed() % 3 + 1)]),
                1 => stage.run(&[activate("trails", TRAIL, 1)]),
                2 => stage.run(&[roll_back("volumes")]),
                3 => stage.run(&[deactivate("trails")]),
                4 => stage.projection = None,
                5 => drop(stage.catch_up()),
                _ => {
                    stage.trade(count);
                    stage.projection().step().unwrap();
                }
            }
        }
        stage.is_as_made_at_once();
    }
}
