//! Stopping a query: because somebody asked, or because its time is up.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

use duckdb::InterruptHandle;

use crate::error::Error;
use crate::store::Store;

/// Stops the running query of a session, from any thread.
#[derive(Clone)]
pub struct Stopper {
    handle: Arc<InterruptHandle>,
}

impl Stopper {
    pub(super) fn new(handle: Arc<InterruptHandle>) -> Self {
        Self { handle }
    }

    /// Stops the query, which fails with [`Error::Interrupted`]. Does nothing when none runs.
    pub fn stop(&self) {
        self.handle.interrupt();
    }
}

/// A query under way. Ends its pin on the store, and its clock, when dropped.
pub(super) struct Watch {
    store: Arc<Store>,
    timed_out: Arc<AtomicBool>,
    timeout: Option<Duration>,
    /// Dropping it ends the clock's thread.
    _clock: Option<Sender<()>>,
}

impl Watch {
    pub fn new(store: &Arc<Store>, stopper: &Stopper, timeout: Option<Duration>) -> Self {
        store.pin();
        let timed_out = Arc::new(AtomicBool::new(false));
        let clock = timeout.map(|timeout| {
            let (sender, receiver) = channel::<()>();
            let (fired, handle) = (Arc::clone(&timed_out), Arc::clone(&stopper.handle));
            std::thread::spawn(move || {
                if receiver.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout) {
                    fired.store(true, Ordering::Relaxed);
                    handle.interrupt();
                }
            });
            sender
        });
        Self { store: Arc::clone(store), timed_out, timeout, _clock: clock }
    }

    /// Why the query failed, given what DuckDB said.
    pub fn explain(&self, error: duckdb::Error) -> Error {
        let text = error.to_string();
        if text.contains("INTERRUPT") {
            return match self.timeout {
                Some(timeout) if self.timed_out.load(Ordering::Relaxed) => {
                    Error::TimedOut { seconds: timeout.as_secs() }
                }
                _ => Error::Interrupted,
            };
        }
        Error::Sql(error)
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.store.unpin();
    }
}
