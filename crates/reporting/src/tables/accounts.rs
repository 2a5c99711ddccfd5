//! `accounts`: who trades.

use std::sync::Arc;

use crate::error::Error;
use crate::names::AccountRow;
use crate::store::Store;
use crate::table::scan::Ready;
use crate::table::vector::{Exact, Moment};
use crate::table::{ACCOUNT, Column, Filter, Parameter, Scan, Table, columns};

/// One row an account.
pub struct Accounts;

impl Table for Accounts {
    type Rows = Vec<AccountRow>;
    const NAME: &'static str = "accounts";
    const IS_SMALL: bool = true;
    const ABOUT: &'static str = "One row an account, with its status and limits as they stand.";
    const PARAMETERS: &'static [Parameter] = &[ACCOUNT];
    const COLUMNS: &'static [Column<Vec<AccountRow>>] = columns![Vec<AccountRow>:
        i64, "account_id", "", "The exchange's number for it, from 0.", |row| i64::from(row.opened.account.0);
        &str, "account", "", "Its name.", |row| row.opened.name.as_str();
        &str, "status", "", "`opened`, `verified`, `suspended` or `killed`.", |row| row.status.as_str();
        Option<Exact>, "max_notional", "currency", "The most one order may be worth; null for no limit of its own.",
            |row| {
                let limit = row.limits?.max_notional.some()?;
                Exact::of(limit.units, 1, limit.scale)
            };
        Option<u64>, "max_working_orders", "orders", "The most orders it may have working; null for no limit.",
            |row| row.limits.map(|limits| u64::from(limits.max_working_orders)).filter(|&most| most != u64::from(u32::MAX));
        u64, "sequence", "record", "The record that opened it.", |row| row.sequence;
        i64, "time_ns", "ns", "When it was opened: UNIX time.", |row| row.time_ns;
        Moment, "time", "UTC", "The same as a timestamp.", |row| Moment(row.time_ns);
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<AccountRow>>>, Error> {
        let names = store.names(filter.bound)?;
        let rows = names.accounts.iter();
        let wanted =
            rows.filter(|row| row.sequence <= filter.bound && filter.wants_account(row.opened.account));
        Ok(Box::new(Ready::new(wanted.cloned().collect())))
    }
}
