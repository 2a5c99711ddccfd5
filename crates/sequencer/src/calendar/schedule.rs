//! Calendars over time: which of their boundaries have been passed since the last look.

use model::{CalendarName, DayNumber, Phase, Timestamp};

use super::Calendars;

/// Something a calendar asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Due {
    /// The instruments of a calendar come to a phase. At a boundary whatever phase they are in; otherwise only those
    /// that are open or closed, so that a halt stands.
    Phase { calendar: CalendarName, phase: Phase, boundary: bool },
    /// A trading day begins.
    Day(DayNumber),
}

/// The boundaries still to come.
///
/// **Who wins.** At a boundary (a session's open or close) the calendar sets the phase of all its instruments, whatever
/// the operator did before. Between boundaries the operator's word stands: an instrument halted at 11:00 stays halted
/// until it is opened by hand or the session closes; one opened by hand in the evening stays open until the next
/// boundary. A restart is no boundary: halts outlive it. But a restart brings instruments that are open or closed to
/// the phase the calendar has for this moment, and a boundary that was slept through counts as passed now. A close that
/// was slept through is never skipped, because day orders expire at it.
#[derive(Debug)]
pub struct Schedule {
    calendars: Calendars,
    /// The next boundary of each calendar, in the order of `calendars`.
    next: Vec<Option<(Timestamp, Phase)>>,
    next_day: Timestamp,
    /// The earliest of all.
    due_at: Timestamp,
    starting: bool,
}

impl Schedule {
    /// The boundaries after `last`, the time of the last block in the log; `None` for a new log. The first
    /// [`Schedule::take`] brings everything to where it should be.
    pub fn new(calendars: Calendars, last: Option<Timestamp>) -> Self {
        let last = last.unwrap_or(Timestamp(0));
        let next = calendars.iter().map(|calendar| calendar.next_change(last)).collect();
        let next_day = calendars.next_day(last);
        Self { calendars, next, next_day, due_at: Timestamp(i64::MIN), starting: true }
    }

    /// The calendars behind it.
    pub fn calendars(&self) -> &Calendars {
        &self.calendars
    }

    /// When there is something to take. Before the first look: at once.
    #[inline]
    pub fn due_at(&self) -> Timestamp {
        self.due_at
    }

    /// Takes what is due at `now`: closes first, then the trading day, then opens.
    pub(crate) fn take(&mut self, now: Timestamp, due: &mut Vec<Due>) {
        let mut opens = Vec::new();
        for (calendar, next) in self.calendars.iter().zip(&mut self.next) {
            let phase = calendar.phase_at(now);
            let passed = next.is_some_and(|(at, _)| at <= now);
            if passed || self.starting {
                let wants = |phase, boundary| Due::Phase { calendar: calendar.name(), phase, boundary };
                let first = *next;
                *next = calendar.next_change(now);
                let slept_through_close = passed
                    && first.is_some_and(|(at, first)| {
                        first == Phase::Closed
                            || calendar.next_change(at).is_some_and(|(second, _)| second <= now)
                    });
                if phase == Phase::Closed || slept_through_close {
                    due.push(wants(Phase::Closed, passed));
                }
                if phase == Phase::Open {
                    opens.push(wants(Phase::Open, passed));
                }
            }
        }
        if now >= self.next_day || self.starting {
            due.push(Due::Day(self.calendars.day(now)));
            self.next_day = self.calendars.next_day(now);
        }
        due.append(&mut opens);
        self.starting = false;
        self.due_at = self.next.iter().flatten().map(|&(at, _)| at).fold(self.next_day, Timestamp::min);
    }
}
