//! From the text of a file to its cases. Every fault in the file is found and placed, not only the first.

mod command;
mod options;
mod words;

use crate::problem::{Fault, Problem};
use crate::syntax::{Case, Command, Scenario, Span, Step};
use model::Timestamp;

/// The words commands begin with.
pub const COMMANDS: [&str; 19] = [
    "instrument",
    "account",
    "deposit",
    "withdraw",
    "buy",
    "sell",
    "replace",
    "cancel",
    "cancel-all",
    "phase",
    "kill",
    "rule",
    "at",
    "restart",
    "book",
    "orders",
    "balance",
    "trades",
    "candles",
];

/// The line between commands and expected output.
pub const SEPARATOR: &str = "----";

/// What the simulated clock shows at the first command: 2026-01-05T09:30:00Z, a Monday.
pub const CLOCK_START: Timestamp = Timestamp(1_767_605_400_000_000_000);

/// How far a command moves the simulated clock: a millisecond.
pub const CLOCK_STEP_NANOS: i64 = 1_000_000;

/// Reads a file's bytes as text, or says where they stop being text.
pub fn text(bytes: &[u8]) -> Result<&str, Problem> {
    std::str::from_utf8(bytes).map_err(|error| {
        let (good, _) = bytes.split_at(error.valid_up_to());
        let good = std::str::from_utf8(good).unwrap_or_default();
        let line = good.matches('\n').count() + 1;
        let column = good.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
        Problem { span: Span { line, from: column, to: column + 1 }, fault: Fault::NotText }
    })
}

/// Parses a file. The problems are in the order of their places, and there is at least one of them.
pub fn parse(source: &str) -> Result<Scenario, Vec<Problem>> {
    let mut file = File { problems: Vec::new(), last_stamp: None };
    let lines: Vec<&str> = source.trim_start_matches('\u{feff}').lines().collect();
    let mut cases = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let length = lines[at..].iter().take_while(|line| !line.trim().is_empty()).count();
        if length == 0 {
            at += 1;
            continue;
        }
        cases.extend(file.block(at + 1, &lines[at..at + length]));
        at += length;
    }
    file.problems.sort_by_key(|problem| (problem.span.line, problem.span.from));
    if file.problems.is_empty() { Ok(Scenario { cases }) } else { Err(file.problems) }
}

/// Whether a line is a comment.
pub(crate) fn is_comment(line: &str) -> bool {
    line.trim_start().starts_with('#')
}

struct File {
    problems: Vec<Problem>,
    /// The stamp of the command before.
    last_stamp: Option<Timestamp>,
}

impl File {
    /// A run of lines without a blank one among them; the first has the number `first`.
    fn block(&mut self, first: usize, lines: &[&str]) -> Option<Case> {
        let numbered = || (first..).zip(lines).filter(|(_, line)| !is_comment(line));
        // A block of comments alone is not a case.
        let (last, last_line) = numbered().last()?;
        let Some((separator, separator_line)) = numbered().find(|(_, line)| line.trim() == SEPARATOR) else {
            let end = last_line.trim_end().chars().count() + 1;
            self.problem(Span { line: last, from: end, to: end + 1 }, Fault::MissingSeparator);
            return None;
        };
        let mut commands = Vec::new();
        let (mut expected, mut seen) = (Vec::new(), 0);
        for (number, line) in numbered() {
            if number < separator {
                seen += 1;
                commands.extend(self.step(number, line));
            } else if number > separator {
                if line.trim() == SEPARATOR {
                    self.problem(whole(number, line), Fault::SecondSeparator);
                }
                expected.push((number, line.trim_end().to_owned()));
            }
        }
        if seen == 0 {
            self.problem(whole(separator, separator_line), Fault::NoCommand);
        }
        Some(Case { commands, separator, expected, end: first + lines.len() })
    }

    /// One command line, stamped. A faulty line still moves the clock, so that one fault is not reported as two.
    fn step(&mut self, number: usize, line: &str) -> Option<Step> {
        let next = self.last_stamp.map_or(CLOCK_START, |last| Timestamp(last.0 + CLOCK_STEP_NANOS));
        let parsed = command::parse(number, line);
        let stamp = match &parsed {
            Ok(Command::At(time)) => *time,
            _ => next,
        };
        let floor = self.last_stamp.unwrap_or(CLOCK_START);
        if stamp < floor {
            self.problem(whole(number, line), Fault::ClockBack { last: floor });
            return None;
        }
        self.last_stamp = Some(stamp);
        match parsed {
            Ok(command) => Some(Step { command, stamp, span: whole(number, line) }),
            Err(problem) => {
                self.problems.push(problem);
                None
            }
        }
    }

    fn problem(&mut self, span: Span, fault: Fault) {
        self.problems.push(Problem { span, fault });
    }
}

/// The words of a line, from the first to the last.
fn whole(number: usize, line: &str) -> Span {
    let indent = line.chars().count() - line.trim_start().chars().count();
    Span { line: number, from: indent + 1, to: line.trim_end().chars().count() + 1 }
}
