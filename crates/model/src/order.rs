//! The small enumerations of an order's life. Their numbers are in the log: never change one, only add.

use rkyv::bytecheck::CheckBytes;
use rkyv::{Archive, Deserialize, Portable, Serialize};
use std::fmt;
use std::str::FromStr;

/// A word that is none of those an enumeration knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a {what}: expected one of {expected}")]
pub struct UnknownWord {
    /// What was expected, such as "time in force".
    pub what: &'static str,
    /// The words there are.
    pub expected: &'static str,
}

macro_rules! words {
    (
        $(#[$doc:meta])* $name:ident, $what:literal:
        $($(#[$variant_doc:meta])* $variant:ident = $number:literal $word:literal,)+
    ) => {
        $(#[$doc])*
        // In the log a word is its number: the type is its own archive.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Archive, Serialize, Deserialize, Portable, CheckBytes)]
        #[bytecheck(crate = rkyv::bytecheck)]
        #[rkyv(as = $name)]
        #[repr(u8)]
        pub enum $name {
            $($(#[$variant_doc])* $variant = $number,)+
        }

        impl $name {
            /// Every variant, in the order of their numbers.
            pub const ALL: &[Self] = &[$(Self::$variant,)+];

            /// The word for it in scenarios, configuration and APIs.
            pub const fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $word,)+
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;
            fn from_str(word: &str) -> Result<Self, UnknownWord> {
                match word {
                    $($word => Ok(Self::$variant),)+
                    _ => Err(UnknownWord { what: $what, expected: concat!($($word, " "),+) }),
                }
            }
        }
    };
}
pub(crate) use words;

words! {
    /// Buy or sell (FIX tag 54).
    Side, "side":
    /// Pays cash, receives the instrument.
    Buy = 1 "buy",
    /// Gives the instrument, receives cash.
    Sell = 2 "sell",
}

impl Side {
    /// The other side.
    #[inline]
    #[must_use]
    pub const fn opposite(self) -> Self {
        match self {
            Self::Buy => Self::Sell,
            Self::Sell => Self::Buy,
        }
    }
}

words! {
    /// FIX tag 40.
    OrderType, "order type":
    /// Takes whatever price there is.
    Market = 1 "market",
    /// Trades at its price or better.
    Limit = 2 "limit",
}

words! {
    /// How long an order works (FIX tag 59).
    TimeInForce, "time in force":
    /// Until its instrument closes.
    Day = 0 "day",
    /// Until it is canceled.
    Gtc = 1 "gtc",
    /// What does not trade at once is canceled.
    Ioc = 3 "ioc",
    /// Trades completely at once, or not at all.
    Fok = 4 "fok",
    /// Until a given time.
    Gtd = 6 "gtd",
}

words! {
    /// What happens when an account would trade with itself.
    SelfTradePrevention, "self-trade prevention mode":
    /// The incoming order's rest is canceled.
    CancelNewest = 1 "cancel-newest",
    /// The resting order is canceled and the incoming one goes on.
    CancelOldest = 2 "cancel-oldest",
    /// Both are canceled.
    CancelBoth = 3 "cancel-both",
    /// Both lose the smaller leaves, without a trade.
    Decrement = 4 "decrement",
    /// The instrument's mode: allowed in an order, never in an instrument.
    Default = 0 "default",
}

words! {
    /// What an instrument accepts at the moment.
    Phase, "phase":
    /// Continuous trading.
    Open = 1 "open",
    /// Cancels only, by an operator's or a rule's decision.
    Halted = 2 "halted",
    /// Cancels only, between sessions.
    Closed = 3 "closed",
    /// A call auction; not yet offered by this exchange.
    Auction = 4 "auction",
}

words! {
    /// Whether an account may trade.
    AccountStatus, "account status":
    /// Exists, but its owner is not verified: may not trade.
    Opened = 1 "opened",
    /// May trade.
    Verified = 2 "verified",
    /// May only cancel.
    Suspended = 3 "suspended",
    /// The kill switch: for ever cancels, deposits and withdrawals only.
    Killed = 4 "killed",
}

words! {
    /// Why an order stopped working before it was filled.
    CancelReason, "cancel reason":
    /// Its owner asked.
    User = 1 "user",
    /// The part of an immediate-or-cancel order that did not trade.
    Ioc = 2 "ioc",
    /// A fill-or-kill order that could not trade completely.
    Fok = 3 "fok",
    /// Self-trade prevention.
    Stp = 4 "stp",
    /// A market order that found too little, or ran out of money.
    NoLiquidity = 5 "no-liquidity",
    /// Its time came, or its day ended.
    Expired = 6 "expired",
    /// Its owner canceled everything.
    Mass = 7 "mass",
    /// The kill switch.
    Kill = 8 "kill",
    /// A change of trading phase.
    Phase = 9 "phase",
}
