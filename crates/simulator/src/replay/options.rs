//! How a feed is replayed: what is created for it, and what may be known.

use crate::feed::Format;
use model::{AccountId, AssetCode, Decimal, InstrumentId};

/// How a feed is replayed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReplayOptions {
    /// The smallest price step of the instruments that are created.
    pub tick_size: Decimal,
    /// Decimals of the currency's minor unit; a tick must be a whole number of minor units.
    pub currency_decimals: u8,
    /// The currency.
    pub currency: AssetCode,
    /// The exchange's next free instrument id. Instruments of the feed get this one and those after it.
    pub first_instrument: InstrumentId,
    /// The exchange's next free account id. Two accounts are opened.
    pub first_account: AccountId,
    /// Distinguishes the client order ids of several replays into one exchange on one day.
    pub session: u16,
    /// Where the quantities of resting orders come from.
    pub settle: Settle,
    /// What may be learned from the true book after its first row.
    pub learn: Learn,
}

/// How the replay knows what is left of a resting order.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Settle {
    /// From our exchange's events: every event of a message's commands must be observed before the next message. Needed to compare.
    ByEvents,
    /// From the feed, as if our matcher agreed with it. Commands can be sent without waiting for the events, which may be
    /// observed later, for the counts.
    ByFeed,
}

/// What a replay may learn from the true book, where the feed has one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Learn {
    /// The first row and nothing else: the fair comparison.
    FirstRow,
    /// Also each level at the moment it comes (back) into view, which no message tells. The row at which that happens is compared before
    /// anything is learned. What differs then is our matching, and nothing else.
    LevelsComingIntoView,
}

impl ReplayOptions {
    /// The options for a format on an exchange that is empty: dollars, with the tick of the format's markets.
    pub fn new(format: Format) -> Self {
        // ITCH has stocks below a dollar, whose tick is a hundredth of a cent.
        let decimals = if format == Format::Itch { 4 } else { 2 };
        Self {
            tick_size: Decimal::new(1, decimals),
            currency_decimals: decimals,
            currency: AssetCode::new("USD").expect("three letters"),
            first_instrument: InstrumentId(0),
            first_account: AccountId(0),
            session: 0,
            settle: Settle::ByEvents,
            learn: Learn::FirstRow,
        }
    }
}
