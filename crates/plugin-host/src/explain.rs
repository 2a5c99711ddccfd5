//! A rule's code in the rule's own words, asked for away from trading and remembered.

use crate::desk::{Desk, lock};
use crate::rule::Recipe;
use model::{ComponentHash, MAX_RULE_CODE, RULE_FAULT_CODE, RuleFault, RuleParameters};
use plugin_manifest::{DEFAULT_FUEL, DEFAULT_MEMORY_BYTES};
use std::collections::VecDeque;
use std::sync::Arc;

/// Explanations that are remembered.
const MAX_REMEMBERED: usize = 1024;
/// An explanation may put words together, which takes more than a verdict does. It is not on the trading thread.
const FUEL: u64 = 100 * DEFAULT_FUEL;
const MEMORY_BYTES: u32 = 16 * DEFAULT_MEMORY_BYTES;

/// What rules have said.
#[derive(Default)]
pub(crate) struct Words(VecDeque<(ComponentHash, RuleParameters, u32, Arc<str>)>);

impl Words {
    fn find(&self, component: ComponentHash, parameters: &RuleParameters, code: u32) -> Option<Arc<str>> {
        let mut known = self.0.iter();
        let found = known
            .find(|(hash, other, number, _)| *number == code && *hash == component && other == parameters);
        found.map(|(_, _, _, words)| Arc::clone(words))
    }
}

impl Desk {
    /// What a code of a component means under these parameters: one sentence without a full stop. Takes up to milliseconds the
    /// first time. When the rule cannot say it, a plain sentence; never an error.
    pub fn explain(&self, component: ComponentHash, parameters: &RuleParameters, code: u32) -> Arc<str> {
        if let Some(words) = lock(&self.0.words).find(component, parameters, code) {
            return words;
        }
        let words: Arc<str> = match self.ask(component, parameters, code) {
            Some(words) if !words.trim().is_empty() => words.trim().trim_end_matches('.').into(),
            _ => plain(code).into(),
        };
        let mut known = lock(&self.0.words);
        if known.0.len() == MAX_REMEMBERED {
            known.0.pop_front();
        }
        known.0.push_back((component, *parameters, code, Arc::clone(&words)));
        words
    }

    fn ask(&self, component: ComponentHash, parameters: &RuleParameters, code: u32) -> Option<String> {
        if code == 0 || code > MAX_RULE_CODE {
            return None;
        }
        let rule = self.0.rule(component).ok()?;
        let recipe = Recipe { rule, parameters: *parameters, fuel: FUEL, memory_bytes: MEMORY_BYTES };
        recipe.build().ok()?.explain(code).ok()
    }
}

/// A code in our words.
fn plain(code: u32) -> String {
    let fault = code
        .checked_sub(RULE_FAULT_CODE)
        .and_then(|number| RuleFault::ALL.iter().find(|fault| **fault as u32 == number));
    match fault {
        Some(RuleFault::OutOfFuel) => "the rule took too long to judge the order".to_owned(),
        Some(RuleFault::Trap) => "the rule failed while it judged the order".to_owned(),
        Some(RuleFault::OutOfRange) => "the rule gave an answer that is none".to_owned(),
        Some(RuleFault::Unavailable) => "the rule cannot be run".to_owned(),
        None => format!("the rule rejects with code {code}"),
    }
}
