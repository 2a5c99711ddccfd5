//! What a command causes. Reads the state, changes nothing, and says what happened.

mod admin;
mod cancel;
mod judge;
mod limits;
mod listing;
mod money;
mod replace;
mod rule_admin;
mod submit;

use crate::rules::{Rules, ValidationRow};
use crate::state::State;
use model::{
    AccountId, Command, CommandRejected, Event, InstrumentId, RecordKind, RejectReason, RuleKind, Timestamp,
};
use order_book::OrderBook;

/// Appends the events that a command causes at a time, as the sequencer stamped it. An order's command always causes at
/// least one; a command that finds nothing to do (such as `CancelAll` without orders) may cause none.
///
/// Pure: the same state, time, command and rule verdicts always give the same events, and the state becomes what they
/// say only when [`evolve`](crate::evolve) is given them, all of them, before the next command is decided.
pub fn decide<B: OrderBook, R: Rules + ?Sized>(
    state: &State<B>,
    now: Timestamp,
    command: &Command,
    rules: &mut R,
    events: &mut Vec<Event>,
) {
    match command {
        Command::SubmitOrder(command) => submit::submit(state, now, command, rules, events),
        Command::ReplaceOrder(command) => replace::replace(state, now, command, rules, events),
        Command::CancelOrder(command) => cancel::cancel(state, command, events),
        Command::CancelAll(command) => cancel::cancel_all(state, *command, events),
        Command::KillAccount(command) => cancel::kill(state, *command, events),
        Command::SetPhase(command) => admin::set_phase(state, *command, events),
        Command::AdvanceTime(command) => cancel::expire_due(state, command.now, events),
        Command::StartTradingDay(command) => admin::start_trading_day(state, *command, events),
        Command::Configure(command) => admin::configure(state, command, events),
        Command::CreateInstrument(command) => listing::create_instrument(state, command, events),
        Command::OpenAccount(command) => money::open_account(state, command, events),
        Command::Deposit(command) => money::deposit(state, command, events),
        Command::Withdraw(command) => money::withdraw(state, command, events),
        Command::SetAccountStatus(command) => admin::set_account_status(state, *command, events),
        Command::SetAccountLimits(command) => admin::set_account_limits(state, command, events),
        Command::LoadRule(command) => rule_admin::load(state, command, events),
        Command::ApproveRule(command) => rule_admin::approve(state, command, events),
        Command::ActivateRule(command) => rule_admin::activate(state, command, events),
        Command::DeactivateRule(command) => rule_admin::deactivate(state, command, events),
        Command::RollbackRule(command) => rule_admin::rollback(state, command, events),
    }
}

/// Lets the validation rules judge new orders ahead of their turn, all at once. Changes no outcome: an order that turns out
/// otherwise than it looked from here is judged again. `rows` is room to work in.
pub fn prepare<'c, B: OrderBook, R: Rules + ?Sized>(
    state: &State<B>,
    now: Timestamp,
    commands: &(impl Iterator<Item = &'c Command> + Clone),
    rules: &mut R,
    rows: &mut Vec<ValidationRow>,
) {
    for asked in state.rule_book.asked(RuleKind::Validation) {
        rows.clear();
        rows.extend(commands.clone().filter_map(|command| {
            let Command::SubmitOrder(command) = command else { return None };
            if !asked.covers(command.account, command.instrument) {
                return None;
            }
            let instrument = state.instrument(command.instrument)?;
            let order = submit::propose(instrument, command).ok()?;
            Some(judge::validation_row(now, instrument, &order))
        }));
        rules.prepare(asked.activation, rows);
    }
}

/// Why an order or a replace is refused, and by which rule if it was one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Refusal {
    reason: RejectReason,
    rule: u16,
    rule_code: u32,
}

impl From<RejectReason> for Refusal {
    fn from(reason: RejectReason) -> Self {
        Self { reason, rule: 0, rule_code: 0 }
    }
}

/// The answer to a command that is not about one order and is refused.
fn rejected(
    command: RecordKind,
    reason: RejectReason,
    account: AccountId,
    instrument: InstrumentId,
) -> Event {
    Event::CommandRejected(CommandRejected { command, reason, account, instrument, reserved: 0 })
}
