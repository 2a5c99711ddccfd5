//! Refuses orders in instruments on a list. Scope the activation to accounts to restrict only those.
#![cfg_attr(target_arch = "wasm32", no_std)]

use plugin_sdk::validation::*;

parameters! {
    /// What may not be traded.
    pub struct RestrictedList {
        /// 1: selling is allowed.
        pub allow_sells: u64,
        /// The instruments.
        pub symbols: List<Symbol>,
    }
}

codes! {
    /// Why an order is refused.
    pub enum Reject {
        Restricted = 1 => "the instrument is on the restricted list",
        BuyRestricted = 2 => "the instrument is on the restricted list: it may be sold and not bought",
        NotASwitch = 100 => "allow_sells is neither 0 nor 1",
    }
}

impl Rule for RestrictedList {
    type Code = Reject;

    fn accept_parameters(&self) -> Verdict<Reject> {
        if self.allow_sells > 1 { reject(Reject::NotASwitch) } else { accept() }
    }

    fn check(&self, order: &Order, context: &Context) -> Verdict<Reject> {
        if !self.symbols.contains(context.symbol) {
            return accept();
        }
        match (self.allow_sells, order.side) {
            (0, _) => reject(Reject::Restricted),
            (_, Side::Buy) => reject(Reject::BuyRestricted),
            (_, Side::Sell) => accept(),
        }
    }
}

export!(RestrictedList);

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(allow_sells: u64, order: &Order, symbol: &str) -> Verdict<Reject> {
        let symbols = List::of(&[Symbol::new("AAPL"), Symbol::new("BRK.B")]);
        let context = Context { symbol: Symbol::new(symbol), ..Context::default() };
        RestrictedList { allow_sells, symbols }.check(order, &context)
    }

    #[test]
    fn what_is_listed_is_not_traded() {
        assert_eq!(judge(0, &Order::buy(1), "AAPL"), reject(Reject::Restricted));
        assert_eq!(judge(0, &Order::sell(1), "BRK.B"), reject(Reject::Restricted));
        for free in ["AAP", "AAPLX", "MSFT", ""] {
            assert_eq!(judge(0, &Order::buy(1), free), accept(), "{free}");
        }
    }

    #[test]
    fn owners_may_be_let_out() {
        assert_eq!(judge(1, &Order::sell(1), "AAPL"), accept());
        assert_eq!(judge(1, &Order::buy(1), "AAPL"), reject(Reject::BuyRestricted));
    }

    #[test]
    fn an_empty_list_restricts_nothing() {
        let none = RestrictedList { allow_sells: 0, symbols: List::of(&[]) };
        assert_eq!(none.check(&Order::buy(1), &Context::default()), accept());
        assert_eq!(none.accept_parameters(), accept());
        assert_eq!(RestrictedList { allow_sells: 2, ..none }.accept_parameters(), reject(Reject::NotASwitch));
    }
}
