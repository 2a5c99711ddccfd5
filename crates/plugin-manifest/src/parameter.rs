//! Parameters: what an operator writes as `name=value`, and the rule gets as words of 64 bits.

use model::{MAX_RULE_PARAMETERS, RuleParameters, Text};
use std::fmt;

/// Words of a text.
const TEXT_WORDS: usize = 2;

/// A parameter that a manifest declares.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Parameter {
    /// Its name: lower-case letters, digits, hyphens and underscores.
    pub name: String,
    /// What it holds.
    pub kind: ParameterKind,
    /// What holds when nothing is given; without it, something must be.
    pub default: Option<ParameterValue>,
    /// What it means and its unit, for people.
    pub description: String,
}

/// What a parameter holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ParameterKind {
    /// A whole number: one word.
    Int,
    /// A price in ticks of its instrument: one word.
    PriceTicks,
    /// A name of at most 16 bytes, such as a symbol: two words, little-endian, padded with zeros.
    Text,
    /// Whole numbers: a word each.
    ListInt,
    /// Names: two words each.
    ListText,
}

/// A parameter's value.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ParameterValue {
    /// Of [`ParameterKind::Int`] and [`ParameterKind::PriceTicks`].
    Int(i64),
    /// Of [`ParameterKind::Text`]. May be empty.
    Text(Text<16>),
    /// Of [`ParameterKind::ListInt`].
    ListInt(Vec<i64>),
    /// Of [`ParameterKind::ListText`].
    ListText(Vec<Text<16>>),
}

/// What is wrong with the parameters of an activation.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ParameterError {
    /// No parameter has this name.
    #[error("the rule has no parameter \"{name}\"; it has {}", known(known_names))]
    Unknown {
        /// What was given.
        name: String,
        /// What there is.
        known_names: Vec<String>,
    },
    /// The same parameter twice.
    #[error("the parameter \"{name}\" is given twice")]
    Twice {
        /// Which.
        name: String,
    },
    /// No value and no default.
    #[error("the parameter \"{name}\" has no default: give it as {name}=VALUE")]
    Missing {
        /// Which.
        name: String,
    },
    /// The value is not of the parameter's type.
    #[error("the parameter \"{name}\" is {}, and \"{value}\" is not", kind.phrase())]
    NotA {
        /// Which.
        name: String,
        /// Its type.
        kind: ParameterKind,
        /// What was given.
        value: String,
    },
    /// More words than an activation can carry.
    #[error(
        "the parameters take {words} words of 64 bits, and {MAX_RULE_PARAMETERS} are the most: shorten \"{name}\""
    )]
    TooLong {
        /// How many they take.
        words: usize,
        /// The parameter that takes the most.
        name: String,
    },
}

fn known(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}

impl ParameterKind {
    /// Every kind.
    pub const ALL: &[Self] = &[Self::Int, Self::PriceTicks, Self::Text, Self::ListInt, Self::ListText];

    /// The word for it in a manifest.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Int => "int",
            Self::PriceTicks => "price-ticks",
            Self::Text => "text",
            Self::ListInt => "list-int",
            Self::ListText => "list-text",
        }
    }

    /// Whether it takes all words that are left.
    pub const fn is_list(self) -> bool {
        matches!(self, Self::ListInt | Self::ListText)
    }

    const fn phrase(self) -> &'static str {
        match self {
            Self::Int => "a whole number",
            Self::PriceTicks => "a price in ticks",
            Self::Text => "a text of at most 16 visible ASCII characters",
            Self::ListInt => "a list of whole numbers",
            Self::ListText => "a list of texts of at most 16 visible ASCII characters",
        }
    }

    fn read(self, text: &str) -> Option<ParameterValue> {
        let items = || text.split(',').map(str::trim).filter(|item| !item.is_empty());
        Some(match self {
            Self::Int | Self::PriceTicks => ParameterValue::Int(number(text)?),
            Self::Text if text.is_empty() => ParameterValue::Text(Text::EMPTY),
            Self::Text => ParameterValue::Text(Text::new(text).ok()?),
            Self::ListInt => ParameterValue::ListInt(items().map(number).collect::<Option<_>>()?),
            Self::ListText => {
                ParameterValue::ListText(items().map(|item| Text::new(item).ok()).collect::<Option<_>>()?)
            }
        })
    }
}

/// A whole number as a person writes it: `1_000_000` too.
fn number(text: &str) -> Option<i64> {
    let text = text.trim();
    text.parse().ok().or_else(|| text.replace('_', "").parse().ok().filter(|_| !text.starts_with('_')))
}

impl ParameterValue {
    fn words(&self, out: &mut Vec<i64>) {
        let mut text = |text: &Text<16>| {
            let (low, high) = text.as_bytes().split_at(8);
            for half in [low, high] {
                out.push(i64::from_le_bytes(half.try_into().expect("16 bytes are twice 8")));
            }
        };
        match self {
            Self::Int(number) => out.push(*number),
            Self::Text(one) => text(one),
            Self::ListInt(numbers) => out.extend(numbers),
            Self::ListText(texts) => texts.iter().for_each(text),
        }
    }
}

impl fmt::Display for ParameterValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fn list(f: &mut fmt::Formatter<'_>, items: &[impl fmt::Display]) -> fmt::Result {
            for (at, item) in items.iter().enumerate() {
                write!(f, "{}{item}", if at == 0 { "" } else { "," })?;
            }
            Ok(())
        }
        match self {
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "{text}"),
            Self::ListInt(numbers) => list(f, numbers),
            Self::ListText(texts) => list(f, texts),
        }
    }
}

pub(crate) fn encode(
    parameters: &[Parameter],
    given: &[(&str, &str)],
) -> Result<RuleParameters, ParameterError> {
    for (at, (name, _)) in given.iter().enumerate() {
        if !parameters.iter().any(|parameter| parameter.name == *name) {
            let known_names = parameters.iter().map(|parameter| parameter.name.clone()).collect();
            return Err(ParameterError::Unknown { name: (*name).to_owned(), known_names });
        }
        if given[..at].iter().any(|(earlier, _)| earlier == name) {
            return Err(ParameterError::Twice { name: (*name).to_owned() });
        }
    }
    let mut words = Vec::new();
    let mut longest = (0, "");
    for parameter in parameters {
        let name = || parameter.name.clone();
        let before = words.len();
        if let Some((_, text)) = given.iter().find(|(name, _)| *name == parameter.name) {
            let kind = parameter.kind;
            let value = kind.read(text);
            value
                .ok_or_else(|| ParameterError::NotA { name: name(), kind, value: (*text).to_owned() })?
                .words(&mut words);
        } else {
            parameter
                .default
                .as_ref()
                .ok_or_else(|| ParameterError::Missing { name: name() })?
                .words(&mut words);
        }
        longest = longest.max((words.len() - before, &parameter.name));
    }
    RuleParameters::new(&words)
        .ok_or_else(|| ParameterError::TooLong { words: words.len(), name: longest.1.to_owned() })
}

pub(crate) fn decode<'a>(parameters: &'a [Parameter], words: &[i64]) -> Vec<(&'a str, ParameterValue)> {
    fn text(words: &[i64]) -> Option<Text<16>> {
        let (low, high) = (words.first()?.to_le_bytes(), words.get(1)?.to_le_bytes());
        let bytes = [low, high].concat();
        let length = bytes.iter().position(|&byte| byte == 0).unwrap_or(bytes.len());
        let name = std::str::from_utf8(&bytes[..length]).ok()?;
        if name.is_empty() { Some(Text::EMPTY) } else { Text::new(name).ok() }
    }
    let mut rest = words;
    let mut values = Vec::new();
    for parameter in parameters {
        let (value, taken) = match parameter.kind {
            ParameterKind::Int | ParameterKind::PriceTicks => {
                (rest.first().copied().map(ParameterValue::Int), 1)
            }
            ParameterKind::Text => (text(rest).map(ParameterValue::Text), TEXT_WORDS),
            ParameterKind::ListInt => (Some(ParameterValue::ListInt(rest.to_vec())), rest.len()),
            ParameterKind::ListText => {
                let texts = rest.chunks(TEXT_WORDS).map(text).collect::<Option<_>>();
                (texts.map(ParameterValue::ListText), rest.len())
            }
        };
        let Some(value) = value else { break };
        values.push((parameter.name.as_str(), value));
        rest = rest.get(taken..).unwrap_or(&[]);
    }
    values
}
