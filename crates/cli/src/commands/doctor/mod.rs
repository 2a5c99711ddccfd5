//! `outcry doctor`: is this machine, and this store, fit to run an exchange? Each check gives a verdict and, where
//! there is something to do, a hint. It changes nothing; measuring the disk uses a temporary file that it removes.

pub mod disk;
mod machine;
mod store;

use crate::ui::{Outcome, Paint, Result, Table, Ui};
use clap::Args;
use serde::Serialize;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Check that this machine and a store are fit to run an exchange
///
/// Exit code 1 if a check failed; a warning is not a failure.
#[derive(Debug, Args)]
pub struct Doctor {
    /// The store to check, or where one is to be
    #[arg(long, env = "OUTCRY_STORE", value_name = "DIR", default_value = "data/dev")]
    store: PathBuf,
    /// The address an exchange is to listen on
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:7870")]
    listen: SocketAddr,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    Ok,
    Warning,
    Failed,
}

/// What one check found.
#[derive(Debug, Serialize)]
pub struct Check {
    name: &'static str,
    verdict: Verdict,
    /// What was found, in words.
    found: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Check {
    fn ok(name: &'static str, found: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Ok, found: found.into(), hint: None }
    }

    fn warning(name: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Warning, found: found.into(), hint: Some(hint.into()) }
    }

    fn failed(name: &'static str, found: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { name, verdict: Verdict::Failed, found: found.into(), hint: Some(hint.into()) }
    }
}

#[derive(Serialize)]
struct Answer {
    /// The worst of all checks.
    verdict: Verdict,
    checks: Vec<Check>,
}

impl Doctor {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let directory = disk::nearest_existing(&self.store);
        let mut checks = store::checks(&self.store);
        checks.extend([
            disk::file_system(&directory),
            disk::space(&directory),
            disk::sync_latency(&directory),
            machine::processors(),
            machine::memory(),
            machine::open_files(),
            machine::locked_memory(),
            machine::clock_source(),
            machine::clock_steadiness(),
            machine::port(self.listen),
        ]);
        let verdict = checks.iter().map(|check| check.verdict).max().unwrap_or(Verdict::Ok);
        ui.answer(&Answer { verdict, checks }, show)?;
        Ok(Outcome::when(verdict != Verdict::Failed))
    }
}

fn show(ui: &mut Ui, answer: &Answer) -> std::io::Result<()> {
    let mut table = Table::new(["check", "verdict", "found"]);
    for check in &answer.checks {
        let (word, paint) = match check.verdict {
            Verdict::Ok => ("ok", Paint::Good),
            Verdict::Warning => ("warning", Paint::Careful),
            Verdict::Failed => ("FAILED", Paint::Bad),
        };
        table.painted([
            (check.name.to_owned(), None),
            (word.to_owned(), Some(paint)),
            (check.found.clone(), None),
        ]);
    }
    ui.table(&table)?;
    for check in &answer.checks {
        if let Some(hint) = &check.hint {
            let word = ui.paint(Paint::Strong, "hint:");
            ui.line(format_args!("{word} {}: {hint}", check.name))?;
        }
    }
    Ok(())
}
