//! The thread that follows the log: it folds what was committed into the [`Model`], and hands outcomes to those who wait
//! for them. Nothing is told before it is committed, and nothing before the model has it: a question after an
//! answer sees what the answer said.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use event_store::{Block, Mark, Reader, Record};
use model::{DecodeError, Event, KIND_EVENT_FIRST, RejectReason, RuleActivated, RuleId, Timestamp};
use order_book::Book;
use sequencer::Node;
use sequencer::replay::{FoldError, FoldOptions, fold_with};

use crate::config::HistoryConfig;
use crate::executions::At;
use crate::in_flight::{InFlight, NoOutcome, Outcome, Wants};
use crate::read_model::Model;

/// The most records folded before questions get their turn, about a millisecond's worth.
const RECORDS_PER_TURN: u64 = 2_048;
/// Looks at the log that find nothing before the follower sleeps.
const IDLE_YIELDS: u32 = 16;
/// The longest sleep without a look at whether to stop.
const SLEEP_MAX: Duration = Duration::from_millis(20);

/// Why the log cannot be followed.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    /// The log cannot be read, or will not grow any more.
    #[error(transparent)]
    Store(#[from] event_store::Error),
    /// The log cannot be folded.
    #[error(transparent)]
    Fold(#[from] FoldError),
    /// A record that this build does not understand.
    #[error("record {sequence}: {source}")]
    Record {
        /// Its sequence number.
        sequence: u64,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// The node has stopped for good; see [`Node::fatal`].
    #[error("the exchange has stopped")]
    NodeStopped,
    /// The thread that follows cannot be started.
    #[error("no thread to follow the log: {0}")]
    Thread(std::io::Error),
}

/// Follows the log of a node.
pub(crate) struct Follower {
    pub node: Arc<Node>,
    pub reader: Reader,
    pub model: Arc<RwLock<Model>>,
    pub in_flight: Arc<InFlight>,
    pub stop: Arc<AtomicBool>,
    /// Outcomes that wait for the end of a turn.
    pub ready: Vec<(u64, Outcome)>,
}

/// A command of the block being folded, and what it caused so far.
struct Running {
    tag: u64,
    wants: Wants,
    outcome: Outcome,
}

/// A model of everything committed so far, and a reader that stands after it.
pub(crate) fn catch_up(node: &Node, kept: HistoryConfig) -> Result<(Model, Reader), FollowError> {
    let options = FoldOptions { bound: Mark::Committed, checksums: false, ..FoldOptions::default() };
    let folded = fold_with::<Book>(node.store(), options)?;
    let last = folded.sequence;
    let mut reader = node.reader()?;
    let first = last.saturating_sub(kept.records_at_start).max(1);
    let mut history_from = Timestamp::NONE;
    if first > 1 {
        reader.seek_sequence(first)?;
        // The block that holds `first` counts as a whole.
        if let Some(block) = reader.next_block()? {
            history_from = Timestamp(block.header().timestamp_ns);
        }
    }
    let mut model = Model::new(kept, history_from);
    while reader.next_sequence() <= last {
        let Some(block) = reader.next_block()? else { break };
        let time = Timestamp(block.header().timestamp_ns);
        for record in block.records().filter(|record| record.kind >= KIND_EVENT_FIRST) {
            model.remember(&decode(&record)?, At { sequence: record.sequence, time });
        }
    }
    model.adopt(folded.state, last, folded.timestamp.unwrap_or_default());
    Ok((model, reader))
}

fn decode(record: &Record<'_>) -> Result<Event, FollowError> {
    Event::decode(record.kind, record.version, record.payload)
        .map_err(|source| FollowError::Record { sequence: record.sequence, source })
}

impl Follower {
    /// Follows until told to stop, or until the log cannot be followed any more.
    pub fn run(mut self) -> Result<(), FollowError> {
        let mut idle = 0;
        while !self.stop.load(Ordering::Acquire) {
            if self.turn()? > 0 {
                idle = 0;
                continue;
            }
            idle += 1;
            if idle < IDLE_YIELDS {
                std::thread::yield_now();
                continue;
            }
            self.refuse_late();
            self.node.wait_committed(self.reader.next_sequence(), SLEEP_MAX)?;
            if self.node.fatal().is_some() {
                return Err(FollowError::NodeStopped);
            }
        }
        Ok(())
    }

    /// Folds some of what was committed since, and tells those who wait. Returns how many records that was.
    fn turn(&mut self) -> Result<u64, FollowError> {
        let Self { reader, model, in_flight, ready, .. } = self;
        // Looked for first, so that questions are not disturbed when there is nothing.
        if reader.bound() < reader.next_sequence() {
            return Ok(0);
        }
        let mut records = 0;
        {
            // A panic under the lock is a bug that ends this thread; what was read before it stays readable.
            let mut model = model.write().unwrap_or_else(PoisonError::into_inner);
            while records < RECORDS_PER_TURN {
                let Some(block) = reader.next_block()? else { break };
                records += u64::from(block.header().record_count);
                fold(&block, &mut model, in_flight, ready)?;
            }
        }
        for (tag, outcome) in ready.drain(..) {
            in_flight.complete(tag, outcome);
        }
        Ok(records)
    }

    fn refuse_late(&self) {
        while let Some(refusal) = self.node.next_refusal() {
            self.in_flight.refuse(refusal.tag, NoOutcome::StoreFull);
        }
    }
}

/// The activation that rejected an order. Looked up at its place in the log: a moment later another may be in force.
#[inline]
fn judge(model: &Model, event: &Event) -> Option<Box<RuleActivated>> {
    let (reason, rule) = match event {
        Event::OrderRejected(event) => (event.reason, event.rule),
        Event::ReplaceRejected(event) => (event.reason, event.rule),
        _ => return None,
    };
    let rule = (reason == RejectReason::Rule).then(|| model.state().rule(RuleId(rule)))??;
    rule.enforced.activation.clone()
}

/// Folds one block. A command and its events never straddle blocks.
fn fold(
    block: &Block<'_>,
    model: &mut Model,
    in_flight: &InFlight,
    ready: &mut Vec<(u64, Outcome)>,
) -> Result<(), FollowError> {
    let time = Timestamp(block.header().timestamp_ns);
    let mut running: Option<Running> = None;
    let mut settle = |running: Option<Running>| {
        if let Some(Running { tag, outcome, .. }) = running {
            ready.push((tag, outcome));
        }
    };
    for record in block.records() {
        let at = At { sequence: record.sequence, time };
        if record.kind < KIND_EVENT_FIRST {
            settle(running.take());
            running = in_flight.wants(record.tag).map(|wants| Running {
                tag: record.tag,
                wants,
                outcome: Outcome {
                    sequence: record.sequence,
                    time,
                    events: Vec::new(),
                    executions: Vec::new(),
                    judged_by: None,
                },
            });
            continue;
        }
        let event = decode(&record)?;
        match &mut running {
            None => model.apply(&event, at, |_| {}),
            Some(running) => {
                let executions = &mut running.outcome.executions;
                match running.wants {
                    Wants::Events => model.apply(&event, at, |_| {}),
                    Wants::Executions => model.apply(&event, at, |execution| executions.push(execution)),
                }
                if let Some(judge) = judge(model, &event) {
                    running.outcome.judged_by = Some(judge);
                }
                running.outcome.events.push(event);
            }
        }
    }
    settle(running);
    model.reached(At { sequence: block.header().last_sequence(), time });
    Ok(())
}
