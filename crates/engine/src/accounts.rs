//! Accounts: who may trade, under which limits, and which orders of theirs work. What they own is in `ledger.rs`.

use crate::orders::AgeList;
use model::{AccountId, AccountName, AccountStatus, Decimal};
use std::collections::BTreeMap;

/// A trading account.
#[derive(Clone, Debug)]
// What every order asks of an account is in its first cache line; its name is in the second.
#[repr(C, align(64))]
pub struct Account {
    /// Its id.
    pub id: AccountId,
    /// How many orders it has working.
    pub working_orders: u32,
    /// The most orders it may have working; `u32::MAX` for no limit.
    pub max_working_orders: u32,
    /// Its working orders, oldest first.
    pub(crate) ages: AgeList,
    /// Whether it may trade.
    pub status: AccountStatus,
    /// The largest value of one order, in the order's currency; `None` for no limit.
    pub max_notional: Option<Decimal>,
    /// Its name.
    pub name: AccountName,
}

const _: () = assert!(std::mem::offset_of!(Account, name) <= 64);

/// All accounts, by id and by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Accounts {
    by_id: Vec<Account>,
    by_name: BTreeMap<AccountName, AccountId>,
}

impl Accounts {
    pub fn iter(&self) -> std::slice::Iter<'_, Account> {
        self.by_id.iter()
    }

    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn next_id(&self) -> AccountId {
        AccountId(u32::try_from(self.by_id.len()).expect("bounded by max_accounts, a u32"))
    }

    #[inline]
    pub fn get(&self, id: AccountId) -> Option<&Account> {
        self.by_id.get(id.index())
    }

    #[inline]
    pub fn get_mut(&mut self, id: AccountId) -> &mut Account {
        &mut self.by_id[id.index()]
    }

    pub fn by_name(&self, name: &AccountName) -> Option<&Account> {
        self.by_name.get(name).map(|id| &self.by_id[id.index()])
    }

    pub fn open(&mut self, id: AccountId, name: AccountName, status: AccountStatus) {
        assert_eq!(id, self.next_id(), "accounts are numbered in the order of opening");
        let known = self.by_name.insert(name, id);
        assert!(known.is_none(), "an account is opened once");
        self.by_id.push(Account {
            id,
            name,
            status,
            max_notional: None,
            max_working_orders: u32::MAX,
            working_orders: 0,
            ages: AgeList::EMPTY,
        });
    }
}
