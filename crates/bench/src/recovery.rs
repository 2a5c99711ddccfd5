//! `outcry bench recovery`: how fast a log is folded, and how soon an exchange serves again after its process died.

use std::path::Path;
use std::time::{Duration, Instant};

use order_book::Book;
use sequencer::replay::{FoldOptions, fold_with};
use sequencer::{Durability, Node, Snapshotter, SubmitError};

use crate::BenchError;
use crate::market::{config as market_config, flow, set_up, submit, wait_executed};
use crate::watch::{nanos, per_second, thread_times, used_between};

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Config {
    /// Of the flow.
    pub seed: u64,
    /// Events in the log, at least.
    pub events: u64,
    /// Events after the snapshot: those a restart must replay.
    pub tail_events: u64,
}

impl Default for Config {
    fn default() -> Self {
        Self { seed: 1, events: 10_000_000, tail_events: 1_000_000 }
    }
}

/// What came out.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// What was run.
    pub config: Config,
    /// Records in the log, commands included.
    pub records: u64,
    /// Events in it.
    pub events: u64,
    /// Folding all of it, checksums checked.
    pub replay_ns: u64,
    /// Events a second in that.
    pub events_per_second: u64,
    /// What the replaying thread used of the processors for it: tells a slow replay from a busy machine.
    pub replay_cpu_ns: u64,
    /// The same with each block's checksum taken on trust.
    pub events_per_second_unchecked: u64,
    /// Taking a snapshot of a state that is up to date.
    pub snapshot_ns: u64,
    /// The snapshot's size.
    pub snapshot_bytes: u64,
    /// From starting the program's node to the first new command committed, with the snapshot and the tail.
    pub serves_after_ns: u64,
    /// Of it: loading the snapshot and replaying.
    pub recovery_ns: u64,
    /// Records after the snapshot.
    pub tail_records: u64,
}

/// Runs the benchmark in a directory under `dir`. `progress` hears what is about to be done.
pub fn run(config: &Config, dir: &Path, mut progress: impl FnMut(&str)) -> Result<Report, BenchError> {
    let store = dir.join("recovery");
    progress("writing the log");
    let mut commands = 0;
    let mut events = write_log(&store, config, config.events, &mut commands)?;

    progress("replaying it");
    let whole = |checksums| -> Result<(Duration, u64), BenchError> {
        let options = FoldOptions { snapshots: false, checksums, ..FoldOptions::default() };
        let started = Instant::now();
        let folded = fold_with::<Book>(&store, options)?;
        Ok((started.elapsed(), folded.sequence))
    };
    let (unchecked, _) = whole(false)?;
    let used = thread_times();
    let (replay, _) = whole(true)?;
    let replay_cpu_ns = used_between(&used, thread_times()).iter().map(|time| time.cpu_ns).sum();
    let (events_per_second, events_per_second_unchecked) =
        (per_second(events, replay), per_second(events, unchecked));

    progress("taking a snapshot");
    let mut snapshotter = Snapshotter::<Book>::new(&store);
    let first = snapshotter.take()?;
    let started = Instant::now();
    let taken = snapshotter.take()?.or(first);
    let snapshot_ns = nanos(started.elapsed());
    drop(snapshotter);

    progress("writing the tail");
    events += write_log(&store, config, config.tail_events, &mut commands)?;

    progress("starting");
    let started = Instant::now();
    let node = Node::start(market_config(&store, Durability::Os))?;
    let submitter = node.submitter();
    let before = node.committed();
    submitter
        .submit(1, model::AdvanceTime { now: model::Timestamp(0) }.into())
        .map_err(BenchError::Refused)?;
    while node.wait_committed(before + 1, Duration::from_secs(1))? <= before {
        if node.fatal().is_some() {
            return Err(BenchError::Refused(SubmitError::Stopped));
        }
    }
    let serves_after_ns = nanos(started.elapsed());
    let recovery = node.recovery().clone();
    let report = Report {
        config: config.clone(),
        records: recovery.last_sequence,
        events,
        replay_ns: nanos(replay),
        events_per_second,
        replay_cpu_ns,
        events_per_second_unchecked,
        snapshot_ns,
        snapshot_bytes: taken.map_or(0, |taken| taken.bytes),
        serves_after_ns,
        recovery_ns: recovery.replay_ns,
        tail_records: recovery.records_replayed,
    };
    node.stop()?;
    // A measurement's log is worth nothing afterwards; if it cannot be removed, so be it.
    let _ = std::fs::remove_dir_all(&store);
    Ok(report)
}

/// Trades until the log has so many more events, and ends as a killed process does. `sent` counts the commands of the
/// flow, which goes on where it stopped. Returns the events written.
fn write_log(store: &Path, config: &Config, events: u64, sent: &mut u64) -> Result<u64, BenchError> {
    const STEP: u64 = 100_000;
    let node = Node::start(market_config(store, Durability::Os))?;
    // A flow the length of which does not depend on how much of it is used.
    let market = flow(config.seed, config.events);
    if *sent == 0 {
        set_up(&node, &market)?;
    }
    let before = node.status().core;
    let skip = usize::try_from(*sent).expect("commands fit memory");
    let mut commands = market.skip(skip);
    let submitter = node.submitter();
    loop {
        for command in commands.by_ref().take(usize::try_from(STEP).expect("small")) {
            submit(&submitter, 0, &command)?;
            *sent += 1;
        }
        wait_executed(&node, node.status().core.commands.min(before.commands + STEP))?;
        let now = node.status().core;
        let written = (now.records - now.commands) - (before.records - before.commands);
        if written >= events {
            // Dropped without a word to anyone, as far as the log is concerned.
            node.crash();
            return Ok(written);
        }
    }
}
