//! `outcry log`: the event log, record by record.

mod export;
mod follow;
mod index;
mod parquet;
mod project;
mod record;
mod repair;
mod show;
mod stats;
mod verify;

pub use record::Shown;

use crate::ui::{Outcome, Result, Ui};
use clap::{Args, Subcommand};

/// Look into the event log
///
/// Works beside a running exchange, and on a store nobody uses.
#[derive(Debug, Args)]
pub struct Log {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Show(show::Show),
    Tail(show::Tail),
    Stats(stats::Stats),
    Verify(verify::Verify),
    Export(export::Export),
    Index(index::Index),
    Project(project::Project),
    Repair(repair::Repair),
}

impl Log {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        match self.action {
            Action::Show(command) => command.run(ui),
            Action::Tail(command) => command.run(ui),
            Action::Stats(command) => command.run(ui),
            Action::Verify(command) => command.run(ui),
            Action::Repair(command) => command.run(ui),
            Action::Export(command) => command.run(ui),
            Action::Index(command) => command.run(ui),
            Action::Project(command) => command.run(ui),
        }
    }
}
