//! The enumerations of `model` as JSON strings, in the words scenarios and configuration use.

use model::{AccountStatus, CancelReason, OrderType, Phase, SelfTradePrevention, Side, TimeInForce};
use serde::de::Error;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A word of `model` on the wire.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Word<T>(pub T);

impl<T> From<T> for Word<T> {
    fn from(word: T) -> Self {
        Self(word)
    }
}

impl<T: fmt::Display> fmt::Display for Word<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<T: FromStr> FromStr for Word<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, T::Err> {
        text.parse().map(Self)
    }
}

impl<T: fmt::Display> Serialize for Word<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map(Self).map_err(|error: T::Err| D::Error::custom(error))
    }
}

/// `"buy"` or `"sell"`.
pub type SideWord = Word<Side>;
/// `"market"` or `"limit"`.
pub type OrdType = Word<OrderType>;
/// `"day"`, `"gtc"`, `"ioc"`, `"fok"` or `"gtd"`.
pub type TimeInForceWord = Word<TimeInForce>;
/// `"cancel-newest"`, `"cancel-oldest"`, `"cancel-both"`, `"decrement"` or `"default"`.
pub type StpWord = Word<SelfTradePrevention>;
/// `"open"`, `"halted"`, `"closed"` or `"auction"`.
pub type PhaseWord = Word<Phase>;
/// `"opened"`, `"verified"`, `"suspended"` or `"killed"`.
pub type AccountStatusWord = Word<AccountStatus>;
/// Why an order stopped working, such as `"user"` or `"ioc"`.
pub type CancelReasonWord = Word<CancelReason>;
