//! `outcry bench core`: how many commands a second go from the inbound ring to committed events.
//!
//! One thread submits as fast as the ring takes, the core thread executes, the flusher makes safe, and a follower waits for
//! `committed` as a gateway would: four threads on however many processors there are. Accounts, holds and the ledger are
//! on, every command is validated, matched, journaled, checksummed and hash-chained. Commands are made up beforehand.
//! Not included: decoding a protocol, a network, rules.

use std::path::Path;
use std::time::{Duration, Instant};

use model::Command;
use sequencer::{Durability, Node};

use crate::BenchError;
use crate::market::{config as market_config, flow, set_up, submit, wait_executed};
use crate::watch::{Follower, Percentiles, ThreadTime, latencies, per_second, thread_times, used_between};

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Config {
    /// Of the flow.
    pub seed: u64,
    /// Commands measured, in each run.
    pub commands: u64,
    /// Commands before them, which fill the books.
    pub warm_up: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { seed: 1, commands: 2_000_000, warm_up: 500_000 }
    }
}

/// What came out.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// What was run.
    pub config: Config,
    /// With `--durability os`.
    pub os: Run,
    /// With `--durability fsync`.
    pub fsync: Run,
}

/// One run.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Run {
    /// Commands a second, from the first submission until the last event was committed.
    pub commands_per_second: u64,
    /// Events a second.
    pub events_per_second: u64,
    /// How long it took.
    pub elapsed_ns: u64,
    /// Commands in the average block.
    pub commands_per_block: u64,
    /// What each thread used of the processors meanwhile: tells a busy exchange from a busy machine.
    pub threads: Vec<ThreadTime>,
    /// Times the submitting thread found the ring full.
    pub busy: u64,
    /// From submission to committed, every 16th command. The ring is kept full, so most of it is waiting in the ring.
    pub latency: Percentiles,
}

/// Every how manyth command's latency is measured: reading the clock costs as much as submitting.
const SAMPLE: u64 = 16;

/// Runs the benchmark in a directory under `dir`. `progress` hears what is about to be done.
pub fn run(config: &Config, dir: &Path, mut progress: impl FnMut(&str)) -> Result<Report, BenchError> {
    progress("making up the flow");
    let market = flow(config.seed, config.commands + config.warm_up);
    let total = usize::try_from(config.commands + config.warm_up).expect("commands fit memory");
    let commands: Vec<Command> = market.clone().take(total).collect();
    let mut one = |durability, name: &str| {
        progress(name);
        let store = dir.join(name);
        let node = Node::start(market_config(&store, durability))?;
        let set_up = set_up(&node, &market)?;
        let run = measure(node, config, set_up, &commands)?;
        // A measurement's log is worth nothing afterwards; if it cannot be removed, so be it.
        let _ = std::fs::remove_dir_all(&store);
        Ok::<_, BenchError>(run)
    };
    Ok(Report {
        config: config.clone(),
        os: one(Durability::Os, "os")?,
        fsync: one(Durability::Fsync, "fsync")?,
    })
}

fn measure(node: Node, config: &Config, set_up: u64, commands: &[Command]) -> Result<Run, BenchError> {
    let submitter = node.submitter();
    let (warm_up, measured) = commands.split_at(usize::try_from(config.warm_up).expect("it was made"));
    for command in warm_up {
        submit(&submitter, 0, command)?;
    }
    wait_executed(&node, set_up + config.warm_up)?;
    let before = node.status();
    let follower = Follower::start(node.watermarks());
    let times = thread_times();
    let mut sent = Vec::with_capacity(measured.len() / usize::try_from(SAMPLE).expect("small") + 1);
    let started = Instant::now();
    for (index, command) in (0..).zip(measured) {
        let sampled = index % SAMPLE == 0;
        if sampled {
            sent.push(Instant::now());
        }
        // Tag 0 is not counted.
        submit(&submitter, if sampled { index / SAMPLE + 1 } else { 0 }, command)?;
    }
    wait_executed(&node, before.core.commands + config.commands)?;
    let threads = used_between(&times, thread_times());
    let notes = follower.finish();
    let ended = notes.last().map_or(started, |&(_, at)| at);
    let after = node.status();
    let store = node.store().to_owned();
    node.stop()?;
    let from = before.watermarks.written + 1;
    let latency = latencies(&store, from, &notes, |index| sent.get(usize::try_from(index).ok()?).copied())?;
    Ok(run_of(&before, &after, ended - started, Percentiles::of(&latency), threads))
}

fn run_of(
    before: &sequencer::NodeStatus,
    after: &sequencer::NodeStatus,
    elapsed: Duration,
    latency: Percentiles,
    threads: Vec<ThreadTime>,
) -> Run {
    let commands = after.core.commands - before.core.commands;
    let records = after.core.records - before.core.records;
    Run {
        commands_per_second: per_second(commands, elapsed),
        events_per_second: per_second(records - commands, elapsed),
        elapsed_ns: crate::watch::nanos(elapsed),
        commands_per_block: commands / (after.core.blocks - before.core.blocks).max(1),
        threads,
        busy: after.ring.refused_busy - before.ring.refused_busy,
        latency,
    }
}
