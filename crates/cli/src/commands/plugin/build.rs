//! `outcry plugin build`: components from folders.

use super::failure;
use crate::ui::{Outcome, Result, Table, Ui, hex};
use clap::Args;
use plugin_kit::Project;
use serde::Serialize;
use std::path::PathBuf;

/// Build rules: a component each, with its manifest inside
///
/// The component is dist/NAME.wasm in the rule's folder. Where nothing changed, nothing is built. Compilers are looked for on this
/// machine; what makes components of Python and JavaScript is fetched once.
#[derive(Debug, Args)]
pub struct Build {
    /// Folders of rules
    #[arg(value_name = "FOLDER", default_value = ".")]
    folders: Vec<PathBuf>,
}

#[derive(Debug, Serialize)]
struct Answer {
    name: String,
    version: String,
    kind: &'static str,
    language: &'static str,
    component: PathBuf,
    bytes: u64,
    /// What the exchange knows it by.
    sha256: String,
    /// Nothing had changed since it was built.
    fresh: bool,
}

impl Build {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let mut answers = Vec::new();
        for folder in &self.folders {
            let project = Project::open(folder).map_err(failure)?;
            let progress = ui.progress("building", None);
            let built = plugin_kit::build(&project);
            drop(progress);
            let built = built.map_err(failure)?;
            answers.push(Answer {
                name: project.manifest.name.to_string(),
                version: project.manifest.version.to_string(),
                kind: project.manifest.kind.as_str(),
                language: project.language.as_str(),
                component: built.path,
                bytes: built.bytes,
                sha256: hex(&built.hash),
                fresh: built.fresh,
            });
        }
        ui.answer(&answers, |ui, answers| {
            let mut table =
                Table::new(["rule", "version", "kind", "language", "#bytes", "sha256", "component"]);
            for answer in answers {
                table.row([
                    answer.name.clone(),
                    answer.version.clone(),
                    answer.kind.to_owned(),
                    answer.language.to_owned(),
                    answer.bytes.to_string(),
                    answer.sha256[..12].to_owned(),
                    answer.component.display().to_string(),
                ]);
            }
            ui.table(&table)
        })?;
        Ok(Outcome::Success)
    }
}
