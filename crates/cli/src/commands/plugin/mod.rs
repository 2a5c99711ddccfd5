//! `outcry plugin`: rules, from the first line of one to its end in a running exchange.

mod build;
mod candidate;
mod change;
mod keys;
mod list;
mod load;
mod logs;
mod new;
mod replay;
mod report;
mod show;
mod test;

use super::client::Exchange;
use crate::ui::{Failure, Outcome, Result, Ui};
use clap::{Args, Subcommand};
use gateway::client::Client;

/// Write, build, load and run rules
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
    Report(report::Report),
    Load(Box<load::Load>),
    List(list::List),
    Show(show::Show),
    Logs(logs::Logs),
    Activate(Box<change::Activate>),
    Deactivate(change::Deactivate),
    Rollback(change::Rollback),
    Approve(change::Approve),
    Keygen(keys::Keygen),
    Sign(keys::Sign),
}

impl Plugins {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        match self.action {
            Action::New(command) => command.run(ui),
            Action::Build(command) => command.run(ui),
            Action::Test(command) => command.run(ui),
            Action::Replay(command) => command.run(ui),
            Action::Report(command) => command.run(ui),
            Action::Load(command) => command.run(ui),
            Action::List(command) => command.run(ui),
            Action::Show(command) => command.run(ui),
            Action::Logs(command) => command.run(ui),
            Action::Activate(command) => command.run(ui),
            Action::Deactivate(command) => command.run(ui),
            Action::Rollback(command) => command.run(ui),
            Action::Approve(command) => command.run(ui),
            Action::Keygen(command) => command.run(ui),
            Action::Sign(command) => command.run(ui),
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

/// Which exchange, and who acts.
#[derive(Debug, Args)]
struct Operated {
    /// Who acts, for the log; an exchange whose operators have tokens knows by the token
    #[arg(long, env = "OUTCRY_OPERATOR", value_name = "NAME")]
    operator: Option<String>,
    #[command(flatten)]
    exchange: Exchange,
}

impl Operated {
    fn client(&self) -> Client {
        self.exchange.client().acting_as(self.operator.clone())
    }
}
