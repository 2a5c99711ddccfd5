//! The command line as a whole. Each definition here and in `commands` feeds the parser, `--help`, the man pages and
//! the shell completions, so they cannot disagree.

use crate::commands::Command;
use clap::{Args, Parser, ValueEnum};

const LONG_ABOUT: &str = "\
Outcry is a stock exchange in a box: an event-sourced trading core whose log is the only truth.

Data goes to standard output, talk to standard error. Tables are for people; every command also takes --json, whose \
shapes are stable and described in docs/CLI.md.";

const AFTER_HELP: &str = "\
Exit codes:
  0  it worked
  1  the thing asked about failed, was refused or differs
  2  the command line or an input could not be read

Environment:
  OUTCRY_URL    the exchange that client commands talk to
  OUTCRY_TOKEN  what they show it to be let in
  OUTCRY_STORE  the store that store commands read
  NO_COLOR      no colours, whatever the terminal";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "outcry",
    version,
    about = "A stock exchange in a box",
    long_about = LONG_ABOUT,
    after_long_help = AFTER_HELP,
    max_term_width = 100,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Outcry {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// What every command takes.
#[derive(Debug, Args)]
pub struct Global {
    /// Print JSON instead of tables: one document, or one object a line where the answer has no end
    #[arg(long, global = true, help_heading = "Output")]
    pub json: bool,
    /// When to use colours
    #[arg(long, global = true, value_name = "WHEN", default_value = "auto", help_heading = "Output")]
    pub color: When,
    /// Print no progress and no remarks, only answers and errors
    #[arg(short, long, global = true, help_heading = "Output")]
    pub quiet: bool,
}

/// When to do something that depends on the terminal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// On a terminal, unless `NO_COLOR` is set
    Auto,
    /// Even into a pipe
    Always,
    /// Not at all
    Never,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    /// Every command that does something, with the way to it: `log show`.
    fn leaves(command: &clap::Command, path: &str, found: &mut Vec<String>) {
        let mut subcommands = command.get_subcommands().peekable();
        if subcommands.peek().is_none() {
            found.push(path.to_owned());
        }
        for subcommand in subcommands {
            let path = format!("{path} {}", subcommand.get_name());
            leaves(subcommand, path.trim_start(), found);
        }
    }

    #[test]
    fn the_definitions_do_not_contradict_each_other() {
        Outcry::command().debug_assert();
    }

    #[test]
    fn every_command_is_described() {
        let guide = include_str!("../../../docs/CLI.md");
        let mut commands = Vec::new();
        leaves(&Outcry::command(), "", &mut commands);
        assert!(commands.len() > 30, "{commands:?}");
        for command in commands {
            assert!(guide.contains(&format!("`{command}")), "docs/CLI.md does not describe `{command}`");
        }
    }

    #[test]
    fn every_command_and_option_has_help() {
        fn check(command: &clap::Command) {
            assert!(command.get_about().is_some(), "{} has no help", command.get_name());
            for argument in command.get_arguments() {
                let has_help = argument.get_help().is_some() || argument.get_long_help().is_some();
                assert!(has_help, "{} of {} has no help", argument.get_id(), command.get_name());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Outcry::command());
    }
}
