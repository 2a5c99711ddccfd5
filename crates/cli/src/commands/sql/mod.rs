//! `outcry sql`: questions over a store's log. What can be asked, and what a query may do, is in the crate `reporting`;
//! here is how questions come in and how answers look.

mod dot;
mod extension;
mod shell;
mod show;

use super::store::Store;
use crate::ui::{Failure, Outcome, Result, Ui};
use clap::{Args, Subcommand, ValueEnum};
use reporting::{Error, Limits, Session, split};
use show::Shown;
use std::fs::File;
use std::io::{self, BufWriter, IsTerminal as _, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How an answer is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Aligned columns, for people
    Table,
    /// RFC 4180, with a header
    Csv,
    /// An array of objects
    Json,
    /// A table for a document
    Markdown,
    /// A file for other engines; needs --output
    Parquet,
}

/// Ask the log in SQL
///
/// The tables are read from the log itself, up to the last committed record, while the exchange trades or long after.
/// SHOW TABLES lists them, DESCRIBE names a table's columns, and docs/SQL.md explains both. Without -c and -f,
/// statements are read from standard input; on a terminal that is a shell, whose .help says more. A query can only read: it writes neither the store nor any file.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Sql {
    #[command(subcommand)]
    action: Option<Action>,
    /// A statement, or several with semicolons; may be given again
    #[arg(short, long = "command", value_name = "SQL", conflicts_with = "file")]
    command: Vec<String>,
    /// Statements from a file
    #[arg(short, long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// How answers are written: a table, or JSON with --json
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write the answers to a file, complete or not at all
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The most rows of a table that are shown; 0 for all
    #[arg(long, value_name = "N", default_value_t = 1000)]
    max_rows: usize,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    store: Store,
}

/// What can be done instead of asking.
#[derive(Debug, Subcommand)]
pub enum Action {
    Extension(extension::Extension),
}

/// What a query may use.
#[derive(Debug, Args)]
#[command(next_help_heading = "Limits")]
pub struct LimitArgs {
    /// Memory of a query, in MiB: 1024 if not given, for a report 4096
    #[arg(long, value_name = "MIB")]
    memory: Option<u64>,
    /// Threads of a query; 0 for one a processor
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Seconds a query may take; 0 for as long as it likes
    #[arg(long, value_name = "SECONDS", default_value_t = 300)]
    timeout: u64,
}

impl LimitArgs {
    /// Makes this thread, and those that the session will start, give way to an exchange on the same machine. Returns the limits as
    /// the session wants them, with so much memory where none is asked for.
    pub fn apply(&self, memory_mib: u64) -> Limits {
        // What does not work leaves things as they were.
        let _ = rustix::process::nice(reporting::NICENESS);
        let timeout = (self.timeout > 0).then(|| Duration::from_secs(self.timeout));
        Limits { memory_mib: self.memory.unwrap_or(memory_mib), threads: self.threads, timeout }
    }
}

impl Sql {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        if let Some(Action::Extension(extension)) = self.action {
            return extension.run(ui);
        }
        let format = self.format.unwrap_or(if ui.is_json() { Format::Json } else { Format::Table });
        let is_asked = !self.command.is_empty() || self.file.is_some() || self.output.is_some();
        if !is_asked && format != Format::Parquet && io::stdin().is_terminal() {
            let session = Session::open(&self.store.dir, self.limits.apply(Limits::default().memory_mib))?;
            shell::run(ui, &session, format, self.max_rows)?;
            return Ok(Outcome::Success);
        }
        let text = self.text()?;
        let parts = split(&text);
        let mut statements = parts.statements;
        if !parts.rest.is_empty() {
            statements.push(parts.rest);
        }
        let destination = Destination { format, output: self.output.as_deref(), max_rows: self.max_rows };
        let session =
            destination.session(&self.store.dir, self.limits.apply(Limits::default().memory_mib))?;
        destination.answer(ui, &session, &statements)?;
        Ok(Outcome::Success)
    }

    fn text(&self) -> Result<String> {
        if !self.command.is_empty() {
            return Ok(self.command.join(";\n"));
        }
        if let Some(file) = &self.file {
            return std::fs::read_to_string(file).map_err(|error| {
                Failure::usage(format_args!("cannot read {}", file.display())).caused_by(error)
            });
        }
        let mut text = String::new();
        io::stdin()
            .read_to_string(&mut text)
            .map_err(|error| Failure::usage("cannot read standard input").caused_by(error))?;
        Ok(text)
    }
}

/// Where answers go, and how they look.
#[derive(Debug, Clone, Copy)]
pub struct Destination<'a> {
    pub format: Format,
    /// A file, complete or not there; standard output without one.
    pub output: Option<&'a Path>,
    pub max_rows: usize,
}

impl Destination<'_> {
    /// A session over a store whose answers can go there.
    pub fn session(&self, store: &Path, limits: Limits) -> Result<Session> {
        match self.output {
            None if self.format == Format::Parquet => {
                Err(Failure::usage("Parquet goes to a file").hint("name one with --output FILE"))
            }
            Some(output) if self.format == Format::Parquet => {
                Ok(Session::with_output(store, limits, Some(&partial(output)))?)
            }
            _ => Ok(Session::open(store, limits)?),
        }
    }

    /// Asks a session of [`Destination::session`] for answers, and shows or writes them.
    pub fn answer(&self, ui: &mut Ui, session: &Session, statements: &[&str]) -> Result<()> {
        let Self { format, output, max_rows } = *self;
        let Some(output) = output else {
            for statement in statements {
                Shown { format, max_rows }.to_terminal(ui, session.query(statement)?)?;
            }
            return Ok(());
        };
        whole(output, |partial| self.write(partial, session, statements))
    }

    /// Writes the answers to a file that nobody knows yet.
    fn write(&self, partial: &Path, session: &Session, statements: &[&str]) -> Result<()> {
        let Self { format, max_rows, .. } = *self;
        if format == Format::Parquet {
            let [statement] = statements else {
                return Err(Failure::usage("a Parquet file holds the answer to one statement"));
            };
            session.copy_to(statement, partial)?;
            return Ok(());
        }
        let cannot = |error| cannot_write(partial, error);
        let mut file = BufWriter::new(File::create(partial).map_err(cannot)?);
        for statement in statements {
            Shown { format, max_rows }.to_file(&mut file, session.query(statement)?)?;
        }
        file.flush().map_err(cannot)
    }
}

/// Makes a file that is complete or not there.
fn whole(output: &Path, write: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let partial = partial(output);
    if let Err(failure) = write(&partial) {
        // The name the answer was to have stays free; what there is of it is of no use.
        let _ = std::fs::remove_file(&partial);
        return Err(failure);
    }
    std::fs::rename(&partial, output).map_err(|error| cannot_write(output, error))
}

/// Writes bytes to a file that is complete or not there.
pub fn write_whole(output: &Path, bytes: &[u8]) -> Result<()> {
    whole(output, |partial| std::fs::write(partial, bytes).map_err(|error| cannot_write(output, error)))
}

/// The name a file has until it is complete.
fn partial(output: &Path) -> PathBuf {
    let mut name = output.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    let absolute = std::path::absolute(output).unwrap_or_else(|_| output.to_owned());
    absolute.with_file_name(name)
}

fn cannot_write(path: &Path, error: io::Error) -> Failure {
    Failure::failed(format_args!("cannot write {}", path.display())).caused_by(error)
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        match error {
            Error::Store(error) => return error.into(),
            Error::Fold(error) => return error.into(),
            _ => {}
        }
        let text = error.told();
        let (mut message, mut hint) = (Vec::new(), None);
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            match line.strip_prefix("hint: ") {
                Some(words) => hint = Some(words.to_owned()),
                None => message.push(line),
            }
        }
        let message = message.join("\n");
        // What DuckDB found wrong with the question itself is the asker's to mend.
        let is_question = ["Parser Error", "Catalog Error", "Binder Error", "Conversion Error"]
            .iter()
            .any(|kind| text.starts_with(kind));
        let is_named =
            matches!(error, Error::Unknown { .. } | Error::NotThere { .. } | Error::Missing { .. });
        // A log that this build cannot read is an input that could not be read.
        let is_newer = text.contains("written by a newer build");
        let failure =
            if is_question || is_named || is_newer { Self::usage(message) } else { Self::failed(message) };
        let hint = hint.or_else(|| hint_for(&text).map(str::to_owned));
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}

/// What can be done about an error of DuckDB's.
fn hint_for(text: &str) -> Option<&'static str> {
    if text.starts_with("Catalog Error") && text.contains("Table") {
        Some("SHOW TABLES lists the tables; docs/SQL.md explains them")
    } else if text.starts_with("Binder Error") && text.contains("column") {
        Some("DESCRIBE table lists its columns; docs/SQL.md explains them")
    } else if text.starts_with("Parser Error") {
        Some("a statement begins with SELECT, FROM, WITH, DESCRIBE or SHOW; docs/SQL.md has examples")
    } else if text.starts_with("Conversion Error") {
        Some("dates are written 2026-01-05, times 2026-01-05 15:00:00")
    } else if text.starts_with("Out of Memory Error") {
        Some("ask for less (from_seq, to_seq, symbol, account, LIMIT), or allow more with --memory MIB")
    } else if text.starts_with("Permission Error") || text.contains("configuration has been locked") {
        Some("a query can only read the log; --output FILE writes an answer to a file")
    } else {
        None
    }
}
