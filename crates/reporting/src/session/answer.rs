//! What a query answers: columns, and rows in batches, each value ready to be shown.

use std::fmt::{Display, Write as _};
use std::sync::Arc;

use duckdb::Statement;
use duckdb::arrow::array::{Array, ArrayRef, AsArray as _, RecordBatch};
use duckdb::arrow::datatypes::{
    DataType, Decimal128Type, Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimeUnit,
    TimestampMicrosecondType, UInt8Type, UInt16Type, UInt32Type,
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
pub struct Batch {
    columns: Vec<ArrayRef>,
    rows: usize,
}

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
            Ok(Some(rows)) => {
                let rows = RecordBatch::from(&rows);
                let columns = rows.columns().iter().map(without_zone).collect();
                Ok(Some(Batch { columns, rows: rows.num_rows() }))
            }
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

/// Points in time are UTC everywhere; what DuckDB gives a zone, such as `now()`, has it only for show.
fn without_zone(column: &ArrayRef) -> ArrayRef {
    match column.data_type() {
        DataType::Timestamp(TimeUnit::Microsecond, Some(_)) => {
            let times = column.as_primitive::<TimestampMicrosecondType>().clone();
            Arc::new(times.with_timezone_opt(None::<Arc<str>>))
        }
        _ => Arc::clone(column),
    }
}

impl Batch {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The rows, ready to be taken one by one.
    pub fn shown(&self) -> Rows<'_> {
        Rows(self.columns.iter().map(Column::new).collect())
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

    /// Appends the values of a row as text, nothing for null: what [`Rows::row`] has, without a string for each. After each value
    /// `end` gets the text so far and where in it the value begins.
    ///
    /// # Panics
    /// If there are not so many rows.
    pub fn write(&self, row: usize, out: &mut String, mut end: impl FnMut(&mut String, usize)) {
        for column in &self.0 {
            let begin = out.len();
            if !column.values.is_null(row) {
                column.write(row, out);
            }
            end(out, begin);
        }
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

    fn cell(&self, row: usize) -> CellValue {
        use CellValue::{Bool, Float, Integer, Null, Number, Text, Time};
        let column = self.values;
        if column.is_null(row) {
            return Null;
        }
        let text = || {
            let mut text = String::new();
            self.write(row, &mut text);
            text
        };
        match column.data_type() {
            DataType::Boolean => Bool(column.as_boolean().value(row)),
            DataType::Int8 => Integer(column.as_primitive::<Int8Type>().value(row).into()),
            DataType::Int16 => Integer(column.as_primitive::<Int16Type>().value(row).into()),
            DataType::Int32 => Integer(column.as_primitive::<Int32Type>().value(row).into()),
            DataType::Int64 => Integer(column.as_primitive::<Int64Type>().value(row)),
            DataType::UInt8 => Integer(column.as_primitive::<UInt8Type>().value(row).into()),
            DataType::UInt16 => Integer(column.as_primitive::<UInt16Type>().value(row).into()),
            DataType::UInt32 => Integer(column.as_primitive::<UInt32Type>().value(row).into()),
            // As short as it was, not as long as 64 bits could show it.
            DataType::Float32 => text().parse().map_or(Null, Float),
            DataType::Float64 => Float(column.as_primitive::<Float64Type>().value(row)),
            DataType::UInt64 | DataType::Decimal128(..) | DataType::Decimal256(..) => Number(text()),
            DataType::Timestamp(..) => Time(text()),
            _ => Text(text()),
        }
    }

    /// Appends a value that is not null as text.
    fn write(&self, row: usize, out: &mut String) {
        let column = self.values;
        match column.data_type() {
            DataType::Boolean => put(out, column.as_boolean().value(row)),
            DataType::Int32 => put(out, column.as_primitive::<Int32Type>().value(row)),
            DataType::Int64 => put(out, column.as_primitive::<Int64Type>().value(row)),
            DataType::Float32 => put(out, column.as_primitive::<Float32Type>().value(row)),
            DataType::Float64 => put(out, column.as_primitive::<Float64Type>().value(row)),
            DataType::Utf8 => out.push_str(column.as_string::<i32>().value(row)),
            DataType::Decimal128(_, scale @ 0..) => {
                decimal(column.as_primitive::<Decimal128Type>().value(row), scale.unsigned_abs(), out);
            }
            kind => {
                let begin = out.len();
                match &self.formatter {
                    Some(formatter) => put(out, formatter.value(row)),
                    None => put(out, format_args!("({kind} cannot be shown)")),
                }
                match kind {
                    DataType::Decimal128(..) | DataType::Decimal256(..) => trim(out, begin),
                    DataType::Timestamp(..) => {
                        // Between the date and the time.
                        if let Some(at) = out[begin..].find('T') {
                            out.replace_range(begin + at..=begin + at, " ");
                        }
                    }
                    _ => {}
                }
            }
        }
    }
}

fn put(out: &mut String, value: impl Display) {
    write!(out, "{value}").expect("writing to a string cannot fail");
}

/// Appends `value` over 10 to the power of `scale`, without the zeros at its end that its type has and its value does not need.
fn decimal(value: i128, scale: u8, out: &mut String) {
    let mut decimals = usize::from(scale);
    // Nearly every number fits 64 bits, where dividing takes a tenth of the time.
    if let (Ok(mut small), Some(mut unit)) = (i64::try_from(value), 10_u64.checked_pow(scale.into())) {
        while decimals > 0 && small % 10 == 0 {
            (small, unit, decimals) = (small / 10, unit / 10, decimals - 1);
        }
        let (sign, magnitude) = (if small < 0 { "-" } else { "" }, small.unsigned_abs());
        put(out, format_args!("{sign}{}", magnitude / unit));
        if decimals > 0 {
            put(out, format_args!(".{:0decimals$}", magnitude % unit));
        }
        return;
    }
    let digits = format!("{:0width$}", value.unsigned_abs(), width = decimals + 1);
    let (whole, fraction) = digits.split_at(digits.len() - decimals);
    let (sign, begin) = (if value < 0 { "-" } else { "" }, out.len());
    put(out, format_args!("{sign}{whole}.{fraction}"));
    trim(out, begin);
}

/// Takes the zeros off the end of the decimal number that begins at `begin`, which it does not need.
fn trim(out: &mut String, begin: usize) {
    if out[begin..].contains('.') {
        let kept = out[begin..].trim_end_matches('0').trim_end_matches('.').len();
        out.truncate(begin + kept);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_lose_only_the_zeros_they_do_not_need() {
        for (long, short) in
            [("10.05000000", "10.05"), ("10.00000000", "10"), ("100", "100"), ("-0.50", "-0.5"), ("0.0", "0")]
        {
            // What stands before it stays.
            let mut text = format!("1.00,{long}");
            trim(&mut text, 5);
            assert_eq!(text, format!("1.00,{short}"));
        }
        for (value, scale, short) in [
            (1_005_000_000, 8, "10.05"),
            (-50, 2, "-0.5"),
            (-5, 2, "-0.05"),
            (7, 3, "0.007"),
            (0, 8, "0"),
            (100, 0, "100"),
            (-300, 2, "-3"),
            (i64::MIN.into(), 18, "-9.223372036854775808"),
            (i128::from(i64::MAX) + 1, 8, "92233720368.54775808"),
            (10_i128.pow(30), 8, "10000000000000000000000"),
            (1, 38, "0.00000000000000000000000000000000000001"),
            (i128::MIN, 38, "-1.70141183460469231731687303715884105728"),
        ] {
            let mut text = String::from(",");
            decimal(value, scale, &mut text);
            assert_eq!(text, format!(",{short}"));
        }
    }
}
