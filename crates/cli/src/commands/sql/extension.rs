//! `outcry sql extension`: the tables for other people's DuckDB. The file lies beside the program, where the build puts it.

use crate::commands::store::Store;
use crate::ui::{self, Failure, Outcome, Result, Ui};
use clap::Args;
use reporting::footer;
use serde::Serialize;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// DuckDB finds the way into an extension by the name of its file.
const FILE: &str = "outcry.duckdb_extension";
/// Where it comes from.
const BUILD: &str = "\"cargo xtask extension\" builds it beside the optimised program";

/// Write the DuckDB extension, and say how Python loads it
///
/// With it the tables of "outcry sql" are there in any DuckDB from 1.5 on: FROM trades(store := 'data/dev'). It is not signed, so DuckDB
/// must be told to allow it. The two lines on standard output do both.
#[derive(Debug, Args)]
pub struct Extension {
    /// The file to write, or the directory to write it into
    #[arg(default_value = FILE)]
    file: PathBuf,
    #[command(flatten)]
    store: Store,
}

#[derive(Debug, Serialize)]
struct Answer {
    file: PathBuf,
    version: String,
    /// The oldest version of DuckDB's functions that will do.
    api_version: &'static str,
    platform: &'static str,
    bytes: u64,
    /// What to paste into Python.
    python: Vec<String>,
}

impl Extension {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let mut file = self.file;
        if file.is_dir() {
            file.push(FILE);
        }
        if file.file_name().is_none_or(|name| name != FILE) {
            let other = file.with_file_name(FILE);
            return Err(Failure::usage(format_args!(
                "the file must be called {FILE}: DuckDB goes by its name"
            ))
            .hint(format_args!("write it to {}", other.display())));
        }
        let (extension, version) = built()?;
        write(&file, &extension)?;
        let file = file.canonicalize().unwrap_or(file);
        let python = vec![
            r#"import duckdb; con = duckdb.connect(config={"allow_unsigned_extensions": "true"})"#.to_owned(),
            format!("con.load_extension({})", python_text(&file)),
        ];
        let answer = Answer {
            file,
            version,
            api_version: footer::API_VERSION,
            platform: footer::PLATFORM,
            bytes: extension.len() as u64,
            python,
        };
        ui.answer(&answer, |ui, answer| answer.python.iter().try_for_each(|line| ui.line(line)))?;
        ui.flush()?;
        ui.say(format_args!("wrote {}, {}", answer.file.display(), ui::bytes(answer.bytes)));
        if let Ok(store) = self.store.dir.canonicalize() {
            let store = store.display().to_string().replace('\'', "''");
            let example = format!("FROM trades(store := '{store}')");
            ui.say(format_args!("then, for example: con.sql({})", python_text(Path::new(&example))));
        }
        Ok(Outcome::Success)
    }
}

/// The extension beside the program, and its version.
fn built() -> Result<(Vec<u8>, String)> {
    let program = std::env::current_exe()
        .map_err(|error| Failure::failed("cannot tell where the program is").caused_by(error))?;
    // A link to the program does not have the extension beside it.
    let program = program.canonicalize().unwrap_or(program);
    let path = program.with_file_name(FILE);
    let extension = std::fs::read(&path).map_err(|error| {
        let failure = Failure::failed(format_args!("there is no extension at {}", path.display()));
        failure.caused_by(error).hint(BUILD)
    })?;
    let Some(version) = footer::version(&extension) else {
        let failure = Failure::failed(format_args!("{} is not a whole DuckDB extension", path.display()));
        return Err(failure.hint(BUILD));
    };
    let wanted = concat!("v", env!("CARGO_PKG_VERSION"));
    if version != wanted {
        let failure = format_args!("{} is of version {version}, this program of {wanted}", path.display());
        return Err(Failure::failed(failure).hint(BUILD));
    }
    let version = version.to_owned();
    Ok((extension, version))
}

/// Writes the file whole or not at all: a program may have an older one loaded.
fn write(file: &Path, bytes: &[u8]) -> Result<()> {
    let cannot = |error: io::Error| super::cannot_write(file, error);
    let dir = file.parent().filter(|dir| !dir.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut partial = tempfile::NamedTempFile::new_in(dir).map_err(cannot)?;
    partial.write_all(bytes).map_err(cannot)?;
    // Others load it too, as far as they may look into the directory.
    let everybody = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    partial.as_file().set_permissions(everybody).map_err(cannot)?;
    partial.persist(file).map_err(|error| cannot(error.error))?;
    Ok(())
}

/// A text as Python writes it.
fn python_text(path: &Path) -> String {
    format!("\"{}\"", path.display().to_string().replace('\\', r"\\").replace('"', "\\\""))
}
