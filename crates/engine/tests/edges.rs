//! The edges of the documented behaviour that a scenario cannot reach or would not show: account states, numbers that do not
//! fit, what rules are told, what a new day forgets.

mod common;

use common::{
    Exchange, account, cancel, cancel_all, decimal, deposit, id, instrument, kill, order, phase, replace,
    withdraw,
};
use engine::{Balance, Found, NoRules, Rules, State, decide};
use model::{
    AccountId, AccountStatus, AdvanceTime, AssetCode, CancelReason, Cash, Command, Configure, DayNumber,
    Event, InstrumentId, Phase, SelfTradePrevention, Side, StartTradingDay, SubmitOrder, TimeInForce,
    Timestamp,
};

const ALICE: u32 = 0;
const BOB: u32 = 1;

/// AAPL, and two accounts with 1,000 dollars and 100 shares each.
fn market() -> Exchange {
    let mut exchange = Exchange::default();
    exchange.tell(instrument("AAPL", "0.01", "1"));
    exchange.tell(account("alice", &[("USD", "1000"), ("AAPL", "100")]));
    exchange.tell(account("bob", &[("USD", "1000"), ("AAPL", "100")]));
    exchange
}

/// What happened, as short words.
fn words(events: &[Event]) -> Vec<String> {
    let word = |event: &Event| match event {
        Event::OrderAccepted(event) => format!("accepted {}", event.cl_ord_id),
        Event::OrderRejected(event) => format!("rejected {}", event.reason),
        Event::ReplaceRejected(event) => format!("replace-rejected {}", event.reason),
        Event::CancelRejected(event) => format!("cancel-rejected {}", event.reason),
        Event::CommandRejected(event) => format!("command-rejected {}", event.reason),
        Event::Trade(event) => format!("trade {} @ {}", event.quantity.0, event.price.0),
        Event::OrderCanceled(event) => {
            format!("canceled #{} {} {}", event.order_id.count(), event.leaves.0, event.reason)
        }
        Event::OrderReduced(event) => {
            format!("reduced #{} by {} to {}", event.order_id.count(), event.by.0, event.leaves.0)
        }
        Event::OrderBooked(event) => format!("booked {}", event.leaves.0),
        Event::OrderReplaced(event) => format!("replaced {}", event.cl_ord_id),
        event => event.name().to_owned(),
    };
    events.iter().map(word).collect()
}

#[track_caller]
fn says(events: &[Event], expected: &[&str]) {
    assert_eq!(words(events), expected);
}

fn usd(exchange: &Exchange, account: u32) -> Balance {
    let code = AssetCode::new("USD").expect("a code");
    let usd = exchange.state.asset_by_code(&code).expect("mentioned").id;
    exchange.state.balance(AccountId(account), usd)
}

#[test]
fn money_is_looked_at_before_self_trade_prevention() {
    let mut exchange = market();
    exchange.tell(order(ALICE, "own", Side::Sell, "5", "600"));
    exchange.tell(withdraw(ALICE, "USD", "500"));
    // Not one share at the best ask, although the best ask is alice's own.
    says(&exchange.tell(order(ALICE, "m1", Side::Buy, "5", "market")), &["rejected INSUFFICIENT_FUNDS"]);
    exchange.tell(order(BOB, "b1", Side::Sell, "1", "400"));
    // One share at 400; then the money ends before self-trade prevention is asked about the own order.
    says(
        &exchange.tell(order(ALICE, "m2", Side::Buy, "5", "market")),
        &["accepted m2", "trade 1 @ 40000", "canceled #3 4 no-liquidity"],
    );
    assert_eq!(exchange.state.working_orders(AccountId(ALICE)).count(), 1);
}

#[test]
fn a_market_buy_takes_what_its_money_buys() {
    let mut exchange = market();
    exchange.tell(order(BOB, "b1", Side::Sell, "30", "10"));
    exchange.tell(order(BOB, "b2", Side::Sell, "60", "20"));
    // 30 at 10 leave 700 for 35 at 20.
    says(
        &exchange.tell(order(ALICE, "m1", Side::Buy, "80", "market")),
        &["accepted m1", "trade 30 @ 1000", "trade 35 @ 2000", "canceled #3 15 no-liquidity"],
    );
    assert_eq!(usd(&exchange, ALICE), Balance::default());
    // As fok: not all of it, so none of it.
    exchange.tell(deposit(ALICE, "USD", "100"));
    let fok = SubmitOrder { time_in_force: TimeInForce::Fok, ..order(ALICE, "m2", Side::Buy, "6", "market") };
    says(&exchange.tell(fok), &["accepted m2", "canceled #4 6 no-liquidity"]);
}

#[test]
fn a_fok_counts_only_what_it_would_trade() {
    let modes = [
        (SelfTradePrevention::CancelNewest, false),
        (SelfTradePrevention::CancelOldest, true),
        (SelfTradePrevention::CancelBoth, false),
        (SelfTradePrevention::Decrement, false),
    ];
    for (mode, fills) in modes {
        let mut exchange = market();
        exchange.tell(order(BOB, "b1", Side::Sell, "2", "1"));
        exchange.tell(order(ALICE, "own", Side::Sell, "3", "1"));
        exchange.tell(order(BOB, "b2", Side::Sell, "9", "1"));
        let fok = SubmitOrder {
            time_in_force: TimeInForce::Fok,
            self_trade_prevention: mode,
            ..order(ALICE, "fok", Side::Buy, "6", "1")
        };
        let expected: &[&str] = if fills {
            &["accepted fok", "trade 2 @ 100", "canceled #2 3 stp", "trade 4 @ 100"]
        } else {
            &["accepted fok", "canceled #4 6 fok"]
        };
        says(&exchange.tell(fok), expected);
    }
}

#[test]
fn decrement_takes_from_both_resting_order_first() {
    let run = |resting: &str, incoming: &str| {
        let mut exchange = market();
        exchange.tell(order(ALICE, "own", Side::Sell, resting, "1"));
        exchange.tell(order(BOB, "b1", Side::Sell, "2", "1"));
        let incoming = SubmitOrder {
            self_trade_prevention: SelfTradePrevention::Decrement,
            ..order(ALICE, "in", Side::Buy, incoming, "1")
        };
        words(&exchange.tell(incoming))
    };
    assert_eq!(
        run("4", "10"),
        ["accepted in", "canceled #1 4 stp", "reduced #3 by 4 to 6", "trade 2 @ 100", "booked 4"]
    );
    assert_eq!(run("10", "4"), ["accepted in", "reduced #1 by 4 to 6", "canceled #3 4 stp"]);
    assert_eq!(run("4", "4"), ["accepted in", "canceled #1 4 stp", "canceled #3 4 stp"]);
}

#[test]
fn replaced_ids_stay_used_until_the_day_ends() {
    let mut exchange = market();
    let find = |exchange: &Exchange, name| exchange.state.find_order(AccountId(ALICE), &id(name));
    let gtc = SubmitOrder { time_in_force: TimeInForce::Gtc, ..order(ALICE, "a1", Side::Buy, "5", "9") };
    exchange.tell(gtc);
    says(&exchange.tell(replace(ALICE, "a1", "a2", Some("4"), None)), &["replaced a2"]);
    says(&exchange.tell(cancel(ALICE, "a1")), &["cancel-rejected TOO_LATE"]);
    says(&exchange.tell(order(ALICE, "a1", Side::Buy, "1", "9")), &["rejected DUPLICATE_ORDER"]);
    // Quantity at or below what is filled cancels, and does not use the new id up.
    says(&exchange.tell(replace(ALICE, "a2", "a3", Some("0"), None)), &["canceled #1 4 user"]);
    assert_eq!(find(&exchange, "a3"), Found::Unknown);

    exchange.tell(SubmitOrder { time_in_force: TimeInForce::Gtc, cl_ord_id: id("g1"), ..gtc });
    let working = find(&exchange, "g1");
    assert!(matches!(working, Found::Working(_)));
    let day = |day| StartTradingDay { day: DayNumber(day), reserved: 0 };
    says(&exchange.tell(day(5)), &["TradingDayStarted"]);
    says(&exchange.tell(day(5)), &[]);
    says(&exchange.tell(day(4)), &[]);
    assert_eq!(exchange.state.trading_day(), Some(DayNumber(5)));
    assert_eq!(find(&exchange, "g1"), working, "a good-till order keeps its id while it works");
    for free in ["a1", "a2", "a3"] {
        assert_eq!(find(&exchange, free), Found::Unknown);
    }
    says(&exchange.tell(order(ALICE, "a1", Side::Buy, "1", "9")), &["accepted a1"]);
}

#[test]
fn timers_fire_by_time_and_then_by_age() {
    let mut exchange = market();
    let start = exchange.now.0;
    let at = |seconds: i64| Timestamp(start + seconds * 1_000_000_000);
    for (name, seconds) in [("t1", 30), ("t2", 10), ("t3", 20), ("t4", 10), ("t5", 40)] {
        let gtd = SubmitOrder {
            time_in_force: TimeInForce::Gtd,
            expire_at: at(seconds),
            ..order(ALICE, name, Side::Buy, "1", "9")
        };
        exchange.tell(gtd);
    }
    exchange.tell(cancel(ALICE, "t3"));
    // A replace changes neither age nor expiry.
    exchange.tell(replace(ALICE, "t2", "t2b", Some("2"), Some("8")));
    exchange.tell(phase(0, Phase::Halted));
    assert_eq!(exchange.state.next_timer(), Some(at(10)));
    says(&exchange.tell(AdvanceTime { now: Timestamp(at(10).0 - 1) }), &[]);
    says(
        &exchange.tell(AdvanceTime { now: at(30) }),
        &["canceled #2 2 expired", "canceled #4 1 expired", "canceled #1 1 expired"],
    );
    assert_eq!(exchange.state.next_timer(), Some(at(40)));
    exchange.tell(cancel_all(ALICE));
    assert_eq!(exchange.state.next_timer(), None);
}

#[test]
fn closing_expires_day_orders_oldest_first_and_nothing_else() {
    let mut exchange = market();
    let tif = |time_in_force, order| SubmitOrder { time_in_force, ..order };
    exchange.tell(order(ALICE, "d1", Side::Sell, "1", "11"));
    exchange.tell(tif(TimeInForce::Gtc, order(ALICE, "g1", Side::Buy, "1", "9")));
    exchange.tell(order(BOB, "d2", Side::Buy, "1", "8"));
    exchange.tell(order(BOB, "d3", Side::Sell, "1", "10"));
    says(
        &exchange.tell(phase(0, Phase::Closed)),
        &["PhaseChanged", "canceled #1 1 expired", "canceled #3 1 expired", "canceled #4 1 expired"],
    );
    says(&exchange.tell(phase(0, Phase::Closed)), &["PhaseChanged"]);
    says(&exchange.tell(phase(0, Phase::Auction)), &["command-rejected UNSUPPORTED_PHASE"]);
    says(&exchange.tell(order(ALICE, "x", Side::Buy, "1", "9")), &["rejected MARKET_CLOSED"]);
    assert_eq!(exchange.state.phase(InstrumentId(0)), Some(Phase::Closed));
}

#[test]
fn a_killed_account_only_gets_its_money_out() {
    let mut exchange = market();
    exchange.tell(order(ALICE, "a1", Side::Sell, "1", "11"));
    exchange.tell(order(ALICE, "a2", Side::Buy, "1", "9"));
    let killed = exchange.tell(kill(ALICE));
    says(&killed, &["AccountKilled", "canceled #1 1 kill", "canceled #2 1 kill"]);
    says(&exchange.tell(kill(ALICE)), &["AccountKilled"]);
    says(&exchange.tell(order(ALICE, "a3", Side::Buy, "1", "9")), &["rejected KILL_SWITCH"]);
    let verify = model::SetAccountStatus {
        account: AccountId(ALICE),
        status: AccountStatus::Verified,
        reserved: [0; 3],
    };
    says(&exchange.tell(verify), &["command-rejected KILL_SWITCH"]);
    says(&exchange.tell(withdraw(ALICE, "USD", "1000")), &["BalanceChanged"]);
    says(&exchange.tell(deposit(ALICE, "AAPL", "1")), &["BalanceChanged"]);
}

#[test]
fn numbers_that_do_not_fit_are_refused() {
    let mut exchange = market();
    let all = "92233720368547758";
    // The supply of an asset fits 64 bits, and so does every balance.
    says(&exchange.tell(deposit(ALICE, "USD", all)), &["command-rejected INVALID_AMOUNT"]);
    says(&exchange.tell(deposit(ALICE, "EUR", all)), &["AssetRegistered", "BalanceChanged"]);
    says(&exchange.tell(deposit(BOB, "EUR", "1")), &["command-rejected INVALID_AMOUNT"]);
    says(&exchange.tell(deposit(ALICE, "GBP", "922337203685477580")), &["command-rejected INVALID_AMOUNT"]);
    let twice = account("carl", &[("GBP", all), ("GBP", all)]);
    says(&exchange.tell(twice), &["command-rejected INVALID_AMOUNT"]);
    assert!(exchange.state.asset_by_code(&AssetCode::new("GBP").unwrap()).is_none(), "refused whole");
    // A buy of more than can be owned, at more than can be paid.
    let order = |name, side, quantity, price| order(ALICE, name, side, quantity, price);
    says(&exchange.tell(order("b", Side::Buy, "900000000000000000", all)), &["rejected INSUFFICIENT_FUNDS"]);
    says(&exchange.tell(order("b", Side::Buy, "9", "922337203685477580")), &["rejected INVALID_PRICE"]);
    says(
        &exchange.tell(order("s", Side::Sell, "900000000000000000", "1")),
        &["rejected INSUFFICIENT_POSITION"],
    );
    // An ask nobody can pay rests, and a market order stops at it.
    says(&exchange.tell(order("s", Side::Sell, "100", all)), &["accepted s"]);
    says(&exchange.tell(common::order(BOB, "m", Side::Buy, "1", "market")), &["rejected INSUFFICIENT_FUNDS"]);
}

#[test]
fn what_an_instrument_cannot_be() {
    let mut exchange = market();
    exchange.tell(deposit(ALICE, "EUR", "1"));
    let mut refused = |change: fn(&mut model::CreateInstrument), reason: &str| {
        let mut listing = instrument("NEW", "0.01", "1");
        change(&mut listing);
        says(&exchange.tell(listing), &[&format!("command-rejected {reason}")]);
    };
    refused(|new| new.symbol = model::Symbol::new("AAPL").unwrap(), "DUPLICATE_INSTRUMENT");
    refused(|new| new.currency = AssetCode::new("usd").unwrap(), "UNKNOWN_ASSET");
    for change in [
        (|new| new.tick_size = decimal("0.001")) as fn(&mut model::CreateInstrument),
        |new| new.tick_size = decimal("0"),
        |new| new.lot_size = decimal("-1"),
        |new| new.max_quantity = decimal("0"),
        |new| new.max_notional = decimal("-5"),
        |new| new.collar_percent = decimal("0"),
        |new| new.currency = AssetCode::new("AAPL").unwrap(),
        |new| new.currency_decimals = 3,
        // A code means one thing for good.
        |new| new.symbol = model::Symbol::new("EUR").unwrap(),
        |new| new.symbol = model::Symbol::new("USD").unwrap(),
        |new| new.self_trade_prevention = SelfTradePrevention::Default,
    ] {
        refused(change, "INVALID_INSTRUMENT");
    }
    let mut fine = instrument("NEW", "0.0001", "100");
    fine.currency = AssetCode::new("JPY").unwrap();
    fine.currency_decimals = 2;
    says(&exchange.tell(fine), &["AssetRegistered", "AssetRegistered", "InstrumentCreated"]);
}

#[test]
fn an_account_is_opened_whole_or_not() {
    let mut exchange = market();
    says(&exchange.tell(account("alice", &[])), &["command-rejected DUPLICATE_ACCOUNT"]);
    let bad = account("carl", &[("JPY", "5"), ("AAPL", "1.5")]);
    says(&exchange.tell(bad), &["command-rejected INVALID_AMOUNT"]);
    let bad = account("carl", &[("JPY", "5"), ("WHAT", "1")]);
    says(&exchange.tell(bad), &["command-rejected UNKNOWN_ASSET"]);
    assert!(exchange.state.asset_by_code(&AssetCode::new("JPY").unwrap()).is_none());
    let good = account("carl", &[("JPY", "5"), ("USD", "0"), ("JPY", "1.25")]);
    says(&exchange.tell(good), &["AccountOpened", "AssetRegistered", "BalanceChanged", "BalanceChanged"]);
    let jpy = exchange.state.asset_by_code(&AssetCode::new("JPY").unwrap()).unwrap().id;
    assert_eq!(exchange.state.balance(AccountId(2), jpy), Balance { total: Cash(625), held: Cash(0) });
}

#[test]
fn bounds_are_set_first_or_not_at_all() {
    let bounds = |max_working_orders, max_accounts| Configure {
        max_order_ids: 10,
        max_working_orders,
        max_accounts,
        max_instruments: 1,
        reserved: 0,
    };
    let mut exchange: Exchange = Exchange::default();
    says(&exchange.tell(bounds(u32::MAX, 1)), &["command-rejected TOO_MANY_ORDERS"]);
    says(&exchange.tell(bounds(10, 1)), &["Configured"]);
    says(&exchange.tell(bounds(10, 1)), &["command-rejected ALREADY_CONFIGURED"]);
    exchange.tell(instrument("AAPL", "0.01", "1"));
    says(&exchange.tell(instrument("MSFT", "0.01", "1")), &["command-rejected TOO_MANY_ENTRIES"]);
    exchange.tell(account("alice", &[]));
    says(&exchange.tell(account("bob", &[])), &["command-rejected TOO_MANY_ENTRIES"]);
    let mut late = market();
    says(&late.tell(bounds(10, 1)), &["command-rejected ALREADY_CONFIGURED"]);
}

#[test]
fn dyn_rules_are_rules() {
    let state = State::<order_book::Book>::new();
    let rules: &mut dyn Rules = &mut NoRules;
    let mut events = Vec::new();
    let command: Command = order(ALICE, "a1", Side::Buy, "1", "1").into();
    decide(&state, Timestamp(1), &command, rules, &mut events);
    says(&events, &["rejected UNKNOWN_ACCOUNT"]);
}

#[test]
fn cancel_all_may_name_an_instrument() {
    let mut exchange = market();
    exchange.tell(instrument("MSFT", "0.01", "1"));
    exchange.tell(order(ALICE, "a1", Side::Buy, "1", "9"));
    exchange.tell(SubmitOrder { instrument: InstrumentId(1), ..order(ALICE, "m1", Side::Buy, "1", "9") });
    exchange.tell(order(ALICE, "a2", Side::Buy, "1", "8"));
    let of =
        |instrument| model::CancelAll { account: AccountId(ALICE), instrument: InstrumentId(instrument) };
    says(&exchange.tell(of(7)), &["command-rejected UNKNOWN_INSTRUMENT"]);
    says(&exchange.tell(of(0)), &["canceled #1 1 mass", "canceled #3 1 mass"]);
    says(&exchange.tell(cancel_all(BOB)), &[]);
    says(&exchange.tell(cancel_all(ALICE)), &["canceled #2 1 mass"]);
    assert_eq!(CancelReason::Mass.as_str(), "mass");
}
