//! How fast a log gets into `reports.duckdb`: the whole of it, from the first record on, with all tables, on one thread.

use std::path::Path;
use std::time::{Duration, Instant};

use reporting::{Projection, ProjectionOptions};

use crate::BenchError;
use crate::watch::{nanos, per_second, thread_times, used_between};

/// What came out.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// Records of the log.
    pub records: u64,
    /// From the first to the last of them in the file, every transaction synced.
    pub elapsed_ns: u64,
    /// What the process used of the processors for it.
    pub cpu_ns: u64,
    /// Records a second, by the clock.
    pub records_per_second: u64,
    /// Records a second of one processor.
    pub records_per_cpu_second: u64,
    /// Closing the file, which folds DuckDB's own log into it.
    pub close_ns: u64,
    /// The file's size then.
    pub file_bytes: u64,
}

/// Projects the log of `store` into a new file in `dir`.
///
/// # Errors
/// What store and DuckDB say; [`BenchError::Disk`] when the file cannot be looked at.
pub fn run(store: &Path, dir: &Path) -> Result<Report, BenchError> {
    let file = dir.join("projection.duckdb");
    let options = ProjectionOptions { file: Some(file.clone()), ..ProjectionOptions::default() };
    let mut projection = Projection::open(store, options)?;
    let (began, used) = (Instant::now(), thread_times());
    let records = projection.catch_up()?;
    let elapsed = began.elapsed();
    let cpu_ns: u64 = used_between(&used, thread_times()).iter().map(|time| time.cpu_ns).sum();
    let closing = Instant::now();
    drop(projection);
    let close_ns = nanos(closing.elapsed());
    let size = std::fs::metadata(&file).map_err(|source| BenchError::Disk { path: file, source })?;
    Ok(Report {
        records,
        elapsed_ns: nanos(elapsed),
        cpu_ns,
        records_per_second: per_second(records, elapsed),
        records_per_cpu_second: per_second(records, Duration::from_nanos(cpu_ns)),
        close_ns,
        file_bytes: size.len(),
    })
}
