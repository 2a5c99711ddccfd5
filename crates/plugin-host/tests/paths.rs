//! The two ways into a component are one: the same answers and the same fuel, whatever the rows.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::{Wat, activation, desk_with};
use engine::{RiskRow, Rules, ValidationRow};
use model::{ActivationId, CounterKey, RuleKind};
use plugin_host::{CallPath, Desk, LiveRules};
use proptest::prelude::*;
use tempfile::TempDir;

/// Mixes all that it sees into its answer; sometimes traps, runs away, or answers with nonsense.
fn risk() -> Wat {
    let mut mix = String::from("(i64.const 0)");
    for name in [
        "quantity",
        "price",
        "notional",
        "position",
        "open_buy",
        "open_sell",
        "open_cash",
        "best_bid",
        "best_ask",
        "last_price",
        "day_volume",
        "counter",
        "now",
    ] {
        mix = format!("(i64.add (i64.mul {mix} (i64.const 0x9e3779b97f4a7c15)) (local.get ${name}))");
    }
    for name in ["account", "instrument", "flags"] {
        mix = format!("(i64.add (i64.mul {mix} (i64.const 31)) (i64.extend_i32_u (local.get ${name})))");
    }
    Wat::risk(&format!(
        "(local $mix i64) (local.set $mix {mix})
         (if (i64.eqz (i64.and (i64.shr_u (local.get $mix) (i64.const 20)) (i64.const 31))) (then (unreachable)))
         (if (i64.eqz (i64.and (i64.shr_u (local.get $mix) (i64.const 30)) (i64.const 31))) (then (loop $again (br $again))))
         (local.get $mix)"
    ))
}

/// The same for a row of a validation rule.
fn validation() -> Wat {
    let mut mix = String::from("(i64.const 0)");
    for word in 0..12 {
        mix = format!(
            "(i64.add (i64.mul {mix} (i64.const 0x9e3779b97f4a7c15)) (i64.load offset={} (local.get $row)))",
            word * 8
        );
    }
    Wat::validation(&format!(
        "(local $mix i64) (local.set $mix {mix})
         (if (i64.eqz (i64.and (i64.shr_u (local.get $mix) (i64.const 20)) (i64.const 63))) (then (unreachable)))
         (if (i64.eqz (i64.and (i64.shr_u (local.get $mix) (i64.const 30)) (i64.const 63))) (then (loop $again (br $again))))
         (i32.wrap_i64 (i64.shr_u (local.get $mix) (i64.const 47)))"
    ))
}

struct Way {
    _store: TempDir,
    desk: Desk,
    rules: LiveRules,
}

fn way(path: CallPath, wat: &Wat, counter_key: CounterKey) -> Way {
    let (store, desk) = desk_with(path);
    let component = desk.load(&wat.component(), None).unwrap().component;
    let mut rules = desk.live();
    let mut event = activation(1, component, wat.kind, &[]);
    event.counter_key = counter_key;
    event.fuel = 2_000;
    rules.activated(&event);
    Way { _store: store, desk, rules }
}

fn ways(wat: &Wat, counter_key: CounterKey) -> [Way; 2] {
    let ways = [CallPath::Module, CallPath::Component].map(|path| way(path, wat, counter_key));
    assert_eq!(ways[0].desk.statistics()[0].path, Some(CallPath::Module));
    assert_eq!(ways[1].desk.statistics()[0].path, Some(CallPath::Component));
    ways
}

/// Answers and fuel of both, which must be the same.
fn same(ways: &[Way; 2]) -> Result<(), TestCaseError> {
    let [module, component] = [&ways[0], &ways[1]].map(|way| {
        let statistics = way.desk.statistics().remove(0);
        (statistics.fuel.sum, statistics.accepts, statistics.rejects, statistics.faults, statistics.replaced)
    });
    prop_assert_eq!(module, component);
    Ok(())
}

prop_compose! {
    fn risk_rows()(words in prop::array::uniform32(any::<u64>())) -> Vec<RiskRow> {
        words.chunks_exact(8).map(|word| {
            let small = |at: usize| u32::try_from(word[at] >> 32).unwrap();
            RiskRow {
                account: small(0), instrument: small(1), flags: small(2), quantity: word[3], price: word[4].cast_signed(),
                notional: word[5].cast_signed(), position: word[6].cast_signed(), open_buy: word[7], open_sell: word[0],
                open_cash: word[1].cast_signed(), best_bid: word[2].cast_signed(), best_ask: word[3].cast_signed(),
                last_price: word[4].cast_signed(), day_volume: word[5], counter: word[6].cast_signed(),
                now: word[7].cast_signed(),
            }
        }).collect()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(40) })]

    #[test]
    fn risk_rules_answer_alike(rows in prop::collection::vec(risk_rows(), 20)) {
        let mut ways = ways(&risk(), CounterKey::Rule);
        for row in rows.iter().flatten() {
            let [module, component] = &mut ways;
            let ask = |way: &mut Way| way.rules.risk(ActivationId(1), row);
            prop_assert_eq!(ask(module), ask(component), "{:?}", row);
        }
        same(&ways)?;
    }

    /// Also: in a batch, in part of a batch, and alone.
    #[test]
    fn validation_rules_answer_alike(
        rows in prop::collection::vec(prop::array::uniform12(any::<u64>()).prop_map(ValidationRow), 1..150),
        asked in prop::collection::vec(any::<bool>(), 150),
    ) {
        let wat = validation();
        let mut ways = ways(&wat, CounterKey::None);
        let mut alone = way(CallPath::Module, &wat, CounterKey::None);
        for way in &mut ways {
            way.rules.prepare(ActivationId(1), &rows);
        }
        for (row, _) in rows.iter().zip(&asked).filter(|(_, asked)| **asked) {
            let [module, component] = &mut ways;
            let ask = |way: &mut Way| way.rules.validation(ActivationId(1), row);
            let expected = ask(&mut alone);
            prop_assert_eq!(ask(module), expected, "{:?}", row);
            prop_assert_eq!(ask(component), expected, "{:?}", row);
        }
        same(&ways)?;
    }
}

/// A component of a shape that the short way is not for is run whole.
#[test]
fn an_unusual_component_is_run_whole() {
    let (_store, desk) = desk_with(CallPath::Module);
    // The encoder calls `_initialize` from a second module.
    let wat = Wat::risk_limit().with(|wat| {
        wat.more = "(func (export \"_initialize\") (i64.store (i32.const 2048) (i64.const 3)))".to_owned();
    });
    let component = desk.load(&wat.component(), None).unwrap().component;
    let mut rules = desk.live();
    rules.activated(&activation(1, component, RuleKind::Risk, &[]));
    assert_eq!(desk.statistics()[0].path, Some(CallPath::Component));
    assert_eq!(rules.risk(ActivationId(1), &common::risk_row(4)).0, engine::Outcome::Reject(7));
}
