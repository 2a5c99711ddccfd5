//! `outcry report`: the ready-made reports. What each of them is, is in the crate `reporting`; each is also a view that `outcry sql` knows.

use super::sql::{Asked, Destination, Format, LimitArgs};
use super::store::Store;
use crate::ui::{Failure, Outcome, Result, Table, Ui};
use clap::Args;
use market_data::Interval;
use reporting::{CellValue, Part, REPORTS, Report, Session};
use serde::Serialize;
use std::path::PathBuf;

/// Make a report from the log
///
/// Without a name, says which reports there are. docs/REPORTS.md explains them and their columns. eod ends with exit code 1 when
/// the books do not close.
#[derive(Debug, Args)]
pub struct Reports {
    /// Which report
    #[arg(value_name = "NAME", value_parser = REPORTS.iter().map(|report| report.name).collect::<Vec<_>>())]
    name: Option<String>,
    /// Only this trading day (UTC)
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
    /// Only this instrument's
    #[arg(long)]
    symbol: Option<String>,
    /// The length of a candle: 1s, 1m, 5m, 15m, 1h or 1d
    #[arg(long, value_name = "INTERVAL", default_value = "1m")]
    interval: Interval,
    /// Candles for intervals without trades too, at the last close
    #[arg(long)]
    fill: bool,
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

impl Reports {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let Some(name) = &self.name else { return list(ui) };
        let report =
            Report::find(name).ok_or_else(|| Failure::usage(format_args!("there is no report {name}")))?;
        for (asked, has, what) in [
            (self.account.is_some(), report.by_account, "account"),
            (self.symbol.is_some(), report.by_symbol, "symbol"),
        ] {
            if asked && !has {
                return Err(Failure::usage(format_args!("{name} is not about one {what}"))
                    .hint(format_args!("leave --{what} out")));
            }
        }
        let part = Part {
            from: self.date.clone().or_else(|| self.from.clone()),
            to: self.date.clone().or_else(|| self.to.clone()),
            account: self.account.clone(),
            symbol: self.symbol.clone(),
            interval_ns: Some(self.interval.nanos()),
            fill: self.fill,
        };
        let limits = self.limits.apply();
        let session = Session::open(&self.store.dir, limits)?;
        // A name that nothing has would only give an empty report.
        for (table, column, value) in
            [("accounts", "account", &part.account), ("instruments", "symbol", &part.symbol)]
        {
            if let Some(value) = value {
                let literal = value.replace('\'', "''");
                session.query(&format!("SELECT {column} FROM {table}({column} := '{literal}')"))?;
            }
        }
        let query = report.query(&part);
        let format = self.format.unwrap_or(if ui.is_json() { Format::Json } else { Format::Table });
        Asked {
            store: &self.store.dir,
            statements: &[&query],
            limits,
            destination: Destination { format, output: self.output.as_deref(), max_rows: self.max_rows },
        }
        .answer(ui)?;
        if report.name != "eod" {
            return Ok(Outcome::Success);
        }
        let closes = session.query("SELECT bool_and(ok) FROM eod")?.rows()?;
        Ok(Outcome::when(closes == [[CellValue::Bool(true)]]))
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
