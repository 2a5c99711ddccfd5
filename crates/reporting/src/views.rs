//! A view for every table that can be asked without parameters, so that `FROM trades` is enough; and what each column
//! means, where every DuckDB tool looks for it.

use std::fmt::Write as _;

use crate::table::ColumnInfo;
use crate::tables;

/// The statements that make the views and their comments.
pub fn sql() -> String {
    let mut sql = String::from("BEGIN;");
    for table in tables::all().iter().filter(|table| table.has_view()) {
        let name = table.name;
        let mut put = |statement: std::fmt::Arguments<'_>| {
            sql.write_fmt(statement).expect("writing to a string cannot fail");
        };
        put(format_args!("CREATE VIEW {name} AS FROM {name}();"));
        put(format_args!("COMMENT ON VIEW {name} IS {};", quoted(table.about)));
        for column in &table.columns {
            put(format_args!("COMMENT ON COLUMN {name}.{} IS {};", column.name, quoted(&comment(column))));
        }
    }
    sql.push_str("COMMIT;");
    sql
}

/// A column's meaning, with its unit.
pub fn comment(column: &ColumnInfo) -> String {
    match column.unit {
        "" => column.about.to_owned(),
        unit => format!("{} [{unit}]", column.about),
    }
}

/// A text as SQL writes it.
pub fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
