//! A reporting rule that is only being tried: what it makes of a log, without any file.

use std::path::Path;

use super::reading::Reading;
use super::rule_rows::RuleRows;
use crate::error::Error;
use crate::rule::{RuleRunner, RuleTable, RuleValue};
use crate::store::Store;

/// What a rule made of a log.
#[derive(Debug, Clone, PartialEq)]
pub struct Trial {
    /// Its table.
    pub table: RuleTable,
    /// The rows that are in it; of those with the same key, the last.
    pub rows: Vec<Vec<RuleValue>>,
    /// The last record it has read.
    pub sequence: u64,
    /// How it failed on the next event, if it did.
    pub failure: Option<String>,
}

impl Trial {
    /// Lets a rule read the log of a store, from its first record to `to`, or to the last one committed. The store may be in use; nothing in
    /// it changes. `progress` hears how far it is.
    ///
    /// # Errors
    /// What the store says.
    pub fn run(
        dir: impl AsRef<Path>,
        mut runner: Box<dyn RuleRunner>,
        to: Option<u64>,
        mut progress: impl FnMut(u64),
    ) -> Result<Self, Error> {
        let store = Store::open(dir)?;
        let up_to = to.unwrap_or(u64::MAX).min(store.committed());
        let names = store.names(up_to)?;
        let table = runner.table().clone();
        let mut rows = RuleRows::new(&table);
        let mut reading = Reading::new(store, 0, Vec::new());
        loop {
            let slice = reading.slice(&mut *runner, up_to, &names)?;
            progress(slice.sequence);
            slice.rows.into_rows().for_each(|row| rows.put(row));
            if slice.failure.is_some() || slice.sequence >= up_to {
                let rows = rows.into_rows().collect();
                return Ok(Self { table, rows, sequence: slice.sequence, failure: slice.failure });
            }
        }
    }
}
