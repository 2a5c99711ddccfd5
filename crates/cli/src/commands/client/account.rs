//! `outcry account`: open, fund, limit and stop accounts.

use super::order::show_executions;
use super::{Exchange, amount, or_dash};
use crate::ui::{Outcome, Result, Table, Ui};
use clap::{Args, Subcommand};
use gateway::api::{
    Account, AccountAnswer, AccountLimits, AccountStatusWord, AccountsQuery, Amount, NewAccount, Number,
    StatusRequest,
};
use gateway::client::Client;
use model::AccountStatus;
use std::io;

/// Open, show, fund, limit and stop accounts
#[derive(Debug, Args)]
pub struct Accounts {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Open an account, with what it starts with
    Open {
        /// Its name
        account: String,
        /// What it starts with, such as USD=100000 AAPL=500
        #[arg(value_name = "ASSET=AMOUNT", value_parser = amount)]
        balances: Vec<Amount>,
        /// Open it without verifying its owner: it may not trade yet
        #[arg(long)]
        unverified: bool,
        #[command(flatten)]
        exchange: Exchange,
    },
    /// Show an account and what it owns
    Show {
        /// Which
        account: String,
        #[command(flatten)]
        exchange: Exchange,
    },
    /// List all accounts
    List {
        /// Those opened after this one
        #[arg(long, value_name = "ACCOUNT")]
        after: Option<String>,
        /// At most so many
        #[arg(long, value_name = "N")]
        limit: Option<u32>,
        #[command(flatten)]
        exchange: Exchange,
    },
    /// Bring cash or shares in
    Deposit(Transfer),
    /// Take available cash or shares out
    Withdraw(Transfer),
    /// Let an account trade
    Verify {
        /// Which
        account: String,
        #[command(flatten)]
        exchange: Exchange,
    },
    /// Let an account only cancel
    Suspend {
        /// Which
        account: String,
        #[command(flatten)]
        exchange: Exchange,
    },
    /// Set an account's own limits; what is not named is not limited
    Limits {
        /// Which
        account: String,
        /// The largest value of one order, in the order's currency
        #[arg(long, value_name = "AMOUNT")]
        max_notional: Option<Number>,
        /// The most orders it may have working
        #[arg(long, value_name = "N")]
        max_working_orders: Option<u32>,
        #[command(flatten)]
        exchange: Exchange,
    },
    /// The kill switch: cancel everything, and let the account trade no more, for ever
    Kill {
        /// Which
        account: String,
        #[command(flatten)]
        exchange: Exchange,
    },
}

#[derive(Debug, Args)]
struct Transfer {
    /// Whose
    account: String,
    /// What: a currency or an instrument
    asset: String,
    /// How much
    #[arg(allow_negative_numbers = true)]
    amount: Number,
    #[command(flatten)]
    exchange: Exchange,
}

impl Transfer {
    fn send(
        self,
        send: impl FnOnce(&Client, &str, &Amount) -> Result<AccountAnswer, gateway::client::ClientError>,
    ) -> Result<AccountAnswer> {
        let amount = Amount { asset: self.asset, amount: self.amount };
        Ok(send(&self.exchange.client(), &self.account, &amount)?)
    }
}

impl Accounts {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let answer = match self.action {
            Action::Open { account, balances, unverified, exchange } => {
                let status = if unverified { AccountStatus::Opened } else { AccountStatus::Verified };
                exchange.client().open_account(&NewAccount {
                    account,
                    status: Some(status.into()),
                    balances,
                })?
            }
            Action::Show { account, exchange } => exchange.client().account(&account)?,
            Action::List { after, limit, exchange } => {
                return list(ui, &exchange, &AccountsQuery { after, limit });
            }
            Action::Deposit(transfer) => transfer.send(Client::deposit)?,
            Action::Withdraw(transfer) => transfer.send(Client::withdraw)?,
            Action::Verify { account, exchange } => set_status(&exchange, &account, AccountStatus::Verified)?,
            Action::Suspend { account, exchange } => {
                set_status(&exchange, &account, AccountStatus::Suspended)?
            }
            Action::Limits { account, max_notional, max_working_orders, exchange } => {
                let limits = AccountLimits { max_notional, max_working_orders };
                exchange.client().set_account_limits(&account, &limits)?
            }
            Action::Kill { account, exchange } => {
                let answer = exchange.client().kill(&account)?;
                ui.answer(&answer, show_executions)?;
                return Ok(Outcome::Success);
            }
        };
        ui.answer(&answer, |ui, answer| show(ui, &answer.account))?;
        Ok(Outcome::Success)
    }
}

fn set_status(exchange: &Exchange, account: &str, status: AccountStatus) -> Result<AccountAnswer> {
    let status = StatusRequest { status: AccountStatusWord::from(status) };
    Ok(exchange.client().set_account_status(account, &status)?)
}

fn list(ui: &mut Ui, exchange: &Exchange, query: &AccountsQuery) -> Result<Outcome> {
    let answer = exchange.client().accounts(query)?;
    ui.answer(&answer, |ui, answer| {
        let mut table = Table::new(["account", "status", "#working orders", "balances"]);
        for account in &answer.accounts {
            let balances: Vec<String> = account
                .balances
                .iter()
                .map(|balance| format!("{}={}", balance.asset, balance.total))
                .collect();
            table.row([
                account.account.clone(),
                account.status.to_string(),
                account.working_orders.to_string(),
                balances.join(" "),
            ]);
        }
        ui.table(&table)?;
        if answer.more {
            ui.say("there are more: see --after and --limit");
        }
        Ok(())
    })?;
    Ok(Outcome::Success)
}

/// An account and what it owns.
pub fn show(ui: &mut Ui, account: &Account) -> io::Result<()> {
    ui.line(format_args!(
        "{} {} working-orders={} max-notional={} max-working-orders={}",
        account.account,
        account.status,
        account.working_orders,
        or_dash(account.limits.max_notional),
        or_dash(account.limits.max_working_orders),
    ))?;
    let mut table = Table::new(["asset", "#total", "#held", "#available"]);
    for balance in &account.balances {
        table.row([
            balance.asset.clone(),
            balance.total.to_string(),
            balance.held.to_string(),
            balance.available.to_string(),
        ]);
    }
    ui.table(&table)
}
