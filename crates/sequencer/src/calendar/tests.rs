//! One table a question: the real calendar, at the moments where calendars go wrong.
#![expect(
    clippy::needless_raw_string_hashes,
    clippy::needless_pass_by_value,
    reason = "expect-test writes and takes them so"
)]

use std::fmt::Write;

use expect_test::{Expect, expect};

use super::*;

fn at(text: &str) -> Timestamp {
    let zoned: jiff::Timestamp = text.parse().unwrap();
    Timestamp(i64::try_from(zoned.as_nanosecond()).unwrap())
}

fn xnys() -> Calendar {
    Calendars::built_in().get(&CalendarName::new("XNYS").unwrap()).unwrap().clone()
}

fn show(now: Timestamp) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(now.0)).unwrap().to_string()
}

fn check_changes(from: &str, count: usize, expected: Expect) {
    let (calendar, mut now, mut table) = (xnys(), at(from), String::new());
    for _ in 0..count {
        let (next, phase) = calendar.next_change(now).unwrap();
        assert_eq!(calendar.phase_at(next), phase);
        assert_ne!(calendar.phase_at(Timestamp(next.0 - 1)), phase);
        writeln!(table, "{} {phase}", show(next)).unwrap();
        now = next;
    }
    expected.assert_eq(&table);
}

#[test]
fn daylight_saving_moves_the_session_in_utc() {
    check_changes(
        "2026-03-06T12:00:00Z",
        4,
        expect![[r#"
        2026-03-06T14:30:00Z open
        2026-03-06T21:00:00Z closed
        2026-03-09T13:30:00Z open
        2026-03-09T20:00:00Z closed
    "#]],
    );
}

#[test]
fn holidays_are_skipped_and_early_closes_kept() {
    check_changes(
        "2026-11-25T12:00:00Z",
        5,
        expect![[r#"
        2026-11-25T14:30:00Z open
        2026-11-25T21:00:00Z closed
        2026-11-27T14:30:00Z open
        2026-11-27T18:00:00Z closed
        2026-11-30T14:30:00Z open
    "#]],
    );
}

#[test]
fn the_year_2027_observes_holidays_that_fall_on_a_weekend() {
    check_changes(
        "2027-12-23T12:00:00Z",
        4,
        expect![[r#"
        2027-12-23T14:30:00Z open
        2027-12-23T21:00:00Z closed
        2027-12-27T14:30:00Z open
        2027-12-27T21:00:00Z closed
    "#]],
    );
    check_changes(
        "2027-07-02T12:00:00Z",
        4,
        expect![[r#"
        2027-07-02T13:30:00Z open
        2027-07-02T20:00:00Z closed
        2027-07-06T13:30:00Z open
        2027-07-06T20:00:00Z closed
    "#]],
    );
}

#[test]
fn sessions_a_year_are_what_the_exchange_publishes() {
    let calendar = xnys();
    let mut sessions = std::collections::BTreeMap::new();
    let mut now = at("2025-01-01T00:00:00Z");
    while let Some((next, phase)) = calendar.next_change(now)
        && next < at("2028-01-01T00:00:00Z")
    {
        *sessions.entry(show(next)[..4].to_owned()).or_insert(0) += usize::from(phase == Phase::Open);
        now = next;
    }
    // 2025: 261 weekdays, 11 holidays. 2026: 261 less 10. 2027: 261 less 10.
    assert_eq!(
        sessions.into_iter().collect::<Vec<_>>(),
        [("2025".into(), 250), ("2026".into(), 251), ("2027".into(), 251)]
    );
}

#[test]
fn the_trading_day_is_the_date_in_the_calendars_zone() {
    let calendar = xnys();
    // 23:30 in New York.
    let evening = at("2026-01-06T04:30:00Z");
    assert_eq!(calendar.day(evening), at("2026-01-05T12:00:00Z").utc_day());
    assert_eq!(show(calendar.next_day(evening)), "2026-01-06T05:00:00Z");
    assert_eq!(show(Calendars::none().next_day(evening)), "2026-01-07T00:00:00Z");
    assert_eq!(Calendars::none().day(evening), evening.utc_day());
}

#[test]
fn an_always_open_calendar_never_changes() {
    let calendars = Calendars::built_in();
    let calendar = calendars.get(&CalendarName::new("always-open").unwrap()).unwrap();
    assert_eq!(calendar.phase_at(at("2026-12-25T00:00:00Z")), Phase::Open);
    assert_eq!(calendar.next_change(at("2026-12-25T00:00:00Z")), None);
}

/// What a schedule asks for between `last` and each of the following moments.
fn check_schedule(last: Option<&str>, moments: &[&str], expected: Expect) {
    let mut schedule = Schedule::new(Calendars::built_in(), last.map(at));
    let mut table = String::new();
    for moment in moments {
        let now = at(moment);
        writeln!(table, "{moment}").unwrap();
        if now < schedule.due_at() {
            continue;
        }
        let mut due = Vec::new();
        schedule.take(now, &mut due);
        for due in due {
            match due {
                Due::Phase { calendar, phase, boundary } => {
                    let why = if boundary { "boundary" } else { "start" };
                    writeln!(table, "  {calendar} {phase} ({why})").unwrap();
                }
                Due::Day(day) => {
                    let midnight = Timestamp(i64::from(day.0) * model::NANOS_PER_DAY);
                    writeln!(table, "  day {}", show(midnight)).unwrap();
                }
            }
        }
    }
    expected.assert_eq(&table);
}

#[test]
fn a_day_in_the_life_of_a_schedule() {
    check_schedule(
        None,
        &[
            "2026-01-05T03:00:00Z",
            "2026-01-05T05:00:00Z",
            "2026-01-05T14:29:59.999999999Z",
            "2026-01-05T14:30:00Z",
            "2026-01-05T20:00:00Z",
            "2026-01-05T21:00:00.000000123Z",
        ],
        expect![[r#"
            2026-01-05T03:00:00Z
              XNYS closed (boundary)
              day 2026-01-04T00:00:00Z
              always-open open (start)
            2026-01-05T05:00:00Z
              day 2026-01-05T00:00:00Z
            2026-01-05T14:29:59.999999999Z
            2026-01-05T14:30:00Z
              XNYS open (boundary)
            2026-01-05T20:00:00Z
            2026-01-05T21:00:00.000000123Z
              XNYS closed (boundary)
        "#]],
    );
}

#[test]
fn a_restart_within_a_session_is_no_boundary() {
    check_schedule(
        Some("2026-01-05T15:00:00Z"),
        &["2026-01-05T15:10:00Z"],
        expect![[r#"
        2026-01-05T15:10:00Z
          day 2026-01-05T00:00:00Z
          XNYS open (start)
          always-open open (start)
    "#]],
    );
}

#[test]
fn a_close_that_was_slept_through_is_made_up_for() {
    // Down from Monday afternoon to Tuesday noon; then from Monday evening to Tuesday evening.
    check_schedule(
        Some("2026-01-05T20:00:00Z"),
        &["2026-01-06T17:00:00Z"],
        expect![[r#"
        2026-01-06T17:00:00Z
          XNYS closed (boundary)
          day 2026-01-06T00:00:00Z
          XNYS open (boundary)
          always-open open (start)
    "#]],
    );
    check_schedule(
        Some("2026-01-05T22:00:00Z"),
        &["2026-01-06T22:00:00Z"],
        expect![[r#"
        2026-01-06T22:00:00Z
          XNYS closed (boundary)
          day 2026-01-06T00:00:00Z
          always-open open (start)
    "#]],
    );
}

fn check_error(text: &str, expected: Expect) {
    expected.assert_eq(&file::parse(Path::new("x.toml"), text).unwrap_err().to_string());
}

#[test]
fn a_calendar_that_cannot_be_says_why() {
    check_error(
        "name = \"X\"\ntime_zone = \"Mars/Olympus\"",
        expect!["calendar X: time zone Mars/Olympus is unknown"],
    );
    check_error(
        "name = \"X\"\ntime_zone = \"UTC\"\nsession = { weekdays = [\"monday\"], open = \"16:00\", close = \"09:30\" }",
        expect!["calendar X: a session that opens at 16:00:00 cannot close at 09:30:00"],
    );
    check_error(
        "name = \"X\"\ntime_zone = \"UTC\"\nopens = 3",
        expect![[r#"
        calendar x.toml cannot be understood: TOML parse error at line 3, column 1
          |
        3 | opens = 3
          | ^^^^^
        unknown field `opens`, expected one of `name`, `time_zone`, `covers`, `session`, `holidays`, `early_closes`
    "#]],
    );
    check_error(
        "name = \"two words\"\ntime_zone = \"UTC\"",
        expect![
            "calendar x.toml: a name holds the byte 0x20 at position 3: only printable ASCII without spaces is allowed"
        ],
    );
    let mut calendars = Calendars::built_in();
    let missing = CalendarName::new("XLON").unwrap();
    assert!(
        matches!(calendars.follow(missing), Err(CalendarError::UnknownDayCalendar { name }) if name == missing)
    );
}
