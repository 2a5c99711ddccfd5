//! States of folds that are kept from one query for the next: a table whose rows depend on everything before them is
//! asked for one stretch of the log after the other, and would otherwise begin at the first record each time.

use std::any::Any;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// A table's state, and the record after which it is that.
type Kept = (u64, Box<dyn Any + Send>);

/// The states that are kept, by table.
#[derive(Debug, Default)]
pub struct Carry(Mutex<Option<HashMap<&'static str, Kept>>>);

impl Carry {
    /// From now on states are kept. Without this nothing is: a state takes memory, and most queries have no next.
    #[cfg(feature = "session")]
    pub fn keep(&self) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert_default();
    }

    /// The state before record `from`, if it is the one that was kept.
    pub fn take<S: Any>(&self, table: &'static str, from: u64) -> Option<S> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (after, state) = kept.as_mut()?.remove(table)?;
        if after + 1 != from {
            return None;
        }
        state.downcast::<S>().ok().map(|state| *state)
    }

    /// Keeps the state after record `after`.
    pub fn put<S: Any + Send>(&self, table: &'static str, after: u64, state: impl FnOnce() -> S) {
        if let Some(kept) = self.0.lock().unwrap_or_else(PoisonError::into_inner).as_mut() {
            kept.insert(table, (after, Box::new(state())));
        }
    }
}
