//! `outcry completions`: what a shell needs to complete our command lines.

use crate::args::Outcry;
use crate::ui::{Outcome, Result, Ui};
use clap::{Args, CommandFactory as _};
use clap_complete::Shell;
use serde::Serialize;

/// Print the completion script of a shell
///
/// For bash: outcry completions bash > ~/.local/share/bash-completion/completions/outcry
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Completions {
    /// For which shell
    shell: Shell,
}

#[derive(Serialize)]
struct Answer {
    shell: String,
    script: String,
}

impl Completions {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Outcry::command(), "outcry", &mut script);
        let script = String::from_utf8(script).expect("completion scripts are text");
        let answer = Answer { shell: self.shell.to_string(), script };
        ui.answer(&answer, |ui, answer| std::io::Write::write_all(ui.raw(), answer.script.as_bytes()))?;
        Ok(Outcome::Success)
    }
}
