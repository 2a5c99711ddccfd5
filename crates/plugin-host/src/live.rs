//! The rules on the trading thread. What is asked here is answered from an instance of the activation's component; when one has
//! trapped or run out of fuel it is thrown away, whatever it had in its memory, and a spare one goes on. In steady state nothing here
//! allocates, locks or makes a system call, as long as rules run as a [`Module`](crate::CallPath::Module).

use crate::desk::{Chore, Ready, Shared};
use crate::rule::{CallPath, RecipeKey};
use crate::statistics::{Counts, SAMPLE_EVERY, add};
use engine::{Outcome, RiskRow, Rules, ValidationRow};
use model::{ActivationId, CounterKey, MAX_RULE_CODE, RuleActivated, RuleFault, RuleKind};
use std::mem;
use std::sync::Arc;
use std::time::Instant;

/// Orders that a validation rule judges in one call, at most.
pub const MAX_BATCH: usize = 64;
/// Orders that are judged ahead of their turn, at most; those beyond are judged one by one.
pub const MAX_PREPARED: usize = 1024;

/// Runs the rules that are in force, from a [`Desk`](crate::Desk).
pub struct LiveRules {
    shared: Arc<Shared>,
    seats: Vec<Seat>,
    /// After how many calls an instance is replaced, fault or not; `u32::MAX` for never.
    renew_after: u32,
}

/// An activation.
struct Seat {
    activation: ActivationId,
    /// Whether the rule may change a counter.
    counts_something: bool,
    /// `None`: it cannot be run.
    ready: Option<Ready>,
    counts: Arc<Counts>,
    batch: Batch,
    /// Calls since the instance was new.
    calls: u32,
    /// Calls until the next one is timed.
    until_sample: u32,
}

/// Answers that were given ahead of their turn.
struct Batch {
    rows: Vec<ValidationRow>,
    /// As many as there are rows, each a valid answer.
    codes: Vec<u32>,
    /// Where the next row is looked for first.
    next: usize,
    /// What a call returned.
    answer: Vec<u32>,
    /// How many orders the rule is asked about at once: as many as it can surely judge with the fuel of one call.
    size: usize,
}

impl LiveRules {
    pub(crate) fn new(shared: Arc<Shared>) -> Self {
        Self { shared, seats: Vec::new(), renew_after: u32::MAX }
    }

    /// The same, with instances that are replaced every so many calls.
    pub(crate) fn renewing(shared: Arc<Shared>, renew_after: u32) -> Self {
        Self { shared, seats: Vec::new(), renew_after: renew_after.max(1) }
    }

    fn seat(&mut self, activation: ActivationId) -> Option<(&Shared, &mut Seat, u32)> {
        let seat = self.seats.iter_mut().find(|seat| seat.activation == activation)?;
        Some((&self.shared, seat, self.renew_after))
    }
}

impl Rules for LiveRules {
    fn restore(&mut self, active: &[RuleActivated]) {
        for seat in mem::take(&mut self.seats) {
            seat.end(&self.shared);
        }
        for event in active {
            self.activated(event);
        }
    }

    fn activated(&mut self, event: &RuleActivated) {
        self.ended(event.activation);
        // A reporting rule is never asked about an order.
        if event.kind == RuleKind::Reporting {
            return;
        }
        let seat = Seat::new(&self.shared, event);
        self.seats.push(seat);
    }

    fn ended(&mut self, activation: ActivationId) {
        if let Some(at) = self.seats.iter().position(|seat| seat.activation == activation) {
            self.seats.remove(at).end(&self.shared);
        }
    }

    fn prepare(&mut self, activation: ActivationId, rows: &[ValidationRow]) {
        if let Some((shared, seat, renew_after)) = self.seat(activation) {
            seat.prepare(shared, rows, renew_after);
        }
    }

    fn validation(&mut self, activation: ActivationId, row: &ValidationRow) -> Outcome {
        let Some((shared, seat, renew_after)) = self.seat(activation) else {
            return Outcome::Fault(RuleFault::Unavailable);
        };
        let outcome = match seat.batch.find(row) {
            Some(code) => outcome(code),
            None => seat.validation(shared, row, renew_after),
        };
        seat.counts.outcome(outcome);
        outcome
    }

    fn risk(&mut self, activation: ActivationId, row: &RiskRow) -> (Outcome, i64) {
        let Some((shared, seat, renew_after)) = self.seat(activation) else {
            return (Outcome::Fault(RuleFault::Unavailable), 0);
        };
        let (outcome, delta) = seat.risk(shared, row, renew_after);
        seat.counts.outcome(outcome);
        (outcome, delta)
    }
}

/// What a code means.
pub(crate) fn outcome(code: u32) -> Outcome {
    match code {
        0 => Outcome::Accept,
        1..=MAX_RULE_CODE => Outcome::Reject(code),
        _ => Outcome::Fault(RuleFault::OutOfRange),
    }
}

/// What the answer of a risk rule means: its verdict, and what it adds to its counter.
pub(crate) fn risk_outcome(answer: u64, counts_something: bool) -> (Outcome, i64) {
    let verdict = u32::try_from(answer & u64::from(MAX_RULE_CODE)).expect("16 bits fit in 32");
    let delta = answer.cast_signed() >> 16;
    if delta != 0 && !counts_something {
        return (Outcome::Fault(RuleFault::OutOfRange), 0);
    }
    (outcome(verdict), delta)
}

impl Seat {
    fn new(shared: &Shared, event: &RuleActivated) -> Self {
        let ready = shared.take(&RecipeKey::of(event)).map_err(|error| error.to_string());
        let path = ready.as_ref().map(|ready| ready.recipe.rule.path()).map_err(Clone::clone);
        let counts = Arc::new(Counts::new(event.activation, event.component, path));
        shared.count(Arc::clone(&counts));
        Self {
            activation: event.activation,
            counts_something: event.counter_key != CounterKey::None,
            ready: ready.ok(),
            counts,
            batch: Batch {
                rows: Vec::with_capacity(MAX_PREPARED),
                codes: Vec::with_capacity(MAX_PREPARED),
                next: 0,
                answer: Vec::with_capacity(MAX_BATCH),
                size: MAX_BATCH,
            },
            calls: 0,
            until_sample: 0,
        }
    }

    fn end(self, shared: &Shared) {
        self.counts.end();
        if let Some(ready) = self.ready {
            // A rollback would want it again.
            shared.chore(Chore::Shelve(ready));
        }
    }

    /// Whether this call is one of those that are timed.
    fn is_sample(&mut self) -> bool {
        let sample = self.until_sample == 0;
        self.until_sample = if sample { SAMPLE_EVERY } else { self.until_sample } - 1;
        sample
    }

    /// Throws the instance away and goes on with a spare one.
    fn replace(&mut self, shared: &Shared) {
        self.calls = 0;
        let Some(ready) = &mut self.ready else { return };
        let fresh = ready.spare.pop().map_or_else(|| ready.recipe.build(), Ok);
        match fresh {
            Ok(fresh) => {
                let old = mem::replace(&mut ready.instance, fresh);
                shared.chore(Chore::Bury(old));
                shared.chore(Chore::Refill(Arc::clone(&ready.recipe), Arc::clone(&ready.spare)));
                add(&self.counts.replaced, 1);
            }
            // It was made before, so only a machine at its end can get here.
            Err(error) => {
                self.counts.unavailable(error.to_string());
                self.ready = None;
            }
        }
    }

    /// After a call: counts it, and replaces an instance that failed or has been used enough.
    fn after(&mut self, shared: &Shared, failed: bool, renew_after: u32) {
        self.calls += 1;
        if failed || self.calls >= renew_after {
            self.replace(shared);
        }
    }

    fn risk(&mut self, shared: &Shared, row: &RiskRow, renew_after: u32) -> (Outcome, i64) {
        let start = self.is_sample().then(Instant::now);
        let Some(ready) = &mut self.ready else { return (Outcome::Fault(RuleFault::Unavailable), 0) };
        let answer = match ready.instance.risk(row) {
            Ok(answer) => risk_outcome(answer, self.counts_something),
            Err(fault) => (Outcome::Fault(fault), 0),
        };
        self.counts.fuel.add(ready.instance.spent(), 1);
        if let Some(start) = start {
            self.counts.latency.add(nanoseconds(start), 1);
            self.counts.memory(ready.instance.memory_used());
        }
        self.after(shared, matches!(answer.0, Outcome::Fault(_)), renew_after);
        answer
    }

    fn validation(&mut self, shared: &Shared, row: &ValidationRow, renew_after: u32) -> Outcome {
        let start = self.is_sample().then(Instant::now);
        let Some(ready) = &mut self.ready else { return Outcome::Fault(RuleFault::Unavailable) };
        let answer = match ready.instance.validation(std::slice::from_ref(row), &mut self.batch.answer) {
            Ok(()) => {
                self.batch.answer.first().map_or(Outcome::Fault(RuleFault::OutOfRange), |&code| outcome(code))
            }
            Err(fault) => Outcome::Fault(fault),
        };
        self.counts.fuel.add(ready.instance.spent(), 1);
        if let Some(start) = start {
            self.counts.latency.add(nanoseconds(start), 1);
            self.counts.memory(ready.instance.memory_used());
        }
        self.after(shared, matches!(answer, Outcome::Fault(_)), renew_after);
        answer
    }

    fn prepare(&mut self, shared: &Shared, rows: &[ValidationRow], renew_after: u32) {
        self.batch.clear();
        let mut rest = &rows[..rows.len().min(MAX_PREPARED)];
        while let Some((rows, later)) =
            rest.split_at_checked(self.batch.size.min(rest.len())).filter(|(rows, _)| !rows.is_empty())
        {
            self.batch(shared, rows, renew_after);
            rest = later;
        }
    }

    /// Judges orders with the fuel of one call. If that fails for one of them, they are judged one by one when they are asked for:
    /// what becomes of an order never depends on its neighbours.
    fn batch(&mut self, shared: &Shared, rows: &[ValidationRow], renew_after: u32) {
        let start = self.is_sample().then(Instant::now);
        let Some(ready) = &mut self.ready else { return };
        let done = ready.instance.validation(rows, &mut self.batch.answer);
        let each = ready.instance.spent() / rows.len() as u64;
        let good = done.is_ok() && self.batch.answer.iter().all(|&code| code <= MAX_RULE_CODE);
        if good {
            self.batch.rows.extend_from_slice(rows);
            self.batch.codes.extend_from_slice(&self.batch.answer);
            let (fuel, most) = (ready.recipe.fuel, MAX_BATCH as u64);
            // Half of the fuel is left for orders that cost more than these.
            let size = (fuel / 2).checked_div(each).unwrap_or(most).clamp(1, most);
            self.batch.size = usize::try_from(size).expect("it is at most 64");
            self.counts.fuel.add(each, rows.len() as u64);
            add(&self.counts.batches, 1);
        } else {
            if done == Err(RuleFault::OutOfFuel) {
                self.batch.size = (rows.len() / 2).max(1);
            }
            add(&self.counts.failed_batches, 1);
        }
        if let Some(start) = start {
            self.counts.latency.add(nanoseconds(start) / rows.len() as u64, rows.len() as u64);
            self.counts.memory(ready.instance.memory_used());
        }
        self.after(shared, !good, renew_after);
    }
}

fn nanoseconds(start: Instant) -> u64 {
    u64::try_from(start.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

impl Batch {
    fn clear(&mut self) {
        self.rows.clear();
        self.codes.clear();
        self.next = 0;
    }

    /// The answer for a row that was judged ahead. Orders come in the order in which they were shown, but some never come, and
    /// one that comes may have changed since: then it is another row, and not found.
    #[inline]
    fn find(&mut self, row: &ValidationRow) -> Option<u32> {
        let at = self.rows.get(self.next..)?.iter().position(|known| known == row)?;
        let found = self.next + at;
        self.next = found + 1;
        self.codes.get(found).copied()
    }
}

impl std::fmt::Debug for LiveRules {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let seats = self.seats.iter().map(|seat| {
            let path: Option<CallPath> = seat.ready.as_ref().map(|ready| ready.recipe.rule.path());
            (seat.activation, path)
        });
        f.debug_map().entries(seats).finish()
    }
}
