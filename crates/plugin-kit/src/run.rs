//! Running compilers: what they say is kept, and shown when they fail.

use crate::Error;
use std::path::Path;
use std::process::{Command, Output};

/// Runs a program to its end.
pub fn run(command: &mut Command) -> Result<Output, Error> {
    let program = Path::new(command.get_program()).file_name().unwrap_or(command.get_program());
    let program = program.to_string_lossy().into_owned();
    let output = match command.output() {
        Ok(output) => output,
        Err(source) => return Err(Error::NotStarted { program, source }),
    };
    if output.status.success() {
        return Ok(output);
    }
    let said = if output.stderr.is_empty() { &output.stdout } else { &output.stderr };
    Err(Error::Failed { program, output: String::from_utf8_lossy(said).into_owned() })
}

/// Whether a program is there and answers.
pub fn answers(program: impl AsRef<std::ffi::OsStr>, probe: &str) -> bool {
    Command::new(program).arg(probe).output().is_ok_and(|output| output.status.success())
}

/// What a program answers, without line ends.
pub fn asks(program: impl AsRef<std::ffi::OsStr>, args: &[&str]) -> Option<String> {
    let output = Command::new(program).args(args).output().ok().filter(|output| output.status.success())?;
    Some(String::from_utf8(output.stdout).ok()?.trim().to_owned())
}
