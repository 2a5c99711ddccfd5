//! Opening accounts, deposits and withdrawals: what comes in from outside and what goes out.

use super::rejected;
use crate::assets::{DEFAULT_CURRENCY_DECIMALS, is_currency};
use crate::state::State;
use model::{
    AccountId, AccountOpened, AccountStatus, AssetCode, AssetId, AssetRegistered, BalanceChanged, Cash,
    Decimal, Deposit, Event, InstrumentId, OpenAccount, Record, RejectReason, Withdraw,
};
use order_book::OrderBook;

/// An asset as a command names it.
#[derive(Clone, Copy)]
struct Named {
    /// `None` for a currency mentioned for the first time.
    id: Option<AssetId>,
    decimals: u8,
    /// An instrument's lot, which is its unit.
    lot_size: Option<Decimal>,
}

/// An instrument that exists, or else a currency.
fn name<B: OrderBook>(state: &State<B>, code: &AssetCode) -> Result<Named, RejectReason> {
    if let Some(instrument) = state.instrument_by_symbol(code) {
        let terms = &instrument.terms;
        return Ok(Named { id: Some(terms.asset), decimals: 0, lot_size: Some(terms.lot_size) });
    }
    match state.asset_by_code(code) {
        Some(asset) => Ok(Named { id: Some(asset.id), decimals: asset.decimals, lot_size: None }),
        None if is_currency(code) => {
            Ok(Named { id: None, decimals: DEFAULT_CURRENCY_DECIMALS, lot_size: None })
        }
        None => Err(RejectReason::UnknownAsset),
    }
}

/// An amount in the asset's smallest unit. Zero is an amount here; `Deposit` and `Withdraw` refuse it.
fn amount(named: &Named, amount: Decimal) -> Result<Cash, RejectReason> {
    let units = match named.lot_size {
        Some(lot) => amount.in_steps_of(lot),
        None => amount.at_scale(named.decimals),
    };
    match units {
        Some(units) if units >= 0 => Ok(Cash(units)),
        _ => Err(RejectReason::InvalidAmount),
    }
}

/// Whether so much more of an asset can exist: its supply stays within 64 bits, and so does every balance.
fn check_supply<B: OrderBook>(state: &State<B>, named: &Named, more: Cash) -> Result<(), RejectReason> {
    let supply = named.id.map_or(0, |id| state.ledger.supply(id));
    if supply.checked_add(more.0).is_some() { Ok(()) } else { Err(RejectReason::InvalidAmount) }
}

fn currency_registered(code: AssetCode, asset: AssetId) -> Event {
    Event::AssetRegistered(AssetRegistered {
        code,
        asset,
        decimals: DEFAULT_CURRENCY_DECIMALS,
        is_instrument: false,
        reserved: [0; 2],
    })
}

/// Opens an account with its balances, or refuses it whole.
pub(super) fn open_account<B: OrderBook>(state: &State<B>, command: &OpenAccount, events: &mut Vec<Event>) {
    let from = events.len();
    if let Err(reason) = try_open(state, command, events) {
        events.truncate(from);
        events.push(rejected(OpenAccount::KIND, reason, AccountId::UNKNOWN, InstrumentId::UNKNOWN));
    }
}

fn try_open<B: OrderBook>(
    state: &State<B>,
    command: &OpenAccount,
    events: &mut Vec<Event>,
) -> Result<(), RejectReason> {
    if command.name.is_empty() {
        return Err(RejectReason::UnknownAccount);
    }
    if state.account_by_name(&command.name).is_some() {
        return Err(RejectReason::DuplicateAccount);
    }
    if state.accounts.len() >= state.bounds.max_accounts as usize {
        return Err(RejectReason::TooManyEntries);
    }
    if command.status == AccountStatus::Killed {
        return Err(RejectReason::KillSwitch);
    }
    let account = state.accounts.next_id();
    events.push(Event::AccountOpened(AccountOpened {
        name: command.name,
        account,
        status: command.status,
        reserved: [0; 3],
    }));
    let balances = command.balances.iter().take_while(|balance| !balance.asset.is_empty());
    let mut new_assets = 0;
    for (at, balance) in balances.enumerate() {
        let named = name(state, &balance.asset)?;
        let units = amount(&named, balance.amount)?;
        // The same asset may stand there twice: both count.
        let earlier = &command.balances[..at];
        let mut total = units;
        for same in earlier.iter().filter(|earlier| earlier.asset == balance.asset) {
            let more = amount(&named, same.amount)?;
            total = Cash(total.0.checked_add(more.0).ok_or(RejectReason::InvalidAmount)?);
        }
        check_supply(state, &named, total)?;
        if units == Cash::ZERO {
            continue;
        }
        let registered = events.iter().find_map(|event| match event {
            Event::AssetRegistered(event) if event.code == balance.asset => Some(event.asset),
            _ => None,
        });
        let asset = named.id.or(registered).unwrap_or_else(|| {
            let asset = state.assets.next_id(new_assets);
            new_assets += 1;
            events.push(currency_registered(balance.asset, asset));
            asset
        });
        events.push(Event::BalanceChanged(BalanceChanged { amount: units, account, asset }));
    }
    Ok(())
}

/// Brings an amount in.
pub(super) fn deposit<B: OrderBook>(state: &State<B>, command: &Deposit, events: &mut Vec<Event>) {
    let Deposit { account, asset: code, .. } = *command;
    let checked = check(state, account, &code, command.amount)
        .and_then(|(named, units)| check_supply(state, &named, units).map(|()| (named, units)));
    match checked {
        Ok((named, amount)) => {
            let asset = named.id.unwrap_or_else(|| {
                let asset = state.assets.next_id(0);
                events.push(currency_registered(code, asset));
                asset
            });
            events.push(Event::BalanceChanged(BalanceChanged { amount, account, asset }));
        }
        Err(reason) => events.push(rejected(Deposit::KIND, reason, account, InstrumentId::UNKNOWN)),
    }
}

/// Takes an available amount out.
pub(super) fn withdraw<B: OrderBook>(state: &State<B>, command: &Withdraw, events: &mut Vec<Event>) {
    let account = command.account;
    let checked = check(state, account, &command.asset, command.amount).and_then(|(named, units)| {
        let available = named.id.map_or(Cash::ZERO, |asset| state.balance(account, asset).available());
        match named.id {
            Some(asset) if units <= available => Ok((asset, units)),
            _ if named.lot_size.is_some() => Err(RejectReason::InsufficientPosition),
            _ => Err(RejectReason::InsufficientFunds),
        }
    });
    events.push(match checked {
        Ok((asset, units)) => {
            Event::BalanceChanged(BalanceChanged { amount: Cash(-units.0), account, asset })
        }
        Err(reason) => rejected(Withdraw::KIND, reason, account, InstrumentId::UNKNOWN),
    });
}

/// What a deposit and a withdrawal have in common: who, what, and a positive amount of it.
fn check<B: OrderBook>(
    state: &State<B>,
    account: AccountId,
    code: &AssetCode,
    units: Decimal,
) -> Result<(Named, Cash), RejectReason> {
    if state.account(account).is_none() {
        return Err(RejectReason::UnknownAccount);
    }
    let named = name(state, code)?;
    let units = amount(&named, units)?;
    if units == Cash::ZERO { Err(RejectReason::InvalidAmount) } else { Ok((named, units)) }
}
