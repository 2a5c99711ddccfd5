//! `outcry report`: the ready-made reports. What each of them is, is in the crate `reporting`; each is also a view that `outcry sql` knows.
//! Here is how they are asked for, and what they look like as pictures and pages.

mod eod;
mod html;
mod money;
mod picture;

use super::sql::{Destination, Format, LimitArgs, write_whole};
use super::store::Store;
use crate::ui::{Failure, Outcome, Result, Table, Ui};
use clap::Args;
use market_data::Interval;
use reporting::{CellValue, Part, REPORTS, Report, Session};
use serde::Serialize;
use std::path::{Path, PathBuf};

/// Memory of a report that is not told otherwise: more than any takes for a day of 20 million orders (docs/PERFORMANCE.md).
const MEMORY_MIB: u64 = 4096;

/// Make a report from the log
///
/// Without a name, says which reports there are. docs/REPORTS.md explains them and their columns. eod ends with exit code 1 when
/// the books do not close. --chart draws candles, or makes a page of the end of the day.
#[derive(Debug, Args)]
pub struct Reports {
    /// Which report
    #[arg(value_name = "NAME", value_parser = REPORTS.iter().map(|report| report.name).collect::<Vec<_>>())]
    name: Option<String>,
    /// Only this trading day (UTC); for eod, the day to close
    #[arg(long, value_name = "DATE", value_parser = date, conflicts_with_all = ["from", "to"])]
    date: Option<String>,
    /// Only from this trading day on
    #[arg(long, value_name = "DATE", value_parser = date)]
    from: Option<String>,
    /// Only up to this trading day
    #[arg(long, value_name = "DATE", value_parser = date)]
    to: Option<String>,
    /// Only this account's
    #[arg(long, value_name = "NAME")]
    account: Option<String>,
    /// Only this instrument's; may be given again
    #[arg(long)]
    symbol: Vec<String>,
    /// The length of a candle: 1s, 1m, 5m, 15m, 1h or 1d
    #[arg(long, value_name = "INTERVAL", default_value = "1m")]
    interval: Interval,
    /// Candles for intervals without trades too, at the last close
    #[arg(long)]
    fill: bool,
    /// Draw it instead: candles as FILE.html or FILE.png, eod as FILE.html
    #[arg(long, value_name = "FILE", conflicts_with_all = ["format", "output"])]
    chart: Option<PathBuf>,
    /// How the report is written: a table, or JSON with --json
    #[arg(long, value_enum, value_name = "FORMAT")]
    format: Option<Format>,
    /// Write the report to a file, complete or not at all
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// The most rows of a table that are shown; 0 for all
    #[arg(long, value_name = "N", default_value_t = 1000)]
    max_rows: usize,
    #[command(flatten)]
    limits: LimitArgs,
    #[command(flatten)]
    store: Store,
}

/// A date of the calendar there is.
fn date(text: &str) -> Result<String, String> {
    text.parse::<jiff::civil::Date>()
        .map(|date| date.to_string())
        .map_err(|_| "write a date such as 2026-01-05".to_owned())
}

#[derive(Debug, Serialize)]
struct Listed {
    name: &'static str,
    about: &'static str,
    view: String,
    source: &'static [&'static str],
}

/// What `--chart` answers.
#[derive(Debug, Serialize)]
struct Drawn<'a> {
    file: &'a Path,
    bytes: usize,
    symbols: Vec<String>,
    /// Whether the books close; null for candles.
    closes: Option<bool>,
}

impl Reports {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let Some(name) = &self.name else { return list(ui) };
        let report =
            Report::find(name).ok_or_else(|| Failure::usage(format_args!("there is no report {name}")))?;
        self.check(report)?;
        let format = self.format.unwrap_or(if ui.is_json() { Format::Json } else { Format::Table });
        let destination = Destination { format, output: self.output.as_deref(), max_rows: self.max_rows };
        let session = destination.session(&self.store.dir, self.limits.apply(MEMORY_MIB))?;
        let part = self.part(report, &session)?;
        if let Some(file) = &self.chart {
            return self.draw(ui, report, &session, &part, file);
        }
        let query = report.query(&part);
        if report.name != "eod" {
            destination.answer(ui, &session, &[&query])?;
            return Ok(Outcome::Success);
        }
        // Closing the books takes a while, and it must be said whether they close: it is done once, into memory.
        session.query(&format!("CREATE TEMP TABLE closing AS {query}"))?.rows()?;
        destination.answer(ui, &session, &["SELECT * FROM closing ORDER BY number"])?;
        let closes = session.query("SELECT bool_and(ok) FROM closing")?.rows()?;
        Ok(Outcome::when(closes == [[CellValue::Bool(true)]]))
    }

    /// Whether the report can be about what was asked for.
    fn check(&self, report: &Report) -> Result<()> {
        for (asked, has, what) in [
            (self.account.is_some(), report.by_account, "account"),
            (!self.symbol.is_empty(), report.by_symbol, "symbol"),
        ] {
            if asked && !has {
                return Err(Failure::usage(format_args!("{} is not about one {what}", report.name))
                    .hint(format_args!("leave --{what} out")));
            }
        }
        if report.name == "eod" && (self.from.is_some() || self.to.is_some()) {
            return Err(Failure::usage("eod closes one day").hint("say which with --date"));
        }
        if self.chart.is_some() && !["candles", "eod"].contains(&report.name) {
            return Err(Failure::usage(format_args!("{} cannot be drawn", report.name))
                .hint("candles and eod can; --format has csv, json, markdown and parquet for the others"));
        }
        Ok(())
    }

    /// The part that was asked for. A name or a day that the log knows nothing of would only give an empty report.
    fn part(&self, report: &Report, session: &Session) -> Result<Part> {
        let mut part = Part {
            from: self.date.clone().or_else(|| self.from.clone()),
            to: self.date.clone().or_else(|| self.to.clone()),
            account: self.account.clone(),
            symbols: self.symbol.clone(),
            up_to: None,
            interval_ns: Some(self.interval.nanos()),
            fill: self.fill,
        };
        let accounts = part.account.iter().map(|account| ("accounts", "account", account));
        let symbols = part.symbols.iter().map(|symbol| ("instruments", "symbol", symbol));
        for (table, column, value) in accounts.chain(symbols) {
            let literal = value.replace('\'', "''");
            session.query(&format!("SELECT {column} FROM {table}({column} := '{literal}')"))?;
        }
        if let Some((first, last)) = session.days()? {
            // Dates of this form are in the order of their letters.
            let unknown =
                [part.from.as_ref().filter(|from| **from > last), part.to.as_ref().filter(|to| **to < first)];
            if let Some(date) = unknown.into_iter().flatten().next() {
                return Err(Failure::usage(format_args!("the log has nothing of {date}"))
                    .hint(format_args!("it goes from {first} to {last}")));
            }
        }
        if let (Some(date), "eod") = (&self.date, report.name) {
            let up_to = session.last_sequence_of(date)?;
            if up_to.is_none() {
                return Err(Failure::usage(format_args!("nothing happened on {date}"))
                    .hint("close a day on which something did; \"outcry log show --from DATE\" has the records after it"));
            }
            part.up_to = up_to;
        }
        Ok(part)
    }

    fn draw(
        &self,
        ui: &mut Ui,
        report: &Report,
        session: &Session,
        part: &Part,
        file: &Path,
    ) -> Result<Outcome> {
        let kind = picture::Kind::of(file)?;
        let (bytes, symbols, closes) = if report.name == "eod" {
            if kind == picture::Kind::Png {
                return Err(Failure::usage("the end of a day is a page").hint("end the name with .html"));
            }
            let page = eod::page(session, part)?;
            (page.html.into_bytes(), page.symbols, Some(page.closes))
        } else {
            let charted = picture::charted(session, &report.query(part))?;
            if charted.len() > picture::PICTURES_MAX {
                let most = picture::PICTURES_MAX;
                return Err(Failure::usage(format_args!(
                    "{} instruments are too many for one picture",
                    charted.len()
                ))
                .hint(format_args!("name up to {most} with --symbol")));
            }
            let interval = self.interval.to_string();
            let source = format!("From {}, {} instruments", self.store.dir.display(), charted.len());
            let bytes = picture::file(kind, &charted, &interval, self.interval.nanos(), &source)?;
            (bytes, charted.into_iter().map(|one| one.symbol).collect(), None)
        };
        write_whole(file, &bytes)?;
        let drawn = Drawn { file, bytes: bytes.len(), symbols, closes };
        ui.answer(&drawn, |ui, drawn| {
            ui.line(format_args!("{}: {}", drawn.file.display(), crate::ui::bytes(drawn.bytes as u64)))
        })?;
        Ok(Outcome::when(closes != Some(false)))
    }
}

fn list(ui: &mut Ui) -> Result<Outcome> {
    let listed: Vec<Listed> = REPORTS
        .iter()
        .map(|report| Listed {
            name: report.name,
            about: report.about,
            view: report.view(),
            source: report.source,
        })
        .collect();
    ui.answer(&listed, |ui, listed| {
        let mut table = Table::new(["report", "what it answers"]);
        for report in listed {
            table.row([report.name.to_owned(), report.about.to_owned()]);
        }
        ui.table(&table)
    })?;
    Ok(Outcome::Success)
}
