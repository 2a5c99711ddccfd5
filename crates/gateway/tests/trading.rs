//! Trading over real HTTP, against a real node and a real store.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

mod common;

use common::{Exchange, account, instrument, order};
use gateway::api::{
    AccountLimits, AccountsQuery, Amount, BookQuery, CandlesQuery, ExecType, Liquidity, OrdStatus,
    OrdersQuery, OrdersShown, PhaseRequest, ReplaceRequest, StatusRequest, TradesQuery, Word,
};
use model::{AccountStatus, Phase, Side, TimeInForce};

fn orders_of(account: &str, show: OrdersShown) -> OrdersQuery {
    OrdersQuery { account: account.to_owned(), symbol: None, show: Some(show), limit: None }
}

/// `exec_type cl_ord_id status leaves cum`, one line a report.
fn told(answer: &[gateway::api::ExecutionReport]) -> Vec<String> {
    let line = |report: &gateway::api::ExecutionReport| {
        let order = &report.order;
        format!(
            "{} {} {} {} {}",
            report.exec_type, order.cl_ord_id, order.ord_status, order.leaves_qty, order.cum_qty
        )
    };
    answer.iter().map(line).collect()
}

#[test]
fn an_order_its_fill_and_everything_that_shows_it() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    let client = &exchange.client;

    let bid = exchange.submit(order("alice", "a1", Side::Buy, "100", "10.05"));
    assert_eq!(told(&bid.executions), ["new a1 new 100 0"]);
    assert_eq!(bid.order.price.unwrap().to_string(), "10.05");
    assert_eq!(client.account("alice").unwrap().account.balances[0].held.to_string(), "1005.00");

    let ask = exchange.submit(order("bob", "b1", Side::Sell, "60", "10.00"));
    assert_eq!(told(&ask.executions), ["new b1 new 60 0", "trade b1 filled 0 60"]);
    let trade = &ask.executions[1];
    assert_eq!((trade.exec_type, trade.liquidity), (ExecType::Trade, Some(Liquidity::Taker)));
    assert_eq!(trade.last_px.unwrap().to_string(), "10.05");
    assert_eq!(trade.last_qty.unwrap().to_string(), "60");
    assert_eq!(ask.order.avg_px.unwrap().to_string(), "10.05");
    assert!(ask.sequence > bid.sequence && trade.exec_id == format!("{}t", trade.order.sequence));

    // The other side sees its fill, and the market sees the trade.
    let filled = client.order("alice", "a1").unwrap();
    assert_eq!(
        (filled.ord_status, filled.leaves_qty.to_string()),
        (OrdStatus::PartiallyFilled, "40".to_owned())
    );
    assert!(filled.accepted_time.is_some());
    let book = client.book("AAPL", &BookQuery { depth: None, level: Some(3) }).unwrap();
    assert_eq!((book.bids.len(), book.asks.len()), (1, 0));
    assert_eq!(book.bids[0].qty.to_string(), "40");
    assert_eq!(book.bids[0].entries[0].order_id, bid.order.order_id);
    assert_eq!(book.last_px.unwrap().to_string(), "10.05");
    let trades = client.trades(&TradesQuery { symbol: "AAPL".to_owned(), limit: None }).unwrap().trades;
    assert_eq!(trades.len(), 1);
    assert_eq!(
        (trades[0].taker_side, trades[0].taker_order_id.as_str()),
        (Word(Side::Sell), ask.order.order_id.as_str())
    );
    let candles =
        client.candles("AAPL", &CandlesQuery { interval: Some("1d".to_owned()), limit: None }).unwrap();
    assert_eq!(candles.candles[0].volume.to_string(), "60");

    let alice = client.account("alice").unwrap().account;
    let shown: Vec<_> = alice
        .balances
        .iter()
        .map(|b| format!("{} {} {} {}", b.asset, b.total, b.held, b.available))
        .collect();
    assert_eq!(shown, ["AAPL 60 0 60", "USD 9397.00 402.00 8995.00"]);
    assert_eq!(alice.working_orders, 1);
    exchange.stop();
}

#[test]
fn an_order_is_replaced_and_canceled() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    let client = &exchange.client;
    exchange.submit(order("alice", "a1", Side::Buy, "100", "10.00"));

    let less = ReplaceRequest {
        order_qty: Some("50".parse().unwrap()),
        price: None,
        new_cl_ord_id: Some("a2".to_owned()),
    };
    let answer = client.replace("alice", "a1", &less).unwrap();
    assert_eq!(told(&answer.executions), ["replaced a2 new 50 0"]);
    assert_eq!(answer.executions[0].orig_cl_ord_id.as_deref(), Some("a1"));
    assert_eq!(answer.executions[0].priority_kept, Some(true));

    let dearer = ReplaceRequest { price: Some("10.01".parse().unwrap()), ..ReplaceRequest::default() };
    let answer = client.replace("alice", "a2", &dearer).unwrap();
    assert_eq!(answer.executions[0].priority_kept, Some(false));
    let made = answer.order.cl_ord_id.clone();
    assert!(made != "a2" && !made.is_empty());

    let answer = client.cancel("alice", &made).unwrap();
    assert_eq!(answer.order.ord_status, OrdStatus::Canceled);
    assert_eq!(answer.order.cancel_reason.unwrap().to_string(), "user");
    // Every id it had still finds it.
    for id in ["a1", "a2", &made] {
        assert_eq!(client.order("alice", id).unwrap().order_id, answer.order.order_id, "{id}");
    }
    assert!(client.orders(&orders_of("alice", OrdersShown::Working)).unwrap().orders.is_empty());
    assert_eq!(client.orders(&orders_of("alice", OrdersShown::All)).unwrap().orders.len(), 1);
    exchange.stop();
}

#[test]
fn market_orders_and_times_in_force() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    exchange.submit(order("bob", "b1", Side::Sell, "10", "10.00"));
    exchange.submit(order("bob", "b2", Side::Sell, "10", "10.01"));

    let market = exchange.submit(order("alice", "a1", Side::Buy, "15", "market"));
    assert_eq!(
        told(&market.executions),
        ["new a1 new 15 0", "trade a1 partially-filled 5 10", "trade a1 filled 0 15"]
    );
    assert_eq!(market.order.avg_px.unwrap().to_string(), "10.003333");
    assert!(market.order.price.is_none());

    let mut fok = order("alice", "a2", Side::Buy, "6", "10.01");
    fok.time_in_force = Some(Word(TimeInForce::Fok));
    let fok = exchange.submit(fok);
    assert_eq!(told(&fok.executions), ["new a2 new 6 0", "canceled a2 canceled 0 0"]);
    assert_eq!(fok.order.cancel_reason.unwrap().to_string(), "fok");

    let mut gtd = order("alice", "a3", Side::Buy, "1", "9.00");
    gtd.time_in_force = Some(Word(TimeInForce::Gtd));
    gtd.expire_time = Some("2200-01-01T00:00:00Z".parse().unwrap());
    assert_eq!(exchange.submit(gtd).order.expire_time.unwrap().to_string(), "2200-01-01T00:00:00Z");
    exchange.stop();
}

#[test]
fn an_order_without_an_id_is_given_one() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    let anonymous = || {
        let mut anonymous = order("alice", "", Side::Buy, "1", "9.00");
        anonymous.cl_ord_id = None;
        exchange.submit(anonymous).order
    };
    let (first, second) = (anonymous(), anonymous());
    assert_ne!(first.cl_ord_id, second.cl_ord_id);
    assert_eq!(exchange.client.order("alice", &first.cl_ord_id).unwrap().order_id, first.order_id);
    exchange.stop();
}

#[test]
fn everything_of_an_account_is_canceled_at_once_and_for_good() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    let client = &exchange.client;
    client.create_instrument(&instrument("MSFT")).unwrap();
    for id in ["a1", "a2", "a3"] {
        exchange.submit(order("alice", id, Side::Buy, "1", "9.00"));
    }
    let mut other = order("alice", "m1", Side::Buy, "1", "9.00");
    other.symbol = "MSFT".to_owned();
    exchange.submit(other);

    let gone = client.cancel_all("alice", Some("AAPL")).unwrap();
    assert_eq!(
        told(&gone.executions),
        ["canceled a1 canceled 0 0", "canceled a2 canceled 0 0", "canceled a3 canceled 0 0"]
    );
    let killed = client.kill("alice").unwrap();
    assert_eq!(told(&killed.executions), ["canceled m1 canceled 0 0"]);
    assert_eq!(client.account("alice").unwrap().account.status, Word(AccountStatus::Killed));
    assert!(client.cancel_all("alice", None).unwrap().executions.is_empty());
    exchange.stop();
}

#[test]
fn self_trade_prevention_tells_about_both_orders_of_the_account() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    exchange.submit(order("bob", "b1", Side::Sell, "10", "10.00"));
    let mut cross = order("bob", "b2", Side::Buy, "4", "10.00");
    cross.self_trade_prevention = Some("decrement".parse().unwrap());
    let answer = exchange.submit(cross);
    assert_eq!(answer.order.cl_ord_id, "b2");
    assert_eq!(answer.order.ord_status, OrdStatus::Canceled);
    let told = told(&answer.executions);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told.contains(&"restated b1 new 6 0".to_owned()), "{told:?}");
    exchange.stop();
}

#[test]
fn accounts_and_instruments_are_administered() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    let client = &exchange.client;
    let amount =
        |asset: &str, amount: &str| Amount { asset: asset.to_owned(), amount: amount.parse().unwrap() };

    let after = client.deposit("alice", &amount("USD", "0.50")).unwrap();
    assert_eq!(after.account.balances[0].total.to_string(), "10000.50");
    let after = client.withdraw("alice", &amount("USD", "10000.50")).unwrap();
    assert!(after.account.balances.is_empty());
    client.deposit("alice", &amount("AAPL", "7")).unwrap();
    assert_eq!(client.account("alice").unwrap().account.balances[0].total.to_string(), "7");

    let suspended = StatusRequest { status: Word(AccountStatus::Suspended) };
    assert_eq!(client.set_account_status("alice", &suspended).unwrap().account.status, suspended.status);
    let limits = AccountLimits { max_notional: Some("500".parse().unwrap()), max_working_orders: Some(3) };
    let limited = client.set_account_limits("bob", &limits).unwrap().account.limits;
    assert_eq!(
        (limited.max_notional.unwrap().to_string(), limited.max_working_orders),
        ("500".to_owned(), Some(3))
    );

    let halted = PhaseRequest { phase: Word(Phase::Halted) };
    assert_eq!(client.set_phase("AAPL", &halted).unwrap().instrument.phase, halted.phase);
    let mut full = instrument("BRK.B");
    full.max_qty = Some("1000".parse().unwrap());
    full.max_notional = Some("250000".parse().unwrap());
    full.collar_percent = Some("5".parse().unwrap());
    full.calendar = Some("XNYS".to_owned());
    let shown = client.create_instrument(&full).unwrap().instrument;
    assert_eq!(shown.max_qty.unwrap().to_string(), "1000");
    assert_eq!(shown.max_notional.unwrap().to_string(), "250000.00");
    assert_eq!(shown.collar_percent.unwrap().to_string(), "5");
    assert_eq!((shown.calendar.as_deref(), shown.currency.as_str()), (Some("XNYS"), "USD"));
    assert_eq!(client.instrument("BRK.B").unwrap().instrument.instrument_id, 1);
    assert_eq!(client.instruments().unwrap().instruments.len(), 2);

    client.open_account(&account("carol", &[])).unwrap();
    let page = client.accounts(&AccountsQuery { after: Some("alice".to_owned()), limit: Some(1) }).unwrap();
    assert_eq!((page.accounts.len(), page.accounts[0].account.as_str(), page.more), (1, "bob", true));
    exchange.stop();
}

#[test]
fn the_exchange_says_how_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    let answer = exchange.submit(order("alice", "a1", Side::Buy, "1", "9.00"));
    let client = &exchange.client;
    let status = client.status().unwrap();
    assert!(status.healthy && status.committed > answer.sequence && status.sequence > answer.sequence);
    assert_eq!((status.instruments, status.accounts, status.working_orders, status.trades), (1, 2, 1, 0));
    assert!(client.health().unwrap().healthy);
    assert!(client.cancel("alice", "nobody").is_err());
    let metrics = client.metrics().unwrap();
    for line in [
        "outcry_healthy 1",
        "outcry_orders_accepted_total 1",
        "outcry_rejects_total{reason=\"UNKNOWN_ORDER\"} 1",
        "outcry_http_requests_total{path=\"/v1/orders\",method=\"POST\",status=\"201\"} 1",
        "outcry_http_requests_total{path=\"/v1/orders/{account}/{cl_ord_id}\",method=\"DELETE\",status=\"404\"} 1",
    ] {
        assert!(metrics.lines().any(|known| known == line), "{line} is not in\n{metrics}");
    }
    // Every line is a comment or a name, labels without spaces, and a number.
    for line in metrics.lines().filter(|line| !line.starts_with("# ")) {
        let (name, value) = line.rsplit_once(' ').unwrap();
        assert!(name.starts_with("outcry_") && value.parse::<u64>().is_ok(), "{line}");
    }
    exchange.stop();
}

#[test]
fn a_restart_keeps_everything() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    exchange.submit(order("alice", "a1", Side::Buy, "100", "10.05"));
    exchange.submit(order("bob", "b1", Side::Sell, "60", "10.00"));
    let before = |exchange: &Exchange| {
        let client = &exchange.client;
        let mut instruments = client.instruments().unwrap();
        let mut book = client.book("AAPL", &BookQuery { depth: None, level: Some(3) }).unwrap();
        let mut trades = client.trades(&TradesQuery { symbol: "AAPL".to_owned(), limit: None }).unwrap();
        let mut candles = client.candles("AAPL", &CandlesQuery::default()).unwrap();
        // Starting may add records of the calendar's own; nothing shown here may differ by them.
        (instruments.sequence, book.sequence, trades.sequence, candles.sequence) = (0, 0, 0, 0);
        let accounts = client.accounts(&AccountsQuery::default()).unwrap().accounts;
        let orders =
            ["alice", "bob"].map(|name| client.orders(&orders_of(name, OrdersShown::All)).unwrap().orders);
        (instruments, book, trades, candles, accounts, orders)
    };
    let shown = before(&exchange);
    exchange.stop();
    let exchange = Exchange::start(dir.path());
    assert_eq!(before(&exchange), shown);
    // An id is used up across the restart, and trading goes on.
    let again = common::problem(exchange.client.submit(&order("alice", "a1", Side::Buy, "1", "9.00")));
    assert_eq!((again.status, again.code.as_str()), (409, "DUPLICATE_ORDER"));
    let rest = exchange.submit(order("bob", "b2", Side::Sell, "40", "10.05"));
    assert_eq!(rest.order.ord_status, OrdStatus::Filled);
    exchange.stop();
}

#[test]
fn a_short_history_says_what_it_does_not_know() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    exchange.submit(order("alice", "a1", Side::Buy, "100", "10.05"));
    exchange.submit(order("bob", "b1", Side::Sell, "60", "10.00"));
    exchange.stop();
    let mut config = common::gateway_config();
    config.history.records_at_start = 1;
    let exchange = Exchange::start_with(common::node_config(dir.path()), &config);
    let known = exchange.client.order("alice", "a1").unwrap();
    assert_eq!((known.cum_qty.to_string(), known.ord_status), ("60".to_owned(), OrdStatus::PartiallyFilled));
    assert!(known.avg_px.is_none() && known.accepted_time.is_none());
    assert!(exchange.client.candles("AAPL", &CandlesQuery::default()).unwrap().candles.is_empty());
    exchange.stop();
}
