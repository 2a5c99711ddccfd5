//! Trades, a list for each thing that is known of them: as a segment's index keeps them, and as a query takes them.

use std::ops::Range;
use std::sync::{Arc, OnceLock};

use model::{AccountId, InstrumentId, Price, Quantity, Side, Trade};

use super::{Places, SegmentIndex};
use crate::table::Rows;

/// What there is a list of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum List {
    /// Sequence number of the record.
    Sequence,
    /// How many records before it its command is.
    Behind,
    /// When, in nanoseconds.
    Time,
    /// The trade's number.
    TradeId,
    /// The price in ticks.
    Price,
    /// The quantity in lots.
    Quantity,
    /// The order that rested.
    MakerOrder,
    /// The order that came in.
    TakerOrder,
    /// Whose order rested.
    Maker,
    /// Whose order came in.
    Taker,
    /// In what.
    Instrument,
    /// A bit each: whether the taker sold, whether the maker is filled, whether the taker is.
    Flags,
}

impl List {
    /// How many lists there are.
    pub const COUNT: usize = 12;

    /// All of them, in the order in which they stand in a file.
    pub const ALL: [Self; Self::COUNT] = [
        Self::Sequence,
        Self::Behind,
        Self::Time,
        Self::TradeId,
        Self::Price,
        Self::Quantity,
        Self::MakerOrder,
        Self::TakerOrder,
        Self::Maker,
        Self::Taker,
        Self::Instrument,
        Self::Flags,
    ];
}

const TAKER_SOLD: u64 = 1;
const MAKER_FILLED: u64 = 2;
const TAKER_FILLED: u64 = 4;

/// A number for each list.
type Numbers = [u64; List::COUNT];

/// Some trades. A list of them is made when it is first looked at.
#[derive(Debug, Default)]
pub struct TradeRows {
    source: Source,
    lists: [OnceLock<Vec<u64>>; List::COUNT],
}

/// What lists are made of.
#[derive(Debug)]
enum Source {
    /// Trades that were read one by one.
    Read(Vec<Numbers>),
    /// Those at some places of an index's zone.
    Index(Arc<SegmentIndex>, usize, Places),
}

impl Default for Source {
    fn default() -> Self {
        Self::Read(Vec::new())
    }
}

/// One of some trades.
#[derive(Debug, Clone, Copy)]
pub struct TradeRow<'a> {
    rows: &'a TradeRows,
    at: usize,
}

impl TradeRows {
    /// Those at places that [`SegmentIndex::places`] has found.
    pub fn of_index(index: Arc<SegmentIndex>, zone: usize, places: Places) -> Self {
        Self { source: Source::Index(index, zone, places), ..Self::default() }
    }

    /// Appends a trade that was read. No list may have been looked at.
    pub fn push(&mut self, sequence: u64, command: u64, trade: &Trade) {
        debug_assert!(self.lists.iter().all(|list| list.get().is_none()), "a list would be too short");
        let Source::Read(read) = &mut self.source else {
            unreachable!("nothing is added to what is in an index");
        };
        let flag = |is_set: bool, flag: u64| if is_set { flag } else { 0 };
        read.push([
            sequence,
            sequence - command,
            trade.executed_at.0.cast_unsigned(),
            trade.trade_id.0,
            trade.price.0.cast_unsigned(),
            trade.quantity.0,
            trade.maker_order_id.0,
            trade.taker_order_id.0,
            trade.maker_account.0.into(),
            trade.taker_account.0.into(),
            trade.instrument.0.into(),
            flag(trade.taker_side == Side::Sell, TAKER_SOLD)
                | flag(trade.maker_filled, MAKER_FILLED)
                | flag(trade.taker_filled, TAKER_FILLED),
        ]);
    }

    /// Those for which `wanted` holds.
    pub fn only(&self, wanted: impl Fn(TradeRow<'_>) -> bool) -> Self {
        let wanted = self.range(0..self.len()).filter(|row| wanted(*row));
        let read = wanted.map(|row| List::ALL.map(|list| row.get(list))).collect();
        Self { source: Source::Read(read), ..Self::default() }
    }

    /// One list, with an entry for each trade.
    #[inline]
    pub fn list(&self, list: List) -> &[u64] {
        match self.lists[list as usize].get() {
            Some(list) => list,
            None => self.make(list),
        }
    }

    #[cold]
    fn make(&self, list: List) -> &[u64] {
        self.lists[list as usize].get_or_init(|| match &self.source {
            Source::Read(read) => read.iter().map(|numbers| numbers[list as usize]).collect(),
            Source::Index(index, zone, places) => index.list(*zone, *places, list),
        })
    }
}

impl Rows for TradeRows {
    type Row<'a> = TradeRow<'a>;

    fn len(&self) -> usize {
        match &self.source {
            Source::Read(read) => read.len(),
            Source::Index(_, _, places) => places.len() as usize,
        }
    }

    fn clear(&mut self) {
        *self = Self::default();
    }

    #[inline]
    fn range(&self, range: Range<usize>) -> impl ExactSizeIterator<Item = TradeRow<'_>> {
        range.map(|at| TradeRow { rows: self, at })
    }
}

impl TradeRow<'_> {
    #[inline]
    fn get(self, list: List) -> u64 {
        self.rows.list(list)[self.at]
    }

    #[inline]
    fn small(self, list: List) -> u32 {
        u32::try_from(self.get(list)).expect("the list is of 32-bit numbers")
    }

    #[inline]
    pub fn sequence(self) -> u64 {
        self.get(List::Sequence)
    }

    /// Sequence number of the command that caused it.
    #[inline]
    pub fn command(self) -> u64 {
        self.sequence() - self.get(List::Behind)
    }

    #[inline]
    pub fn time_ns(self) -> i64 {
        self.get(List::Time).cast_signed()
    }

    #[inline]
    pub fn price(self) -> Price {
        Price(self.get(List::Price).cast_signed())
    }

    #[inline]
    pub fn quantity(self) -> Quantity {
        Quantity(self.get(List::Quantity))
    }

    #[inline]
    pub fn maker(self) -> AccountId {
        AccountId(self.small(List::Maker))
    }

    #[inline]
    pub fn taker(self) -> AccountId {
        AccountId(self.small(List::Taker))
    }

    #[inline]
    pub fn instrument(self) -> InstrumentId {
        InstrumentId(self.small(List::Instrument))
    }

    #[inline]
    pub fn taker_side(self) -> Side {
        if self.get(List::Flags) & TAKER_SOLD == 0 { Side::Buy } else { Side::Sell }
    }

    #[inline]
    pub fn maker_filled(self) -> bool {
        self.get(List::Flags) & MAKER_FILLED != 0
    }

    #[inline]
    pub fn taker_filled(self) -> bool {
        self.get(List::Flags) & TAKER_FILLED != 0
    }

    #[inline]
    pub fn buyer(self) -> AccountId {
        match self.taker_side() {
            Side::Buy => self.taker(),
            Side::Sell => self.maker(),
        }
    }

    #[inline]
    pub fn seller(self) -> AccountId {
        match self.taker_side() {
            Side::Buy => self.maker(),
            Side::Sell => self.taker(),
        }
    }
}
