//! `cargo xtask`: sets the machine up, runs a trading exchange, runs every test.
//!
//! This is the room to look in for "how is it built and tested". It uses nothing but the standard library, so that the
//! first command on a fresh machine compiles in seconds.

mod dev;
mod extension;
mod setup;
mod steps;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  dev [ARGS…]    set up, build, and start a trading exchange with demo flow (ARGS go to `outcry dev`)
  test [STEP…]   set up and run every test, or only the named steps (`test --list` names them)
  extension      set up and build the DuckDB extension, beside target/release/outcry
  setup          only set up; does nothing where nothing is missing
  python         set up the Python environment that tests use, and print its interpreter, for
                 `OUTCRY_PYTHON=$(cargo xtask python) cargo test …`
";

fn main() -> ExitCode {
    let mut args = std::env::args().skip(1);
    let command = args.next();
    let rest: Vec<String> = args.collect();
    let outcome = match command.as_deref() {
        Some("dev") => setup::run().and_then(|()| dev::run(&rest)),
        Some("extension") => setup::run().and_then(|()| {
            let extension = extension::run(extension::Build::Release)?;
            println!("{}", extension.display());
            Ok(())
        }),
        Some("test") => test::run(&rest),
        Some("setup") => setup::run(),
        Some("python") => setup::python::run().map(|interpreter| {
            if let Some(interpreter) = interpreter {
                println!("{}", interpreter.display());
            }
        }),
        Some("help" | "--help" | "-h") => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        Some(other) => {
            eprint!("error: there is no command `{other}`\n\n{USAGE}");
            return ExitCode::from(2);
        }
        None => {
            eprint!("{USAGE}");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("error: {failure}");
            ExitCode::FAILURE
        }
    }
}
