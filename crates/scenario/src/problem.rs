//! What can be wrong with a scenario file, and how it is shown: place, message, the line itself, and a hint.

use crate::instant::{Instant, InstantError};
use crate::syntax::Span;
use model::{DecimalError, TextError, Timestamp};
use std::fmt::{self, Write as _};

/// What is wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// The bytes of the file are not text.
    #[error("the file is not UTF-8 text from here on")]
    NotText,
    /// A case has no `----`.
    #[error("this case has no `----` between its commands and what they should print")]
    MissingSeparator,
    /// A case has two.
    #[error("a second `----` in one case")]
    SecondSeparator,
    /// A case has nothing before its `----`.
    #[error("no command before `----`")]
    NoCommand,
    /// A line begins with a word that is no command.
    #[error("unknown command")]
    UnknownCommand {
        /// A command with a similar name.
        similar: Option<&'static str>,
    },
    /// The line ends too early.
    #[error("{what} is missing")]
    Missing {
        /// What should follow.
        what: &'static str,
    },
    /// The line goes on where it should have ended.
    #[error("unexpected word")]
    Unexpected,
    /// A command does not know this option.
    #[error("unknown option")]
    UnknownOption {
        /// The options it knows.
        known: &'static str,
    },
    /// An option stands twice.
    #[error("this option is given twice")]
    OptionTwice,
    /// An order names two times in force.
    #[error("two times in force in one order")]
    TwoTimesInForce,
    /// An option that must be given is not.
    #[error("the option `{option}=` is missing")]
    MissingOption {
        /// Which.
        option: &'static str,
    },
    /// A price, quantity, amount or count is no number.
    #[error("{what} is {error}")]
    BadNumber {
        /// What the number is for.
        what: &'static str,
        /// What is wrong with it.
        error: DecimalError,
    },
    /// A count is not a whole number.
    #[error("{what} is not a whole number")]
    BadCount {
        /// What is counted.
        what: &'static str,
    },
    /// A collar is not written in percent.
    #[error("a collar is a percentage")]
    NotPercent,
    /// A name cannot be one.
    #[error("bad {what}: {error}")]
    BadName {
        /// What is named.
        what: &'static str,
        /// What is wrong with it.
        error: TextError,
    },
    /// A name holds `=`, as only options do.
    #[error("{what} expected here, and it holds no `=`")]
    OptionForName {
        /// What is named.
        what: &'static str,
    },
    /// A word is none of those possible.
    #[error("unknown {what}")]
    BadWord {
        /// What the word is for.
        what: &'static str,
        /// The words there are.
        expected: &'static str,
    },
    /// A time cannot be read.
    #[error("{0}")]
    BadTime(InstantError),
    /// The clock would go back.
    #[error("the clock never goes back: it shows {} here", Instant(*last))]
    ClockBack {
        /// What the clock shows.
        last: Timestamp,
    },
    /// An account is opened with more balances than a record holds.
    #[error("an account is opened with at most {max} balances")]
    TooManyBalances {
        /// How many there may be.
        max: usize,
    },
}

impl Fault {
    /// What to do about it.
    pub fn hint(self) -> Option<Hint> {
        Some(Hint(self)).filter(|hint| !hint.to_string().is_empty())
    }
}

/// Advice about a [`Fault`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Hint(Fault);

impl fmt::Display for Hint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Fault::MissingSeparator => {
                f.write_str("write `----` after the last command, also when nothing is printed")
            }
            Fault::SecondSeparator => f.write_str("separate cases by a blank line"),
            Fault::NoCommand => f.write_str("a case is commands, `----`, and the lines they print"),
            Fault::UnknownCommand { similar: Some(similar) } => write!(f, "did you mean `{similar}`?"),
            Fault::UnknownCommand { similar: None } => {
                write!(f, "the commands are {}", crate::parse::COMMANDS.join(", "))
            }
            Fault::UnknownOption { known: "" } => f.write_str("this command has no options"),
            Fault::UnknownOption { known } => write!(f, "the options here are {known}"),
            Fault::TwoTimesInForce => f.write_str("choose one of day, gtc, ioc, fok, gtd=TIME"),
            Fault::BadWord { expected, .. } => write!(f, "it is one of {expected}"),
            Fault::NotPercent => f.write_str("for example collar=5%"),
            Fault::BadNumber { .. } => {
                f.write_str("numbers are digits with at most one point, such as 100 or 10.05")
            }
            Fault::BadTime(InstantError::Malformed) => {
                f.write_str("times are UTC, and decimals of a second are optional")
            }
            Fault::ClockBack { .. } => f.write_str("every command moves the clock on by a millisecond"),
            Fault::TooManyBalances { .. } => f.write_str("deposit the others"),
            _ => Ok(()),
        }
    }
}

/// A fault and where it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{}:{}: {fault}", span.line, span.from)]
pub struct Problem {
    /// Where.
    pub span: Span,
    /// What.
    pub fault: Fault,
}

impl Problem {
    /// `path:line:column: message`, the line with the place marked, and a hint.
    pub fn render(&self, path: &str, source: &str) -> String {
        let mut text = format!("{path}:{self}\n");
        if let Some(line) = source.lines().nth(self.span.line.saturating_sub(1)) {
            // A tab keeps its width under itself.
            let indent: String = line
                .chars()
                .take(self.span.from.saturating_sub(1))
                .map(|char| if char == '\t' { '\t' } else { ' ' })
                .collect();
            let marks = "^".repeat(self.span.to.saturating_sub(self.span.from).max(1));
            let _ = writeln!(text, "  | {}\n  | {indent}{marks}", line.trim_end());
        }
        if let Some(hint) = self.fault.hint() {
            let _ = writeln!(text, "  hint: {hint}");
        }
        text
    }
}
