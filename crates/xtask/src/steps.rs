//! Running other programs: says what runs, waits for it, and turns how it ended into one sentence.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Why a step did not succeed.
#[derive(Debug)]
pub enum Failure {
    /// The program could not be started at all.
    NotStarted { program: String, hint: &'static str, error: std::io::Error },
    /// The program ran and said no.
    Failed { step: String, code: Option<i32> },
    /// Something the build needs could not be got.
    Missing { what: &'static str, hint: &'static str },
    /// Several steps failed; each has been reported where it happened.
    Several { steps: Vec<&'static str> },
    /// No step has that name.
    NoSuchStep { name: String },
    /// The DuckDB library cannot be had here.
    NoLibrary { why: &'static str, hint: &'static str },
    /// What was downloaded is not what it should be.
    Hash { file: &'static str, expected: &'static str, found: String },
    /// A file or folder could not be dealt with.
    File { what: &'static str, path: PathBuf, error: std::io::Error },
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotStarted { program, hint, error } => {
                write!(f, "cannot start `{program}`: {error}\nhint: {hint}")
            }
            Self::Failed { step, code: Some(code) } => write!(f, "`{step}` ended with code {code}"),
            Self::Failed { step, code: None } => write!(f, "`{step}` was ended by a signal"),
            Self::Missing { what, hint } => write!(f, "{what} is needed and cannot be got\nhint: {hint}"),
            Self::Several { steps } => write!(f, "these steps failed: {}", steps.join(", ")),
            Self::NoLibrary { why, hint } => write!(f, "{why}\nhint: {hint}"),
            Self::Hash { file, expected, found } => {
                write!(f, "{file} has the SHA-256 {found}, not {expected}\nhint: it was not used; try again")
            }
            Self::File { what, path, error } => write!(f, "cannot {what} {}: {error}", path.display()),
            Self::NoSuchStep { name } => {
                write!(f, "there is no step `{name}`\nhint: `cargo xtask test --list` names them")
            }
        }
    }
}

/// The top folder of the checkout.
pub fn root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_owned()
}

/// Where cargo puts what it builds.
pub fn target() -> PathBuf {
    std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from)
}

/// The cargo that runs this, so that a toolchain override holds for the steps too.
pub fn cargo() -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.current_dir(root());
    command
}

/// Runs a program to its end, showing the command line first.
pub fn run(command: &mut Command) -> Result<(), Failure> {
    let line = std::iter::once(command.get_program())
        .chain(command.get_args())
        .map(|word| Path::new(word).file_name().unwrap_or(word).to_string_lossy())
        .collect::<Vec<_>>()
        .join(" ");
    eprintln!("$ {line}");
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(Failure::Failed { step: line, code: status.code() }),
        Err(error) => Err(Failure::NotStarted {
            program: command.get_program().to_string_lossy().into_owned(),
            hint: "install it, or check PATH",
            error,
        }),
    }
}
