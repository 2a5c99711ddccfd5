//! The rule book: which components are known under which names, which of them are in force, and what they have counted. A
//! fold over the events, like everything else; what running a rule takes is the business of [`Rules`](crate::Rules).

use model::{
    AccountId, ActivationId, ComponentHash, CounterWindow, DayNumber, InstrumentId, NANOS_PER_DAY,
    OperatorName, RuleActivated, RuleApproved, RuleCounterChanged, RuleDeactivated, RuleFaulted, RuleId,
    RuleKind, RuleLoaded, RuleMode, RuleName, RuleSuspended, Timestamp,
};
use std::collections::BTreeMap;

/// The most rules, by name.
pub const MAX_RULES: usize = 256;
/// The most components under one name.
pub const MAX_RULE_VERSIONS: usize = 4096;
/// How many steps back a rule can be rolled. Older ones are forgotten.
pub const MAX_ROLLBACKS: usize = 64;

const NANOS_PER_SECOND: i64 = 1_000_000_000;
const NANOS_PER_MINUTE: i64 = 60 * NANOS_PER_SECOND;

/// A component that is known under a rule's name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RuleComponent {
    /// What was said of it when it was loaded, last.
    pub loaded: RuleLoaded,
    /// The second operator who agreed to it, if one did.
    pub approved_by: Option<OperatorName>,
}

/// What stands in force, or shadows, under a rule's name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleSlot {
    /// The activation; `None` when there is none.
    pub activation: Option<Box<RuleActivated>>,
    /// Whether it failed too often and is not asked any more.
    pub suspended: bool,
    /// How often it failed in a row.
    pub faults_in_a_row: u16,
    /// What it has counted: by key, the window and the value in it.
    pub(crate) counters: BTreeMap<u64, (i64, i64)>,
}

/// A rule: a name, its components, and what of it is in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Its id.
    pub id: RuleId,
    /// Its name.
    pub name: RuleName,
    /// What it looks at.
    pub kind: RuleKind,
    /// Its components, in the order of loading.
    pub components: Vec<RuleComponent>,
    /// What is in force.
    pub enforced: RuleSlot,
    /// What shadows.
    pub shadow: RuleSlot,
    /// What was in force before each change, oldest first.
    pub(crate) history: Vec<Option<Box<RuleActivated>>>,
}

/// Whom the engine asks, in the order in which it asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub activation: ActivationId,
    pub rule: RuleId,
    pub account: AccountId,
    pub instrument: InstrumentId,
    pub mode: RuleMode,
}

/// All rules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct RuleBook {
    rules: Vec<Rule>,
    /// A rule that is only being tried. No part of the state: it is in no log, no snapshot and no hash.
    candidate: Option<Box<Rule>>,
    /// Activations so far.
    pub activations: u32,
    /// Follows from the rules.
    validation: Vec<Asked>,
    /// Follows from the rules.
    risk: Vec<Asked>,
}

impl RuleSlot {
    /// The activation that is asked, which a suspended one is not.
    pub fn asked(&self) -> Option<&RuleActivated> {
        self.activation.as_deref().filter(|_| !self.suspended)
    }

    /// What a counter stands at in a window.
    #[inline]
    pub(crate) fn counter(&self, key: u64, window: i64) -> i64 {
        match self.counters.get(&key) {
            Some(&(counted, value)) if counted == window => value,
            _ => 0,
        }
    }

    fn begin(&mut self, event: &RuleActivated) -> Option<Box<RuleActivated>> {
        self.suspended = false;
        self.faults_in_a_row = 0;
        self.activation.replace(Box::new(*event))
    }
}

impl Rule {
    /// One of its components.
    pub fn component(&self, hash: &ComponentHash) -> Option<&RuleComponent> {
        self.components.iter().find(|component| component.loaded.component == *hash)
    }

    /// What is in force, or shadows.
    #[inline]
    pub fn slot(&self, mode: RuleMode) -> &RuleSlot {
        match mode {
            RuleMode::Enforce => &self.enforced,
            RuleMode::Shadow => &self.shadow,
        }
    }

    /// What was in force before the last change: `None` when nothing is remembered, `Some(None)` when nothing was in force.
    pub fn before(&self) -> Option<Option<&RuleActivated>> {
        self.history.last().map(Option::as_deref)
    }

    fn slot_mut(&mut self, mode: RuleMode) -> &mut RuleSlot {
        match mode {
            RuleMode::Enforce => &mut self.enforced,
            RuleMode::Shadow => &mut self.shadow,
        }
    }

    fn remember(&mut self, before: Option<Box<RuleActivated>>) {
        if self.history.len() == MAX_ROLLBACKS {
            self.history.remove(0);
        }
        self.history.push(before);
    }
}

impl RuleBook {
    pub fn iter(&self) -> std::slice::Iter<'_, Rule> {
        self.rules.iter()
    }

    pub fn len(&self) -> usize {
        self.rules.len()
    }

    pub fn by_name(&self, name: &RuleName) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.name == *name)
    }

    #[inline]
    pub fn get(&self, id: RuleId) -> Option<&Rule> {
        match self.rules.get(usize::from(id.0).wrapping_sub(1)) {
            None if id == RuleId::CANDIDATE => self.candidate.as_deref(),
            rule => rule,
        }
    }

    /// Tries a rule: from now on it shadows, in nobody's way.
    pub fn try_out(&mut self, activation: &RuleActivated) {
        let mut shadow = RuleSlot::default();
        shadow.begin(activation);
        self.candidate = Some(Box::new(Rule {
            id: RuleId::CANDIDATE,
            name: RuleName::EMPTY,
            kind: activation.kind,
            components: Vec::new(),
            enforced: RuleSlot::default(),
            shadow,
            history: Vec::new(),
        }));
        self.rank();
    }

    /// Whom to ask about an order, in the order of asking: shadows first, so that each is asked about every order.
    #[inline]
    pub fn asked(&self, kind: RuleKind) -> &[Asked] {
        match kind {
            RuleKind::Validation => &self.validation,
            RuleKind::Risk => &self.risk,
            RuleKind::Reporting => &[],
        }
    }

    /// The activation behind an entry of [`RuleBook::asked`].
    #[inline]
    pub fn slot(&self, asked: &Asked) -> &RuleSlot {
        self.get(asked.rule).expect("whom to ask follows from the rules").slot(asked.mode)
    }

    pub fn load(&mut self, event: &RuleLoaded) {
        if usize::from(event.rule.0) == self.rules.len() + 1 {
            self.rules.push(Rule {
                id: event.rule,
                name: event.name,
                kind: event.kind,
                components: Vec::new(),
                enforced: RuleSlot::default(),
                shadow: RuleSlot::default(),
                history: Vec::new(),
            });
        }
        let components = &mut self.rule_mut(event.rule).components;
        let component = RuleComponent { loaded: *event, approved_by: None };
        match components.get_mut(usize::from(event.rule_version) - 1) {
            Some(known) => *known = component,
            None => components.push(component),
        }
        assert_eq!(
            components[usize::from(event.rule_version) - 1].loaded.component,
            event.component,
            "versions are numbered in the order of loading"
        );
    }

    pub fn approve(&mut self, event: &RuleApproved) {
        let components = &mut self.rule_mut(event.rule).components;
        let component = components.iter_mut().find(|known| known.loaded.component == event.component);
        component.expect("what is approved was loaded").approved_by = Some(event.by);
    }

    pub fn activate(&mut self, event: &RuleActivated) {
        self.activations = event.activation.0;
        let rule = self.rule_mut(event.rule);
        let before = rule.slot_mut(event.mode).begin(event);
        match event.mode {
            // A shadow begins to count when it begins to judge.
            RuleMode::Shadow => rule.shadow.counters.clear(),
            RuleMode::Enforce if event.by_rollback => {
                rule.history.pop().expect("a rollback goes back to something");
            }
            RuleMode::Enforce => rule.remember(before),
        }
        self.rank();
    }

    pub fn deactivate(&mut self, event: &RuleDeactivated) {
        let rule = self.rule_mut(event.rule);
        let slot = rule.slot_mut(event.mode);
        slot.suspended = false;
        slot.faults_in_a_row = 0;
        let before = slot.activation.take();
        match event.mode {
            RuleMode::Shadow => rule.shadow.counters.clear(),
            RuleMode::Enforce if event.by_rollback => {
                rule.history.pop().expect("a rollback goes back to something");
            }
            RuleMode::Enforce => rule.remember(before),
        }
        self.rank();
    }

    pub fn suspend(&mut self, event: RuleSuspended) {
        let rule = self.rule_mut(event.rule);
        let mode =
            if rule.shadow.activation.as_ref().is_some_and(|shadow| shadow.activation == event.activation) {
                RuleMode::Shadow
            } else {
                RuleMode::Enforce
            };
        rule.slot_mut(mode).suspended = true;
        self.rank();
    }

    pub fn faulted(&mut self, event: &RuleFaulted) {
        self.rule_mut(event.rule).slot_mut(event.mode).faults_in_a_row = event.in_a_row;
    }

    pub fn recovered(&mut self, rule: RuleId, activation: ActivationId) {
        let rule = self.rule_mut(rule);
        for slot in [&mut rule.enforced, &mut rule.shadow] {
            if slot.activation.as_ref().is_some_and(|active| active.activation == activation) {
                slot.faults_in_a_row = 0;
            }
        }
    }

    pub fn count(&mut self, event: &RuleCounterChanged) {
        let slot = self.rule_mut(event.rule).slot_mut(event.mode);
        slot.counters.insert(event.key, (event.window, event.value));
    }

    /// Puts a rule in place, when a snapshot is read.
    pub fn restore(&mut self, rules: Vec<Rule>, activations: u32) {
        self.rules = rules;
        self.activations = activations;
        self.rank();
    }

    /// Puts those who are asked in the order of asking.
    fn rank(&mut self) {
        let ranked = |kind| {
            let mut ranked: Vec<(bool, u16, Asked)> = Vec::new();
            for rule in self.rules.iter().chain(self.candidate.as_deref()).filter(|rule| rule.kind == kind) {
                for active in [&rule.shadow, &rule.enforced].into_iter().filter_map(RuleSlot::asked) {
                    let asked = Asked {
                        activation: active.activation,
                        rule: rule.id,
                        account: active.account,
                        instrument: active.instrument,
                        mode: active.mode,
                    };
                    ranked.push((active.mode == RuleMode::Enforce, active.priority, asked));
                }
            }
            ranked.sort_by_key(|(enforced, priority, asked)| (*enforced, *priority, asked.rule));
            ranked.into_iter().map(|(_, _, asked)| asked).collect()
        };
        (self.validation, self.risk) = (ranked(RuleKind::Validation), ranked(RuleKind::Risk));
    }

    fn rule_mut(&mut self, id: RuleId) -> &mut Rule {
        let rule = match self.rules.get_mut(usize::from(id.0).wrapping_sub(1)) {
            None if id == RuleId::CANDIDATE => self.candidate.as_deref_mut(),
            rule => rule,
        };
        rule.expect("an event names a rule that was loaded")
    }
}

impl Asked {
    /// Whether it judges such an order.
    #[inline]
    pub fn covers(&self, account: AccountId, instrument: InstrumentId) -> bool {
        (self.account == AccountId::ALL || self.account == account)
            && (self.instrument == InstrumentId::ALL || self.instrument == instrument)
    }
}

/// Which window of counting a moment is in.
#[inline]
pub(crate) fn window(length: CounterWindow, now: Timestamp, day: Option<DayNumber>) -> i64 {
    match length {
        CounterWindow::Forever => 0,
        CounterWindow::Second => now.0.div_euclid(NANOS_PER_SECOND),
        CounterWindow::Minute => now.0.div_euclid(NANOS_PER_MINUTE),
        // Before the first trading day the calendar's will do.
        CounterWindow::Day => day.map_or(now.0.div_euclid(NANOS_PER_DAY), |day| i64::from(day.0)),
    }
}
