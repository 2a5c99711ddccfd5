//! A real exchange for one scenario: the core loop over a store on disk, with a clock that is set by hand. What it did is
//! read from the committed log, never taken from the loop.

use engine::{NoRules, Rules, State};
use event_store::{Flusher, Options, Preparation, Reader, ReaderOptions};
use model::{Command, Configure, Event, KIND_EVENT_FIRST, NANOS_PER_DAY, Timestamp};
use order_book::OrderBook;
use plugin_host::{AuditMode, Desk, HiddenState};
use sequencer::core::{CoreLoop, Parts};
use sequencer::replay::{self, FoldError, Mismatch};
use sequencer::{
    Agent, Calendars, Durability, ManualClock, NodeConfig, Prepared, SnapshotError, Snapshotter, StartError,
    SubmitError, Submitter, prepare,
};
use std::path::PathBuf;

/// Size of a segment of a short scenario: small, since recovery looks at all of the last one.
const SEGMENT_BYTES_MIN: u64 = 1 << 18;

/// Segment bytes for each working order: a quarter of a segment holds a block in which every one of them trades.
const SEGMENT_BYTES_PER_ORDER: u64 = 512;

/// Bounds that a scenario of so many commands cannot reach, since a command makes at most one order, id, account
/// or instrument.
fn limits(commands: usize) -> Configure {
    let most = u32::try_from(commands).unwrap_or(u32::MAX).clamp(1 << 8, 1 << 22);
    Configure {
        max_order_ids: u64::from(most) * 2,
        max_working_orders: most,
        max_accounts: most,
        max_instruments: most,
        reserved: 0,
    }
}

/// What keeps the exchange itself from running. Never the fault of the scenario.
#[derive(Debug, thiserror::Error)]
pub enum ExchangeError {
    /// The temporary directory of the store cannot be made.
    #[error("no temporary directory for the store: {0}")]
    NoDirectory(std::io::Error),
    /// The exchange cannot be started or recovered.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The log cannot be read or flushed.
    #[error(transparent)]
    Store(#[from] event_store::Error),
    /// A command was not taken.
    #[error("a command was not taken: {0}")]
    Submit(SubmitError),
    /// Rules cannot be run here at all.
    #[error("rules cannot be run here: {0}")]
    Rules(plugin_host::BuildError),
    /// A rule answers otherwise on a fresh instance than on a used one.
    #[error("{0}")]
    HiddenState(HiddenState),
    /// The core loop has stopped for good.
    #[error("the core loop has stopped: {0}")]
    Stopped(Box<str>),
    /// The log cannot be folded.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// No snapshot could be taken.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// Recovery did not come to the state that was there before.
    #[error("recovery came to another state than the one before the crash, at record {sequence}")]
    RecoveredDiffers {
        /// The last record.
        sequence: u64,
    },
    /// A snapshot was taken and not used.
    #[error("recovery began at record {from:?}, not at the snapshot of record {taken}")]
    SnapshotUnused {
        /// The last record of the snapshot.
        taken: u64,
        /// The snapshot that was used instead, if one was.
        from: Option<u64>,
    },
    /// Running the log again gave other events.
    #[error("running the log again gave other events: {0:?}")]
    ReexecutedDiffers(Box<Mismatch>),
    /// Running the log again came to another state.
    #[error("running the log again came to another state")]
    ReexecutedState,
}

/// An exchange over a store on disk.
pub(crate) struct Exchange<B: OrderBook> {
    config: NodeConfig,
    clock: ManualClock,
    /// The time of the last block.
    now: Timestamp,
    /// `None` only while it is being crashed.
    running: Option<Running<B>>,
    /// The snapshot recovery began with.
    recovered_from: Option<u64>,
    /// Who runs the rules, if the scenario has any.
    desk: Option<Desk>,
}

/// What a crash takes away.
struct Running<B: OrderBook> {
    core: CoreLoop<B, Box<dyn Rules>, ManualClock>,
    submitter: Submitter,
    flusher: Flusher,
    reader: Reader,
}

impl<B: OrderBook> Exchange<B> {
    /// A new exchange in an empty directory, with room for a scenario of so many commands.
    pub fn new(
        store: PathBuf,
        now: Timestamp,
        commands: usize,
        desk: Option<Desk>,
    ) -> Result<Self, ExchangeError> {
        let limits = limits(commands);
        let segment_bytes = u64::from(limits.max_working_orders) * SEGMENT_BYTES_PER_ORDER;
        let config = NodeConfig {
            store,
            durability: Durability::Os,
            segment_bytes: segment_bytes.next_power_of_two().max(SEGMENT_BYTES_MIN),
            ring_capacity: 16,
            max_batch: 16,
            limits,
            calendars: Calendars::none(),
            ..NodeConfig::default()
        };
        let clock = ManualClock::new(now);
        let mut exchange = Self { config, clock, now, running: None, recovered_from: None, desk };
        exchange.recover()?;
        exchange.tick(now)?;
        Ok(exchange)
    }

    /// The state after the last command.
    pub fn state(&self) -> &State<B> {
        self.running().core.state()
    }

    /// Lets the time come that a command is stamped with: timers due at or before it fire, each at its own time, and
    /// days begin at midnight. Returns what happened.
    pub fn advance(&mut self, stamp: Timestamp) -> Result<Vec<Event>, ExchangeError> {
        loop {
            let midnight = Timestamp((i64::from(self.now.utc_day().0) + 1) * NANOS_PER_DAY);
            let timer = self.state().next_timer().unwrap_or(Timestamp::MAX);
            let next = midnight.min(timer);
            if next > stamp {
                return self.read();
            }
            self.tick(next)?;
        }
    }

    /// Executes a command. Returns what happened.
    pub fn execute(&mut self, stamp: Timestamp, command: Command) -> Result<Vec<Event>, ExchangeError> {
        const TAG: u64 = 1;
        self.running().submitter.submit(TAG, command).map_err(ExchangeError::Submit)?;
        self.tick(stamp)?;
        self.read()
    }

    /// Crashes: nothing is flushed, nothing is closed. Then recovers from the disk, and begins to read the log anew.
    /// Recovery must come to the state that was there.
    pub fn crash(&mut self) -> Result<(), ExchangeError> {
        let before = self.state().hash();
        self.running = None;
        self.recover()?;
        if self.state().hash() == before {
            Ok(())
        } else {
            Err(ExchangeError::RecoveredDiffers { sequence: self.last_sequence() })
        }
    }

    /// Takes a snapshot of everything, crashes, and recovers from it.
    pub fn reload(&mut self) -> Result<(), ExchangeError> {
        while self.running_mut().flusher.poll()? > 0 {}
        let taken = Snapshotter::<B>::new(&self.config.store).take()?.map_or(0, |taken| taken.info.sequence);
        self.crash()?;
        if self.recovered_from == Some(taken) && taken == self.last_sequence() {
            Ok(())
        } else {
            Err(ExchangeError::SnapshotUnused { taken, from: self.recovered_from })
        }
    }

    /// Runs every command of the log again, and compares every event and the state at the end.
    pub fn audit(&mut self) -> Result<(), ExchangeError> {
        while self.running_mut().flusher.poll()? > 0 {}
        let report = match &self.desk {
            None => replay::reexecute::<B, _>(&self.config.store, &mut NoRules, |_| ())?,
            Some(desk) => {
                let mut rules = desk.audit(AuditMode::Paranoid);
                let report = replay::reexecute::<B, _>(&self.config.store, &mut rules, |_| ())?;
                if let Some(finding) = rules.findings().first() {
                    return Err(ExchangeError::HiddenState(finding.clone()));
                }
                report
            }
        };
        if let Some(mismatch) = report.mismatches.first() {
            return Err(ExchangeError::ReexecutedDiffers(Box::new(mismatch.clone())));
        }
        let complete = report.sequence == self.last_sequence() && report.is_faithful();
        if complete && report.hash == self.state().hash() {
            Ok(())
        } else {
            Err(ExchangeError::ReexecutedState)
        }
    }

    /// The committed events that were not read yet.
    pub fn read(&mut self) -> Result<Vec<Event>, ExchangeError> {
        let mut events = Vec::new();
        while let Some(block) = self.running_mut().reader.next_block()? {
            for record in block.records().filter(|record| record.kind >= KIND_EVENT_FIRST) {
                let event = Event::decode(record.kind, record.version, record.payload)
                    .map_err(|source| FoldError::Record { sequence: record.sequence, source })?;
                events.push(event);
            }
        }
        Ok(events)
    }

    /// One turn of the core loop at a time, or as many as it has work for.
    fn tick(&mut self, now: Timestamp) -> Result<(), ExchangeError> {
        self.clock.set(now);
        self.now = self.now.max(now);
        let running = self.running.as_mut().expect("running but while it is being crashed");
        while running.core.poll() > 0 {}
        match running.core.fatal() {
            Some(fatal) => Err(ExchangeError::Stopped(fatal.to_string().into())),
            None => Ok(()),
        }
    }

    fn recover(&mut self) -> Result<(), ExchangeError> {
        let options = Options {
            segment_bytes: self.config.segment_bytes,
            preparation: Preparation::Inline,
            ..Options::small()
        };
        let Prepared { state, writer, flusher, schedule, first, recovery } = prepare(&self.config, &options)?;
        self.recovered_from = recovery.snapshot_sequence;
        let core = CoreLoop::new(Parts {
            state,
            rules: self.rules(),
            writer,
            clock: self.clock.clone(),
            schedule,
            first,
            ring_capacity: self.config.ring_capacity,
            max_batch: self.config.max_batch,
        });
        let submitter = core.submitter();
        let reader = Reader::with_options(&self.config.store, ReaderOptions::default())?;
        self.running = Some(Running { core, submitter, flusher, reader });
        Ok(())
    }

    fn rules(&self) -> Box<dyn Rules> {
        match &self.desk {
            Some(desk) => Box::new(desk.live()),
            None => Box::new(NoRules),
        }
    }

    fn last_sequence(&self) -> u64 {
        self.running().core.writer().next_sequence() - 1
    }

    fn running(&self) -> &Running<B> {
        self.running.as_ref().expect("running but while it is being crashed")
    }

    fn running_mut(&mut self) -> &mut Running<B> {
        self.running.as_mut().expect("running but while it is being crashed")
    }
}
