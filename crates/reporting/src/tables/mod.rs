//! The tables, one file a table or a family of them.

pub(crate) mod accounts;
mod activity;
pub(crate) mod assets;
mod at;
mod bars;
mod commands;
mod events;
pub(crate) mod instruments;
mod ledger;
mod lives;
mod log;
mod order_events;
mod orders;
mod quotes;
pub(crate) mod rules;
pub(crate) mod trades;

use duckdb::Connection;
use model::FieldValue;
use serde_json::{Map, Value};

use crate::source::Source;
use crate::table::function::register;
use crate::table::{Table as _, TableInfo};

/// Makes a table known under a name.
pub(crate) type Register<S> = fn(&Connection, &str, &S) -> duckdb::Result<()>;

macro_rules! tables {
    ($($table:ty,)+) => {
        /// Every table, in the order in which the documentation lists them.
        pub fn all() -> Vec<TableInfo> {
            vec![$(<$table>::info(),)+]
        }

        /// Every table's name, and what makes it known to DuckDB under some name.
        pub(crate) fn functions<S: Source>() -> Vec<(&'static str, Register<S>)> {
            vec![$((<$table>::NAME, register::<$table, S>),)+]
        }
    };
}

tables! {
    trades::Trades,
    orders::Orders,
    order_events::OrderEvents,
    order_events::Executions,
    quotes::Quotes,
    quotes::QuoteSpans,
    activity::Activity,
    at::Balances,
    ledger::Ledger,
    instruments::Instruments,
    accounts::Accounts,
    assets::Assets,
    rules::RuleChanges,
    rules::RuleVerdicts,
    bars::Bars,
    at::BookAt,
    at::BalanceAt,
    commands::Commands,
    events::Events,
    log::Log,
    log::BusinessDays,
}

/// Makes every table known to DuckDB.
#[cfg(feature = "session")]
pub(crate) fn register_all<S: Source>(connection: &Connection, source: &S) -> duckdb::Result<()> {
    functions::<S>().into_iter().try_for_each(|(name, register)| register(connection, name, source))
}

/// The fields of a record as one JSON object.
fn fields_json(fields: &[(&'static str, FieldValue)]) -> String {
    let value = |field: &FieldValue| match field {
        FieldValue::Absent => Value::Null,
        FieldValue::Flag(flag) => (*flag).into(),
        FieldValue::Unsigned(number) => (*number).into(),
        FieldValue::Signed(number) => (*number).into(),
        FieldValue::Text(text) => text.as_str().into(),
        FieldValue::Numbers(numbers) => numbers.as_slice().into(),
        FieldValue::Balances(balances) => {
            balances.iter().map(|(asset, amount)| (asset.clone(), Value::from(amount.as_str()))).collect()
        }
    };
    let object: Map<String, Value> =
        fields.iter().map(|(name, field)| ((*name).to_owned(), value(field))).collect();
    Value::Object(object).to_string()
}
