//! Charges makers and takers by a schedule. Every trade's fee is rounded to whole minor units by itself, up, so that a day's
//! sum can be checked trade by trade; a rebate is rounded down likewise.
#![cfg_attr(target_arch = "wasm32", no_std)]

extern crate alloc;

use alloc::collections::BTreeMap;
use plugin_sdk::reporting::*;

parameters! {
    /// The schedule, in millionths of a trade's value.
    pub struct Fees {
        /// Of the resting side; negative is a rebate.
        pub maker_ppm: i64,
        /// Of the incoming side.
        pub taker_ppm: i64,
        /// Value a day from which the next one holds; 0: never.
        pub tier_notional: u64,
        /// Of the incoming side beyond that.
        pub tier_taker_ppm: i64,
    }
}

state! {
    /// An account's day.
    pub struct Account {
        /// Trades it was a side of.
        pub trades: u64,
        /// Value it made, in minor units.
        pub maker_notional: i128,
        /// Value it took.
        pub taker_notional: i128,
        /// Fees as a maker, in minor units.
        pub maker_fee: i128,
        /// Fees as a taker.
        pub taker_fee: i128,
    }

    /// The day, and what each account did in it.
    pub struct Today {
        /// Days since 1970.
        pub day: i64,
        /// By account.
        pub accounts: BTreeMap<u32, Account>,
    }
}

const NANOS_PER_DAY: i64 = 86_400_000_000_000;
const MILLION: i128 = 1_000_000;

impl Fees {
    fn charge(&self, account: &mut Account, notional: i64, makes: bool) {
        let notional = i128::from(notional);
        let traded = account.maker_notional + account.taker_notional;
        let cheaper = self.tier_notional != 0 && traded >= i128::from(self.tier_notional);
        let ppm = match (makes, cheaper) {
            (true, _) => self.maker_ppm,
            (false, false) => self.taker_ppm,
            (false, true) => self.tier_taker_ppm,
        };
        let product = notional * i128::from(ppm);
        let fee = product.div_euclid(MILLION) + i128::from(product.rem_euclid(MILLION) != 0);
        account.trades += 1;
        let (sum, fees) = if makes {
            (&mut account.maker_notional, &mut account.maker_fee)
        } else {
            (&mut account.taker_notional, &mut account.taker_fee)
        };
        *sum += notional;
        *fees += fee;
    }
}

/// Sums that do not fit a column any more stay at its end.
fn column(sum: i128) -> i64 {
    i64::try_from(sum).unwrap_or(if sum < 0 { i64::MIN } else { i64::MAX })
}

impl Rule for Fees {
    type State = Today;

    const TABLE: Table = Table {
        name: "fees",
        key: 2,
        columns: &[
            Column::int("day", "Trading day: days since 1970"),
            Column::int("account", "Account id"),
            Column::int("trades", "Trades that the account was a side of"),
            Column::int("maker_notional", "Value it made, in minor units of the currency"),
            Column::int("taker_notional", "Value it took, in minor units"),
            Column::int("maker_fee", "What it pays as a maker, in minor units; negative: is paid"),
            Column::int("taker_fee", "What it pays as a taker, in minor units"),
            Column::int("fee", "Both together"),
        ],
    };

    fn event(&self, state: &mut Today, event: &Event, rows: &mut Rows) {
        match event.kind {
            EventKind::TradingDayStarted => {
                *state = Today { day: i64::from(event.reason), accounts: BTreeMap::new() };
            }
            EventKind::Trade => {
                if state.day == 0 {
                    // No calendar runs: the day is the date.
                    state.day = event.time.div_euclid(NANOS_PER_DAY);
                }
                for (id, makes) in [(event.maker_account, true), (event.account, false)] {
                    let account = state.accounts.entry(id).or_default();
                    self.charge(account, event.notional, makes);
                    rows.put(row![
                        state.day,
                        id,
                        account.trades,
                        column(account.maker_notional),
                        column(account.taker_notional),
                        column(account.maker_fee),
                        column(account.taker_fee),
                        column(account.maker_fee + account.taker_fee),
                    ]);
                }
            }
            _ => {}
        }
    }
}

export!(Fees);

#[cfg(test)]
mod tests {
    use super::*;
    use testing::{event, table};

    const RULE: Fees = Fees { maker_ppm: -20, taker_ppm: 300, tier_notional: 0, tier_taker_ppm: 100 };

    fn trade(at: u32, maker: u32, taker: u32, notional: i64) -> Event {
        Event { account: taker, maker_account: maker, notional, ..event(EventKind::Trade, at) }
    }

    #[test]
    fn makers_are_paid_and_takers_pay() {
        let rows = table(&RULE, &[trade(1, 1, 2, 1_000_000), trade(2, 2, 1, 500_000)]);
        assert_eq!(
            rows,
            [
                row![0, 1, 2, 1_000_000, 500_000, -20, 150, 130],
                row![0, 2, 2, 500_000, 1_000_000, -10, 300, 290],
            ]
        );
    }

    #[test]
    fn each_trade_is_rounded_by_itself_in_favour_of_the_exchange() {
        let rows = table(&RULE, &[trade(1, 1, 2, 1), trade(2, 1, 2, 1), trade(3, 1, 2, 50_001)]);
        assert_eq!(rows, [row![0, 1, 3, 50_003, 0, -1, 0, -1], row![0, 2, 3, 0, 50_003, 0, 18, 18]]);
    }

    #[test]
    fn those_who_trade_much_pay_less_from_then_on() {
        let rule = Fees { tier_notional: 1_000_000, ..RULE };
        let rows = table(&rule, &[trade(1, 1, 2, 1_000_000), trade(2, 1, 2, 1_000_000)]);
        assert_eq!(rows[1], row![0, 2, 2, 0, 2_000_000, 0, 400, 400]);
    }

    #[test]
    fn a_new_day_begins_at_zero() {
        let day = |at, day| Event { reason: day, ..event(EventKind::TradingDayStarted, at) };
        let events = [day(1, 20_000), trade(2, 1, 2, 1_000_000), day(3, 20_001), trade(4, 1, 2, 2_000_000)];
        let days: Vec<_> =
            table(&RULE, &events).into_iter().map(|row| (row[0].clone(), row[7].clone())).collect();
        assert_eq!(
            days,
            [(20_000, -20), (20_000, 300), (20_001, -40), (20_001, 600)]
                .map(|(day, fee)| (Value::from(i64::from(day)), Value::from(i64::from(fee))))
        );
    }

    #[test]
    fn without_a_calendar_the_day_is_the_date() {
        let late = Event { time: 3 * NANOS_PER_DAY + 5, ..trade(1, 1, 2, 100) };
        assert_eq!(table(&RULE, &[late])[0][0], Value::from(3));
    }
}
