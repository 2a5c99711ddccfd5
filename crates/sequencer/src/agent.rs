//! Loops as objects: an [`Agent`] does what there is to do and returns, so that one thread can carry one of them, or
//! several in turn, as the configuration likes.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;

use crate::wait::{Doorbell, PARK_MAX, Pause, WaitStrategy};

/// Something that has work to do now and then.
pub trait Agent {
    /// Does what there is to do now, without waiting for more. Returns how much that was; 0 for nothing.
    fn poll(&mut self) -> usize;
}

impl<T: Agent + ?Sized> Agent for Box<T> {
    fn poll(&mut self) -> usize {
        (**self).poll()
    }
}

/// Two agents in turn.
impl<A: Agent, B: Agent> Agent for (A, B) {
    fn poll(&mut self) -> usize {
        self.0.poll() + self.1.poll()
    }
}

/// Any number of agents in turn.
impl<T: Agent> Agent for Vec<T> {
    fn poll(&mut self) -> usize {
        self.iter_mut().map(Agent::poll).sum()
    }
}

/// What a thread that carries agents shares with the rest of the node.
#[derive(Debug, Default)]
pub struct Duty {
    /// Ring after giving the thread work.
    pub bell: Doorbell,
    stop: AtomicBool,
}

impl Duty {
    /// A duty that has not begun.
    pub fn new() -> Arc<Self> {
        Arc::new(Self::default())
    }

    /// Asks the thread to return after its present poll.
    pub fn stop(&self) {
        self.stop.store(true, Ordering::Release);
        self.bell.ring();
    }

    /// Whether the thread was asked to return.
    pub fn stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    /// Polls `agent` on the calling thread until [`Duty::stop`].
    pub fn run(&self, agent: &mut impl Agent, wait: WaitStrategy) {
        self.bell.adopt();
        let mut idle = 0;
        while !self.stopping() {
            if agent.poll() > 0 {
                idle = 0;
                continue;
            }
            match wait.pause(idle) {
                Pause::Spin => std::hint::spin_loop(),
                Pause::Yield => std::thread::yield_now(),
                Pause::Park => {
                    self.bell.lie_down();
                    if agent.poll() > 0 {
                        idle = 0;
                    } else if !self.stopping() {
                        self.bell.sleep(PARK_MAX);
                    }
                    self.bell.get_up();
                }
            }
            idle = idle.saturating_add(1);
        }
    }
}

/// A processor could not be claimed for a thread.
#[derive(Debug, thiserror::Error)]
#[error("thread {thread} cannot be pinned to processor {cpu}: {source}")]
pub struct PinError {
    /// The thread's name.
    pub thread: &'static str,
    /// The processor, from 0.
    pub cpu: usize,
    /// What the operating system said.
    pub source: std::io::Error,
}

/// Pins the calling thread to one processor (from 0).
pub fn pin_to(thread: &'static str, cpu: usize) -> Result<(), PinError> {
    use rustix::thread::{CpuSet, sched_setaffinity};
    if cpu >= CpuSet::MAX_CPU {
        let source = std::io::Error::from(std::io::ErrorKind::InvalidInput);
        return Err(PinError { thread, cpu, source });
    }
    let mut set = CpuSet::new();
    set.set(cpu);
    sched_setaffinity(None, &set).map_err(|errno| PinError { thread, cpu, source: errno.into() })
}

/// A thread of the node.
#[derive(Debug)]
pub(crate) struct Worker<T>(JoinHandle<Option<T>>);

impl<T: Send + 'static> Worker<T> {
    /// Starts a thread, and returns once it is pinned as asked.
    pub fn spawn(
        name: &'static str,
        cpu: Option<usize>,
        body: impl FnOnce() -> T + Send + 'static,
    ) -> Result<Self, PinError> {
        let (pinned, outcome) = std::sync::mpsc::sync_channel(1);
        let failed = |source| PinError { thread: name, cpu: cpu.unwrap_or(0), source };
        let thread = std::thread::Builder::new().name(name.to_owned()).spawn(move || {
            let pin = cpu.map_or(Ok(()), |cpu| pin_to(name, cpu));
            let good = pin.is_ok();
            // The receiver waits for exactly this message, so there is somebody to receive it.
            let _ = pinned.send(pin);
            good.then(body)
        });
        let thread = thread.map_err(failed)?;
        outcome.recv().unwrap_or_else(|_| Err(failed(std::io::Error::other("the thread died"))))?;
        Ok(Self(thread))
    }

    /// Waits for the thread to end. `None` if it panicked.
    pub fn join(self) -> Option<T> {
        self.0.join().ok().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Countdown(usize);

    impl Agent for Countdown {
        fn poll(&mut self) -> usize {
            let work = usize::from(self.0 > 0);
            self.0 -= work;
            work
        }
    }

    #[test]
    fn agents_compose_onto_one_thread() {
        let mut agents = (Countdown(2), vec![Countdown(1), Countdown(3)]);
        let work: Vec<_> = std::iter::repeat_with(|| agents.poll()).take(4).collect();
        assert_eq!(work, [3, 2, 1, 0]);
    }

    #[test]
    fn a_processor_that_is_not_there_is_named() {
        let error = Worker::spawn("core", Some(999_999), || ()).unwrap_err();
        assert!(
            error.to_string().starts_with("thread core cannot be pinned to processor 999999: "),
            "{error}"
        );
    }
}
