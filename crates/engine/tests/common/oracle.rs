//! The market's rules, known from the events alone: a second, slow and independent memory of what rests where.
//!
//! It shares no code with the engine or the books. It panics at the first event that breaks price-time priority, trades
//! outside a limit, trades with oneself, or does not add up (`leaves = order - cum`).

use model::{AccountId, Event, InstrumentId, OrderId, OrderType, Side, Trade};
use std::collections::BTreeMap;

struct Known {
    account: AccountId,
    instrument: InstrumentId,
    side: Side,
    /// `None` for a market order.
    limit: Option<i64>,
    quantity: u64,
    traded: u64,
}

impl Known {
    fn leaves(&self) -> u64 {
        self.quantity - self.traded
    }
}

/// What was heard so far.
#[derive(Default)]
pub struct Oracle {
    working: BTreeMap<OrderId, Known>,
    /// Every resting order in the order of its arrival, over all instruments and prices.
    resting: Vec<OrderId>,
    last_trade: u64,
    last_order: u64,
    pub trades: u64,
}

impl Oracle {
    pub fn hear(&mut self, event: &Event) {
        match event {
            Event::OrderAccepted(event) => {
                assert_eq!(event.order_id.count(), self.last_order + 1, "orders are numbered without a gap");
                self.last_order += 1;
                let known = Known {
                    account: event.account,
                    instrument: event.instrument,
                    side: event.side,
                    limit: (event.order_type == OrderType::Limit).then_some(event.price.0),
                    quantity: event.quantity.0,
                    traded: 0,
                };
                assert!(known.quantity > 0);
                self.working.insert(event.order_id, known);
                if event.booked {
                    self.rest(event.order_id);
                }
            }
            Event::OrderBooked(event) => {
                let known = &self.working[&event.order_id];
                assert_eq!((event.leaves.0, Some(event.price.0)), (known.leaves(), known.limit));
                self.rest(event.order_id);
            }
            Event::Trade(trade) => self.trade(trade),
            Event::OrderCanceled(event) => {
                let known = self.working.remove(&event.order_id).expect("what is canceled works");
                assert_eq!(event.leaves.0, known.leaves(), "leaves = order - cum");
                assert_eq!(event.was_booked, self.leave(event.order_id));
            }
            Event::OrderReduced(event) => {
                let known = self.working.get_mut(&event.order_id).expect("what is reduced works");
                known.quantity -= event.by.0;
                assert_eq!(event.leaves.0, known.leaves(), "leaves = order - cum");
                assert!(event.leaves.0 > 0 && event.by.0 > 0);
            }
            Event::OrderReplaced(event) => {
                let known = self.working.get_mut(&event.order_id).expect("what is replaced works");
                let keeps = known.limit == Some(event.price.0) && event.quantity.0 <= known.quantity;
                assert_eq!(event.priority_kept, keeps, "same price and no more quantity keeps priority");
                known.limit = Some(event.price.0);
                known.quantity = event.quantity.0;
                assert!(known.leaves() > 0);
                if !keeps {
                    assert!(self.leave(event.order_id), "what is replaced rests");
                    if event.booked {
                        self.rest(event.order_id);
                    }
                }
            }
            _ => {}
        }
    }

    /// How many orders were accepted.
    pub fn orders(&self) -> u64 {
        self.last_order
    }

    /// Nothing may be left half done between two commands.
    pub fn command_ends(&self) {
        assert_eq!(self.resting.len(), self.working.len(), "every working order rests");
    }

    fn rest(&mut self, id: OrderId) {
        let own = &self.working[&id];
        for other in self.resting.iter().map(|id| &self.working[id]) {
            if other.instrument == own.instrument && other.side != own.side {
                let (bid, ask) =
                    if own.side == Side::Buy { (own.limit, other.limit) } else { (other.limit, own.limit) };
                assert!(bid < ask, "a book is never crossed");
            }
        }
        self.resting.push(id);
    }

    fn leave(&mut self, id: OrderId) -> bool {
        let place = self.resting.iter().position(|resting| *resting == id);
        place.map(|place| self.resting.remove(place)).is_some()
    }

    fn trade(&mut self, trade: &Trade) {
        assert_eq!(trade.trade_id.0, self.last_trade + 1, "trades are numbered without a gap");
        self.last_trade += 1;
        self.trades += 1;
        let taker = &self.working[&trade.taker_order_id];
        let (instrument, side, price) = (taker.instrument, taker.side, trade.price.0);
        assert_eq!(trade.taker_side, side);
        assert!(
            taker.limit.is_none_or(|limit| if side == Side::Buy { price <= limit } else { price >= limit }),
            "a limit order never trades through its limit"
        );
        // Best price first, then the one that has rested longest: the list is in the order of arrival.
        let others = self.resting.iter().filter(|id| {
            let known = &self.working[id];
            known.instrument == instrument && known.side != side
        });
        let next = others.min_by_key(|id| {
            let price = self.working[id].limit.expect("only limit orders rest");
            if side == Side::Buy { price } else { -price }
        });
        assert_eq!(next, Some(&trade.maker_order_id), "the oldest at the best price trades first");
        let maker = &self.working[&trade.maker_order_id];
        assert_eq!(Some(price), maker.limit, "a trade prints at the maker's price");
        assert_ne!(maker.account, taker.account, "nobody trades with themselves");
        assert_eq!((maker.account, taker.account), (trade.maker_account, trade.taker_account));
        for (id, filled) in
            [(trade.maker_order_id, trade.maker_filled), (trade.taker_order_id, trade.taker_filled)]
        {
            let known = self.working.get_mut(&id).expect("what trades works");
            known.traded += trade.quantity.0;
            assert!(known.traded <= known.quantity, "nothing trades more than it is");
            assert_eq!(filled, known.leaves() == 0);
            if filled {
                self.working.remove(&id);
                self.leave(id);
            }
        }
    }
}
