//! A second reading of the rules, written to be read: every question is answered by looking at every order. It shares
//! no code with the exchange, and knows instruments with a tick of 0.01 and a lot of 1 only.

use model::{SelfTradePrevention as Stp, Side, TimeInForce as Tif};
use std::collections::BTreeSet;

#[derive(Clone)]
pub struct Account {
    pub name: &'static str,
    pub cash: i64,
    pub shares: Vec<i64>,
    pub killed: bool,
    pub used: BTreeSet<String>,
}

#[derive(Clone, Copy, PartialEq)]
pub enum Phase {
    Open,
    Halted,
    Closed,
}

#[derive(Clone)]
pub struct Listing {
    pub symbol: &'static str,
    pub phase: Phase,
    pub last: Option<i64>,
    pub stp: Stp,
    pub max_quantity: i64,
    pub max_notional: i64,
    pub collar_percent: i64,
}

#[derive(Clone)]
pub struct Order {
    pub id: String,
    pub account: usize,
    pub listing: usize,
    pub side: Side,
    /// `None` for a market order.
    pub price: Option<i64>,
    pub leaves: i64,
    pub cum: i64,
    pub tif: Tif,
    pub expire: i64,
    pub post: bool,
    pub stp: Stp,
    /// Its place in the queue; `None` while it does not rest.
    pub queue: Option<usize>,
    pub working: bool,
}

/// What a new order asks for.
#[derive(Clone)]
pub struct Asked {
    pub id: String,
    pub account: usize,
    pub listing: usize,
    pub side: Side,
    pub price: Option<i64>,
    pub quantity: i64,
    pub tif: Tif,
    pub expire: i64,
    pub post: bool,
    pub stp: Option<Stp>,
}

#[derive(Clone, Default)]
pub struct Market {
    pub accounts: Vec<Account>,
    pub listings: Vec<Listing>,
    /// Every order ever accepted: the position is the age.
    pub orders: Vec<Order>,
    pub queued: usize,
    pub lines: Vec<String>,
}

pub fn money(cents: i64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}

impl Market {
    fn working(&self, account: usize) -> impl Iterator<Item = &Order> {
        self.orders.iter().filter(move |order| order.working && order.account == account)
    }

    pub fn held_cash(&self, account: usize) -> i64 {
        self.working(account)
            .filter(|order| order.side == Side::Buy)
            .map(|order| order.price.unwrap_or(0) * order.leaves)
            .sum()
    }

    pub fn held_shares(&self, account: usize, listing: usize) -> i64 {
        self.working(account)
            .filter(|order| order.side == Side::Sell && order.listing == listing)
            .map(|order| order.leaves)
            .sum()
    }

    /// Resting orders of a side, the next to trade first.
    pub fn queue(&self, listing: usize, side: Side) -> Vec<usize> {
        let mut resting: Vec<usize> = (0..self.orders.len())
            .filter(|&at| {
                let order = &self.orders[at];
                order.working && order.queue.is_some() && order.listing == listing && order.side == side
            })
            .collect();
        resting.sort_by_key(|&at| {
            let order = &self.orders[at];
            let price = order.price.unwrap();
            (if side == Side::Buy { -price } else { price }, order.queue)
        });
        resting
    }

    fn crosses(&self, listing: usize, side: Side, price: Option<i64>) -> Option<usize> {
        let first = *self.queue(listing, side.opposite()).first()?;
        let theirs = self.orders[first].price.unwrap();
        let reached = match (price, side) {
            (None, _) => true,
            (Some(price), Side::Buy) => theirs <= price,
            (Some(price), Side::Sell) => theirs >= price,
        };
        reached.then_some(first)
    }

    fn visible_cost(&self, listing: usize, side: Side, mut quantity: i64) -> i64 {
        let mut cost = 0;
        for at in self.queue(listing, side.opposite()) {
            let take = quantity.min(self.orders[at].leaves);
            cost += take * self.orders[at].price.unwrap();
            quantity -= take;
        }
        cost
    }

    pub fn submit(&mut self, asked: &Asked, now: i64) {
        match self.refusal(asked, now) {
            Some(reason) => self.lines.push(format!("rejected {} reason={reason}", asked.id)),
            None => self.accept(asked),
        }
    }

    fn refusal(&self, asked: &Asked, now: i64) -> Option<&'static str> {
        let account = &self.accounts[asked.account];
        let listing = &self.listings[asked.listing];
        let taking_only = matches!(asked.tif, Tif::Ioc | Tif::Fok);
        if account.used.contains(&asked.id) {
            return Some("DUPLICATE_ORDER");
        }
        if account.killed {
            return Some("KILL_SWITCH");
        }
        match listing.phase {
            Phase::Open => {}
            Phase::Halted => return Some("INSTRUMENT_HALTED"),
            Phase::Closed => return Some("MARKET_CLOSED"),
        }
        if asked.price.is_none() && !taking_only {
            return Some("INVALID_TIME_IN_FORCE");
        }
        if asked.post && (asked.price.is_none() || taking_only) {
            return Some("INVALID_TIME_IN_FORCE");
        }
        if asked.quantity <= 0 {
            return Some("INVALID_QUANTITY");
        }
        if asked.price.is_some_and(|price| price <= 0) {
            return Some("INVALID_PRICE");
        }
        if asked.tif == Tif::Gtd && asked.expire <= now {
            return Some("INVALID_EXPIRE_TIME");
        }
        let notional = asked.price.map_or_else(
            || self.visible_cost(asked.listing, asked.side, asked.quantity),
            |price| price * asked.quantity,
        );
        let limits = self.over_limits(asked.listing, asked.quantity, notional, asked.price);
        if limits.is_some() {
            return limits;
        }
        match (asked.side, asked.price) {
            (Side::Sell, _) => {
                let available =
                    account.shares[asked.listing] - self.held_shares(asked.account, asked.listing);
                if asked.quantity > available {
                    return Some("INSUFFICIENT_POSITION");
                }
            }
            (Side::Buy, price) => {
                let available = account.cash - self.held_cash(asked.account);
                let asks = self.queue(asked.listing, Side::Sell);
                let needed = match price {
                    Some(price) => price * asked.quantity,
                    None => asks.first().map_or(0, |&ask| self.orders[ask].price.unwrap()),
                };
                if needed > available {
                    return Some("INSUFFICIENT_FUNDS");
                }
            }
        }
        let crosses = self.crosses(asked.listing, asked.side, asked.price).is_some();
        (asked.post && crosses).then_some("POST_ONLY_WOULD_CROSS")
    }

    /// The collar is looked at where there is a price to look at.
    fn over_limits(
        &self,
        listing: usize,
        quantity: i64,
        notional: i64,
        collared: Option<i64>,
    ) -> Option<&'static str> {
        let listing = &self.listings[listing];
        if quantity > listing.max_quantity {
            return Some("MAX_QUANTITY");
        }
        if notional > listing.max_notional {
            return Some("MAX_NOTIONAL");
        }
        let (price, last) = (collared?, listing.last?);
        ((price - last).abs() * 100 > last * listing.collar_percent).then_some("PRICE_COLLAR")
    }

    fn accept(&mut self, asked: &Asked) {
        self.accounts[asked.account].used.insert(asked.id.clone());
        self.lines.push(format!("accepted {}", asked.id));
        self.orders.push(Order {
            id: asked.id.clone(),
            account: asked.account,
            listing: asked.listing,
            side: asked.side,
            price: asked.price,
            leaves: asked.quantity,
            cum: 0,
            tif: asked.tif,
            expire: asked.expire,
            post: asked.post,
            stp: asked.stp.unwrap_or(self.listings[asked.listing].stp),
            queue: None,
            working: true,
        });
        let taker = self.orders.len() - 1;
        let market = asked.price.is_none();
        if asked.tif == Tif::Fok {
            // Would it fill? Try, and see.
            let mut trial = self.clone();
            trial.sweep(taker);
            if trial.orders[taker].cum < asked.quantity {
                return self.cancel_order(taker, if market { "no-liquidity" } else { "fok" });
            }
        }
        self.come_in(taker);
    }

    /// An incoming order takes, and what is left rests or is canceled.
    fn come_in(&mut self, taker: usize) {
        self.sweep(taker);
        let order = &self.orders[taker];
        if !order.working {
            return;
        }
        if order.price.is_none() {
            self.cancel_order(taker, "no-liquidity");
        } else if order.tif == Tif::Ioc {
            self.cancel_order(taker, "ioc");
        } else {
            self.queued += 1;
            self.orders[taker].queue = Some(self.queued);
        }
    }

    fn sweep(&mut self, taker: usize) {
        while self.orders[taker].working {
            let incoming = self.orders[taker].clone();
            let Some(maker) = self.crosses(incoming.listing, incoming.side, incoming.price) else { return };
            let price = self.orders[maker].price.unwrap();
            let mut quantity = incoming.leaves.min(self.orders[maker].leaves);
            if incoming.side == Side::Buy && incoming.price.is_none() {
                let available = self.accounts[incoming.account].cash - self.held_cash(incoming.account);
                if available < price {
                    return;
                }
                if self.orders[maker].account != incoming.account {
                    quantity = quantity.min(available / price);
                }
            }
            if self.orders[maker].account == incoming.account {
                self.prevent(maker, taker);
            } else {
                self.trade(maker, taker, price, quantity);
            }
        }
    }

    fn trade(&mut self, maker: usize, taker: usize, price: i64, quantity: i64) {
        let line = {
            let (maker, taker) = (&self.orders[maker], &self.orders[taker]);
            let symbol = self.listings[taker.listing].symbol;
            format!("trade {symbol} {quantity} @ {} maker={} taker={}", money(price), maker.id, taker.id)
        };
        self.lines.push(line);
        for at in [maker, taker] {
            let order = &mut self.orders[at];
            order.leaves -= quantity;
            order.cum += quantity;
            order.working = order.leaves > 0;
            let sign = if order.side == Side::Buy { 1 } else { -1 };
            let account = &mut self.accounts[order.account];
            account.shares[order.listing] += sign * quantity;
            account.cash -= sign * quantity * price;
        }
        let listing = self.orders[taker].listing;
        self.listings[listing].last = Some(price);
    }

    fn prevent(&mut self, resting: usize, incoming: usize) {
        match self.orders[incoming].stp {
            Stp::CancelOldest => self.cancel_order(resting, "stp"),
            Stp::CancelBoth => {
                self.cancel_order(resting, "stp");
                self.cancel_order(incoming, "stp");
            }
            Stp::Decrement => {
                let by = self.orders[resting].leaves.min(self.orders[incoming].leaves);
                for at in [resting, incoming] {
                    if self.orders[at].leaves == by {
                        self.cancel_order(at, "stp");
                    } else {
                        let order = &mut self.orders[at];
                        order.leaves -= by;
                        self.lines
                            .push(format!("reduced {} by={by} leaves={} reason=stp", order.id, order.leaves));
                    }
                }
            }
            _ => self.cancel_order(incoming, "stp"),
        }
    }

    fn cancel_order(&mut self, at: usize, reason: &str) {
        let order = &mut self.orders[at];
        order.working = false;
        self.lines.push(format!("canceled {} leaves={} reason={reason}", order.id, order.leaves));
    }

    /// Cancels working orders that fit, oldest first.
    pub fn cancel_where(&mut self, reason: &str, fits: impl Fn(&Order) -> bool) {
        for at in 0..self.orders.len() {
            if self.orders[at].working && fits(&self.orders[at]) {
                self.cancel_order(at, reason);
            }
        }
    }

    pub fn expire(&mut self, now: i64) {
        let mut due: Vec<usize> = (0..self.orders.len())
            .filter(|&at| {
                self.orders[at].working && self.orders[at].tif == Tif::Gtd && self.orders[at].expire <= now
            })
            .collect();
        due.sort_by_key(|&at| (self.orders[at].expire, at));
        for at in due {
            self.cancel_order(at, "expired");
        }
    }

    /// The order that has the id now, or why there is none.
    fn find(&self, account: usize, id: &str) -> Result<usize, &'static str> {
        let working = |order: &Order| order.working && order.account == account && order.id == id;
        match self.orders.iter().position(working) {
            Some(at) => Ok(at),
            None if self.accounts[account].used.contains(id) => Err("TOO_LATE"),
            None => Err("UNKNOWN_ORDER"),
        }
    }

    pub fn cancel(&mut self, account: usize, id: &str) {
        match self.find(account, id) {
            Ok(at) => self.cancel_order(at, "user"),
            Err(reason) => self.lines.push(format!("cancel-rejected {id} reason={reason}")),
        }
    }

    pub fn replace(
        &mut self,
        account: usize,
        id: &str,
        quantity: Option<i64>,
        price: Option<i64>,
        new: &str,
    ) {
        match self.replacement(account, id, quantity, price, new) {
            Ok((at, quantity, price)) => self.replace_order(at, quantity, price, new),
            Err(reason) => self.lines.push(format!("replace-rejected {id} reason={reason}")),
        }
    }

    fn replacement(
        &self,
        account: usize,
        id: &str,
        quantity: Option<i64>,
        price: Option<i64>,
        new: &str,
    ) -> Result<(usize, i64, i64), &'static str> {
        if self.accounts[account].used.contains(new) {
            return Err("DUPLICATE_ORDER");
        }
        let at = self.find(account, id)?;
        let order = &self.orders[at];
        match self.listings[order.listing].phase {
            Phase::Open => {}
            Phase::Halted => return Err("INSTRUMENT_HALTED"),
            Phase::Closed => return Err("MARKET_CLOSED"),
        }
        let old = order.price.unwrap();
        let (quantity, price) = (quantity.unwrap_or(order.leaves + order.cum), price.unwrap_or(old));
        if quantity < 0 {
            return Err("INVALID_QUANTITY");
        }
        if quantity <= order.cum {
            return Ok((at, quantity, price));
        }
        if price <= 0 {
            return Err("INVALID_PRICE");
        }
        let collared = (price != old).then_some(price);
        if let Some(reason) = self.over_limits(order.listing, quantity, price * quantity, collared) {
            return Err(reason);
        }
        let leaves = quantity - order.cum;
        if order.side == Side::Buy {
            let available = self.accounts[account].cash - self.held_cash(account) + old * order.leaves;
            if price * leaves > available {
                return Err("INSUFFICIENT_FUNDS");
            }
        } else {
            let shares = self.accounts[account].shares[order.listing];
            if leaves > shares - self.held_shares(account, order.listing) + order.leaves {
                return Err("INSUFFICIENT_POSITION");
            }
        }
        if order.post && self.crosses(order.listing, order.side, Some(price)).is_some() {
            return Err("POST_ONLY_WOULD_CROSS");
        }
        Ok((at, quantity, price))
    }

    fn replace_order(&mut self, at: usize, quantity: i64, price: i64, new: &str) {
        let order = &mut self.orders[at];
        if quantity <= order.cum {
            return self.cancel_order(at, "user");
        }
        let kept = order.price == Some(price) && quantity <= order.leaves + order.cum;
        let old = std::mem::replace(&mut order.id, new.to_owned());
        order.price = Some(price);
        order.leaves = quantity - order.cum;
        if !kept {
            order.queue = None;
        }
        let account = order.account;
        let priority = if kept { "kept" } else { "lost" };
        self.lines
            .push(format!("replaced {old} -> {new} qty={quantity} px={} priority={priority}", money(price)));
        self.accounts[account].used.insert(new.to_owned());
        if !kept {
            self.come_in(at);
        }
    }
}
