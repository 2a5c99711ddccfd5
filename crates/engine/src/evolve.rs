//! What an event changes. The only code that changes a [`State`], in live trading, recovery, replicas and time travel
//! alike.
//!
//! Events are facts: nothing is checked for permission here. An event that cannot follow from the state (an order that does
//! not work, an id out of turn) means a log and a build that do not belong together, and panics.

use crate::assets::Asset;
use crate::bounds::Bounds;
use crate::instruments::Instrument;
use crate::orders::{NONE, Order};
use crate::remembered::Fingerprint;
use crate::rules::Rules;
use crate::state::State;
use model::{
    AccountStatus, AssetId, Cash, Event, OrderAccepted, OrderBooked, OrderCanceled, OrderReduced,
    OrderReplaced, Price, Quantity, Record, RuleLoaded, Side, TimeInForce, Trade,
};
use order_book::{Handle, OrderBook, Resting};

/// Applies an event.
pub fn evolve<B: OrderBook>(state: &mut State<B>, event: &Event) {
    match event {
        Event::OrderAccepted(event) => accepted(state, event),
        Event::Trade(event) => traded(state, event),
        Event::OrderBooked(event) => booked(state, event),
        Event::OrderCanceled(event) => canceled(state, event),
        Event::OrderReplaced(event) => replaced(state, event),
        Event::OrderReduced(event) => reduced(state, event),
        Event::PhaseChanged(event) => state.instruments.get_mut(event.instrument).phase = event.phase,
        Event::TradingDayStarted(event) => {
            state.trading_day = Some(event.day);
            state.activities.start_day();
            forget_order_ids(state);
        }
        Event::Configured(event) => {
            state.bounds = Bounds::from(event);
            state.configured = true;
        }
        Event::AssetRegistered(event) => {
            state.assets.register(Asset {
                id: event.asset,
                code: event.code,
                decimals: event.decimals,
                is_instrument: event.is_instrument,
            });
            state.ledger.register_asset();
        }
        Event::InstrumentCreated(event) => state.instruments.list(*event),
        Event::AccountOpened(event) => {
            state.accounts.open(event.account, event.name, event.status);
            state.ledger.open_account();
            state.activities.open_account();
        }
        Event::BalanceChanged(event) => state.ledger.change(event.account, event.asset, event.amount),
        Event::AccountStatusChanged(event) => state.accounts.get_mut(event.account).status = event.status,
        Event::AccountLimitsChanged(event) => {
            let account = state.accounts.get_mut(event.account);
            account.max_notional = event.max_notional.some();
            account.max_working_orders = event.max_working_orders;
        }
        Event::AccountKilled(event) => {
            state.accounts.get_mut(event.account).status = AccountStatus::Killed;
        }
        Event::RuleLoaded(event) => state.rule_book.load(event),
        Event::RuleApproved(event) => state.rule_book.approve(event),
        Event::RuleActivated(event) => state.rule_book.activate(event),
        Event::RuleDeactivated(event) => state.rule_book.deactivate(event),
        Event::RuleSuspended(event) => state.rule_book.suspend(*event),
        Event::RuleFaulted(event) => state.rule_book.faulted(event),
        Event::RuleRecovered(event) => state.rule_book.recovered(event.rule, event.activation),
        Event::RuleCounterChanged(event) => state.rule_book.count(event),
        // A refusal changes nothing, and neither does what a shadow thinks.
        Event::RuleVerdict(_)
        | Event::OrderRejected(_)
        | Event::CancelRejected(_)
        | Event::ReplaceRejected(_)
        | Event::CommandRejected(_) => {}
    }
}

/// Applies an event, and tells those who run the rules when it changes who is asked.
#[inline]
pub fn evolve_telling<B: OrderBook, R: Rules + ?Sized>(state: &mut State<B>, event: &Event, rules: &mut R) {
    if event.kind() < RuleLoaded::KIND {
        return evolve(state, event);
    }
    let ended = match event {
        Event::RuleActivated(event) => {
            let slot = state.rule_book.get(event.rule).map(|rule| rule.slot(event.mode));
            slot.and_then(|slot| slot.activation.as_ref()).map(|before| before.activation)
        }
        Event::RuleDeactivated(event) => Some(event.activation),
        Event::RuleSuspended(event) => Some(event.activation),
        _ => None,
    };
    evolve(state, event);
    if let Event::RuleActivated(event) = event {
        rules.activated(event);
    }
    if let Some(ended) = ended {
        rules.ended(ended);
    }
}

/// What so many lots of an order hold: the limit price's worth of cash for a buy, the lots themselves for a sell. A market buy
/// holds nothing, since it never rests: its price is 0.
#[inline]
fn holding<B>(instrument: &Instrument<B>, side: Side, price: Price, lots: Quantity) -> (AssetId, Cash) {
    match side {
        Side::Buy => {
            let cash = instrument.cash(price, lots).expect("a hold was once available, so it fits");
            (instrument.terms.currency, cash)
        }
        Side::Sell => {
            let lots = i64::try_from(lots.0).expect("a hold was once available, so it fits");
            (instrument.terms.asset, Cash(lots))
        }
    }
}

#[inline]
fn resting(order: &Order) -> Resting {
    Resting { order_id: order.id, owner: order.account, price: order.price, leaves: order.leaves }
}

fn accepted<B: OrderBook>(state: &mut State<B>, event: &OrderAccepted) {
    let OrderAccepted { order_id, account, side, price, quantity, .. } = *event;
    let id = Fingerprint::of(account, &event.cl_ord_id);
    state.remembered.insert(id, order_id.slot(), state.bounds.max_order_ids);

    let instrument = state.instruments.get_mut(event.instrument);
    let (asset, amount) = holding(instrument, side, price, quantity);
    let mut order = Order {
        id: order_id,
        cl_ord_id: event.cl_ord_id,
        account,
        instrument: event.instrument,
        price,
        leaves: quantity,
        cum: Quantity::ZERO,
        expire_at: event.expire_at,
        handle: NONE,
        timer: NONE,
        side,
        order_type: event.order_type,
        time_in_force: event.time_in_force,
        post_only: event.post_only,
        self_trade_prevention: event.self_trade_prevention,
    };
    if event.booked {
        order.handle = instrument.book.add(side, resting(&order)).0;
    }
    state.ledger.hold(account, asset, amount);
    if side == Side::Buy {
        state.activities.cell(account, event.instrument).open_buy += quantity;
    }

    let account = state.accounts.get_mut(account);
    account.working_orders += 1;
    if state.orders.capacity() == 0 {
        state.orders.reserve(state.bounds.max_working_orders as usize);
    }
    state.orders.insert(order, &mut account.ages);
    if event.time_in_force == TimeInForce::Gtd {
        state.timers.insert(event.expire_at, order_id, &mut state.orders);
    }
}

fn traded<B: OrderBook>(state: &mut State<B>, event: &Trade) {
    let Trade { price, quantity, .. } = *event;
    let instrument = state.instruments.get_mut(event.instrument);
    instrument.last_price = Some(price);
    state.next_trade = model::TradeId(event.trade_id.0 + 1);

    let maker = state.orders.working(event.maker_order_id);
    maker.leaves -= quantity;
    maker.cum += quantity;
    let (maker_price, maker_done) = (maker.price, maker.leaves.is_zero());
    let left = instrument.book.reduce(Handle(maker.handle), quantity);
    debug_assert_eq!(left, maker.leaves, "book and order table agree");
    if maker_done {
        maker.handle = NONE;
    }
    let taker = state.orders.working(event.taker_order_id);
    taker.leaves -= quantity;
    taker.cum += quantity;
    let (taker_price, taker_done) = (taker.price, taker.leaves.is_zero());
    debug_assert_eq!((maker_done, taker_done), (event.maker_filled, event.taker_filled));

    let (buyer, buyer_limit, seller) = match event.taker_side {
        Side::Buy => (event.taker_account, taker_price, event.maker_account),
        Side::Sell => (event.maker_account, maker_price, event.taker_account),
    };
    // The buyer held its limit's worth, and pays the maker's price.
    let (currency, held) = holding(instrument, Side::Buy, buyer_limit, quantity);
    let (_, paid) = holding(instrument, Side::Buy, price, quantity);
    let (asset, lots) = holding(instrument, Side::Sell, price, quantity);
    state.ledger.transfer(buyer, seller, currency, paid, held);
    state.ledger.transfer(seller, buyer, asset, lots, lots);
    let bought = state.activities.cell(buyer, event.instrument);
    bought.open_buy -= quantity;
    bought.day_volume += quantity;
    state.activities.cell(seller, event.instrument).day_volume += quantity;

    if maker_done {
        finished(state, event.maker_order_id);
    }
    if taker_done {
        finished(state, event.taker_order_id);
    }
}

fn booked<B: OrderBook>(state: &mut State<B>, event: &OrderBooked) {
    let order = state.orders.working(event.order_id);
    debug_assert_eq!((order.price, order.leaves), (event.price, event.leaves));
    let book = &mut state.instruments.get_mut(event.instrument).book;
    order.handle = book.add(event.side, resting(order)).0;
}

fn canceled<B: OrderBook>(state: &mut State<B>, event: &OrderCanceled) {
    let order = state.orders.working(event.order_id);
    debug_assert_eq!((order.leaves, order.is_booked()), (event.leaves, event.was_booked));
    let instrument = state.instruments.get_mut(event.instrument);
    let (asset, amount) = holding(instrument, event.side, order.price, event.leaves);
    if event.was_booked {
        instrument.book.remove(Handle(order.handle));
        order.handle = NONE;
    }
    state.ledger.release(event.account, asset, amount);
    if event.side == Side::Buy {
        state.activities.cell(event.account, event.instrument).open_buy -= event.leaves;
    }
    finished(state, event.order_id);
}

/// An order stopped working: its timer stops, and its slot is vacant. Its client order id stays used.
#[inline]
fn finished<B: OrderBook>(state: &mut State<B>, id: model::OrderId) {
    let order = state.orders.working(id);
    debug_assert!(!order.is_booked(), "what is finished is not in a book");
    let (timer, account) = (order.timer, order.account);
    if timer != NONE {
        state.timers.remove(timer, &mut state.orders);
    }
    let account = state.accounts.get_mut(account);
    account.working_orders -= 1;
    state.orders.remove(id, &mut account.ages);
}

fn reduced<B: OrderBook>(state: &mut State<B>, event: &OrderReduced) {
    let order = state.orders.working(event.order_id);
    order.leaves -= event.by;
    debug_assert_eq!(order.leaves, event.leaves);
    let instrument = state.instruments.get_mut(event.instrument);
    let (asset, amount) = holding(instrument, order.side, order.price, event.by);
    if order.is_booked() {
        instrument.book.reduce(Handle(order.handle), event.by);
    }
    if order.side == Side::Buy {
        state.activities.cell(event.account, event.instrument).open_buy -= event.by;
    }
    state.ledger.release(event.account, asset, amount);
}

fn replaced<B: OrderBook>(state: &mut State<B>, event: &OrderReplaced) {
    let id = Fingerprint::of(event.account, &event.cl_ord_id);
    state.remembered.insert(id, event.order_id.slot(), state.bounds.max_order_ids);

    let order = state.orders.working(event.order_id);
    let instrument = state.instruments.get_mut(event.instrument);
    let (asset, old_hold) = holding(instrument, event.side, order.price, order.leaves);
    let old_leaves = order.leaves;
    order.cl_ord_id = event.cl_ord_id;
    order.price = event.price;
    order.leaves = event.quantity - order.cum;
    let (_, new_hold) = holding(instrument, event.side, order.price, order.leaves);
    state.ledger.release(event.account, asset, old_hold);
    state.ledger.hold(event.account, asset, new_hold);
    if event.side == Side::Buy {
        let activity = state.activities.cell(event.account, event.instrument);
        activity.open_buy = activity.open_buy - old_leaves + order.leaves;
    }

    let book = &mut instrument.book;
    if event.priority_kept {
        let by = old_leaves - order.leaves;
        if !by.is_zero() {
            book.reduce(Handle(order.handle), by);
        }
    } else {
        book.remove(Handle(order.handle));
        order.handle = if event.booked { book.add(event.side, resting(order)).0 } else { NONE };
    }
}

/// Only working orders keep their client order ids into a new day.
fn forget_order_ids<B: OrderBook>(state: &mut State<B>) {
    state.remembered.clear();
    for order in state.orders.iter() {
        let id = Fingerprint::of(order.account, &order.cl_ord_id);
        state.remembered.insert(id, order.id.slot(), state.bounds.max_order_ids);
    }
}
