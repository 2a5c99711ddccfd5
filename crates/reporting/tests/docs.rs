//! docs/SQL.md and docs/REPORTS.md against what there is: every table, report and column is in them, and every query is answered.
//! `UPDATE_EXPECT=1 cargo test -p reporting --test docs` writes the part about the tables.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use common::{Market, ask, session};
use std::fmt::Write as _;

const SQL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/SQL.md");
const REPORTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/REPORTS.md");
const BEGIN: &str = "<!-- What follows is written by a test, from the code. -->\n";

fn reference() -> String {
    let mut text = String::new();
    for table in reporting::tables() {
        let parameters: Vec<String> = table
            .parameters
            .iter()
            .map(|it| if it.required { it.name.to_owned() } else { format!("{} :=", it.name) })
            .collect();
        writeln!(text, "\n### `{}({})`\n\n{}\n", table.name, parameters.join(", "), table.about).unwrap();
        if table.name == "executions" {
            writeln!(text, "Its columns are those of `order_events`.").unwrap();
            continue;
        }
        text.push_str("| column | type | unit | meaning |\n|---|---|---|---|\n");
        for column in &table.columns {
            let (name, kind) = (column.name, column.kind.sql());
            writeln!(text, "| `{name}` | {kind} | {} | {} |", column.unit, column.about).unwrap();
        }
    }
    text
}

/// Holds the part after the mark to what it should be, or writes it.
fn held(path: &str, reference: &str) {
    let guide = std::fs::read_to_string(path).unwrap();
    let (before, described) = guide.split_once(BEGIN).expect("the guide has its mark");
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{reference}")).unwrap();
        return;
    }
    assert!(described == reference, "{path} is behind the code: run this test with UPDATE_EXPECT=1");
}

#[test]
fn every_table_and_column_is_described() {
    held(SQL, &reference());
}

#[test]
fn every_report_and_its_columns_are_described() {
    let dir = tempfile::tempdir().unwrap();
    Market::opened(dir.path());
    let session = session(dir.path());
    let mut text = String::new();
    let mut used = std::collections::BTreeSet::new();
    for report in reporting::REPORTS {
        let view = if report.name == "candles" { "candles_1m".to_owned() } else { report.view() };
        let sources: Vec<String> = report.source.iter().map(|source| format!("`{source}`")).collect();
        let also = if report.name == "candles" {
            "Views: `candles_1s`, `candles_1m`, `candles_5m`, `candles_15m`, `candles_1h`, `candles_1d`; for any interval in nanoseconds, \
             `FROM candles(…)` and `FROM candles_filled(…)`."
                .to_owned()
        } else {
            format!("View: `{view}`.")
        };
        writeln!(text, "\n### `{}`\n\n{}. {also} From {}.\n", report.name, report.about, sources.join(", "))
            .unwrap();
        text.push_str("| column | type | meaning |\n|---|---|---|\n");
        for column in ask(&session, &format!("DESCRIBE {view}")) {
            let (name, kind) = (&column[0], &column[1]);
            let meaning = reporting::REPORT_COLUMNS.iter().find(|(known, _)| known == name);
            let (known, meaning) = meaning.unwrap_or_else(|| panic!("what does {name} of {view} mean?"));
            used.insert(*known);
            writeln!(text, "| `{name}` | {kind} | {meaning} |").unwrap();
        }
    }
    let all: std::collections::BTreeSet<&str> =
        reporting::REPORT_COLUMNS.iter().map(|(name, _)| *name).collect();
    assert_eq!(used, all, "every meaning is of a column");
    held(REPORTS, &text);
}

#[test]
fn every_query_of_the_guide_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    market.trade(3, 1500);
    let session = session(dir.path());
    let guide = std::fs::read_to_string(SQL).unwrap();
    let mut queries = 0;
    for block in guide.split("```sql\n").skip(1) {
        let block = block.split("```").next().unwrap();
        // The guide's market is another one.
        let block = block.replace("AAPL", "AAA").replace("alice", "account1");
        let parts = reporting::split(&block);
        assert_eq!(parts.rest, "", "a query of the guide ends with a semicolon");
        for query in parts.statements {
            assert!(!ask(&session, query).is_empty(), "nothing comes of {query}");
            queries += 1;
        }
    }
    assert!(queries >= 8, "the guide has {queries} queries");
}

#[test]
fn the_comments_are_where_tools_look_for_them() {
    let dir = tempfile::tempdir().unwrap();
    Market::opened(dir.path());
    let session = session(dir.path());
    for table in reporting::tables().iter().filter(|table| table.has_view()) {
        let name = table.name;
        let bare = format!(
            "SELECT column_name FROM duckdb_columns() WHERE table_name = '{name}' AND coalesce(comment, '') = ''"
        );
        assert_eq!(ask(&session, &bare), Vec::<Vec<String>>::new(), "{name}");
    }
    let price =
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'trades' AND column_name = 'price_ticks'";
    assert_eq!(ask(&session, price), [["The price as the log has it. [ticks]"]]);
}
