//! The names a conversation uses that the exchange does not: automatic client order ids, and when an id must be shown
//! with its account. Both belong to who talks, not to the exchange, so they are no part of its log.

use model::{AccountName, ClOrdId};
use std::collections::BTreeMap;

/// What has been submitted so far, and by whom. Accounts go by their names, so that one the exchange does not know
/// counts like any other.
#[derive(Debug, Default)]
pub(crate) struct Names {
    /// How many orders and replaces of each account named no id.
    automatic: BTreeMap<AccountName, u64>,
    submitters: BTreeMap<ClOrdId, Submitters>,
}

#[derive(Debug)]
struct Submitters {
    first: AccountName,
    /// Whether there was a second one.
    shared: bool,
}

impl Names {
    /// An account submits a new order or a replace, with an id or without. Says which id it has.
    pub fn submit(&mut self, account: AccountName, id: Option<ClOrdId>) -> ClOrdId {
        let id = id.unwrap_or_else(|| {
            let count = self.automatic.entry(account).or_default();
            *count += 1;
            ClOrdId::new(&format!("c{count}")).expect("c and at most 20 digits fit 23 bytes")
        });
        let submitters = self.submitters.entry(id).or_insert(Submitters { first: account, shared: false });
        submitters.shared |= submitters.first != account;
        id
    }

    /// An account's id as it is shown from now on.
    pub fn shown(&self, account: &AccountName, id: &ClOrdId) -> String {
        match self.submitters.get(id) {
            Some(Submitters { shared: true, .. }) => format!("{account}/{id}"),
            _ => id.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn account(name: &str) -> AccountName {
        AccountName::new(name).unwrap()
    }

    fn id(text: &str) -> ClOrdId {
        ClOrdId::new(text).unwrap()
    }

    #[test]
    fn automatic_ids_count_what_named_none() {
        let mut names = Names::default();
        let (alice, bob) = (account("alice"), account("bob"));
        assert_eq!(names.submit(alice, None), id("c1"));
        assert_eq!(names.submit(alice, Some(id("x"))), id("x"));
        assert_eq!(names.submit(alice, None), id("c2"));
        assert_eq!(names.submit(bob, None), id("c1"));
    }

    #[test]
    fn an_id_is_shown_with_its_account_from_the_second_account_on() {
        let mut names = Names::default();
        let (alice, bob) = (account("alice"), account("bob"));
        names.submit(alice, Some(id("x")));
        names.submit(alice, Some(id("x")));
        assert_eq!((names.shown(&alice, &id("x")), names.shown(&bob, &id("x"))), ("x".into(), "x".into()));
        names.submit(bob, Some(id("x")));
        assert_eq!(
            (names.shown(&alice, &id("x")), names.shown(&bob, &id("x"))),
            ("alice/x".into(), "bob/x".into())
        );
    }
}
