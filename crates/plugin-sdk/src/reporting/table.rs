//! A rule's table and the rows it fills it with.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::cmp::Ordering;

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum ColumnKind {
    /// A whole number of 64 bits.
    Int64 = 0,
    /// Text.
    Text = 1,
    /// A time: UNIX nanoseconds.
    Timestamp = 2,
    /// A number with a fraction, for ratios; never for money.
    Float64 = 3,
    /// True or false.
    Boolean = 4,
}

/// A column of a table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    /// Lower-case letters, digits and underscores.
    pub name: &'static str,
    /// What it holds.
    pub kind: ColumnKind,
    /// What it means and its unit.
    pub comment: &'static str,
}

impl Column {
    /// A whole number.
    pub const fn int(name: &'static str, comment: &'static str) -> Self {
        Self { name, kind: ColumnKind::Int64, comment }
    }

    /// Text.
    pub const fn text(name: &'static str, comment: &'static str) -> Self {
        Self { name, kind: ColumnKind::Text, comment }
    }

    /// A time.
    pub const fn time(name: &'static str, comment: &'static str) -> Self {
        Self { name, kind: ColumnKind::Timestamp, comment }
    }

    /// A ratio.
    pub const fn float(name: &'static str, comment: &'static str) -> Self {
        Self { name, kind: ColumnKind::Float64, comment }
    }

    /// True or false.
    pub const fn boolean(name: &'static str, comment: &'static str) -> Self {
        Self { name, kind: ColumnKind::Boolean, comment }
    }
}

/// A rule's table.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Table {
    /// Lower-case letters, digits and underscores.
    pub name: &'static str,
    /// How many columns, from the first, are the key: a row replaces the one with the same key. 0: rows are only added.
    pub key: u32,
    /// The columns, at most 64.
    pub columns: &'static [Column],
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum Value {
    /// Nothing.
    Null,
    /// For whole numbers and times.
    Int64(i64),
    /// For text.
    Text(String),
    /// For ratios.
    Float64(f64),
    /// For true and false.
    Boolean(bool),
}

impl Eq for Value {}

impl PartialOrd for Value {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Value {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Self::Int64(this), Self::Int64(that)) => this.cmp(that),
            (Self::Text(this), Self::Text(that)) => this.cmp(that),
            (Self::Float64(this), Self::Float64(that)) => this.total_cmp(that),
            (Self::Boolean(this), Self::Boolean(that)) => this.cmp(that),
            _ => self.number().cmp(&other.number()),
        }
    }
}

impl Value {
    /// The number of its case in the contract.
    pub(crate) fn number(&self) -> u8 {
        match self {
            Self::Null => 0,
            Self::Int64(_) => 1,
            Self::Text(_) => 2,
            Self::Float64(_) => 3,
            Self::Boolean(_) => 4,
        }
    }

    fn fits(&self, kind: ColumnKind) -> bool {
        matches!(
            (self, kind),
            (Self::Null, _)
                | (Self::Int64(_), ColumnKind::Int64 | ColumnKind::Timestamp)
                | (Self::Text(_), ColumnKind::Text)
                | (Self::Float64(_), ColumnKind::Float64)
                | (Self::Boolean(_), ColumnKind::Boolean)
        )
    }
}

macro_rules! values {
    ($($from:ty => $case:ident, $make:expr;)+) => {
        $(impl From<$from> for Value {
            fn from(value: $from) -> Self {
                Self::$case($make(value))
            }
        })+
    };
}
values! {
    i64 => Int64, |value| value;
    u32 => Int64, i64::from;
    i32 => Int64, i64::from;
    // The exchange's own numbers stay below 2^63; what does not is cut to it rather than turned negative.
    u64 => Int64, |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
    &str => Text, String::from;
    String => Text, |value| value;
    f64 => Float64, |value| value;
    bool => Boolean, |value| value;
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// A row: a value for every column.
pub type Row = Vec<Value>;

/// A row from values of Rust's own types.
///
/// ```
/// # use plugin_sdk::reporting::*;
/// let row: Row = row![7_u32, "AAPL", 0.5, true, None::<i64>];
/// ```
#[macro_export]
macro_rules! row {
    ($($value:expr),* $(,)?) => {
        $crate::private::vec![$($crate::reporting::Value::from($value)),*]
    };
}

/// The rows of a batch. Of rows with the same key the last one stays.
#[derive(Debug)]
pub struct Rows {
    columns: &'static [Column],
    key: usize,
    added: Vec<Row>,
    keyed: BTreeMap<Row, Row>,
}

impl Rows {
    /// No rows of this table.
    pub fn new(table: &Table) -> Self {
        Self { columns: table.columns, key: table.key as usize, added: Vec::new(), keyed: BTreeMap::new() }
    }

    /// Puts a row into the table.
    ///
    /// Panics, which is a fault of the rule, when the row does not have the table's columns.
    pub fn put(&mut self, row: Row) {
        assert!(row.len() == self.columns.len(), "a row has a value for every column");
        assert!(
            row.iter().zip(self.columns).all(|(value, column)| value.fits(column.kind)),
            "a value is of its column's kind"
        );
        if self.key == 0 {
            self.added.push(row);
        } else {
            self.keyed.insert(row[..self.key].to_vec(), row);
        }
    }

    pub(crate) fn finish(self) -> Vec<Row> {
        if self.key == 0 { self.added } else { self.keyed.into_values().collect() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TABLE: Table = Table {
        name: "t",
        key: 1,
        columns: &[Column::int("a", ""), Column::text("b", ""), Column::float("c", "")],
    };

    #[test]
    fn the_last_row_of_a_key_stays() {
        let mut rows = Rows::new(&TABLE);
        rows.put(row![2, "x", 0.5]);
        rows.put(row![1, "y", None::<f64>]);
        rows.put(row![2, "z", 1.5]);
        assert_eq!(rows.finish(), [row![1, "y", None::<f64>], row![2, "z", 1.5]]);
    }

    #[test]
    #[should_panic(expected = "kind")]
    fn a_value_of_another_kind_is_a_fault() {
        Rows::new(&TABLE).put(row![2, 3, 0.5]);
    }

    #[test]
    #[should_panic(expected = "every column")]
    fn a_missing_value_is_a_fault() {
        Rows::new(&TABLE).put(row![2, "x"]);
    }
}
