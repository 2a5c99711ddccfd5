//! The whole state as bytes: canonical (equal states, equal bytes), versioned, and the thing that is hashed.
//!
//! Where a record of the log says the same, the snapshot holds that record: an order is the `OrderAccepted` that would bring
//! it back. What follows from the rest (name indexes, age chains, timers, handles) is rebuilt and not written. All numbers are
//! little-endian, counts 32 bits unless said otherwise:
//!
//! | part | holds |
//! |---|---|
//! | version | 32 bits |
//! | bounds | a `Configured`, then a byte: whether it was configured |
//! | day | a byte: whether one has started; a `TradingDayStarted` |
//! | next trade | 64 bits |
//! | assets | count; each an `AssetRegistered` and the outside world's balance, 64 bits |
//! | instruments | count; each an `InstrumentCreated`, a `PhaseChanged`, a byte: whether it has traded, the last price |
//! | accounts | count; each an `AccountOpened`, an `AccountLimitsChanged`, a count of balances that are not zero; each asset, total, held |
//! | orders | accepted so far, 64 bits; slots ever used; count and list of vacant slots, next last; count; by slot an `OrderAccepted` with the leaves as quantity, and what has traded, 64 bits |
//! | books | for each instrument, bids then asks: count, and slots in the order in which they would trade |
//! | activity | for each account a count; each instrument, lots traded today, 64 bits |
//! | rules | activations so far; count; each its components (`RuleLoaded`, a byte: whether approved, `RuleApproved`), what is in force and what shadows (a byte: whether something, `RuleActivated`, a byte: whether suspended, faults in a row, count of counters: key, window, value, 64 bits each), and what was in force before, oldest first |
//! | used ids | count, 64 bits; 128 bits each, in the order of the table |

mod rules;

use crate::assets::Asset;
use crate::bounds::Bounds;
use crate::invariants::InvariantBroken;
use crate::ledger::Balance;
use crate::orders::{NONE, Order, Orders};
use crate::state::State;
use crate::wire::{Reader, Writer};
use model::{
    AccountId, AccountLimitsChanged, AccountOpened, AssetId, AssetRegistered, Cash, Configured, DayNumber,
    Decimal, InstrumentCreated, InstrumentId, OrderAccepted, OrderId, PhaseChanged, Price, Quantity, Record,
    Side, TimeInForce, TradeId, TradingDayStarted,
};
use order_book::{OrderBook, Resting};

/// The version of the snapshot's bytes that this build writes and reads. Another one is no loss: the log has it all.
pub const SNAPSHOT_VERSION: u32 = 2;

/// Why bytes are not a snapshot that can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SnapshotError {
    /// Written by another build: replay the log instead.
    #[error("a snapshot of version {found}, and this build reads {SNAPSHOT_VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// It ends too early.
    #[error("the snapshot ends at byte {at}, where {wanted} more should be")]
    Truncated {
        /// The position, from 0.
        at: usize,
        /// How many bytes should be there at least.
        wanted: usize,
    },
    /// It holds what no state could.
    #[error("the snapshot is damaged before byte {at}: not a possible {what}")]
    Malformed {
        /// Which part.
        what: &'static str,
        /// The position after it, from 0.
        at: usize,
    },
    /// Its parts do not agree with each other.
    #[error("the snapshot is not of a possible state")]
    Broken(#[from] InvariantBroken),
}

impl<B: OrderBook> State<B> {
    /// The state's hash: BLAKE3 of [`State::encode`]'s bytes. Takes as long as a snapshot.
    pub fn hash(&self) -> [u8; 32] {
        let mut bytes = Vec::new();
        self.encode(&mut bytes);
        *blake3::hash(&bytes).as_bytes()
    }

    /// Appends the whole state as bytes.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let out = &mut Writer(out);
        out.u32(SNAPSHOT_VERSION);
        out.record(&Configured {
            max_order_ids: self.bounds.max_order_ids,
            max_working_orders: self.bounds.max_working_orders,
            max_accounts: self.bounds.max_accounts,
            max_instruments: self.bounds.max_instruments,
            reserved: 0,
        });
        out.u8(u8::from(self.configured));
        out.u8(u8::from(self.trading_day.is_some()));
        out.record(&TradingDayStarted { day: self.trading_day.unwrap_or(DayNumber(0)), reserved: 0 });
        out.u64(self.next_trade.0);
        self.encode_assets(out);
        self.encode_instruments(out);
        self.encode_accounts(out);
        self.encode_orders(out);
        self.encode_books(out);
        self.encode_activity(out);
        self.encode_rules(out);
        out.u64(self.remembered.len());
        self.remembered.cells().for_each(|cell| out.u128(cell));
    }

    fn encode_assets(&self, out: &mut Writer) {
        out.count(self.assets.len());
        for (asset, external) in self.assets.iter().zip(self.ledger.external()) {
            out.record(&AssetRegistered {
                code: asset.code,
                asset: asset.id,
                decimals: asset.decimals,
                is_instrument: asset.is_instrument,
                reserved: [0; 2],
            });
            out.i64(external.0);
        }
    }

    fn encode_instruments(&self, out: &mut Writer) {
        out.count(self.instruments.len());
        for instrument in self.instruments.iter() {
            out.record(&instrument.terms);
            out.record(&PhaseChanged {
                instrument: instrument.terms.instrument,
                phase: instrument.phase,
                reserved: [0; 3],
            });
            out.u8(u8::from(instrument.last_price.is_some()));
            out.i64(instrument.last_price.map_or(0, |price| price.0));
        }
    }

    fn encode_accounts(&self, out: &mut Writer) {
        out.count(self.accounts.len());
        for account in self.accounts.iter() {
            out.record(&AccountOpened {
                name: account.name,
                account: account.id,
                status: account.status,
                reserved: [0; 3],
            });
            out.record(&AccountLimitsChanged {
                max_notional: account.max_notional.unwrap_or(Decimal::NONE),
                account: account.id,
                max_working_orders: account.max_working_orders,
            });
            let balances = (0u32..).zip(self.ledger.row(account.id));
            let balances = balances.filter(|(_, balance)| **balance != Balance::default());
            out.count(balances.clone().count());
            for (asset, balance) in balances {
                out.u32(asset);
                out.i64(balance.total.0);
                out.i64(balance.held.0);
            }
        }
    }

    fn encode_orders(&self, out: &mut Writer) {
        let (used, free) = self.orders.vacancies();
        out.u64(self.orders.accepted());
        out.count(used);
        out.count(free.len());
        for &slot in free {
            out.u32(slot);
        }
        out.count(self.orders.len());
        for order in self.orders.iter() {
            out.record(&OrderAccepted {
                order_id: order.id,
                cl_ord_id: order.cl_ord_id,
                account: order.account,
                instrument: order.instrument,
                price: order.price,
                quantity: order.leaves,
                expire_at: order.expire_at,
                side: order.side,
                order_type: order.order_type,
                time_in_force: order.time_in_force,
                post_only: order.post_only,
                self_trade_prevention: order.self_trade_prevention,
                booked: true,
                reserved: [0; 10],
            });
            out.u64(order.cum.0);
        }
    }

    fn encode_books(&self, out: &mut Writer) {
        for instrument in self.instruments.iter() {
            for side in [Side::Buy, Side::Sell] {
                let at = out.0.len();
                out.count(0);
                let mut count = 0u32;
                for (_, resting) in instrument.book.orders(side) {
                    out.u32(resting.order_id.slot());
                    count += 1;
                }
                out.0[at..at + 4].copy_from_slice(&count.to_le_bytes());
            }
        }
    }

    /// Reads a state from bytes that [`State::encode`] wrote, and checks it as [`State::check`] does.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut input = Reader::new(bytes);
        let from = &mut input;
        match from.u32()? {
            SNAPSHOT_VERSION => {}
            found => return Err(SnapshotError::Version { found }),
        }
        let mut state = Self::new();
        state.bounds = Bounds::from(&from.record::<Configured>()?);
        state.bounds.check().map_err(|_| from.malformed("bounds"))?;
        state.configured = flag(from)?;
        let day_started = flag(from)?;
        let day = from.record::<TradingDayStarted>()?.day;
        state.trading_day = day_started.then_some(day);
        state.next_trade = TradeId(from.u64()?);
        let external = state.decode_assets(from)?;
        state.decode_instruments(from)?;
        state.decode_accounts(from)?;
        for (asset, external) in (0u32..).zip(external) {
            state.ledger.restore_external(AssetId(asset), Cash(external));
        }
        state.decode_orders(from)?;
        state.decode_books(from)?;
        state.chain_and_time()?;
        state.decode_activity(from)?;
        state.decode_rules(from)?;
        for _ in 0..from.u64()? {
            let cell = from.u128()?;
            if !state.remembered.restore(cell, state.bounds.max_order_ids) {
                return Err(from.malformed("client order id"));
            }
        }
        input.finish()?;
        state.check()?;
        Ok(state)
    }

    fn decode_assets(&mut self, from: &mut Reader) -> Result<Vec<i64>, SnapshotError> {
        let count = from.count(AssetRegistered::SIZE + 8)?;
        let mut external = Vec::with_capacity(count);
        for _ in 0..count {
            let event = from.record::<AssetRegistered>()?;
            let known = self.assets.by_code(&event.code).is_some();
            if known || event.asset != self.assets.next_id(0) || event.decimals > Decimal::MAX_SCALE {
                return Err(from.malformed("asset"));
            }
            self.assets.register(Asset {
                id: event.asset,
                code: event.code,
                decimals: event.decimals,
                is_instrument: event.is_instrument,
            });
            self.ledger.register_asset();
            external.push(from.i64()?);
        }
        Ok(external)
    }

    fn decode_instruments(&mut self, from: &mut Reader) -> Result<(), SnapshotError> {
        for _ in 0..from.count(InstrumentCreated::SIZE + PhaseChanged::SIZE + 9)? {
            let terms = from.record::<InstrumentCreated>()?;
            let phase = from.record::<PhaseChanged>()?.phase;
            let traded = flag(from)?;
            let last_price = Price(from.i64()?);
            let known = self.instruments.by_symbol(&terms.symbol).is_some();
            let asset = |id| self.assets.get(id).is_some();
            if known
                || terms.instrument != self.instruments.next_id()
                || !asset(terms.asset)
                || !asset(terms.currency)
                || terms.tick_value.0 <= 0
            {
                return Err(from.malformed("instrument"));
            }
            self.instruments.list(terms);
            let instrument = self.instruments.get_mut(terms.instrument);
            instrument.phase = phase;
            instrument.last_price = traded.then_some(last_price);
        }
        Ok(())
    }

    fn decode_accounts(&mut self, from: &mut Reader) -> Result<(), SnapshotError> {
        for _ in 0..from.count(AccountOpened::SIZE + AccountLimitsChanged::SIZE + 4)? {
            let opened = from.record::<AccountOpened>()?;
            let limits = from.record::<AccountLimitsChanged>()?;
            if opened.account != self.accounts.next_id() || self.accounts.by_name(&opened.name).is_some() {
                return Err(from.malformed("account"));
            }
            self.accounts.open(opened.account, opened.name, opened.status);
            self.ledger.open_account();
            self.activities.open_account();
            let account = self.accounts.get_mut(opened.account);
            account.max_notional = limits.max_notional.some();
            account.max_working_orders = limits.max_working_orders;
            for _ in 0..from.count(20)? {
                let asset = AssetId(from.u32()?);
                let balance = Balance { total: Cash(from.i64()?), held: Cash(from.i64()?) };
                if self.assets.get(asset).is_none() || balance == Balance::default() {
                    return Err(from.malformed("balance"));
                }
                self.ledger.restore(opened.account, asset, balance);
            }
        }
        Ok(())
    }

    fn decode_orders(&mut self, from: &mut Reader) -> Result<(), SnapshotError> {
        let accepted = from.u64()?;
        let used = from.u32()? as usize;
        let room = self.bounds.max_working_orders as usize;
        let mut vacant =
            vec![false; if used <= room { used } else { return Err(from.malformed("slot count")) }];
        let mut free = Vec::new();
        for _ in 0..from.count(4)? {
            let slot = from.u32()?;
            match vacant.get_mut(slot as usize) {
                Some(seen) if !*seen => *seen = true,
                _ => return Err(from.malformed("vacant slot")),
            }
            free.push(slot);
        }
        let count = from.count(OrderAccepted::SIZE + 8)?;
        if count + free.len() != used {
            return Err(from.malformed("slot count"));
        }
        self.orders = Orders::restored(accepted, used, free, room);
        for _ in 0..count {
            let event = from.record::<OrderAccepted>()?;
            let cum = Quantity(from.u64()?);
            let known = self.accounts.get(event.account).is_some()
                && self.instruments.get(event.instrument).is_some();
            let slot = event.order_id.slot() as usize;
            let possible = known
                && event.order_id.count().wrapping_sub(1) < accepted
                && vacant.get(slot) == Some(&false)
                && !event.quantity.is_zero()
                && self.orders.restore(order(&event, cum));
            if !possible {
                return Err(from.malformed("order"));
            }
        }
        Ok(())
    }

    fn decode_books(&mut self, from: &mut Reader) -> Result<(), SnapshotError> {
        for index in (0u32..).take(self.instruments.len()) {
            let instrument = self.instruments.get_mut(model::InstrumentId(index));
            for side in [Side::Buy, Side::Sell] {
                for _ in 0..from.count(4)? {
                    let slot = from.u32()?;
                    let booked = self.orders.slot_mut(slot).filter(|order| {
                        order.instrument.0 == index && order.side == side && !order.is_booked()
                    });
                    let Some(order) = booked else { return Err(from.malformed("place in a book")) };
                    let resting = Resting {
                        order_id: order.id,
                        owner: order.account,
                        price: order.price,
                        leaves: order.leaves,
                    };
                    order.handle = instrument.book.add(side, resting).0;
                }
            }
        }
        Ok(())
    }

    /// Rebuilds what follows from the orders: each account's chain by age, and the timers.
    fn chain_and_time(&mut self) -> Result<(), SnapshotError> {
        let mut ids: Vec<OrderId> = self.orders.iter().map(|order| order.id).collect();
        ids.sort_unstable();
        for id in ids {
            let order = self.orders.working(id);
            if !order.is_booked() {
                return Err(InvariantBroken::NotBooked { order: id }.into());
            }
            let timer = (order.time_in_force == TimeInForce::Gtd).then_some(order.expire_at);
            if order.side == Side::Buy {
                self.activities.cell(order.account, order.instrument).open_buy += order.leaves;
            }
            let account = self.accounts.get_mut(order.account);
            account.working_orders += 1;
            self.orders.append(id.slot(), &mut account.ages);
            if let Some(time) = timer {
                self.timers.insert(time, id, &mut self.orders);
            }
        }
        Ok(())
    }
}

impl<B: OrderBook> State<B> {
    fn encode_activity(&self, out: &mut Writer) {
        for account in self.accounts.iter() {
            let row = (0u32..).zip(self.activities.row(account.id));
            let traded = row.filter(|(_, activity)| !activity.day_volume.is_zero());
            out.count(traded.clone().count());
            for (instrument, activity) in traded {
                out.u32(instrument);
                out.u64(activity.day_volume.0);
            }
        }
    }

    fn decode_activity(&mut self, from: &mut Reader) -> Result<(), SnapshotError> {
        for account in (0u32..).map(AccountId).take(self.accounts.len()) {
            for _ in 0..from.count(12)? {
                let instrument = InstrumentId(from.u32()?);
                let volume = Quantity(from.u64()?);
                if self.instruments.get(instrument).is_none() || volume.is_zero() {
                    return Err(from.malformed("volume of the day"));
                }
                self.activities.cell(account, instrument).day_volume = volume;
            }
        }
        Ok(())
    }
}

fn flag(from: &mut Reader) -> Result<bool, SnapshotError> {
    match from.u8()? {
        0 => Ok(false),
        1 => Ok(true),
        _ => Err(from.malformed("flag")),
    }
}

/// The order that an `OrderAccepted` with its leaves brings back.
fn order(event: &OrderAccepted, cum: Quantity) -> Order {
    Order {
        id: event.order_id,
        cl_ord_id: event.cl_ord_id,
        account: event.account,
        instrument: event.instrument,
        price: event.price,
        leaves: event.quantity,
        cum,
        expire_at: event.expire_at,
        handle: NONE,
        timer: NONE,
        side: event.side,
        order_type: event.order_type,
        time_in_force: event.time_in_force,
        post_only: event.post_only,
        self_trade_prevention: event.self_trade_prevention,
    }
}
