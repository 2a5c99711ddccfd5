//! The words of the exchange: prices, quantities, ids, commands, events and reject reasons, and the bytes each
//! of them has in the log.
//!
//! This is the room to look in for "what can be said to the exchange" ([`Command`]), "what can have happened"
//! ([`Event`]) and "why not" ([`RejectReason`]). What the words *do* is in `engine`; how records are stored is in
//! `event-store`.
//!
//! **Architecture invariant:** nothing here reads a clock, does I/O, uses a float, or depends on another crate of
//! this workspace. Names are text only at the edge ([`Symbol`], [`ClOrdId`]); inside, everything is an integer.

#![deny(clippy::float_arithmetic)]

mod codec;
mod command;
mod decimal;
mod event;
mod fields;
mod ids;
mod money;
mod order;
mod reject;
mod rule;
mod text;
mod time;

pub use codec::{DecodeError, KIND_EVENT_FIRST, Record, RecordKind};
pub use command::{
    ActivateRule, AdvanceTime, ApproveRule, CancelAll, CancelOrder, Command, Configure, CreateInstrument,
    DeactivateRule, Deposit, InitialBalance, KillAccount, LoadRule, MAX_INITIAL_BALANCES, OpenAccount,
    ReplaceOrder, RollbackRule, SetAccountLimits, SetAccountStatus, SetPhase, StartTradingDay, SubmitOrder,
    Withdraw,
};
pub use decimal::{Decimal, DecimalError, POWERS_OF_TEN};
pub use event::{
    AccountKilled, AccountLimitsChanged, AccountOpened, AccountStatusChanged, AssetRegistered,
    BalanceChanged, CancelRejected, CommandRejected, Configured, Event, InstrumentCreated, OrderAccepted,
    OrderBooked, OrderCanceled, OrderReduced, OrderRejected, OrderReplaced, PhaseChanged, ReplaceRejected,
    RuleActivated, RuleApproved, RuleCounterChanged, RuleDeactivated, RuleFaulted, RuleLoaded, RuleRecovered,
    RuleSuspended, RuleVerdict, Trade, TradingDayStarted,
};
pub use fields::FieldValue;
pub use ids::{AccountId, AssetId, InstrumentId, MAX_WORKING_ORDERS, ORDER_SLOT_BITS, OrderId, TradeId};
pub use money::{Cash, Price, Quantity, TickValue};
pub use order::{
    AccountStatus, CancelReason, OrderType, Phase, SelfTradePrevention, Side, TimeInForce, UnknownWord,
};
pub use reject::{RejectReason, UnknownReason};
pub use rule::{
    ActivationId, ComponentHash, CounterKey, CounterWindow, FailMode, MAX_RULE_CODE, MAX_RULE_PARAMETERS,
    NotHex, OperatorName, RULE_FAULT_CODE, RuleFault, RuleId, RuleKind, RuleMode, RuleName, RuleParameters,
    SignerKey,
};
pub use text::{AccountName, AssetCode, CalendarName, ClOrdId, Symbol, Text, TextError};
pub use time::{DayNumber, NANOS_PER_DAY, Timestamp};
