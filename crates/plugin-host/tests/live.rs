//! Rules as the trading thread has them: what is activated judges, with its parameters, on both ways into a component.

mod common;

use common::{Wat, activation, desk, risk_row, validation_row};
use engine::{Outcome, Rules};
use model::{ActivationId, RuleFault, RuleKind};

const ACCEPT: Outcome = Outcome::Accept;

#[test]
fn a_risk_rule_judges_with_its_parameters() {
    let (_store, desk) = desk();
    let component = desk.load(&Wat::risk_limit().component(), None).unwrap().component;
    let mut rules = desk.live();
    rules.activated(&activation(1, component, RuleKind::Risk, &[]));
    rules.activated(&activation(2, component, RuleKind::Risk, &[10]));
    let mut ask = |number, quantity| rules.risk(ActivationId(number), &risk_row(quantity));
    assert_eq!(ask(1, 100), (ACCEPT, 0));
    assert_eq!(ask(1, 101), (Outcome::Reject(7), 0));
    assert_eq!(ask(2, 10), (ACCEPT, 0));
    assert_eq!(ask(2, 11), (Outcome::Reject(7), 0));
    assert_eq!(ask(3, 1), (Outcome::Fault(RuleFault::Unavailable), 0));
}

#[test]
fn a_validation_rule_judges_in_batches_and_alone() {
    let (_store, desk) = desk();
    let component = desk.load(&Wat::validation_limit().component(), None).unwrap().component;
    let mut rules = desk.live();
    rules.activated(&activation(1, component, RuleKind::Validation, &[50]));
    let rows: Vec<_> = (0..200).map(validation_row).collect();
    rules.prepare(ActivationId(1), &rows);
    for (quantity, row) in rows.iter().enumerate() {
        let expected = if quantity > 50 { Outcome::Reject(7) } else { ACCEPT };
        assert_eq!(rules.validation(ActivationId(1), row), expected, "{quantity}");
    }
    // Nobody announced this one.
    assert_eq!(rules.validation(ActivationId(1), &validation_row(1000)), Outcome::Reject(7));
}
