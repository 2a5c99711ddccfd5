//! A line as words: taken one by one, each turned into what the command needs there.

use crate::instant;
use crate::problem::{Fault, Problem};
use crate::syntax::Span;
use model::{AccountName, AssetCode, ClOrdId, Decimal, RuleName, Symbol, Text, TextError, Timestamp};

/// A word and its place.
#[derive(Clone, Copy)]
pub(super) struct Word<'a> {
    pub text: &'a str,
    pub span: Span,
}

impl<'a> Word<'a> {
    /// A problem with this word.
    pub fn problem(self, fault: Fault) -> Problem {
        Problem { span: self.span, fault }
    }

    /// This word without its first `bytes` bytes, which are `chars` characters.
    pub fn after(self, prefix: &str) -> Self {
        let text = &self.text[prefix.len()..];
        let span = Span { from: self.span.from + prefix.chars().count(), ..self.span };
        Self { text, span }
    }

    pub fn number(self, what: &'static str) -> Result<Decimal, Problem> {
        self.text.parse().map_err(|error| self.problem(Fault::BadNumber { what, error }))
    }

    /// A number that keeps the decimals it is written with: `0.10` has two.
    pub fn number_as_written(self, what: &'static str) -> Result<Decimal, Problem> {
        let number = self.number(what)?;
        let decimals = self.text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        // Where the written zeros do not fit, the number is still the number.
        let scale = u8::try_from(decimals).ok().filter(|&scale| scale <= Decimal::MAX_SCALE);
        Ok(scale
            .and_then(|scale| number.at_scale(scale).map(|units| Decimal::new(units, scale)))
            .unwrap_or(number))
    }

    pub fn count(self, what: &'static str) -> Result<usize, Problem> {
        let digits = !self.text.is_empty() && self.text.bytes().all(|byte| byte.is_ascii_digit());
        let count = digits.then(|| self.text.parse().ok()).flatten();
        count.ok_or_else(|| self.problem(Fault::BadCount { what }))
    }

    pub fn time(self) -> Result<Timestamp, Problem> {
        instant::parse(self.text).map_err(|error| self.problem(Fault::BadTime(error)))
    }

    /// One of the words of an enumeration.
    pub fn one_of<T: Copy>(
        self,
        what: &'static str,
        expected: &'static str,
        words: &[(&str, T)],
    ) -> Result<T, Problem> {
        let found = words.iter().find(|(word, _)| *word == self.text);
        found.map(|(_, value)| *value).ok_or_else(|| self.problem(Fault::BadWord { what, expected }))
    }

    fn name<T>(
        self,
        what: &'static str,
        take: impl Fn(&'a str) -> Result<T, TextError>,
    ) -> Result<T, Problem> {
        if self.text.contains('=') {
            return Err(self.problem(Fault::OptionForName { what }));
        }
        take(self.text).map_err(|error| self.problem(Fault::BadName { what, error }))
    }

    pub fn account(self) -> Result<AccountName, Problem> {
        self.name("account name", Text::new)
    }

    pub fn symbol(self) -> Result<Symbol, Problem> {
        self.name("instrument symbol", Text::new)
    }

    pub fn asset(self) -> Result<AssetCode, Problem> {
        self.name("asset", Text::new)
    }

    pub fn rule(self) -> Result<RuleName, Problem> {
        self.name("rule name", Text::new)
    }

    pub fn id(self) -> Result<ClOrdId, Problem> {
        self.name("client order id", ClOrdId::new)
    }
}

/// The words of a line not yet taken.
pub(super) struct Words<'a> {
    line: usize,
    rest: &'a str,
    /// The column `rest` begins at, from 1.
    column: usize,
    /// The column after the last word taken.
    end: usize,
}

impl<'a> Words<'a> {
    pub fn new(line: usize, text: &'a str) -> Self {
        Self { line, rest: text, column: 1, end: 1 }
    }

    /// The next word, which must be there.
    pub fn need(&mut self, what: &'static str) -> Result<Word<'a>, Problem> {
        self.next().ok_or(Problem {
            span: Span { line: self.line, from: self.end, to: self.end + 1 },
            fault: Fault::Missing { what },
        })
    }

    /// The place just after the words taken so far.
    pub fn here(&self) -> Span {
        Span { line: self.line, from: self.end, to: self.end + 1 }
    }

    /// No word may be left.
    pub fn end(mut self) -> Result<(), Problem> {
        match self.next() {
            Some(word) => Err(word.problem(Fault::Unexpected)),
            None => Ok(()),
        }
    }
}

impl<'a> Iterator for Words<'a> {
    type Item = Word<'a>;

    fn next(&mut self) -> Option<Word<'a>> {
        let trimmed = self.rest.trim_start();
        self.column += self.rest[..self.rest.len() - trimmed.len()].chars().count();
        let length = trimmed.find(char::is_whitespace).unwrap_or(trimmed.len());
        let (text, rest) = trimmed.split_at(length);
        self.rest = rest;
        if text.is_empty() {
            return None;
        }
        let from = self.column;
        self.column += text.chars().count();
        self.end = self.column;
        Some(Word { text, span: Span { line: self.line, from, to: self.column } })
    }
}
