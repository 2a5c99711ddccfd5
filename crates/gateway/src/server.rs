//! Serving: a small runtime of its own, so many connections and no more, and an orderly end.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use sequencer::Node;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{Semaphore, watch};

use crate::config::{ConfigError, GatewayConfig};
use crate::follower::FollowError;
use crate::rest;
use crate::rules::{NoDesk, RuleDesk, Rules, RulesConfig, RulesConfigError};
use crate::session::Session;

/// The most bytes of a request's head.
const MAX_HEAD_BYTES: usize = 16 << 10;
/// How long a stopping server lets requests finish.
const GRACE: Duration = Duration::from_secs(5);
/// How long to wait after a failed accept: out of file descriptors, most likely.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why the gateway cannot start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A setting cannot be.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A setting of the rules cannot be.
    #[error(transparent)]
    Rules(#[from] RulesConfigError),
    /// The log cannot be followed.
    #[error(transparent)]
    Follow(#[from] FollowError),
    /// Nobody can listen there.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Where.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The threads cannot be started.
    #[error("cannot start the gateway's threads: {0}")]
    Threads(io::Error),
}

/// A running gateway. Dropping it stops it.
pub struct Gateway {
    session: Session,
    address: SocketAddr,
    stop: watch::Sender<bool>,
    runtime: Option<Runtime>,
    serving: Option<tokio::task::JoinHandle<()>>,
}

impl Gateway {
    /// Catches up with the log of `node`, follows it from then on, and serves. There are no rules to administer.
    pub fn start(node: Arc<Node>, config: &GatewayConfig) -> Result<Self, StartError> {
        Self::start_with(node, config, &RulesConfig::default(), Arc::new(NoDesk))
    }

    /// As [`Gateway::start`], with rules.
    pub fn start_with(
        node: Arc<Node>,
        config: &GatewayConfig,
        rules: &RulesConfig,
        desk: Arc<dyn RuleDesk>,
    ) -> Result<Self, StartError> {
        config.check()?;
        rules.check()?;
        Self::serve(Session::start(node, config)?, config, Rules::new(desk, rules.clone()))
    }

    fn serve(session: Session, config: &GatewayConfig, rules: Arc<Rules>) -> Result<Self, StartError> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(config.threads)
            .thread_name("gateway")
            .enable_io()
            .enable_time()
            .build()
            .map_err(StartError::Threads)?;
        let cannot = |source| StartError::Listen { address: config.listen, source };
        let listener = runtime.block_on(TcpListener::bind(config.listen)).map_err(cannot)?;
        let address = listener.local_addr().map_err(cannot)?;
        let (stop, stopped) = watch::channel(false);
        let app = rest::App::new(session.clone(), config, rules);
        let doors = Doors {
            router: rest::router(&app),
            connections: Arc::new(Semaphore::new(config.max_connections)),
            head_timeout: Duration::from_millis(config.read_timeout_ms),
        };
        let serving = runtime.spawn(doors.serve(listener, stopped));
        Ok(Self { session, address, stop, runtime: Some(runtime), serving: Some(serving) })
    }

    /// Where it listens; tells the port if the configuration left the choice with port 0.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// The way in for others in this process.
    pub const fn session(&self) -> &Session {
        &self.session
    }

    /// Accepts nobody any more, lets requests finish for a few seconds, and stops following the log.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        // Nobody listens any more if the server has ended already.
        let _ = self.stop.send(true);
        if let (Some(runtime), Some(serving)) = (self.runtime.take(), self.serving.take()) {
            // Ends by itself within the grace; a panic in it was reported by the runtime.
            let _ = runtime.block_on(serving);
            // Whatever did not finish within the grace ends here, and lets go of the node.
            runtime.shutdown_timeout(GRACE);
        }
        self.session.stop();
    }
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.end();
    }
}

/// What serves the connections.
struct Doors {
    router: Router,
    connections: Arc<Semaphore>,
    head_timeout: Duration,
}

impl Doors {
    async fn serve(self, listener: TcpListener, mut stopped: watch::Receiver<bool>) {
        let graceful = GracefulShutdown::new();
        loop {
            // A place first: who finds none waits in the operating system's queue.
            let place = Arc::clone(&self.connections).acquire_owned();
            let accepted = async {
                let place = place.await.expect("the semaphore is never closed");
                (place, listener.accept().await)
            };
            let (place, connection) = tokio::select! {
                accepted = accepted => accepted,
                _ = stopped.changed() => break,
            };
            match connection {
                Ok((stream, _)) => {
                    let connection = graceful.watch(self.connection(stream));
                    tokio::spawn(async move {
                        // Whatever went wrong with one connection, its client knows; the others do not care.
                        let _ = connection.await;
                        drop(place);
                    });
                }
                Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
            }
        }
        drop(listener);
        let _ = tokio::time::timeout(GRACE, graceful.shutdown()).await;
    }

    fn connection(
        &self,
        stream: TcpStream,
    ) -> http1::Connection<TokioIo<TcpStream>, TowerToHyperService<Router>> {
        // Answers are small and awaited: never hold one back to fill a packet. A socket that refuses the option works all the same.
        let _ = stream.set_nodelay(true);
        http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.head_timeout)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(self.router.clone()))
    }
}
