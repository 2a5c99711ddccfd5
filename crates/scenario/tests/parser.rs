//! The parser against the text of the format: what each line means, and what each mistake is called and where.

#![expect(clippy::needless_raw_string_hashes, reason = "expect-test writes its strings this way")]

use expect_test::{Expect, expect};
use proptest::prelude::*;
use scenario::{parse, text};

/// Parses a file that is right and shows it in canonical form.
fn canonical(source: &str) -> String {
    match parse(source) {
        Ok(scenario) => scenario.to_string(),
        Err(problems) => panic!("{problems:?}"),
    }
}

fn same(line: &str) {
    let source = format!("{line}\n----\n");
    assert_eq!(canonical(&source), source);
}

#[expect(clippy::needless_pass_by_value, reason = "expect! makes a value and nothing else wants it")]
fn problems(source: &str, expected: Expect) {
    let problems = parse(source).expect_err("the file is wrong");
    let shown: Vec<_> = problems.iter().map(|problem| problem.render("x.trade", source)).collect();
    expected.assert_eq(&shown.concat());
}

#[test]
fn every_command_comes_back_as_it_was_written() {
    for line in [
        "instrument AAPL tick=0.01 lot=1",
        "instrument AAPL tick=0.10 lot=1.00",
        "instrument AAPL tick=-1 lot=0 currency=EUR stp=decrement max-qty=10 max-notional=1000.5 collar=2.5%",
        "account alice",
        "account alice USD=100000 AAPL=0 EUR=-1",
        "deposit alice USD 500",
        "withdraw alice AAPL 0.001",
        "buy alice AAPL 100 @ 10.05",
        "sell bob AAPL 60 @ market id=b1 ioc",
        "sell bob AAPL -60 @ -1 id=b1 gtd=2026-01-05T15:00:00.000000001Z post stp=cancel-both",
        "replace alice a1",
        "replace alice a1 qty=50 px=10.04 id=a2",
        "cancel alice a1",
        "cancel-all alice",
        "cancel-all alice AAPL",
        "phase AAPL auction",
        "kill alice",
        "rule load cap rules/cap.wasm kind=risk fail=open",
        "rule load cap rules/cap.wasm",
        "rule unload cap",
        "at 2026-01-05T09:31:00Z",
        "restart",
        "book AAPL",
        "book AAPL depth=0 level=3",
        "book AAPL level=2",
        "orders alice",
        "balance alice",
        "trades AAPL",
        "candles AAPL 15m",
    ] {
        same(line);
    }
}

#[test]
fn options_come_in_any_order_and_space_does_not_matter() {
    let source = "  buy\talice   AAPL 100.50 @ 10.00  stp=decrement post id=a1 gtc  \n ---- \n";
    assert_eq!(canonical(source), "buy alice AAPL 100.5 @ 10 id=a1 gtc post stp=decrement\n----\n");
    let source = "instrument AAPL collar=5% lot=1 tick=0.01\n----\n";
    assert_eq!(canonical(source), "instrument AAPL tick=0.01 lot=1 collar=5%\n----\n");
}

#[test]
fn cases_are_separated_by_blank_lines_and_comments_are_nothing() {
    let source = "\u{feff}# a file\n\n\n# about the case\nrestart\n# between\nrestart\n----\n# none\n\n  \nbook A\n----\n(none)\n# ok\nx  y \n\n# end\n";
    assert_eq!(canonical(source), "restart\nrestart\n----\n\nbook A\n----\n(none)\nx  y\n");
    assert_eq!(canonical(source), canonical(&source.replace('\n', "\r\n")));
    assert_eq!(canonical(""), "");
    assert_eq!(canonical("# nothing but words\n"), "");
}

#[test]
fn the_clock_moves_a_millisecond_a_command_from_half_past_nine() {
    let source = "restart\nbook A\n----\n\nat 2026-01-05T09:31:00Z\n----\n\nrestart\n----\n";
    let scenario = parse(source).expect("the file is right");
    let stamps = scenario.cases.iter().flat_map(|case| &case.commands);
    let stamps: Vec<_> = stamps.map(|step| scenario::instant::Instant(step.stamp).to_string()).collect();
    assert_eq!(
        stamps,
        [
            "2026-01-05T09:30:00Z",
            "2026-01-05T09:30:00.001Z",
            "2026-01-05T09:31:00Z",
            "2026-01-05T09:31:00.001Z"
        ]
    );
    assert!(parse("at 2026-01-05T09:30:00Z\n----\n").is_ok(), "the start itself is not before the start");
    assert!(parse("restart\nat 2026-01-05T09:30:00Z\n----\n").is_ok(), "the last stamp is not before itself");
}

#[test]
fn mistakes_in_the_shape_of_the_file() {
    problems(
        "restart\nrestart\n\n----\nx\n\nrestart\n----\n----\n",
        expect![[r#"
            x.trade:2:8: this case has no `----` between its commands and what they should print
              | restart
              |        ^
              hint: write `----` after the last command, also when nothing is printed
            x.trade:4:1: no command before `----`
              | ----
              | ^^^^
              hint: a case is commands, `----`, and the lines they print
            x.trade:9:1: a second `----` in one case
              | ----
              | ^^^^
              hint: separate cases by a blank line
        "#]],
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "a table: a line of source and what it is called")]
fn mistakes_in_commands() {
    problems(
        "\
cancle alice a1
frobnicate
-----
buy alice AAPL 1O0 @ 10
buy alice AAPL 100 @ .5
buy alice AAPL 100 10
buy alice AAPL 100 @
\tbuy alice AAPL 100 @ 10 ioc id=a1 fok
buy alice AAPL 100 @ 10 id=a1 post id=a2
buy alice AAPL 100 @ 10 stp=never
buy alice AAPL 100 @ 10 gtd=tomorrow
buy alice AAPL 100 @ 10 gtd
buy alice AAPL 100 @ 10 iocc
buy alice AAPL 100 @ 10 id=
instrument AAPL tick=0.01
instrument AAPL tick=0.01 lot=1 collar=5
instrument AAPL tick=0.01 lot=1 tick=0.02
account alice USD=1 USD=2
account zoë USD=1
account USD=1
phase AAPL opened
book AAPL depth=-1
book AAPL level=1
candles AAPL 2m
rule reload x
restart now
at 2026-02-30T09:30:00Z
at 2026-01-05T09:29:59Z
----
",
        expect![[r#"
            x.trade:1:1: unknown command
              | cancle alice a1
              | ^^^^^^
              hint: did you mean `cancel`?
            x.trade:2:1: unknown command
              | frobnicate
              | ^^^^^^^^^^
              hint: the commands are instrument, account, deposit, withdraw, buy, sell, replace, cancel, cancel-all, phase, kill, rule, at, restart, book, orders, balance, trades, candles
            x.trade:3:1: unknown command
              | -----
              | ^^^^^
              hint: did you mean `----`?
            x.trade:4:16: the quantity is not a decimal number
              | buy alice AAPL 1O0 @ 10
              |                ^^^
              hint: numbers are digits with at most one point, such as 100 or 10.05
            x.trade:5:22: the price is not a decimal number
              | buy alice AAPL 100 @ .5
              |                      ^^
              hint: numbers are digits with at most one point, such as 100 or 10.05
            x.trade:6:20: unknown word before the price
              | buy alice AAPL 100 10
              |                    ^^
              hint: it is one of `@`, as in 100 @ 10.05
            x.trade:7:21: the price is missing
              | buy alice AAPL 100 @
              |                     ^
            x.trade:8:36: two times in force in one order
              | 	buy alice AAPL 100 @ 10 ioc id=a1 fok
              | 	                                  ^^^
              hint: choose one of day, gtc, ioc, fok, gtd=TIME
            x.trade:9:36: this option is given twice
              | buy alice AAPL 100 @ 10 id=a1 post id=a2
              |                                    ^^^^^
            x.trade:10:29: unknown self-trade prevention mode
              | buy alice AAPL 100 @ 10 stp=never
              |                             ^^^^^
              hint: it is one of cancel-newest, cancel-oldest, cancel-both, decrement
            x.trade:11:29: not a time like 2026-01-05T09:30:00Z
              | buy alice AAPL 100 @ 10 gtd=tomorrow
              |                             ^^^^^^^^
              hint: times are UTC, and decimals of a second are optional
            x.trade:12:25: unknown option
              | buy alice AAPL 100 @ 10 gtd
              |                         ^^^
              hint: the options here are id=, day, gtc, ioc, fok, gtd=TIME, post, stp=
            x.trade:13:25: unknown option
              | buy alice AAPL 100 @ 10 iocc
              |                         ^^^^
              hint: the options here are id=, day, gtc, ioc, fok, gtd=TIME, post, stp=
            x.trade:14:28: bad client order id: a name must not be empty
              | buy alice AAPL 100 @ 10 id=
              |                            ^
            x.trade:15:26: the option `lot=` is missing
              | instrument AAPL tick=0.01
              |                          ^
            x.trade:16:40: a collar is a percentage
              | instrument AAPL tick=0.01 lot=1 collar=5
              |                                        ^
              hint: for example collar=5%
            x.trade:17:33: this option is given twice
              | instrument AAPL tick=0.01 lot=1 tick=0.02
              |                                 ^^^^^^^^^
            x.trade:18:21: this option is given twice
              | account alice USD=1 USD=2
              |                     ^^^^^
            x.trade:19:9: bad account name: a name holds the byte 0xc3 at position 2: only printable ASCII without spaces is allowed
              | account zoë USD=1
              |         ^^^
            x.trade:20:9: account name expected here, and it holds no `=`
              | account USD=1
              |         ^^^^^
            x.trade:21:12: unknown phase
              | phase AAPL opened
              |            ^^^^^^
              hint: it is one of open, halted, closed, auction
            x.trade:22:17: the depth is not a whole number
              | book AAPL depth=-1
              |                 ^^
            x.trade:23:17: unknown level
              | book AAPL level=1
              |                 ^
              hint: it is one of 2, 3
            x.trade:24:14: unknown interval
              | candles AAPL 2m
              |              ^^
              hint: it is one of 1s, 1m, 5m, 15m, 1h, 1d
            x.trade:25:6: unknown thing to do with a rule
              | rule reload x
              |      ^^^^^^
              hint: it is one of load, unload
            x.trade:26:9: unexpected word
              | restart now
              |         ^^^
            x.trade:27:4: a date or time of day that does not exist
              | at 2026-02-30T09:30:00Z
              |    ^^^^^^^^^^^^^^^^^^^^
            x.trade:28:1: the clock never goes back: it shows 2026-01-05T09:30:00.026Z here
              | at 2026-01-05T09:29:59Z
              | ^^^^^^^^^^^^^^^^^^^^^^^
              hint: every command moves the clock on by a millisecond
        "#]],
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the bytes are, there is an answer, and problems can be shown.
    #[test]
    fn no_bytes_can_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        match text(&bytes) {
            Ok(source) => {
                if let Err(problems) = parse(source) {
                    prop_assert!(!problems.is_empty());
                    for problem in problems {
                        problem.render("x", source);
                    }
                }
            }
            Err(problem) => prop_assert!(problem.span.line > 0 && problem.span.from > 0),
        }
    }

    /// Text made of the format's own words gets deep into the parser. What parses is stable under printing; what does
    /// not has its problems in the order of their places, each inside the file.
    #[test]
    fn words_of_the_format_in_any_order(source in soup()) {
        match parse(&source) {
            Ok(scenario) => {
                let printed = scenario.to_string();
                let again = parse(&printed);
                prop_assert!(again.is_ok(), "{printed}");
                prop_assert_eq!(again.map(|scenario| scenario.to_string()), Ok(printed));
            }
            Err(problems) => {
                let lines = source.lines().count();
                let mut last = 0;
                for problem in problems {
                    prop_assert!(problem.span.line >= last && problem.span.line <= lines);
                    last = problem.span.line;
                    problem.render("x", &source);
                }
            }
        }
    }

    /// Lines that are mostly right, so that most files parse, print and parse again to the same thing.
    #[test]
    fn what_parses_prints_and_parses_to_itself(commands in proptest::collection::vec(command(), 1..8)) {
        let source = format!("{}\n----\n", commands.join("\n"));
        let scenario = parse(&source);
        prop_assert!(scenario.is_ok(), "{source}");
        let scenario = scenario.unwrap_or_default();
        let again = parse(&scenario.to_string()).unwrap_or_default();
        let commands = |scenario: &scenario::syntax::Scenario| -> Vec<_> {
            scenario.cases.iter().flat_map(|case| case.commands.clone()).map(|step| (step.command, step.stamp)).collect()
        };
        prop_assert_eq!(commands(&scenario), commands(&again));
    }
}

fn soup() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        6 => proptest::sample::select(vec![
            "buy", "sell", "alice", "AAPL", "100", "@", "10.05", "market", "id=a1", "ioc", "fok", "gtd=2026-01-05T15:00:00Z",
            "post", "stp=decrement", "replace", "qty=1", "px=2", "cancel", "cancel-all", "book", "depth=2", "level=3", "at",
            "2026-01-05T10:00:00Z", "rule", "load", "unload", "kind=risk", "account", "USD=1", "#", "é=é", "=", "tick=0.01", "lot=1",
        ]).prop_map(str::to_owned),
        1 => "[ -~éß\t]{0,6}",
    ];
    let join = proptest::sample::select(vec![" ", " ", " ", " ", "\n", "\n\n", "\n----\n", "\n----\n\n"]);
    proptest::collection::vec((word, join), 0..40)
        .prop_map(|words| words.into_iter().flat_map(|(word, join)| [word, join.to_owned()]).collect())
}

fn command() -> impl Strategy<Value = String> {
    let number = (-1_000_000i64..1_000_000, 0u32..6).prop_map(|(units, scale)| {
        let sign = if units < 0 { "-" } else { "" };
        let power = 10u64.pow(scale);
        let (whole, fraction) = (units.unsigned_abs() / power, units.unsigned_abs() % power);
        let width = scale as usize;
        if scale == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction:0width$}") }
    });
    let tif = proptest::sample::select(vec!["", "day", "gtc", "ioc", "fok", "gtd=2026-01-06T00:00:00.5Z"]);
    let order = (
        "(buy|sell)",
        "[a-z/_.-]{1,10}",
        "[A-Z0-9.]{1,16}",
        number.clone(),
        number.clone(),
        tif,
        "(| post)( id=[!-<>-~]{1,23})?",
    )
        .prop_map(|(side, account, symbol, quantity, price, tif, rest)| {
            format!("{side} {account} {symbol} {quantity} @ {price} {tif}{rest}")
        });
    let instrument = ("[A-Z]{1,5}", number.clone(), number.clone(), proptest::option::of(number.clone()))
        .prop_map(|(symbol, tick, lot, collar)| {
            let collar = collar.map(|collar| format!("collar={collar}%")).unwrap_or_default();
            format!("instrument {symbol} {collar} lot={lot} tick={tick}")
        });
    let replace =
        ("[a-z]{1,5}", "[a-z0-9]{1,5}", proptest::option::of(number.clone()), proptest::option::of(number))
            .prop_map(|(account, id, quantity, price)| {
                let quantity = quantity.map(|quantity| format!(" qty={quantity}")).unwrap_or_default();
                let price = price.map(|price| format!(" px={price}")).unwrap_or_default();
                format!("replace {account} {id}{price}{quantity}")
            });
    prop_oneof![order, instrument, replace]
}
