//! `outcry dev`: one process, one command: a demo market that moves, and everything that is needed to trade on it.

use super::config::{Config, LimitSettings};
use super::node::{DurabilityWord, Running};
use super::serve::{Banner, until_told_to_stop};
use crate::ui::{Failure, Outcome, Result, Ui};
use clap::Args;
use gateway::demo::{Demo, DemoConfig};
use gateway::{DEFAULT_PORT, Session};
use model::Side;
use order_book::OrderBook as _;
use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Small enough to be prepared in a moment on any disk.
const SEGMENT_BYTES: u64 = 32 << 20;
/// What fits such segments, and is plenty for one machine.
const LIMITS: LimitSettings = LimitSettings {
    max_working_orders: 65_536,
    max_order_ids: 1 << 20,
    max_accounts: 4_096,
    max_instruments: 256,
};

/// How long to wait for the simulated traders to fill the books.
const BOOKS_MAX: Duration = Duration::from_secs(3);

/// Start a trading exchange with a demo market
///
/// A few symbols, two accounts with money (alice and bob), and simulated traders who keep the books alive. Everything is
/// kept: start it again and it goes on. Runs until it is interrupted (Ctrl-C, SIGTERM). With --json one object a line:
/// the first when it takes commands, the last when it has stopped.
#[derive(Debug, Args)]
pub struct Dev {
    /// Where everything is kept; made if it is not there
    #[arg(long, env = "OUTCRY_STORE", value_name = "DIR", default_value = "data/dev")]
    store: PathBuf,
    /// Where to listen; port 0 takes any that is free
    #[arg(long, value_name = "ADDRESS", default_value_t = SocketAddr::from((Ipv4Addr::LOCALHOST, DEFAULT_PORT)))]
    listen: SocketAddr,
    /// When a command counts as safe
    #[arg(long, value_name = "WHEN", default_value = "fsync")]
    durability: DurabilityWord,
    /// Commands a second of the simulated traders; 0 for a market that waits for people
    #[arg(long, value_name = "N", default_value_t = DemoConfig::default().rate)]
    rate: u32,
    /// Makes the simulated traders do something else
    #[arg(long, value_name = "N", default_value_t = DemoConfig::default().seed)]
    seed: u64,
    /// Keep no reports.duckdb
    #[arg(long)]
    no_projection: bool,
}

impl Dev {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let mut config = Config::default();
        config.store.dir.clone_from(&self.store);
        config.store.durability = self.durability;
        config.store.segment_bytes = SEGMENT_BYTES;
        config.limits = LIMITS;
        config.reporting.projection = !self.no_projection;
        let mut running = Running::start(config.node()?, Some(self.listen), &config.gateway, &config.rules)?;
        running.project(&config.reporting)?;
        let demo = Demo::start(running.session(), DemoConfig { rate: self.rate, seed: self.seed });
        let demo = match demo {
            Ok(demo) => demo,
            Err(error) => {
                running.stop()?;
                return Err(Failure::failed(error).hint("choose a fresh --store for the demo market"));
            }
        };
        if self.rate > 0 {
            wait_for_books(running.session());
        }
        let banner = Banner::new(&running, Some(self.rate));
        ui.item(&banner, Banner::show)?;
        until_told_to_stop(ui, running, Some(demo))
    }
}

/// Waits until somebody buys and sells everything, so that the first order of a newcomer meets a market; not for long.
fn wait_for_books(session: &Session) {
    let begun = Instant::now();
    let two_sided = || {
        session.read(|model| {
            let mut instruments = model.state().instruments();
            instruments.all(|it| [Side::Buy, Side::Sell].iter().all(|&side| it.book().best(side).is_some()))
        })
    };
    while !two_sided() && begun.elapsed() < BOOKS_MAX {
        std::thread::sleep(Duration::from_millis(10));
    }
}
