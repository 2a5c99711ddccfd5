//! `outcry plugin new`: the folder of a new rule.

use super::failure;
use crate::ui::{Outcome, Result, Ui};
use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use model::RuleKind;
use plugin_kit::{Language, Project};
use serde::Serialize;
use std::path::PathBuf;

/// Make the folder of a new rule, which builds and passes its tests as it is
#[derive(Debug, Args)]
pub struct New {
    /// The rule's name, and the folder's: lower-case letters, digits and hyphens
    name: String,
    /// What it looks at: an order (validation), also positions and the market (risk), or what has happened (reporting)
    #[arg(long, value_parser = kinds())]
    kind: RuleKind,
    /// What it is written in; python and js are for reporting rules
    #[arg(long, value_parser = languages(), default_value = Language::Rust.as_str())]
    lang: Language,
    /// Where the folder goes
    #[arg(long, value_name = "DIR", default_value = ".")]
    dir: PathBuf,
}

fn kinds() -> impl TypedValueParser<Value = RuleKind> {
    let kinds = [RuleKind::Validation, RuleKind::Risk, RuleKind::Reporting];
    PossibleValuesParser::new(kinds.map(RuleKind::as_str)).try_map(|word| word.parse::<RuleKind>())
}

fn languages() -> impl TypedValueParser<Value = Language> {
    PossibleValuesParser::new(Language::ALL.map(Language::as_str)).try_map(|word| word.parse::<Language>())
}

#[derive(Debug, Serialize)]
struct Answer {
    name: String,
    kind: &'static str,
    language: &'static str,
    folder: PathBuf,
    /// The file to begin with.
    source: PathBuf,
}

impl New {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let folder = plugin_kit::new::create(&self.dir, &self.name, self.kind, self.lang).map_err(failure)?;
        // What was made must be what is read.
        Project::open(&folder).map_err(failure)?;
        let source = folder.join(match self.lang {
            Language::Rust => "src/lib.rs",
            Language::C => "src/rule.c",
            Language::Python => "rule.py",
            Language::JavaScript => "rule.js",
        });
        let (kind, language) = (self.kind.as_str(), self.lang.as_str());
        let answer = Answer { name: self.name, kind, language, folder, source };
        ui.answer(&answer, |ui, answer| ui.line(format_args!("made {}", answer.folder.display())))?;
        ui.say(format_args!(
            "edit {}, then: outcry plugin build {}",
            answer.source.display(),
            answer.folder.display()
        ));
        Ok(Outcome::Success)
    }
}
