//! `outcry log index`: makes the index of each completed segment that has none, so that SQL goes straight to what it asks about.

use crate::commands::store::Store;
use crate::ui::{self, Outcome, Result, Ui};
use clap::Args;
use reporting::Indexer;
use serde::Serialize;

/// Index the completed segments of a log, for SQL
///
/// An exchange does this itself while it runs. Worth doing for a log that came from elsewhere, or whose folder "index" was deleted:
/// queries answer the same without it, and take longer.
#[derive(Debug, Args)]
pub struct Index {
    #[command(flatten)]
    store: Store,
}

#[derive(Debug, Serialize)]
struct Answer {
    /// Completed segments, all of which have an index now.
    segments: u64,
    /// Those of them that had none.
    indexed: u64,
}

impl Index {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let mut indexer = Indexer::open(&self.store.dir)?;
        let mut answer = Answer { segments: 0, indexed: 0 };
        while let Some((_, is_new)) = indexer.step()? {
            answer.segments += 1;
            answer.indexed += u64::from(is_new);
        }
        ui.answer(&answer, |ui, answer| {
            let (segments, indexed) = (ui::count(answer.segments), ui::count(answer.indexed));
            ui.line(format_args!("{segments} completed segments have an index, {indexed} of them a new one"))
        })?;
        Ok(Outcome::Success)
    }
}
