//! What an inspection comes to: the command that loads the component, as every way into the exchange sends it.

use crate::inspect::Inspection;
use model::{CounterKey, CounterWindow, LoadRule, OperatorName, RuleName};
use plugin_manifest::Manifest;

impl Inspection {
    /// The command that makes the component known under a name. Its file must be in the store before.
    pub fn load_command(&self, name: RuleName, by: OperatorName, needs_approval: bool) -> LoadRule {
        let counter = self.manifest.as_ref().and_then(|manifest| manifest.counter);
        LoadRule {
            name,
            component: self.component,
            signer: self.signer,
            by,
            fuel: self.limits.fuel,
            memory_bytes: self.limits.memory_bytes,
            size_bytes: self.size_bytes,
            contract_major: self.contract.major,
            contract_minor: self.contract.minor,
            max_faults: self.limits.max_faults,
            kind: self.kind,
            fail: self.limits.fail,
            counter_key: counter.map_or(CounterKey::None, |counter| counter.key),
            counter_window: counter.map_or(CounterWindow::Forever, |counter| counter.window),
            needs_approval,
            reserved: [0; 5],
        }
    }

    /// What it says about itself, or what holds for one that says nothing.
    pub fn manifest_or_defaults(&self, name: RuleName) -> Manifest {
        self.manifest.clone().unwrap_or_else(|| Manifest::defaults(name, self.kind))
    }
}
