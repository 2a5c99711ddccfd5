//! `outcry bench`: the measurements of the exchange. How each number is taken is in the crate `bench`; here is what can
//! be asked for, and how it is shown.

mod reports;
mod show;

use super::doctor::disk;
use crate::ui::{Failure, Outcome, Result, Ui};
use bench::{BenchError, book, core, latency, recovery, rules, sql, store};
use clap::{Args, Subcommand};
use serde::Serialize;
use simulator::flow::Shape;
use std::path::PathBuf;

/// Measure the exchange on this machine
///
/// Numbers are worth something from a release build on a quiet machine. docs/PERFORMANCE.md says what each one includes.
#[derive(Debug, Args)]
pub struct Bench {
    #[command(subcommand)]
    what: What,
}

#[derive(Debug, Subcommand)]
enum What {
    /// The book against the open books of others, on the same messages
    Book {
        /// Shapes of flow; all if none is given
        #[arg(value_name = "SHAPE", value_parser = Shape::ALL.map(Shape::as_str))]
        shapes: Vec<String>,
        /// Messages of each shape
        #[arg(long, value_name = "N")]
        messages: Option<u64>,
        /// How often each book takes its turn
        #[arg(long, value_name = "N")]
        turns: Option<u32>,
        /// Leave the books of others out
        #[arg(long)]
        alone: bool,
        #[command(flatten)]
        common: Common,
    },
    /// The event store alone: append, checksum, chain, sync
    Store {
        /// Records of each run
        #[arg(long, value_name = "N")]
        records: Option<u64>,
        #[command(flatten)]
        common: Common,
    },
    /// From the inbound ring to the committed event: commands a second
    Core {
        /// Commands measured in each run
        #[arg(long, value_name = "N")]
        commands: Option<u64>,
        #[command(flatten)]
        common: Common,
    },
    /// From the moment a command is due to its committed event, at fixed rates
    Latency {
        /// Commands a second, one run each
        #[arg(long, value_name = "N", value_delimiter = ',')]
        rates: Vec<u64>,
        /// How long each run takes
        #[arg(long, value_name = "SECONDS")]
        seconds: Option<u64>,
        #[command(flatten)]
        common: Common,
    },
    /// What asking rules costs, how soon a bad one is stopped, and what the core does with two in force
    Rules {
        /// How often each rule takes its turn
        #[arg(long, value_name = "N")]
        turns: Option<u32>,
        /// Commands of each run of the core
        #[arg(long, value_name = "N")]
        commands: Option<u64>,
        #[command(flatten)]
        common: Common,
    },
    /// SQL over a log of trades, beside a native DuckDB table and Parquet; and trading while a heavy query runs
    Sql {
        /// Trades in the log; 20 million take 10 GB of disk
        #[arg(long, value_name = "N")]
        trades: Option<u64>,
        /// How often each query takes its turn
        #[arg(long, value_name = "N")]
        turns: Option<u32>,
        #[command(flatten)]
        common: Common,
    },
    Reports(reports::Reports),
    /// How fast a log is folded, and how soon an exchange serves again
    Recovery {
        /// Events in the log
        #[arg(long, value_name = "N")]
        events: Option<u64>,
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, Args)]
struct Common {
    /// A tenth or less of the work: to see that it runs, not how fast
    #[arg(long)]
    quick: bool,
    /// Makes the flow another one
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The disk to measure: a temporary directory is made here, and removed
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

impl Common {
    /// A directory for the measurement's stores.
    fn directory(&self, ui: &Ui) -> Result<tempfile::TempDir> {
        let dir = self.dir.clone().unwrap_or_else(std::env::temp_dir);
        if let Some(hint) = disk::file_system(&dir).hint {
            ui.say(format_args!("warning: {}: {hint}", dir.display()));
        }
        tempfile::Builder::new().prefix("outcry-bench-").tempdir_in(&dir).map_err(|error| {
            Failure::usage(format_args!("cannot write to {}", dir.display())).caused_by(error)
        })
    }

    /// A size: as asked for, or by default, or a part of that.
    fn size(&self, asked: Option<u64>, default: u64, quick: u64) -> u64 {
        asked.unwrap_or(if self.quick { quick } else { default })
    }
}

/// A report, and whether it is worth anything.
#[derive(Serialize)]
struct Answer<'a, R> {
    benchmark: &'static str,
    /// Whether the program was built without optimisation.
    debug_build: bool,
    #[serde(flatten)]
    report: &'a R,
}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        match error {
            BenchError::Start(error) => error.into(),
            BenchError::Store(error) => error.into(),
            error => Self::failed("the measurement failed").caused_by(error),
        }
    }
}

impl Bench {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        if cfg!(debug_assertions) {
            ui.say("warning: this is a debug build; its numbers mean nothing (cargo build --release)");
        }
        match self.what {
            What::Book { shapes, messages, turns, alone, common } => {
                let default = book::Config::default();
                let config = book::Config {
                    seed: common.seed,
                    messages: common.size(messages, default.messages, 100_000),
                    turns: turns.unwrap_or(if common.quick { 1 } else { default.turns }),
                    shapes,
                    peers: !alone,
                };
                let report = book::run(&config, |doing| ui.say(doing));
                answer(ui, "book", &report, show::book)
            }
            What::Store { records, common } => {
                let default = store::Config::default();
                let records = common.size(records, default.records, 200_000);
                let dir = common.directory(ui)?;
                let report =
                    store::run(&store::Config { records, ..default }, dir.path(), |doing| ui.say(doing))?;
                answer(ui, "store", &report, show::store)
            }
            What::Core { commands, common } => {
                let default = core::Config::default();
                let config = core::Config {
                    seed: common.seed,
                    commands: common.size(commands, default.commands, 100_000),
                    warm_up: common.size(None, default.warm_up, 50_000),
                };
                let dir = common.directory(ui)?;
                let report = core::run(&config, dir.path(), |doing| ui.say(doing))?;
                answer(ui, "core", &report, show::core)
            }
            What::Latency { rates, seconds, common } => {
                let default = latency::Config::default();
                let config = latency::Config {
                    seed: common.seed,
                    rates: if rates.is_empty() { default.rates } else { rates },
                    seconds: common.size(seconds, default.seconds, 1),
                    warm_up: common.size(None, default.warm_up, 50_000),
                    disk_writes: common.size(None, default.disk_writes, 100),
                };
                let dir = common.directory(ui)?;
                let report = latency::run(&config, dir.path(), |doing| ui.say(doing))?;
                answer(ui, "latency", &report, show::latency)
            }
            What::Rules { turns, commands, common } => {
                let default = rules::Config::default();
                let config = rules::Config {
                    seed: common.seed,
                    turns: turns.unwrap_or(if common.quick { 10 } else { default.turns }),
                    loads: if common.quick { 3 } else { default.loads },
                    commands: common.size(commands, default.commands, 100_000),
                    swaps: bench::SwapConfig {
                        seconds: if common.quick { 1 } else { default.swaps.seconds },
                        swaps: if common.quick { 100 } else { default.swaps.swaps },
                        ..default.swaps
                    },
                };
                let dir = common.directory(ui)?;
                let report = rules::run(&config, dir.path(), |doing| ui.say(doing))?;
                answer(ui, "rules", &report, show::rules)
            }
            What::Sql { trades, turns, common } => {
                let default = sql::Config::default();
                let config = sql::Config {
                    seed: common.seed,
                    trades: common.size(trades, default.trades, 200_000),
                    turns: turns.unwrap_or(if common.quick { 2 } else { default.turns }),
                    seconds: common.size(None, default.seconds, 1),
                    ..default
                };
                let dir = common.directory(ui)?;
                let report = sql::run(&config, dir.path(), |doing| ui.say(doing))?;
                answer(ui, "sql", &report, show::sql)
            }
            What::Reports(reports) => reports.run(ui),
            What::Recovery { events, common } => {
                let default = recovery::Config::default();
                let events = common.size(events, default.events, 200_000);
                let tail_events = default.tail_events.min(events / 2);
                let config = recovery::Config { seed: common.seed, events, tail_events };
                let dir = common.directory(ui)?;
                let report = recovery::run(&config, dir.path(), |doing| ui.say(doing))?;
                answer(ui, "recovery", &report, show::recovery)
            }
        }
    }
}

fn answer<R: Serialize>(
    ui: &mut Ui,
    benchmark: &'static str,
    report: &R,
    show: fn(&mut Ui, &R) -> std::io::Result<()>,
) -> Result<Outcome> {
    let answer = Answer { benchmark, debug_build: cfg!(debug_assertions), report };
    ui.answer(&answer, |ui, answer| show(ui, answer.report))?;
    Ok(Outcome::Success)
}
