//! The projection of an exchange that runs in this process: a thread of its own that keeps `reports.duckdb` up to date, with less right to a
//! processor than trading has. Whatever happens to it, trading goes on: it is tried again, and said once.

use super::report_rules::ReportHost;
use crate::ui::Ui;
use gateway::Projected;
use gateway::api::ProjectedRule;
use plugin_host::Desk;
use reporting::{Error, Projection, ProjectionOptions, RuleHost};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How often a waiting thread looks whether it is to stop.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// The settings of reporting: the `[reporting]` table of the program's TOML file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportingConfig {
    /// Whether there is a projection.
    pub projection: bool,
    /// Its file; `reports.duckdb` in the store if not given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub file: Option<PathBuf>,
    /// How often it is brought up to date, in milliseconds.
    pub every_ms: u64,
    /// The most memory DuckDB may use, in MiB.
    pub memory_mib: u64,
    /// How much less right to a processor its thread has than the others: from 0, the same, to 19.
    pub niceness: u8,
    /// After how many seconds it is tried again when it has failed.
    pub retry_seconds: u64,
    /// How many seconds it may take to catch up when the exchange stops.
    pub stop_seconds: u64,
}

impl Default for ReportingConfig {
    fn default() -> Self {
        Self {
            projection: true,
            file: None,
            every_ms: 250,
            memory_mib: ProjectionOptions::default().memory_mib,
            niceness: 10,
            retry_seconds: 10,
            stop_seconds: 10,
        }
    }
}

impl ReportingConfig {
    /// Checks every setting against its bounds; says which one cannot be.
    pub fn check(&self) -> Result<(), String> {
        let bounds = [
            ("every_ms", self.every_ms, 10..=60_000, "from 10 to 60000"),
            ("memory_mib", self.memory_mib, 64..=1 << 20, "from 64 to 1048576"),
            ("niceness", self.niceness.into(), 0..=19, "from 0 to 19"),
            ("retry_seconds", self.retry_seconds, 1..=3600, "from 1 to 3600"),
            ("stop_seconds", self.stop_seconds, 0..=3600, "at most 3600"),
        ];
        let wrong = bounds.into_iter().find(|(_, value, allowed, _)| !allowed.contains(value));
        wrong.map_or(Ok(()), |(setting, value, _, requirement)| {
            Err(format!("setting {setting} of reporting is {value}; it must be {requirement}"))
        })
    }
}

/// The projection's thread.
pub struct Projector {
    stop: Arc<AtomicBool>,
    thread: JoinHandle<()>,
    projected: Arc<Projected>,
    news: Receiver<String>,
}

impl Projector {
    /// Starts to follow the log of a store that is open in this process.
    pub fn start(store: &Path, config: &ReportingConfig, desk: Desk) -> std::io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let projected = Arc::new(Projected::default());
        let (told, news) = channel();
        let follower = Follower {
            store: store.to_owned(),
            config: config.clone(),
            rules: ReportHost::of(desk),
            stop: Arc::clone(&stop),
            projected: Arc::clone(&projected),
            told,
        };
        let thread = thread::Builder::new().name("projection".to_owned()).spawn(move || follower.run())?;
        Ok(Self { stop, thread, projected, news })
    }

    /// How it is, for those who ask.
    pub fn projected(&self) -> &Arc<Projected> {
        &self.projected
    }

    /// Tells the operator what is new. Even with --quiet: somebody counts on the file.
    pub fn tell(&self, ui: &Ui) {
        for news in self.news.try_iter() {
            ui.complain(format_args!("warning: {news}"));
        }
    }

    /// Lets it catch up with what the log has by now, for a while, and closes the file.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        // If it panicked, its message is on standard error.
        let _ = self.thread.join();
    }
}

/// What the thread has.
struct Follower {
    store: PathBuf,
    config: ReportingConfig,
    rules: Arc<dyn RuleHost>,
    stop: Arc<AtomicBool>,
    projected: Arc<Projected>,
    told: Sender<String>,
}

impl Follower {
    fn run(self) {
        // Trading comes first. Where the system refuses, all are equal.
        let _ = rustix::process::nice(i32::from(self.config.niceness));
        let mut said = String::new();
        while !self.is_stopping() {
            let Err(error) = self.follow() else { return };
            let trouble = error.to_string();
            // The same trouble is said once, however often it is met.
            if trouble != said {
                let (what, hint) = trouble.split_once("\nhint: ").unwrap_or((&trouble, ""));
                let seconds = self.config.retry_seconds;
                let mut news = format!(
                    "the projection of the log does not run: {what}; trading goes on, and it is tried again every {seconds} s"
                );
                if !hint.is_empty() {
                    news.push_str("\nhint: ");
                    news.push_str(hint);
                }
                self.tell(news);
                said.clone_from(&trouble);
            }
            self.projected.failed(trouble);
            self.wait(Duration::from_secs(self.config.retry_seconds));
        }
    }

    /// Follows the log until it is told to stop, then to the end of the log, or as far as it gets in time.
    fn follow(&self) -> Result<(), Box<Error>> {
        let options = ProjectionOptions {
            file: self.config.file.clone(),
            memory_mib: self.config.memory_mib,
            rules: Some(Arc::clone(&self.rules)),
        };
        let mut projection = Projection::open(&self.store, options)?;
        if let Some(why) = projection.remade() {
            let file = projection.file().display();
            self.tell(format!("{file} is made again from the log: {why}"));
        }
        let every = Duration::from_millis(self.config.every_ms);
        while !self.is_stopping() {
            let began = Instant::now();
            let step = projection.step()?;
            self.show(&mut projection);
            if !step.more {
                self.wait(every.saturating_sub(began.elapsed()));
            }
        }
        let end = Instant::now() + Duration::from_secs(self.config.stop_seconds);
        while projection.step()?.more && Instant::now() < end {}
        self.show(&mut projection);
        Ok(())
    }

    /// Says how far it is, and what is new.
    fn show(&self, projection: &mut Projection) {
        let rules = projection.rules().into_iter().map(|rule| ProjectedRule {
            rule: rule.rule,
            rule_version: rule.rule_version,
            table: rule.table,
            state: rule.status.to_owned(),
            sequence: rule.sequence,
            failures: rule.failures,
            last_error: rule.last_error,
        });
        self.projected.reached(projection.watermark(), rules.collect());
        for news in projection.take_news() {
            self.tell(news);
        }
    }

    fn tell(&self, news: String) {
        // Nobody listens any more when the program ends.
        let _ = self.told.send(news);
    }

    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Acquire)
    }

    fn wait(&self, time: Duration) {
        let end = Instant::now() + time;
        while !self.is_stopping() {
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return;
            }
            thread::sleep(left.min(LOOK_EVERY));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_that_cannot_be_is_named() {
        assert_eq!(ReportingConfig::default().check(), Ok(()));
        let config = ReportingConfig { niceness: 20, ..ReportingConfig::default() };
        let error = config.check().unwrap_err();
        assert_eq!(error, "setting niceness of reporting is 20; it must be from 0 to 19");
    }
}
