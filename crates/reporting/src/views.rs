//! A view for every table that can be asked without parameters, so that `FROM trades` is enough; and what each column
//! means, where every DuckDB tool looks for it.

use std::fmt::Write as _;

use crate::table::{ColumnInfo, TableInfo};
use crate::tables;

/// The statements that make the views.
pub fn sql() -> String {
    let statement = |table: &TableInfo| format!("CREATE VIEW {0} AS FROM {0}();", table.name);
    let views: String = with_views().iter().map(statement).collect();
    format!("BEGIN;{views}COMMIT;")
}

/// The statements that say what they and their columns are.
pub fn comments() -> String {
    let mut sql = String::new();
    for table in with_views() {
        let name = table.name;
        let mut put = |statement: std::fmt::Arguments<'_>| {
            sql.write_fmt(statement).expect("writing to a string cannot fail");
        };
        put(format_args!("COMMENT ON VIEW {name} IS {};", quoted(table.about)));
        for column in &table.columns {
            put(format_args!("COMMENT ON COLUMN {name}.{} IS {};", column.name, quoted(&comment(column))));
        }
    }
    sql
}

fn with_views() -> Vec<TableInfo> {
    let mut tables = tables::all();
    tables.retain(TableInfo::has_view);
    tables
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
