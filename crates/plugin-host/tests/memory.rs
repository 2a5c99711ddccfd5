//! Judging takes nothing from the allocator: the trading thread must not wait for it.

mod common;

use common::{Wat, activation, desk, risk_row, validation_row};
use engine::{Outcome, Rules};
use model::{ActivationId, RuleKind};

#[test]
fn judging_allocates_nothing() {
    let (_store, desk) = desk();
    let load = |wat: &Wat| desk.load(&wat.component(), None).unwrap().component;
    let mut rules = desk.live();
    rules.activated(&activation(1, load(&Wat::validation_limit()), RuleKind::Validation, &[50]));
    rules.activated(&activation(2, load(&Wat::risk_limit()), RuleKind::Risk, &[50]));
    let rows: Vec<_> = (0..200).map(validation_row).collect();
    let mut judge = || {
        rules.prepare(ActivationId(1), &rows);
        let mut rejects = 0;
        for row in &rows {
            rejects += u64::from(rules.validation(ActivationId(1), row) != Outcome::Accept);
            rejects += u64::from(rules.risk(ActivationId(2), &risk_row(row.0[2])).0 != Outcome::Accept);
        }
        // One that was not announced.
        rejects + u64::from(rules.validation(ActivationId(1), &validation_row(1000)) != Outcome::Accept)
    };
    // The first time, the engine may set up the thread.
    judge();
    let mut rejects = 0;
    let taken = allocation_counter::measure(|| rejects = (0..20).map(|_| judge()).sum());
    assert_eq!(rejects, 20 * (149 + 149 + 1));
    assert_eq!(taken.count_total, 0);
}
