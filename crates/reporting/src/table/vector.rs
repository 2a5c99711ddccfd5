//! A column of a DuckDB chunk, filled from rows. All `unsafe` of the crate is here: DuckDB hands out bare memory, and
//! what it holds is known only from the type the column was declared with.

use duckdb::core::{FlatVector, Inserter as _, LogicalTypeHandle, LogicalTypeId};
use model::POWERS_OF_TEN;

/// The most rows DuckDB takes at once.
pub const VECTOR_ROWS: usize = 2048;

/// Decimals of every exact decimal column. Prices and lots of nearly every market are coarser; where one is finer the
/// column is null, and the integer column beside it has the number.
pub const DECIMAL_SCALE: u8 = 8;

/// Digits of every exact decimal column, decimals included: the most there are.
pub const DECIMAL_WIDTH: u8 = 38;

/// The SQL type of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// `BOOLEAN`.
    Boolean,
    /// `INTEGER`: 32 bits.
    Integer,
    /// `BIGINT`: 64 bits.
    Bigint,
    /// `HUGEINT`: 128 bits.
    Hugeint,
    /// `DOUBLE`: for ratios, never for money.
    Double,
    /// `DECIMAL(38, 8)`.
    Decimal,
    /// `TIMESTAMP_NS`: without a zone, and always UTC.
    Timestamp,
    /// `DATE`.
    Date,
    /// `VARCHAR`.
    Text,
}

impl Kind {
    /// Its name in SQL.
    pub const fn sql(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::Integer => "INTEGER",
            Self::Bigint => "BIGINT",
            Self::Hugeint => "HUGEINT",
            Self::Double => "DOUBLE",
            Self::Decimal => "DECIMAL(38,8)",
            Self::Timestamp => "TIMESTAMP_NS",
            Self::Date => "DATE",
            Self::Text => "VARCHAR",
        }
    }

    /// The type as DuckDB wants it.
    pub(crate) fn logical(self) -> LogicalTypeHandle {
        match self {
            Self::Boolean => LogicalTypeId::Boolean.into(),
            Self::Integer => LogicalTypeId::Integer.into(),
            Self::Bigint => LogicalTypeId::Bigint.into(),
            Self::Hugeint => LogicalTypeId::Hugeint.into(),
            Self::Double => LogicalTypeId::Double.into(),
            Self::Decimal => LogicalTypeHandle::decimal(DECIMAL_WIDTH, DECIMAL_SCALE),
            Self::Timestamp => LogicalTypeId::TimestampNs.into(),
            Self::Date => LogicalTypeId::Date.into(),
            Self::Text => LogicalTypeId::Varchar.into(),
        }
    }
}

/// An exact decimal number: a count of `10^-8`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Exact(pub i128);

impl Exact {
    /// `count` steps of `units / 10^scale`. `None` when it is finer than eight decimals or too large.
    #[inline]
    pub fn of(count: i64, units: i64, scale: u8) -> Option<Self> {
        let factor = *POWERS_OF_TEN.get(usize::from(DECIMAL_SCALE.checked_sub(scale)?))?;
        // Nearly every price fits 64 bits even with eight decimals; 128-bit products cost several times as much.
        match count.checked_mul(units).and_then(|value| value.checked_mul(factor)) {
            Some(value) => Some(Self(i128::from(value))),
            None => (i128::from(count) * i128::from(units)).checked_mul(i128::from(factor)).map(Self),
        }
    }
}

/// UNIX time in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment(pub i64);

/// Days since 1970-01-01.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day(pub i32);

/// A column being filled.
pub struct Vector<'a> {
    flat: FlatVector<'a>,
}

impl<'a> Vector<'a> {
    pub(crate) fn new(flat: FlatVector<'a>) -> Self {
        Self { flat }
    }

    /// DuckDB's own row id. What is in it does not matter.
    pub(crate) fn row_ids(&mut self, rows: usize) {
        self.places::<i64>(rows).fill(0);
    }

    /// The first `rows` places.
    #[inline]
    fn places<P>(&mut self, rows: usize) -> &mut [P] {
        assert!(rows <= VECTOR_ROWS && rows <= self.flat.capacity());
        // SAFETY: only the implementations of `Cell` below call this, with the physical type that DuckDB documents for
        // the logical type of their `KIND`; `function.rs` declares each column with the `KIND` of the cells it fills it
        // with, and takes each vector of a chunk once, so nobody else has a reference to it. Vectors of a chunk that a
        // table function fills have room for `VECTOR_ROWS`, and every bit pattern of these plain types is valid.
        unsafe { self.flat.as_mut_slice_with_len::<P>(rows) }
    }
}

/// A value that a column can hold.
pub trait Cell: Sized {
    /// Of what type the column is.
    const KIND: Kind;

    /// Fills the column from the first row on.
    fn fill(vector: &mut Vector<'_>, cells: impl ExactSizeIterator<Item = Self>);
}

/// A value of fixed size.
pub trait Fixed: Sized {
    /// How DuckDB keeps it.
    type Physical;
    /// Of what type the column is.
    const KIND: Kind;
    /// As DuckDB keeps it.
    fn physical(self) -> Self::Physical;
}

macro_rules! fixed {
    ($($type:ty as $physical:ty: $kind:ident, $this:ident => $value:expr;)+) => {$(
        impl Fixed for $type {
            type Physical = $physical;
            const KIND: Kind = Kind::$kind;
            #[inline]
            fn physical(self) -> $physical {
                let $this = self;
                $value
            }
        }

        impl Cell for $type {
            const KIND: Kind = Kind::$kind;
            #[inline]
            fn fill(vector: &mut Vector<'_>, cells: impl ExactSizeIterator<Item = Self>) {
                let places = vector.places::<$physical>(cells.len());
                for (place, cell) in places.iter_mut().zip(cells) {
                    *place = cell.physical();
                }
            }
        }
    )+};
}

fixed! {
    bool as u8: Boolean, this => u8::from(this);
    i32 as i32: Integer, this => this;
    i64 as i64: Bigint, this => this;
    // Counts, ids and lots that have 64 bits: none in use comes near the 63 that SQL engines agree on.
    u64 as i64: Bigint, this => this.cast_signed();
    // DuckDB keeps 128 bits as two words, the lower first, which is what a little-endian machine does.
    i128 as [u64; 2]: Hugeint, this => words(this);
    f64 as f64: Double, this => this;
    Exact as [u64; 2]: Decimal, this => words(this.0);
    Moment as i64: Timestamp, this => this.0;
    Day as i32: Date, this => this.0;
}

#[expect(clippy::cast_possible_truncation, reason = "taken apart on purpose")]
fn words(value: i128) -> [u64; 2] {
    let bits = value.cast_unsigned();
    [bits as u64, (bits >> 64) as u64]
}

impl<F: Fixed> Cell for Option<F> {
    const KIND: Kind = F::KIND;

    #[inline]
    fn fill(vector: &mut Vector<'_>, cells: impl ExactSizeIterator<Item = Self>) {
        let rows = cells.len();
        for (row, cell) in cells.enumerate() {
            match cell {
                Some(cell) => vector.places::<F::Physical>(rows)[row] = cell.physical(),
                None => vector.flat.set_null(row),
            }
        }
    }
}

/// Texts of at most so many bytes lie in the vector itself.
const INLINE_TEXT: usize = 12;

impl Cell for &str {
    const KIND: Kind = Kind::Text;

    #[inline]
    fn fill(vector: &mut Vector<'_>, cells: impl ExactSizeIterator<Item = Self>) {
        for (row, text) in cells.enumerate() {
            put_text(vector, row, text);
        }
    }
}

impl Cell for Option<&str> {
    const KIND: Kind = Kind::Text;

    #[inline]
    fn fill(vector: &mut Vector<'_>, cells: impl ExactSizeIterator<Item = Self>) {
        for (row, text) in cells.enumerate() {
            match text {
                Some(text) => put_text(vector, row, text),
                None => vector.flat.set_null(row),
            }
        }
    }
}

impl Cell for String {
    const KIND: Kind = Kind::Text;

    fn fill(vector: &mut Vector<'_>, cells: impl ExactSizeIterator<Item = Self>) {
        for (row, text) in cells.enumerate() {
            put_text(vector, row, &text);
        }
    }
}

impl Cell for Option<String> {
    const KIND: Kind = Kind::Text;

    fn fill(vector: &mut Vector<'_>, cells: impl ExactSizeIterator<Item = Self>) {
        for (row, text) in cells.enumerate() {
            match text {
                Some(text) => put_text(vector, row, &text),
                None => vector.flat.set_null(row),
            }
        }
    }
}

/// Short texts are written as DuckDB keeps them (`duckdb_string_t`: a 32-bit length, then the bytes); for longer ones it
/// must find room.
#[inline]
fn put_text(vector: &mut Vector<'_>, row: usize, text: &str) {
    if text.len() > INLINE_TEXT {
        vector.flat.insert(row, text);
        return;
    }
    let mut bytes = [0; 16];
    bytes[0] = u8::try_from(text.len()).expect("at most twelve");
    bytes[4..4 + text.len()].copy_from_slice(text.as_bytes());
    vector.places::<[u64; 2]>(row + 1)[row] = words(i128::from_le_bytes(bytes));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_become_exact_decimals() {
        assert_eq!(Exact::of(1005, 1, 2), Some(Exact(10_0500_0000 * 100 / 100)));
        assert_eq!(Exact::of(3, 25, 2), Some(Exact(75_000_000)));
        assert_eq!(Exact::of(-1, 1, 8), Some(Exact(-1)));
        assert_eq!(Exact::of(1, 1, 9), None);
        let most = i128::from(i64::MAX) * i128::from(i64::MAX);
        assert_eq!(Exact::of(i64::MAX, i64::MAX, 8), Some(Exact(most)));
        assert_eq!(Exact::of(i64::MAX, i64::MAX, 0), None);
    }
}
