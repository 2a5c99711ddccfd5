//! {{description}}.
#![cfg_attr(target_arch = "wasm32", no_std)]

use plugin_sdk::validation::*;

parameters! {
    /// What the operator sets, as plugin.toml declares it.
    pub struct {{type}} {
        /// Most lots that an order may have.
        pub max_quantity: u64,
    }
}

codes! {
    /// Why an order is refused.
    pub enum Reject {
        TooMany = 1 => "the order has more than {max_quantity} lots",
    }
}

impl Rule for {{type}} {
    type Code = Reject;

    fn check(&self, _: &Order, context: &Context) -> Verdict<Reject> {
        if context.total_quantity > self.max_quantity { reject(Reject::TooMany) } else { accept() }
    }
}

export!({{type}});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_limit_may_be_reached_and_not_passed() {
        let rule = {{type}} { max_quantity: 100 };
        let judge = |quantity| {
            rule.check(&Order::buy(quantity), &Context { total_quantity: quantity, ..Context::default() })
        };
        assert_eq!(judge(100), accept());
        assert_eq!(judge(101), reject(Reject::TooMany));
    }
}
