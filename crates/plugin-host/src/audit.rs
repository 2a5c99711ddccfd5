//! Rules under suspicion. A rule must answer from its parameters and its row alone, but it has a memory and could keep something
//! there. What it keeps is gone with the instance, so a rule that does answers otherwise on a fresh instance than on a used one.
//!
//! A re-execution of the log takes instances that are made anew every now and then, at other places than in live trading: a rule
//! with something up its sleeve makes other events than the log has. `outcry plugin test` looks closer: it asks a used and a fresh
//! instance about every order and compares.

use crate::desk::{Desk, Shared};
use crate::instance::Instance;
use crate::live::{LiveRules, MAX_BATCH, outcome, risk_outcome};
use crate::rule::{Recipe, RecipeKey};
use crate::statistics::Counts;
use engine::{Outcome, RiskRow, Rules, ValidationRow};
use model::{ActivationId, CounterKey, MAX_RULE_CODE, RuleActivated, RuleFault};
use std::fmt;
use std::sync::Arc;

/// Findings that are kept; the first are the ones to look at.
pub const MAX_FINDINGS: usize = 16;

/// How closely rules are looked at.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuditMode {
    /// Instances are replaced after so many calls, at least 1. Almost as fast as live trading when there are thousands.
    Renewing(u32),
    /// A used and a fresh instance for every order, and batches beside single orders. Tens of thousands of orders a second.
    Paranoid,
}

/// A rule that keeps state of its own, caught at it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HiddenState {
    /// Which activation.
    pub activation: ActivationId,
    /// The how manieth order it was asked about, from 1.
    pub call: u64,
    /// Whether the used instance was asked about the order in a batch with others.
    pub in_batch: bool,
    /// What the used instance answered, and added to the counter.
    pub used: (Outcome, i64),
    /// What the fresh instance answered, and added to the counter.
    pub fresh: (Outcome, i64),
}

impl fmt::Display for HiddenState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let say = |f: &mut fmt::Formatter<'_>, (outcome, delta): (Outcome, i64)| {
            match outcome {
                Outcome::Accept => write!(f, "accept")?,
                Outcome::Reject(code) => write!(f, "reject with code {code}")?,
                Outcome::Fault(fault) => write!(f, "{fault}")?,
            }
            if delta == 0 { Ok(()) } else { write!(f, " and {delta:+}") }
        };
        write!(f, "the rule keeps state of its own: call {} gave \"", self.call)?;
        say(f, self.used)?;
        write!(f, "\" on a used instance{} and \"", if self.in_batch { ", in a batch," } else { "" })?;
        say(f, self.fresh)?;
        write!(f, "\" on a fresh one")
    }
}

/// An [`engine::Rules`] for audits.
pub struct AuditRules(Auditor);

enum Auditor {
    Renewing(LiveRules),
    Paranoid(Paranoid),
}

struct Paranoid {
    shared: Arc<Shared>,
    suspects: Vec<Suspect>,
    findings: Vec<HiddenState>,
}

/// An activation that is looked at.
struct Suspect {
    activation: ActivationId,
    counts_something: bool,
    /// `None`: it cannot be run.
    recipe: Option<Arc<Recipe>>,
    used: Option<Instance>,
    counts: Arc<Counts>,
    calls: u64,
    /// What the used instance said about a batch.
    batch: Vec<(ValidationRow, u32)>,
}

impl Desk {
    /// The rules for an audit.
    pub fn audit(&self, mode: AuditMode) -> AuditRules {
        let shared = Arc::clone(&self.0);
        AuditRules(match mode {
            AuditMode::Renewing(after) => Auditor::Renewing(LiveRules::renewing(shared, after)),
            AuditMode::Paranoid => {
                Auditor::Paranoid(Paranoid { shared, suspects: Vec::new(), findings: Vec::new() })
            }
        })
    }
}

impl AuditRules {
    /// Rules that were caught, at most [`MAX_FINDINGS`] times. Always empty with [`AuditMode::Renewing`], where the events tell.
    pub fn findings(&self) -> &[HiddenState] {
        match &self.0 {
            Auditor::Renewing(_) => &[],
            Auditor::Paranoid(paranoid) => &paranoid.findings,
        }
    }

    fn rules(&mut self) -> &mut dyn Rules {
        match &mut self.0 {
            Auditor::Renewing(rules) => rules,
            Auditor::Paranoid(rules) => rules,
        }
    }
}

impl Rules for AuditRules {
    fn restore(&mut self, active: &[RuleActivated]) {
        self.rules().restore(active);
    }

    fn activated(&mut self, event: &RuleActivated) {
        self.rules().activated(event);
    }

    fn ended(&mut self, activation: ActivationId) {
        self.rules().ended(activation);
    }

    fn prepare(&mut self, activation: ActivationId, rows: &[ValidationRow]) {
        self.rules().prepare(activation, rows);
    }

    fn validation(&mut self, activation: ActivationId, row: &ValidationRow) -> Outcome {
        self.rules().validation(activation, row)
    }

    fn risk(&mut self, activation: ActivationId, row: &RiskRow) -> (Outcome, i64) {
        self.rules().risk(activation, row)
    }
}

impl Rules for Paranoid {
    fn restore(&mut self, active: &[RuleActivated]) {
        self.suspects.clear();
        for event in active {
            self.activated(event);
        }
    }

    fn activated(&mut self, event: &RuleActivated) {
        self.ended(event.activation);
        let ready = self.shared.take(&RecipeKey::of(event)).map_err(|error| error.to_string());
        let path = ready.as_ref().map(|ready| ready.recipe.rule.path()).map_err(Clone::clone);
        let counts = Arc::new(Counts::new(event.activation, event.component, path));
        self.shared.count(Arc::clone(&counts));
        self.suspects.push(Suspect {
            activation: event.activation,
            counts_something: event.counter_key != CounterKey::None,
            recipe: ready.ok().map(|ready| ready.recipe),
            used: None,
            counts,
            calls: 0,
            batch: Vec::new(),
        });
    }

    fn ended(&mut self, activation: ActivationId) {
        self.suspects.retain(|suspect| {
            if suspect.activation == activation {
                suspect.counts.end();
            }
            suspect.activation != activation
        });
    }

    fn prepare(&mut self, activation: ActivationId, rows: &[ValidationRow]) {
        let Some(suspect) = self.suspects.iter_mut().find(|suspect| suspect.activation == activation) else {
            return;
        };
        suspect.batch.clear();
        for rows in rows.chunks(MAX_BATCH) {
            let mut codes = Vec::new();
            let Some(used) = suspect.used() else { return };
            match used.validation(rows, &mut codes) {
                Ok(()) if codes.iter().all(|&code| code <= MAX_RULE_CODE) => {
                    suspect.batch.extend(rows.iter().copied().zip(codes));
                }
                // As in live trading: nothing was said about any of them.
                _ => suspect.used = None,
            }
        }
    }

    fn validation(&mut self, activation: ActivationId, row: &ValidationRow) -> Outcome {
        let mut ask = |instance: &mut Instance| {
            let mut codes = Vec::new();
            let answer = match instance.validation(std::slice::from_ref(row), &mut codes) {
                Ok(()) => codes.first().map_or(Outcome::Fault(RuleFault::OutOfRange), |&code| outcome(code)),
                Err(fault) => Outcome::Fault(fault),
            };
            (answer, 0)
        };
        let prepared =
            self.suspects.iter().find(|suspect| suspect.activation == activation).and_then(|suspect| {
                suspect.batch.iter().find(|(known, _)| known == row).map(|(_, code)| (outcome(*code), 0))
            });
        self.ask(activation, prepared, &mut ask).0
    }

    fn risk(&mut self, activation: ActivationId, row: &RiskRow) -> (Outcome, i64) {
        let suspect = self.suspects.iter().find(|suspect| suspect.activation == activation);
        let counts_something = suspect.is_some_and(|suspect| suspect.counts_something);
        let mut ask = |instance: &mut Instance| match instance.risk(row) {
            Ok(answer) => risk_outcome(answer, counts_something),
            Err(fault) => (Outcome::Fault(fault), 0),
        };
        self.ask(activation, None, &mut ask)
    }
}

impl Suspect {
    /// An instance that has judged every order since the last fault.
    fn used(&mut self) -> Option<&mut Instance> {
        if self.used.is_none() {
            self.used = self.recipe.as_ref()?.build().ok();
        }
        self.used.as_mut()
    }
}

impl Paranoid {
    /// Asks a used and a fresh instance. What the fresh one says is the answer.
    fn ask(
        &mut self,
        activation: ActivationId,
        prepared: Option<(Outcome, i64)>,
        ask: &mut dyn FnMut(&mut Instance) -> (Outcome, i64),
    ) -> (Outcome, i64) {
        let unavailable = (Outcome::Fault(RuleFault::Unavailable), 0);
        let Some(suspect) = self.suspects.iter_mut().find(|suspect| suspect.activation == activation) else {
            return unavailable;
        };
        let fresh = suspect.recipe.as_ref().and_then(|recipe| recipe.build().ok());
        let (Some(mut instance), Some(used)) = (fresh, suspect.used()) else { return unavailable };
        let used = ask(used);
        let fresh = ask(&mut instance);
        suspect.calls += 1;
        if let Outcome::Fault(_) = used.0 {
            suspect.used = None;
        }
        suspect.counts.fuel.add(instance.spent(), 1);
        suspect.counts.memory(instance.memory_used());
        suspect.counts.outcome(fresh.0);
        for (answer, in_batch) in [(prepared, true), (Some(used), false)] {
            if let Some(used) = answer.filter(|answer| *answer != fresh && self.findings.len() < MAX_FINDINGS)
            {
                self.findings.push(HiddenState { activation, call: suspect.calls, in_batch, used, fresh });
            }
        }
        fresh
    }
}
