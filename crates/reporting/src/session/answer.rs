//! What a query answers: columns, and rows in batches, each value ready to be shown.

use duckdb::Statement;
use duckdb::arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use duckdb::arrow::datatypes::{
    DataType, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
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
            rows.extend((0..batch.rows()).map(|row| batch.row(row)));
        }
        Ok(rows)
    }
}

impl Batch {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.0.num_rows()
    }

    /// A row.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn row(&self, row: usize) -> Vec<CellValue> {
        self.0.columns().iter().map(|column| cell(column, row)).collect()
    }
}

fn cell(column: &ArrayRef, row: usize) -> CellValue {
    use CellValue::{Bool, Float, Integer, Null, Number, Text, Time};
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
        DataType::Decimal128(..) | DataType::Decimal256(..) => Number(trimmed(formatted(column, row))),
        DataType::Timestamp(..) => Time(formatted(column, row).replacen('T', " ", 1)),
        _ => Text(formatted(column, row)),
    }
}

fn formatted(column: &ArrayRef, row: usize) -> String {
    let options = FormatOptions::default();
    match ArrayFormatter::try_new(column, &options) {
        Ok(formatter) => formatter.value(row).to_string(),
        Err(error) => format!("({error})"),
    }
}

/// A decimal number without the zeros at its end that its type has and its value does not need.
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
    }
}
