//! Money is integers: prices in ticks, quantities in lots, cash in minor units (cents).
//!
//! | expression | result | checked |
//! |---|---|---|
//! | `Quantity + Quantity`, `Quantity - Quantity` | `Quantity` | overflow panics: a broken invariant, never input |
//! | `Quantity::saturating_sub` | `Quantity` | by design |
//! | `Cash + Cash`, `Cash - Cash` | `Cash` | overflow panics |
//! | `TickValue::notional(Price, Quantity)` | `i128` minor units | cannot overflow |
//! | `TickValue::cash(Price, Quantity)` | `Option<Cash>` | `None` when it does not fit 64 bits |
//!
//! There is no `Price * Quantity`: what a tick of a lot is worth depends on the instrument ([`TickValue`]).

use rkyv::{Archive, Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};

/// A price in the instrument's ticks.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Archive, Serialize, Deserialize)]
#[repr(transparent)]
pub struct Price(pub i64);

/// A quantity in the instrument's lots.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Archive, Serialize, Deserialize)]
#[repr(transparent)]
pub struct Quantity(pub u64);

/// An amount in an asset's smallest unit: cents of a currency, lots of an instrument.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Archive, Serialize, Deserialize)]
#[repr(transparent)]
pub struct Cash(pub i64);

/// What one tick of one lot is worth, in minor units of the instrument's currency. Positive.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Archive, Serialize, Deserialize)]
#[repr(transparent)]
pub struct TickValue(pub i64);

impl Quantity {
    /// Nothing.
    pub const ZERO: Self = Self(0);

    /// Whether there is nothing.
    #[inline]
    pub const fn is_zero(self) -> bool {
        self.0 == 0
    }

    /// The difference, or zero where it would be negative.
    #[inline]
    #[must_use]
    pub const fn saturating_sub(self, other: Self) -> Self {
        Self(self.0.saturating_sub(other.0))
    }
}

impl Cash {
    /// Nothing.
    pub const ZERO: Self = Self(0);
}

impl TickValue {
    /// Price times quantity in minor units. A full `i64` price, `u64` quantity and tick value could pass 128 bits;
    /// products past that saturate, which is above every limit and every balance.
    #[inline]
    pub fn notional(self, price: Price, quantity: Quantity) -> i128 {
        (i128::from(price.0) * i128::from(quantity.0)).saturating_mul(i128::from(self.0))
    }

    /// Price times quantity as cash, or `None` when no balance could ever hold it.
    #[inline]
    pub fn cash(self, price: Price, quantity: Quantity) -> Option<Cash> {
        i64::try_from(self.notional(price, quantity)).ok().map(Cash)
    }
}

macro_rules! arithmetic {
    ($name:ident) => {
        impl Add for $name {
            type Output = Self;
            #[inline]
            fn add(self, other: Self) -> Self {
                Self(self.0.checked_add(other.0).expect(concat!(stringify!($name), " overflow")))
            }
        }

        impl Sub for $name {
            type Output = Self;
            #[inline]
            fn sub(self, other: Self) -> Self {
                Self(self.0.checked_sub(other.0).expect(concat!(stringify!($name), " underflow")))
            }
        }

        impl AddAssign for $name {
            #[inline]
            fn add_assign(&mut self, other: Self) {
                *self = *self + other;
            }
        }

        impl SubAssign for $name {
            #[inline]
            fn sub_assign(&mut self, other: Self) {
                *self = *self - other;
            }
        }
    };
}

arithmetic!(Quantity);
arithmetic!(Cash);

macro_rules! debug_as_number {
    ($($name:ident)*) => {$(
        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }
    )*};
}

debug_as_number!(Price Quantity Cash);
