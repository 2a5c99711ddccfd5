//! Folding a store back into a state: recovery, time travel, `outcry state hash`, and the audit that runs every command
//! again and compares.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use engine::{Ahead, Rules, State, WINDOW_MAX, decide, evolve, evolve_telling};
use event_store::fs::{Disk, FileSystem};
use event_store::{Block, ChainHash, Mark, Reader, ReaderOptions, Record};
use model::{Command, DecodeError, Event, KIND_EVENT_FIRST, Timestamp};
use order_book::OrderBook;

use crate::snapshot::{self, SkippedSnapshot, StateHash};

/// Why a log cannot be folded.
#[derive(Debug, thiserror::Error)]
pub enum FoldError {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] event_store::Error),
    /// A record that this build does not understand.
    #[error("record {sequence}: {source}")]
    Record {
        /// Its sequence number.
        sequence: u64,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// The log ends before the record asked for.
    #[error("the log ends at record {last_sequence}, before {asked}")]
    NotThere {
        /// The record asked for.
        asked: u64,
        /// The last record there is.
        last_sequence: u64,
    },
}

/// How to fold a store.
#[derive(Debug, Clone)]
pub struct FoldOptions {
    /// The last record to apply; `None` for all there are.
    pub up_to: Option<u64>,
    /// Nothing past this mark is applied.
    pub bound: Mark,
    /// Whether to begin with a snapshot, if there is a good one.
    pub snapshots: bool,
    /// Whether each block's checksum is checked.
    pub checksums: bool,
    /// Whether client order ids are remembered. Only who decides, or asks for an order by its client's id, needs them.
    pub client_order_ids: bool,
    /// Where the log is.
    pub file_system: Arc<dyn FileSystem>,
}

impl Default for FoldOptions {
    fn default() -> Self {
        Self {
            up_to: None,
            bound: Mark::Committed,
            snapshots: true,
            checksums: true,
            client_order_ids: true,
            file_system: Arc::new(Disk),
        }
    }
}

/// A state, and where in the log it stands.
#[derive(Debug)]
pub struct Folded<B: OrderBook> {
    /// The state.
    pub state: State<B>,
    /// The last record applied; 0 for none.
    pub sequence: u64,
    /// The time of the last block applied, at least in part.
    pub timestamp: Option<Timestamp>,
    /// How it came about.
    pub report: FoldReport,
}

/// How a state came about.
#[derive(Debug, Default)]
pub struct FoldReport {
    /// The last record of the snapshot that was used.
    pub snapshot: Option<u64>,
    /// Snapshots that were skipped.
    pub skipped: Vec<SkippedSnapshot>,
    /// Records read after the snapshot, commands included.
    pub records: u64,
    /// How long loading the snapshot took.
    pub load_time: Duration,
    /// How long folding took.
    pub fold_time: Duration,
}

/// The state after record `up_to`, or after the last committed one: newest good snapshot, then the tail.
pub fn fold<B: OrderBook>(store: &Path, up_to: Option<u64>) -> Result<Folded<B>, FoldError> {
    fold_with(store, FoldOptions { up_to, ..FoldOptions::default() })
}

/// As [`fold`], with all the options.
pub fn fold_with<B: OrderBook>(store: &Path, options: FoldOptions) -> Result<Folded<B>, FoldError> {
    let up_to = options.up_to;
    let mut follower = Follower::open(store, options)?;
    follower.catch_up(up_to)?;
    if let Some(asked) = up_to
        && follower.sequence < asked
    {
        return Err(FoldError::NotThere { asked, last_sequence: follower.sequence });
    }
    let Follower { state, sequence, timestamp, report, .. } = follower;
    Ok(Folded { state, sequence, timestamp, report })
}

/// A state that follows a log.
pub(crate) struct Follower<B: OrderBook> {
    pub state: State<B>,
    /// The last record applied.
    pub sequence: u64,
    pub timestamp: Option<Timestamp>,
    pub reader: Reader,
    pub report: FoldReport,
    /// The hash chain after the last block applied, once the flusher has filled it in.
    pub chain: Option<ChainHash>,
}

impl<B: OrderBook> Follower<B> {
    /// Stands at the newest good snapshot, or before the first record.
    pub fn open(store: &Path, options: FoldOptions) -> Result<Self, FoldError> {
        let settings = ReaderOptions {
            bound: options.bound,
            checksums: options.checksums,
            file_system: options.file_system,
        };
        let mut reader = Reader::with_options(store, settings)?;
        let started = Instant::now();
        let mut report = FoldReport::default();
        let up_to = options.up_to.unwrap_or(u64::MAX);
        let found = if options.snapshots {
            snapshot::load_newest::<B>(&mut reader, up_to, &mut report.skipped)?
        } else {
            None
        };
        report.load_time = started.elapsed();
        let of = |state: State<B>| {
            if options.client_order_ids { state } else { state.without_client_order_ids() }
        };
        let Some(found) = found else {
            reader.seek_segment(1)?;
            return Ok(Self {
                state: of(State::default()),
                sequence: 0,
                timestamp: None,
                reader,
                report,
                chain: None,
            });
        };
        report.snapshot = Some(found.info.sequence);
        Ok(Self {
            state: of(found.state),
            sequence: found.info.sequence,
            timestamp: Some(found.info.timestamp),
            reader,
            report,
            chain: Some(found.info.chain),
        })
    }

    /// Applies what has come since, up to a record; further than that this follower cannot go afterwards.
    pub fn catch_up(&mut self, up_to: Option<u64>) -> Result<(), FoldError> {
        let started = Instant::now();
        let up_to = up_to.unwrap_or(u64::MAX);
        while self.sequence < up_to {
            let Some(block) = self.reader.next_block()? else { break };
            let applied = apply(&mut self.state, &block, up_to)?;
            self.report.records += applied;
            self.sequence += applied;
            self.timestamp = Some(Timestamp(block.header().timestamp_ns));
            self.chain = block.chain_hash();
        }
        self.report.fold_time += started.elapsed();
        Ok(())
    }

    /// The hash chain after the last block applied; waits a little for the flusher to fill it in.
    pub fn wait_chained(&mut self, patience: Duration) -> Result<Option<ChainHash>, FoldError> {
        let started = Instant::now();
        while self.chain.is_none() && self.sequence > 0 {
            self.reader.seek_sequence(self.sequence)?;
            self.chain = self.reader.next_block()?.and_then(|block| block.chain_hash());
            if self.chain.is_none() {
                if started.elapsed() >= patience {
                    break;
                }
                std::thread::sleep(Duration::from_millis(1));
            }
        }
        Ok(self.chain)
    }
}

/// Applies the events of a block up to a record. Returns how many records that was.
fn apply<B: OrderBook>(state: &mut State<B>, block: &Block<'_>, up_to: u64) -> Result<u64, FoldError> {
    let mut window = Vec::with_capacity(WINDOW_MAX);
    let mut count = 0;
    for record in block.records().take_while(|record| record.sequence <= up_to) {
        if record.kind >= KIND_EVENT_FIRST {
            window.push(event(&record)?);
            if window.len() == WINDOW_MAX {
                apply_window(state, &mut window);
            }
        }
        count += 1;
    }
    apply_window(state, &mut window);
    Ok(count)
}

/// Applies a few events, after looking ahead for all of them.
#[inline]
fn apply_window<B: OrderBook>(state: &mut State<B>, window: &mut Vec<Event>) {
    let mut ahead = [Ahead::NOTHING; WINDOW_MAX];
    for (ahead, event) in ahead.iter_mut().zip(&*window) {
        *ahead = Ahead::of_event(event);
    }
    state.warm(&ahead[..window.len()]);
    for event in window.drain(..) {
        evolve(state, &event);
    }
}

fn event(record: &Record<'_>) -> Result<Event, FoldError> {
    Event::decode(record.kind, record.version, record.payload)
        .map_err(|source| FoldError::Record { sequence: record.sequence, source })
}

/// Differences an audit reports in full; more are counted.
pub const MISMATCHES_SHOWN: usize = 10;

/// A command whose events come out differently when it is run again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mismatch {
    /// The command's sequence number.
    pub sequence: u64,
    /// The command.
    pub command: Command,
    /// How many of its events are the same, from the first.
    pub same: usize,
    /// The first event in the log that is not, if there is one.
    pub recorded: Option<Event>,
    /// What came out instead, if something did.
    pub reexecuted: Option<Event>,
}

/// What running every command again showed.
#[derive(Debug)]
pub struct ReexecuteReport {
    /// Commands run.
    pub commands: u64,
    /// Events compared.
    pub events: u64,
    /// The last record compared.
    pub sequence: u64,
    /// The first differences, at most [`MISMATCHES_SHOWN`].
    pub mismatches: Vec<Mismatch>,
    /// How many there are.
    pub mismatch_count: u64,
    /// Events that follow no command, which cannot be.
    pub orphans: u64,
    /// The hash of the state that came out.
    pub hash: StateHash,
    /// The hash of the state that recovery would come to: from a snapshot, if there is a good one.
    pub folded_hash: StateHash,
    /// How long it took.
    pub elapsed: Duration,
}

impl ReexecuteReport {
    /// Whether everything came out as it is in the log.
    pub fn is_faithful(&self) -> bool {
        self.mismatch_count == 0 && self.orphans == 0 && self.hash == self.folded_hash
    }
}

/// Runs every committed command again with `rules`, and compares every event with the log, bit for bit, and the state
/// at the end with what recovery comes to. `progress` is told the last record compared, block by block.
pub fn reexecute<B: OrderBook, R: Rules>(
    store: &Path,
    rules: &mut R,
    mut progress: impl FnMut(u64),
) -> Result<ReexecuteReport, FoldError> {
    let started = Instant::now();
    let mut reader = Reader::open(store)?;
    rules.restore(&[]);
    // Both states must stand at the same record, though the exchange may be running.
    let folded = fold::<B>(store, None)?;
    let folded_hash = folded.state.hash();
    let mut audit = Audit {
        state: State::<B>::default(),
        events: Vec::new(),
        running: None,
        report: ReexecuteReport {
            commands: 0,
            events: 0,
            sequence: 0,
            mismatches: Vec::new(),
            mismatch_count: 0,
            orphans: 0,
            hash: folded_hash,
            folded_hash,
            elapsed: Duration::ZERO,
        },
    };
    while audit.report.sequence < folded.sequence {
        let Some(block) = reader.next_block()? else { break };
        audit.block(&block, rules)?;
        progress(audit.report.sequence);
    }
    audit.report.hash = audit.state.hash();
    audit.report.elapsed = started.elapsed();
    Ok(audit.report)
}

/// An audit under way.
struct Audit<B: OrderBook> {
    state: State<B>,
    /// What the running command causes this time.
    events: Vec<Event>,
    running: Option<Running>,
    report: ReexecuteReport,
}

/// A command whose events are being compared.
struct Running {
    sequence: u64,
    command: Command,
    /// Events compared so far.
    compared: usize,
    /// The first that differed.
    mismatch: Option<Mismatch>,
}

impl<B: OrderBook> Audit<B> {
    fn block<R: Rules>(&mut self, block: &Block<'_>, rules: &mut R) -> Result<(), FoldError> {
        let now = Timestamp(block.header().timestamp_ns);
        for record in block.records() {
            if record.kind >= KIND_EVENT_FIRST {
                self.compare(&event(&record)?, rules);
            } else {
                self.settle();
                let command = Command::decode(record.kind, record.version, record.payload)
                    .map_err(|source| FoldError::Record { sequence: record.sequence, source })?;
                self.events.clear();
                decide(&self.state, now, &command, rules, &mut self.events);
                self.report.commands += 1;
                self.running =
                    Some(Running { sequence: record.sequence, command, compared: 0, mismatch: None });
            }
            self.report.sequence = record.sequence;
        }
        // A command and its events never straddle blocks.
        self.settle();
        Ok(())
    }

    /// Compares a recorded event with what came out this time, and applies the recorded one.
    fn compare<R: Rules>(&mut self, recorded: &Event, rules: &mut R) {
        self.report.events += 1;
        evolve_telling(&mut self.state, recorded, rules);
        let Some(running) = &mut self.running else {
            self.report.orphans += 1;
            return;
        };
        let reexecuted = self.events.get(running.compared);
        if reexecuted == Some(recorded) || running.mismatch.is_some() {
            running.compared += 1;
            return;
        }
        let reexecuted = reexecuted.cloned();
        running.mismatch = Some(running.differs(Some(recorded.clone()), reexecuted));
    }

    /// Ends the running command: nothing more may have come out than is in the log.
    fn settle(&mut self) {
        let Some(running) = self.running.take() else { return };
        let more = self.events.get(running.compared);
        let mismatch = match running.mismatch {
            None => more.map(|event| running.differs(None, Some(event.clone()))),
            mismatch => mismatch,
        };
        if let Some(mismatch) = mismatch {
            self.report.mismatch_count += 1;
            if self.report.mismatches.len() < MISMATCHES_SHOWN {
                self.report.mismatches.push(mismatch);
            }
        }
    }
}

impl Running {
    fn differs(&self, recorded: Option<Event>, reexecuted: Option<Event>) -> Mismatch {
        Mismatch {
            sequence: self.sequence,
            command: self.command.clone(),
            same: self.compared,
            recorded,
            reexecuted,
        }
    }
}
