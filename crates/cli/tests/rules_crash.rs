//! kill -9 while a rule is loaded, activated or rolled back, at many moments of each: after the restart what is in force is exactly
//! what the log says, what was answered is in the log, and every component that the log names is there, whole.
//! `OUTCRY_RULE_KILLS` says how often each; 30 without it.

mod common;

#[path = "common/rules.rs"]
mod rules;

use common::Exchange;
use event_store::Mark;
use gateway::api::{ActivateRequest, NewOrder, Word};
use gateway::client::Client;
use model::{RuleName, Side};
use order_book::Book;
use sequencer::replay::{FoldOptions, fold_with};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const NAME: &str = "max-qty";

/// What stands in force: the activation, the version and the most lots.
type InForce = Option<(u32, u16, i64)>;

/// What the log says, read from the files of a process that is dead. Every component it names must be there.
fn in_the_log(store: &Path) -> (InForce, usize) {
    let options = FoldOptions { bound: Mark::Written, ..FoldOptions::default() };
    let folded = fold_with::<Book>(store, options).expect("the log can be folded");
    let name: RuleName = NAME.parse().expect("a name");
    let Some(rule) = folded.state.rule_by_name(&name) else { return (None, 0) };
    for component in &rule.components {
        plugin_host::load_component(&store.join("plugins"), component.loaded.component)
            .expect("what the log names is in the store");
    }
    let active = rule.enforced.activation.as_deref();
    let active = active.map(|it| (it.activation.0, it.rule_version, it.parameters.words()[0]));
    (active, rule.components.len())
}

/// What the running exchange says.
fn in_force(client: &Client) -> (InForce, usize) {
    let Ok(answer) = client.rule(NAME) else { return (None, 0) };
    let active =
        answer.rule.active.as_ref().map(|it| {
            (it.activation, it.rule_version, it.parameters["max"].parse().expect("a whole number"))
        });
    (active, loaded(&answer.rule))
}

/// How many components were ever loaded: the list of them is bounded.
fn loaded(rule: &gateway::api::Rule) -> usize {
    rule.components.last().map_or(0, |newest| usize::from(newest.rule_version))
}

fn order(id: String, quantity: i64) -> NewOrder {
    NewOrder {
        account: "alice".to_owned(),
        symbol: "AAPL".to_owned(),
        side: Word(Side::Buy),
        order_qty: quantity.to_string().parse().expect("a number"),
        ord_type: None,
        price: "0.01".parse().ok(),
        cl_ord_id: Some(id),
        time_in_force: Some(Word(model::TimeInForce::Ioc)),
        expire_time: None,
        post_only: false,
        self_trade_prevention: None,
    }
}

/// Whether an order is judged as what is in force says.
fn judges(client: &Client, active: InForce, id: &str) {
    let most = active.map_or(1_000, |(_, _, most)| most);
    client.submit(&order(format!("{id}-in"), most.min(1_000))).expect("within the limit");
    if active.is_some() {
        let no = client.submit(&order(format!("{id}-out"), most + 1)).expect_err("over the limit");
        let problem = no.problem().expect("an answer");
        assert_eq!((problem.rule.as_deref(), problem.rule_code), (Some(NAME), Some(7)), "{problem:?}");
    }
}

/// splitmix64: moments that differ from run to run of nothing.
fn random(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Load,
    Activate,
    Rollback,
}

const STEPS: [Step; 3] = [Step::Load, Step::Activate, Step::Rollback];

/// Does it; what then must be in the log.
fn step(client: &Client, step: Step, turn: u64) -> Option<(InForce, usize)> {
    let answer = match step {
        Step::Load => {
            let component = rules::max_qty(&format!("component {turn}"));
            client.load_rule(NAME, &component, None).ok()?;
            client.rule(NAME)
        }
        Step::Activate => {
            let most = i64::try_from(turn % 50 + 20).expect("small");
            let parameters = BTreeMap::from([("max".to_owned(), most.into())]);
            client.activate_rule(NAME, &ActivateRequest { parameters, ..ActivateRequest::default() })
        }
        Step::Rollback => client.roll_back_rule(NAME),
    };
    let rule = answer.ok()?.rule;
    let active = rule.active.as_ref();
    let active =
        active.map(|it| (it.activation, it.rule_version, it.parameters["max"].parse().unwrap_or(-1)));
    let components = loaded(&rule);
    Some((active, components))
}

#[test]
fn killed_at_any_moment_the_rules_are_what_the_log_says() {
    let kills: u64 = std::env::var("OUTCRY_RULE_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(30);
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    let mut seed = 7;
    // Kills while nobody had an answer yet, and how long each step takes.
    let mut unanswered = [0_u64; 3];
    let (mut had_counted, mut had_not) = (0_u64, 0_u64);
    let mut takes = [Duration::from_millis(10); 3];
    let mut before = (None, 0);
    let mut turn = 0;
    while unanswered.iter().any(|&count| count < kills) {
        turn += 1;
        assert!(turn < 20 * kills, "too many steps were answered before the kill: {unanswered:?}");
        let exchange = Exchange::dev(&store, 0);
        let client = exchange.client();
        let found = in_force(&client);
        assert_eq!(found, before, "turn {turn}: what is in force is not what the log says");
        judges(&client, found.0, &format!("t{turn}"));
        if turn == 1 {
            step(&client, Step::Load, 0).expect("loaded");
            step(&client, Step::Activate, 0).expect("activated");
        }
        let at = (0..3).min_by_key(|&at| unanswered[at]).expect("three");
        let what = STEPS[at];
        if what == Step::Rollback {
            // There must be something to go back to.
            step(&client, Step::Activate, turn).expect("activated");
        }
        let known = in_force(&client);
        let stop = AtomicBool::new(false);
        let orders = AtomicU64::new(0);
        let (answered, took) = std::thread::scope(|scope| {
            let trader = exchange.client();
            let (stop, orders) = (&stop, &orders);
            scope.spawn(move || {
                while !stop.load(Ordering::Relaxed) && trader.submit(&trade(turn, orders)).is_ok() {
                    orders.fetch_add(1, Ordering::Relaxed);
                }
            });
            let begun = Instant::now();
            let stepping = scope.spawn(move || (step(&client, what, turn), begun.elapsed()));
            let micros = u64::try_from(takes[at].as_micros()).expect("short").max(1);
            std::thread::sleep(Duration::from_micros(random(&mut seed) % (micros + micros / 4)));
            exchange.kill();
            let (answered, took) = stepping.join().expect("no panic");
            stop.store(true, Ordering::Relaxed);
            (answered, took)
        });
        let (active, components) = in_the_log(&store);
        if let Some(answered) = answered {
            assert_eq!(
                (active, components),
                answered,
                "turn {turn}: {what:?} was answered and is not in the log"
            );
            takes[at] = (takes[at] + took) / 2;
        } else {
            unanswered[at] += 1;
            // All of it or nothing.
            if (active, components) == known {
                had_not += 1;
                // The next kill may come later.
                takes[at] += takes[at] / 8;
            } else {
                had_counted += 1;
                let one_more = usize::from(what == Step::Load);
                assert_eq!(components, known.1 + one_more, "turn {turn}: {what:?}");
            }
        }
        before = (active, components);
    }
    eprintln!(
        "{turn} kills, unanswered {unanswered:?} (load, activate, rollback): {had_counted} had counted, {had_not} had not"
    );
}

fn trade(turn: u64, orders: &AtomicU64) -> NewOrder {
    order(format!("o{turn}-{}", orders.load(Ordering::Relaxed)), 1)
}
