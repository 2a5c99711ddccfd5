//! The demo market: a few well-known symbols, two accounts with money for whoever tries the exchange, and simulated traders who
//! keep the books alive at a civil rate. It goes in through a [`Session`] like everybody else.
//!
//! A demo resumes: instruments and accounts that exist are used as they are, what a former run left in the books is
//! canceled, prices go on from the last trade, and client order ids are new in every run.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use model::{
    AccountId, AccountName, AccountStatus, AssetCode, CalendarName, CancelAll, Cash, Command,
    CreateInstrument, Decimal, Deposit, InitialBalance, InstrumentId, MAX_INITIAL_BALANCES, OpenAccount,
    Price, RejectReason, SelfTradePrevention, Symbol,
};
use simulator::SplitMix64;
use simulator::flow::{FlowConfig, MarketConfig, MarketFlow, Shape};

use crate::in_flight::{Pending, Wants};
use crate::read_model::Model;
use crate::session::{ExecuteError, Session, SubmitError};

/// Symbols of the demo market, busiest first, and where their prices start, in cents.
const SYMBOLS: [(&str, i64); 8] = [
    ("AAPL", 23_000),
    ("NVDA", 14_500),
    ("MSFT", 42_000),
    ("TSLA", 25_500),
    ("AMZN", 19_000),
    ("GOOGL", 17_500),
    ("META", 58_000),
    ("JPM", 22_000),
];
/// Accounts with money for people.
const PEOPLE: [&str; 2] = ["alice", "bob"];
/// What each of them starts with: a million dollars and ten thousand of every symbol.
const PEOPLES_CASH: Decimal = Decimal::new(1_000_000, 0);
const PEOPLES_SHARES: Decimal = Decimal::new(10_000, 0);

/// Simulated traders of each symbol. One takes, the others make.
const TRADERS: u32 = 10;
/// What each of them starts with, and is filled up to at every start: a billion dollars and ten million shares.
const TRADERS_CASH: Decimal = Decimal::new(1_000_000_000, 0);
const TRADERS_SHARES: Decimal = Decimal::new(10_000_000, 0);
/// Orders that rest in each book, more or less.
const RESTING: u32 = 200;

/// How often the demo sends, so that a rate becomes small bursts.
const TICK: Duration = Duration::from_millis(10);
/// The most commands whose outcomes the demo has not looked at.
const WINDOW: usize = 1_024;
/// After the exchange ran out of room for orders or ids, one command per this many ticks.
const HUMBLE_TICKS: u32 = 100;

/// The settings of the demo market.
#[derive(Clone, Copy, PartialEq, Eq, Debug, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DemoConfig {
    /// Commands a second, over all symbols. 0 for a market that waits for people.
    pub rate: u32,
    /// Makes the flow another one.
    pub seed: u64,
}

impl Default for DemoConfig {
    fn default() -> Self {
        Self { rate: 200, seed: 1 }
    }
}

/// Why the demo market cannot be set up.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DemoError {
    /// A command has no outcome.
    #[error("the demo market cannot be set up: {0}")]
    Execute(#[from] ExecuteError),
    /// The exchange refused a command.
    #[error("the demo market cannot be set up: {command} was refused: {reason}")]
    Refused {
        /// The command's name.
        command: &'static str,
        /// Why.
        reason: RejectReason,
    },
}

/// A running demo market. Dropping it stops the flow; orders stay where they are.
#[derive(Debug)]
pub struct Demo {
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
    thread: Option<JoinHandle<()>>,
}

impl Demo {
    /// Sets the market up, as far as it is not there yet, and starts the flow.
    pub fn start(session: &Session, config: DemoConfig) -> Result<Self, DemoError> {
        // Every start adds records, so no two runs have the same number.
        let run = session.read(Model::sequence);
        let mut books = Vec::new();
        for (rank, (symbol, start)) in SYMBOLS.into_iter().enumerate() {
            books.push(Book::set_up(
                session,
                symbol,
                start,
                run,
                SplitMix64::mix(config.seed ^ run) ^ rank as u64,
            )?);
        }
        for name in PEOPLE {
            open(session, name, people_balances())?;
        }
        let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let flow = Flow {
            session: session.clone(),
            books,
            random: SplitMix64::new(config.seed ^ run),
            rate: config.rate,
            held: None,
            window: VecDeque::new(),
            humble: false,
            stop: Arc::clone(&stop),
            sent: Arc::clone(&sent),
        };
        let thread = std::thread::Builder::new().name("demo".to_owned()).spawn(move || flow.run());
        // Without a thread there is no flow, but a market all the same.
        Ok(Self { stop, sent, thread: thread.ok() })
    }

    /// Commands sent so far, those of the set-up not counted.
    pub fn sent(&self) -> u64 {
        self.sent.load(Ordering::Relaxed)
    }

    /// Stops the flow.
    pub fn stop(mut self) {
        self.end();
    }

    fn end(&mut self) {
        self.stop.store(true, Ordering::Release);
        if let Some(thread) = self.thread.take() {
            // If it panicked, its message is on standard error.
            let _ = thread.join();
        }
    }
}

impl Drop for Demo {
    fn drop(&mut self) {
        self.end();
    }
}

/// Executes a command of the set-up, for which `fine` is as good as done.
fn execute(
    session: &Session,
    command: impl Into<Command>,
    fine: Option<RejectReason>,
) -> Result<(), DemoError> {
    let command = command.into();
    let name = command.name();
    match session.execute_blocking(command, Wants::Events)?.rejection() {
        Some(rejection) if Some(rejection.reason) != fine => {
            Err(DemoError::Refused { command: name, reason: rejection.reason })
        }
        _ => Ok(()),
    }
}

fn code(text: &str) -> AssetCode {
    AssetCode::new(text).expect("the names of the demo market are short")
}

fn people_balances() -> Vec<InitialBalance> {
    let shares =
        SYMBOLS.iter().map(|&(symbol, _)| InitialBalance { asset: code(symbol), amount: PEOPLES_SHARES });
    std::iter::once(InitialBalance { asset: code("USD"), amount: PEOPLES_CASH }).chain(shares).collect()
}

/// Opens an account if there is none of that name, and gives its id.
fn open(session: &Session, name: &str, with: Vec<InitialBalance>) -> Result<AccountId, DemoError> {
    let name = AccountName::new(name).expect("the names of the demo market are short");
    let find = || session.read(|model| model.state().account_by_name(&name).map(|account| account.id));
    if let Some(id) = find() {
        return Ok(id);
    }
    let mut balances = [InitialBalance::NONE; MAX_INITIAL_BALANCES];
    balances.iter_mut().zip(with).for_each(|(place, balance)| *place = balance);
    let command = OpenAccount { name, balances, status: AccountStatus::Verified, reserved: [0; 7] };
    execute(session, command, Some(RejectReason::DuplicateAccount))?;
    Ok(find().expect("open, and committed, for two lines"))
}

/// One symbol's flow, whose ids count from 0, and whom it stands for.
struct Book {
    flow: MarketFlow,
    instrument: InstrumentId,
    traders: Vec<AccountId>,
}

impl Book {
    fn set_up(session: &Session, symbol: &str, start: i64, run: u64, seed: u64) -> Result<Self, DemoError> {
        let asset = code(symbol);
        let symbol = Symbol::new(symbol).expect("the names of the demo market are short");
        let instrument = list(session, symbol)?;
        let mut traders = Vec::new();
        for number in 1..=TRADERS {
            let balances = vec![
                InitialBalance { asset: code("USD"), amount: TRADERS_CASH },
                InitialBalance { asset, amount: TRADERS_SHARES },
            ];
            let id = open(session, &format!("sim-{symbol}-{number:02}"), balances)?;
            // A former run's orders are nobody's any more: the flow knows only its own.
            let command = CancelAll { account: id, instrument: InstrumentId::ALL };
            execute(session, command, None)?;
            fill_up(session, id, code("USD"), TRADERS_CASH)?;
            fill_up(session, id, asset, TRADERS_SHARES)?;
            traders.push(id);
        }
        let last = session.read(|model| model.state().last_price(instrument));
        let flow = FlowConfig {
            start_price: last.filter(|price| price.0 >= 100).unwrap_or(Price(start)),
            resting_orders: RESTING,
            ..FlowConfig::new(Shape::Normal, seed)
        };
        let config = MarketConfig {
            symbols: vec![symbol],
            accounts: TRADERS,
            first_instrument: InstrumentId(0),
            first_account: AccountId(0),
            session: u32::try_from(run % u64::from(u32::MAX)).expect("below a u32") + 1,
            flow,
        };
        Ok(Self { flow: MarketFlow::new(config), instrument, traders })
    }

    /// The flow's next command, with the exchange's own ids.
    fn next(&mut self) -> Command {
        let mut command = self.flow.next().expect("a flow never ends");
        match &mut command {
            Command::SubmitOrder(order) => {
                order.account = self.traders[order.account.index()];
                order.instrument = self.instrument;
            }
            Command::ReplaceOrder(change) => change.account = self.traders[change.account.index()],
            Command::CancelOrder(cancel) => cancel.account = self.traders[cancel.account.index()],
            _ => {}
        }
        command
    }
}

/// Lists an instrument if there is none of that symbol, and gives its id.
fn list(session: &Session, symbol: Symbol) -> Result<InstrumentId, DemoError> {
    let find = || {
        session.read(|model| model.state().instrument_by_symbol(&symbol).map(|known| known.terms.instrument))
    };
    if let Some(id) = find() {
        return Ok(id);
    }
    let command = CreateInstrument {
        symbol,
        currency: code("USD"),
        // Always open: whoever tries the exchange may do so at night.
        calendar: CalendarName::EMPTY,
        tick_size: Decimal::new(1, 2),
        lot_size: Decimal::new(1, 0),
        max_quantity: Decimal::NONE,
        max_notional: Decimal::NONE,
        collar_percent: Decimal::NONE,
        self_trade_prevention: SelfTradePrevention::CancelNewest,
        currency_decimals: 2,
        reserved: [0; 6],
    };
    execute(session, command, Some(RejectReason::DuplicateInstrument))?;
    Ok(find().expect("listed, and committed, for two lines"))
}

/// Deposits so much of an asset that an account has `full` of it again, if it has less than half.
fn fill_up(session: &Session, account: AccountId, asset: AssetCode, full: Decimal) -> Result<(), DemoError> {
    let missing = session.read(|model| {
        let known = model.state().asset_by_code(&asset)?;
        let full = full.at_scale(known.decimals)?;
        let Cash(total) = model.state().balance(account, known.id).total;
        (total < full / 2).then(|| Decimal::new(full - total, known.decimals))
    });
    let Some(amount) = missing else { return Ok(()) };
    execute(session, Deposit { asset, amount, account, reserved: 0 }, None)
}

/// The flow of all books.
struct Flow {
    session: Session,
    books: Vec<Book>,
    random: SplitMix64,
    rate: u32,
    /// A command the exchange was too busy for: the flow counts on it having been sent.
    held: Option<Command>,
    window: VecDeque<Pending>,
    /// The exchange has no room for more orders, or ids, at present.
    humble: bool,
    stop: Arc<AtomicBool>,
    sent: Arc<AtomicU64>,
}

impl Flow {
    fn run(mut self) {
        let mut tick = 0u32;
        let mut due = 0.0f64;
        let mut last = Instant::now();
        while !self.stop.load(Ordering::Acquire) && self.rate > 0 {
            std::thread::sleep(TICK);
            let now = Instant::now();
            // After a pause, of the machine or of the exchange, nothing is made up for.
            due += f64::from(self.rate) * now.duration_since(last).min(10 * TICK).as_secs_f64();
            last = now;
            tick = tick.wrapping_add(1);
            self.look();
            if self.humble {
                due = if tick.is_multiple_of(HUMBLE_TICKS) { 1.0 } else { 0.0 };
            }
            while due >= 1.0 {
                due -= 1.0;
                match self.send() {
                    Ok(()) => {}
                    // Later, and no more of them now.
                    Err(SubmitError::Busy | SubmitError::TooManyInFlight | SubmitError::StoreFull) => {
                        due = 0.0;
                    }
                    Err(SubmitError::Stopped) => return,
                }
            }
        }
    }

    fn send(&mut self) -> Result<(), SubmitError> {
        if self.window.len() >= WINDOW {
            return Err(SubmitError::TooManyInFlight);
        }
        let command = self.held.take().unwrap_or_else(|| self.next());
        match self.session.submit(command.clone(), Wants::Events) {
            Ok(pending) => {
                self.window.push_back(pending);
                self.sent.fetch_add(1, Ordering::Relaxed);
                Ok(())
            }
            Err(error) => {
                self.held = Some(command);
                Err(error)
            }
        }
    }

    fn next(&mut self) -> Command {
        // The smaller of two is small more often: the first symbols are the busiest.
        let count = self.books.len() as u64;
        let (one, other) = (self.random.below(count), self.random.below(count));
        let at = usize::try_from(one.min(other)).expect("fewer books than a usize counts");
        self.books[at].next()
    }

    /// Looks at what came of the oldest commands. People trade in the same books, so some cancels come too late; that is life.
    fn look(&mut self) {
        while let Some(oldest) = self.window.front_mut() {
            let Some(outcome) = oldest.wait(Duration::ZERO) else { return };
            self.window.pop_front();
            let Ok(outcome) = outcome else { continue };
            self.humble = matches!(
                outcome.rejection().map(|rejection| rejection.reason),
                Some(RejectReason::TooManyOrderIds | RejectReason::TooManyOrders)
            );
        }
    }
}
