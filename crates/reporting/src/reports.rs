//! The ready-made reports: SQL over the tables, kept in `reports/*.sql`, each a view (or a macro, for candles of any interval) that every
//! session has. Here is what there is, and how a question about a part of it is asked.

mod columns;

pub use columns::COLUMNS;

/// The statements that make the reports' views.
pub(crate) const SQL: &[&str] = &[
    include_str!("../reports/settings.sql"),
    include_str!("../reports/candles.sql"),
    include_str!("../reports/history.sql"),
    include_str!("../reports/settlement.sql"),
    include_str!("../reports/fees.sql"),
    include_str!("../reports/tax.sql"),
    include_str!("../reports/market.sql"),
    include_str!("../reports/controls.sql"),
    include_str!("../reports/surveillance.sql"),
];

/// The closing of the books after a record.
fn closing(last: u64) -> String {
    include_str!("../reports/eod.sql").replace("$last", &last.to_string())
}

/// The statement that makes the view of the last closing there can be.
pub(crate) fn closing_view() -> String {
    // Records are counted in 63 bits in SQL.
    format!("CREATE VIEW eod AS {}", closing(u64::MAX >> 1))
}

/// A report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Report {
    /// Its name on the command line. The view's is the same with `_` for `-`.
    pub name: &'static str,
    /// What it answers, in a sentence.
    pub about: &'static str,
    /// The tables it is made from.
    pub source: &'static [&'static str],
    /// Whether its rows are about one account each.
    pub by_account: bool,
    /// Whether its rows are about one instrument each.
    pub by_symbol: bool,
    /// In which order its rows come; empty for that of the log, in which they come by themselves. A day's orders would not fit the
    /// memory that sorting takes.
    pub order: &'static str,
}

/// Every report.
pub const REPORTS: &[Report] = &[
    Report {
        name: "candles",
        about: "Open, high, low, close and volume of each instrument, interval by interval",
        source: &["bars", "instruments"],
        by_account: false,
        by_symbol: true,
        order: "symbol, start",
    },
    Report {
        name: "trade-history",
        about: "Every trade of every account, from its own side",
        source: &["executions"],
        by_account: true,
        by_symbol: true,
        order: "",
    },
    Report {
        name: "order-audit",
        about: "Everything that happened to every order, with the record-keeping fields of MiFID II RTS 24 in spirit",
        source: &["order_events"],
        by_account: true,
        by_symbol: true,
        order: "",
    },
    Report {
        name: "cat",
        about: "The life of every order as typed events, after the Consolidated Audit Trail",
        source: &["order_events"],
        by_account: true,
        by_symbol: true,
        order: "",
    },
    Report {
        name: "surveillance",
        about: "Patterns that a person should look at: wash trades, spoofing, layering, marking the close, quote stuffing, ramping",
        source: &["trades", "orders", "executions", "activity", "surveillance_thresholds"],
        by_account: true,
        by_symbol: true,
        order: "first_sequence, alert",
    },
    Report {
        name: "controls",
        about: "What the controls did: refusals by reason, kill switches, changes of phase, orders for each trade",
        source: &["events", "activity"],
        by_account: true,
        by_symbol: true,
        order: "trade_date, control, account, symbol, detail",
    },
    Report {
        name: "settlement",
        about: "What each account has to deliver and to pay for a day's trades, netted, a business day later",
        source: &["trades", "ledger", "business_days"],
        by_account: true,
        by_symbol: true,
        order: "trade_date, symbol, account",
    },
    Report {
        name: "tax",
        about: "Every sale with the lots it used up, first in first out: proceeds, basis, gain, term, wash sales",
        source: &["ledger", "trades"],
        by_account: true,
        by_symbol: true,
        order: "disposed_sequence, account, acquired_sequence",
    },
    Report {
        name: "fees",
        about: "What each account owes for its trades under the fee schedule",
        source: &["executions", "fee_schedule"],
        by_account: true,
        by_symbol: true,
        order: "trade_date, account, symbol, liquidity",
    },
    Report {
        name: "vwap",
        about: "The volume-weighted average price of each instrument and day",
        source: &["trades", "instruments"],
        by_account: false,
        by_symbol: true,
        order: "trade_date, symbol",
    },
    Report {
        name: "market-quality",
        about: "Spread and depth weighted by time, and how much of what was ordered traded",
        source: &["quote_spans", "orders"],
        by_account: false,
        by_symbol: true,
        order: "trade_date, symbol",
    },
    Report {
        name: "eod",
        about: "The closing of the books: trades, orders, ledger, balances and settlement held against each other",
        source: &["trades", "executions", "orders", "events", "ledger", "balances"],
        by_account: false,
        by_symbol: false,
        order: "number",
    },
];

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

impl Report {
    /// The report of a name.
    pub fn find(name: &str) -> Option<&'static Self> {
        REPORTS.iter().find(|report| report.name == name)
    }

    /// The name of its view or macro.
    pub fn view(&self) -> String {
        self.name.replace('-', "_")
    }

    /// The query for a part of it.
    pub fn query(&self, part: &Part) -> String {
        let view = self.view();
        let from = if self.name == "candles" {
            let filled = if part.fill { "_filled" } else { "" };
            format!("{view}{filled}({})", part.interval_ns.unwrap_or(60_000_000_000))
        } else if let (Some(up_to), "eod") = (part.up_to, self.name) {
            format!("({})", closing(up_to))
        } else {
            view
        };
        let text = |text: &str| format!("'{}'", text.replace('\'', "''"));
        let mut conditions = Vec::new();
        let mut with = |condition: &str, value: &Option<String>| {
            conditions.extend(value.iter().map(|value| format!("{condition} {}", text(value))));
        };
        with("trade_date >=", &part.from);
        with("trade_date <=", &part.to);
        with("account =", &part.account);
        if !part.symbols.is_empty() {
            let symbols: Vec<String> = part.symbols.iter().map(|symbol| text(symbol)).collect();
            conditions.push(format!("symbol IN ({})", symbols.join(", ")));
        }
        let filter = if conditions.is_empty() {
            String::new()
        } else {
            format!(" WHERE {}", conditions.join(" AND "))
        };
        let order = if self.order.is_empty() { String::new() } else { format!(" ORDER BY {}", self.order) };
        format!("SELECT * FROM {from}{filter}{order}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_query_names_what_is_wanted_and_cannot_be_broken_out_of() {
        let part = Part {
            account: Some("o'neil".to_owned()),
            from: Some("2026-01-05".to_owned()),
            ..Part::default()
        };
        assert_eq!(
            Report::find("trade-history").unwrap().query(&part),
            "SELECT * FROM trade_history WHERE trade_date >= '2026-01-05' AND account = 'o''neil'"
        );
        let filled = Part { interval_ns: Some(1), fill: true, ..Part::default() };
        assert_eq!(
            Report::find("candles").unwrap().query(&filled),
            "SELECT * FROM candles_filled(1) ORDER BY symbol, start"
        );
        let symbols = vec!["A'".to_owned(), "B".to_owned()];
        let vwap = Part { symbols, ..Part::default() };
        assert_eq!(
            Report::find("vwap").unwrap().query(&vwap),
            "SELECT * FROM vwap WHERE symbol IN ('A''', 'B') ORDER BY trade_date, symbol"
        );
        let closed = Part { up_to: Some(7), ..Part::default() };
        let query = Report::find("eod").unwrap().query(&closed);
        assert!(query.contains("FROM trades(to_seq := 7)") && !query.contains('$'), "{query}");
    }
}
