//! Why the exchange said no. The numbers are in the log and in every protocol: stable, in ranges, only ever added to.

use rkyv::rancor::{Fallible, Source};
use rkyv::rend::u16_le;
use rkyv::{Archive, Deserialize, Place, Serialize};
use std::fmt;

macro_rules! reasons {
    ($($(#[$doc:meta])* $variant:ident = $number:literal $word:literal,)+) => {
        /// Why a command was refused. Ranges: 1xx who, 2xx which order, 3xx the instrument and its phase, 4xx the order's
        /// own fields, 5xx limits, 6xx rules, 7xx money, 8xx the book, 9xx the exchange itself.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
        #[repr(u16)]
        pub enum RejectReason {
            $($(#[$doc])* $variant = $number,)+
        }

        impl RejectReason {
            /// Every reason, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The reason in capitals, as protocols and scenarios show it.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }
    };
}

reasons! {
    /// No account of that name.
    UnknownAccount = 100 "UNKNOWN_ACCOUNT",
    /// An account of that name exists.
    DuplicateAccount = 101 "DUPLICATE_ACCOUNT",
    /// The account's kill switch was used.
    KillSwitch = 102 "KILL_SWITCH",
    /// The account's owner is not verified.
    AccountNotVerified = 103 "ACCOUNT_NOT_VERIFIED",
    /// The account is suspended.
    AccountSuspended = 104 "ACCOUNT_SUSPENDED",
    /// The client order id was used by this account this trading day.
    DuplicateOrder = 200 "DUPLICATE_ORDER",
    /// No order with that client order id.
    UnknownOrder = 201 "UNKNOWN_ORDER",
    /// The order is already filled, canceled, replaced or expired.
    TooLate = 202 "TOO_LATE",
    /// No instrument with that symbol.
    UnknownInstrument = 300 "UNKNOWN_INSTRUMENT",
    /// An instrument with that symbol exists.
    DuplicateInstrument = 301 "DUPLICATE_INSTRUMENT",
    /// Tick, lot, limits or currency of a new instrument are not possible.
    InvalidInstrument = 302 "INVALID_INSTRUMENT",
    /// Trading is halted: cancels only.
    InstrumentHalted = 303 "INSTRUMENT_HALTED",
    /// The market is closed: cancels only.
    MarketClosed = 304 "MARKET_CLOSED",
    /// The phase is not one this exchange offers.
    UnsupportedPhase = 305 "UNSUPPORTED_PHASE",
    /// This time in force does not go with this type of order.
    InvalidTimeInForce = 400 "INVALID_TIME_IN_FORCE",
    /// Not positive, or not a multiple of the lot.
    InvalidQuantity = 401 "INVALID_QUANTITY",
    /// Not positive, or off the tick.
    InvalidPrice = 402 "INVALID_PRICE",
    /// The expiry is not in the future.
    InvalidExpireTime = 403 "INVALID_EXPIRE_TIME",
    /// Above the instrument's largest order quantity.
    MaxQuantity = 500 "MAX_QUANTITY",
    /// Above the instrument's largest order value.
    MaxNotional = 501 "MAX_NOTIONAL",
    /// Too far from the last trade.
    PriceCollar = 502 "PRICE_COLLAR",
    /// The account has as many working orders as its limit allows.
    AccountOrderLimit = 503 "ACCOUNT_ORDER_LIMIT",
    /// Above the account's largest order value.
    AccountNotionalLimit = 504 "ACCOUNT_NOTIONAL_LIMIT",
    /// A rule said no; the event names it.
    Rule = 600 "RULE",
    /// No rule of that name.
    UnknownRule = 601 "UNKNOWN_RULE",
    /// No such component was loaded under that name.
    UnknownComponent = 602 "UNKNOWN_COMPONENT",
    /// The rule is not active.
    RuleNotActive = 603 "RULE_NOT_ACTIVE",
    /// Another operator than the one who loaded the component must approve it first.
    RuleNotApproved = 604 "RULE_NOT_APPROVED",
    /// Nothing was in force under that name before.
    NothingToRollBack = 605 "NOTHING_TO_ROLL_BACK",
    /// The name belongs to a rule of another kind.
    WrongRuleKind = 606 "WRONG_RULE_KIND",
    /// A setting of the rule is not possible.
    InvalidRule = 607 "INVALID_RULE",
    /// Not enough available cash.
    InsufficientFunds = 700 "INSUFFICIENT_FUNDS",
    /// Not enough of the instrument available.
    InsufficientPosition = 701 "INSUFFICIENT_POSITION",
    /// Neither an instrument nor a currency.
    UnknownAsset = 702 "UNKNOWN_ASSET",
    /// An amount that is negative, zero or too fine.
    InvalidAmount = 703 "INVALID_AMOUNT",
    /// A post-only order that would trade at once.
    PostOnlyWouldCross = 800 "POST_ONLY_WOULD_CROSS",
    /// The inbound ring is full: try again.
    Busy = 900 "BUSY",
    /// As many orders work as the exchange has room for.
    TooManyOrders = 901 "TOO_MANY_ORDERS",
    /// As many client order ids are remembered today as the exchange has room for.
    TooManyOrderIds = 902 "TOO_MANY_ORDER_IDS",
    /// The log has no room: nothing is accepted until the operator makes some.
    StoreFull = 903 "STORE_FULL",
    /// A table of accounts, instruments or assets is full.
    TooManyEntries = 904 "TOO_MANY_ENTRIES",
    /// The exchange is configured already.
    AlreadyConfigured = 905 "ALREADY_CONFIGURED",
}

impl fmt::Display for RejectReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A number in the log that is no reason this build knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{0} is the number of no reject reason: the log was written by a newer build")]
pub struct UnknownReason(pub u16);

impl RejectReason {
    /// Its number in the log and in protocols.
    pub const fn number(self) -> u16 {
        self as u16
    }
}

impl TryFrom<u16> for RejectReason {
    type Error = UnknownReason;
    fn try_from(number: u16) -> Result<Self, UnknownReason> {
        Self::ALL.iter().copied().find(|reason| reason.number() == number).ok_or(UnknownReason(number))
    }
}

// In the log a reason is its number, two bytes; a derived archive would number the variants in the order they stand.
impl Archive for RejectReason {
    type Archived = u16_le;
    type Resolver = ();
    fn resolve(&self, (): (), out: Place<u16_le>) {
        out.write(u16_le::from_native(self.number()));
    }
}

impl<S: Fallible + ?Sized> Serialize<S> for RejectReason {
    fn serialize(&self, _: &mut S) -> Result<(), S::Error> {
        Ok(())
    }
}

impl<D: Fallible<Error: Source> + ?Sized> Deserialize<RejectReason, D> for u16_le {
    fn deserialize(&self, _: &mut D) -> Result<RejectReason, D::Error> {
        RejectReason::try_from(self.to_native()).map_err(D::Error::new)
    }
}
