//! Rules as operators and clients meet them. What a component is, where its bytes are kept and how it runs is the business of a
//! [`RuleDesk`], which the program puts in; here are the operator's settings, and the words of a rule for those it said no to.
//!
//! **Architecture invariant:** nothing of a desk runs on the core thread, and nothing of it runs on a thread that serves
//! connections: it may compile for seconds.

mod config;
mod history;

pub use config::{RulesConfig, RulesConfigError};
pub use history::{Judged, Life, Note, RuleHistory, RuleTally, What};

use model::{
    ActivationId, ComponentHash, RULE_FAULT_CODE, RuleActivated, RuleFault, RuleKind, RuleLoaded,
    RuleParameters, SignerKey,
};
use plugin_manifest::{Limits, Manifest};
use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The most texts of rejections that are remembered.
const EXPLANATIONS_MAX: usize = 4_096;
/// The most manifests that are remembered.
const MANIFESTS_MAX: usize = 512;

/// What an instance of a rule is made of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Recipe {
    /// The component.
    pub component: ComponentHash,
    /// Which world it is of.
    pub kind: RuleKind,
    /// What it is configured with.
    pub parameters: RuleParameters,
    /// Fuel of one call.
    pub fuel: u64,
    /// The most memory it may have, in bytes.
    pub memory_bytes: u32,
}

impl Recipe {
    /// That of an activation.
    pub const fn of(active: &RuleActivated) -> Self {
        Self {
            component: active.component,
            kind: active.kind,
            parameters: active.parameters,
            fuel: active.fuel,
            memory_bytes: active.memory_bytes,
        }
    }

    /// That of a component which was loaded, with parameters.
    pub const fn of_loaded(loaded: &RuleLoaded, parameters: RuleParameters) -> Self {
        Self {
            component: loaded.component,
            kind: loaded.kind,
            parameters,
            fuel: loaded.fuel,
            memory_bytes: loaded.memory_bytes,
        }
    }
}

/// What a component turned out to be.
#[derive(Clone, Debug)]
pub struct Inspected {
    /// SHA-256 of its bytes.
    pub component: ComponentHash,
    /// Its size in bytes.
    pub size_bytes: u32,
    /// Which world it is of.
    pub kind: RuleKind,
    /// Major and minor version of the contract it was built for.
    pub contract: (u16, u16),
    /// What it says about itself, if it does.
    pub manifest: Option<Manifest>,
    /// What a call may cost.
    pub limits: Limits,
    /// Who signed it, or [`SignerKey::NONE`].
    pub signer: SignerKey,
}

/// What a rule's calls cost, as the desk has measured them since the activation began in this process.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Measured {
    /// Why it cannot run, if it cannot.
    pub unavailable: Option<String>,
    /// Orders judged.
    pub calls: u64,
    /// Orders it said no to.
    pub rejects: u64,
    /// Orders it could not judge.
    pub faults: u64,
    /// Fuel an order took.
    pub fuel: Spread,
    /// Time an order took, in nanoseconds.
    pub latency_ns: Spread,
}

/// How a measure is spread.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Spread {
    /// How often it was measured; less often than there were calls where it is sampled.
    pub count: u64,
    /// The sum of it.
    pub sum: u64,
    /// Half are at most this.
    pub p50: u64,
    /// 99 of 100 are at most this.
    pub p99: u64,
    /// The largest.
    pub max: u64,
}

/// Why a desk does not do something. The texts are for the operator.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{detail}")]
pub struct Refused {
    /// What kind of no this is.
    pub why: Why,
    /// What is wrong, in a sentence.
    pub detail: String,
    /// What to do about it.
    pub hint: Option<String>,
}

/// Kinds of no.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Why {
    /// The component cannot be taken.
    Component,
    /// The component does not take these parameters.
    Parameters,
    /// The store cannot be written, or lacks the component.
    Store,
    /// This exchange runs no rules.
    NoRules,
}

/// Whoever can look at components, keep them and run them. Every method may take seconds, and is called where that is fine.
pub trait RuleDesk: Send + Sync + 'static {
    /// Looks at a component, its signature if there is one, and the operator's ceilings; compiles it, and keeps it in the
    /// store. When this returns, the file survives a crash of the machine, and nothing of the component has run.
    fn load(&self, bytes: &[u8], signature: Option<&[u8; 64]>) -> Result<Inspected, Refused>;

    /// What a component that is kept says about itself, if it does.
    fn manifest(&self, component: ComponentHash) -> Result<Option<Manifest>, Refused>;

    /// Makes instances ready, so that the activation that follows costs the core thread nothing.
    fn prepare(&self, recipe: &Recipe) -> Result<(), Refused>;

    /// What a code of a rule means, in the rule's words. `None` if it says nothing.
    fn explain(&self, recipe: &Recipe, code: u32) -> Option<String>;

    /// What the calls of an activation cost. `None` if it was not asked yet.
    fn measured(&self, activation: ActivationId) -> Option<Measured>;
}

/// For an exchange that runs no rules.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoDesk;

fn no_rules() -> Refused {
    let hint = "\"outcry dev\" and \"outcry start\" run rules";
    Refused {
        why: Why::NoRules,
        detail: "this exchange runs no rules".to_owned(),
        hint: Some(hint.to_owned()),
    }
}

impl RuleDesk for NoDesk {
    fn load(&self, _: &[u8], _: Option<&[u8; 64]>) -> Result<Inspected, Refused> {
        Err(no_rules())
    }

    fn manifest(&self, _: ComponentHash) -> Result<Option<Manifest>, Refused> {
        Err(no_rules())
    }

    fn prepare(&self, _: &Recipe) -> Result<(), Refused> {
        Err(no_rules())
    }

    fn explain(&self, _: &Recipe, _: u32) -> Option<String> {
        None
    }

    fn measured(&self, _: ActivationId) -> Option<Measured> {
        None
    }
}

/// A fault's text: a rule that could not judge has no words of its own for it.
pub fn fault_text(fault: RuleFault) -> &'static str {
    match fault {
        RuleFault::OutOfFuel => "the rule took too long to judge this order, and was stopped",
        RuleFault::Trap => "the rule failed over this order",
        RuleFault::OutOfRange => "the rule's answer about this order is no answer",
        RuleFault::Unavailable => "the rule's component is not available",
    }
}

/// The fault behind the code of a rejection by a rule that could not judge.
pub fn fault_of(code: u32) -> Option<RuleFault> {
    let number = code.checked_sub(RULE_FAULT_CODE)?;
    RuleFault::ALL.iter().copied().find(|&fault| fault as u32 == number)
}

/// The desk, the operator's settings, and what the desk has said before.
pub(crate) struct Rules {
    desk: Arc<dyn RuleDesk>,
    pub config: RulesConfig,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    texts: HashMap<(ComponentHash, Vec<i64>, u32), Arc<str>>,
    manifests: HashMap<ComponentHash, Arc<Option<Manifest>>>,
}

impl Rules {
    pub fn new(desk: Arc<dyn RuleDesk>, config: RulesConfig) -> Arc<Self> {
        Arc::new(Self { desk, config, said: Mutex::default() })
    }

    /// Asks the desk something, away from the threads that serve.
    pub async fn ask<T: Send + 'static>(
        self: &Arc<Self>,
        question: impl FnOnce(&dyn RuleDesk) -> T + Send + 'static,
    ) -> T {
        let rules = Arc::clone(self);
        let asked = tokio::task::spawn_blocking(move || question(&*rules.desk)).await;
        asked.unwrap_or_else(|error| std::panic::resume_unwind(error.into_panic()))
    }

    /// What an activation's calls cost. Only reads counters, so it may be asked anywhere.
    pub fn measured(&self, activation: ActivationId) -> Option<Measured> {
        self.desk.measured(activation)
    }

    /// The words for a rejection.
    pub async fn explain(self: &Arc<Self>, recipe: &Recipe, code: u32) -> Arc<str> {
        if let Some(fault) = fault_of(code) {
            return fault_text(fault).into();
        }
        let key = (recipe.component, recipe.parameters.words().to_vec(), code);
        if let Some(text) = self.said().texts.get(&key) {
            return Arc::clone(text);
        }
        let recipe = *recipe;
        let text = self.ask(move |desk| desk.explain(&recipe, code)).await;
        let text: Arc<str> = text.map_or_else(|| "it does not say why".into(), |text| visible(&text).into());
        let mut said = self.said();
        // Whoever makes up new codes all the time pays for it with a question each; nobody else waits for that.
        if said.texts.len() >= EXPLANATIONS_MAX {
            said.texts.clear();
        }
        said.texts.insert(key, Arc::clone(&text));
        text
    }

    /// What a component says about itself. `None` where it says nothing, or is not there to say it.
    pub async fn manifest(self: &Arc<Self>, component: ComponentHash) -> Arc<Option<Manifest>> {
        if let Some(manifest) = self.said().manifests.get(&component) {
            return Arc::clone(manifest);
        }
        let Ok(manifest) = self.ask(move |desk| desk.manifest(component)).await else {
            // A file that is missing now may be back later.
            return Arc::new(None);
        };
        let manifest = Arc::new(manifest);
        let mut said = self.said();
        if said.manifests.len() >= MANIFESTS_MAX {
            said.manifests.clear();
        }
        said.manifests.insert(component, Arc::clone(&manifest));
        manifest
    }

    fn said(&self) -> MutexGuard<'_, Said> {
        // Both maps are whole whatever happened to who held the lock.
        self.said.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A text of a rule's own, fit to be shown: one line, nothing a terminal would obey, and not endless.
fn visible(text: &str) -> String {
    const CHARS_MAX: usize = 500;
    let mut shown: String =
        text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).take(CHARS_MAX).collect();
    if text.chars().nth(CHARS_MAX).is_some() {
        shown.push('…');
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_that_could_not_judge_is_spoken_for() {
        for &fault in RuleFault::ALL {
            assert_eq!(fault_of(RULE_FAULT_CODE + fault as u32), Some(fault));
        }
        for code in [0, 1, 0xFFFF, RULE_FAULT_CODE, RULE_FAULT_CODE + 5, u32::MAX] {
            assert_eq!(fault_of(code), None, "{code}");
        }
    }

    #[test]
    fn a_rule_cannot_speak_to_the_terminal() {
        assert_eq!(visible("red \x1b[31m\nlines"), "red  [31m lines");
        assert_eq!(visible(&"x".repeat(1_000)).chars().count(), 501);
    }
}
