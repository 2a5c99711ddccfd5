//! What the writer, the flusher and the watermark handles of one open store have in common.

use std::any::Any;
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use crate::control::{Control, HALTED};
use crate::error::Error;
use crate::fs::FileSystem;
use crate::segment::{Geometry, Segment};
use crate::signal::Signal;

/// State of one open store.
pub(crate) struct Shared {
    pub dir: PathBuf,
    pub fs: Arc<dyn FileSystem>,
    pub control: Control,
    pub geometry: Geometry,
    /// Segments the writer has moved on to and the flusher has not reached. Touched once a segment.
    rolled: Mutex<VecDeque<Arc<Segment>>>,
    /// Wakes the flusher and those who wait for `written`.
    pub work: Signal,
    /// Wakes those who wait for `durable` or `committed`.
    pub progress: Signal,
    /// The writer is gone: nothing more will be written.
    pub closed: AtomicBool,
    halted: AtomicBool,
    failure: OnceLock<Failure>,
    /// Held until the last handle is gone.
    _lock: Box<dyn Any + Send + Sync>,
}

/// The failed sync that stopped the store.
#[derive(Debug)]
struct Failure {
    path: PathBuf,
    os_error: Option<i32>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("dir", &self.dir)
            .field("failure", &self.failure)
            .finish_non_exhaustive()
    }
}

impl Shared {
    pub fn new(
        dir: PathBuf,
        fs: Arc<dyn FileSystem>,
        control: Control,
        geometry: Geometry,
        lock: Box<dyn Any + Send + Sync>,
    ) -> Self {
        Self {
            dir,
            fs,
            control,
            geometry,
            rolled: Mutex::new(VecDeque::new()),
            work: Signal::new(),
            progress: Signal::new(),
            closed: AtomicBool::new(false),
            halted: AtomicBool::new(false),
            failure: OnceLock::new(),
            _lock: lock,
        }
    }

    /// The writer has moved on to this segment.
    pub fn roll(&self, segment: Arc<Segment>) {
        self.rolled.lock().unwrap_or_else(PoisonError::into_inner).push_back(segment);
    }

    /// The segment after the one the flusher has finished.
    pub fn next_rolled(&self) -> Option<Arc<Segment>> {
        self.rolled.lock().unwrap_or_else(PoisonError::into_inner).pop_front()
    }

    /// Stops the store for good after a failed sync; other errors pass through.
    pub fn halt_on_sync_failure(&self, error: Error) -> Error {
        if let Error::SyncFailed { path, os_error } = &error {
            // Only the first failure counts; later ones are its consequences.
            let _ = self.failure.set(Failure { path: path.clone(), os_error: *os_error });
            self.halted.store(true, Ordering::Release);
            let code = os_error.map_or(0, i32::unsigned_abs);
            self.control.publish(HALTED, 1 + u64::from(code));
            self.work.notify();
            self.progress.notify();
        }
        error
    }

    /// Whether the store has stopped.
    #[inline]
    pub fn halted(&self) -> bool {
        self.halted.load(Ordering::Relaxed)
    }

    /// The error that stopped the store, if one did.
    #[inline]
    pub fn check(&self) -> Result<(), Error> {
        if self.halted() { Err(self.failure()) } else { Ok(()) }
    }

    #[cold]
    fn failure(&self) -> Error {
        match self.failure.get() {
            Some(failure) => Error::SyncFailed { path: failure.path.clone(), os_error: failure.os_error },
            // `halted` is set after `failure`, but Relaxed loads may see it first.
            None => Error::SyncFailed { path: self.dir.clone(), os_error: None },
        }
    }
}
