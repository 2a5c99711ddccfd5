//! Numbers on a page: exact, and grouped so that they can be read.

/// A step such as a tick of 0.05: so many `10^-scale`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    units: i128,
    scale: usize,
}

impl Steps {
    /// The step that a decimal number is.
    pub fn of(decimal: &str) -> Self {
        let (whole, fraction) = decimal.split_once('.').unwrap_or((decimal, ""));
        Self { units: format!("{whole}{fraction}").parse().unwrap_or(1), scale: fraction.len() }
    }

    /// So many of them, with as many decimals as the step has.
    pub fn times(self, count: i64) -> String {
        let value = i128::from(count) * self.units;
        let digits = format!("{:0width$}", value.unsigned_abs(), width = self.scale + 1);
        let (whole, fraction) = digits.split_at(digits.len() - self.scale);
        let sign = if value < 0 { "-" } else { "" };
        let point = if fraction.is_empty() { "" } else { "." };
        format!("{sign}{}{point}{fraction}", grouped(whole))
    }
}

/// A decimal number with a comma between thousands; words are left alone.
pub fn grouped(number: &str) -> String {
    let (sign, digits) = number.strip_prefix('-').map_or(("", number), |digits| ("-", digits));
    let (whole, rest) = digits.find('.').map_or((digits, ""), |point| digits.split_at(point));
    if whole.is_empty() || !whole.bytes().all(|byte| byte.is_ascii_digit()) {
        return number.to_owned();
    }
    let mut out = String::from(sign);
    for (at, digit) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_become_prices() {
        let cases = [
            ("0.01", 23_005, "230.05"),
            ("0.25", 3, "0.75"),
            ("250", 8, "2,000"),
            ("0.05", -1, "-0.05"),
            ("0.01", 7, "0.07"),
        ];
        for (tick, count, price) in cases {
            assert_eq!(Steps::of(tick).times(count), price);
        }
    }

    #[test]
    fn thousands_are_told_apart() {
        for (number, read) in [
            ("0", "0"),
            ("999", "999"),
            ("1000", "1,000"),
            ("-1234567.891", "-1,234,567.891"),
            (
                "170141183460469231731687303715884105727",
                "170,141,183,460,469,231,731,687,303,715,884,105,727",
            ),
            ("n/a", "n/a"),
            ("", ""),
        ] {
            assert_eq!(grouped(number), read);
        }
    }
}
