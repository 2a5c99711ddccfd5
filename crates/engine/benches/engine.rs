//! What a command costs in the engine: decided and applied, accounts and holds on, on one thread. 100 instruments, 10,000
//! accounts and about 100,000 resting orders; 95% of orders end canceled, 20% of messages replace.
//!
//! Not included: the ring, the rules, the log. Measured is the thread's own processor time, so that a busy machine does not count.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use engine::{Ahead, NoRules, State, WINDOW_MAX, decide, evolve};
use model::{Command, Configure, DayNumber, Event, StartTradingDay, Timestamp};
use order_book::{Book, OrderBook};
use rustix::time::{ClockId, clock_gettime};
use simulator::flow::{MarketConfig, MarketFlow, Shape};
use std::hint::black_box;
use std::time::Duration;

/// Commands made ahead, outside the measured time.
const CHUNK: u64 = 16_384;
/// The ids of a busy trading day, after which a new one begins, outside the measured time.
const MAX_ORDER_IDS: u64 = 4_000_000;
/// Commands before the first measurement: the book has filled up by then.
const WARM_UP: u64 = 1_000_000;

struct Engine<B: OrderBook> {
    state: State<B>,
    flow: MarketFlow,
    commands: Vec<Command>,
    events: Vec<Event>,
    now: Timestamp,
    day: DayNumber,
}

impl<B: OrderBook> Engine<B> {
    fn warm() -> Self {
        let configure = Configure {
            max_order_ids: MAX_ORDER_IDS,
            max_working_orders: 1 << 20,
            max_accounts: 20_000,
            max_instruments: 1000,
            reserved: 0,
        };
        let flow = MarketFlow::new(MarketConfig::new(Shape::Normal, 1));
        let setup = flow.setup().collect::<Vec<_>>();
        let mut engine = Self {
            state: State::new(),
            flow,
            commands: Vec::new(),
            events: Vec::with_capacity(1 << 16),
            now: Timestamp(0),
            day: DayNumber(0),
        };
        engine.run(&[configure.into()]);
        engine.run(&setup);
        engine.time(WARM_UP, true);
        engine.state.check().expect("a sound state");
        engine
    }

    /// Decides and applies commands as the sequencer does, looking ahead over a window of them.
    fn run(&mut self, commands: &[Command]) {
        for window in commands.chunks(WINDOW_MAX) {
            let mut ahead = [Ahead::NOTHING; WINDOW_MAX];
            for (ahead, command) in ahead.iter_mut().zip(window) {
                *ahead = Ahead::of(command);
            }
            self.state.warm(&ahead);
            self.run_cold(window);
        }
    }

    fn run_cold(&mut self, commands: &[Command]) {
        for command in commands {
            self.now.0 += 1000;
            decide(&self.state, self.now, command, &mut NoRules, &mut self.events);
            for event in &self.events {
                evolve(&mut self.state, event);
            }
            black_box(&self.events);
            self.events.clear();
        }
    }

    /// How long so many commands take.
    fn time(&mut self, count: u64, warm: bool) -> Duration {
        let mut taken = Duration::ZERO;
        let mut left = count;
        while left > 0 {
            if self.state.remembered_order_ids() + CHUNK > MAX_ORDER_IDS {
                self.day.0 += 1;
                self.run(&[StartTradingDay { day: self.day, reserved: 0 }.into()]);
            }
            let chunk = left.min(CHUNK);
            let mut commands = std::mem::take(&mut self.commands);
            commands.clear();
            commands.extend(self.flow.by_ref().take(usize::try_from(chunk).expect("small")));
            let start = processor_time();
            if warm {
                self.run(&commands);
            } else {
                self.run_cold(&commands);
            }
            taken += processor_time().saturating_sub(start);
            self.commands = commands;
            left -= chunk;
        }
        taken
    }
}

/// The time this thread has run.
fn processor_time() -> Duration {
    clock_gettime(ClockId::ThreadCPUTime).try_into().expect("not negative")
}

fn engine(c: &mut Criterion) {
    let mut group = c.benchmark_group("engine");
    group.throughput(Throughput::Elements(1)).measurement_time(Duration::from_secs(10));
    let mut engine = Engine::<Book>::warm();
    group.bench_function("command", |bencher| bencher.iter_custom(|count| engine.time(count, true)));
    // As when commands come one at a time: the difference is what looking ahead saves.
    group.bench_function("command alone", |bencher| bencher.iter_custom(|count| engine.time(count, false)));
    group.finish();
}

criterion_group!(benches, engine);
criterion_main!(benches);
