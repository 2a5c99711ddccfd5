//! Exact decimal numbers on the wire: strings such as `"10.50"`, never floats.

use model::{Decimal, POWERS_OF_TEN};
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// An exact decimal number as it is written: `"10.50"` stays `10.50`. Wide enough for sums that the exchange's own
/// 64-bit fields could not hold, such as the quantity of a whole price level.
///
/// In JSON it is a string. A whole JSON number is taken too; a JSON number with a point is refused, because most
/// JSON libraries have been through binary floating point with it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Number {
    units: i128,
    scale: u8,
}

/// Why a text is not a number here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NumberError {
    /// Not digits with at most one point and a leading minus sign.
    #[error("not a decimal number: write digits with at most one point, such as \"10.05\"")]
    Malformed,
    /// More digits than the exchange's numbers hold.
    #[error("a number with more than 18 digits")]
    TooLong,
}

impl Number {
    /// Zero, without decimals.
    pub const ZERO: Self = Self { units: 0, scale: 0 };

    /// `units / 10^scale`. A scale above 18 counts as 18.
    pub const fn new(units: i128, scale: u8) -> Self {
        Self { units, scale: if scale > Decimal::MAX_SCALE { Decimal::MAX_SCALE } else { scale } }
    }

    /// The digits, with sign.
    pub const fn units(self) -> i128 {
        self.units
    }

    /// How many of the digits are decimals.
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// The number as commands carry it, or `None` when it has more digits than fit there.
    pub fn decimal(self) -> Option<Decimal> {
        let (mut units, mut scale) = (self.units, self.scale);
        // 10.50 and 10.5 are one number and must be one command.
        while scale > 0 && units % 10 == 0 {
            units /= 10;
            scale -= 1;
        }
        // The least i64 means "no number" in a command.
        i64::try_from(units).ok().filter(|&units| units != i64::MIN).map(|units| Decimal::new(units, scale))
    }
}

impl From<Decimal> for Number {
    fn from(decimal: Decimal) -> Self {
        Self::new(i128::from(decimal.units), decimal.scale)
    }
}

impl FromStr for Number {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        let digits = text.strip_prefix('-').unwrap_or(text);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let well_formed = !whole.is_empty()
            && (digits.len() == whole.len() || !fraction.is_empty())
            && whole.bytes().chain(fraction.bytes()).all(|byte| byte.is_ascii_digit());
        if !well_formed {
            return Err(NumberError::Malformed);
        }
        let scale = u8::try_from(fraction.len()).map_err(|_| NumberError::TooLong)?;
        if scale > Decimal::MAX_SCALE {
            return Err(NumberError::TooLong);
        }
        let mut units: i128 = 0;
        for digit in whole.bytes().chain(fraction.bytes()) {
            units = units
                .checked_mul(10)
                .and_then(|units| units.checked_add(i128::from(digit - b'0')))
                .ok_or(NumberError::TooLong)?;
        }
        Ok(Self { units: if digits.len() == text.len() { units } else { -units }, scale })
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let power = u128::from(POWERS_OF_TEN[usize::from(self.scale)].unsigned_abs());
        let (whole, fraction) = (self.units.unsigned_abs() / power, self.units.unsigned_abs() % power);
        let sign = if self.units < 0 { "-" } else { "" };
        let width = usize::from(self.scale);
        let text =
            if width == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction:0width$}") };
        f.pad(&text)
    }
}

impl Serialize for Number {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AsNumber;
        impl Visitor<'_> for AsNumber {
            type Value = Number;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a decimal number as a string, such as \"10.05\"")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Number, E> {
                text.parse().map_err(E::custom)
            }

            fn visit_u64<E: Error>(self, number: u64) -> Result<Number, E> {
                Ok(Number::new(i128::from(number), 0))
            }

            fn visit_i64<E: Error>(self, number: i64) -> Result<Number, E> {
                Ok(Number::new(i128::from(number), 0))
            }
        }
        deserializer.deserialize_any(AsNumber)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn numbers_stay_as_written() {
        for text in ["0", "10.50", "-3.00", "0.000000000000000001", "170141183460469231731687303715884105727"]
        {
            assert_eq!(text.parse::<Number>().unwrap().to_string(), text);
        }
    }

    #[test]
    fn what_is_not_a_number_is_refused() {
        for text in ["", "-", ".5", "5.", "1e3", "1,5", "+1", " 1", "1.2.3", "--1", "-.", "٣"] {
            assert_eq!(text.parse::<Number>(), Err(NumberError::Malformed), "{text}");
        }
        assert_eq!("1701411834604692317316873037158841057270".parse::<Number>(), Err(NumberError::TooLong));
        assert_eq!("0.1234567890123456789".parse::<Number>(), Err(NumberError::TooLong));
    }

    #[test]
    fn json_takes_strings_and_whole_numbers_but_no_floats() {
        assert_eq!(serde_json::from_str::<Number>("\"10.50\"").unwrap(), Number::new(1050, 2));
        assert_eq!(serde_json::from_str::<Number>("7").unwrap(), Number::new(7, 0));
        assert_eq!(serde_json::to_string(&Number::new(1050, 2)).unwrap(), "\"10.50\"");
        let error = serde_json::from_str::<Number>("10.5").unwrap_err().to_string();
        assert!(error.contains("decimal number as a string"), "{error}");
    }

    proptest! {
        #[test]
        fn a_number_is_the_decimal_the_engine_would_parse(units in any::<i64>(), scale in 0u8..=18) {
            let number = Number::new(i128::from(units), scale);
            let parsed = number.to_string().parse::<Decimal>().ok();
            prop_assert_eq!(number.decimal().filter(|_| units != i64::MIN), parsed.filter(|_| units != i64::MIN));
        }
    }
}
