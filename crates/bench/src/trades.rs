//! A log full of trades: every second order trades with the one before it.

use std::path::Path;

use model::{
    AccountId, AccountName, AccountStatus, AssetCode, CalendarName, ClOrdId, Command, Configure,
    CreateInstrument, DayNumber, Decimal, InitialBalance, InstrumentId, OpenAccount, OrderType,
    SelfTradePrevention, Side, StartTradingDay, SubmitOrder, Symbol, TimeInForce, Timestamp,
};

use crate::BenchError;
use crate::stepped::SteppedExchange;

/// What to write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Trading {
    pub seed: u64,
    pub trades: u64,
    pub symbols: u32,
}

/// 2026-01-05T14:30:00Z: nine thirty in New York.
const OPENING_NS: i64 = 1_767_623_400_000_000_000;
/// Six and a half hours.
const SESSION_NS: i64 = 23_400_000_000_000;
/// Trades in one block of the log.
const TRADES_PER_BLOCK: u64 = 64;
const ACCOUNTS: u32 = 1000;
/// Client order ids are remembered for a trading day: so many trades, and another one begins.
const TRADES_PER_DAY: u64 = 1 << 20;
/// The first: that of [`OPENING_NS`].
const FIRST_DAY: i32 = 20_458;

/// Writes the log of one session.
pub(crate) fn write_trades(dir: &Path, trading: &Trading) -> Result<(), BenchError> {
    let mut writing = Writing::new(dir, trading.seed, trading.symbols)?;
    let blocks = trading.trades.div_ceil(TRADES_PER_BLOCK).max(1);
    writing.block_ns = SESSION_NS / i64::try_from(blocks).unwrap_or(i64::MAX);
    writing.trade(trading.trades)?;
    let counts = writing.exchange.close()?;
    if counts.rejected > 0 {
        return Err(BenchError::Rejected { rejected: counts.rejected, commands: counts.commands });
    }
    Ok(())
}

/// A log that is being written.
pub(crate) struct Writing {
    exchange: SteppedExchange,
    symbols: u32,
    random: u64,
    prices: Vec<i64>,
    traded: u64,
    now: i64,
    block_ns: i64,
}

impl Writing {
    /// A new store with instruments `S000` and so on, and accounts that have all they could want.
    pub fn new(dir: &Path, seed: u64, symbols: u32) -> Result<Self, BenchError> {
        let mut writing = Self {
            exchange: SteppedExchange::create(dir)?,
            symbols,
            random: seed.wrapping_mul(2).wrapping_add(1),
            prices: vec![10_000; symbols as usize],
            traded: 0,
            now: OPENING_NS,
            block_ns: 1_000_000,
        };
        let limits = Configure { max_order_ids: 2 * TRADES_PER_DAY, ..sequencer::LIMITS_DEFAULT };
        writing.block(&[limits.into()])?;
        for number in 0..symbols {
            writing.block(&[instrument(number)])?;
        }
        for number in 0..ACCOUNTS {
            writing.block(&[account(number)])?;
            let holding = (0..symbols).map(|instrument| {
                let asset = code(&format!("S{instrument:03}"));
                let amount = Decimal::new(1_000_000_000, 0);
                model::Deposit { asset, amount, account: AccountId(number), reserved: 0 }.into()
            });
            writing.block(&holding.collect::<Vec<Command>>())?;
        }
        Ok(writing)
    }

    /// Trades made so far.
    pub fn traded(&self) -> u64 {
        self.traded
    }

    /// Makes and commits so many trades.
    pub fn trade(&mut self, trades: u64) -> Result<(), BenchError> {
        let end = self.traded + trades;
        let mut commands = Vec::new();
        while self.traded < end {
            commands.clear();
            if self.traded.is_multiple_of(TRADES_PER_DAY) {
                let day =
                    i32::try_from(self.traded / TRADES_PER_DAY).expect("fewer trades than would fill a disk");
                commands.push(StartTradingDay { day: DayNumber(FIRST_DAY + day), reserved: 0 }.into());
            }
            let day_end = (self.traded / TRADES_PER_DAY + 1) * TRADES_PER_DAY;
            let many = TRADES_PER_BLOCK.min(end - self.traded).min(day_end - self.traded);
            for number in self.traded..self.traded + many {
                self.pair(number, &mut commands);
            }
            self.block(&commands)?;
            self.traded += many;
        }
        Ok(())
    }

    /// Two orders that trade with each other.
    fn pair(&mut self, number: u64, commands: &mut Vec<Command>) {
        let symbol = self.draw(self.symbols);
        let (maker, other) = (self.draw(ACCOUNTS), self.draw(ACCOUNTS - 1));
        // Nobody trades with itself.
        let taker = (maker + 1 + other) % ACCOUNTS;
        let step = i64::from(self.draw(3)) - 1;
        let price = &mut self.prices[symbol as usize];
        *price = (*price + step).clamp(5_000, 20_000);
        let price = *price;
        let quantity = i64::from(self.draw(50)) + 1;
        let (first, second) =
            if self.draw(2) == 0 { (Side::Buy, Side::Sell) } else { (Side::Sell, Side::Buy) };
        commands.push(order(2 * number, maker, symbol, first, price, quantity));
        commands.push(order(2 * number + 1, taker, symbol, second, price, quantity));
    }

    /// A number below `below`: xorshift, reduced by multiplication.
    fn draw(&mut self, below: u32) -> u32 {
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let high = self.random >> 32;
        u32::try_from((high * u64::from(below)) >> 32).expect("below a 32-bit number")
    }

    fn block(&mut self, commands: &[Command]) -> Result<(), BenchError> {
        self.now += self.block_ns;
        self.exchange.execute(Timestamp(self.now), commands)
    }
}

fn code(name: &str) -> AssetCode {
    AssetCode::new(name).expect("a short name of letters and digits")
}

fn order(id: u64, account: u32, instrument: u32, side: Side, price: i64, quantity: i64) -> Command {
    SubmitOrder {
        cl_ord_id: ClOrdId::new(&id.to_string()).expect("a number is an id"),
        account: AccountId(account),
        instrument: InstrumentId(instrument),
        price_units: price,
        quantity_units: quantity,
        expire_at: Timestamp::NONE,
        price_scale: 2,
        quantity_scale: 0,
        side,
        order_type: OrderType::Limit,
        time_in_force: TimeInForce::Gtc,
        post_only: false,
        self_trade_prevention: SelfTradePrevention::Default,
        reserved: 0,
    }
    .into()
}

fn instrument(number: u32) -> Command {
    CreateInstrument {
        symbol: Symbol::new(&format!("S{number:03}")).expect("a short name of letters and digits"),
        currency: code("USD"),
        calendar: CalendarName::EMPTY,
        tick_size: Decimal::new(1, 2),
        lot_size: Decimal::new(1, 0),
        max_quantity: Decimal::NONE,
        max_notional: Decimal::NONE,
        collar_percent: Decimal::NONE,
        self_trade_prevention: SelfTradePrevention::CancelNewest,
        currency_decimals: 2,
        reserved: [0; 6],
    }
    .into()
}

fn account(number: u32) -> Command {
    let mut balances = [InitialBalance::NONE; model::MAX_INITIAL_BALANCES];
    balances[0] = InitialBalance { asset: code("USD"), amount: Decimal::new(10_000_000_000, 0) };
    let name = AccountName::new(&format!("A{number:04}")).expect("a short name of letters and digits");
    OpenAccount { name, balances, status: AccountStatus::Verified, reserved: [0; 7] }.into()
}
