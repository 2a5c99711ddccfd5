//! Trading calendars: when an instrument opens and closes, and when a trading day begins. A calendar is a TOML file
//! (see `crates/sequencer/calendars/`); two are built in: `XNYS` and `always-open`.
//!
//! The sequencer turns a calendar's boundaries into `SetPhase` and `StartTradingDay` commands, so that the core needs
//! no calendar. What wins when an operator says something else is told at [`Schedule`].

mod file;
mod schedule;

use std::path::{Path, PathBuf};

use jiff::civil::{Date, Time, Weekday};
use jiff::tz::TimeZone;
use model::{CalendarName, DayNumber, Phase, Timestamp};

pub(crate) use schedule::Due;
pub use schedule::Schedule;

/// Days searched for the next session before a calendar is taken to have none: no market rests for a year.
const SEARCH_DAYS_MAX: i32 = 366;

/// A calendar file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CalendarError {
    /// The file cannot be read.
    #[error("calendar {} cannot be read: {source}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is not TOML, or not of this shape.
    #[error("calendar {origin} cannot be understood: {source}")]
    Syntax {
        /// The file, or the name of a built-in calendar.
        origin: PathBuf,
        /// Where, and what was expected.
        source: Box<toml::de::Error>,
    },
    /// The calendar's name is not a name.
    #[error("calendar {origin}: {source}")]
    Name {
        /// The file.
        origin: PathBuf,
        /// What is wrong with the name.
        source: model::TextError,
    },
    /// No such time zone.
    #[error("calendar {name}: time zone {time_zone} is unknown")]
    TimeZone {
        /// The calendar.
        name: CalendarName,
        /// The zone asked for.
        time_zone: Box<str>,
    },
    /// A session must open before it closes, on the same date.
    #[error("calendar {name}: a session that opens at {open} cannot close at {close}")]
    Session {
        /// The calendar.
        name: CalendarName,
        /// When it was to open.
        open: Time,
        /// When it was to close.
        close: Time,
    },
    /// The calendar that ends the trading day is not among the calendars.
    #[error("trading days are to follow calendar {name}, which is not loaded")]
    UnknownDayCalendar {
        /// The calendar asked for.
        name: CalendarName,
    },
}

/// When one market trades.
#[derive(Debug, Clone)]
pub struct Calendar {
    name: CalendarName,
    zone: TimeZone,
    /// `None`: open at every hour.
    session: Option<Session>,
    /// The dates for which holidays are known, both included.
    covers: Option<(Date, Date)>,
}

#[derive(Debug, Clone)]
struct Session {
    weekdays: Vec<Weekday>,
    open: Time,
    close: Time,
    /// Sorted.
    holidays: Vec<Date>,
    /// Sorted.
    early_closes: Vec<(Date, Time)>,
}

impl Session {
    /// The session of one date, if there is one.
    fn on(&self, date: Date) -> Option<(Time, Time)> {
        if !self.weekdays.contains(&date.weekday()) || self.holidays.binary_search(&date).is_ok() {
            return None;
        }
        let early = self.early_closes.binary_search_by_key(&date, |&(early, _)| early);
        Some((self.open, early.map_or(self.close, |at| self.early_closes[at].1)))
    }
}

impl Calendar {
    /// Its name, as instruments use it.
    pub fn name(&self) -> CalendarName {
        self.name
    }

    /// The last date whose holidays are known; later ones are taken for ordinary days. `None`: it has none.
    pub fn covered_until(&self) -> Option<Date> {
        self.covers.map(|(_, until)| until)
    }

    /// The phase its instruments should be in at `now`: `Open` or `Closed`.
    pub fn phase_at(&self, now: Timestamp) -> Phase {
        let Some(session) = &self.session else { return Phase::Open };
        let local = self.local(now);
        match session.on(local.date()) {
            Some((open, close)) if (open..close).contains(&local.time()) => Phase::Open,
            _ => Phase::Closed,
        }
    }

    /// The first change after `now`, and what it changes to. `None` when there is none.
    pub fn next_change(&self, now: Timestamp) -> Option<(Timestamp, Phase)> {
        let session = self.session.as_ref()?;
        let mut date = self.local(now).date();
        for _ in 0..SEARCH_DAYS_MAX {
            if let Some((open, close)) = session.on(date) {
                let boundaries = [(open, Phase::Open), (close, Phase::Closed)];
                let found = boundaries.into_iter().map(|(time, phase)| (self.instant(date, time), phase));
                if let Some(change) = found.into_iter().find(|&(at, _)| at > now) {
                    return Some(change);
                }
            }
            date = date.tomorrow().ok()?;
        }
        None
    }

    /// The trading day `now` falls in: the date in the calendar's zone.
    pub fn day(&self, now: Timestamp) -> DayNumber {
        let epoch = Date::constant(1970, 1, 1);
        let days = self.local(now).date().duration_since(epoch).as_hours() / 24;
        DayNumber(i32::try_from(days).expect("Timestamp spans fewer than 2^31 days"))
    }

    /// When the trading day after that of `now` begins: the next midnight in the calendar's zone.
    pub fn next_day(&self, now: Timestamp) -> Timestamp {
        match self.local(now).date().tomorrow() {
            Ok(tomorrow) => self.instant(tomorrow, Time::midnight()),
            Err(_) => Timestamp::MAX,
        }
    }

    fn local(&self, now: Timestamp) -> jiff::civil::DateTime {
        let instant = jiff::Timestamp::from_nanosecond(i128::from(now.0))
            .expect("64 bits of nanoseconds reach from 1677 to 2262");
        self.zone.to_datetime(instant)
    }

    /// A time that a clock change skips or repeats is taken as the later and the earlier one.
    fn instant(&self, date: Date, time: Time) -> Timestamp {
        let instant = self.zone.to_ambiguous_timestamp(date.to_datetime(time)).compatible();
        let nanos = instant.ok().and_then(|instant| i64::try_from(instant.as_nanosecond()).ok());
        nanos.map_or(Timestamp::MAX, Timestamp)
    }
}

/// The calendars a node knows, and the one that its trading days follow.
#[derive(Debug, Clone, Default)]
pub struct Calendars {
    list: Vec<Calendar>,
    day: CalendarName,
}

impl Calendars {
    /// No calendars: the operator moves all phases, and trading days are UTC dates.
    pub fn none() -> Self {
        Self::default()
    }

    /// `XNYS` and `always-open`; trading days follow `XNYS`.
    pub fn built_in() -> Self {
        let files =
            [include_str!("../../calendars/XNYS.toml"), include_str!("../../calendars/always-open.toml")];
        let parse = |text| file::parse(Path::new("(built in)"), text).expect("held valid by the tests");
        let list: Vec<_> = files.into_iter().map(parse).collect();
        let day = list[0].name;
        Self { list, day }
    }

    /// Adds the calendar in a TOML file; one of the same name is replaced.
    pub fn load(&mut self, path: &Path) -> Result<CalendarName, CalendarError> {
        let text = std::fs::read_to_string(path)
            .map_err(|source| CalendarError::Unreadable { path: path.to_owned(), source })?;
        let calendar = file::parse(path, &text)?;
        let name = calendar.name;
        self.list.retain(|other| other.name != name);
        self.list.push(calendar);
        Ok(name)
    }

    /// Lets trading days follow this calendar; an empty name makes them UTC dates.
    pub fn follow(&mut self, day: CalendarName) -> Result<(), CalendarError> {
        if !day.is_empty() && self.get(&day).is_none() {
            return Err(CalendarError::UnknownDayCalendar { name: day });
        }
        self.day = day;
        Ok(())
    }

    /// The calendar of this name.
    pub fn get(&self, name: &CalendarName) -> Option<&Calendar> {
        self.list.iter().find(|calendar| calendar.name == *name)
    }

    /// All of them.
    pub fn iter(&self) -> impl Iterator<Item = &Calendar> {
        self.list.iter()
    }

    /// The trading day `now` falls in.
    pub fn day(&self, now: Timestamp) -> DayNumber {
        self.get(&self.day).map_or_else(|| now.utc_day(), |calendar| calendar.day(now))
    }

    /// When the trading day after that of `now` begins.
    pub fn next_day(&self, now: Timestamp) -> Timestamp {
        self.get(&self.day).map_or_else(
            || Timestamp((i64::from(now.utc_day().0) + 1).saturating_mul(model::NANOS_PER_DAY)),
            |calendar| calendar.next_day(now),
        )
    }
}

#[cfg(test)]
mod tests;
