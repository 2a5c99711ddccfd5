//! Records looked at field by field, for those who show a log without knowing what each record means.

use crate::{
    AccountId, AccountStatus, ActivationId, AssetId, CancelReason, Cash, ClOrdId, ComponentHash, CounterKey,
    CounterWindow, DayNumber, Decimal, FailMode, InitialBalance, InstrumentId, OrderId, OrderType, Phase,
    Price, Quantity, RejectReason, RuleFault, RuleId, RuleKind, RuleMode, RuleParameters,
    SelfTradePrevention, Side, SignerKey, Text, TickValue, TimeInForce, Timestamp, TradeId,
};

/// What one field of a record holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FieldValue {
    /// Nothing: an id, number, name or time that is absent.
    Absent,
    /// Yes or no.
    Flag(bool),
    /// A count, an id, or a quantity in lots.
    Unsigned(u64),
    /// A price in ticks, an amount in the smallest unit, a time in nanoseconds.
    Signed(i64),
    /// A name, a word, or an exact decimal number.
    Text(String),
    /// The parameters of a rule.
    Numbers(Vec<i64>),
    /// What an account is opened with.
    Balances(Vec<(String, String)>),
}

/// A type that fields of records have.
pub(crate) trait Field {
    /// What it holds.
    fn value(&self) -> FieldValue;
}

macro_rules! fields {
    ($($type:ty: $this:ident => $value:expr;)+) => {
        $(impl Field for $type {
            fn value(&self) -> FieldValue {
                let $this = self;
                $value
            }
        })+
    };
}

fields! {
    bool: this => FieldValue::Flag(*this);
    u8: this => FieldValue::Unsigned(u64::from(*this));
    u16: this => FieldValue::Unsigned(u64::from(*this));
    u32: this => FieldValue::Unsigned(u64::from(*this));
    u64: this => FieldValue::Unsigned(*this);
    i64: this => FieldValue::Signed(*this);
    Price: this => FieldValue::Signed(this.0);
    Quantity: this => FieldValue::Unsigned(this.0);
    Cash: this => FieldValue::Signed(this.0);
    TickValue: this => FieldValue::Signed(this.0);
    DayNumber: this => FieldValue::Signed(i64::from(this.0));
    TradeId: this => FieldValue::Unsigned(this.0);
    OrderId: this => FieldValue::Unsigned(this.0);
    AccountId: this => dense(this.0);
    InstrumentId: this => dense(this.0);
    AssetId: this => dense(this.0);
    Timestamp: this => if *this == Timestamp::NONE { FieldValue::Absent } else { FieldValue::Signed(this.0) };
    Decimal: this => if this.is_none() { FieldValue::Absent } else { FieldValue::Text(this.to_string()) };
    ClOrdId: this => FieldValue::Text(this.to_string());
    RejectReason: this => FieldValue::Text(this.to_string());
    Side: this => FieldValue::Text(this.to_string());
    OrderType: this => FieldValue::Text(this.to_string());
    TimeInForce: this => FieldValue::Text(this.to_string());
    SelfTradePrevention: this => FieldValue::Text(this.to_string());
    Phase: this => FieldValue::Text(this.to_string());
    AccountStatus: this => FieldValue::Text(this.to_string());
    CancelReason: this => FieldValue::Text(this.to_string());
    RuleId: this => FieldValue::Unsigned(u64::from(this.0));
    ActivationId: this => FieldValue::Unsigned(u64::from(this.0));
    RuleKind: this => FieldValue::Text(this.to_string());
    RuleMode: this => FieldValue::Text(this.to_string());
    FailMode: this => FieldValue::Text(this.to_string());
    CounterKey: this => FieldValue::Text(this.to_string());
    CounterWindow: this => FieldValue::Text(this.to_string());
    RuleFault: this => FieldValue::Text(this.to_string());
    ComponentHash: this => FieldValue::Text(this.to_string());
    SignerKey: this => if this.is_none() { FieldValue::Absent } else { FieldValue::Text(this.to_string()) };
    RuleParameters: this => FieldValue::Numbers(this.words().to_vec());
}

fn dense(id: u32) -> FieldValue {
    if id == u32::MAX { FieldValue::Absent } else { FieldValue::Unsigned(u64::from(id)) }
}

impl<const N: usize> Field for Text<N> {
    fn value(&self) -> FieldValue {
        if self.is_empty() { FieldValue::Absent } else { FieldValue::Text(self.to_string()) }
    }
}

/// Reserved bytes, which are zero.
impl<const N: usize> Field for [u8; N] {
    fn value(&self) -> FieldValue {
        FieldValue::Absent
    }
}

impl<const N: usize> Field for [InitialBalance; N] {
    fn value(&self) -> FieldValue {
        let named = self.iter().filter(|balance| !balance.asset.is_empty());
        FieldValue::Balances(
            named.map(|balance| (balance.asset.to_string(), balance.amount.to_string())).collect(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{AccountKilled, Event, InstrumentCreated, PhaseChanged};

    #[test]
    fn a_record_shows_its_fields_in_order_and_hides_what_is_reserved() {
        let event =
            Event::from(PhaseChanged { instrument: InstrumentId(3), phase: Phase::Halted, reserved: [0; 3] });
        assert_eq!(
            event.fields(),
            [("instrument", FieldValue::Unsigned(3)), ("phase", FieldValue::Text("halted".to_owned()))]
        );
    }

    #[test]
    fn what_is_not_there_is_absent() {
        let event = Event::from(AccountKilled { account: AccountId::UNKNOWN, reserved: 0 });
        assert_eq!(event.fields(), [("account", FieldValue::Absent)]);
        let created = InstrumentCreated {
            symbol: "AAPL".parse().unwrap(),
            calendar: Text::EMPTY,
            tick_size: Decimal::new(1, 2),
            lot_size: Decimal::NONE,
            tick_value: TickValue(1),
            max_quantity: Quantity(u64::MAX),
            max_notional: Cash(i64::MAX),
            collar_ppm: -1,
            instrument: InstrumentId(0),
            asset: AssetId(1),
            currency: AssetId(0),
            self_trade_prevention: SelfTradePrevention::CancelNewest,
            phase: Phase::Open,
            reserved: [0; 18],
        };
        let fields = Event::from(created).fields();
        assert!(fields.contains(&("calendar", FieldValue::Absent)));
        assert!(fields.contains(&("lot_size", FieldValue::Absent)));
        assert!(fields.contains(&("tick_size", FieldValue::Text("0.01".to_owned()))));
    }
}
