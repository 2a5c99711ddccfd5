//! Which reporting rules are in force: a fold over the log, as which rules judge orders is.

use std::collections::BTreeMap;

use model::{Event, RuleActivated, RuleId, RuleKind, RuleMode};

/// The activations in force, by rule.
#[derive(Debug, Default)]
pub struct InForce {
    active: BTreeMap<RuleId, Box<RuleActivated>>,
    /// Whether it changed since this was last asked.
    changed: bool,
}

impl InForce {
    /// Takes in an event.
    pub fn apply(&mut self, event: &Event) {
        match event {
            Event::RuleActivated(event)
                if event.kind == RuleKind::Reporting && event.mode == RuleMode::Enforce =>
            {
                self.active.insert(event.rule, event.clone());
            }
            Event::RuleDeactivated(event) if event.mode == RuleMode::Enforce => {
                let active = self.active.get(&event.rule);
                if active.is_none_or(|active| active.activation != event.activation) {
                    return;
                }
                self.active.remove(&event.rule);
            }
            _ => return,
        }
        self.changed = true;
    }

    /// Whether anything changed since this was last asked.
    pub fn take_changed(&mut self) -> bool {
        std::mem::take(&mut self.changed)
    }

    /// The activations, in the order in which they came.
    pub fn in_order(&self) -> Vec<&RuleActivated> {
        let mut active: Vec<&RuleActivated> = self.active.values().map(AsRef::as_ref).collect();
        active.sort_by_key(|active| active.activation);
        active
    }
}
