//! `outcry log export`: a range of the log as one file of JSON lines, or all of it as Parquet, for other programs.

use super::parquet;
use super::record::Shown;
use crate::commands::store::{Place, Store};
use crate::ui::{Failure, Outcome, Result, Ui};
use clap::Args;
use serde::Serialize;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// Write the log for other programs: a range as JSON lines, or all of it as Parquet
///
/// Into FILE: one JSON object a line, those of "outcry log show --json". The file appears when it is complete, or not at all.
/// With --parquet into a directory: a file a table and part of the log, and a manifest.json that names them. Run again it goes on
/// where it was, killed at any moment it loses and doubles nothing. docs/EXPORT.md has the layout.
#[derive(Debug, Args)]
pub struct Export {
    /// The file to write
    #[arg(required_unless_present = "parquet")]
    file: Option<PathBuf>,
    /// Bring a directory of Parquet files up to date instead
    #[arg(long, value_name = "DIR", conflicts_with_all = ["file", "from", "to"])]
    parquet: Option<PathBuf>,
    /// The first record: a sequence number, or a time such as 2026-01-05T15:00:00Z
    #[arg(long, value_name = "PLACE", default_value = "1")]
    from: Place,
    /// The last record: a sequence number or a time; everything committed by now if not given
    #[arg(long, value_name = "PLACE")]
    to: Option<Place>,
    #[command(flatten)]
    options: parquet::Options,
    #[command(flatten)]
    store: Store,
}

#[derive(Debug, Serialize)]
struct Answer {
    file: PathBuf,
    records: u64,
    first_sequence: Option<u64>,
    last_sequence: Option<u64>,
}

impl Export {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        match (&self.parquet, &self.file) {
            (Some(dir), _) => parquet::run(ui, &self.store, dir, &self.options),
            (None, Some(file)) => self.json_lines(ui, file),
            (None, None) => unreachable!("one of them is required"),
        }
    }

    fn json_lines(&self, ui: &mut Ui, path: &Path) -> Result<Outcome> {
        let cannot = |error: io::Error| {
            Failure::failed(format_args!("cannot write {}", path.display())).caused_by(error)
        };
        let dir = path.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(dir).map_err(cannot)?;
        let mut out = io::BufWriter::new(file.as_file_mut());
        let mut reader = self.store.reader(true)?;
        // What is committed later is another export's.
        let end = reader.bound();
        self.from.seek(&mut reader)?;
        let (mut records, mut first, mut last) = (0, None, None);
        'log: while let Some(block) = reader.next_block()? {
            let header = block.header();
            for record in block.records() {
                if self.from.is_after(record.sequence, header.timestamp_ns) {
                    continue;
                }
                let over = self.to.is_some_and(|to| to.is_before(record.sequence, header.timestamp_ns));
                if over || record.sequence > end {
                    break 'log;
                }
                let shown = Shown::new(&record, header)?;
                serde_json::to_writer(&mut out, &shown).map_err(|error| cannot(error.into()))?;
                out.write_all(b"\n").map_err(cannot)?;
                records += 1;
                first = first.or(Some(record.sequence));
                last = Some(record.sequence);
            }
        }
        out.flush().map_err(cannot)?;
        drop(out);
        file.as_file().sync_all().map_err(cannot)?;
        file.persist(path).map_err(|error| cannot(error.error))?;
        let answer = Answer { file: path.to_owned(), records, first_sequence: first, last_sequence: last };
        ui.answer(&answer, |ui, answer| {
            ui.line(format_args!("{} records in {}", crate::ui::count(answer.records), answer.file.display()))
        })?;
        Ok(Outcome::Success)
    }
}
