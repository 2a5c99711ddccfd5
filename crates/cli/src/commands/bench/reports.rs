//! `outcry bench reports`: every report on a whole day.

use super::{Common, answer, show};
use crate::ui::{Failure, Outcome, Result, Ui};
use bench::{day, reports};
use clap::Args;
use reporting::REPORTS;
use std::path::PathBuf;

/// Every report on a whole made-up trading day: seconds, rows and memory of each
#[derive(Debug, Args)]
pub struct Reports {
    /// Reports; all if none is given
    #[arg(value_name = "REPORT", value_parser = REPORTS.iter().map(|report| report.name).collect::<Vec<_>>())]
    names: Vec<String>,
    /// Orders of the day; cancels and replaces come on top
    #[arg(long, value_name = "N")]
    orders: Option<u64>,
    /// Instruments of the day
    #[arg(long, value_name = "N", default_value_t = day::Config::default().symbols)]
    symbols: u32,
    /// Accounts of the day
    #[arg(long, value_name = "N", default_value_t = day::Config::default().accounts)]
    accounts: u32,
    /// A store that is there, instead of a day; it is only read
    #[arg(long, value_name = "DIR", conflicts_with_all = ["orders", "symbols", "accounts", "keep"])]
    store: Option<PathBuf>,
    /// Write the day into this new directory, and leave it there
    #[arg(long, value_name = "DIR")]
    keep: Option<PathBuf>,
    /// Memory of each report, in MiB; what "outcry report" takes if not given
    #[arg(long, value_name = "MIB")]
    memory: Option<u64>,
    #[command(flatten)]
    common: Common,
}

impl Reports {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let orders = self.common.size(self.orders, day::Config::default().orders, 100_000);
        let every = || REPORTS.iter().map(|report| report.name.to_owned()).collect();
        let config = reports::Config {
            day: day::Config {
                seed: self.common.seed,
                orders,
                symbols: self.symbols,
                accounts: self.accounts,
            },
            store: self.store,
            keep: self.keep,
            memory_mib: self.memory,
            reports: if self.names.is_empty() { every() } else { self.names },
        };
        let program = std::env::current_exe()
            .map_err(|error| Failure::failed("the program cannot find itself").caused_by(error))?;
        let dir = self.common.directory(ui)?;
        let report = reports::run(&config, &program, dir.path(), |doing| ui.say(doing))?;
        let all_answered = report.reports.iter().all(|run| run.failure.is_none());
        answer(ui, "reports", &report, show::reports)?;
        Ok(Outcome::when(all_answered))
    }
}
