//! What a thread does when there is nothing to do: the [`WaitStrategy`], and the [`Doorbell`] that wakes those who
//! chose to sleep. Waking costs producers one load while the thread is awake, and one system call when it is not.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering, fence};
use std::thread::Thread;
use std::time::Duration;

/// The longest sleep without a look at the clock: how late, at most, an idle exchange notices that a timer is due.
pub const PARK_MAX: Duration = Duration::from_millis(10);

/// Idle polls that only spin, before `Adaptive` begins to yield.
const ADAPTIVE_SPINS: u32 = 64;
/// Idle polls that yield the processor, before `Adaptive` sleeps: some tens of microseconds on an idle machine.
const ADAPTIVE_YIELDS: u32 = 64;

/// What a thread does when a poll found no work.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum WaitStrategy {
    /// Polls again at once. The lowest latency; wants a processor of its own.
    BusySpin,
    /// Lets others run, then polls again. Low latency where there are few processors; never sleeps.
    Yield,
    /// Sleeps until there is work. Costs nothing when idle, and a wake-up for every burst.
    Park,
    /// Spins a little, yields for some tens of microseconds, then sleeps: busy when busy, asleep when idle.
    #[default]
    Adaptive,
}

/// The next thing an idle thread should do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pause {
    /// A processor hint, then poll.
    Spin,
    /// Give up the processor, then poll.
    Yield,
    /// Sleep at the doorbell.
    Park,
}

impl WaitStrategy {
    /// What to do after `idle` polls in a row (from 0) that found nothing.
    #[inline]
    pub const fn pause(self, idle: u32) -> Pause {
        match self {
            Self::BusySpin => Pause::Spin,
            Self::Yield => Pause::Yield,
            Self::Adaptive if idle < ADAPTIVE_SPINS => Pause::Spin,
            Self::Adaptive if idle < ADAPTIVE_SPINS + ADAPTIVE_YIELDS => Pause::Yield,
            Self::Park | Self::Adaptive => Pause::Park,
        }
    }
}

/// Where one thread sleeps and others wake it.
///
/// The sleeper calls [`Doorbell::lie_down`], looks for work once more, and only then [`Doorbell::sleep`]s; whoever
/// brings work calls [`Doorbell::ring`] after bringing it. Either the sleeper sees the work or the bringer sees the
/// sleeper, and of several bringers one pays for the system call.
#[derive(Debug, Default)]
pub struct Doorbell {
    resting: AtomicBool,
    sleeper: OnceLock<Thread>,
}

impl Doorbell {
    /// A doorbell nobody sleeps at.
    pub const fn new() -> Self {
        Self { resting: AtomicBool::new(false), sleeper: OnceLock::new() }
    }

    /// Makes the calling thread the one that sleeps here, for good.
    ///
    /// # Panics
    /// If another thread sleeps here.
    pub fn adopt(&self) {
        let me = std::thread::current();
        assert_eq!(self.sleeper.get_or_init(|| me.clone()).id(), me.id(), "a doorbell wakes one thread");
    }

    /// Announces that the caller is about to sleep. Look for work after this, and before [`Doorbell::sleep`].
    #[inline]
    pub fn lie_down(&self) {
        self.resting.store(true, Ordering::Relaxed);
        // Pairs with the fence in `ring`.
        fence(Ordering::SeqCst);
    }

    /// Sleeps until rung, at most `timeout`; may also return for no reason.
    pub fn sleep(&self, timeout: Duration) {
        std::thread::park_timeout(timeout);
    }

    /// Ends what [`Doorbell::lie_down`] began.
    #[inline]
    pub fn get_up(&self) {
        self.resting.store(false, Ordering::Relaxed);
    }

    /// Wakes the sleeper, if there is one.
    #[inline]
    pub fn ring(&self) {
        fence(Ordering::SeqCst);
        if self.resting.load(Ordering::Relaxed) {
            self.wake();
        }
    }

    #[cold]
    fn wake(&self) {
        if self.resting.swap(false, Ordering::AcqRel)
            && let Some(sleeper) = self.sleeper.get()
        {
            sleeper.unpark();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::AtomicU64;

    #[test]
    fn adaptive_spins_then_yields_then_sleeps() {
        let pauses: Vec<_> = [0, 63, 64, 127, 128, u32::MAX]
            .into_iter()
            .map(|idle| WaitStrategy::Adaptive.pause(idle))
            .collect();
        assert_eq!(pauses, [Pause::Spin, Pause::Spin, Pause::Yield, Pause::Yield, Pause::Park, Pause::Park]);
    }

    // Were a wake-up lost, the sleeper would wait for its timeout, and the test take 1,000 times as long.
    #[test]
    fn no_wake_up_is_lost() {
        const TURNS: u64 = 20_000;
        let shared = Arc::new((Doorbell::new(), AtomicU64::new(0), AtomicU64::new(0)));
        let sleeper = Arc::clone(&shared);
        let thread = std::thread::spawn(move || {
            let (bell, asked, answered) = &*sleeper;
            bell.adopt();
            let mut done = 0;
            while done < TURNS {
                bell.lie_down();
                if asked.load(Ordering::Acquire) == done {
                    let before = std::time::Instant::now();
                    bell.sleep(Duration::from_secs(20));
                    assert!(before.elapsed() < Duration::from_secs(20), "turn {done} was not announced");
                }
                bell.get_up();
                done = asked.load(Ordering::Acquire);
                answered.store(done, Ordering::Release);
            }
        });
        let (bell, asked, answered) = &*shared;
        for turn in 1..=TURNS {
            asked.store(turn, Ordering::Release);
            bell.ring();
            while answered.load(Ordering::Acquire) < turn {
                std::thread::yield_now();
            }
        }
        thread.join().unwrap();
    }
}
