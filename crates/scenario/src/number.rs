//! Numbers as scenarios show them: with exactly the decimals of their tick, lot or currency.

use model::{Cash, Decimal, InstrumentCreated, Price, Quantity};
use std::fmt;

/// `units / 10^scale` with all its decimals: 1050 at scale 2 is `10.50`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Fixed {
    units: i128,
    scale: u8,
}

impl Fixed {
    /// A count of steps.
    fn steps(count: i128, step: Decimal) -> Self {
        Self { units: count * i128::from(step.units), scale: step.scale }
    }

    /// A price in an instrument's ticks.
    pub fn price(price: Price, terms: &InstrumentCreated) -> Self {
        Self::steps(price.0.into(), terms.tick_size)
    }

    /// A quantity in an instrument's lots.
    pub fn quantity(quantity: Quantity, terms: &InstrumentCreated) -> Self {
        Self::steps(quantity.0.into(), terms.lot_size)
    }

    /// What an account owns of an instrument, in its lots.
    pub fn position(lots: Cash, terms: &InstrumentCreated) -> Self {
        Self::steps(lots.0.into(), terms.lot_size)
    }

    /// Money in the currency's smallest unit.
    pub fn money(cash: Cash, decimals: u8) -> Self {
        Self { units: cash.0.into(), scale: decimals }
    }
}

impl fmt::Display for Fixed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scale = usize::from(self.scale);
        let power = 10u128.pow(self.scale.into());
        let sign = if self.units < 0 { "-" } else { "" };
        let (whole, fraction) = (self.units.unsigned_abs() / power, self.units.unsigned_abs() % power);
        if scale == 0 { write!(f, "{sign}{whole}") } else { write!(f, "{sign}{whole}.{fraction:0scale$}") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_decimals_are_shown() {
        let tick = |units, scale| Decimal::new(units, scale);
        for (count, step, shown) in [
            (1005, tick(1, 2), "10.05"),
            (42, tick(25, 2), "10.50"),
            (21, tick(5, 1), "10.5"),
            (101, tick(10, 2), "10.10"),
            (10, tick(1, 0), "10"),
            (4000, tick(10, 0), "40000"),
            (7, tick(1, 3), "0.007"),
            (-7, tick(1, 3), "-0.007"),
            (0, tick(1, 2), "0.00"),
        ] {
            assert_eq!(Fixed::steps(count, step).to_string(), shown);
        }
    }
}
