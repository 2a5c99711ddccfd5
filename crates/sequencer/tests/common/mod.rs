//! A small market to try things on: three instruments, a few accounts, and orders made up from a number.

#![allow(dead_code, reason = "each test uses what it needs")]

pub mod rules;

use std::path::Path;
use std::time::Duration;

use model::{
    AccountId, AccountName, AccountStatus, AssetCode, CalendarName, CancelAll, CancelOrder, ClOrdId, Command,
    Configure, CreateInstrument, Decimal, InitialBalance, InstrumentId, OpenAccount, OrderType, ReplaceOrder,
    SelfTradePrevention, Side, SubmitOrder, Symbol, TimeInForce, Timestamp,
};
use sequencer::{
    Calendars, Durability, Node, NodeConfig, SnapshotEvery, SubmitError, Submitter, WaitStrategy,
};

pub const ACCOUNTS: u32 = 5;
pub const INSTRUMENTS: u32 = 3;

/// Settings for a small, fast node without calendars or snapshots.
pub fn config(store: &Path) -> NodeConfig {
    NodeConfig {
        store: store.to_owned(),
        durability: Durability::Os,
        segment_bytes: 4 << 20,
        ring_capacity: 1024,
        max_batch: 64,
        wait: WaitStrategy::Yield,
        snapshot_every: SnapshotEvery::NEVER,
        limits: Configure {
            max_order_ids: 1 << 16,
            max_working_orders: 8192,
            max_accounts: 64,
            max_instruments: 16,
            reserved: 0,
        },
        calendars: Calendars::none(),
        ..NodeConfig::default()
    }
}

pub fn instrument(symbol: &str, calendar: CalendarName) -> Command {
    CreateInstrument {
        symbol: Symbol::new(symbol).unwrap(),
        currency: AssetCode::new("USD").unwrap(),
        calendar,
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

pub fn account(name: &str) -> Command {
    let mut balances = [InitialBalance::NONE; model::MAX_INITIAL_BALANCES];
    balances[0] =
        InitialBalance { asset: AssetCode::new("USD").unwrap(), amount: Decimal::new(1_000_000_000, 0) };
    for (balance, symbol) in balances[1..].iter_mut().zip(["AAA", "BBB", "CCC"]) {
        *balance =
            InitialBalance { asset: AssetCode::new(symbol).unwrap(), amount: Decimal::new(1_000_000, 0) };
    }
    let name = AccountName::new(name).unwrap();
    OpenAccount { name, balances, status: AccountStatus::Verified, reserved: [0; 7] }.into()
}

/// What makes the market.
pub fn opening() -> Vec<Command> {
    let instruments = ["AAA", "BBB", "CCC"].map(|symbol| instrument(symbol, CalendarName::EMPTY));
    instruments.into_iter().chain((0..ACCOUNTS).map(|number| account(&format!("a{number}")))).collect()
}

/// A command made up from `seed` and its place in the flow. The same numbers give the same command.
pub fn made_up(seed: u64, index: u64) -> Command {
    let mut bits = splitmix(seed ^ index.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    let mut draw = |below: u64| {
        bits = splitmix(bits);
        bits % below
    };
    let account = AccountId(u32::try_from(draw(u64::from(ACCOUNTS))).unwrap());
    let instrument = InstrumentId(u32::try_from(draw(u64::from(INSTRUMENTS))).unwrap());
    let id = |index: u64| ClOrdId::new(&format!("o{index}")).unwrap();
    let price = i64::try_from(990 + draw(21)).unwrap();
    let quantity = i64::try_from(1 + draw(50)).unwrap();
    match draw(20) {
        0 => CancelAll { account, instrument }.into(),
        1..=4 => CancelOrder { cl_ord_id: id(index.saturating_sub(draw(30))), account, reserved: 0 }.into(),
        5..=7 => ReplaceOrder {
            cl_ord_id: id(index.saturating_sub(draw(30))),
            new_cl_ord_id: id(index),
            price_units: price,
            quantity_units: quantity,
            account,
            price_scale: 2,
            quantity_scale: 0,
            reserved: [0; 2],
        }
        .into(),
        kind => SubmitOrder {
            cl_ord_id: id(index),
            account,
            instrument,
            price_units: price,
            quantity_units: quantity,
            expire_at: if kind == 8 {
                Timestamp(i64::MAX / 2 + i64::try_from(draw(1000)).unwrap())
            } else {
                Timestamp::NONE
            },
            price_scale: 2,
            quantity_scale: 0,
            side: if draw(2) == 0 { Side::Buy } else { Side::Sell },
            order_type: OrderType::Limit,
            time_in_force: match kind {
                8 => TimeInForce::Gtd,
                9 | 10 => TimeInForce::Ioc,
                11 => TimeInForce::Fok,
                12 => TimeInForce::Day,
                _ => TimeInForce::Gtc,
            },
            post_only: kind == 13,
            self_trade_prevention: SelfTradePrevention::ALL[usize::try_from(draw(5)).unwrap()],
            reserved: 0,
        }
        .into(),
    }
}

fn splitmix(state: u64) -> u64 {
    let mut bits = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

/// Submits, trying again while the ring is full.
#[expect(clippy::needless_pass_by_value, reason = "callers make a command and nothing else wants it")]
pub fn submit(submitter: &Submitter, tag: u64, command: Command) {
    loop {
        match submitter.submit(tag, command.clone()) {
            Ok(()) => return,
            Err(SubmitError::Busy) => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Waits until as many commands have been executed and committed.
pub fn wait_executed(node: &Node, commands: u64) {
    let deadline = std::time::Instant::now() + Duration::from_mins(1);
    while node.status().core.commands < commands || node.committed() < node.status().watermarks.written {
        assert!(std::time::Instant::now() < deadline, "{:?}", node.status());
        std::thread::sleep(Duration::from_millis(1));
    }
}
