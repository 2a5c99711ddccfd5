//! `outcry plugin test`: a rule's scenarios in a real exchange, in every way, and its unit tests.

use super::failure;
use crate::ui::{Failure, Outcome, Result, Ui};
use clap::Args;
use plugin_kit::{Language, Project};
use scenario::{Mode, Options};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Build rules and run their tests: scenarios in a real exchange, and unit tests
///
/// Scenarios are the .trade files in the rule's folder tests/. Each runs in every way (live, with a crash or a snapshot after
/// every command, on the naive book, and executed again); the last asks a used and a fresh instance about every order, so that
/// a rule that keeps state of its own is caught. Says what a call costs in fuel. Exit code 1 if something fails.
#[derive(Debug, Args)]
pub struct Test {
    /// Folders of rules
    #[arg(value_name = "FOLDER", default_value = ".")]
    folders: Vec<PathBuf>,
    /// Leave the unit tests out
    #[arg(long)]
    scenarios_only: bool,
}

#[derive(Debug, Serialize)]
struct Answer {
    name: String,
    passed: bool,
    /// Scenario files.
    scenarios: usize,
    /// Runs of them: each in every way.
    runs: usize,
    failed_runs: usize,
    /// What differs, as text.
    differences: String,
    /// Whether unit tests were run, and passed.
    unit_tests: Option<bool>,
}

impl Test {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let mut answers = Vec::new();
        for folder in &self.folders {
            let project = Project::open(folder).map_err(failure)?;
            let progress = ui.progress("building", None);
            let built = plugin_kit::build(&project);
            drop(progress);
            built.map_err(failure)?;
            let mut answer = scenarios(&project, ui)?;
            if !self.scenarios_only && project.language == Language::Rust {
                answer.unit_tests = Some(unit_tests(&project.folder, ui)?);
                answer.passed &= answer.unit_tests != Some(false);
            }
            answers.push(answer);
        }
        let passed = answers.iter().all(|answer| answer.passed);
        ui.answer(&answers, |ui, answers| {
            for answer in answers {
                std::io::Write::write_all(ui.raw(), answer.differences.as_bytes())?;
                let verdict = if answer.passed { "passed" } else { "FAILED" };
                let units = match answer.unit_tests {
                    Some(true) => ", unit tests passed",
                    Some(false) => ", unit tests failed",
                    None => "",
                };
                let (name, runs, failed) = (&answer.name, answer.runs, answer.failed_runs);
                ui.line(format_args!(
                    "{verdict}: {name}: {} scenarios in {runs} runs, {failed} failed{units}",
                    answer.scenarios
                ))?;
            }
            Ok(())
        })?;
        Ok(Outcome::when(passed))
    }
}

/// Runs the scenarios of a rule.
fn scenarios(project: &Project, ui: &Ui) -> Result<Answer> {
    let tests = project.folder.join("tests");
    let files = if tests.is_dir() {
        scenario::files(&tests).map_err(|error| {
            Failure::failed(format_args!("cannot read {}", tests.display())).caused_by(error)
        })?
    } else {
        Vec::new()
    };
    if files.is_empty() {
        ui.say(format_args!("{}: no scenarios: write tests/*.trade", project.manifest.name));
    }
    let (mut runs, mut failed_runs) = (0, 0);
    let mut differences = Vec::new();
    for mode in Mode::ALL {
        let options = Options { mode, rewrite: false, color: ui.colors_answers() };
        let mut talk = Vec::new();
        let summary = scenario::run_files(&files, options, &mut differences, &mut talk)?;
        runs += summary.passed + summary.differing + summary.unusable;
        failed_runs += summary.differing + summary.unusable;
        // What it costs is the same in every way; the closest look is the last.
        if summary.exit_code() != 0 || mode == Mode::Live {
            ui.say(String::from_utf8_lossy(&talk).trim_end());
        }
    }
    Ok(Answer {
        name: project.manifest.name.to_string(),
        passed: failed_runs == 0,
        scenarios: files.len(),
        runs,
        failed_runs,
        differences: String::from_utf8_lossy(&differences).into_owned(),
        unit_tests: None,
    })
}

/// `cargo test` in the rule's folder, for this machine: a rule is Rust like any other.
fn unit_tests(folder: &Path, ui: &Ui) -> Result<bool> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output =
        Command::new(cargo).args(["test", "--quiet"]).current_dir(folder).output().map_err(|error| {
            Failure::failed("cargo cannot be run")
                .caused_by(error)
                .hint("install Rust, or use --scenarios-only")
        })?;
    if !output.status.success() {
        ui.complain(String::from_utf8_lossy(&output.stdout).trim_end());
        ui.complain(String::from_utf8_lossy(&output.stderr).trim_end());
    }
    Ok(output.status.success())
}
