//! What the tables say against what the engine said when it happened, to the last unit.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use common::{Market, ask, one, session};
use model::{Event, Side};
use order_book::OrderBook as _;

#[test]
fn trades_are_the_trades() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    market.trade(1, 3000);
    let session = session(dir.path());
    let expected: Vec<Vec<String>> = market
        .events
        .iter()
        .filter_map(|(sequence, time, event)| match event {
            Event::Trade(trade) => {
                let terms = market.state.instrument(trade.instrument).unwrap().terms;
                let name = |id| market.state.account(id).unwrap().name.to_string();
                let row = [
                    sequence.to_string(),
                    time.to_string(),
                    trade.trade_id.to_string(),
                    terms.symbol.to_string(),
                    trade.price.0.to_string(),
                    trade.quantity.0.to_string(),
                    terms.tick_value.notional(trade.price, trade.quantity).to_string(),
                    name(trade.maker_account),
                    name(trade.taker_account),
                    trade.taker_side.to_string(),
                ];
                Some(row.to_vec())
            }
            _ => None,
        })
        .collect();
    assert!(expected.len() > 500, "{} trades", expected.len());
    let asked = ask(
        &session,
        "SELECT sequence, time_ns, trade_id, symbol, price_ticks, quantity_lots, notional_minor, maker, taker, taker_side
         FROM trades ORDER BY sequence",
    );
    assert_eq!(asked, expected);
    assert_eq!(one(&session, "SELECT count(*) FROM trades"), expected.len().to_string());
    assert_eq!(one(&session, "SELECT count(*) FROM trades()"), expected.len().to_string());
    // Without ORDER BY the rows come in the order of the log all the same.
    let unsorted = ask(&session, "SELECT sequence FROM trades");
    assert!(unsorted.is_sorted_by_key(|row| row[0].parse::<u64>().unwrap()));
}

#[test]
fn decimals_are_exact() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    market.trade(2, 2000);
    let session = session(dir.path());
    for (symbol, tick, lot) in [("AAA", "0.01", "1"), ("FRACTION", "250", "0.001")] {
        let wrong = format!(
            "SELECT count(*) FROM trades(symbol := '{symbol}')
             WHERE price <> price_ticks * {tick}::DECIMAL(18,8) OR quantity <> quantity_lots * {lot}::DECIMAL(18,8)
                OR notional <> notional_minor * 0.01::DECIMAL(18,8) OR notional <> price * quantity
                OR time <> make_timestamp_ns(time_ns) OR symbol <> '{symbol}' OR price IS NULL"
        );
        assert_eq!(one(&session, &wrong), "0");
        let some = one(&session, &format!("SELECT count(*) FROM trades(symbol := '{symbol}')"));
        assert_eq!(some, one(&session, &format!("SELECT count(*) FROM trades WHERE symbol = '{symbol}'")));
        assert_ne!(some, "0");
    }
}

/// The tables that an engine's state has an answer to, asked at several records.
#[test]
fn state_then_is_what_the_engine_had() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    let mut moments = Vec::new();
    for round in 0..6 {
        market.trade(100 + round, 300);
        moments.push((market.last(), market.state.clone()));
    }
    let session = session(dir.path());
    for (at, state) in &moments {
        for instrument in state.instruments() {
            let mut expected = Vec::new();
            for side in [Side::Buy, Side::Sell] {
                for (level, it) in (1..).zip(instrument.book().levels(side)) {
                    let row = [
                        side.to_string(),
                        format!("{level}"),
                        it.price.0.to_string(),
                        it.quantity.0.to_string(),
                        it.orders.to_string(),
                    ];
                    expected.push(row.to_vec());
                }
            }
            let symbol = instrument.terms.symbol;
            let sql = format!(
                "SELECT side, level, price_ticks, quantity_lots, orders FROM book_at('{symbol}', {at})"
            );
            assert_eq!(ask(&session, &sql), expected, "{sql}");
        }
        let mut expected = Vec::new();
        for account in state.accounts() {
            for asset in state.assets() {
                let balance = state.balance(account.id, asset.id);
                if balance != engine::Balance::default() {
                    let row = [
                        account.name.to_string(),
                        asset.code.to_string(),
                        balance.total.0.to_string(),
                        balance.held.0.to_string(),
                    ];
                    expected.push(row.to_vec());
                }
            }
        }
        let columns = "account, asset, total_minor, held_minor";
        assert_eq!(ask(&session, &format!("SELECT {columns} FROM balances(to_seq := {at})")), expected);
        let alone: Vec<_> = expected.iter().filter(|row| row[0] == "account1").cloned().collect();
        assert_eq!(ask(&session, &format!("SELECT {columns} FROM balance_at('account1', {at})")), alone);
        // The ledger comes to the same balances, and sums to zero.
        let ledger = format!(
            "SELECT account, asset, sum(amount_minor), sum(held_minor) FROM ledger(to_seq := {at}) WHERE account IS NOT NULL
             GROUP BY ALL HAVING sum(amount_minor) <> 0 OR sum(held_minor) <> 0 ORDER BY account, asset"
        );
        expected.sort();
        assert_eq!(ask(&session, &ledger), expected);
        let sums = format!(
            "SELECT count(*) FROM (SELECT asset FROM ledger(to_seq := {at}) GROUP BY asset HAVING sum(amount_minor) <> 0)"
        );
        assert_eq!(one(&session, &sums), "0");
        // So do the orders that work.
        let mut working: Vec<_> = state.orders().collect();
        working.sort_by_key(|order| order.id);
        let expected: Vec<Vec<String>> = working
            .iter()
            .map(|order| {
                let name = state.account(order.account).unwrap().name;
                let row = [
                    order.id.to_string(),
                    order.cl_ord_id.to_string(),
                    name.to_string(),
                    order.price.0.to_string(),
                    order.leaves.0.to_string(),
                    order.cum.0.to_string(),
                ];
                row.to_vec()
            })
            .collect();
        assert!(!expected.is_empty());
        let orders = format!(
            "SELECT order_id, cl_ord_id, account, price_ticks, leaves_lots, cum_lots FROM orders(to_seq := {at})
             WHERE ord_status IN ('new', 'partially-filled') ORDER BY order_id"
        );
        assert_eq!(ask(&session, &orders), expected);
        // And the last quotes are the tops of the books.
        for instrument in state.instruments() {
            let best = |side| {
                instrument
                    .book()
                    .best(side)
                    .map_or_else(|| "-".to_owned(), |level| format!("{} {}", level.price.0, level.quantity.0))
            };
            let symbol = instrument.terms.symbol;
            let quotes = format!(
                "SELECT coalesce(bid_ticks || ' ' || bid_lots, '-'), coalesce(ask_ticks || ' ' || ask_lots, '-')
                 FROM quotes(symbol := '{symbol}', to_seq := {at}) ORDER BY sequence DESC LIMIT 1"
            );
            assert_eq!(ask(&session, &quotes), [[best(Side::Buy), best(Side::Sell)]], "{quotes}");
        }
    }
}

/// What holds between tables, whatever happened.
const AGREEMENTS: &[(&str, &str)] = &[
    ("every trade has a maker's and a taker's execution",
     "SELECT count(*) FROM trades t FULL JOIN (SELECT trade_id, count(*) n, count(DISTINCT liquidity) l, min(last_price_ticks) p, max(last_quantity_lots) q FROM executions GROUP BY 1) e
      ON t.trade_id = e.trade_id WHERE t.trade_id IS NULL OR e.trade_id IS NULL OR n <> 2 OR l <> 2 OR p <> price_ticks OR q <> quantity_lots"),
    ("an order's executions add up to what it got",
     "SELECT count(*) FROM orders o LEFT JOIN (SELECT order_id, sum(last_quantity_lots) q, count(*) n FROM executions GROUP BY 1) e ON o.order_id = e.order_id
      WHERE cum_lots <> coalesce(q, 0) OR trades <> coalesce(n, 0)"),
    ("what an order got was worth what its trades were",
     "SELECT count(*) FROM orders o JOIN (SELECT order_id, sum(notional_minor) m FROM
        (SELECT maker_order_id order_id, notional_minor FROM trades UNION ALL SELECT taker_order_id, notional_minor FROM trades) GROUP BY 1) t
      ON o.order_id = t.order_id WHERE traded_minor <> m"),
    ("the last step of an order is how it stands",
     "SELECT count(*) FROM orders o JOIN (SELECT order_id, arg_max(ord_status, exec_id) s, arg_max(leaves_lots, exec_id) l, max(sequence) q FROM order_events
        WHERE order_id IS NOT NULL GROUP BY 1) e ON o.order_id = e.order_id WHERE ord_status <> s OR leaves_lots <> l OR last_sequence <> q"),
    ("orders were accepted as often as there are orders",
     "SELECT count(*) - (SELECT count(*) FROM orders) FROM events WHERE kind = 'OrderAccepted'"),
    ("buyers pay what sellers get",
     "SELECT count(*) FROM (SELECT asset FROM ledger WHERE entry = 'trade' GROUP BY asset HAVING sum(amount_minor) <> 0)"),
    ("the best bid is below the best ask", "SELECT count(*) FROM quotes WHERE bid_ticks >= ask_ticks"),
    ("every event has its command",
     "SELECT count(*) FROM events e LEFT JOIN commands c ON e.command_sequence = c.sequence WHERE c.sequence IS NULL OR c.sequence >= e.sequence"),
    ("commands and events are all records",
     "SELECT max(sequence) - count(*) FROM (SELECT sequence FROM events UNION ALL SELECT sequence FROM commands)"),
];

#[test]
fn tables_agree_with_each_other() {
    for seed in [7, 8, 9] {
        let dir = tempfile::tempdir().unwrap();
        let mut market = Market::opened(dir.path());
        market.trade(seed, 1500);
        let session = session(dir.path());
        for (what, sql) in AGREEMENTS {
            assert_eq!(one(&session, sql), "0", "{what} (seed {seed})");
        }
    }
}

#[test]
fn parameters_are_filters() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    market.trade(11, 1500);
    let session = session(dir.path());
    let (from, to) = (market.last() / 3, 2 * market.last() / 3);
    for (table, about_account) in [
        ("trades", "maker = 'account2' OR taker = 'account2'"),
        ("order_events", "account = 'account2'"),
        ("executions", "account = 'account2'"),
        ("commands", "account = 'account2'"),
    ] {
        for (parameters, condition) in [
            (format!("from_seq := {from}, to_seq := {to}"), format!("sequence BETWEEN {from} AND {to}")),
            ("symbol := 'BBB'".to_owned(), "symbol = 'BBB'".to_owned()),
            ("account := 'account2'".to_owned(), about_account.to_owned()),
            (
                format!("symbol := 'FRACTION', account := 'account2', to_seq := {to}"),
                format!("symbol = 'FRACTION' AND ({about_account}) AND sequence <= {to}"),
            ),
        ] {
            let asked = ask(&session, &format!("SELECT * FROM {table}({parameters}) ORDER BY ALL"));
            let filtered = ask(&session, &format!("SELECT * FROM {table} WHERE {condition} ORDER BY ALL"));
            assert_eq!(asked, filtered, "{table}({parameters})");
            assert!(!asked.is_empty(), "{table}({parameters})");
        }
    }
    for (empty, sql) in
        [("past the end", "from_seq := 100000000"), ("upside down", "from_seq := 10, to_seq := 9")]
    {
        assert_eq!(one(&session, &format!("SELECT count(*) FROM trades({sql})")), "0", "{empty}");
    }
}

#[test]
fn a_query_sees_one_moment() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    market.trade(21, 200);
    let session = session(dir.path());
    let before = market.last().to_string();
    assert_eq!(one(&session, "SELECT max(sequence) FROM events"), before);
    market.trade(22, 200);
    // The next question sees what has come since, also of what was named before.
    let answer = session.query("SELECT sequence FROM events ORDER BY sequence DESC").unwrap();
    let last = market.last().to_string();
    market.trade(23, 200);
    let rows = answer.rows().unwrap();
    assert_eq!(rows[0][0], reporting::CellValue::Integer(last.parse().unwrap()));
    assert_eq!(
        one(&session, "SELECT count(*) FROM trades WHERE symbol IS NULL OR maker IS NULL OR price IS NULL"),
        "0"
    );
}
