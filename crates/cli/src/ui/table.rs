//! Tables: with rules and the terminal's width for a person, plain aligned columns for a pipe.

use super::Paint;
use comfy_table::{Cell, CellAlignment, ContentArrangement, LineStyle, TableStyle, presets};
use std::borrow::Cow;

/// One line under the header: enough to see where the answer begins.
const TERMINAL: TableStyle = TableStyle::new().header_separator(LineStyle::new('─', '─', '─', '─'));

/// How a column stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Align {
    /// Words.
    Left,
    /// Numbers.
    Right,
}

/// Rows under a header.
#[derive(Debug)]
pub struct Table {
    columns: Vec<(Cow<'static, str>, Align)>,
    rows: Vec<Vec<(String, Option<Paint>)>>,
}

impl Table {
    /// A table without rows. Columns are words, or numbers if their name begins with `#`.
    pub fn new<const N: usize>(columns: [&'static str; N]) -> Self {
        let columns = columns.map(|name| match name.strip_prefix('#') {
            Some(name) => (Cow::Borrowed(name), Align::Right),
            None => (Cow::Borrowed(name), Align::Left),
        });
        Self { columns: columns.to_vec(), rows: Vec::new() }
    }

    /// A table without rows, whose columns are known only when it is made.
    pub fn of(columns: impl IntoIterator<Item = (String, Align)>) -> Self {
        let columns = columns.into_iter().map(|(name, align)| (Cow::Owned(name), align));
        Self { columns: columns.collect(), rows: Vec::new() }
    }

    /// Adds a row, which has as many cells as there are columns.
    pub fn cells(&mut self, cells: Vec<String>) {
        assert_eq!(cells.len(), self.columns.len(), "a row has a cell for every column");
        self.rows.push(cells.into_iter().map(|cell| (cell, None)).collect());
    }

    /// How many rows it has.
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Adds a row, which has as many cells as there are columns.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.painted(cells.map(|cell| (cell, None)));
    }

    /// Adds a row with colours.
    pub fn painted<const N: usize>(&mut self, cells: [(String, Option<Paint>); N]) {
        assert_eq!(N, self.columns.len(), "a row has a cell for every column");
        self.rows.push(cells.into());
    }

    /// The table as text that ends with a line feed.
    pub(super) fn render(&self, terminal: bool, color: bool) -> String {
        if self.rows.is_empty() {
            return "(none)\n".to_owned();
        }
        let mut table = comfy_table::Table::new();
        table.load_style(if terminal { TERMINAL } else { presets::NOTHING });
        // Wrapping to fewer columns than this makes ribbons, and some terminals claim to have none at all.
        let wraps = terminal && table.width().is_some_and(|width| width >= 40);
        table.set_content_arrangement(if wraps {
            ContentArrangement::Dynamic
        } else {
            ContentArrangement::Disabled
        });
        let aligned = |cell: Cell, align: Align| {
            cell.set_alignment(if align == Align::Right { CellAlignment::Right } else { CellAlignment::Left })
        };
        table.set_header(self.columns.iter().map(|(name, align)| aligned(Cell::new(name), *align)));
        for row in &self.rows {
            table.add_row(row.iter().zip(&self.columns).map(|((text, paint), (_, align))| {
                let cell = aligned(Cell::new(text), *align);
                match paint.filter(|_| color) {
                    Some(Paint::Good) => cell.fg(comfy_table::Color::Green),
                    Some(Paint::Bad) => cell.fg(comfy_table::Color::Red),
                    Some(Paint::Careful) => cell.fg(comfy_table::Color::Yellow),
                    Some(Paint::Faint) => cell.add_attribute(comfy_table::Attribute::Dim),
                    Some(Paint::Strong) => cell.add_attribute(comfy_table::Attribute::Bold),
                    None => cell,
                }
            }));
        }
        if color {
            table.enforce_styling();
        } else {
            table.force_no_tty();
        }
        let mut text = String::new();
        for line in table.lines() {
            // Padding at the end of a line is noise in a pipe and in a diff.
            text.push_str(if terminal {
                &line
            } else {
                line.trim_end().strip_prefix(' ').unwrap_or(line.trim_end())
            });
            text.push('\n');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pipe_gets_plain_columns() {
        let mut table = Table::new(["symbol", "#price"]);
        table.row(["AAPL".into(), "10.05".into()]);
        table.row(["MSFT".into(), "9.00".into()]);
        assert_eq!(table.render(false, false), "symbol  price\nAAPL    10.05\nMSFT     9.00\n");
    }

    #[test]
    fn nothing_is_said_to_be_nothing() {
        assert_eq!(Table::new(["symbol"]).render(false, false), "(none)\n");
    }
}
