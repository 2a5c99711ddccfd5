//! The components that `outcry bench rules` measures are in `crates/bench/rules`, so that the program can run it without a compiler
//! for rules. They are made here: `UPDATE_EXPECT=1 cargo test -p plugin-host --test measured` writes them anew.

mod common;

use common::Wat;
use std::fmt::Write;
use std::fs;
use std::path::Path;

#[test]
fn the_measured_components_are_made_of_these_texts() {
    let endless = "(loop $again (br $again)) (unreachable)";
    for (name, wat) in [
        ("empty-validation", Wat::validation("(i32.const 0)")),
        ("empty-risk", Wat::risk("(i64.const 0)")),
        ("limit-validation", Wat::validation_limit()),
        ("limit-risk", Wat::risk_limit()),
        ("endless-risk", Wat::risk(endless)),
        ("twenty-kilobytes", Wat::risk_limit().with(|wat| wat.more = many_functions())),
    ] {
        let made = wat.component();
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../bench/rules").join(format!("{name}.wasm"));
        if std::env::var_os("UPDATE_EXPECT").is_some() {
            fs::write(&path, &made).unwrap();
        }
        assert!(
            fs::read(&path).is_ok_and(|bytes| bytes == made),
            "{name}.wasm is another: see the top of this file"
        );
        if name == "twenty-kilobytes" {
            assert!((20_000..24_000).contains(&made.len()), "{}", made.len());
        }
    }
}

/// Code of the size of a real rule: functions with a loop, a branch, some arithmetic and memory.
fn many_functions() -> String {
    let mut functions = String::new();
    for number in 0..180 {
        write!(
            functions,
            "(func $f{number} (param $a i64) (param $b i64) (result i64) (local $i i32)
                (block $done (loop $next
                    (br_if $done (i32.ge_u (local.get $i) (i32.const {number})))
                    (local.set $a (i64.add (i64.mul (local.get $a) (local.get $b)) (i64.load (local.get $i))))
                    (if (i64.gt_s (local.get $a) (i64.const 1000000)) (then
                        (i64.store offset=8 (local.get $i) (i64.sub (local.get $a) (local.get $b)))))
                    (local.set $b (i64.xor (i64.shr_u (local.get $b) (i64.const 3)) (local.get $a)))
                    (local.set $i (i32.add (local.get $i) (i32.const 8)))
                    (br $next)))
                (local.get $a))"
        )
        .expect("a string takes everything");
    }
    functions
}
