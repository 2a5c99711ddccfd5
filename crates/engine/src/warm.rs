//! Looking ahead. What a command or an event will look at lies at random in tables far larger than any cache, and each look waits a
//! tenth of a microsecond for memory. Looking for a whole window of them first makes the waits happen at once.
//!
//! Nothing is decided here and nothing changes: leaving it out gives the same events, later.

use crate::orders::{NONE, Order};
use crate::remembered::Fingerprint;
use crate::state::State;
use model::{AccountId, Command, Event, InstrumentId, OrderId};
use order_book::{Handle, OrderBook};

/// The most commands or events worth looking ahead for: as many loads as a processor keeps under way.
pub const WINDOW_MAX: usize = 16;

/// What can be told about a command or an event without looking anywhere.
#[derive(Clone, Copy, Debug)]
pub struct Ahead {
    account: AccountId,
    instrument: InstrumentId,
    /// The id of the order it is about.
    named: Option<Fingerprint>,
    /// The slot of that order, where it is known.
    slot: u32,
    /// The id it brings.
    brought: Option<Fingerprint>,
}

impl Ahead {
    /// Nothing to look at.
    pub const NOTHING: Self = Self {
        account: AccountId::UNKNOWN,
        instrument: InstrumentId::UNKNOWN,
        named: None,
        slot: NONE,
        brought: None,
    };

    /// What can be told about `command`.
    #[inline]
    pub fn of(command: &Command) -> Self {
        match command {
            Command::SubmitOrder(command) => Self {
                account: command.account,
                instrument: command.instrument,
                brought: Some(Fingerprint::of(command.account, &command.cl_ord_id)),
                ..Self::NOTHING
            },
            Command::CancelOrder(command) => Self {
                account: command.account,
                named: Some(Fingerprint::of(command.account, &command.cl_ord_id)),
                ..Self::NOTHING
            },
            Command::ReplaceOrder(command) => Self {
                account: command.account,
                named: Some(Fingerprint::of(command.account, &command.cl_ord_id)),
                brought: Some(Fingerprint::of(command.account, &command.new_cl_ord_id)),
                ..Self::NOTHING
            },
            _ => Self::NOTHING,
        }
    }

    /// What can be told about an event that is about to be applied.
    #[inline]
    pub fn of_event(event: &Event) -> Self {
        let about = |account, id: OrderId| Self { account, slot: id.slot(), ..Self::NOTHING };
        match event {
            Event::OrderAccepted(event) => Self {
                account: event.account,
                instrument: event.instrument,
                slot: event.order_id.slot(),
                brought: Some(Fingerprint::of(event.account, &event.cl_ord_id)),
                ..Self::NOTHING
            },
            Event::OrderReplaced(event) => Self {
                brought: Some(Fingerprint::of(event.account, &event.cl_ord_id)),
                ..about(event.account, event.order_id)
            },
            Event::OrderCanceled(event) => about(event.account, event.order_id),
            Event::OrderReduced(event) => about(event.account, event.order_id),
            Event::Trade(event) => about(event.maker_account, event.maker_order_id),
            _ => Self::NOTHING,
        }
    }
}

impl<B: OrderBook> State<B> {
    /// Brings what the commands or events of a window will look at into the caches. At most [`WINDOW_MAX`] of them count.
    ///
    /// Three rounds, because some places are only known from others; within a round no load waits for another.
    pub fn warm(&self, window: &[Ahead]) {
        let window = &window[..window.len().min(WINDOW_MAX)];
        // Loads whose values nobody wants are not done. This sum wants them.
        let mut seen = 0;
        for ahead in window {
            for id in [ahead.named, ahead.brought].into_iter().flatten() {
                seen ^= self.remembered.touch(id);
            }
            seen ^= self.accounts.get(ahead.account).map_or(0, |account| u64::from(account.working_orders));
            seen ^= self.ledger.touch(ahead.account);
        }
        let mut slots = [NONE; WINDOW_MAX];
        for (ahead, place) in window.iter().zip(&mut slots) {
            *place = ahead.named.and_then(|id| self.remembered.find(id)).unwrap_or(ahead.slot);
            if *place != NONE {
                seen ^= self
                    .orders
                    .slot(*place)
                    .map_or(0, |order| order.id.0 ^ order.expire_at.0.cast_unsigned());
            }
            seen ^= self.touch_money(ahead.account, ahead.instrument);
        }
        for (ahead, slot) in window.iter().zip(slots) {
            if let Some(order) = self.orders.slot(slot) {
                seen ^= self.touch_order(ahead.account, order);
            }
        }
        std::hint::black_box(seen);
    }

    /// The balances an order in an instrument is about.
    #[inline]
    fn touch_money(&self, account: AccountId, instrument: InstrumentId) -> u64 {
        let Some(instrument) = self.instruments.get(instrument) else { return 0 };
        let balance = |asset| self.ledger.balance(account, asset).total.0.cast_unsigned();
        balance(instrument.terms.asset) ^ balance(instrument.terms.currency)
    }

    /// A working order's place in its book, and its neighbours in its account's chain.
    #[inline]
    fn touch_order(&self, account: AccountId, order: &Order) -> u64 {
        if order.id == OrderId::NONE || order.handle == NONE || order.account != account {
            return 0;
        }
        let Some(instrument) = self.instruments.get(order.instrument) else { return 0 };
        let resting = instrument.book.get(Handle(order.handle));
        resting.leaves.0
            ^ self.orders.touch_neighbours(order.id.slot())
            ^ self.touch_money(account, order.instrument)
    }
}
