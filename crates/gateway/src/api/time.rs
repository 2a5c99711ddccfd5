//! Points in time on the wire: RFC 3339 in UTC, such as `2026-01-05T09:30:00.000000001Z`.

use model::Timestamp;
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A point in time, written as RFC 3339 in UTC with as many decimals as it needs.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Time(pub Timestamp);

/// A text that is not a point in time here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a time between 1970 and 2262: write RFC 3339, such as \"2026-01-05T15:00:00Z\"")]
pub struct TimeError;

impl From<Timestamp> for Time {
    fn from(timestamp: Timestamp) -> Self {
        Self(timestamp)
    }
}

impl FromStr for Time {
    type Err = TimeError;

    fn from_str(text: &str) -> Result<Self, TimeError> {
        let parsed: jiff::Timestamp = text.parse().map_err(|_| TimeError)?;
        let nanos = i64::try_from(parsed.as_nanosecond()).map_err(|_| TimeError)?;
        if nanos > 0 { Ok(Self(Timestamp(nanos))) } else { Err(TimeError) }
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let time = jiff::Timestamp::from_nanosecond(i128::from(self.0.0))
            .expect("64 bits of nanoseconds lie between the years 1677 and 2262");
        f.pad(&time.to_string())
    }
}

impl Serialize for Time {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Time {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_come_back_to_the_nanosecond() {
        for text in
            ["2026-01-05T09:30:00Z", "2026-01-05T09:30:00.000000001Z", "2262-04-11T23:47:16.854775807Z"]
        {
            assert_eq!(text.parse::<Time>().unwrap().to_string(), text);
        }
        assert_eq!("2026-01-05T10:30:00+01:00".parse::<Time>().unwrap().to_string(), "2026-01-05T09:30:00Z");
    }

    #[test]
    fn times_the_log_cannot_hold_are_refused() {
        for text in ["", "tomorrow", "2026-01-05", "1969-12-31T23:59:59Z", "9999-01-01T00:00:00Z"] {
            assert_eq!(text.parse::<Time>(), Err(TimeError), "{text}");
        }
    }
}
