//! What a query answers: columns, and rows in batches, each value ready to be shown.

use duckdb::Statement;
use duckdb::arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use duckdb::arrow::datatypes::{
    DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type,
    UInt16Type, UInt32Type, UInt64Type,
};
use duckdb::arrow::util::display::{ArrayFormatter, FormatOptions};

use super::watch::Watch;
use crate::error::Error;

/// A column of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnswerColumn {
    /// Its name, as the query gave it.
    pub name: String,
    /// Whether it holds numbers.
    pub is_number: bool,
}

/// The answer to a query, as far as it has come.
pub struct Answer<'a> {
    statement: Statement<'a>,
    columns: Vec<AnswerColumn>,
    watch: Watch,
}

/// Some rows of an answer.
pub struct Batch(RecordBatch);

/// A value of an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum CellValue {
    /// Nothing.
    Null,
    /// Yes or no.
    Bool(bool),
    /// A whole number that fits 64 bits.
    Integer(i64),
    /// A floating-point number.
    Float(f64),
    /// An exact number that may need more than 64 bits or has decimals, without zeros at its end.
    Number(String),
    /// A point in time without a zone, such as `2026-01-05 15:00:00.5`.
    Time(String),
    /// Everything else, as DuckDB shows it.
    Text(String),
}

impl<'a> Answer<'a> {
    pub(super) fn new(statement: Statement<'a>, watch: Watch) -> Self {
        let schema = statement.schema();
        let columns = schema.fields().iter().map(|field| AnswerColumn {
            name: field.name().clone(),
            is_number: field.data_type().is_numeric(),
        });
        let columns = columns.collect();
        Self { statement, columns, watch }
    }

    /// Its columns.
    pub fn columns(&self) -> &[AnswerColumn] {
        &self.columns
    }

    /// The next rows; `None` at the end.
    ///
    /// # Errors
    /// What the query runs into, also when it is stopped.
    pub fn next_batch(&mut self) -> Result<Option<Batch>, Error> {
        match self.statement.step() {
            Ok(Some(rows)) => Ok(Some(Batch(RecordBatch::from(&rows)))),
            Ok(None) => Ok(None),
            Err(error) => Err(self.watch.explain(error)),
        }
    }

    /// All rows, which must fit memory.
    ///
    /// # Errors
    /// As for [`Answer::next_batch`].
    pub fn rows(mut self) -> Result<Vec<Vec<CellValue>>, Error> {
        let mut rows = Vec::new();
        while let Some(batch) = self.next_batch()? {
            let shown = batch.shown();
            rows.extend((0..batch.rows()).map(|row| shown.row(row)));
        }
        Ok(rows)
    }
}

impl Batch {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.0.num_rows()
    }

    /// The rows, ready to be taken one by one.
    pub fn shown(&self) -> Rows<'_> {
        Rows(self.0.columns().iter().map(Column::new).collect())
    }
}

/// The rows of a [`Batch`].
pub struct Rows<'a>(Vec<Column<'a>>);

impl Rows<'_> {
    /// A row.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn row(&self, row: usize) -> Vec<CellValue> {
        self.0.iter().map(|column| column.cell(row)).collect()
    }
}

/// A column, with what it takes to show values that arrow must format: making that anew for each value would take longer than all else.
struct Column<'a> {
    values: &'a ArrayRef,
    formatter: Option<ArrayFormatter<'a>>,
}

impl<'a> Column<'a> {
    fn new(values: &'a ArrayRef) -> Self {
        // A value that cannot be formatted says so itself, below.
        const OPTIONS: &FormatOptions<'static> = &FormatOptions::new();
        Self { values, formatter: ArrayFormatter::try_new(values, OPTIONS).ok() }
    }

    fn formatted(&self, row: usize) -> String {
        match &self.formatter {
            Some(formatter) => formatter.value(row).to_string(),
            None => format!("({} cannot be shown)", self.values.data_type()),
        }
    }

    fn cell(&self, row: usize) -> CellValue {
        use CellValue::{Bool, Float, Integer, Null, Number, Text, Time};
        let column = self.values;
        if column.is_null(row) {
            return Null;
        }
        match column.data_type() {
            DataType::Boolean => Bool(column.as_boolean().value(row)),
            DataType::Int8 => Integer(column.as_primitive::<Int8Type>().value(row).into()),
            DataType::Int16 => Integer(column.as_primitive::<Int16Type>().value(row).into()),
            DataType::Int32 => Integer(column.as_primitive::<Int32Type>().value(row).into()),
            DataType::Int64 => Integer(column.as_primitive::<Int64Type>().value(row)),
            DataType::UInt8 => Integer(column.as_primitive::<UInt8Type>().value(row).into()),
            DataType::UInt16 => Integer(column.as_primitive::<UInt16Type>().value(row).into()),
            DataType::UInt32 => Integer(column.as_primitive::<UInt32Type>().value(row).into()),
            DataType::UInt64 => Number(column.as_primitive::<UInt64Type>().value(row).to_string()),
            DataType::Float32 => Float(column.as_primitive::<Float32Type>().value(row).into()),
            DataType::Float64 => Float(column.as_primitive::<Float64Type>().value(row)),
            DataType::Utf8 => Text(column.as_string::<i32>().value(row).to_owned()),
            DataType::Decimal128(_, scale @ 0..) => {
                Number(decimal(column.as_primitive::<Decimal128Type>().value(row), scale.unsigned_abs()))
            }
            DataType::Decimal128(..) | DataType::Decimal256(..) => Number(trimmed(self.formatted(row))),
            DataType::Timestamp(..) => Time(self.formatted(row).replacen('T', " ", 1)),
            _ => Text(self.formatted(row)),
        }
    }
}

/// `value` over 10 to the power of `scale`, without the zeros at its end that its type has and its value does not need.
fn decimal(value: i128, scale: u8) -> String {
    let (mut value, mut decimals) = (value, usize::from(scale));
    // Nearly every number fits 64 bits, where dividing takes a tenth of the time.
    if let Ok(mut small) = i64::try_from(value) {
        while decimals > 0 && small % 10 == 0 {
            small /= 10;
            decimals -= 1;
        }
        value = small.into();
    }
    while decimals > 0 && value % 10 == 0 {
        value /= 10;
        decimals -= 1;
    }
    if decimals == 0 {
        return value.to_string();
    }
    let digits = format!("{:0width$}", value.unsigned_abs(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let sign = if value < 0 { "-" } else { "" };
    format!("{sign}{whole}.{fraction}")
}

/// A decimal number without the zeros at its end.
fn trimmed(number: String) -> String {
    if number.contains('.') {
        return number.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    number
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_lose_only_the_zeros_they_do_not_need() {
        for (long, short) in
            [("10.05000000", "10.05"), ("10.00000000", "10"), ("100", "100"), ("-0.50", "-0.5"), ("0.0", "0")]
        {
            assert_eq!(trimmed(long.to_owned()), short);
        }
        for (value, scale, short) in [
            (1_005_000_000, 8, "10.05"),
            (-50, 2, "-0.5"),
            (7, 3, "0.007"),
            (0, 8, "0"),
            (100, 0, "100"),
            (i128::MIN, 38, "-1.70141183460469231731687303715884105728"),
        ] {
            assert_eq!(decimal(value, scale), short);
        }
    }
}
