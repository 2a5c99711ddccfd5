//! A node: the store, the core loop and its helpers, each on its thread, started and stopped in the right order.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use engine::{NoRules, Rules};
use event_store::{Durability, Flusher, Mark, Options, Reader, ReaderOptions, Recovery, Watermarks, Writer};
use order_book::{Book, OrderBook};

use crate::agent::{Agent, Duty, PinError, Worker};
use crate::calendar::{Calendars, Schedule};
use crate::clock::{Clock, SystemClock};
use crate::config::{ConfigError, NodeConfig, check_block};
use crate::core::{CoreLoop, Parts};
use crate::fault::{FatalError, Fault};
use crate::replay::{FoldError, FoldOptions, Folded, fold_with};
use crate::ring::{Gate, Inbound, Refusal, Submitter};
use crate::snapshotter::SnapshotDuty;
use crate::status::{
    CalendarStatus, Counters, NodeStatus, RecoveryStatus, RingStatus, SnapshotStatus, WatermarkStatus,
};

/// Polls without work before the flusher's thread sleeps: it yields in between.
const FLUSHER_SPINS: u32 = 32;

/// Why a node cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The store cannot be opened.
    #[error(transparent)]
    Store(#[from] event_store::Error),
    /// The log cannot be folded.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// A thread cannot be started or pinned.
    #[error(transparent)]
    Thread(#[from] PinError),
}

/// Why a node did not stop properly. What was acknowledged is safe all the same.
#[derive(Debug, thiserror::Error)]
pub enum StopError {
    /// The last flush failed.
    #[error(transparent)]
    Store(#[from] event_store::Error),
    /// Something had stopped the node before; see [`Node::fatal`].
    #[error("the node had failed before: {0}")]
    Failed(String),
}

/// What the threads of a node share.
struct Shared {
    store: PathBuf,
    durability: Durability,
    watermarks: Watermarks,
    inbound: Arc<Inbound>,
    counters: Arc<Counters>,
    fault: Arc<Fault>,
    core: Arc<Duty>,
    snapshots: Arc<Mutex<SnapshotStatus>>,
    snapshot_duty: Arc<Duty>,
    /// The writer is gone, and will not come back.
    core_done: AtomicBool,
    /// Tests only: end as a crash would, without flushing or closing anything.
    crashing: AtomicBool,
    recovery: RecoveryStatus,
    calendars: Vec<CalendarStatus>,
}

/// A running exchange core. Dropping it stops it.
pub struct Node {
    shared: Arc<Shared>,
    core: Option<Worker<Option<Flusher>>>,
    flusher: Option<Worker<Result<(), event_store::Error>>>,
    snapshotter: Option<Worker<()>>,
}

/// A store that was opened and folded, ready to run.
pub struct Prepared<B: OrderBook> {
    /// The state at the end of the log.
    pub state: engine::State<B>,
    /// Appends.
    pub writer: Writer,
    /// Makes durable.
    pub flusher: Flusher,
    /// The boundaries to come.
    pub schedule: Schedule,
    /// `Configure`, if the log is empty.
    pub first: Option<model::Command>,
    /// What opening and folding found.
    pub recovery: RecoveryStatus,
}

/// Opens or creates the store and folds it: what [`Node::start`] does before it starts threads.
pub fn prepare<B: OrderBook>(config: &NodeConfig, options: &Options) -> Result<Prepared<B>, StartError> {
    config.check()?;
    let started = Instant::now();
    let opened = Writer::open(&config.store, options)?;
    let open_time = started.elapsed();
    let fold = FoldOptions {
        bound: Mark::Written,
        file_system: Arc::clone(&options.file_system),
        ..FoldOptions::default()
    };
    let folded = fold_with::<B>(&config.store, fold)?;
    let first = (folded.sequence == 0).then(|| config.limits.into());
    if first.is_none() {
        // An existing log has bounds and segments of its own.
        check_block(folded.state.bounds().max_working_orders, opened.writer.max_block_bytes() as u64)?;
    }
    let schedule = Schedule::new(config.calendars.clone(), folded.timestamp);
    let recovery = recovery_status(&opened.recovery, &folded, open_time);
    Ok(Prepared {
        state: folded.state,
        writer: opened.writer,
        flusher: opened.flusher,
        schedule,
        first,
        recovery,
    })
}

impl<B: OrderBook> Prepared<B> {
    /// The core loop and the flusher, to be polled without threads of their own: for scenarios and benchmarks.
    pub fn into_loop<R: Rules, C: Clock>(
        self,
        config: &NodeConfig,
        rules: R,
        clock: C,
    ) -> (CoreLoop<B, R, C>, Flusher) {
        let (parts, flusher, _) = self.into_parts(config, rules, clock);
        (CoreLoop::new(parts), flusher)
    }

    fn into_parts<R, C>(
        self,
        config: &NodeConfig,
        rules: R,
        clock: C,
    ) -> (Parts<B, R, C>, Flusher, RecoveryStatus) {
        let parts = Parts {
            state: self.state,
            rules,
            writer: self.writer,
            clock,
            schedule: self.schedule,
            first: self.first,
            ring_capacity: config.ring_capacity,
            max_batch: config.max_batch,
        };
        (parts, self.flusher, self.recovery)
    }
}

/// The settings of the store that follow from those of the node.
pub fn store_options(config: &NodeConfig) -> Options {
    Options { segment_bytes: config.segment_bytes, durability: config.durability, ..Options::default() }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

fn recovery_status<B: OrderBook>(
    store: &Recovery,
    folded: &Folded<B>,
    open_time: Duration,
) -> RecoveryStatus {
    RecoveryStatus {
        created: store.created,
        clean: store.clean,
        last_sequence: folded.sequence,
        snapshot_sequence: folded.report.snapshot,
        records_replayed: folded.report.records,
        open_ns: nanos(open_time),
        replay_ns: nanos(folded.report.load_time + folded.report.fold_time),
        torn: store.torn.map(|torn| {
            format!(
                "{} in segment {} at offset {}: {} bytes after record {} were erased",
                torn.damage,
                torn.segment,
                torn.offset,
                torn.bytes_erased,
                torn.first_sequence - 1
            )
        }),
        warnings: folded.report.skipped.iter().map(ToString::to_string).collect(),
    }
}

fn calendar_status(calendars: &Calendars) -> Vec<CalendarStatus> {
    let status = |calendar: &crate::calendar::Calendar| CalendarStatus {
        name: calendar.name().to_string(),
        covered_until: calendar.covered_until().map(|date| date.to_string()),
    };
    calendars.iter().map(status).collect()
}

impl Node {
    /// Opens or creates the store, recovers, and starts the core loop, the flusher and the snapshots.
    pub fn start(config: NodeConfig) -> Result<Self, StartError> {
        Self::start_with(config, SystemClock, NoRules)
    }

    /// As [`Node::start`], with another clock and with rules.
    #[expect(clippy::needless_pass_by_value, reason = "the settings are the node's from now on")]
    pub fn start_with(
        config: NodeConfig,
        clock: impl Clock + 'static,
        rules: impl Rules + Send + 'static,
    ) -> Result<Self, StartError> {
        let prepared = prepare::<Book>(&config, &store_options(&config))?;
        let (parts, flusher, recovery) = prepared.into_parts(&config, rules, clock);
        let core = Duty::new();
        let inbound = Inbound::new(config.ring_capacity, Arc::clone(&core));
        let shared = Arc::new(Shared {
            store: config.store.clone(),
            durability: config.durability,
            watermarks: parts.writer.watermarks(),
            inbound,
            counters: Arc::default(),
            fault: Arc::default(),
            core,
            snapshots: Arc::default(),
            snapshot_duty: Duty::new(),
            core_done: AtomicBool::new(false),
            crashing: AtomicBool::new(false),
            calendars: calendar_status(&config.calendars),
            recovery,
        });
        let mut node = Self { shared, core: None, flusher: None, snapshotter: None };
        node.start_threads(&config, parts, flusher)?;
        Ok(node)
    }

    /// If one cannot be started, dropping the node ends those that were.
    fn start_threads(
        &mut self,
        config: &NodeConfig,
        parts: Parts<Book, impl Rules + Send + 'static, impl Clock + 'static>,
        flusher: Flusher,
    ) -> Result<(), StartError> {
        let shared = &self.shared;
        let (with_core, alone) =
            if config.share_thread { (Some(flusher), None) } else { (None, Some(flusher)) };
        if let Some(flusher) = alone {
            let theirs = Arc::clone(shared);
            let body = move || run_flusher(flusher, &theirs);
            self.flusher = Some(Worker::spawn("flusher", config.flusher_cpu, body)?);
        }
        if config.snapshot_every != crate::config::SnapshotEvery::NEVER {
            let snapshots = SnapshotDuty {
                store: config.store.clone(),
                every: config.snapshot_every,
                watermarks: shared.watermarks.clone(),
                status: Arc::clone(&shared.snapshots),
                duty: Arc::clone(&shared.snapshot_duty),
                last: shared.recovery.snapshot_sequence.unwrap_or(0),
            };
            self.snapshotter = Some(Worker::spawn("snapshots", None, move || snapshots.run::<Book>())?);
        }
        let theirs = Arc::clone(shared);
        let wait = config.wait;
        let body = move || run_core(parts, with_core, wait, &theirs);
        match Worker::spawn("core", config.core_cpu, body) {
            Ok(core) => self.core = Some(core),
            Err(error) => {
                // The writer went with the thread that was not started.
                shared.core_done.store(true, Ordering::Release);
                return Err(error.into());
            }
        }
        Ok(())
    }

    /// A handle to leave commands with.
    pub fn submitter(&self) -> Submitter {
        Submitter::new(Arc::clone(&self.shared.inbound))
    }

    /// A reader of the log, from the first record, bounded by `committed`. It follows the tail, so it checks no checksums.
    pub fn reader(&self) -> Result<Reader, event_store::Error> {
        Reader::with_options(&self.shared.store, ReaderOptions::tail())
    }

    /// The store's directory.
    pub fn store(&self) -> &Path {
        &self.shared.store
    }

    /// The last committed record.
    #[inline]
    pub fn committed(&self) -> u64 {
        self.shared.watermarks.committed()
    }

    /// Sleeps until `committed` has reached `sequence`, at most `timeout`, and returns where it stands then. Costs the
    /// core thread nothing: it is the flusher that wakes sleepers. An error means that it will not move again.
    pub fn wait_committed(&self, sequence: u64, timeout: Duration) -> Result<u64, event_store::Error> {
        self.shared.watermarks.wait(Mark::Committed, sequence, timeout)
    }

    /// A handle to the watermarks, for those who wait on another thread.
    pub fn watermarks(&self) -> Watermarks {
        self.shared.watermarks.clone()
    }

    /// The oldest late refusal: a command that [`Submitter::submit`] took and that the full log then had no room for.
    pub fn next_refusal(&self) -> Option<Refusal> {
        self.shared.inbound.next_refusal()
    }

    /// What starting found and did.
    pub fn recovery(&self) -> &RecoveryStatus {
        &self.shared.recovery
    }

    /// What stopped the node for good, if something did. It takes and acknowledges nothing any more.
    pub fn fatal(&self) -> Option<&FatalError> {
        self.shared.fault.get()
    }

    /// Everything the node says about itself.
    pub fn status(&self) -> NodeStatus {
        let shared = &*self.shared;
        let (refused_busy, refused_store_full) = shared.inbound.refused();
        NodeStatus {
            store: shared.store.clone(),
            durability: match shared.durability {
                Durability::Fsync => "fsync",
                Durability::Os => "os",
            },
            watermarks: WatermarkStatus {
                written: shared.watermarks.written(),
                chained: shared.watermarks.get(Mark::Chained),
                durable: shared.watermarks.durable(),
                committed: shared.watermarks.committed(),
            },
            ring: RingStatus {
                depth: shared.inbound.depth(),
                capacity: shared.inbound.capacity(),
                accepting: shared.inbound.is_open(),
                refused_busy,
                refused_store_full,
            },
            core: shared.counters.read(),
            recovery: shared.recovery.clone(),
            snapshots: shared.snapshots.lock().unwrap_or_else(PoisonError::into_inner).clone(),
            calendars: shared.calendars.clone(),
            fatal: self.fatal().map(ToString::to_string),
        }
    }

    /// Takes no more commands, executes those in the ring, makes everything durable and closes the store.
    pub fn stop(mut self) -> Result<(), StopError> {
        self.end()
    }

    /// Ends as a crash would: what is in the ring is lost, nothing is flushed or closed.
    #[doc(hidden)]
    pub fn crash(mut self) {
        self.shared.crashing.store(true, Ordering::Release);
        // There is nothing to report about a crash.
        let _ = self.end();
    }

    fn end(&mut self) -> Result<(), StopError> {
        let shared = &self.shared;
        shared.inbound.set_gate(Gate::Stopped);
        shared.snapshot_duty.stop();
        shared.core.stop();
        let with_core = self.core.take().and_then(Worker::join).flatten();
        let snapshots = self.snapshotter.take();
        if let Some(snapshots) = snapshots {
            snapshots.join();
        }
        let crashing = shared.crashing.load(Ordering::Acquire);
        if let Some(flusher) = with_core.filter(|_| !crashing) {
            flusher.close()?;
        }
        let flushed = self.flusher.take().map(Worker::join);
        match shared.fault.get() {
            Some(fatal) => Err(StopError::Failed(fatal.to_string())),
            None => flushed.flatten().unwrap_or(Ok(())).map_err(StopError::from),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // `stop` is there for those who want to know.
        let _ = self.end();
    }
}

/// Sets the fault if the thread it stands in panics.
struct Sentry<'a> {
    thread: &'static str,
    shared: &'a Shared,
}

impl Drop for Sentry<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.shared.fault.set(FatalError::Panicked { thread: self.thread });
            self.shared.inbound.set_gate(Gate::Stopped);
        }
    }
}

/// The body of the core thread. Gives back the flusher, if it was on this thread too.
fn run_core<R: Rules, C: Clock>(
    parts: Parts<Book, R, C>,
    flusher: Option<Flusher>,
    wait: crate::wait::WaitStrategy,
    shared: &Arc<Shared>,
) -> Option<Flusher> {
    let _sentry = Sentry { thread: "core", shared };
    // Declared before the writer, so that it is told after the writer is gone, also by a panic.
    let _done = Done(shared);
    let (inbound, counters, fault) = (&shared.inbound, &shared.counters, &shared.fault);
    let core = CoreLoop::with(parts, Arc::clone(inbound), Arc::clone(counters), Arc::clone(fault));
    let (core, flusher) = match flusher {
        None => {
            let mut core = core;
            shared.core.run(&mut core, wait);
            (core, None)
        }
        Some(flusher) => {
            let mut both = (core, FlusherAgent { flusher, shared });
            shared.core.run(&mut both, wait);
            (both.0, Some(both.1.flusher))
        }
    };
    if !shared.crashing.load(Ordering::Acquire) {
        core.finish();
    }
    flusher
}

struct Done<'a>(&'a Shared);

impl Drop for Done<'_> {
    fn drop(&mut self) {
        self.0.core_done.store(true, Ordering::Release);
    }
}

/// The flusher on the core's thread.
struct FlusherAgent<'a> {
    flusher: Flusher,
    shared: &'a Shared,
}

impl Agent for FlusherAgent<'_> {
    fn poll(&mut self) -> usize {
        self.flusher.poll().unwrap_or_else(|error| {
            flusher_failed(self.shared, error);
            0
        })
    }
}

fn flusher_failed(shared: &Shared, error: event_store::Error) {
    shared.inbound.set_gate(Gate::Stopped);
    shared.fault.set(FatalError::Store(error));
}

/// The body of the flusher thread: until the writer is gone and everything is safe.
fn run_flusher(mut flusher: Flusher, shared: &Shared) -> Result<(), event_store::Error> {
    let _sentry = Sentry { thread: "flusher", shared };
    let mut idle = 0;
    loop {
        let done = shared.core_done.load(Ordering::Acquire);
        if done && shared.crashing.load(Ordering::Acquire) {
            return Ok(());
        }
        match flusher.poll() {
            Err(error) => {
                flusher_failed(shared, error);
                return Ok(());
            }
            Ok(0) if done => return flusher.close(),
            Ok(0) if idle < FLUSHER_SPINS => {
                idle += 1;
                std::thread::yield_now();
            }
            Ok(0) => flusher.sleep(),
            Ok(_) => idle = 0,
        }
    }
}
