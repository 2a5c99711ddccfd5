//! A whole made-up market: many instruments, many accounts, one stream of commands.

use super::{Flow, FlowConfig, Message, Shape, Step};
use crate::SplitMix64;
use model::{
    AccountId, AccountName, AccountStatus, AssetCode, CalendarName, CancelOrder, ClOrdId, Command,
    CreateInstrument, Decimal, InitialBalance, InstrumentId, MAX_INITIAL_BALANCES, OpenAccount, OrderType,
    Price, Quantity, ReplaceOrder, SelfTradePrevention, Side, SubmitOrder, Symbol, TimeInForce, Timestamp,
};
use std::io::Write;

/// What a market is made from.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MarketConfig {
    /// The instruments, busiest first. At least one.
    pub symbols: Vec<Symbol>,
    /// How many accounts trade: at least two for each instrument (fewer are taken as that many).
    pub accounts: u32,
    /// The exchange's id for the first of `symbols`; the others follow it.
    pub first_instrument: InstrumentId,
    /// The exchange's id for the first account; the others follow it.
    pub first_account: AccountId,
    /// Distinguishes the client order ids of several flows into one exchange on one day.
    pub session: u32,
    /// The flow, all instruments together. Each gets its own seed, and a share of the messages and of the resting orders
    /// by its rank: the second half as much as the first, the third a third, and so on.
    pub flow: FlowConfig,
}

impl MarketConfig {
    /// The market of the benchmarks: 100 instruments, 10,000 accounts, about 100,000 resting orders.
    pub fn new(shape: Shape, seed: u64) -> Self {
        Self {
            symbols: numbered_symbols(100),
            accounts: 10_000,
            first_instrument: InstrumentId(0),
            first_account: AccountId(0),
            session: 0,
            flow: FlowConfig { resting_orders: 100_000, ..FlowConfig::new(shape, seed) },
        }
    }
}

/// `S000`, `S001`, and so on.
pub fn numbered_symbols(count: u32) -> Vec<Symbol> {
    (0..count)
        .map(|index| Symbol::new(&format!("S{index:03}")).expect("at most 11 letters and digits"))
        .collect()
}

/// What every account starts with: ten billion dollars and a billion of each of its instruments. No flow of any length
/// that fits a log runs out of it, and a million accounts of it still fit a ledger of 64 bits.
const STARTING_CASH: Decimal = Decimal::new(10_000_000_000, 0);
const STARTING_SHARES: Decimal = Decimal::new(1_000_000_000, 0);
/// One balance is cash, so this is how many instruments an account can be opened with.
const INSTRUMENTS_PER_ACCOUNT: u32 = 15;
const _: () = assert!(INSTRUMENTS_PER_ACCOUNT as usize == MAX_INITIAL_BALANCES - 1);
/// Prices of the made-up instruments have cents.
const PRICE_SCALE: u8 = 2;

/// The endless commands of a market: first send [`MarketFlow::setup`], then `take(n)`.
///
/// Every account trades up to 15 instruments. A tenth of an instrument's accounts only take, with immediate-or-cancel orders, and the others
/// only make, so no order ever meets one of its own account.
#[derive(Clone, Debug)]
pub struct MarketFlow {
    random: SplitMix64,
    flows: Vec<Flow>,
    /// At `i`: the weight of the instruments up to and with `i`.
    cumulative: Vec<u64>,
    config: MarketConfig,
    /// How many times the instruments go into the accounts.
    blocks: u32,
}

impl MarketFlow {
    /// The flow of `config`, from its first command.
    ///
    /// # Panics
    ///
    /// When there is no instrument.
    pub fn new(config: MarketConfig) -> Self {
        assert!(!config.symbols.is_empty(), "a market needs an instrument");
        let instruments = u32::try_from(config.symbols.len()).expect("fewer than 2^32 instruments");
        let mut config = config;
        config.accounts = config.accounts.max(2 * instruments);
        let weight = |rank: usize| 1_000_000 / (rank as u64 + 1);
        let cumulative: Vec<u64> = (0..config.symbols.len())
            .scan(0, |sum, rank| {
                *sum += weight(rank);
                Some(*sum)
            })
            .collect();
        let total = u128::from(cumulative[cumulative.len() - 1]);
        let share = |of: u64, rank: usize| {
            u64::try_from(u128::from(of) * u128::from(weight(rank)) / total).expect("less than the whole")
        };
        let flows = (0..config.symbols.len())
            .map(|rank| {
                let resting = share(u64::from(config.flow.resting_orders), rank);
                Flow::new(&FlowConfig {
                    seed: SplitMix64::mix(config.flow.seed ^ SplitMix64::mix(rank as u64 + 1)),
                    messages: share(config.flow.messages, rank),
                    resting_orders: u32::try_from(resting).expect("less than the whole"),
                    ..config.flow
                })
            })
            .collect();
        Self {
            random: SplitMix64::new(config.flow.seed),
            flows,
            cumulative,
            blocks: config.accounts / instruments,
            config,
        }
    }

    /// The configuration, with the number of accounts that are really used.
    pub fn config(&self) -> &MarketConfig {
        &self.config
    }

    /// The commands that list the instruments and open the accounts, with balances ample for any flow. They must find
    /// `first_instrument` and `first_account` the next free ids.
    pub fn setup(&self) -> impl Iterator<Item = Command> + '_ {
        let instruments = self.config.symbols.iter().map(|&symbol| Command::from(create_instrument(symbol)));
        let accounts = (0..self.config.accounts).map(|account| Command::from(self.open_account(account)));
        instruments.chain(accounts)
    }

    fn instruments(&self) -> u32 {
        u32::try_from(self.config.symbols.len()).expect("checked when made")
    }

    fn open_account(&self, account: u32) -> OpenAccount {
        let mut balances = [InitialBalance::NONE; MAX_INITIAL_BALANCES];
        balances[0] = InitialBalance { asset: usd(), amount: STARTING_CASH };
        let instruments = self.instruments();
        for (balance, step) in balances[1..].iter_mut().zip(0..instruments.min(INSTRUMENTS_PER_ACCOUNT)) {
            let instrument = (account % instruments + step) % instruments;
            let asset = self.config.symbols[instrument as usize];
            *balance = InitialBalance { asset, amount: STARTING_SHARES };
        }
        let name = format!("sim{:05}", self.config.first_account.0 + account);
        OpenAccount {
            name: AccountName::new(&name).expect("at most 13 letters and digits"),
            balances,
            status: AccountStatus::Verified,
            reserved: [0; 7],
        }
    }

    /// Whose order it is: determined by the order, so that nothing need be remembered.
    fn account(&self, instrument: u32, id: u64, ioc: bool) -> AccountId {
        let hash = SplitMix64::mix(id << 20 ^ u64::from(instrument) ^ self.config.flow.seed.rotate_left(40));
        // The accounts that own `instrument` are those with account % instruments in (instrument - step).
        let instruments = self.instruments();
        let step =
            u32::try_from(hash % u64::from(instruments.min(INSTRUMENTS_PER_ACCOUNT))).expect("at most 15");
        let column = (instrument + instruments - step) % instruments;
        let takers = (self.blocks / 10).max(1);
        let (from, blocks) = if ioc { (0, takers) } else { (takers, self.blocks - takers) };
        let block = from + u32::try_from((hash >> 8) % u64::from(blocks)).expect("below a u32");
        AccountId(self.config.first_account.0 + block * instruments + column)
    }

    /// `17-4711`, after its second replacement `17-4711.2`, in a session that is not 0 `3:17-4711.2`.
    fn cl_ord_id(&self, instrument: u32, id: u64, revision: u32) -> ClOrdId {
        let mut text = [0u8; 48];
        let mut rest = &mut text[..];
        let mut write = |part: std::fmt::Arguments| rest.write_fmt(part).expect("48 bytes hold four numbers");
        if self.config.session != 0 {
            write(format_args!("{}:", self.config.session));
        }
        write(format_args!("{instrument}-{id}"));
        if revision != 0 {
            write(format_args!(".{revision}"));
        }
        let unused = rest.len();
        let text = str::from_utf8(&text[..text.len() - unused]).expect("digits and punctuation");
        ClOrdId::new(text).expect("fits 23 bytes until 10^9 orders of an instrument")
    }

    fn command(&self, instrument: u32, step: Step) -> Command {
        let Step { message, revision } = step;
        match message {
            Message::New { id, side, price, qty, ioc } => Command::SubmitOrder(self.submit_order(
                instrument,
                (side, price, qty),
                ioc,
                (self.cl_ord_id(instrument, id, 0), self.account(instrument, id, ioc)),
            )),
            Message::Cancel { id } => Command::CancelOrder(CancelOrder {
                cl_ord_id: self.cl_ord_id(instrument, id, revision),
                account: self.account(instrument, id, false),
                reserved: 0,
            }),
            Message::Replace { id, price, qty } => Command::ReplaceOrder(ReplaceOrder {
                cl_ord_id: self.cl_ord_id(instrument, id, revision - 1),
                new_cl_ord_id: self.cl_ord_id(instrument, id, revision),
                price_units: price.0,
                quantity_units: lots(qty),
                account: self.account(instrument, id, false),
                price_scale: PRICE_SCALE,
                quantity_scale: 0,
                reserved: [0; 2],
            }),
        }
    }

    fn submit_order(
        &self,
        instrument: u32,
        (side, price, qty): (Side, Price, Quantity),
        ioc: bool,
        (cl_ord_id, account): (ClOrdId, AccountId),
    ) -> SubmitOrder {
        SubmitOrder {
            cl_ord_id,
            account,
            instrument: InstrumentId(self.config.first_instrument.0 + instrument),
            price_units: price.0,
            quantity_units: lots(qty),
            expire_at: Timestamp::NONE,
            price_scale: PRICE_SCALE,
            quantity_scale: 0,
            side,
            order_type: OrderType::Limit,
            time_in_force: if ioc { TimeInForce::Ioc } else { TimeInForce::Day },
            post_only: false,
            self_trade_prevention: SelfTradePrevention::Default,
            reserved: 0,
        }
    }
}

impl Iterator for MarketFlow {
    type Item = Command;

    fn next(&mut self) -> Option<Command> {
        let total = self.cumulative[self.cumulative.len() - 1];
        let point = self.random.below(total);
        let instrument = self.cumulative.partition_point(|&sum| sum <= point);
        let step = self.flows[instrument].step();
        Some(self.command(u32::try_from(instrument).expect("checked when made"), step))
    }
}

fn usd() -> AssetCode {
    AssetCode::new("USD").expect("three letters")
}

fn lots(qty: Quantity) -> i64 {
    i64::try_from(qty.0).expect("quantities of this flow are small")
}

fn create_instrument(symbol: Symbol) -> CreateInstrument {
    CreateInstrument {
        symbol,
        currency: usd(),
        calendar: CalendarName::EMPTY,
        tick_size: Decimal::new(1, PRICE_SCALE),
        lot_size: Decimal::new(1, 0),
        max_quantity: Decimal::NONE,
        max_notional: Decimal::NONE,
        collar_percent: Decimal::NONE,
        self_trade_prevention: SelfTradePrevention::CancelNewest,
        currency_decimals: 2,
        reserved: [0; 6],
    }
}
