//! Answers as text.

use super::Format;
use crate::ui::{Align, Result, Table, Ui};
use reporting::{Answer, AnswerColumn, CellValue, Rows};
use serde_json::Value;
use std::borrow::Cow;
use std::io::{self, Write};

/// How answers are shown.
#[derive(Debug, Clone, Copy)]
pub struct Shown {
    pub format: Format,
    /// The most rows of a table; 0 for all.
    pub max_rows: usize,
}

impl Shown {
    /// Shows an answer on standard output. Returns its rows, or as many as there were when the limit was passed.
    pub fn to_terminal(self, ui: &mut Ui, answer: Answer<'_>) -> Result<u64> {
        if self.format != Format::Table {
            return self.to_file(ui.raw(), answer);
        }
        let (table, rows, complete) = self.table(answer)?;
        ui.table(&table)?;
        if !complete {
            let shown = table.len();
            ui.say(format_args!("only the first {shown} rows are shown; --max-rows 0 shows all, and so does every other --format"));
        }
        Ok(rows)
    }

    /// Writes an answer as text. Returns its rows.
    pub fn to_file(self, out: &mut impl Write, mut answer: Answer<'_>) -> Result<u64> {
        let columns = answer.columns().to_vec();
        let mut rows = 0;
        let mut writer = Writer { format: self.format, columns: &columns, line: String::new(), out };
        writer.begin()?;
        while let Some(batch) = answer.next_batch()? {
            let shown = batch.shown();
            for row in 0..batch.rows() {
                writer.row(&shown, row, rows == 0)?;
                rows += 1;
            }
        }
        writer.end(rows)?;
        Ok(rows)
    }

    /// An answer as a table, how many rows it has as far as they were looked at, and whether the table holds them all.
    fn table(self, mut answer: Answer<'_>) -> Result<(Table, u64, bool)> {
        let columns = answer
            .columns()
            .iter()
            .map(|column| (column.name.clone(), if column.is_number { Align::Right } else { Align::Left }));
        let mut table = Table::of(columns);
        let mut rows = 0;
        while let Some(batch) = answer.next_batch()? {
            let shown = batch.shown();
            for row in 0..batch.rows() {
                if self.max_rows > 0 && table.len() == self.max_rows {
                    return Ok((table, rows, false));
                }
                table.cells(shown.row(row).iter().map(|cell| plain(cell).into_owned()).collect());
                rows += 1;
            }
        }
        Ok((table, rows, true))
    }
}

/// A value as people read it; nothing is a dash.
fn plain(cell: &CellValue) -> Cow<'_, str> {
    match cell {
        CellValue::Null => "-".into(),
        CellValue::Bool(flag) => flag.to_string().into(),
        CellValue::Integer(number) => number.to_string().into(),
        CellValue::Float(number) => number.to_string().into(),
        CellValue::Number(text) | CellValue::Time(text) | CellValue::Text(text) => text.into(),
    }
}

/// As everywhere in the program: exact decimals are strings, times RFC 3339.
fn json(cell: &CellValue) -> Value {
    match cell {
        CellValue::Null => Value::Null,
        CellValue::Bool(flag) => (*flag).into(),
        CellValue::Integer(number) => (*number).into(),
        CellValue::Float(number) => (*number).into(),
        CellValue::Time(text) => format!("{}Z", text.replacen(' ', "T", 1)).into(),
        CellValue::Number(text) | CellValue::Text(text) => text.as_str().into(),
    }
}

struct Writer<'a, W> {
    format: Format,
    columns: &'a [AnswerColumn],
    line: String,
    out: &'a mut W,
}

impl<W: Write> Writer<'_, W> {
    fn begin(&mut self) -> io::Result<()> {
        match self.format {
            Format::Json => writeln!(self.out, "["),
            Format::Csv => {
                self.line.clear();
                for column in self.columns {
                    let begin = self.line.len();
                    self.line.push_str(&column.name);
                    end_field(&mut self.line, begin);
                }
                self.end_line()
            }
            Format::Markdown | Format::Table | Format::Parquet => {
                self.markdown(self.columns.iter().map(|column| column.name.as_str().into()))?;
                let rules = self.columns.iter().map(|column| if column.is_number { "---:" } else { "---" });
                self.markdown(rules.map(Cow::from))
            }
        }
    }

    fn row(&mut self, rows: &Rows<'_>, row: usize, first: bool) -> io::Result<()> {
        match self.format {
            // Straight from the answer: there can be fifty million of them.
            Format::Csv => {
                self.line.clear();
                rows.write(row, &mut self.line, end_field);
                self.end_line()
            }
            Format::Json => {
                if !first {
                    writeln!(self.out, ",")?;
                }
                self.out.write_all(b"{")?;
                for (at, (column, cell)) in self.columns.iter().zip(&rows.row(row)).enumerate() {
                    let comma = if at == 0 { "" } else { ", " };
                    write!(self.out, "{comma}{}: {}", Value::from(column.name.as_str()), json(cell))?;
                }
                self.out.write_all(b"}")
            }
            Format::Markdown | Format::Table | Format::Parquet => {
                self.markdown(rows.row(row).iter().map(plain))
            }
        }
    }

    fn end(&mut self, rows: u64) -> io::Result<()> {
        match self.format {
            Format::Json if rows > 0 => writeln!(self.out, "\n]"),
            Format::Json => writeln!(self.out, "]"),
            _ => Ok(()),
        }
    }

    /// Writes the line, whose last field has a comma too many.
    fn end_line(&mut self) -> io::Result<()> {
        self.line.pop();
        self.line.push('\n');
        self.out.write_all(self.line.as_bytes())
    }

    fn markdown<'t>(&mut self, values: impl Iterator<Item = Cow<'t, str>>) -> io::Result<()> {
        let escaped = values.map(|value| value.replace('|', "\\|").replace('\n', " "));
        writeln!(self.out, "| {} |", escaped.collect::<Vec<_>>().join(" | "))
    }
}

/// Ends the field of a line of CSV that begins at `begin`: in quotes if it must be, and with a comma.
fn end_field(line: &mut String, begin: usize) {
    if line.as_bytes()[begin..].iter().any(|byte| matches!(byte, b',' | b'"' | b'\n' | b'\r')) {
        let quoted = line[begin..].replace('"', "\"\"");
        line.truncate(begin);
        line.extend(["\"", &quoted, "\""]);
    }
    line.push(',');
}
