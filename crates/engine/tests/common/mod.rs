//! What the engine's tests share: short ways to write commands, a random flow in which everything collides, and an
//! oracle that knows the market's rules from the events alone.

#![allow(dead_code, reason = "every test binary uses its own part of this")]

pub mod flow;
pub mod oracle;

use engine::{NoRules, Rules, State, decide, evolve_telling};
use model::{
    AccountId, AccountName, AccountStatus, ActivateRule, AssetCode, CalendarName, CancelAll, CancelOrder,
    ClOrdId, Command, ComponentHash, CounterKey, CounterWindow, CreateInstrument, Decimal, Deposit, Event,
    FailMode, InitialBalance, InstrumentId, KillAccount, LoadRule, MAX_INITIAL_BALANCES, OpenAccount,
    OperatorName, OrderType, Phase, ReplaceOrder, RuleKind, RuleMode, RuleName, RuleParameters,
    SelfTradePrevention, SetPhase, Side, SignerKey, SubmitOrder, Symbol, TimeInForce, Timestamp, Withdraw,
};
use order_book::OrderBook;

/// The time of the first command.
pub const START: Timestamp = Timestamp(1_767_605_400_000_000_000);

pub fn decimal(text: &str) -> Decimal {
    text.parse().expect("a number")
}

pub fn id(text: &str) -> ClOrdId {
    ClOrdId::new(text).expect("an id")
}

/// An instrument in USD with cents, no limits and `cancel-newest`.
pub fn instrument(symbol: &str, tick: &str, lot: &str) -> CreateInstrument {
    CreateInstrument {
        symbol: Symbol::new(symbol).expect("a symbol"),
        currency: AssetCode::new("USD").expect("a code"),
        calendar: CalendarName::EMPTY,
        tick_size: decimal(tick),
        lot_size: decimal(lot),
        max_quantity: Decimal::NONE,
        max_notional: Decimal::NONE,
        collar_percent: Decimal::NONE,
        self_trade_prevention: SelfTradePrevention::CancelNewest,
        currency_decimals: 2,
        reserved: [0; 6],
    }
}

pub fn account(name: &str, balances: &[(&str, &str)]) -> OpenAccount {
    let mut all = [InitialBalance::NONE; MAX_INITIAL_BALANCES];
    for (place, (asset, amount)) in all.iter_mut().zip(balances) {
        place.asset = AssetCode::new(asset).expect("a code");
        place.amount = decimal(amount);
    }
    OpenAccount {
        name: AccountName::new(name).expect("a name"),
        balances: all,
        status: AccountStatus::Verified,
        reserved: [0; 7],
    }
}

pub fn operator(name: &str) -> OperatorName {
    OperatorName::new(name).expect("a name")
}

/// A component without counters that fails closed and is suspended after three faults; `version` makes its hash.
pub fn load_rule(name: &str, kind: RuleKind, version: u8) -> LoadRule {
    LoadRule {
        name: RuleName::new(name).expect("a name"),
        component: ComponentHash([version; 32]),
        signer: SignerKey::NONE,
        by: operator("olga"),
        fuel: 10_000,
        memory_bytes: 1 << 20,
        size_bytes: 2_000,
        contract_major: 1,
        contract_minor: 1,
        max_faults: 3,
        kind,
        fail: FailMode::Closed,
        counter_key: CounterKey::None,
        counter_window: CounterWindow::Forever,
        needs_approval: false,
        reserved: [0; 5],
    }
}

/// Puts a version in force for everybody and everything.
pub fn activate_rule(name: &str, version: u8) -> ActivateRule {
    ActivateRule {
        name: RuleName::new(name).expect("a name"),
        component: ComponentHash([version; 32]),
        parameters: RuleParameters::NONE,
        by: operator("olga"),
        account: AccountId::ALL,
        instrument: InstrumentId::ALL,
        priority: 100,
        mode: RuleMode::Enforce,
        reserved: [0; 5],
    }
}

/// A day limit order, or an ioc market order for the price `market`.
pub fn order(account: u32, cl_ord_id: &str, side: Side, quantity: &str, price: &str) -> SubmitOrder {
    let market = price == "market";
    let (quantity, price) = (decimal(quantity), if market { Decimal::NONE } else { decimal(price) });
    SubmitOrder {
        cl_ord_id: id(cl_ord_id),
        account: AccountId(account),
        instrument: InstrumentId(0),
        price_units: price.units,
        quantity_units: quantity.units,
        expire_at: Timestamp::NONE,
        price_scale: price.scale,
        quantity_scale: quantity.scale,
        side,
        order_type: if market { OrderType::Market } else { OrderType::Limit },
        time_in_force: if market { TimeInForce::Ioc } else { TimeInForce::Day },
        post_only: false,
        self_trade_prevention: SelfTradePrevention::Default,
        reserved: 0,
    }
}

pub fn replace(
    account: u32,
    old: &str,
    new: &str,
    quantity: Option<&str>,
    price: Option<&str>,
) -> ReplaceOrder {
    let quantity = quantity.map_or(Decimal::NONE, decimal);
    let price = price.map_or(Decimal::NONE, decimal);
    ReplaceOrder {
        cl_ord_id: id(old),
        new_cl_ord_id: id(new),
        price_units: price.units,
        quantity_units: quantity.units,
        account: AccountId(account),
        price_scale: price.scale,
        quantity_scale: quantity.scale,
        reserved: [0; 2],
    }
}

pub fn cancel(account: u32, cl_ord_id: &str) -> CancelOrder {
    CancelOrder { cl_ord_id: id(cl_ord_id), account: AccountId(account), reserved: 0 }
}

pub fn cancel_all(account: u32) -> CancelAll {
    CancelAll { account: AccountId(account), instrument: InstrumentId::ALL }
}

pub fn kill(account: u32) -> KillAccount {
    KillAccount { account: AccountId(account), reserved: 0 }
}

pub fn phase(instrument: u32, phase: Phase) -> SetPhase {
    SetPhase { instrument: InstrumentId(instrument), phase, reserved: [0; 3] }
}

pub fn deposit(account: u32, asset: &str, amount: &str) -> Deposit {
    Deposit {
        asset: AssetCode::new(asset).expect("a code"),
        amount: decimal(amount),
        account: AccountId(account),
        reserved: 0,
    }
}

pub fn withdraw(account: u32, asset: &str, amount: &str) -> Withdraw {
    Withdraw {
        asset: AssetCode::new(asset).expect("a code"),
        amount: decimal(amount),
        account: AccountId(account),
        reserved: 0,
    }
}

/// An exchange that is told one thing after another, a millisecond apart.
pub struct Exchange<B: OrderBook = order_book::Book> {
    pub state: State<B>,
    pub now: Timestamp,
}

impl<B: OrderBook> Default for Exchange<B> {
    fn default() -> Self {
        Self { state: State::new(), now: START }
    }
}

impl<B: OrderBook> Exchange<B> {
    /// Decides and applies a command, and says what happened.
    pub fn tell(&mut self, command: impl Into<Command>) -> Vec<Event> {
        self.tell_under(command, &mut NoRules)
    }

    pub fn tell_under(&mut self, command: impl Into<Command>, rules: &mut impl Rules) -> Vec<Event> {
        let mut events = Vec::new();
        decide(&self.state, self.now, &command.into(), rules, &mut events);
        for event in &events {
            evolve_telling(&mut self.state, event, rules);
        }
        self.state.check().expect("the state is sound after every command");
        self.now.0 += 1_000_000;
        events
    }
}
