//! `outcry report eod --chart`: the end of a day as one page. First whether the books close, then what the day was.

use super::html::{Cell, Page, padded};
use super::money::{Steps, grouped};
use super::picture::{Charted, charted};
use crate::ui::{Failure, Result};
use chart::sparkline;
use reporting::{CellValue, Part, Report, Session};
use std::collections::HashMap;

/// The page, and what it says.
pub struct EndOfDay {
    pub html: String,
    pub closes: bool,
    /// The instruments on it.
    pub symbols: Vec<String>,
}

/// Instruments that the page has a line for, the busiest first.
const SYMBOLS_MAX: usize = 200;
/// Instruments that it has a chart of.
const CHARTS: usize = 3;
/// Accounts, alerts and refusals that it has a line for.
const LINES: usize = 20;
/// A candle on the page.
const CANDLE_NS: i64 = 300_000_000_000;

/// Makes the page of the day that `part` is about: the last one of the log, if it names none.
pub fn page(session: &Session, part: &Part) -> Result<EndOfDay> {
    let report = |name: &str| {
        Report::find(name).ok_or_else(|| Failure::failed(format_args!("there is no report {name}")))
    };
    // Closing the books takes a while: once, into memory.
    let table = format!("CREATE TEMP TABLE closing AS {}", report("eod")?.query(part));
    session.query(&table)?.rows()?;
    let ask = |sql: &str| ask(session, sql);
    let head = ask(
        "SELECT CAST(trade_date AS VARCHAR), last_sequence, (SELECT store_id FROM log), bool_and(ok) OVER () FROM closing LIMIT 1",
    )?;
    let Some([date, last, store, closes]) = head.first().map(Vec::as_slice) else {
        return Err(Failure::failed("the log is empty").hint("there is no day to close"));
    };
    let day = Day { ask: &ask, date };
    let closes = closes == "true";

    let mut page = Page::new(&format!("End of day {date}"));
    let below = format!("Log {store}, up to record {}. Days are UTC.", grouped(last));
    let verdict = if closes { "The books close" } else { "The books do not close" };
    page.head(&format!("End of day {date}"), &below, Some((closes, verdict)));
    day.numbers(&mut page)?;
    day.closing(&mut page)?;
    let whole_day = Part {
        from: Some(date.clone()),
        to: Some(date.clone()),
        interval_ns: Some(CANDLE_NS),
        ..Part::default()
    };
    let charted = charted(session, &report("candles")?.query(&whole_day))?;
    let symbols = day.instruments(&mut page, charted)?;
    day.accounts(&mut page)?;
    day.settlement(&mut page)?;
    day.controls(&mut page)?;
    day.alerts(&mut page)?;
    let foot = "Made by outcry report eod from the log alone. Every number here is a query: docs/REPORTS.md says which.";
    Ok(EndOfDay { html: page.finish(foot), closes, symbols })
}

/// All rows of an answer as people read them; nothing is a dash.
fn ask(session: &Session, sql: &str) -> Result<Vec<Vec<String>>> {
    let text = |cell: &CellValue| match cell {
        CellValue::Null => "–".to_owned(),
        CellValue::Bool(flag) => flag.to_string(),
        CellValue::Integer(number) => number.to_string(),
        CellValue::Float(number) => number.to_string(),
        CellValue::Number(text) | CellValue::Text(text) => text.clone(),
        CellValue::Time(text) => text.split('.').next().unwrap_or(text).to_owned(),
    };
    Ok(session.query(sql)?.rows()?.iter().map(|row| row.iter().map(text).collect()).collect())
}

/// What is asked about one day.
struct Day<'a> {
    ask: &'a dyn Fn(&str) -> Result<Vec<Vec<String>>>,
    date: &'a str,
}

/// The cells of a row, the first `texts` of them text.
fn cells(row: &[String], texts: usize) -> Vec<Cell> {
    let cell = |(at, value): (usize, &String)| {
        if at < texts { Cell::Text(value.clone()) } else { Cell::Number(grouped(value)) }
    };
    row.iter().enumerate().map(cell).collect()
}

impl Day<'_> {
    /// An SQL statement about this day.
    fn ask(&self, sql: &str) -> Result<Vec<Vec<String>>> {
        (self.ask)(&sql.replace("$day", &format!("DATE '{}'", self.date)))
    }

    fn numbers(&self, page: &mut Page) -> Result<()> {
        // What several parts of the page need is made once.
        self.ask(
            "CREATE TEMP TABLE ordered AS
             SELECT account, count(*) AS orders, count(*) FILTER (cum_lots > 0) AS traded FROM orders WHERE CAST(accepted_time AS DATE) = $day GROUP BY ALL",
        )?;
        self.ask("CREATE TEMP TABLE acts AS FROM controls WHERE trade_date = $day")?;
        self.ask("CREATE TEMP TABLE owed AS FROM settlement WHERE trade_date = $day")?;
        self.ask("CREATE TEMP TABLE charged AS FROM fees WHERE trade_date = $day")?;
        self.ask("CREATE TEMP TABLE alerts AS FROM surveillance WHERE trade_date = $day")?;
        self.ask("CREATE TEMP TABLE averages AS FROM vwap WHERE trade_date = $day")?;
        let one = |sql: &str| -> Result<String> {
            Ok(self.ask(sql)?.pop().and_then(|mut row| row.pop()).unwrap_or_default())
        };
        let mut tiles = vec![
            ("Trades", grouped(&one("SELECT coalesce(sum(trades), 0) FROM averages")?)),
            ("Orders accepted", grouped(&one("SELECT coalesce(sum(orders), 0) FROM ordered")?)),
            ("Refused", grouped(&one("SELECT coalesce(sum(count), 0) FROM acts WHERE control = 'reject'")?)),
            ("Accounts that traded", grouped(&one("SELECT count(DISTINCT account) FROM owed")?)),
            ("Instruments traded", grouped(&one("SELECT count(*) FROM averages")?)),
            ("Alerts", grouped(&one("SELECT count(*) FROM alerts")?)),
        ];
        for row in self.ask("SELECT currency, sum(notional) FROM averages GROUP BY ALL ORDER BY 1 LIMIT 4")? {
            if let [currency, notional] = &row[..] {
                tiles.push(("Traded", format!("{} {currency}", padded(&grouped(notional), 2))));
            }
        }
        for row in self.ask("SELECT currency, sum(fee) FROM charged GROUP BY ALL ORDER BY 1 LIMIT 4")? {
            if let [currency, fee] = &row[..] {
                tiles.push(("Fees", format!("{} {currency}", padded(&grouped(fee), 2))));
            }
        }
        page.tiles(&tiles);
        Ok(())
    }

    fn closing(&self, page: &mut Page) -> Result<()> {
        page.section(
            "Reconciliation",
            "The same things counted in two ways, from tables that are made independently of each other.",
        );
        let rows =
            self.ask("SELECT number, what, expected, found, differs, ok FROM closing ORDER BY number")?;
        let rows: Vec<Vec<Cell>> = rows
            .iter()
            .filter_map(|row| {
                let [number, what, expected, found, differs, ok] = &row[..] else { return None };
                Some(vec![
                    Cell::Text(number.clone()),
                    Cell::Text(what.clone()),
                    Cell::Number(grouped(expected)),
                    Cell::Number(grouped(found)),
                    Cell::Number(grouped(differs)),
                    Cell::Verdict(ok == "true"),
                ])
            })
            .collect();
        page.table(&["", "what", "expected", "found", "differs", ""], &rows, "");
        page.end_section();
        Ok(())
    }

    fn instruments(&self, page: &mut Page, charted: Vec<Charted>) -> Result<Vec<String>> {
        page.section("Instruments", "The busiest first. The line is the day's way of the price, five minutes a step; the change is from the first trade to the last.");
        let rows = self.ask(&format!(
            "SELECT symbol, currency, trades, volume, notional, vwap FROM averages ORDER BY notional DESC, symbol LIMIT {SYMBOLS_MAX}"
        ))?;
        let mut by_symbol: HashMap<String, Charted> =
            charted.into_iter().map(|one| (one.symbol.clone(), one)).collect();
        for row in rows.iter().take(CHARTS) {
            if let Some(charted) = by_symbol.get(&row[0]) {
                page.picture(&charted.picture("5m", CANDLE_NS));
            }
        }
        let mut lines = Vec::new();
        for row in &rows {
            let [symbol, currency, trades, volume, notional, vwap] = &row[..] else { continue };
            let Some(charted) = by_symbol.remove(symbol) else { continue };
            let candles = &charted.candles;
            let (Some(first), Some(last)) = (candles.first(), candles.last()) else { continue };
            let high = candles.iter().map(|candle| candle.high).max().unwrap_or(first.high);
            let low = candles.iter().map(|candle| candle.low).min().unwrap_or(first.low);
            let price = |ticks| charted.tick.times(ticks);
            // The way begins at the first trade, not at the first close.
            let way: Vec<i64> =
                std::iter::once(first.open).chain(candles.iter().map(|it| it.close)).collect();
            lines.push(vec![
                Cell::Text(symbol.clone()),
                Cell::Picture(sparkline(&way, 96, 22, format!("{symbol} over the day"))),
                Cell::Number(price(first.open)),
                Cell::Number(price(high)),
                Cell::Number(price(low)),
                Cell::Number(price(last.close)),
                Cell::Signed(change(first.open, last.close)),
                Cell::Number(grouped(vwap)),
                Cell::Number(grouped(trades)),
                Cell::Number(grouped(volume)),
                Cell::Number(grouped(notional)),
                Cell::Text(currency.clone()),
            ]);
        }
        let names = [
            "symbol", "", "open", "high", "low", "close", "change %", "vwap", "trades", "volume", "notional",
            "",
        ];
        page.table(&names, &lines, "Nothing traded.");
        page.end_section();
        Ok(rows.into_iter().filter_map(|row| row.into_iter().next()).collect())
    }

    fn accounts(&self, page: &mut Page) -> Result<()> {
        page.section(
            "Accounts",
            &format!("The {LINES} that traded for most, each trade counted on both of its sides."),
        );
        let rows = self.ask(&format!(
            "WITH traded AS (SELECT account, currency, sum(trades) AS trades, sum(notional) AS notional, sum(fee) AS fee FROM charged GROUP BY ALL)
             SELECT t.account, t.currency, t.trades, t.notional, t.fee, coalesce(o.orders, 0), coalesce(o.traded, 0), printf('%.1f', r.ratio)
             FROM traded t LEFT JOIN ordered o ON o.account = t.account
             LEFT JOIN acts r ON r.account = t.account AND r.control = 'order-to-trade'
             ORDER BY t.notional DESC, t.account LIMIT {LINES}"
        ))?;
        let rows: Vec<Vec<Cell>> = rows.iter().map(|row| cells(row, 2)).collect();
        let names =
            ["account", "", "trades", "notional", "fees", "orders", "of which traded", "messages a trade"];
        page.table(&names, &rows, "Nobody traded.");
        page.end_section();
        Ok(())
    }

    fn settlement(&self, page: &mut Page) -> Result<()> {
        page.section(
            "Settlement",
            "Netted by account and instrument, due a business day later. To deliver and to pay are what must move; nets that do not sum to zero and fails should be none.",
        );
        let rows = self.ask(
            "SELECT currency, CAST(settlement_date AS VARCHAR), status, count(*), sum(trades) // 2, sum(greatest(net_cash, 0)), sum(net_cash), sum(net_lots),
                    count(*) FILTER (status = 'failed'), max(fail_age_days)
             FROM owed GROUP BY ALL ORDER BY ALL",
        )?;
        let rows: Vec<Vec<Cell>> = rows.iter().map(|row| cells(row, 3)).collect();
        let names = [
            "currency",
            "due",
            "status",
            "obligations",
            "trades",
            "to pay",
            "net cash",
            "net lots",
            "fails",
            "oldest, days",
        ];
        page.table(&names, &rows, "Nothing to settle.");
        page.end_section();
        Ok(())
    }

    fn controls(&self, page: &mut Page) -> Result<()> {
        page.section(
            "Controls",
            "What was refused and why, kill switches, and instruments that were halted.",
        );
        let rows = self.ask(&format!(
            "SELECT control, detail, sum(count), count(DISTINCT account), count(DISTINCT symbol), min(first_sequence), max(last_sequence)
             FROM acts WHERE control <> 'order-to-trade' GROUP BY ALL ORDER BY 3 DESC, 1, 2 LIMIT {LINES}"
        ))?;
        let rows: Vec<Vec<Cell>> = rows.iter().map(|row| cells(row, 2)).collect();
        let names = ["control", "detail", "times", "accounts", "instruments", "first record", "last record"];
        page.table(&names, &rows, "Nothing was refused or halted.");
        page.end_section();
        Ok(())
    }

    fn alerts(&self, page: &mut Page) -> Result<()> {
        page.section("Surveillance", "Patterns that a person should look at: how many of each, and the first of them with their evidence.");
        let kinds = self.ask("SELECT alert, count(*), count(DISTINCT account), count(DISTINCT symbol) FROM alerts GROUP BY ALL ORDER BY 2 DESC, 1")?;
        let kinds: Vec<Vec<Cell>> = kinds.iter().map(|row| cells(row, 1)).collect();
        page.table(&["alert", "how many", "accounts", "instruments"], &kinds, "No alerts.");
        if !kinds.is_empty() {
            let first = self.ask(&format!(
                "SELECT alert, time, symbol, account, other_account, about, printf('%.2f', measure), first_sequence, last_sequence FROM alerts
                 QUALIFY row_number() OVER (PARTITION BY alert ORDER BY measure DESC, first_sequence) <= 4 ORDER BY alert, measure DESC, first_sequence LIMIT {LINES}"
            ))?;
            let first: Vec<Vec<Cell>> = first.iter().map(|row| cells(row, 6)).collect();
            page.paragraph("The four of each that measure most:");
            page.table(
                &[
                    "alert",
                    "time",
                    "symbol",
                    "account",
                    "other",
                    "about",
                    "measure",
                    "first record",
                    "last record",
                ],
                &first,
                "",
            );
        }
        page.end_section();
        Ok(())
    }
}

/// The change from one price to another in per cent, to two decimals, half away from zero.
fn change(from: i64, to: i64) -> String {
    if from == 0 {
        return "–".to_owned();
    }
    let (from, to) = (i128::from(from), i128::from(to));
    let hundredths = (20_000 * (to - from).abs() + from.abs()) / (2 * from.abs());
    let sign = if to < from && hundredths > 0 { -1 } else { 1 };
    Steps::of("0.01").times(i64::try_from(sign * hundredths).unwrap_or(i64::MAX))
}

#[cfg(test)]
mod tests {
    use super::change;

    #[test]
    fn changes_are_rounded_to_two_decimals() {
        for (from, to, change_pct) in [
            (100, 110, "10.00"),
            (110, 100, "-9.09"),
            (300, 301, "0.33"),
            (200_000, 199_999, "0.00"),
            (20_000, 19_999, "-0.01"),
            (100, 100, "0.00"),
            (0, 5, "–"),
        ] {
            assert_eq!(change(from, to), change_pct, "{from} to {to}");
        }
    }
}
