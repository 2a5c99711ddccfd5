//! Points in time as people write them: `2026-01-05T09:30:00Z`, with up to nine decimals of a second, always UTC.

use model::{NANOS_PER_DAY, Timestamp};
use std::fmt;

const NANOS_PER_SECOND: i64 = 1_000_000_000;

/// Why a text is not a point in time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InstantError {
    /// Not of the form `2026-01-05T09:30:00Z`.
    #[error("not a time like 2026-01-05T09:30:00Z")]
    Malformed,
    /// No such day, hour, minute or second.
    #[error("a date or time of day that does not exist")]
    NoSuchTime,
    /// Outside 1678 to 2261: nanoseconds since 1970 must fit 64 bits.
    #[error("a time before the year 1678 or after 2261")]
    OutOfRange,
}

/// Days from 1970-01-01 to a date of the Gregorian calendar. After Howard Hinnant, "chrono-compatible low-level date
/// algorithms": years begin in March, so the leap day is the last of its year.
const fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// The year, month and day that lie `days` after 1970-01-01.
const fn civil_from_days(days: i64) -> (i64, i64, i64) {
    let days = days + 719_468;
    let era = days.div_euclid(146_097);
    let day_of_era = days.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 { month_from_march + 3 } else { month_from_march - 9 };
    (year_of_era + era * 400 + if month <= 2 { 1 } else { 0 }, month, day)
}

/// Takes digits off the front of a text, exactly `count` of them.
fn digits(text: &str, count: usize) -> Result<(i64, &str), InstantError> {
    let (digits, rest) = text.split_at_checked(count).ok_or(InstantError::Malformed)?;
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(InstantError::Malformed);
    }
    Ok((digits.parse().map_err(|_| InstantError::Malformed)?, rest))
}

fn literal<'a>(text: &'a str, expected: &str) -> Result<&'a str, InstantError> {
    text.strip_prefix(expected).ok_or(InstantError::Malformed)
}

/// The nanoseconds of `.5` and the like, at most nine digits, and what follows.
fn fraction(text: &str) -> Result<(i64, &str), InstantError> {
    let Some(rest) = text.strip_prefix('.') else { return Ok((0, text)) };
    let count = rest.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 || count > 9 {
        return Err(InstantError::Malformed);
    }
    let (number, rest) = digits(rest, count)?;
    Ok((number * model::POWERS_OF_TEN[9 - count], rest))
}

/// Reads a point in time.
pub fn parse(text: &str) -> Result<Timestamp, InstantError> {
    let (year, rest) = digits(text, 4)?;
    let (month, rest) = digits(literal(rest, "-")?, 2)?;
    let (day, rest) = digits(literal(rest, "-")?, 2)?;
    let (hour, rest) = digits(literal(rest, "T")?, 2)?;
    let (minute, rest) = digits(literal(rest, ":")?, 2)?;
    let (second, rest) = digits(literal(rest, ":")?, 2)?;
    let (nanos, rest) = fraction(rest)?;
    if rest != "Z" {
        return Err(InstantError::Malformed);
    }
    // A date exists when it comes back from the count of days it stands for; 31 April comes back as 1 May.
    let exists = (1..=12).contains(&month) && hour < 24 && minute < 60 && second < 60 && {
        let days = days_from_civil(year, month, day);
        civil_from_days(days) == (year, month, day)
    };
    if !exists {
        return Err(InstantError::NoSuchTime);
    }
    if !(1678..=2261).contains(&year) {
        return Err(InstantError::OutOfRange);
    }
    let seconds = days_from_civil(year, month, day) * 86_400 + hour * 3_600 + minute * 60 + second;
    Ok(Timestamp(seconds * NANOS_PER_SECOND + nanos))
}

/// A point in time as text: no more decimals of a second than it needs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Instant(pub Timestamp);

impl fmt::Display for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = civil_from_days(self.0.0.div_euclid(NANOS_PER_DAY));
        let of_day = self.0.0.rem_euclid(NANOS_PER_DAY);
        let (seconds, nanos) = (of_day / NANOS_PER_SECOND, of_day % NANOS_PER_SECOND);
        let (hour, minute, second) = (seconds / 3_600, seconds / 60 % 60, seconds % 60);
        write!(f, "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}")?;
        if nanos != 0 {
            write!(f, ".{}", format!("{nanos:09}").trim_end_matches('0'))?;
        }
        f.write_str("Z")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_times() {
        for (text, nanos) in [
            ("1970-01-01T00:00:00Z", 0),
            ("1969-12-31T23:59:59.999999999Z", -1),
            ("2026-01-05T09:30:00Z", 1_767_605_400 * NANOS_PER_SECOND),
            ("2024-02-29T23:59:59.5Z", 1_709_251_199_500_000_000),
        ] {
            assert_eq!(parse(text), Ok(Timestamp(nanos)), "{text}");
            assert_eq!(Instant(Timestamp(nanos)).to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_time_is_refused() {
        use InstantError::{Malformed, NoSuchTime, OutOfRange};
        for (text, error) in [
            ("", Malformed),
            ("2026-01-05", Malformed),
            ("2026-01-05T09:30:00", Malformed),
            ("2026-01-05T09:30:00+01:00", Malformed),
            ("2026-01-05 09:30:00Z", Malformed),
            ("2026-1-05T09:30:00Z", Malformed),
            ("2026-01-05T09:30:00.Z", Malformed),
            ("2026-01-05T09:30:00.1234567890Z", Malformed),
            ("é026-01-05T09:30:00Z", Malformed),
            ("2026-02-29T09:30:00Z", NoSuchTime),
            ("2026-13-01T09:30:00Z", NoSuchTime),
            ("2026-00-01T09:30:00Z", NoSuchTime),
            ("2026-01-00T09:30:00Z", NoSuchTime),
            ("2026-01-05T24:00:00Z", NoSuchTime),
            ("2026-01-05T09:60:00Z", NoSuchTime),
            ("2026-01-05T09:30:60Z", NoSuchTime),
            ("1677-12-31T00:00:00Z", OutOfRange),
            ("9999-01-01T00:00:00Z", OutOfRange),
        ] {
            assert_eq!(parse(text), Err(error), "{text}");
        }
    }

    proptest! {
        #[test]
        fn text_and_back(nanos in -9_000_000_000_000_000_000i64..9_000_000_000_000_000_000) {
            prop_assert_eq!(parse(&Instant(Timestamp(nanos)).to_string()), Ok(Timestamp(nanos)));
        }
    }
}
