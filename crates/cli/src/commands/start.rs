//! `outcry start`: the real server, from a TOML file.

use super::config::Config;
use super::node::{DurabilityWord, Running};
use super::serve::{Banner, until_told_to_stop};
use crate::ui::{Outcome, Result, Ui};
use clap::Args;
use serde::Serialize;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;

/// Start an exchange from a TOML file
///
/// Runs until it is interrupted (Ctrl-C, SIGTERM), then makes everything durable and closes the store. With --json one
/// object a line: the first when it takes commands, the last when it has stopped.
#[derive(Debug, Args)]
pub struct Start {
    /// The settings; "outcry start --print-config" prints them all with their defaults
    #[arg(long, value_name = "FILE", default_value = "config/outcry.toml", required = false)]
    config: PathBuf,
    /// The store, instead of the file's
    #[arg(long, env = "OUTCRY_STORE", value_name = "DIR")]
    store: Option<PathBuf>,
    /// When a command counts as safe, instead of the file's
    #[arg(long, value_name = "WHEN")]
    durability: Option<DurabilityWord>,
    /// Where to listen, instead of the file's; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
    /// Check the settings and start nothing
    #[arg(long, conflicts_with = "print_config")]
    check: bool,
    /// Print every setting with its default and what it means
    #[arg(long)]
    print_config: bool,
}

#[derive(Debug, Serialize)]
struct Checked {
    valid: bool,
    settings: Config,
}

impl Start {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        if self.print_config {
            let example = include_str!("../../../../config/outcry.toml");
            ui.answer(&Config::default(), |ui, _| ui.raw().write_all(example.as_bytes()))?;
            return Ok(Outcome::Success);
        }
        let mut config = Config::read(&self.config)?;
        if let Some(store) = self.store {
            config.store.dir = store;
        }
        if let Some(durability) = self.durability {
            config.store.durability = durability;
        }
        if let Some(listen) = self.listen {
            config.gateway.listen = listen;
        }
        let node = config.node()?;
        if self.check {
            node.check().map_err(crate::ui::Failure::usage)?;
            config.gateway.check().map_err(crate::ui::Failure::usage)?;
            config.rules.check().map_err(crate::ui::Failure::usage)?;
            config.reporting.check().map_err(crate::ui::Failure::usage)?;
            let answer = Checked { valid: true, settings: config };
            ui.answer(&answer, |ui, _| ui.line(format_args!("{} is valid", self.config.display())))?;
            return Ok(Outcome::Success);
        }
        config.reporting.check().map_err(crate::ui::Failure::usage)?;
        let mut running = Running::start(node, Some(config.gateway.listen), &config.gateway, &config.rules)?;
        running.project(&config.reporting)?;
        let banner = Banner::new(&running, None);
        ui.item(&banner, Banner::show)?;
        until_told_to_stop(ui, running, None)
    }
}
