//! Points in time, as the sequencer stamped them. Nothing in the core reads a clock.

use rkyv::{Archive, Deserialize, Serialize};
use std::fmt;

/// Nanoseconds in a UTC day.
pub const NANOS_PER_DAY: i64 = 86_400_000_000_000;

/// Nanoseconds since 1970-01-01T00:00:00Z. Good until the year 2262.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Archive, Serialize, Deserialize)]
#[repr(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// No time: where an order has no expiry.
    pub const NONE: Self = Self(0);
    /// Later than every time that can occur.
    pub const MAX: Self = Self(i64::MAX);

    /// The UTC day this falls in.
    pub const fn utc_day(self) -> DayNumber {
        #[expect(clippy::cast_possible_truncation, reason = "i64 nanoseconds span 213,504 days")]
        DayNumber(self.0.div_euclid(NANOS_PER_DAY) as i32)
    }
}

impl fmt::Debug for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Timestamp({})", self.0)
    }
}

/// A trading day, as the number of days from 1970-01-01 to its date.
#[derive(
    Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Debug, Archive, Serialize, Deserialize,
)]
#[repr(transparent)]
pub struct DayNumber(pub i32);
