//! `outcry man`: man pages, made from the same definitions as `--help`.

use crate::args::Outcry;
use crate::ui::{Failure, Outcome, Result, Ui};
use clap::{Args, CommandFactory as _};
use serde::Serialize;
use std::path::PathBuf;

/// Write the man pages into a directory
///
/// Look at one with: man -l DIR/outcry.1
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Man {
    /// Where they go; made if it is not there
    #[arg(value_name = "DIR")]
    dir: PathBuf,
}

#[derive(Serialize)]
struct Answer {
    pages: Vec<PathBuf>,
}

impl Man {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let cannot = |error: std::io::Error| {
            Failure::failed(format!("cannot write man pages into {}", self.dir.display())).caused_by(error)
        };
        std::fs::create_dir_all(&self.dir).map_err(cannot)?;
        clap_mangen::generate_to(Outcry::command(), &self.dir).map_err(cannot)?;
        let mut pages = std::fs::read_dir(&self.dir)
            .and_then(|entries| entries.map(|entry| Ok(entry?.path())).collect::<Result<Vec<_>, _>>())
            .map_err(cannot)?;
        pages.retain(|page| page.extension().is_some_and(|extension| extension == "1"));
        pages.sort();
        ui.answer(&Answer { pages }, |ui, answer| {
            answer.pages.iter().try_for_each(|page| ui.line(page.display()))
        })?;
        Ok(Outcome::Success)
    }
}
