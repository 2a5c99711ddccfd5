//! Asking the rules about an order, and what becomes of their answers. Shadows are asked first and change nothing; then those in
//! force, until one of them says no.

use super::Refusal;
use crate::instruments::Instrument;
use crate::rulebook::{Asked, window};
use crate::rules::{Outcome, ProposedOrder, RiskRow, Rules, VALIDATION_WORDS, ValidationRow};
use crate::state::State;
use model::{
    Cash, CounterKey, Event, FailMode, OrderId, OrderType, Price, RULE_FAULT_CODE, RejectReason,
    RuleActivated, RuleCounterChanged, RuleFault, RuleFaulted, RuleKind, RuleMode, RuleRecovered,
    RuleSuspended, RuleVerdict, Side, Timestamp,
};
use order_book::OrderBook;

/// Asks first the validation rules, then the risk rules. What there is to record about the rules themselves is appended to
/// `events`.
#[inline]
pub(super) fn judge<B: OrderBook, R: Rules + ?Sized>(
    state: &State<B>,
    now: Timestamp,
    instrument: &Instrument<B>,
    order: &ProposedOrder,
    notional: i128,
    rules: &mut R,
    events: &mut Vec<Event>,
) -> Result<(), Refusal> {
    let book = &state.rule_book;
    if !book.asked(RuleKind::Validation).is_empty() {
        let row = validation_row(now, instrument, order);
        for asked in book.asked(RuleKind::Validation) {
            if asked.covers(order.account, order.instrument) {
                let outcome = rules.validation(asked.activation, &row);
                follow(state, asked, order, outcome, events)?;
            }
        }
    }
    if !book.asked(RuleKind::Risk).is_empty() {
        let mut row = risk_row(state, now, instrument, order, notional);
        for asked in book.asked(RuleKind::Risk) {
            if asked.covers(order.account, order.instrument) {
                let outcome = ask_risk(state, now, asked, &mut row, rules, events);
                follow(state, asked, order, outcome, events)?;
            }
        }
    }
    Ok(())
}

/// Asks a risk rule, and records what it adds to its counter.
fn ask_risk<B: OrderBook, R: Rules + ?Sized>(
    state: &State<B>,
    now: Timestamp,
    asked: &Asked,
    row: &mut RiskRow,
    rules: &mut R,
    events: &mut Vec<Event>,
) -> Outcome {
    let slot = state.rule_book.slot(asked);
    let active = slot.asked().expect("whom to ask is active");
    let counts = active.counter_key != CounterKey::None;
    let (key, window) = if counts {
        (counter_key(active, row), window(active.counter_window, now, state.trading_day))
    } else {
        (0, 0)
    };
    row.counter = if counts { slot.counter(key, window) } else { 0 };
    let (outcome, delta) = rules.risk(asked.activation, row);
    if delta == 0 || matches!(outcome, Outcome::Fault(_)) {
        return outcome;
    }
    match row.counter.checked_add(delta).filter(|_| counts) {
        Some(value) => {
            events.push(Event::RuleCounterChanged(RuleCounterChanged {
                key,
                window,
                value,
                activation: asked.activation,
                rule: asked.rule,
                mode: asked.mode,
                reserved: 0,
            }));
            outcome
        }
        None => Outcome::Fault(RuleFault::OutOfRange),
    }
}

fn counter_key(active: &RuleActivated, row: &RiskRow) -> u64 {
    let (account, instrument) = (u64::from(row.account), u64::from(row.instrument) << 32);
    match active.counter_key {
        CounterKey::None | CounterKey::Rule => 0,
        CounterKey::Account => account,
        CounterKey::Instrument => instrument,
        CounterKey::AccountInstrument => account | instrument,
    }
}

/// What becomes of an answer: the order goes on, or not.
#[inline]
fn follow<B: OrderBook>(
    state: &State<B>,
    asked: &Asked,
    order: &ProposedOrder,
    outcome: Outcome,
    events: &mut Vec<Event>,
) -> Result<(), Refusal> {
    let refusal = |code| Refusal { reason: RejectReason::Rule, rule: asked.rule.0, rule_code: code };
    let slot = state.rule_book.slot(asked);
    if let Outcome::Fault(fault) = outcome {
        let active = slot.asked().expect("whom to ask is active");
        return match faulted(active, slot.faults_in_a_row, order, fault, events) {
            Some(code) => Err(refusal(code)),
            None => Ok(()),
        };
    }
    if slot.faults_in_a_row > 0 {
        let recovered = RuleRecovered { activation: asked.activation, rule: asked.rule, reserved: 0 };
        events.push(Event::RuleRecovered(recovered));
    }
    match (outcome, asked.mode) {
        (Outcome::Reject(code), RuleMode::Enforce) => Err(refusal(code)),
        (Outcome::Reject(code), RuleMode::Shadow) => {
            events.push(Event::RuleVerdict(RuleVerdict {
                activation: asked.activation,
                account: order.account,
                instrument: order.instrument,
                code,
                rule: asked.rule,
                reserved: [0; 6],
            }));
            Ok(())
        }
        (Outcome::Accept | Outcome::Fault(_), _) => Ok(()),
    }
}

/// Records that a rule could not judge, and suspends it if that was once too often. Returns the code of the rejection, if
/// the order is rejected for it.
#[cold]
fn faulted(
    active: &RuleActivated,
    faults_in_a_row: u16,
    order: &ProposedOrder,
    fault: RuleFault,
    events: &mut Vec<Event>,
) -> Option<u32> {
    let RuleActivated { activation, rule, mode, fail, .. } = *active;
    let in_a_row = faults_in_a_row.saturating_add(1);
    events.push(Event::RuleFaulted(RuleFaulted {
        activation,
        account: order.account,
        instrument: order.instrument,
        rule,
        in_a_row,
        fault,
        mode,
        fail,
        reserved: [0; 5],
    }));
    if in_a_row >= active.max_faults {
        events.push(Event::RuleSuspended(RuleSuspended { activation, rule, faults: in_a_row }));
    }
    let rejects = mode == RuleMode::Enforce && fail == FailMode::Closed;
    rejects.then_some(RULE_FAULT_CODE + fault as u32)
}

/// The words of a validation row, as the contract has them.
#[inline]
pub(super) fn validation_row<B>(
    now: Timestamp,
    instrument: &Instrument<B>,
    order: &ProposedOrder,
) -> ValidationRow {
    let terms = &instrument.terms;
    let value = match order.order_type {
        OrderType::Limit => saturated(terms.tick_value.notional(order.price, order.quantity)),
        OrderType::Market => 0,
    };
    let symbol = terms.symbol.as_bytes();
    let word = |at: usize| u64::from_le_bytes(std::array::from_fn(|byte| symbol[at + byte]));
    let words: [u64; VALIDATION_WORDS] = [
        u64::from(order.account.0) | u64::from(order.instrument.0) << 32,
        u64::from(flags(order)),
        order.leaves.0,
        order.quantity.0,
        order.price.0.cast_unsigned(),
        value.cast_unsigned(),
        word(0),
        word(8),
        terms.tick_value.0.cast_unsigned(),
        terms.max_quantity.0,
        now.0.cast_unsigned(),
        0,
    ];
    ValidationRow(words)
}

/// What risk rules see of an order. What the order being replaced holds does not count as open.
fn risk_row<B: OrderBook>(
    state: &State<B>,
    now: Timestamp,
    instrument: &Instrument<B>,
    order: &ProposedOrder,
    notional: i128,
) -> RiskRow {
    let terms = &instrument.terms;
    let position = state.balance(order.account, terms.asset);
    let cash = state.balance(order.account, terms.currency);
    let activity = state.activities.get(order.account, order.instrument);
    let (mut open_buy, mut open_sell, mut open_cash) = (activity.open_buy.0, position.held.0, cash.held.0);
    if order.replaces != OrderId::NONE {
        let old = state.order(order.replaces).expect("what is replaced works");
        match order.side {
            Side::Buy => {
                open_buy -= old.leaves.0;
                open_cash -= instrument.cash(old.price, old.leaves).map_or(0, |Cash(cash)| cash);
            }
            Side::Sell => open_sell -= i64::try_from(old.leaves.0).expect("what is held fits"),
        }
    }
    let best = |side| instrument.book.best(side).map_or(0, |level| level.price.0);
    RiskRow {
        account: order.account.0,
        instrument: order.instrument.0,
        flags: flags(order),
        quantity: order.leaves.0,
        price: order.price.0,
        notional: saturated(notional),
        position: position.total.0,
        open_buy,
        open_sell: open_sell.cast_unsigned(),
        open_cash,
        best_bid: best(Side::Buy),
        best_ask: best(Side::Sell),
        last_price: instrument.last_price.map_or(0, |Price(ticks)| ticks),
        day_volume: activity.day_volume.0,
        counter: 0,
        now: now.0,
    }
}

/// The flags of the contract: what an order is, in bits.
#[inline]
fn flags(order: &ProposedOrder) -> u32 {
    u32::from(order.side == Side::Sell)
        | u32::from(order.order_type == OrderType::Market) << 1
        | u32::from(order.post_only) << 2
        | u32::from(order.replaces != OrderId::NONE) << 3
        | (order.time_in_force as u32) << 8
        | (order.self_trade_prevention as u32) << 16
}

fn saturated(value: i128) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
