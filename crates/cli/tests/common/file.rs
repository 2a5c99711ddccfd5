//! Asking a projection's file, and the log beside it.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use super::common::outcry;
use duckdb::Connection;
use plugin_kit::{Project, build};
use std::path::{Path, PathBuf};

/// All rows of a query over the file, as lines of text.
pub fn file_rows(file: &Path, sql: &str) -> Vec<String> {
    let connection = Connection::open(file).unwrap_or_else(|error| panic!("{error}"));
    let as_text = format!("SELECT coalesce(COLUMNS(*)::VARCHAR, '-') FROM ({sql})");
    let mut statement = connection.prepare(&as_text).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let mut rows = statement.query([]).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let mut found = Vec::new();
    while let Some(row) = rows.next().unwrap_or_else(|error| panic!("{sql}: {error}")) {
        let width = row.as_ref().column_count();
        let cell = |at| row.get::<_, String>(at).expect("text");
        found.push((0..width).map(cell).collect::<Vec<_>>().join(" "));
    }
    found
}

/// The same of the log.
pub fn log_rows(store: &str, sql: &str) -> Vec<String> {
    let as_text = format!("SELECT coalesce(COLUMNS(*)::VARCHAR, '-') FROM ({sql})");
    let output = outcry(&["sql", "--store", store, "--max-rows", "0", "--format", "csv", "-c", &as_text]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().skip(1).map(|line| line.replace(',', " ")).collect()
}

/// A line for every table: how many rows it has, and a hash of them.
pub fn content(file: &Path) -> Vec<String> {
    let tables = "SELECT table_name FROM duckdb_tables() WHERE NOT internal ORDER BY table_name";
    let line = |table: &String| {
        // How often a rule failed on the way is no content.
        let but = if table == "reporting_rules" { " EXCLUDE (failures, last_error)" } else { "" };
        let hash = format!("SELECT count(*), sum(hash(t)) FROM (SELECT *{but} FROM \"{table}\") t");
        format!("{table} {}", file_rows(file, &hash).join(""))
    };
    file_rows(file, tables).iter().map(line).collect()
}

/// The component of a rule that ships, built if it is not.
pub fn shipped(name: &str) -> PathBuf {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins").join(name);
    let project = Project::open(&folder).unwrap_or_else(|error| panic!("{name}: {error}"));
    build(&project).unwrap_or_else(|error| panic!("{name}: {error}\n{:?}", error.hint())).path
}
