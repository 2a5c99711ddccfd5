//! A part of a report. What is not wanted of it should not be read either: where a report says that it may, the tables it is made from are
//! asked for the part alone.

use super::Report;
use crate::views::quoted;

/// Which part of a report is wanted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Part {
    /// The first trading day, as `2026-01-05`.
    pub from: Option<String>,
    /// The last.
    pub to: Option<String>,
    /// Only this account's.
    pub account: Option<String>,
    /// Only these instruments'; all of them when there is none.
    pub symbols: Vec<String>,
    /// The books are closed after this record: only for `eod`.
    pub up_to: Option<u64>,
    /// The length of a candle in nanoseconds.
    pub interval_ns: Option<i64>,
    /// Whether candles are there for intervals without trades too.
    pub fill: bool,
}

/// Where a report may be narrowed, with what may be said there of the part: `FROM trades/*part: time symbol*/`, or, where there are
/// arguments already, `FROM bars(1000/*, part: time*/)`.
const PLACE: &str = "/*";

const DAY_NS: i64 = 86_400_000_000_000;

impl Part {
    /// The length of a candle.
    pub(super) fn interval(&self) -> i64 {
        self.interval_ns.unwrap_or(60_000_000_000)
    }

    /// The condition that is true of the part.
    pub(super) fn filter(&self) -> String {
        let mut conditions = Vec::new();
        let mut with = |condition: &str, value: &Option<String>| {
            conditions.extend(value.iter().map(|value| format!("{condition} {}", quoted(value))));
        };
        with("trade_date >=", &self.from);
        with("trade_date <=", &self.to);
        with("account =", &self.account);
        if !self.symbols.is_empty() {
            let symbols: Vec<String> = self.symbols.iter().map(|symbol| quoted(symbol)).collect();
            conditions.push(format!("symbol IN ({})", symbols.join(", ")));
        }
        if conditions.is_empty() { String::new() } else { format!(" WHERE {}", conditions.join(" AND ")) }
    }

    /// The report with its tables asked for no more than the part needs, if that is less than everything. What it says of the part is
    /// the same.
    pub(super) fn narrowed(&self, report: &Report) -> Option<String> {
        // A gap is filled with what was before the part; a candle longer than a day, or of two, has trades of another day.
        let (is_filled, is_odd) = (self.fill, DAY_NS % self.interval().max(1) != 0);
        if report.name == "candles" && (is_filled || is_odd) {
            return None;
        }
        let mut body = report.body()?.to_owned();
        if report.name == "candles" {
            body = body.replace("interval_ns", &self.interval().to_string());
        }
        let (mut narrowed, mut rest) = (String::new(), body.as_str());
        let mut is_less = false;
        while let Some((before, place)) = rest.split_once(PLACE) {
            let (words, after) = place.split_once("*/")?;
            let (goes_on, words) = words.split_once("part:")?;
            let arguments: Vec<String> =
                words.split_whitespace().flat_map(|word| self.arguments(word)).collect();
            let arguments = match (arguments.join(", "), goes_on) {
                (none, _) if none.is_empty() => none,
                (some, "") => format!("({some})"),
                (some, comma) => format!("{comma}{some}"),
            };
            is_less |= !arguments.is_empty();
            narrowed.extend([before, &arguments]);
            rest = after;
        }
        narrowed.push_str(rest);
        is_less.then_some(narrowed)
    }

    /// What can be said of the part with one word of a place.
    fn arguments(&self, word: &str) -> Vec<String> {
        let argument =
            |name: &str, value: Option<&String>| value.map(|value| format!("{name} := {}", quoted(value)));
        match word {
            "time" => {
                let next_day = self.to.as_ref().and_then(|to| {
                    let day = to.parse::<jiff::civil::Date>().ok()?.tomorrow().ok()?;
                    Some(day.to_string())
                });
                let from = argument("from_time", self.from.as_ref());
                from.into_iter().chain(argument("to_time", next_day.as_ref())).collect()
            }
            "account" => argument("account", self.account.as_ref()).into_iter().collect(),
            "symbol" => match &self.symbols[..] {
                [symbol] => argument("symbol", Some(symbol)).into_iter().collect(),
                _ => Vec::new(),
            },
            other => unreachable!("{other} is no word of a place"),
        }
    }
}
