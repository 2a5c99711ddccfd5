//! Reporting rules: what they return is checked, what they break is theirs alone.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::{desk, encode};
use expect_test::{Expect, expect};
use model::{ComponentHash, RuleKind, RuleParameters};
use plugin_host::{ColumnKind, Desk, ReportEvent, ReportEventKind, ReportValue, Reporter, store_component};
use plugin_manifest::{DEFAULT_REPORTING_FUEL, DEFAULT_REPORTING_MEMORY_BYTES};
use std::path::Path;
use tempfile::TempDir;

/// A row for every event: its account and its quantity. Keeps how many events there were. `in_row` is done for each event with
/// `$event` and `$values`, the address of two values; `at_end` before it returns, with `$n` and the report at 1024.
struct Wat {
    describe: String,
    in_row: String,
    at_end: String,
    configure: String,
    more: String,
}

impl Default for Wat {
    fn default() -> Self {
        Self {
            describe: String::new(),
            in_row: String::new(),
            at_end: String::new(),
            configure: "(i32.const 0)".to_owned(),
            more: String::new(),
        }
    }
}

impl Wat {
    fn text(&self) -> String {
        let Self { describe, in_row, at_end, configure, more } = self;
        format!(
            r#"(module
                (memory (export "memory") 300)
                (data (i32.const 100) "volume") (data (i32.const 110) "account") (data (i32.const 120) "quantity")
                (data (i32.const 130) "lots")
                ;; The table, and its columns.
                (data (i32.const 200) "\64\00\00\00\06\00\00\00\f0\00\00\00\02\00\00\00\01\00\00\00")
                (data (i32.const 240) "\6e\00\00\00\07\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00")
                (data (i32.const 260) "\78\00\00\00\08\00\00\00\00\00\00\00\82\00\00\00\04\00\00\00")
                (global $room (mut i32) (i32.const 65536))
                (func (export "cabi_realloc") (param $old i32) (param $had i32) (param $align i32) (param $size i32) (result i32)
                    (global.get $room)
                    (global.set $room (i32.and (i32.add (global.get $room) (i32.add (local.get $size) (i32.const 7))) (i32.const -8))))
                (func (export "outcry:rules/reporting-rule@1.1.0#configure") (param $at i32) (param $count i32) (result i32) {configure})
                (func (export "outcry:rules/reporting-rule@1.1.0#describe") (result i32) {describe} (i32.const 200))
                (func (export "outcry:rules/reporting-rule@1.1.0#process")
                    (param $state i32) (param $length i32) (param $events i32) (param $n i32) (result i32)
                    (local $i i32) (local $event i32) (local $values i32)
                    (i64.store (i32.const 3000) (i64.add (i64.extend_i32_u (local.get $n))
                        (if (result i64) (local.get $length) (then (i64.load (local.get $state))) (else (i64.const 0)))))
                    (block $done (loop $next
                        (br_if $done (i32.ge_u (local.get $i) (local.get $n)))
                        (local.set $event (i32.add (local.get $events) (i32.mul (local.get $i) (i32.const 96))))
                        (local.set $values (i32.add (i32.const 20480) (i32.mul (local.get $i) (i32.const 32))))
                        (i32.store offset=4096 (i32.shl (local.get $i) (i32.const 3)) (local.get $values))
                        (i32.store offset=4100 (i32.shl (local.get $i) (i32.const 3)) (i32.const 2))
                        (i32.store8 (local.get $values) (i32.const 1))
                        (i64.store offset=8 (local.get $values) (i64.load32_u offset=20 (local.get $event)))
                        (i32.store8 offset=16 (local.get $values) (i32.const 1))
                        (i64.store offset=24 (local.get $values) (i64.load offset=48 (local.get $event)))
                        {in_row}
                        (local.set $i (i32.add (local.get $i) (i32.const 1)))
                        (br $next)))
                    (i32.store (i32.const 1024) (i32.const 3000)) (i32.store (i32.const 1028) (i32.const 8))
                    (i32.store (i32.const 1032) (i32.const 4096)) (i32.store (i32.const 1036) (local.get $n))
                    {at_end}
                    (global.set $room (i32.const 65536))
                    (i32.const 1024))
                {more})"#
        )
    }

    fn store(&self, store: &Path) -> ComponentHash {
        let module = wat::parse_str(self.text()).unwrap();
        store_component(&store.join("plugins"), &encode(&module, RuleKind::Reporting, "1.1.0")).unwrap()
    }

    fn reporter(&self) -> (TempDir, Reporter) {
        let (store, desk) = desk();
        let component = self.store(store.path());
        let reporter = open(&desk, component, &[]).unwrap();
        (store, reporter)
    }
}

fn open(desk: &Desk, component: ComponentHash, parameters: &[i64]) -> Result<Reporter, String> {
    let parameters = RuleParameters::new(parameters).unwrap();
    desk.reporter(component, parameters, DEFAULT_REPORTING_FUEL / 1000, DEFAULT_REPORTING_MEMORY_BYTES)
        .map_err(|error| error.to_string())
}

fn event(account: u32, quantity: u64) -> ReportEvent {
    ReportEvent {
        sequence: 1,
        time: 2,
        kind: ReportEventKind::Trade,
        sell: true,
        account,
        instrument: 4,
        order_id: 5,
        price: 6,
        quantity,
        notional: 8,
        trade_id: 9,
        maker_account: 10,
        maker_order_id: 11,
        reason: 12,
    }
}

#[test]
fn a_report_comes_back_with_what_is_to_be_kept() {
    let (_store, mut reporter) = Wat::default().reporter();
    let columns: Vec<_> = reporter
        .table()
        .columns
        .iter()
        .map(|column| (column.name.as_str(), column.kind, column.comment.as_str()))
        .collect();
    assert_eq!(columns, [("account", ColumnKind::Int64, ""), ("quantity", ColumnKind::Int64, "lots")]);
    assert_eq!((reporter.table().name.as_str(), reporter.table().key), ("volume", 1));
    let report = reporter.process(&[], &[event(7, 100), event(8, u64::MAX)]).unwrap();
    assert_eq!(
        report.rows,
        [[ReportValue::Int64(7), ReportValue::Int64(100)], [ReportValue::Int64(8), ReportValue::Int64(-1)]]
    );
    assert_eq!(report.state, 2_u64.to_le_bytes());
    assert!(report.fuel > 50, "{}", report.fuel);
    let report = reporter.process(&report.state, &[event(7, 1)]).unwrap();
    assert_eq!(report.state, 3_u64.to_le_bytes());
    // On a fresh instance it is the same.
    assert_eq!(reporter.process_afresh(&2_u64.to_le_bytes(), &[event(7, 1)]), Ok(report));
    assert_eq!(reporter.process(&[], &[]).unwrap().rows, Vec::<Vec<ReportValue>>::new());
}

/// A batch of 1 event goes wrong, and the next one is read as if nothing had been.
fn check(wat: &Wat, expected: &Expect) {
    let (_store, mut reporter) = wat.reporter();
    expected.assert_eq(&reporter.process(&[], &[event(7, 13)]).unwrap_err().to_string());
    assert_eq!(reporter.process(&[], &[event(7, 100)]).unwrap().state, 1_u64.to_le_bytes());
}

#[test]
fn what_is_no_report_is_refused() {
    let unlucky = |wat: &str| {
        let lucky = "(i64.ne (i64.load offset=48 (local.get $events)) (i64.const 13))";
        format!("(if (i32.eqz {lucky}) (then {wat}))")
    };
    let in_row = |wat: &str| Wat { in_row: unlucky(wat), ..Wat::default() };
    let at_end = |wat: &str| Wat { at_end: unlucky(wat), ..Wat::default() };
    check(&in_row("(unreachable)"), &expect!["the reporting rule failed: trap"]);
    check(&in_row("(loop $again (br $again))"), &expect!["the reporting rule failed: out-of-fuel"]);
    check(
        &in_row("(i32.store offset=4100 (i32.shl (local.get $i) (i32.const 3)) (i32.const 1))"),
        &expect!["row 0 of the reporting rule has 1 values, and its table 2 columns"],
    );
    check(
        &in_row("(i32.store8 (local.get $values) (i32.const 4))"),
        &expect![[r#"the value of "account" in row 0 of the reporting rule is not of the column's kind"#]],
    );
    check(
        &in_row("(i32.store8 (local.get $values) (i32.const 9))"),
        &expect!["the reporting rule failed: out-of-range"],
    );
    check(
        &at_end(
            "(i32.store (i32.const 1024) (i32.const 0)) (i32.store (i32.const 1028) (i32.const 16777217))",
        ),
        &expect!["the reporting rule wants to keep 16777217 bytes, and 16777216 are the most"],
    );
    check(
        &at_end("(i32.store (i32.const 1032) (i32.const -8))"),
        &expect!["the reporting rule failed: out-of-range"],
    );
    check(
        &at_end("(i32.store (i32.const 1036) (i32.const -1))"),
        &expect!["the reporting rule failed: out-of-range"],
    );
    // A recursion as deep as the stack of a reporting rule: deeper than that of a usual thread.
    let deep = Wat {
        more: "(func $down (param i32) (result i32) (if (result i32) (local.get 0)
            (then (i32.add (call $down (i32.sub (local.get 0) (i32.const 1))) (i32.const 1))) (else (i32.const 0))))"
            .to_owned(),
        ..in_row("(drop (call $down (i32.const 100000000)))")
    };
    check(&deep, &expect!["the reporting rule failed: trap"]);
}

#[test]
fn a_table_that_is_none_is_refused() {
    let refuse = |describe: &str, configure: &str, parameters: &[i64], expected: &Expect| {
        let (store, desk) = desk();
        let wat = Wat { describe: describe.to_owned(), ..Wat::default() };
        let wat = if configure.is_empty() { wat } else { Wat { configure: configure.to_owned(), ..wat } };
        expected.assert_eq(&open(&desk, wat.store(store.path()), parameters).unwrap_err());
    };
    refuse(
        "(i32.store8 (i32.const 101) (i32.const 79))",
        "",
        &[],
        &expect![
            "the rule's table is not one: a name is up to 64 lower-case letters, digits and underscores, and begins with a letter"
        ],
    );
    refuse(
        "(i32.store (i32.const 212) (i32.const 0))",
        "",
        &[],
        &expect!["the rule's table is not one: a table has from 1 to 64 columns"],
    );
    refuse(
        "(i32.store (i32.const 216) (i32.const 3))",
        "",
        &[],
        &expect!["the rule's table is not one: the key has more columns than the table"],
    );
    refuse(
        "(i32.store (i32.const 260) (i32.const 110)) (i32.store (i32.const 264) (i32.const 7))",
        "",
        &[],
        &expect!["the rule's table is not one: two columns have one name"],
    );
    refuse(
        "(unreachable)",
        "",
        &[],
        &expect![
            "the rule cannot begin: it cannot describe its table: wasm trap: wasm `unreachable` instruction executed"
        ],
    );
    refuse(
        "",
        "(local.get $count)",
        &[5],
        &expect!["the rule refuses its parameters: a reporting rule has no words for it (code 1)"],
    );
}

/// A reporting rule has no place among those that judge orders.
#[test]
fn a_reporting_rule_does_not_judge() {
    let (store, desk) = desk();
    let component = Wat::default().store(store.path());
    let error = desk.prepare(component, RuleParameters::NONE, 1000, 1 << 25).unwrap_err();
    assert_eq!(error.to_string(), "the component is a reporting rule, and the activation is of a risk rule");
    let risk =
        store_component(&store.path().join("plugins"), &common::Wat::risk_limit().component()).unwrap();
    assert_eq!(
        open(&desk, risk, &[]).unwrap_err(),
        "the component is a risk rule, and the activation is of a reporting rule"
    );
}
