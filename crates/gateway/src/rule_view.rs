//! Rules in the words of the API. What has names in the state is looked up under the read lock; what only the components can
//! say is asked afterwards.

use engine::{Rule, RuleComponent};
use model::{
    AccountId, ComponentHash, CounterKey, InstrumentId, RuleActivated, RuleFault, RuleMode, RuleName,
};
use plugin_manifest::Manifest;
use std::collections::BTreeMap;
use std::sync::Arc;

use crate::api::{self, RuleMoment};
use crate::read_model::Model;
use crate::rules::{Judged, Life, Measured, Note, Recipe, RuleTally, Rules, Spread, What, fault_text};

/// The most components that are shown of a rule: the newest.
const COMPONENTS_SHOWN: usize = 100;

/// A line of the list of rules.
pub fn summary(rule: &Rule, tally: &RuleTally) -> api::RuleSummary {
    let version = |mode| rule.slot(mode).activation.as_ref().map(|active| active.rule_version);
    api::RuleSummary {
        name: rule.name.to_string(),
        kind: rule.kind.into(),
        components: u16::try_from(rule.components.len()).unwrap_or(u16::MAX),
        active: version(RuleMode::Enforce),
        shadow: version(RuleMode::Shadow),
        suspended: rule.enforced.suspended || rule.shadow.suspended,
        rejected: tally.rejected.values().sum(),
        faults: tally.faults.values().sum(),
    }
}

/// A component, with what its manifest says.
pub fn component(known: &RuleComponent, manifest: Option<&Manifest>) -> api::RuleComponent {
    let loaded = &known.loaded;
    let (key, window) = (loaded.counter_key, loaded.counter_window);
    let parameters = manifest.map_or(&[][..], |manifest| &manifest.parameters).iter();
    api::RuleComponent {
        component: loaded.component.to_string(),
        rule_version: loaded.rule_version,
        version: manifest.map(|manifest| manifest.version.to_string()),
        description: manifest.map(|it| it.description.clone()).filter(|text| !text.is_empty()),
        kind: loaded.kind.into(),
        contract: format!("{}.{}", loaded.contract_major, loaded.contract_minor),
        size_bytes: loaded.size_bytes,
        fuel: loaded.fuel,
        memory_bytes: loaded.memory_bytes,
        max_faults: loaded.max_faults,
        fail: loaded.fail.into(),
        counter: (key != CounterKey::None)
            .then(|| api::RuleCounter { key: key.into(), window: window.into() }),
        signer: (!loaded.signer.is_none()).then(|| loaded.signer.to_string()),
        loaded_by: loaded.by.to_string(),
        needs_approval: loaded.needs_approval,
        approved_by: known.approved_by.map(|by| by.to_string()),
        parameters: parameters
            .map(|parameter| api::RuleParameter {
                name: parameter.name.clone(),
                kind: parameter.kind.as_str().to_owned(),
                default: parameter.default.as_ref().map(ToString::to_string),
                description: parameter.description.clone(),
            })
            .collect(),
    }
}

/// What an activation is configured with: by name where the manifest is there, and as bare words where it is not.
fn parameters(manifest: Option<&Manifest>, active: &RuleActivated) -> BTreeMap<String, String> {
    let words = active.parameters.words();
    match manifest {
        Some(manifest) => {
            let shown = manifest.show(&active.parameters).into_iter();
            shown.map(|(name, value)| (name.to_owned(), value.to_string())).collect()
        }
        None if words.is_empty() => BTreeMap::new(),
        None => {
            let words: Vec<String> = words.iter().map(ToString::to_string).collect();
            BTreeMap::from([("words".to_owned(), words.join(","))])
        }
    }
}

struct Active {
    activated: Box<RuleActivated>,
    account: Option<String>,
    symbol: Option<String>,
    suspended: bool,
    faults_in_a_row: u16,
}

/// What the state says about a rule.
pub struct Facts {
    name: RuleName,
    id: u16,
    kind: model::RuleKind,
    components: Vec<RuleComponent>,
    slots: [Option<Active>; 2],
    rollback_to: Option<u16>,
    tally: RuleTally,
}

fn account_name(model: &Model, id: AccountId) -> Option<String> {
    model.state().account(id).map(|account| account.name.to_string())
}

fn symbol(model: &Model, id: InstrumentId) -> Option<String> {
    model.state().instrument(id).map(|instrument| instrument.terms.symbol.to_string())
}

impl Facts {
    /// About the rule of a name.
    pub fn of(model: &Model, name: &RuleName) -> Option<Self> {
        let rule = model.state().rule_by_name(name)?;
        let slot = |mode| {
            let slot = rule.slot(mode);
            let activated = slot.activation.clone()?;
            Some(Active {
                account: account_name(model, activated.account),
                symbol: symbol(model, activated.instrument),
                suspended: slot.suspended,
                faults_in_a_row: slot.faults_in_a_row,
                activated,
            })
        };
        let first = rule.components.len().saturating_sub(COMPONENTS_SHOWN);
        let nothing_to_nothing = rule.enforced.activation.is_none() && rule.before() == Some(None);
        Some(Self {
            name: rule.name,
            id: rule.id.0,
            kind: rule.kind,
            components: rule.components[first..].to_vec(),
            slots: [slot(RuleMode::Enforce), slot(RuleMode::Shadow)],
            rollback_to: rule
                .before()
                .filter(|_| !nothing_to_nothing)
                .map(|before| before.map_or(0, |before| before.rule_version)),
            tally: model.rules().tally(rule.id),
        })
    }

    /// The rule in the words of the API.
    pub async fn shown(self, rules: &Arc<Rules>) -> api::Rule {
        let mut components = Vec::with_capacity(self.components.len());
        for known in &self.components {
            let manifest = rules.manifest(known.loaded.component).await;
            components.push(component(known, (*manifest).as_ref()));
        }
        let [enforced, shadow] = &self.slots;
        let rejected = counts(&self.tally.rejected, enforced.as_ref(), rules).await;
        let shadow_rejected = counts(&self.tally.shadowed, shadow.as_ref(), rules).await;
        let faults = self.tally.faults.iter().filter_map(|(&number, &count)| {
            let fault = RuleFault::ALL.iter().find(|&&fault| fault as u8 == number)?;
            Some((fault.to_string(), count))
        });
        api::Rule {
            name: self.name.to_string(),
            rule_id: self.id,
            kind: self.kind.into(),
            components,
            active: activation(enforced.as_ref(), rules).await,
            shadow: activation(shadow.as_ref(), rules).await,
            rollback_to: self.rollback_to,
            rejected,
            shadow_rejected,
            faults: faults.collect(),
        }
    }
}

async fn counts(
    counts: &BTreeMap<u32, u64>,
    active: Option<&Active>,
    rules: &Arc<Rules>,
) -> Vec<api::RuleCount> {
    let mut shown = Vec::with_capacity(counts.len());
    for (&code, &count) in counts {
        let text = match active {
            Some(active) if code != 0 => {
                rules.explain(&Recipe::of(&active.activated), code).await.to_string()
            }
            _ => crate::rules::fault_of(code).map_or("", fault_text).to_owned(),
        };
        shown.push(api::RuleCount { code, count, text });
    }
    shown
}

async fn activation(active: Option<&Active>, rules: &Arc<Rules>) -> Option<api::RuleActivation> {
    let Active { activated, account, symbol, suspended, faults_in_a_row } = active?;
    let manifest = rules.manifest(activated.component).await;
    Some(api::RuleActivation {
        activation: activated.activation.0,
        component: activated.component.to_string(),
        rule_version: activated.rule_version,
        mode: activated.mode.into(),
        parameters: parameters((*manifest).as_ref(), activated),
        account: account.clone(),
        symbol: symbol.clone(),
        priority: activated.priority,
        activated_by: activated.by.to_string(),
        by_rollback: activated.by_rollback,
        suspended: *suspended,
        faults_in_a_row: *faults_in_a_row,
        measured: rules.measured(activated.activation).map(measured),
    })
}

fn measured(it: Measured) -> api::RuleMeasured {
    let spread = |it: Spread| api::RuleSpread { count: it.count, p50: it.p50, p99: it.p99, max: it.max };
    api::RuleMeasured {
        unavailable: it.unavailable,
        calls: it.calls,
        rejects: it.rejects,
        faults: it.faults,
        fuel: spread(it.fuel),
        latency_ns: spread(it.latency_ns),
    }
}

/// A line of a rule's log, before its words are asked for.
pub struct Line {
    shown: api::RuleLogLine,
    active: Option<Arc<RuleActivated>>,
    /// Whether it tells what it is configured with.
    configured: bool,
}

impl Line {
    /// From a note. `versions` are those of the rule's components.
    pub fn of(model: &Model, note: Note, versions: &BTreeMap<ComponentHash, u16>) -> Self {
        let mut line = Self {
            shown: api::RuleLogLine {
                sequence: note.at.sequence,
                transact_time: note.at.time.into(),
                event: RuleMoment::Loaded,
                by: None,
                activation: None,
                mode: None,
                component: None,
                rule_version: None,
                parameters: BTreeMap::new(),
                by_rollback: false,
                account: None,
                symbol: None,
                cl_ord_id: None,
                code: None,
                fault: None,
                faults_in_a_row: None,
                text: None,
            },
            active: None,
            configured: false,
        };
        match note.what {
            What::Life(life) => line.life(life, versions),
            What::Judged(judged) => line.judged(model, judged),
        }
        line
    }

    fn life(&mut self, life: Life, versions: &BTreeMap<ComponentHash, u16>) {
        let line = &mut self.shown;
        let about = |line: &mut api::RuleLogLine, component: ComponentHash| {
            line.component = Some(component.to_string());
            line.rule_version = versions.get(&component).copied();
        };
        match life {
            Life::Loaded(it) => {
                line.by = Some(it.by.to_string());
                about(line, it.component);
            }
            Life::Approved { component, by } => {
                line.event = RuleMoment::Approved;
                line.by = Some(by.to_string());
                about(line, component);
            }
            Life::Activated(it) => {
                line.event = RuleMoment::Activated;
                line.by = Some(it.by.to_string());
                line.activation = Some(it.activation.0);
                line.mode = Some(it.mode.into());
                line.by_rollback = it.by_rollback;
                about(line, it.component);
                self.active = Some(it);
                self.configured = true;
            }
            Life::Deactivated { activation, by, mode, by_rollback } => {
                line.event = RuleMoment::Deactivated;
                line.by = Some(by.to_string());
                line.activation = Some(activation.0);
                line.mode = Some(mode.into());
                line.by_rollback = by_rollback;
            }
            Life::Suspended { activation, faults } => {
                line.event = RuleMoment::Suspended;
                line.activation = Some(activation.0);
                line.faults_in_a_row = Some(faults);
            }
            Life::Recovered { activation } => {
                line.event = RuleMoment::Recovered;
                line.activation = Some(activation.0);
            }
        }
    }

    fn judged(&mut self, model: &Model, judged: Judged) {
        let line = &mut self.shown;
        line.event = match (judged.fault, judged.mode) {
            (Some(_), _) => RuleMoment::Faulted,
            (None, RuleMode::Enforce) => RuleMoment::Rejected,
            (None, RuleMode::Shadow) => RuleMoment::WouldReject,
        };
        line.mode = Some(judged.mode.into());
        line.account = account_name(model, judged.account);
        line.symbol = symbol(model, judged.instrument);
        line.cl_ord_id = judged.cl_ord_id.map(|id| id.to_string());
        line.code = judged.code;
        if let Some(fault) = judged.fault {
            line.fault = Some(fault.to_string());
            line.text = Some(fault_text(fault).to_owned());
            line.faults_in_a_row = Some(judged.in_a_row);
        }
        if let Some(by) = &judged.by {
            line.activation = Some(by.activation.0);
            line.rule_version = Some(by.rule_version);
        }
        self.active = judged.by;
    }

    /// The line with all its words.
    pub async fn shown(self, rules: &Arc<Rules>) -> api::RuleLogLine {
        let Self { shown: mut line, active, configured } = self;
        if let Some(fault) = line.code.and_then(crate::rules::fault_of) {
            line.text = Some(fault_text(fault).to_owned());
        }
        let Some(active) = active else { return line };
        if configured {
            let manifest = rules.manifest(active.component).await;
            line.parameters = parameters((*manifest).as_ref(), &active);
        }
        if line.text.is_none()
            && let Some(code) = line.code
        {
            line.text = Some(rules.explain(&Recipe::of(&active), code).await.to_string());
        }
        line
    }
}
