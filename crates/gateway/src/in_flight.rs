//! Commands whose answers somebody awaits: each carries a tag into the log, and whoever follows the log hands its
//! outcome back through here. Bounded; a command nobody awaits any more makes room at once.

use model::{Event, RejectReason, RuleActivated, Timestamp};
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use crossbeam_queue::ArrayQueue;
use tokio::sync::oneshot;

use crate::executions::Execution;

/// The most commands that can be in flight.
pub const MAX_IN_FLIGHT: usize = 1 << SLOT_BITS;
const SLOT_BITS: u32 = 20;

/// What came of a command: read from the log, and committed.
#[derive(Clone, Debug)]
pub struct Outcome {
    /// The command's sequence number. Its events follow it without a gap.
    pub sequence: u64,
    /// When, as the sequencer stamped it.
    pub time: Timestamp,
    /// Everything it caused, in order.
    pub events: Vec<Event>,
    /// What that did to which orders. Empty unless [`Wants::Executions`].
    pub executions: Vec<Execution>,
    /// The activation that rejected it, when a rule did.
    pub judged_by: Option<Box<RuleActivated>>,
}

/// Why the exchange refused a command.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Rejection {
    /// The reason.
    pub reason: RejectReason,
    /// The rule that said no and its own code, when the reason is `Rule`.
    pub rule: Option<(u16, u32)>,
}

impl Outcome {
    /// Why the exchange refused the command, if it did.
    pub fn rejection(&self) -> Option<Rejection> {
        // A refused command causes its refusal and nothing else, but for what rules had to say about it before.
        let (reason, rule) = match self.events.iter().find(|event| !is_aside(event))? {
            Event::OrderRejected(event) => (event.reason, (event.rule, event.rule_code)),
            Event::ReplaceRejected(event) => (event.reason, (event.rule, event.rule_code)),
            Event::CancelRejected(event) => (event.reason, (0, 0)),
            Event::CommandRejected(event) => (event.reason, (0, 0)),
            _ => return None,
        };
        Some(Rejection { reason, rule: (reason == RejectReason::Rule).then_some(rule) })
    }
}

/// Whether an event only tells of rules that were asked.
fn is_aside(event: &Event) -> bool {
    matches!(
        event,
        Event::RuleVerdict(_)
            | Event::RuleFaulted(_)
            | Event::RuleSuspended(_)
            | Event::RuleRecovered(_)
            | Event::RuleCounterChanged(_)
    )
}

/// How much of an outcome is wanted.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Wants {
    /// The events alone.
    Events,
    /// The events, and what they did to which orders.
    Executions,
}

/// Why no outcome is coming.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum NoOutcome {
    /// What follows the log has stopped. Whether the command was executed is not known.
    #[error("the exchange stopped before the answer came")]
    Abandoned,
    /// The log had no room for the command, which was not executed.
    #[error("the exchange has no room left for its log")]
    StoreFull,
}

#[derive(Debug, Default)]
struct Waiting {
    /// 0 when nobody waits here.
    tag: u64,
    wants: Option<Wants>,
    sender: Option<oneshot::Sender<Result<Outcome, NoOutcome>>>,
}

/// The table of commands in flight.
#[derive(Debug)]
pub struct InFlight {
    slots: Box<[Mutex<Waiting>]>,
    free: ArrayQueue<u32>,
    /// Counts tags; the high bits of the next one.
    turn: AtomicU64,
    awaited: AtomicUsize,
}

fn lock(slot: &Mutex<Waiting>) -> MutexGuard<'_, Waiting> {
    // Nothing panics while it holds the lock, and a waiting is replaced as a whole.
    slot.lock().unwrap_or_else(PoisonError::into_inner)
}

impl InFlight {
    /// A table with room for `capacity` commands, at least one and at most [`MAX_IN_FLIGHT`].
    pub fn new(capacity: usize) -> Arc<Self> {
        let capacity = capacity.clamp(1, MAX_IN_FLIGHT);
        let free = ArrayQueue::new(capacity);
        for slot in 0..u32::try_from(capacity).expect("at most MAX_IN_FLIGHT") {
            free.push(slot).expect("there is room for every slot");
        }
        Arc::new(Self {
            slots: (0..capacity).map(|_| Mutex::default()).collect(),
            free,
            turn: AtomicU64::new(1),
            awaited: AtomicUsize::new(0),
        })
    }

    /// How many commands are in flight.
    pub fn len(&self) -> usize {
        self.awaited.load(Ordering::Relaxed)
    }

    /// Whether no command is in flight.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most commands that can be in flight.
    pub fn capacity(&self) -> usize {
        self.slots.len()
    }

    /// A place to wait, or `None` if as many wait as may.
    pub fn enter(self: &Arc<Self>, wants: Wants) -> Option<Pending> {
        let slot = self.free.pop()?;
        // 44 bits of turns: never 0, and never all ones, for half a million years.
        let tag = self.turn.fetch_add(1, Ordering::Relaxed) << SLOT_BITS | u64::from(slot);
        let (sender, receiver) = oneshot::channel();
        *lock(&self.slots[slot as usize]) = Waiting { tag, wants: Some(wants), sender: Some(sender) };
        self.awaited.fetch_add(1, Ordering::Relaxed);
        Some(Pending { tag, receiver, in_flight: Arc::clone(self) })
    }

    fn slot(&self, tag: u64) -> Option<(u32, &Mutex<Waiting>)> {
        let slot = u32::try_from(tag & ((1 << SLOT_BITS) - 1)).expect("20 bits");
        Some((slot, self.slots.get(slot as usize)?))
    }

    /// Whether somebody waits for the outcome of the command with this tag, and how much of it is wanted.
    #[inline]
    pub fn wants(&self, tag: u64) -> Option<Wants> {
        let (_, slot) = self.slot(tag)?;
        let waiting = lock(slot);
        if waiting.tag == tag { waiting.wants } else { None }
    }

    /// Hands an outcome to whoever waits for it.
    pub fn complete(&self, tag: u64, outcome: Outcome) {
        if let Some(sender) = self.leave(tag) {
            // Who no longer waits does not need it.
            let _ = sender.send(Ok(outcome));
        }
    }

    /// Tells whoever waits that the command was not executed.
    pub fn refuse(&self, tag: u64, why: NoOutcome) {
        if let Some(sender) = self.leave(tag) {
            // Who no longer waits does not need it.
            let _ = sender.send(Err(why));
        }
    }

    /// Makes room again. Idempotent: a tag is used once.
    fn leave(&self, tag: u64) -> Option<oneshot::Sender<Result<Outcome, NoOutcome>>> {
        let (number, slot) = self.slot(tag)?;
        let mut waiting = lock(slot);
        if waiting.tag != tag || tag == 0 {
            return None;
        }
        let left = std::mem::take(&mut *waiting);
        drop(waiting);
        self.awaited.fetch_sub(1, Ordering::Relaxed);
        self.free.push(number).expect("a slot is free once");
        left.sender
    }

    /// Tells everybody who waits that nothing is coming.
    pub fn abandon_all(&self) {
        for slot in &self.slots {
            let tag = lock(slot).tag;
            if tag != 0 {
                self.leave(tag);
            }
        }
    }
}

/// An outcome to come: await it, or [`wait`](Pending::wait) for it on a thread. Dropping it makes room for another, and takes nothing
/// back: the command is on its way.
#[derive(Debug)]
pub struct Pending {
    tag: u64,
    receiver: oneshot::Receiver<Result<Outcome, NoOutcome>>,
    in_flight: Arc<InFlight>,
}

impl Pending {
    /// The tag the command carries into the log.
    pub const fn tag(&self) -> u64 {
        self.tag
    }

    /// Blocks the calling thread for the outcome, at most `timeout`. `None`: not yet.
    pub fn wait(&mut self, timeout: Duration) -> Option<Result<Outcome, NoOutcome>> {
        struct Unpark(std::thread::Thread);
        impl Wake for Unpark {
            fn wake(self: Arc<Self>) {
                self.0.unpark();
            }
        }
        let deadline = Instant::now() + timeout;
        let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
        loop {
            if let Poll::Ready(outcome) = pin!(&mut *self).poll(&mut Context::from_waker(&waker)) {
                return Some(outcome);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return None;
            }
            std::thread::park_timeout(left);
        }
    }
}

impl Future for Pending {
    type Output = Result<Outcome, NoOutcome>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.receiver).poll(context).map(|told| told.unwrap_or(Err(NoOutcome::Abandoned)))
    }
}

impl Drop for Pending {
    fn drop(&mut self) {
        self.in_flight.leave(self.tag);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(sequence: u64) -> Outcome {
        Outcome { sequence, time: Timestamp(1), events: Vec::new(), executions: Vec::new(), judged_by: None }
    }

    const NOW: Duration = Duration::ZERO;

    #[test]
    fn an_outcome_reaches_the_one_who_waits_for_it() {
        let in_flight = InFlight::new(2);
        let mut first = in_flight.enter(Wants::Events).unwrap();
        let mut second = in_flight.enter(Wants::Executions).unwrap();
        assert_ne!(first.tag(), second.tag());
        assert_eq!(in_flight.wants(first.tag()), Some(Wants::Events));
        assert_eq!(in_flight.wants(second.tag()), Some(Wants::Executions));
        in_flight.complete(second.tag(), outcome(2));
        assert!(first.wait(NOW).is_none());
        assert_eq!(second.wait(NOW).unwrap().unwrap().sequence, 2);
        in_flight.complete(first.tag(), outcome(1));
        assert_eq!(first.wait(NOW).unwrap().unwrap().sequence, 1);
    }

    #[test]
    fn the_table_is_bounded_and_who_leaves_makes_room() {
        let in_flight = InFlight::new(2);
        let first = in_flight.enter(Wants::Events).unwrap();
        let _second = in_flight.enter(Wants::Events).unwrap();
        assert!(in_flight.enter(Wants::Events).is_none());
        let tag = first.tag();
        drop(first);
        let third = in_flight.enter(Wants::Events).unwrap();
        // The late outcome of the first must not reach the third, which has its place.
        assert_ne!(third.tag(), tag);
        assert_eq!(in_flight.wants(tag), None);
        in_flight.complete(tag, outcome(9));
        assert_eq!(in_flight.len(), 2);
        in_flight.complete(third.tag(), outcome(3));
        drop(third);
        assert_eq!(in_flight.len(), 1);
    }

    #[test]
    fn tags_that_are_nobodys_are_nobodys() {
        let in_flight = InFlight::new(1);
        for tag in [0, 1, u64::MAX] {
            assert_eq!(in_flight.wants(tag), None);
            in_flight.complete(tag, outcome(1));
        }
        assert!(in_flight.is_empty());
    }

    #[test]
    fn who_waits_on_a_thread_is_woken() {
        let in_flight = InFlight::new(1);
        let mut pending = in_flight.enter(Wants::Events).unwrap();
        let (tag, other) = (pending.tag(), Arc::clone(&in_flight));
        let thread = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(20));
            other.complete(tag, outcome(5));
        });
        assert_eq!(pending.wait(Duration::from_secs(50)).unwrap().unwrap().sequence, 5);
        thread.join().unwrap();
        let mut pending = in_flight.enter(Wants::Events).unwrap();
        in_flight.abandon_all();
        assert_eq!(pending.wait(NOW).unwrap().unwrap_err(), NoOutcome::Abandoned);
        let mut pending = in_flight.enter(Wants::Events).unwrap();
        in_flight.refuse(pending.tag(), NoOutcome::StoreFull);
        assert_eq!(pending.wait(NOW).unwrap().unwrap_err(), NoOutcome::StoreFull);
    }
}
