//! What must be true of the state between any two commands. Expensive: for tests, snapshots and `log verify`.

use crate::instruments::Instrument;
use crate::ledger::Balance;
use crate::orders::{NONE, Order};
use crate::state::{Found, State};
use model::{AccountId, AssetId, InstrumentId, OrderId, Price, Side, TimeInForce};
use order_book::OrderBook;
use std::collections::BTreeMap;

/// An invariant that does not hold, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum InvariantBroken {
    /// Balances and the outside world's side of an asset do not sum to zero.
    #[error("asset {asset} sums to {sum} instead of zero")]
    Sum {
        /// Which asset.
        asset: AssetId,
        /// What it sums to, in its smallest unit.
        sum: i128,
    },
    /// A balance below zero, or more held than there is.
    #[error("account {account} has {total} of asset {asset} with {held} held")]
    Balance {
        /// Whose.
        account: AccountId,
        /// Of what.
        asset: AssetId,
        /// All of it.
        total: i64,
        /// The part held.
        held: i64,
    },
    /// What is held is not what the working orders need.
    #[error("account {account} holds {held} of asset {asset} where its working orders need {needed}")]
    Hold {
        /// Whose.
        account: AccountId,
        /// Of what.
        asset: AssetId,
        /// What is held.
        held: i64,
        /// What is needed.
        needed: i128,
    },
    /// What an account's buys could still buy is not what its working orders say.
    #[error(
        "account {account} could still buy {open_buy} lots of instrument {instrument} where its orders say {needed}"
    )]
    OpenBuy {
        /// Whose.
        account: AccountId,
        /// Of what.
        instrument: InstrumentId,
        /// In lots, as kept.
        open_buy: u64,
        /// In lots, over its working buys.
        needed: u64,
    },
    /// The best bid is not below the best ask.
    #[error("instrument {instrument} is crossed: bid {bid:?}, ask {ask:?}")]
    Crossed {
        /// Which.
        instrument: InstrumentId,
        /// Its best bid.
        bid: Price,
        /// Its best ask.
        ask: Price,
    },
    /// A working order does not rest in a book.
    #[error("order {order} works and is not in a book")]
    NotBooked {
        /// Which.
        order: OrderId,
    },
    /// A book holds an order that does not work, or not in the way the order table says.
    #[error("instrument {instrument} has order {order} in its book otherwise than in the order table")]
    Stray {
        /// In which book.
        instrument: InstrumentId,
        /// Which order.
        order: OrderId,
    },
    /// A book's levels are not the sums of its orders, or not in order.
    #[error(
        "instrument {instrument} has a level at {price:?} that is not the sum of its orders in its place"
    )]
    Level {
        /// In which book.
        instrument: InstrumentId,
        /// The first price at which they differ.
        price: Price,
    },
    /// A working order with nothing left, a price below one tick, or not in the way it was told to work.
    #[error("order {order} cannot be a working order")]
    Order {
        /// Which.
        order: OrderId,
    },
    /// An account's working orders are not those of the order table, or not in the order of their age.
    #[error(
        "account {account} has {chained} working orders in its chain, {counted} in its count and {found} in the order table"
    )]
    Chain {
        /// Whose.
        account: AccountId,
        /// Those in its chain, up to the first out of order.
        chained: usize,
        /// Those it counts.
        counted: u32,
        /// Those in the order table.
        found: usize,
    },
    /// A working order cannot be found by its client order id.
    #[error("order {order} is not found by its client order id")]
    Lost {
        /// Which.
        order: OrderId,
    },
    /// A good-till-date order without its timer, or a timer without its order.
    #[error("order {order} and the timers do not agree")]
    Timer {
        /// Which; [`OrderId::NONE`] when there are timers too many.
        order: OrderId,
    },
}

impl<B: OrderBook> State<B> {
    /// Checks everything that must be true between any two commands: the ledger sums to zero, holds are what working
    /// orders need, no book is crossed, books hold exactly the working orders, and every index agrees with what it indexes.
    pub fn check(&self) -> Result<(), InvariantBroken> {
        self.check_ledger()?;
        self.check_activity()?;
        self.instruments.iter().try_for_each(|instrument| self.check_book(instrument))?;
        self.check_orders()
    }

    fn check_ledger(&self) -> Result<(), InvariantBroken> {
        let mut sums: Vec<i128> = self.ledger.external().iter().map(|cash| i128::from(cash.0)).collect();
        let mut needed: BTreeMap<(AccountId, AssetId), i128> = BTreeMap::new();
        for order in self.orders.iter() {
            let Some(instrument) = self.instrument(order.instrument) else {
                return Err(InvariantBroken::Order { order: order.id });
            };
            let (asset, amount) = match order.side {
                Side::Buy => (
                    instrument.terms.currency,
                    instrument.terms.tick_value.notional(order.price, order.leaves),
                ),
                Side::Sell => (instrument.terms.asset, i128::from(order.leaves.0)),
            };
            let sum = needed.entry((order.account, asset)).or_default();
            *sum = sum.saturating_add(amount);
        }
        for account in self.accounts.iter().map(|account| account.id) {
            for (asset, &Balance { total, held }) in (0u32..).map(AssetId).zip(self.ledger.row(account)) {
                if held.0 < 0 || total < held {
                    return Err(InvariantBroken::Balance { account, asset, total: total.0, held: held.0 });
                }
                let needed = needed.remove(&(account, asset)).unwrap_or(0);
                if needed != i128::from(held.0) {
                    return Err(InvariantBroken::Hold { account, asset, held: held.0, needed });
                }
                sums[asset.index()] += i128::from(total.0);
            }
        }
        if let Some((&(account, asset), &needed)) = needed.iter().find(|(_, needed)| **needed != 0) {
            return Err(InvariantBroken::Hold { account, asset, held: 0, needed });
        }
        match (0u32..).map(AssetId).zip(sums).find(|&(_, sum)| sum != 0) {
            Some((asset, sum)) => Err(InvariantBroken::Sum { asset, sum }),
            None => Ok(()),
        }
    }

    fn check_activity(&self) -> Result<(), InvariantBroken> {
        let mut needed: BTreeMap<(AccountId, InstrumentId), u64> = BTreeMap::new();
        for order in self.orders.iter().filter(|order| order.side == Side::Buy) {
            let sum = needed.entry((order.account, order.instrument)).or_default();
            *sum = sum.saturating_add(order.leaves.0);
        }
        let differs = |account, instrument, open_buy, needed| {
            Err(InvariantBroken::OpenBuy { account, instrument, open_buy, needed })
        };
        for account in self.accounts.iter().map(|account| account.id) {
            for (instrument, activity) in (0u32..).map(InstrumentId).zip(self.activities.row(account)) {
                let needed = needed.remove(&(account, instrument)).unwrap_or(0);
                if needed != activity.open_buy.0 {
                    return differs(account, instrument, activity.open_buy.0, needed);
                }
            }
        }
        match needed.first_key_value() {
            Some((&(account, instrument), &needed)) => differs(account, instrument, 0, needed),
            None => Ok(()),
        }
    }

    fn check_book(&self, instrument: &Instrument<B>) -> Result<(), InvariantBroken> {
        let id = instrument.terms.instrument;
        let book = &instrument.book;
        if let (Some(bid), Some(ask)) = (book.best(Side::Buy), book.best(Side::Sell))
            && bid.price >= ask.price
        {
            return Err(InvariantBroken::Crossed { instrument: id, bid: bid.price, ask: ask.price });
        }
        let mut resting_orders = 0;
        for side in [Side::Buy, Side::Sell] {
            let mut levels = book.levels(side);
            let mut level = None;
            let mut last = None;
            for (handle, resting) in book.orders(side) {
                resting_orders += 1;
                let agrees = self.order(resting.order_id).is_some_and(|order| {
                    order.handle == handle.0
                        && order.instrument == id
                        && order.side == side
                        && order.account == resting.owner
                        && order.price == resting.price
                        && order.leaves == resting.leaves
                });
                if !agrees {
                    return Err(InvariantBroken::Stray { instrument: id, order: resting.order_id });
                }
                let broken = InvariantBroken::Level { instrument: id, price: resting.price };
                if last != Some(resting.price) {
                    let worse = last.is_none_or(|last| match side {
                        Side::Buy => resting.price < last,
                        Side::Sell => resting.price > last,
                    });
                    // The level before is used up, and the next is this order's.
                    let next = levels.next().filter(|level| level.price == resting.price);
                    if !worse
                        || level.is_some_and(|(orders, lots)| (orders, lots) != (0, 0))
                        || next.is_none()
                    {
                        return Err(broken);
                    }
                    level = next.map(|level| (level.orders, level.quantity.0));
                    last = Some(resting.price);
                }
                level = level.and_then(|(orders, lots)| {
                    Some((orders.checked_sub(1)?, lots.checked_sub(resting.leaves.0)?))
                });
                if level.is_none() {
                    return Err(broken);
                }
            }
            let rest = levels.next().map(|level| level.price);
            let unfinished = level.is_some_and(|left| left != (0, 0)).then_some(last).flatten();
            if let Some(price) = rest.or(unfinished) {
                return Err(InvariantBroken::Level { instrument: id, price });
            }
        }
        if resting_orders == book.len() {
            Ok(())
        } else {
            Err(InvariantBroken::Stray { instrument: id, order: OrderId::NONE })
        }
    }

    fn check_orders(&self) -> Result<(), InvariantBroken> {
        let mut by_account = vec![0; self.accounts.len()];
        let mut timed = 0;
        for order in self.orders.iter() {
            let id = order.id;
            if !order.is_booked() {
                return Err(InvariantBroken::NotBooked { order: id });
            }
            let lasts = matches!(order.time_in_force, TimeInForce::Day | TimeInForce::Gtc | TimeInForce::Gtd);
            if order.leaves.is_zero() || order.price.0 <= 0 || !lasts {
                return Err(InvariantBroken::Order { order: id });
            }
            if self.find_order(order.account, &order.cl_ord_id) != Found::Working(id) {
                return Err(InvariantBroken::Lost { order: id });
            }
            let timer = (order.timer != NONE).then(|| self.timers.at(order.timer)).flatten();
            let expected = (order.time_in_force == TimeInForce::Gtd).then_some((order.expire_at, id));
            if timer != expected {
                return Err(InvariantBroken::Timer { order: id });
            }
            timed += usize::from(timer.is_some());
            by_account[order.account.index()] += 1;
        }
        if timed != self.timers.len() {
            return Err(InvariantBroken::Timer { order: OrderId::NONE });
        }
        // A book's orders were each found in the order table, so equal numbers mean the same orders.
        let booked: usize = self.instruments.iter().map(|instrument| instrument.book.len()).sum();
        if booked != self.orders.len() {
            return Err(InvariantBroken::NotBooked { order: OrderId::NONE });
        }
        for (account, found) in self.accounts.iter().zip(by_account) {
            let chain: Vec<&Order> = self.working_orders(account.id).take(found + 1).collect();
            let older_first = chain.is_sorted_by_key(|order| order.id);
            let own = chain.iter().all(|order| order.account == account.id);
            if !older_first || !own || chain.len() != found || account.working_orders as usize != found {
                return Err(InvariantBroken::Chain {
                    account: account.id,
                    chained: chain.len(),
                    counted: account.working_orders,
                    found,
                });
            }
        }
        Ok(())
    }
}
