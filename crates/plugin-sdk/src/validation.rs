//! Validation rules: they see an order and its instrument, and judge whole batches before the first order is decided.

pub use crate::{
    Code, List, Order, Parameters, SelfTradePrevention, Side, Symbol, TimeInForce, codes,
    export_validation_rule as export, parameters,
};

/// A validation rule: its parameters, and what it makes of an order.
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

/// What a rule thinks of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use]
pub enum Verdict<C> {
    /// It may go on.
    Accept,
    /// It may not.
    Reject(C),
}

/// The order may go on.
pub fn accept<C>() -> Verdict<C> {
    Verdict::Accept
}

/// The order may not go on.
pub fn reject<C>(code: C) -> Verdict<C> {
    Verdict::Reject(code)
}

impl<C: Code> Verdict<C> {
    /// As the contract has it.
    #[inline]
    #[doc(hidden)]
    pub fn code(self) -> u32 {
        match self {
            Self::Accept => 0,
            Self::Reject(code) => u32::from(code.number()),
        }
    }
}

/// What a validation rule knows about an order beyond the order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The order's total quantity in lots: of a replace, with what has traded already.
    pub total_quantity: u64,
    /// The instrument's symbol.
    pub symbol: Symbol,
    /// What one tick of one lot is worth, in minor units of the currency.
    pub tick_value: i64,
    /// The instrument's largest order quantity, in lots.
    pub max_quantity: Option<u64>,
    /// The sequencer's time of the order, UNIX nanoseconds.
    pub now: i64,
}

impl Default for Context {
    /// For tests: an instrument `TEST` whose ticks are minor units, at time 0.
    fn default() -> Self {
        Self { total_quantity: 0, symbol: Symbol::new("TEST"), tick_value: 1, max_quantity: None, now: 0 }
    }
}

/// How many words an order takes.
pub const ROW_WORDS: usize = 12;

/// Reads an order from its words.
#[inline]
pub fn read(row: &[u64; ROW_WORDS]) -> (Order, Context) {
    #[expect(clippy::cast_possible_truncation, reason = "each half of word 0 is an id; flags are 32 bits")]
    let (account, instrument, flags) = (row[0] as u32, (row[0] >> 32) as u32, row[1] as u32);
    let order =
        Order::from_contract(account, instrument, flags, row[2], row[4].cast_signed(), row[5].cast_signed());
    let context = Context {
        total_quantity: row[3],
        symbol: Symbol::from_words(row[6], row[7]),
        tick_value: row[8].cast_signed(),
        max_quantity: (row[9] != u64::MAX).then_some(row[9]),
        now: row[10].cast_signed(),
    };
    (order, context)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_where_the_contract_puts_them() {
        let [low, high] = Symbol::new("AAPL").to_words();
        let row = [9 << 32 | 7, 1, 40, 50, 1005, 50_250, low, high, 1, u64::MAX, 123, 0];
        let (order, context) = read(&row);
        assert_eq!(
            order,
            Order {
                account: 7,
                instrument: 9,
                self_trade_prevention: SelfTradePrevention::Unknown,
                ..Order::sell(40).at(1005).worth(50_250)
            }
        );
        let expected = Context {
            total_quantity: 50,
            symbol: Symbol::new("AAPL"),
            tick_value: 1,
            max_quantity: None,
            now: 123,
        };
        assert_eq!(context, expected);
    }
}
