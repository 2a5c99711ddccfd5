//! Refuses orders that could trade far from the market. A market order is judged by the price it would begin to trade at.
#![cfg_attr(target_arch = "wasm32", no_std)]

use plugin_sdk::risk::*;

parameters! {
    /// How far is too far.
    pub struct PriceCollar {
        /// Hundredths of a percent of the reference price.
        pub max_distance_bps: u64,
        /// 1: also on the side where an order does no harm.
        pub both_ways: u64,
    }
}

codes! {
    /// Why an order is refused.
    pub enum Reject {
        Above = 1 => "the price is more than {max_distance_bps} basis points above the market",
        Below = 2 => "the price is more than {max_distance_bps} basis points below the market",
        NotASwitch = 100 => "both_ways is neither 0 nor 1",
    }
}

/// The last price, or the middle of the book before there is one; doubled, so that the middle is a whole number.
fn reference_twice(context: &Context) -> Option<i128> {
    if let Some(last) = context.last_price {
        return Some(i128::from(last) * 2);
    }
    Some(i128::from(context.best_bid?) + i128::from(context.best_ask?))
}

impl Rule for PriceCollar {
    type Code = Reject;

    fn accept_parameters(&self) -> Verdict<Reject> {
        if self.both_ways > 1 { reject(Reject::NotASwitch) } else { accept() }
    }

    fn check(&self, order: &Order, context: &Context) -> Verdict<Reject> {
        let opposite = match order.side {
            Side::Buy => context.best_ask,
            Side::Sell => context.best_bid,
        };
        let (Some(price), Some(twice)) = (order.limit.or(opposite), reference_twice(context)) else {
            return accept();
        };
        // |price - reference| x 10,000 > reference x distance, all doubled.
        let above = i128::from(price) * 2 - twice;
        let too_far = above.abs() * 10_000 > twice.abs() * i128::from(self.max_distance_bps);
        let harmful = (above > 0) == (order.side == Side::Buy);
        match (too_far && (harmful || self.both_ways == 1), above > 0) {
            (false, _) => accept(),
            (true, true) => reject(Reject::Above),
            (true, false) => reject(Reject::Below),
        }
    }
}

export!(PriceCollar);

#[cfg(test)]
mod tests {
    use super::*;

    const RULE: PriceCollar = PriceCollar { max_distance_bps: 500, both_ways: 0 };

    fn at_last(last: i64) -> Context {
        Context { last_price: Some(last), ..Context::default() }
    }

    #[test]
    fn five_percent_is_allowed_and_a_tick_more_is_not() {
        assert_eq!(RULE.check(&Order::buy(1).at(1_050), &at_last(1_000)), accept());
        assert_eq!(RULE.check(&Order::buy(1).at(1_051), &at_last(1_000)), reject(Reject::Above));
        assert_eq!(RULE.check(&Order::sell(1).at(950), &at_last(1_000)), accept());
        assert_eq!(RULE.check(&Order::sell(1).at(949), &at_last(1_000)), reject(Reject::Below));
    }

    #[test]
    fn prices_that_wait_far_away_do_no_harm() {
        assert_eq!(RULE.check(&Order::buy(1).at(1), &at_last(1_000)), accept());
        let strict = PriceCollar { both_ways: 1, ..RULE };
        assert_eq!(strict.check(&Order::buy(1).at(1), &at_last(1_000)), reject(Reject::Below));
        assert_eq!(strict.check(&Order::sell(1).at(9_999), &at_last(1_000)), reject(Reject::Above));
    }

    #[test]
    fn before_the_first_trade_the_middle_of_the_book_counts() {
        let book = Context { best_bid: Some(999), best_ask: Some(1_000), ..Context::default() };
        assert_eq!(RULE.check(&Order::buy(1).at(1_050), &book), reject(Reject::Above));
        assert_eq!(RULE.check(&Order::buy(1).at(1_049), &book), accept());
        assert_eq!(RULE.check(&Order::buy(1).at(5_000), &Context::default()), accept());
    }

    #[test]
    fn a_market_order_is_judged_by_what_it_would_meet() {
        let gap = Context { best_ask: Some(2_000), ..at_last(1_000) };
        assert_eq!(RULE.check(&Order::buy(1), &gap), reject(Reject::Above));
        assert_eq!(RULE.check(&Order::sell(1), &gap), accept());
    }

    #[test]
    fn nothing_overflows() {
        let strict = PriceCollar { max_distance_bps: u64::MAX >> 1, both_ways: 1 };
        assert_eq!(strict.check(&Order::buy(1).at(i64::MAX), &at_last(i64::MAX)), accept());
        assert_eq!(RULE.check(&Order::sell(1).at(i64::MIN), &at_last(i64::MAX)), reject(Reject::Below));
    }
}
