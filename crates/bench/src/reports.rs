//! `outcry bench reports`: what each report takes on a whole day. Every report is asked for as a person would, in a process of its own
//! that writes CSV, so that its time is all of the time and its memory nobody else's.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::BenchError;
use crate::day::{self, Written};
use crate::watch::nanos;

/// What to run.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Config {
    /// The day, when no store is given.
    pub day: day::Config,
    /// A store that is there already.
    pub store: Option<PathBuf>,
    /// Where the day is written and left; a temporary directory if not given.
    pub keep: Option<PathBuf>,
    /// What a report may use, in MiB; `None` for what it may by itself.
    pub memory_mib: Option<u64>,
    /// Which reports.
    pub reports: Vec<String>,
}

/// What came out.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Report {
    /// What was run.
    pub config: Config,
    /// The day that was written; `None` when the store was there.
    pub day: Option<Written>,
    /// Each report.
    pub reports: Vec<Run>,
}

/// One report.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Run {
    /// Which.
    pub report: String,
    /// From the start of the process to its end.
    pub elapsed_ns: u64,
    /// Rows of the answer.
    pub rows: u64,
    /// Bytes of it, as CSV.
    pub bytes: u64,
    /// The most memory the process had of its own. The pages of the log, which the system takes back as it likes, are not counted.
    pub peak_bytes: u64,
    /// What the process said when it failed.
    pub failure: Option<String>,
}

/// How often a process's memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Makes the day in a directory under `dir`, unless there is a store, and asks `program` for each report of it.
///
/// # Errors
/// [`BenchError::Store`] when there is no room for the day; [`BenchError::Child`] when the program cannot be run.
pub fn run(
    config: &Config,
    program: &Path,
    dir: &Path,
    mut progress: impl FnMut(&str),
) -> Result<Report, BenchError> {
    let (store, day) = if let Some(store) = &config.store {
        (store.clone(), None)
    } else {
        progress("writing the day");
        let store = config.keep.clone().unwrap_or_else(|| dir.join("day"));
        let day = day::write(&store, &config.day, |_| ())?;
        (store, Some(day))
    };
    let mut reports = Vec::new();
    for report in &config.reports {
        progress(report);
        reports.push(ask(program, &store, report, config.memory_mib)?);
    }
    Ok(Report { config: config.clone(), day, reports })
}

fn ask(program: &Path, store: &Path, report: &str, memory_mib: Option<u64>) -> Result<Run, BenchError> {
    let failed = |source| BenchError::Child { program: program.to_owned(), source };
    let mut command = Command::new(program);
    command.args(["report", report, "--format", "csv", "--timeout", "0", "--quiet", "--store"]).arg(store);
    if let Some(memory) = memory_mib {
        command.args(["--memory", &memory.to_string()]);
    }
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let started = Instant::now();
    let mut child = command.spawn().map_err(failed)?;
    let mut out = child.stdout.take();
    let mut err = child.stderr.take();
    let counting = std::thread::spawn(move || {
        let (mut lines, mut bytes, mut buffer) = (0, 0, vec![0; 1 << 16]);
        while let Some(out) = &mut out
            && let Ok(count) = out.read(&mut buffer)
            && count > 0
        {
            bytes += count as u64;
            lines += buffer[..count].split(|&byte| byte == b'\n').count() as u64 - 1;
        }
        (lines, bytes)
    });
    let listening = std::thread::spawn(move || {
        let mut said = String::new();
        if let Some(err) = &mut err {
            // What cannot be read is not said.
            let _ = err.read_to_string(&mut said);
        }
        said
    });
    let mut peak_bytes = 0;
    let status = loop {
        peak_bytes = peak_bytes.max(own_memory(&child));
        if let Some(status) = child.try_wait().map_err(failed)? {
            break status;
        }
        std::thread::sleep(LOOK_EVERY);
    };
    let elapsed_ns = nanos(started.elapsed());
    let (lines, bytes) = counting.join().unwrap_or_default();
    let said = listening.join().unwrap_or_default();
    // 1 is also how the end of the day says that the books do not close, and then there is an answer.
    let failure = (!status.success()).then(|| said.trim().to_owned());
    Ok(Run {
        report: report.to_owned(),
        elapsed_ns,
        rows: lines.saturating_sub(1),
        bytes,
        peak_bytes,
        failure,
    })
}

/// The memory of a process that is backed by no file.
fn own_memory(child: &Child) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"));
    let kib = line.and_then(|line| line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok());
    kib.unwrap_or(0) * 1024
}
