//! Reports spoofing: an account places large orders on one side, trades on the other, and withdraws the large orders soon
//! after. With orders at several prices it is called layering. What is reported is a pattern to look at, not a proof
//! (MAR, annex I, A(e) and B(b); in the United States CEA 4c(a)(5)(C)).
//!
//! Only large orders that are younger than the window are remembered, so what the rule keeps is bounded by how many of these
//! arrive in one window.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use plugin_sdk::reporting::*;

parameters! {
    /// What is suspicious.
    pub struct Spoofing {
        /// Milliseconds from order to trade, and from trade to cancel.
        pub window_ms: u64,
        /// Lots of an order that is large.
        pub min_quantity: u64,
        /// How many times what was traded must have been withdrawn.
        pub min_times: u64,
        /// Prices that make it layering.
        pub min_layers: u64,
    }
}

state! {
    /// A large order.
    pub struct Placed {
        /// UNIX nanoseconds.
        pub time: i64,
        /// Whether it sells.
        pub sell: bool,
        /// In ticks.
        pub price: i64,
    }

    /// An account's side of a trade, and what it withdrew on the other side since.
    pub struct Fill {
        /// The trade's number.
        pub trade_id: u64,
        /// UNIX nanoseconds.
        pub time: i64,
        /// Whose, and in what.
        pub owner: (u32, u32),
        /// Whether it sold.
        pub sold: bool,
        /// In lots.
        pub quantity: u64,
        /// Lots withdrawn on the other side.
        pub withdrawn: u64,
        /// Orders withdrawn.
        pub orders: u64,
        /// Their prices.
        pub prices: BTreeSet<i64>,
    }

    /// The last while.
    pub struct Recent {
        /// Large orders by account, instrument and id.
        pub placed: BTreeMap<(u32, u32, u64), Placed>,
        /// The same, oldest first.
        pub order: VecDeque<(i64, (u32, u32, u64))>,
        /// Fills of accounts that had large orders on the other side, oldest first.
        pub fills: VecDeque<Fill>,
    }
}

/// The cancel reasons of an order that its owner took back: one by one, or all at once.
const WITHDRAWN: [u32; 2] = [1, 7];

impl Spoofing {
    fn window(&self) -> i64 {
        i64::try_from(self.window_ms.saturating_mul(1_000_000)).unwrap_or(i64::MAX)
    }

    fn forget(&self, state: &mut Recent, now: i64) {
        let window = self.window();
        // An order may be as old as the window when its owner trades, and go as long after that.
        let (orders_from, fills_from) =
            (now.saturating_sub(window.saturating_mul(2)), now.saturating_sub(window));
        while let Some(&(_, id)) = state.order.front().filter(|(time, _)| *time < orders_from) {
            state.order.pop_front();
            state.placed.remove(&id);
        }
        while state.fills.front().is_some_and(|fill| fill.time < fills_from) {
            state.fills.pop_front();
        }
    }

    /// Remembers an account's side of a trade, if it has young large orders on the other side.
    fn traded(&self, state: &mut Recent, event: &Event, account: u32, sold: bool) {
        let owner = (account, event.instrument);
        let from = event.time.saturating_sub(self.window());
        let mut own =
            state.placed.range((account, event.instrument, 0)..=(account, event.instrument, u64::MAX));
        let stands = own.any(|(_, order)| order.sell != sold && order.time >= from);
        if stands {
            state.fills.push_back(Fill {
                trade_id: event.trade_id,
                time: event.time,
                owner,
                sold,
                quantity: event.quantity,
                ..Fill::default()
            });
        }
    }

    fn withdrawn(&self, state: &mut Recent, event: &Event, rows: &mut Rows) {
        let owner = (event.account, event.instrument);
        let Some(placed) = state.placed.remove(&(owner.0, owner.1, event.order_id)) else { return };
        let window = self.window();
        for fill in &mut state.fills {
            let stood = placed.time <= fill.time && placed.time >= fill.time.saturating_sub(window);
            if fill.owner != owner || fill.sold == placed.sell || !stood {
                continue;
            }
            fill.withdrawn = fill.withdrawn.saturating_add(event.quantity);
            fill.orders += 1;
            fill.prices.insert(placed.price);
            if u128::from(fill.withdrawn) >= u128::from(self.min_times) * u128::from(fill.quantity) {
                rows.put(self.row(fill, event.time));
            }
        }
    }

    fn row(&self, fill: &Fill, canceled: i64) -> Row {
        let layers = fill.prices.len() as u64;
        row![
            fill.trade_id,
            fill.owner.0,
            fill.owner.1,
            fill.time,
            if fill.sold { "sell" } else { "buy" },
            fill.quantity,
            fill.withdrawn,
            fill.orders,
            layers,
            canceled,
            if layers >= self.min_layers { "layering" } else { "spoofing" },
        ]
    }
}

impl Rule for Spoofing {
    type State = Recent;

    const TABLE: Table = Table {
        name: "spoofing",
        key: 2,
        columns: &[
            Column::int("trade_id", "The trade that the withdrawn orders may have helped"),
            Column::int("account", "Account id"),
            Column::int("instrument", "Instrument id"),
            Column::time("time", "When it traded"),
            Column::text(
                "side",
                "What the account did in the trade; its withdrawn orders were on the other side",
            ),
            Column::int("quantity", "What it traded, in lots"),
            Column::int("withdrawn_quantity", "What it withdrew afterwards, in lots"),
            Column::int("withdrawn_orders", "In how many orders"),
            Column::int("layers", "At how many prices"),
            Column::time("withdrawn_time", "When it withdrew the last of them"),
            Column::text("pattern", "spoofing or layering"),
        ],
    };

    fn event(&self, state: &mut Recent, event: &Event, rows: &mut Rows) {
        self.forget(state, event.time);
        match event.kind {
            EventKind::OrderAccepted if event.quantity >= self.min_quantity => {
                let key = (event.account, event.instrument, event.order_id);
                state.placed.insert(key, Placed { time: event.time, sell: event.sell, price: event.price });
                state.order.push_back((event.time, key));
            }
            EventKind::Trade => {
                self.traded(state, event, event.account, event.sell);
                if event.maker_account != event.account {
                    self.traded(state, event, event.maker_account, !event.sell);
                }
            }
            EventKind::OrderCanceled if WITHDRAWN.contains(&event.reason) => {
                self.withdrawn(state, event, rows);
            }
            _ => {}
        }
    }
}

export!(Spoofing);

#[cfg(test)]
mod tests {
    use super::*;
    use testing::{event, table};

    const RULE: Spoofing = Spoofing { window_ms: 1, min_quantity: 100, min_times: 5, min_layers: 2 };
    const MS: i64 = 1_000_000;

    fn order(id: u32, time: i64, sell: bool, price: i64, quantity: u64) -> Event {
        let order_id = u64::from(id);
        Event { order_id, time, account: 7, sell, price, quantity, ..event(EventKind::OrderAccepted, id) }
    }

    fn cancel(id: u32, time: i64, quantity: u64) -> Event {
        let order_id = u64::from(id);
        Event { order_id, time, account: 7, quantity, reason: 1, ..event(EventKind::OrderCanceled, id + 100) }
    }

    /// Account 7 is the maker and sells 20 lots to 8.
    fn sale(time: i64) -> Event {
        let trade = event(EventKind::Trade, 50);
        Event { trade_id: 1, time, account: 8, maker_account: 7, quantity: 20, price: 100, ..trade }
    }

    #[test]
    fn a_large_buy_that_goes_after_a_sale_is_reported() {
        let events = [order(1, 0, false, 99, 100), sale(10), cancel(1, MS, 100)];
        assert_eq!(table(&RULE, &events), [row![1, 7, 1, 10, "sell", 20, 100, 1, 1, MS, "spoofing"]]);
    }

    #[test]
    fn several_prices_are_layering() {
        let events = [
            order(1, 0, false, 99, 100),
            order(2, 1, false, 98, 150),
            sale(10),
            cancel(1, 20, 100),
            cancel(2, 30, 150),
        ];
        assert_eq!(table(&RULE, &events), [row![1, 7, 1, 10, "sell", 20, 250, 2, 2, 30, "layering"]]);
    }

    #[test]
    fn honest_orders_are_not() {
        let buy = order(1, 0, false, 99, 100);
        let gone = cancel(1, 20, 100);
        for (why, events) in [
            ("no trade", vec![buy.clone(), gone.clone()]),
            ("same side", vec![order(1, 0, true, 101, 100), sale(10), gone.clone()]),
            ("canceled before", vec![buy.clone(), cancel(1, 5, 100), sale(10)]),
            ("placed after", vec![sale(0), order(1, 5, false, 99, 100), gone.clone()]),
            ("small", vec![order(1, 0, false, 99, 99), sale(10), gone.clone()]),
            ("too little of it", vec![buy.clone(), sale(10), cancel(1, 20, 99)]),
            ("late", vec![buy.clone(), sale(10), cancel(1, MS + 11, 100)]),
            ("old", vec![buy.clone(), sale(MS + 1), cancel(1, MS + 2, 100)]),
            ("expired", vec![buy.clone(), sale(10), Event { reason: 6, ..gone.clone() }]),
            ("another's", vec![Event { account: 9, ..buy.clone() }, sale(10), gone.clone()]),
            ("another instrument", vec![Event { instrument: 2, ..buy.clone() }, sale(10), gone.clone()]),
        ] {
            assert_eq!(table(&RULE, &events), Vec::<Row>::new(), "{why}");
        }
    }

    #[test]
    fn nothing_is_remembered_beyond_the_window() {
        let mut state = Recent::default();
        let mut rows = Rows::new(&Spoofing::TABLE);
        for id in 0..1_000_u32 {
            let time = i64::from(id) * MS / 10;
            RULE.event(&mut state, &order(id, time, false, 99, 100), &mut rows);
            RULE.event(&mut state, &Event { trade_id: u64::from(id), ..sale(time) }, &mut rows);
        }
        assert!(state.placed.len() <= 21 && state.order.len() <= 21 && state.fills.len() <= 11);
    }
}
