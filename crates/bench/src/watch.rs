//! When was a record committed? A follower notes how the mark moves; afterwards the log says which command is where.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use event_store::{Mark, Reader, Watermarks};
use hdrhistogram::Histogram;
use model::KIND_EVENT_FIRST;

use crate::BenchError;

/// Latencies in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub struct Percentiles {
    /// How many were measured.
    pub count: u64,
    /// The median.
    pub p50_ns: u64,
    /// One in ten is above.
    pub p90_ns: u64,
    /// One in a hundred is above.
    pub p99_ns: u64,
    /// One in a thousand is above.
    pub p99_9_ns: u64,
    /// One in ten thousand is above.
    pub p99_99_ns: u64,
    /// The longest.
    pub max_ns: u64,
}

impl Percentiles {
    pub(crate) fn of(histogram: &Histogram<u64>) -> Self {
        Self {
            count: histogram.len(),
            p50_ns: histogram.value_at_quantile(0.5),
            p90_ns: histogram.value_at_quantile(0.9),
            p99_ns: histogram.value_at_quantile(0.99),
            p99_9_ns: histogram.value_at_quantile(0.999),
            p99_99_ns: histogram.value_at_quantile(0.9999),
            max_ns: histogram.max(),
        }
    }
}

/// The longest latency that is told from longer ones: ten minutes.
const LATENCY_MAX_NS: u64 = 600_000_000_000;

/// A histogram of nanoseconds with three digits.
pub(crate) fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX_NS, 3).expect("the bounds are in order")
}

/// How many a second that is.
pub(crate) fn per_second(count: u64, elapsed: Duration) -> u64 {
    let rate = u128::from(count) * 1_000_000_000 / elapsed.as_nanos().max(1);
    u64::try_from(rate).unwrap_or(u64::MAX)
}

/// What a thread has used of the processors.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ThreadTime {
    /// The thread's name; the one that submits has the process's.
    pub thread: String,
    /// Nanoseconds on a processor.
    pub cpu_ns: u64,
}

/// What each thread of this process has used so far. Empty where the system does not say.
pub(crate) fn thread_times() -> Vec<ThreadTime> {
    let Ok(tasks) = std::fs::read_dir("/proc/self/task") else { return Vec::new() };
    let time = |task: std::fs::DirEntry| {
        let name = std::fs::read_to_string(task.path().join("comm")).ok()?;
        let used = std::fs::read_to_string(task.path().join("schedstat")).ok()?;
        let cpu_ns = used.split_whitespace().next()?.parse().ok()?;
        Some(ThreadTime { thread: name.trim().to_owned(), cpu_ns })
    };
    tasks.filter_map(|task| time(task.ok()?)).collect()
}

/// What each thread used between two looks. Threads that were not there before are left out.
pub(crate) fn used_between(before: &[ThreadTime], after: Vec<ThreadTime>) -> Vec<ThreadTime> {
    let since = |time: ThreadTime| {
        let earlier = before.iter().find(|earlier| earlier.thread == time.thread)?;
        Some(ThreadTime { cpu_ns: time.cpu_ns.saturating_sub(earlier.cpu_ns), ..time })
    };
    after.into_iter().filter_map(since).filter(|time| time.cpu_ns > 0).collect()
}

pub(crate) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// A thread that sleeps until `committed` moves, and notes when and how far.
pub(crate) struct Follower {
    thread: std::thread::JoinHandle<Vec<(u64, Instant)>>,
    stop: Arc<AtomicBool>,
}

impl Follower {
    /// Begins after the last committed record.
    pub fn start(watermarks: Watermarks) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("follower".to_owned()).spawn(move || {
            let mut notes = Vec::with_capacity(1 << 20);
            let mut seen = watermarks.committed();
            while !stopping.load(Ordering::Relaxed) {
                // A failure shows as a node that takes no commands any more.
                let reached =
                    watermarks.wait(Mark::Committed, seen + 1, Duration::from_millis(50)).unwrap_or(seen);
                if reached > seen {
                    notes.push((reached, Instant::now()));
                    seen = reached;
                }
            }
            notes
        });
        Self { thread: thread.expect("a thread can be started where four were"), stop }
    }

    /// The notes: records, each with the moment it and everything before it was seen committed.
    pub fn finish(self) -> Vec<(u64, Instant)> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().expect("a follower has nothing to panic about")
    }
}

/// The latencies of commands with tags from 1: `sent` gives the moment each counts from, by its tag less one, if it is
/// to be counted. A command's latency ends when its last event was seen committed.
pub(crate) fn latencies(
    store: &Path,
    from_sequence: u64,
    notes: &[(u64, Instant)],
    sent: impl Fn(u64) -> Option<Instant>,
) -> Result<Histogram<u64>, BenchError> {
    let mut histogram = histogram();
    let mut reader = Reader::open(store)?;
    reader.seek_sequence(from_sequence)?;
    let (mut note, mut waiting) = (0, None);
    let mut done = |sequence: u64, since: Instant| {
        while notes.get(note).is_some_and(|&(reached, _)| reached < sequence) {
            note += 1;
        }
        if let Some(&(_, at)) = notes.get(note) {
            histogram.saturating_record(nanos(at.saturating_duration_since(since)));
        }
    };
    while let Some(block) = reader.next_block()? {
        for record in block.records_from(from_sequence) {
            if record.kind < KIND_EVENT_FIRST {
                if let Some(since) = waiting.take() {
                    done(record.sequence - 1, since);
                }
                waiting = record
                    .tag
                    .checked_sub(1)
                    .filter(|_| record.tag != sequencer::SEQUENCER_TAG)
                    .and_then(&sent);
            }
        }
        if let Some(since) = waiting.take() {
            done(block.header().last_sequence(), since);
        }
    }
    Ok(histogram)
}
