//! Rules in the loop: every order is judged by the version that the log says was in force, across swaps, crashes and
//! re-execution; and a candidate tried on the log says what it would have said.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use std::collections::BTreeMap;
use std::path::Path;

use common::rules::{Native, activate, load};
use common::{config, made_up, opening};
use engine::Outcome;
use event_store::{Options, Reader};
use model::{
    ActivationId, Command, CounterKey, Event, InstrumentId, KIND_EVENT_FIRST, OperatorName, RejectReason,
    RollbackRule, RuleActivated, RuleKind, RuleMode, RuleName, Timestamp,
};
use order_book::Book;
use sequencer::core::CoreLoop;
use sequencer::replay::{fold, reexecute};
use sequencer::what_if::{Judged, Recorded, what_if};
use sequencer::{Agent, ManualClock, NodeConfig, prepare};

struct Exchange {
    core: CoreLoop<Book, Native, ManualClock>,
    flusher: event_store::Flusher,
    clock: ManualClock,
}

fn start(config: &NodeConfig, clock: ManualClock) -> Exchange {
    let options = Options { segment_bytes: config.segment_bytes, ..Options::small() };
    let prepared = prepare::<Book>(config, &options).unwrap();
    let (core, flusher) = prepared.into_loop(config, Native::default(), clock.clone());
    Exchange { core, flusher, clock }
}

impl Exchange {
    /// Leaves commands in the ring, and runs them in batches of whatever is there.
    fn tell(&mut self, commands: impl IntoIterator<Item = Command>) {
        for command in commands {
            self.core.submitter().submit(1, command).unwrap();
        }
        self.clock.set(Timestamp(self.clock_now() + 1_000_000));
        while self.core.poll() > 0 {}
    }

    fn clock_now(&self) -> i64 {
        use sequencer::Clock;
        self.clock.clone().now().0
    }

    fn flush(&mut self) {
        while self.flusher.poll().unwrap() > 0 {}
    }
}

fn rollback(name: &str) -> Command {
    RollbackRule { name: RuleName::new(name).unwrap(), by: OperatorName::new("olga").unwrap() }.into()
}

/// Goes through the log and checks every verdict against the versions that it says were in force. Returns how many orders
/// were rejected by rules, and how many activations there were.
fn check_verdicts(store: &Path) -> (u64, u64) {
    let mut reader = Reader::open(store).unwrap();
    let mut active: BTreeMap<u16, RuleActivated> = BTreeMap::new();
    let (mut rejected, mut activations) = (0, 0);
    while let Some(block) = reader.next_block().unwrap() {
        for record in block.records().filter(|record| record.kind >= KIND_EVENT_FIRST) {
            match Event::decode(record.kind, record.version, record.payload).unwrap() {
                Event::RuleActivated(event) => {
                    active.insert(event.rule.0, *event);
                    activations += 1;
                }
                Event::RuleDeactivated(event) => {
                    active.remove(&event.rule.0).unwrap();
                }
                Event::OrderAccepted(event) => {
                    for rule in active.values() {
                        assert!(event.quantity.0 <= u64::try_from(rule.parameters.words()[0]).unwrap());
                    }
                }
                Event::OrderRejected(event) if event.reason == RejectReason::Rule => {
                    rejected += 1;
                    // Each activation has a code of its own.
                    assert_eq!(i64::from(event.rule_code), active[&event.rule].parameters.words()[1]);
                }
                _ => {}
            }
        }
    }
    (rejected, activations)
}

#[test]
fn a_thousand_swaps_and_no_order_is_judged_by_another_version_than_the_log_says() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let mut exchange = start(&config, ManualClock::new(Timestamp(1_767_605_400_000_000_000)));
    exchange.tell(opening());
    exchange.tell([load("size", RuleKind::Validation, CounterKey::None)]);
    exchange.tell([load("risk", RuleKind::Risk, CounterKey::Account)]);
    let mut orders = (0..).map(|index| made_up(5, index));
    for swap in 0..1000_i64 {
        // In the middle of a batch, so that orders of one batch are judged by two versions.
        let name = if swap % 2 == 0 { "size" } else { "risk" };
        let change = match swap % 7 {
            6 => rollback(name),
            _ => activate(name, 1 + swap % 90, 1 + swap, i64::from(swap % 2 == 1)).into(),
        };
        let batch: Vec<Command> = orders.by_ref().take(10).chain([change]).collect();
        exchange.tell(batch.into_iter().chain(orders.by_ref().take(10)));
        if swap % 250 == 249 {
            let hash = exchange.core.state().hash();
            let clock = exchange.clock.clone();
            drop(exchange);
            exchange = start(&config, clock);
            assert_eq!(exchange.core.state().hash(), hash, "recovery comes to the same state");
        }
    }
    exchange.flush();
    let (rejected, activations) = check_verdicts(dir.path());
    assert!(rejected > 1000 && activations > 900, "{rejected} rejected under {activations} activations");
    let report = reexecute::<Book, _>(dir.path(), &mut Native::default(), |_| ()).unwrap();
    assert!(report.is_faithful(), "{:?}", report.mismatches);
}

#[test]
fn reexecution_with_another_rule_than_was_recorded_shows() {
    let dir = tempfile::tempdir().unwrap();
    let mut exchange = start(&config(dir.path()), ManualClock::new(Timestamp(1_767_605_400_000_000_000)));
    exchange.tell(opening());
    exchange.tell([load("size", RuleKind::Risk, CounterKey::None), activate("size", 25, 3, 0).into()]);
    exchange.tell((0..500).map(|index| made_up(5, index)));
    exchange.flush();
    let report = reexecute::<Book, _>(dir.path(), &mut engine::NoRules, |_| ()).unwrap();
    assert!(report.mismatch_count > 100);
}

/// A log in which `size` rejects orders of more than 40 lots from the middle on.
fn recorded(store: &Path) -> u64 {
    let mut exchange = start(&config(store), ManualClock::new(Timestamp(1_767_605_400_000_000_000)));
    exchange.tell(opening());
    exchange.tell((0..500).map(|index| made_up(9, index)));
    exchange.flush();
    let middle = fold::<Book>(store, None).unwrap().sequence;
    exchange.tell([load("size", RuleKind::Risk, CounterKey::Account), activate("size", 40, 3, 1).into()]);
    exchange.tell((500..1000).map(|index| made_up(9, index)));
    exchange.flush();
    middle
}

fn candidate(kind: RuleKind, limit: i64, delta: i64) -> RuleActivated {
    let words = activate("size", limit, 8, delta);
    RuleActivated {
        component: words.component,
        parameters: words.parameters,
        by: words.by,
        fuel: 1000,
        memory_bytes: 1 << 16,
        activation: ActivationId::NONE,
        account: words.account,
        instrument: words.instrument,
        rule: model::RuleId::NONE,
        rule_version: 0,
        priority: 0,
        max_faults: 1,
        kind,
        mode: RuleMode::Enforce,
        fail: model::FailMode::Closed,
        counter_key: if kind == RuleKind::Risk { CounterKey::Account } else { CounterKey::None },
        counter_window: model::CounterWindow::Forever,
        by_rollback: false,
        reserved: [0; 2],
    }
}

#[test]
fn a_candidate_says_what_it_would_have_said() {
    let dir = tempfile::tempdir().unwrap();
    let middle = recorded(dir.path());
    for kind in [RuleKind::Validation, RuleKind::Risk] {
        let mut heard: Vec<Judged> = Vec::new();
        let delta = i64::from(kind == RuleKind::Risk);
        let tried = what_if(
            dir.path(),
            None,
            None,
            candidate(kind, 20, delta),
            &mut Native::default(),
            |judged, _| {
                heard.push(*judged);
            },
        )
        .unwrap();
        assert_eq!(usize::try_from(tried.asked).unwrap(), heard.len());
        assert_eq!(tried.sequence, fold::<Book>(dir.path(), None).unwrap().sequence);
        let mut both = 0;
        for judged in &heard {
            let expected = if judged.quantity.0 > 20 { Outcome::Reject(8) } else { Outcome::Accept };
            assert_eq!(judged.opinion, expected);
            let rejected = matches!(judged.recorded, Recorded::RejectedByRule { code: 3, .. });
            assert_eq!(rejected, judged.sequence > middle && judged.quantity.0 > 40, "{judged:?}");
            both += u32::from(rejected);
            assert!(judged.instrument < InstrumentId(3));
        }
        let changed = heard.iter().filter(|judged| {
            judged.recorded == Recorded::Accepted && matches!(judged.opinion, Outcome::Reject(_))
        });
        assert!(changed.count() > 50 && both > 20);
    }
}

#[test]
fn a_candidate_is_tried_on_a_part_of_the_log_and_within_its_scope() {
    let dir = tempfile::tempdir().unwrap();
    let middle = recorded(dir.path());
    let try_out = |from, to, candidate| {
        let mut heard = Vec::new();
        let mut rules = Native::default();
        what_if(dir.path(), from, to, candidate, &mut rules, |judged, _| heard.push(*judged)).unwrap();
        heard
    };
    let all = try_out(None, None, candidate(RuleKind::Risk, 20, 0));
    let first = try_out(None, Some(middle), candidate(RuleKind::Risk, 20, 0));
    let second = try_out(Some(middle + 1), None, candidate(RuleKind::Risk, 20, 0));
    assert_eq!([first, second].concat(), all);
    let scoped = RuleActivated { instrument: InstrumentId(1), ..candidate(RuleKind::Risk, 20, 0) };
    let expected: Vec<Judged> =
        all.into_iter().filter(|judged| judged.instrument == InstrumentId(1)).collect();
    assert_eq!(try_out(None, None, scoped), expected);
}
