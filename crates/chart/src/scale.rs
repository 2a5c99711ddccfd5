//! Round numbers along an axis.

/// Whole numbers between two, a step of 1, 2 or 5 times a power of ten apart: at most `most` of them.
pub fn round_numbers(low: i64, high: i64, most: usize) -> Vec<i64> {
    let span = i128::from(high) - i128::from(low);
    let most = i128::try_from(most.max(1)).unwrap_or(1);
    let mut power: i128 = 1;
    let step = loop {
        if let Some(step) = [1, 2, 5].map(|digit| digit * power).into_iter().find(|step| span / step < most) {
            break step;
        }
        power *= 10;
    };
    let first = i128::from(low).div_euclid(step) * step;
    (0..)
        .map(|at| first + at * step)
        .skip_while(|&number| number < i128::from(low))
        .take_while(|&number| number <= i128::from(high))
        .filter_map(|number| i64::try_from(number).ok())
        .collect()
}

const SECOND: i64 = 1_000_000_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// Steps of time that people count in.
const STEPS: [i64; 19] = [
    SECOND,
    2 * SECOND,
    5 * SECOND,
    10 * SECOND,
    15 * SECOND,
    30 * SECOND,
    MINUTE,
    2 * MINUTE,
    5 * MINUTE,
    10 * MINUTE,
    15 * MINUTE,
    30 * MINUTE,
    HOUR,
    2 * HOUR,
    3 * HOUR,
    6 * HOUR,
    12 * HOUR,
    DAY,
    7 * DAY,
];

/// The labels of candles that begin at `starts`, at most `most` of them: at which candle, and what it says.
pub fn time_labels(starts: &[i64], most: usize) -> Vec<(usize, String)> {
    for step in STEPS.into_iter().chain((2..).map(|weeks| weeks * 7 * DAY)) {
        let marks = || {
            (0..starts.len()).filter(move |&at| {
                let before = if at == 0 { None } else { Some(starts[at - 1].div_euclid(step)) };
                let here = starts[at].div_euclid(step);
                // The first candle is marked only where it stands on the step itself.
                before.map_or(starts[at].rem_euclid(step) == 0, |before| before != here)
            })
        };
        if marks().count() <= most {
            return marks().map(|at| (at, label(starts, at, step))).collect();
        }
    }
    Vec::new()
}

/// The date where a day begins or time is counted in days, else the time of day.
fn label(starts: &[i64], at: usize, step: i64) -> String {
    // Where candles are missing the step itself may have none: what is marked is where it would be.
    let here = starts[at].div_euclid(step) * step;
    let new_day = at > 0 && starts[at - 1].div_euclid(DAY) != starts[at].div_euclid(DAY);
    let Ok(time) = jiff::Timestamp::from_nanosecond(i128::from(here)) else { return String::new() };
    let format = match step {
        _ if step >= DAY || new_day => "%-d %b",
        _ if step < MINUTE => "%H:%M:%S",
        _ => "%H:%M",
    };
    time.to_zoned(jiff::tz::TimeZone::UTC).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_round_and_not_too_many() {
        assert_eq!(round_numbers(9_987, 10_054, 6), [10_000, 10_020, 10_040]);
        assert_eq!(round_numbers(-7, 3, 5), [-5, 0]);
        assert_eq!(round_numbers(5, 5, 6), [5]);
        for (low, high) in [(0, 1), (1, 9), (99, 1_000), (i64::MIN, i64::MAX), (23_000, 23_011)] {
            let numbers = round_numbers(low, high, 6);
            assert!(!numbers.is_empty() && numbers.len() <= 7, "{low} to {high}: {numbers:?}");
            assert!(numbers.iter().all(|number| (low..=high).contains(number)));
        }
    }

    #[test]
    fn times_are_marked_where_people_look() {
        // 2026-01-05 14:30, every minute for three hours.
        let starts: Vec<i64> = (0..180).map(|minute| 1_767_623_400 * SECOND + minute * MINUTE).collect();
        let labels = time_labels(&starts, 7);
        assert_eq!(labels.first(), Some(&(0, "14:30".to_owned())));
        assert_eq!(labels.get(1), Some(&(30, "15:00".to_owned())));
        assert_eq!(labels.len(), 6);
        let overnight = [starts[0], starts[1], starts[0] + DAY];
        assert_eq!(time_labels(&overnight, 2).last(), Some(&(2, "6 Jan".to_owned())));
        assert_eq!(time_labels(&[], 7), []);
    }
}
