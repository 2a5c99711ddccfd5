//! Every scenario under `tests/scenarios`, and those of the rules that ship, in every mode: one test each, named `mode::path`.
//!
//! The rules must have been built: `cargo xtask setup` does that.
//!
//! `cargo test -p acceptance --test scenarios restart::` runs one mode, a file's name its five.

use libtest_mimic::{Arguments, Failed, Trial};
use scenario::{Mode, Outcome};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Fewer than this, and the harness is not looking where the scenarios are.
const SCENARIOS_MIN: usize = 80;
/// As above, of the rules that ship: those that judge orders have one each.
const RULE_SCENARIOS_MIN: usize = 8;

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios");
    let files = scenario::files(&root).expect("the directory of scenarios can be read");
    assert!(files.len() >= SCENARIOS_MIN, "only {} scenarios under {}", files.len(), root.display());
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let rules = rule_scenarios(&top.join("plugins"));
    assert!(rules.len() >= RULE_SCENARIOS_MIN, "only {} scenarios of rules", rules.len());
    let files: Vec<PathBuf> = files.into_iter().chain(rules).collect();
    let trials = Mode::ALL.iter().flat_map(|&mode| files.iter().map(move |file| (mode, file)));
    let trials = trials.map(|(mode, file)| {
        let name = file
            .strip_prefix(&root)
            .or_else(|_| file.strip_prefix(&top))
            .unwrap_or(file)
            .with_extension("")
            .display()
            .to_string();
        let file = file.clone();
        Trial::test(format!("{mode}::{name}"), move || check(&file, mode))
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// The scenarios of the rules in `plugins`.
fn rule_scenarios(plugins: &Path) -> Vec<PathBuf> {
    let folders = std::fs::read_dir(plugins).expect("the directory of rules can be read");
    let tests = folders.map(|folder| folder.expect("its entries can be read").path().join("tests"));
    let mut files: Vec<PathBuf> = tests
        .filter(|tests| tests.is_dir())
        .flat_map(|tests| scenario::files(&tests).expect("a rule's tests can be read"))
        .collect();
    files.sort();
    files
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
