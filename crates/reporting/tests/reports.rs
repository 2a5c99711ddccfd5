//! The reports against sums made another way.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use std::collections::BTreeMap;

use common::{Market, ask, cancel, deal, one, order, session};
use market_data::{Candles, Interval};
use model::{Command, Event, Side, Trade};
use reporting::{Part, REPORTS, Report};

const SECOND: i64 = 1_000_000_000;
const DAY: i64 = 86_400 * SECOND;

fn trades(market: &Market) -> Vec<Trade> {
    let trade = |(_, _, event): &(u64, i64, Event)| match event {
        Event::Trade(trade) => Some(*trade),
        _ => None,
    };
    market.events.iter().filter_map(trade).collect()
}

/// A market over a few minutes and days.
fn busy(dir: &std::path::Path, seed: u64) -> Market {
    let mut market = Market::opened(dir);
    for round in 0..12 {
        market.trade(seed + round, 120);
        market.sleep(if round == 5 { DAY } else { 25 * SECOND });
    }
    market
}

#[test]
fn candles_are_those_of_the_market_data() {
    let dir = tempfile::tempdir().unwrap();
    let market = busy(dir.path(), 31);
    let session = session(dir.path());
    for interval in [Interval::Second, Interval::Minute, Interval::Hour, Interval::Day] {
        let mut expected = Vec::new();
        for instrument in market.state.instruments() {
            let mut candles = Candles::new(interval, 10_000);
            for trade in
                trades(&market).iter().filter(|trade| trade.instrument == instrument.terms.instrument)
            {
                candles.fold(trade);
            }
            for it in candles.iter() {
                let numbers =
                    [it.start.0, it.open.0, it.high.0, it.low.0, it.close.0].map(|number| number.to_string());
                let mut row = vec![instrument.terms.symbol.to_string()];
                row.extend(numbers);
                row.extend([it.volume.0.to_string(), it.trades.to_string()]);
                expected.push(row);
            }
        }
        expected.sort();
        let columns =
            "symbol, epoch_ns(start), open_ticks, high_ticks, low_ticks, close_ticks, volume_lots, trades";
        let mut found = ask(&session, &format!("SELECT {columns} FROM candles({})", interval.nanos()));
        found.sort();
        assert_eq!(found, expected, "{interval}");
        let mut view = ask(&session, &format!("SELECT {columns} FROM candles_{interval}"));
        view.sort();
        assert_eq!(view, expected, "{interval}");
        assert!(expected.len() >= 3);
    }
    // Filled: no interval is missing between the first and the last, and nothing is added to what traded.
    let holes = "SELECT count(*) FROM (SELECT epoch_ns(start) - lag(epoch_ns(start)) OVER (PARTITION BY symbol ORDER BY start) AS step
                 FROM candles_filled(60000000000)) WHERE step <> 60000000000";
    assert_eq!(one(&session, holes), "0");
    let more = "SELECT (SELECT sum(volume_lots) FROM candles_filled(60000000000)) - (SELECT sum(volume_lots) FROM candles_1m)";
    assert_eq!(one(&session, more), "0");
    let flat = "SELECT count(*) > 0 AND bool_and(open_ticks = close_ticks AND high_ticks = low_ticks AND open_ticks IS NOT NULL)
                FROM candles_filled(1000000000) WHERE trades = 0";
    assert_eq!(one(&session, flat), "true");
}

#[test]
fn the_books_close() {
    for seed in [41, 42, 43] {
        let dir = tempfile::tempdir().unwrap();
        busy(dir.path(), seed);
        let session = session(dir.path());
        let open = ask(&session, "SELECT what, expected, found FROM eod WHERE NOT ok");
        assert_eq!(open, Vec::<Vec<String>>::new(), "seed {seed}");
        assert_eq!(one(&session, "SELECT count(*) FROM eod WHERE expected > 0"), "7", "seed {seed}");
    }
}

#[test]
fn settlement_nets_what_was_traded_and_sums_to_zero() {
    let dir = tempfile::tempdir().unwrap();
    let market = busy(dir.path(), 51);
    let session = session(dir.path());
    let mut expected: BTreeMap<(i32, u32, u32), (i128, i128)> = BTreeMap::new();
    for trade in trades(&market) {
        let day = trade.executed_at.utc_day().0;
        let value = market
            .state
            .instrument(trade.instrument)
            .unwrap()
            .terms
            .tick_value
            .notional(trade.price, trade.quantity);
        let (buyer, seller) = match trade.taker_side {
            Side::Buy => (trade.taker_account, trade.maker_account),
            Side::Sell => (trade.maker_account, trade.taker_account),
        };
        for (account, sign) in [(buyer, 1), (seller, -1)] {
            let net = expected.entry((day, trade.instrument.0, account.0)).or_default();
            net.0 += sign * i128::from(trade.quantity.0);
            net.1 -= sign * value;
        }
    }
    let found = ask(
        &session,
        "SELECT epoch_ns(trade_date::TIMESTAMP_NS) // 86400000000000, instrument_id, account_id, net_lots, net_cash_minor
         FROM settlement JOIN instruments USING (symbol) JOIN accounts USING (account) ORDER BY ALL",
    );
    let expected: Vec<Vec<String>> = expected
        .into_iter()
        .map(|((day, instrument, account), (lots, cash))| {
            [day.to_string(), instrument.to_string(), account.to_string(), lots.to_string(), cash.to_string()]
                .to_vec()
        })
        .collect();
    assert_eq!(found, expected);
    let sums = "SELECT count(*) FROM (SELECT 1 FROM settlement GROUP BY trade_date, symbol HAVING sum(net_lots) <> 0 OR sum(net_cash_minor) <> 0)";
    assert_eq!(one(&session, sums), "0");
}

/// 2026-01-05 is a Monday.
#[test]
fn settlement_waits_for_the_next_business_day() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    let mut days = 0;
    for (at, expected) in [(0, "2026-01-06"), (4, "2026-01-12"), (11, "2026-01-20"), (12, "2026-01-20")] {
        market.sleep((at - days) * DAY);
        days = at;
        market.run(&[order(0, Side::Sell, 1000, 1, 2 * at), order(1, Side::Buy, 1000, 1, 2 * at + 1)]);
        let session = session(dir.path());
        let last =
            "SELECT DISTINCT settlement_date FROM settlement WHERE trade_date = (SELECT last_date FROM log)";
        assert_eq!(one(&session, last), expected, "day {at}");
    }
    let session = session(dir.path());
    assert_eq!(
        ask(&session, "SELECT status, count(*) FROM settlement GROUP BY 1 ORDER BY 1"),
        [["due", "4"], ["settled", "4"]]
    );
}

/// The ledger moves both legs with every trade, so that a fail has to be made up: a ledger that forgot one trade.
#[test]
fn what_the_ledger_has_not_moved_is_a_fail_and_has_an_age() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    deal(&mut market, 0, 1, 1000, 10, 10);
    deal(&mut market, 0, 2, 1000, 5, 20);
    market.sleep(4 * DAY);
    deal(&mut market, 0, 1, 1000, 1, 30);
    let session = session(dir.path());
    let columns = "account, status, failed_quantity, failed_cash, fail_age_days";
    let asked = format!("SELECT {columns} FROM settlement ORDER BY trade_date, account");
    let whole = [
        ["account0", "settled", "0", "0", "-"],
        ["account1", "settled", "0", "0", "-"],
        ["account2", "settled", "0", "0", "-"],
        ["account0", "due", "0", "0", "-"],
        ["account1", "due", "0", "0", "-"],
    ];
    assert_eq!(ask(&session, &asked), whole);
    let forgotten = "CREATE OR REPLACE VIEW ledger AS FROM ledger() WHERE trade_id IS DISTINCT FROM (SELECT min(trade_id) FROM trades)";
    ask(&session, forgotten);
    // Due on Tuesday the 6th; it is Friday.
    let mut failed = whole;
    failed[0] = ["account0", "failed", "-10", "100", "3"];
    failed[1] = ["account1", "failed", "10", "-100", "3"];
    assert_eq!(ask(&session, &asked), failed);
}

#[test]
fn a_day_is_closed_as_it_stood() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    deal(&mut market, 0, 1, 1000, 10, 10);
    market.run(&[order(2, Side::Buy, 900, 7, 15), order(3, Side::Sell, 1900, 3, 16)]);
    let monday = market.last();
    market.sleep(DAY);
    deal(&mut market, 0, 2, 1000, 5, 20);
    market.run(&[cancel(2, 15)]);
    let session = session(dir.path());
    assert_eq!(session.days().unwrap(), Some(("2026-01-05".to_owned(), "2026-01-06".to_owned())));
    assert_eq!(session.last_sequence_of("2026-01-05").unwrap(), Some(monday));
    assert_eq!(session.last_sequence_of("2026-01-06").unwrap(), Some(market.last()));
    assert_eq!(session.last_sequence_of("2026-01-07").unwrap(), None);
    assert_eq!(session.last_sequence_of("2026-01-04").unwrap(), None);
    let closed = |part: &Part| {
        let query = Report::find("eod").unwrap().query(part);
        ask(
            &session,
            &format!(
                "SELECT trade_date, number, expected, found, ok, last_sequence FROM ({query}) WHERE number IN (2, 10, 11)"
            ),
        )
    };
    let (monday, tuesday) = (monday.to_string(), market.last().to_string());
    let then = closed(&Part { up_to: Some(monday.parse().unwrap()), ..Part::default() });
    assert_eq!(
        then,
        [
            ["2026-01-05", "2", "20", "20", "true", &monday],
            ["2026-01-05", "10", "3", "3", "true", &monday],
            ["2026-01-05", "11", "6300", "6300", "true", &monday],
        ]
    );
    assert_eq!(
        closed(&Part::default()),
        [
            ["2026-01-06", "2", "30", "30", "true", &tuesday],
            ["2026-01-06", "10", "3", "3", "true", &tuesday],
            ["2026-01-06", "11", "0", "0", "true", &tuesday],
        ]
    );
}

#[test]
fn fees_are_rounded_up_trade_by_trade() {
    let dir = tempfile::tempdir().unwrap();
    let market = busy(dir.path(), 61);
    let session = session(dir.path());
    let (mut maker, mut taker) = (0, 0);
    for trade in trades(&market) {
        let value = market
            .state
            .instrument(trade.instrument)
            .unwrap()
            .terms
            .tick_value
            .notional(trade.price, trade.quantity);
        maker -= value * 20 / 1_000_000;
        taker += (value * 30 + 999_999) / 1_000_000;
    }
    let found = ask(&session, "SELECT liquidity, sum(fee_minor), sum(fee) FROM fees GROUP BY 1 ORDER BY 1");
    assert_eq!(found[0][1], maker.to_string());
    assert_eq!(found[1][1], taker.to_string());
    let exact = "SELECT count(*) FROM fees WHERE fee <> fee_minor * 0.01::DECIMAL(4,2)";
    assert_eq!(one(&session, exact), "0");
}

#[test]
fn tax_uses_lots_up_in_the_order_they_came() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    // An account with money and nothing else.
    let mut opening = common::account("newcomer");
    if let Command::OpenAccount(open) = &mut opening {
        open.balances[1..].fill(model::InitialBalance::NONE);
    }
    market.run(&[opening]);
    let newcomer = common::ACCOUNTS;
    deal(&mut market, 0, newcomer, 1000, 10, 10);
    deal(&mut market, 0, newcomer, 1100, 10, 20);
    market.sleep(40 * DAY);
    deal(&mut market, newcomer, 1, 900, 15, 30);
    market.sleep(400 * DAY);
    deal(&mut market, newcomer, 1, 2000, 5, 40);
    let session = session(dir.path());
    let rows = ask(
        &session,
        "SELECT quantity_lots, proceeds, basis, gain, term, wash_sale, acquired_by FROM tax WHERE account = 'newcomer' ORDER BY disposed_sequence, acquired_sequence",
    );
    assert_eq!(
        rows,
        [
            ["10", "90", "100", "-10", "short", "false", "trade"],
            ["5", "45", "55", "-10", "short", "false", "trade"],
            ["5", "100", "55", "45", "long", "false", "trade"],
        ]
    );
    // Shares that came by deposit have no cost here.
    let given = ask(
        &session,
        "SELECT quantity_lots, proceeds, basis, gain, acquired_by FROM tax WHERE account = 'account0' ORDER BY disposed_sequence",
    );
    assert_eq!(given, [["10", "100", "-", "-", "deposit"], ["10", "110", "-", "-", "deposit"]]);
}

#[test]
fn a_loss_with_a_purchase_nearby_is_a_wash_sale() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    let mut opening = common::account("newcomer");
    if let Command::OpenAccount(open) = &mut opening {
        open.balances[1..].fill(model::InitialBalance::NONE);
    }
    market.run(&[opening]);
    let newcomer = common::ACCOUNTS;
    deal(&mut market, 0, newcomer, 1000, 10, 10);
    market.sleep(100 * DAY);
    deal(&mut market, newcomer, 1, 900, 4, 20);
    market.sleep(29 * DAY);
    deal(&mut market, 0, newcomer, 950, 1, 30);
    market.sleep(100 * DAY);
    deal(&mut market, newcomer, 1, 900, 4, 40);
    let session = session(dir.path());
    let rows = ask(
        &session,
        "SELECT gain, wash_sale FROM tax WHERE account = 'newcomer' ORDER BY disposed_sequence",
    );
    assert_eq!(rows, [["-4", "true"], ["-4", "false"]]);
}

#[test]
fn tax_covers_every_sale_once() {
    let dir = tempfile::tempdir().unwrap();
    busy(dir.path(), 71);
    let session = session(dir.path());
    let differing = "SELECT count(*) FROM (SELECT account, symbol, sum(quantity_lots) AS lots, sum(proceeds_minor) AS minor FROM tax GROUP BY ALL) t
        FULL JOIN (SELECT account, symbol, sum(last_quantity_lots) AS lots, sum(last_notional_minor) AS minor FROM executions WHERE side = 'sell' GROUP BY ALL) e
        ON t.account = e.account AND t.symbol = e.symbol WHERE t.lots IS DISTINCT FROM e.lots OR t.minor IS DISTINCT FROM e.minor";
    assert_eq!(one(&session, differing), "0");
}

/// The tables that reports count with, against what they are short for.
#[test]
fn seconds_and_spans_add_up_to_what_they_are_made_of() {
    let dir = tempfile::tempdir().unwrap();
    busy(dir.path(), 91);
    let session = session(dir.path());
    let differing = "WITH steps AS (
            SELECT account, symbol, time_ns // 1000000000 AS second, count(*) FILTER (exec_type = 'new') AS orders,
                   count(*) FILTER (exec_type = 'replaced') AS replaces, count(*) FILTER (exec_type = 'canceled') AS cancels,
                   count(*) FILTER (exec_type = 'trade') AS trades
            FROM order_events WHERE order_id IS NOT NULL GROUP BY ALL HAVING orders + replaces + cancels + trades > 0)
        SELECT count(*) FROM steps s FULL JOIN activity a ON a.account = s.account AND a.symbol = s.symbol AND a.time_ns = s.second * 1000000000
        WHERE s.orders IS DISTINCT FROM a.orders OR s.replaces IS DISTINCT FROM a.replaces OR s.cancels IS DISTINCT FROM a.cancels
           OR s.trades IS DISTINCT FROM a.trades OR a.messages IS DISTINCT FROM a.orders + a.replaces + a.cancels";
    assert_eq!(one(&session, differing), "0");
    assert_ne!(one(&session, "SELECT count(*) FROM activity"), "0");
    // The spans that a change of the best prices began are the quotes, and each lasts until the next one of its instrument.
    let spans = "SELECT count(*) FROM (FROM quote_spans WHERE is_change) s FULL JOIN quotes q ON q.sequence = s.sequence AND q.symbol = s.symbol
        WHERE s.bid_ticks IS DISTINCT FROM q.bid_ticks OR s.ask_ticks IS DISTINCT FROM q.ask_ticks OR s.bid_lots IS DISTINCT FROM q.bid_lots
           OR s.ask_lots IS DISTINCT FROM q.ask_lots OR s.time_ns IS DISTINCT FROM q.time_ns";
    assert_eq!(one(&session, spans), "0");
    let holes = "SELECT count(*) FROM (SELECT time_ns + lasted_ns AS ends, lead(time_ns) OVER (PARTITION BY symbol ORDER BY sequence) AS next FROM quote_spans)
        WHERE ends IS DISTINCT FROM next";
    assert_eq!(one(&session, holes), "0");
    assert_ne!(one(&session, "SELECT count(*) FROM quote_spans WHERE phase = 'halted'"), "0");
}

#[test]
fn every_report_answers_for_a_part_as_for_the_whole() {
    let dir = tempfile::tempdir().unwrap();
    busy(dir.path(), 81);
    let session = session(dir.path());
    for report in REPORTS {
        let whole = ask(&session, &report.query(&Part::default()));
        assert!(!whole.is_empty(), "{}", report.name);
        let columns = ask(&session, &format!("DESCRIBE {}", report.query(&Part::default())));
        let place = |name: &str| columns.iter().position(|column| column[0] == name);
        let day = place("trade_date").unwrap();
        // Each by itself and with the others: from a date on, up to one, an account, an instrument.
        let value = |at: usize, nth: usize| {
            // Rows about the whole market have none.
            let mut values: Vec<&String> =
                whole.iter().map(|row| &row[at]).filter(|value| *value != "-").collect();
            values.sort();
            values.dedup();
            values.get(nth % values.len().max(1)).map(|value| (*value).clone())
        };
        for (nth, kinds) in (0..48_u32).enumerate() {
            let picked = |name: &str, bit: u32, has: bool| {
                let at = place(name).filter(|_| has && kinds >> bit & 1 == 1)?;
                value(at, nth / 3)
            };
            let part = Part {
                from: picked("trade_date", 0, true),
                to: picked("trade_date", 1, true),
                account: picked("account", 2, report.by_account),
                symbols: picked("symbol", 3, report.by_symbol).into_iter().collect(),
                ..Part::default()
            };
            let is_wanted = |row: &&Vec<String>| {
                let has = |name: &str, value: Option<&String>| {
                    value.is_none_or(|value| row[place(name).unwrap()] == *value)
                };
                part.from.as_ref().is_none_or(|from| row[day] >= *from)
                    && part.to.as_ref().is_none_or(|to| row[day] <= *to)
                    && has("account", part.account.as_ref())
                    && has("symbol", part.symbols.first())
            };
            let expected: Vec<_> = whole.iter().filter(is_wanted).cloned().collect();
            assert_eq!(ask(&session, &report.query(&part)), expected, "{} of {part:?}", report.name);
        }
    }
}
