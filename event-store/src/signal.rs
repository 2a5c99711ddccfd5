//! Waking sleepers at next to no cost for those who wake: a fence and a load while nobody sleeps, a lock and a
//! system call only when somebody does (an "event count").

use std::time::Duration;

use crate::sync::{AtomicU32, Condvar, Mutex, MutexGuard, Ordering, fence};

/// A place to sleep until a condition, kept in atomics elsewhere, may have become true.
#[derive(Debug)]
pub struct Signal {
    sleepers: AtomicU32,
    lock: Mutex<()>,
    wake: Condvar,
}

impl Default for Signal {
    fn default() -> Self {
        Self::new()
    }
}

impl Signal {
    /// Nobody sleeps yet.
    pub fn new() -> Self {
        Self { sleepers: AtomicU32::new(0), lock: Mutex::new(()), wake: Condvar::new() }
    }

    /// Wakes every sleeper. Call it after making the condition true.
    #[inline]
    pub fn notify(&self) {
        // Pairs with the fence in `wait_until`: either the sleeper sees the condition, or we see the sleeper.
        fence(Ordering::SeqCst);
        if self.sleepers.load(Ordering::Relaxed) != 0 {
            self.notify_sleepers();
        }
    }

    #[cold]
    fn notify_sleepers(&self) {
        // Holding the lock keeps us out of the gap between a sleeper's last look and its sleep.
        let guard = lock(&self.lock);
        self.wake.notify_all();
        drop(guard);
    }

    /// Sleeps until `condition` holds, at most `timeout`; tells whether it holds.
    #[cfg(not(loom))]
    pub fn wait_until(&self, timeout: Duration, mut condition: impl FnMut() -> bool) -> bool {
        if condition() {
            return true;
        }
        let deadline = std::time::Instant::now().checked_add(timeout);
        let mut guard = lock(&self.lock);
        self.sleepers.fetch_add(1, Ordering::Relaxed);
        let holds = loop {
            fence(Ordering::SeqCst);
            if condition() {
                break true;
            }
            let left = deadline
                .map_or(Duration::MAX, |end| end.saturating_duration_since(std::time::Instant::now()));
            if left.is_zero() {
                break false;
            }
            // An hour stands for "no timeout": condition variables overflow on `Duration::MAX`.
            let nap = left.min(Duration::from_hours(1));
            guard = match self.wake.wait_timeout(guard, nap) {
                Ok((guard, _)) => guard,
                Err(poisoned) => poisoned.into_inner().0,
            };
        };
        self.sleepers.fetch_sub(1, Ordering::Relaxed);
        drop(guard);
        holds
    }

    /// Sleeps until `condition` holds. Time does not exist in the model.
    #[cfg(loom)]
    pub fn wait_until(&self, _timeout: Duration, mut condition: impl FnMut() -> bool) -> bool {
        let mut guard = lock(&self.lock);
        self.sleepers.fetch_add(1, Ordering::Relaxed);
        loop {
            fence(Ordering::SeqCst);
            if condition() {
                break;
            }
            guard = self.wake.wait(guard).expect("no thread of the model panics");
        }
        self.sleepers.fetch_sub(1, Ordering::Relaxed);
        drop(guard);
        true
    }
}

/// The lock guards no data, so a panic of another holder leaves nothing inconsistent.
fn lock(mutex: &Mutex<()>) -> MutexGuard<'_, ()> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
