//! Every scenario under `tests/scenarios`, in every mode: one test each, named `mode::path`.
//!
//! `cargo test -p acceptance --test scenarios restart::` runs one mode, a file's name its five.

use libtest_mimic::{Arguments, Failed, Trial};
use scenario::{Mode, Outcome};
use std::path::Path;
use std::process::ExitCode;

/// Fewer than this, and the harness is not looking where the scenarios are.
const SCENARIOS_MIN: usize = 80;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files = scenario::files(&root).expect("the directory of scenarios can be read");
    assert!(files.len() >= SCENARIOS_MIN, "only {} scenarios under {}", files.len(), root.display());
    let trials = Mode::ALL.iter().flat_map(|&mode| files.iter().map(move |file| (mode, file)));
    let trials = trials.map(|(mode, file)| {
        let name = file.strip_prefix(&root).unwrap_or(file).with_extension("").display().to_string();
        let file = file.clone();
        Trial::test(format!("{mode}::{name}"), move || check(&file, mode))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

fn check(file: &Path, mode: Mode) -> Result<(), Failed> {
    let source = std::fs::read_to_string(file)?;
    let shown = file.display().to_string();
    match scenario::run_source(&source, file.parent().unwrap_or(Path::new("")), mode) {
        Outcome::Passed { .. } => Ok(()),
        Outcome::Differs { differing, .. } => {
            let differences = differing.iter().map(|difference| difference.render(&shown, false));
            Err(format!("\n{}", differences.collect::<String>()).into())
        }
        Outcome::Unparsable(problems) => Err(format!(
            "\n{}",
            problems.iter().map(|problem| problem.render(&shown, &source)).collect::<String>()
        )
        .into()),
        Outcome::Failed(error) => Err(error.to_string().into()),
    }
}
