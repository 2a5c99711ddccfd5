//! Where new segments come from: a helper thread that stays ahead of the writer, or the writer itself. A full disk
//! shows here, while there is still room for what has been accepted.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::error::Error;
use crate::mapping::Mapping;
use crate::options::{Options, Preparation};
use crate::segment::{PrepareFault, Recipe, SEGMENTS_DIR, Segment};
use crate::shared::Shared;

/// How long the helper waits before it tries again to prepare a segment that could not be prepared.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// A source of prepared segments, in order.
#[derive(Debug)]
pub(crate) struct Supply {
    shared: Arc<Shared>,
    recipe: Recipe,
    /// Segments found ready when the store was opened.
    found: VecDeque<Arc<Segment>>,
    /// The number of the next segment this hands out.
    next: u64,
    helper: Option<Helper>,
}

#[derive(Debug)]
struct Helper {
    shelf: Arc<Shelf>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shelf {
    state: Mutex<ShelfState>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct ShelfState {
    ready: VecDeque<Arc<Segment>>,
    fault: Option<PrepareFault>,
    stop: bool,
}

impl Supply {
    /// `found` are the segments after the current one that exist already; `next` is the number after it.
    pub fn new(
        shared: &Arc<Shared>,
        options: &Options,
        found: VecDeque<Arc<Segment>>,
        next: u64,
    ) -> Result<Self, Error> {
        let recipe = Recipe::of(options);
        let helper = match options.preparation {
            Preparation::Inline => None,
            Preparation::Background => {
                let first = next + found.len() as u64;
                Some(Helper::start(Arc::clone(shared), recipe, options.segments_ahead, first)?)
            }
        };
        Ok(Self { shared: Arc::clone(shared), recipe, found, next, helper })
    }

    /// The next segment, if there is one. Never waits for the helper.
    pub fn take(&mut self) -> Result<Arc<Segment>, Error> {
        let segment = match self.found.pop_front() {
            Some(segment) => segment,
            None => match &self.helper {
                Some(helper) => helper.take().map_err(|fault| self.error(fault))?,
                None => {
                    prepare(&self.shared, self.recipe, self.next).map_err(|fault| self.error(Some(fault)))?
                }
            },
        };
        assert_eq!(segment.number, self.next, "segments come in order");
        self.next += 1;
        Ok(segment)
    }

    /// Waits until [`Supply::take`] has something to say.
    pub fn wait(&self, timeout: Duration) {
        if self.found.is_empty()
            && let Some(helper) = &self.helper
        {
            helper.wait(timeout);
        }
    }

    fn error(&self, fault: Option<PrepareFault>) -> Error {
        match fault {
            None => Error::NotReady { segment: self.next },
            Some(fault) => explain(&self.shared, self.next, fault),
        }
    }

    /// Makes the first segment of a new store.
    pub fn first(shared: &Shared, options: &Options) -> Result<Arc<Segment>, Error> {
        prepare(shared, Recipe::of(options), 1).map_err(|fault| explain(shared, 1, fault))
    }
}

fn explain(shared: &Shared, segment: u64, fault: PrepareFault) -> Error {
    let dir = shared.dir.join(SEGMENTS_DIR);
    match fault {
        PrepareFault::NoSpace => Error::NoSpace { dir, segment, needed_bytes: shared.geometry.segment_bytes },
        PrepareFault::Other(os_error) => Error::PrepareFailed { dir, segment, os_error },
        PrepareFault::Sync(os_error) => Error::SyncFailed { path: dir, os_error },
    }
}

impl Recipe {
    fn of(options: &Options) -> Self {
        Self {
            allocation: options.allocation(),
            sync: options.syncs_files(),
            touch: options.prefault(),
            #[cfg(feature = "fault-injection")]
            sabotage: options.sabotage,
        }
    }
}

/// Makes a segment and records that it exists. Both must be permanent before the segment is used: otherwise a
/// lost file would be a silent gap.
fn prepare(shared: &Shared, recipe: Recipe, number: u64) -> Result<Arc<Segment>, PrepareFault> {
    let sync = recipe.sync;
    let segment = Segment::prepare(&*shared.fs, &shared.dir, shared.geometry, number, recipe);
    let segment = segment.inspect_err(|fault| {
        if let PrepareFault::Sync(os_error) = fault {
            let path = shared.dir.join(SEGMENTS_DIR);
            let _ = shared.halt_on_sync_failure(Error::SyncFailed { path, os_error: *os_error });
        }
    })?;
    #[cfg(feature = "fault-injection")]
    let sync = sync && recipe.sabotage != crate::fault::Sabotage::ForgetSegments;
    let recorded = shared.control.update(sync, |state| state.segments = state.segments.max(number));
    if let Err(error) = recorded {
        let Error::SyncFailed { os_error, .. } = shared.halt_on_sync_failure(error) else {
            return Err(PrepareFault::Other(None));
        };
        return Err(PrepareFault::Sync(os_error));
    }
    if recipe.touch {
        touch(&segment.mapping);
    }
    Ok(Arc::new(segment))
}

/// Has the kernel set up every page for writing now, so that the writer meets no page faults later.
fn touch(mapping: &Mapping) {
    mapping.populate();
}

impl Helper {
    fn start(shared: Arc<Shared>, recipe: Recipe, ahead: usize, first: u64) -> Result<Self, Error> {
        let shelf = Arc::new(Shelf::default());
        let theirs = Arc::clone(&shelf);
        let dir = shared.dir.clone();
        let thread = std::thread::Builder::new()
            .name("segment-helper".to_owned())
            .spawn(move || run(&shared, recipe, ahead, first, &theirs))
            .map_err(|e| Error::io("start a helper thread for", &dir, e))?;
        Ok(Self { shelf, thread: Some(thread) })
    }

    fn take(&self) -> Result<Arc<Segment>, Option<PrepareFault>> {
        let mut state = self.shelf.state.lock().unwrap_or_else(PoisonError::into_inner);
        let segment = state.ready.pop_front().ok_or(state.fault)?;
        self.shelf.changed.notify_all();
        Ok(segment)
    }

    fn wait(&self, timeout: Duration) {
        let state = self.shelf.state.lock().unwrap_or_else(PoisonError::into_inner);
        let undecided = |state: &mut ShelfState| state.ready.is_empty() && state.fault.is_none();
        drop(self.shelf.changed.wait_timeout_while(state, timeout, undecided));
    }
}

impl Drop for Helper {
    fn drop(&mut self) {
        self.shelf.state.lock().unwrap_or_else(PoisonError::into_inner).stop = true;
        self.shelf.changed.notify_all();
        if let Some(thread) = self.thread.take() {
            // It cannot have panicked without having said so on stderr.
            let _ = thread.join();
        }
    }
}

fn run(shared: &Shared, recipe: Recipe, ahead: usize, first: u64, shelf: &Shelf) {
    let mut number = first;
    let mut state = shelf.state.lock().unwrap_or_else(PoisonError::into_inner);
    while !state.stop {
        if state.ready.len() >= ahead {
            state = shelf.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
            continue;
        }
        drop(state);
        let outcome = prepare(shared, recipe, number);
        state = shelf.state.lock().unwrap_or_else(PoisonError::into_inner);
        match outcome {
            Ok(segment) => {
                state.ready.push_back(segment);
                state.fault = None;
                number += 1;
                shelf.changed.notify_all();
            }
            Err(fault) => {
                state.fault = Some(fault);
                shelf.changed.notify_all();
                if matches!(fault, PrepareFault::Sync(_)) {
                    return;
                }
                let nap = shelf.changed.wait_timeout_while(state, RETRY_AFTER, |state| !state.stop);
                state = nap.unwrap_or_else(PoisonError::into_inner).0;
            }
        }
    }
}
