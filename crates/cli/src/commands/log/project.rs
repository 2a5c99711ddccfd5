//! `outcry log project`: keeps a DuckDB file of the log's trades, candles and rule verdicts, each row exactly once.

use super::follow::until_interrupted;
use crate::commands::report_rules::ReportHost;
use crate::commands::store::Store;
use crate::ui::{self, Outcome, Result, Ui};
use clap::Args;
use reporting::{Projection, ProjectionOptions};
use serde::Serialize;
use std::path::PathBuf;
use std::time::Duration;

/// How often the file is brought up to date.
const EVERY: Duration = Duration::from_millis(250);

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
        let rules = Some(ReportHost::of_store(&self.store.dir)?);
        let options = ProjectionOptions { file: self.file, rules, ..ProjectionOptions::default() };
        let mut projection = Projection::open(&self.store.dir, options)?;
        if let Some(why) = projection.remade() {
            let file = projection.file().display();
            ui.say(format_args!("{file} is made again from the log: {why}"));
        }
        let records = projection.catch_up()?;
        tell(ui, &mut projection);
        let file = projection.file().to_owned();
        let answer = Answer { file, sequence: projection.watermark(), records };
        ui.answer(&answer, |ui, answer| {
            let (file, sequence) = (answer.file.display(), ui::count(answer.sequence));
            ui.line(format_args!("{file} is at record {sequence}, {} of them new", ui::count(answer.records)))
        })?;
        if self.follow {
            ui.flush()?;
            until_interrupted(|| {
                // A step is a batch at most, and the file is closed between two.
                let wait = if projection.step()?.more { Duration::ZERO } else { EVERY };
                tell(ui, &mut projection);
                Ok(wait)
            })?;
        }
        Ok(Outcome::Success)
    }
}

/// Says what is new about the reporting rules.
fn tell(ui: &Ui, projection: &mut Projection) {
    for news in projection.take_news() {
        ui.complain(format_args!("warning: {news}"));
    }
}
