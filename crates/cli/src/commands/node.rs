//! Putting an exchange together and taking it apart: the node with the core, the session or gateway in front of it, and
//! the order in which they start and end. Everything that runs an exchange in this process comes here.

use super::projection::{Projector, ReportingConfig};
use super::rules;
use crate::ui::{Failure, Ui};
use gateway::rules::RulesConfig;
use gateway::{Gateway, GatewayConfig, Session};
use plugin_host::Desk;
use reporting::{Indexer, Indexing};
use sequencer::{Durability, Node, NodeConfig, StartError, StopError, SystemClock};
use std::net::SocketAddr;
use std::sync::Arc;

/// When a command counts as safe, as people write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum DurabilityWord {
    /// When the disk has it: survives power loss
    Fsync,
    /// When the operating system has it: survives the death of the process, not of the machine
    Os,
}

impl DurabilityWord {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Fsync => "fsync",
            Self::Os => "os",
        }
    }
}

impl From<DurabilityWord> for Durability {
    fn from(word: DurabilityWord) -> Self {
        match word {
            DurabilityWord::Fsync => Self::Fsync,
            DurabilityWord::Os => Self::Os,
        }
    }
}

/// What stands in front of the node.
enum Front {
    /// A session for others in this process.
    Session(Session),
    /// A server for others anywhere.
    Gateway(Gateway),
}

/// A running exchange.
pub struct Running {
    node: Arc<Node>,
    front: Front,
    /// Indexes completed segments, for SQL.
    indexing: Indexing,
    rule_warning: Option<String>,
    desk: Desk,
    projector: Option<Projector>,
}

impl Running {
    /// Starts a node and a session on it, and a server if there is an address to listen on.
    pub fn start(
        config: NodeConfig,
        listen: Option<SocketAddr>,
        gateway: &GatewayConfig,
        rules: &RulesConfig,
    ) -> Result<Self, Failure> {
        // Settings that cannot be leave nothing behind.
        config.check().map_err(StartError::Config)?;
        let (desk, live) = rules::open(&config.store, rules)?;
        let (rule_warning, own_desk) = (desk.cache_trouble(), desk.desk());
        let node = Arc::new(Node::start_with(config, SystemClock, live)?);
        let failed = |error: Box<dyn std::error::Error + Send + Sync>| {
            Failure::failed("the gateway cannot start").caused_by(error)
        };
        let front = match listen {
            None => Front::Session(
                Session::start(Arc::clone(&node), gateway).map_err(|error| failed(error.into()))?,
            ),
            Some(listen) => {
                let config = GatewayConfig { listen, ..gateway.clone() };
                let started = Gateway::start_with(Arc::clone(&node), &config, rules, desk);
                Front::Gateway(started.map_err(|error| listen_failure(error, listen))?)
            }
        };
        // Queries go on without indices, only slower; so this gives way to trading.
        let indexing = Indexer::open(node.store())?.spawn(|| {
            // What does not work leaves things as they were.
            let _ = rustix::process::nice(reporting::NICENESS);
        });
        let indexing = indexing.map_err(|error| {
            Failure::failed("cannot start the thread that indexes the log").caused_by(error)
        })?;
        Ok(Self { node, front, indexing, rule_warning, desk: own_desk, projector: None })
    }

    /// Starts the projection, if there is to be one.
    pub fn project(&mut self, config: &ReportingConfig) -> Result<(), Failure> {
        if config.projection {
            let projector =
                Projector::start(self.node.store(), config, self.desk.clone()).map_err(|error| {
                    Failure::failed("the projection of the log cannot start").caused_by(error)
                })?;
            self.session().show_projection(Arc::clone(projector.projected()));
            self.projector = Some(projector);
        }
        Ok(())
    }

    /// Tells the operator what is new about the projection.
    pub fn tell(&self, ui: &Ui) {
        if let Some(projector) = &self.projector {
            projector.tell(ui);
        }
    }

    /// The way in for this process.
    pub fn session(&self) -> &Session {
        match &self.front {
            Front::Session(session) => session,
            Front::Gateway(gateway) => gateway.session(),
        }
    }

    /// Where the server listens.
    pub fn address(&self) -> Option<SocketAddr> {
        match &self.front {
            Front::Session(_) => None,
            Front::Gateway(gateway) => Some(gateway.address()),
        }
    }

    /// Why compiled rules are not kept for the next start, if they are not.
    pub fn rule_warning(&self) -> Option<&str> {
        self.rule_warning.as_deref()
    }

    /// Whether completed segments are no longer indexed.
    pub fn has_stopped_indexing(&self) -> bool {
        self.indexing.has_ended()
    }

    /// The core.
    pub fn node(&self) -> &Node {
        &self.node
    }

    /// Front first, so that whoever was told something was told the truth; then the core, which makes everything durable; then
    /// the projection, which has all of it to read.
    pub fn stop(self) -> Result<(), Failure> {
        match self.front {
            Front::Session(session) => session.stop(),
            Front::Gateway(gateway) => gateway.stop(),
        }
        // Why it ended was said when it did.
        let _ = self.indexing.stop();
        let stopped = match Arc::into_inner(self.node) {
            Some(node) => node.stop(),
            // Somebody still holds it; the last one to let go stops it.
            None => Ok(()),
        };
        if let Some(projector) = self.projector {
            projector.stop();
        }
        Ok(stopped?)
    }
}

fn listen_failure(error: gateway::StartError, listen: SocketAddr) -> Failure {
    match error {
        gateway::StartError::Listen { source, .. } => {
            Failure::failed(format_args!("cannot listen on {listen}"))
                .caused_by(source)
                .hint("perhaps an exchange runs there already; choose another address with --listen")
        }
        error => Failure::failed("the gateway cannot start").caused_by(error),
    }
}

impl From<StartError> for Failure {
    fn from(error: StartError) -> Self {
        match error {
            StartError::Store(error) => error.into(),
            StartError::Fold(error) => error.into(),
            StartError::Config(error) => Self::usage(error),
            error @ StartError::Thread(_) => Self::failed("the exchange cannot start").caused_by(error),
        }
    }
}

impl From<StopError> for Failure {
    fn from(error: StopError) -> Self {
        Self::failed("the exchange did not end as it should; what was acknowledged is safe").caused_by(error)
    }
}
