//! Exact decimal numbers as people and protocols write them: an integer and a count of decimals.
//!
//! Commands carry prices, quantities and amounts in this form, so the log keeps what the client asked for even when
//! it is off the tick or too fine; the engine turns them into ticks, lots and minor units, or rejects them.

use rkyv::{Archive, Deserialize, Serialize};
use std::fmt;

/// 10^0 to 10^18, every power of ten an `i64` holds.
pub const POWERS_OF_TEN: [i64; 19] = {
    let mut powers = [1; 19];
    let mut at = 1;
    while at < 19 {
        powers[at] = powers[at - 1] * 10;
        at += 1;
    }
    powers
};

/// `units / 10^scale`, for example 10.05 = `{ units: 1005, scale: 2 }`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Archive, Serialize, Deserialize)]
#[repr(C)]
pub struct Decimal {
    /// The digits, with sign.
    pub units: i64,
    /// How many of the digits are decimals, 0 to 18.
    pub scale: u8,
    reserved: [u8; 7],
}

/// Why a text is not a decimal number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecimalError {
    /// Not digits with at most one point and a leading sign.
    #[error("not a decimal number")]
    Malformed,
    /// More digits than 64 bits hold.
    #[error("a number with more digits than fit (18)")]
    TooLong,
}

impl Decimal {
    /// The absence of a number, where a field is optional.
    pub const NONE: Self = Self { units: i64::MIN, scale: 0, reserved: [0; 7] };
    /// The most decimals a number may have.
    pub const MAX_SCALE: u8 = 18;

    /// `units / 10^scale`.
    pub const fn new(units: i64, scale: u8) -> Self {
        Self { units, scale, reserved: [0; 7] }
    }

    /// Whether this is [`Decimal::NONE`].
    pub const fn is_none(self) -> bool {
        self.units == i64::MIN
    }

    /// The number, unless it is [`Decimal::NONE`].
    pub fn some(self) -> Option<Self> {
        (!self.is_none()).then_some(self)
    }

    /// How many whole `step`s this number is: `10.05` in steps of `0.01` is 1005. `None` when it is not a whole
    /// number of steps, when the step is not positive, or when the answer does not fit.
    #[inline]
    pub fn in_steps_of(self, step: Self) -> Option<i64> {
        if step.units <= 0 || self.is_none() || self.scale > Self::MAX_SCALE || step.scale > Self::MAX_SCALE {
            return None;
        }
        // Nearly every number comes no finer than its step and fits 64 bits; 128-bit division costs ten times as much.
        if self.scale <= step.scale
            && let Some(units) = self.units.checked_mul(POWERS_OF_TEN[usize::from(step.scale - self.scale)])
        {
            return (units % step.units == 0).then(|| units / step.units);
        }
        // Bring both to the finer scale: 18 digits times 10^18 fits i128.
        let (mut number, mut step_units) = (i128::from(self.units), i128::from(step.units));
        if self.scale < step.scale {
            number *= i128::from(POWERS_OF_TEN[usize::from(step.scale - self.scale)]);
        } else {
            step_units *= i128::from(POWERS_OF_TEN[usize::from(self.scale - step.scale)]);
        }
        if number % step_units != 0 {
            return None;
        }
        i64::try_from(number / step_units).ok()
    }

    /// This number as an integer count of `10^-scale`: `10.5` at scale 2 is 1050. `None` when it is finer than that
    /// or does not fit.
    #[inline]
    pub fn at_scale(self, scale: u8) -> Option<i64> {
        self.in_steps_of(Self::new(1, scale))
    }
}

impl std::str::FromStr for Decimal {
    type Err = DecimalError;

    fn from_str(text: &str) -> Result<Self, DecimalError> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let well_formed = !whole.is_empty()
            && (digits.len() == whole.len() || !fraction.is_empty())
            && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
        if !well_formed {
            return Err(DecimalError::Malformed);
        }
        // 10.50 and 10.5 are one number: keep the shorter so that equal numbers are equal bytes.
        let fraction = fraction.trim_end_matches('0');
        let mut units: i64 = 0;
        for digit in whole.bytes().chain(fraction.bytes()).map(|byte| i64::from(byte - b'0')) {
            units = units
                .checked_mul(10)
                .and_then(|units| units.checked_add(digit))
                .ok_or(DecimalError::TooLong)?;
        }
        let scale = u8::try_from(fraction.len()).map_err(|_| DecimalError::TooLong)?;
        if scale > Self::MAX_SCALE {
            return Err(DecimalError::TooLong);
        }
        Ok(Self::new(if negative { -units } else { units }, scale))
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = usize::from(self.scale.min(Self::MAX_SCALE));
        let (whole, fraction) = {
            let power = POWERS_OF_TEN[scale].unsigned_abs();
            (self.units.unsigned_abs() / power, self.units.unsigned_abs() % power)
        };
        let sign = if self.units < 0 { "-" } else { "" };
        if scale == 0 { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{fraction:0scale$}") }
    }
}

impl fmt::Debug for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_none() { f.write_str("none") } else { write!(f, "{self}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn steps() {
        assert_eq!(decimal("10.05").in_steps_of(decimal("0.01")), Some(1005));
        assert_eq!(decimal("10.055").in_steps_of(decimal("0.01")), None);
        assert_eq!(decimal("10.5").in_steps_of(decimal("0.25")), Some(42));
        assert_eq!(decimal("-3").in_steps_of(decimal("0.01")), Some(-300));
        assert_eq!(decimal("1").in_steps_of(decimal("0")), None);
        assert_eq!(Decimal::NONE.in_steps_of(decimal("1")), None);
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for text in ["", "-", ".5", "5.", "1e3", "1,5", "+1", " 1", "1.2.3", "0x1"] {
            assert_eq!(text.parse::<Decimal>(), Err(DecimalError::Malformed), "{text}");
        }
        assert_eq!("99999999999999999999".parse::<Decimal>(), Err(DecimalError::TooLong));
        assert_eq!("0.1234567890123456789".parse::<Decimal>(), Err(DecimalError::TooLong));
    }

    proptest! {
        #[test]
        fn text_and_back(units in -1_000_000_000_000_000_000i64..1_000_000_000_000_000_000, scale in 0u8..=18) {
            let number = Decimal::new(units, scale);
            let again = decimal(&number.to_string());
            prop_assert_eq!(number.at_scale(18), again.at_scale(18));
            prop_assert_eq!(number.in_steps_of(again), (units > 0).then_some(1));
        }
    }
}
