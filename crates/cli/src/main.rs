//! `outcry`: the program. One file per group of commands under `commands`, what they share about talking to people
//! under `ui`, and here only the way in and out.
//!
//! **Architecture invariant:** this is the only crate that knows about clap, colour, tables and progress bars, and
//! the only place where threads, runtimes and crates are put together into a running exchange. What it shows comes
//! from the libraries; a rule of the market found here would be in the wrong room.

#![deny(clippy::print_stdout, clippy::print_stderr)] // everything goes through `ui`, which knows about --json and pipes

mod args;
mod commands;
mod ui;

use clap::Parser as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let args = args::Outcry::parse();
    let mut ui = ui::Ui::new(&args.global);
    let result = commands::run(args.command, &mut ui);
    ui.finish(result)
}
