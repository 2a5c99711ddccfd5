//! The ready-made reports: SQL over the tables, kept in `reports/*.sql`, each a view (or a macro, for candles of any interval) that every
//! session has. Here is what there is, and how a question about a part of it is asked.

mod columns;
mod part;

pub use columns::COLUMNS;
pub use part::Part;

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
        let from = if let (Some(up_to), "eod") = (part.up_to, self.name) {
            format!("({})", closing(up_to))
        } else if let Some(narrow) = part.narrowed(self) {
            format!("({narrow})")
        } else if self.name == "candles" {
            let filled = if part.fill { "_filled" } else { "" };
            format!("candles{filled}({})", part.interval())
        } else {
            self.view()
        };
        let (filter, order) = (part.filter(), self.order);
        let order = if order.is_empty() { String::new() } else { format!(" ORDER BY {order}") };
        format!("SELECT * FROM {from}{filter}{order}")
    }

    /// What the view of it says, or the macro.
    fn body(&self) -> Option<&'static str> {
        let begin = match self.name {
            "candles" => "CREATE MACRO candles(interval_ns) AS TABLE".to_owned(),
            _ => format!("CREATE VIEW {} AS", self.view()),
        };
        let (_, body) = SQL.iter().find_map(|file| file.split_once(&begin))?;
        body.split(";\n").next()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(report: &str, part: &Part) -> String {
        Report::find(report).unwrap().query(part)
    }

    #[test]
    fn a_query_names_what_is_wanted_and_cannot_be_broken_out_of() {
        let (account, from) = (Some("o'neil".to_owned()), Some("2026-01-05".to_owned()));
        assert_eq!(
            query("tax", &Part { from, account, ..Part::default() }),
            "SELECT * FROM tax WHERE trade_date >= '2026-01-05' AND account = 'o''neil' \
             ORDER BY disposed_sequence, account, acquired_sequence"
        );
        assert_eq!(
            query("candles", &Part { interval_ns: Some(1), fill: true, ..Part::default() }),
            "SELECT * FROM candles_filled(1) ORDER BY symbol, start"
        );
        let symbols = vec!["A'".to_owned(), "B".to_owned()];
        assert_eq!(
            query("vwap", &Part { symbols, ..Part::default() }),
            "SELECT * FROM vwap WHERE symbol IN ('A''', 'B') ORDER BY trade_date, symbol"
        );
        let closed = query("eod", &Part { up_to: Some(7), ..Part::default() });
        assert!(closed.contains("FROM trades(to_seq := 7)") && !closed.contains('$'), "{closed}");
    }

    #[test]
    fn what_is_not_wanted_is_not_read() {
        let part = Part {
            from: Some("2026-01-30".to_owned()),
            to: Some("2026-01-31".to_owned()),
            account: Some("o'neil".to_owned()),
            symbols: vec!["A".to_owned()],
            interval_ns: Some(1_000_000_000),
            ..Part::default()
        };
        let history = query("trade-history", &part);
        let arguments =
            "from_time := '2026-01-30', to_time := '2026-02-01', symbol := 'A', account := 'o''neil'";
        assert!(history.contains(&format!("FROM executions({arguments})")), "{history}");
        assert!(history.ends_with("symbol IN ('A')") && !history.contains(';'), "{history}");
        let candles = query("candles", &part);
        let arguments = "1000000000, from_time := '2026-01-30', to_time := '2026-02-01', symbol := 'A'";
        assert!(candles.contains(&format!("FROM bars({arguments})")), "{candles}");
        // What came before fills a gap, and a candle of five days has trades of five days.
        let filled = Part { fill: true, ..part.clone() };
        let long = Part { interval_ns: Some(5 * 86_400_000_000_000), ..part.clone() };
        for whole in [filled, long] {
            assert!(!query("candles", &whole).contains("from_time"));
        }
        for report in REPORTS {
            assert_eq!(report.body().is_some(), report.name != "eod", "{}", report.name);
            let query = report.query(&part);
            assert!(!query.contains("/*"), "{query}");
        }
    }
}
