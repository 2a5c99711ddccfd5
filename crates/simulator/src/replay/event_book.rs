//! The books as the exchange's events tell them: what a reader of the log can know, and nothing else.

use model::{Event, InstrumentId, OrderId, Price, Quantity, Side};
use std::collections::BTreeMap;

/// An order that was accepted and still works.
#[derive(Clone, Copy, Debug)]
struct Known {
    instrument: InstrumentId,
    side: Side,
    price: Price,
    /// What of it rests in the book.
    rests: Quantity,
    /// What of it has traded.
    traded: Quantity,
}

/// Price levels of all instruments, folded from events.
#[derive(Debug, Default)]
pub(super) struct EventBook {
    orders: BTreeMap<OrderId, Known>,
    /// By instrument, side (its number) and price. No level is zero.
    levels: BTreeMap<(InstrumentId, u8, Price), Quantity>,
}

impl EventBook {
    pub(super) fn observe(&mut self, event: &Event) {
        match event {
            Event::OrderAccepted(accepted) => {
                let rests = if accepted.booked { accepted.quantity } else { Quantity::ZERO };
                let known = Known {
                    instrument: accepted.instrument,
                    side: accepted.side,
                    price: accepted.price,
                    rests,
                    traded: Quantity::ZERO,
                };
                self.orders.insert(accepted.order_id, known);
                self.put(known, rests);
            }
            Event::OrderBooked(booked) => self.change(booked.order_id, |order| order.rests = booked.leaves),
            Event::Trade(trade) => {
                self.change(trade.maker_order_id, |order| {
                    order.rests -= trade.quantity;
                    order.traded += trade.quantity;
                });
                self.change(trade.taker_order_id, |order| order.traded += trade.quantity);
                for (order, filled) in
                    [(trade.maker_order_id, trade.maker_filled), (trade.taker_order_id, trade.taker_filled)]
                {
                    if filled {
                        self.orders.remove(&order);
                    }
                }
            }
            Event::OrderReduced(reduced) => {
                self.change(reduced.order_id, |order| order.rests = order.rests.saturating_sub(reduced.by));
            }
            Event::OrderCanceled(canceled) => {
                self.change(canceled.order_id, |order| order.rests = Quantity::ZERO);
                self.orders.remove(&canceled.order_id);
            }
            Event::OrderReplaced(replaced) => self.change(replaced.order_id, |order| {
                order.price = replaced.price;
                let leaves = replaced.quantity.saturating_sub(order.traded);
                order.rests = if replaced.booked { leaves } else { Quantity::ZERO };
            }),
            _ => {}
        }
    }

    fn change(&mut self, order: OrderId, change: impl FnOnce(&mut Known)) {
        if let Some(known) = self.orders.get_mut(&order) {
            let before = *known;
            change(known);
            let after = *known;
            self.take(before, before.rests);
            self.put(after, after.rests);
        }
    }

    fn put(&mut self, order: Known, quantity: Quantity) {
        if !quantity.is_zero() {
            *self.levels.entry((order.instrument, order.side as u8, order.price)).or_default() += quantity;
        }
    }

    fn take(&mut self, order: Known, quantity: Quantity) {
        let key = (order.instrument, order.side as u8, order.price);
        if let Some(level) = self.levels.get_mut(&key) {
            *level -= quantity;
            if level.is_zero() {
                self.levels.remove(&key);
            }
        }
    }

    /// The levels of a side, best first.
    pub(super) fn levels(
        &self,
        instrument: InstrumentId,
        side: Side,
    ) -> Box<dyn Iterator<Item = (Price, Quantity)> + '_> {
        let side_number = side as u8;
        let all = (instrument, side_number, Price(i64::MIN))..=(instrument, side_number, Price(i64::MAX));
        let levels = self.levels.range(all).map(|(&(_, _, price), &quantity)| (price, quantity));
        match side {
            Side::Buy => Box::new(levels.rev()),
            Side::Sell => Box::new(levels),
        }
    }
}
