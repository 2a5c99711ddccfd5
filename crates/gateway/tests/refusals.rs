//! Everything that can be wrong with a request, and what the answer says about it.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

mod common;

use common::{Exchange, account, instrument, order, problem};
use gateway::api::{
    AccountLimits, Amount, BookQuery, CandlesQuery, NewOrder, OrdersQuery, PhaseRequest, ReplaceRequest,
    StatusRequest, TradesQuery, Word,
};
use gateway::client::ClientError;
use model::{AccountStatus, Phase, RejectReason, SelfTradePrevention, Side, TimeInForce};

fn amount(asset: &str, amount: &str) -> Amount {
    Amount { asset: asset.to_owned(), amount: amount.parse().unwrap() }
}

/// A refusal by the exchange: in the log, with its number, and with the status that goes with it.
#[track_caller]
fn refused<T: std::fmt::Debug>(answer: Result<T, ClientError>, status: u16, reason: RejectReason) {
    let problem = problem(answer);
    assert_eq!((problem.status, problem.reason()), (status, Some(reason)), "{problem:?}");
    assert_eq!(problem.code, reason.as_str());
    assert!(problem.sequence.is_some(), "a refusal is a fact in the log: {problem:?}");
    assert!(!problem.title.is_empty() && !problem.detail.is_empty());
}

#[test]
fn orders_the_exchange_refuses() {
    use RejectReason as R;
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    let client = &exchange.client;
    let submit = |change: &dyn Fn(&mut NewOrder)| {
        let mut order = order("alice", "x", Side::Buy, "10", "10.00");
        change(&mut order);
        client.submit(&order)
    };
    refused(submit(&|order| order.account = "nobody".to_owned()), 404, R::UnknownAccount);
    refused(submit(&|order| order.symbol = "NONE".to_owned()), 404, R::UnknownInstrument);
    refused(submit(&|order| order.price = "10.001".parse().ok()), 422, R::InvalidPrice);
    refused(submit(&|order| order.price = "-1".parse().ok()), 422, R::InvalidPrice);
    refused(submit(&|order| order.order_qty = "0".parse().unwrap()), 422, R::InvalidQuantity);
    refused(submit(&|order| order.order_qty = "0.5".parse().unwrap()), 422, R::InvalidQuantity);
    refused(submit(&|order| order.order_qty = "1001".parse().unwrap()), 422, R::InsufficientFunds);
    refused(submit(&|order| order.side = Word(Side::Sell)), 422, R::InsufficientPosition);
    let post_ioc = |order: &mut NewOrder| {
        order.post_only = true;
        order.time_in_force = Some(Word(TimeInForce::Ioc));
    };
    refused(submit(&post_ioc), 422, R::InvalidTimeInForce);
    let past = |order: &mut NewOrder| {
        order.time_in_force = Some(Word(TimeInForce::Gtd));
        order.expire_time = "2001-01-01T00:00:00Z".parse().ok();
    };
    refused(submit(&past), 422, R::InvalidExpireTime);
    exchange.submit(order("bob", "b1", Side::Sell, "10", "10.00"));
    refused(submit(&|order| order.post_only = true), 422, R::PostOnlyWouldCross);

    // None of them used up the id; the accepted one does.
    submit(&|order| order.price = "9.00".parse().ok()).unwrap();
    refused(submit(&|_| {}), 409, R::DuplicateOrder);
    exchange.stop();
}

#[test]
fn changes_of_orders_the_exchange_refuses() {
    use RejectReason as R;
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    let client = &exchange.client;
    let nothing = ReplaceRequest::default();
    refused(client.cancel("nobody", "x"), 404, R::UnknownAccount);
    refused(client.cancel("alice", "x"), 404, R::UnknownOrder);
    refused(client.replace("alice", "x", &nothing), 404, R::UnknownOrder);
    refused(client.cancel_all("nobody", None), 404, R::UnknownAccount);
    refused(client.cancel_all("alice", Some("NONE")), 404, R::UnknownInstrument);
    exchange.submit(order("alice", "a1", Side::Buy, "10", "10.00"));
    client.cancel("alice", "a1").unwrap();
    refused(client.cancel("alice", "a1"), 422, R::TooLate);
    refused(client.replace("alice", "a1", &nothing), 422, R::TooLate);
    exchange.submit(order("alice", "a2", Side::Buy, "10", "10.00"));
    let taken = ReplaceRequest { new_cl_ord_id: Some("a1".to_owned()), ..nothing.clone() };
    refused(client.replace("alice", "a2", &taken), 409, R::DuplicateOrder);

    client.set_phase("AAPL", &PhaseRequest { phase: Word(Phase::Halted) }).unwrap();
    refused(client.submit(&order("alice", "a3", Side::Buy, "1", "9.00")), 422, R::InstrumentHalted);
    client.set_phase("AAPL", &PhaseRequest { phase: Word(Phase::Closed) }).unwrap();
    refused(client.submit(&order("alice", "a3", Side::Buy, "1", "9.00")), 422, R::MarketClosed);
    refused(
        client.set_phase("AAPL", &PhaseRequest { phase: Word(Phase::Auction) }),
        422,
        R::UnsupportedPhase,
    );
    refused(client.set_phase("NONE", &PhaseRequest { phase: Word(Phase::Open) }), 404, R::UnknownInstrument);
    exchange.stop();
}

#[test]
fn limits_and_permissions_the_exchange_holds_to() {
    use RejectReason as R;
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    let client = &exchange.client;
    let mut narrow = instrument("NARROW");
    narrow.max_qty = "10".parse().ok();
    narrow.max_notional = "50".parse().ok();
    narrow.collar_percent = "5".parse().ok();
    client.create_instrument(&narrow).unwrap();
    client.deposit("bob", &amount("NARROW", "5")).unwrap();
    let submit = |account: &str, id: &str, side, quantity: &str, price: &str| {
        let mut order = order(account, id, side, quantity, price);
        order.symbol = "NARROW".to_owned();
        client.submit(&order)
    };
    refused(submit("alice", "n1", Side::Buy, "11", "1.00"), 422, R::MaxQuantity);
    refused(submit("alice", "n1", Side::Buy, "10", "5.01"), 422, R::MaxNotional);
    submit("bob", "n1", Side::Sell, "1", "10.00").unwrap();
    submit("alice", "n1", Side::Buy, "1", "10.00").unwrap();
    refused(submit("alice", "n2", Side::Buy, "1", "10.51"), 422, R::PriceCollar);

    let limits = AccountLimits { max_notional: "20".parse().ok(), max_working_orders: Some(1) };
    client.set_account_limits("alice", &limits).unwrap();
    refused(client.submit(&order("alice", "a1", Side::Buy, "3", "10.00")), 422, R::AccountNotionalLimit);
    exchange.submit(order("alice", "a1", Side::Buy, "1", "10.00"));
    refused(client.submit(&order("alice", "a2", Side::Buy, "1", "10.00")), 422, R::AccountOrderLimit);

    let status = |status| StatusRequest { status: Word(status) };
    client.set_account_status("bob", &status(AccountStatus::Suspended)).unwrap();
    refused(client.submit(&order("bob", "b1", Side::Sell, "1", "10.00")), 422, R::AccountSuspended);
    client.set_account_status("bob", &status(AccountStatus::Opened)).unwrap();
    refused(client.submit(&order("bob", "b1", Side::Sell, "1", "10.00")), 422, R::AccountNotVerified);
    client.kill("bob").unwrap();
    refused(client.submit(&order("bob", "b1", Side::Sell, "1", "10.00")), 422, R::KillSwitch);
    refused(client.set_account_status("bob", &status(AccountStatus::Verified)), 422, R::KillSwitch);
    exchange.stop();
}

#[test]
fn accounts_and_instruments_the_exchange_refuses() {
    use RejectReason as R;
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    let client = &exchange.client;
    refused(client.open_account(&account("alice", &[])), 409, R::DuplicateAccount);
    refused(client.open_account(&account("dora", &[("nothing", "1")])), 404, R::UnknownAsset);
    refused(client.open_account(&account("dora", &[("USD", "-1")])), 422, R::InvalidAmount);
    refused(client.deposit("nobody", &amount("USD", "1")), 404, R::UnknownAccount);
    refused(client.deposit("alice", &amount("nothing", "1")), 404, R::UnknownAsset);
    refused(client.deposit("alice", &amount("USD", "0.001")), 422, R::InvalidAmount);
    refused(client.withdraw("alice", &amount("USD", "10000.01")), 422, R::InsufficientFunds);
    refused(client.withdraw("alice", &amount("AAPL", "1")), 422, R::InsufficientPosition);
    refused(client.set_account_limits("nobody", &AccountLimits::default()), 404, R::UnknownAccount);
    refused(client.kill("nobody"), 404, R::UnknownAccount);
    refused(client.create_instrument(&instrument("AAPL")), 409, R::DuplicateInstrument);
    let mut impossible = instrument("X");
    impossible.tick_size = "0".parse().unwrap();
    refused(client.create_instrument(&impossible), 422, R::InvalidInstrument);
    exchange.stop();
}

/// What the gateway itself finds: status, code, and the field where one is wrong.
#[track_caller]
fn found<T: std::fmt::Debug>(answer: Result<T, ClientError>, status: u16, code: &str, field: Option<&str>) {
    let problem = problem(answer);
    let shown = (problem.status, problem.code.as_str(), problem.field.as_deref());
    assert_eq!(shown, (status, code, field), "{problem:?}");
    assert!(problem.sequence.is_none(), "the exchange never saw it: {problem:?}");
}

#[test]
fn requests_that_do_not_go_together() {
    const BAD: &str = "BAD_REQUEST";
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    let client = &exchange.client;
    let submit = |change: &dyn Fn(&mut NewOrder)| {
        let mut order = order("alice", "x", Side::Buy, "10", "10.00");
        change(&mut order);
        client.submit(&order)
    };
    let limit_without_price = |order: &mut NewOrder| {
        order.ord_type = "limit".parse().ok();
        order.price = None;
    };
    found(submit(&limit_without_price), 400, BAD, Some("price"));
    found(submit(&|order| order.ord_type = "market".parse().ok()), 400, BAD, Some("price"));
    found(submit(&|order| order.time_in_force = Some(Word(TimeInForce::Gtd))), 400, BAD, Some("expire_time"));
    found(
        submit(&|order| order.expire_time = "2200-01-01T00:00:00Z".parse().ok()),
        400,
        BAD,
        Some("expire_time"),
    );
    found(submit(&|order| order.account = "two words".to_owned()), 400, BAD, Some("account"));
    found(submit(&|order| order.symbol = "LONGER-THAN-SIXTEEN".to_owned()), 400, BAD, Some("symbol"));
    found(submit(&|order| order.cl_ord_id = Some(String::new())), 400, BAD, Some("cl_ord_id"));
    found(submit(&|order| order.cl_ord_id = Some("é".to_owned())), 400, BAD, Some("cl_ord_id"));
    found(submit(&|order| order.price = "99999999999999999999".parse().ok()), 400, BAD, Some("price"));
    found(
        submit(&|order| order.order_qty = "9223372036854775808".parse().unwrap()),
        400,
        BAD,
        Some("order_qty"),
    );

    found(
        client.open_account(&account("dora", &[("USD", "1"), ("USD", "2")])),
        400,
        BAD,
        Some("balances[1].asset"),
    );
    let killed = StatusRequest { status: Word(AccountStatus::Killed) };
    found(client.set_account_status("alice", &killed), 400, BAD, Some("status"));
    let mut unsure = instrument("X");
    unsure.self_trade_prevention = Some(Word(SelfTradePrevention::Default));
    found(client.create_instrument(&unsure), 400, BAD, Some("self_trade_prevention"));
    let mut timeless = instrument("X");
    timeless.calendar = Some("NEVER".to_owned());
    found(client.create_instrument(&timeless), 400, BAD, Some("calendar"));
    found(client.book("AAPL", &BookQuery { depth: Some(10_001), level: None }), 400, BAD, Some("depth"));
    found(client.book("AAPL", &BookQuery { depth: None, level: Some(1) }), 400, BAD, Some("level"));
    let weekly = CandlesQuery { interval: Some("1w".to_owned()), limit: None };
    found(client.candles("AAPL", &weekly), 400, BAD, Some("interval"));
    exchange.stop();
}

#[test]
fn questions_about_what_is_not_there() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    let client = &exchange.client;
    let unknown = |answer: Result<(), ClientError>, code: &str| found(answer, 404, code, None);
    unknown(client.order("alice", "x").map(drop), "UNKNOWN_ORDER");
    unknown(client.order("nobody", "x").map(drop), "UNKNOWN_ACCOUNT");
    unknown(client.account("nobody").map(drop), "UNKNOWN_ACCOUNT");
    unknown(client.instrument("NONE").map(drop), "UNKNOWN_INSTRUMENT");
    unknown(client.book("NONE", &BookQuery::default()).map(drop), "UNKNOWN_INSTRUMENT");
    unknown(client.candles("NONE", &CandlesQuery::default()).map(drop), "UNKNOWN_INSTRUMENT");
    unknown(
        client.trades(&TradesQuery { symbol: "NONE".to_owned(), limit: None }).map(drop),
        "UNKNOWN_INSTRUMENT",
    );
    let query = OrdersQuery { account: "nobody".to_owned(), symbol: None, show: None, limit: None };
    unknown(client.orders(&query).map(drop), "UNKNOWN_ACCOUNT");
    exchange.stop();
}

#[test]
fn bodies_and_addresses_that_are_wrong_say_where() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    let order = |rest: &str| format!(r#"{{"account":"alice","symbol":"AAPL","side":"buy"{rest}}}"#);
    for (body, field, message) in [
        ("", None, "EOF"),
        ("nonsense", None, "expected ident"),
        ("[]", None, "invalid length"),
        (r#"{"account":"#, Some("account"), "EOF"),
        (&order(""), Some("order_qty"), "missing field"),
        (&order(r#","order_qty":"1","prize":"1""#), Some("prize"), "unknown field"),
        (&order(r#","order_qty":"1","side":"sell""#), Some("side"), "duplicate field"),
        (&order(r#","order_qty":1.5"#), Some("order_qty"), "decimal number as a string"),
        (&order(r#","order_qty":"1e3""#), Some("order_qty"), "not a decimal number"),
        (&order(r#","order_qty":"1","price":"0.1234567890123456789""#), Some("price"), "more than 18 digits"),
        (&order(r#","order_qty":"1","time_in_force":"week""#), Some("time_in_force"), "day gtc ioc fok gtd"),
        (&order(r#","order_qty":"1","expire_time":"tomorrow""#), Some("expire_time"), "RFC 3339"),
        (&format!("{} x", order(r#","order_qty":"1""#)), None, "trailing characters"),
    ] {
        let problem = exchange.post("/v1/orders", body).problem();
        assert_eq!((problem.status, problem.code.as_str()), (400, "BAD_REQUEST"), "{body}");
        assert_eq!(problem.field.as_deref(), field, "{body}: {problem:?}");
        assert!(problem.detail.contains(message), "{body}: {}", problem.detail);
    }
    let nested =
        exchange.post("/v1/accounts", r#"{"account":"d","balances":[{"asset":"USD","amount":"1","x":1}]}"#);
    assert_eq!(nested.problem().field.as_deref(), Some("balances[0].x"));

    for (method, path, status, code, field) in [
        ("GET", "/", 404, "NOT_FOUND", None),
        ("GET", "/v2/orders", 404, "NOT_FOUND", None),
        ("PUT", "/v1/orders", 405, "METHOD_NOT_ALLOWED", None),
        ("DELETE", "/metrics", 405, "METHOD_NOT_ALLOWED", None),
        ("GET", "/v1/orders", 400, "BAD_REQUEST", Some("account")),
        ("GET", "/v1/orders?account=alice&limit=many", 400, "BAD_REQUEST", Some("limit")),
        ("GET", "/v1/orders?account=alice&color=red", 400, "BAD_REQUEST", Some("color")),
        ("GET", "/v1/orders?account=alice&show=some", 400, "BAD_REQUEST", Some("show")),
        ("DELETE", "/v1/orders", 400, "BAD_REQUEST", Some("account")),
        ("GET", "/v1/books/%FF", 400, "BAD_REQUEST", None),
        ("GET", "/v1/books/two%20words", 400, "BAD_REQUEST", Some("symbol")),
    ] {
        let problem = exchange.raw(method, path, &[], None).problem();
        let shown = (problem.status, problem.code.as_str(), problem.field.as_deref());
        assert_eq!(shown, (status, code, field), "{method} {path}: {problem:?}");
    }
    exchange.stop();
}

#[test]
fn a_page_on_the_web_cannot_trade_on_the_visitors_machine() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    exchange.open_market();
    let body = br#"{"account":"alice","symbol":"AAPL","side":"buy","order_qty":"1","price":"9"}"#;
    // What a browser sends across origins without asking first.
    for content_type in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"] {
        let answer = exchange.raw("POST", "/v1/orders", &[("content-type", content_type)], Some(body));
        assert_eq!(answer.problem().code, "UNSUPPORTED_MEDIA_TYPE");
    }
    assert_eq!(exchange.raw("POST", "/v1/accounts/alice/kill", &[], Some(b"")).problem().status, 415);
    // What it sends when it had its own name point here.
    let rebound = [("content-type", "application/json"), ("host", "example.com")];
    let answer = exchange.raw("POST", "/v1/orders", &rebound, Some(body));
    assert_eq!((answer.status, answer.problem().code.as_str()), (421, "MISDIRECTED"));
    let json = [("content-type", "Application/JSON; charset=utf-8")];
    assert_eq!(exchange.raw("POST", "/v1/orders", &json, Some(body)).status, 201);
    exchange.stop();
}

#[test]
fn a_token_guards_what_it_should() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = common::gateway_config();
    config.token = Some("secret".to_owned());
    let exchange = Exchange::start_with(common::node_config(dir.path()), &config);
    exchange.open_market();
    let body = br#"{"account":"alice","symbol":"AAPL","side":"buy","order_qty":"1","price":"9"}"#;
    let post = |authorization: &str| {
        let headers = [("content-type", "application/json"), ("authorization", authorization)];
        exchange.raw("POST", "/v1/orders", &headers, Some(body)).status
    };
    assert_eq!(post("Bearer secret"), 201);
    assert_eq!(post("bearer secret"), 201);
    for wrong in ["Bearer secre", "Bearer secret1", "Bearer ", "Basic secret", "secret"] {
        assert_eq!(post(wrong), 401, "{wrong}");
    }
    assert_eq!(exchange.post("/v1/orders", "nonsense").problem().code, "UNAUTHORIZED");
    assert_eq!(exchange.raw("DELETE", "/v1/orders?account=alice", &[], None).status, 401);
    assert_eq!(exchange.raw("GET", "/v1/instruments", &[], None).status, 200);
    exchange.stop();

    config.token_for_reads = true;
    let exchange = Exchange::start_with(common::node_config(dir.path()), &config);
    for path in ["/v1/instruments", "/metrics"] {
        assert_eq!(exchange.raw("GET", path, &[], None).status, 401, "{path}");
    }
    assert_eq!(exchange.raw("GET", "/v1/health", &[], None).status, 200);
    assert_eq!(exchange.client.instruments().unwrap().instruments.len(), 1);
    exchange.stop();
}

#[test]
fn a_body_has_a_largest_size() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = common::gateway_config();
    config.max_body_bytes = 1_024;
    let exchange = Exchange::start_with(common::node_config(dir.path()), &config);
    let problem = exchange.post("/v1/orders", &" ".repeat(1_025)).problem();
    assert_eq!((problem.status, problem.code.as_str()), (413, "BODY_TOO_LARGE"));
    assert_eq!(exchange.post("/v1/orders", &" ".repeat(1_024)).problem().status, 400);
    exchange.stop();
}
