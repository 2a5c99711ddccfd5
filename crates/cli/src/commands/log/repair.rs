//! `outcry log repair`: saves the good beginning of a damaged log into a new store.

use crate::commands::store::Store;
use crate::ui::{self, Outcome, Paint, Result, Ui};
use clap::Args;
use serde::Serialize;
use std::path::PathBuf;

/// Copy the good beginning of a store into a new one
///
/// The damaged store is only read. Nothing is ever repaired in place. Exit code 1 if records were left behind.
#[derive(Debug, Args)]
pub struct Repair {
    /// The new store: a directory that is not there, or empty
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    #[command(flatten)]
    store: Store,
}

#[derive(Debug, Serialize)]
struct Answer {
    to: PathBuf,
    blocks: u64,
    /// The last record copied.
    last_sequence: u64,
    stopped: Option<Stopped>,
}

/// Why the copy ended before the log did.
#[derive(Debug, Serialize)]
struct Stopped {
    path: PathBuf,
    segment: u64,
    offset: u64,
    damage: String,
}

impl Repair {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let report = event_store::repair(&self.store.dir, &self.to)?;
        let stopped = report.stopped.map(|stopped| Stopped {
            path: stopped.path,
            segment: stopped.segment,
            offset: stopped.offset,
            damage: stopped.damage.to_string(),
        });
        let answer =
            Answer { to: self.to, blocks: report.blocks, last_sequence: report.last_sequence, stopped };
        ui.answer(&answer, |ui, answer| {
            let (blocks, last) = (ui::count(answer.blocks), ui::count(answer.last_sequence));
            ui.line(format_args!("{blocks} blocks, records 1 to {last}, copied to {}", answer.to.display()))?;
            let Some(stopped) = &answer.stopped else { return Ok(()) };
            let word = ui.paint(Paint::Careful, "stopped:");
            let path = stopped.path.display();
            ui.line(format_args!("{word} {path} at offset {}: {}", stopped.offset, stopped.damage))
        })?;
        Ok(Outcome::when(answer.stopped.is_none()))
    }
}
