//! What stops a node for good. Nothing is retried: the log is as safe as it was, and a restart recovers.

use std::sync::OnceLock;

/// Why a node stopped.
#[derive(Debug, thiserror::Error)]
pub enum FatalError {
    /// The event store failed: a sync, most likely. Nothing is acknowledged any more.
    #[error(transparent)]
    Store(event_store::Error),
    /// A thread of the node panicked: a bug. Its message is on standard error.
    #[error("thread {thread} panicked")]
    Panicked {
        /// The thread's name.
        thread: &'static str,
    },
}

/// The first fatal error; later ones are its consequences.
#[derive(Debug, Default)]
pub(crate) struct Fault(OnceLock<FatalError>);

impl Fault {
    pub fn set(&self, error: FatalError) {
        let _ = self.0.set(error);
    }

    #[inline]
    pub fn get(&self) -> Option<&FatalError> {
        self.0.get()
    }
}
