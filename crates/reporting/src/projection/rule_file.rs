//! Reporting rules in the file: their entries in `reporting_rules`, and their tables.

use std::fmt::Write as _;
use std::sync::Arc;

use duckdb::{Connection, params};
use model::{ComponentHash, RuleId, RuleParameters};
use serde_json::{Value, json};

use super::rule_rows::{RuleRows, kind};
use super::staged::Staging;
use crate::error::Error;
use crate::rule::{RuleRecipe, RuleTable};
use crate::views::quoted;

/// What the name of a table begins with that is not in place yet; the activation follows.
pub const BUILDING: &str = "building_";

/// A rule as the file has it.
#[derive(Debug, Clone)]
pub struct Entry {
    pub rule: String,
    pub rule_id: RuleId,
    pub rule_version: u16,
    pub activation: u32,
    /// The activation under which the file has it, if that is another.
    pub was: Option<u32>,
    pub recipe: RuleRecipe,
    /// The table it fills, once it is made.
    pub table: Option<String>,
    /// The columns of its key.
    pub key: Vec<String>,
    /// Whether the table is in place.
    pub built: bool,
    pub stopped: bool,
    pub sequence: u64,
    pub failures: u64,
    pub last_error: Option<String>,
    pub state: Vec<u8>,
}

impl Entry {
    /// The word for how it is.
    pub fn status(&self) -> &'static str {
        match (self.stopped, self.built) {
            (true, _) => "stopped",
            (false, true) => "current",
            (false, false) => "building",
        }
    }

    /// What its table is called now.
    fn table_now(&self) -> Option<String> {
        let table = self.table.as_ref()?;
        Some(if self.built { table.clone() } else { format!("{BUILDING}{}", self.activation) })
    }

    fn recipe_json(&self) -> String {
        let recipe = json!({
            "parameters": self.recipe.parameters.words(),
            "fuel": self.recipe.fuel,
            "memory_bytes": self.recipe.memory_bytes,
            "key": self.key,
            "built": self.built,
        });
        recipe.to_string()
    }
}

/// The entries of the file.
pub fn entries(connection: &Connection) -> Result<Vec<Entry>, Error> {
    let mut statement = connection.prepare(
        "SELECT rule, rule_id, rule_version, component, activation, table_name, status, sequence, failures, last_error, recipe, state \
         FROM reporting_rules ORDER BY activation",
    )?;
    let mut rows = statement.query([])?;
    let mut entries = Vec::new();
    while let Some(row) = rows.next()? {
        let recipe: Value = serde_json::from_str(&row.get::<_, String>(10)?).unwrap_or_default();
        let words: Vec<i64> =
            recipe["parameters"].as_array().into_iter().flatten().filter_map(Value::as_i64).collect();
        let key = recipe["key"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let unsigned = |at: usize| row.get::<_, i64>(at).map(i64::cast_unsigned);
        entries.push(Entry {
            rule: row.get(0)?,
            rule_id: RuleId(u16::try_from(unsigned(1)?).unwrap_or_default()),
            rule_version: u16::try_from(unsigned(2)?).unwrap_or_default(),
            activation: u32::try_from(unsigned(4)?).unwrap_or_default(),
            was: None,
            recipe: RuleRecipe {
                component: row.get::<_, String>(3)?.parse().unwrap_or(ComponentHash([0; 32])),
                parameters: RuleParameters::new(&words).unwrap_or(RuleParameters::NONE),
                fuel: recipe["fuel"].as_u64().unwrap_or_default(),
                memory_bytes: recipe["memory_bytes"]
                    .as_u64()
                    .and_then(|bytes| u32::try_from(bytes).ok())
                    .unwrap_or_default(),
            },
            table: row.get(5)?,
            key: key.map(str::to_owned).collect(),
            built: recipe["built"].as_bool().unwrap_or_default(),
            stopped: row.get::<_, String>(6)? == "stopped",
            sequence: unsigned(7)?,
            failures: unsigned(8)?,
            last_error: row.get(9)?,
            state: row.get(11)?,
        });
    }
    Ok(entries)
}

/// Names that no rule's table may have: those of everything else in the file.
pub fn taken(connection: &Connection, entries: &[Entry]) -> Result<Vec<String>, Error> {
    let mut statement = connection
        .prepare("SELECT table_name FROM duckdb_tables() UNION ALL SELECT view_name FROM duckdb_views()")?;
    let names = statement.query_map([], |row| row.get::<_, String>(0))?.collect::<Result<Vec<_>, _>>()?;
    let of_rules: Vec<String> = entries.iter().filter_map(Entry::table_now).collect();
    Ok(names.into_iter().filter(|name| !of_rules.contains(name)).collect())
}

/// Makes the table of a rule, not in place yet, and says so in its entry, in a transaction of its own.
pub fn begin(connection: &Connection, entry: &Entry, table: &RuleTable, known: bool) -> Result<(), Error> {
    let mut entry = entry.clone();
    entry.table = Some(table.name.clone());
    entry.key = table.columns.iter().take(table.key).map(|column| column.name.clone()).collect();
    let name = format!("{BUILDING}{}", entry.activation);
    let columns: Vec<String> = table
        .columns
        .iter()
        .map(|column| format!("\"{}\" {}", column.name, kind(column.kind).sql()))
        .collect();
    let mut sql = format!("CREATE TABLE {name} ({});", columns.join(", "));
    let mut put = |statement: std::fmt::Arguments<'_>| {
        sql.write_fmt(statement).expect("writing to a string cannot fail");
    };
    let key = if table.key == 0 { String::new() } else { format!(" One row a {}.", entry.key.join(", ")) };
    let about = format!("Filled by the reporting rule {}, version {}.{key}", entry.rule, entry.rule_version);
    put(format_args!("COMMENT ON TABLE {name} IS {};", quoted(&about)));
    for column in &table.columns {
        let comment = quoted(&column.comment);
        put(format_args!("COMMENT ON COLUMN {name}.\"{}\" IS {comment};", column.name));
    }
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(&sql)?;
    save(&transaction, &mut entry, None, known)?;
    transaction.commit()?;
    Ok(())
}

/// Puts rows into a rule's table, in the place of those with the same key.
pub fn put(connection: &Connection, staging: &Staging, entry: &Entry, rows: RuleRows) -> Result<(), Error> {
    let Some(table) = entry.table_now() else { return Ok(()) };
    let staged = format!("rule {}", entry.activation);
    staging.put(&staged, Arc::new(rows));
    if !entry.key.is_empty() {
        let same: Vec<String> =
            entry.key.iter().map(|name| format!("t.\"{name}\" IS NOT DISTINCT FROM s.\"{name}\"")).collect();
        let delete = format!(
            "DELETE FROM \"{table}\" AS t USING staged('{staged}') AS s WHERE {}",
            same.join(" AND ")
        );
        connection.execute(&delete, [])?;
    }
    connection.execute(&format!("INSERT INTO \"{table}\" FROM staged('{staged}')"), [])?;
    Ok(())
}

/// Writes an entry, and what its rule remembers if that changed.
pub fn save(
    connection: &Connection,
    entry: &mut Entry,
    state: Option<Vec<u8>>,
    known: bool,
) -> Result<(), Error> {
    let signed = u64::cast_signed;
    let sequence = signed(entry.sequence);
    let failures = signed(entry.failures);
    if known {
        let set = "UPDATE reporting_rules SET rule_version = ?, activation = ?, table_name = ?, status = ?, sequence = ?, \
             failures = ?, last_error = ?, recipe = ? WHERE activation = ?";
        let was = entry.was.take().unwrap_or(entry.activation);
        connection.prepare_cached(set)?.execute(params![
            entry.rule_version,
            entry.activation,
            entry.table,
            entry.status(),
            sequence,
            failures,
            entry.last_error,
            entry.recipe_json(),
            was
        ])?;
    } else {
        let insert = "INSERT INTO reporting_rules VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ''::BLOB)";
        connection.prepare_cached(insert)?.execute(params![
            entry.rule,
            entry.rule_id.0,
            entry.rule_version,
            entry.recipe.component.to_string(),
            entry.activation,
            entry.table,
            entry.status(),
            sequence,
            failures,
            entry.last_error,
            entry.recipe_json()
        ])?;
    }
    if let Some(state) = state {
        let set = "UPDATE reporting_rules SET state = ? WHERE activation = ?";
        connection.prepare_cached(set)?.execute(params![state, entry.activation])?;
        entry.state = state;
    }
    Ok(())
}

/// Puts a table in its place, and takes that of the former version away, in a transaction of its own.
pub fn swap(connection: &Connection, entry: &Entry, before: Option<&Entry>) -> Result<(), Error> {
    let (Some(now), Some(table)) = (entry.table_now(), &entry.table) else { return Ok(()) };
    let transaction = connection.unchecked_transaction()?;
    if let Some(before) = before {
        dismiss(&transaction, before)?;
    }
    transaction.execute_batch(&format!("ALTER TABLE \"{now}\" RENAME TO \"{table}\""))?;
    save(&transaction, &mut Entry { built: true, ..entry.clone() }, None, true)?;
    transaction.commit()?;
    Ok(())
}

/// Takes a rule and its table out of the file, in the transaction that is open.
pub fn dismiss(connection: &Connection, entry: &Entry) -> Result<(), Error> {
    if let Some(table) = entry.table_now() {
        connection.execute_batch(&format!("DROP TABLE \"{table}\""))?;
    }
    let activation = entry.was.unwrap_or(entry.activation);
    connection.execute("DELETE FROM reporting_rules WHERE activation = ?", params![activation])?;
    Ok(())
}

/// Remembers that a rule's rows could not be written, so that it is left out from now on.
pub fn blame(connection: &Connection, activation: u32, why: &str) -> Result<(), Error> {
    let set = "UPDATE reporting_rules SET status = 'stopped', failures = failures + 1, last_error = ? WHERE activation = ?";
    connection.execute(set, params![why, activation])?;
    Ok(())
}
