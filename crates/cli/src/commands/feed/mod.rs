//! `outcry feed replay`: the record of a real market, sent through the exchange from the gateway to the log.

mod open;
mod pace;
mod replay;
mod report;

use crate::ui::{Outcome, Result, Ui};
use clap::{Args, Subcommand};

/// Drive the exchange with the record of a real market
#[derive(Debug, Args)]
pub struct Feed {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Replay(replay::Replay),
}

impl Feed {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let Action::Replay(command) = self.action;
        command.run(ui)
    }
}
