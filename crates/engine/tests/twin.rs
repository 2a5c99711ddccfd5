//! Random flows through the fast and the naive book at once: the same events, a sound state after every command, and a
//! replay of the events that gives the same state.
//!
//! About 200,000 commands here; as many as you like with `cargo run --release -p engine --example twin`.

mod common;

use common::Exchange;
use common::flow::{Dice, command, opening};
use common::oracle::Oracle;
use engine::{Ahead, NoRules, State, decide, evolve};
use model::{AdvanceTime, Command, Event};
use order_book::{Book, NaiveBook};
use proptest::collection::vec;
use proptest::prelude::*;

/// One exchange on each book, a third that only hears the events, and the oracle.
#[derive(Default)]
struct Twins {
    fast: Exchange<Book>,
    naive: Exchange<NaiveBook>,
    replay: State<Book>,
    oracle: Oracle,
    day: i32,
}

impl Twins {
    fn open() -> Self {
        let mut twins = Self::default();
        for command in opening() {
            twins.tell(&command);
        }
        twins
    }

    fn tell(&mut self, command: &Command) -> Vec<Event> {
        self.fast.state.warm(&[Ahead::of(command)]);
        let events = self.fast.tell(command.clone());
        assert_eq!(events, self.naive.tell(command.clone()), "naive = fast");
        for event in &events {
            self.oracle.hear(event);
            evolve(&mut self.replay, event);
        }
        self.oracle.command_ends();
        events
    }

    /// A step as the sequencer takes it: due timers first.
    fn step(&mut self, dice: Dice) -> Vec<Event> {
        let now = self.fast.now;
        if self.fast.state.next_timer().is_some_and(|due| due <= now) {
            self.tell(&AdvanceTime { now }.into());
            assert!(self.fast.state.next_timer().is_none_or(|due| due > now), "no due timer is left");
        }
        let command = command(self.fast.now, &mut self.day, dice);
        self.tell(&command)
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 180, max_shrink_iters: 4000, ..ProptestConfig::default() })]

    #[test]
    fn both_books_say_the_same(steps in vec(any::<Dice>(), 1000..1200)) {
        let mut twins = Twins::open();
        for dice in steps {
            twins.step(dice);
        }
        prop_assert_eq!(twins.fast.state.hash(), twins.naive.state.hash());
        prop_assert_eq!(twins.fast.state.hash(), twins.replay.hash());
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 20, max_shrink_iters: 1000, ..ProptestConfig::default() })]

    /// Replay of events = live state hash at every step, and a snapshot is the state: reading one back changes neither the hash
    /// nor anything that is decided afterwards.
    #[test]
    fn replays_and_snapshots_are_the_state_at_every_step(steps in vec(any::<Dice>(), 300..400)) {
        let mut twins = Twins::open();
        for dice in steps {
            twins.step(dice);
            let hash = twins.fast.state.hash();
            prop_assert_eq!(hash, twins.replay.hash());
            prop_assert_eq!(hash, twins.naive.state.hash());
            let mut bytes = Vec::new();
            twins.fast.state.encode(&mut bytes);
            // From here on the replay goes on from the snapshot.
            twins.replay = State::decode(&bytes).unwrap();
            prop_assert_eq!(hash, twins.replay.hash());
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 30, max_shrink_iters: 1000, ..ProptestConfig::default() })]

    /// Deciding twice says the same twice, and changes nothing.
    #[test]
    fn decide_is_pure(steps in vec(any::<Dice>(), 100..200)) {
        let mut twins = Twins::open();
        for dice in steps {
            let before = twins.fast.state.hash();
            let command = command(twins.fast.now, &mut twins.day.clone(), dice);
            let [mut first, mut second] = [Vec::new(), Vec::new()];
            decide(&twins.fast.state, twins.fast.now, &command, &mut NoRules, &mut first);
            decide(&twins.fast.state, twins.fast.now, &command, &mut NoRules, &mut second);
            prop_assert_eq!(first, second);
            prop_assert_eq!(before, twins.fast.state.hash());
            twins.step(dice);
        }
    }

    /// Any damage to a snapshot is an error or makes another sound state (a name, say), never a panic. That it is not the
    /// state it was, its hash says. The bounds are left out: they may ask for more memory than there is.
    #[test]
    fn a_damaged_snapshot_is_an_error(
        steps in vec(any::<Dice>(), 60..100),
        damage in vec((any::<prop::sample::Index>(), 1u8..), 100),
    ) {
        let mut twins = Twins::open();
        for dice in steps {
            twins.step(dice);
        }
        let mut bytes = Vec::new();
        twins.fast.state.encode(&mut bytes);
        for len in 0..bytes.len() {
            prop_assert!(State::<Book>::decode(&bytes[..len]).is_err());
        }
        for (at, flip) in damage {
            let at = BOUNDS_END + at.index(bytes.len() - BOUNDS_END);
            bytes[at] ^= flip;
            if let Ok(state) = State::<Book>::decode(&bytes) {
                prop_assert_eq!(state.check(), Ok(()));
            }
            bytes[at] ^= flip;
        }
    }
}

/// Where a snapshot's version and bounds end.
const BOUNDS_END: usize = 28;

/// The flow is worth nothing if it never gets anywhere: every event and every reason occurs in it.
#[test]
fn the_flow_reaches_everything() {
    use std::collections::BTreeSet;
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut random = common::flow::Random(7);
    for _ in 0..150 {
        let mut twins = Twins::open();
        for _ in 0..800 {
            for event in twins.step(random.dice()) {
                seen.insert(match &event {
                    Event::OrderRejected(event) => format!("order {}", event.reason),
                    Event::ReplaceRejected(event) => format!("replace {}", event.reason),
                    Event::CancelRejected(event) => format!("cancel {}", event.reason),
                    Event::CommandRejected(event) => format!("command {}", event.reason),
                    Event::OrderCanceled(event) => format!("canceled {}", event.reason),
                    Event::OrderReplaced(event) => {
                        format!("replaced kept={} booked={}", event.priority_kept, event.booked)
                    }
                    event => event.name().to_owned(),
                });
            }
        }
    }
    let missing: Vec<_> = EXPECTED.iter().filter(|name| !seen.contains(**name)).collect();
    assert!(missing.is_empty(), "never seen: {missing:?}");
}

const EXPECTED: &[&str] = &[
    "OrderAccepted",
    "Trade",
    "OrderBooked",
    "OrderReduced",
    "PhaseChanged",
    "TradingDayStarted",
    "AssetRegistered",
    "BalanceChanged",
    "AccountStatusChanged",
    "AccountLimitsChanged",
    "AccountKilled",
    "replaced kept=true booked=true",
    "replaced kept=false booked=true",
    "replaced kept=false booked=false",
    "canceled user",
    "canceled ioc",
    "canceled fok",
    "canceled stp",
    "canceled no-liquidity",
    "canceled expired",
    "canceled mass",
    "canceled kill",
    "order UNKNOWN_ACCOUNT",
    "order DUPLICATE_ORDER",
    "order KILL_SWITCH",
    "order ACCOUNT_NOT_VERIFIED",
    "order ACCOUNT_SUSPENDED",
    "order UNKNOWN_INSTRUMENT",
    "order INSTRUMENT_HALTED",
    "order MARKET_CLOSED",
    "order INVALID_TIME_IN_FORCE",
    "order INVALID_QUANTITY",
    "order INVALID_PRICE",
    "order INVALID_EXPIRE_TIME",
    "order MAX_QUANTITY",
    "order MAX_NOTIONAL",
    "order PRICE_COLLAR",
    "order ACCOUNT_ORDER_LIMIT",
    "order ACCOUNT_NOTIONAL_LIMIT",
    "order INSUFFICIENT_FUNDS",
    "order INSUFFICIENT_POSITION",
    "order POST_ONLY_WOULD_CROSS",
    "order TOO_MANY_ORDERS",
    "order TOO_MANY_ORDER_IDS",
    "replace UNKNOWN_ACCOUNT",
    "replace DUPLICATE_ORDER",
    "replace UNKNOWN_ORDER",
    "replace TOO_LATE",
    "replace ACCOUNT_SUSPENDED",
    "replace INSTRUMENT_HALTED",
    "replace INVALID_QUANTITY",
    "replace INVALID_PRICE",
    "replace MAX_QUANTITY",
    "replace MAX_NOTIONAL",
    "replace PRICE_COLLAR",
    "replace INSUFFICIENT_FUNDS",
    "replace INSUFFICIENT_POSITION",
    "replace POST_ONLY_WOULD_CROSS",
    "replace TOO_MANY_ORDER_IDS",
    "cancel UNKNOWN_ACCOUNT",
    "cancel UNKNOWN_ORDER",
    "cancel TOO_LATE",
    "command UNKNOWN_ACCOUNT",
    "command UNKNOWN_INSTRUMENT",
    "command UNSUPPORTED_PHASE",
    "command UNKNOWN_ASSET",
    "command INVALID_AMOUNT",
    "command INSUFFICIENT_FUNDS",
    "command INSUFFICIENT_POSITION",
    "command DUPLICATE_INSTRUMENT",
    "command DUPLICATE_ACCOUNT",
    "command ALREADY_CONFIGURED",
];
