//! Rules made of Rust, to try the sequencer with: what an activation does follows from its component and parameters alone, as
//! it must.

use std::collections::BTreeMap;

use engine::{Outcome, RiskRow, Rules, ValidationRow};
use model::{
    AccountId, ActivateRule, ActivationId, Command, ComponentHash, CounterKey, CounterWindow, FailMode,
    InstrumentId, LoadRule, OperatorName, RuleActivated, RuleFault, RuleKind, RuleMode, RuleName,
    RuleParameters, SignerKey,
};

/// Rejects what is larger than its first parameter, with the second as the code. The third is added to the counter.
#[derive(Debug, Default, Clone)]
pub struct Native {
    active: BTreeMap<ActivationId, RuleActivated>,
}

impl Native {
    fn judge(&self, activation: ActivationId, quantity: u64) -> (Outcome, i64) {
        let Some(active) = self.active.get(&activation) else {
            return (Outcome::Fault(RuleFault::Unavailable), 0);
        };
        let [limit, code, delta] = *active.parameters.words() else {
            return (Outcome::Fault(RuleFault::Trap), 0);
        };
        if quantity > u64::try_from(limit).unwrap() {
            (Outcome::Reject(u32::try_from(code).unwrap()), delta)
        } else {
            (Outcome::Accept, delta)
        }
    }
}

impl Rules for Native {
    fn restore(&mut self, active: &[RuleActivated]) {
        self.active = active.iter().map(|active| (active.activation, *active)).collect();
    }
    fn activated(&mut self, event: &RuleActivated) {
        self.active.insert(event.activation, *event);
    }
    fn ended(&mut self, activation: ActivationId) {
        self.active.remove(&activation).expect("what ends was active");
    }
    fn prepare(&mut self, _: ActivationId, _: &[ValidationRow]) {}
    fn validation(&mut self, activation: ActivationId, row: &ValidationRow) -> Outcome {
        self.judge(activation, row.0[2]).0
    }
    fn risk(&mut self, activation: ActivationId, row: &RiskRow) -> (Outcome, i64) {
        self.judge(activation, row.quantity)
    }
}

pub fn load(name: &str, kind: RuleKind, counter_key: CounterKey) -> Command {
    LoadRule {
        name: RuleName::new(name).unwrap(),
        component: ComponentHash([7; 32]),
        signer: SignerKey::NONE,
        by: OperatorName::new("olga").unwrap(),
        fuel: 1000,
        memory_bytes: 1 << 16,
        size_bytes: 100,
        contract_major: 1,
        contract_minor: 1,
        max_faults: 3,
        kind,
        fail: FailMode::Closed,
        counter_key,
        counter_window: CounterWindow::Forever,
        needs_approval: false,
        reserved: [0; 5],
    }
    .into()
}

pub fn activate(name: &str, limit: i64, code: i64, delta: i64) -> ActivateRule {
    ActivateRule {
        name: RuleName::new(name).unwrap(),
        component: ComponentHash([7; 32]),
        parameters: RuleParameters::new(&[limit, code, delta]).unwrap(),
        by: OperatorName::new("olga").unwrap(),
        account: AccountId::ALL,
        instrument: InstrumentId::ALL,
        priority: 1,
        mode: RuleMode::Enforce,
        reserved: [0; 5],
    }
}
