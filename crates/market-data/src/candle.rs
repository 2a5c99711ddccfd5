//! Candles: open, high, low, close and volume of the trades in intervals aligned to UTC.

use model::{Price, Quantity, Timestamp, Trade};
use std::collections::VecDeque;
use std::fmt;
use std::str::FromStr;

/// The length of a candle.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Interval {
    /// One second.
    Second,
    /// One minute.
    Minute,
    /// Five minutes.
    FiveMinutes,
    /// A quarter of an hour.
    QuarterHour,
    /// One hour.
    Hour,
    /// One UTC day.
    Day,
}

/// A text that names no [`Interval`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a candle interval: expected one of 1s 1m 5m 15m 1h 1d")]
pub struct UnknownInterval;

impl Interval {
    /// Every interval, shortest first.
    pub const ALL: [Self; 6] =
        [Self::Second, Self::Minute, Self::FiveMinutes, Self::QuarterHour, Self::Hour, Self::Day];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Second => "1s",
            Self::Minute => "1m",
            Self::FiveMinutes => "5m",
            Self::QuarterHour => "15m",
            Self::Hour => "1h",
            Self::Day => "1d",
        }
    }

    /// Its length in nanoseconds.
    pub const fn nanos(self) -> i64 {
        const SECOND: i64 = 1_000_000_000;
        match self {
            Self::Second => SECOND,
            Self::Minute => 60 * SECOND,
            Self::FiveMinutes => 300 * SECOND,
            Self::QuarterHour => 900 * SECOND,
            Self::Hour => 3_600 * SECOND,
            Self::Day => model::NANOS_PER_DAY,
        }
    }

    /// The beginning of the interval that holds `time`. Intervals begin at multiples of their length since
    /// 1970-01-01T00:00:00Z; a time within one length of the earliest that 64 bits hold is its own beginning.
    pub const fn start_of(self, time: Timestamp) -> Timestamp {
        Timestamp(time.0.saturating_sub(time.0.rem_euclid(self.nanos())))
    }
}

impl fmt::Display for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Interval {
    type Err = UnknownInterval;
    fn from_str(word: &str) -> Result<Self, UnknownInterval> {
        Self::ALL.into_iter().find(|interval| interval.as_str() == word).ok_or(UnknownInterval)
    }
}

/// What traded in one interval. There is no candle for an interval without a trade.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Candle {
    /// The interval's beginning.
    pub start: Timestamp,
    /// Price of the first trade, in ticks.
    pub open: Price,
    /// Highest price, in ticks.
    pub high: Price,
    /// Lowest price, in ticks.
    pub low: Price,
    /// Price of the last trade, in ticks.
    pub close: Price,
    /// Lots traded. Saturates at the largest number there is rather than stop the market data.
    pub volume: Quantity,
    /// How many trades.
    pub trades: u64,
}

/// The newest candles of one instrument and interval, at most as many as there is room for.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Candles {
    interval: Interval,
    /// At least one: the current candle is always kept.
    capacity: usize,
    /// Oldest first, starts strictly increasing.
    kept: VecDeque<Candle>,
}

impl Candles {
    /// No candles yet; keeps the newest `capacity` (at least one) of them.
    pub const fn new(interval: Interval, capacity: usize) -> Self {
        let capacity = if capacity == 0 { 1 } else { capacity };
        Self { interval, capacity, kept: VecDeque::new() }
    }

    /// Takes in a trade. Sequence decides what is first and last, never time: a trade stamped before the newest candle
    /// (the clock was set back) counts in the newest candle, so no candle ever changes once another has begun.
    pub fn fold(&mut self, trade: &Trade) {
        let start = self.interval.start_of(trade.executed_at);
        if let Some(current) = self.kept.back_mut()
            && start <= current.start
        {
            current.high = current.high.max(trade.price);
            current.low = current.low.min(trade.price);
            current.close = trade.price;
            current.volume = Quantity(current.volume.0.saturating_add(trade.quantity.0));
            current.trades += 1;
            return;
        }
        if self.kept.len() == self.capacity {
            self.kept.pop_front();
        }
        let price = trade.price;
        self.kept.push_back(Candle {
            start,
            open: price,
            high: price,
            low: price,
            close: price,
            volume: trade.quantity,
            trades: 1,
        });
    }

    /// The candles, oldest first; the last is the current one.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &Candle> + ExactSizeIterator {
        self.kept.iter()
    }

    /// The newest candle.
    pub fn current(&self) -> Option<&Candle> {
        self.kept.back()
    }

    /// The length of these candles.
    pub const fn interval(&self) -> Interval {
        self.interval
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::tape::tests::trade;
    use proptest::prelude::*;

    const SECOND: i64 = 1_000_000_000;

    #[test]
    fn trades_gather_in_aligned_intervals_and_empty_ones_are_left_out() {
        let mut candles = Candles::new(Interval::Minute, 10);
        for (second, price, quantity) in [(61, 10, 1), (62, 14, 2), (63, 8, 3), (119, 9, 4), (240, 7, 5)] {
            candles.fold(&trade(second * SECOND, price, quantity));
        }
        let candles: Vec<_> = candles.iter().copied().collect();
        let expected = [
            Candle {
                start: Timestamp(60 * SECOND),
                open: Price(10),
                high: Price(14),
                low: Price(8),
                close: Price(9),
                volume: Quantity(10),
                trades: 4,
            },
            Candle {
                start: Timestamp(240 * SECOND),
                open: Price(7),
                high: Price(7),
                low: Price(7),
                close: Price(7),
                volume: Quantity(5),
                trades: 1,
            },
        ];
        assert_eq!(candles, expected);
    }

    #[test]
    fn an_interval_holds_its_beginning_and_not_its_end() {
        let minute = Interval::Minute;
        assert_eq!(minute.start_of(Timestamp(60 * SECOND)), Timestamp(60 * SECOND));
        assert_eq!(minute.start_of(Timestamp(120 * SECOND - 1)), Timestamp(60 * SECOND));
        assert_eq!(minute.start_of(Timestamp(-1)), Timestamp(-60 * SECOND));
    }

    #[test]
    fn a_clock_set_back_changes_no_finished_candle() {
        let mut candles = Candles::new(Interval::Second, 10);
        for (second, price) in [(1, 10), (2, 11), (1, 99)] {
            candles.fold(&trade(second * SECOND, price, 1));
        }
        let closes: Vec<_> = candles.iter().map(|candle| (candle.close.0, candle.trades)).collect();
        assert_eq!(closes, [(10, 1), (99, 2)]);
    }

    #[test]
    fn only_the_newest_are_kept() {
        let mut candles = Candles::new(Interval::Second, 2);
        for second in 1..=5 {
            candles.fold(&trade(second * SECOND, second, 1));
        }
        let opens: Vec<_> = candles.iter().map(|candle| candle.open.0).collect();
        assert_eq!(opens, [4, 5]);
    }

    proptest! {
        #[test]
        fn longer_candles_are_made_of_shorter_ones(
            trades in proptest::collection::vec((0i64..20_000, 1i64..100, 1u64..50), 1..200),
        ) {
            let mut time = 0;
            let (mut short, mut long) = (Candles::new(Interval::Minute, 10_000), Candles::new(Interval::Hour, 10_000));
            for (gap, price, quantity) in trades {
                time += gap * 10_000_000;
                let trade = trade(time, price, quantity);
                short.fold(&trade);
                long.fold(&trade);
            }
            for hour in long.iter() {
                let minutes: Vec<_> =
                    short.iter().filter(|minute| Interval::Hour.start_of(minute.start) == hour.start).collect();
                prop_assert_eq!(hour.open, minutes[0].open);
                prop_assert_eq!(hour.close, minutes[minutes.len() - 1].close);
                prop_assert_eq!(Some(hour.high), minutes.iter().map(|minute| minute.high).max());
                prop_assert_eq!(Some(hour.low), minutes.iter().map(|minute| minute.low).min());
                prop_assert_eq!(hour.volume.0, minutes.iter().map(|minute| minute.volume.0).sum::<u64>());
                prop_assert_eq!(hour.trades, minutes.iter().map(|minute| minute.trades).sum::<u64>());
            }
        }

        #[test]
        fn words_and_back(at in 0usize..6) {
            let interval = Interval::ALL[at];
            prop_assert_eq!(interval.as_str().parse(), Ok(interval));
        }
    }
}
