//! How fast a feed is replayed: as fast as it goes, or as it happened.

use model::Timestamp;
use std::str::FromStr;
use std::time::{Duration, Instant};

/// A longer silence in a feed is shortened to this: the night before the opening is not worth waiting for.
pub const SILENCE_MAX: Duration = Duration::from_secs(10);

/// Times the market's own speed; none for no waiting at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Speed(Option<u32>);

impl FromStr for Speed {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "max" {
            return Ok(Self(None));
        }
        let times = text.strip_suffix('x').and_then(|times| times.parse().ok()).filter(|&times| times > 0);
        times.map(|times| Self(Some(times))).ok_or("write max, or a whole number of times such as 1x or 10x")
    }
}

/// Waits until a message is due.
#[derive(Debug)]
pub struct Pace {
    speed: Speed,
    /// When the last message was due, and its time in the feed.
    last: Option<(Instant, Timestamp)>,
}

impl Pace {
    pub fn new(speed: Speed) -> Self {
        Self { speed, last: None }
    }

    /// When a message of the feed's time `at` is due; `None` for at once.
    fn due(&mut self, now: Instant, at: Timestamp) -> Option<Instant> {
        let times = self.speed.0?;
        let due = match self.last {
            None => now,
            Some((due, before)) => {
                let gap = Duration::from_nanos(u64::try_from(at.0.saturating_sub(before.0)).unwrap_or(0));
                due + gap.min(SILENCE_MAX) / times
            }
        };
        self.last = Some((due, at));
        Some(due)
    }

    /// Sleeps until then.
    pub fn wait(&mut self, at: Timestamp) {
        let now = Instant::now();
        if let Some(due) = self.due(now, at) {
            std::thread::sleep(due.saturating_duration_since(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speeds() {
        assert_eq!("max".parse(), Ok(Speed(None)));
        assert_eq!("10x".parse(), Ok(Speed(Some(10))));
        for text in ["", "x", "0x", "1.5x", "10", "fast"] {
            assert!(text.parse::<Speed>().is_err(), "{text}");
        }
    }

    #[test]
    fn messages_are_due_as_they_happened_and_silences_are_short() {
        let mut pace = Pace::new(Speed(Some(10)));
        let start = Instant::now();
        let mut due = |millis: i64| pace.due(start, Timestamp(millis * 1_000_000)).unwrap() - start;
        assert_eq!(due(5_000), Duration::ZERO);
        assert_eq!(due(5_100), Duration::from_millis(10));
        assert_eq!(due(5_050), Duration::from_millis(10), "a clock that goes back waits for nobody");
        assert_eq!(due(3_600_000), Duration::from_millis(1_010));
        assert_eq!(Pace::new(Speed(None)).due(start, Timestamp(1)), None);
    }
}
