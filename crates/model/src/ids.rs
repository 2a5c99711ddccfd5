//! The exchange's own ids: small dense integers it hands out, so that finding a thing is an array index.

use rkyv::{Archive, Deserialize, Serialize};
use std::fmt;

macro_rules! dense_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Archive, Serialize, Deserialize)]
        #[repr(transparent)]
        pub struct $name(pub u32);

        impl $name {
            /// A name at the edge that the exchange has never heard of. Never handed out.
            pub const UNKNOWN: Self = Self(u32::MAX);

            /// The position of this thing in its table.
            #[inline]
            pub const fn index(self) -> usize {
                self.0 as usize
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({})"), self.0)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&self.0, f)
            }
        }
    };
}

dense_id! {
    /// An account, numbered from 0 in the order of opening.
    AccountId
}
dense_id! {
    /// An instrument, numbered from 0 in the order of creation.
    InstrumentId
}
dense_id! {
    /// Something an account can own: a currency or an instrument, numbered from 0 in the order of first mention.
    AssetId
}

/// How many low bits of an [`OrderId`] are the order's slot.
pub const ORDER_SLOT_BITS: u32 = 22;
/// The most orders that can work at once, over all instruments: 4,194,304.
pub const MAX_WORKING_ORDERS: usize = 1 << ORDER_SLOT_BITS;

/// An order's id, unique for ever and greater for younger orders (FIX tag 37, `OrderID`).
///
/// The high 42 bits count orders from 1; the low [`ORDER_SLOT_BITS`] are the order's slot in the table of working
/// orders, so that finding an order by id needs no hash table. A billion orders a day fill the counter in 17 years.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Archive, Serialize, Deserialize)]
#[repr(transparent)]
pub struct OrderId(pub u64);

impl OrderId {
    /// No order.
    pub const NONE: Self = Self(0);

    /// The id of the `count`th order (from 1) in `slot`.
    #[inline]
    pub const fn new(count: u64, slot: u32) -> Self {
        debug_assert!(slot < 1 << ORDER_SLOT_BITS && count < 1 << (64 - ORDER_SLOT_BITS));
        Self(count << ORDER_SLOT_BITS | slot as u64)
    }

    /// Its slot in the table of working orders.
    #[inline]
    pub const fn slot(self) -> u32 {
        (self.0 & ((1 << ORDER_SLOT_BITS) - 1)) as u32
    }

    /// How many orders the exchange had accepted when it accepted this one, from 1: its age.
    #[inline]
    pub const fn count(self) -> u64 {
        self.0 >> ORDER_SLOT_BITS
    }
}

impl fmt::Debug for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "OrderId({}@{})", self.count(), self.slot())
    }
}

impl fmt::Display for OrderId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}

/// A trade, numbered from 1 over all instruments (FIX tag 1003, `TradeID`).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Archive, Serialize, Deserialize)]
#[repr(transparent)]
pub struct TradeId(pub u64);

impl fmt::Debug for TradeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TradeId({})", self.0)
    }
}

impl fmt::Display for TradeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.0, f)
    }
}
