//! What questions are answered from: the engine's state and the history that the engine forgets, folded from the log
//! exactly as far as one sequence number.

use engine::{State, evolve};
use market_data::{Candles, Interval, Tape};
use model::{Event, InstrumentId, OrderId, Quantity, RejectReason, Timestamp, Trade};
use order_book::Book;

use crate::api::OrdStatus;
use crate::config::HistoryConfig;
use crate::executions::{At, Execution, OrderView, Orders};
use crate::rules::RuleHistory;

/// The trades of one instrument.
#[derive(Debug)]
pub struct Market {
    /// The newest trades.
    pub tape: Tape,
    /// The newest candles, in the order of [`Interval::ALL`].
    candles: [Candles; Interval::ALL.len()],
}

impl Market {
    fn new(kept: HistoryConfig) -> Self {
        Self {
            tape: Tape::new(kept.trades),
            candles: Interval::ALL.map(|interval| Candles::new(interval, kept.candles)),
        }
    }

    /// The newest candles of an interval.
    pub fn candles(&self, interval: Interval) -> &Candles {
        let at = Interval::ALL.iter().position(|&known| known == interval);
        &self.candles[at.expect("ALL has every interval")]
    }

    fn fold(&mut self, trade: &Trade, shown_from: Timestamp) {
        self.tape.fold(trade);
        for candles in &mut self.candles {
            // A candle is shown whole or not at all: none for an interval that began before what was read.
            if candles.interval().start_of(trade.executed_at) >= shown_from {
                candles.fold(trade);
            }
        }
    }
}

/// What the events since this process started were, for the metrics.
#[derive(Clone, Debug)]
pub struct Tally {
    /// Orders accepted.
    pub accepted: u64,
    /// Orders canceled or expired.
    pub canceled: u64,
    /// Orders replaced.
    pub replaced: u64,
    /// Trades.
    pub trades: u64,
    /// Refusals, in the order of [`RejectReason::ALL`].
    pub rejected: [u64; RejectReason::ALL.len()],
}

impl Default for Tally {
    fn default() -> Self {
        Self { accepted: 0, canceled: 0, replaced: 0, trades: 0, rejected: [0; RejectReason::ALL.len()] }
    }
}

impl Tally {
    fn count(&mut self, event: &Event) {
        let reason = match event {
            Event::OrderAccepted(_) => return self.accepted += 1,
            Event::OrderCanceled(_) => return self.canceled += 1,
            Event::OrderReplaced(_) => return self.replaced += 1,
            Event::Trade(_) => return self.trades += 1,
            Event::OrderRejected(event) => event.reason,
            Event::CancelRejected(event) => event.reason,
            Event::ReplaceRejected(event) => event.reason,
            Event::CommandRejected(event) => event.reason,
            _ => return,
        };
        // Reasons stand in the order of their numbers.
        if let Ok(at) = RejectReason::ALL.binary_search(&reason) {
            self.rejected[at] += 1;
        }
    }
}

/// State and history up to one sequence number.
#[derive(Debug)]
pub struct Model {
    state: State<Book>,
    orders: Orders,
    /// By instrument id. May be shorter than the list of instruments: no trade yet.
    markets: Vec<Market>,
    kept: HistoryConfig,
    /// Where the history begins: candles of intervals before this are not whole.
    history_from: Timestamp,
    sequence: u64,
    time: Timestamp,
    tally: Tally,
    rules: RuleHistory,
}

impl Model {
    /// Nothing yet, with a history that will begin at `history_from` ([`Timestamp::NONE`] for all of time).
    pub fn new(kept: HistoryConfig, history_from: Timestamp) -> Self {
        Self {
            state: State::default(),
            orders: Orders::new(kept.orders),
            markets: Vec::new(),
            kept,
            history_from,
            sequence: 0,
            time: Timestamp::NONE,
            tally: Tally::default(),
            rules: RuleHistory::default(),
        }
    }

    /// The engine's state.
    pub const fn state(&self) -> &State<Book> {
        &self.state
    }

    /// Orders as their owners see them.
    pub const fn orders(&self) -> &Orders {
        &self.orders
    }

    /// The trades of an instrument; `None` before its first.
    pub fn market(&self, instrument: InstrumentId) -> Option<&Market> {
        self.markets.get(instrument.index())
    }

    /// The last record that is in here.
    pub const fn sequence(&self) -> u64 {
        self.sequence
    }

    /// The time of the last block that is in here.
    pub const fn time(&self) -> Timestamp {
        self.time
    }

    /// What happened since this process started.
    pub const fn tally(&self) -> &Tally {
        &self.tally
    }

    /// What rules did and what became of them.
    pub const fn rules(&self) -> &RuleHistory {
        &self.rules
    }

    /// Takes an event into the history alone: what lies before the state that will be [`adopt`](Self::adopt)ed.
    pub fn remember(&mut self, event: &Event, at: At) {
        self.record(event, at, |_| {});
    }

    /// Takes in the state after record `sequence`, to which the history leads up.
    pub fn adopt(&mut self, state: State<Book>, sequence: u64, time: Timestamp) {
        for order in state.orders() {
            self.orders.adopt(&adopted(order, At { sequence, time }));
        }
        let slots = state.rules().flat_map(|rule| [&rule.enforced, &rule.shadow]);
        self.rules.adopt(slots.filter_map(|slot| slot.activation.as_deref()));
        self.state = state;
        self.sequence = sequence;
        self.time = time;
    }

    /// Takes in an event, and says what it did to which orders.
    #[inline]
    pub fn apply(&mut self, event: &Event, at: At, tell: impl FnMut(Execution)) {
        evolve(&mut self.state, event);
        self.tally.count(event);
        self.record(event, at, tell);
    }

    /// Everything up to this record is in here.
    #[inline]
    pub fn reached(&mut self, at: At) {
        self.sequence = at.sequence;
        self.time = at.time;
    }

    #[inline]
    fn record(&mut self, event: &Event, at: At, tell: impl FnMut(Execution)) {
        if let Event::Trade(trade) = event {
            let index = trade.instrument.index();
            while self.markets.len() <= index {
                self.markets.push(Market::new(self.kept));
            }
            self.markets[index].fold(trade, self.history_from);
        }
        self.rules.record(event, at);
        self.orders.apply(event, at, tell);
    }
}

/// A working order whose beginnings are not known.
fn adopted(order: &engine::Order, at: At) -> OrderView {
    let untouched = order.cum == Quantity::ZERO;
    debug_assert!(order.id != OrderId::NONE, "a working order has an id");
    OrderView {
        order_id: order.id,
        cl_ord_id: order.cl_ord_id,
        account: order.account,
        instrument: order.instrument,
        side: order.side,
        order_type: order.order_type,
        time_in_force: order.time_in_force,
        post_only: order.post_only,
        price: order.price,
        quantity: order.quantity(),
        leaves: order.leaves,
        cum: order.cum,
        traded_value: untouched.then_some(0),
        expire_at: order.expire_at,
        status: if untouched { OrdStatus::New } else { OrdStatus::PartiallyFilled },
        cancel_reason: None,
        accepted_at: Timestamp::NONE,
        sequence: at.sequence,
        changed_at: at.time,
    }
}
