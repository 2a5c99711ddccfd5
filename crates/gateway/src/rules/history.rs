//! What rules did and what became of them, as far back as it is kept: a fold over the same events as the engine's state, with the
//! moments that the engine forgets.

use crate::executions::At;
use model::{
    AccountId, ActivationId, ClOrdId, ComponentHash, Event, InstrumentId, OperatorName, RejectReason,
    RuleActivated, RuleFault, RuleId, RuleLoaded, RuleMode,
};
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// How many moments of a rule's life are kept.
const LIFE_KEPT: usize = 500;
/// How many of its judgments are kept.
const JUDGED_KEPT: usize = 1_000;
/// The most codes that are counted apart. The others count together, under 0.
const CODES_MAX: usize = 256;

/// Something that happened to a rule, or that it did.
#[derive(Clone, Debug)]
pub struct Note {
    /// Where in the log.
    pub at: At,
    /// What.
    pub what: What,
}

/// What happened.
#[derive(Clone, Debug)]
pub enum What {
    /// Something became of the rule.
    Life(Life),
    /// It judged an order, and did not just accept it.
    Judged(Judged),
}

/// What can become of a rule.
#[derive(Clone, Debug)]
pub enum Life {
    /// A component became known.
    Loaded(Box<RuleLoaded>),
    /// A second operator agreed to one.
    Approved {
        /// Which.
        component: ComponentHash,
        /// Who.
        by: OperatorName,
    },
    /// One came into force, or began to shadow.
    Activated(Arc<RuleActivated>),
    /// One went out of force, or shadows no more.
    Deactivated {
        /// The activation that ended.
        activation: ActivationId,
        /// Who ended it.
        by: OperatorName,
        /// Whether it was enforced.
        mode: RuleMode,
        /// Whether that went back to a time before.
        by_rollback: bool,
    },
    /// It failed too often, and is asked no more.
    Suspended {
        /// The activation.
        activation: ActivationId,
        /// How often in a row it failed.
        faults: u16,
    },
    /// It had failed, and can judge again.
    Recovered {
        /// The activation.
        activation: ActivationId,
    },
}

/// A judgment.
#[derive(Clone, Debug)]
pub struct Judged {
    /// Whose order.
    pub account: AccountId,
    /// In what.
    pub instrument: InstrumentId,
    /// The client's id of an order that was rejected.
    pub cl_ord_id: Option<ClOrdId>,
    /// The code of the rejection; `None` for a fault.
    pub code: Option<u32>,
    /// How it failed, if it did.
    pub fault: Option<RuleFault>,
    /// How often in a row, then.
    pub in_a_row: u16,
    /// Whether its verdicts count.
    pub mode: RuleMode,
    /// The activation that judged, where that is known.
    pub by: Option<Arc<RuleActivated>>,
}

/// What a rule did since this process started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RuleTally {
    /// Orders rejected, by code.
    pub rejected: BTreeMap<u32, u64>,
    /// Orders that the shadow would have rejected, by code.
    pub shadowed: BTreeMap<u32, u64>,
    /// Faults, by the number of [`RuleFault`].
    pub faults: BTreeMap<u8, u64>,
    /// Suspensions.
    pub suspended: u64,
}

#[derive(Debug, Default)]
struct OfRule {
    life: VecDeque<Note>,
    judged: VecDeque<Note>,
    tally: RuleTally,
    enforced: Option<Arc<RuleActivated>>,
    shadow: Option<Arc<RuleActivated>>,
}

/// What is kept of all rules.
#[derive(Debug, Default)]
pub struct RuleHistory {
    /// By id, from 1.
    rules: Vec<OfRule>,
    /// Whether events count: not those from before this process.
    counts: bool,
}

fn push(notes: &mut VecDeque<Note>, note: Note, kept: usize) {
    if notes.len() == kept {
        notes.pop_front();
    }
    notes.push_back(note);
}

fn count(counts: &mut BTreeMap<u32, u64>, code: u32) {
    let code = if counts.len() < CODES_MAX || counts.contains_key(&code) { code } else { 0 };
    *counts.entry(code).or_default() += 1;
}

impl OfRule {
    fn slot(&mut self, mode: RuleMode) -> &mut Option<Arc<RuleActivated>> {
        match mode {
            RuleMode::Enforce => &mut self.enforced,
            RuleMode::Shadow => &mut self.shadow,
        }
    }

    fn active(&self, activation: ActivationId) -> Option<&Arc<RuleActivated>> {
        [&self.enforced, &self.shadow].into_iter().flatten().find(|active| active.activation == activation)
    }
}

impl RuleHistory {
    /// What stands in force where the history leads up to. From here on events count.
    pub fn adopt<'a>(&mut self, active: impl Iterator<Item = &'a RuleActivated>) {
        for active in active {
            let active = Arc::new(*active);
            let rule = self.rule(active.rule);
            if rule.slot(active.mode).is_none() {
                // It was in force before the history began, and nothing has ended it since: it judged all there is.
                for note in &mut rule.judged {
                    if let What::Judged(judged) = &mut note.what
                        && judged.mode == active.mode
                        && judged.by.is_none()
                    {
                        judged.by = Some(Arc::clone(&active));
                    }
                }
            }
            let mode = active.mode;
            *rule.slot(mode) = Some(active);
        }
        self.counts = true;
    }

    /// Takes in an event.
    #[inline]
    pub fn record(&mut self, event: &Event, at: At) {
        match event {
            Event::OrderRejected(it) if it.reason == RejectReason::Rule => {
                self.rejected(RuleId(it.rule), it.rule_code, it.account, it.instrument, it.cl_ord_id, at);
            }
            Event::ReplaceRejected(it) if it.reason == RejectReason::Rule => {
                let unknown = InstrumentId::UNKNOWN;
                self.rejected(RuleId(it.rule), it.rule_code, it.account, unknown, it.new_cl_ord_id, at);
            }
            Event::RuleLoaded(_)
            | Event::RuleActivated(_)
            | Event::RuleDeactivated(_)
            | Event::RuleSuspended(_)
            | Event::RuleApproved(_)
            | Event::RuleVerdict(_)
            | Event::RuleFaulted(_)
            | Event::RuleRecovered(_) => self.of_rules(event, at),
            _ => {}
        }
    }

    fn rejected(
        &mut self,
        id: RuleId,
        code: u32,
        account: AccountId,
        instrument: InstrumentId,
        cl_ord_id: ClOrdId,
        at: At,
    ) {
        let counts = self.counts;
        let rule = self.rule(id);
        if counts {
            count(&mut rule.tally.rejected, code);
        }
        let judged = Judged {
            account,
            instrument,
            cl_ord_id: Some(cl_ord_id),
            code: Some(code),
            fault: None,
            in_a_row: 0,
            mode: RuleMode::Enforce,
            by: rule.enforced.clone(),
        };
        push(&mut rule.judged, Note { at, what: What::Judged(judged) }, JUDGED_KEPT);
    }

    #[cold]
    fn of_rules(&mut self, event: &Event, at: At) {
        let counts = self.counts;
        let (id, life) = match event {
            Event::RuleLoaded(it) => (it.rule, Life::Loaded(Box::new(**it))),
            Event::RuleApproved(it) => (it.rule, Life::Approved { component: it.component, by: it.by }),
            Event::RuleActivated(it) => {
                let active = Arc::new(**it);
                *self.rule(it.rule).slot(it.mode) = Some(Arc::clone(&active));
                (it.rule, Life::Activated(active))
            }
            Event::RuleDeactivated(it) => {
                *self.rule(it.rule).slot(it.mode) = None;
                let (activation, by, mode, by_rollback) = (it.activation, it.by, it.mode, it.by_rollback);
                (it.rule, Life::Deactivated { activation, by, mode, by_rollback })
            }
            Event::RuleSuspended(it) => {
                self.rule(it.rule).tally.suspended += u64::from(counts);
                (it.rule, Life::Suspended { activation: it.activation, faults: it.faults })
            }
            Event::RuleRecovered(it) => (it.rule, Life::Recovered { activation: it.activation }),
            Event::RuleVerdict(it) => {
                let rule = self.rule(it.rule);
                if counts {
                    count(&mut rule.tally.shadowed, it.code);
                }
                let judged = Judged {
                    account: it.account,
                    instrument: it.instrument,
                    cl_ord_id: None,
                    code: Some(it.code),
                    fault: None,
                    in_a_row: 0,
                    mode: RuleMode::Shadow,
                    by: rule.active(it.activation).cloned(),
                };
                return push(&mut rule.judged, Note { at, what: What::Judged(judged) }, JUDGED_KEPT);
            }
            Event::RuleFaulted(it) => {
                let rule = self.rule(it.rule);
                if counts {
                    *rule.tally.faults.entry(it.fault as u8).or_default() += 1;
                }
                let judged = Judged {
                    account: it.account,
                    instrument: it.instrument,
                    cl_ord_id: None,
                    code: None,
                    fault: Some(it.fault),
                    in_a_row: it.in_a_row,
                    mode: it.mode,
                    by: rule.active(it.activation).cloned(),
                };
                return push(&mut rule.judged, Note { at, what: What::Judged(judged) }, JUDGED_KEPT);
            }
            _ => return,
        };
        push(&mut self.rule(id).life, Note { at, what: What::Life(life) }, LIFE_KEPT);
    }

    fn rule(&mut self, id: RuleId) -> &mut OfRule {
        let index = usize::from(id.0).saturating_sub(1);
        while self.rules.len() <= index {
            self.rules.push(OfRule::default());
        }
        &mut self.rules[index]
    }

    fn known(&self, id: RuleId) -> Option<&OfRule> {
        self.rules.get(usize::from(id.0).wrapping_sub(1))
    }

    /// What a rule did since this process started.
    pub fn tally(&self, id: RuleId) -> RuleTally {
        self.known(id).map(|rule| rule.tally.clone()).unwrap_or_default()
    }

    /// Suspensions of all rules since this process started.
    pub fn suspensions(&self) -> u64 {
        self.rules.iter().map(|rule| rule.tally.suspended).sum()
    }

    /// Notes about a rule, oldest first, at most `limit`: the newest, or with `after` those that follow that record. Says also
    /// whether there are more on the far side.
    pub fn notes(&self, id: RuleId, after: Option<u64>, limit: usize) -> (Vec<Note>, bool) {
        let Some(rule) = self.known(id) else { return (Vec::new(), false) };
        let wanted = |note: &&Note| after.is_none_or(|after| note.at.sequence > after);
        let mut notes: Vec<&Note> = rule.life.iter().chain(&rule.judged).filter(wanted).collect();
        notes.sort_by_key(|note| note.at.sequence);
        let surplus = notes.len().saturating_sub(limit);
        let shown = if after.is_some() { &notes[..notes.len() - surplus] } else { &notes[surplus..] };
        (shown.iter().map(|&note| note.clone()).collect(), surplus > 0)
    }
}
