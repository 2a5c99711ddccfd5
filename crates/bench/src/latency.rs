//! `outcry bench latency`: from the moment a command should have been sent until its events were seen committed.
//!
//! Open loop: commands are due at fixed moments, whatever the exchange does, and a command that is sent late counts from
//! when it was due (no coordinated omission). Beside it stands what the disk alone takes: one small write and one
//! fdatasync, in the same directory, just before. Not included: decoding a protocol, a network, rules.

use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use model::Command;
use sequencer::{Durability, Node, SubmitError};

use crate::BenchError;
use crate::market::{config as market_config, flow, set_up, submit, wait_executed};
use crate::watch::{Follower, Percentiles, histogram, latencies, nanos, per_second};

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Config {
    /// Of the flow.
    pub seed: u64,
    /// Commands a second, one run each.
    pub rates: Vec<u64>,
    /// How long each run takes, in seconds.
    pub seconds: u64,
    /// Commands before them, which fill the books.
    pub warm_up: u64,
    /// Writes made to measure the disk.
    pub disk_writes: u64,
}

impl Default for Config {
    /// The average of a day of a billion orders, its open and close, and twice that.
    fn default() -> Self {
        Self {
            seed: 1,
            rates: vec![43_000, 215_000, 430_000],
            seconds: 5,
            warm_up: 200_000,
            disk_writes: 500,
        }
    }
}

/// What came out.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// What was run.
    pub config: Config,
    /// The disk alone: write 4 KiB, fdatasync.
    pub disk: Percentiles,
    /// The runs.
    pub runs: Vec<Run>,
}

/// One run.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Run {
    /// `os` or `fsync`.
    pub durability: &'static str,
    /// Commands a second that were due.
    pub rate: u64,
    /// Commands a second that were committed.
    pub achieved: u64,
    /// Commands refused because the ring was full. They have no latency, and none should be.
    pub busy: u64,
    /// From due to committed.
    pub latency: Percentiles,
}

/// How long a new store is left alone before the measurement begins.
pub(crate) const SETTLE: Duration = Duration::from_secs(4);

/// Runs the benchmark in directories under `dir`. `progress` hears what is about to be done.
pub fn run(config: &Config, dir: &Path, mut progress: impl FnMut(&str)) -> Result<Report, BenchError> {
    progress("measuring the disk");
    let disk = Percentiles::of(&disk_floor(dir, config.disk_writes)?);
    let mut runs = Vec::new();
    for (durability, name) in [(Durability::Fsync, "fsync"), (Durability::Os, "os")] {
        for &rate in &config.rates {
            progress(&format!("{name} at {rate}/s"));
            let store = dir.join(format!("{name}-{rate}"));
            runs.push(measure(config, rate, durability, name, &store)?);
            // A measurement's log is worth nothing afterwards; if it cannot be removed, so be it.
            let _ = std::fs::remove_dir_all(&store);
        }
    }
    Ok(Report { config: config.clone(), disk, runs })
}

pub(crate) fn measure(
    config: &Config,
    rate: u64,
    durability: Durability,
    name: &'static str,
    store: &Path,
) -> Result<Run, BenchError> {
    let market = flow(config.seed, config.warm_up + rate * config.seconds);
    let node = Node::start(market_config(store, durability))?;
    let set_up = set_up(&node, &market)?;
    let count = usize::try_from(config.warm_up + rate * config.seconds).expect("commands fit memory");
    let commands: Vec<Command> = market.take(count).collect();
    let (warm_up, measured) = commands.split_at(usize::try_from(config.warm_up).expect("it was made"));
    for command in warm_up {
        submit(&node.submitter(), 0, command)?;
    }
    wait_executed(&node, set_up + config.warm_up)?;
    // A store that has just been made still prepares the segments it will need: half a gibibyte of zeros, to the disk. An exchange
    // opens its doors after that, not during it.
    std::thread::sleep(SETTLE);
    let before = node.status();
    let follower = Follower::start(node.watermarks());
    let (due, busy) = send(&node, rate, measured)?;
    wait_executed(&node, before.core.commands + measured.len() as u64 - busy)?;
    let notes = follower.finish();
    let started = due(0);
    let elapsed = notes.last().map_or(Duration::ZERO, |&(_, at)| at.saturating_duration_since(started));
    node.stop()?;
    let latency = latencies(store, before.watermarks.written + 1, &notes, |index| Some(due(index)))?;
    let achieved = per_second(latency.len(), elapsed);
    Ok(Run { durability: name, rate, achieved, busy, latency: Percentiles::of(&latency) })
}

/// Sends each command when it is due. Returns when that was, by index, and how many found the ring full.
pub(crate) fn send(
    node: &Node,
    rate: u64,
    commands: &[Command],
) -> Result<(impl Fn(u64) -> Instant + use<>, u64), BenchError> {
    let submitter = node.submitter();
    let started = Instant::now() + Duration::from_millis(5);
    let due = move |index: u64| {
        let ns = u128::from(index) * 1_000_000_000 / u128::from(rate);
        started + Duration::from_nanos(u64::try_from(ns).expect("less than 500 years"))
    };
    let mut busy = 0;
    for (index, command) in (0..).zip(commands) {
        let at = due(index);
        while Instant::now() < at {
            // Gives the processor to whoever wants it; on an idle machine it spins.
            std::thread::yield_now();
        }
        match submitter.submit(index + 1, command.clone()) {
            Ok(()) => {}
            Err(SubmitError::Busy) => busy += 1,
            Err(error) => return Err(BenchError::Refused(error)),
        }
    }
    Ok((due, busy))
}

/// The latencies of a 4 KiB write and an fdatasync, over and over in one prepared file.
pub(crate) fn disk_floor(dir: &Path, writes: u64) -> Result<hdrhistogram::Histogram<u64>, BenchError> {
    let path = dir.join("disk-floor");
    let mut latencies = histogram();
    let mut measure = || -> io::Result<()> {
        std::fs::create_dir_all(dir)?;
        let mut file = File::create(&path)?;
        let page = [7; 4096];
        // Prepared as the event store prepares its segments: written before, so that a sync only moves data.
        for _ in 0..writes {
            file.write_all(&page)?;
        }
        file.sync_all()?;
        file.seek(SeekFrom::Start(0))?;
        for _ in 0..writes {
            let started = Instant::now();
            file.write_all(&page)?;
            file.sync_data()?;
            latencies.saturating_record(nanos(started.elapsed()));
        }
        std::fs::remove_file(&path)
    };
    measure().map_err(|source| BenchError::Disk { path: path.clone(), source })?;
    Ok(latencies)
}
