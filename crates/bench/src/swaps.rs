//! Part of `outcry bench rules`: what clients notice when a rule is swapped a thousand times while orders flow, and whether every
//! order was judged by the version that the log says.
//!
//! Open loop, as `outcry bench latency`. The rule is a limit on the quantity, in its one component, with a limit of its own in each
//! activation; every other limit is low enough to stop orders. Each activation is made ready off the trading thread first,
//! as a gateway does it.

use crate::BenchError;
use crate::latency::{SETTLE, send};
use crate::market::{config as market_config, flow, set_up, submit, wait_executed};
use crate::watch::{Follower, Percentiles, latencies};
use event_store::{Reader, ReaderOptions};
use model::{
    AccountId, ActivateRule, Command, DecodeError, Event, InstrumentId, KIND_EVENT_FIRST, OperatorName,
    RejectReason, RuleMode, RuleName, RuleParameters,
};
use plugin_host::{Desk, Settings};
use sequencer::{Durability, Node, SystemClock};
use std::path::Path;
use std::time::{Duration, Instant};

/// Commands before the measured ones, which fill the books.
const WARM_UP: u64 = 200_000;
/// The low limits, in lots: some orders are above.
const LOW: i64 = 300;
/// The high ones: none is.
const HIGH: i64 = 1 << 40;

/// What to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct SwapConfig {
    /// Commands a second.
    pub rate: u64,
    /// How long each of the two runs takes, in seconds.
    pub seconds: u64,
    /// Swaps in that time.
    pub swaps: u64,
}

impl Default for SwapConfig {
    fn default() -> Self {
        Self { rate: 100_000, seconds: 10, swaps: 1_000 }
    }
}

/// What came out.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SwapReport {
    /// What was run.
    pub config: SwapConfig,
    /// From due to committed, one version in force all the time.
    pub still: Percentiles,
    /// The same while it is swapped.
    pub swapped: Percentiles,
    /// Activations in the log of the second run.
    pub activations: u64,
    /// Orders in that log that the rule was asked about, as far as their answer shows it.
    pub judged: u64,
    /// Those of them that it rejected.
    pub rejected: u64,
    /// Those whose answer is not that of the version in force. Anything but 0 is a defect.
    pub misjudged: u64,
    /// Commands that found the ring full, in both runs.
    pub busy: u64,
}

/// Runs both, in directories under `dir`. `component` is a validation rule with a limit as its one parameter.
pub(crate) fn run(
    seed: u64,
    config: SwapConfig,
    component: &[u8],
    dir: &Path,
    mut progress: impl FnMut(&str),
) -> Result<SwapReport, BenchError> {
    progress("orders under one rule");
    let (still, still_busy, _) = measure(seed, config, component, 0, &dir.join("still"))?;
    progress("orders while rules are swapped");
    let (swapped, busy, verdicts) = measure(seed, config, component, config.swaps, &dir.join("swapped"))?;
    Ok(SwapReport {
        config,
        still,
        swapped,
        activations: verdicts.activations,
        judged: verdicts.judged,
        rejected: verdicts.rejected,
        misjudged: verdicts.misjudged,
        busy: still_busy + busy,
    })
}

fn measure(
    seed: u64,
    config: SwapConfig,
    component: &[u8],
    swaps: u64,
    store: &Path,
) -> Result<(Percentiles, u64, Verdicts), BenchError> {
    let count = WARM_UP + config.rate * config.seconds;
    let market = flow(seed, count);
    let desk = Desk::open(Settings::of_plugins(store.join("plugins")))?;
    let node = Node::start_with(market_config(store, Durability::Os), SystemClock, desk.live())?;
    let mut sent = set_up(&node, &market)?;
    let commands: Vec<Command> = market.take(usize::try_from(count).expect("commands fit memory")).collect();
    let (warm_up, measured) = commands.split_at(usize::try_from(WARM_UP).expect("it fits"));
    let submitter = node.submitter();
    let rule = Swapped::load(&desk, component)?;
    for command in [rule.load.clone(), rule.activation(&desk, HIGH)?].iter().chain(warm_up) {
        submit(&submitter, 0, command)?;
        sent += 1;
    }
    wait_executed(&node, sent)?;
    std::thread::sleep(SETTLE);
    let before = node.status();
    let follower = Follower::start(node.watermarks());
    let (due, busy) = std::thread::scope(|scope| {
        let swapper = scope.spawn(|| rule.swap(&desk, &submitter, config, swaps));
        let sent = send(&node, config.rate, measured);
        swapper.join().expect("it does not panic")?;
        sent
    })?;
    wait_executed(&node, before.core.commands + measured.len() as u64 + swaps - busy)?;
    let notes = follower.finish();
    node.stop()?;
    let latency = latencies(store, before.watermarks.written + 1, &notes, |index| Some(due(index)))?;
    let verdicts = Verdicts::read(store)?;
    // A measurement's log is worth nothing afterwards; if it cannot be removed, so be it.
    let _ = std::fs::remove_dir_all(store);
    Ok((Percentiles::of(&latency), busy, verdicts))
}

/// The rule that is swapped.
struct Swapped {
    load: Command,
    activate: ActivateRule,
    fuel: u64,
    memory_bytes: u32,
}

impl Swapped {
    fn load(desk: &Desk, component: &[u8]) -> Result<Self, BenchError> {
        let by = OperatorName::new("bench").expect("it is short");
        let name = RuleName::new("limit").expect("it is short");
        let inspection = desk.load(component, None)?;
        let load = inspection.load_command(name, by, false);
        let activate = ActivateRule {
            name,
            component: inspection.component,
            parameters: RuleParameters::NONE,
            by,
            account: AccountId::ALL,
            instrument: InstrumentId::ALL,
            priority: 0,
            mode: RuleMode::Enforce,
            reserved: [0; 5],
        };
        Ok(Self { fuel: load.fuel, memory_bytes: load.memory_bytes, load: load.into(), activate })
    }

    /// Makes the rule ready with a limit, off the trading thread. Returns the command that puts it in force.
    fn activation(&self, desk: &Desk, limit: i64) -> Result<Command, BenchError> {
        let parameters = RuleParameters::new(&[limit]).expect("one word fits");
        desk.prepare(self.activate.component, parameters, self.fuel, self.memory_bytes)?;
        Ok(ActivateRule { parameters, ..self.activate }.into())
    }

    /// Swaps at equal intervals.
    fn swap(
        &self,
        desk: &Desk,
        submitter: &sequencer::Submitter,
        config: SwapConfig,
        swaps: u64,
    ) -> Result<(), BenchError> {
        let started = Instant::now();
        for swap in 0..swaps {
            let at = Duration::from_nanos(config.seconds * 1_000_000_000 / swaps * swap);
            std::thread::sleep(at.saturating_sub(started.elapsed()));
            let offset = i64::try_from(swap).expect("swaps are few");
            let limit = if swap % 2 == 0 { LOW + offset % 100 } else { HIGH + offset };
            submit(submitter, 0, &self.activation(desk, limit)?)?;
        }
        Ok(())
    }
}

/// What the log says of the verdicts, held against the version in force.
#[derive(Default)]
struct Verdicts {
    activations: u64,
    judged: u64,
    rejected: u64,
    misjudged: u64,
}

impl Verdicts {
    fn read(store: &Path) -> Result<Self, BenchError> {
        let mut verdicts = Self::default();
        let mut reader = Reader::with_options(store, ReaderOptions::tail())?;
        // Before the first activation nothing is judged.
        let mut limit = u64::MAX;
        // What the order whose answer comes next asks for, in lots.
        let mut asked = 0;
        while let Some(block) = reader.next_block()? {
            for record in block.records() {
                let fault = |source: DecodeError| {
                    BenchError::Fold(sequencer::replay::FoldError::Record {
                        sequence: record.sequence,
                        source,
                    })
                };
                if record.kind < KIND_EVENT_FIRST {
                    let command =
                        Command::decode(record.kind, record.version, record.payload).map_err(fault)?;
                    if let Command::SubmitOrder(order) = command {
                        // The measured market trades whole shares.
                        asked = u64::try_from(order.quantity_units).unwrap_or(0)
                            / 10u64.pow(order.quantity_scale.into());
                    }
                    continue;
                }
                match Event::decode(record.kind, record.version, record.payload).map_err(fault)? {
                    Event::RuleActivated(event) => {
                        verdicts.activations += 1;
                        limit = event.parameters.words()[0].unsigned_abs();
                    }
                    Event::OrderAccepted(event) => {
                        verdicts.judged += 1;
                        verdicts.misjudged += u64::from(event.quantity.0 > limit);
                    }
                    Event::OrderRejected(event) if event.reason == RejectReason::Rule => {
                        verdicts.judged += 1;
                        verdicts.rejected += 1;
                        verdicts.misjudged += u64::from(asked <= limit);
                    }
                    _ => {}
                }
            }
        }
        Ok(verdicts)
    }
}
