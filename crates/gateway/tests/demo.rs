//! The demo market lives, and resumes.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

mod common;

use common::{Exchange, order};
use gateway::api::{BookQuery, OrdStatus, TradesQuery};
use gateway::demo::{Demo, DemoConfig};
use model::Side;
use std::time::{Duration, Instant};

/// Waits until the flow has sent so many commands.
fn let_it_run(demo: &Demo, commands: u64) {
    let deadline = Instant::now() + Duration::from_secs(50);
    while demo.sent() < commands {
        assert!(Instant::now() < deadline, "only {} commands in 50 s", demo.sent());
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn a_demo_market_trades_and_goes_on_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let config = DemoConfig { rate: 5_000, seed: 7 };
    let mut accounts = 0;
    let mut last_px = None;
    for run in 1..=3 {
        let exchange = Exchange::start(dir.path());
        let session = exchange.gateway.session();
        let demo = Demo::start(session, config).unwrap();
        let status = exchange.client.status().unwrap();
        assert_eq!((status.instruments, status.working_orders), (8, 0), "run {run} begins with empty books");
        if run > 1 {
            assert_eq!(status.accounts, accounts);
            let instrument = exchange.client.instrument("AAPL").unwrap().instrument;
            assert!(instrument.last_px.is_some());
        }
        accounts = status.accounts;
        let_it_run(&demo, 6_000);
        demo.stop();

        let tally = session.read(|model| model.tally().clone());
        assert!(tally.trades > 20, "{tally:?}");
        // Nobody else trades here, so everything the flow believes is so.
        let refused: u64 = tally.rejected.iter().sum();
        assert_eq!(refused, 0, "{tally:?}");
        let book = exchange.client.book("AAPL", &BookQuery::default()).unwrap();
        assert!(book.bids.len() > 3 && book.asks.len() > 3, "{book:?}");

        // The price goes on where it was.
        let trades =
            exchange.client.trades(&TradesQuery { symbol: "AAPL".to_owned(), limit: None }).unwrap().trades;
        let now = trades.last().unwrap().last_px.units();
        if let Some(before) = last_px {
            assert!((now - before) * 20 < before && (before - now) * 20 < before, "{before} then {now}");
        }
        last_px = Some(now);

        // People trade in it.
        let bought = exchange.submit(order("alice", &format!("mine-{run}"), Side::Buy, "10", "market"));
        assert_eq!(bought.order.ord_status, OrdStatus::Filled);
        exchange.stop();
    }
}

#[test]
fn a_demo_market_without_flow_waits_for_people() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    let demo = Demo::start(exchange.gateway.session(), DemoConfig { rate: 0, seed: 1 }).unwrap();
    exchange.submit(order("bob", "b1", Side::Sell, "10", "230.00"));
    assert_eq!(
        exchange.submit(order("alice", "a1", Side::Buy, "10", "230.00")).order.ord_status,
        OrdStatus::Filled
    );
    demo.stop();
    exchange.stop();
}
