//! What a rule says about itself: `plugin.toml`. The one who builds a rule embeds the text in the component, in the custom
//! section [`SECTION`]; the one who runs it reads it from there. So a single `.wasm` file is a whole rule, and nothing that
//! travels beside it can be lost or swapped.
//!
//! ```toml
//! [rule]
//! name = "fat-finger"
//! version = "1.2.0"
//! kind = "validation"
//! description = "Refuses orders that are far too large"
//!
//! [limits]                    # all of it can be left out
//! fuel = 100_000              # for one call: about one unit for each instruction
//! memory_bytes = "2 MiB"      # or a number of bytes
//! max_faults = 3              # in a row, then the rule is suspended
//! fail = "closed"             # what becomes of an order it cannot judge: closed rejects, open lets pass
//!
//! [[parameter]]               # in the order in which `configure` gets their words
//! name = "max_notional"
//! type = "int"                # int, price-ticks, text, list-int, list-text; a list comes last
//! default = 1_000_000_00
//! description = "Largest value of an order, in cents"
//! ```
//!
//! A risk rule that counts has `[counter]` with `key` (`rule`, `account`, `instrument`, `account-instrument`) and `window`
//! (`forever`, `second`, `minute`, `day`).
//!
//! **Architecture Invariant:** this crate is text and numbers only. It opens no file and knows nothing of WebAssembly, so that
//! the build tool and the host can share it.

mod parameter;
mod read;

pub use parameter::{Parameter, ParameterError, ParameterKind, ParameterValue};
pub use read::ManifestError;

use model::{CounterKey, CounterWindow, FailMode, RuleKind, RuleName, RuleParameters};
use std::fmt;
use std::str::FromStr;

/// The custom section of a component that holds its manifest.
pub const SECTION: &str = "outcry:manifest";
/// The file an author writes it in.
pub const FILE_NAME: &str = "plugin.toml";
/// The longest manifest, in bytes.
pub const MAX_TEXT_BYTES: usize = 64 * 1024;

/// Fuel of one call of a validation or risk rule that names none. About 100,000 instructions; what it takes in time is
/// measured by `outcry bench rules`.
pub const DEFAULT_FUEL: u64 = 100_000;
/// Fuel of one call of a reporting rule that names none: a batch of events, away from trading.
pub const DEFAULT_REPORTING_FUEL: u64 = 10_000_000_000;
/// Memory of a validation or risk rule that names none: what a Rust guest begins with (a stack of 1 MiB) and as much again.
pub const DEFAULT_MEMORY_BYTES: u32 = 2 * 1024 * 1024;
/// Memory of a reporting rule that names none: enough for an interpreter.
pub const DEFAULT_REPORTING_MEMORY_BYTES: u32 = 64 * 1024 * 1024;
/// Faults in a row after which a rule that names no number is suspended.
pub const DEFAULT_MAX_FAULTS: u16 = 3;

/// A rule's manifest.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Manifest {
    /// The rule's name: lower-case letters, digits and hyphens.
    pub name: RuleName,
    /// The author's version of it.
    pub version: Version,
    /// Which world it is of.
    pub kind: RuleKind,
    /// What it does, in a sentence. May be empty.
    pub description: String,
    /// What a call may cost, and what becomes of an order it cannot judge.
    pub limits: Limits,
    /// What the exchange counts for it. Only a risk rule has one.
    pub counter: Option<Counter>,
    /// What it is configured with, in the order of the words that `configure` gets.
    pub parameters: Vec<Parameter>,
}

/// What a call of a rule may cost.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Limits {
    /// Fuel for one call: about one unit for each instruction.
    pub fuel: u64,
    /// The most memory it may have, in bytes.
    pub memory_bytes: u32,
    /// Faults in a row after which it is suspended. At least 1.
    pub max_faults: u16,
    /// What becomes of an order that it cannot judge.
    pub fail: FailMode,
}

/// What the exchange counts for a risk rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Counter {
    /// What counters are kept apart by. Never [`CounterKey::None`].
    pub key: CounterKey,
    /// How long they count before they begin at 0 again.
    pub window: CounterWindow,
}

/// A version as authors number theirs: `major.minor.patch`.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Version {
    /// Changes what the rule means.
    pub major: u32,
    /// Adds to it.
    pub minor: u32,
    /// Mends it.
    pub patch: u32,
}

/// A text that is not `major.minor.patch`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("expected a version such as \"1.2.0\"")]
pub struct NotAVersion;

impl Manifest {
    /// Reads a manifest.
    pub fn parse(text: &str) -> Result<Self, ManifestError> {
        read::manifest(text)
    }

    /// What holds for a component that carries no manifest.
    pub fn defaults(name: RuleName, kind: RuleKind) -> Self {
        Self {
            name,
            version: Version { major: 0, minor: 0, patch: 0 },
            kind,
            description: String::new(),
            limits: Limits::defaults(kind),
            counter: None,
            parameters: Vec::new(),
        }
    }

    /// The words that `configure` gets: `given` by name and text, and defaults for the others. A list is separated by commas.
    pub fn configure(&self, given: &[(&str, &str)]) -> Result<RuleParameters, ParameterError> {
        parameter::encode(&self.parameters, given)
    }

    /// What the words mean, for people: the reverse of [`configure`](Self::configure). Words that no parameter takes are left
    /// out.
    pub fn show(&self, words: &RuleParameters) -> Vec<(&str, ParameterValue)> {
        parameter::decode(&self.parameters, words.words())
    }
}

impl Limits {
    /// What holds where a manifest says nothing.
    pub const fn defaults(kind: RuleKind) -> Self {
        let (fuel, memory_bytes) = match kind {
            RuleKind::Validation | RuleKind::Risk => (DEFAULT_FUEL, DEFAULT_MEMORY_BYTES),
            RuleKind::Reporting => (DEFAULT_REPORTING_FUEL, DEFAULT_REPORTING_MEMORY_BYTES),
        };
        Self { fuel, memory_bytes, max_faults: DEFAULT_MAX_FAULTS, fail: FailMode::Closed }
    }
}

impl FromStr for Version {
    type Err = NotAVersion;
    fn from_str(text: &str) -> Result<Self, NotAVersion> {
        let mut numbers = text.split('.').map(|number| {
            let plain = number.bytes().all(|byte| byte.is_ascii_digit());
            number
                .parse()
                .ok()
                .filter(|_| plain && (number == "0" || !number.starts_with('0')))
                .ok_or(NotAVersion)
        });
        let mut next = || numbers.next().unwrap_or(Err(NotAVersion));
        let version = Self { major: next()?, minor: next()?, patch: next()? };
        if numbers.next().is_some() { Err(NotAVersion) } else { Ok(version) }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}
