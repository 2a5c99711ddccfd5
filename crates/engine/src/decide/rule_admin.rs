//! The life of a rule: loaded, approved, activated, deactivated, rolled back.

use super::rejected;
use crate::rulebook::{MAX_RULE_VERSIONS, MAX_RULES, Rule};
use crate::state::State;
use model::{
    AccountId, ActivateRule, ActivationId, ApproveRule, CounterKey, CounterWindow, DeactivateRule, Event,
    InstrumentId, LoadRule, OperatorName, Record, RecordKind, RejectReason, RollbackRule, RuleActivated,
    RuleApproved, RuleDeactivated, RuleId, RuleKind, RuleLoaded, RuleMode,
};
use order_book::OrderBook;

fn answer(kind: RecordKind, outcome: Result<(), RejectReason>, events: &mut Vec<Event>) {
    if let Err(reason) = outcome {
        events.push(rejected(kind, reason, AccountId::UNKNOWN, InstrumentId::UNKNOWN));
    }
}

/// Makes a component known. Loading it again replaces what was said of it, and asks for a new approval.
pub(super) fn load<B: OrderBook>(state: &State<B>, command: &LoadRule, events: &mut Vec<Event>) {
    answer(LoadRule::KIND, try_load(state, command, events), events);
}

fn try_load<B: OrderBook>(
    state: &State<B>,
    command: &LoadRule,
    events: &mut Vec<Event>,
) -> Result<(), RejectReason> {
    let counts = command.counter_key != CounterKey::None;
    let counters_fit = match command.kind {
        RuleKind::Risk => counts || command.counter_window == CounterWindow::Forever,
        RuleKind::Validation | RuleKind::Reporting => !counts,
    };
    if command.name.is_empty() || command.fuel == 0 || command.max_faults == 0 || !counters_fit {
        return Err(RejectReason::InvalidRule);
    }
    let (rule, rule_version) = match state.rule_book.by_name(&command.name) {
        Some(known) if known.kind != command.kind => return Err(RejectReason::WrongRuleKind),
        Some(known) => match known.component(&command.component) {
            Some(component) => (known.id, component.loaded.rule_version),
            None if known.components.len() >= MAX_RULE_VERSIONS => return Err(RejectReason::TooManyEntries),
            None => (known.id, next(known.components.len())),
        },
        None if state.rule_book.len() >= MAX_RULES => return Err(RejectReason::TooManyEntries),
        None => (RuleId(next(state.rule_book.len())), 1),
    };
    let LoadRule { name, component, signer, by, fuel, memory_bytes, size_bytes, .. } = *command;
    let loaded = RuleLoaded {
        name,
        component,
        signer,
        by,
        fuel,
        memory_bytes,
        size_bytes,
        rule,
        rule_version,
        contract_major: command.contract_major,
        contract_minor: command.contract_minor,
        max_faults: command.max_faults,
        kind: command.kind,
        fail: command.fail,
        counter_key: command.counter_key,
        counter_window: command.counter_window,
        needs_approval: command.needs_approval,
        reserved: [0; 9],
    };
    events.push(loaded.into());
    Ok(())
}

fn next(count: usize) -> u16 {
    u16::try_from(count + 1).expect("bounded by a constant that fits")
}

/// A second operator agrees. The one who loaded the component cannot.
pub(super) fn approve<B: OrderBook>(state: &State<B>, command: &ApproveRule, events: &mut Vec<Event>) {
    let outcome = find(state, &command.name).and_then(|rule| {
        let component = rule.component(&command.component).ok_or(RejectReason::UnknownComponent)?;
        if component.loaded.by == command.by {
            return Err(RejectReason::RuleNotApproved);
        }
        let ApproveRule { component, by, .. } = *command;
        events.push(Event::RuleApproved(RuleApproved { component, by, rule: rule.id, reserved: [0; 6] }));
        Ok(())
    });
    answer(ApproveRule::KIND, outcome, events);
}

/// Puts a component in force, or lets it shadow. What shadowed does not go on to when it comes into force itself.
pub(super) fn activate<B: OrderBook>(state: &State<B>, command: &ActivateRule, events: &mut Vec<Event>) {
    answer(ActivateRule::KIND, try_activate(state, command, events), events);
}

fn try_activate<B: OrderBook>(
    state: &State<B>,
    command: &ActivateRule,
    events: &mut Vec<Event>,
) -> Result<(), RejectReason> {
    let rule = find(state, &command.name)?;
    let component = rule.component(&command.component).ok_or(RejectReason::UnknownComponent)?;
    let loaded = &component.loaded;
    if command.mode == RuleMode::Enforce && loaded.needs_approval && component.approved_by.is_none() {
        return Err(RejectReason::RuleNotApproved);
    }
    // A reporting rule runs behind the log, where there is nothing to enforce and nobody to be judged.
    let everywhere = command.account == AccountId::ALL && command.instrument == InstrumentId::ALL;
    if rule.kind == RuleKind::Reporting && (command.mode == RuleMode::Shadow || !everywhere) {
        return Err(RejectReason::InvalidRule);
    }
    if command.account != AccountId::ALL && state.account(command.account).is_none() {
        return Err(RejectReason::UnknownAccount);
    }
    if command.instrument != InstrumentId::ALL && state.instrument(command.instrument).is_none() {
        return Err(RejectReason::UnknownInstrument);
    }
    let activated = RuleActivated {
        component: command.component,
        parameters: command.parameters,
        by: command.by,
        fuel: loaded.fuel,
        memory_bytes: loaded.memory_bytes,
        activation: next_activation(state),
        account: command.account,
        instrument: command.instrument,
        rule: rule.id,
        rule_version: loaded.rule_version,
        priority: command.priority,
        max_faults: loaded.max_faults,
        kind: rule.kind,
        mode: command.mode,
        fail: loaded.fail,
        counter_key: loaded.counter_key,
        counter_window: loaded.counter_window,
        by_rollback: false,
        reserved: [0; 2],
    };
    if command.mode == RuleMode::Enforce
        && let Some(shadow) = &rule.shadow.activation
        && shadow.component == command.component
    {
        events.push(deactivated(rule, shadow, command.by, false));
    }
    events.push(activated.into());
    Ok(())
}

fn next_activation<B: OrderBook>(state: &State<B>) -> ActivationId {
    ActivationId(state.rule_book.activations.checked_add(1).expect("four thousand million activations"))
}

fn deactivated(rule: &Rule, active: &RuleActivated, by: OperatorName, by_rollback: bool) -> Event {
    let RuleActivated { activation, mode, .. } = *active;
    Event::RuleDeactivated(RuleDeactivated { by, activation, rule: rule.id, mode, by_rollback })
}

/// Takes a rule out of force, or its shadow away.
pub(super) fn deactivate<B: OrderBook>(state: &State<B>, command: &DeactivateRule, events: &mut Vec<Event>) {
    let outcome = find(state, &command.name).and_then(|rule| {
        let active = rule.slot(command.mode).activation.as_deref().ok_or(RejectReason::RuleNotActive)?;
        events.push(deactivated(rule, active, command.by, false));
        Ok(())
    });
    answer(DeactivateRule::KIND, outcome, events);
}

/// Goes back to what was in force before.
pub(super) fn rollback<B: OrderBook>(state: &State<B>, command: &RollbackRule, events: &mut Vec<Event>) {
    let outcome = find(state, &command.name).and_then(|rule| {
        let before = rule.before().ok_or(RejectReason::NothingToRollBack)?;
        events.push(match (before, rule.enforced.activation.as_deref()) {
            (Some(before), _) => {
                let activation = next_activation(state);
                RuleActivated { by: command.by, activation, by_rollback: true, ..*before }.into()
            }
            (None, Some(active)) => deactivated(rule, active, command.by, true),
            // Not active now, not active before: there is no step between the two.
            (None, None) => return Err(RejectReason::NothingToRollBack),
        });
        Ok(())
    });
    answer(RollbackRule::KIND, outcome, events);
}

fn find<'s, B: OrderBook>(state: &'s State<B>, name: &model::RuleName) -> Result<&'s Rule, RejectReason> {
    state.rule_book.by_name(name).ok_or(RejectReason::UnknownRule)
}
