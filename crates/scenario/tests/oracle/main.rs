//! Random conversations, answered twice: by the exchange, and by a second reading of the rules that shares no code with it.

#![expect(clippy::unwrap_used, reason = "a market whose own invariants break has failed the test")]

mod conversation;
mod market;

use conversation::conversation;
use scenario::{Mode, Outcome, run_source};

/// Conversations in which the exchange runs as usual.
const SEEDS: u64 = 300;
/// Every how many of them are run in the other modes too.
const EVERY_OTHER_MODE: u64 = 25;
/// Commands in a conversation.
const COMMANDS: usize = 80;

#[test]
fn the_exchange_and_a_second_reading_of_the_rules_agree() {
    for seed in 0..SEEDS {
        let source = conversation(seed, COMMANDS);
        for mode in Mode::ALL {
            if mode != Mode::Live && seed % EVERY_OTHER_MODE != 0 {
                continue;
            }
            match run_source(&source, std::path::Path::new(""), mode) {
                Outcome::Passed { .. } => {}
                Outcome::Differs { differing, .. } => {
                    let first = differing[0].render("conversation", false);
                    let line = differing[0].line;
                    let before: Vec<&str> = source.lines().take(line).collect();
                    panic!("seed {seed}, mode {mode}:\n{first}\nafter:\n{}", before.join("\n"));
                }
                other => panic!("seed {seed}, mode {mode}: {other:?}\n{source}"),
            }
        }
    }
}

#[test]
fn conversations_say_everything_there_is_to_say() {
    let all: String = (0..SEEDS).map(|seed| conversation(seed, COMMANDS)).collect();
    for words in [
        "reason=user",
        "reason=ioc",
        "reason=fok",
        "reason=stp",
        "reason=no-liquidity",
        "reason=expired",
        "reason=mass",
        "reason=kill",
        "priority=kept",
        "priority=lost",
        "reduced ",
        "trade ",
        "DUPLICATE_ORDER",
        "KILL_SWITCH",
        "INSTRUMENT_HALTED",
        "MARKET_CLOSED",
        "INVALID_TIME_IN_FORCE",
        "INVALID_QUANTITY",
        "INVALID_PRICE",
        "INVALID_EXPIRE_TIME",
        "MAX_QUANTITY",
        "MAX_NOTIONAL",
        "PRICE_COLLAR",
        "INSUFFICIENT_FUNDS",
        "INSUFFICIENT_POSITION",
        "POST_ONLY_WOULD_CROSS",
        "UNKNOWN_ORDER",
        "TOO_LATE",
        "status=partially-filled",
    ] {
        assert!(all.contains(words), "no conversation has {words}");
    }
}
