//! `outcry log show` and `outcry log tail`: records as they stand, and as they come.

use super::record::{Kind, Shown};
use crate::commands::store::{Place, Store};
use crate::ui::{Outcome, Result, Ui};
use clap::Args;
use event_store::Reader;
use std::time::Duration;

/// How long `tail -f` sleeps when there is nothing new.
const TAIL_PAUSE: Duration = Duration::from_millis(10);

/// Show records of the log
///
/// With --json one object a line.
#[derive(Debug, Args)]
pub struct Show {
    /// The first record: a sequence number, or a time such as 2026-01-05T15:00:00Z
    #[arg(long, value_name = "PLACE", default_value = "1")]
    from: Place,
    /// The last record: a sequence number or a time
    #[arg(long, value_name = "PLACE")]
    to: Option<Place>,
    /// Only records of these types: commands, events, or names such as Trade
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<Kind>,
    /// At most so many
    #[arg(long, value_name = "N")]
    limit: Option<u64>,
    #[command(flatten)]
    store: Store,
}

impl Show {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let mut reader = self.store.reader(true)?;
        self.from.seek(&mut reader)?;
        let mut left = self.limit.unwrap_or(u64::MAX);
        while left > 0 {
            let Some(block) = reader.next_block()? else { break };
            let header = block.header();
            for record in block.records() {
                if self.from.is_after(record.sequence, header.timestamp_ns) {
                    continue;
                }
                if left == 0 || self.to.is_some_and(|to| to.is_before(record.sequence, header.timestamp_ns)) {
                    return Ok(Outcome::Success);
                }
                if !wanted(&self.kind, record.kind) {
                    continue;
                }
                Shown::new(&record, header)?.print(ui)?;
                left -= 1;
            }
        }
        Ok(Outcome::Success)
    }
}

fn wanted(kinds: &[Kind], kind: model::RecordKind) -> bool {
    kinds.is_empty() || kinds.iter().any(|wanted| wanted.holds(kind))
}

/// Show the newest records of the log, and with -f those that come
#[derive(Debug, Args)]
pub struct Tail {
    /// Go on, showing records as they are committed, until interrupted
    #[arg(short, long)]
    follow: bool,
    /// How many of the newest records to begin with
    #[arg(short = 'n', long, value_name = "N", default_value_t = 10)]
    lines: u64,
    /// Only records of these types: commands, events, or names such as Trade
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kind: Vec<Kind>,
    #[command(flatten)]
    store: Store,
}

impl Tail {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let mut reader = self.store.reader(false)?;
        let from = (reader.bound() + 1).saturating_sub(self.lines).max(1);
        reader.seek_sequence(from)?;
        loop {
            self.show_block(ui, &mut reader, from)?;
            if reader.next_sequence() <= reader.bound() {
                continue;
            }
            if !self.follow {
                return Ok(Outcome::Success);
            }
            ui.flush()?;
            std::thread::sleep(TAIL_PAUSE);
        }
    }

    fn show_block(&self, ui: &mut Ui, reader: &mut Reader, from: u64) -> Result<()> {
        let Some(block) = reader.next_block()? else { return Ok(()) };
        for record in block.records_from(from).filter(|record| wanted(&self.kind, record.kind)) {
            Shown::new(&record, block.header())?.print(ui)?;
        }
        Ok(())
    }
}
