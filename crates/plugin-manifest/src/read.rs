//! From the text of a manifest to its meaning. What is wrong with a single value is said by the TOML parser, with its line
//! and a mark under it; what is wrong between values, by [`ManifestError`].

use crate::{
    Counter, Limits, MAX_TEXT_BYTES, Manifest, Parameter, ParameterError, ParameterKind, ParameterValue,
    Version,
};
use model::{CounterKey, CounterWindow, FailMode, RuleKind, RuleName, Text};
use serde::{Deserialize, Deserializer, de};
use std::fmt;
use std::str::FromStr;

/// What is wrong with a manifest.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum ManifestError {
    /// It is longer than [`MAX_TEXT_BYTES`].
    #[error("the manifest has {bytes} bytes, and {MAX_TEXT_BYTES} are the most")]
    TooLong {
        /// Its length.
        bytes: usize,
    },
    /// It is not TOML, or a value is not what its key takes. Names the line.
    #[error("{}", .0.to_string().trim_end())]
    Toml(toml::de::Error),
    /// A counter in a rule that is not a risk rule.
    #[error("[counter] is for risk rules, and this is a {kind} rule")]
    CounterOutsideRisk {
        /// What it is.
        kind: RuleKind,
    },
    /// A counter that is kept for nothing.
    #[error(
        "a counter needs a key: rule, account, instrument or account-instrument; without a counter, leave [counter] out"
    )]
    CounterForNothing,
    /// Two parameters of one name.
    #[error("two parameters are called \"{name}\"")]
    ParameterTwice {
        /// The name.
        name: String,
    },
    /// A list before another parameter.
    #[error("the list \"{name}\" must be the last parameter: it takes all words that are left")]
    ListNotLast {
        /// Which.
        name: String,
    },
    /// A default that is not of the parameter's type.
    #[error("the default of the parameter \"{name}\" must be {expected}")]
    WrongDefault {
        /// Which.
        name: String,
        /// What its type takes.
        expected: &'static str,
    },
    /// The defaults alone are more than an activation can carry.
    #[error(transparent)]
    Defaults(ParameterError),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    rule: Rule,
    #[serde(default)]
    limits: LimitsTable,
    counter: Option<CounterTable>,
    #[serde(default)]
    parameter: Vec<ParameterTable>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Rule {
    name: Name<RuleName>,
    version: Word<Version>,
    kind: Word<RuleKind>,
    #[serde(default)]
    description: String,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields)]
struct LimitsTable {
    fuel: Option<Fuel>,
    memory_bytes: Option<Bytes>,
    max_faults: Option<MaxFaults>,
    fail: Option<Word<FailMode>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CounterTable {
    key: Word<CounterKey>,
    window: Word<CounterWindow>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ParameterTable {
    name: Name<String>,
    #[serde(rename = "type")]
    kind: Word<ParameterKind>,
    default: Option<toml::Value>,
    #[serde(default)]
    description: String,
}

/// A word that reads itself.
struct Word<T>(T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Word<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        String::deserialize(from)?.parse().map(Self).map_err(de::Error::custom)
    }
}

/// A name that people type in a terminal.
struct Name<T>(T);

impl<'de, T: FromStr<Err: fmt::Display>> Deserialize<'de> for Name<T> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let name = String::deserialize(from)?;
        let plain =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'-' | b'_');
        if !name.bytes().next().is_some_and(|byte| byte.is_ascii_lowercase()) || !name.bytes().all(plain) {
            return Err(de::Error::custom(
                "a name begins with a lower-case letter and has only those, digits, hyphens and underscores",
            ));
        }
        name.parse().map(Self).map_err(de::Error::custom)
    }
}

struct Fuel(u64);

impl<'de> Deserialize<'de> for Fuel {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match u64::deserialize(from)? {
            0 => Err(de::Error::custom("without fuel a rule cannot take a step")),
            fuel => Ok(Self(fuel)),
        }
    }
}

struct MaxFaults(u16);

impl<'de> Deserialize<'de> for MaxFaults {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match u16::deserialize(from)? {
            0 => Err(de::Error::custom("a rule is suspended after 1 fault at the earliest")),
            faults => Ok(Self(faults)),
        }
    }
}

/// A number of bytes, or a text such as `"2 MiB"`.
struct Bytes(u32);

impl<'de> Deserialize<'de> for Bytes {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = u32;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a number of bytes below 4 GiB, or a text such as \"2 MiB\"")
            }

            fn visit_i64<E: de::Error>(self, bytes: i64) -> Result<u32, E> {
                u32::try_from(bytes).map_err(|_| E::invalid_value(de::Unexpected::Signed(bytes), &self))
            }

            fn visit_u64<E: de::Error>(self, bytes: u64) -> Result<u32, E> {
                u32::try_from(bytes).map_err(|_| E::invalid_value(de::Unexpected::Unsigned(bytes), &self))
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<u32, E> {
                let (number, unit) = text.split_once(' ').unwrap_or((text, "bytes"));
                let unit: u64 = match unit {
                    "bytes" | "B" => 1,
                    "KiB" => 1 << 10,
                    "MiB" => 1 << 20,
                    "GiB" => 1 << 30,
                    _ => return Err(E::invalid_value(de::Unexpected::Str(text), &self)),
                };
                let bytes = number.parse::<u64>().ok().and_then(|number| number.checked_mul(unit));
                bytes
                    .and_then(|bytes| u32::try_from(bytes).ok())
                    .ok_or_else(|| E::invalid_value(de::Unexpected::Str(text), &self))
            }
        }
        from.deserialize_any(Visitor).map(Self)
    }
}

impl FromStr for ParameterKind {
    type Err = UnknownKind;
    fn from_str(word: &str) -> Result<Self, UnknownKind> {
        Self::ALL.iter().copied().find(|kind| kind.as_str() == word).ok_or(UnknownKind)
    }
}

#[derive(Debug, thiserror::Error)]
#[error("expected a parameter's type: int, price-ticks, text, list-int or list-text")]
pub struct UnknownKind;

pub(crate) fn manifest(text: &str) -> Result<Manifest, ManifestError> {
    if text.len() > MAX_TEXT_BYTES {
        return Err(ManifestError::TooLong { bytes: text.len() });
    }
    let file: File = toml::from_str(text).map_err(ManifestError::Toml)?;
    let kind = file.rule.kind.0;
    let manifest = Manifest {
        name: file.rule.name.0,
        version: file.rule.version.0,
        kind,
        description: file.rule.description,
        limits: limits(&file.limits, kind),
        counter: file.counter.map(|counter| self::counter(&counter, kind)).transpose()?,
        parameters: parameters(file.parameter)?,
    };
    // Whether the defaults fit shows now, not when somebody activates the rule.
    match manifest.configure(&[]) {
        Ok(_) | Err(ParameterError::Missing { .. }) => Ok(manifest),
        Err(error) => Err(ManifestError::Defaults(error)),
    }
}

fn limits(table: &LimitsTable, kind: RuleKind) -> Limits {
    let defaults = Limits::defaults(kind);
    Limits {
        fuel: table.fuel.as_ref().map_or(defaults.fuel, |fuel| fuel.0),
        memory_bytes: table.memory_bytes.as_ref().map_or(defaults.memory_bytes, |bytes| bytes.0),
        max_faults: table.max_faults.as_ref().map_or(defaults.max_faults, |faults| faults.0),
        fail: table.fail.as_ref().map_or(defaults.fail, |fail| fail.0),
    }
}

fn counter(table: &CounterTable, kind: RuleKind) -> Result<Counter, ManifestError> {
    if kind != RuleKind::Risk {
        return Err(ManifestError::CounterOutsideRisk { kind });
    }
    if table.key.0 == CounterKey::None {
        return Err(ManifestError::CounterForNothing);
    }
    Ok(Counter { key: table.key.0, window: table.window.0 })
}

fn parameters(tables: Vec<ParameterTable>) -> Result<Vec<Parameter>, ManifestError> {
    let mut parameters: Vec<Parameter> = Vec::with_capacity(tables.len());
    for table in tables {
        let (name, kind) = (table.name.0, table.kind.0);
        if parameters.iter().any(|earlier| earlier.name == name) {
            return Err(ManifestError::ParameterTwice { name });
        }
        if let Some(list) = parameters.last().filter(|earlier| earlier.kind.is_list()) {
            return Err(ManifestError::ListNotLast { name: list.name.clone() });
        }
        let default = match table.default {
            None => None,
            Some(value) => {
                let value = self::default(kind, &value);
                Some(value.map_err(|expected| ManifestError::WrongDefault { name: name.clone(), expected })?)
            }
        };
        parameters.push(Parameter { name, kind, default, description: table.description });
    }
    Ok(parameters)
}

fn default(kind: ParameterKind, value: &toml::Value) -> Result<ParameterValue, &'static str> {
    fn text(value: &toml::Value) -> Option<Text<16>> {
        match value.as_str()? {
            "" => Some(Text::EMPTY),
            name => Text::new(name).ok(),
        }
    }
    fn list<T>(value: &toml::Value, item: impl Fn(&toml::Value) -> Option<T>) -> Option<Vec<T>> {
        value.as_array()?.iter().map(item).collect()
    }
    match kind {
        ParameterKind::Int | ParameterKind::PriceTicks => {
            value.as_integer().map(ParameterValue::Int).ok_or("a whole number")
        }
        ParameterKind::Text => {
            text(value).map(ParameterValue::Text).ok_or("a text of at most 16 visible ASCII characters")
        }
        ParameterKind::ListInt => list(value, toml::Value::as_integer)
            .map(ParameterValue::ListInt)
            .ok_or("a list of whole numbers, such as [1, 2]"),
        ParameterKind::ListText => list(value, text)
            .map(ParameterValue::ListText)
            .ok_or("a list of texts of at most 16 visible ASCII characters, such as [\"AAPL\"]"),
    }
}
