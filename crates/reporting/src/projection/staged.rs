//! How rows get into the file: they wait in memory, and the table function `staged('name')` hands them to an `INSERT`, a vector at a
//! time. That is as fast as DuckDB's own appender, and any statement can read them: those that replace rows need it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use duckdb::Connection;
use duckdb::core::{DataChunkHandle, LogicalTypeHandle};
use duckdb::vtab::{BindInfo, InitInfo, TableFunctionInfo, VTab};

use crate::names::Names;
use crate::table::vector::{VECTOR_ROWS, Vector};
use crate::table::{Column, Kind, Rows};

type Answer<T> = Result<T, Box<dyn std::error::Error>>;

/// Rows that wait to be taken.
pub trait Waiting: Send + Sync {
    /// What each column is called and holds.
    fn columns(&self) -> Vec<(String, Kind)>;

    /// How many there are.
    fn len(&self) -> usize;

    /// Fills a column with `count` rows from `first` on.
    fn fill(&self, column: usize, vector: &mut Vector<'_>, first: usize, count: usize);
}

/// Rows whose columns are declared in this crate.
pub struct Declared<R: Rows> {
    /// The columns.
    pub columns: &'static [Column<R>],
    /// The rows.
    pub rows: R,
    /// What things are called.
    pub names: Arc<Names>,
}

impl<R: Rows> Waiting for Declared<R> {
    fn columns(&self) -> Vec<(String, Kind)> {
        self.columns.iter().map(|column| (column.name.to_owned(), column.kind)).collect()
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn fill(&self, column: usize, vector: &mut Vector<'_>, first: usize, count: usize) {
        (self.columns[column].fill)(vector, &self.rows, first..first + count, &self.names);
    }
}

/// Where rows wait, by name.
#[derive(Clone, Default)]
pub struct Staging(Arc<Mutex<BTreeMap<String, Arc<dyn Waiting>>>>);

impl Staging {
    /// Makes `staged` known to a connection.
    pub fn register(&self, connection: &Connection) -> duckdb::Result<()> {
        connection.register_table_function_with_extra_info::<Staged, _>("staged", self)
    }

    /// Puts rows in the place of those of that name.
    pub fn put(&self, name: &str, rows: Arc<dyn Waiting>) {
        self.lock().insert(name.to_owned(), rows);
    }

    /// Lets go of all rows.
    pub fn clear(&self) {
        self.lock().clear();
    }

    fn get(&self, name: &str) -> Option<Arc<dyn Waiting>> {
        self.lock().get(name).cloned()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Arc<dyn Waiting>>> {
        // Every change under the lock is one step.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The table function.
struct Staged;

/// Rows on their way.
struct Running {
    rows: Arc<dyn Waiting>,
    /// The columns asked for; `None` for DuckDB's own row id, which is how it counts rows.
    projection: Vec<Option<usize>>,
    next: AtomicUsize,
}

impl VTab for Staged {
    type InitData = Running;
    type BindData = Arc<dyn Waiting>;

    fn bind(bind: &BindInfo) -> Answer<Arc<dyn Waiting>> {
        let staging = bind.get_extra_info::<Staging>();
        // SAFETY: `register` gives the function a `Staging` as its extra information, which DuckDB keeps as long as the function.
        let staging = unsafe { &*staging };
        let name = bind.get_parameter(0).to_string();
        let rows = staging.get(&name).ok_or_else(|| format!("no rows are staged as {name}"))?;
        for (name, kind) in rows.columns() {
            bind.add_result_column(&name, kind.logical());
        }
        bind.set_cardinality(rows.len() as u64, true);
        Ok(rows)
    }

    fn init(init: &InitInfo) -> Answer<Running> {
        let rows = init.get_bind_data::<Arc<dyn Waiting>>();
        // SAFETY: DuckDB hands back what `bind` returned, which it keeps for as long as the scan runs.
        let rows = Arc::clone(unsafe { &*rows });
        let columns = rows.columns().len();
        let indices = init.get_column_indices().into_iter();
        let projection =
            indices.map(|index| usize::try_from(index).ok().filter(|&index| index < columns)).collect();
        init.set_max_threads(1);
        Ok(Running { rows, projection, next: AtomicUsize::new(0) })
    }

    fn func(function: &TableFunctionInfo<Self>, output: &mut DataChunkHandle) -> Answer<()> {
        let Running { rows, projection, next } = function.get_init_data();
        let first = next.fetch_add(VECTOR_ROWS, Ordering::Relaxed);
        let count = rows.len().saturating_sub(first).min(VECTOR_ROWS);
        if count > 0 {
            for (place, column) in projection.iter().enumerate() {
                let mut vector = Vector::new(output.flat_vector(place));
                match column {
                    Some(column) => rows.fill(*column, &mut vector, first, count),
                    None => vector.row_ids(count),
                }
            }
        }
        output.set_len(count);
        Ok(())
    }

    fn supports_pushdown() -> bool {
        true
    }

    fn parameters() -> Option<Vec<LogicalTypeHandle>> {
        Some(vec![Kind::Text.logical()])
    }
}
