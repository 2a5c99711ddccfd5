//! `log`: one row about the log itself; and `business_days`: when the markets' calendars have sessions around it.

use std::sync::Arc;

use model::{NANOS_PER_DAY, Phase, Timestamp};
use sequencer::Calendars;

use crate::error::Error;
use crate::store::Store;
use crate::table::scan::Ready;
use crate::table::vector::{Day, Moment};
use crate::table::{Column, Filter, Parameter, Scan, TO_SEQ, Table, columns};

/// One row: how far the log goes.
pub struct Log;

pub struct LogRow {
    store_id: String,
    first_time_ns: i64,
    last_sequence: u64,
    last_time_ns: i64,
}

/// The time of the block that holds a record; `None` when there is none.
fn time_of(store: &Store, sequence: u64) -> Result<Option<i64>, Error> {
    let mut reader = store.reader();
    reader.seek_sequence(sequence)?;
    Ok(reader.next_block()?.map(|block| block.header().timestamp_ns))
}

/// The times of the first and the last record a query may see; `None` for an empty log.
fn times(store: &Store, bound: u64) -> Result<Option<(i64, i64)>, Error> {
    if bound == 0 {
        return Ok(None);
    }
    Ok(time_of(store, 1)?.zip(time_of(store, bound)?))
}

impl Table for Log {
    type Rows = Vec<LogRow>;
    const NAME: &'static str = "log";
    const IS_SMALL: bool = true;
    const ABOUT: &'static str = "One row: how far the log goes. Empty before the first record.";
    const PARAMETERS: &'static [Parameter] = &[TO_SEQ];
    const COLUMNS: &'static [Column<Vec<LogRow>>] = columns![Vec<LogRow>:
        &str, "store_id", "", "The store's own name.", |row| row.store_id.as_str();
        u64, "last_sequence", "record", "The last record that this query sees.", |row| row.last_sequence;
        i64, "first_time_ns", "ns", "When the first block was stamped: UNIX time.", |row| row.first_time_ns;
        i64, "last_time_ns", "ns", "When the last one was: UNIX time.", |row| row.last_time_ns;
        Moment, "first_time", "UTC", "The first as a timestamp.", |row| Moment(row.first_time_ns);
        Moment, "last_time", "UTC", "The last as a timestamp.", |row| Moment(row.last_time_ns);
        Day, "last_date", "UTC", "The day of the last.", |row| Day(Timestamp(row.last_time_ns).utc_day().0);
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<LogRow>>>, Error> {
        let store_id = store.reader().store_id().to_string();
        let last_sequence = filter.range.to;
        let row = times(store, last_sequence)?.map(|(first_time_ns, last_time_ns)| LogRow {
            store_id,
            first_time_ns,
            last_sequence,
            last_time_ns,
        });
        Ok(Box::new(Ready::new(row.into_iter().collect())))
    }
}

/// One row a calendar and day with a session.
pub struct BusinessDays;

pub struct BusinessDay {
    calendar: String,
    day: i32,
    covered: bool,
}

/// How far before and after the log days are listed: more than any settlement takes, over any holidays.
const DAYS_AROUND: i64 = 30;

impl Table for BusinessDays {
    type Rows = Vec<BusinessDay>;
    const NAME: &'static str = "business_days";
    const IS_SMALL: bool = true;
    const ABOUT: &'static str =
        "The days on which a calendar has a session, from a month before the log to a month after it.";
    const PARAMETERS: &'static [Parameter] = &[];
    const COLUMNS: &'static [Column<Vec<BusinessDay>>] = columns![Vec<BusinessDay>:
        &str, "calendar", "", "The calendar, such as `XNYS`.", |row| row.calendar.as_str();
        Day, "day", "", "The date, in the calendar's zone.", |row| Day(row.day);
        bool, "holidays_known", "", "Whether the calendar knows that year's holidays; where not, only weekends are left out.", |row| row.covered;
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<BusinessDay>>>, Error> {
        let mut rows = Vec::new();
        if let Some((first, last)) = times(store, filter.bound)? {
            let around = DAYS_AROUND * NANOS_PER_DAY;
            let (from, to) =
                (Timestamp(first.saturating_sub(around)), Timestamp(last.saturating_add(around)));
            for calendar in Calendars::built_in().iter() {
                let epoch = jiff::civil::Date::constant(1970, 1, 1);
                let row = |day: i32| {
                    let date = epoch.checked_add(jiff::Span::new().days(day)).ok();
                    let covered = match (calendar.covered_until(), date) {
                        (Some(until), Some(date)) => date <= until,
                        _ => true,
                    };
                    BusinessDay { calendar: calendar.name().to_string(), day, covered }
                };
                let mut now = from;
                if calendar.next_change(now).is_none() {
                    // It never closes.
                    rows.extend((calendar.day(from).0..=calendar.day(to).0).map(row));
                }
                while let Some((at, phase)) = calendar.next_change(now).filter(|&(at, _)| at <= to) {
                    if phase == Phase::Open {
                        rows.push(row(calendar.day(at).0));
                    }
                    now = at;
                }
            }
        }
        Ok(Box::new(Ready::new(rows)))
    }
}
