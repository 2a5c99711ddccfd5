//! The commands, one file a group. A command is here when it works, not before.

mod completions;
mod doctor;
mod man;

use crate::ui::{Outcome, Result, Ui};
use clap::Subcommand;

/// What `outcry` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Does it.
pub fn run(command: Command, ui: &mut Ui) -> Result<Outcome> {
    match command {
        Command::Doctor(command) => command.run(ui),
        Command::Completions(command) => command.run(ui),
        Command::Man(command) => command.run(ui),
    }
}
