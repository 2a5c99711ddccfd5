//! What is asked of each table: its columns, in types that every engine reads.

use super::manifest::ColumnEntry;
use crate::table::{Kind, TableInfo};

/// The tables that grow with the log and never change behind it, those that take longest first.
///
/// `executions` is not among them: it is the rows of `order_events` whose `exec_type` is `trade`. Neither is `orders`, whose
/// rows change until an order is over.
pub const PARTS: &[&str] =
    &["order_events", "events", "ledger", "commands", "quotes", "trades", "rule_verdicts", "rule_changes"];

/// The small tables that say how things stand.
pub const REFERENCE: &[&str] = &["instruments", "accounts", "assets"];

/// A column as it is exported: how it is asked for, and what comes.
struct Exported {
    expression: String,
    name: String,
    kind: &'static str,
}

/// Nanoseconds as a timestamp are beyond several engines, so they are whole numbers, with a timestamp in microseconds
/// beside them.
fn exported(table: &TableInfo) -> Vec<Exported> {
    let mut columns = Vec::new();
    for column in &table.columns {
        let name = column.name;
        if column.kind == Kind::Timestamp {
            let ns = format!("{name}_ns");
            if table.columns.iter().all(|other| other.name != ns) {
                let expression = format!("epoch_ns({name})");
                columns.push(Exported { expression, name: ns, kind: Kind::Bigint.sql() });
            }
            let expression = format!("make_timestamp(epoch_ns({name}) // 1000)");
            columns.push(Exported { expression, name: name.to_owned(), kind: "TIMESTAMP" });
        } else {
            let (expression, name) = (name.to_owned(), name.to_owned());
            columns.push(Exported { expression, name, kind: column.kind.sql() });
        }
    }
    columns
}

/// The columns of an exported table.
pub fn columns(table: &TableInfo) -> Vec<ColumnEntry> {
    let entry = |column: Exported| ColumnEntry { name: column.name, kind: column.kind.to_owned() };
    exported(table).into_iter().map(entry).collect()
}

/// The question for a table's rows; `source` is the call that gives them, in the order of the log.
pub fn query(table: &TableInfo, source: &str) -> String {
    let columns = exported(table).into_iter();
    let list: Vec<String> =
        columns.map(|column| format!("{} AS \"{}\"", column.expression, column.name)).collect();
    format!("SELECT {} FROM {source}", list.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_is_one_and_has_only_types_that_every_engine_reads() {
        let tables = crate::tables::all();
        for name in PARTS.iter().chain(REFERENCE) {
            let table = tables.iter().find(|table| table.name == *name).expect("a table");
            for column in columns(table) {
                let known = ["BOOLEAN", "BIGINT", "DECIMAL(38,8)", "TIMESTAMP", "DATE", "VARCHAR"];
                assert!(known.contains(&column.kind.as_str()), "{name}.{} is {}", column.name, column.kind);
            }
        }
    }

    #[test]
    fn a_time_is_exported_as_a_number_too() {
        let table = crate::tables::all().into_iter().find(|table| table.name == "order_events").expect("it");
        let names: Vec<String> = columns(&table).into_iter().map(|column| column.name).collect();
        for name in ["time_ns", "time", "expire_time_ns", "expire_time"] {
            assert_eq!(names.iter().filter(|found| *found == name).count(), 1, "{name} in {names:?}");
        }
    }
}
