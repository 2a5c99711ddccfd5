//! Reporting rules: they read the committed events, away from trading, and fill a table.

#[cfg(any(target_arch = "wasm32", test))]
pub(crate) mod lower;
mod state;
mod table;
pub mod testing;

pub use crate::{List, Parameters, Side, Symbol, export_reporting_rule as export, parameters, row, state};
pub use state::State;
pub use table::{Column, ColumnKind, Row, Rows, Table, Value};

use alloc::vec::Vec;

/// A reporting rule: its parameters, its table, and what it makes of an event.
pub trait Rule: Parameters {
    /// What it remembers from one event to the next. The exchange keeps it with the rows; the rule itself keeps nothing.
    type State: State;

    /// The table that it fills.
    const TABLE: Table;

    /// Looks at an event. Rows with a key replace the row that has it; those of a table without key are added.
    ///
    /// It is never told how events are cut into batches: that must not show in the rows.
    fn event(&self, state: &mut Self::State, event: &Event, rows: &mut Rows);
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum EventKind {
    /// An order was taken in.
    OrderAccepted = 0,
    /// A new order was refused.
    OrderRejected = 1,
    /// Quantity or price of an order changed.
    OrderReplaced = 2,
    /// A replace was refused.
    ReplaceRejected = 3,
    /// An order ended before it was filled.
    OrderCanceled = 4,
    /// A cancel was refused.
    CancelRejected = 5,
    /// Self-trade prevention took quantity off an order.
    OrderReduced = 6,
    /// Two orders traded.
    Trade = 7,
    /// A trading day began.
    TradingDayStarted = 8,
}

/// Something that happened. What a kind has no use for is 0.
#[derive(Debug, Clone, PartialEq, Eq)]
#[repr(C)]
pub struct Event {
    /// Its place in the log.
    pub sequence: u64,
    /// The sequencer's time, UNIX nanoseconds.
    pub time: i64,
    /// What happened.
    pub kind: EventKind,
    /// Whether it is a sell. Of a trade, the taker's side.
    pub sell: bool,
    /// Whose order. Of a trade, the taker.
    pub account: u32,
    /// In what.
    pub instrument: u32,
    /// The exchange's id of the order; of a trade, the taker's. 0 for a refused new order.
    pub order_id: u64,
    /// In ticks. Of a trade, what it printed at. Of an order, its limit; 0 for a market order.
    pub price: i64,
    /// In lots. Of a trade, what traded. Of an order, its total; of a cancel or reduction, what was taken off.
    pub quantity: u64,
    /// A trade's value in minor units of the currency.
    pub notional: i64,
    /// A trade's number.
    pub trade_id: u64,
    /// Of a trade, whose order was resting.
    pub maker_account: u32,
    /// Of a trade, the resting order.
    pub maker_order_id: u64,
    /// The number of the reject or cancel reason. Of `TradingDayStarted`, the day: days since 1970.
    pub reason: u32,
}

impl Event {
    /// Buy or sell. Of a trade, the taker's side.
    pub fn side(&self) -> Side {
        if self.sell { Side::Sell } else { Side::Buy }
    }
}

/// Runs a rule over a batch: the state before and the state after, as bytes, and the rows of the batch.
///
/// Panics when `state` is not what a batch before returned.
pub fn process<R: Rule>(rule: &R, state: &[u8], events: &[Event]) -> (Vec<u8>, Vec<Row>) {
    let mut state = if state.is_empty() { R::State::default() } else { state::decode(state) };
    let mut rows = Rows::new(&R::TABLE);
    for event in events {
        rule.event(&mut state, event, &mut rows);
    }
    (state::encode(&state), rows.finish())
}
