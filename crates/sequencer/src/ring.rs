//! The inbound ring: where gateways leave commands for the core loop. Bounded, so that a full exchange says `Busy`
//! at once instead of queueing without end.

use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use crossbeam_queue::ArrayQueue;
use crossbeam_utils::CachePadded;
use model::Command;

use crate::agent::Duty;

/// The tag of the sequencer's own commands (calendar and timers). Submitters must not use it.
pub const SEQUENCER_TAG: u64 = u64::MAX;

/// The smallest and largest ring, in commands.
pub const RING_CAPACITY_RANGE: std::ops::RangeInclusive<usize> = 1..=1 << 22;

/// Why a command was not taken. Nothing of it is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// The inbound ring is full. Try again, later rather than sooner.
    #[error("the exchange is busy: its inbound ring is full")]
    Busy,
    /// The node is stopping, or has stopped.
    #[error("the exchange has stopped")]
    Stopped,
    /// The log has no room. Commands are taken again when the operator has made some.
    #[error("the exchange has no room left for its log")]
    StoreFull,
}

/// A command on its way to the core loop.
#[derive(Debug)]
pub struct Envelope {
    /// The caller's own word for it, recorded with the command.
    pub tag: u64,
    /// What is asked.
    pub command: Command,
}

/// Whether the ring takes commands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Gate {
    Open = 0,
    StoreFull = 1,
    Stopped = 2,
}

/// A command that was taken from the ring while the log had no room, and refused: [`SubmitError::StoreFull`], told late.
/// Nothing of it is in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refusal {
    /// The tag it was submitted with.
    pub tag: u64,
}

/// The ring, shared by all submitters and the core loop.
#[derive(Debug)]
pub(crate) struct Inbound {
    queue: ArrayQueue<Envelope>,
    /// Answers to commands that never reached the log. Nobody need collect them: what does not fit is only counted.
    refusals: ArrayQueue<Refusal>,
    gate: CachePadded<AtomicU8>,
    refused_busy: CachePadded<AtomicU64>,
    refused_full: AtomicU64,
    duty: Arc<Duty>,
}

impl Inbound {
    /// A ring with room for `capacity` commands, whose consumer sleeps at the bell of `duty`.
    pub fn new(capacity: usize, duty: Arc<Duty>) -> Arc<Self> {
        Arc::new(Self {
            queue: ArrayQueue::new(capacity),
            refusals: ArrayQueue::new(capacity),
            gate: CachePadded::new(AtomicU8::new(Gate::Open as u8)),
            refused_busy: CachePadded::default(),
            refused_full: AtomicU64::new(0),
            duty,
        })
    }

    /// Takes the oldest command out.
    #[inline]
    pub fn pop(&self) -> Option<Envelope> {
        self.queue.pop()
    }

    /// Commands in the ring.
    pub fn depth(&self) -> usize {
        self.queue.len()
    }

    /// Commands there is room for.
    pub fn capacity(&self) -> usize {
        self.queue.capacity()
    }

    /// Opens the ring or shuts it. A stopped ring stays stopped.
    pub fn set_gate(&self, gate: Gate) {
        let _ = self.gate.fetch_update(Ordering::AcqRel, Ordering::Acquire, |now| {
            (now != Gate::Stopped as u8).then_some(gate as u8)
        });
    }

    /// Commands refused because the ring was full, and because the store was.
    pub fn refused(&self) -> (u64, u64) {
        (self.refused_busy.load(Ordering::Relaxed), self.refused_full.load(Ordering::Relaxed))
    }

    /// Opens the ring, if it was shut because the store was full.
    #[inline]
    pub fn open(&self) {
        if self.is_store_full() {
            self.set_gate(Gate::Open);
        }
    }

    /// Whether the ring is shut because the store is full.
    #[inline]
    pub fn is_store_full(&self) -> bool {
        self.gate.load(Ordering::Relaxed) == Gate::StoreFull as u8
    }

    /// Whether the ring takes commands.
    pub fn is_open(&self) -> bool {
        self.gate.load(Ordering::Relaxed) == Gate::Open as u8
    }

    /// Refuses a command that was taken from the ring, because the store is full.
    pub fn refuse_taken(&self, refusal: Refusal) {
        self.refused_full.fetch_add(1, Ordering::Relaxed);
        let _ = self.refusals.push(refusal);
    }

    /// The oldest refusal nobody has collected.
    pub fn next_refusal(&self) -> Option<Refusal> {
        self.refusals.pop()
    }

    #[cold]
    fn refuse(&self) -> SubmitError {
        if self.gate.load(Ordering::Acquire) == Gate::Stopped as u8 {
            return SubmitError::Stopped;
        }
        self.refused_full.fetch_add(1, Ordering::Relaxed);
        SubmitError::StoreFull
    }
}

/// Hands commands to the core loop. Cheap to clone, one for every thread that likes.
#[derive(Debug, Clone)]
pub struct Submitter {
    inbound: Arc<Inbound>,
}

impl Submitter {
    pub(crate) fn new(inbound: Arc<Inbound>) -> Self {
        Self { inbound }
    }

    /// Leaves a command for the core loop, or says at once why not: never waits. `tag` is recorded with the command,
    /// so that whoever follows the log finds the answer; any value but [`SEQUENCER_TAG`].
    ///
    /// `Ok` is no promise yet: the command counts when it is in the log at or below `committed`.
    #[inline]
    pub fn submit(&self, tag: u64, command: Command) -> Result<(), SubmitError> {
        debug_assert_ne!(tag, SEQUENCER_TAG, "this tag marks the sequencer's own commands");
        let inbound = &*self.inbound;
        if inbound.gate.load(Ordering::Relaxed) != Gate::Open as u8 {
            return Err(inbound.refuse());
        }
        if inbound.queue.push(Envelope { tag, command }).is_err() {
            inbound.refused_busy.fetch_add(1, Ordering::Relaxed);
            return Err(SubmitError::Busy);
        }
        inbound.duty.bell.ring();
        Ok(())
    }

    /// Commands waiting in the ring, and how many it has room for.
    pub fn depth(&self) -> (usize, usize) {
        (self.inbound.depth(), self.inbound.capacity())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{AdvanceTime, Timestamp};

    fn command() -> Command {
        AdvanceTime { now: Timestamp(1) }.into()
    }

    #[test]
    fn a_full_ring_is_busy_and_says_how_often() {
        let inbound = Inbound::new(2, Duty::new());
        let submitter = Submitter::new(Arc::clone(&inbound));
        let answers: Vec<_> = (0..4).map(|tag| submitter.submit(tag, command())).collect();
        assert_eq!(answers, [Ok(()), Ok(()), Err(SubmitError::Busy), Err(SubmitError::Busy)]);
        assert_eq!(inbound.refused(), (2, 0));
        assert_eq!(inbound.pop().map(|envelope| envelope.tag), Some(0));
        assert_eq!(submitter.submit(9, command()), Ok(()));
        assert_eq!(submitter.depth(), (2, 2));
    }

    #[test]
    fn a_shut_gate_says_why_and_a_stopped_one_stays_shut() {
        let inbound = Inbound::new(2, Duty::new());
        let submitter = Submitter::new(Arc::clone(&inbound));
        inbound.set_gate(Gate::StoreFull);
        assert_eq!(submitter.submit(1, command()), Err(SubmitError::StoreFull));
        inbound.set_gate(Gate::Open);
        assert_eq!(submitter.submit(1, command()), Ok(()));
        inbound.set_gate(Gate::Stopped);
        inbound.set_gate(Gate::Open);
        assert_eq!(submitter.submit(1, command()), Err(SubmitError::Stopped));
        assert_eq!(inbound.refused(), (0, 1));
    }

    #[test]
    fn an_envelope_stays_small() {
        assert!(size_of::<Envelope>() <= 96, "{}", size_of::<Envelope>());
    }
}
