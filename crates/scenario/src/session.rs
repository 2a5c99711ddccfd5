//! One run of one scenario: turns its commands into commands of the exchange, and what happened into lines.

use crate::exchange::{Exchange, ExchangeError};
use crate::mode::Mode;
use crate::names::Names;
use crate::parse::CLOCK_START;
use crate::query::Facts;
use crate::rules::{self, RuleHost};
use crate::syntax::{Command, Scenario, Step};
use crate::view::{Speaker, View};
use model::{
    AccountId, AccountName, AccountStatus, AssetCode, CalendarName, CancelAll, CancelOrder, CreateInstrument,
    Decimal, Deposit, InitialBalance, InstrumentId, KillAccount, MAX_INITIAL_BALANCES, OpenAccount,
    OrderType, ReplaceOrder, RuleName, SelfTradePrevention, SetPhase, SubmitOrder, Symbol, TimeInForce,
    Timestamp, Withdraw,
};
use order_book::{Book, NaiveBook, OrderBook};
use plugin_host::Statistics;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Decimals of money in scenarios, in every currency.
const CURRENCY_DECIMALS: u8 = 2;

/// The currency of an instrument that names none.
const DEFAULT_CURRENCY: &str = "USD";

/// What a run came to.
pub(crate) struct Run {
    /// What each case printed.
    pub cases: Vec<Vec<String>>,
    /// What the rules did that it loaded, with their names.
    pub rules: Vec<(RuleName, Statistics)>,
}

/// Runs a scenario.
pub(crate) fn run(scenario: &Scenario, folder: &Path, mode: Mode) -> Result<Run, ExchangeError> {
    let store = scratch().map_err(ExchangeError::NoDirectory)?;
    let path = store.path().to_owned();
    let commands = scenario.cases.iter().map(|case| case.commands.len()).sum();
    let mut steps = scenario.cases.iter().flat_map(|case| &case.commands);
    let loads = steps.any(|step| matches!(step.command, Command::RuleLoad { .. }));
    let rules = if loads { Some(RuleHost::new(&path, folder)?) } else { None };
    match mode {
        Mode::Naive => Session::<NaiveBook>::new(path, mode, commands, rules)?.run(scenario),
        Mode::Live | Mode::Restart | Mode::Snapshot | Mode::Reexecute => {
            Session::<Book>::new(path, mode, commands, rules)?.run(scenario)
        }
    }
}

/// A temporary directory for a store: in memory where the system has such a place, since snapshots are synced and a
/// disk takes milliseconds for that; where `TMPDIR` says, if it says anything.
fn scratch() -> std::io::Result<TempDir> {
    const IN_MEMORY: &str = "/dev/shm";
    let mut named = tempfile::Builder::new();
    named.prefix("outcry-scenario-");
    if std::env::var_os("TMPDIR").is_none()
        && let Ok(directory) = named.tempdir_in(IN_MEMORY)
    {
        return Ok(directory);
    }
    named.tempdir()
}

struct Session<B: OrderBook> {
    mode: Mode,
    exchange: Exchange<B>,
    view: View,
    names: Names,
    rules: Option<RuleHost>,
}

impl<B: OrderBook> Session<B> {
    fn new(
        store: PathBuf,
        mode: Mode,
        commands: usize,
        rules: Option<RuleHost>,
    ) -> Result<Self, ExchangeError> {
        let desk = rules.as_ref().map(|rules| rules.desk.clone());
        let exchange = Exchange::new(store, CLOCK_START, commands, desk)?;
        let mut session = Self { mode, exchange, view: View::default(), names: Names::default(), rules };
        session.catch_up()?;
        Ok(session)
    }

    fn run(mut self, scenario: &Scenario) -> Result<Run, ExchangeError> {
        let mut cases = Vec::with_capacity(scenario.cases.len());
        for case in &scenario.cases {
            let mut lines = Vec::new();
            for step in &case.commands {
                self.step(step, &mut lines)?;
            }
            cases.push(lines);
        }
        if self.mode == Mode::Reexecute {
            self.exchange.audit()?;
        }
        let statistics = self.rules.as_ref().map(|rules| rules.desk.statistics()).unwrap_or_default();
        let rules = statistics.into_iter().filter_map(|did| Some((self.view.rule_of(did.activation)?, did)));
        Ok(Run { cases, rules: rules.collect() })
    }

    fn step(&mut self, step: &Step, lines: &mut Vec<String>) -> Result<(), ExchangeError> {
        for event in self.exchange.advance(step.stamp)? {
            lines.extend(self.view.fold(&event, &self.names, None));
        }
        let facts = Facts { state: self.exchange.state(), view: &self.view, names: &self.names };
        if let Some(answer) = facts.answer(&step.command) {
            lines.extend(answer);
        } else if step.command == Command::Restart {
            self.exchange.crash()?;
            self.catch_up()?;
        } else if let Command::RuleLoad { name, ref path, kind, failure } = step.command {
            let host = self.rules.as_ref().expect("there is one when a rule is loaded");
            match host.load(name, path, kind, failure) {
                Ok(commands) => {
                    for command in commands {
                        self.execute(step.stamp, command, None, lines)?;
                    }
                }
                Err(error) => lines.push(format!("rule-refused {name} \"{error}\"")),
            }
        } else if let Some((command, speaker)) = self.command(&step.command) {
            self.execute(step.stamp, command, speaker, lines)?;
        }
        match self.mode {
            Mode::Live | Mode::Naive | Mode::Reexecute => return Ok(()),
            Mode::Restart => self.exchange.crash()?,
            Mode::Snapshot => self.exchange.reload()?,
        }
        self.catch_up()
    }

    fn execute(
        &mut self,
        stamp: Timestamp,
        command: model::Command,
        speaker: Speaker,
        lines: &mut Vec<String>,
    ) -> Result<(), ExchangeError> {
        for event in self.exchange.execute(stamp, command)? {
            lines.extend(self.view.fold(&event, &self.names, speaker));
        }
        Ok(())
    }

    /// Reads the log from its first record on, as after a crash.
    fn catch_up(&mut self) -> Result<(), ExchangeError> {
        self.view = View::new(self.rules.as_ref().map(|rules| rules.desk.clone()));
        for event in self.exchange.read()? {
            self.view.fold(&event, &self.names, None);
        }
        Ok(())
    }

    /// The exchange's command for a line that is one, and the account that speaks.
    fn command(&mut self, command: &Command) -> Option<(model::Command, Speaker)> {
        let command = match *command {
            Command::Instrument { .. } => return Some((create_instrument(command)?, None)),
            Command::Account { name, ref balances } => {
                return Some((open_account(name, balances), None));
            }
            Command::Deposit { account, asset, amount } => {
                Deposit { asset, amount, account: self.account(&account), reserved: 0 }.into()
            }
            Command::Withdraw { account, asset, amount } => {
                Withdraw { asset, amount, account: self.account(&account), reserved: 0 }.into()
            }
            Command::Order { account, .. } => return Some((self.order(command)?, Some(account))),
            Command::Replace { account, id, quantity, price, new_id } => {
                let new_cl_ord_id = self.names.submit(account, new_id);
                let price = price.unwrap_or(Decimal::NONE);
                let quantity = quantity.unwrap_or(Decimal::NONE);
                let replace = ReplaceOrder {
                    cl_ord_id: id,
                    new_cl_ord_id,
                    price_units: price.units,
                    quantity_units: quantity.units,
                    account: self.account(&account),
                    price_scale: price.scale,
                    quantity_scale: quantity.scale,
                    reserved: [0; 2],
                };
                return Some((replace.into(), Some(account)));
            }
            Command::Cancel { account, id } => {
                let cancel = CancelOrder { cl_ord_id: id, account: self.account(&account), reserved: 0 };
                return Some((cancel.into(), Some(account)));
            }
            Command::CancelAll { account, symbol } => {
                let instrument = symbol.map_or(InstrumentId::ALL, |symbol| self.instrument(&symbol));
                CancelAll { account: self.account(&account), instrument }.into()
            }
            Command::Phase { symbol, phase } => {
                SetPhase { instrument: self.instrument(&symbol), phase, reserved: [0; 3] }.into()
            }
            Command::Kill { account } => KillAccount { account: self.account(&account), reserved: 0 }.into(),
            Command::RuleUnload { name } => rules::unload(name),
            // Loading is two commands; the others are not for the exchange.
            _ => return None,
        };
        Some((command, None))
    }

    fn order(&mut self, command: &Command) -> Option<model::Command> {
        let &Command::Order {
            side,
            account,
            symbol,
            quantity,
            price,
            id,
            time_in_force,
            expire_at,
            post_only,
            self_trade_prevention,
        } = command
        else {
            return None;
        };
        let (order_type, price, default) = match price {
            Some(price) => (OrderType::Limit, price, TimeInForce::Day),
            None => (OrderType::Market, Decimal::NONE, TimeInForce::Ioc),
        };
        let order = SubmitOrder {
            cl_ord_id: self.names.submit(account, id),
            account: self.account(&account),
            instrument: self.instrument(&symbol),
            price_units: price.units,
            quantity_units: quantity.units,
            expire_at: expire_at.unwrap_or(Timestamp::NONE),
            price_scale: price.scale,
            quantity_scale: quantity.scale,
            side,
            order_type,
            time_in_force: time_in_force.unwrap_or(default),
            post_only,
            self_trade_prevention: self_trade_prevention.unwrap_or(SelfTradePrevention::Default),
            reserved: 0,
        };
        Some(order.into())
    }

    fn account(&self, name: &AccountName) -> AccountId {
        self.exchange.state().account_by_name(name).map_or(AccountId::UNKNOWN, |account| account.id)
    }

    fn instrument(&self, symbol: &Symbol) -> InstrumentId {
        let instrument = self.exchange.state().instrument_by_symbol(symbol);
        instrument.map_or(InstrumentId::UNKNOWN, |instrument| instrument.terms.instrument)
    }
}

fn create_instrument(command: &Command) -> Option<model::Command> {
    let &Command::Instrument {
        symbol,
        tick,
        lot,
        currency,
        self_trade_prevention,
        max_quantity,
        max_notional,
        collar_percent,
    } = command
    else {
        return None;
    };
    let default = || AssetCode::new(DEFAULT_CURRENCY).expect("three letters are a code");
    let create = CreateInstrument {
        symbol,
        currency: currency.unwrap_or_else(default),
        calendar: CalendarName::EMPTY,
        tick_size: tick,
        lot_size: lot,
        max_quantity: max_quantity.unwrap_or(Decimal::NONE),
        max_notional: max_notional.unwrap_or(Decimal::NONE),
        collar_percent: collar_percent.unwrap_or(Decimal::NONE),
        self_trade_prevention: self_trade_prevention.unwrap_or(SelfTradePrevention::CancelNewest),
        currency_decimals: CURRENCY_DECIMALS,
        reserved: [0; 6],
    };
    Some(create.into())
}

fn open_account(name: AccountName, balances: &[(AssetCode, Decimal)]) -> model::Command {
    let mut initial = [InitialBalance::NONE; MAX_INITIAL_BALANCES];
    for (place, &(asset, amount)) in initial.iter_mut().zip(balances) {
        *place = InitialBalance { asset, amount };
    }
    OpenAccount { name, balances: initial, status: AccountStatus::Verified, reserved: [0; 7] }.into()
}
