//! What went wrong, as RFC 9457 "problem details" (`application/problem+json`).

use model::RejectReason;
use serde::{Deserialize, Serialize};

/// Why a request was not done. `code` is for programs, the texts are for people.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Problem {
    /// The HTTP status.
    pub status: u16,
    /// What kind of problem: a reject reason of the exchange, such as `INSUFFICIENT_FUNDS`, or a [`GatewayCode`].
    pub code: String,
    /// The reject reason's number, the same in every protocol. None when the exchange never saw the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub number: Option<u16>,
    /// The problem in a few words, the same for every problem of its code.
    pub title: String,
    /// What it was this time.
    pub detail: String,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// The field of the request that was wrong.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub field: Option<String>,
    /// The client's id of the order that was refused, or whose outcome is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cl_ord_id: Option<String>,
    /// The name of the rule that said no, when the code is `RULE`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// The rule's own code for why; 65536 and above when it could not judge.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_code: Option<u32>,
    /// That code in the rule's own words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
    /// The sequence number of the refused command: a refusal is a fact in the log.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sequence: Option<u64>,
}

/// Problems that are the gateway's own: the exchange never saw the request, or has not answered yet.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum GatewayCode {
    /// The request is not what this address takes; `field` names the part.
    BadRequest,
    /// The token is missing or wrong.
    Unauthorized,
    /// The request names another host than this machine.
    Misdirected,
    /// Nothing has this address.
    NotFound,
    /// This address does not take this method.
    MethodNotAllowed,
    /// The body is larger than allowed.
    BodyTooLarge,
    /// The body is not JSON.
    UnsupportedMediaType,
    /// The component cannot be taken.
    BadComponent,
    /// A component cannot be kept, or is not there any more.
    ComponentStore,
    /// This exchange runs no rules.
    NoRules,
    /// The request took too long to arrive.
    RequestTimeout,
    /// As many requests wait for an answer as are allowed: try again.
    TooManyInFlight,
    /// The command went to the exchange, but its answer did not come in time. It may have been done or may still be.
    OutcomeUnknown,
    /// The exchange has stopped.
    Stopped,
}

impl GatewayCode {
    /// The code in capitals.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadRequest => "BAD_REQUEST",
            Self::Unauthorized => "UNAUTHORIZED",
            Self::Misdirected => "MISDIRECTED",
            Self::NotFound => "NOT_FOUND",
            Self::MethodNotAllowed => "METHOD_NOT_ALLOWED",
            Self::BodyTooLarge => "BODY_TOO_LARGE",
            Self::UnsupportedMediaType => "UNSUPPORTED_MEDIA_TYPE",
            Self::BadComponent => "BAD_COMPONENT",
            Self::ComponentStore => "COMPONENT_STORE",
            Self::NoRules => "NO_RULES",
            Self::RequestTimeout => "REQUEST_TIMEOUT",
            Self::TooManyInFlight => "TOO_MANY_IN_FLIGHT",
            Self::OutcomeUnknown => "OUTCOME_UNKNOWN",
            Self::Stopped => "STOPPED",
        }
    }

    /// The HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadRequest => 400,
            Self::Unauthorized => 401,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::RequestTimeout => 408,
            Self::BodyTooLarge => 413,
            Self::UnsupportedMediaType => 415,
            Self::Misdirected => 421,
            Self::BadComponent => 422,
            Self::ComponentStore => 500,
            Self::NoRules => 501,
            Self::TooManyInFlight | Self::Stopped => 503,
            Self::OutcomeUnknown => 504,
        }
    }

    /// The problem in a few words.
    pub const fn title(self) -> &'static str {
        match self {
            Self::BadRequest => "the request is not what this address takes",
            Self::Unauthorized => "the token is missing or wrong",
            Self::Misdirected => "the request was meant for another host",
            Self::NotFound => "nothing has this address",
            Self::MethodNotAllowed => "this address does not take this method",
            Self::BodyTooLarge => "the body is larger than allowed",
            Self::UnsupportedMediaType => "the body is not of the type this address takes",
            Self::BadComponent => "the component cannot be taken",
            Self::ComponentStore => "the component cannot be kept, or is not there any more",
            Self::NoRules => "this exchange runs no rules",
            Self::RequestTimeout => "the request took too long to arrive",
            Self::TooManyInFlight => "too many requests wait for an answer",
            Self::OutcomeUnknown => "the answer did not come in time",
            Self::Stopped => "the exchange has stopped",
        }
    }
}

impl Problem {
    /// A problem of the gateway's own.
    pub fn gateway(code: GatewayCode, detail: impl Into<String>) -> Self {
        Self {
            status: code.status(),
            code: code.as_str().to_owned(),
            number: None,
            title: code.title().to_owned(),
            detail: detail.into(),
            hint: None,
            field: None,
            cl_ord_id: None,
            rule: None,
            rule_code: None,
            text: None,
            sequence: None,
        }
    }

    /// A request in which one field is wrong.
    pub fn bad_field(field: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::gateway(GatewayCode::BadRequest, detail) }
    }

    /// A refusal by the exchange.
    pub fn rejected(reason: RejectReason, detail: impl Into<String>) -> Self {
        Self {
            status: reject_status(reason),
            code: reason.as_str().to_owned(),
            number: Some(reason.number()),
            title: reject_title(reason).to_owned(),
            detail: detail.into(),
            hint: reject_hint(reason).map(str::to_owned),
            field: None,
            cl_ord_id: None,
            rule: None,
            rule_code: None,
            text: None,
            sequence: None,
        }
    }

    /// The same, with something to do about it.
    #[must_use]
    pub fn with_hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The reject reason, when the exchange refused.
    pub fn reason(&self) -> Option<RejectReason> {
        self.number.and_then(|number| RejectReason::try_from(number).ok())
    }
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.code, self.detail)
    }
}

/// The HTTP status that goes with a reason: 404 for what does not exist, 409 for what exists already, 503 for what may
/// work later, 422 for the rest.
pub const fn reject_status(reason: RejectReason) -> u16 {
    use RejectReason as R;
    match reason {
        R::UnknownAccount
        | R::UnknownOrder
        | R::UnknownInstrument
        | R::UnknownAsset
        | R::UnknownRule
        | R::UnknownComponent => 404,
        R::DuplicateAccount
        | R::DuplicateOrder
        | R::DuplicateInstrument
        | R::AlreadyConfigured
        | R::RuleNotActive
        | R::RuleNotApproved
        | R::NothingToRollBack
        | R::WrongRuleKind => 409,
        R::Busy | R::TooManyOrders | R::TooManyOrderIds | R::StoreFull | R::TooManyEntries => 503,
        _ => 422,
    }
}

const fn reject_title(reason: RejectReason) -> &'static str {
    use RejectReason as R;
    match reason {
        R::UnknownAccount => "no account has this name",
        R::DuplicateAccount => "an account with this name exists",
        R::KillSwitch => "the account's kill switch was used",
        R::AccountNotVerified => "the account's owner is not verified",
        R::AccountSuspended => "the account is suspended",
        R::DuplicateOrder => "the client order id is in use",
        R::UnknownOrder => "no order has this client order id",
        R::TooLate => "the order works no more",
        R::UnknownInstrument => "no instrument has this symbol",
        R::DuplicateInstrument => "an instrument with this symbol exists",
        R::InvalidInstrument => "the instrument is not possible",
        R::InstrumentHalted => "trading is halted",
        R::MarketClosed => "the market is closed",
        R::UnsupportedPhase => "the phase is not offered",
        R::InvalidTimeInForce => "the time in force does not go with the order",
        R::InvalidQuantity => "the quantity is not possible",
        R::InvalidPrice => "the price is not possible",
        R::InvalidExpireTime => "the expiry is not in the future",
        R::MaxQuantity => "the quantity is above the instrument's limit",
        R::MaxNotional => "the value is above the instrument's limit",
        R::PriceCollar => "the price is too far from the last trade",
        R::AccountOrderLimit => "the account has as many working orders as it may",
        R::AccountNotionalLimit => "the value is above the account's limit",
        R::Rule => "a rule said no",
        R::UnknownRule => "no rule has this name",
        R::UnknownComponent => "the rule has no such component",
        R::RuleNotActive => "the rule is not active",
        R::RuleNotApproved => "a second operator has not approved the component",
        R::NothingToRollBack => "there is nothing to go back to",
        R::WrongRuleKind => "the name belongs to a rule of another kind",
        R::InvalidRule => "the rule's settings are not possible",
        R::InsufficientFunds => "not enough available cash",
        R::InsufficientPosition => "not enough of the instrument available",
        R::UnknownAsset => "neither an instrument nor a currency",
        R::InvalidAmount => "the amount is not possible",
        R::PostOnlyWouldCross => "the post-only order would trade at once",
        R::Busy => "the exchange is busy",
        R::TooManyOrders => "the exchange has no room for another working order",
        R::TooManyOrderIds => "the exchange has no room for another client order id today",
        R::StoreFull => "the log has no room",
        R::TooManyEntries => "the exchange has no room for another entry",
        R::AlreadyConfigured => "the exchange is configured already",
    }
}

const fn reject_hint(reason: RejectReason) -> Option<&'static str> {
    use RejectReason as R;
    Some(match reason {
        R::UnknownAccount => "open it with POST /v1/accounts",
        R::UnknownInstrument => "GET /v1/instruments lists those there are",
        R::DuplicateOrder => {
            "if this repeats a lost request, GET /v1/orders/{account}/{cl_ord_id} shows what became of it"
        }
        R::UnknownOrder => "GET /v1/orders?account= lists the working ones",
        R::TooLate => "GET /v1/orders/{account}/{cl_ord_id} shows what became of it",
        R::InstrumentHalted | R::MarketClosed => {
            "cancels work in every phase; GET /v1/instruments/{symbol} shows the phase"
        }
        R::InvalidTimeInForce => "a market order is ioc or fok; post-only does not go with ioc or fok",
        R::InvalidQuantity => "it must be positive and a multiple of lot_size",
        R::InvalidPrice => "it must be positive and a multiple of tick_size",
        R::InvalidInstrument => {
            "tick, lot and limits are positive, and tick_size x lot_size a whole number of the currency's smallest unit"
        }
        R::Rule => "GET /v1/rules/{rule} shows the rule and what it is configured with",
        R::UnknownRule => "GET /v1/rules lists those there are",
        R::UnknownComponent => "load it first with POST /v1/rules/{name}/components",
        R::RuleNotApproved => "another operator than the one who loaded it must approve it",
        R::WrongRuleKind => "load it under another name",
        R::InsufficientFunds | R::InsufficientPosition => {
            "GET /v1/accounts/{account} shows what is available"
        }
        R::PostOnlyWouldCross => "GET /v1/books/{symbol} shows the best prices",
        R::UnknownAsset => "an asset is an instrument's symbol or a currency of three capital letters",
        R::InvalidAmount => "it must be positive and no finer than the asset's smallest unit",
        R::Busy => "try again after the time Retry-After names",
        R::StoreFull => "the operator must make room",
        _ => return None,
    })
}
