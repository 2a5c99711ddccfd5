//! What a session knows besides the tables, and from when on. The views of the tables are there at once. The reports and the meaning of
//! every column are defined when a question first needs them: DuckDB binds each view that is made, and for most questions that
//! would take longer than the answer.

use std::cell::Cell;

use duckdb::Connection;

use crate::{reports, views};

/// Whether the rest has been defined.
#[derive(Debug, Default)]
pub(super) struct Definitions {
    are_whole: Cell<bool>,
}

impl Definitions {
    /// Makes what most questions need.
    pub fn first(connection: &Connection) -> duckdb::Result<Self> {
        connection.execute_batch(&views::sql())?;
        Ok(Self::default())
    }

    /// Runs a statement with everything defined that it needs. `run` is called a second time where only the first failure shows that.
    pub fn run<T>(
        &self,
        connection: &Connection,
        sql: &str,
        run: impl Fn() -> duckdb::Result<T>,
    ) -> duckdb::Result<T> {
        if !is_plain_question(sql) {
            self.complete(connection)?;
        }
        match run() {
            // A name that is not there, or not there yet.
            Err(error) if !self.are_whole.get() && error.to_string().contains("Catalog Error") => {
                self.complete(connection)?;
                run()
            }
            result => result,
        }
    }

    /// Defines everything, or nothing where it is stopped on the way.
    fn complete(&self, connection: &Connection) -> duckdb::Result<()> {
        if self.are_whole.get() {
            return Ok(());
        }
        let statements = [&views::comments(), &reports::SQL.join("\n"), &reports::closing_view()]
            .map(String::as_str)
            .join("\n");
        let done = connection.execute_batch(&format!("BEGIN;\n{statements};\nCOMMIT;"));
        match done {
            Ok(()) => self.are_whole.set(true),
            Err(_) => connection.execute_batch("ROLLBACK")?,
        }
        done
    }
}

/// Whether a statement asks about the log and nothing else: it defines nothing, begins no transaction, and does not ask what
/// there is to ask about.
fn is_plain_question(sql: &str) -> bool {
    const BEGINNINGS: [&str; 6] = ["select", "from", "with", "values", "explain", "summarize"];
    const CATALOGS: [&str; 6] = ["duckdb_", "information_schema", "pg_", "sqlite_", "show", "describe"];
    let folded = sql.to_ascii_lowercase();
    let beginning = folded.trim_start_matches(|c: char| c.is_whitespace() || c == '(');
    let word = beginning.split(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    BEGINNINGS.contains(&word) && !CATALOGS.iter().any(|catalog| folded.contains(catalog))
}

#[cfg(test)]
mod tests {
    use super::is_plain_question;

    #[test]
    fn a_question_about_the_log_is_told_from_one_about_what_there_is() {
        for plain in
            ["SELECT 1", "  from trades", "(SELECT 1)", "With x AS (SELECT 1) FROM x", "explain FROM tax"]
        {
            assert!(is_plain_question(plain), "{plain}");
        }
        for other in [
            "",
            "BEGIN",
            "CREATE VIEW mine AS FROM trades",
            "DESCRIBE tax",
            "FROM (SHOW ALL TABLES)",
            "FROM duckdb_views()",
            "SELECT * FROM Information_Schema.tables",
            "-- a comment first\nSELECT 1",
        ] {
            assert!(!is_plain_question(other), "{other}");
        }
    }
}
