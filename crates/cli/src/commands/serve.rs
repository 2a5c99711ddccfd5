//! What `dev` and `start` share: saying where everything is, and running until somebody says stop.

use super::node::Running;
use crate::ui::{self, Failure, Outcome, Paint, Result, Ui};
use gateway::Session;
use gateway::demo::Demo;
use model::ActivationId;
use serde::Serialize;
use std::collections::BTreeSet;
use std::io;
use std::path::PathBuf;
use std::time::Duration;
use tokio::signal::unix::{SignalKind, signal};

/// How often a running exchange is asked whether it still is one.
const HEALTH_EVERY: Duration = Duration::from_millis(200);

/// Everything worth knowing about an exchange that just started.
#[derive(Debug, Serialize)]
pub struct Banner {
    event: &'static str,
    url: String,
    pid: u32,
    store: PathBuf,
    durability: &'static str,
    /// Whether the store is new.
    created: bool,
    /// Whether the last run had closed the store.
    clean: bool,
    /// What a crash had left unfinished, if anything.
    torn: Option<String>,
    /// The last record of former runs.
    sequence: u64,
    /// Records read again, after the snapshot if there was one.
    records_replayed: u64,
    recovery_ms: u64,
    warnings: Vec<String>,
    /// Commands a second of simulated traders.
    demo_rate: Option<u32>,
}

impl Banner {
    pub fn new(running: &Running, demo_rate: Option<u32>) -> Self {
        let status = running.node().status();
        let recovery = status.recovery;
        let address = running.address().map_or_else(String::new, |address| format!("http://{address}"));
        Self {
            event: "started",
            url: address,
            pid: std::process::id(),
            store: std::path::absolute(&status.store).unwrap_or(status.store),
            durability: status.durability,
            created: recovery.created,
            clean: recovery.clean,
            torn: recovery.torn,
            sequence: recovery.last_sequence,
            records_replayed: recovery.records_replayed,
            recovery_ms: (recovery.open_ns + recovery.replay_ns) / 1_000_000,
            warnings: {
                let not_kept = running.rule_warning().map(|why| {
                    format!("compiled rules are not kept, so that each start compiles them: {why}")
                });
                recovery.warnings.into_iter().chain(not_kept).collect()
            },
            demo_rate,
        }
    }

    /// For a person.
    pub fn show(ui: &mut Ui, banner: &Self) -> io::Result<()> {
        let heading = ui.paint(Paint::Strong, "Outcry is trading.");
        ui.line(format_args!("{heading} Stop it with Ctrl-C."))?;
        let url = &banner.url;
        let store = banner.store.display();
        let log = if banner.created {
            "new".to_owned()
        } else {
            let replayed = ui::count(banner.records_replayed);
            let crash = if banner.clean { "" } else { "; the last run did not end properly" };
            format!(
                "{} records; {replayed} replayed in {} ms{crash}",
                ui::count(banner.sequence),
                banner.recovery_ms
            )
        };
        let traders = banner
            .demo_rate
            .map(|rate| format!("simulated, {rate} commands a second; alice and bob are yours"));
        let rows = [
            ("REST API", Some(format!("{url}/v1"))),
            ("metrics", Some(format!("{url}/metrics"))),
            ("store", Some(format!("{store} ({})", banner.durability))),
            ("log", Some(log)),
            ("torn tail", banner.torn.clone()),
            ("traders", traders),
        ];
        for (name, value) in rows {
            if let Some(value) = value {
                ui.line(format_args!("  {name:<10} {value}"))?;
            }
        }
        for warning in &banner.warnings {
            ui.say(format_args!("warning: {warning}"));
        }
        if banner.demo_rate.is_some() {
            let option = if url.ends_with(&format!(":{}", gateway::DEFAULT_PORT)) {
                String::new()
            } else {
                format!(" --url {url}")
            };
            ui.line("Try:")?;
            for command in ["book AAPL", "order buy alice AAPL 10 market", "account show alice"] {
                ui.line(format_args!("  outcry {command}{option}"))?;
            }
            ui.line(format_args!("  outcry log tail -f --store {store}"))?;
        }
        Ok(())
    }
}

/// The last line of a run.
#[derive(Debug, Serialize)]
struct Stopped {
    event: &'static str,
    /// The last record of the log.
    committed: u64,
}

/// Runs until Ctrl-C, SIGTERM or something fatal; then ends the exchange in order.
pub fn until_told_to_stop(ui: &mut Ui, running: Running, demo: Option<Demo>) -> Result<Outcome> {
    ui.flush()?;
    let waited = wait(ui, &running);
    if waited.is_ok() {
        ui.say("stopping: finishing what was accepted");
    }
    if let Some(demo) = demo {
        demo.stop();
    }
    let store = running.node().store().to_owned();
    let stopped = running.stop();
    // What failed first is the cause of what failed then.
    waited?;
    stopped?;
    let committed = event_store::Reader::open(&store)?.bound();
    ui.item(&Stopped { event: "stopped", committed }, |ui, stopped| {
        ui.line(format_args!("stopped at record {}", ui::count(stopped.committed)))
    })?;
    Ok(Outcome::Success)
}

/// Rules that were said to be suspended.
#[derive(Default)]
struct Suspensions(BTreeSet<ActivationId>);

impl Suspensions {
    /// Tells the operator of those that are new. Even with --quiet: nobody judges those orders any more.
    fn look(&mut self, ui: &Ui, session: &Session) {
        let suspended: Vec<_> = session.read(|model| {
            let rules = model.state().rules();
            let slots = rules.flat_map(|rule| [(rule.name, &rule.enforced), (rule.name, &rule.shadow)]);
            let suspended = slots.filter(|(_, slot)| slot.suspended);
            suspended
                .filter_map(|(name, slot)| Some((name, slot.activation.as_deref()?.activation)))
                .collect()
        });
        for &(name, activation) in &suspended {
            if self.0.insert(activation) {
                ui.complain(format_args!(
                    "warning: the rule {name} failed too often in a row and is suspended: orders go on without it \
                     until it is activated again or rolled back"
                ));
                ui.complain(format_args!("hint: \"outcry plugin logs {name}\" shows how it failed"));
            }
        }
        self.0.retain(|known| suspended.iter().any(|(_, activation)| activation == known));
    }
}

fn wait(ui: &Ui, running: &Running) -> Result<()> {
    let mut suspensions = Suspensions::default();
    let mut indexes = true;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot wait for signals").caused_by(error))?;
    runtime.block_on(async {
        let cannot = |error: io::Error| Failure::failed("cannot wait for signals").caused_by(error);
        let mut interrupt = signal(SignalKind::interrupt()).map_err(cannot)?;
        let mut terminate = signal(SignalKind::terminate()).map_err(cannot)?;
        let mut health = tokio::time::interval(HEALTH_EVERY);
        loop {
            tokio::select! {
                _ = interrupt.recv() => return Ok(()),
                _ = terminate.recv() => return Ok(()),
                _ = health.tick() => {
                    suspensions.look(ui, running.session());
                    if indexes && running.has_stopped_indexing() {
                        indexes = false;
                        ui.complain(format_args!(
                            "warning: completed segments of the log are no longer indexed; SQL answers the same, and slower"
                        ));
                        ui.complain(format_args!("hint: \"outcry log index\" says why, and makes what is missing"));
                    }
                    running.tell(ui);
                    if let Some(trouble) = running.session().trouble() {
                        let hint =
                            "nothing that was acknowledged is lost; free space or replace the disk, and start again";
                        return Err(Failure::failed("the exchange stopped trading").caused_by(trouble).hint(hint));
                    }
                }
            }
        }
    })
}
