//! The DuckDB extension: `reporting` once more, as a library that another DuckDB loads, with the footer that DuckDB reads first.
//! It comes to lie beside the program, where `outcry sql extension` looks for it.

#[path = "../../reporting/src/footer.rs"]
mod footer;

use crate::steps::{self, Failure};
use std::fs;
use std::path::{Path, PathBuf};

const FILE: &str = "outcry.duckdb_extension";
/// What cargo calls the library.
const LIBRARY: &str = "libreporting.so";

/// How the extension is built, and beside which program it lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Build {
    /// As the tests build everything: shares what they have compiled.
    Tests,
    /// As it is meant to be used.
    Release,
}

impl Build {
    const fn profile(self) -> &'static str {
        match self {
            Self::Tests => "dev",
            Self::Release => "extension",
        }
    }

    /// The folders of the library and of the program, in the target folder.
    const fn folders(self) -> (&'static str, &'static str) {
        match self {
            Self::Tests => ("debug", "debug"),
            Self::Release => ("extension", "release"),
        }
    }
}

/// Builds it.
pub fn run(build: Build) -> Result<PathBuf, Failure> {
    let package = ["--package", "reporting", "--lib", "--no-default-features", "--features", "extension"];
    steps::run(steps::cargo().arg("rustc").args(package).args([
        "--crate-type",
        "cdylib",
        "--profile",
        build.profile(),
    ]))?;
    let target = steps::target();
    let (from, to) = build.folders();
    let extension = target.join(to).join(FILE);
    finish(&target.join(from).join(LIBRARY), &extension)?;
    Ok(extension)
}

/// Writes library and footer beside the file, then moves them into place: a program may have the old one loaded.
fn finish(library: &Path, extension: &Path) -> Result<(), Failure> {
    let failed = |what: &'static str, path: &Path| {
        let path = path.to_owned();
        move |error| Failure::File { what, path, error }
    };
    let mut bytes = fs::read(library).map_err(failed("read", library))?;
    let version = concat!("v", env!("CARGO_PKG_VERSION"));
    bytes.extend(footer::footer(version));
    debug_assert_eq!(footer::version(&bytes), Some(version));
    let folder = extension.parent().unwrap_or(extension);
    fs::create_dir_all(folder).map_err(failed("create", folder))?;
    let partial = extension.with_extension(format!("{}.partial", std::process::id()));
    fs::write(&partial, bytes).map_err(failed("write", &partial))?;
    fs::rename(&partial, extension).map_err(failed("write", extension))
}
