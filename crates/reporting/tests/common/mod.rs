//! A small market written into a real store, block by block, with the state it leads to: what SQL must agree with.

#![allow(dead_code, reason = "each test uses what it needs")]

use std::path::Path;

use engine::{NoRules, State, decide, evolve};
use event_store::{Opened, Options, Preparation, Writer};
use model::{
    AccountId, AccountName, AccountStatus, AssetCode, CalendarName, CancelAll, CancelOrder, ClOrdId, Command,
    CreateInstrument, Decimal, Deposit, Event, InitialBalance, InstrumentId, KillAccount, OpenAccount,
    OrderType, Phase, ReplaceOrder, SelfTradePrevention, SetPhase, Side, StartTradingDay, SubmitOrder,
    Symbol, TimeInForce, Timestamp, Withdraw,
};
use order_book::Book;
use reporting::{CellValue, Limits, Session};

/// 2026-01-05T09:30:00Z.
pub const OPENING_NS: i64 = 1_767_605_400_000_000_000;
pub const ACCOUNTS: u32 = 4;
pub const SYMBOLS: [&str; 3] = ["AAA", "BBB", "FRACTION"];

/// An exchange that is being written.
pub struct Market {
    store: Opened,
    pub state: State<Book>,
    /// Everything that happened, with its record number and time.
    pub events: Vec<(u64, i64, Event)>,
    pub commands: u64,
    /// How many commands were made up so far: their client ids differ.
    made: u64,
    now: i64,
}

impl Market {
    /// A new store, in small segments so that there are several.
    pub fn create(dir: &Path) -> Self {
        let options =
            Options { segment_bytes: 64 << 10, preparation: Preparation::Inline, ..Options::small() };
        let store = Writer::open(dir, &options).unwrap();
        Self { store, state: State::default(), events: Vec::new(), commands: 0, made: 0, now: OPENING_NS }
    }

    /// Three instruments and four accounts.
    pub fn opened(dir: &Path) -> Self {
        let mut market = Self::create(dir);
        let opening: Vec<Command> = SYMBOLS
            .iter()
            .enumerate()
            .map(|(at, symbol)| instrument(symbol, at))
            .chain((0..ACCOUNTS).map(|number| account(&format!("account{number}"))))
            .collect();
        market.run(&opening);
        market
    }

    /// Executes commands in one block, a millisecond after the last.
    pub fn run(&mut self, commands: &[Command]) {
        self.now += 1_000_000;
        let mut block = self.store.writer.begin(self.now).unwrap();
        for command in commands {
            let mut events = Vec::new();
            decide(&self.state, Timestamp(self.now), command, &mut NoRules, &mut events);
            let (_, payload) = block.reserve(command.kind(), command.version(), 7, command.size()).unwrap();
            command.encode(payload);
            self.commands += 1;
            for event in events {
                let (sequence, payload) =
                    block.reserve(event.kind(), event.version(), 0, event.size()).unwrap();
                event.encode(payload);
                evolve(&mut self.state, &event);
                self.events.push((sequence, self.now, event));
            }
        }
        block.finish();
        self.store.flusher.poll().unwrap();
    }

    /// Moves the clock.
    pub fn sleep(&mut self, ns: i64) {
        self.now += ns;
    }

    /// Runs `count` made-up commands, in blocks of one to eight.
    pub fn trade(&mut self, seed: u64, count: u64) {
        let end = self.made + count;
        while self.made < end {
            let many = 1 + splitmix(seed ^ self.made) % 8;
            let block = self.made..(self.made + many).min(end);
            let commands: Vec<Command> = block.clone().map(|at| made_up(seed, at)).collect();
            self.run(&commands);
            self.made = block.end;
        }
    }

    /// The last record.
    pub fn last(&self) -> u64 {
        self.store.writer.next_sequence() - 1
    }
}

pub fn instrument(symbol: &str, at: usize) -> Command {
    CreateInstrument {
        symbol: Symbol::new(symbol).unwrap(),
        currency: AssetCode::new("USD").unwrap(),
        calendar: CalendarName::EMPTY,
        // The last one has ticks of a quarter and a thousandth of a share as its lot.
        tick_size: if at == 2 { Decimal::new(250, 0) } else { Decimal::new(1, 2) },
        lot_size: if at == 2 { Decimal::new(1, 3) } else { Decimal::new(1, 0) },
        max_quantity: Decimal::NONE,
        max_notional: Decimal::NONE,
        collar_percent: Decimal::NONE,
        self_trade_prevention: SelfTradePrevention::CancelNewest,
        currency_decimals: 2,
        reserved: [0; 6],
    }
    .into()
}

pub fn account(name: &str) -> Command {
    let mut balances = [InitialBalance::NONE; model::MAX_INITIAL_BALANCES];
    let code = |code: &str| AssetCode::new(code).unwrap();
    balances[0] = InitialBalance { asset: code("USD"), amount: Decimal::new(50_000_000, 0) };
    for (balance, symbol) in balances[1..].iter_mut().zip(SYMBOLS) {
        *balance = InitialBalance { asset: code(symbol), amount: Decimal::new(1_000, 0) };
    }
    let name = AccountName::new(name).unwrap();
    OpenAccount { name, balances, status: AccountStatus::Verified, reserved: [0; 7] }.into()
}

/// A command made up from `seed` and its place in the flow. The same numbers give the same command.
pub fn made_up(seed: u64, index: u64) -> Command {
    let mut bits = splitmix(seed ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut draw = |below: u64| {
        bits = splitmix(bits);
        bits % below
    };
    let account = AccountId(u32::try_from(draw(u64::from(ACCOUNTS))).unwrap());
    let instrument = InstrumentId(u32::try_from(draw(3)).unwrap());
    let id = |index: u64| ClOrdId::new(&format!("a-long-client-id-{index}")).unwrap();
    let (price, price_scale) = if instrument.0 == 2 {
        (i64::try_from(250 * (95 + draw(11))).unwrap(), 0)
    } else {
        (i64::try_from(995 + draw(11)).unwrap(), 2)
    };
    let quantity = i64::try_from(1 + draw(50)).unwrap();
    let quantity_scale = if instrument.0 == 2 { 3 } else { 0 };
    let amount = Decimal::new(quantity * 100, 2);
    let asset = AssetCode::new(["USD", "AAA", "EUR"][usize::try_from(draw(3)).unwrap()]).unwrap();
    match draw(40) {
        0 => CancelAll { account, instrument }.into(),
        1 => Deposit { asset, amount, account, reserved: 0 }.into(),
        2 => Withdraw { asset, amount, account, reserved: 0 }.into(),
        3 if draw(500) == 0 => KillAccount { account, reserved: 0 }.into(),
        4 if draw(8) == 0 => SetPhase { instrument, phase: Phase::Halted, reserved: [0; 3] }.into(),
        3..=5 => SetPhase { instrument, phase: Phase::Open, reserved: [0; 3] }.into(),
        6 => {
            StartTradingDay { day: model::DayNumber(20_458 + i32::try_from(index % 7).unwrap()), reserved: 0 }
                .into()
        }
        7..=12 => CancelOrder { cl_ord_id: id(index.saturating_sub(draw(30))), account, reserved: 0 }.into(),
        13..=18 => ReplaceOrder {
            cl_ord_id: id(index.saturating_sub(draw(30))),
            new_cl_ord_id: id(index),
            price_units: price,
            quantity_units: quantity,
            account,
            price_scale,
            quantity_scale,
            reserved: [0; 2],
        }
        .into(),
        kind => SubmitOrder {
            cl_ord_id: id(index),
            account,
            instrument,
            price_units: if kind == 19 { i64::MIN } else { price },
            quantity_units: quantity,
            expire_at: if kind == 20 { Timestamp(i64::MAX / 2) } else { Timestamp::NONE },
            price_scale,
            quantity_scale,
            side: if draw(2) == 0 { Side::Buy } else { Side::Sell },
            order_type: if kind == 19 { OrderType::Market } else { OrderType::Limit },
            time_in_force: match kind {
                19 | 21 | 22 => TimeInForce::Ioc,
                20 => TimeInForce::Gtd,
                23 => TimeInForce::Fok,
                24 => TimeInForce::Day,
                _ => TimeInForce::Gtc,
            },
            post_only: kind == 25,
            self_trade_prevention: SelfTradePrevention::ALL[usize::try_from(draw(5)).unwrap()],
            reserved: 0,
        }
        .into(),
    }
}

/// An order in the first instrument, whose ticks are cents.
pub fn order(account: u32, side: Side, price: i64, quantity: i64, id: i64) -> Command {
    SubmitOrder {
        cl_ord_id: ClOrdId::new(&format!("x{id}")).unwrap(),
        account: AccountId(account),
        instrument: InstrumentId(0),
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

/// The cancellation of such an order.
pub fn cancel(account: u32, id: i64) -> Command {
    let cl_ord_id = ClOrdId::new(&format!("x{id}")).unwrap();
    CancelOrder { cl_ord_id, account: AccountId(account), reserved: 0 }.into()
}

/// `buyer` takes `quantity` from `seller` at `price`.
pub fn deal(market: &mut Market, seller: u32, buyer: u32, price: i64, quantity: i64, id: i64) {
    market.run(&[order(seller, Side::Sell, price, quantity, id)]);
    market.run(&[order(buyer, Side::Buy, price, quantity, id + 1)]);
}

pub fn splitmix(state: u64) -> u64 {
    let mut bits = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// A session over a store.
pub fn session(dir: &Path) -> Session {
    Session::open(dir, Limits { threads: 2, ..Limits::default() }).unwrap()
}

/// All rows of an answer, as text: null is `-`.
pub fn ask(session: &Session, sql: &str) -> Vec<Vec<String>> {
    let answer = session.query(sql).unwrap_or_else(|error| panic!("{sql}: {error}"));
    let rows = answer.rows().unwrap_or_else(|error| panic!("{sql}: {error}"));
    rows.iter().map(|row| row.iter().map(show).collect()).collect()
}

/// The only value of an answer.
pub fn one(session: &Session, sql: &str) -> String {
    let rows = ask(session, sql);
    assert_eq!((rows.len(), rows[0].len()), (1, 1), "{sql}");
    rows[0][0].clone()
}

fn show(cell: &CellValue) -> String {
    match cell {
        CellValue::Null => "-".to_owned(),
        CellValue::Bool(flag) => flag.to_string(),
        CellValue::Integer(number) => number.to_string(),
        CellValue::Float(number) => number.to_string(),
        CellValue::Number(text) | CellValue::Time(text) | CellValue::Text(text) => text.clone(),
    }
}
