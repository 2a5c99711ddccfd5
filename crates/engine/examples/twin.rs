//! The naive book against the fast one, for as long as you like: the same random commands to an exchange on each, which
//! must say the same, be sound, and hash the same; a third exchange only hears the events.
//!
//! ```sh
//! cargo run --release -p engine --example twin -- 10000000 [seed]
//! ```

#[path = "../tests/common/mod.rs"]
mod common;

use common::flow::{Random, command, opening};
use common::oracle::Oracle;
use common::{Exchange, START};
use engine::{State, evolve};
use model::{AdvanceTime, Command};
use order_book::{Book, NaiveBook};

/// Commands to one pair of exchanges, before a fresh pair: a long life finds more full tables than new situations.
const LIFE: u64 = 2000;

struct Twins {
    fast: Exchange<Book>,
    naive: Exchange<NaiveBook>,
    replay: State<Book>,
    oracle: Oracle,
}

impl Twins {
    fn tell(&mut self, command: &Command) {
        let events = self.fast.tell(command.clone());
        assert_eq!(events, self.naive.tell(command.clone()), "naive = fast, after {command:?}");
        for event in &events {
            self.oracle.hear(event);
            evolve(&mut self.replay, event);
        }
        self.oracle.command_ends();
    }
}

fn main() {
    let mut arguments = std::env::args().skip(1).map(|word| word.parse::<u64>().expect("a number"));
    let total = arguments.next().unwrap_or(10_000_000);
    let mut random = Random(arguments.next().unwrap_or(1));
    let (mut done, mut trades, mut orders) = (0, 0, 0);
    while done < total {
        let mut twins = Twins {
            fast: Exchange::default(),
            naive: Exchange::default(),
            replay: State::new(),
            oracle: Oracle::default(),
        };
        for command in opening() {
            twins.tell(&command);
        }
        let mut day = 0;
        for _ in 0..LIFE.min(total - done) {
            let now = twins.fast.now;
            if twins.fast.state.next_timer().is_some_and(|due| due <= now) {
                twins.tell(&AdvanceTime { now }.into());
            }
            twins.tell(&command(twins.fast.now, &mut day, random.dice()));
            done += 1;
        }
        assert!(twins.fast.now > START);
        let hash = twins.fast.state.hash();
        assert_eq!(hash, twins.naive.state.hash(), "the books are part of the state");
        assert_eq!(hash, twins.replay.hash(), "a replay of the events is the state");
        trades += twins.oracle.trades;
        orders += twins.oracle.orders();
        if done % 1_000_000 < LIFE {
            println!("{done} commands, {orders} orders, {trades} trades: no difference");
        }
    }
    println!(
        "{done} commands, {orders} orders, {trades} trades: naive = fast, every state sound, every replay equal"
    );
}
