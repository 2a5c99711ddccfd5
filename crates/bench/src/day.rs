//! A made-up trading day, written into a store: 6.5 hours of stamped time with a burst at the open and at the close, phases, halts, a kill
//! switch, money that comes and goes, and clients who make mistakes. What reports are measured on.

use std::path::Path;
use std::time::Instant;

use engine::State;
use model::{
    AccountId, AssetCode, CancelOrder, ClOrdId, Command, Configure, DayNumber, Decimal, Deposit,
    InstrumentId, KillAccount, OrderType, Phase, SetPhase, Side, StartTradingDay, SubmitOrder, TimeInForce,
    Timestamp, Withdraw,
};
use order_book::Book;
use reporting::Indexer;
use simulator::flow::{MarketConfig, MarketFlow, Shape, numbered_symbols};

use crate::BenchError;
use crate::stepped::{Counts, SteppedExchange};
use crate::watch::nanos;

/// What the day is made of.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Config {
    /// Of the flow.
    pub seed: u64,
    /// Orders sent. Cancels and replaces come on top: 1.3 for each order.
    pub orders: u64,
    /// Instruments.
    pub symbols: u32,
    /// Accounts.
    pub accounts: u32,
}

impl Default for Config {
    fn default() -> Self {
        // With 20 million of them accepted.
        Self { seed: 1, orders: 20_050_000, symbols: 100, accounts: 2_000 }
    }
}

/// What was written.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Written {
    /// What it was made of.
    pub config: Config,
    /// What there is of what.
    pub counts: Counts,
    /// How long it took.
    pub elapsed_ns: u64,
    /// And to index it, which an exchange does while it trades.
    pub indexing_ns: u64,
}

/// Monday, 2026-01-05, 14:30 UTC: half past nine in New York.
const OPEN_NS: i64 = 1_767_623_400_000_000_000;
const SECOND_NS: i64 = 1_000_000_000;
/// Of continuous trading.
const MINUTES: u64 = 390;
/// Commands in a block: what a core finds waiting when it comes round, some ten milliseconds apart here.
const BLOCK_COMMANDS: usize = 16;
/// One order in so many is followed by a mistake.
const MISTAKE_EVERY: u64 = 256;
/// The instruments that are halted for a while, by rank: one in so many.
const HALTED_EVERY: u32 = 40;

/// When each order is sent: more of them in the minutes after the open and before the close.
struct Clock {
    orders: u64,
    /// At `i`: the weight of all minutes before the `i`th.
    before: Vec<u64>,
}

impl Clock {
    fn new(orders: u64) -> Self {
        // The first and the last minute get some eight times what a minute at noon gets.
        let weight = |minute: u64| 40 + 400 / (1 + minute) + 400 / (MINUTES - minute);
        let before = (0..=MINUTES)
            .scan(0, |sum, minute| {
                let before = *sum;
                *sum += if minute < MINUTES { weight(minute) } else { 0 };
                Some(before)
            })
            .collect();
        Self { orders: orders.max(1), before }
    }

    /// When the `n`th order is sent.
    fn at(&self, n: u64) -> Timestamp {
        let total = self.before[self.before.len() - 1];
        // In weights times orders, so that nothing is rounded before the end.
        let orders = i128::from(self.orders);
        let point = i128::from(n.min(self.orders - 1)) * i128::from(total);
        let minute = self.before.partition_point(|&before| i128::from(before) * orders <= point) - 1;
        let (from, to) = (self.before[minute], self.before[minute + 1]);
        let inside = (point - i128::from(from) * orders) * i128::from(60 * SECOND_NS)
            / (i128::from(to - from) * orders);
        let inside = i64::try_from(inside).expect("less than a minute");
        let minute = i64::try_from(minute).expect("less than a day");
        Timestamp(OPEN_NS + minute * 60 * SECOND_NS + inside)
    }
}

/// Writes the day into a new store in `dir`, and indexes it. `progress` hears how many orders there are so far.
///
/// # Errors
/// [`BenchError::Store`] when the disk has no room.
pub fn write(dir: &Path, config: &Config, mut progress: impl FnMut(u64)) -> Result<Written, BenchError> {
    let started = Instant::now();
    let mut market = MarketConfig::new(Shape::Normal, config.seed);
    market.symbols = numbered_symbols(config.symbols.max(1));
    market.accounts = config.accounts;
    market.flow.messages = config.orders.saturating_mul(23) / 10;
    // A short day has shallower books, or it would only fill them.
    let resting = (config.orders / 50).clamp(500, 100_000);
    market.flow.resting_orders = u32::try_from(resting).expect("at most 100,000");
    let flow = MarketFlow::new(market);
    let mut exchange = SteppedExchange::create(dir)?;
    prepare(&mut exchange, &flow, config)?;

    let clock = Clock::new(config.orders);
    let mut day = Day::new(config);
    let mut block = Vec::with_capacity(2 * BLOCK_COMMANDS);
    let mut next_report = 0;
    for command in flow {
        if day.sent >= config.orders {
            break;
        }
        day.push(exchange.state(), command, &mut block);
        if block.len() >= BLOCK_COMMANDS {
            exchange.execute(clock.at(day.sent), &block)?;
            block.clear();
        }
        if day.sent >= next_report {
            progress(day.sent);
            next_report += (config.orders / 100).max(1);
        }
    }
    exchange.execute(clock.at(config.orders), &block)?;
    let close = Timestamp(OPEN_NS + i64::try_from(MINUTES).expect("small") * 60 * SECOND_NS);
    set_phases(&mut exchange, close, Phase::Closed, config.symbols)?;
    let counts = exchange.close()?;
    let elapsed_ns = nanos(started.elapsed());
    let started = Instant::now();
    let mut indexer = Indexer::open(dir)?;
    while indexer.step()?.is_some() {}
    Ok(Written { config: config.clone(), counts, elapsed_ns, indexing_ns: nanos(started.elapsed()) })
}

/// Before the open: bounds, instruments, accounts, and a trading day that begins closed.
fn prepare(exchange: &mut SteppedExchange, flow: &MarketFlow, config: &Config) -> Result<(), BenchError> {
    let early = Timestamp(OPEN_NS - 3600 * SECOND_NS);
    let bounds = Configure {
        max_order_ids: config.orders * 2 + 1024,
        max_working_orders: 1 << 20,
        max_accounts: 1 << 20,
        max_instruments: 1 << 16,
        reserved: 0,
    };
    exchange.execute(early, &[bounds.into()])?;
    let setup: Vec<Command> = flow.setup().map(limited).collect();
    for block in setup.chunks(256) {
        exchange.execute(early, block)?;
    }
    set_phases(exchange, early, Phase::Closed, config.symbols)?;
    let day = StartTradingDay { day: Timestamp(OPEN_NS).utc_day(), reserved: 0 };
    let at = Timestamp(OPEN_NS - 1800 * SECOND_NS);
    exchange.execute(at, &[day.into()])?;
    set_phases(exchange, Timestamp(OPEN_NS), Phase::Open, config.symbols)
}

/// The flow's instruments have no limits; these have some that only mistakes run into.
fn limited(command: Command) -> Command {
    match command {
        Command::CreateInstrument(mut create) => {
            create.max_quantity = Decimal::new(1_000_000, 0);
            create.collar_percent = Decimal::new(50, 0);
            Command::CreateInstrument(create)
        }
        other => other,
    }
}

fn phase(instrument: u32, phase: Phase) -> Command {
    SetPhase { instrument: InstrumentId(instrument), phase, reserved: [0; 3] }.into()
}

/// One block each: closing an instrument ends all of its day orders.
fn set_phases(
    exchange: &mut SteppedExchange,
    at: Timestamp,
    to: Phase,
    symbols: u32,
) -> Result<(), BenchError> {
    (0..symbols).try_for_each(|instrument| exchange.execute(at, &[phase(instrument, to)]))
}

/// How far the day is, and what happens in it besides the flow.
struct Day {
    config: Config,
    /// Orders so far.
    sent: u64,
    mistakes: u64,
    /// What happens when so many orders are sent, latest first.
    events: Vec<(u64, Vec<Command>)>,
}

impl Day {
    fn new(config: &Config) -> Self {
        let part = |per_mille: u64| config.orders * per_mille / 1000;
        let halted =
            |to| (0..config.symbols).skip(1).step_by(HALTED_EVERY as usize).map(move |at| phase(at, to));
        let cash =
            |account, amount| Deposit { asset: usd(), amount, account: AccountId(account), reserved: 0 };
        let out =
            |account, amount| Withdraw { asset: usd(), amount, account: AccountId(account), reserved: 0 };
        let last = config.accounts.max(2 * config.symbols) - 1;
        let events = vec![
            (part(800), vec![KillAccount { account: AccountId(last), reserved: 0 }.into()]),
            (part(700), (0..20).map(|account| out(account, Decimal::new(250_000, 0)).into()).collect()),
            (part(410), halted(Phase::Open).collect()),
            (part(400), halted(Phase::Halted).collect()),
            (part(300), (0..20).map(|account| cash(account, Decimal::new(1_000_000, 0)).into()).collect()),
        ];
        Self { config: config.clone(), sent: 0, mistakes: 0, events }
    }

    /// The flow's next command, and what comes with it.
    fn push(&mut self, state: &State<Book>, command: Command, block: &mut Vec<Command>) {
        while let Some((_, commands)) = self.events.pop_if(|(at, _)| *at <= self.sent) {
            block.extend(commands);
        }
        let command = match command {
            Command::SubmitOrder(mut order) => {
                self.sent += 1;
                if order.time_in_force == TimeInForce::Day {
                    // Some rest for longer than a day, and some only if they need not take.
                    if self.sent.is_multiple_of(64) {
                        order.time_in_force = TimeInForce::Gtc;
                    }
                    order.post_only = self.sent.is_multiple_of(16);
                }
                order.into()
            }
            other => other,
        };
        block.push(command.clone());
        if let Command::SubmitOrder(order) = &command
            && self.sent.is_multiple_of(MISTAKE_EVERY)
        {
            self.mistakes += 1;
            block.push(self.mistake(state, order));
        }
    }

    /// What nobody should send, made of an order that was all right.
    fn mistake(&self, state: &State<Book>, order: &SubmitOrder) -> Command {
        let wrong = ClOrdId::new(&format!("wrong-{}", self.mistakes)).expect("fits 23 bytes");
        let another = SubmitOrder { cl_ord_id: wrong, ..*order };
        let wrong = match self.mistakes % 6 {
            // The same order again.
            0 => *order,
            // Nobody knows it.
            1 => {
                return CancelOrder { cl_ord_id: wrong, account: order.account, reserved: 0 }.into();
            }
            // Between two ticks.
            2 => SubmitOrder { price_units: order.price_units * 10 + 5, price_scale: 3, ..another },
            // Far too many.
            3 => SubmitOrder { quantity_units: 1_000_001, ..another },
            // Far too dear.
            4 => SubmitOrder { price_units: order.price_units * 3, side: Side::Buy, ..another },
            // Of an instrument that the account does not own: what the flow gives it lies to the right of its number.
            _ => {
                let instruments = self.config.symbols;
                let instrument = InstrumentId((order.account.0 + instruments - 1) % instruments);
                let sell = SubmitOrder { instrument, side: Side::Sell, ..another };
                let price = state.instrument(instrument).and_then(|instrument| instrument.last_price);
                SubmitOrder {
                    price_units: price.map_or(order.price_units, |price| price.0),
                    order_type: OrderType::Limit,
                    ..sell
                }
            }
        };
        wrong.into()
    }
}

fn usd() -> AssetCode {
    AssetCode::new("USD").expect("three letters")
}

/// The day the market is open, as reports name it.
pub const DATE: DayNumber = Timestamp(OPEN_NS).utc_day();

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_come_in_bursts_at_both_ends_of_the_day() {
        let clock = Clock::new(1_000_000);
        assert_eq!(clock.at(0), Timestamp(OPEN_NS));
        let minute = |n| (clock.at(n).0 - OPEN_NS) / (60 * SECOND_NS);
        let mut orders = [0u64; 390];
        for n in 0..1_000_000 {
            assert!(n == 0 || clock.at(n) >= clock.at(n - 1));
            orders[usize::try_from(minute(n)).unwrap()] += 1;
        }
        let noon = orders[195];
        assert!(orders[0] > 7 * noon && orders[389] > 7 * noon && noon > 0, "{orders:?}");
    }

    #[test]
    fn a_day_has_what_a_day_has() {
        let dir = tempfile::tempdir().unwrap();
        let config = Config { orders: 40_000, symbols: 10, accounts: 100, ..Config::default() };
        let written = write(dir.path(), &config, |_| ()).unwrap();
        let counts = written.counts;
        assert!(counts.orders > 39_000 && counts.trades > 500 && counts.rejected > 50, "{counts:?}");
        assert!(counts.commands > 80_000 && counts.records > 180_000, "{counts:?}");
        let mut reader = event_store::Reader::open(dir.path()).unwrap();
        let (mut first, mut last, mut kinds) = (None, 0, std::collections::BTreeSet::new());
        while let Some(block) = reader.next_block().unwrap() {
            let time = block.header().timestamp_ns;
            first.get_or_insert(time);
            last = time;
            kinds.extend(block.records().map(|record| record.kind));
        }
        assert_eq!(first, Some(OPEN_NS - 3600 * SECOND_NS));
        assert_eq!(last, OPEN_NS + 390 * 60 * SECOND_NS);
        // Accepted, rejected, trade, canceled, replaced, cancel rejected, phase, day, money, kill switch.
        for kind in [0x0201, 0x0202, 0x0203, 0x0205, 0x0206, 0x0208, 0x0210, 0x0211, 0x0231, 0x0234] {
            assert!(kinds.contains(&kind), "{kind:#x} of {kinds:x?}");
        }
        // The same seed writes the same bytes.
        let other = tempfile::tempdir().unwrap();
        assert_eq!(write(other.path(), &config, |_| ()).unwrap().counts, counts);
    }
}
