//! The double-entry ledger: who owns how much of what, and how much of that is held for working orders.
//!
//! Every asset has a counter-account for the outside world: a deposit moves from it, a withdrawal back, a trade only
//! between accounts. So the balances of an asset and its counter-account always sum to zero. The supply of an asset,
//! and with it every balance, stays within 64 bits, because a deposit that would pass them is refused.

use model::{AccountId, AssetId, Cash};

/// How much of an asset an account has, in the asset's smallest unit.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Balance {
    /// All of it. Never negative.
    pub total: Cash,
    /// The part that working orders may need. Between zero and `total`.
    pub held: Cash,
}

impl Balance {
    /// What is there to spend.
    #[inline]
    pub fn available(self) -> Cash {
        self.total - self.held
    }
}

/// All balances. Rows grow when an asset is first touched, so that an account pays for what it uses.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledger {
    rows: Vec<Vec<Balance>>,
    /// The outside world's side of every asset: minus the supply.
    external: Vec<Cash>,
}

impl Ledger {
    pub fn open_account(&mut self) {
        self.rows.push(Vec::new());
    }

    pub fn register_asset(&mut self) {
        self.external.push(Cash::ZERO);
    }

    #[inline]
    pub fn balance(&self, account: AccountId, asset: AssetId) -> Balance {
        self.rows.get(account.index()).and_then(|row| row.get(asset.index())).copied().unwrap_or_default()
    }

    /// Looks where an account's balances are, so that reading one soon after is quick. What it returns means nothing.
    #[inline]
    pub fn touch(&self, account: AccountId) -> u64 {
        self.rows.get(account.index()).map_or(0, |row| row.len() as u64)
    }

    /// An account's balances by asset id. May be shorter than the list of assets: the rest is zero.
    pub fn row(&self, account: AccountId) -> &[Balance] {
        &self.rows[account.index()]
    }

    /// How much of an asset all accounts own together.
    pub fn supply(&self, asset: AssetId) -> i64 {
        self.external.get(asset.index()).map_or(0, |external| -external.0)
    }

    pub fn external(&self) -> &[Cash] {
        &self.external
    }

    #[inline]
    fn cell(&mut self, account: AccountId, asset: AssetId) -> &mut Balance {
        let row = &mut self.rows[account.index()];
        if asset.index() >= row.len() {
            grow(row, self.external.len());
        }
        &mut row[asset.index()]
    }

    /// Moves an amount in from outside, or out when it is negative.
    pub fn change(&mut self, account: AccountId, asset: AssetId, amount: Cash) {
        self.cell(account, asset).total += amount;
        self.external[asset.index()] -= amount;
    }

    #[inline]
    pub fn hold(&mut self, account: AccountId, asset: AssetId, amount: Cash) {
        if amount != Cash::ZERO {
            let balance = self.cell(account, asset);
            balance.held += amount;
            debug_assert!(balance.held <= balance.total, "an order holds what is there");
        }
    }

    #[inline]
    pub fn release(&mut self, account: AccountId, asset: AssetId, amount: Cash) {
        if amount != Cash::ZERO {
            let balance = self.cell(account, asset);
            balance.held -= amount;
            debug_assert!(balance.held >= Cash::ZERO, "what is released was held");
        }
    }

    /// Moves an amount between two accounts, of which the giver had `held` set aside for it.
    #[inline]
    pub fn transfer(&mut self, from: AccountId, to: AccountId, asset: AssetId, amount: Cash, held: Cash) {
        let giver = self.cell(from, asset);
        giver.held -= held;
        giver.total -= amount;
        debug_assert!(giver.held >= Cash::ZERO && giver.held <= giver.total, "a giver has what it gives");
        self.cell(to, asset).total += amount;
    }

    /// Puts a balance in place, when a snapshot is read.
    pub fn restore(&mut self, account: AccountId, asset: AssetId, balance: Balance) {
        *self.cell(account, asset) = balance;
    }

    /// Puts the outside world's side of an asset in place, when a snapshot is read.
    pub fn restore_external(&mut self, asset: AssetId, external: Cash) {
        self.external[asset.index()] = external;
    }
}

/// Gives a row a place for every asset there is. Apart, because it happens once for a row and then almost never.
#[cold]
fn grow(row: &mut Vec<Balance>, assets: usize) {
    row.reserve_exact(assets - row.len());
    row.resize(assets, Balance::default());
}
