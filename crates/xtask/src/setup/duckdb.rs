//! The DuckDB library: fetched once from the npm registry, checked against a pinned hash, kept in the user's cache, and
//! linked to from `.duckdb`, where `.cargo/config.toml` tells the build to look.

use super::sha256;
use crate::steps::{self, Failure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs, io};

/// The package that carries the library as its makers built it.
const PACKAGE: &str = "@duckdb/node-bindings-linux-x64@1.5.6-r.1";
/// What `npm pack` calls the file.
const ARCHIVE: &str = "duckdb-node-bindings-linux-x64-1.5.6-r.1.tgz";
const ARCHIVE_SHA256: &str = "1b9f82478539bb9a1d1df44bd103121a12ae52142c07158dc52b97d2ec1d69ff";
/// The folder in the cache: another version is another folder.
const FOLDER: &str = "duckdb-1.5.6-linux-x64";
const LIBRARY: &str = "libduckdb.so";

/// Makes sure that the build finds the library. Does nothing where it does already.
pub fn run() -> Result<(), Failure> {
    if let Some(dir) = env::var_os("DUCKDB_LIB_DIR").map(PathBuf::from)
        && dir.join(LIBRARY).is_file()
    {
        return Ok(());
    }
    let link = steps::root().join(".duckdb");
    if link.join(LIBRARY).is_file() {
        return Ok(());
    }
    if !cfg!(all(target_os = "linux", target_arch = "x86_64")) {
        return Err(Failure::NoLibrary {
            why: "a DuckDB library is fetched for x86-64 Linux only",
            hint: "set DUCKDB_LIB_DIR to a folder with libduckdb.so of DuckDB 1.5",
        });
    }
    let folder = cache()?.join(FOLDER);
    if !folder.join(LIBRARY).is_file() {
        fetch(&folder)?;
    }
    link_to(&folder, &link)
}

/// The user's cache, as the XDG base directory specification has it.
pub fn cache() -> Result<PathBuf, Failure> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    absolute("XDG_CACHE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".cache")))
        .map(|cache| cache.join("outcry"))
        .ok_or(Failure::NoLibrary { why: "there is no cache folder", hint: "set HOME or XDG_CACHE_HOME" })
}

/// Downloads, checks and unpacks beside the folder, then moves it into place: a folder of that name is complete.
fn fetch(folder: &Path) -> Result<(), Failure> {
    eprintln!("setup: fetching DuckDB 1.5.6 (24 MB) into {}", folder.display());
    let parent = folder.parent().unwrap_or(folder);
    let work = parent.join(format!("{FOLDER}.{}", std::process::id()));
    let io = |what: &'static str, path: &Path| {
        let path = path.to_owned();
        move |error: io::Error| Failure::File { what, path, error }
    };
    fs::create_dir_all(&work).map_err(io("create", &work))?;
    let outcome = download(&work).and_then(|()| {
        let unpacked = work.join("package");
        fs::create_dir_all(folder).map_err(io("create", folder))?;
        fs::rename(unpacked.join(LIBRARY), folder.join(LIBRARY)).map_err(io("move", &unpacked.join(LIBRARY)))
    });
    // Only rubbish is left in it, and the next attempt makes its own.
    let _ = fs::remove_dir_all(&work);
    outcome
}

fn download(work: &Path) -> Result<(), Failure> {
    steps::run(
        Command::new("npm").args(["pack", "--silent", "--pack-destination", ".", PACKAGE]).current_dir(work),
    )?;
    let found = sha256(&work.join(ARCHIVE))?;
    if found != ARCHIVE_SHA256 {
        return Err(Failure::Hash { file: ARCHIVE, expected: ARCHIVE_SHA256, found });
    }
    let member = format!("package/{LIBRARY}");
    steps::run(Command::new("tar").args(["-xzf", ARCHIVE, &member]).current_dir(work))
}

/// Points `.duckdb` at the folder, whatever it pointed at before.
fn link_to(folder: &Path, link: &Path) -> Result<(), Failure> {
    if fs::symlink_metadata(link).is_ok_and(|found| found.is_symlink()) {
        fs::remove_file(link).map_err(|error| Failure::File {
            what: "remove",
            path: link.to_owned(),
            error,
        })?;
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink(folder, link).map_err(|error| Failure::File {
        what: "link",
        path: link.to_owned(),
        error,
    })?;
    Ok(())
}
