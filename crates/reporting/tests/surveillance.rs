//! The reports that watch how people trade, against markets in which what they look for was put on purpose.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use common::{Market, ask, cancel, deal, one, order, session};
use model::{AccountId, InstrumentId, KillAccount, Phase, SetPhase, Side};

const SECOND: i64 = 1_000_000_000;

fn alerts(dir: &std::path::Path) -> Vec<Vec<String>> {
    ask(&session(dir), "SELECT DISTINCT alert, account FROM surveillance ORDER BY ALL")
}

#[test]
fn surveillance_finds_what_was_put_there() {
    type Play = fn(&mut Market);
    let plays: [(&str, &str, Play); 6] = [
        ("wash-trade", "account1", |market| {
            deal(market, 0, 1, 1000, 7, 10);
            deal(market, 1, 0, 1000, 7, 20);
        }),
        ("spoofing", "account2", |market| {
            // Small orders of others make the large one large.
            for id in 0..10 {
                market.run(&[order(3, Side::Buy, 900, 1, id)]);
            }
            market.run(&[order(2, Side::Sell, 1000, 10, 100)]);
            market.run(&[order(2, Side::Buy, 990, 300, 101)]);
            market.run(&[order(1, Side::Buy, 1000, 10, 102)]);
            market.run(&[cancel(2, 101)]);
        }),
        ("layering", "account2", |market| {
            market.run(&[order(2, Side::Sell, 1000, 10, 100)]);
            for step in 0..4 {
                market.run(&[order(2, Side::Buy, 990 - step, 10, 200 + step)]);
            }
            market.run(&[order(1, Side::Buy, 1000, 10, 102)]);
            for step in 0..4 {
                market.run(&[cancel(2, 200 + step)]);
            }
        }),
        ("marking-the-close", "account1", |market| {
            deal(market, 0, 2, 1000, 1, 10);
            market.sleep(3600 * SECOND);
            deal(market, 0, 2, 1000, 1, 20);
            deal(market, 0, 1, 1006, 5, 30);
        }),
        ("quote-stuffing", "account3", |market| {
            for id in 0..60 {
                market.run(&[order(3, Side::Buy, 900, 1, id), cancel(3, id)]);
            }
        }),
        ("ramping", "account1", |market| {
            for step in 0..5 {
                deal(market, u32::from(step % 2 == 0) * 2, 1, 1000 + 2 * step, 1 + step, 10 + 10 * step);
            }
            // So that it is not the close that is marked: others trade for long after.
            market.sleep(3600 * SECOND);
            deal(market, 0, 2, 1008, 1, 90);
        }),
    ];
    for (alert, account, play) in plays {
        let dir = tempfile::tempdir().unwrap();
        let mut market = Market::opened(dir.path());
        play(&mut market);
        assert_eq!(alerts(dir.path()), [[alert, account]], "{alert}");
        let session = session(dir.path());
        let evidence =
            "SELECT count(*) FROM surveillance WHERE first_sequence > last_sequence OR first_sequence < 1";
        assert_eq!(one(&session, evidence), "0");
    }
}

#[test]
fn surveillance_leaves_ordinary_trading_alone() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    for round in 0..5 {
        deal(&mut market, 0, 1, 1000 + round % 2, 3 + round, 100 * round);
        market.sleep(90 * SECOND);
        market.run(&[order(2, Side::Buy, 990, 5, 100 * round + 50)]);
        market.sleep(60 * SECOND);
        market.run(&[cancel(2, 100 * round + 50)]);
    }
    assert_eq!(alerts(dir.path()), Vec::<Vec<String>>::new());
}

#[test]
fn controls_count_refusals_switches_and_halts() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    deal(&mut market, 0, 1, 1000, 2, 10);
    market.run(&[order(1, Side::Buy, 1000, 1_000_000_000, 20), cancel(1, 77), cancel(1, 78)]);
    market.run(&[SetPhase { instrument: InstrumentId(0), phase: Phase::Halted, reserved: [0; 3] }.into()]);
    market.run(&[KillAccount { account: AccountId(2), reserved: 0 }.into()]);
    let session = session(dir.path());
    let rows = ask(
        &session,
        "SELECT control, account, symbol, detail, count, ratio FROM controls WHERE control <> 'order-to-trade' ORDER BY first_sequence",
    );
    assert_eq!(
        rows,
        [
            ["reject", "account1", "AAA", "INSUFFICIENT_FUNDS", "1", "-"],
            ["reject", "account1", "-", "UNKNOWN_ORDER", "2", "-"],
            ["phase", "-", "AAA", "halted", "1", "-"],
            ["kill-switch", "account2", "-", "-", "1", "-"],
        ]
    );
    let ratios = ask(
        &session,
        "SELECT account, count, ratio FROM controls WHERE control = 'order-to-trade' ORDER BY ALL",
    );
    assert_eq!(ratios, [["account0", "1", "1"], ["account1", "1", "1"]]);
}
