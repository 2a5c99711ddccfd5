//! Instruments: the terms they were listed on, their phase, their last price and their book.

use model::{Cash, InstrumentCreated, InstrumentId, Phase, Price, Quantity, Symbol};
use std::collections::BTreeMap;

/// A listed instrument.
#[derive(Clone, Debug)]
pub struct Instrument<B> {
    /// What it was listed with: symbol, tick, lot, currency, limits, default self-trade prevention.
    pub terms: InstrumentCreated,
    /// What it accepts at the moment.
    pub phase: Phase,
    /// The price of its last trade.
    pub last_price: Option<Price>,
    /// Its resting orders.
    pub(crate) book: B,
}

impl<B> Instrument<B> {
    /// Its resting orders.
    pub const fn book(&self) -> &B {
        &self.book
    }

    /// What a price times a quantity is worth, in minor units of the currency, if a balance could hold it.
    #[inline]
    pub(crate) fn cash(&self, price: Price, quantity: Quantity) -> Option<Cash> {
        // Nearly every value fits 64 bits on the way; the three-way 128-bit product costs several times as much.
        let quantity = i64::try_from(quantity.0).ok()?;
        let value = price.0.checked_mul(quantity)?.checked_mul(self.terms.tick_value.0)?;
        Some(Cash(value))
    }
}

/// All instruments, by id and by symbol.
#[derive(Clone, Debug)]
pub(crate) struct Instruments<B> {
    by_id: Vec<Instrument<B>>,
    by_symbol: BTreeMap<Symbol, InstrumentId>,
}

impl<B> Default for Instruments<B> {
    fn default() -> Self {
        Self { by_id: Vec::new(), by_symbol: BTreeMap::new() }
    }
}

impl<B> Instruments<B> {
    pub fn iter(&self) -> std::slice::Iter<'_, Instrument<B>> {
        self.by_id.iter()
    }

    pub fn len(&self) -> usize {
        self.by_id.len()
    }

    pub fn next_id(&self) -> InstrumentId {
        InstrumentId(u32::try_from(self.by_id.len()).expect("bounded by max_instruments, a u32"))
    }

    #[inline]
    pub fn get(&self, id: InstrumentId) -> Option<&Instrument<B>> {
        self.by_id.get(id.index())
    }

    #[inline]
    pub fn get_mut(&mut self, id: InstrumentId) -> &mut Instrument<B> {
        &mut self.by_id[id.index()]
    }

    pub fn by_symbol(&self, symbol: &Symbol) -> Option<&Instrument<B>> {
        self.by_symbol.get(symbol).map(|id| &self.by_id[id.index()])
    }

    pub fn list(&mut self, terms: InstrumentCreated)
    where
        B: Default,
    {
        assert_eq!(terms.instrument, self.next_id(), "instruments are numbered in the order of creation");
        let known = self.by_symbol.insert(terms.symbol, terms.instrument);
        assert!(known.is_none(), "an instrument is created once");
        self.by_id.push(Instrument { terms, phase: terms.phase, last_price: None, book: B::default() });
    }
}
