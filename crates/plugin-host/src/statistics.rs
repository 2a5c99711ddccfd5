//! What a rule does, counted: by the trading thread alone, with plain stores to memory that any thread may read. Nothing here
//! locks or waits, and a reader that comes between two stores sees a count that is one behind.

use crate::rule::CallPath;
use engine::Outcome;
use model::{ActivationId, ComponentHash, RuleFault};
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Codes that are counted one by one; a rule with more has the others counted together.
const MAX_CODES: usize = 64;
/// Powers of two up to 2^47: of fuel, more than any ceiling; of nanoseconds, a day and a half.
const BUCKETS: usize = 48;
/// Every how manieth call has its time taken. Reading the clock twice costs as much as the call.
pub(crate) const SAMPLE_EVERY: u32 = 64;

/// Counts of one activation since this process took it in.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Statistics {
    /// Which activation.
    pub activation: ActivationId,
    /// Its component.
    pub component: ComponentHash,
    /// Why it cannot be run, if it cannot.
    pub unavailable: Option<String>,
    /// How it is called.
    pub path: Option<CallPath>,
    /// Whether it has ended.
    pub has_ended: bool,
    /// Orders accepted.
    pub accepts: u64,
    /// Orders rejected, by code, in the order in which the codes first came up.
    pub rejects: Vec<(u32, u64)>,
    /// Orders rejected with a code beyond the ones counted one by one.
    pub other_rejects: u64,
    /// Orders that it could not judge, by fault.
    pub faults: Vec<(RuleFault, u64)>,
    /// Batches judged as one.
    pub batches: u64,
    /// Batches that failed and were judged order by order.
    pub failed_batches: u64,
    /// Instances that were thrown away after a fault.
    pub replaced: u64,
    /// The most memory an instance had when it was looked at, in bytes.
    pub memory_bytes: u64,
    /// Fuel for an order.
    pub fuel: Histogram,
    /// Time for an order, in nanoseconds. One call in 64 is timed.
    pub latency_ns: Histogram,
}

/// How often values of a size came up.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Histogram {
    /// The bucket at `n` counts values from 2^(n-1) up to but not including 2^n; the first counts zeros.
    pub buckets: [u64; BUCKETS],
    /// The sum of the values.
    pub sum: u64,
    /// The largest.
    pub max: u64,
}

impl Histogram {
    /// How many values.
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The mean, rounded down.
    pub fn mean(&self) -> u64 {
        self.sum.checked_div(self.count()).unwrap_or(0)
    }

    /// A bound below which at least `per_mille` thousandths of the values are, at most twice the value itself.
    pub fn at_most(&self, per_mille: u64) -> u64 {
        let count = self.count();
        let mut seen = 0;
        for (bucket, many) in self.buckets.iter().enumerate() {
            seen += many;
            if u128::from(seen) * 1000 >= u128::from(count) * u128::from(per_mille) {
                return if bucket == 0 { 0 } else { self.max.min((1 << bucket) - 1) };
            }
        }
        self.max
    }
}

impl Statistics {
    /// Orders judged, or not.
    pub fn calls(&self) -> u64 {
        let rejects: u64 = self.rejects.iter().map(|(_, count)| count).sum();
        let faults: u64 = self.faults.iter().map(|(_, count)| count).sum();
        self.accepts + rejects + self.other_rejects + faults
    }
}

/// The counts themselves. Written by one thread.
pub(crate) struct Counts {
    activation: ActivationId,
    component: ComponentHash,
    path: Mutex<Result<CallPath, String>>,
    has_ended: AtomicBool,
    accepts: AtomicU64,
    codes: [(AtomicU32, AtomicU64); MAX_CODES],
    other_rejects: AtomicU64,
    faults: [AtomicU64; RuleFault::ALL.len()],
    pub(crate) batches: AtomicU64,
    pub(crate) failed_batches: AtomicU64,
    pub(crate) replaced: AtomicU64,
    memory_bytes: AtomicU64,
    pub(crate) fuel: Buckets,
    pub(crate) latency: Buckets,
}

pub(crate) struct Buckets {
    counts: [AtomicU64; BUCKETS],
    sum: AtomicU64,
    max: AtomicU64,
}

/// Adds, where only one thread writes: a load and a store, not the locked instruction that a shared counter takes.
pub(crate) fn add(counter: &AtomicU64, more: u64) {
    counter.store(counter.load(Ordering::Relaxed).wrapping_add(more), Ordering::Relaxed);
}

impl Buckets {
    fn new() -> Self {
        Self {
            counts: [const { AtomicU64::new(0) }; BUCKETS],
            sum: AtomicU64::new(0),
            max: AtomicU64::new(0),
        }
    }

    /// Counts `times` values.
    #[inline]
    pub(crate) fn add(&self, value: u64, times: u64) {
        let bucket = (u64::BITS - value.leading_zeros()) as usize;
        add(&self.counts[bucket.min(BUCKETS - 1)], times);
        add(&self.sum, value.wrapping_mul(times));
        if value > self.max.load(Ordering::Relaxed) {
            self.max.store(value, Ordering::Relaxed);
        }
    }

    fn read(&self) -> Histogram {
        Histogram {
            buckets: std::array::from_fn(|at| self.counts[at].load(Ordering::Relaxed)),
            sum: self.sum.load(Ordering::Relaxed),
            max: self.max.load(Ordering::Relaxed),
        }
    }
}

impl Counts {
    pub(crate) fn new(
        activation: ActivationId,
        component: ComponentHash,
        path: Result<CallPath, String>,
    ) -> Self {
        Self {
            activation,
            component,
            path: Mutex::new(path),
            has_ended: AtomicBool::new(false),
            accepts: AtomicU64::new(0),
            codes: [const { (AtomicU32::new(0), AtomicU64::new(0)) }; MAX_CODES],
            other_rejects: AtomicU64::new(0),
            faults: [const { AtomicU64::new(0) }; RuleFault::ALL.len()],
            batches: AtomicU64::new(0),
            failed_batches: AtomicU64::new(0),
            replaced: AtomicU64::new(0),
            memory_bytes: AtomicU64::new(0),
            fuel: Buckets::new(),
            latency: Buckets::new(),
        }
    }

    #[inline]
    pub(crate) fn outcome(&self, outcome: Outcome) {
        match outcome {
            Outcome::Accept => add(&self.accepts, 1),
            Outcome::Reject(code) => self.reject(code),
            Outcome::Fault(fault) => add(&self.faults[fault as usize - 1], 1),
        }
    }

    fn reject(&self, code: u32) {
        for (known, count) in &self.codes {
            let found = known.load(Ordering::Relaxed);
            if found == 0 {
                known.store(code, Ordering::Relaxed);
            }
            if found == 0 || found == code {
                return add(count, 1);
            }
        }
        add(&self.other_rejects, 1);
    }

    pub(crate) fn memory(&self, bytes: usize) {
        self.memory_bytes.store(bytes as u64, Ordering::Relaxed);
    }

    pub(crate) fn unavailable(&self, why: String) {
        *self.path.lock().unwrap_or_else(PoisonError::into_inner) = Err(why);
    }

    pub(crate) fn end(&self) {
        self.has_ended.store(true, Ordering::Relaxed);
    }

    pub(crate) fn has_ended(&self) -> bool {
        self.has_ended.load(Ordering::Relaxed)
    }

    pub(crate) fn read(&self) -> Statistics {
        let load = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        let path = self.path.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let codes = self.codes.iter().map(|(code, count)| (code.load(Ordering::Relaxed), load(count)));
        Statistics {
            activation: self.activation,
            component: self.component,
            path: path.as_ref().ok().copied(),
            unavailable: path.err(),
            has_ended: self.has_ended(),
            accepts: load(&self.accepts),
            rejects: codes.filter(|(code, _)| *code != 0).collect(),
            other_rejects: load(&self.other_rejects),
            faults: RuleFault::ALL
                .iter()
                .map(|fault| (*fault, load(&self.faults[*fault as usize - 1])))
                .collect(),
            batches: load(&self.batches),
            failed_batches: load(&self.failed_batches),
            replaced: load(&self.replaced),
            memory_bytes: load(&self.memory_bytes),
            fuel: self.fuel.read(),
            latency_ns: self.latency.read(),
        }
    }
}
