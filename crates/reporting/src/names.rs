//! What instruments, accounts and assets are called and how finely they count: a small fold over the log, kept for as
//! long as the store is open and carried on from where it stood.

use std::collections::HashMap;

use model::{
    AccountId, AccountLimitsChanged, AccountOpened, AccountStatus, AssetId, AssetRegistered, Event,
    InstrumentCreated, InstrumentId, Phase, Price, Quantity, RuleId, RuleName,
};

use crate::table::vector::Exact;

/// An account, as it stands.
#[derive(Debug, Clone)]
pub struct AccountRow {
    /// What it is called.
    pub name: String,
    /// What it was opened with.
    pub opened: AccountOpened,
    /// The record that opened it.
    pub sequence: u64,
    /// When.
    pub time_ns: i64,
    /// Whether it may trade now.
    pub status: AccountStatus,
    /// Its own limits, once it has some.
    pub limits: Option<AccountLimitsChanged>,
}

/// An instrument, as it stands.
#[derive(Debug, Clone)]
pub struct InstrumentRow {
    /// What it is called.
    pub symbol: String,
    /// What it was listed with.
    pub terms: InstrumentCreated,
    /// The record that listed it.
    pub sequence: u64,
    /// When.
    pub time_ns: i64,
    /// What it accepts now.
    pub phase: Phase,
}

/// The names there are after some record.
#[derive(Debug, Clone, Default)]
pub struct Names {
    /// By id.
    pub instruments: Vec<InstrumentRow>,
    /// By id.
    pub accounts: Vec<AccountRow>,
    /// By id.
    pub assets: Vec<AssetRegistered>,
    rules: HashMap<RuleId, RuleName>,
    by_symbol: HashMap<String, InstrumentId>,
    by_name: HashMap<String, AccountId>,
}

/// The kinds of record that [`Names::apply`] wants.
pub const fn is_name(kind: model::RecordKind) -> bool {
    matches!(kind, 0x0210 | 0x0220 | 0x0221 | 0x0230 | 0x0232..=0x0234 | 0x0250)
}

impl Names {
    /// Takes in an event, of which only those of [`is_name`] matter.
    pub fn apply(&mut self, event: &Event, sequence: u64, time_ns: i64) {
        match event {
            Event::InstrumentCreated(terms) => {
                let symbol = terms.symbol.to_string();
                self.by_symbol.insert(symbol.clone(), terms.instrument);
                let (terms, phase) = (*terms, terms.phase);
                self.instruments.push(InstrumentRow { symbol, terms, sequence, time_ns, phase });
            }
            Event::AccountOpened(opened) => {
                let name = opened.name.to_string();
                self.by_name.insert(name.clone(), opened.account);
                let (opened, status) = (*opened, opened.status);
                self.accounts.push(AccountRow { name, opened, sequence, time_ns, status, limits: None });
            }
            Event::AssetRegistered(asset) => self.assets.push(*asset),
            Event::PhaseChanged(event) => {
                if let Some(row) = self.instruments.get_mut(event.instrument.index()) {
                    row.phase = event.phase;
                }
            }
            Event::AccountStatusChanged(event) => self.set_status(event.account, event.status),
            Event::AccountKilled(event) => self.set_status(event.account, AccountStatus::Killed),
            Event::AccountLimitsChanged(event) => {
                if let Some(row) = self.accounts.get_mut(event.account.index()) {
                    row.limits = Some(*event);
                }
            }
            Event::RuleLoaded(event) => {
                self.rules.insert(event.rule, event.name);
            }
            _ => {}
        }
    }

    fn set_status(&mut self, account: AccountId, status: AccountStatus) {
        if let Some(row) = self.accounts.get_mut(account.index()) {
            row.status = status;
        }
    }

    /// The instrument of a symbol.
    pub fn instrument_by_symbol(&self, symbol: &str) -> Option<InstrumentId> {
        self.by_symbol.get(symbol).copied()
    }

    /// The account of a name.
    pub fn account_by_name(&self, name: &str) -> Option<AccountId> {
        self.by_name.get(name).copied()
    }

    /// What an instrument was listed with.
    #[inline]
    pub fn terms(&self, instrument: InstrumentId) -> Option<&InstrumentCreated> {
        self.instruments.get(instrument.index()).map(|row| &row.terms)
    }

    /// An instrument's symbol; `None` for one that never was.
    #[inline]
    pub fn symbol(&self, instrument: InstrumentId) -> Option<&str> {
        self.instruments.get(instrument.index()).map(|row| row.symbol.as_str())
    }

    /// An account's name; `None` for one that never was.
    #[inline]
    pub fn account(&self, account: AccountId) -> Option<&str> {
        self.accounts.get(account.index()).map(|row| row.name.as_str())
    }

    /// A rule's name; `None` for one that never was.
    pub fn rule(&self, rule: RuleId) -> Option<&str> {
        self.rules.get(&rule).map(RuleName::as_str)
    }

    /// An asset; `None` for one that never was.
    #[inline]
    pub fn asset(&self, asset: AssetId) -> Option<&AssetRegistered> {
        self.assets.get(asset.index())
    }

    /// The code of what an instrument's price is in.
    #[inline]
    pub fn currency(&self, instrument: InstrumentId) -> Option<&str> {
        self.asset(self.terms(instrument)?.currency).map(|asset| asset.code.as_str())
    }

    /// A price in the quote currency.
    #[inline]
    pub fn price(&self, instrument: InstrumentId, price: Price) -> Option<Exact> {
        let tick = self.terms(instrument)?.tick_size;
        Exact::of(price.0, tick.units, tick.scale)
    }

    /// A quantity in units of the instrument.
    #[inline]
    pub fn quantity(&self, instrument: InstrumentId, quantity: Quantity) -> Option<Exact> {
        let lot = self.terms(instrument)?.lot_size;
        Exact::of(i64::try_from(quantity.0).ok()?, lot.units, lot.scale)
    }

    /// What so much at such a price is worth, in minor units of the currency.
    #[inline]
    pub fn notional_minor(&self, instrument: InstrumentId, price: Price, quantity: Quantity) -> Option<i64> {
        self.terms(instrument)?.tick_value.cash(price, quantity).map(|cash| cash.0)
    }

    /// What so much at such a price is worth, in the currency.
    #[inline]
    pub fn notional(&self, instrument: InstrumentId, price: Price, quantity: Quantity) -> Option<Exact> {
        let minor = self.notional_minor(instrument, price, quantity)?;
        self.amount(self.terms(instrument)?.currency, minor)
    }

    /// An amount of an asset: so many of its smallest units. For an instrument the smallest unit is its lot.
    #[inline]
    pub fn amount(&self, asset: AssetId, minor: i64) -> Option<Exact> {
        let registered = self.asset(asset)?;
        if registered.is_instrument {
            let instrument = self.by_symbol.get(registered.code.as_str())?;
            let lot = self.terms(*instrument)?.lot_size;
            return Exact::of(minor, lot.units, lot.scale);
        }
        Exact::of(minor, 1, registered.decimals)
    }
}
