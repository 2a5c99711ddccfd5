//! The exchange that `core`, `latency` and `recovery` measure: 100 instruments, 10,000 accounts, everything switched on.

use std::path::Path;

use model::{Command, Configure};
use sequencer::{Calendars, Durability, Node, NodeConfig, SnapshotEvery, SubmitError, Submitter};
use simulator::flow::{MarketConfig, MarketFlow, Shape};

/// Why a measurement failed.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The node would not start.
    #[error(transparent)]
    Start(#[from] sequencer::StartError),
    /// The node would not stop properly.
    #[error(transparent)]
    Stop(#[from] sequencer::StopError),
    /// The node stopped, or its log filled up, while it was being measured.
    #[error("the exchange stopped taking commands: {0}")]
    Refused(SubmitError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] event_store::Error),
    /// A block has no room for what a command caused.
    #[error(transparent)]
    BlockFull(event_store::BlockFull),
    /// The log could not be folded.
    #[error(transparent)]
    Fold(#[from] sequencer::replay::FoldError),
    /// A snapshot could not be taken.
    #[error(transparent)]
    Snapshot(#[from] sequencer::SnapshotError),
    /// A rule could not be made ready.
    #[error(transparent)]
    Rule(#[from] plugin_host::PrepareError),
    /// Rules cannot be run here.
    #[error(transparent)]
    Rules(#[from] plugin_host::BuildError),
    /// The program that is measured could not be run.
    #[error("{} cannot be run: {source}", program.display())]
    Child {
        /// The program.
        program: std::path::PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// SQL over a log failed.
    #[error(transparent)]
    Sql(#[from] Box<reporting::Error>),
    /// The disk could not be measured.
    #[error("the disk under {} cannot be measured: {source}", path.display())]
    Disk {
        /// The file that was written.
        path: std::path::PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// What the exchange made of the flow is not what it should be.
    #[error(
        "{rejected} of {commands} commands were rejected: the flow and the exchange do not fit each other"
    )]
    Rejected {
        /// Commands that were.
        rejected: u64,
        /// Commands there were.
        commands: u64,
    },
}

impl From<reporting::Error> for BenchError {
    fn from(error: reporting::Error) -> Self {
        Self::Sql(Box::new(error))
    }
}

/// Client order ids the measured exchange remembers: enough for the longest run.
const ORDER_IDS: u64 = 1 << 23;

/// Settings of a node in `store`; snapshots off, so that a measurement is of one thing.
pub(crate) fn config(store: &Path, durability: Durability) -> NodeConfig {
    NodeConfig {
        store: store.to_owned(),
        durability,
        limits: Configure { max_order_ids: ORDER_IDS, ..sequencer::LIMITS_DEFAULT },
        calendars: Calendars::none(),
        snapshot_every: SnapshotEvery::NEVER,
        ..NodeConfig::default()
    }
}

/// The flow, determined by its seed.
pub(crate) fn flow(seed: u64, commands: u64) -> MarketFlow {
    let mut market = MarketConfig::new(Shape::Normal, seed);
    market.flow.messages = commands;
    MarketFlow::new(market)
}

/// Sends the commands that make the market, and waits until they are executed. Returns how many that were.
pub(crate) fn set_up(node: &Node, flow: &MarketFlow) -> Result<u64, BenchError> {
    let submitter = node.submitter();
    let mut sent = 0;
    for command in flow.setup() {
        submit(&submitter, 0, &command)?;
        sent += 1;
    }
    wait_executed(node, sent)?;
    Ok(sent)
}

/// Submits a command, patiently.
pub(crate) fn submit(submitter: &Submitter, tag: u64, command: &Command) -> Result<(), BenchError> {
    loop {
        match submitter.submit(tag, command.clone()) {
            Ok(()) => return Ok(()),
            // On few processors the core gets on sooner if this thread does something else for a while.
            Err(SubmitError::Busy) => std::thread::yield_now(),
            Err(error) => return Err(BenchError::Refused(error)),
        }
    }
}

/// Waits until at least so many commands, the sequencer's own included, are executed and committed.
pub(crate) fn wait_executed(node: &Node, commands: u64) -> Result<(), BenchError> {
    loop {
        let status = node.status();
        if status.core.commands >= commands && status.watermarks.committed >= status.watermarks.written {
            return Ok(());
        }
        if !status.ring.accepting {
            return Err(BenchError::Refused(SubmitError::Stopped));
        }
        std::thread::sleep(std::time::Duration::from_micros(200));
    }
}
