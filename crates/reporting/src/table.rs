//! What a table of the log is: its columns, its parameters and where its rows come from. `function.rs` makes a DuckDB
//! table function of it, `vector.rs` fills DuckDB's memory, `scan.rs` finds the rows.

pub(crate) mod carry;
pub(crate) mod function;
pub(crate) mod scan;
pub(crate) mod vector;

use std::sync::Arc;

use model::{AccountId, InstrumentId};
use scan::Range;
pub use vector::Kind;
use vector::Vector;

use crate::error::Error;
use crate::names::Names;
use crate::store::Store;

/// Rows of a table, as they were found.
pub trait Rows: Default + Send + Sync + 'static {
    /// One of them.
    type Row<'a>;

    /// How many there are.
    fn len(&self) -> usize;

    /// Lets go of them.
    fn clear(&mut self);

    /// Some of them, in order.
    fn range(&self, range: std::ops::Range<usize>) -> impl ExactSizeIterator<Item = Self::Row<'_>>;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<R: Send + Sync + 'static> Rows for Vec<R> {
    type Row<'a> = &'a R;

    fn len(&self) -> usize {
        self.len()
    }

    fn clear(&mut self) {
        self.clear();
    }

    #[inline]
    fn range(&self, range: std::ops::Range<usize>) -> impl ExactSizeIterator<Item = &R> {
        self[range].iter()
    }
}

/// A column of a table.
pub struct Column<R: 'static> {
    /// Its name.
    pub name: &'static str,
    /// Its SQL type.
    pub kind: Kind,
    /// In what it counts; empty where there is nothing to count.
    pub unit: &'static str,
    /// What it means.
    pub about: &'static str,
    /// Whether it needs the names of instruments and accounts.
    pub(crate) named: bool,
    /// Fills the column from some of the rows.
    pub(crate) fill: fn(&mut Vector<'_>, &R, std::ops::Range<usize>, &Names),
}

impl<R> Column<R> {
    /// What is known about it without its rows.
    pub fn info(&self) -> ColumnInfo {
        ColumnInfo { name: self.name, kind: self.kind, unit: self.unit, about: self.about }
    }
}

/// What is known about a column without its rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ColumnInfo {
    /// Its name.
    pub name: &'static str,
    /// Its SQL type.
    pub kind: Kind,
    /// In what it counts; empty where there is nothing to count.
    pub unit: &'static str,
    /// What it means.
    pub about: &'static str,
}

/// What is known about a table without its rows.
#[derive(Debug, Clone)]
pub struct TableInfo {
    /// Its name.
    pub name: &'static str,
    /// What it holds, in a sentence.
    pub about: &'static str,
    /// Its columns, in order.
    pub columns: Vec<ColumnInfo>,
    /// Its parameters.
    pub parameters: &'static [Parameter],
}

impl TableInfo {
    /// Whether it can be asked without parameters, and so has a view of the same name.
    pub fn has_view(&self) -> bool {
        self.parameters.iter().all(|parameter| !parameter.required)
    }
}

/// A parameter of a table function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parameter {
    /// Its name.
    pub name: &'static str,
    /// Its SQL type.
    pub kind: Kind,
    /// Whether it must be given; then it goes by position, otherwise by name.
    pub required: bool,
}

/// The first record to look at.
pub const FROM_SEQ: Parameter = Parameter { name: "from_seq", kind: Kind::Bigint, required: false };
/// The last record to look at.
pub const TO_SEQ: Parameter = Parameter { name: "to_seq", kind: Kind::Bigint, required: false };
/// The time from which on to look.
pub const FROM_TIME: Parameter = Parameter { name: "from_time", kind: Kind::Text, required: false };
/// The time before which to look.
pub const TO_TIME: Parameter = Parameter { name: "to_time", kind: Kind::Text, required: false };
/// Only rows about this instrument.
pub const SYMBOL: Parameter = Parameter { name: "symbol", kind: Kind::Text, required: false };
/// Only rows about this account.
pub const ACCOUNT: Parameter = Parameter { name: "account", kind: Kind::Text, required: false };
/// The parameters of most tables.
pub const USUAL: &[Parameter] = &[FROM_SEQ, TO_SEQ, FROM_TIME, TO_TIME, SYMBOL, ACCOUNT];

/// The parameters of one call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Arguments {
    /// The first record to look at.
    pub from_seq: Option<i64>,
    /// The last record to look at.
    pub to_seq: Option<i64>,
    /// The time from which on to look.
    pub from_time: Option<String>,
    /// The time before which to look.
    pub to_time: Option<String>,
    /// Only rows about this instrument.
    pub symbol: Option<String>,
    /// Only rows about this account.
    pub account: Option<String>,
    /// The record after which everything is looked at, in time travel.
    pub seq: Option<i64>,
    /// How long an interval is, in nanoseconds.
    pub interval_ns: Option<i64>,
}

/// What a call asks for, found and checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Filter {
    /// The records to look at.
    pub range: Range,
    /// The last record the query may see: all its tables agree about it.
    pub bound: u64,
    /// Only rows about this instrument.
    pub instrument: Option<InstrumentId>,
    /// Only rows about this account.
    pub account: Option<AccountId>,
    /// How long an interval is, in nanoseconds: more than none.
    pub interval_ns: Option<i64>,
}

impl Filter {
    /// No filter: the whole log, of whatever length.
    #[cfg(feature = "session")]
    pub const EVERYTHING: Self = Self {
        range: Range { from: 1, to: u64::MAX },
        bound: u64::MAX,
        instrument: None,
        account: None,
        interval_ns: None,
    };

    /// Whether rows about this instrument are wanted.
    #[inline]
    pub fn wants_instrument(&self, instrument: InstrumentId) -> bool {
        self.instrument.is_none_or(|wanted| wanted == instrument)
    }

    /// Whether rows about this account are wanted.
    #[inline]
    pub fn wants_account(&self, account: AccountId) -> bool {
        self.account.is_none_or(|wanted| wanted == account)
    }
}

/// A table over the log.
pub trait Table: Sized + 'static {
    /// Its rows, as they are found.
    type Rows: Rows;
    /// Its name in SQL.
    const NAME: &'static str;
    /// What it holds, in a sentence.
    const ABOUT: &'static str;
    /// Its parameters.
    const PARAMETERS: &'static [Parameter] = USUAL;
    /// Its columns. DuckDB asks for the first to count rows.
    const COLUMNS: &'static [Column<Self::Rows>];
    /// Whether it has few rows however long the log is: what a join should keep in memory.
    const IS_SMALL: bool = false;

    /// Where the rows of one query come from.
    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Self::Rows>>, Error>;

    /// What is known about it without its rows.
    fn info() -> TableInfo {
        let columns = Self::COLUMNS.iter().map(Column::info);
        TableInfo {
            name: Self::NAME,
            about: Self::ABOUT,
            columns: columns.collect(),
            parameters: Self::PARAMETERS,
        }
    }
}

/// Rows on their way, for one or several threads.
pub trait Scan<R>: Send + Sync {
    /// Appends the next rows to `rows`, which is empty; leaves it empty at the end. Callers get different rows, and each
    /// gets its own in the order of the log.
    fn refill(&self, rows: &mut R) -> Result<(), Error>;

    /// How many threads may call at once to any avail.
    fn threads(&self) -> u64 {
        1
    }
}

/// Declares columns: `type, "name", "unit", "meaning", |row| value;`, or `|row, names| value;` where the value needs the
/// names of instruments and accounts, or `List: |number| value;` where it is one number of a trade.
macro_rules! columns {
    ($rows:ty: $($type:ty, $name:literal, $unit:literal, $about:literal, $($list:ident:)? |$this:ident $(, $names:ident)?| $value:expr;)+) => {
        &[$($crate::table::Column::<$rows> {
            name: $name,
            kind: <$type as $crate::table::vector::Cell>::KIND,
            unit: $unit,
            about: $about,
            named: false $(|| { let _ = stringify!($names); true })?,
            fill: |vector, rows, range, directory| {
                let _ = directory;
                $(let $names: &$crate::names::Names = directory;)?
                <$type as $crate::table::vector::Cell>::fill(vector, $crate::table::each!(rows, range $(, $list)?).map(|$this| $value));
            },
        },)+]
    };
}
pub(crate) use columns;

/// What a column's cells are made from.
macro_rules! each {
    ($rows:ident, $range:ident) => {
        $crate::table::Rows::range($rows, $range)
    };
    ($rows:ident, $range:ident, $list:ident) => {
        $rows.list($crate::index::List::$list)[$range].iter().copied()
    };
}
pub(crate) use each;
