//! Rules that mean harm, or are merely broken. Each comes to a recorded outcome or a clear error, on both ways into a component;
//! a rule beside it in the same host notices nothing, and the next order is judged by a fresh instance.

#![expect(
    clippy::unwrap_used,
    clippy::assigning_clones,
    reason = "helpers of tests are tests, and closures should read well"
)]

mod common;

use common::{Wat, activation, desk, desk_with, risk_row, validation_row};
use engine::{Outcome, Rules};
use expect_test::{Expect, expect};
use model::{ActivationId, ComponentHash, CounterKey, RuleFault, RuleKind, RuleParameters};
use plugin_host::{AuditMode, CallPath, Desk, LiveRules};
use plugin_manifest::{DEFAULT_FUEL, DEFAULT_MEMORY_BYTES};

const PATHS: [CallPath; 2] = [CallPath::Module, CallPath::Component];

fn load(desk: &Desk, wat: &Wat) -> ComponentHash {
    desk.load(&wat.component(), None).unwrap().component
}

/// Asks rule 1 about an order of that many lots.
fn ask(rules: &mut LiveRules, kind: RuleKind, number: u32, quantity: u64) -> Outcome {
    match kind {
        RuleKind::Risk => rules.risk(ActivationId(number), &risk_row(quantity)).0,
        _ => rules.validation(ActivationId(number), &validation_row(quantity)),
    }
}

/// A rule that does `expected` for an order of 1 lot, every time, and never harms its neighbour.
fn check(wat: &Wat, expected: RuleFault) {
    for path in PATHS {
        let (_store, desk) = desk_with(path);
        let good = Wat {
            kind: wat.kind,
            ..if wat.kind == RuleKind::Risk { Wat::risk_limit() } else { Wat::validation_limit() }
        };
        let mut rules = desk.live();
        rules.activated(&activation(1, load(&desk, wat), wat.kind, &[]));
        rules.activated(&activation(2, load(&desk, &good), wat.kind, &[]));
        for _ in 0..5 {
            assert_eq!(ask(&mut rules, wat.kind, 1, 1), Outcome::Fault(expected), "{path:?}");
            assert_eq!(ask(&mut rules, wat.kind, 2, 100), Outcome::Accept, "{path:?}");
            assert_eq!(ask(&mut rules, wat.kind, 2, 101), Outcome::Reject(7), "{path:?}");
        }
        let [hostile, neighbour] = &desk.statistics()[..] else { panic!("two rules") };
        assert_eq!(hostile.path, Some(path));
        assert_eq!((hostile.calls(), hostile.replaced), (5, 5));
        assert!(hostile.fuel.max <= DEFAULT_FUEL);
        assert!(hostile.memory_bytes <= u64::from(DEFAULT_MEMORY_BYTES));
        assert_eq!((neighbour.calls(), neighbour.replaced), (10, 0));
    }
}

#[test]
fn an_endless_loop_runs_out_of_fuel() {
    check(&Wat::risk("(loop $again (br $again)) (unreachable)"), RuleFault::OutOfFuel);
    check(&Wat::validation("(loop $again (br $again)) (unreachable)"), RuleFault::OutOfFuel);
    // Work that grows with what it is given costs by the byte.
    let fill =
        "(loop $again (memory.fill (i32.const 0) (i32.const 0) (i32.const 65536)) (br $again)) (unreachable)";
    check(&Wat::risk(fill), RuleFault::OutOfFuel);
}

#[test]
fn memory_grows_to_its_ceiling_and_no_further() {
    let greedy = "(loop $again (br_if $again (i32.ne (memory.grow (i32.const 1)) (i32.const -1))))
        (i64.store (i32.sub (i32.mul (memory.size) (i32.const 65536)) (i32.const 8)) (i64.const 1))
        (if (i32.ne (memory.size) (i32.const 32)) (then (loop $forever (br $forever))))
        (unreachable)";
    check(&Wat::risk(greedy), RuleFault::Trap);
}

/// What a rule does not get because it forbids it itself is not counted.
#[test]
fn growing_past_its_own_maximum_takes_nothing() {
    let (_store, desk) = desk();
    // Five times more than the first table may have, then nearly all that there is for the second.
    let wat = Wat::risk(
        "(local $i i32)
         (loop $again
            (drop (table.grow (ref.null func) (i32.const 9000)))
            (br_if $again (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5))))
         (select (i64.const 0) (i64.const 1) (i32.eq (table.grow $other (ref.null func) (i32.const 9000)) (i32.const 1)))",
    )
    .with(|wat| wat.more = "(table 1 100 funcref) (table $other 1 funcref)".to_owned());
    let mut rules = desk.live();
    rules.activated(&activation(1, load(&desk, &wat), RuleKind::Risk, &[]));
    assert_eq!(ask(&mut rules, RuleKind::Risk, 1, 1), Outcome::Accept);
}

#[test]
fn deep_recursion_traps() {
    let recursion = Wat::risk("(call $down (i64.const 1))").with(|wat| {
        wat.more = "(func $down (param i64) (result i64)
            (i64.add (local.get 0) (call $down (i64.add (local.get 0) (i64.const 1)))))"
            .to_owned();
    });
    check(&recursion, RuleFault::Trap);
}

#[test]
fn traps_are_faults() {
    check(&Wat::risk("(unreachable)"), RuleFault::Trap);
    check(&Wat::validation("(i32.div_u (i32.const 1) (i32.const 0))"), RuleFault::Trap);
    check(&Wat::risk("(i64.load (i32.const 65529))"), RuleFault::Trap);
    let through_an_empty_table = Wat::risk("(call_indirect (type $none) (i32.const 0))")
        .with(|wat| wat.more = "(type $none (func (result i64))) (table 1 funcref)".to_owned());
    check(&through_an_empty_table, RuleFault::Trap);
}

#[test]
fn an_endless_table_ends() {
    let greedy = Wat::risk(
        "(loop $again (br_if $again (i32.ne (table.grow (ref.null func) (i32.const 1000)) (i32.const -1))))
        (if (i32.gt_u (table.size) (i32.const 10000)) (then (loop $forever (br $forever))))
        (unreachable)",
    )
    .with(|wat| wat.more = "(table 1 funcref)".to_owned());
    check(&greedy, RuleFault::Trap);
}

#[test]
fn answers_out_of_range_are_faults() {
    // Codes of more than 16 bits.
    check(&Wat::validation("(i32.const 65536)"), RuleFault::OutOfRange);
    check(&Wat::validation("(i32.const -1)"), RuleFault::OutOfRange);
    // Something for a counter that it does not have.
    check(&Wat::risk("(i64.const 0x10000)"), RuleFault::OutOfRange);
    check(&Wat::risk("(i64.const -1)"), RuleFault::OutOfRange);
    // The list it returns: too long, too short, beyond the memory, not aligned, and not even there.
    for list in [
        "(i32.store (i32.const 1028) (i32.const 2))",
        "(i32.store (i32.const 1028) (i32.const 0))",
        "(i32.store (i32.const 1028) (i32.const -1))",
        "(i32.store (i32.const 1028) (i32.const 0x40000001))",
        "(i32.store (i32.const 1024) (i32.const 65533))",
        "(i32.store (i32.const 1024) (i32.const -4))",
        "(i32.store (i32.const 1024) (i32.const 16385))",
    ] {
        // Changes the list after it is made.
        let wat = Wat::validation("(i32.const 0)").with(|wat| {
            wat.more = format!(
                "(func (export \"cabi_post_outcry:rules/validation-rule@1.1.0#check\") (param i32))
                 (func $spoil (result i32) {list} (i32.const 1024))"
            );
        });
        check(&spoiled(&wat, "(call $spoil)"), RuleFault::OutOfRange);
    }
    for address in ["65532", "-8", "1026"] {
        check(
            &spoiled(&Wat::validation("(i32.const 0)"), &format!("(i32.const {address})")),
            RuleFault::OutOfRange,
        );
    }
    // The room it gives: beyond the memory, and not aligned.
    for room in ["(i32.const 65530)", "(i32.const -8)", "(i32.const 8193)"] {
        // Parameters go through the same function, and there are none here: an empty list needs no room.
        let wat = Wat::validation("(i32.const 0)")
            .with(|wat| wat.realloc = format!("(select {room} (i32.const 8192) (local.get $size))"));
        check(&wat, RuleFault::OutOfRange);
    }
}

/// Returns something else from `check` of a validation rule.
fn spoiled(wat: &Wat, answer: &str) -> Wat {
    let mut wat = wat.clone();
    wat.answer = answer.to_owned();
    wat
}

#[test]
fn cleaning_up_may_trap_too() {
    let wat = Wat::validation("(i32.const 0)").with(|wat| {
        wat.more =
            "(func (export \"cabi_post_outcry:rules/validation-rule@1.1.0#check\") (param i32) unreachable)"
                .to_owned();
    });
    check(&wat, RuleFault::Trap);
}

/// A single order that breaks the rule does not touch the others of its batch.
#[test]
fn an_order_does_not_suffer_from_its_neighbours() {
    for path in PATHS {
        let (_store, desk) = desk_with(path);
        let quantity = "(i64.load offset=16 (local.get $row))";
        let wat = Wat::validation(&format!(
            "(if (i64.eq {quantity} (i64.const 13)) (then (unreachable)))
             (if (i64.eq {quantity} (i64.const 14)) (then (loop $again (br $again))))
             (if (i64.eq {quantity} (i64.const 15)) (then (return (i32.const 65536))))
             (select (i32.const 7) (i32.const 0) (i64.gt_u {quantity} (i64.const 20)))"
        ));
        let mut rules = desk.live();
        rules.activated(&activation(1, load(&desk, &wat), RuleKind::Validation, &[]));
        let rows: Vec<_> = (0..40).map(validation_row).collect();
        rules.prepare(ActivationId(1), &rows);
        for (quantity, row) in rows.iter().enumerate() {
            let expected = match quantity {
                13 => Outcome::Fault(RuleFault::Trap),
                14 => Outcome::Fault(RuleFault::OutOfFuel),
                15 => Outcome::Fault(RuleFault::OutOfRange),
                21.. => Outcome::Reject(7),
                _ => Outcome::Accept,
            };
            assert_eq!(rules.validation(ActivationId(1), row), expected, "{quantity} {path:?}");
        }
    }
}

fn prepare(wat: &Wat, parameters: &[i64], memory_bytes: u32, expected: &Expect) {
    let errors = PATHS.map(|path| {
        let (_store, desk) = desk_with(path);
        let component = load(&desk, wat);
        let parameters = RuleParameters::new(parameters).unwrap();
        let error = desk.prepare(component, parameters, DEFAULT_FUEL, memory_bytes).unwrap_err().to_string();
        // An activation that got into the log all the same is one that cannot be run.
        let mut rules = desk.live();
        let mut event = activation(1, component, wat.kind, parameters.words());
        event.memory_bytes = memory_bytes;
        rules.activated(&event);
        assert_eq!(ask(&mut rules, wat.kind, 1, 1), Outcome::Fault(RuleFault::Unavailable));
        assert_eq!(desk.statistics()[0].unavailable.as_ref(), Some(&error));
        error
    });
    expected.assert_eq(&errors[0]);
    assert_eq!(errors[0], errors[1]);
}

#[test]
fn a_rule_that_cannot_begin_is_not_activated() {
    let good = Wat::risk_limit();
    prepare(
        &good,
        &[-1],
        DEFAULT_MEMORY_BYTES,
        &expect![["the rule refuses its parameters: more lots than usual (code 9)"]],
    );
    prepare(
        &good,
        &[],
        65535,
        &expect![["the rule cannot begin: memory minimum size of 1 pages exceeds memory limits"]],
    );
    prepare(
        &good.clone().with(|wat| wat.configure = "(unreachable)".to_owned()),
        &[],
        DEFAULT_MEMORY_BYTES,
        &expect![["the rule fails while it takes its parameters: trap"]],
    );
    prepare(
        &good.clone().with(|wat| wat.configure = "(loop $again (br $again)) (unreachable)".to_owned()),
        &[],
        DEFAULT_MEMORY_BYTES,
        &expect![["the rule fails while it takes its parameters: out-of-fuel"]],
    );
    prepare(
        &good.clone().with(|wat| wat.more = "(func $start unreachable) (start $start)".to_owned()),
        &[],
        DEFAULT_MEMORY_BYTES,
        &expect![["the rule cannot begin: wasm trap: wasm `unreachable` instruction executed"]],
    );
    prepare(
        &good.clone().with(|wat| wat.version = "1.0.0"),
        &[1],
        DEFAULT_MEMORY_BYTES,
        &expect!["the rule is built for a contract without parameters, and is given some (1 words)"],
    );
}

#[test]
fn a_code_that_a_rule_cannot_explain_has_a_plain_sentence() {
    for path in PATHS {
        let (_store, desk) = desk_with(path);
        let explain = |body: &str, code| {
            let component = load(&desk, &Wat::risk_limit().with(|wat| wat.explain = body.to_owned()));
            desk.explain(component, &RuleParameters::NONE, code).to_string()
        };
        let endless = "(i32.store (i32.const 1040) (i32.const 0)) (i32.store (i32.const 1044) (i32.const -1)) (i32.const 1040)";
        assert_eq!(explain(endless, 7), "the rule rejects with code 7");
        assert_eq!(explain("(unreachable)", 7), "the rule rejects with code 7");
        assert_eq!(explain("(loop $again (br $again)) (unreachable)", 7), "the rule rejects with code 7");
        assert_eq!(explain(endless, 65537), "the rule took too long to judge the order");
        // As much of a long text as fits in a line, with nothing in it that a terminal would obey.
        let long = "(memory.fill (i32.const 0) (i32.const 27) (i32.const 1000))
            (memory.fill (i32.const 1) (i32.const 65) (i32.const 999))
            (i32.store (i32.const 1040) (i32.const 0)) (i32.store (i32.const 1044) (i32.const 1000)) (i32.const 1040)";
        assert_eq!(explain(long, 7), "A".repeat(255));
        let own = load(&desk, &Wat::risk_limit());
        assert_eq!(&*desk.explain(own, &RuleParameters::NONE, 7), "more lots than usual");
    }
}

/// Rejects every third order, whatever it is.
fn sly(kind: RuleKind) -> Wat {
    let body = |ty: &str| {
        format!(
            "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))
             (select ({ty}.const 5) ({ty}.const 0) (i32.eqz (i32.rem_u (global.get $calls) (i32.const 3))))"
        )
    };
    let wat = if kind == RuleKind::Risk { Wat::risk(&body("i64")) } else { Wat::validation(&body("i32")) };
    wat.with(|wat| wat.more = "(global $calls (mut i32) (i32.const 0))".to_owned())
}

#[test]
fn hidden_state_is_found_by_a_paranoid_audit() {
    let (_store, desk) = desk();
    let mut rules = desk.audit(AuditMode::Paranoid);
    rules.activated(&activation(1, load(&desk, &sly(RuleKind::Risk)), RuleKind::Risk, &[]));
    rules.activated(&activation(2, load(&desk, &Wat::risk_limit()), RuleKind::Risk, &[]));
    for quantity in 90..110 {
        assert_eq!(rules.risk(ActivationId(1), &risk_row(quantity)).0, Outcome::Accept);
        let expected = if quantity > 100 { Outcome::Reject(7) } else { Outcome::Accept };
        assert_eq!(rules.risk(ActivationId(2), &risk_row(quantity)).0, expected);
    }
    assert_eq!(rules.findings().len(), 6);
    expect![[r#"the rule keeps state of its own: call 3 gave "reject with code 5" on a used instance and "accept" on a fresh one"#]].assert_eq(&rules.findings()[0].to_string());
    assert!(rules.findings().iter().all(|finding| finding.activation == ActivationId(1)));
}

#[test]
fn hidden_state_is_found_in_batches() {
    let (_store, desk) = desk();
    let mut rules = desk.audit(AuditMode::Paranoid);
    rules.activated(&activation(1, load(&desk, &sly(RuleKind::Validation)), RuleKind::Validation, &[]));
    rules.activated(&activation(2, load(&desk, &Wat::validation_limit()), RuleKind::Validation, &[]));
    let rows: Vec<_> = (99..103).map(validation_row).collect();
    for number in [1, 2] {
        rules.prepare(ActivationId(number), &rows);
        for row in &rows {
            rules.validation(ActivationId(number), row);
        }
    }
    let findings: Vec<_> = rules.findings().iter().map(ToString::to_string).collect();
    expect![[r#"
        the rule keeps state of its own: call 2 gave "reject with code 5" on a used instance and "accept" on a fresh one
        the rule keeps state of its own: call 3 gave "reject with code 5" on a used instance, in a batch, and "accept" on a fresh one"#]].assert_eq(&findings.join("\n"));
}

/// What a re-execution does: the same orders, but instances replaced at other places. A good rule answers as before.
#[test]
fn hidden_state_shows_when_instances_are_renewed() {
    let (_store, desk) = desk();
    for (wat, is_sly) in [(sly(RuleKind::Risk), true), (Wat::risk_limit(), false)] {
        let event = activation(1, load(&desk, &wat), RuleKind::Risk, &[]);
        let verdicts = |rules: &mut dyn Rules| {
            rules.restore(&[event]);
            (0..200).map(|quantity| rules.risk(ActivationId(1), &risk_row(quantity))).collect::<Vec<_>>()
        };
        let live = verdicts(&mut desk.live());
        let again = verdicts(&mut desk.audit(AuditMode::Renewing(7)));
        assert_eq!(live != again, is_sly);
    }
}

/// A counter that the rule has may be changed, and is handed on with its sign.
#[test]
fn a_counter_is_changed_by_what_the_rule_says() {
    let (_store, desk) = desk();
    let wat = Wat::risk(
        "(i64.or (i64.shl (i64.sub (i64.const 0) (local.get $quantity)) (i64.const 16)) (i64.const 3))",
    );
    let mut event = activation(1, load(&desk, &wat), RuleKind::Risk, &[]);
    event.counter_key = CounterKey::Account;
    let mut rules = desk.live();
    rules.activated(&event);
    assert_eq!(rules.risk(ActivationId(1), &risk_row(5)), (Outcome::Reject(3), -5));
    let large = (1 << 47) - 1;
    assert_eq!(rules.risk(ActivationId(1), &risk_row(large)), (Outcome::Reject(3), -large.cast_signed()));
}
