//! Accounts and their money.

use super::{AccountStatusWord, Number};
use serde::{Deserialize, Serialize};

/// A new account: the body of `POST /v1/accounts`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// Its name.
    pub account: String,
    /// `verified` (the default) to trade at once, `opened` to wait for verification.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<AccountStatusWord>,
    /// What it starts with.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub balances: Vec<Amount>,
}

/// So much of something: the body of `POST /v1/accounts/{account}/deposits` and `…/withdrawals`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Amount {
    /// A currency or an instrument's symbol.
    pub asset: String,
    /// How much.
    pub amount: Number,
}

/// A change of status: the body of `PUT /v1/accounts/{account}/status`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StatusRequest {
    /// `opened`, `verified` or `suspended`. The kill switch has an address of its own.
    pub status: AccountStatusWord,
}

/// An account's own limits: the body of `PUT /v1/accounts/{account}/limits`, and part of [`Account`]. What is not named is
/// not limited.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountLimits {
    /// The largest value of one order, in the order's currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_notional: Option<Number>,
    /// The most orders it may have working.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_working_orders: Option<u32>,
}

/// An account as it stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Account {
    /// Its name.
    pub account: String,
    /// The exchange's id for it.
    pub account_id: u32,
    /// Whether it may trade.
    pub status: AccountStatusWord,
    /// Its own limits.
    pub limits: AccountLimits,
    /// How many orders it has working.
    pub working_orders: u64,
    /// What it owns, by the asset's name; what it has none of is not listed.
    pub balances: Vec<Balance>,
}

/// How much an account owns of something.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Balance {
    /// A currency or an instrument's symbol.
    pub asset: String,
    /// All of it.
    pub total: Number,
    /// What working orders hold.
    pub held: Number,
    /// What is free: total - held.
    pub available: Number,
}

/// All accounts, in the order of their opening.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Accounts {
    /// Everything up to this sequence number is in the answer.
    pub sequence: u64,
    /// The accounts.
    pub accounts: Vec<Account>,
    /// Whether there were more than the limit allowed.
    pub more: bool,
}

/// Which accounts to list: the query of `GET /v1/accounts`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccountsQuery {
    /// List those opened after this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The most to list. Without it: 1,000.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The answer to a command about an account, and to a question about one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct AccountAnswer {
    /// The command's sequence number; for a question, everything up to it is in the answer.
    pub sequence: u64,
    /// The account.
    pub account: Account,
}
