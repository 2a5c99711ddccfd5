//! Many clients, lost answers, slow and hostile ones.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

mod common;

use common::{Exchange, account, order, problem};
use gateway::api::{Amount, BookQuery, OrdStatus};
use gateway::{SubmitError, Wants};
use model::{
    AccountId, ClOrdId, InstrumentId, OrderType, SelfTradePrevention, Side, SubmitOrder, TimeInForce,
    Timestamp,
};
use proptest::prelude::*;
use std::collections::VecDeque;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// Keeps the follower from telling anybody anything, until it is dropped.
struct Silence {
    release: mpsc::Sender<()>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Silence {
    fn over(exchange: &Exchange) -> Self {
        let session = exchange.gateway.session().clone();
        let (release, released) = mpsc::channel();
        let (held, holding) = mpsc::channel();
        let thread = std::thread::spawn(move || {
            session.read(|_| {
                held.send(()).unwrap();
                // An error means that the test is over.
                let _ = released.recv();
            });
        });
        holding.recv().unwrap();
        Self { release, thread: Some(thread) }
    }
}

impl Drop for Silence {
    fn drop(&mut self) {
        let _ = self.release.send(());
        self.thread.take().unwrap().join().unwrap();
    }
}

#[test]
fn a_lost_answer_says_that_the_outcome_is_unknown_and_how_to_find_out() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    exchange.stop();
    let mut config = common::gateway_config();
    config.outcome_timeout_ms = 100;
    let exchange = Exchange::start_with(common::node_config(dir.path()), &config);
    let silence = Silence::over(&exchange);
    let lost = problem(exchange.client.submit(&order("alice", "a1", Side::Buy, "1", "9.00")));
    drop(silence);
    assert_eq!((lost.status, lost.code.as_str()), (504, "OUTCOME_UNKNOWN"));
    assert_eq!((lost.cl_ord_id.as_deref(), lost.sequence), (Some("a1"), None));
    assert!(lost.hint.unwrap().contains("GET /v1/orders/alice/a1"));

    // It was done all the same, and repeating it does not do it twice.
    let deadline = Instant::now() + Duration::from_secs(50);
    while exchange.client.order("alice", "a1").is_err() {
        assert!(Instant::now() < deadline, "the order never showed up");
        std::thread::sleep(Duration::from_millis(5));
    }
    let again = loop {
        let again = problem(exchange.client.submit(&order("alice", "a1", Side::Buy, "1", "9.00")));
        // On a busy machine 100 ms may be too short for this answer too.
        if again.code != "OUTCOME_UNKNOWN" {
            break again;
        }
    };
    assert_eq!(again.code, "DUPLICATE_ORDER");
    assert_eq!(exchange.client.order("alice", "a1").unwrap().ord_status, OrdStatus::New);
    exchange.stop();
}

#[test]
fn too_many_in_flight_are_told_to_come_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = common::gateway_config();
    config.max_in_flight = 1;
    let exchange = Exchange::start_with(common::node_config(dir.path()), &config);
    exchange.open_market();
    let session = exchange.gateway.session();
    let alice = session.read(|model| model.state().accounts().next().unwrap().id);
    let silence = Silence::over(&exchange);
    let mut first = session.submit(limit(alice, "a1", Side::Buy, 900), Wants::Events).unwrap();
    assert_eq!(
        session.submit(limit(alice, "a2", Side::Buy, 900), Wants::Events).unwrap_err(),
        SubmitError::TooManyInFlight
    );
    drop(silence);
    assert!(first.wait(Duration::from_secs(50)).unwrap().is_ok());
    drop(first);
    assert_eq!(exchange.client.cancel("alice", "a1").unwrap().order.ord_status, OrdStatus::Canceled);

    // Over HTTP the read model must be free, since a request looks its names up there: so the one place is kept busy instead.
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !over.load(Ordering::Relaxed) {
                if let Ok(mut busy) = session.submit(limit(alice, "a1", Side::Buy, 900), Wants::Events) {
                    let _ = busy.wait(Duration::from_secs(50));
                }
            }
        });
        let refused = (0..1_000)
            .map(|_| exchange.raw("DELETE", "/v1/orders/alice/a1", &[], None))
            .find(|answer| answer.status == 503);
        over.store(true, Ordering::Relaxed);
        let refused = refused.expect("the only place is nearly always taken");
        assert_eq!(refused.problem().code, "TOO_MANY_IN_FLIGHT");
        assert_eq!(refused.retry_after.as_deref(), Some("1"));
    });
    exchange.stop();
}

#[test]
fn a_stopping_exchange_says_so_and_lets_go_of_those_who_wait() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    let session = exchange.gateway.session().clone();
    session.stop();
    assert_eq!(
        session.submit(limit(AccountId(0), "a1", Side::Buy, 900), Wants::Events).unwrap_err(),
        SubmitError::Stopped
    );
    let refused = problem(exchange.client.submit(&order("alice", "a1", Side::Buy, "1", "9.00")));
    assert_eq!((refused.status, refused.code.as_str()), (503, "STOPPED"));
    let health = exchange.raw("GET", "/v1/health", &[], None);
    assert_eq!(health.status, 503);
    assert!(!exchange.client.health().unwrap().healthy);
    drop(session);
    exchange.stop();
}

#[test]
fn clients_at_once_each_get_their_own_answers() {
    const CLIENTS: usize = 8;
    const ROUNDS: usize = 40;
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    for number in 0..CLIENTS {
        let name = format!("c{number}");
        exchange.client.open_account(&account(&name, &[("USD", "100000"), ("AAPL", "1000")])).unwrap();
    }
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let client = &exchange.client;
            scope.spawn(move || {
                let name = format!("c{number}");
                for round in 0..ROUNDS {
                    let id = format!("{number}-{round}");
                    let side = if (number + round) % 2 == 0 { Side::Buy } else { Side::Sell };
                    let answer = client.submit(&order(&name, &id, side, "1", "10.00")).unwrap();
                    assert_eq!(
                        (answer.order.account.as_str(), answer.order.cl_ord_id.as_str()),
                        (&*name, &*id)
                    );
                    assert!(answer.executions.iter().all(|report| report.order.account == name));
                    // What was answered is seen by every question after it.
                    let seen = client.order(&name, &id).unwrap();
                    assert!(seen.sequence >= answer.order.sequence, "{seen:?} after {answer:?}");
                }
            });
        }
    });
    let status = exchange.client.status().unwrap();
    assert_eq!(status.in_flight, 0);
    // Buys and sells at one price: nobody is left on both sides, and no share came from nowhere.
    let book = exchange.client.book("AAPL", &BookQuery::default()).unwrap();
    assert!(book.bids.is_empty() || book.asks.is_empty());
    let shares: i128 = exchange.gateway.session().read(|model| {
        let state = model.state();
        let asset = state.asset_by_code(&"AAPL".parse().unwrap()).unwrap().id;
        state.accounts().map(|account| i128::from(state.balance(account.id, asset).total.0)).sum()
    });
    assert_eq!(shares, 1_000 + 1_000 * CLIENTS as i128);
    exchange.stop();
}

fn limit(account: AccountId, id: &str, side: Side, cents: i64) -> SubmitOrder {
    SubmitOrder {
        cl_ord_id: ClOrdId::new(id).unwrap(),
        account,
        instrument: InstrumentId(0),
        price_units: cents,
        quantity_units: 1,
        expire_at: Timestamp::NONE,
        price_scale: 2,
        quantity_scale: 0,
        side,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Day,
        post_only: false,
        self_trade_prevention: SelfTradePrevention::Default,
        reserved: 0,
    }
}

#[test]
fn thousands_in_flight_come_back_in_order() {
    const COMMANDS: usize = 20_000;
    const WINDOW: usize = 4_096;
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    exchange
        .client
        .deposit("bob", &Amount { asset: "AAPL".to_owned(), amount: "100000".parse().unwrap() })
        .unwrap();
    let session = exchange.gateway.session();
    let (alice, bob) = (AccountId(0), AccountId(1));
    let mut window = VecDeque::new();
    let (mut last, mut trades) = (0, 0);
    let mut take = |pending: &mut gateway::Pending| {
        let outcome = pending.wait(Duration::from_secs(50)).unwrap().unwrap();
        assert!(outcome.sequence > last && outcome.rejection().is_none(), "{outcome:?}");
        last = outcome.sequence;
        trades += outcome.events.iter().filter(|event| matches!(event, model::Event::Trade(_))).count();
    };
    let began = Instant::now();
    for number in 0..COMMANDS {
        if window.len() == WINDOW {
            take(&mut window.pop_front().unwrap());
        }
        let (account, side) = if number % 2 == 0 { (alice, Side::Buy) } else { (bob, Side::Sell) };
        let command = limit(account, &format!("{number}"), side, 1);
        window.push_back(session.submit(command, Wants::Events).unwrap());
    }
    for mut pending in window {
        take(&mut pending);
    }
    let took = began.elapsed();
    assert_eq!(trades, COMMANDS / 2);
    println!("{COMMANDS} commands in {took:?}");
    exchange.stop();
}

#[test]
fn who_sends_too_slowly_is_let_go() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = common::gateway_config();
    config.read_timeout_ms = 200;
    let exchange = Exchange::start_with(common::node_config(dir.path()), &config);
    let answer_to = |request: &str| {
        let mut stream = TcpStream::connect(exchange.gateway.address()).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(50))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    // Half a head, then silence: the connection ends.
    let answer = answer_to("POST /v1/orders HTTP/1.1\r\nhost: localhost\r\ncontent-");
    assert!(!answer.contains("200 OK"), "{answer}");
    // Half a body, then silence: told why.
    let head = "POST /v1/orders HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\ncontent-type: application/json\r\n";
    let answer = answer_to(&format!("{head}content-length: 100\r\n\r\n{{"));
    assert!(answer.starts_with("HTTP/1.1 408 ") && answer.contains("REQUEST_TIMEOUT"), "{answer}");
    exchange.stop();
}

/// JSON that is nearly right: the likeliest to find a hole.
fn nearly_an_order() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("\"alice\"".to_owned()),
        Just("\"AAPL\"".to_owned()),
        Just("\"buy\"".to_owned()),
        Just("null".to_owned()),
        Just("{}".to_owned()),
        Just("[[]]".to_owned()),
        Just("-9223372036854775808".to_owned()),
        Just("18446744073709551615".to_owned()),
        Just("1e308".to_owned()),
        "\"-?[0-9]{0,25}(\\.[0-9]{0,25})?\"",
        "-?[0-9]{1,25}(\\.[0-9]{1,5})?",
        any::<String>().prop_map(|text| serde_json::to_string(&text).unwrap()),
    ];
    let names = [
        "account",
        "symbol",
        "side",
        "order_qty",
        "price",
        "cl_ord_id",
        "time_in_force",
        "expire_time",
        "post_only",
        "x",
    ];
    let field =
        (prop::sample::select(names.to_vec()), value).prop_map(|(name, value)| format!("\"{name}\":{value}"));
    prop::collection::vec(field, 0..8).prop_map(|fields| format!("{{{}}}", fields.join(",")))
}

#[test]
fn whatever_is_sent_the_answer_is_an_answer() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    let paths = [
        ("POST", "/v1/orders"),
        ("PATCH", "/v1/orders/alice/a1"),
        ("POST", "/v1/accounts"),
        ("POST", "/v1/accounts/alice/deposits"),
        ("PUT", "/v1/accounts/alice/limits"),
        ("POST", "/v1/instruments"),
        ("PUT", "/v1/instruments/AAPL/phase"),
    ];
    let body = prop_oneof![
        nearly_an_order().prop_map(String::into_bytes),
        prop::collection::vec(any::<u8>(), 0..200),
    ];
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(600));
    runner
        .run(&(prop::sample::select(paths.to_vec()), body), |((method, path), body)| {
            let json = [("content-type", "application/json")];
            let answer = exchange.raw(method, path, &json, Some(&body));
            prop_assert!(answer.status < 500, "{} {}: {} {}", method, path, answer.status, answer.text);
            prop_assert!(serde_json::from_str::<serde_json::Value>(&answer.text).is_ok());
            Ok(())
        })
        .unwrap();
    assert!(exchange.client.health().unwrap().healthy);
    exchange.stop();
}
