//! `cargo xtask test`: every check there is, in the order in which a mistake is cheapest to find.

use crate::extension::{self, Build};
use crate::setup;
use crate::steps::{self, Failure, cargo};
use std::process::Command;
use std::time::Instant;

/// One check.
struct Step {
    name: &'static str,
    what: &'static str,
    run: fn() -> Result<(), Failure>,
}

const STEPS: &[Step] = &[
    Step {
        name: "format",
        what: "rustfmt finds nothing to change",
        run: || steps::run(cargo().args(["fmt", "--all", "--check"])),
    },
    Step {
        name: "lint",
        what: "clippy finds nothing to say",
        run: || {
            steps::run(cargo().args([
                "clippy",
                "--workspace",
                "--all-targets",
                "--quiet",
                "--",
                "-D",
                "warnings",
            ]))
        },
    },
    Step {
        name: "program",
        what: "the program builds, for the tests that run it",
        run: || steps::run(cargo().args(["build", "--package", "cli", "--bin", "outcry"])),
    },
    Step {
        name: "extension",
        what: "the DuckDB extension builds; lint and tests of what only it has",
        run: extension,
    },
    Step { name: "tests", what: "unit, property, crash-injection and acceptance tests", run: tests },
    Step { name: "rules", what: "the rules that ship: format, lint, and their own tests", run: rules },
    Step { name: "loom", what: "the publish protocol under every interleaving", run: loom },
];

fn tests() -> Result<(), Failure> {
    let mut command = cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]);
    if let Some(interpreter) = setup::python::run()? {
        command.env("OUTCRY_PYTHON", interpreter);
    }
    steps::run(&mut command)
}

fn extension() -> Result<(), Failure> {
    let package = ["--package", "reporting", "--lib", "--no-default-features", "--features", "extension"];
    steps::run(cargo().arg("clippy").args(package).args(["--quiet", "--", "-D", "warnings"]))?;
    steps::run(cargo().arg("test").args(package))?;
    extension::run(Build::Tests).map(drop)
}

fn rules() -> Result<(), Failure> {
    let plugins = steps::root().join("plugins");
    for args in [
        &["fmt", "--all", "--check"][..],
        &["clippy", "--all-targets", "--quiet", "--", "-D", "warnings"],
        &["test", "--quiet"],
    ] {
        steps::run(cargo().args(args).current_dir(&plugins))?;
    }
    for folder in setup::rules::folders(&plugins) {
        let has = |file: &str| folder.join(file).is_file();
        // A rule in C is tested by a program that includes it.
        if has("tests/rule.c") {
            let program = folder.join("dist/test");
            let compile = ["-std=c11", "-Wall", "-Wextra", "-Werror", "-I../../crates/plugin-sdk/c", "-o"];
            steps::run(
                Command::new("cc").current_dir(&folder).args(compile).arg(&program).arg("tests/rule.c"),
            )?;
            steps::run(&mut Command::new(&program))?;
        }
        if has("tests/test_rule.py") {
            let args = ["-B", "-m", "unittest", "discover", "--quiet", "-s", "tests"];
            steps::run(Command::new("python3").current_dir(&folder).args(args))?;
        }
        if has("tests/rule.test.mjs") {
            let args = ["--test", "--test-reporter=dot", "tests/"];
            steps::run(Command::new("node").current_dir(&folder).args(args))?;
        }
    }
    Ok(())
}

fn loom() -> Result<(), Failure> {
    // A folder of its own: the flag would otherwise rebuild everything, twice a run.
    let target = steps::target().join("loom");
    steps::run(
        cargo()
            .args(["test", "--release", "--package", "event-store", "--test", "loom"])
            .env("CARGO_TARGET_DIR", target)
            .env("RUSTFLAGS", "--cfg loom"),
    )
}

/// Runs all steps, or those named. A failed step does not keep the later ones from running.
pub fn run(names: &[String]) -> Result<(), Failure> {
    if names.iter().any(|name| name == "--list") {
        for step in STEPS {
            println!("{:<10} {}", step.name, step.what);
        }
        return Ok(());
    }
    if let Some(name) = names.iter().find(|name| STEPS.iter().all(|step| step.name != **name)) {
        return Err(Failure::NoSuchStep { name: name.clone() });
    }
    setup::run()?;
    let mut failed = Vec::new();
    for step in STEPS.iter().filter(|step| names.is_empty() || names.iter().any(|name| name == step.name)) {
        eprintln!("\n== {}: {}", step.name, step.what);
        let start = Instant::now();
        if let Err(failure) = (step.run)() {
            eprintln!("error: {failure}");
            failed.push(step.name);
        }
        eprintln!("== {} took {:.0?}", step.name, start.elapsed());
    }
    if failed.is_empty() { Ok(()) } else { Err(Failure::Several { steps: failed }) }
}
