//! Builds the rules in the folders named. What `cargo xtask` calls, since it needs the rules before the whole program.

use plugin_kit::{Project, build};
use std::error::Error;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut args: Vec<PathBuf> = std::env::args_os().skip(1).map(PathBuf::from).collect();
    if args.len() < 2 {
        eprintln!(
            "usage: plugin-kit DIST FOLDER…\n\nbuilds each rule and puts a copy of its component into DIST"
        );
        return ExitCode::from(2);
    }
    let dist = args.remove(0);
    let failed = args.iter().filter(|folder| !succeeds(&dist, folder)).count();
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn succeeds(dist: &Path, folder: &Path) -> bool {
    match one(dist, folder) {
        Ok(()) => true,
        Err(error) => {
            eprintln!("error: {}: {error}", folder.display());
            let mut cause = error.source();
            while let Some(error) = cause {
                eprintln!("  caused by: {error}");
                cause = error.source();
            }
            if let Some(hint) = error.hint() {
                eprintln!("hint: {hint}");
            }
            false
        }
    }
}

fn one(dist: &Path, folder: &Path) -> Result<(), plugin_kit::Error> {
    let built = build(&Project::open(folder)?)?;
    let file = |path: &Path, source| plugin_kit::Error::File { what: "write", path: path.to_owned(), source };
    std::fs::create_dir_all(dist).map_err(|error| file(dist, error))?;
    let copy = dist.join(built.path.file_name().unwrap_or_default());
    if !built.fresh || !copy.is_file() {
        std::fs::copy(&built.path, &copy).map_err(|error| file(&copy, error))?;
        println!("{} {} bytes", copy.display(), built.bytes);
    }
    Ok(())
}
