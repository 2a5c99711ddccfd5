//! `outcry bench rules`: what it costs to ask rules.
//!
//! Rows are made up beforehand. Measured is what the engine pays when it asks: from the call of [`Rules`] to its outcome, with
//! everything that live rules do (fuel, counts, every 64th call timed). Beside each rule are an empty one, which accepts and does
//! nothing, and the same check as a function of this program, behind the same trait. The fastest of all turns counts, since anything
//! else on the machine only ever makes one slower.
//!
//! Then: how long a rule that never ends keeps the core, how long it is from the bytes of a component to its first verdict, and what
//! the core does a second with a validation and a risk rule in force, beside what it does without. What clients notice when rules
//! are swapped under load is in `swaps.rs`.

use crate::BenchError;
use crate::market::{config as market_config, flow, set_up, submit, wait_executed};
use crate::swaps::{self, SwapConfig, SwapReport};
use crate::watch::{per_second, thread_times, used_between};
use engine::{Outcome, RiskRow, Rules, ValidationRow};
use model::{
    AccountId, ActivateRule, ActivationId, Command, CounterKey, CounterWindow, FailMode, InstrumentId,
    OperatorName, RuleActivated, RuleFault, RuleId, RuleKind, RuleMode, RuleName, RuleParameters,
};
use plugin_host::{CallPath, Desk, Inspection, LiveRules, Settings};
use sequencer::{Durability, Node, SystemClock};
use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

const EMPTY_VALIDATION: &[u8] = include_bytes!("../rules/empty-validation.wasm");
const EMPTY_RISK: &[u8] = include_bytes!("../rules/empty-risk.wasm");
const LIMIT_VALIDATION: &[u8] = include_bytes!("../rules/limit-validation.wasm");
const LIMIT_RISK: &[u8] = include_bytes!("../rules/limit-risk.wasm");
const ENDLESS_RISK: &[u8] = include_bytes!("../rules/endless-risk.wasm");
const TWENTY_KILOBYTES: &[u8] = include_bytes!("../rules/twenty-kilobytes.wasm");

/// The name of the core's thread.
const CORE_THREAD: &str = "core";
/// Orders in a batch.
const BATCH: usize = 64;
/// Batches, or as many single calls, between two readings of the clock.
const BATCHES: usize = 256;
/// What the limits of the measured rules are.
const LIMIT: i64 = 1 << 40;

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Config {
    /// Of the flow.
    pub seed: u64,
    /// How often each rule takes its turn of 16,384 orders.
    pub turns: u32,
    /// How often the endless rule is stopped, and a component loaded.
    pub loads: u32,
    /// Commands of each run of the core.
    pub commands: u64,
    /// Swapping rules under load.
    pub swaps: SwapConfig,
}

impl Default for Config {
    fn default() -> Self {
        Self { seed: 1, turns: 200, loads: 20, commands: 1_000_000, swaps: SwapConfig::default() }
    }
}

/// What came out.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// What was run.
    pub config: Config,
    /// Rules of both kinds and what stands beside them.
    pub rules: Vec<RuleReport>,
    /// From the call of a rule that never ends until the core goes on with a fresh instance.
    pub runaway: Spread,
    /// From the bytes of a component of 20 kB (inspected, compiled, stored, synced) to its first verdict.
    pub load_to_verdict: Spread,
    /// The same when the compiled code is in the cache.
    pub load_to_verdict_cached: Spread,
    /// What the trading thread pays to take over a rule that stands ready.
    pub take_over: Spread,
    /// Commands a second of the core.
    pub core: CoreReport,
    /// What clients notice of swaps.
    pub swaps: SwapReport,
}

/// What asking one rule costs.
#[derive(Debug, Clone, serde::Serialize)]
pub struct RuleReport {
    /// `validation` or `risk`.
    pub kind: &'static str,
    /// `empty` or `limit`.
    pub rule: &'static str,
    /// `native`, `module` or `component`.
    pub path: &'static str,
    /// Nanoseconds for an order: a validation rule in batches of 64, a risk rule call by call.
    pub ns_per_order: f64,
    /// Fuel for an order.
    pub fuel: u64,
}

/// How long something took.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct Spread {
    /// The shortest.
    pub min_ns: u64,
    /// Half of them took at most this.
    pub p50_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

/// The core with and without rules, durability `os`.
#[derive(Debug, Clone, Copy, serde::Serialize)]
pub struct CoreReport {
    /// Commands a second without rules; the better of two runs.
    pub without: u64,
    /// Commands a second with a validation and a risk rule in force; the better of two runs.
    pub with_two: u64,
    /// Processor time of the core's thread for a command without rules, in nanoseconds; the better of two runs. Unlike the rates, it
    /// does not depend on what else the machine does.
    pub core_ns_without: u64,
    /// The same with the two rules.
    pub core_ns_with_two: u64,
}

/// Runs the benchmark in directories under `dir`. `progress` hears what is about to be done.
pub fn run(config: &Config, dir: &Path, mut progress: impl FnMut(&str)) -> Result<Report, BenchError> {
    let rules = costs(config, dir, &mut progress)?;
    progress("stopping a rule that never ends");
    let runaway = runaway(config, &dir.join("runaway"))?;
    progress("loading components");
    let [load_to_verdict, load_to_verdict_cached, take_over] = loads(config, &dir.join("loads"))?;
    let core = core(config, dir, &mut progress)?;
    let swaps = swaps::run(config.seed, config.swaps, LIMIT_VALIDATION, dir, &mut progress)?;
    Ok(Report {
        config: config.clone(),
        rules,
        runaway,
        load_to_verdict,
        load_to_verdict_cached,
        take_over,
        core,
        swaps,
    })
}

fn desk(dir: &Path, path: CallPath) -> Result<Desk, BenchError> {
    let plugins = dir.join(format!("{path:?}")).join("plugins");
    Ok(Desk::open(Settings { path, ..Settings::of_plugins(plugins) })?)
}

fn costs(
    config: &Config,
    dir: &Path,
    progress: &mut impl FnMut(&str),
) -> Result<Vec<RuleReport>, BenchError> {
    let mut reports = Vec::new();
    for (kind, rule, component) in [
        (RuleKind::Validation, "empty", EMPTY_VALIDATION),
        (RuleKind::Validation, "limit", LIMIT_VALIDATION),
        (RuleKind::Risk, "empty", EMPTY_RISK),
        (RuleKind::Risk, "limit", LIMIT_RISK),
    ] {
        progress(&format!("{kind}, {rule}"));
        let mut report = |path, rules: &mut dyn Rules, fuel: &dyn Fn() -> u64| {
            let fastest = (0..config.turns.max(1)).map(|_| turn(kind, rules)).min().unwrap_or_default();
            #[expect(clippy::cast_precision_loss, reason = "shown with one digit")]
            let ns_per_order = fastest.as_nanos() as f64 / (BATCH * BATCHES) as f64;
            reports.push(RuleReport { kind: kind.as_str(), rule, path, ns_per_order, fuel: fuel() });
        };
        report("native", &mut Native { is_limit: rule == "limit" }, &|| 0);
        for (path, name) in [(CallPath::Module, "module"), (CallPath::Component, "component")] {
            let desk = desk(dir, path)?;
            let mut rules = live(&desk, component)?;
            report(name, &mut rules, &|| desk.statistics().first().map_or(0, |counts| counts.fuel.mean()));
        }
    }
    Ok(reports)
}

/// Live rules with one in force.
fn live(desk: &Desk, component: &[u8]) -> Result<LiveRules, BenchError> {
    let inspection = desk.load(component, None)?;
    let mut rules = desk.live();
    rules.activated(&activation(&inspection, 1));
    Ok(rules)
}

fn parameters() -> RuleParameters {
    RuleParameters::new(&[LIMIT]).expect("one word fits")
}

fn activation(inspection: &Inspection, number: u32) -> RuleActivated {
    RuleActivated {
        component: inspection.component,
        parameters: parameters(),
        by: OperatorName::EMPTY,
        fuel: inspection.limits.fuel,
        memory_bytes: inspection.limits.memory_bytes,
        activation: ActivationId(number),
        account: AccountId::ALL,
        instrument: InstrumentId::ALL,
        rule: RuleId(1),
        rule_version: 1,
        priority: 0,
        max_faults: u16::MAX,
        kind: inspection.kind,
        mode: RuleMode::Enforce,
        fail: FailMode::Closed,
        counter_key: CounterKey::None,
        counter_window: CounterWindow::Forever,
        by_rollback: false,
        reserved: [0; 2],
    }
}

/// The check of the measured rules, as a function of this program.
struct Native {
    is_limit: bool,
}

impl Native {
    fn outcome(&self, quantity: u64) -> Outcome {
        if self.is_limit && quantity > LIMIT.unsigned_abs() { Outcome::Reject(7) } else { Outcome::Accept }
    }
}

impl Rules for Native {
    fn restore(&mut self, _: &[RuleActivated]) {}

    fn activated(&mut self, _: &RuleActivated) {}

    fn ended(&mut self, _: ActivationId) {}

    fn prepare(&mut self, _: ActivationId, _: &[ValidationRow]) {}

    fn validation(&mut self, _: ActivationId, row: &ValidationRow) -> Outcome {
        self.outcome(row.0[2])
    }

    fn risk(&mut self, _: ActivationId, row: &RiskRow) -> (Outcome, i64) {
        (self.outcome(row.quantity), 0)
    }
}

/// 16,384 orders.
fn turn(kind: RuleKind, rules: &mut dyn Rules) -> Duration {
    let activation = ActivationId(1);
    if kind == RuleKind::Risk {
        let rows: [RiskRow; BATCH] = std::array::from_fn(|at| risk_row(at as u64));
        let start = Instant::now();
        for _ in 0..BATCHES {
            for row in &rows {
                black_box(rules.risk(activation, black_box(row)));
            }
        }
        return start.elapsed();
    }
    let rows: [ValidationRow; BATCH] = std::array::from_fn(|at| validation_row(at as u64));
    let start = Instant::now();
    for _ in 0..BATCHES {
        rules.prepare(activation, black_box(&rows));
        for row in &rows {
            black_box(rules.validation(activation, black_box(row)));
        }
    }
    start.elapsed()
}

fn validation_row(number: u64) -> ValidationRow {
    let mut row = [number; 12];
    row[2] = 100 + number;
    ValidationRow(row)
}

fn risk_row(number: u64) -> RiskRow {
    RiskRow {
        account: 1,
        instrument: 2,
        flags: 0,
        quantity: 100 + number,
        price: 10_000,
        notional: 1_000_000,
        position: 500,
        open_buy: 0,
        open_sell: 0,
        open_cash: 0,
        best_bid: 9_999,
        best_ask: 10_001,
        last_price: 10_000,
        day_volume: 1_000,
        counter: 0,
        now: 0,
    }
}

fn spread(mut times: Vec<Duration>) -> Spread {
    times.sort_unstable();
    let at = |index: usize| times.get(index).map_or(0, |time| crate::watch::nanos(*time));
    Spread { min_ns: at(0), p50_ns: at(times.len() / 2), max_ns: at(times.len().saturating_sub(1)) }
}

fn runaway(config: &Config, dir: &Path) -> Result<Spread, BenchError> {
    let desk = desk(dir, CallPath::Module)?;
    let mut rules = live(&desk, ENDLESS_RISK)?;
    let mut times = Vec::new();
    for _ in 0..config.loads.max(1) {
        let start = Instant::now();
        let (outcome, _) = rules.risk(ActivationId(1), &risk_row(1));
        times.push(start.elapsed());
        assert_eq!(outcome, Outcome::Fault(RuleFault::OutOfFuel), "it never ends by itself");
    }
    Ok(spread(times))
}

/// From bytes to a verdict without and with a cache, and the part of it that the trading thread pays.
fn loads(config: &Config, dir: &Path) -> Result<[Spread; 3], BenchError> {
    let [mut cold, mut cached, mut taken] = [const { Vec::new() }; 3];
    for number in 0..config.loads.max(1) {
        for times in [&mut cold, &mut cached] {
            let store = dir.join(number.to_string());
            let start = Instant::now();
            let compiled = Some(store.join("compiled"));
            let desk = Desk::open(Settings { compiled, ..Settings::of_plugins(store.join("plugins")) })?;
            let inspection = desk.load(TWENTY_KILOBYTES, None)?;
            let event = activation(&inspection, 1);
            desk.prepare(event.component, event.parameters, event.fuel, event.memory_bytes)?;
            let mut rules = desk.live();
            let take = Instant::now();
            rules.activated(&event);
            taken.push(take.elapsed());
            let (outcome, _) = rules.risk(ActivationId(1), &risk_row(1));
            times.push(start.elapsed());
            assert_eq!(outcome, Outcome::Accept, "it is below the limit");
        }
    }
    Ok([spread(cold), spread(cached), spread(taken)])
}

/// What the core does a second, without rules and with two.
fn core(config: &Config, dir: &Path, progress: &mut impl FnMut(&str)) -> Result<CoreReport, BenchError> {
    let market = flow(config.seed, config.commands);
    let total = usize::try_from(config.commands).expect("commands fit memory");
    let commands: Vec<Command> = market.clone().take(total).collect();
    let mut best = [(0, u64::MAX); 2];
    for round in 1..=2 {
        for (with_rules, best) in [false, true].into_iter().zip(&mut best) {
            progress(&format!(
                "the core {} rules, run {round}",
                if with_rules { "with two" } else { "without" }
            ));
            let store = dir.join("core");
            let desk = Desk::open(Settings::of_plugins(store.join("plugins")))?;
            let node = Node::start_with(market_config(&store, Durability::Os), SystemClock, desk.live())?;
            let mut sent = set_up(&node, &market)?;
            if with_rules {
                sent +=
                    put_in_force(&node, &desk, &[("validation", LIMIT_VALIDATION), ("risk", LIMIT_RISK)])?;
                wait_executed(&node, sent)?;
            }
            let submitter = node.submitter();
            let times = thread_times();
            let start = Instant::now();
            for command in &commands {
                submit(&submitter, 0, command)?;
            }
            wait_executed(&node, sent + config.commands)?;
            let rate = per_second(config.commands, start.elapsed());
            let core_ns: u64 = used_between(&times, thread_times())
                .iter()
                .filter(|thread| thread.thread == CORE_THREAD)
                .map(|thread| thread.cpu_ns)
                .sum();
            *best = (best.0.max(rate), best.1.min(core_ns / config.commands.max(1)));
            node.stop()?;
            if with_rules {
                let judged: u64 = desk.statistics().iter().map(|rule| rule.accepts).sum();
                assert!(judged > 0, "rules that are in force are asked");
            }
            let _ = std::fs::remove_dir_all(&store);
        }
    }
    let [(without, core_ns_without), (with_two, core_ns_with_two)] = best;
    Ok(CoreReport { without, with_two, core_ns_without, core_ns_with_two })
}

/// Loads and activates rules under these names. How many commands that took.
fn put_in_force(node: &Node, desk: &Desk, rules: &[(&str, &[u8])]) -> Result<u64, BenchError> {
    let submitter = node.submitter();
    let by = OperatorName::new("bench").expect("it is short");
    for (name, bytes) in rules {
        let inspection = desk.load(bytes, None)?;
        let (name, component) = (RuleName::new(name).expect("it is short"), inspection.component);
        let load = inspection.load_command(name, by, false);
        desk.prepare(component, parameters(), load.fuel, load.memory_bytes)?;
        let activate = ActivateRule {
            name,
            component,
            parameters: parameters(),
            by,
            account: AccountId::ALL,
            instrument: InstrumentId::ALL,
            priority: 0,
            mode: RuleMode::Enforce,
            reserved: [0; 5],
        };
        submit(&submitter, 0, &load.into())?;
        submit(&submitter, 0, &activate.into())?;
    }
    Ok(2 * rules.len() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_small_run_measures_everything() {
        let dir = tempfile::tempdir().unwrap();
        let swaps = SwapConfig { rate: 5_000, seconds: 1, swaps: 50 };
        let config = Config { seed: 1, turns: 1, loads: 2, commands: 5_000, swaps };
        let report = run(&config, dir.path(), |_| {}).unwrap();
        assert_eq!(report.rules.len(), 12);
        assert!(report.rules.iter().all(|rule| rule.ns_per_order > 0.0));
        assert!(report.core.without > 0 && report.core.with_two > 0);
        assert_eq!((report.swaps.activations, report.swaps.misjudged), (51, 0));
        assert!(report.swaps.rejected > 0 && report.swaps.judged > report.swaps.rejected);
        assert!(report.take_over.p50_ns <= report.load_to_verdict.max_ns);
    }
}
