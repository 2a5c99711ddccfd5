//! `outcry bench book`: our book and the open books of others on the same messages.
//!
//! For each shape of flow: every book takes all messages once while its trades and its last depth are compared with ours,
//! then all books take turns on fresh copies, several times. The messages are timed in twentieths, and the fastest time of
//! each twentieth over all turns counts: anything else on the machine only ever makes one slower. One more turn, with the clock read around every message, gives the
//! percentiles; those include one reading of the clock.
//!
//! Measured is everything between a message in memory and its executions in a buffer: finding orders by the ids that
//! clients chose, matching, resting. Not included: decoding, accounts, a journal, another thread.

mod contender;
mod ids;
#[cfg(feature = "peers")]
mod peers;
mod report;

pub use contender::{Contender, Depth, Execution, Matcher, Measured};
pub use ids::OrderIndex;
pub use report::{Agreement, EngineReport, Report, ShapeReport};

use order_book::Book;
use simulator::flow::{Flow, FlowConfig, Message, Shape};
use std::marker::PhantomData;
use std::time::{Duration, Instant};

/// Into how many parts a turn is timed.
const PARTS: usize = 20;

/// A book that takes longer than this for one turn gets no second one.
const TURN_MAX: Duration = Duration::from_secs(5);

/// What to run.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Config {
    /// Of the flow.
    pub seed: u64,
    /// Messages per shape.
    pub messages: u64,
    /// How often each book takes its turn.
    pub turns: u32,
    /// Names of [`Shape`]s; all when empty.
    pub shapes: Vec<String>,
    /// Whether the others run too. They are there only with the feature `peers`.
    pub peers: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self { seed: 1, messages: 2_000_000, turns: 5, shapes: Vec::new(), peers: true }
    }
}

/// Runs the benchmark. `progress` hears what is about to be done.
pub fn run(config: &Config, mut progress: impl FnMut(&str)) -> Report {
    let shapes = Shape::ALL
        .into_iter()
        .filter(|shape| config.shapes.is_empty() || config.shapes.iter().any(|name| name == shape.as_str()))
        .map(|shape| run_shape(config, shape, &mut progress))
        .collect();
    Report { config: config.clone(), clock_ns: clock_ns(), shapes }
}

fn run_shape(config: &Config, shape: Shape, progress: &mut impl FnMut(&str)) -> ShapeReport {
    progress(&format!("{shape}: making {} messages", config.messages));
    let messages = flow(config, shape);
    let reference = tell::<Matcher<Book>>(&messages);

    let mut entrants: Vec<Box<dyn Entrant>> =
        vec![Entry::<Matcher<Book>>::boxed("outcry", &messages, &reference)];
    #[cfg(feature = "peers")]
    if config.peers {
        progress(&format!("{shape}: comparing the trades of the others with ours"));
        entrants.push(Entry::<peers::Matchcore>::boxed("matchcore 0.4", &messages, &reference));
        entrants.push(Entry::<peers::OrderbookRs>::boxed("orderbook-rs 0.15", &messages, &reference));
        entrants.push(Entry::<peers::Lobster>::boxed("lobster 0.7", &messages, &reference));
    }
    for turn in 1..=config.turns {
        progress(&format!("{shape}: turn {turn} of {}", config.turns));
        for entrant in &mut entrants {
            entrant.take_turn();
        }
    }
    progress(&format!("{shape}: percentiles"));
    let mut engines: Vec<EngineReport> = entrants.iter().map(|entrant| entrant.report()).collect();
    let ours = engines[0].ns_per_message;
    let fastest = engines[1..].iter().map(|engine| engine.ns_per_message).reduce(f64::min);
    for engine in &mut engines {
        engine.times_ours = engine.ns_per_message / ours;
    }
    let count = |is: fn(&Message) -> bool| messages.iter().filter(|message| is(message)).count() as u64;
    ShapeReport {
        shape: shape.as_str().to_owned(),
        messages: messages.len() as u64,
        replaces: count(|message| matches!(message, Message::Replace { .. })),
        cancels: count(|message| matches!(message, Message::Cancel { .. })),
        trades: reference.trades.len() as u64,
        times_fastest_peer: fastest.map(|fastest| fastest / ours),
        engines,
    }
}

/// The messages of one shape.
pub fn flow(config: &Config, shape: Shape) -> Vec<Message> {
    let flow = FlowConfig { messages: config.messages, ..FlowConfig::new(shape, config.seed) };
    Flow::new(&flow).take(usize::try_from(config.messages).expect("messages fit memory")).collect()
}

/// What a book did with all messages.
struct Outcome {
    trades: Vec<Execution>,
    depth: Depth,
}

fn tell<C: Contender>(messages: &[Message]) -> Outcome {
    let mut book = C::default();
    let mut trades = Vec::new();
    for message in messages {
        book.apply_and_tell(message, &mut trades);
    }
    Outcome { trades, depth: book.depth() }
}

/// A book that takes part, whatever its type.
trait Entrant {
    fn take_turn(&mut self);
    fn report(&self) -> EngineReport;
}

struct Entry<C> {
    name: &'static str,
    messages: Vec<Message>,
    agreement: Agreement,
    /// The fastest time of each part so far; empty before the first turn.
    fastest: Vec<Duration>,
    book: PhantomData<C>,
}

impl<C: Contender + 'static> Entry<C> {
    fn boxed(name: &'static str, messages: &[Message], reference: &Outcome) -> Box<dyn Entrant> {
        let messages = C::translate(messages, &reference.trades);
        let told = tell::<C>(&messages);
        let agreement = if C::REDUCES_IN_PLACE {
            Agreement::of(&told, reference)
        } else {
            Agreement::of(&told, &tell::<Matcher<Book, false>>(&messages))
        };
        Box::new(Self { name, messages, agreement, fastest: Vec::new(), book: PhantomData::<C> })
    }
}

impl Agreement {
    fn of(told: &Outcome, reference: &Outcome) -> Self {
        let equal = told.trades.iter().zip(&reference.trades).take_while(|(a, b)| a == b).count() as u64;
        Self {
            trades: reference.trades.len() as u64,
            equal,
            told: told.trades.len() as u64,
            same_depth: told.depth == reference.depth,
        }
    }
}

impl<C: Contender> Entrant for Entry<C> {
    fn take_turn(&mut self) {
        if self.fastest.iter().sum::<Duration>() > TURN_MAX {
            return;
        }
        let mut book = C::default();
        self.fastest.resize(PARTS, Duration::MAX);
        let parts = self.messages.chunks(self.messages.len().div_ceil(PARTS).max(1));
        for (part, fastest) in parts.zip(&mut self.fastest) {
            let start = Instant::now();
            for message in part {
                book.apply(message);
            }
            *fastest = start.elapsed().min(*fastest);
        }
    }

    fn report(&self) -> EngineReport {
        let mut book = C::default();
        let mut last = Instant::now();
        let mut took: Vec<u64> = Vec::with_capacity(self.messages.len());
        for message in &self.messages {
            book.apply(message);
            let now = Instant::now();
            took.push(u64::try_from((now - last).as_nanos()).expect("a message takes less than 500 years"));
            last = now;
        }
        took.sort_unstable();
        let percentile =
            |thousandths: usize| took.get(took.len() * thousandths / 1_000).copied().unwrap_or(0);
        // A flow of fewer messages than parts leaves some untimed.
        let total: Duration = self.fastest.iter().filter(|&&part| part != Duration::MAX).sum();
        let ns_per_message = total.as_secs_f64() * 1e9 / number(self.messages.len());
        EngineReport {
            name: self.name.to_owned(),
            ns_per_message,
            million_messages_per_second: 1e3 / ns_per_message,
            times_ours: 1.0,
            p50_ns: percentile(500),
            p99_ns: percentile(990),
            p999_ns: percentile(999),
            max_ns: took.last().copied().unwrap_or(0),
            bytes_per_resting_order: book.memory().map(|(orders, bytes)| number(bytes) / number(orders)),
            agreement: self.agreement,
        }
    }
}

/// A count as a number to divide by.
fn number(count: usize) -> f64 {
    f64::from(u32::try_from(count).expect("messages and bytes of a benchmark fit 32 bits"))
}

/// What one reading of the clock costs: it is in every percentile.
fn clock_ns() -> f64 {
    const READINGS: u32 = 1_000_000;
    let start = Instant::now();
    for _ in 0..READINGS {
        std::hint::black_box(Instant::now());
    }
    start.elapsed().as_secs_f64() * 1e9 / f64::from(READINGS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use order_book::NaiveBook;

    impl Measured for NaiveBook {
        fn memory_bytes(&self) -> usize {
            0
        }
    }

    #[test]
    fn both_of_our_books_trade_alike_on_every_shape() {
        let config = Config { messages: 20_000, ..Config::default() };
        for shape in Shape::ALL {
            let messages = flow(&config, shape);
            let fast = tell::<Matcher<Book>>(&messages);
            let naive = tell::<Matcher<NaiveBook>>(&messages);
            assert!(!fast.trades.is_empty());
            assert_eq!(fast.trades, naive.trades);
            assert_eq!(fast.depth, naive.depth);
        }
    }

    #[test]
    fn a_report_covers_what_was_asked_for() {
        let config = Config {
            messages: 5_000,
            turns: 1,
            shapes: vec!["static".to_owned(), "swing-40".to_owned()],
            ..Config::default()
        };
        let report = run(&config, |_| {});
        let shapes: Vec<&str> = report.shapes.iter().map(|shape| shape.shape.as_str()).collect();
        assert_eq!(shapes, ["static", "swing-40"]);
        for shape in &report.shapes {
            assert_eq!(shape.engines[0].name, "outcry");
            for engine in &shape.engines {
                assert!(engine.agreement.is_full(), "{}: {:?}", engine.name, engine.agreement);
                assert!(engine.p50_ns <= engine.p99_ns && engine.p99_ns <= engine.max_ns);
            }
        }
    }
}
