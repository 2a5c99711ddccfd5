//! `outcry log project`: keeps a DuckDB file of the log's trades, candles and rule verdicts, each row exactly once.

use crate::commands::store::Store;
use crate::ui::{self, Failure, Outcome, Result, Ui};
use clap::Args;
use reporting::{PROJECTION_FILE, Projection};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// How often a projection that follows is asked whether it still does.
const HEALTH_EVERY: Duration = Duration::from_millis(200);

/// Bring a DuckDB file of trades and candles up to date, and with -f keep it so
///
/// For readers that want a file of their own: it can be copied, and opened by any DuckDB while this does not run. Deleted, it is made again from the log.
/// Killed at any moment, it goes on with no row twice and none missing.
#[derive(Debug, Args)]
pub struct Project {
    /// Go on with what is committed, until interrupted
    #[arg(short, long)]
    follow: bool,
    /// The file; reports.duckdb in the store if not given
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    #[command(flatten)]
    store: Store,
}

#[derive(Debug, Serialize)]
struct Answer {
    file: PathBuf,
    /// The last record that is in it.
    sequence: u64,
    /// Records taken in by this run, as far as they were there when it began.
    records: u64,
}

impl Project {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let file = self.file.unwrap_or_else(|| self.store.dir.join(PROJECTION_FILE));
        let mut projection = Projection::open(&self.store.dir, Some(&file))?;
        let records = projection.catch_up()?;
        let answer = Answer { file, sequence: projection.watermark(), records };
        ui.answer(&answer, |ui, answer| {
            let (file, sequence) = (answer.file.display(), ui::count(answer.sequence));
            ui.line(format_args!("{file} is at record {sequence}, {} of them new", ui::count(answer.records)))
        })?;
        if self.follow {
            ui.flush()?;
            follow(projection)?;
        }
        Ok(Outcome::Success)
    }
}

/// Follows the log until Ctrl-C, or until something is wrong.
fn follow(projection: Projection) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot wait for signals").caused_by(error))?;
    let following = projection.spawn();
    runtime.block_on(async {
        let mut health = tokio::time::interval(HEALTH_EVERY);
        let interrupted = tokio::signal::ctrl_c();
        tokio::pin!(interrupted);
        loop {
            tokio::select! {
                _ = &mut interrupted => return,
                _ = health.tick() => if following.has_ended() { return },
            }
        }
    });
    following.stop()?;
    Ok(())
}
