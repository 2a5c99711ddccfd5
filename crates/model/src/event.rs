//! What happened: events, in the past tense. State is a fold over them and over nothing else.

use crate::codec::records;
use crate::{
    AccountId, AccountName, AccountStatus, ActivationId, AssetCode, AssetId, CalendarName, CancelReason,
    Cash, ClOrdId, ComponentHash, CounterKey, CounterWindow, DayNumber, Decimal, FailMode, InstrumentId,
    OperatorName, OrderId, OrderType, Phase, Price, Quantity, RecordKind, RejectReason, RuleFault, RuleId,
    RuleKind, RuleMode, RuleName, RuleParameters, SelfTradePrevention, Side, SignerKey, Symbol, TickValue,
    TimeInForce, Timestamp, TradeId,
};

records! {
    /// Everything that can have happened.
    enum Event;

    /// An order was taken in.
    0x0201 v 1 (80 bytes)
    struct OrderAccepted {
        /// The exchange's id for it.
        order_id: OrderId,
        /// The client's id for it.
        cl_ord_id: ClOrdId,
        /// Whose order.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// Limit price in ticks; 0 for a market order.
        price: Price,
        /// Quantity in lots.
        quantity: Quantity,
        /// When a `gtd` order expires; [`Timestamp::NONE`] otherwise.
        expire_at: Timestamp,
        /// Buy or sell.
        side: Side,
        /// Market or limit.
        order_type: OrderType,
        /// How long it works.
        time_in_force: TimeInForce,
        /// Whether it must not take.
        post_only: bool,
        /// The self-trade prevention mode that applies to it as incoming order. Never `Default`.
        self_trade_prevention: SelfTradePrevention,
        /// Whether it rests in the book at once, whole, with no trade. Otherwise what becomes of it follows:
        /// trades, then `OrderBooked` for a rest that stays or `OrderCanceled` for one that does not.
        booked: bool,
        /// Zero.
        reserved: [u8; 10],
    }

    /// A new order was refused.
    0x0202 v 1 (40 bytes)
    struct OrderRejected {
        /// The client's id for it.
        cl_ord_id: ClOrdId,
        /// Whose order.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// The rejecting rule's own code, when the reason is `Rule`.
        rule_code: u32,
        /// The rejecting rule, when the reason is `Rule`.
        rule: u16,
        /// Why.
        reason: RejectReason,
    }

    /// Two orders traded, at the maker's price.
    0x0203 v 1 (64 bytes)
    struct Trade {
        /// The trade's number.
        trade_id: TradeId,
        /// The order that rested.
        maker_order_id: OrderId,
        /// The order that came in.
        taker_order_id: OrderId,
        /// Price in ticks (FIX tag 31, `LastPx`).
        price: Price,
        /// Quantity in lots (FIX tag 32, `LastQty`).
        quantity: Quantity,
        /// When, as the sequencer stamped the taker's command.
        executed_at: Timestamp,
        /// Whose order rested.
        maker_account: AccountId,
        /// Whose order came in.
        taker_account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// The incoming order's side.
        taker_side: Side,
        /// Whether the maker is filled by this trade.
        maker_filled: bool,
        /// Whether the taker is filled by this trade.
        taker_filled: bool,
        /// Zero.
        reserved: u8,
    }

    /// What is left of an incoming order now rests in the book.
    0x0204 v 1 (32 bytes)
    struct OrderBooked {
        /// Which.
        order_id: OrderId,
        /// Price in ticks.
        price: Price,
        /// What rests, in lots.
        leaves: Quantity,
        /// In what.
        instrument: InstrumentId,
        /// Buy or sell.
        side: Side,
        /// Zero.
        reserved: [u8; 3],
    }

    /// An order stopped working before it was filled.
    0x0205 v 1 (32 bytes)
    struct OrderCanceled {
        /// Which.
        order_id: OrderId,
        /// What was canceled, in lots.
        leaves: Quantity,
        /// Whose order.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// Why.
        reason: CancelReason,
        /// Buy or sell.
        side: Side,
        /// Whether it rested in the book.
        was_booked: bool,
        /// Zero.
        reserved: [u8; 5],
    }

    /// An order has a new id, quantity or price. Its [`OrderId`] and its age stay.
    0x0206 v 1 (64 bytes)
    struct OrderReplaced {
        /// Which.
        order_id: OrderId,
        /// The client's new id for it.
        cl_ord_id: ClOrdId,
        /// New limit price in ticks.
        price: Price,
        /// New total quantity in lots.
        quantity: Quantity,
        /// Whose order.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// Whether it kept its place in the queue.
        priority_kept: bool,
        /// Whether it rests in the book after this event. Otherwise it left its old place and takes: trades follow, then
        /// `OrderBooked` or `OrderCanceled`.
        booked: bool,
        /// Buy or sell.
        side: Side,
        /// Zero.
        reserved: [u8; 5],
    }

    /// Self-trade prevention took something off an order, which goes on working in its place.
    0x0207 v 1 (32 bytes)
    struct OrderReduced {
        /// Which.
        order_id: OrderId,
        /// What was taken off its quantity, in lots.
        by: Quantity,
        /// What still works, in lots.
        leaves: Quantity,
        /// Whose order.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
    }

    /// A cancel was refused.
    0x0208 v 1 (32 bytes)
    struct CancelRejected {
        /// The id that was to be canceled.
        cl_ord_id: ClOrdId,
        /// Whose order.
        account: AccountId,
        /// Why.
        reason: RejectReason,
        /// Zero.
        reserved: u16,
    }

    /// A replace was refused, and changed nothing.
    0x0209 v 1 (64 bytes)
    struct ReplaceRejected {
        /// The id of the order that was to be replaced.
        cl_ord_id: ClOrdId,
        /// The id it was to have.
        new_cl_ord_id: ClOrdId,
        /// Whose order.
        account: AccountId,
        /// The rejecting rule's own code, when the reason is `Rule`.
        rule_code: u32,
        /// The rejecting rule, when the reason is `Rule`.
        rule: u16,
        /// Why.
        reason: RejectReason,
        /// Zero.
        reserved: u32,
    }

    /// An instrument moved to a trading phase.
    0x0210 v 1 (8 bytes)
    struct PhaseChanged {
        /// Which.
        instrument: InstrumentId,
        /// To what.
        phase: Phase,
        /// Zero.
        reserved: [u8; 3],
    }

    /// A trading day began.
    0x0211 v 1 (8 bytes)
    struct TradingDayStarted {
        /// Which day.
        day: DayNumber,
        /// Zero.
        reserved: u32,
    }

    /// The exchange's own bounds were set.
    0x0212 v 1 (24 bytes)
    struct Configured {
        /// The most client order ids remembered in a trading day.
        max_order_ids: u64,
        /// The most orders working at once.
        max_working_orders: u32,
        /// The most accounts.
        max_accounts: u32,
        /// The most instruments.
        max_instruments: u32,
        /// Zero.
        reserved: u32,
    }

    /// Something an account can own was mentioned for the first time.
    0x0220 v 1 (24 bytes)
    struct AssetRegistered {
        /// Its code.
        code: AssetCode,
        /// Its id.
        asset: AssetId,
        /// Decimals of its smallest unit: 2 for cents. For an instrument, those of its lot.
        decimals: u8,
        /// Whether it is an instrument rather than a currency.
        is_instrument: bool,
        /// Zero.
        reserved: [u8; 2],
    }

    /// An instrument was listed.
    0x0221 v 1 (128 bytes)
    struct InstrumentCreated {
        /// Its symbol.
        symbol: Symbol,
        /// Who moves its phases; empty for the operator alone.
        calendar: CalendarName,
        /// The smallest price step, in the currency.
        tick_size: Decimal,
        /// The smallest quantity step.
        lot_size: Decimal,
        /// What one tick of one lot is worth.
        tick_value: TickValue,
        /// The largest order quantity in lots; `u64::MAX` for no limit.
        max_quantity: Quantity,
        /// The largest order value in minor units; `i64::MAX` for no limit.
        max_notional: Cash,
        /// How far from the last trade a limit may be, in millionths of it; -1 for no limit.
        collar_ppm: i64,
        /// Its id.
        instrument: InstrumentId,
        /// What an account owns when it owns some of it.
        asset: AssetId,
        /// What its price is in.
        currency: AssetId,
        /// The default self-trade prevention mode.
        self_trade_prevention: SelfTradePrevention,
        /// The phase it begins in.
        phase: Phase,
        /// Zero.
        reserved: [u8; 18],
    }

    /// An account was opened.
    0x0230 v 1 (40 bytes)
    struct AccountOpened {
        /// Its name.
        name: AccountName,
        /// Its id.
        account: AccountId,
        /// Whether it may trade.
        status: AccountStatus,
        /// Zero.
        reserved: [u8; 3],
    }

    /// Cash or shares came in from outside, or went out.
    0x0231 v 1 (16 bytes)
    struct BalanceChanged {
        /// What was added, in the asset's smallest unit; negative for a withdrawal.
        amount: Cash,
        /// Whose balance.
        account: AccountId,
        /// Of what.
        asset: AssetId,
    }

    /// An account may or may not trade from now on.
    0x0232 v 1 (8 bytes)
    struct AccountStatusChanged {
        /// Whose.
        account: AccountId,
        /// The new status.
        status: AccountStatus,
        /// Zero.
        reserved: [u8; 3],
    }

    /// An account's own limits changed.
    0x0233 v 1 (24 bytes)
    struct AccountLimitsChanged {
        /// The largest value of one order, or [`Decimal::NONE`].
        max_notional: Decimal,
        /// Whose.
        account: AccountId,
        /// The most orders it may have working; `u32::MAX` for no limit.
        max_working_orders: u32,
    }

    /// The kill switch was used. The cancels follow.
    0x0234 v 1 (8 bytes)
    struct AccountKilled {
        /// Whose.
        account: AccountId,
        /// Zero.
        reserved: u32,
    }

    /// A command that is not about one order was refused.
    0x0240 v 1 (16 bytes)
    struct CommandRejected {
        /// The command's kind, as in the log.
        command: RecordKind,
        /// Why.
        reason: RejectReason,
        /// The account it named, or `UNKNOWN`.
        account: AccountId,
        /// The instrument it named, or `UNKNOWN`.
        instrument: InstrumentId,
        /// Zero.
        reserved: u32,
    }

    /// A component became known under a rule's name.
    0x0250 v 1 (152 bytes) boxed yes
    struct RuleLoaded {
        /// The rule's name.
        name: RuleName,
        /// The component's bytes.
        component: ComponentHash,
        /// The key it was signed with, or [`SignerKey::NONE`].
        signer: SignerKey,
        /// Who loaded it.
        by: OperatorName,
        /// Fuel for one call: about one unit for each instruction.
        fuel: u64,
        /// The most memory it may have, in bytes.
        memory_bytes: u32,
        /// The size of the component, in bytes.
        size_bytes: u32,
        /// The rule's id.
        rule: RuleId,
        /// Which of the rule's components this is, from 1 in the order of loading.
        rule_version: u16,
        /// The major version of the contract it was built for.
        contract_major: u16,
        /// The minor version of the contract it was built for.
        contract_minor: u16,
        /// Faults in a row after which it is suspended.
        max_faults: u16,
        /// Which world it is of.
        kind: RuleKind,
        /// What becomes of an order that it cannot judge.
        fail: FailMode,
        /// What its counters are kept for.
        counter_key: CounterKey,
        /// How long they count.
        counter_window: CounterWindow,
        /// Whether another operator than the one who loaded it must approve before it is enforced.
        needs_approval: bool,
        /// Zero.
        reserved: [u8; 9],
    }

    /// A component is in force, or shadows, from here on. Holds all that running it takes.
    0x0251 v 1 (600 bytes) boxed yes
    struct RuleActivated {
        /// The component's bytes.
        component: ComponentHash,
        /// What it is configured with.
        parameters: RuleParameters,
        /// Who activated it.
        by: OperatorName,
        /// Fuel for one call: about one unit for each instruction.
        fuel: u64,
        /// The most memory it may have, in bytes.
        memory_bytes: u32,
        /// This activation's number.
        activation: ActivationId,
        /// Whose orders it judges; `ALL` for everybody's.
        account: AccountId,
        /// Orders in what it judges; `ALL` for everything.
        instrument: InstrumentId,
        /// The rule.
        rule: RuleId,
        /// Which of the rule's components this is.
        rule_version: u16,
        /// Rules of a kind are asked in the order of this number, and of their ids where it is the same.
        priority: u16,
        /// Faults in a row after which it is suspended.
        max_faults: u16,
        /// Which world it is of.
        kind: RuleKind,
        /// Whether its verdicts count.
        mode: RuleMode,
        /// What becomes of an order that it cannot judge.
        fail: FailMode,
        /// What its counters are kept for.
        counter_key: CounterKey,
        /// How long they count.
        counter_window: CounterWindow,
        /// Whether this went back to an earlier activation.
        by_rollback: bool,
        /// Zero.
        reserved: [u8; 2],
    }

    /// A component is no longer in force, or no longer shadows.
    0x0252 v 1 (24 bytes)
    struct RuleDeactivated {
        /// Who deactivated it.
        by: OperatorName,
        /// The activation that ended.
        activation: ActivationId,
        /// The rule.
        rule: RuleId,
        /// The enforced version or the shadow.
        mode: RuleMode,
        /// Whether this went back to a time when the rule was not active.
        by_rollback: bool,
    }

    /// A rule failed too often in a row, and is not asked any more until it is activated again or rolled back.
    0x0253 v 1 (8 bytes)
    struct RuleSuspended {
        /// The activation that failed.
        activation: ActivationId,
        /// The rule.
        rule: RuleId,
        /// How often in a row.
        faults: u16,
    }

    /// A second operator agreed to a component.
    0x0254 v 1 (56 bytes)
    struct RuleApproved {
        /// The component.
        component: ComponentHash,
        /// Who approved it.
        by: OperatorName,
        /// The rule.
        rule: RuleId,
        /// Zero.
        reserved: [u8; 6],
    }

    /// A shadow would have rejected the order of this command.
    0x0255 v 1 (24 bytes)
    struct RuleVerdict {
        /// The shadow's activation.
        activation: ActivationId,
        /// Whose order.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// The rule's code for why.
        code: u32,
        /// The rule.
        rule: RuleId,
        /// Zero.
        reserved: [u8; 6],
    }

    /// A rule could not judge the order of this command.
    0x0256 v 1 (24 bytes)
    struct RuleFaulted {
        /// The activation.
        activation: ActivationId,
        /// Whose order.
        account: AccountId,
        /// In what.
        instrument: InstrumentId,
        /// The rule.
        rule: RuleId,
        /// How many faults in a row this makes.
        in_a_row: u16,
        /// Why.
        fault: RuleFault,
        /// Whether its verdicts count.
        mode: RuleMode,
        /// What became of the order: rejected when closed, gone on with when open.
        fail: FailMode,
        /// Zero.
        reserved: [u8; 5],
    }

    /// A rule that had failed could judge again: its faults in a row are none.
    0x0257 v 1 (8 bytes)
    struct RuleRecovered {
        /// The activation.
        activation: ActivationId,
        /// The rule.
        rule: RuleId,
        /// Zero.
        reserved: u16,
    }

    /// A rule added to one of its counters.
    0x0258 v 1 (32 bytes)
    struct RuleCounterChanged {
        /// The account in the low 32 bits and the instrument in the high ones, as far as the rule keeps them apart; the rest
        /// zero.
        key: u64,
        /// The window it counts in: how many of them since 1970, or the trading day.
        window: i64,
        /// What it stands at now.
        value: i64,
        /// The activation.
        activation: ActivationId,
        /// The rule.
        rule: RuleId,
        /// Whether its verdicts count: a shadow has counters of its own.
        mode: RuleMode,
        /// Zero.
        reserved: u8,
    }
}
