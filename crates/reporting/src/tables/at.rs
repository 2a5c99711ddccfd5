//! Time travel: `book_at`, `balance_at` and `balances`, from the engine's own state after a record.

use std::sync::Arc;

use engine::{Balance, State};
use model::{AccountId, AssetId, KIND_EVENT_FIRST, Side};
use order_book::{Book, Level};
use sequencer::replay::{FoldOptions, fold_with};

use crate::error::Error;
use crate::store::Store;
use crate::table::scan::Ready;
use crate::table::vector::Exact;
use crate::table::{ACCOUNT, Column, Filter, Kind, Parameter, SYMBOL, Scan, TO_SEQ, TO_TIME, Table, columns};

/// A book after a record.
pub struct BookAt;

/// What an account owned after a record.
pub struct BalanceAt;

/// What every account owns.
pub struct Balances;

/// The record after which to look.
const SEQ: Parameter = Parameter { name: "seq", kind: Kind::Bigint, required: true };

/// The state after the command that record `at` belongs to, and the last record of that command: between a command and its
/// last event there is no state that anybody could have seen.
pub fn state_at(store: &Store, at: u64) -> Result<(State<Book>, u64), Error> {
    if at == 0 {
        return Ok((State::default().without_client_order_ids(), 0));
    }
    let end = command_end(store, at)?;
    let options =
        FoldOptions { up_to: Some(end), checksums: false, client_order_ids: false, ..FoldOptions::default() };
    Ok((fold_with::<Book>(store.dir(), options)?.state, end))
}

/// The last event of the command that a record belongs to. They are all in one block.
fn command_end(store: &Store, sequence: u64) -> Result<u64, Error> {
    let mut reader = store.reader();
    reader.seek_sequence(sequence)?;
    let Some(block) = reader.next_block()? else { return Ok(sequence) };
    let events = block.records_from(sequence + 1).take_while(|record| record.kind >= KIND_EVENT_FIRST);
    Ok(events.last().map_or(sequence, |record| record.sequence))
}

pub struct LevelRow {
    instrument: model::InstrumentId,
    side: Side,
    /// From 1, best first.
    position: u32,
    level: Level,
    /// The record after which this is so.
    at: u64,
}

impl Table for BookAt {
    type Rows = Vec<LevelRow>;
    const NAME: &'static str = "book_at";
    const ABOUT: &'static str = "An instrument's book after the command that a record belongs to, one row a price: \
        `book_at('AAPL', 464)`. Bids and asks, each best first.";
    const PARAMETERS: &'static [Parameter] = &[Parameter { required: true, ..SYMBOL }, SEQ];
    const COLUMNS: &'static [Column<Vec<LevelRow>>] = columns![Vec<LevelRow>:
        &str, "side", "", "`buy` for bids, `sell` for asks.", |row| row.side.as_str();
        i64, "level", "", "From 1, the best price, on.", |row| i64::from(row.position);
        Option<Exact>, "price", "currency", "The price.", |row, names| names.price(row.instrument, row.level.price);
        Option<Exact>, "quantity", "units", "What all orders at it have left.",
            |row, names| names.quantity(row.instrument, row.level.quantity);
        i64, "orders", "", "How many orders.", |row| i64::from(row.level.orders);
        i64, "price_ticks", "ticks", "The price as the log has it.", |row| row.level.price.0;
        u64, "quantity_lots", "lots", "The quantity as the log has it.", |row| row.level.quantity.0;
        u64, "at_sequence", "record", "The last record of that command.", |row| row.at;
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<LevelRow>>>, Error> {
        let wanted = filter.instrument.ok_or(Error::Missing {
            function: "book_at",
            parameter: "a symbol",
            example: "FROM book_at('AAPL', 464)",
        })?;
        let (state, at) = state_at(store, filter.range.to)?;
        let mut rows = Vec::new();
        // Listed later than that, it had no book yet.
        if let Some(instrument) = state.instrument(wanted) {
            use order_book::OrderBook as _;
            for side in [Side::Buy, Side::Sell] {
                rows.extend((1..).zip(instrument.book().levels(side)).map(|(position, level)| LevelRow {
                    instrument: wanted,
                    side,
                    position,
                    level,
                    at,
                }));
            }
        }
        Ok(Box::new(Ready::new(rows)))
    }
}

pub struct BalanceRow {
    account: AccountId,
    asset: AssetId,
    balance: Balance,
    at: u64,
}

/// What there is, account by account, where there is something.
fn balances(store: &Store, filter: &Filter) -> Result<Box<dyn Scan<Vec<BalanceRow>>>, Error> {
    let (state, at) = state_at(store, filter.range.to)?;
    let mut rows = Vec::new();
    for account in state.accounts().filter(|account| filter.wants_account(account.id)) {
        for asset in state.assets() {
            let balance = state.balance(account.id, asset.id);
            if balance != Balance::default() {
                rows.push(BalanceRow { account: account.id, asset: asset.id, balance, at });
            }
        }
    }
    Ok(Box::new(Ready::new(rows)))
}

const BALANCE_COLUMNS: &[Column<Vec<BalanceRow>>] = columns![Vec<BalanceRow>:
    Option<&str>, "account", "", "Whose.", |row, names| names.account(row.account);
    Option<&str>, "asset", "", "Of what: a currency or an instrument.",
        |row, names| names.asset(row.asset).map(|asset| asset.code.as_str());
    Option<bool>, "is_instrument", "", "Whether that is an instrument rather than a currency.",
        |row, names| names.asset(row.asset).map(|asset| asset.is_instrument);
    Option<Exact>, "total", "units of the asset", "All of it.", |row, names| names.amount(row.asset, row.balance.total.0);
    Option<Exact>, "held", "units of the asset", "The part that working orders may need.",
        |row, names| names.amount(row.asset, row.balance.held.0);
    Option<Exact>, "available", "units of the asset", "The part that may be spent.",
        |row, names| names.amount(row.asset, row.balance.available().0);
    i64, "total_minor", "minor units", "The total in the asset's smallest unit: cents, or lots.", |row| row.balance.total.0;
    i64, "held_minor", "minor units", "The held part in that unit.", |row| row.balance.held.0;
    u64, "at_sequence", "record", "The record after which this is so.", |row| row.at;
];

impl Table for BalanceAt {
    type Rows = Vec<BalanceRow>;
    const NAME: &'static str = "balance_at";
    const ABOUT: &'static str = "What an account owned after the command that a record belongs to, one row an asset: \
        `balance_at('alice', 464)`.";
    const PARAMETERS: &'static [Parameter] = &[Parameter { required: true, ..ACCOUNT }, SEQ];
    const COLUMNS: &'static [Column<Vec<BalanceRow>>] = BALANCE_COLUMNS;

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<BalanceRow>>>, Error> {
        let missing = Error::Missing {
            function: "balance_at",
            parameter: "an account",
            example: "FROM balance_at('alice', 464)",
        };
        filter.account.ok_or(missing)?;
        balances(store, filter)
    }
}

impl Table for Balances {
    type Rows = Vec<BalanceRow>;
    const NAME: &'static str = "balances";
    const ABOUT: &'static str =
        "What every account owns, one row an account and asset; nothing owned, no row.";
    const PARAMETERS: &'static [Parameter] = &[TO_SEQ, TO_TIME, ACCOUNT];
    const COLUMNS: &'static [Column<Vec<BalanceRow>>] = BALANCE_COLUMNS;

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<BalanceRow>>>, Error> {
        balances(store, filter)
    }
}
