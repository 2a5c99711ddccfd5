//! A market's record, replayed as orders: what a feed says happened becomes commands that should make it happen again.
//!
//! [`Replay`] is a state machine that knows nothing of how commands travel. For each message of a [`Feed`](crate::feed::Feed):
//! [`commands`](Replay::commands) says what to send, the caller sends it and hands every event that comes back to
//! [`observe`](Replay::observe), then [`finish_message`](Replay::finish_message) compares. The comparison is a pure consumer: it knows of our
//! exchange only what its events say.
//!
//! Executions are not replayed but provoked: an aggressor of the same size comes at the same price, and which resting orders it meets
//! is up to our matcher. All buys come from one account and all sells from another, so that self-trade prevention never steps in.
//! `docs/FEEDS.md` has the mapping of each format, message by message, and the agreement reached.

mod compare;
mod event_book;
mod judge;
mod options;
mod orders;
mod summary;

pub use compare::Difference;
pub use options::{Learn, ReplayOptions, Settle};
pub use summary::{
    BookAgreement, DIFFERENCES_MAX, DifferingFill, DifferingLevel, DifferingRow, FillAgreement,
    FillDifference, Share, Summary,
};

use crate::feed::{Action, BookRow, FeedInfo, MarketMessage, SkipReason};
use compare::{BookComparison, Differing};
use event_book::EventBook;
use judge::{ExpectedFill, expected_fill};
use model::{
    AccountId, AccountName, AccountStatus, AssetCode, CalendarName, CancelAll, Command, CreateInstrument,
    Decimal, Deposit, Event, InitialBalance, InstrumentId, MAX_INITIAL_BALANCES, OpenAccount, RejectReason,
    SelfTradePrevention, SetPhase, Side, Symbol, TimeInForce,
};
use orders::{Key, OrderTable, Pen};
use std::collections::BTreeMap;

/// Cash and shares for both accounts: more than any recorded day has traded, and far from the end of 64 bits even at four decimals.
const AMPLE: Decimal = Decimal::new(100_000_000_000_000, 0);
/// Names of the accounts.
const BUYER: &str = "market-buy";
const SELLER: &str = "market-sell";

/// A feed on its way into an exchange.
#[derive(Debug)]
pub struct Replay {
    options: ReplayOptions,
    pen: Pen,
    /// Our ids of the feed's instruments.
    instruments: BTreeMap<u32, (InstrumentId, Symbol)>,
    orders: OrderTable,
    book: EventBook,
    comparison: BookComparison,
    summary: Summary,
    batch: Vec<Command>,
    seeds: u64,
    takers: u64,
    seeded: bool,
    /// Trades of the last aggressor, of orders the feed knows, not yet claimed by a fill.
    aggressor_trades: Vec<(Key, u64)>,
    /// What the message being replayed says must be filled.
    expected: Option<ExpectedFill>,
    /// Where in the summary's list the fills of the event being told begin.
    event_fills: usize,
    /// Levels to put right before the next message.
    to_learn: Vec<Differing>,
    /// Units of the feed's price in a tick.
    tick_units: i64,
}

impl Replay {
    /// A replay of the feed that `info` describes.
    pub fn new(info: FeedInfo, options: ReplayOptions) -> Self {
        let pen = Pen {
            buyer: options.first_account,
            seller: AccountId(options.first_account.0 + 1),
            price_scale: info.price_scale,
            session: options.session,
        };
        Self {
            options,
            pen,
            instruments: BTreeMap::new(),
            orders: OrderTable::default(),
            book: EventBook::default(),
            comparison: BookComparison::default(),
            summary: Summary { format: info.format.as_str(), ..Summary::default() },
            batch: Vec::new(),
            seeds: 0,
            takers: 0,
            seeded: false,
            aggressor_trades: Vec::new(),
            expected: None,
            event_fills: 0,
            to_learn: Vec::new(),
            tick_units: options.tick_size.at_scale(info.price_scale).unwrap_or(1).max(1),
        }
    }

    /// The commands that come before everything: two accounts. They must get `first_account` and the id after it.
    pub fn setup(&mut self) -> Vec<Command> {
        let open = |name| OpenAccount {
            name: AccountName::new(name).expect("a short name"),
            balances: [InitialBalance::NONE; MAX_INITIAL_BALANCES],
            status: AccountStatus::Verified,
            reserved: [0; 7],
        };
        self.summary.commands += 2;
        vec![open(BUYER).into(), open(SELLER).into()]
    }

    /// What to send for a message. Often nothing.
    pub fn commands(&mut self, message: &MarketMessage) -> &[Command] {
        self.batch.clear();
        self.summary.messages += 1;
        *self.summary.by_kind.entry(message.kind).or_default() += 1;
        if let Action::List { symbol } = message.action {
            self.list(message.instrument, symbol);
        } else if let Some(&(instrument, _)) = self.instruments.get(&message.instrument) {
            if !self.seeded
                && let Some(row) = &message.book
            {
                self.seed(row, message, instrument);
            }
            self.learn(message.instrument, instrument);
            self.act(message, instrument);
        } else {
            let skip = match message.action {
                Action::Skip(reason) => reason,
                _ => SkipReason::UnlistedInstrument,
            };
            self.summary.skip(skip);
        }
        self.summary.commands += self.batch.len() as u64;
        &self.batch
    }

    /// Takes note of an event of our exchange.
    pub fn observe(&mut self, event: &Event) {
        self.book.observe(event);
        match event {
            Event::OrderAccepted(accepted) => self.orders.accepted(accepted.cl_ord_id, accepted.order_id),
            Event::OrderCanceled(canceled) => self.orders.ended(canceled.order_id),
            Event::Trade(trade) => {
                self.summary.trades += 1;
                let (maker, taker) =
                    (self.orders.key_of(trade.maker_order_id), self.orders.key_of(trade.taker_order_id));
                let by_aggressor = matches!(taker, Some(Key::Taker(_)));
                self.summary.trades_of_crossing_orders += u64::from(!by_aggressor);
                for (order, key, filled) in [
                    (trade.maker_order_id, maker, trade.maker_filled),
                    (trade.taker_order_id, taker, trade.taker_filled),
                ] {
                    let Some(key) = key else { continue };
                    if self.options.settle == Settle::ByEvents {
                        self.orders.traded_here(key, trade.quantity.0);
                    }
                    if filled {
                        self.orders.ended(order);
                    }
                }
                if by_aggressor && let Some(maker) = maker {
                    self.aggressor_trades.push((maker, trade.quantity.0));
                }
            }
            Event::OrderRejected(rejected) => {
                self.rejected(rejected.reason);
                self.orders.rejected(rejected.cl_ord_id);
            }
            Event::CancelRejected(rejected) => self.rejected(rejected.reason),
            Event::ReplaceRejected(rejected) => self.rejected(rejected.reason),
            Event::CommandRejected(rejected) => self.rejected(rejected.reason),
            _ => {}
        }
    }

    /// Ends a message: judges its fills and its row of the true book. Call it after the events, with the message that was given to
    /// [`Replay::commands`]. Not needed when nothing is to be compared.
    pub fn finish_message(&mut self, message: &MarketMessage) {
        if let Some(expected) = self.expected.take() {
            self.judge_fill(message.record, expected);
        }
        if message.ends_event {
            self.event_fills = self.summary.fills.first_differing.len();
        }
        if let Some(row) = &message.book
            && let Some(&(instrument, _)) = self.instruments.get(&message.instrument)
        {
            self.compare(message, row, instrument);
        }
    }

    /// What came of it so far.
    pub fn summary(&self) -> &Summary {
        &self.summary
    }

    fn rejected(&mut self, reason: RejectReason) {
        *self.summary.rejected.entry(reason.as_str()).or_default() += 1;
    }

    fn list(&mut self, number: u32, symbol: Symbol) {
        if self.instruments.contains_key(&number) {
            return self.summary.skip(SkipReason::Administrative);
        }
        let index = u32::try_from(self.instruments.len()).expect("fewer than 2^32 instruments");
        let id = InstrumentId(self.options.first_instrument.0 + index);
        self.instruments.insert(number, (id, symbol));
        let ReplayOptions { currency, currency_decimals, tick_size, .. } = self.options;
        self.batch.push(
            CreateInstrument {
                symbol,
                currency,
                calendar: CalendarName::EMPTY,
                tick_size,
                lot_size: Decimal::new(1, 0),
                max_quantity: Decimal::NONE,
                max_notional: Decimal::NONE,
                collar_percent: Decimal::NONE,
                self_trade_prevention: SelfTradePrevention::CancelNewest,
                currency_decimals,
                reserved: [0; 6],
            }
            .into(),
        );
        // The currency is known to the exchange only once an instrument is quoted in it.
        if index == 0 {
            self.deposit(currency, self.pen.buyer);
        }
        self.deposit(symbol, self.pen.seller);
    }

    fn deposit(&mut self, asset: AssetCode, account: AccountId) {
        self.batch.push(Deposit { asset, amount: AMPLE, account, reserved: 0 }.into());
    }

    /// Puts the first row's book in, as it was before the first message: one order for each level.
    fn seed(&mut self, row: &BookRow, message: &MarketMessage, instrument: InstrumentId) {
        self.seeded = true;
        for side in [Side::Buy, Side::Sell] {
            for &level in row.side(side) {
                let qty = match message.action {
                    Action::Add { side: added, price, qty, .. } if (added, price) == (side, level.price) => {
                        level.qty.saturating_sub(qty)
                    }
                    Action::Cancel { qty: Some(qty), place, .. } | Action::Execute { qty, place, .. }
                        if place == Some((side, level.price)) =>
                    {
                        level.qty.saturating_add(qty)
                    }
                    _ => level.qty,
                };
                self.add_seed(message.instrument, instrument, (side, level.price, qty));
            }
        }
    }

    fn add_seed(&mut self, number: u32, instrument: InstrumentId, (side, price, qty): (Side, i64, u64)) {
        if qty > 0 {
            self.seeds += 1;
            self.summary.seeds += 1;
            self.submit(number, instrument, (Key::Seed(self.seeds), side, price, qty));
        }
    }

    fn submit(&mut self, number: u32, instrument: InstrumentId, order: (Key, Side, i64, u64)) {
        let submit = self.pen.submit(instrument, order, TimeInForce::Day);
        self.orders.add(order.0, &submit, number, order.3);
        self.batch.push(submit.into());
    }

    /// Puts right the levels that the last row showed for the first time.
    fn learn(&mut self, number: u32, instrument: InstrumentId) {
        for Differing { side, price, theirs, ours, .. } in std::mem::take(&mut self.to_learn) {
            if theirs > ours {
                self.add_seed(number, instrument, (side, price, theirs - ours));
                continue;
            }
            let mut surplus = ours - theirs;
            for key in self.orders.resting_at(number, side, price).into_iter().rev() {
                let Some(order) = self.orders.get(key) else { continue };
                let taken = surplus.min(order.ours);
                if taken > 0 {
                    let rest = order.ours - taken;
                    let command = self.orders.change(&self.pen, key, price, rest);
                    self.batch.push(command);
                    surplus -= taken;
                }
            }
        }
    }

    fn act(&mut self, message: &MarketMessage, instrument: InstrumentId) {
        let number = message.instrument;
        let market = |id| Key::Market { instrument: number, id };
        match message.action {
            Action::Add { order, side, price, qty } => {
                if self.orders.get(market(order)).is_some() {
                    self.modify(market(order), price, qty);
                } else {
                    self.submit(number, instrument, (market(order), side, price, qty));
                }
            }
            Action::Cancel { order, qty, place } => self.cancel(number, market(order), qty, place),
            Action::Modify { order, new_order, side, price, qty, to_back } => {
                let known = self.orders.get(market(order)).copied();
                match (known, side) {
                    (Some(known), _) if to_back || order != new_order => {
                        self.cancel(number, market(order), None, None);
                        if self.orders.get(market(new_order)).is_none() {
                            self.submit(number, instrument, (market(new_order), known.side, price, qty));
                        }
                    }
                    (Some(_), _) => self.modify(market(order), price, qty),
                    (None, Some(side)) => {
                        self.summary.modifies_taken_as_adds += 1;
                        self.submit(number, instrument, (market(new_order), side, price, qty));
                    }
                    (None, None) => self.summary.skip(SkipReason::UnknownOrder),
                }
            }
            Action::Execute { order, qty, place } => {
                let key = market(order);
                let known = self.orders.get(key).copied();
                let Some((side, price)) = known.map(|order| (order.side, order.price)).or(place) else {
                    return self.summary.skip(SkipReason::UnknownOrder);
                };
                self.expected = Some(expected_fill(key, qty, known, true));
                self.aggress(instrument, (side.opposite(), price, qty));
                self.filled_there(key, qty, Some((side, price)));
                if let Some(order) = self.orders.get_mut(key) {
                    order.filling = false;
                }
                self.orders.tidy(key);
            }
            Action::Aggress { side, price, qty } => self.aggress(instrument, (side, price, qty)),
            Action::Fill { order, qty } => {
                let key = market(order);
                let known = self.orders.get(key).copied();
                self.expected = Some(expected_fill(key, qty, known, false));
                self.filled_there(key, qty, None);
            }
            Action::Phase(phase) => self.batch.push(SetPhase { instrument, phase, reserved: [0; 3] }.into()),
            Action::Clear => self.clear(number, instrument),
            Action::Skip(reason) => self.summary.skip(reason),
            Action::List { .. } => unreachable!("listed by the caller"),
        }
    }

    /// The market filled part of an order. Without events, ours did the same.
    fn filled_there(&mut self, key: Key, qty: u64, place: Option<(Side, i64)>) {
        let by_feed = self.options.settle == Settle::ByFeed;
        let key = match (key, place) {
            (Key::Market { instrument, .. }, Some((side, price))) if self.orders.get(key).is_none() => {
                self.orders.seed_at(instrument, side, price).unwrap_or(key)
            }
            _ => key,
        };
        if let Some(order) = self.orders.get_mut(key) {
            order.theirs = order.theirs.saturating_sub(qty);
            if by_feed {
                order.ours = order.ours.saturating_sub(qty);
            }
            order.filling = matches!(key, Key::Market { .. });
        }
        self.orders.tidy(key);
    }

    fn aggress(&mut self, instrument: InstrumentId, (side, price, qty): (Side, i64, u64)) {
        self.aggressor_trades.clear();
        self.takers += 1;
        let key = Key::Taker(self.takers);
        let submit = self.pen.submit(instrument, (key, side, price, qty), TimeInForce::Ioc);
        self.orders.add_taker(key, submit.cl_ord_id);
        self.batch.push(submit.into());
    }

    /// The order rests at this price with this much left, the market says.
    fn modify(&mut self, key: Key, price: i64, qty: u64) {
        let Some(order) = self.orders.get_mut(key) else { return };
        let by_fill = std::mem::take(&mut order.filling);
        order.theirs = qty;
        if (order.price, order.ours) == (price, qty) {
            return self.summary.skip(if by_fill {
                SkipReason::ProducedByMatching
            } else {
                SkipReason::Administrative
            });
        }
        if order.ours == 0 {
            return self.summary.skip(SkipReason::AlreadyGone);
        }
        let command = self.orders.change(&self.pen, key, price, qty);
        self.batch.push(command);
    }

    fn cancel(&mut self, number: u32, key: Key, qty: Option<u64>, place: Option<(Side, i64)>) {
        let Some(order) = self.orders.get_mut(key) else {
            return self.cancel_seed(number, qty, place);
        };
        let by_fill = std::mem::take(&mut order.filling);
        // A cancel that tells of a fill has been subtracted with the fill.
        let canceled = if by_fill { order.theirs } else { qty.unwrap_or(order.theirs) };
        order.theirs = order.theirs.saturating_sub(canceled);
        let (price, rest) = (order.price, order.theirs.min(order.ours));
        if order.ours == 0 {
            if !by_fill {
                self.taken_away(key);
            }
            self.orders.tidy(key);
            return self.summary.skip(if by_fill {
                SkipReason::ProducedByMatching
            } else {
                SkipReason::AlreadyGone
            });
        }
        let command = self.orders.change(&self.pen, key, price, rest);
        self.batch.push(command);
    }

    /// Takes an order out that the feed never showed: from the seed at its price.
    fn cancel_seed(&mut self, number: u32, qty: Option<u64>, place: Option<(Side, i64)>) {
        let (Some(mut qty), Some((side, price))) = (qty, place) else {
            return self.summary.skip(SkipReason::UnknownOrder);
        };
        let before = self.batch.len();
        while qty > 0
            && let Some(key) = self.orders.seed_at(number, side, price)
            && let Some(seed) = self.orders.get(key)
            && seed.ours > 0
        {
            let taken = qty.min(seed.ours);
            let rest = seed.ours - taken;
            let command = self.orders.change(&self.pen, key, price, rest);
            self.batch.push(command);
            qty -= taken;
        }
        if self.batch.len() > before {
            self.summary.mapped_to_seeds += 1;
        } else {
            self.summary.skip(SkipReason::UnknownOrder);
        }
    }

    fn clear(&mut self, number: u32, instrument: InstrumentId) {
        if self.orders.any_of(number) {
            for account in [self.pen.buyer, self.pen.seller] {
                self.batch.push(CancelAll { account, instrument }.into());
            }
            self.orders.clear(number);
        } else {
            self.summary.skip(SkipReason::Administrative);
        }
    }
}
