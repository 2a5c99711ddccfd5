//! Risk rules: they see an order when its turn has come, with positions, open exposure, prices and activity as earlier
//! orders left them.

pub use crate::{
    Code, List, Order, Parameters, SelfTradePrevention, Side, Symbol, TimeInForce, codes,
    export_risk_rule as export, parameters,
};

/// A risk rule: its parameters, and what it makes of an order.
pub trait Rule: Parameters {
    /// What it rejects with.
    type Code: Code;

    /// Looks at the parameters before the first order: a rule that rejects them is not activated.
    fn accept_parameters(&self) -> Verdict<Self::Code> {
        accept()
    }

    /// Judges an order.
    fn check(&self, order: &Order, context: &Context) -> Verdict<Self::Code>;
}

/// What a rule thinks of an order, and what it adds to its counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub struct Verdict<C> {
    rejected: Option<C>,
    count: i64,
}

/// The order may go on.
#[inline]
pub fn accept<C>() -> Verdict<C> {
    Verdict { rejected: None, count: 0 }
}

/// The order may not go on.
#[inline]
pub fn reject<C>(code: C) -> Verdict<C> {
    Verdict { rejected: Some(code), count: 0 }
}

impl<C> Verdict<C> {
    /// Adds to the rule's counter, which `[counter]` in `plugin.toml` declares. Must fit 48 bits.
    #[inline]
    pub fn count(mut self, count: i64) -> Self {
        self.count = count;
        self
    }

    /// Why the order was rejected, if it was.
    pub fn rejected(self) -> Option<C> {
        self.rejected
    }

    /// What is added to the counter.
    pub fn counted(&self) -> i64 {
        self.count
    }
}

/// The largest amount that a counter can change by in one call, either way.
pub const COUNT_MAX: i64 = (1 << 47) - 1;

impl<C: Code> Verdict<C> {
    /// As the contract has it: code in the low 16 bits, change of the counter above.
    ///
    /// Panics, which is a fault of the rule, when the change does not fit.
    #[inline]
    #[doc(hidden)]
    pub fn pack(self) -> u64 {
        assert!((-COUNT_MAX..=COUNT_MAX).contains(&self.count), "the counter cannot change by so much");
        (self.count << 16).cast_unsigned() | u64::from(self.rejected.map_or(0, Code::number))
    }
}

/// What a risk rule knows about an order beyond the order. All of it as earlier orders left it; a replace sees it without
/// the order that it replaces.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Context {
    /// Lots of the instrument that the account owns.
    pub position: i64,
    /// Lots that its working buys could still buy.
    pub open_buy: u64,
    /// Lots that its working sells could still sell.
    pub open_sell: u64,
    /// Cash that its working buys hold over all instruments, in minor units.
    pub open_cash: i64,
    /// The highest bid in ticks.
    pub best_bid: Option<i64>,
    /// The lowest ask in ticks.
    pub best_ask: Option<i64>,
    /// The last trade's price in ticks.
    pub last_price: Option<i64>,
    /// Lots of the instrument that the account has bought and sold in this trading day.
    pub day_volume: u64,
    /// The rule's counter, in its current window.
    pub counter: i64,
    /// The sequencer's time of the order, UNIX nanoseconds.
    pub now: i64,
}

/// For the contract, 0 is no price.
#[inline]
#[doc(hidden)]
pub fn price(ticks: i64) -> Option<i64> {
    (ticks != 0).then_some(ticks)
}

#[cfg(test)]
mod tests {
    use super::*;

    codes! { enum Reject { Why = 3 => "why" } }

    #[test]
    fn a_verdict_packs_code_and_count() {
        assert_eq!(accept::<Reject>().pack(), 0);
        assert_eq!(reject(Reject::Why).pack(), 3);
        assert_eq!(accept::<Reject>().count(5).pack(), 5 << 16);
        assert_eq!(reject(Reject::Why).count(-1).pack(), 0xFFFF_FFFF_FFFF_0003);
        assert_eq!(accept::<Reject>().count(-COUNT_MAX).pack().cast_signed() >> 16, -COUNT_MAX);
        assert_eq!(price(0), None);
    }

    #[test]
    #[should_panic(expected = "so much")]
    fn a_count_that_does_not_fit_is_a_fault() {
        let _ = accept::<Reject>().count(COUNT_MAX + 1).pack();
    }
}
