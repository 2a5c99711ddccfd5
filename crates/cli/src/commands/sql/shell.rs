//! The shell: statements over several lines, a history, completion of tables and columns, a few commands of its own, and a Ctrl-C that
//! stops the query instead of the shell.

use super::Format;
use super::dot::{COMMANDS, Dot};
use super::show::Shown;
use crate::ui::{self, Failure, Result, Table, Ui};
use reporting::{REPORTS, Session, Stopper, split, tables};
use rustyline::completion::{Completer, Pair};
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::validate::{ValidationContext, ValidationResult, Validator};
use rustyline::{CompletionType, Config, Context, Editor, Helper};
use std::path::PathBuf;
use std::time::Instant;

/// Words of SQL that are worth completing.
const KEYWORDS: &[&str] = &[
    "SELECT",
    "FROM",
    "WHERE",
    "GROUP BY",
    "ORDER BY",
    "LIMIT",
    "JOIN",
    "USING",
    "DESCRIBE",
    "SHOW TABLES",
    "SUMMARIZE",
    "EXPLAIN",
    "from_seq",
    "from_time",
    "to_seq",
    "symbol",
    "account",
    "count",
    "sum",
    "arg_min",
    "arg_max",
    "time_bucket",
];

/// The most statements that are remembered.
const HISTORY_MAX: usize = 1000;

/// Asks until the input ends.
pub fn run(ui: &mut Ui, session: &Session, format: Format, max_rows: usize) -> Result<()> {
    let cannot = |error: ReadlineError| Failure::failed("cannot read from the terminal").caused_by(error);
    let config = Config::builder()
        .completion_type(CompletionType::List)
        .max_history_size(HISTORY_MAX)
        .map_err(cannot)?
        .history_ignore_space(true)
        .build();
    let mut editor = Editor::<Words, _>::with_config(config).map_err(cannot)?;
    editor.set_helper(Some(Words::new()));
    let history = history();
    if let Some(history) = &history {
        // There is none the first time.
        let _ = editor.load_history(history);
    }
    on_interrupt(session.stopper())?;
    ui.say(format_args!("{} records; .help says what else there is", ui::count(session.store().committed())));
    let mut shell = Shell { session, shown: Shown { format, max_rows }, timer: false };
    loop {
        match editor.readline("outcry> ") {
            Ok(text) => {
                let text = text.trim();
                if text.is_empty() {
                    continue;
                }
                // Not being able to remember it is no reason to stop.
                let _ = editor.add_history_entry(text);
                if shell.take(ui, text)? {
                    break;
                }
            }
            Err(ReadlineError::Interrupted) => {}
            Err(ReadlineError::Eof) => break,
            Err(error) => return Err(cannot(error)),
        }
    }
    if let Some(history) =
        history.filter(|history| history.parent().is_some_and(|dir| std::fs::create_dir_all(dir).is_ok()))
    {
        let _ = editor.save_history(&history);
    }
    Ok(())
}

/// Where statements are remembered, as the XDG base directory specification has it.
fn history() -> Option<PathBuf> {
    let absolute = |name| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state =
        absolute("XDG_STATE_HOME").or_else(|| absolute("HOME").map(|home| home.join(".local/state")))?;
    Some(state.join("outcry/sql_history"))
}

/// From now on Ctrl-C stops the running query. While a line is read the terminal does not send it.
fn on_interrupt(stopper: Stopper) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("cannot wait for signals").caused_by(error))?;
    std::thread::spawn(move || {
        runtime.block_on(async {
            while tokio::signal::ctrl_c().await.is_ok() {
                stopper.stop();
            }
        });
    });
    Ok(())
}

struct Shell<'a> {
    session: &'a Session,
    shown: Shown,
    timer: bool,
}

impl Shell<'_> {
    /// Does what was typed. Says whether to leave.
    fn take(&mut self, ui: &mut Ui, text: &str) -> Result<bool> {
        let done = match Dot::parse(text) {
            Some(Ok(Dot::Quit)) => return Ok(true),
            Some(Ok(dot)) => self.dot(ui, dot),
            Some(Err(wrong)) => Err(Failure::usage(wrong).hint(".help lists the commands")),
            None => split(text).statements.into_iter().try_for_each(|statement| self.ask(ui, statement)),
        };
        if let Err(failure) = done {
            if failure.is_broken_pipe() {
                return Err(failure);
            }
            let mut report = Vec::new();
            failure.write(&mut report, false, false)?;
            ui.complain(String::from_utf8_lossy(&report).trim_end());
        }
        ui.flush()?;
        Ok(false)
    }

    fn ask(&self, ui: &mut Ui, statement: &str) -> Result<()> {
        let started = Instant::now();
        let rows = self.shown.to_terminal(ui, self.session.query(statement)?)?;
        if self.timer {
            let nanos = u64::try_from(started.elapsed().as_nanos()).unwrap_or(u64::MAX);
            ui.say(format_args!("{} rows in {}", ui::count(rows), ui::duration_ns(nanos)));
        }
        Ok(())
    }

    fn dot(&mut self, ui: &mut Ui, dot: Dot) -> Result<()> {
        match dot {
            Dot::Help => {
                let mut table = Table::new(["command", "does"]);
                for (command, does) in COMMANDS {
                    table.row([(*command).to_owned(), (*does).to_owned()]);
                }
                ui.table(&table)?;
            }
            Dot::Tables => {
                let mut table = Table::new(["table", "holds"]);
                for it in tables() {
                    table.row([it.name.to_owned(), it.about.to_owned()]);
                }
                for report in REPORTS.iter().filter(|report| report.name != "candles") {
                    table.row([report.view(), report.about.to_owned()]);
                }
                ui.table(&table)?;
            }
            Dot::Schema(None) => self.ask(ui, "SELECT table_name, count(*) AS columns FROM duckdb_columns() WHERE NOT internal GROUP BY 1 ORDER BY 1")?,
            Dot::Schema(Some(name)) => {
                let tables = tables();
                let Some(found) = tables.iter().find(|table| table.name == name) else {
                    // A report's view, or a table of the session's own.
                    return self.ask(ui, &format!("DESCRIBE \"{}\"", name.replace('"', "\"\"")));
                };
                let mut table = Table::new(["column", "type", "unit", "meaning"]);
                for column in &found.columns {
                    table.row([column.name, column.kind.sql(), column.unit, column.about].map(str::to_owned));
                }
                ui.table(&table)?;
            }
            Dot::Timer(on) => self.timer = on,
            Dot::Mode(Format::Parquet) => {
                return Err(Failure::usage("Parquet goes to a file").hint("outcry sql --format parquet --output FILE -c SQL"));
            }
            Dot::Mode(format) => self.shown.format = format,
            Dot::Quit => {}
        }
        Ok(())
    }
}

/// What can be completed, and when a statement is complete.
struct Words(Vec<String>);

impl Words {
    fn new() -> Self {
        let tables = tables();
        let columns = tables.iter().flat_map(|table| &table.columns).map(|column| column.name.to_owned());
        let names = tables.iter().map(|table| table.name.to_owned());
        let views = REPORTS.iter().map(reporting::Report::view);
        let dots = COMMANDS.iter().filter_map(|(command, _)| command.split(' ').next()).map(str::to_owned);
        let keywords = KEYWORDS.iter().map(|word| (*word).to_owned());
        let mut words: Vec<String> = names.chain(views).chain(columns).chain(dots).chain(keywords).collect();
        words.sort();
        words.dedup();
        Self(words)
    }

    /// The words that begin as the one before `position` does, and where that begins.
    fn matching(&self, line: &str, position: usize) -> (usize, Vec<&str>) {
        let is_word = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let start = line[..position]
            .rfind(|c| !is_word(c))
            .map_or(0, |at| at + line[at..].chars().next().map_or(1, char::len_utf8));
        let begun = line[start..position].to_lowercase();
        let found = self.0.iter().filter(|word| !begun.is_empty() && word.to_lowercase().starts_with(&begun));
        (start, found.map(String::as_str).collect())
    }
}

impl Completer for Words {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let (start, words) = self.matching(line, position);
        let pair = |word: &str| Pair { display: word.to_owned(), replacement: word.to_owned() };
        Ok((start, words.into_iter().map(pair).collect()))
    }
}

impl Validator for Words {
    fn validate(&self, context: &mut ValidationContext) -> rustyline::Result<ValidationResult> {
        Ok(if is_complete(context.input()) {
            ValidationResult::Valid(None)
        } else {
            ValidationResult::Incomplete
        })
    }
}

/// Whether there is something to do: a command of the shell's own, or statements that have all ended.
fn is_complete(text: &str) -> bool {
    text.trim_start().starts_with('.') || split(text).rest.is_empty()
}

impl Hinter for Words {
    type Hint = String;
}

impl Highlighter for Words {}

impl Helper for Words {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_columns_are_completed() {
        let words = Words::new();
        let (start, found) = words.matching("FROM trad", 9);
        assert_eq!(start, 5);
        assert!(
            found.contains(&"trades") && found.contains(&"trade_history") && found.contains(&"trade_id"),
            "{found:?}"
        );
        assert_eq!(words.matching("SELECT price_t", 14).1, ["price_ticks"]);
        assert_eq!(words.matching(".sch", 4), (0, vec![".schema"]));
        assert_eq!(words.matching("SELECT é, sele", 15).1, ["SELECT"]);
        assert!(words.matching("FROM ", 5).1.is_empty());
    }

    #[test]
    fn a_statement_ends_with_a_semicolon() {
        for (text, complete) in [
            ("SELECT 1;", true),
            ("SELECT 1", false),
            ("SELECT ';", false),
            (".tables", true),
            ("", true),
            ("-- so\n", true),
        ] {
            assert_eq!(is_complete(text), complete, "{text}");
        }
    }
}
