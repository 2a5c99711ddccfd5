//! What the engine asks of rules. A rule can reject an order, never change anything; the engine knows neither what a rule
//! is made of nor where it runs. Which rules are in force, in which order and for whom, is in the log and so in the
//! [`State`](crate::State); what a rule sees are the rows below, which the contract in `wit/` describes word by word.

use model::{
    AccountId, ActivationId, InstrumentId, OrderId, OrderType, Price, Quantity, RuleActivated, RuleFault,
    SelfTradePrevention, Side, TimeInForce,
};

/// An order that passed the checks before `RULE`: a new one, or a working one as a replace would make it.
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

/// What a validation rule sees of an order: the words of a row, as `validation-rule.check` in `wit/validation.wit` has them.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(transparent)]
pub struct ValidationRow(pub [u64; VALIDATION_WORDS]);

/// Words in a [`ValidationRow`].
pub const VALIDATION_WORDS: usize = 12;

impl ValidationRow {
    /// Whose order.
    #[inline]
    pub fn account(&self) -> AccountId {
        let [a, b, c, d, ..] = self.0[0].to_le_bytes();
        AccountId(u32::from_le_bytes([a, b, c, d]))
    }

    /// In what.
    #[inline]
    pub fn instrument(&self) -> InstrumentId {
        let [.., a, b, c, d] = self.0[0].to_le_bytes();
        InstrumentId(u32::from_le_bytes([a, b, c, d]))
    }
}

/// What a risk rule sees of an order: the parameters of `risk-rule.check` in `wit/risk.wit`, in that order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct RiskRow {
    /// The account's id.
    pub account: u32,
    /// The instrument's id.
    pub instrument: u32,
    /// Side, type and the like; see [`flags`](Self::flags) in the contract.
    pub flags: u32,
    /// What could still trade, in lots.
    pub quantity: u64,
    /// Limit price in ticks; 0 for a market order.
    pub price: i64,
    /// The order's value in minor units.
    pub notional: i64,
    /// Lots of the instrument the account owns.
    pub position: i64,
    /// Lots its working buys could still buy.
    pub open_buy: u64,
    /// Lots its working sells could still sell.
    pub open_sell: u64,
    /// Cash its working buys hold, in minor units.
    pub open_cash: i64,
    /// The highest bid in ticks; 0 when there is none.
    pub best_bid: i64,
    /// The lowest ask in ticks; 0 when there is none.
    pub best_ask: i64,
    /// The price of the instrument's last trade in ticks; 0 before the first.
    pub last_price: i64,
    /// Lots of the instrument the account has traded this trading day.
    pub day_volume: u64,
    /// The rule's own counter.
    pub counter: i64,
    /// The sequencer's time, UNIX nanoseconds.
    pub now: i64,
}

/// A rule's answer about one order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Outcome {
    /// No objection.
    Accept,
    /// An objection, with the rule's own code for why: 1 to [`MAX_RULE_CODE`](model::MAX_RULE_CODE).
    Reject(u32),
    /// No answer.
    Fault(RuleFault),
}

/// Runs the rules that are in force. Which component an activation names and what it is configured with, it is told by
/// [`restore`](Self::restore) and [`activated`](Self::activated); what a rule answers must follow from these and the row alone.
pub trait Rules {
    /// Before anything else: the activations in force at the end of the log.
    fn restore(&mut self, active: &[RuleActivated]);

    /// An activation has begun. Nothing was asked of it yet.
    fn activated(&mut self, event: &RuleActivated);

    /// An activation has ended, or was suspended. Nothing more will be asked of it, unless it is restored by a rollback,
    /// which is an activation of its own.
    fn ended(&mut self, activation: ActivationId);

    /// Judges orders ahead of their turn, if that is cheaper by the batch. A row may never be asked for, and what is asked
    /// for later may not be among them.
    fn prepare(&mut self, activation: ActivationId, rows: &[ValidationRow]);

    /// The verdict of a validation rule.
    fn validation(&mut self, activation: ActivationId, row: &ValidationRow) -> Outcome;

    /// The verdict of a risk rule, and what it adds to its counter: 0 unless the activation has one.
    fn risk(&mut self, activation: ActivationId, row: &RiskRow) -> (Outcome, i64);
}

impl<R: Rules + ?Sized> Rules for Box<R> {
    fn restore(&mut self, active: &[RuleActivated]) {
        (**self).restore(active);
    }

    fn activated(&mut self, event: &RuleActivated) {
        (**self).activated(event);
    }

    fn ended(&mut self, activation: ActivationId) {
        (**self).ended(activation);
    }

    fn prepare(&mut self, activation: ActivationId, rows: &[ValidationRow]) {
        (**self).prepare(activation, rows);
    }

    fn validation(&mut self, activation: ActivationId, row: &ValidationRow) -> Outcome {
        (**self).validation(activation, row)
    }

    fn risk(&mut self, activation: ActivationId, row: &RiskRow) -> (Outcome, i64) {
        (**self).risk(activation, row)
    }
}

/// No rules can be run: those in the log, if there are any, are unavailable.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoRules;

impl Rules for NoRules {
    fn restore(&mut self, _: &[RuleActivated]) {}

    fn activated(&mut self, _: &RuleActivated) {}

    fn ended(&mut self, _: ActivationId) {}

    fn prepare(&mut self, _: ActivationId, _: &[ValidationRow]) {}

    fn validation(&mut self, _: ActivationId, _: &ValidationRow) -> Outcome {
        Outcome::Fault(RuleFault::Unavailable)
    }

    fn risk(&mut self, _: ActivationId, _: &RiskRow) -> (Outcome, i64) {
        (Outcome::Fault(RuleFault::Unavailable), 0)
    }
}
