//! The words about rules: what a component is called, what kind of rule it is, and what becomes of its verdicts. Their
//! numbers are in the log: never change one, only add.

use crate::order::words;
use crate::{Text, UnknownWord};
use rkyv::bytecheck::CheckBytes;
use rkyv::{Archive, Deserialize, Portable, Serialize};
use std::fmt;
use std::str::FromStr;

/// A rule's name, such as `fat-finger`. Its versions share it. At most 32 bytes.
pub type RuleName = Text<32>;
/// Who loaded, approved or activated something. At most 16 bytes.
pub type OperatorName = Text<16>;

/// A rule, numbered from 1 in the order in which names were first loaded. 0 is no rule.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Archive, Serialize, Deserialize)]
#[repr(transparent)]
pub struct RuleId(pub u16);

/// One activation of one component, numbered from 1 in the order of the log. 0 is none.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Archive, Serialize, Deserialize)]
#[repr(transparent)]
pub struct ActivationId(pub u32);

/// SHA-256 of a component's bytes: the name of its file in the store.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Archive, Serialize, Deserialize)]
#[repr(transparent)]
pub struct ComponentHash(pub [u8; 32]);

/// The Ed25519 public key a component was signed with.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Archive, Serialize, Deserialize)]
#[repr(transparent)]
pub struct SignerKey(pub [u8; 32]);

/// The most words the parameters of an activation can have.
pub const MAX_RULE_PARAMETERS: usize = 63;

/// What a component is configured with when it is activated: words whose meaning its manifest declares.
#[derive(Clone, Copy, PartialEq, Eq, Archive, Serialize, Deserialize)]
#[repr(C)]
pub struct RuleParameters {
    count: u64,
    words: [i64; MAX_RULE_PARAMETERS],
}

/// The largest code a rule may reject with.
pub const MAX_RULE_CODE: u32 = 0xFFFF;
/// The code of a rejection by a rule that could not judge: this plus the number of the [`RuleFault`].
pub const RULE_FAULT_CODE: u32 = 0x1_0000;

words! {
    /// What a rule looks at, and when.
    RuleKind, "rule kind":
    /// The order, its instrument and its account.
    Validation = 1 "validation",
    /// Also positions, open exposure, best prices and recent activity.
    Risk = 2 "risk",
    /// Committed events, away from trading.
    Reporting = 3 "reporting",
}

words! {
    /// What becomes of a rule's verdicts.
    RuleMode, "rule mode":
    /// They count.
    Enforce = 1 "enforce",
    /// They are recorded and change nothing.
    Shadow = 2 "shadow",
}

words! {
    /// What becomes of an order whose rule could not judge it.
    FailMode, "fail mode":
    /// It is rejected.
    Closed = 1 "closed",
    /// It goes on.
    Open = 2 "open",
}

words! {
    /// What a risk rule's counters are kept for.
    CounterKey, "counter key":
    /// The rule has no counter.
    None = 0 "none",
    /// One for all.
    Rule = 1 "rule",
    /// One for each account.
    Account = 2 "account",
    /// One for each instrument.
    Instrument = 3 "instrument",
    /// One for each account and instrument.
    AccountInstrument = 4 "account-instrument",
}

words! {
    /// How long a risk rule's counter counts before it begins at 0 again. Windows begin at whole multiples since 1970, UTC.
    CounterWindow, "counter window":
    /// It never does.
    Forever = 0 "forever",
    /// A second.
    Second = 1 "second",
    /// A minute.
    Minute = 2 "minute",
    /// A trading day.
    Day = 3 "day",
}

words! {
    /// Why a rule could not judge an order.
    RuleFault, "rule fault":
    /// It ran longer than its fuel allows.
    OutOfFuel = 1 "out-of-fuel",
    /// It trapped: unreachable code, a bad memory access, a stack or memory that would not grow further.
    Trap = 2 "trap",
    /// It answered with something that is no answer.
    OutOfRange = 3 "out-of-range",
    /// Its component is not there or cannot be run by this build.
    Unavailable = 4 "unavailable",
}

impl RuleId {
    /// No rule.
    pub const NONE: Self = Self(0);
    /// A rule that is only being tried on a log. In no log.
    pub const CANDIDATE: Self = Self(u16::MAX);
}

impl ActivationId {
    /// No activation.
    pub const NONE: Self = Self(0);
    /// That of [`RuleId::CANDIDATE`]. In no log.
    pub const CANDIDATE: Self = Self(u32::MAX);
}

impl SignerKey {
    /// Nobody signed.
    pub const NONE: Self = Self([0; 32]);

    /// Whether nobody signed.
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }
}

impl RuleParameters {
    /// No parameters.
    pub const NONE: Self = Self { count: 0, words: [0; MAX_RULE_PARAMETERS] };

    /// Takes the words; `None` when there are more than [`MAX_RULE_PARAMETERS`].
    pub fn new(words: &[i64]) -> Option<Self> {
        let mut parameters = Self { count: words.len() as u64, ..Self::NONE };
        parameters.words.get_mut(..words.len())?.copy_from_slice(words);
        Some(parameters)
    }

    /// The words.
    pub fn words(&self) -> &[i64] {
        // A log written by another program could hold any count.
        &self.words[..MAX_RULE_PARAMETERS.min(usize::try_from(self.count).unwrap_or(MAX_RULE_PARAMETERS))]
    }
}

impl fmt::Debug for RuleParameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.words()).finish()
    }
}

impl fmt::Debug for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RuleId({})", self.0)
    }
}

impl fmt::Display for RuleId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

impl fmt::Debug for ActivationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ActivationId({})", self.0)
    }
}

impl fmt::Display for ActivationId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

fn hex(bytes: &[u8; 32], f: &mut fmt::Formatter<'_>) -> fmt::Result {
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    if text.len() != 64 || !text.is_ascii() {
        return None;
    }
    let mut bytes = [0; 32];
    for (byte, at) in bytes.iter_mut().zip((0..64).step_by(2)) {
        *byte = u8::from_str_radix(&text[at..at + 2], 16).ok()?;
    }
    Some(bytes)
}

/// A text that is not 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected 64 hexadecimal digits")]
pub struct NotHex;

macro_rules! shown_as_hex {
    ($($name:ident)+) => {
        $(
            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    hex(&self.0, f)
                }
            }

            impl fmt::Debug for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    hex(&self.0, f)
                }
            }

            impl FromStr for $name {
                type Err = NotHex;
                fn from_str(text: &str) -> Result<Self, NotHex> {
                    unhex(text).map(Self).ok_or(NotHex)
                }
            }
        )+
    };
}
shown_as_hex! { ComponentHash SignerKey }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_reads_back_what_it_shows() {
        let hash = ComponentHash(std::array::from_fn(|at| u8::try_from(at * 7).unwrap()));
        assert_eq!(hash.to_string().parse(), Ok(hash));
        for wrong in ["", "00", &"g".repeat(64), &"é".repeat(32), &"0".repeat(65)] {
            assert_eq!(wrong.parse::<ComponentHash>(), Err(NotHex), "{wrong}");
        }
    }

    #[test]
    fn parameters_are_as_many_as_were_given() {
        let words: Vec<i64> = (0..=64).collect();
        for count in 0..=MAX_RULE_PARAMETERS {
            assert_eq!(RuleParameters::new(&words[..count]).unwrap().words(), &words[..count]);
        }
        assert_eq!(RuleParameters::new(&words[..64]), None);
    }
}
