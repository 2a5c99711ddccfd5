//! Reports trades that changed no owner: `same-owner`, between an account and itself or another of the same owner; and
//! `round-trip`, when two accounts trade and within a while trade the same quantity of the same instrument back at the
//! same price. Volume without risk, in the words of the market abuse regulation (MAR, annex I).
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::collections::VecDeque;
use plugin_sdk::reporting::*;

parameters! {
    /// What is suspicious.
    pub struct WashTrades {
        /// How soon a trade must be undone, in milliseconds.
        pub window_ms: u64,
        /// Account ids in pairs.
        pub same_owner: List<i64>,
    }
}

state! {
    /// A trade that may still be undone.
    pub struct Open {
        /// Its number.
        pub trade_id: u64,
        /// UNIX nanoseconds.
        pub time: i64,
        /// In what.
        pub instrument: u32,
        /// Who bought.
        pub buyer: u32,
        /// Who sold.
        pub seller: u32,
        /// In lots.
        pub quantity: u64,
        /// In ticks.
        pub price: i64,
    }

    /// The trades of the last while, oldest first.
    pub struct Recent {
        /// At most [`RECENT_MAX`].
        pub trades: VecDeque<Open>,
    }
}

/// More trades than this within the window are not looked back at: it bounds time and memory on a wild day.
pub const RECENT_MAX: usize = 4096;

impl WashTrades {
    fn one_owner(&self, one: u32, other: u32) -> bool {
        let pair = (i64::from(one), i64::from(other));
        let mut ids = self.same_owner.iter();
        one == other
            || core::iter::from_fn(|| Some((ids.next()?, ids.next()?)))
                .any(|(left, right)| (left, right) == pair || (right, left) == pair)
    }
}

impl Rule for WashTrades {
    type State = Recent;

    const TABLE: Table = Table {
        name: "wash_trades",
        key: 1,
        columns: &[
            Column::int("trade_id", "The trade"),
            Column::time("time", "When"),
            Column::int("instrument", "Instrument id"),
            Column::int("price", "In ticks"),
            Column::int("quantity", "In lots"),
            Column::int("notional", "Value in minor units of the currency"),
            Column::int("buyer", "Account id"),
            Column::int("seller", "Account id"),
            Column::text("pattern", "same-owner or round-trip"),
            Column::int("undoes", "Of a round trip, the trade that it undoes"),
        ],
    };

    fn event(&self, state: &mut Recent, event: &Event, rows: &mut Rows) {
        if event.kind != EventKind::Trade {
            return;
        }
        let window = i64::try_from(self.window_ms.saturating_mul(1_000_000)).unwrap_or(i64::MAX);
        let from = event.time.saturating_sub(window);
        while state.trades.front().is_some_and(|trade| trade.time < from || state.trades.len() >= RECENT_MAX)
        {
            state.trades.pop_front();
        }
        let (buyer, seller) = match event.side() {
            Side::Buy => (event.account, event.maker_account),
            Side::Sell => (event.maker_account, event.account),
        };
        let undone = state.trades.iter().position(|trade| {
            (trade.instrument, trade.buyer, trade.seller, trade.quantity, trade.price)
                == (event.instrument, seller, buyer, event.quantity, event.price)
        });
        let found = if self.one_owner(buyer, seller) {
            Some(("same-owner", None))
        } else {
            // A trade is undone once.
            undone.and_then(|at| state.trades.remove(at)).map(|trade| ("round-trip", Some(trade.trade_id)))
        };
        match found {
            Some((pattern, undoes)) => rows.put(row![
                event.trade_id,
                event.time,
                event.instrument,
                event.price,
                event.quantity,
                event.notional,
                buyer,
                seller,
                pattern,
                undoes,
            ]),
            None => state.trades.push_back(Open {
                trade_id: event.trade_id,
                time: event.time,
                instrument: event.instrument,
                buyer,
                seller,
                quantity: event.quantity,
                price: event.price,
            }),
        }
    }
}

export!(WashTrades);

#[cfg(test)]
mod tests {
    use super::*;
    use testing::{event, table};

    fn rule(same_owner: &[i64]) -> WashTrades {
        WashTrades { window_ms: 1, same_owner: List::of(same_owner) }
    }

    /// `taker` buys 10 lots at 100 from `maker`.
    fn trade(id: u32, maker: u32, taker: u32) -> Event {
        Event {
            trade_id: u64::from(id),
            account: taker,
            maker_account: maker,
            price: 100,
            quantity: 10,
            notional: 1_000,
            ..event(EventKind::Trade, id)
        }
    }

    fn found(rule: &WashTrades, events: &[Event]) -> Vec<(Value, Value, Value)> {
        table(rule, events).into_iter().map(|row| (row[0].clone(), row[8].clone(), row[9].clone())).collect()
    }

    #[test]
    fn trades_of_one_owner_are_reported() {
        let events = [trade(1, 5, 5), trade(2, 6, 7), trade(3, 8, 9), trade(4, 7, 8)];
        let expected = [1, 2].map(|id| (Value::from(id), Value::from("same-owner"), Value::Null));
        assert_eq!(found(&rule(&[9, 1, 7, 6]), &events), expected);
        assert_eq!(found(&rule(&[]), &events), expected[..1]);
    }

    #[test]
    fn a_trade_that_comes_back_is_reported_once() {
        // 2 buys from 1, then sells back as the taker; then 1 buys what 2 offers, which nothing is left to undo.
        let back = Event { sell: true, ..trade(2, 1, 2) };
        let events = [trade(1, 1, 2), back.clone(), Event { trade_id: 3, ..back }];
        assert_eq!(found(&rule(&[]), &events), [(2.into(), "round-trip".into(), 1.into())]);
    }

    #[test]
    fn what_differs_or_comes_late_is_no_round_trip() {
        let back = Event { sell: true, ..trade(2, 1, 2) };
        for other in [
            Event { price: 101, ..back.clone() },
            Event { quantity: 9, ..back.clone() },
            Event { instrument: 2, ..back.clone() },
            Event { maker_account: 3, ..back.clone() },
            Event { sell: false, ..back.clone() },
            Event { time: 1_000_002, ..back.clone() },
        ] {
            assert_eq!(found(&rule(&[]), &[trade(1, 1, 2), other]), []);
        }
        let just = Event { time: 1_000_001, ..back };
        assert_eq!(found(&rule(&[]), &[trade(1, 1, 2), just]).len(), 1);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let mut state = Recent::default();
        let rule = rule(&[]);
        let mut rows = Rows::new(&WashTrades::TABLE);
        for id in 0..10_000 {
            rule.event(&mut state, &Event { time: 0, ..trade(id, 1, 2) }, &mut rows);
        }
        assert_eq!(state.trades.len(), RECENT_MAX);
    }
}
