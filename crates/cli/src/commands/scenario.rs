//! `outcry scenario run`: `.trade` files, in each of the five ways.

use crate::ui::{Outcome, Result, Ui};
use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use scenario::{Mode, Options, Summary};
use serde::Serialize;
use std::path::PathBuf;

/// Run .trade scenarios
#[derive(Debug, Args)]
pub struct Scenario {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Run(Run),
}

/// Run scenario files, and all below directories, and compare what they print
///
/// Differences go to standard output. Exit code 1 if something differs, 2 if a file cannot be read or parsed.
#[derive(Debug, Args)]
struct Run {
    /// Files, or directories to look for .trade files in
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// How to run them; what they print must be the same in every way
    ///
    /// live: as an exchange runs. restart: crash and recover after every command. snapshot: snapshot and reload after
    /// every command. naive: with the naive book. reexecute: replay the finished log and compare every event.
    #[arg(long, value_parser = modes(), default_value = Mode::Live.as_str())]
    mode: Mode,
    /// Write the actual output into files that differ
    #[arg(long)]
    rewrite: bool,
}

fn modes() -> impl TypedValueParser<Value = Mode> {
    PossibleValuesParser::new(Mode::ALL.map(Mode::as_str)).try_map(|word| word.parse::<Mode>())
}

#[derive(Debug, Serialize)]
struct Answer {
    mode: &'static str,
    passed: usize,
    differing: usize,
    rewritten: usize,
    /// Files that cannot be read or parsed.
    unusable: usize,
    /// What differs, as text.
    differences: String,
}

impl Scenario {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let Action::Run(Run { files, mode, rewrite }) = self.action;
        let options = Options { mode, rewrite, color: ui.colors_answers() };
        let (mut differences, mut talk) = (Vec::new(), Vec::new());
        let summary = scenario::run_files(&files, options, &mut differences, &mut talk)?;
        let Summary { passed, differing, rewritten, unusable } = summary;
        let answer = Answer {
            mode: mode.as_str(),
            passed,
            differing,
            rewritten,
            unusable,
            differences: String::from_utf8_lossy(&differences).into_owned(),
        };
        if summary.exit_code() == 2 {
            ui.complain(String::from_utf8_lossy(&talk).trim_end());
        } else if !talk.is_empty() {
            ui.say(String::from_utf8_lossy(&talk).trim_end());
        }
        ui.answer(&answer, |ui, answer| std::io::Write::write_all(ui.raw(), answer.differences.as_bytes()))?;
        Ok(match summary.exit_code() {
            0 => Outcome::Success,
            1 => Outcome::No,
            _ => Outcome::Unreadable,
        })
    }
}
