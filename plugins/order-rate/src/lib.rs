//! Keeps the orders and replaces of an account per second below a limit. The exchange counts; the rule looks at the counter
//! and adds to it. Orders that this rule refuses do not count: an account that goes on too fast gets its number of orders
//! every second, and no more.
#![cfg_attr(target_arch = "wasm32", no_std)]

use plugin_sdk::risk::*;

parameters! {
    /// How fast is too fast.
    pub struct OrderRate {
        /// Orders and replaces in a second.
        pub max_orders: u64,
    }
}

codes! {
    /// Why an order is refused.
    pub enum Reject {
        TooFast = 1 => "the account has sent its {max_orders} orders of this second",
    }
}

impl Rule for OrderRate {
    type Code = Reject;

    fn check(&self, _: &Order, context: &Context) -> Verdict<Reject> {
        if context.counter.cast_unsigned() >= self.max_orders {
            reject(Reject::TooFast)
        } else {
            accept().count(1)
        }
    }
}

export!(OrderRate);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn so_many_and_no_more() {
        let rule = OrderRate { max_orders: 3 };
        let mut counter = 0;
        let verdicts = [0; 5].map(|_| {
            let verdict = rule.check(&Order::buy(1), &Context { counter, ..Context::default() });
            counter += verdict.counted();
            verdict.rejected()
        });
        assert_eq!(verdicts, [None, None, None, Some(Reject::TooFast), Some(Reject::TooFast)]);
        assert_eq!(counter, 3);
    }

    #[test]
    fn a_limit_of_zero_stops_an_account() {
        let rule = OrderRate { max_orders: 0 };
        assert_eq!(rule.check(&Order::buy(1), &Context::default()).rejected(), Some(Reject::TooFast));
    }
}
