//! The exchange's own bounds: how many of each thing it keeps. Set once by `Configure`, before anything else.

use model::{Configured, InstrumentId, MAX_WORKING_ORDERS, RejectReason};

/// Client order ids remembered in a trading day unless configured otherwise.
pub const DEFAULT_MAX_ORDER_IDS: u64 = 1 << 16;
/// Orders working at once unless configured otherwise.
pub const DEFAULT_MAX_WORKING_ORDERS: u32 = 1 << 16;
/// Accounts unless configured otherwise.
pub const DEFAULT_MAX_ACCOUNTS: u32 = 1 << 16;
/// Instruments unless configured otherwise.
pub const DEFAULT_MAX_INSTRUMENTS: u32 = 1 << 10;

/// The most client order ids that can be configured: their table is then 96 GiB.
const ORDER_IDS_CEILING: u64 = 1 << 32;

/// How many of each thing the exchange keeps before it says no.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Bounds {
    /// The most client order ids remembered in a trading day.
    pub max_order_ids: u64,
    /// The most orders working at once.
    pub max_working_orders: u32,
    /// The most accounts.
    pub max_accounts: u32,
    /// The most instruments.
    pub max_instruments: u32,
}

impl Default for Bounds {
    /// Enough for a demonstration, small enough for a thousand engines in one test run.
    fn default() -> Self {
        Self {
            max_order_ids: DEFAULT_MAX_ORDER_IDS,
            max_working_orders: DEFAULT_MAX_WORKING_ORDERS,
            max_accounts: DEFAULT_MAX_ACCOUNTS,
            max_instruments: DEFAULT_MAX_INSTRUMENTS,
        }
    }
}

impl Bounds {
    /// Refuses what no table could hold.
    pub(crate) fn check(&self) -> Result<(), RejectReason> {
        if self.max_order_ids > ORDER_IDS_CEILING {
            return Err(RejectReason::TooManyOrderIds);
        }
        if self.max_working_orders as usize > MAX_WORKING_ORDERS {
            return Err(RejectReason::TooManyOrders);
        }
        // The highest ids are words of their own: `UNKNOWN` and `ALL`.
        if self.max_accounts > InstrumentId::ALL.0 || self.max_instruments > InstrumentId::ALL.0 {
            return Err(RejectReason::TooManyEntries);
        }
        Ok(())
    }
}

impl From<&Configured> for Bounds {
    fn from(event: &Configured) -> Self {
        Self {
            max_order_ids: event.max_order_ids,
            max_working_orders: event.max_working_orders,
            max_accounts: event.max_accounts,
            max_instruments: event.max_instruments,
        }
    }
}
