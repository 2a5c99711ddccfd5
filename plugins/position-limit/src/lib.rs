//! Keeps what an account could own or owe of an instrument below a limit: its position as if all its working orders on that
//! side traded, and this one.
#![cfg_attr(target_arch = "wasm32", no_std)]

use plugin_sdk::risk::*;

parameters! {
    /// How far a position may go, in lots.
    pub struct PositionLimit {
        /// Most that an account may own.
        pub max_long: u64,
        /// Most that it may owe.
        pub max_short: u64,
    }
}

codes! {
    /// Why an order is refused.
    pub enum Reject {
        Long = 1 => "the account could own more than {max_long} lots",
        Short = 2 => "the account could owe more than {max_short} lots",
    }
}

impl Rule for PositionLimit {
    type Code = Reject;

    fn check(&self, order: &Order, context: &Context) -> Verdict<Reject> {
        // An order that makes the position smaller but not small enough yet would be refused too: a limit that was lowered must
        // not lock an account in, so each side looks only at where its own orders lead.
        match order.side {
            Side::Buy => {
                let most = context
                    .position
                    .saturating_add_unsigned(context.open_buy)
                    .saturating_add_unsigned(order.quantity);
                if most > 0 && most.unsigned_abs() > self.max_long { reject(Reject::Long) } else { accept() }
            }
            Side::Sell => {
                let least = context
                    .position
                    .saturating_sub_unsigned(context.open_sell)
                    .saturating_sub_unsigned(order.quantity);
                if least < 0 && least.unsigned_abs() > self.max_short {
                    reject(Reject::Short)
                } else {
                    accept()
                }
            }
        }
    }
}

export!(PositionLimit);

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: PositionLimit = PositionLimit { max_long: 100, max_short: 10 };

    fn judge(order: &Order, position: i64, open_buy: u64, open_sell: u64) -> Verdict<Reject> {
        RULE.check(order, &Context { position, open_buy, open_sell, ..Context::default() })
    }

    #[test]
    fn buys_count_what_is_owned_and_what_works() {
        assert_eq!(judge(&Order::buy(30), 50, 20, 0), accept());
        assert_eq!(judge(&Order::buy(31), 50, 20, 0), reject(Reject::Long));
        assert_eq!(judge(&Order::buy(100), 0, 0, 90), accept());
    }

    #[test]
    fn sells_count_the_other_way() {
        assert_eq!(judge(&Order::sell(60), 50, 0, 0), accept());
        assert_eq!(judge(&Order::sell(61), 50, 0, 0), reject(Reject::Short));
        assert_eq!(judge(&Order::sell(51), 50, 0, 10), reject(Reject::Short));
    }

    #[test]
    fn an_account_above_its_limit_can_still_get_out() {
        assert_eq!(judge(&Order::sell(10), 500, 0, 0), accept());
        assert_eq!(judge(&Order::buy(10), -500, 0, 0), accept());
        assert_eq!(judge(&Order::buy(1), 500, 0, 0), reject(Reject::Long));
    }

    #[test]
    fn nothing_overflows() {
        assert_eq!(judge(&Order::buy(u64::MAX), i64::MAX, u64::MAX, 0), reject(Reject::Long));
        assert_eq!(judge(&Order::sell(u64::MAX), i64::MIN, 0, u64::MAX), reject(Reject::Short));
    }
}
