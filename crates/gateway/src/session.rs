//! The way into the exchange for everything in this process: REST handlers, feed replay and the demo all submit commands and
//! ask questions through a [`Session`].

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::thread::JoinHandle;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use model::{ClOrdId, Command, Timestamp};
use sequencer::Node;
use sequencer::Submitter;

use crate::api::ProjectionStatus;
use crate::config::GatewayConfig;
use crate::follower::{FollowError, Follower, catch_up};
use crate::in_flight::{InFlight, NoOutcome, Outcome, Pending, Wants};
use crate::projected::Projected;
use crate::read_model::Model;

/// Why a command was not taken. Nothing of it is in the log.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SubmitError {
    /// The inbound ring is full.
    #[error("the exchange is busy: its inbound ring is full")]
    Busy,
    /// As many commands are in flight as may.
    #[error("the exchange is busy: as many commands wait for their outcome as may")]
    TooManyInFlight,
    /// The exchange is stopping, or has stopped.
    #[error("the exchange has stopped")]
    Stopped,
    /// The log has no room.
    #[error("the exchange has no room left for its log")]
    StoreFull,
}

impl From<sequencer::SubmitError> for SubmitError {
    fn from(error: sequencer::SubmitError) -> Self {
        match error {
            sequencer::SubmitError::Busy => Self::Busy,
            sequencer::SubmitError::Stopped => Self::Stopped,
            sequencer::SubmitError::StoreFull => Self::StoreFull,
        }
    }
}

/// Why there is no outcome.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The command was not taken.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// No outcome is coming.
    #[error(transparent)]
    NoOutcome(#[from] NoOutcome),
    /// The outcome did not come in time. The command may have been executed, or may still be.
    #[error("the outcome did not come in time; the command may have been executed, or may still be")]
    Timeout,
}

/// A way into the exchange. Cheap to clone.
#[derive(Clone)]
pub struct Session {
    shared: Arc<Shared>,
}

struct Shared {
    node: Arc<Node>,
    submitter: Submitter,
    model: Arc<RwLock<Model>>,
    in_flight: Arc<InFlight>,
    outcome_timeout: Duration,
    started: Timestamp,
    ids: AtomicU64,
    stop: Arc<AtomicBool>,
    follower: Mutex<Option<JoinHandle<()>>>,
    ended: Arc<OnceLock<FollowError>>,
    projected: OnceLock<Arc<Projected>>,
}

/// The wall clock, for what the gateway itself stamps. Nothing of it enters the core.
pub(crate) fn now() -> Timestamp {
    let nanos = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    Timestamp(i64::try_from(nanos).unwrap_or(i64::MAX))
}

impl Session {
    /// Folds what is committed so far, which may take a while, and starts to follow the log of `node`.
    pub fn start(node: Arc<Node>, config: &GatewayConfig) -> Result<Self, FollowError> {
        let (model, reader) = catch_up(&node, config.history)?;
        let model = Arc::new(RwLock::new(model));
        let in_flight = InFlight::new(config.max_in_flight);
        let stop = Arc::new(AtomicBool::new(false));
        let ended = Arc::new(OnceLock::new());
        let follower = Follower {
            node: Arc::clone(&node),
            reader,
            model: Arc::clone(&model),
            in_flight: Arc::clone(&in_flight),
            stop: Arc::clone(&stop),
            ready: Vec::new(),
        };
        let (told, waiting) = (Arc::clone(&ended), Arc::clone(&in_flight));
        let thread = std::thread::Builder::new().name("follower".to_owned()).spawn(move || {
            if let Err(error) = follower.run() {
                // Set once: this is the only thread that does.
                let _ = told.set(error);
            }
            // Nobody comes in any more, so those who wait now are all there will be.
            waiting.abandon_all();
        });
        let thread = thread.map_err(FollowError::Thread)?;
        let shared = Shared {
            submitter: node.submitter(),
            node,
            model,
            in_flight,
            outcome_timeout: Duration::from_millis(config.outcome_timeout_ms),
            started: now(),
            ids: AtomicU64::new(0),
            stop,
            follower: Mutex::new(Some(thread)),
            ended,
            projected: OnceLock::new(),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Sends a command on its way, at once or not at all. Any number may be under way before the first outcome is awaited.
    pub fn submit(&self, command: impl Into<Command>, wants: Wants) -> Result<Pending, SubmitError> {
        let shared = &*self.shared;
        if shared.ended.get().is_some() || shared.stop.load(Ordering::Relaxed) {
            return Err(SubmitError::Stopped);
        }
        let pending = shared.in_flight.enter(wants).ok_or(SubmitError::TooManyInFlight)?;
        shared.submitter.submit(pending.tag(), command.into())?;
        Ok(pending)
    }

    /// Sends a command on its way and waits for its outcome, no longer than the configuration says.
    pub async fn execute(&self, command: impl Into<Command>, wants: Wants) -> Result<Outcome, ExecuteError> {
        let pending = self.submit(command, wants)?;
        match tokio::time::timeout(self.shared.outcome_timeout, pending).await {
            Ok(outcome) => Ok(outcome?),
            Err(_) => Err(ExecuteError::Timeout),
        }
    }

    /// As [`Session::execute`], for threads that may block.
    pub fn execute_blocking(
        &self,
        command: impl Into<Command>,
        wants: Wants,
    ) -> Result<Outcome, ExecuteError> {
        let mut pending = self.submit(command, wants)?;
        Ok(pending.wait(self.shared.outcome_timeout).ok_or(ExecuteError::Timeout)??)
    }

    /// Answers a question. Be quick: while anybody reads, the model does not move on.
    pub fn read<T>(&self, question: impl FnOnce(&Model) -> T) -> T {
        question(&self.shared.model.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// An id for an order whose client did not choose one, unique among all that any gateway of this exchange makes.
    pub fn make_cl_ord_id(&self) -> ClOrdId {
        let count = self.shared.ids.fetch_add(1, Ordering::Relaxed);
        let mut text = base36(self.shared.started.0.unsigned_abs());
        text.push('-');
        text.push_str(&base36(count));
        ClOrdId::new(&text).expect("13 digits, a hyphen and at most 9 digits until 10^14 ids were made")
    }

    /// The node behind this session.
    pub fn node(&self) -> &Node {
        &self.shared.node
    }

    /// The table of commands in flight.
    pub fn in_flight(&self) -> &InFlight {
        &self.shared.in_flight
    }

    /// When this session began.
    pub fn started(&self) -> Timestamp {
        self.shared.started
    }

    /// Shows how a projection of this exchange is from now on. There is one at most: a second is not looked at.
    pub fn show_projection(&self, projected: Arc<Projected>) {
        // The first stays.
        let _ = self.shared.projected.set(projected);
    }

    /// How the projection is, if there is one.
    pub fn projection(&self) -> Option<ProjectionStatus> {
        let projected = self.shared.projected.get()?;
        Some(projected.status(self.shared.node.committed()))
    }

    /// Why the exchange takes no commands, if it does not.
    pub fn trouble(&self) -> Option<String> {
        if let Some(fatal) = self.shared.node.fatal() {
            return Some(fatal.to_string());
        }
        if let Some(error) = self.shared.ended.get() {
            return Some(error.to_string());
        }
        self.shared.stop.load(Ordering::Acquire).then(|| "the exchange is stopping".to_owned())
    }

    /// Stops following the log and lets go of those who wait. Commands are refused from now on, here and in all clones.
    pub fn stop(&self) {
        self.shared.stop.store(true, Ordering::Release);
        let thread = self.shared.follower.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            // If it panicked, its message is on standard error.
            let _ = thread.join();
        }
    }
}

impl Drop for Shared {
    fn drop(&mut self) {
        // The follower ends by itself within one sleep; it holds nothing that outlives it.
        self.stop.store(true, Ordering::Release);
    }
}

fn base36(mut number: u64) -> String {
    let mut digits = Vec::new();
    loop {
        let digit = u32::try_from(number % 36).expect("below 36");
        digits.push(char::from_digit(digit, 36).expect("a digit of base 36"));
        number /= 36;
        if number == 0 {
            return digits.into_iter().rev().collect();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn made_ids_fit_until_long_after_the_last_timestamp() {
        assert_eq!(base36(0), "0");
        assert_eq!(base36(35), "z");
        assert_eq!(base36(36), "10");
        let longest = format!("{}-{}", base36(i64::MAX.unsigned_abs()), base36(36u64.pow(9) - 1));
        assert!(ClOrdId::new(&longest).is_ok(), "{longest}");
    }
}
