//! How far the projection of this exchange is: written by whoever runs it, shown by `/v1/status` and `/metrics`. The gateway itself
//! knows nothing of files for analysts.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::api::{ProjectedRule, ProjectionStatus};

/// What is known of the projection.
#[derive(Debug, Default)]
pub struct Projected {
    sequence: AtomicU64,
    failures: AtomicU64,
    running: AtomicBool,
    told: Mutex<Told>,
}

#[derive(Debug, Default)]
struct Told {
    trouble: Option<String>,
    rules: Vec<ProjectedRule>,
}

impl Projected {
    /// The file has everything up to a record, and these are its rules.
    pub fn reached(&self, sequence: u64, rules: Vec<ProjectedRule>) {
        self.sequence.store(sequence, Ordering::Relaxed);
        self.running.store(true, Ordering::Relaxed);
        let mut told = self.told();
        told.trouble = None;
        told.rules = rules;
    }

    /// It failed, and why.
    pub fn failed(&self, trouble: String) {
        self.failures.fetch_add(1, Ordering::Relaxed);
        self.running.store(false, Ordering::Relaxed);
        self.told().trouble = Some(trouble);
    }

    /// How it is, beside a log that is committed so far.
    pub fn status(&self, committed: u64) -> ProjectionStatus {
        let sequence = self.sequence.load(Ordering::Relaxed);
        let told = self.told();
        ProjectionStatus {
            running: self.running.load(Ordering::Relaxed),
            sequence,
            behind: committed.saturating_sub(sequence),
            failures: self.failures.load(Ordering::Relaxed),
            trouble: told.trouble.clone(),
            rules: told.rules.clone(),
        }
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Told> {
        // Every change under the lock is one step.
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
