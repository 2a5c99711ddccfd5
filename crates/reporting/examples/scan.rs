//! How fast the log is read, beside a native DuckDB table of the same trades:
//! `cargo run --release -p reporting --example scan -- TRADES SYMBOLS`.

use std::time::{Duration, Instant};

use engine::{NoRules, State, decide, evolve};
use event_store::{Options, Writer};
use model::{
    AccountId, AccountName, AccountStatus, AssetCode, CalendarName, ClOrdId, Command, CreateInstrument,
    Decimal, InitialBalance, InstrumentId, OpenAccount, OrderType, SelfTradePrevention, Side, SubmitOrder,
    Symbol, TimeInForce, Timestamp,
};
use order_book::Book;
use reporting::{Limits, Session};

type Outcome<T> = Result<T, Box<dyn std::error::Error>>;

/// 2026-01-05T09:30:00Z, and how long a block of the log lasts.
const OPENING_NS: i64 = 1_767_605_400_000_000_000;
const BLOCK_NS: i64 = 20_000_000;
const TRADES_PER_BLOCK: u64 = 64;

fn order(id: u64, account: u32, instrument: u32, side: Side, price: i64, quantity: i64) -> Outcome<Command> {
    Ok(SubmitOrder {
        cl_ord_id: ClOrdId::new(&id.to_string())?,
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
    .into())
}

fn instrument(number: u32) -> Outcome<Command> {
    Ok(CreateInstrument {
        symbol: Symbol::new(&format!("S{number:03}"))?,
        currency: AssetCode::new("USD")?,
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
    .into())
}

fn account(name: &str) -> Outcome<Command> {
    let mut balances = [InitialBalance::NONE; model::MAX_INITIAL_BALANCES];
    let amount = Decimal::new(10_000_000_000_000, 0);
    balances[0] = InitialBalance { asset: AssetCode::new("USD")?, amount };
    let name = AccountName::new(name)?;
    Ok(OpenAccount { name, balances, status: AccountStatus::Verified, reserved: [0; 7] }.into())
}

/// Writes a log in which two accounts trade `trades` times.
fn write(dir: &std::path::Path, trades: u64, symbols: u32) -> Outcome<()> {
    let mut store =
        Writer::open(dir, &Options { durability: event_store::Durability::Os, ..Options::default() })?;
    let mut state = State::<Book>::default();
    let mut events = Vec::new();
    let mut now = OPENING_NS;
    let mut opening = vec![account("buyer")?, account("seller")?];
    for number in 0..symbols {
        opening.push(instrument(number)?);
        let (asset, amount) = (AssetCode::new(&format!("S{number:03}"))?, Decimal::new(1_000_000_000, 0));
        opening.push(model::Deposit { asset, amount, account: AccountId(1), reserved: 0 }.into());
    }
    let mut traded = 0;
    while traded < trades || !opening.is_empty() {
        let mut commands: Vec<Command> = std::mem::take(&mut opening);
        if commands.is_empty() {
            for number in traded..trades.min(traded + TRADES_PER_BLOCK) {
                let instrument = u32::try_from(number.wrapping_mul(2_654_435_761) % u64::from(symbols))?;
                let price = 10_000 + i64::try_from(number / 97 % 200)?;
                let quantity = 1 + i64::try_from(number % 50)?;
                commands.push(order(2 * number, 1, instrument, Side::Sell, price, quantity)?);
                commands.push(order(2 * number + 1, 0, instrument, Side::Buy, price, quantity)?);
            }
            traded = trades.min(traded + TRADES_PER_BLOCK);
            if traded.is_multiple_of(1 << 20) {
                // Ids are remembered for a day; a new one forgets them.
                let day = model::DayNumber(i32::try_from(traded >> 20)?);
                commands.push(model::StartTradingDay { day, reserved: 0 }.into());
            }
        }
        now += BLOCK_NS;
        let mut block = store.writer.begin(now)?;
        for command in &commands {
            events.clear();
            decide(&state, Timestamp(now), command, &mut NoRules, &mut events);
            let (_, payload) = block.reserve(command.kind(), command.version(), 1, command.size())?;
            command.encode(payload);
            for event in &events {
                let (_, payload) = block.reserve(event.kind(), event.version(), 0, event.size())?;
                event.encode(payload);
                evolve(&mut state, event);
            }
        }
        block.finish();
        store.flusher.poll()?;
    }
    Ok(())
}

/// The quickest of several runs.
fn timed(session: &Session, sql: &str) -> Outcome<Duration> {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let started = Instant::now();
        session.query(sql)?.rows()?;
        best = best.min(started.elapsed());
    }
    Ok(best)
}

const AGGREGATE: &str =
    "SELECT sum(price_ticks), sum(quantity_lots), max(time_ns), min(trade_id), count(maker_order_id) FROM";
const CANDLES: &str = "SELECT instrument_id, time_ns // 60000000000 AS m, arg_min(price_ticks, sequence), \
    max(price_ticks), min(price_ticks), arg_max(price_ticks, sequence), sum(quantity_lots) FROM";

fn main() -> Outcome<()> {
    let mut arguments = std::env::args().skip(1).map(|argument| argument.parse::<u64>());
    let trades = arguments.next().transpose()?.unwrap_or(1_000_000);
    let symbols = u32::try_from(arguments.next().transpose()?.unwrap_or(500))?;
    let dir = tempfile::tempdir()?;
    let started = Instant::now();
    write(dir.path(), trades, symbols)?;
    println!("{trades} trades of {symbols} symbols written in {:.1?}", started.elapsed());

    let started = Instant::now();
    let session = Session::open(dir.path(), Limits { threads: 2, memory_mib: 8192, timeout: None })?;
    println!("{:<24} {:>12.1?}", "open", started.elapsed());
    let started = Instant::now();
    session.query("SELECT count(symbol) FROM instruments")?.rows()?;
    println!("{:<24} {:>12.1?}", "names, the first time", started.elapsed());
    let copy = "CREATE TABLE native AS SELECT sequence, time_ns, trade_id, instrument_id, symbol, price_ticks, \
                quantity_lots, maker_order_id FROM trades";
    session.query(copy)?.rows()?;
    let last = session.store().committed() * 99 / 100;
    for (what, log, native) in [
        ("count", "SELECT count(*) FROM trades".to_owned(), "SELECT count(*) FROM native".to_owned()),
        ("five-column aggregate", format!("{AGGREGATE} trades"), format!("{AGGREGATE} native")),
        (
            "one-minute candles",
            format!("{CANDLES} trades GROUP BY ALL"),
            format!("{CANDLES} native GROUP BY ALL"),
        ),
        (
            "one symbol",
            format!("{AGGREGATE} trades(symbol := 'S007')"),
            format!("{AGGREGATE} native WHERE symbol = 'S007'"),
        ),
        (
            "the last per cent",
            format!("{AGGREGATE} trades(from_seq := {last})"),
            format!("{AGGREGATE} native WHERE sequence >= {last}"),
        ),
    ] {
        let (log, native) = (timed(&session, &log)?, timed(&session, &native)?);
        let rate = u128::from(trades) * 1000 / log.as_nanos().max(1);
        println!("{what:<24} {log:>12.1?} {rate:>6} M rows/s   native {native:>12.1?}");
    }
    Ok(())
}
