//! Manifests as authors write them, and what they are told when they slip.

#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes them when it updates a value")]

use expect_test::{Expect, expect};
use plugin_manifest::Manifest;

const WHOLE: &str = r#"
[rule]
name = "daily-volume"
version = "1.2.0"
kind = "risk"
description = "Shares a day for each account and symbol"

[limits]
fuel = 20_000
memory_bytes = "1 MiB"
max_faults = 5
fail = "open"

[counter]
key = "account-instrument"
window = "day"

[[parameter]]
name = "max_shares"
type = "int"
default = 1_000_000
description = "In lots"

[[parameter]]
name = "floor"
type = "price-ticks"

[[parameter]]
name = "venue"
type = "text"
default = "XNYS"

[[parameter]]
name = "exempt"
type = "list-text"
default = ["AAPL", "a-name-of-16-byt"]
"#;

fn check(text: &str, expected: &Expect) {
    expected.assert_eq(&match Manifest::parse(text) {
        Ok(manifest) => format!("{manifest:#?}\n"),
        Err(error) => format!("{error}\n"),
    });
}

/// The smallest manifest, and `more`.
fn small(more: &str) -> String {
    format!("[rule]\nname = \"r\"\nversion = \"1.0.0\"\nkind = \"validation\"\n{more}")
}

#[test]
fn a_whole_manifest_is_read() {
    check(
        WHOLE,
        &expect![[r#"
        Manifest {
            name: "daily-volume",
            version: Version {
                major: 1,
                minor: 2,
                patch: 0,
            },
            kind: Risk,
            description: "Shares a day for each account and symbol",
            limits: Limits {
                fuel: 20000,
                memory_bytes: 1048576,
                max_faults: 5,
                fail: Open,
            },
            counter: Some(
                Counter {
                    key: AccountInstrument,
                    window: Day,
                },
            ),
            parameters: [
                Parameter {
                    name: "max_shares",
                    kind: Int,
                    default: Some(
                        Int(
                            1000000,
                        ),
                    ),
                    description: "In lots",
                },
                Parameter {
                    name: "floor",
                    kind: PriceTicks,
                    default: None,
                    description: "",
                },
                Parameter {
                    name: "venue",
                    kind: Text,
                    default: Some(
                        Text(
                            "XNYS",
                        ),
                    ),
                    description: "",
                },
                Parameter {
                    name: "exempt",
                    kind: ListText,
                    default: Some(
                        ListText(
                            [
                                "AAPL",
                                "a-name-of-16-byt",
                            ],
                        ),
                    ),
                    description: "",
                },
            ],
        }
    "#]],
    );
}

#[test]
fn what_is_left_out_has_defaults() {
    check(
        &small(""),
        &expect![[r#"
        Manifest {
            name: "r",
            version: Version {
                major: 1,
                minor: 0,
                patch: 0,
            },
            kind: Validation,
            description: "",
            limits: Limits {
                fuel: 100000,
                memory_bytes: 2097152,
                max_faults: 3,
                fail: Closed,
            },
            counter: None,
            parameters: [],
        }
    "#]],
    );
    let reporting = small("").replace("validation", "reporting");
    let limits = Manifest::parse(&reporting).unwrap().limits;
    assert_eq!(limits.memory_bytes, plugin_manifest::DEFAULT_REPORTING_MEMORY_BYTES);
}

#[test]
fn a_slip_is_shown_where_it_is() {
    check(
        "",
        &expect![[r#"
            TOML parse error at line 1, column 1
              |
            1 | 
              | ^
            missing field `rule`
        "#]],
    );
    check(
        &small("").replace("\"r\"", "\"Fat Finger\""),
        &expect![[r#"
            TOML parse error at line 2, column 8
              |
            2 | name = "Fat Finger"
              |        ^^^^^^^^^^^^
            a name begins with a lower-case letter and has only those, digits, hyphens and underscores
        "#]],
    );
    check(
        &small("").replace("\"r\"", "\"a-name-that-is-longer-than-32-bytes\""),
        &expect![[r#"
            TOML parse error at line 2, column 8
              |
            2 | name = "a-name-that-is-longer-than-32-bytes"
              |        ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
            a name of 35 bytes is longer than the 32 allowed
        "#]],
    );
    check(
        &small("").replace("1.0.0", "1.0"),
        &expect![[r#"
            TOML parse error at line 3, column 11
              |
            3 | version = "1.0"
              |           ^^^^^
            expected a version such as "1.2.0"
        "#]],
    );
    check(
        &small("").replace("validation", "riks"),
        &expect![[r#"
            TOML parse error at line 4, column 8
              |
            4 | kind = "riks"
              |        ^^^^^^
            not a rule kind: expected one of validation risk reporting
        "#]],
    );
    check(
        &small("[limits]\nfuel = 0"),
        &expect![[r#"
            TOML parse error at line 6, column 8
              |
            6 | fuel = 0
              |        ^
            without fuel a rule cannot take a step
        "#]],
    );
    check(
        &small("[limits]\nmemory_bytes = \"1 MB\""),
        &expect![[r#"
            TOML parse error at line 6, column 16
              |
            6 | memory_bytes = "1 MB"
              |                ^^^^^^
            invalid value: string "1 MB", expected a number of bytes below 4 GiB, or a text such as "2 MiB"
        "#]],
    );
    check(
        &small("[limits]\nmemory_bytes = 4294967296"),
        &expect![[r#"
            TOML parse error at line 6, column 16
              |
            6 | memory_bytes = 4294967296
              |                ^^^^^^^^^^
            invalid value: integer `4294967296`, expected a number of bytes below 4 GiB, or a text such as "2 MiB"
        "#]],
    );
    check(
        &small("[limits]\nfail = \"ajar\""),
        &expect![[r#"
            TOML parse error at line 6, column 8
              |
            6 | fail = "ajar"
              |        ^^^^^^
            not a fail mode: expected one of closed open
        "#]],
    );
    check(
        &small("[limits]\nfule = 3"),
        &expect![[r#"
            TOML parse error at line 6, column 1
              |
            6 | fule = 3
              | ^^^^
            unknown field `fule`, expected one of `fuel`, `memory_bytes`, `max_faults`, `fail`
        "#]],
    );
}

#[test]
fn parts_that_do_not_go_together_are_refused() {
    check(
        &small("[counter]\nkey = \"rule\"\nwindow = \"day\""),
        &expect![[r#"
        [counter] is for risk rules, and this is a validation rule
    "#]],
    );
    check(
        &small("[counter]\nkey = \"none\"\nwindow = \"day\"").replace("validation", "risk"),
        &expect![[r#"
            a counter needs a key: rule, account, instrument or account-instrument; without a counter, leave [counter] out
        "#]],
    );
    let parameter = |name: &str, rest: &str| format!("[[parameter]]\nname = \"{name}\"\n{rest}\n");
    let twice = parameter("a", "type = \"int\"") + &parameter("a", "type = \"int\"");
    check(
        &small(&twice),
        &expect![[r#"
        two parameters are called "a"
    "#]],
    );
    let list = parameter("a", "type = \"list-int\"") + &parameter("b", "type = \"int\"");
    check(
        &small(&list),
        &expect![[r#"
        the list "a" must be the last parameter: it takes all words that are left
    "#]],
    );
    check(
        &small(&parameter("a", "type = \"int\"\ndefault = \"1\"")),
        &expect![[r#"
        the default of the parameter "a" must be a whole number
    "#]],
    );
    let long = format!("type = \"list-int\"\ndefault = {:?}", vec![1; 64]);
    check(
        &small(&parameter("a", &long)),
        &expect![[r#"
        the parameters take 64 words of 64 bits, and 63 are the most: shorten "a"
    "#]],
    );
}

#[test]
fn parameters_become_words_and_words_parameters() {
    let manifest = Manifest::parse(WHOLE).unwrap();
    let words = manifest.configure(&[("floor", "-1_000"), ("exempt", "MSFT, X")]).unwrap();
    let text = |bytes: &[u8; 8]| i64::from_le_bytes(*bytes);
    assert_eq!(
        words.words(),
        [1_000_000, -1000, text(b"XNYS\0\0\0\0"), 0, text(b"MSFT\0\0\0\0"), 0, text(b"X\0\0\0\0\0\0\0"), 0]
    );
    let shown: Vec<_> = manifest.show(&words).iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(shown, ["max_shares=1000000", "floor=-1000", "venue=XNYS", "exempt=MSFT,X"]);
    // What is shown can be given back.
    let given: Vec<_> = shown.iter().map(|pair| pair.split_once('=').unwrap()).collect();
    assert_eq!(manifest.configure(&given), Ok(words));
    // No list at all, and words nobody declared.
    assert_eq!(manifest.configure(&[("floor", "0"), ("exempt", "")]).unwrap().words().len(), 4);
    assert_eq!(Manifest::parse(&small("")).unwrap().show(&words), []);
}

#[test]
fn parameters_that_do_not_fit_are_refused_by_name() {
    let manifest = Manifest::parse(WHOLE).unwrap();
    let check = |given: &[(&str, &str)], expected: &Expect| {
        expected.assert_eq(&manifest.configure(given).unwrap_err().to_string());
    };
    check(
        &[("flor", "1")],
        &expect![[r#"the rule has no parameter "flor"; it has max_shares, floor, venue, exempt"#]],
    );
    check(&[("floor", "1"), ("floor", "2")], &expect![[r#"the parameter "floor" is given twice"#]]);
    check(&[], &expect![[r#"the parameter "floor" has no default: give it as floor=VALUE"#]]);
    check(&[("floor", "1.5")], &expect![[r#"the parameter "floor" is a price in ticks, and "1.5" is not"#]]);
    check(
        &[("floor", "1"), ("venue", "a name of spaces")],
        &expect![[
            r#"the parameter "venue" is a text of at most 16 visible ASCII characters, and "a name of spaces" is not"#
        ]],
    );
    let many = vec!["SYMBOL"; 30].join(",");
    check(
        &[("floor", "1"), ("exempt", &many)],
        &expect![[r#"the parameters take 64 words of 64 bits, and 63 are the most: shorten "exempt""#]],
    );
}
