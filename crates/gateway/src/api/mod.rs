//! The words of the REST API: the JSON bodies and queries, requests and answers alike, shared by server and client.
//!
//! Numbers are strings of decimals ([`Number`]), times RFC 3339 ([`Time`]), and every answer carries the sequence number
//! up to which it is true. A request with a field nobody knows is refused, by name.

mod accounts;
mod market;
mod number;
mod orders;
mod problem;
mod rules;
mod status;
mod time;
mod words;

pub use accounts::{
    Account, AccountAnswer, AccountLimits, Accounts, AccountsQuery, Amount, Balance, NewAccount,
    StatusRequest,
};
pub use market::{
    Book, BookEntry, BookLevel, BookQuery, Candle, Candles, CandlesQuery, Instrument, InstrumentAnswer,
    Instruments, NewInstrument, PhaseRequest, Trade, Trades, TradesQuery,
};
pub use number::{Number, NumberError};
pub use orders::{
    ExecType, ExecutionReport, ExecutionsAnswer, Liquidity, NewOrder, OrdStatus, Order, OrderAnswer, Orders,
    OrdersQuery, OrdersShown, ReplaceRequest,
};
pub use problem::{GatewayCode, Problem, reject_status};
pub use rules::{
    ActivateRequest, ApproveRequest, COMPONENT_TYPE, DeactivateRequest, FailModeWord, OPERATOR_DEFAULT,
    OPERATOR_HEADER, Rule, RuleActivation, RuleAnswer, RuleComponent, RuleCount, RuleCounter, RuleKindWord,
    RuleList, RuleLoadedAnswer, RuleLog, RuleLogLine, RuleLogQuery, RuleMeasured, RuleModeWord, RuleMoment,
    RuleParameter, RuleSpread, RuleSummary, SIGNATURE_HEADER,
};
pub use status::{Health, ProjectedRule, ProjectionStatus, Status};
pub use time::{Time, TimeError};
pub use words::{
    AccountStatusWord, CancelReasonWord, OrdType, PhaseWord, SideWord, StpWord, TimeInForceWord, Word,
};
