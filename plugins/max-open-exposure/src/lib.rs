//! Keeps the cash that an account's working buys could cost below a limit, over all instruments of a currency: what it owes if
//! all of them trade at once. Sells give what is owned already and are not limited.
#![cfg_attr(target_arch = "wasm32", no_std)]

use plugin_sdk::risk::*;

parameters! {
    /// How much may be at stake.
    pub struct MaxOpenExposure {
        /// In minor units of the currency.
        pub max_exposure: u64,
        /// Of it, for one order, in hundredths of a percent.
        pub max_share_bps: u64,
    }
}

codes! {
    /// Why an order is refused.
    pub enum Reject {
        Exposure = 1 => "working buys could cost the account more than {max_exposure} minor units",
        Share = 2 => "the order alone takes more than {max_share_bps} basis points of the account's {max_exposure}",
    }
}

impl Rule for MaxOpenExposure {
    type Code = Reject;

    fn check(&self, order: &Order, context: &Context) -> Verdict<Reject> {
        if order.side == Side::Sell {
            return accept();
        }
        let (cost, limit) = (i128::from(order.notional), i128::from(self.max_exposure));
        if cost * 10_000 > limit * i128::from(self.max_share_bps) {
            return reject(Reject::Share);
        }
        if i128::from(context.open_cash) + cost > limit { reject(Reject::Exposure) } else { accept() }
    }
}

export!(MaxOpenExposure);

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: MaxOpenExposure = MaxOpenExposure { max_exposure: 1_000, max_share_bps: 5_000 };

    fn judge(order: &Order, open_cash: i64) -> Verdict<Reject> {
        RULE.check(order, &Context { open_cash, ..Context::default() })
    }

    #[test]
    fn all_working_buys_count_together() {
        assert_eq!(judge(&Order::buy(4).at(100), 600), accept());
        assert_eq!(judge(&Order::buy(4).at(100), 601), reject(Reject::Exposure));
    }

    #[test]
    fn one_order_may_not_take_it_all() {
        assert_eq!(judge(&Order::buy(5).at(100), 0), accept());
        assert_eq!(judge(&Order::buy(1).at(501), 0), reject(Reject::Share));
    }

    #[test]
    fn sells_are_not_limited_and_nothing_overflows() {
        assert_eq!(judge(&Order::sell(1).worth(i64::MAX), i64::MAX), accept());
        assert_eq!(judge(&Order::buy(1).worth(i64::MAX), i64::MAX), reject(Reject::Share));
        let all = MaxOpenExposure { max_exposure: u64::MAX >> 1, max_share_bps: 10_000 };
        let context = Context { open_cash: i64::MAX, ..Context::default() };
        assert_eq!(all.check(&Order::buy(1).worth(i64::MAX), &context), reject(Reject::Exposure));
    }
}
