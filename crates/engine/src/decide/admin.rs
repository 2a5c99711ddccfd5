//! What the operator decides: phases, trading days, bounds, and whether and how far an account may trade.

use super::cancel::expire_day;
use super::rejected;
use crate::bounds::Bounds;
use crate::state::State;
use model::{
    AccountId, AccountLimitsChanged, AccountStatus, AccountStatusChanged, Configure, Configured, Event,
    InstrumentId, Phase, PhaseChanged, Record, RejectReason, SetAccountLimits, SetAccountStatus, SetPhase,
    StartTradingDay, TradingDayStarted,
};
use order_book::OrderBook;

/// Moves an instrument to another phase. Closing it expires its day orders.
pub(super) fn set_phase<B: OrderBook>(state: &State<B>, command: SetPhase, events: &mut Vec<Event>) {
    let SetPhase { instrument, phase, .. } = command;
    let reason = if state.instrument(instrument).is_none() {
        RejectReason::UnknownInstrument
    } else if phase == Phase::Auction {
        RejectReason::UnsupportedPhase
    } else {
        events.push(Event::PhaseChanged(PhaseChanged { instrument, phase, reserved: [0; 3] }));
        if phase == Phase::Closed {
            expire_day(state, instrument, events);
        }
        return;
    };
    events.push(rejected(SetPhase::KIND, reason, AccountId::UNKNOWN, instrument));
}

/// Begins a trading day, if it is later than the one there is.
pub(super) fn start_trading_day<B: OrderBook>(
    state: &State<B>,
    command: StartTradingDay,
    events: &mut Vec<Event>,
) {
    if state.trading_day.is_none_or(|day| day < command.day) {
        events.push(Event::TradingDayStarted(TradingDayStarted { day: command.day, reserved: 0 }));
    }
}

/// Sets the exchange's bounds, if nothing has happened yet.
pub(super) fn configure<B: OrderBook>(state: &State<B>, command: &Configure, events: &mut Vec<Event>) {
    let configured = Configured {
        max_order_ids: command.max_order_ids,
        max_working_orders: command.max_working_orders,
        max_accounts: command.max_accounts,
        max_instruments: command.max_instruments,
        reserved: 0,
    };
    let outcome = if state.is_pristine() {
        Bounds::from(&configured).check()
    } else {
        Err(RejectReason::AlreadyConfigured)
    };
    events.push(match outcome {
        Ok(()) => Event::Configured(configured),
        Err(reason) => rejected(Configure::KIND, reason, AccountId::UNKNOWN, InstrumentId::UNKNOWN),
    });
}

/// Verifies or suspends an account. A killed one stays killed.
pub(super) fn set_account_status<B: OrderBook>(
    state: &State<B>,
    command: SetAccountStatus,
    events: &mut Vec<Event>,
) {
    let SetAccountStatus { account, status, .. } = command;
    let reason = match state.account(account) {
        None => RejectReason::UnknownAccount,
        Some(known) if known.status == AccountStatus::Killed || status == AccountStatus::Killed => {
            RejectReason::KillSwitch
        }
        Some(_) => {
            let changed = AccountStatusChanged { account, status, reserved: [0; 3] };
            events.push(Event::AccountStatusChanged(changed));
            return;
        }
    };
    events.push(rejected(SetAccountStatus::KIND, reason, account, InstrumentId::UNKNOWN));
}

/// Sets an account's own limits. A limit that is not positive is `INVALID_AMOUNT`.
pub(super) fn set_account_limits<B: OrderBook>(
    state: &State<B>,
    command: &SetAccountLimits,
    events: &mut Vec<Event>,
) {
    let SetAccountLimits { max_notional, account, max_working_orders } = *command;
    let possible =
        max_notional.some().is_none_or(|limit| limit.units > 0 && limit.scale <= model::Decimal::MAX_SCALE);
    let reason = if state.account(account).is_none() {
        RejectReason::UnknownAccount
    } else if !possible {
        RejectReason::InvalidAmount
    } else {
        let changed = AccountLimitsChanged { max_notional, account, max_working_orders };
        events.push(Event::AccountLimitsChanged(changed));
        return;
    };
    events.push(rejected(SetAccountLimits::KIND, reason, account, InstrumentId::UNKNOWN));
}
