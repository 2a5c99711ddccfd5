//! What the operator sets: the words of `configure`, made into a typed struct.

use crate::Symbol;
use alloc::string::String;
use core::marker::PhantomData;

/// The words that are left to read. They stay where they are for as long as the rule lives.
#[derive(Debug, Clone, Copy)]
pub struct Words(&'static [i64]);

impl Words {
    /// All words of an activation.
    pub fn new(words: &'static [i64]) -> Self {
        Self(words)
    }

    /// Whether all have been read.
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    fn next(&mut self) -> Option<i64> {
        let (&first, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(first)
    }
}

/// A type that a parameter can have.
pub trait Parameter: Sized {
    /// Its type in `plugin.toml`.
    const TYPE: &'static str;

    /// Reads it; `None` if there are too few words, or they are out of range.
    fn read(words: &mut Words) -> Option<Self>;

    /// Writes it for people.
    fn show(&self, out: &mut String);
}

/// The parameters of a rule: a struct that [`parameters!`](crate::parameters) declares.
pub trait Parameters: Sized {
    /// Names and types in `plugin.toml`, in order.
    const DECLARED: &'static [(&'static str, &'static str)];

    /// Reads all words; `None` if they are not what the struct declares.
    fn from_words(words: &'static [i64]) -> Option<Self>;

    /// Writes the parameter with this name for people; `false` if there is none.
    fn show(&self, name: &str, out: &mut String) -> bool;
}

/// A list parameter: the last one, which takes all words that are left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct List<T> {
    words: &'static [i64],
    holds: PhantomData<T>,
}

/// What a list parameter can hold.
pub trait Element: Copy + PartialEq {
    /// How many words one takes.
    const WORDS: usize;
    /// The list's type in `plugin.toml`.
    const LIST_TYPE: &'static str;
    /// Reads one from so many words.
    fn from_words(words: &[i64]) -> Self;
    /// Hands its words over.
    fn to_words(self, take: impl FnMut(i64));
}

impl<T: Element> List<T> {
    /// For tests: a list that lives for ever.
    pub fn of(elements: &[T]) -> Self {
        let mut words = alloc::vec::Vec::with_capacity(elements.len() * T::WORDS);
        for element in elements {
            element.to_words(|word| words.push(word));
        }
        Self { words: words.leak(), holds: PhantomData }
    }

    /// Its elements, as the operator listed them.
    pub fn iter(&self) -> impl Iterator<Item = T> + use<T> {
        self.words.chunks_exact(T::WORDS).map(T::from_words)
    }

    /// Whether it holds this.
    #[inline]
    pub fn contains(&self, element: T) -> bool {
        self.iter().any(|listed| listed == element)
    }

    /// How many it holds.
    pub fn len(&self) -> usize {
        self.words.len() / T::WORDS
    }

    /// Whether it holds nothing.
    pub fn is_empty(&self) -> bool {
        self.words.is_empty()
    }
}

impl<T: Element> Parameter for List<T> {
    const TYPE: &'static str = T::LIST_TYPE;

    fn read(words: &mut Words) -> Option<Self> {
        let all = core::mem::take(&mut words.0);
        all.len().is_multiple_of(T::WORDS).then_some(Self { words: all, holds: PhantomData })
    }

    fn show(&self, out: &mut String) {
        push_unsigned(out, self.len() as u64);
    }
}

impl Element for i64 {
    const WORDS: usize = 1;
    const LIST_TYPE: &'static str = "list-int";
    fn from_words(words: &[i64]) -> Self {
        words[0]
    }
    fn to_words(self, mut take: impl FnMut(i64)) {
        take(self);
    }
}

impl Element for Symbol {
    const WORDS: usize = 2;
    const LIST_TYPE: &'static str = "list-text";
    #[inline]
    fn from_words(words: &[i64]) -> Self {
        Self::from_words(words[0].cast_unsigned(), words[1].cast_unsigned())
    }
    fn to_words(self, mut take: impl FnMut(i64)) {
        for word in Symbol::to_words(self) {
            take(word.cast_signed());
        }
    }
}

impl Parameter for i64 {
    const TYPE: &'static str = "int";

    fn read(words: &mut Words) -> Option<Self> {
        words.next()
    }

    fn show(&self, out: &mut String) {
        if *self < 0 {
            out.push('-');
        }
        push_unsigned(out, self.unsigned_abs());
    }
}

/// Of an `int`, those that are not negative.
impl Parameter for u64 {
    const TYPE: &'static str = "int";

    fn read(words: &mut Words) -> Option<Self> {
        words.next()?.try_into().ok()
    }

    fn show(&self, out: &mut String) {
        push_unsigned(out, *self);
    }
}

impl Parameter for Symbol {
    const TYPE: &'static str = "text";

    fn read(words: &mut Words) -> Option<Self> {
        Some(Self::from_words(words.next()?.cast_unsigned(), words.next()?.cast_unsigned()))
    }

    fn show(&self, out: &mut String) {
        out.push_str(self.as_str());
    }
}

/// How long [`declared`] is.
#[doc(hidden)]
pub const fn declared_length(parameters: &[(&str, &str)]) -> usize {
    let (mut at, mut length) = (0, 0);
    while at < parameters.len() {
        length += parameters[at].0.len() + parameters[at].1.len() + 2;
        at += 1;
    }
    length
}

/// The parameters as lines of name and type, for a section of the component: `outcry plugin build` compares it with
/// `plugin.toml`.
#[doc(hidden)]
pub const fn declared<const N: usize>(parameters: &[(&str, &str)]) -> [u8; N] {
    const fn put<const N: usize>(mut out: [u8; N], mut to: usize, text: &str, end: u8) -> ([u8; N], usize) {
        let mut at = 0;
        while at < text.len() {
            out[to] = text.as_bytes()[at];
            to += 1;
            at += 1;
        }
        out[to] = end;
        (out, to + 1)
    }
    let (mut out, mut to, mut at) = ([0; N], 0, 0);
    while at < parameters.len() {
        (out, to) = put(out, to, parameters[at].0, b' ');
        (out, to) = put(out, to, parameters[at].1, b'\n');
        at += 1;
    }
    out
}

/// Writes a number. `core::fmt` would be most of a small component.
fn push_unsigned(out: &mut String, mut number: u64) {
    let mut digits = [0_u8; 20];
    let mut at = digits.len();
    loop {
        at -= 1;
        digits[at] = b'0' + (number % 10) as u8;
        number /= 10;
        if number == 0 {
            break;
        }
    }
    for &digit in &digits[at..] {
        out.push(char::from(digit));
    }
}

/// Declares the parameters of a rule, in the order of `plugin.toml`: `i64`, `u64` (an `int` that is not negative), [`Symbol`]
/// (`text`), and last [`List`]`<i64>` or [`List`]`<Symbol>`.
///
/// ```
/// plugin_sdk::parameters! {
///     /// Keeps orders small.
///     pub struct FatFinger {
///         /// In lots.
///         pub max_quantity: u64,
///     }
/// }
/// ```
#[macro_export]
macro_rules! parameters {
    ($(#[$meta:meta])* $visibility:vis struct $name:ident { $($(#[$about:meta])* $shown:vis $field:ident: $type:ty),* $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, PartialEq, Eq)]
        $visibility struct $name {
            $($(#[$about])* $shown $field: $type,)*
        }

        impl $crate::Parameters for $name {
            const DECLARED: &'static [(&'static str, &'static str)] =
                &[$((stringify!($field), <$type as $crate::Parameter>::TYPE)),*];

            fn from_words(words: &'static [i64]) -> Option<Self> {
                #[allow(unused_mut, reason = "a rule may have no parameters")]
                let mut words = $crate::private::Words::new(words);
                let read = Self { $($field: <$type as $crate::Parameter>::read(&mut words)?,)* };
                words.is_empty().then_some(read)
            }

            fn show(&self, name: &str, out: &mut $crate::private::String) -> bool {
                $(if name == stringify!($field) {
                    $crate::Parameter::show(&self.$field, out);
                    return true;
                })*
                let _ = (name, out);
                false
            }
        }
    };
}

#[cfg(test)]
mod tests {
    use super::*;

    parameters! {
        struct Several { limit: u64, ticks: i64, name: Symbol, only: List<Symbol> }
    }
    parameters! { struct Nothing {} }
    parameters! { struct Numbers { numbers: List<i64> } }

    fn words(words: &[i64]) -> &'static [i64] {
        words.to_vec().leak()
    }

    #[test]
    fn words_become_fields_in_order() {
        const LENGTH: usize = declared_length(Several::DECLARED);
        let [low, high] = Symbol::new("MSFT").to_words().map(u64::cast_signed);
        let read = Several::from_words(words(&[5, -6, low, high, low, high])).unwrap();
        assert_eq!((read.limit, read.ticks, read.name), (5, -6, Symbol::new("MSFT")));
        assert!(read.only.contains(Symbol::new("MSFT")) && !read.only.contains(Symbol::new("AAPL")));
        assert_eq!(read.only, List::of(&[Symbol::new("MSFT")]));
        assert_eq!(
            Several::DECLARED,
            [("limit", "int"), ("ticks", "int"), ("name", "text"), ("only", "list-text")]
        );
        assert_eq!(
            declared::<LENGTH>(Several::DECLARED),
            *b"limit int\nticks int\nname text\nonly list-text\n"
        );
        let empty = Several::from_words(words(&[5, -6, low, high])).unwrap();
        assert!(empty.only.is_empty());
    }

    #[test]
    fn words_that_do_not_fit_are_refused() {
        for wrong in [&[][..], &[1], &[1, 2, 3], &[-1, 2, 3, 4], &[1, 2, 3, 4, 5]] {
            assert_eq!(Several::from_words(words(wrong)), None, "{wrong:?}");
        }
        assert_eq!(Nothing::from_words(&[]), Some(Nothing {}));
        assert_eq!(Nothing::from_words(&[1]), None);
        assert_eq!(Numbers::from_words(&[]).unwrap().numbers.len(), 0);
        assert!(Numbers::from_words(words(&[1, 2])).unwrap().numbers.iter().eq([1, 2]));
    }

    #[test]
    fn numbers_are_shown_in_full() {
        let mut out = String::new();
        for number in [0, 9, 10, i64::MAX, i64::MIN] {
            number.show(&mut out);
            out.push(' ');
        }
        u64::MAX.show(&mut out);
        assert_eq!(out, "0 9 10 9223372036854775807 -9223372036854775808 18446744073709551615");
    }
}
