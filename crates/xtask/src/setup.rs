//! What the build needs beyond Rust: looks for each thing, says what is missing and why it is needed.

mod duckdb;
pub mod rules;

use crate::steps::Failure;
use std::process::{Command, Stdio};

/// A program the build calls.
struct Tool {
    program: &'static str,
    probe: &'static str,
    why: &'static str,
    hint: &'static str,
}

const TOOLS: &[Tool] = &[
    Tool {
        program: "cc",
        probe: "--version",
        why: "BLAKE3 and zstd contain C and assembly",
        hint: "install a C compiler, on Debian: apt-get install gcc",
    },
    Tool { program: "cargo", probe: "--version", why: "builds everything", hint: "install Rust with rustup" },
    Tool {
        program: "npm",
        probe: "--version",
        why: "the DuckDB library comes from the npm registry",
        hint: "install Node.js, on Debian: apt-get install npm",
    },
];

fn answers(program: &str, probe: &str) -> Result<bool, std::io::Error> {
    Command::new(program)
        .arg(probe)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map(|status| status.success())
}

/// Checks that everything is there, gets what is missing and can be got, and builds the rules.
pub fn run() -> Result<(), Failure> {
    for tool in TOOLS {
        match answers(tool.program, tool.probe) {
            Ok(_) => {}
            Err(error) => {
                eprintln!("setup: `{}` is missing; it is needed because: {}", tool.program, tool.why);
                return Err(Failure::NotStarted { program: tool.program.to_owned(), hint: tool.hint, error });
            }
        }
    }
    duckdb::run()?;
    rules::run()
}
