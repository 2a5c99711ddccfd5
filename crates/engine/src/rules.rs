//! What the engine asks of rules. A rule can reject an order, never change anything; the engine knows neither what a
//! rule is made of nor where it runs.

use model::{
    AccountId, Cash, InstrumentId, OrderId, OrderType, Price, Quantity, SelfTradePrevention, Side,
    TimeInForce,
};

/// A rule's answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// No objection.
    Accept,
    /// The order is refused with `RULE`.
    Reject {
        /// Which rule said no.
        rule: u16,
        /// The rule's own code for why.
        code: u32,
    },
}

/// An order as rules see it: a new one, or a working one as a replace would make it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ProposedOrder {
    /// Whose.
    pub account: AccountId,
    /// In what.
    pub instrument: InstrumentId,
    /// The working order that this replaces; [`OrderId::NONE`] for a new order.
    pub replaces: OrderId,
    /// Limit in ticks; 0 for a market order.
    pub price: Price,
    /// Total quantity in lots.
    pub quantity: Quantity,
    /// What of it could still trade, in lots: less than `quantity` in a replace of an order that has traded.
    pub leaves: Quantity,
    /// Buy or sell.
    pub side: Side,
    /// Market or limit.
    pub order_type: OrderType,
    /// How long it works.
    pub time_in_force: TimeInForce,
    /// Whether it must not take.
    pub post_only: bool,
    /// The self-trade prevention mode that applies. Never `Default`.
    pub self_trade_prevention: SelfTradePrevention,
}

/// What a risk rule may know beside the order: flat numbers as they are when the order's turn has come.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RiskFacts {
    /// Lots of the instrument the account owns.
    pub position: Cash,
    /// Lots of the instrument that its working sells hold: its open sell exposure.
    pub position_held: Cash,
    /// Its cash in the instrument's currency, in minor units.
    pub cash: Cash,
    /// Cash in that currency that its working buys hold, over all instruments: its open buy exposure.
    pub cash_held: Cash,
    /// The order's value in minor units: price times quantity, or what the visible book makes of a market order.
    /// `i64::MAX` when it is more.
    pub notional: Cash,
    /// The highest bid in ticks.
    pub best_bid: Option<Price>,
    /// The lowest ask in ticks.
    pub best_ask: Option<Price>,
    /// The price of the instrument's last trade in ticks.
    pub last_price: Option<Price>,
    /// How many orders the account has working.
    pub working_orders: u32,
}

/// The rules in force. Asked once about every new order and every replace that passed all checks before `RULE`, first for
/// `validation`, then for `risk`.
pub trait Rules {
    /// The verdict of the validation rules on the command now being decided. They ran over the whole batch before, so
    /// an implementation only looks the answer up.
    fn validation(&mut self, order: &ProposedOrder) -> Verdict;

    /// Whether any risk rule is active. The facts are gathered only if so.
    fn wants_risk(&self) -> bool;

    /// The verdict of the risk rules.
    fn risk(&mut self, order: &ProposedOrder, facts: &RiskFacts) -> Verdict;
}

/// No rules: everything is accepted, and nothing is paid for it.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRules;

impl Rules for NoRules {
    #[inline]
    fn validation(&mut self, _: &ProposedOrder) -> Verdict {
        Verdict::Accept
    }

    #[inline]
    fn wants_risk(&self) -> bool {
        false
    }

    #[inline]
    fn risk(&mut self, _: &ProposedOrder, _: &RiskFacts) -> Verdict {
        Verdict::Accept
    }
}
