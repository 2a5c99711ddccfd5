//! Talking to people and to programs: answers on standard output as tables or JSON, remarks and errors on standard
//! error, and the exit code. A reader that closes the pipe early (`outcry log show | head`) is not an error.

mod failure;
mod format;
mod progress;
mod table;

pub use failure::{Failure, Result};
pub use format::{bytes, count, duration_ns, hex};
pub use progress::Progress;
pub use table::{Align, Table};

use crate::args::{Global, When};
use serde::Serialize;
use std::fmt;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

/// How a command that ran to its end came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// Exit code 0.
    Success,
    /// It ran, and the answer is no: refused, different or failed. Exit code 1.
    No,
    /// It ran as far as it could, and said which input it could not read. Exit code 2.
    Unreadable,
}

impl Outcome {
    /// `Success` if the answer is yes.
    pub fn when(yes: bool) -> Self {
        if yes { Self::Success } else { Self::No }
    }
}

/// The colours there are, by what they mean.
#[derive(Debug, Clone, Copy)]
pub enum Paint {
    Good,
    Bad,
    Careful,
    Faint,
    Strong,
}

impl Paint {
    const fn code(self) -> &'static str {
        match self {
            Self::Good => "\x1b[32m",
            Self::Bad => "\x1b[31m",
            Self::Careful => "\x1b[33m",
            Self::Faint => "\x1b[2m",
            Self::Strong => "\x1b[1m",
        }
    }
}

/// Where answers and remarks go, and what they look like.
#[expect(clippy::struct_excessive_bools, reason = "five independent facts about two streams")]
pub struct Ui {
    json: bool,
    quiet: bool,
    /// Whether standard output is for a person: borders and the terminal's width.
    terminal: bool,
    color_out: bool,
    color_err: bool,
    out: io::BufWriter<io::Stdout>,
}

impl Ui {
    /// Looks at the flags, the environment and what the streams are connected to.
    pub fn new(global: &Global) -> Self {
        let terminal = io::stdout().is_terminal();
        let wanted = |is_terminal: bool| match global.color {
            When::Always => true,
            When::Never => false,
            // https://no-color.org: present and not empty, whatever its value.
            When::Auto => {
                is_terminal
                    && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty())
                    && std::env::var_os("TERM").is_none_or(|term| term != "dumb")
            }
        };
        Self {
            json: global.json,
            quiet: global.quiet,
            terminal,
            color_out: wanted(terminal),
            color_err: wanted(io::stderr().is_terminal()),
            // An answer can have gigabytes.
            out: io::BufWriter::with_capacity(64 << 10, io::stdout()),
        }
    }

    /// The answer of a command: as one JSON document, or as what `human` makes of it.
    pub fn answer<T: Serialize>(
        &mut self,
        answer: &T,
        human: impl FnOnce(&mut Self, &T) -> io::Result<()>,
    ) -> Result<()> {
        if self.json {
            serde_json::to_writer_pretty(&mut self.out, answer).map_err(io::Error::from)?;
            writeln!(self.out)?;
        } else {
            human(self, answer)?;
        }
        Ok(())
    }

    /// One of many answers: one JSON object on a line of its own, or what `human` makes of it.
    pub fn item<T: Serialize>(
        &mut self,
        item: &T,
        human: impl FnOnce(&mut Self, &T) -> io::Result<()>,
    ) -> Result<()> {
        if self.json {
            serde_json::to_writer(&mut self.out, item).map_err(io::Error::from)?;
            writeln!(self.out)?;
        } else {
            human(self, item)?;
        }
        Ok(())
    }

    /// Whether answers are to be JSON.
    pub fn is_json(&self) -> bool {
        self.json
    }

    /// A line of the answer.
    pub fn line(&mut self, line: impl fmt::Display) -> io::Result<()> {
        writeln!(self.out, "{line}")
    }

    /// Bytes of the answer, as they are.
    pub fn raw(&mut self) -> &mut impl Write {
        &mut self.out
    }

    /// A table of the answer; `(none)` if it has no rows.
    pub fn table(&mut self, table: &Table) -> io::Result<()> {
        let text = table.render(self.terminal, self.color_out);
        self.out.write_all(text.as_bytes())
    }

    /// Makes sure that what was answered so far can be seen, for commands that go on.
    pub fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }

    /// A remark: what is going on, not what was asked for. Standard error; silent with `--quiet`.
    pub fn say(&self, remark: impl fmt::Display) {
        if !self.quiet {
            // Talk that nobody can hear is no reason to stop.
            let _ = writeln!(io::stderr(), "{remark}");
        }
    }

    /// What is wrong with an input, while the command goes on. Standard error, also with `--quiet`.
    #[expect(
        clippy::unused_self,
        reason = "the way out for all text, whether or not it depends on the flags"
    )]
    pub fn complain(&self, complaint: impl fmt::Display) {
        // As above.
        let _ = writeln!(io::stderr(), "{complaint}");
    }

    /// Shows how far some long work is, if somebody watches.
    pub fn progress(&self, what: &'static str, length: Option<u64>) -> Progress {
        Progress::new(what, length, !self.quiet && io::stderr().is_terminal())
    }

    /// Whether answers have colours, for those who make their own.
    pub fn colors_answers(&self) -> bool {
        self.color_out && !self.json
    }

    /// A text in a colour, for standard output.
    pub fn paint(&self, paint: Paint, text: impl fmt::Display) -> String {
        if self.color_out { format!("{}{text}\x1b[0m", paint.code()) } else { text.to_string() }
    }

    /// Ends the program: writes what is left, reports a failure, and turns both into the exit code.
    pub fn finish(mut self, result: Result<Outcome>) -> ExitCode {
        let result = match (result, self.out.flush()) {
            (Ok(outcome), Ok(())) => Ok(outcome),
            (Ok(_), Err(error)) => Err(error.into()),
            (Err(failure), _) => Err(failure),
        };
        match result {
            Ok(Outcome::Success) => ExitCode::SUCCESS,
            Ok(Outcome::No) => ExitCode::from(1),
            Ok(Outcome::Unreadable) => ExitCode::from(2),
            Err(failure) if failure.is_broken_pipe() => ExitCode::SUCCESS,
            Err(failure) => {
                let _ = failure.write(&mut io::stderr(), self.json, self.color_err);
                ExitCode::from(failure.exit_code())
            }
        }
    }
}
