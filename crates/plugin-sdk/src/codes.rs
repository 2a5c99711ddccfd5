//! What a rule rejects with: numbers that the client, the log and the reports see, and their words.

use crate::{Parameters, WRONG_PARAMETERS};
use alloc::string::String;

/// The reasons a rule has to reject. [`codes!`](crate::codes) implements it.
pub trait Code: Copy {
    /// The number: 1 to 65534. Never give a number another meaning; logs hold it.
    fn number(self) -> u16;

    /// The words of a number, with `{name}` for a parameter; `None` if the rule has no such code.
    fn text(number: u32) -> Option<&'static str>;
}

/// Declares the codes of a rule, each with one sentence without a full stop. `{name}` stands for a parameter.
///
/// ```
/// plugin_sdk::codes! {
///     pub enum Reject {
///         TooMany = 1 => "more than {max_quantity} lots",
///         TooMuch = 2 => "worth more than {max_notional}",
///     }
/// }
/// ```
#[macro_export]
macro_rules! codes {
    ($(#[$meta:meta])* $visibility:vis enum $name:ident { $($(#[$about:meta])* $code:ident = $number:literal => $text:literal),+ $(,)? }) => {
        $(#[$meta])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        #[repr(u16)]
        #[allow(missing_docs, reason = "the text says it")]
        $visibility enum $name {
            $($(#[$about])* #[doc = $text] $code = $number,)+
        }

        $(const _: () = assert!($number >= 1 && $number < 65535, "a code is a number from 1 to 65534");)+

        impl $crate::Code for $name {
            #[inline]
            fn number(self) -> u16 {
                self as u16
            }

            fn text(number: u32) -> Option<&'static str> {
                match number {
                    $($number => Some($text),)+
                    _ => None,
                }
            }
        }
    };
}

/// The words of a code, with the parameters filled in.
#[doc(hidden)]
pub fn explain<C: Code, P: Parameters>(code: u32, parameters: Option<&P>) -> String {
    if code == WRONG_PARAMETERS {
        return String::from("the parameters are not the ones that the rule declares");
    }
    match C::text(code) {
        Some(text) => fill(text, parameters),
        None => String::from("the rule has no words for this code"),
    }
}

/// Puts the parameters where a text names them. What it names otherwise stays as it is.
#[doc(hidden)]
pub fn fill<P: Parameters>(text: &str, parameters: Option<&P>) -> String {
    let mut out = String::with_capacity(text.len() + 32);
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        out.push_str(before);
        rest = after;
        match after.split_once('}') {
            Some((name, behind)) if parameters.is_some_and(|given| given.show(name, &mut out)) => {
                rest = behind;
            }
            _ => out.push('{'),
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    codes! { enum Reject { One = 1 => "at most {max} of {symbol}", Other = 300 => "{unknown} {" } }
    crate::parameters! { struct Limits { max: i64, symbol: crate::Symbol } }

    #[test]
    fn texts_name_parameters() {
        let limits = Limits { max: -12, symbol: crate::Symbol::new("AAPL") };
        assert_eq!(explain::<Reject, _>(1, Some(&limits)), "at most -12 of AAPL");
        assert_eq!(explain::<Reject, Limits>(1, None), "at most {max} of {symbol}");
        assert_eq!(explain::<Reject, _>(300, Some(&limits)), "{unknown} {");
        assert_eq!((Reject::One.number(), Reject::Other.number()), (1, 300));
        assert_eq!(Reject::text(2), None);
        for code in [2, WRONG_PARAMETERS] {
            assert!(!explain::<Reject, _>(code, Some(&limits)).is_empty());
        }
    }
}
