//! {{description}}.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::collections::BTreeMap;
use plugin_sdk::reporting::*;

parameters! {
    /// What the operator sets, as plugin.toml declares it.
    pub struct {{type}} {
        /// Smaller trades are not counted, in lots.
        pub min_quantity: u64,
    }
}

state! {
    /// What is remembered from one event to the next: trades and lots by account.
    pub struct Seen {
        /// By account id.
        pub accounts: BTreeMap<u32, (u64, u64)>,
    }
}

impl Rule for {{type}} {
    type State = Seen;

    const TABLE: Table = Table {
        name: "{{table}}",
        // A row for each account: the first column is the key.
        key: 1,
        columns: &[
            Column::int("account", "Account id"),
            Column::int("trades", "Trades that it was the taker of"),
            Column::int("quantity", "What it took, in lots"),
        ],
    };

    fn event(&self, state: &mut Seen, event: &Event, rows: &mut Rows) {
        if event.kind == EventKind::Trade && event.quantity >= self.min_quantity {
            let (trades, quantity) = state.accounts.entry(event.account).or_default();
            *trades += 1;
            *quantity += event.quantity;
            rows.put(row![event.account, *trades, *quantity]);
        }
    }
}

export!({{type}});

#[cfg(test)]
mod tests {
    use super::*;
    use testing::{event, table};

    #[test]
    fn takers_are_counted() {
        let trade = |at, account, quantity| Event { account, quantity, ..event(EventKind::Trade, at) };
        let events = [trade(1, 7, 10), trade(2, 8, 5), trade(3, 7, 20), trade(4, 7, 4)];
        assert_eq!(table(&{{type}} { min_quantity: 5 }, &events), [row![7, 2, 30], row![8, 1, 5]]);
    }
}
