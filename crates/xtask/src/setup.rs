//! What the build needs beyond Rust: looks for each thing, says what is missing and why it is needed.

mod duckdb;
pub mod python;
pub mod rules;

use crate::steps::{self, Failure};
use std::path::Path;
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

/// A file's SHA-256, in hexadecimal.
fn sha256(file: &Path) -> Result<String, Failure> {
    let output = Command::new("sha256sum").arg("--").arg(file).output().map_err(|error| {
        Failure::NotStarted { program: "sha256sum".to_owned(), hint: "install coreutils", error }
    })?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.split_whitespace().next() {
        Some(hash) => Ok(hash.to_owned()),
        None => {
            Err(Failure::Failed { step: format!("sha256sum {}", file.display()), code: output.status.code() })
        }
    }
}

/// Installs packages of the system where that is possible without asking: as root, on Debian and its kin.
fn install(packages: &[&'static str]) -> Result<(), Failure> {
    let apt = |args: &[&str]| {
        let mut command = if is_root() {
            Command::new("apt-get")
        } else {
            let mut command = Command::new("sudo");
            command.args(["-n", "apt-get"]);
            command
        };
        steps::run(command.args(args).env("DEBIAN_FRONTEND", "noninteractive"))
    };
    apt(&["update", "-qq"])?;
    apt(&[&["install", "-qq", "--yes", "--no-install-recommends"], packages].concat())
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output();
    id.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).trim() == "0")
}
