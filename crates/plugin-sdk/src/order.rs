//! The order that a rule judges, as validation and risk rules alike see it.

/// Which way an order goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// It takes the instrument in.
    Buy,
    /// It gives the instrument away.
    Sell,
}

/// How long an order works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum TimeInForce {
    /// Until the trading day ends.
    Day,
    /// Until it is canceled.
    GoodTillCanceled,
    /// Not at all: what does not trade at once is canceled.
    ImmediateOrCancel,
    /// Not at all: it trades completely at once, or not.
    FillOrKill,
    /// Until the time that it names.
    GoodTillDate,
    /// A later contract's.
    Unknown,
}

/// What becomes of orders of one account that meet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SelfTradePrevention {
    /// The incoming one is canceled.
    CancelNewest,
    /// The resting one is canceled.
    CancelOldest,
    /// Both are canceled.
    CancelBoth,
    /// Both lose what would have traded.
    Decrement,
    /// A later contract's.
    Unknown,
}

/// The order to judge: a new one, or what a replace would make of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Order {
    /// The account's id.
    pub account: u32,
    /// The instrument's id.
    pub instrument: u32,
    /// Buy or sell.
    pub side: Side,
    /// The limit price in ticks; `None` for a market order.
    pub limit: Option<i64>,
    /// What could still trade, in lots.
    pub quantity: u64,
    /// The order's value in minor units of the currency (cents): limit price x total quantity, `i64::MAX` when more. For a
    /// market order what the visible book makes of it (`risk`), or 0 (`validation`).
    pub notional: i64,
    /// Whether it must not trade at once.
    pub post_only: bool,
    /// Whether it replaces a working order.
    pub replaces: bool,
    /// How long it works.
    pub time_in_force: TimeInForce,
    /// What becomes of it when it meets an order of the same account.
    pub self_trade_prevention: SelfTradePrevention,
}

const SELL: u32 = 1 << 0;
const MARKET: u32 = 1 << 1;
const POST_ONLY: u32 = 1 << 2;
const REPLACE: u32 = 1 << 3;

impl Order {
    /// Builds the order from the contract's scalars.
    #[inline]
    pub(crate) fn from_contract(
        account: u32,
        instrument: u32,
        flags: u32,
        quantity: u64,
        price: i64,
        notional: i64,
    ) -> Self {
        Self {
            account,
            instrument,
            side: if flags & SELL == 0 { Side::Buy } else { Side::Sell },
            limit: (flags & MARKET == 0).then_some(price),
            quantity,
            notional,
            post_only: flags & POST_ONLY != 0,
            replaces: flags & REPLACE != 0,
            time_in_force: match flags >> 8 & 0xFF {
                0 => TimeInForce::Day,
                1 => TimeInForce::GoodTillCanceled,
                2 => TimeInForce::ImmediateOrCancel,
                3 => TimeInForce::FillOrKill,
                4 => TimeInForce::GoodTillDate,
                _ => TimeInForce::Unknown,
            },
            self_trade_prevention: match flags >> 16 & 0xFF {
                1 => SelfTradePrevention::CancelNewest,
                2 => SelfTradePrevention::CancelOldest,
                3 => SelfTradePrevention::CancelBoth,
                4 => SelfTradePrevention::Decrement,
                _ => SelfTradePrevention::Unknown,
            },
        }
    }

    fn market(side: Side, quantity: u64) -> Self {
        Self {
            account: 1,
            instrument: 1,
            side,
            limit: None,
            quantity,
            notional: 0,
            post_only: false,
            replaces: false,
            time_in_force: TimeInForce::ImmediateOrCancel,
            self_trade_prevention: SelfTradePrevention::CancelNewest,
        }
    }

    /// For tests: account 1 buys `quantity` lots of instrument 1 at the market, at a value of 0.
    pub fn buy(quantity: u64) -> Self {
        Self::market(Side::Buy, quantity)
    }

    /// For tests: as [`Order::buy`], the other way.
    pub fn sell(quantity: u64) -> Self {
        Self::market(Side::Sell, quantity)
    }

    /// For tests: a day order at this limit, in ticks, with the value that it has where a tick of a lot is one minor unit.
    #[must_use]
    pub fn at(mut self, limit: i64) -> Self {
        self.limit = Some(limit);
        self.notional = limit.saturating_mul(i64::try_from(self.quantity).unwrap_or(i64::MAX));
        self.time_in_force = TimeInForce::Day;
        self
    }

    /// For tests: the order with this value in minor units.
    #[must_use]
    pub fn worth(mut self, notional: i64) -> Self {
        self.notional = notional;
        self
    }

    /// For tests: the order as another account's.
    #[must_use]
    pub fn of(mut self, account: u32) -> Self {
        self.account = account;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_where_the_contract_puts_them() {
        let order = Order::from_contract(7, 9, 0b1101 | 3 << 8 | 4 << 16, 5, 100, 500);
        assert_eq!((order.account, order.instrument, order.quantity), (7, 9, 5));
        assert_eq!((order.side, order.limit, order.notional), (Side::Sell, Some(100), 500));
        assert!(order.post_only && order.replaces);
        assert_eq!(order.time_in_force, TimeInForce::FillOrKill);
        assert_eq!(order.self_trade_prevention, SelfTradePrevention::Decrement);
        let market = Order::from_contract(7, 9, 0b10 | 2 << 8 | 1 << 16, 5, 0, 0);
        assert_eq!(market, Order { account: 7, instrument: 9, ..Order::buy(5) });
    }
}
