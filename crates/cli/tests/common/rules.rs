//! Small rules for tests, written as text: what a rule does is not what is tested here.

use model::RuleKind;
use plugin_kit::{Language, wrap};

/// A risk rule that rejects orders of more lots than its parameter says, with code 7. Orders of 13 lots are its undoing.
/// `words` are what it says then; another text is another component.
pub fn max_qty(words: &str) -> Vec<u8> {
    let module = format!(
        r#"(module
            (memory (export "memory") 1)
            (data (i32.const 3072) "{words}")
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 8192))
            (func (export "outcry:rules/risk-rule@1.1.0#check")
                (param $account i32) (param $instrument i32) (param $flags i32) (param $quantity i64) (param $price i64)
                (param i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64)
                (if (i64.eq (local.get $quantity) (i64.const 13)) (then unreachable))
                (select (i64.const 7) (i64.const 0)
                    (i64.gt_u (local.get $quantity) (i64.load (i32.const 2048)))))
            (func (export "outcry:rules/risk-rule@1.1.0#configure") (param $at i32) (param $count i32) (result i32)
                (i64.store (i32.const 2048) (i64.load (local.get $at)))
                (select (i32.const 9) (i32.const 0) (i64.lt_s (i64.load (local.get $at)) (i64.const 0))))
            (func (export "outcry:rules/risk-rule@1.1.0#explain") (param $code i32) (result i32)
                (i32.store (i32.const 1040) (i32.const 3072))
                (i32.store (i32.const 1044) (i32.const {length}))
                (i32.const 1040)))"#,
        length = words.len(),
    );
    let manifest = r#"
[rule]
name = "max-qty"
version = "1.0.0"
kind = "risk"
description = "Keeps orders small"

[limits]
fuel = 1_000
max_faults = 3

[[parameter]]
name = "max"
type = "int"
default = 50
description = "Most lots of an order"
"#;
    component(&module, manifest)
}

/// The component of a core module's text.
pub fn component(module: &str, manifest: &str) -> Vec<u8> {
    let module = wat::parse_str(module).expect("the text is a module");
    wrap(&module, RuleKind::Risk, Language::C, manifest).expect("the module is of the world")
}
