//! docs/SQL.md against what there is: every table and column is in it, and every query in it is answered.
//! `UPDATE_EXPECT=1 cargo test -p reporting --test docs` writes the part about the tables.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use common::{Market, ask, session};
use std::fmt::Write as _;

const PATH: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/SQL.md");
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

#[test]
fn every_table_and_column_is_described() {
    let guide = std::fs::read_to_string(PATH).unwrap();
    let (before, described) = guide.split_once(BEGIN).expect("the guide has its mark");
    let reference = reference();
    if std::env::var_os("UPDATE_EXPECT").is_some() {
        std::fs::write(PATH, format!("{before}{BEGIN}{reference}")).unwrap();
        return;
    }
    assert!(described == reference, "docs/SQL.md is behind the code: run this test with UPDATE_EXPECT=1");
}

#[test]
fn every_query_of_the_guide_is_answered() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    market.trade(3, 1500);
    let session = session(dir.path());
    let guide = std::fs::read_to_string(PATH).unwrap();
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
    let bare = ask(
        &session,
        "SELECT table_name, column_name FROM duckdb_columns() WHERE NOT internal AND coalesce(comment, '') = ''",
    );
    assert_eq!(bare, Vec::<Vec<String>>::new());
    let price =
        "SELECT comment FROM duckdb_columns() WHERE table_name = 'trades' AND column_name = 'price_ticks'";
    assert_eq!(ask(&session, price), [["The price as the log has it. [ticks]"]]);
}
