//! A made-up market: an endless stream of order messages that a seed determines.
//!
//! [`Flow`] makes the messages of one instrument, for benchmarks of a book alone; [`MarketFlow`] turns many of them into
//! commands of many accounts, for the whole exchange. Both keep a small book of their own ([`book`]), so that every cancel
//! and replace names an order that works at that moment and the mix of messages is what it claims to be:
//!
//! | what | how much | where from |
//! |---|---|---|
//! | messages that replace | 20% | |
//! | new orders that are immediate-or-cancel | 15% | |
//! | orders that end canceled | about 95% | US equities; SEC MIDAS cancel-to-trade ratios |
//! | distance of a new order from the mid-price | power law, `P(d) ~ (3 + d)^-1.5`, up to 1,000 ticks | Bouchaud, Mézard and Potters 2002 |
//! | the mid-price | a random walk around the path of a [`Shape`] | |
//!
//! What is simplified: only immediate-or-cancel orders take, replaces never cross, and a replaced order has not traded
//! yet, so that "new quantity" means the same to books that count in totals and to books that count in leaves.

mod book;
mod market;
mod path;

pub use market::{MarketConfig, MarketFlow, numbered_symbols};
pub use path::Shape;

use crate::SplitMix64;
use book::{GhostBook, Slot};
use model::{Price, Quantity, Side};
use path::{DepthLaw, MidPrice};

/// One message to a book.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Message {
    /// A new limit order.
    New {
        /// Its id: 0, 1, 2, … in the order of the messages.
        id: u64,
        /// Buy or sell.
        side: Side,
        /// Its limit, in ticks, from 1.
        price: Price,
        /// Its quantity in lots, from 1.
        qty: Quantity,
        /// Whether what does not trade at once is canceled instead of resting.
        ioc: bool,
    },
    /// Takes an order out that rests at this moment.
    Cancel {
        /// Which.
        id: u64,
    },
    /// Gives an order that rests at this moment, and has not traded, another price or quantity. It keeps its id. With the
    /// same price and no more quantity it keeps its place; otherwise it goes to the back. It never crosses.
    Replace {
        /// Which.
        id: u64,
        /// Its new limit, in ticks.
        price: Price,
        /// Its new quantity, in lots.
        qty: Quantity,
    },
}

/// What a flow is made from. The same configuration makes the same messages, everywhere and for ever: a test holds the
/// hashes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FlowConfig {
    /// Determines everything that looks like chance.
    pub seed: u64,
    /// The path of the mid-price.
    pub shape: Shape,
    /// How many messages the path takes. A flow that goes on after them begins its path again.
    pub messages: u64,
    /// Where the mid-price starts, in ticks, at least 10.
    pub start_price: Price,
    /// About how many orders rest once the book has filled up.
    pub resting_orders: u32,
}

impl FlowConfig {
    /// The flow of the book benchmark: 2 million messages around 10,000 ticks with 10,000 orders resting.
    pub const fn new(shape: Shape, seed: u64) -> Self {
        Self { seed, shape, messages: 2_000_000, start_price: Price(10_000), resting_orders: 10_000 }
    }
}

/// Per-mille of messages that replace.
const REPLACES: u64 = 200;
/// Per-mille of new orders that are immediate-or-cancel.
const IOCS: u64 = 150;
/// Per-mille of immediate-or-cancel orders that can trade, while the book is where the mid-price is. The others come too late, as most do
/// in a real market: their price has gone. Set so that about 95% of all orders end canceled.
const MARKETABLE: u64 = 150;
/// Per-mille of cancels and replaces that pull an order the mid-price has run over, while there is one.
const PULLS: u64 = 800;
/// Per-mille of replaces that only take quantity off, and so keep their place.
const REDUCTIONS: u64 = 300;

/// The endless messages of one instrument: `Flow::new(&config).take(n)`.
#[derive(Clone, Debug)]
pub struct Flow {
    random: SplitMix64,
    mid: MidPrice,
    depth: DepthLaw,
    book: GhostBook,
    resting_orders: u64,
    next_id: u64,
}

/// A message, with what a client must know to say it: how often the order was replaced, this message included.
#[derive(Clone, Copy, Debug)]
struct Step {
    message: Message,
    revision: u32,
}

impl Flow {
    /// The flow of `config`, from its first message.
    pub fn new(config: &FlowConfig) -> Self {
        Self {
            random: SplitMix64::new(config.seed),
            mid: MidPrice::new(config),
            depth: DepthLaw::new(),
            book: GhostBook::default(),
            resting_orders: u64::from(config.resting_orders.max(2)),
            next_id: 0,
        }
    }

    /// How many orders rest after the messages so far.
    pub fn resting(&self) -> usize {
        self.book.len()
    }

    /// The best bid and ask after the messages so far.
    pub fn best(&self) -> (Option<Price>, Option<Price>) {
        (self.book.best(Side::Buy), self.book.best(Side::Sell))
    }

    fn step(&mut self) -> Step {
        let mid = self.mid.advance(&mut self.random);
        // With so few orders there is nothing worth replacing, and the book must fill up.
        let replaces = if self.book.len() as u64 > self.resting_orders / 4 { REPLACES } else { 0 };
        if self.random.chance(replaces)
            && let Some(step) = self.replace(mid)
        {
            return step;
        }
        // The fuller the book, the more cancels: settles where as many orders leave as come.
        let fullness = (self.book.len() as u64 * 460 / self.resting_orders).min(900);
        if self.random.chance(fullness) { self.cancel(mid) } else { self.submit(mid) }
    }

    fn submit(&mut self, mid: Price) -> Step {
        let id = self.next_id;
        self.next_id += 1;
        let ioc = self.random.chance(IOCS);
        let (side, price, qty) = if ioc { self.aggressor(mid) } else { self.passive(mid) };
        let qty = Quantity(qty);
        if ioc {
            self.book.take(side, price, qty);
        } else {
            self.book.add(id, side, price, qty);
        }
        Step { message: Message::New { id, side, price, qty, ioc }, revision: 0 }
    }

    fn passive(&mut self, mid: Price) -> (Side, Price, u64) {
        // The thinner side is refilled a little faster.
        let bids = if self.book.side_len(Side::Buy) < self.book.side_len(Side::Sell) { 550 } else { 450 };
        let side = if self.random.chance(bids) { Side::Buy } else { Side::Sell };
        (side, self.passive_price(side, mid), self.quantity())
    }

    /// A price behind the mid-price that does not cross.
    fn passive_price(&mut self, side: Side, mid: Price) -> Price {
        let distance = self.depth.sample(&mut self.random);
        let price = match (side, self.book.best(side.opposite())) {
            (Side::Buy, Some(ask)) => (mid.0 - distance).min(ask.0 - 1),
            (Side::Sell, Some(bid)) => (mid.0 + distance).max(bid.0 + 1),
            (Side::Buy, None) => mid.0 - distance,
            (Side::Sell, None) => mid.0 + distance,
        };
        // Below the first tick there is no price: such a buy waits on the first one, where it cannot cross, because asks
        // stand above it.
        Price(price.max(1))
    }

    /// An immediate-or-cancel order: side, price, quantity.
    fn aggressor(&mut self, mid: Price) -> (Side, Price, u64) {
        // When the mid-price has run over resting orders, those who know it trade against them, the harder the further.
        if let Some((stale, lag)) = self.book.stale(mid)
            && self.random.chance((20 * lag).min(1000))
        {
            return (stale.opposite(), mid, self.quantity() * (1 + lag.min(100)));
        }
        let side = if self.random.chance(500) { Side::Buy } else { Side::Sell };
        let marketable = self.random.chance(MARKETABLE);
        let price = match (side, self.book.best(side.opposite())) {
            (_, Some(best)) if marketable => best,
            (Side::Buy, Some(ask)) => Price(ask.0 - 1),
            (Side::Sell, Some(bid)) => Price(bid.0 + 1),
            (_, None) => mid,
        };
        (side, Price(price.0.max(1)), self.quantity())
    }

    /// 100 lots most of the time, and seldom much more: each further hundred is half as likely. One order in eight is odd.
    fn quantity(&mut self) -> u64 {
        let bits = self.random.next_u64();
        let hundreds = u64::from((bits | 1 << 20).trailing_zeros()) + 1;
        if bits >> 61 == 0 { 1 + (bits >> 32) % 99 } else { 100 * hundreds }
    }

    /// A resting order to pull or change: one that the mid-price has run over if there is one, else any.
    fn pick(&mut self, mid: Price) -> Option<Slot> {
        if let Some((side, _)) = self.book.stale(mid)
            && self.random.chance(PULLS)
        {
            return self.book.front(side);
        }
        let len = self.book.len() as u64;
        (len > 0).then(|| self.book.nth(self.random.below(len)))
    }

    fn cancel(&mut self, mid: Price) -> Step {
        match self.pick(mid) {
            Some(slot) => {
                let order = self.book.remove(slot);
                Step { message: Message::Cancel { id: order.id }, revision: order.revision }
            }
            None => self.submit(mid),
        }
    }

    fn replace(&mut self, mid: Price) -> Option<Step> {
        // Few orders have traded and still rest: three tries nearly always find one that has not.
        for _ in 0..3 {
            let slot = self.pick(mid)?;
            let order = *self.book.get(slot);
            if order.traded {
                continue;
            }
            let (price, qty) = if order.leaves.0 > 1 && self.random.chance(REDUCTIONS) {
                (order.price, Quantity(1 + self.random.below(order.leaves.0 - 1)))
            } else {
                (self.passive_price(order.side, mid), Quantity(self.quantity()))
            };
            self.book.replace(slot, price, qty);
            let message = Message::Replace { id: order.id, price, qty };
            return Some(Step { message, revision: order.revision + 1 });
        }
        None
    }
}

impl Iterator for Flow {
    type Item = Message;

    fn next(&mut self) -> Option<Message> {
        Some(self.step().message)
    }
}
