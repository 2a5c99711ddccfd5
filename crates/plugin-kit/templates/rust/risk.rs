//! {{description}}.
#![cfg_attr(target_arch = "wasm32", no_std)]

use plugin_sdk::risk::*;

parameters! {
    /// What the operator sets, as plugin.toml declares it.
    pub struct {{type}} {
        /// Most lots of an instrument that an account may own.
        pub max_position: u64,
    }
}

codes! {
    /// Why an order is refused.
    pub enum Reject {
        TooLong = 1 => "the account could own more than {max_position} lots",
    }
}

impl Rule for {{type}} {
    type Code = Reject;

    fn check(&self, order: &Order, context: &Context) -> Verdict<Reject> {
        // What the account would own if all its working buys traded, and this one.
        let open = context.position.saturating_add_unsigned(context.open_buy);
        let most = open.saturating_add_unsigned(order.quantity);
        let too_long = most > 0 && most.unsigned_abs() > self.max_position;
        if order.side == Side::Buy && too_long { reject(Reject::TooLong) } else { accept() }
    }
}

export!({{type}});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn working_buys_count() {
        let rule = {{type}} { max_position: 100 };
        let context = Context { position: 50, open_buy: 20, ..Context::default() };
        assert_eq!(rule.check(&Order::buy(30), &context), accept());
        assert_eq!(rule.check(&Order::buy(31), &context), reject(Reject::TooLong));
        assert_eq!(rule.check(&Order::sell(31), &context), accept());
    }
}
