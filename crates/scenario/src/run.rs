//! Running files: finds them, runs them, shows what differs, and says how it went.

use crate::diff::{self, Shown};
use crate::exchange::ExchangeError;
use crate::mode::Mode;
use crate::parse::{parse, text};
use crate::problem::Problem;
use crate::rewrite::rewrite;
use crate::session;
use model::RuleName;
use plugin_host::Statistics;
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// What scenario files are called.
pub const EXTENSION: &str = "trade";

/// How to run files.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Options {
    /// In which of the five ways.
    pub mode: Mode,
    /// Whether the actual output is written into files that differ.
    pub rewrite: bool,
    /// Whether differences are coloured.
    pub color: bool,
}

/// How running a file went.
#[derive(Debug)]
pub enum Outcome {
    /// Every case printed what it should. How many there were.
    Passed {
        /// Cases in the file.
        cases: usize,
        /// What the rules did that it loaded, with their names.
        rules: Vec<(RuleName, Statistics)>,
    },
    /// Some did not.
    Differs {
        /// Cases in the file.
        cases: usize,
        /// Those that differ.
        differing: Vec<Difference>,
        /// The file with the actual output in it.
        rewritten: String,
    },
    /// The file cannot be parsed. At least one problem, in the order of their places.
    Unparsable(Vec<Problem>),
    /// The exchange itself did not do what it must in any scenario.
    Failed(ExchangeError),
}

/// A case that printed something else than it should.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Difference {
    /// The line of its first command.
    pub line: usize,
    /// The lines it should print.
    pub expected: Vec<String>,
    /// The lines it printed.
    pub actual: Vec<String>,
}

impl Difference {
    /// The place, and the lines with `-` before those expected and `+` before those printed.
    pub fn render(&self, path: &str, color: bool) -> String {
        let expected: Vec<&str> = self.expected.iter().map(String::as_str).collect();
        let actual: Vec<&str> = self.actual.iter().map(String::as_str).collect();
        let lines = diff::diff(&expected, &actual);
        let mut text = String::new();
        let _ = write!(text, "--- {path}:{} expected\n+++ {path}:{} actual\n", self.line, self.line);
        let _ = write!(text, "{}", Shown(&lines, color));
        text
    }
}

/// Runs the text of a file. Paths of components in it are looked for in `folder`, then where the program runs.
pub fn run_source(source: &str, folder: &Path, mode: Mode) -> Outcome {
    let scenario = match parse(source) {
        Ok(scenario) => scenario,
        Err(problems) => return Outcome::Unparsable(problems),
    };
    let session::Run { cases: actual, rules } = match session::run(&scenario, folder, mode) {
        Ok(run) => run,
        Err(error) => return Outcome::Failed(error),
    };
    let cases = scenario.cases.len();
    let mut differing = Vec::new();
    for (case, actual) in scenario.cases.iter().zip(&actual) {
        let expected: Vec<String> = case.expected.iter().map(|(_, line)| line.clone()).collect();
        if expected != *actual {
            let line = case.commands.first().map_or(case.separator, |step| step.span.line);
            differing.push(Difference { line, expected, actual: actual.clone() });
        }
    }
    if differing.is_empty() {
        Outcome::Passed { cases, rules }
    } else {
        Outcome::Differs { cases, differing, rewritten: rewrite(source, &scenario, &actual) }
    }
}

/// How running files went.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Summary {
    /// Files that printed what they should.
    pub passed: usize,
    /// Files that did not.
    pub differing: usize,
    /// Files that did not, and now say what they print.
    pub rewritten: usize,
    /// Files that cannot be read or parsed.
    pub unusable: usize,
}

impl Summary {
    /// 0 when everything passed, 1 when something differs, 2 when a file cannot be read or parsed.
    pub const fn exit_code(&self) -> u8 {
        if self.unusable > 0 {
            2
        } else if self.differing > 0 {
            1
        } else {
            0
        }
    }
}

/// Runs files, and every scenario below directories. Differences go to `out`, everything else to `talk`.
///
/// # Errors
/// Only what `out` or `talk` refuse; what is wrong with a file is in the summary.
pub fn run_files(
    paths: &[PathBuf],
    options: Options,
    out: &mut impl Write,
    talk: &mut impl Write,
) -> io::Result<Summary> {
    let mut summary = Summary::default();
    for path in paths {
        match files(path) {
            Ok(found) if found.is_empty() => {
                summary.unusable += 1;
                writeln!(talk, "{}: no .{EXTENSION} files here", path.display())?;
            }
            Ok(found) => {
                for file in found {
                    run_file(&file, options, &mut summary, out, talk)?;
                }
            }
            Err(error) => {
                summary.unusable += 1;
                writeln!(talk, "{}: {error}", path.display())?;
            }
        }
    }
    Ok(summary)
}

/// The path itself, or every scenario below it, sorted.
pub fn files(path: &Path) -> io::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut found = Vec::new();
    let mut directories = vec![path.to_owned()];
    while let Some(directory) = directories.pop() {
        for entry in std::fs::read_dir(directory)? {
            let path = entry?.path();
            if path.is_dir() {
                directories.push(path);
            } else if path.extension().is_some_and(|extension| extension == EXTENSION) {
                found.push(path);
            }
        }
    }
    found.sort_unstable();
    Ok(found)
}

fn run_file(
    path: &Path,
    options: Options,
    summary: &mut Summary,
    out: &mut impl Write,
    talk: &mut impl Write,
) -> io::Result<()> {
    let shown = path.display().to_string();
    let bytes = match std::fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) => {
            summary.unusable += 1;
            return writeln!(talk, "{shown}: {error}");
        }
    };
    let (source, outcome) = match text(&bytes) {
        Ok(source) => (source, run_source(source, path.parent().unwrap_or(Path::new("")), options.mode)),
        Err(problem) => ("", Outcome::Unparsable(vec![problem])),
    };
    match outcome {
        Outcome::Passed { cases, rules } => {
            summary.passed += 1;
            writeln!(talk, "ok {shown} ({cases} cases)")?;
            rules.iter().try_for_each(|(name, did)| show_rule(*name, did, talk))
        }
        Outcome::Differs { cases, differing, rewritten } if options.rewrite => {
            if let Err(error) = std::fs::write(path, rewritten) {
                summary.unusable += 1;
                return writeln!(talk, "{shown}: cannot be rewritten: {error}");
            }
            summary.rewritten += 1;
            writeln!(talk, "rewritten {shown} ({} of {cases} cases)", differing.len())
        }
        Outcome::Differs { cases, differing, .. } => {
            summary.differing += 1;
            for difference in &differing {
                out.write_all(difference.render(&shown, options.color).as_bytes())?;
            }
            writeln!(talk, "differs {shown} ({} of {cases} cases)", differing.len())
        }
        Outcome::Unparsable(problems) => {
            summary.unusable += 1;
            problems.iter().try_for_each(|problem| talk.write_all(problem.render(&shown, source).as_bytes()))
        }
        Outcome::Failed(error) => {
            summary.differing += 1;
            writeln!(talk, "failed {shown} in mode {}: {error}", options.mode)
        }
    }
}

/// What a rule did in a run: how often it was asked, and what that cost.
fn show_rule(name: RuleName, did: &Statistics, talk: &mut impl Write) -> io::Result<()> {
    if did.calls() == 0 {
        return Ok(());
    }
    let rejects: u64 = did.rejects.iter().map(|(_, count)| count).sum::<u64>() + did.other_rejects;
    let faults: u64 = did.faults.iter().map(|(_, count)| count).sum();
    writeln!(
        talk,
        "   {name}: {} calls, {rejects} rejected, {faults} failed; fuel per call {} on average, {} at most; {} KiB",
        did.calls(),
        did.fuel.mean(),
        did.fuel.max,
        did.memory_bytes / 1024
    )
}
