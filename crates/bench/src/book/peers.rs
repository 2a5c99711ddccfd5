//! The open books we compare with, each driven the way that is fastest for it.
//!
//! What is expressed how, and where a peer differs:
//!
//! - **matchcore** numbers orders by the sequence number of the command that brought them, so ids are translated before
//!   the clock starts. Version 0.4.0 lets a crossing limit order trade *through* its limit
//!   (`submit_crossable_order` matches without one), so the quantity of an immediate-or-cancel order is cut to what
//!   it trades within its limit: the trades are then the same, and it is spared the rest.
//! - **orderbook-rs** is a concurrent book, called from one thread. It is measured without a trade listener, which is
//!   faster, and checked with one. It keeps a list of orders for each user, which a cancel searches from end to end, so
//!   the orders are spread over 1,024 users. A replace is `UpdateQuantity` at the same price, else
//!   `UpdatePriceAndQuantity`; which, a table by id tells.
//! - **lobster** has no replace and no immediate-or-cancel: they are a cancel and a limit order, and a limit order and
//!   a cancel of what is left. So a reduced order goes to the back of the queue; its trades are checked against
//!   our book doing the same. It needs the side again for the second half of a replace: a table by id.

use super::contender::{Contender, Depth, Execution, Matcher};
use model::Side;
use simulator::flow::Message;
use std::hint::black_box;
use std::sync::{Arc, Mutex};

/// Among how many users the orders are spread where a book has users.
const USERS: u64 = 1_024;

/// More levels than any flow has: the others make room for as many as one asks for.
const LEVELS_MAX: usize = 100_000;

fn bits(price: i64) -> u64 {
    u64::try_from(price).expect("the flow's prices are positive")
}

fn ticks(price: u64) -> i64 {
    i64::try_from(price).expect("the flow's prices are small")
}

/// matchcore 0.4.
pub struct Matchcore {
    book: matchcore::OrderBook,
    sequence: u64,
    /// The flow's id of the order that each command brought. Filled only while telling.
    flow_ids: Vec<u64>,
    news: u64,
}

impl Default for Matchcore {
    fn default() -> Self {
        Self { book: matchcore::OrderBook::new("BENCH"), sequence: 0, flow_ids: Vec::new(), news: 0 }
    }
}

impl Matchcore {
    #[inline]
    fn execute(&mut self, message: &Message) -> matchcore::CommandOutcome {
        use matchcore::{
            AmendCmd, AmendPatch, CancelCmd, Command, CommandKind, CommandMeta, LimitOrder, LimitOrderPatch,
            NewOrder, OrderFlags, OrderId, OrderKind, Price, Quantity, QuantityPolicy, SequenceNumber,
            SubmitCmd, TimeInForce, Timestamp,
        };
        let standard = |qty: model::Quantity| QuantityPolicy::Standard { quantity: Quantity(qty.0) };
        let kind = match *message {
            Message::New { side, price, qty, ioc, .. } => {
                let side = match side {
                    Side::Buy => matchcore::Side::Buy,
                    Side::Sell => matchcore::Side::Sell,
                };
                let time_in_force = if ioc { TimeInForce::Ioc } else { TimeInForce::Gtc };
                let flags = OrderFlags::new(side, false, time_in_force);
                let order = LimitOrder::new(Price(bits(price.0)), standard(qty), flags);
                CommandKind::Submit(SubmitCmd { order: NewOrder::Limit(order) })
            }
            Message::Cancel { id } => {
                CommandKind::Cancel(CancelCmd { order_id: OrderId(id), order_kind: OrderKind::Limit })
            }
            Message::Replace { id, price, qty } => {
                let patch = LimitOrderPatch::new()
                    .with_price(Price(bits(price.0)))
                    .with_quantity_policy(standard(qty));
                CommandKind::Amend(AmendCmd { order_id: OrderId(id), patch: AmendPatch::Limit(patch) })
            }
        };
        let sequence_number = SequenceNumber(self.sequence);
        self.sequence += 1;
        let command = Command { meta: CommandMeta { sequence_number, timestamp: Timestamp(0) }, kind };
        self.book.execute(&command)
    }
}

impl Contender for Matchcore {
    fn translate(messages: &[Message], reference: &[Execution]) -> Vec<Message> {
        let mut sequence_of = Vec::new();
        let mut reference = reference.iter().peekable();
        let mut translated = Vec::with_capacity(messages.len());
        for (sequence, message) in (0..).zip(messages) {
            translated.push(match *message {
                Message::New { id, side, price, qty, ioc } => {
                    assert_eq!(id, sequence_of.len() as u64, "the flow numbers its orders 0, 1, 2, …");
                    sequence_of.push(sequence);
                    let mut traded = 0;
                    while let Some(trade) = reference.next_if(|trade| trade.taker == id) {
                        traded += trade.qty;
                    }
                    assert!(ioc || traded == 0, "only immediate-or-cancel orders of the flow take");
                    let qty = if traded == 0 { qty } else { model::Quantity(traded) };
                    Message::New { id: sequence, side, price, qty, ioc }
                }
                Message::Cancel { id } => Message::Cancel { id: sequence_of[usize_of(id)] },
                Message::Replace { id, price, qty } => {
                    Message::Replace { id: sequence_of[usize_of(id)], price, qty }
                }
            });
        }
        translated
    }

    #[inline]
    fn apply(&mut self, message: &Message) {
        black_box(self.execute(message));
    }

    fn apply_and_tell(&mut self, message: &Message, trades: &mut Vec<Execution>) {
        use matchcore::{CommandOutcome, CommandReport};
        let taker = self.news;
        self.flow_ids.push(taker);
        self.news += u64::from(matches!(message, Message::New { .. }));
        match self.execute(message) {
            CommandOutcome::Applied(CommandReport::Submit(effects) | CommandReport::Amend(effects)) => {
                let made = effects.target_order().match_result().map_or(&[][..], |result| result.trades());
                trades.extend(made.iter().map(|trade| Execution {
                    taker,
                    maker: self.flow_ids[usize_of(trade.maker_order_id().0)],
                    price: ticks(trade.price().0),
                    qty: trade.quantity().0,
                }));
            }
            CommandOutcome::Applied(CommandReport::Cancel) => {}
            CommandOutcome::Rejected(failure) => panic!("matchcore rejects {message:?}: {failure}"),
        }
    }

    fn depth(&self) -> Depth {
        let limit = self.book.limit();
        let quantity = |level: &usize| limit.levels()[*level].visible_quantity().0;
        [
            limit.bids().iter().rev().map(|(price, level)| (ticks(price.0), quantity(level))).collect(),
            limit.asks().iter().map(|(price, level)| (ticks(price.0), quantity(level))).collect(),
        ]
    }
}

fn usize_of(id: u64) -> usize {
    usize::try_from(id).expect("ids count messages in memory")
}

/// orderbook-rs 0.15.
pub struct OrderbookRs {
    book: orderbook_rs::OrderBook<()>,
    /// The price of each order, by id.
    prices: Vec<i64>,
    /// What the trade listener has heard. There is one only while telling.
    heard: Option<Arc<Mutex<Vec<Execution>>>>,
}

impl Default for OrderbookRs {
    fn default() -> Self {
        // The stub clock counts instead of reading the time.
        let clock = Arc::new(orderbook_rs::StubClock::new());
        Self { book: orderbook_rs::OrderBook::with_clock("BENCH", clock), prices: Vec::new(), heard: None }
    }
}

impl OrderbookRs {
    #[inline]
    fn execute(&mut self, message: &Message) {
        use pricelevel::{Hash32, Id, OrderUpdate, Price, Quantity, TimeInForce};
        match *message {
            Message::New { id, side, price, qty, ioc } => {
                let side = match side {
                    Side::Buy => orderbook_rs::Side::Buy,
                    Side::Sell => orderbook_rs::Side::Sell,
                };
                let time_in_force = if ioc { TimeInForce::Ioc } else { TimeInForce::Gtc };
                self.prices.push(price.0);
                let mut user = [1; 32];
                user[..8].copy_from_slice(&(id % USERS).to_le_bytes());
                // An error for an immediate-or-cancel order that did not fill is its result.
                let result = self.book.add_limit_order_with_user(
                    Id::sequential(id),
                    u128::from(bits(price.0)),
                    qty.0,
                    side,
                    time_in_force,
                    Hash32::new(user),
                    None,
                );
                let _ = black_box(result);
            }
            Message::Cancel { id } => {
                let _ = black_box(self.book.cancel_order(Id::sequential(id)));
            }
            Message::Replace { id, price, qty } => {
                let order_id = Id::sequential(id);
                let new_price = Price::new(u128::from(bits(price.0)));
                let new_quantity = Quantity::new(qty.0);
                let same_price = std::mem::replace(&mut self.prices[usize_of(id)], price.0) == price.0;
                let update = if same_price {
                    OrderUpdate::UpdateQuantity { order_id, new_quantity }
                } else {
                    OrderUpdate::UpdatePriceAndQuantity { order_id, new_price, new_quantity }
                };
                let _ = black_box(self.book.update_order(update));
            }
        }
    }
}

impl Contender for OrderbookRs {
    #[inline]
    fn apply(&mut self, message: &Message) {
        self.execute(message);
    }

    fn apply_and_tell(&mut self, message: &Message, trades: &mut Vec<Execution>) {
        let heard = self.heard.get_or_insert_with(|| {
            let heard = Arc::new(Mutex::new(Vec::new()));
            let ear = Arc::clone(&heard);
            self.book.set_trade_listener(Arc::new(move |result: &orderbook_rs::TradeResult| {
                let made = result.match_result.trades().as_vec();
                let mut heard = ear.lock().expect("one thread");
                heard.extend(made.iter().map(|trade| Execution {
                    taker: trade.taker_order_id().as_u64().expect("ids are sequential"),
                    maker: trade.maker_order_id().as_u64().expect("ids are sequential"),
                    price: i64::try_from(trade.price().as_u128()).expect("the flow's prices are small"),
                    qty: trade.quantity().as_u64(),
                }));
            }));
            heard
        });
        let heard = Arc::clone(heard);
        self.execute(message);
        trades.append(&mut heard.lock().expect("one thread"));
    }

    fn depth(&self) -> Depth {
        let snapshot = self.book.create_snapshot(LEVELS_MAX).expect("quantities are small");
        [snapshot.bids, snapshot.asks].map(|levels| {
            levels
                .iter()
                .map(|level| {
                    let price = i64::try_from(level.price().as_u128()).expect("the flow's prices are small");
                    (price, level.visible_quantity().as_u64())
                })
                .collect()
        })
    }
}

/// lobster 0.7.
pub struct Lobster {
    book: lobster::OrderBook,
    sides: Vec<lobster::Side>,
}

impl Default for Lobster {
    fn default() -> Self {
        // Room for every order and a usual queue, so that it allocates as little as it can.
        Self { book: lobster::OrderBook::new(20_000, 32, false), sides: Vec::new() }
    }
}

impl Lobster {
    /// Applies one message; what a new or replaced order met.
    #[inline]
    fn execute(&mut self, message: &Message) -> Option<lobster::OrderEvent> {
        use lobster::{OrderEvent, OrderType};
        match *message {
            Message::New { id, side, price, qty, ioc } => {
                let side = match side {
                    Side::Buy => lobster::Side::Bid,
                    Side::Sell => lobster::Side::Ask,
                };
                self.sides.push(side);
                let id = u128::from(id);
                let price = bits(price.0);
                let event = self.book.execute(OrderType::Limit { id, side, qty: qty.0, price });
                if ioc && !matches!(event, OrderEvent::Filled { .. }) {
                    black_box(self.book.execute(OrderType::Cancel { id }));
                }
                Some(event)
            }
            Message::Cancel { id } => {
                black_box(self.book.execute(OrderType::Cancel { id: u128::from(id) }));
                None
            }
            Message::Replace { id, price, qty } => {
                let side = self.sides[usize_of(id)];
                let id = u128::from(id);
                black_box(self.book.execute(OrderType::Cancel { id }));
                let price = bits(price.0);
                Some(self.book.execute(OrderType::Limit { id, side, qty: qty.0, price }))
            }
        }
    }
}

impl Contender for Lobster {
    const REDUCES_IN_PLACE: bool = false;

    fn translate(messages: &[Message], _reference: &[Execution]) -> Vec<Message> {
        // With other priorities other orders fill. The replace of one that has filled here must not bring it back:
        // it becomes a cancel, which lobster ignores.
        let mut book = Matcher::<order_book::Book, false>::default();
        messages
            .iter()
            .map(|message| {
                let message = match *message {
                    Message::Replace { id, .. } if !book.rests(id) => Message::Cancel { id },
                    message => message,
                };
                book.apply(&message);
                message
            })
            .collect()
    }

    #[inline]
    fn apply(&mut self, message: &Message) {
        black_box(self.execute(message));
    }

    fn apply_and_tell(&mut self, message: &Message, trades: &mut Vec<Execution>) {
        use lobster::OrderEvent;
        if let Some(OrderEvent::Filled { fills, .. } | OrderEvent::PartiallyFilled { fills, .. }) =
            self.execute(message)
        {
            trades.extend(fills.iter().map(|fill| Execution {
                taker: u64::try_from(fill.order_1).expect("ids of the flow"),
                maker: u64::try_from(fill.order_2).expect("ids of the flow"),
                price: ticks(fill.price),
                qty: fill.qty,
            }));
        }
    }

    fn depth(&self) -> Depth {
        let depth = self.book.depth(LEVELS_MAX);
        let levels = |levels: &[lobster::BookLevel]| -> Vec<(i64, u64)> {
            levels.iter().map(|level| (ticks(level.price), level.qty)).collect()
        };
        let mut bids = levels(&depth.bids);
        bids.reverse();
        [bids, levels(&depth.asks)]
    }
}
