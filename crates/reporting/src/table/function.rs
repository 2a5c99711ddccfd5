//! A [`Table`] as a DuckDB table function.

use std::marker::PhantomData;
use std::sync::{Arc, Mutex, PoisonError};

use duckdb::Connection;
use duckdb::core::{DataChunkHandle, LogicalTypeHandle};
use duckdb::vtab::{BindInfo, InitInfo, TableFunctionInfo, VTab, Value};

use super::vector::{VECTOR_ROWS, Vector};
use super::{Arguments, Filter, Rows, Scan, Table};
use crate::error::Error;
use crate::names::Names;
use crate::source::{STORE, Source};
use crate::store::Store;

type Answer<T> = Result<T, Box<dyn std::error::Error>>;

/// A table function over `T`, which finds its store through `S`.
struct Function<T, S>(PhantomData<(T, S)>);

/// What a call asks for.
pub struct Bound {
    store: Arc<Store>,
    filter: Filter,
}

/// A scan under way, shared by DuckDB's threads.
pub struct Running<R> {
    scan: Box<dyn Scan<R>>,
    /// The columns asked for, as indices into the table's; `None` for DuckDB's own row id. To count rows it asks for the first.
    projection: Vec<Option<usize>>,
    names: Arc<Names>,
    /// What each thread has left over from its last refill. A thread takes any of them, or begins a new one.
    idle: Mutex<Vec<Batch<R>>>,
}

/// Rows that were found, some of them handed over already.
#[derive(Default)]
struct Batch<R> {
    rows: R,
    next: usize,
}

fn integer(value: Option<Value>) -> Option<i64> {
    value.filter(|value| !value.is_null()).map(|value| value.to_int64())
}

fn text(value: Option<Value>) -> Option<String> {
    value.filter(|value| !value.is_null()).map(|value| value.to_string())
}

/// The store that a call is about.
fn store<S: Source>(bind: &BindInfo) -> Result<Arc<Store>, Error> {
    let source = bind.get_extra_info::<S>();
    // SAFETY: `register` gives every `Function<_, S>` an `S` as its extra information, which DuckDB keeps as long as the
    // function itself.
    let source = unsafe { &*source };
    source.store(if S::NAMED { text(bind.get_named_parameter(STORE.name)) } else { None })
}

impl<T: Table, S: Source> VTab for Function<T, S> {
    type InitData = Running<T::Rows>;
    type BindData = Bound;

    fn bind(bind: &BindInfo) -> Answer<Bound> {
        let store = store::<S>(bind).map_err(told)?;
        for column in T::COLUMNS {
            bind.add_result_column(column.name, column.kind.logical());
        }
        let mut arguments = Arguments::default();
        let mut position = 0;
        for parameter in T::PARAMETERS {
            let value = if parameter.required {
                position += 1;
                Some(bind.get_parameter(position - 1))
            } else {
                bind.get_named_parameter(parameter.name)
            };
            match parameter.name {
                "from_seq" => arguments.from_seq = integer(value),
                "to_seq" => arguments.to_seq = integer(value),
                "from_time" => arguments.from_time = text(value),
                "to_time" => arguments.to_time = text(value),
                "seq" => arguments.seq = integer(value),
                "interval_ns" => arguments.interval_ns = integer(value),
                "symbol" => arguments.symbol = text(value),
                "account" => arguments.account = text(value),
                other => unreachable!("{other} is no parameter of any table"),
            }
        }
        // A name or number that is wrong is said before anything runs.
        let filter = store.resolve(&arguments).map_err(told)?;
        // Not how many rows there are, but which table of a join is the small one.
        let records = filter.range.to.saturating_sub(filter.range.from) + 1;
        bind.set_cardinality(if T::IS_SMALL { records.min(1_000) } else { records }, false);
        Ok(Bound { store, filter })
    }

    fn init(init: &InitInfo) -> Answer<Running<T::Rows>> {
        let bound = init.get_bind_data::<Bound>();
        // SAFETY: DuckDB hands back what `bind` returned, which it keeps for as long as the scan runs.
        let bound = unsafe { &*bound };
        let projection: Vec<Option<usize>> = init
            .get_column_indices()
            .into_iter()
            .map(|index| usize::try_from(index).ok().filter(|&index| index < T::COLUMNS.len()))
            .collect();
        let named = projection.iter().flatten().any(|&index| T::COLUMNS[index].named);
        let names = if named { bound.store.names(bound.filter.bound).map_err(told)? } else { Arc::default() };
        let scan = T::scan(&bound.store, &bound.filter).map_err(told)?;
        init.set_max_threads(scan.threads());
        Ok(Running { scan, projection, names, idle: Mutex::default() })
    }

    fn func(function: &TableFunctionInfo<Self>, output: &mut DataChunkHandle) -> Answer<()> {
        function.get_init_data().fill::<T>(output).map_err(told)
    }

    fn supports_pushdown() -> bool {
        true
    }

    fn parameters() -> Option<Vec<LogicalTypeHandle>> {
        Some(T::PARAMETERS.iter().filter(|it| it.required).map(|it| it.kind.logical()).collect())
    }

    fn named_parameters() -> Option<Vec<(String, LogicalTypeHandle)>> {
        let own = S::NAMED.then_some(&STORE);
        let named = T::PARAMETERS.iter().filter(|it| !it.required).chain(own);
        Some(named.map(|it| (it.name.to_owned(), it.kind.logical())).collect())
    }
}

impl<R: Rows> Running<R> {
    /// Fills a chunk with the next rows; an empty chunk is the end for the thread that asked.
    fn fill<T: Table<Rows = R>>(&self, output: &mut DataChunkHandle) -> Result<(), Error> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut batch = idle().pop().unwrap_or_default();
        if batch.next == batch.rows.len() {
            batch.rows.clear();
            batch.next = 0;
            self.scan.refill(&mut batch.rows)?;
        }
        let count = (batch.rows.len() - batch.next).min(VECTOR_ROWS);
        for (place, column) in self.projection.iter().enumerate() {
            let mut vector = Vector::new(output.flat_vector(place));
            match column {
                Some(index) => {
                    let range = batch.next..batch.next + count;
                    (T::COLUMNS[*index].fill)(&mut vector, &batch.rows, range, &self.names);
                }
                None => vector.row_ids(count),
            }
        }
        output.set_len(count);
        batch.next += count;
        if count > 0 {
            idle().push(batch);
        }
        Ok(())
    }
}

/// An error as DuckDB passes it on: a text, with its hint.
#[expect(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn told(error: Error) -> Box<dyn std::error::Error> {
    error.told().into()
}

/// Makes a table known to DuckDB under a name.
pub fn register<T: Table, S: Source>(connection: &Connection, name: &str, source: &S) -> duckdb::Result<()> {
    connection.register_table_function_with_extra_info::<Function<T, S>, _>(name, source)
}
