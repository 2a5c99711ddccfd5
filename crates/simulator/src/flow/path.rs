//! Where the mid-price goes, and how far from it orders are placed.

use super::FlowConfig;
use crate::SplitMix64;
use model::Price;
use std::fmt;
use std::str::FromStr;

/// The path of the mid-price.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Hash)]
pub enum Shape {
    /// It does not move: all work is at the same few levels.
    Static,
    /// A random walk, a few percent from end to end.
    Normal,
    /// Up by 25% and back.
    Swing25,
    /// Up by 40% and back.
    Swing40,
    /// Nothing much, then down by 20% in a fiftieth of the messages, most of the way back in a tenth.
    FlashCrash,
}

impl Shape {
    /// Every shape.
    pub const ALL: [Self; 5] = [Self::Static, Self::Normal, Self::Swing25, Self::Swing40, Self::FlashCrash];

    /// Its name on the command line and in results.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Static => "static",
            Self::Normal => "normal",
            Self::Swing25 => "swing-25",
            Self::Swing40 => "swing-40",
            Self::FlashCrash => "flash-crash",
        }
    }

    /// The path without its noise: (when, in millionths of the messages; where, in millionths above the start).
    const fn waypoints(self) -> &'static [(u64, i64)] {
        match self {
            Self::Static | Self::Normal => &[(0, 0), (1_000_000, 0)],
            Self::Swing25 => &[(0, 0), (500_000, 250_000), (1_000_000, 0)],
            Self::Swing40 => &[(0, 0), (500_000, 400_000), (1_000_000, 0)],
            Self::FlashCrash => {
                &[(0, 0), (450_000, 0), (470_000, -200_000), (570_000, -20_000), (1_000_000, 0)]
            }
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A word that names no [`Shape`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a shape of flow: expected one of static normal swing-25 swing-40 flash-crash")]
pub struct UnknownShape;

impl FromStr for Shape {
    type Err = UnknownShape;
    fn from_str(word: &str) -> Result<Self, UnknownShape> {
        Self::ALL.into_iter().find(|shape| shape.as_str() == word).ok_or(UnknownShape)
    }
}

/// Per-mille of messages at which the random walk takes a step of one tick: 200 ticks (2%) after two million messages, on average.
const WALK_STEPS: u64 = 20;

/// The mid-price as it moves.
#[derive(Clone, Debug)]
pub(super) struct MidPrice {
    waypoints: &'static [(u64, i64)],
    walks: bool,
    start: i64,
    /// Messages in one run of the path.
    period: u64,
    /// Messages so far in this run.
    at: u64,
    /// What the random walk added, in ticks.
    walk: i64,
}

impl MidPrice {
    pub(super) fn new(config: &FlowConfig) -> Self {
        Self {
            waypoints: config.shape.waypoints(),
            walks: config.shape != Shape::Static,
            start: config.start_price.0.max(10),
            period: config.messages.max(1),
            at: 0,
            walk: 0,
        }
    }

    /// Where the mid-price is for the next message.
    pub(super) fn advance(&mut self, random: &mut SplitMix64) -> Price {
        if self.walks && random.chance(WALK_STEPS) {
            let up = random.chance(500);
            // An endless flow must not walk off the end of the world: half of the start is far enough.
            let step = if up { 1 } else { -1 };
            if (self.walk + step).abs() <= self.start / 4 {
                self.walk += step;
            }
        }
        #[expect(clippy::cast_possible_truncation, reason = "below 1,000,000")]
        let now = (u128::from(self.at) * 1_000_000 / u128::from(self.period)) as u64;
        self.at = (self.at + 1) % self.period;
        Price((self.start + self.start * self.offset(now) / 1_000_000 + self.walk).max(2))
    }

    /// Where the path is, in millionths above the start.
    fn offset(&self, now: u64) -> i64 {
        let next =
            self.waypoints.iter().position(|&(when, _)| when > now).unwrap_or(self.waypoints.len() - 1);
        let ((from, low), (to, high)) = (self.waypoints[next - 1], self.waypoints[next]);
        low + (high - low) * (now - from).cast_signed() / (to - from).cast_signed()
    }
}

/// The furthest from the mid-price that an order is placed, in ticks.
pub(super) const MAX_DISTANCE: usize = 1_000;

/// How far from the mid-price orders are placed: `P(d) ~ (3 + d)^-1.5`. The exponent 1 + μ was measured as 1.6 in Bouchaud,
/// Mézard and Potters, "Statistical properties of stock order books" (2002); 1.5 needs no more than an integer square root.
#[derive(Clone, Debug)]
pub(super) struct DepthLaw {
    /// At `d - 1`: the weight of the distances from 1 to `d`.
    cumulative: Box<[u64]>,
}

impl DepthLaw {
    pub(super) fn new() -> Self {
        let mut sum = 0;
        let cumulative = (1..=MAX_DISTANCE as u64)
            .map(|distance| {
                let shifted = distance + 3;
                // 2^10 times the square root, so that the rounding is finer than a thousandth.
                let root = (shifted << 20).isqrt();
                sum += (1 << 50) / (shifted * root);
                sum
            })
            .collect();
        Self { cumulative }
    }

    /// A distance in ticks, from 1.
    pub(super) fn sample(&self, random: &mut SplitMix64) -> i64 {
        let total = self.cumulative[MAX_DISTANCE - 1];
        let point = random.below(total);
        let index = self.cumulative.partition_point(|&sum| sum <= point);
        i64::try_from(index + 1).expect("at most MAX_DISTANCE")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_falls_off_as_the_law_says() {
        let law = DepthLaw::new();
        let mut random = SplitMix64::new(1);
        let mut seen = vec![0u32; MAX_DISTANCE + 1];
        for _ in 0..1_000_000 {
            seen[usize::try_from(law.sample(&mut random)).unwrap()] += 1;
        }
        // (3 + 1)^-1.5 / (3 + 13)^-1.5 = 8, and again from 13 to 61.
        let ratio = |near: usize, far: usize| f64::from(seen[near]) / f64::from(seen[far]);
        assert_eq!(seen[0], 0);
        assert!((7.5..8.5).contains(&ratio(1, 13)), "{}", ratio(1, 13));
        assert!((7.0..9.0).contains(&ratio(13, 61)), "{}", ratio(13, 61));
        assert!(seen[900..].iter().sum::<u32>() > 0);
    }

    #[test]
    fn names_and_back() {
        for shape in Shape::ALL {
            assert_eq!(shape.to_string().parse(), Ok(shape));
        }
        assert_eq!("flat".parse::<Shape>(), Err(UnknownShape));
    }
}
