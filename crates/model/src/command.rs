//! What can be asked of the exchange: commands, in the imperative. A command is an intention; what came of it is in
//! the [`events`](crate::Event) that stand beside it in the log.

use crate::codec::records;
use crate::{
    AccountId, AccountName, AccountStatus, AssetCode, CalendarName, ClOrdId, ComponentHash, CounterKey,
    CounterWindow, DayNumber, Decimal, FailMode, InstrumentId, OperatorName, OrderType, Phase, RuleKind,
    RuleMode, RuleName, RuleParameters, SelfTradePrevention, Side, SignerKey, Symbol, TimeInForce, Timestamp,
};

/// The most balances an account can be opened with; more come by deposit.
pub const MAX_INITIAL_BALANCES: usize = 16;

/// One of the balances an account is opened with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, rkyv::Archive, rkyv::Serialize, rkyv::Deserialize)]
#[repr(C)]
pub struct InitialBalance {
    /// A currency or an instrument; empty past the last balance.
    pub asset: AssetCode,
    /// How much of it.
    pub amount: Decimal,
}

impl InitialBalance {
    /// No balance: fills the unused places.
    pub const NONE: Self = Self { asset: AssetCode::EMPTY, amount: Decimal::new(0, 0) };
}

records! {
    /// Everything that can be asked of the exchange.
    enum Command;

    /// A new order. Answered by `OrderAccepted` or `OrderRejected`.
    0x0101 v 1 (64 bytes)
    struct SubmitOrder {
        /// The client's id for it.
        cl_ord_id: ClOrdId,
        /// Whose order.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// Limit price in the quote currency, times `10^price_scale`; `i64::MIN` for a market order.
        price_units: i64,
        /// Quantity times `10^quantity_scale`.
        quantity_units: i64,
        /// When a `gtd` order expires; [`Timestamp::NONE`] otherwise.
        expire_at: Timestamp,
        /// Decimals in `price_units`.
        price_scale: u8,
        /// Decimals in `quantity_units`.
        quantity_scale: u8,
        /// Buy or sell.
        side: Side,
        /// Market or limit.
        order_type: OrderType,
        /// How long it works.
        time_in_force: TimeInForce,
        /// Whether it must not take.
        post_only: bool,
        /// Its self-trade prevention mode, or `Default` for the instrument's.
        self_trade_prevention: SelfTradePrevention,
        /// Zero.
        reserved: u8,
    }

    /// New quantity, price or both for a working order. Answered by `OrderReplaced`, `OrderCanceled` (when the new
    /// quantity is already filled) or `ReplaceRejected`.
    0x0102 v 1 (72 bytes)
    struct ReplaceOrder {
        /// The id the order has now.
        cl_ord_id: ClOrdId,
        /// The id it shall have.
        new_cl_ord_id: ClOrdId,
        /// New limit price times `10^price_scale`; `i64::MIN` keeps the old.
        price_units: i64,
        /// New total quantity times `10^quantity_scale`; `i64::MIN` keeps the old.
        quantity_units: i64,
        /// Whose order.
        account: AccountId,
        /// Decimals in `price_units`.
        price_scale: u8,
        /// Decimals in `quantity_units`.
        quantity_scale: u8,
        /// Zero.
        reserved: [u8; 2],
    }

    /// Takes a working order out. Answered by `OrderCanceled` or `CancelRejected`.
    0x0103 v 1 (32 bytes)
    struct CancelOrder {
        /// The id the order has now.
        cl_ord_id: ClOrdId,
        /// Whose order.
        account: AccountId,
        /// Zero.
        reserved: u32,
    }

    /// Takes all of an account's working orders out.
    0x0104 v 1 (8 bytes)
    struct CancelAll {
        /// Whose orders.
        account: AccountId,
        /// In what; `ALL` for everything.
        instrument: InstrumentId,
    }

    /// The kill switch: cancels everything, and the account trades no more.
    0x0105 v 1 (8 bytes)
    struct KillAccount {
        /// Whose.
        account: AccountId,
        /// Zero.
        reserved: u32,
    }

    /// Moves an instrument to another trading phase.
    0x0110 v 1 (8 bytes)
    struct SetPhase {
        /// Which.
        instrument: InstrumentId,
        /// To what.
        phase: Phase,
        /// Zero.
        reserved: [u8; 3],
    }

    /// Time has passed: good-till orders that are due expire. Stamped, like every command, by the sequencer.
    0x0111 v 1 (8 bytes)
    struct AdvanceTime {
        /// The time it is.
        now: Timestamp,
    }

    /// A new trading day: client order ids of orders that no longer work are free again.
    0x0112 v 1 (8 bytes)
    struct StartTradingDay {
        /// Which day.
        day: DayNumber,
        /// Zero.
        reserved: u32,
    }

    /// Sets the exchange's own bounds. The first command of every log; refused once anything else has happened.
    0x0113 v 1 (24 bytes)
    struct Configure {
        /// The most client order ids remembered in a trading day.
        max_order_ids: u64,
        /// The most orders working at once, at most [`MAX_WORKING_ORDERS`](crate::MAX_WORKING_ORDERS).
        max_working_orders: u32,
        /// The most accounts.
        max_accounts: u32,
        /// The most instruments.
        max_instruments: u32,
        /// Zero.
        reserved: u32,
    }

    /// Lists a new instrument.
    0x0120 v 1 (136 bytes) boxed yes
    struct CreateInstrument {
        /// Its symbol.
        symbol: Symbol,
        /// What its price is in.
        currency: AssetCode,
        /// Who moves its phases; empty for the operator alone.
        calendar: CalendarName,
        /// The smallest price step, in the currency.
        tick_size: Decimal,
        /// The smallest quantity step.
        lot_size: Decimal,
        /// The largest order quantity, or [`Decimal::NONE`].
        max_quantity: Decimal,
        /// The largest order value in the currency, or [`Decimal::NONE`].
        max_notional: Decimal,
        /// How far from the last trade a limit may be, in percent, or [`Decimal::NONE`].
        collar_percent: Decimal,
        /// The default self-trade prevention mode. Not `Default`.
        self_trade_prevention: SelfTradePrevention,
        /// Decimals of the currency's minor unit: 2 for cents. Must equal the currency's, if it is known already.
        currency_decimals: u8,
        /// Zero.
        reserved: [u8; 6],
    }

    /// Opens an account.
    0x0130 v 1 (552 bytes) boxed yes
    struct OpenAccount {
        /// Its name.
        name: AccountName,
        /// What it starts with; unused places are [`InitialBalance::NONE`].
        balances: [InitialBalance; MAX_INITIAL_BALANCES],
        /// `Verified` to trade at once, `Opened` otherwise.
        status: AccountStatus,
        /// Zero.
        reserved: [u8; 7],
    }

    /// Brings cash or shares in from outside.
    0x0131 v 1 (40 bytes)
    struct Deposit {
        /// What.
        asset: AssetCode,
        /// How much.
        amount: Decimal,
        /// To whom.
        account: AccountId,
        /// Zero.
        reserved: u32,
    }

    /// Takes available cash or shares out.
    0x0132 v 1 (40 bytes)
    struct Withdraw {
        /// What.
        asset: AssetCode,
        /// How much.
        amount: Decimal,
        /// From whom.
        account: AccountId,
        /// Zero.
        reserved: u32,
    }

    /// Verifies or suspends an account.
    0x0133 v 1 (8 bytes)
    struct SetAccountStatus {
        /// Whose.
        account: AccountId,
        /// The new status. Not `Killed`: that is `KillAccount`.
        status: AccountStatus,
        /// Zero.
        reserved: [u8; 3],
    }

    /// Sets an account's own limits.
    0x0134 v 1 (24 bytes)
    struct SetAccountLimits {
        /// The largest value of one order, in the order's currency, or [`Decimal::NONE`].
        max_notional: Decimal,
        /// Whose.
        account: AccountId,
        /// The most orders it may have working; `u32::MAX` for no limit.
        max_working_orders: u32,
    }

    /// Makes a component known under a rule's name. Its bytes are in the store already. Answered by `RuleLoaded`.
    0x0140 v 1 (144 bytes) boxed yes
    struct LoadRule {
        /// The rule's name.
        name: RuleName,
        /// The component's bytes.
        component: ComponentHash,
        /// The key it was signed with, or [`SignerKey::NONE`].
        signer: SignerKey,
        /// Who loads it.
        by: OperatorName,
        /// Fuel for one call: about one unit for each instruction.
        fuel: u64,
        /// The most memory it may have, in bytes.
        memory_bytes: u32,
        /// The size of the component, in bytes.
        size_bytes: u32,
        /// The major version of the contract it was built for.
        contract_major: u16,
        /// The minor version of the contract it was built for.
        contract_minor: u16,
        /// Faults in a row after which it is suspended. At least 1.
        max_faults: u16,
        /// Which world it is of.
        kind: RuleKind,
        /// What becomes of an order that it cannot judge.
        fail: FailMode,
        /// What its counters are kept for.
        counter_key: CounterKey,
        /// How long they count.
        counter_window: CounterWindow,
        /// Whether another operator than the one who loads it must approve before it is enforced.
        needs_approval: bool,
        /// Zero.
        reserved: [u8; 5],
    }

    /// Puts a loaded component in force, or lets it shadow. Answered by `RuleActivated`.
    0x0141 v 1 (608 bytes) boxed yes
    struct ActivateRule {
        /// The rule's name.
        name: RuleName,
        /// Which of its components.
        component: ComponentHash,
        /// What it is configured with.
        parameters: RuleParameters,
        /// Who activates it.
        by: OperatorName,
        /// Whose orders it judges; `ALL` for everybody's.
        account: AccountId,
        /// Orders in what it judges; `ALL` for everything.
        instrument: InstrumentId,
        /// Rules of a kind are asked in the order of this number, and of their ids where it is the same.
        priority: u16,
        /// Whether its verdicts count.
        mode: RuleMode,
        /// Zero.
        reserved: [u8; 5],
    }

    /// Takes a rule out of force. Answered by `RuleDeactivated`.
    0x0142 v 1 (56 bytes) boxed yes
    struct DeactivateRule {
        /// The rule's name.
        name: RuleName,
        /// Who deactivates it.
        by: OperatorName,
        /// The enforced version or the shadow.
        mode: RuleMode,
        /// Zero.
        reserved: [u8; 7],
    }

    /// Goes back to what was in force under a rule's name before the last change. Answered by `RuleActivated`, or by
    /// `RuleDeactivated` when that was nothing.
    0x0143 v 1 (48 bytes) boxed yes
    struct RollbackRule {
        /// The rule's name.
        name: RuleName,
        /// Who goes back.
        by: OperatorName,
    }

    /// A second operator agrees to a component. Answered by `RuleApproved`.
    0x0144 v 1 (80 bytes) boxed yes
    struct ApproveRule {
        /// The rule's name.
        name: RuleName,
        /// Which of its components.
        component: ComponentHash,
        /// Who approves it.
        by: OperatorName,
    }
}

impl SubmitOrder {
    /// The limit price, as the client wrote it. `None` for a market order.
    #[inline]
    pub fn price(&self) -> Option<Decimal> {
        Decimal::new(self.price_units, self.price_scale).some()
    }

    /// The quantity, as the client wrote it.
    #[inline]
    pub const fn quantity(&self) -> Decimal {
        Decimal::new(self.quantity_units, self.quantity_scale)
    }
}

impl ReplaceOrder {
    /// The new limit price, as the client wrote it. `None` keeps the old.
    #[inline]
    pub fn price(&self) -> Option<Decimal> {
        Decimal::new(self.price_units, self.price_scale).some()
    }

    /// The new total quantity, as the client wrote it. `None` keeps the old.
    #[inline]
    pub fn quantity(&self) -> Option<Decimal> {
        Decimal::new(self.quantity_units, self.quantity_scale).some()
    }
}

impl InstrumentId {
    /// Every instrument, where a command can name all.
    pub const ALL: Self = Self(u32::MAX - 1);
}

impl AccountId {
    /// Every account, where a command can name all.
    pub const ALL: Self = Self(u32::MAX - 1);
}
