//! `outcry plugin`: rules, from the first line of one to its end in a running exchange.

mod build;
mod new;
mod replay;
mod test;

use crate::ui::{Failure, Outcome, Result, Ui};
use clap::{Args, Subcommand};

/// Write, load and run rules
#[derive(Debug, Args)]
pub struct Plugins {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    New(new::New),
    Build(build::Build),
    Test(test::Test),
    Replay(Box<replay::Replay>),
}

impl Plugins {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        match self.action {
            Action::New(command) => command.run(ui),
            Action::Build(command) => command.run(ui),
            Action::Test(command) => command.run(ui),
            Action::Replay(command) => command.run(ui),
        }
    }
}

/// What could not be made, in the words of the one who makes it.
fn failure(error: plugin_kit::Error) -> Failure {
    use plugin_kit::Error;
    let unreadable =
        matches!(error, Error::NotAPlugin { .. } | Error::Manifest { .. } | Error::NoSource { .. });
    let refused = matches!(error, Error::Name { .. } | Error::TooSlow { .. } | Error::NotInC);
    let report = if unreadable || refused { Failure::usage(&error) } else { Failure::failed(&error) };
    let report = match error.hint() {
        Some(hint) => report.hint(hint),
        None => report,
    };
    match std::error::Error::source(&error) {
        Some(_) => report.caused_by(error),
        None => report,
    }
}
