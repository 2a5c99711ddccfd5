//! Refuses orders that are far too large: those that have a zero too many.
#![cfg_attr(target_arch = "wasm32", no_std)]

use plugin_sdk::validation::*;

parameters! {
    /// What no order may exceed. 0 is no limit.
    pub struct FatFinger {
        /// Lots in total.
        pub max_quantity: u64,
        /// Value at the limit, in minor units of the currency.
        pub max_notional: i64,
    }
}

codes! {
    /// Why an order is refused.
    pub enum Reject {
        Quantity = 1 => "the order has more than {max_quantity} lots",
        Notional = 2 => "the order is worth more than {max_notional} minor units",
        NegativeLimit = 100 => "max_notional is negative",
    }
}

impl Rule for FatFinger {
    type Code = Reject;

    fn accept_parameters(&self) -> Verdict<Reject> {
        if self.max_notional < 0 { reject(Reject::NegativeLimit) } else { accept() }
    }

    fn check(&self, order: &Order, context: &Context) -> Verdict<Reject> {
        if self.max_quantity != 0 && context.total_quantity > self.max_quantity {
            return reject(Reject::Quantity);
        }
        if self.max_notional != 0 && order.notional > self.max_notional {
            return reject(Reject::Notional);
        }
        accept()
    }
}

export!(FatFinger);

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: FatFinger = FatFinger { max_quantity: 1_000, max_notional: 50_000 };

    fn judge(rule: &FatFinger, order: &Order) -> Verdict<Reject> {
        rule.check(order, &Context { total_quantity: order.quantity, ..Context::default() })
    }

    #[test]
    fn limits_may_be_reached_and_not_passed() {
        assert_eq!(judge(&RULE, &Order::buy(1_000).at(50)), accept());
        assert_eq!(judge(&RULE, &Order::buy(1_001).at(1)), reject(Reject::Quantity));
        assert_eq!(judge(&RULE, &Order::sell(1_000).at(51)), reject(Reject::Notional));
    }

    #[test]
    fn what_a_replace_has_traded_already_counts() {
        let order = Order::buy(1).at(1);
        let context = Context { total_quantity: 1_001, ..Context::default() };
        assert_eq!(RULE.check(&order, &context), reject(Reject::Quantity));
    }

    #[test]
    fn zero_is_no_limit() {
        let none = FatFinger { max_quantity: 0, max_notional: 0 };
        assert_eq!(judge(&none, &Order::buy(u64::MAX).worth(i64::MAX)), accept());
    }

    #[test]
    fn a_negative_limit_is_refused() {
        assert_eq!(RULE.accept_parameters(), accept());
        let negative = FatFinger { max_notional: -1, ..RULE };
        assert_eq!(negative.accept_parameters(), reject(Reject::NegativeLimit));
    }
}
