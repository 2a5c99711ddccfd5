//! What every account has in total, kept up from trades and from what comes in and goes out. What working orders hold of it is the
//! engine's business, and in the live tables.

use std::collections::HashMap;

use model::{AccountId, AssetId, BalanceChanged, InstrumentCreated, Side, Trade};

use crate::table::vector::Exact;
use crate::table::{Column, columns};

/// A balance and when it last changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BalanceRow {
    pub account: AccountId,
    pub asset: AssetId,
    pub total: i64,
    pub sequence: u64,
}

/// The columns of the table.
pub const COLUMNS: &[Column<Vec<BalanceRow>>] = columns![Vec<BalanceRow>:
    Option<&str>, "account", "", "Whose.", |row, names| names.account(row.account);
    Option<&str>, "asset", "", "Of what: a currency or an instrument.",
        |row, names| names.asset(row.asset).map(|asset| asset.code.as_str());
    Option<bool>, "is_instrument", "", "Whether that is an instrument rather than a currency.",
        |row, names| names.asset(row.asset).map(|asset| asset.is_instrument);
    Option<Exact>, "total", "units of the asset", "All of it.", |row, names| names.amount(row.asset, row.total);
    i64, "total_minor", "minor units", "The total in the asset's smallest unit: cents, or lots.", |row| row.total;
    u64, "sequence", "record", "The last record that changed it.", |row| row.sequence;
    i64, "account_id", "", "The exchange's number for the account.", |row| i64::from(row.account.0);
    i64, "asset_id", "", "The exchange's number for the asset.", |row| i64::from(row.asset.0);
];

#[derive(Debug, Clone, Copy, Default)]
struct Total {
    minor: i64,
    sequence: u64,
    /// Whether it changed since it was last written.
    changed: bool,
}

/// All balances.
#[derive(Debug, Default)]
pub struct Totals {
    totals: HashMap<(AccountId, AssetId), Total>,
    changed: Vec<(AccountId, AssetId)>,
}

impl Totals {
    /// Puts back what the file has.
    pub fn restore(&mut self, row: BalanceRow) {
        let total = Total { minor: row.total, sequence: row.sequence, changed: false };
        self.totals.insert((row.account, row.asset), total);
    }

    /// Takes in what came from outside, or went there.
    pub fn moved(&mut self, event: &BalanceChanged, sequence: u64) {
        self.add(event.account, event.asset, event.amount.0, sequence);
    }

    /// Takes in a trade.
    pub fn traded(&mut self, trade: &Trade, terms: &InstrumentCreated, sequence: u64) {
        let (buyer, seller) = match trade.taker_side {
            Side::Buy => (trade.taker_account, trade.maker_account),
            Side::Sell => (trade.maker_account, trade.taker_account),
        };
        // The engine lets no trade happen whose value or quantity does not fit.
        let cash = terms.tick_value.cash(trade.price, trade.quantity).map_or(0, |cash| cash.0);
        let lots = i64::try_from(trade.quantity.0).unwrap_or(i64::MAX);
        self.add(buyer, terms.currency, cash.wrapping_neg(), sequence);
        self.add(buyer, terms.asset, lots, sequence);
        self.add(seller, terms.currency, cash, sequence);
        self.add(seller, terms.asset, lots.wrapping_neg(), sequence);
    }

    /// Those that changed since this was last asked.
    pub fn changed(&mut self) -> Vec<BalanceRow> {
        let totals = &mut self.totals;
        let rows = self.changed.drain(..).map(|(account, asset)| {
            let total = totals.entry((account, asset)).or_default();
            total.changed = false;
            BalanceRow { account, asset, total: total.minor, sequence: total.sequence }
        });
        rows.collect()
    }

    fn add(&mut self, account: AccountId, asset: AssetId, minor: i64, sequence: u64) {
        let total = self.totals.entry((account, asset)).or_default();
        // The engine refuses what would not fit.
        total.minor = total.minor.wrapping_add(minor);
        total.sequence = sequence;
        if !total.changed {
            total.changed = true;
            self.changed.push((account, asset));
        }
    }
}
