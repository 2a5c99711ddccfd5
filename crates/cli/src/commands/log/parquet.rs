//! `outcry log export --parquet`: the log as Parquet files in a directory, for engines that read those. How they are cut and
//! what keeps them whole is in the crate `reporting`.

use super::follow::until_interrupted;
use crate::commands::store::Store;
use crate::ui::{self, Outcome, Result, Ui};
use clap::Args;
use reporting::{Export, ExportOptions, Written};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// How often a log that is followed is looked at for a whole part.
const IDLE: Duration = Duration::from_millis(500);

/// What only an export to Parquet takes.
#[derive(Debug, Args)]
#[command(next_help_heading = "Parquet")]
pub struct Options {
    /// Go on with what is committed, until interrupted
    #[arg(short, long, requires = "parquet")]
    follow: bool,
    /// Write what follows the last whole part too, in files that a later run replaces
    #[arg(long, requires = "parquet")]
    all: bool,
    /// Cut the log after the block that holds a multiple of N records; as the export was begun, or 4000000, if not given
    #[arg(long, value_name = "N", requires = "parquet", value_parser = clap::value_parser!(u64).range(1..))]
    part_records: Option<u64>,
    /// Memory, in MiB
    #[arg(long, value_name = "MIB", default_value_t = 1024, requires = "parquet")]
    memory: u64,
    /// Tables written at once; 0 for one a processor
    #[arg(long, value_name = "N", default_value_t = 0, requires = "parquet")]
    threads: usize,
}

#[derive(Debug, Serialize)]
struct Answer {
    dir: PathBuf,
    /// The last record that is in the files.
    last_sequence: u64,
    /// The last record that is in files which stay as they are.
    sealed_sequence: u64,
    /// The last record that there is.
    committed: u64,
    /// What this run wrote.
    files: u64,
    rows: u64,
    bytes: u64,
    elapsed_ms: u64,
}

/// Brings a directory up to date, and keeps it so if that is wanted.
pub fn run(ui: &mut Ui, store: &Store, dir: &Path, options: &Options) -> Result<Outcome> {
    let start = Instant::now();
    let wanted = ExportOptions {
        part_records: options.part_records,
        all: options.all,
        memory_mib: options.memory,
        threads: options.threads,
    };
    let mut export = Export::open(&store.dir, dir, &wanted)?;
    let mut written = catch_up(ui, &mut export)?;
    written += export.finish()?;
    let answer = Answer {
        dir: dir.to_owned(),
        last_sequence: export.last_sequence(),
        sealed_sequence: export.sealed_sequence(),
        committed: export.committed(),
        files: written.files,
        rows: written.rows,
        bytes: written.bytes,
        elapsed_ms: start.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
    };
    ui.answer(&answer, |ui, answer| {
        let (dir, last) = (answer.dir.display(), ui::count(answer.last_sequence));
        let (files, rows) = (ui::count(answer.files), ui::count(answer.rows));
        ui.line(format_args!("{dir} is at record {last}: {files} files, {rows} rows written"))?;
        let rest = answer.committed.saturating_sub(answer.last_sequence);
        if rest > 0 && !options.follow {
            let rest = ui::count(rest);
            ui.say(format_args!("{rest} records follow that do not fill a part yet; --all writes them too"));
        }
        Ok(())
    })?;
    if options.follow {
        ui.flush()?;
        // Parts that are whole when Ctrl-C comes are written first.
        until_interrupted(|| {
            let mut is_new = false;
            while export.step()?.is_some() {
                is_new = true;
            }
            if is_new {
                export.finish()?;
            }
            Ok(IDLE)
        })?;
    }
    Ok(Outcome::Success)
}

/// Writes all whole parts there are.
fn catch_up(ui: &Ui, export: &mut Export) -> Result<Written> {
    let progress = ui.progress("exporting", Some(export.committed()));
    let mut written = Written::default();
    progress.set(export.last_sequence());
    while let Some(part) = export.step()? {
        written += part;
        progress.set(export.last_sequence());
    }
    Ok(written)
}
