//! Reports how many messages an account sends for each trade, as `MiFID` II (RTS 9) has trading venues watch it. Messages are
//! orders, replaces and cancels, refused ones too; a trade counts for both sides.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::collections::BTreeMap;
use plugin_sdk::reporting::*;

parameters! {
    /// What is too much.
    pub struct OrderToTradeRatio {
        /// Messages for each trade.
        pub max_ratio: u64,
        /// Fewer in a day are never too many.
        pub min_messages: u64,
    }
}

state! {
    /// What an account did in an instrument.
    pub struct Activity {
        /// New orders, refused ones too.
        pub orders: u64,
        /// Replaces, refused ones too.
        pub replaces: u64,
        /// Cancels, refused ones too.
        pub cancels: u64,
        /// Trades, as maker or taker.
        pub trades: u64,
    }

    /// The day, and what each account did in each instrument.
    pub struct Today {
        /// Days since 1970.
        pub day: i64,
        /// By account and instrument.
        pub accounts: BTreeMap<(u32, u32), Activity>,
    }
}

const NANOS_PER_DAY: i64 = 86_400_000_000_000;
/// The cancel reason of an order that its owner took back.
const CANCELED_BY_OWNER: u32 = 1;

impl OrderToTradeRatio {
    #[expect(
        clippy::cast_precision_loss,
        clippy::float_arithmetic,
        reason = "a ratio for people; the flag is exact"
    )]
    fn row(&self, day: i64, account: u32, instrument: u32, activity: &Activity) -> Row {
        let messages = activity.orders + activity.replaces + activity.cancels;
        let trades = activity.trades.max(1);
        let flagged = messages >= self.min_messages
            && u128::from(messages) > u128::from(self.max_ratio) * u128::from(trades);
        row![
            day,
            account,
            instrument,
            activity.orders,
            activity.replaces,
            activity.cancels,
            activity.trades,
            messages as f64 / trades as f64,
            flagged,
        ]
    }
}

impl Rule for OrderToTradeRatio {
    type State = Today;

    const TABLE: Table = Table {
        name: "order_to_trade_ratio",
        key: 3,
        columns: &[
            Column::int("day", "Trading day: days since 1970"),
            Column::int("account", "Account id"),
            Column::int("instrument", "Instrument id"),
            Column::int("orders", "New orders, refused ones too"),
            Column::int("replaces", "Replaces, refused ones too"),
            Column::int("cancels", "Cancels by the owner, refused ones too"),
            Column::int("trades", "Trades, as maker or taker"),
            Column::float("ratio", "Messages for each trade; no trade counts as one"),
            Column::boolean("flagged", "Whether that is too many"),
        ],
    };

    fn event(&self, state: &mut Today, event: &Event, rows: &mut Rows) {
        if event.kind == EventKind::TradingDayStarted {
            *state = Today { day: i64::from(event.reason), accounts: BTreeMap::new() };
            return;
        }
        if state.day == 0 {
            // No calendar runs: the day is the date.
            state.day = event.time.div_euclid(NANOS_PER_DAY);
        }
        let mut count = |account: u32, field: fn(&mut Activity) -> &mut u64| {
            let activity = state.accounts.entry((account, event.instrument)).or_default();
            *field(activity) += 1;
            rows.put(self.row(state.day, account, event.instrument, activity));
        };
        match event.kind {
            EventKind::OrderAccepted | EventKind::OrderRejected => count(event.account, |of| &mut of.orders),
            EventKind::OrderReplaced | EventKind::ReplaceRejected => {
                count(event.account, |of| &mut of.replaces);
            }
            EventKind::OrderCanceled if event.reason == CANCELED_BY_OWNER => {
                count(event.account, |of| &mut of.cancels);
            }
            EventKind::CancelRejected => count(event.account, |of| &mut of.cancels),
            EventKind::Trade => {
                count(event.account, |of| &mut of.trades);
                if event.maker_account != event.account {
                    count(event.maker_account, |of| &mut of.trades);
                }
            }
            _ => {}
        }
    }
}

export!(OrderToTradeRatio);

#[cfg(test)]
mod tests {
    use super::*;
    use testing::{event, table};

    const RULE: OrderToTradeRatio = OrderToTradeRatio { max_ratio: 2, min_messages: 4 };

    fn by(account: u32, kind: EventKind, at: u32) -> Event {
        Event { account, reason: CANCELED_BY_OWNER, ..event(kind, at) }
    }

    #[test]
    fn messages_and_trades_are_counted() {
        use EventKind::*;
        let mut events: Vec<Event> =
            [OrderAccepted, OrderReplaced, OrderCanceled, OrderRejected, ReplaceRejected, CancelRejected]
                .into_iter()
                .zip(1..)
                .map(|(kind, at)| by(7, kind, at))
                .collect();
        // The end of a day cancels too, and that is no message.
        events.push(Event { reason: 6, ..by(7, OrderCanceled, 9) });
        assert_eq!(table(&RULE, &events), [row![0, 7, 1, 2, 2, 2, 0, 6.0, true]]);
        events.push(Event { maker_account: 8, ..by(7, Trade, 10) });
        events.push(Event { maker_account: 7, ..by(8, Trade, 11) });
        events.push(Event { maker_account: 7, ..by(8, Trade, 12) });
        assert_eq!(
            table(&RULE, &events),
            [row![0, 7, 1, 2, 2, 2, 3, 2.0, false], row![0, 8, 1, 0, 0, 0, 3, 0.0, false]]
        );
    }

    #[test]
    fn few_messages_are_never_too_many() {
        let events = [1, 2, 3].map(|at| by(7, EventKind::OrderAccepted, at));
        assert_eq!(table(&RULE, &events)[0][8], Value::from(false));
    }

    #[test]
    fn a_day_begins_at_zero() {
        let day = Event { reason: 20_001, ..event(EventKind::TradingDayStarted, 2) };
        let events = [by(7, EventKind::OrderAccepted, 1), day, by(7, EventKind::OrderAccepted, 3)];
        let counted: Vec<_> =
            table(&RULE, &events).into_iter().map(|row| (row[0].clone(), row[3].clone())).collect();
        assert_eq!(counted, [(0_i64, 1_i64), (20_001, 1)].map(|(day, orders)| (day.into(), orders.into())));
    }
}
