//! `outcry bench store`: the event store alone. One thread appends blocks as the core loop does, the flusher follows.

use std::path::Path;
use std::time::Instant;

use event_store::{Durability, FlusherWait, Mark, Options, Writer};

use crate::BenchError;
use crate::watch::{nanos, per_second};

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Config {
    /// Records appended in each run.
    pub records: u64,
    /// Bytes of payload in each: an order's command takes 64, its event 80.
    pub payload_bytes: usize,
    /// Records in a block, one run each.
    pub records_per_block: Vec<u64>,
}

impl Default for Config {
    fn default() -> Self {
        Self { records: 5_000_000, payload_bytes: 72, records_per_block: vec![16, 256, 2048] }
    }
}

/// What came out.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// What was run.
    pub config: Config,
    /// The runs.
    pub runs: Vec<Run>,
}

/// One run.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Run {
    /// `os` or `fsync`.
    pub durability: &'static str,
    /// Records in a block.
    pub records_per_block: u64,
    /// Records a second appended, until the last was committed.
    pub records_per_second: u64,
    /// Megabytes (10^6) a second, headers included.
    pub megabytes_per_second: u64,
    /// How long it took.
    pub elapsed_ns: u64,
}

/// Runs the benchmark in directories under `dir`. `progress` hears what is about to be done.
pub fn run(config: &Config, dir: &Path, mut progress: impl FnMut(&str)) -> Result<Report, BenchError> {
    let mut runs = Vec::new();
    for (durability, name) in [(Durability::Os, "os"), (Durability::Fsync, "fsync")] {
        for &per_block in &config.records_per_block {
            progress(&format!("{name}, {per_block} records a block"));
            let store = dir.join(format!("store-{name}-{per_block}"));
            runs.push(measure(config, durability, name, per_block, &store)?);
            // A measurement's log is worth nothing afterwards; if it cannot be removed, so be it.
            let _ = std::fs::remove_dir_all(&store);
        }
    }
    Ok(Report { config: config.clone(), runs })
}

fn measure(
    config: &Config,
    durability: Durability,
    name: &'static str,
    records_per_block: u64,
    store: &Path,
) -> Result<Run, BenchError> {
    let opened = Writer::open(store, &Options { durability, ..Options::default() })?;
    let (mut writer, flusher) = (opened.writer, opened.flusher.spawn(FlusherWait::default())?);
    let watermarks = writer.watermarks();
    let payload = vec![7; config.payload_bytes];
    let started = Instant::now();
    let (mut left, mut time) = (config.records, 1);
    while left > 0 {
        writer.wait_ready(std::time::Duration::from_mins(1))?;
        let mut block = writer.begin(time)?;
        for _ in 0..left.min(records_per_block) {
            block.append(1, 1, 0, &payload).map_err(event_store::Error::from)?;
        }
        left -= u64::from(block.finish().record_count);
        time += 1;
    }
    while watermarks.wait(Mark::Committed, config.records, std::time::Duration::from_secs(1))?
        < config.records
    {}
    let elapsed = started.elapsed();
    let bytes = writer.stats().bytes;
    drop(writer);
    flusher.join()?;
    Ok(Run {
        durability: name,
        records_per_block,
        records_per_second: per_second(config.records, elapsed),
        megabytes_per_second: per_second(bytes, elapsed) / 1_000_000,
        elapsed_ns: nanos(elapsed),
    })
}
