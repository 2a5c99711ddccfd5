//! A page that is one file: no script, nothing from anywhere else, readable by day, by night and on paper. Whatever goes in as text comes out
//! as text.

use chart::Escaped;
use std::fmt::{self, Write as _};

/// How the pages look.
const STYLE: &str = include_str!("page.css");

/// A page under construction.
pub struct Page {
    out: String,
}

/// A cell of a table.
#[derive(Debug, Clone)]
pub enum Cell {
    /// Text, on the left.
    Text(String),
    /// A number, on the right.
    Number(String),
    /// A number that is good when it is above zero, and bad below.
    Signed(String),
    /// Whether something is as it should be.
    Verdict(bool),
    /// A picture.
    Picture(chart::Picture),
}

impl Cell {
    /// How many decimals a number has.
    fn decimals(&self) -> Option<usize> {
        match self {
            Self::Number(number) => number.split_once('.').map(|(_, fraction)| fraction.len().max(2)),
            _ => None,
        }
    }
}

/// A number with so many decimals at least; words are left alone.
pub fn padded(number: &str, decimals: usize) -> String {
    if decimals == 0 || !number.ends_with(|last: char| last.is_ascii_digit()) {
        return number.to_owned();
    }
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    format!("{whole}.{fraction:0<decimals$}")
}

impl Page {
    pub fn new(title: &str) -> Self {
        let mut page = Self { out: String::new() };
        page.put(format_args!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{}</title>\n<style>\n{}\n{}</style>\n</head>\n<body>\n<main>\n",
            Escaped(title),
            chart::STYLE.trim_end(),
            STYLE
        ));
        page
    }

    fn put(&mut self, html: fmt::Arguments<'_>) {
        self.out.write_fmt(html).expect("writing to a string cannot fail");
    }

    /// The page's head line, and what is said below it.
    pub fn head(&mut self, title: &str, below: &str, badge: Option<(bool, &str)>) {
        self.put(format_args!("<header>\n<h1>{}</h1>\n", Escaped(title)));
        if let Some((good, text)) = badge {
            let class = if good { "good" } else { "bad" };
            self.put(format_args!("<p class=\"badge {class}\">{}</p>\n", Escaped(text)));
        }
        self.put(format_args!("<p class=\"below\">{}</p>\n</header>\n", Escaped(below)));
    }

    /// Numbers that stand for themselves.
    pub fn tiles(&mut self, tiles: &[(&str, String)]) {
        self.put(format_args!("<dl class=\"tiles\">\n"));
        for (name, value) in tiles {
            self.put(format_args!("<div><dt>{}</dt><dd>{}</dd></div>\n", Escaped(name), Escaped(value)));
        }
        self.put(format_args!("</dl>\n"));
    }

    /// Begins a part of the page.
    pub fn section(&mut self, title: &str, about: &str) {
        self.put(format_args!("<section>\n<h2>{}</h2>\n", Escaped(title)));
        if !about.is_empty() {
            self.put(format_args!("<p class=\"about\">{}</p>\n", Escaped(about)));
        }
    }

    /// Ends it.
    pub fn end_section(&mut self) {
        self.put(format_args!("</section>\n"));
    }

    /// A sentence.
    pub fn paragraph(&mut self, text: &str) {
        self.put(format_args!("<p class=\"about\">{}</p>\n", Escaped(text)));
    }

    /// A picture by itself.
    pub fn picture(&mut self, picture: &chart::Picture) {
        self.put(format_args!("<figure>\n{}</figure>\n", picture.svg()));
    }

    /// A table; nothing but a sentence when it has no rows.
    pub fn table(&mut self, names: &[&str], rows: &[Vec<Cell>], nothing: &str) {
        let Some(first) = rows.first() else {
            self.put(format_args!("<p class=\"nothing\">{}</p>\n", Escaped(nothing)));
            return;
        };
        let on_the_right = |at: usize| matches!(first.get(at), Some(Cell::Number(_) | Cell::Signed(_)));
        self.put(format_args!("<div class=\"wide\"><table>\n<thead><tr>"));
        for (at, name) in names.iter().enumerate() {
            let class = if on_the_right(at) { " class=\"n\"" } else { "" };
            self.put(format_args!("<th{class}>{}</th>", Escaped(name)));
        }
        self.put(format_args!("</tr></thead>\n<tbody>\n"));
        // Numbers of a column have their points below each other.
        let decimals = |at: usize| rows.iter().filter_map(|row| row.get(at)?.decimals()).max().unwrap_or(0);
        let decimals: Vec<usize> = (0..first.len()).map(decimals).collect();
        for row in rows {
            self.put(format_args!("<tr>"));
            for (cell, &decimals) in row.iter().zip(&decimals) {
                match cell {
                    Cell::Number(number) => self.cell(&Cell::Number(padded(number, decimals))),
                    other => self.cell(other),
                }
            }
            self.put(format_args!("</tr>\n"));
        }
        self.put(format_args!("</tbody>\n</table></div>\n"));
    }

    fn cell(&mut self, cell: &Cell) {
        match cell {
            Cell::Text(text) => self.put(format_args!("<td>{}</td>", Escaped(text))),
            Cell::Number(number) => self.put(format_args!("<td class=\"n\">{}</td>", Escaped(number))),
            Cell::Signed(number) => {
                let class = match number.as_str() {
                    number if number.starts_with('-') => "n down",
                    number if number.bytes().any(|byte| (b'1'..=b'9').contains(&byte)) => "n up",
                    _ => "n",
                };
                self.put(format_args!("<td class=\"{class}\">{}</td>", Escaped(number)));
            }
            Cell::Verdict(true) => self.put(format_args!("<td class=\"up\">ok</td>")),
            Cell::Verdict(false) => self.put(format_args!("<td class=\"down\">differs</td>")),
            Cell::Picture(picture) => self.put(format_args!("<td class=\"spark\">{}</td>", picture.svg())),
        }
    }

    /// The whole page.
    pub fn finish(mut self, foot: &str) -> String {
        self.put(format_args!("<footer>{}</footer>\n</main>\n</body>\n</html>\n", Escaped(foot)));
        self.out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn points_stand_below_each_other() {
        let column = |numbers: &[&str]| {
            let mut page = Page::new("");
            let rows: Vec<Vec<Cell>> =
                numbers.iter().map(|it| vec![Cell::Number((*it).to_owned())]).collect();
            page.table(&["n"], &rows, "");
            page.finish("")
        };
        let html = column(&["1,000.5", "7", "–", "0.125"]);
        for number in [">1,000.500<", ">7.000<", ">–<", ">0.125<"] {
            assert!(html.contains(number), "{html}");
        }
        assert!(column(&["1", "22"]).contains(">22<"));
        assert!(column(&["1.5"]).contains(">1.50<"));
    }

    #[test]
    fn whatever_goes_in_as_text_comes_out_as_text() {
        let hostile = "<script>alert(\"x\")</script>&'";
        let mut page = Page::new(hostile);
        page.head(hostile, hostile, Some((false, hostile)));
        page.tiles(&[(hostile, hostile.to_owned())]);
        page.section(hostile, hostile);
        let cells = [Cell::Text, Cell::Number, Cell::Signed].map(|cell| cell(hostile.to_owned()));
        let picture = chart::sparkline(&[1, 2], 80, 20, hostile.to_owned());
        let row = cells.into_iter().chain([Cell::Verdict(true), Cell::Picture(picture)]).collect();
        page.table(&[hostile; 5], &[row], hostile);
        page.table(&[], &[], hostile);
        page.end_section();
        let html = page.finish(hostile);
        assert!(!html.contains("<script"), "{html}");
        assert_eq!(html.matches("&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&amp;&#39;").count(), 19);
        assert!(!html.contains("http"), "{html}");
    }
}
