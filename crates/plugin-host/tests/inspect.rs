//! What a component is refused for, in the words that its author reads, and what is known of one that is taken.

#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes its strings this way")]

mod common;

use common::{Wat, contract, dummy, encode, with_section, wrap};
use ed25519_dalek::{Signer, SigningKey};
use expect_test::{Expect, expect};
use model::{RuleKind, SignerKey};
use plugin_host::{Ceilings, Policy, Signature, inspect};
use plugin_manifest::SECTION;
use proptest::prelude::*;
use std::sync::LazyLock;
use wit_component::dummy_module;
use wit_parser::{LiftLowerAbi, ManglingAndAbi};

fn check(bytes: &[u8], expected: &Expect) {
    check_with(bytes, &Policy::default(), expected);
}

fn check_with(bytes: &[u8], policy: &Policy, expected: &Expect) {
    expected.assert_eq(&match inspect(bytes, None, policy) {
        Ok(inspection) => format!(
            "{} rule of contract {}, {:?}, signed by {}\n",
            inspection.kind, inspection.contract, inspection.limits, inspection.signer
        ),
        Err(refusal) => {
            let hint = refusal.hint().map(|hint| format!("hint: {hint}\n")).unwrap_or_default();
            format!("{refusal}\n{hint}")
        }
    });
}

#[test]
fn rules_of_this_and_the_previous_minor_version_are_taken() {
    check(
        &Wat::risk_limit().component(),
        &expect![[r#"
        risk rule of contract 1.1.0, Limits { fuel: 100000, memory_bytes: 2097152, max_faults: 3, fail: Closed }, signed by 0000000000000000000000000000000000000000000000000000000000000000
    "#]],
    );
    check(
        &Wat::validation_limit().component(),
        &expect![[r#"
        validation rule of contract 1.1.0, Limits { fuel: 100000, memory_bytes: 2097152, max_faults: 3, fail: Closed }, signed by 0000000000000000000000000000000000000000000000000000000000000000
    "#]],
    );
    check(
        &Wat::risk_limit().with(|wat| wat.version = "1.0.0").component(),
        &expect![[r#"
        risk rule of contract 1.0.0, Limits { fuel: 100000, memory_bytes: 2097152, max_faults: 3, fail: Closed }, signed by 0000000000000000000000000000000000000000000000000000000000000000
    "#]],
    );
    check(
        &Wat::risk_limit().with(|wat| wat.version = "1.1.7").component(),
        &expect![[r#"
        risk rule of contract 1.1.7, Limits { fuel: 100000, memory_bytes: 2097152, max_faults: 3, fail: Closed }, signed by 0000000000000000000000000000000000000000000000000000000000000000
    "#]],
    );
}

/// The types that the host wants are those of `wit/`: an empty rule made from the files there is taken.
#[test]
fn the_contract_is_the_one_in_wit() {
    for kind in RuleKind::ALL {
        for version in ["1.1.0", "1.0.0"] {
            let (resolve, world) = contract(*kind, version);
            let module = dummy_module(&resolve, world, ManglingAndAbi::Legacy(LiftLowerAbi::Sync));
            let inspection = inspect(&wrap(&module, &resolve, world), None, &Policy::default()).unwrap();
            assert_eq!((inspection.kind, inspection.contract.to_string().as_str()), (*kind, version));
        }
    }
}

#[test]
fn other_versions_are_refused_with_what_they_need() {
    check(
        &Wat::risk_limit().with(|wat| wat.version = "1.2.0").component(),
        &expect![[r#"
        the component is built for outcry:rules 1.2.0, and this host takes 1.1 and the minor version before it: upgrade the exchange, or build the rule for its version
        hint: wit/ holds the contract; "outcry plugin new" makes a rule that keeps it
    "#]],
    );
    check(
        &Wat::risk_limit().with(|wat| wat.version = "2.0.0").component(),
        &expect![[r#"
        the component is built for outcry:rules 2.0.0, and this host takes 1.1 and the minor version before it: upgrade the exchange, or build the rule for its version
        hint: wit/ holds the contract; "outcry plugin new" makes a rule that keeps it
    "#]],
    );
    check(
        &Wat::risk_limit().with(|wat| wat.version = "0.9.0").component(),
        &expect![[r#"
        the component is built for outcry:rules 0.9.0, and this host takes 1.1 and the minor version before it: build the rule again
        hint: wit/ holds the contract; "outcry plugin new" makes a rule that keeps it
    "#]],
    );
}

#[test]
fn what_is_no_component_is_refused() {
    check(
        b"",
        &expect![[r#"
        this is not WebAssembly
        hint: make a component of it with "outcry plugin build"
    "#]],
    );
    check(
        b"#!/bin/sh",
        &expect![[r#"
        this is not WebAssembly
        hint: make a component of it with "outcry plugin build"
    "#]],
    );
    check(
        &wat::parse_str("(module)").unwrap(),
        &expect![[r#"
        this is a core module, not a component
        hint: make a component of it with "outcry plugin build"
    "#]],
    );
    let component = Wat::risk_limit().component();
    check(
        &component[..component.len() / 2],
        &expect![[r#"
        the component is not valid at byte 1038: unexpected end-of-file
    "#]],
    );
    check(
        &component[..8],
        &expect![[r#"
        the component exports nothing, and a rule exports one of validation-rule, risk-rule and reporting-rule of outcry:rules 1.1.0
        hint: wit/ holds the contract; "outcry plugin new" makes a rule that keeps it
    "#]],
    );
}

#[test]
fn imports_are_refused_by_name() {
    let wasi = "package wasi:clocks@0.2.6; interface monotonic-clock { now: func() -> u64; }
        interface wall-clock { now: func() -> u64; } world w { import monotonic-clock; import wall-clock; }";
    check(
        &dummy(wasi, "w"),
        &expect![[r#"
        the component imports wasi:clocks/monotonic-clock@0.2.6, wasi:clocks/wall-clock@0.2.6, and a rule imports nothing
        hint: there is no WASI here, no files, clock or random numbers: build for wasm32-unknown-unknown with "outcry plugin build"
    "#]],
    );
    let other = "package evil:corp@1.0.0; interface phone { call-home: func(); } world w { import phone; }";
    check(
        &dummy(other, "w"),
        &expect![[r#"
        the component imports evil:corp/phone@1.0.0, and a rule imports nothing
        hint: what a rule needs to know comes with each order; see docs/RULES.md
    "#]],
    );
}

#[test]
fn another_world_is_refused() {
    let other = "package evil:corp@1.0.0; interface game { play: func(); } world w { export game; }";
    check(
        &dummy(other, "w"),
        &expect![[r#"
        the component exports evil:corp/game@1.0.0, and a rule exports one of validation-rule, risk-rule and reporting-rule of outcry:rules 1.1.0
        hint: wit/ holds the contract; "outcry plugin new" makes a rule that keeps it
    "#]],
    );
    let unknown = "package outcry:rules@1.1.0; interface oracle-rule { check: func(); } world w { export oracle-rule; }";
    check(
        &dummy(unknown, "w"),
        &expect![[r#"
        the component exports outcry:rules/oracle-rule@1.1.0, and a rule exports one of validation-rule, risk-rule and reporting-rule of outcry:rules 1.1.0
        hint: wit/ holds the contract; "outcry plugin new" makes a rule that keeps it
    "#]],
    );
    let both = "package outcry:rules@1.1.0; interface risk-rule { check: func(); } interface validation-rule { check: func(); }
        world w { export risk-rule; export validation-rule; }";
    check(
        &dummy(both, "w"),
        &expect![[r#"
        the component exports outcry:rules/risk-rule@1.1.0, outcry:rules/validation-rule@1.1.0, and a rule exports only one of validation-rule, risk-rule and reporting-rule of outcry:rules 1.1.0
        hint: wit/ holds the contract; "outcry plugin new" makes a rule that keeps it
    "#]],
    );
}

#[test]
fn another_type_is_refused() {
    let rule = |functions: &str| {
        dummy(
            &format!(
                "package outcry:rules@1.1.0; interface validation-rule {{ {functions} }} world w {{ export validation-rule; }}"
            ),
            "w",
        )
    };
    let (configure, check_, explain) = (
        "configure: func(parameters: list<s64>) -> u32;",
        "check: func(rows: list<u64>) -> list<u32>;",
        "explain: func(code: u32) -> string;",
    );
    check(
        &rule(&[check_, explain].concat()),
        &expect![[r#"
        the component lacks the function configure: func(list<s64>) -> u32
        hint: wit/ holds the contract; "outcry plugin new" makes a rule that keeps it
    "#]],
    );
    check(
        &rule(&[configure, check_].concat()),
        &expect![[r#"
        the component lacks the function explain: func(u32) -> string
        hint: wit/ holds the contract; "outcry plugin new" makes a rule that keeps it
    "#]],
    );
    check(
        &rule(&[configure, explain, "check: func(rows: list<u64>) -> list<u64>;"].concat()),
        &expect![[r#"
            the component's check is func(list<u64>) -> list<u64>, and must be func(list<u64>) -> list<u32>
            hint: wit/ holds the contract; "outcry plugin new" makes a rule that keeps it
        "#]],
    );
    let record =
        "record a { b: u8, c: option<string> } variant v { x, y(a) } check: func(row: a, t: tuple<u8, v>);";
    check(
        &rule(&[configure, explain, record].concat()),
        &expect![[r#"
            the component's check is func(record { b: u8, c: option<string> }, tuple<u8, variant { x, y(record { b: u8, c: option<string> }) }>), and must be func(list<u64>) -> list<u32>
            hint: wit/ holds the contract; "outcry plugin new" makes a rule that keeps it
        "#]],
    );
    // A type whose parts double at every step: written out, it would fill the memory.
    let mut doubling = String::from("record t0 { a: u64 } ");
    for step in 1..13 {
        doubling = format!("{doubling}record t{step} {{ a: t{0}, b: t{0} }} ", step - 1);
    }
    let refusal = inspect(
        &rule(&[configure, explain, &doubling, "check: func(row: t12);"].concat()),
        None,
        &Policy::default(),
    )
    .unwrap_err();
    assert!(refusal.to_string().len() < 10_000, "{}", refusal.to_string().len());
}

#[test]
fn what_makes_answers_differ_between_machines_is_refused() {
    let with = |more: &str| wat::parse_str(Wat::risk_limit().with(|wat| wat.more = more.to_owned()).text());
    let refused = |more: &str, expected: &Expect| {
        let bytes = std::panic::catch_unwind(|| encode(&with(more).unwrap(), RuleKind::Risk, "1.1.0"));
        check(&bytes.unwrap(), expected);
    };
    refused(
        "(func (atomic.fence))",
        &expect![[r#"
            the component is not valid at byte 320: threads support is not enabled
        "#]],
    );
    refused(
        "(func (drop (i32x4.relaxed_trunc_f32x4_s (v128.const i64x2 0 0))))",
        &expect![[r#"
        the component is not valid at byte 338: relaxed SIMD support is not enabled
    "#]],
    );
    refused(
        "(memory $second 1)",
        &expect![[r#"
        the component is not valid at byte 70: multiple memories
    "#]],
    );
    refused(
        "(table 1 externref)",
        &expect![[r#"
        the component is not valid at byte 71: gc types are disallowed but found type which requires gc
    "#]],
    );
    // Plain vectors are the same everywhere.
    refused(
        "(func (drop (i32x4.add (v128.const i64x2 0 0) (v128.const i64x2 0 0))))",
        &expect![[r#"
        risk rule of contract 1.1.0, Limits { fuel: 100000, memory_bytes: 2097152, max_faults: 3, fail: Closed }, signed by 0000000000000000000000000000000000000000000000000000000000000000
    "#]],
    );
}

#[test]
fn a_module_of_50_mib_is_refused_before_it_is_looked_at() {
    check(
        &vec![0; 50 << 20],
        &expect![[r#"
            the component has 52428800 bytes, and 33554432 are the most for a rule
            hint: build with optimisation and without debug information
        "#]],
    );
    // What a reporting rule may weigh, a risk rule may not.
    let padded = with_section(&Wat::risk_limit().component(), "padding", &vec![0; 5 << 20]);
    check(
        &padded,
        &expect![[r#"
        the component has 5245011 bytes, and 4194304 are the most for a risk rule
        hint: build with optimisation and without debug information
    "#]],
    );
}

fn manifest(text: &str) -> Vec<u8> {
    with_section(&Wat::risk_limit().component(), SECTION, text.as_bytes())
}

const MANIFEST: &str = "[rule]\nname = \"limit\"\nversion = \"1.0.0\"\nkind = \"risk\"\n";

#[test]
fn the_manifest_inside_is_read() {
    let text = format!("{MANIFEST}[limits]\nfuel = 5000\nmemory_bytes = \"1 MiB\"\n");
    let inspection = inspect(&manifest(&text), None, &Policy::default()).unwrap();
    assert_eq!(inspection.limits.fuel, 5000);
    assert_eq!(inspection.manifest.unwrap().name.as_str(), "limit");
    assert_eq!(inspection.manifest_text.unwrap(), text);
}

#[test]
fn a_manifest_that_does_not_fit_is_refused() {
    check(
        &manifest("[rule]\nname = 3"),
        &expect![[r#"
        the manifest in the component is wrong: TOML parse error at line 2, column 8
          |
        2 | name = 3
          |        ^
        invalid type: integer `3`, expected a string
    "#]],
    );
    check(
        &manifest(&MANIFEST.replace("risk", "validation")),
        &expect![[r#"
        the manifest says that this is a validation rule, and the component is a risk rule
    "#]],
    );
    check(
        &manifest(&format!("{MANIFEST}[limits]\nfuel = 1_000_000_000")),
        &expect![[r#"
        the rule asks for 1000000000 units of fuel for a call, and the operator gives at most 1000000
    "#]],
    );
    check(
        &manifest(&format!("{MANIFEST}[limits]\nmemory_bytes = \"1 GiB\"")),
        &expect![[r#"
        the rule asks for 1073741824 bytes of memory, and the operator gives at most 16777216
    "#]],
    );
    check(
        &with_section(&manifest(MANIFEST), SECTION, b""),
        &expect![[r#"
        the component carries two manifests
    "#]],
    );
    check(
        &with_section(&Wat::risk_limit().component(), SECTION, b"\xff"),
        &expect![[r#"
        the manifest in the component is not UTF-8 text
    "#]],
    );
    let tight = Policy { trading: Ceilings { fuel: 10, ..Policy::default().trading }, ..Policy::default() };
    check_with(
        &manifest(&format!("{MANIFEST}[limits]\nfuel = 11")),
        &tight,
        &expect![[r#"
        the rule asks for 11 units of fuel for a call, and the operator gives at most 10
    "#]],
    );
}

#[test]
fn signatures_count_when_their_key_is_allowed() {
    let bytes = Wat::risk_limit().component();
    let ours = SigningKey::from_bytes(&[1; 32]);
    let theirs = SigningKey::from_bytes(&[2; 32]);
    let public = |key: &SigningKey| SignerKey(key.verifying_key().to_bytes());
    let sign = |key: &SigningKey, bytes: &[u8]| Signature(key.sign(bytes).to_bytes());
    let policy =
        Policy { signers: vec![public(&theirs), public(&ours)], must_be_signed: true, ..Policy::default() };
    let signer = |signature: Option<&Signature>, policy: &Policy| {
        inspect(&bytes, signature, policy)
            .map(|inspection| inspection.signer)
            .map_err(|refusal| refusal.to_string())
    };
    assert_eq!(signer(Some(&sign(&ours, &bytes)), &policy), Ok(public(&ours)));
    expect!["the component is not signed, and the operator takes only signed ones"]
        .assert_eq(&signer(None, &policy).unwrap_err());
    let only_theirs = Policy { signers: vec![public(&theirs)], ..policy.clone() };
    let refused =
        expect!["no key of the operator's allow-list (1 of them) made this signature of this component"];
    refused.assert_eq(&signer(Some(&sign(&ours, &bytes)), &only_theirs).unwrap_err());
    // Of other bytes, or flipped.
    assert!(signer(Some(&sign(&ours, &bytes[1..])), &policy).is_err());
    let mut flipped = sign(&ours, &bytes);
    flipped.0[40] ^= 1;
    assert!(signer(Some(&flipped), &policy).is_err());
    // Nobody has to sign where the operator does not ask for it.
    assert_eq!(signer(None, &Policy::default()), Ok(SignerKey::NONE));
}

static COMPONENTS: LazyLock<[Vec<u8>; 2]> =
    LazyLock::new(|| [Wat::risk_limit().component(), manifest(MANIFEST)]);

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    /// Whatever is done to the bytes, the answer is a refusal or an inspection, never a panic.
    #[test]
    fn broken_bytes_are_refused_or_another_rule(
        which in 0..2_usize,
        flips in prop::collection::vec((any::<prop::sample::Index>(), 0..8_u8), 1..8),
        cut in prop::option::of(any::<prop::sample::Index>()),
    ) {
        let original = &COMPONENTS[which];
        let mut bytes = original.clone();
        for (at, bit) in &flips {
            bytes[at.index(original.len())] ^= 1 << bit;
        }
        if let Some(cut) = cut {
            bytes.truncate(cut.index(original.len()));
        }
        if let Ok(inspection) = inspect(&bytes, None, &Policy::default()) {
            prop_assert_eq!(inspection.component, plugin_host::hash(&bytes));
        }
    }
}
