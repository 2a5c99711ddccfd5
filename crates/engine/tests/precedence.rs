//! Which reason wins. Every fault an order can have, in the documented order of precedence; then every pair of them in one
//! order, of which the earlier must win.

mod common;

use common::{
    Exchange, account, activate_rule, cancel, decimal, deposit, id, instrument, load_rule, order, phase,
    replace, withdraw,
};
use engine::{Outcome, RiskRow, Rules, ValidationRow};
use model::{
    AccountId, AccountStatus, ActivationId, Configure, Decimal, Event, InstrumentId, Phase, RejectReason,
    ReplaceOrder, RuleActivated, RuleKind, SetAccountLimits, SetAccountStatus, Side, SubmitOrder,
    TimeInForce,
};

/// A rule that says no to everything, or to nothing.
#[derive(Default)]
struct Stubborn(bool);

impl Rules for Stubborn {
    fn restore(&mut self, _: &[RuleActivated]) {}
    fn activated(&mut self, _: &RuleActivated) {}
    fn ended(&mut self, _: ActivationId) {}
    fn prepare(&mut self, _: ActivationId, _: &[ValidationRow]) {}
    fn validation(&mut self, _: ActivationId, _: &ValidationRow) -> Outcome {
        if self.0 { Outcome::Reject(3) } else { Outcome::Accept }
    }
    fn risk(&mut self, _: ActivationId, _: &RiskRow) -> (Outcome, i64) {
        unreachable!("no risk rule is active")
    }
}

/// An exchange with one command to be given to it.
struct Case<C> {
    exchange: Exchange,
    rules: Stubborn,
    limits: SetAccountLimits,
    command: C,
}

/// A reason, and how to bring it about without bringing about another.
type Fault<C> = (RejectReason, fn(&mut Case<C>));

const ALICE: u32 = 0;
const BOB: u32 = 1;

/// Last trade at 10, an ask of bob's at 10 and a bid of alice's at 9 called `used`; alice is rich. Two orders work and four ids
/// are used up: exactly as many as there is room for when it is `full`.
fn exchange(full: bool) -> Exchange {
    let mut exchange = Exchange::default();
    exchange.tell(Configure {
        max_order_ids: if full { 4 } else { 100 },
        max_working_orders: if full { 2 } else { 100 },
        max_accounts: 10,
        max_instruments: 10,
        reserved: 0,
    });
    exchange.tell(load_rule("other", RuleKind::Risk, 1));
    exchange.tell(load_rule("stubborn", RuleKind::Validation, 2));
    let mut listing = instrument("AAPL", "0.01", "1");
    listing.max_quantity = decimal("1000");
    listing.max_notional = decimal("15000");
    listing.collar_percent = decimal("100");
    exchange.tell(listing);
    exchange.tell(account("alice", &[("USD", "100000"), ("AAPL", "5000")]));
    exchange.tell(account("bob", &[("USD", "100000"), ("AAPL", "5000")]));
    exchange.tell(order(BOB, "b0", Side::Sell, "1", "10"));
    let trade = exchange.tell(order(ALICE, "gone", Side::Buy, "1", "10"));
    assert!(matches!(trade[1], Event::Trade(_)));
    exchange.tell(order(BOB, "b1", Side::Sell, "100", "10"));
    exchange.tell(order(ALICE, "used", Side::Buy, "5", "9"));
    exchange
}

fn case<C>(command: C, full: bool) -> Case<C> {
    Case {
        exchange: exchange(full),
        rules: Stubborn::default(),
        limits: SetAccountLimits {
            max_notional: Decimal::NONE,
            account: AccountId(ALICE),
            max_working_orders: u32::MAX,
        },
        command,
    }
}

impl<C: Into<model::Command> + Copy> Case<C> {
    fn answer(&mut self) -> Vec<Event> {
        self.exchange.tell(self.limits);
        self.exchange.tell(activate_rule("stubborn", 2));
        self.exchange.tell_under(self.command, &mut self.rules)
    }

    fn status(&mut self, status: AccountStatus) {
        let account = AccountId(ALICE);
        self.exchange.tell(SetAccountStatus { account, status, reserved: [0; 3] });
    }

    fn phase(&mut self, to: Phase) {
        // A closed market has no day orders, so those of `used` go; nothing here depends on it then.
        self.exchange.tell(phase(0, to));
    }
}

fn reason(events: &[Event]) -> RejectReason {
    match events {
        [Event::OrderRejected(event)] => event.reason,
        [Event::ReplaceRejected(event)] => event.reason,
        [Event::CommandRejected(event)] => event.reason,
        [Event::CancelRejected(event)] => event.reason,
        other => panic!("not refused: {other:?}"),
    }
}

/// Each fault alone gives its reason; of any two, the one that stands first in the table wins.
fn check<C: Into<model::Command> + Copy>(good: C, groups: &[&[Fault<C>]]) {
    let accepted = case(good, false).answer();
    assert!(
        matches!(accepted[0], Event::OrderAccepted(_) | Event::OrderReplaced(_)),
        "without a fault it is not refused: {accepted:?}"
    );
    let full = |reason| matches!(reason, RejectReason::TooManyOrders | RejectReason::TooManyOrderIds);
    for (rank, group) in groups.iter().enumerate() {
        for (first, make_first) in *group {
            let mut alone = case(good, full(*first));
            make_first(&mut alone);
            assert_eq!(reason(&alone.answer()), *first, "alone");
            for (second, make_second) in groups[rank + 1..].iter().copied().flatten() {
                let mut both = case(good, full(*first) || full(*second));
                // The later fault first, so that where both write one field the earlier has the last word.
                make_second(&mut both);
                make_first(&mut both);
                assert_eq!(reason(&both.answer()), *first, "{first} and {second}");
            }
        }
    }
}

fn at_least(field: &mut i64, scale: &mut u8, number: &str) {
    let number = decimal(number);
    let old = Decimal::new(*field, *scale).at_scale(3);
    if old < number.at_scale(3) {
        (*field, *scale) = (number.units, number.scale);
    }
}

/// Makes a number finer than any tick or lot, and keeps it about as large as it was.
fn off(field: &mut i64, scale: &mut u8) {
    *field = Decimal::new(*field, *scale).at_scale(3).expect("small") + 1;
    *scale = 3;
}

const ORDER_FAULTS: &[&[Fault<SubmitOrder>]] = &[
    &[(RejectReason::UnknownAccount, |case| case.command.account = AccountId(99))],
    &[(RejectReason::DuplicateOrder, |case| case.command.cl_ord_id = id("used"))],
    &[
        (RejectReason::KillSwitch, |case| drop(case.exchange.tell(common::kill(ALICE)))),
        (RejectReason::AccountSuspended, |case| case.status(AccountStatus::Suspended)),
        (RejectReason::AccountNotVerified, |case| case.status(AccountStatus::Opened)),
    ],
    &[(RejectReason::UnknownInstrument, |case| case.command.instrument = InstrumentId(99))],
    &[
        (RejectReason::InstrumentHalted, |case| case.phase(Phase::Halted)),
        (RejectReason::MarketClosed, |case| case.phase(Phase::Closed)),
    ],
    &[(RejectReason::InvalidTimeInForce, |case| {
        case.command.time_in_force = TimeInForce::Fok;
        case.command.post_only = true;
    })],
    &[(RejectReason::InvalidQuantity, |case| {
        off(&mut case.command.quantity_units, &mut case.command.quantity_scale);
    })],
    &[(RejectReason::InvalidPrice, |case| {
        off(&mut case.command.price_units, &mut case.command.price_scale);
    })],
    &[(RejectReason::InvalidExpireTime, |case| {
        case.command.time_in_force = TimeInForce::Gtd;
        case.command.expire_at = case.exchange.now;
    })],
    &[(RejectReason::MaxQuantity, |case| {
        at_least(&mut case.command.quantity_units, &mut case.command.quantity_scale, "1001");
    })],
    &[(RejectReason::MaxNotional, |case| {
        at_least(&mut case.command.quantity_units, &mut case.command.quantity_scale, "900");
        at_least(&mut case.command.price_units, &mut case.command.price_scale, "20");
    })],
    &[(RejectReason::PriceCollar, |case| {
        at_least(&mut case.command.price_units, &mut case.command.price_scale, "20.01");
    })],
    &[(RejectReason::AccountOrderLimit, |case| case.limits.max_working_orders = 1)],
    &[(RejectReason::AccountNotionalLimit, |case| case.limits.max_notional = decimal("1.005"))],
    &[(RejectReason::Rule, |case| case.rules.0 = true)],
    &[(RejectReason::InsufficientFunds, |case| {
        case.exchange.tell(withdraw(ALICE, "USD", "99945"));
    })],
    &[(RejectReason::PostOnlyWouldCross, |case| case.command.post_only = true)],
    // Which order of these two is not documented; both are about the exchange and not about the order.
    &[(RejectReason::TooManyOrders, |_| {})],
];

#[test]
fn of_two_reasons_to_refuse_an_order_the_documented_one_wins() {
    check(order(ALICE, "new", Side::Buy, "10", "10"), ORDER_FAULTS);
}

const REPLACE_FAULTS: &[&[Fault<ReplaceOrder>]] = &[
    &[(RejectReason::UnknownAccount, |case| case.command.account = AccountId(99))],
    &[(RejectReason::DuplicateOrder, |case| case.command.new_cl_ord_id = id("gone"))],
    &[
        (RejectReason::UnknownOrder, |case| case.command.cl_ord_id = id("never")),
        (RejectReason::TooLate, |case| case.command.cl_ord_id = id("gone")),
        // Everything of a killed account is canceled, so there is nothing left to replace.
        (RejectReason::TooLate, |case| drop(case.exchange.tell(common::kill(ALICE)))),
    ],
    &[
        (RejectReason::AccountSuspended, |case| case.status(AccountStatus::Suspended)),
        (RejectReason::AccountNotVerified, |case| case.status(AccountStatus::Opened)),
    ],
    &[(RejectReason::InstrumentHalted, |case| case.phase(Phase::Halted))],
    &[(RejectReason::InvalidQuantity, |case| {
        off(&mut case.command.quantity_units, &mut case.command.quantity_scale);
    })],
    &[(RejectReason::InvalidPrice, |case| {
        off(&mut case.command.price_units, &mut case.command.price_scale);
    })],
    &[(RejectReason::MaxQuantity, |case| {
        at_least(&mut case.command.quantity_units, &mut case.command.quantity_scale, "1001");
    })],
    &[(RejectReason::MaxNotional, |case| {
        at_least(&mut case.command.quantity_units, &mut case.command.quantity_scale, "900");
        at_least(&mut case.command.price_units, &mut case.command.price_scale, "20");
    })],
    &[(RejectReason::PriceCollar, |case| {
        at_least(&mut case.command.price_units, &mut case.command.price_scale, "20.01");
    })],
    &[(RejectReason::AccountNotionalLimit, |case| case.limits.max_notional = decimal("1.005"))],
    &[(RejectReason::Rule, |case| case.rules.0 = true)],
    &[(RejectReason::InsufficientFunds, |case| {
        case.exchange.tell(withdraw(ALICE, "USD", "99945"));
    })],
    // Own and other orders alike; post-only stays with the order, so the order is made anew.
    &[(RejectReason::PostOnlyWouldCross, |case| {
        case.exchange.tell(cancel(ALICE, "used"));
        let post = SubmitOrder { post_only: true, ..order(ALICE, "post", Side::Buy, "5", "9") };
        case.exchange.tell(post);
        case.command.cl_ord_id = id("post");
    })],
    &[(RejectReason::TooManyOrderIds, |_| {})],
];

#[test]
fn of_two_reasons_to_refuse_a_replace_the_documented_one_wins() {
    // A full table has no room for the post-only order that its fault needs: that pair is left out.
    let (last, others) = REPLACE_FAULTS.split_last().expect("not empty");
    check(replace(ALICE, "used", "new", Some("10"), Some("10")), others);
    let without_post: Vec<_> =
        others[..others.len() - 1].iter().copied().chain(std::iter::once(*last)).collect();
    check(replace(ALICE, "used", "new", Some("10"), Some("10")), &without_post);
}

#[test]
fn a_sell_needs_the_instrument_after_the_rules_and_before_the_book() {
    let sell = SubmitOrder { post_only: true, ..order(ALICE, "new", Side::Sell, "1000", "9") };
    let mut case = case(sell, false);
    case.exchange.tell(withdraw(ALICE, "AAPL", "4500"));
    case.rules.0 = true;
    assert_eq!(reason(&case.answer()), RejectReason::Rule);
    case.rules.0 = false;
    assert_eq!(reason(&case.answer()), RejectReason::InsufficientPosition);
    case.exchange.tell(deposit(ALICE, "AAPL", "4500"));
    assert_eq!(reason(&case.answer()), RejectReason::PostOnlyWouldCross);
    case.command.post_only = false;
    assert!(matches!(case.answer()[0], Event::OrderAccepted(_)));
}

#[test]
fn a_full_order_table_is_named_before_a_full_id_table() {
    let mut case = case(order(ALICE, "new", Side::Buy, "10", "8"), true);
    assert_eq!(reason(&case.answer()), RejectReason::TooManyOrders);
    case.exchange.tell(cancel(ALICE, "used"));
    assert_eq!(reason(&case.answer()), RejectReason::TooManyOrderIds);
    // A new day frees the ids of orders that no longer work.
    case.exchange.tell(model::StartTradingDay { day: model::DayNumber(1), reserved: 0 });
    assert!(matches!(case.answer()[0], Event::OrderAccepted(_)));
}

#[test]
fn of_two_reasons_to_refuse_a_cancel_the_documented_one_wins() {
    let mut exchange = exchange(false);
    assert_eq!(reason(&exchange.tell(cancel(99, "gone"))), RejectReason::UnknownAccount);
    assert_eq!(reason(&exchange.tell(cancel(ALICE, "never"))), RejectReason::UnknownOrder);
    assert_eq!(reason(&exchange.tell(cancel(ALICE, "b1"))), RejectReason::UnknownOrder);
    assert_eq!(reason(&exchange.tell(cancel(ALICE, "gone"))), RejectReason::TooLate);
    assert!(matches!(exchange.tell(cancel(ALICE, "used"))[..], [Event::OrderCanceled(_)]));
    assert_eq!(reason(&exchange.tell(cancel(ALICE, "used"))), RejectReason::TooLate);
}

#[test]
fn a_rule_is_named_with_its_code() {
    let mut case = case(order(ALICE, "new", Side::Buy, "10", "10"), false);
    case.rules.0 = true;
    match case.answer()[..] {
        [Event::OrderRejected(event)] => assert_eq!((event.rule, event.rule_code), (2, 3)),
        ref other => panic!("not refused: {other:?}"),
    }
}
