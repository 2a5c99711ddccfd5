//! The TOML shape of a calendar.

use std::path::Path;

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZoneDatabase;
use model::CalendarName;
use serde::Deserialize;

use super::{Calendar, CalendarError, Session};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    name: String,
    time_zone: String,
    covers: Option<Covers>,
    session: Option<SessionTable>,
    #[serde(default)]
    holidays: Vec<Holiday>,
    #[serde(default)]
    early_closes: Vec<EarlyClose>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Covers {
    from: Date,
    to: Date,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SessionTable {
    weekdays: Vec<Day>,
    open: Time,
    close: Time,
}

/// A weekday in words.
#[derive(Deserialize, Clone, Copy)]
#[serde(rename_all = "lowercase")]
enum Day {
    Monday,
    Tuesday,
    Wednesday,
    Thursday,
    Friday,
    Saturday,
    Sunday,
}

impl From<Day> for Weekday {
    fn from(day: Day) -> Self {
        match day {
            Day::Monday => Self::Monday,
            Day::Tuesday => Self::Tuesday,
            Day::Wednesday => Self::Wednesday,
            Day::Thursday => Self::Thursday,
            Day::Friday => Self::Friday,
            Day::Saturday => Self::Saturday,
            Day::Sunday => Self::Sunday,
        }
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Holiday {
    #[serde(rename = "name")]
    _name: String,
    dates: Vec<Date>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct EarlyClose {
    #[serde(rename = "name")]
    _name: String,
    close: Time,
    dates: Vec<Date>,
}

/// Reads a calendar; `origin` is named in errors.
pub(super) fn parse(origin: &Path, text: &str) -> Result<Calendar, CalendarError> {
    let file: File = toml::from_str(text)
        .map_err(|source| CalendarError::Syntax { origin: origin.to_owned(), source: Box::new(source) })?;
    let name = CalendarName::new(&file.name)
        .map_err(|source| CalendarError::Name { origin: origin.to_owned(), source })?;
    // The zones that come with the program, not the machine's: every machine must open at the same moment.
    let zone = TimeZoneDatabase::bundled()
        .get(&file.time_zone)
        .map_err(|_| CalendarError::TimeZone { name, time_zone: file.time_zone.into() })?;

    let mut holidays: Vec<Date> = file.holidays.into_iter().flat_map(|holiday| holiday.dates).collect();
    holidays.sort_unstable();
    let mut early_closes: Vec<(Date, Time)> = file
        .early_closes
        .into_iter()
        .flat_map(|early| early.dates.into_iter().map(move |date| (date, early.close)))
        .collect();
    early_closes.sort_unstable();

    let session = file.session.map(|table| Session {
        weekdays: table.weekdays.into_iter().map(Weekday::from).collect(),
        open: table.open,
        close: table.close,
        holidays,
        early_closes,
    });
    if let Some(Session { open, close, early_closes, .. }) = &session {
        let mut closes = early_closes.iter().map(|&(_, early)| early).chain([*close]);
        if let Some(close) = closes.find(|close| close <= open) {
            return Err(CalendarError::Session { name, open: *open, close });
        }
    }
    Ok(Calendar { name, zone, session, covers: file.covers.map(|covers| (covers.from, covers.to)) })
}
