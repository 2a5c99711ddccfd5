//! What becomes of rules: who is asked about what and when, what their answers do, and how they come into force and go. The
//! rules themselves are played by a [`Puppet`].

mod common;

use common::{
    Exchange, START, account, activate_rule, cancel, instrument, load_rule, operator, order, replace,
};
use engine::{Outcome, RiskRow, Rules, State, ValidationRow, prepare};
use model::*;
use std::collections::BTreeMap;

const ALICE: u32 = 0;
const BOB: u32 = 1;

/// Answers as it was told to, and remembers what it was asked.
#[derive(Default)]
struct Puppet {
    validation: BTreeMap<u32, Outcome>,
    risk: BTreeMap<u32, (Outcome, i64)>,
    asked: Vec<u32>,
    rows: Vec<ValidationRow>,
    risk_rows: Vec<RiskRow>,
    told: Vec<String>,
}

impl Rules for Puppet {
    fn restore(&mut self, active: &[RuleActivated]) {
        self.told.extend(active.iter().map(|active| format!("restore {}", active.activation)));
    }
    fn activated(&mut self, event: &RuleActivated) {
        self.told.push(format!("activated {} v{}", event.activation, event.rule_version));
    }
    fn ended(&mut self, activation: ActivationId) {
        self.told.push(format!("ended {activation}"));
    }
    fn prepare(&mut self, activation: ActivationId, rows: &[ValidationRow]) {
        self.told.push(format!("prepare {activation} for {}", rows.len()));
        self.rows.extend(rows);
    }
    fn validation(&mut self, activation: ActivationId, row: &ValidationRow) -> Outcome {
        self.asked.push(activation.0);
        self.rows.push(*row);
        self.validation.get(&activation.0).copied().unwrap_or(Outcome::Accept)
    }
    fn risk(&mut self, activation: ActivationId, row: &RiskRow) -> (Outcome, i64) {
        self.asked.push(activation.0);
        self.risk_rows.push(*row);
        self.risk.get(&activation.0).copied().unwrap_or((Outcome::Accept, 0))
    }
}

/// An exchange with a puppet for its rules.
struct Stage {
    exchange: Exchange,
    puppet: Puppet,
    ids: u32,
}

/// Alice and bob in AAPL, both rich.
fn stage() -> Stage {
    let mut exchange = Exchange::default();
    exchange.tell(instrument("AAPL", "0.01", "1"));
    exchange.tell(account("alice", &[("USD", "100000"), ("AAPL", "100")]));
    exchange.tell(account("bob", &[("USD", "100000"), ("AAPL", "100")]));
    Stage { exchange, puppet: Puppet::default(), ids: 0 }
}

impl Stage {
    fn tell(&mut self, command: impl Into<Command>) -> Vec<Event> {
        let events = self.exchange.tell_under(command, &mut self.puppet);
        // Whatever became of the rules, a snapshot says all of it.
        let mut bytes = Vec::new();
        self.exchange.state.encode(&mut bytes);
        let read = State::<order_book::Book>::decode(&bytes).expect("its own bytes");
        assert_eq!(read.hash(), self.exchange.state.hash());
        events
    }

    /// Buys one share at 1 under a new id. Returns the names of what happened, and the rejection's rule and code.
    fn buy(&mut self, account: u32) -> (Vec<&'static str>, Option<(u16, u32)>) {
        self.ids += 1;
        let events = self.tell(order(account, &format!("n{}", self.ids), Side::Buy, "1", "1"));
        let refusal = match &events[0] {
            Event::OrderRejected(event) => Some((event.rule, event.rule_code)),
            _ => None,
        };
        (events.iter().map(Event::name).collect(), refusal)
    }

    /// Loads and enforces a rule with one component.
    fn enforce(&mut self, name: &str, kind: RuleKind, version: u8) {
        assert_eq!(names(&self.tell(load_rule(name, kind, version))), ["RuleLoaded"]);
        assert_eq!(names(&self.tell(activate_rule(name, version))), ["RuleActivated"]);
    }

    fn refused(&mut self, command: impl Into<Command>) -> RejectReason {
        match self.tell(command)[..] {
            [Event::CommandRejected(event)] => event.reason,
            ref other => panic!("not refused: {other:?}"),
        }
    }
}

fn names(events: &[Event]) -> Vec<&'static str> {
    events.iter().map(Event::name).collect()
}

fn rule_name(name: &str) -> RuleName {
    RuleName::new(name).expect("a name")
}

fn deactivate(name: &str, mode: RuleMode) -> DeactivateRule {
    DeactivateRule { name: rule_name(name), by: operator("olga"), mode, reserved: [0; 7] }
}

fn rollback(name: &str) -> RollbackRule {
    RollbackRule { name: rule_name(name), by: operator("olga") }
}

fn approve(name: &str, version: u8, by: &str) -> ApproveRule {
    ApproveRule { name: rule_name(name), component: ComponentHash([version; 32]), by: operator(by) }
}

#[test]
fn validation_is_asked_before_risk_and_each_in_its_order() {
    let mut stage = stage();
    for (name, kind, version, priority) in [
        ("late", RuleKind::Validation, 1, 200),
        ("early", RuleKind::Validation, 2, 10),
        ("risky", RuleKind::Risk, 3, 1),
        ("also-late", RuleKind::Validation, 4, 200),
    ] {
        stage.tell(load_rule(name, kind, version));
        stage.tell(ActivateRule { priority, ..activate_rule(name, version) });
    }
    assert_eq!(stage.buy(ALICE), (vec!["OrderAccepted"], None));
    assert_eq!(stage.puppet.asked, [2, 1, 4, 3]);
    // The first no is the last question.
    stage.puppet.asked.clear();
    stage.puppet.validation.insert(1, Outcome::Reject(7));
    assert_eq!(stage.buy(ALICE), (vec!["OrderRejected"], Some((1, 7))));
    assert_eq!(stage.puppet.asked, [2, 1]);
}

#[test]
fn a_rule_judges_the_account_and_the_instrument_it_was_activated_for() {
    let mut stage = stage();
    stage.tell(load_rule("own", RuleKind::Validation, 1));
    let own =
        ActivateRule { account: AccountId(BOB), instrument: InstrumentId(0), ..activate_rule("own", 1) };
    stage.tell(own);
    stage.puppet.validation.insert(1, Outcome::Reject(1));
    assert_eq!(stage.buy(ALICE).1, None);
    assert_eq!(stage.buy(BOB).1, Some((1, 1)));
    let nobody = ActivateRule { account: AccountId(9), ..own };
    assert_eq!(stage.refused(nobody), RejectReason::UnknownAccount);
    let nothing = ActivateRule { instrument: InstrumentId(9), ..own };
    assert_eq!(stage.refused(nothing), RejectReason::UnknownInstrument);
}

#[test]
fn a_shadow_is_asked_and_recorded_and_changes_nothing() {
    let mut stage = stage();
    stage.enforce("limit", RuleKind::Risk, 1);
    stage.tell(load_rule("limit", RuleKind::Risk, 2));
    stage.tell(ActivateRule { mode: RuleMode::Shadow, ..activate_rule("limit", 2) });
    stage.puppet.risk.insert(2, (Outcome::Reject(5), 0));
    assert_eq!(stage.buy(ALICE), (vec!["OrderAccepted", "RuleVerdict"], None));
    // It is asked also about what the version in force rejects.
    stage.puppet.risk.insert(1, (Outcome::Reject(4), 0));
    assert_eq!(stage.buy(ALICE), (vec!["OrderRejected", "RuleVerdict"], Some((1, 4))));
    // In force, it shadows no longer.
    assert_eq!(names(&stage.tell(activate_rule("limit", 2))), ["RuleDeactivated", "RuleActivated"]);
    stage.puppet.risk.insert(3, (Outcome::Reject(5), 0));
    assert_eq!(stage.buy(ALICE), (vec!["OrderRejected"], Some((1, 5))));
    let told = ["activated 1 v1", "activated 2 v2", "ended 2", "activated 3 v2", "ended 1"];
    assert_eq!(stage.puppet.told, told);
}

#[test]
fn a_fault_rejects_when_closed_and_not_when_open_and_too_many_suspend() {
    for (fail, refusal) in [(FailMode::Closed, Some((1, RULE_FAULT_CODE + 1))), (FailMode::Open, None)] {
        let mut stage = stage();
        stage.tell(LoadRule { fail, ..load_rule("limit", RuleKind::Risk, 1) });
        stage.tell(activate_rule("limit", 1));
        let fault = (Outcome::Fault(RuleFault::OutOfFuel), 0);
        stage.puppet.risk.insert(1, fault);
        let answer = if refusal.is_some() { "OrderRejected" } else { "OrderAccepted" };
        assert_eq!(stage.buy(ALICE), (vec![answer, "RuleFaulted"], refusal));
        assert_eq!(stage.buy(ALICE), (vec![answer, "RuleFaulted"], refusal));
        // Only faults in a row count.
        stage.puppet.risk.clear();
        assert_eq!(stage.buy(ALICE), (vec!["OrderAccepted", "RuleRecovered"], None));
        assert_eq!(stage.buy(ALICE), (vec!["OrderAccepted"], None));
        stage.puppet.risk.insert(1, fault);
        stage.buy(ALICE);
        stage.buy(ALICE);
        assert_eq!(stage.buy(ALICE), (vec![answer, "RuleFaulted", "RuleSuspended"], refusal));
        stage.puppet.asked.clear();
        assert_eq!(stage.buy(ALICE), (vec!["OrderAccepted"], None));
        assert_eq!(stage.puppet.asked, [0; 0]);
        assert_eq!(stage.puppet.told.last().expect("told"), "ended 1");
        // Activated again it begins anew.
        stage.tell(activate_rule("limit", 1));
        stage.puppet.risk.insert(2, fault);
        assert_eq!(stage.buy(ALICE).0, [answer, "RuleFaulted"]);
    }
}

#[test]
fn a_counter_counts_by_key_and_begins_anew_with_its_window() {
    let mut stage = stage();
    let counts = LoadRule {
        counter_key: CounterKey::Account,
        counter_window: CounterWindow::Second,
        ..load_rule("rate", RuleKind::Risk, 1)
    };
    stage.tell(counts);
    stage.tell(activate_rule("rate", 1));
    stage.puppet.risk.insert(1, (Outcome::Accept, 2));
    let counters = |stage: &Stage| stage.puppet.risk_rows.iter().map(|row| row.counter).collect::<Vec<_>>();
    assert_eq!(stage.buy(ALICE).0, ["OrderAccepted", "RuleCounterChanged"]);
    stage.buy(BOB);
    stage.buy(ALICE);
    // What a rejected order adds is added all the same.
    stage.puppet.risk.insert(1, (Outcome::Reject(1), 3));
    assert_eq!(stage.buy(ALICE).0, ["OrderRejected", "RuleCounterChanged"]);
    stage.buy(ALICE);
    assert_eq!(counters(&stage), [0, 0, 2, 4, 7]);
    stage.exchange.now.0 += 1_000_000_000;
    stage.buy(ALICE);
    assert_eq!(counters(&stage).last(), Some(&0));
    // Another version of the rule goes on counting.
    stage.tell(LoadRule { component: ComponentHash([2; 32]), ..counts });
    stage.tell(activate_rule("rate", 2));
    stage.buy(ALICE);
    assert_eq!(counters(&stage).last(), Some(&3));
}

#[test]
fn a_counter_that_overflows_or_is_not_there_is_a_fault() {
    let mut stage = stage();
    stage.enforce("none", RuleKind::Risk, 1);
    stage.puppet.risk.insert(1, (Outcome::Accept, 1));
    assert_eq!(stage.buy(ALICE), (vec!["OrderRejected", "RuleFaulted"], Some((1, RULE_FAULT_CODE + 3))));
    stage.tell(deactivate("none", RuleMode::Enforce));
    stage.tell(LoadRule { counter_key: CounterKey::Rule, ..load_rule("much", RuleKind::Risk, 2) });
    stage.tell(activate_rule("much", 2));
    stage.puppet.risk.insert(2, (Outcome::Accept, i64::MAX));
    assert_eq!(stage.buy(ALICE).1, None);
    assert_eq!(stage.buy(ALICE).1, Some((2, RULE_FAULT_CODE + 3)));
}

#[test]
fn rollback_goes_back_step_by_step() {
    let mut stage = stage();
    let reject_with = |stage: &mut Stage, activation, code| {
        stage.puppet.validation.insert(activation, Outcome::Reject(code));
    };
    stage.enforce("list", RuleKind::Validation, 1);
    reject_with(&mut stage, 1, 1);
    stage.enforce("list", RuleKind::Validation, 2);
    reject_with(&mut stage, 2, 2);
    stage.tell(deactivate("list", RuleMode::Enforce));
    assert_eq!(stage.buy(ALICE).1, None);
    // Back to version 2, to version 1, to none, and no further.
    assert_eq!(names(&stage.tell(rollback("list"))), ["RuleActivated"]);
    reject_with(&mut stage, 3, 2);
    assert_eq!(stage.buy(ALICE).1, Some((1, 2)));
    assert_eq!(names(&stage.tell(rollback("list"))), ["RuleActivated"]);
    reject_with(&mut stage, 4, 1);
    assert_eq!(stage.buy(ALICE).1, Some((1, 1)));
    assert_eq!(
        stage.exchange.state.rules().next().expect("one").enforced.asked().expect("on").rule_version,
        1
    );
    assert_eq!(names(&stage.tell(rollback("list"))), ["RuleDeactivated"]);
    assert_eq!(stage.buy(ALICE).1, None);
    assert_eq!(stage.refused(rollback("list")), RejectReason::NothingToRollBack);
    assert_eq!(stage.refused(rollback("other")), RejectReason::UnknownRule);
}

#[test]
fn a_component_that_needs_approval_gets_it_from_somebody_else() {
    let mut stage = stage();
    let load = LoadRule { needs_approval: true, ..load_rule("list", RuleKind::Validation, 1) };
    stage.tell(load);
    assert_eq!(stage.refused(activate_rule("list", 1)), RejectReason::RuleNotApproved);
    // To shadow it needs nobody's approval.
    let shadow = ActivateRule { mode: RuleMode::Shadow, ..activate_rule("list", 1) };
    assert_eq!(names(&stage.tell(shadow)), ["RuleActivated"]);
    assert_eq!(stage.refused(approve("list", 1, "olga")), RejectReason::RuleNotApproved);
    assert_eq!(stage.refused(approve("list", 2, "otto")), RejectReason::UnknownComponent);
    assert_eq!(names(&stage.tell(approve("list", 1, "otto"))), ["RuleApproved"]);
    assert_eq!(names(&stage.tell(activate_rule("list", 1))), ["RuleDeactivated", "RuleActivated"]);
    // Loaded again, it needs approval again.
    stage.tell(load);
    assert_eq!(stage.refused(activate_rule("list", 1)), RejectReason::RuleNotApproved);
}

#[test]
fn what_cannot_be_is_refused() {
    let mut stage = stage();
    let good = load_rule("list", RuleKind::Validation, 1);
    for bad in [
        LoadRule { name: RuleName::EMPTY, ..good },
        LoadRule { fuel: 0, ..good },
        LoadRule { max_faults: 0, ..good },
        LoadRule { counter_key: CounterKey::Rule, ..good },
        LoadRule { kind: RuleKind::Risk, counter_window: CounterWindow::Day, ..good },
    ] {
        assert_eq!(stage.refused(bad), RejectReason::InvalidRule, "{bad:?}");
    }
    assert_eq!(stage.refused(activate_rule("list", 1)), RejectReason::UnknownRule);
    stage.tell(good);
    assert_eq!(stage.refused(activate_rule("list", 2)), RejectReason::UnknownComponent);
    assert_eq!(stage.refused(LoadRule { kind: RuleKind::Risk, ..good }), RejectReason::WrongRuleKind);
    assert_eq!(stage.refused(deactivate("list", RuleMode::Enforce)), RejectReason::RuleNotActive);
    assert_eq!(stage.refused(deactivate("list", RuleMode::Shadow)), RejectReason::RuleNotActive);
    stage.tell(load_rule("report", RuleKind::Reporting, 3));
    let shadow = ActivateRule { mode: RuleMode::Shadow, ..activate_rule("report", 3) };
    assert_eq!(stage.refused(shadow), RejectReason::InvalidRule);
    assert_eq!(names(&stage.tell(activate_rule("report", 3))), ["RuleActivated"]);
}

#[test]
fn risk_rules_are_told_how_things_are_when_the_orders_turn_has_come() {
    let mut stage = stage();
    stage.enforce("limit", RuleKind::Risk, 1);
    stage.tell(order(BOB, "b1", Side::Sell, "10", "10"));
    stage.tell(order(ALICE, "a1", Side::Buy, "4", "10"));
    stage.tell(order(ALICE, "a2", Side::Buy, "5", "9"));
    stage.tell(order(ALICE, "a3", Side::Sell, "7", "11"));
    let now = stage.exchange.now.0;
    stage.tell(order(ALICE, "a4", Side::Buy, "20", "market"));
    let expected = RiskRow {
        account: ALICE,
        instrument: 0,
        // Market, immediate or cancel, cancel-newest.
        flags: 0b10 | 3 << 8 | 1 << 16,
        quantity: 20,
        price: 0,
        // What the visible book would cost, the own ask included: 6 at 10 and 7 at 11.
        notional: 13_700,
        position: 104,
        open_buy: 5,
        open_sell: 7,
        open_cash: 4_500,
        best_bid: 900,
        best_ask: 1_000,
        last_price: 1_000,
        day_volume: 4,
        counter: 0,
        now,
    };
    assert_eq!(*stage.puppet.risk_rows.last().expect("asked"), expected);
    // The market buy traded 6; then its own ask stopped it. What a replaced order holds is not open.
    stage.tell(replace(ALICE, "a2", "a5", Some("8"), Some("8")));
    let row = *stage.puppet.risk_rows.last().expect("asked");
    assert_eq!((row.quantity, row.price, row.notional, row.flags), (8, 800, 6_400, 0b1000 | 1 << 16));
    assert_eq!((row.open_buy, row.open_cash, row.open_sell, row.day_volume), (0, 0, 7, 10));
    stage.tell(replace(ALICE, "a3", "a6", Some("9"), None));
    let row = *stage.puppet.risk_rows.last().expect("asked");
    assert_eq!((row.open_buy, row.open_cash, row.open_sell, row.quantity), (8, 6_400, 0, 9));
    // A new day begins without volume; what works stays.
    stage.tell(cancel(ALICE, "a6"));
    stage.tell(StartTradingDay { day: DayNumber(30_000), reserved: 0 });
    stage.tell(order(ALICE, "a7", Side::Sell, "1", "12"));
    let row = *stage.puppet.risk_rows.last().expect("asked");
    assert_eq!((row.open_buy, row.open_sell, row.day_volume), (8, 0, 0));
}

#[test]
fn orders_look_ahead_of_their_turn_as_they_do_when_it_has_come() {
    let mut stage = stage();
    stage.enforce("list", RuleKind::Validation, 1);
    let commands: Vec<Command> = vec![
        order(ALICE, "a1", Side::Buy, "3", "2.50").into(),
        cancel(ALICE, "a1").into(),
        order(ALICE, "a2", Side::Sell, "3", "2.505").into(),
        order(BOB, "b1", Side::Sell, "4", "market").into(),
        SubmitOrder { instrument: InstrumentId(7), ..order(BOB, "b2", Side::Sell, "4", "1") }.into(),
    ];
    let mut rows = Vec::new();
    prepare(&stage.exchange.state, START, &commands.iter(), &mut stage.puppet, &mut rows);
    assert_eq!(stage.puppet.told.last().expect("told"), "prepare 1 for 2");
    let ahead = std::mem::take(&mut stage.puppet.rows);
    stage.exchange.now = START;
    for command in commands {
        stage.tell(command);
        stage.exchange.now = START;
    }
    assert_eq!(stage.puppet.rows, ahead);
    let aapl = u64::from_le_bytes(*b"AAPL\0\0\0\0");
    let flags = 1 << 16;
    let words = [0, flags, 3, 3, 250, 750, aapl, 0, 1, u64::MAX, START.0.cast_unsigned(), 0];
    assert_eq!(ahead[0].0, words);
}
