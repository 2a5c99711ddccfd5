//! Keeps what an account trades of a symbol in a trading day below a limit. Working orders count as if they traded, so that
//! the limit holds whatever the market does next.
#![cfg_attr(target_arch = "wasm32", no_std)]

use plugin_sdk::risk::*;

parameters! {
    /// How much may be traded.
    pub struct DailyVolume {
        /// Lots a day, for each account and symbol.
        pub max_volume: u64,
    }
}

codes! {
    /// Why an order is refused.
    pub enum Reject {
        Traded = 1 => "the account has traded its {max_volume} lots of today",
        WouldPass = 2 => "the account could trade more than {max_volume} lots today",
    }
}

impl Rule for DailyVolume {
    type Code = Reject;

    fn check(&self, order: &Order, context: &Context) -> Verdict<Reject> {
        if context.day_volume >= self.max_volume {
            return reject(Reject::Traded);
        }
        let working = context.open_buy.saturating_add(context.open_sell);
        let could = context.day_volume.saturating_add(working).saturating_add(order.quantity);
        if could > self.max_volume { reject(Reject::WouldPass) } else { accept() }
    }
}

export!(DailyVolume);

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: DailyVolume = DailyVolume { max_volume: 1_000 };

    fn judge(quantity: u64, day_volume: u64, open_buy: u64, open_sell: u64) -> Verdict<Reject> {
        RULE.check(&Order::sell(quantity), &Context { day_volume, open_buy, open_sell, ..Context::default() })
    }

    #[test]
    fn the_limit_may_be_reached() {
        assert_eq!(judge(1_000, 0, 0, 0), accept());
        assert_eq!(judge(1_001, 0, 0, 0), reject(Reject::WouldPass));
        assert_eq!(judge(1, 999, 0, 0), accept());
        assert_eq!(judge(1, 1_000, 0, 0), reject(Reject::Traded));
    }

    #[test]
    fn working_orders_of_both_sides_count() {
        assert_eq!(judge(100, 300, 400, 200), accept());
        assert_eq!(judge(101, 300, 400, 200), reject(Reject::WouldPass));
    }

    #[test]
    fn nothing_overflows() {
        assert_eq!(judge(u64::MAX, 1, u64::MAX, u64::MAX), reject(Reject::WouldPass));
    }
}
