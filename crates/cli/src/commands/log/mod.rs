//! `outcry log`: the event log, record by record.

mod export;
mod record;
mod show;
mod stats;

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
    Export(export::Export),
}

impl Log {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        match self.action {
            Action::Show(command) => command.run(ui),
            Action::Tail(command) => command.run(ui),
            Action::Stats(command) => command.run(ui),
            Action::Export(command) => command.run(ui),
        }
    }
}
