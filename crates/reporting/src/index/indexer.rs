//! Who makes the indices: a thread beside the exchange, or `outcry log index` for a log that has none.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Duration;

use event_store::{Reader, ReaderOptions, SideFile};

use super::{INDEX_DIR, SegmentIndex, build, file_name};
use crate::error::Error;

/// How often to look whether a segment has been completed.
const IDLE: Duration = Duration::from_millis(500);

/// Goes through the segments of a store and leaves an index of each that is complete.
#[derive(Debug)]
pub struct Indexer {
    reader: Reader,
    /// The segment to look at next.
    next: u64,
}

impl Indexer {
    /// Begins at the first segment.
    ///
    /// # Errors
    /// [`Error::Store`] when there is no store.
    pub fn open(dir: impl AsRef<Path>) -> Result<Self, Error> {
        Ok(Self { reader: Reader::with_options(dir, ReaderOptions::tail())?, next: 1 })
    }

    /// Makes the index of the next complete segment, unless there is a good one. Returns the segment, and whether its index is new;
    /// `None` when no more are complete.
    ///
    /// # Errors
    /// What the store says, or the file system.
    pub fn step(&mut self) -> Result<Option<(u64, bool)>, Error> {
        let number = self.next;
        if SegmentIndex::load(&self.reader, number)?.is_some() {
            self.next += 1;
            return Ok(Some((number, false)));
        }
        let Some(bytes) = build::build(&mut self.reader, number)? else { return Ok(None) };
        SideFile::write(&self.reader.dir().join(INDEX_DIR), &file_name(number), &bytes)?;
        self.next += 1;
        Ok(Some((number, true)))
    }

    /// Follows the log in a thread of its own, until it is told to stop or fails. `prepare` runs first in that thread: the place to
    /// lower its priority.
    ///
    /// # Errors
    /// When no thread can be started.
    pub fn spawn(mut self, prepare: impl FnOnce() + Send + 'static) -> std::io::Result<Indexing> {
        let stop = Arc::new(AtomicBool::new(false));
        let asked = Arc::clone(&stop);
        let thread = std::thread::Builder::new().name("outcry-index".to_owned()).spawn(move || {
            prepare();
            while !asked.load(Ordering::Relaxed) {
                if self.step()?.is_none() {
                    std::thread::park_timeout(IDLE);
                }
            }
            Ok(())
        })?;
        Ok(Indexing { stop, thread })
    }
}

/// An indexer that follows the log.
#[derive(Debug)]
pub struct Indexing {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Result<(), Error>>,
}

impl Indexing {
    /// Whether it has ended by itself: it failed.
    pub fn has_ended(&self) -> bool {
        self.thread.is_finished()
    }

    /// Ends it.
    ///
    /// # Errors
    /// What it had failed with.
    pub fn stop(self) -> Result<(), Error> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.thread().unpark();
        self.thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }
}
