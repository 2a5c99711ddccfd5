//! The commands, one file a group. A command is here when it works, not before.

mod bench;
mod bridge;
mod client;
mod completions;
mod config;
mod dev;
mod doctor;
mod feed;
mod log;
mod man;
mod node;
mod plugin;
mod projection;
mod report;
mod report_rules;
mod rules;
mod scenario;
mod serve;
mod sql;
mod start;
mod state;
mod store;

use crate::ui::{Outcome, Result, Ui};
use clap::Subcommand;
use client::{account, instrument, market, order, orders};

/// What `outcry` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    Dev(dev::Dev),
    Start(start::Start),
    Order(order::Submit),
    Replace(order::Replace),
    Cancel(order::Cancel),
    CancelAll(order::CancelAll),
    Orders(orders::Orders),
    Book(market::ShowBook),
    Trades(market::ShowTrades),
    Candles(market::ShowCandles),
    Account(account::Accounts),
    Instrument(instrument::Instruments),
    Phase(market::SetPhase),
    Status(market::ShowStatus),
    Log(log::Log),
    State(state::State),
    At(state::At),
    Sql(sql::Sql),
    Bridge(bridge::Bridge),
    Report(report::Reports),
    Scenario(scenario::Scenario),
    Plugin(plugin::Plugins),
    Feed(feed::Feed),
    Bench(bench::Bench),
    Doctor(doctor::Doctor),
    Completions(completions::Completions),
    Man(man::Man),
}

/// Does it.
pub fn run(command: Command, ui: &mut Ui) -> Result<Outcome> {
    match command {
        Command::Dev(command) => command.run(ui),
        Command::Start(command) => command.run(ui),
        Command::Order(command) => command.run(ui),
        Command::Replace(command) => command.run(ui),
        Command::Cancel(command) => command.run(ui),
        Command::CancelAll(command) => command.run(ui),
        Command::Orders(command) => command.run(ui),
        Command::Book(command) => command.run(ui),
        Command::Trades(command) => command.run(ui),
        Command::Candles(command) => command.run(ui),
        Command::Account(command) => command.run(ui),
        Command::Instrument(command) => command.run(ui),
        Command::Phase(command) => command.run(ui),
        Command::Status(command) => command.run(ui),
        Command::Log(command) => command.run(ui),
        Command::State(command) => command.run(ui),
        Command::At(command) => command.run(ui),
        Command::Sql(command) => command.run(ui),
        Command::Bridge(command) => command.run(ui),
        Command::Report(command) => command.run(ui),
        Command::Scenario(command) => command.run(ui),
        Command::Plugin(command) => command.run(ui),
        Command::Feed(command) => command.run(ui),
        Command::Bench(command) => command.run(ui),
        Command::Doctor(command) => command.run(ui),
        Command::Completions(command) => command.run(ui),
        Command::Man(command) => command.run(ui),
    }
}
