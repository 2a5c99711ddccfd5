//! The optional words at the end of a command: `key=value` and flags, in any order, each at most once.

use super::words::{Word, Words};
use crate::problem::{Fault, Problem};
use crate::syntax::Span;

/// An option as it stands in the line.
#[derive(Clone, Copy)]
pub(super) struct Given<'a> {
    /// The whole word.
    pub word: Word<'a>,
    /// What stands before `=`, or the whole flag.
    pub key: &'a str,
    /// What stands after `=`.
    pub value: Option<Word<'a>>,
}

/// The options of a command.
pub(super) struct Options<'a> {
    given: Vec<Given<'a>>,
    /// Just after the last word, for what is missing.
    pub end: Span,
}

impl<'a> Options<'a> {
    /// Takes all words that are left. `keys` and `flags` are the options there are, `known` their list for the reader.
    pub fn take(
        mut words: Words<'a>,
        keys: &[&str],
        flags: &[&str],
        known: &'static str,
    ) -> Result<Self, Problem> {
        let mut given: Vec<Given<'a>> = Vec::new();
        for word in words.by_ref() {
            let option = split(word);
            let allowed = if option.value.is_some() { keys } else { flags };
            if !allowed.contains(&option.key) {
                return Err(word.problem(Fault::UnknownOption { known }));
            }
            if given.iter().any(|other| other.key == option.key) {
                return Err(word.problem(Fault::OptionTwice));
            }
            given.push(option);
        }
        Ok(Self { given, end: words.here() })
    }

    /// The value of an option, read by `read`.
    pub fn value<T>(
        &self,
        key: &str,
        read: impl FnOnce(Word<'a>) -> Result<T, Problem>,
    ) -> Result<Option<T>, Problem> {
        let word = self.given.iter().find(|option| option.key == key).and_then(|option| option.value);
        word.map(read).transpose()
    }

    /// The value of an option that must be there.
    pub fn required<T>(
        &self,
        key: &'static str,
        read: impl FnOnce(Word<'a>) -> Result<T, Problem>,
    ) -> Result<T, Problem> {
        self.value(key, read)?.ok_or(Problem { span: self.end, fault: Fault::MissingOption { option: key } })
    }

    /// Whether a flag is there.
    pub fn flag(&self, flag: &str) -> bool {
        self.given.iter().any(|option| option.key == flag)
    }

    /// Every option, as it stands.
    pub fn iter(&self) -> impl Iterator<Item = Given<'a>> + '_ {
        self.given.iter().copied()
    }
}

/// A word as an option.
pub(super) fn split(word: Word<'_>) -> Given<'_> {
    match word.text.split_once('=') {
        Some((key, _)) => Given { word, key, value: Some(word.after(&word.text[..=key.len()])) },
        None => Given { word, key: word.text, value: None },
    }
}
