//! The bytes of every record of every schema version, so that an old log stays readable for ever. A line of
//! `golden/records.txt` is never edited: a schema change adds lines.

#![expect(clippy::unwrap_used, reason = "a test stops where it fails")]

use model::*;
use std::fmt::Write;

fn id(text: &str) -> ClOrdId {
    ClOrdId::new(text).unwrap()
}

fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[expect(clippy::too_many_lines, reason = "one sample of every command, in a table")]
fn commands() -> Vec<Command> {
    let mut balances = [InitialBalance::NONE; MAX_INITIAL_BALANCES];
    balances[0] = InitialBalance { asset: Symbol::new("USD").unwrap(), amount: decimal("1000.5") };
    vec![
        SubmitOrder {
            cl_ord_id: id("a1"),
            account: AccountId(7),
            instrument: InstrumentId(3),
            price_units: 1005,
            quantity_units: 100,
            expire_at: Timestamp(1_767_623_400_000_000_000),
            price_scale: 2,
            quantity_scale: 0,
            side: Side::Buy,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Gtd,
            post_only: true,
            self_trade_prevention: SelfTradePrevention::Decrement,
            reserved: 0,
        }
        .into(),
        ReplaceOrder {
            cl_ord_id: id("a1"),
            new_cl_ord_id: id("0190a5f2-7c11-7def-8123-456789abcdef"),
            price_units: i64::MIN,
            quantity_units: 50,
            account: AccountId(7),
            price_scale: 0,
            quantity_scale: 0,
            reserved: [0; 2],
        }
        .into(),
        CancelOrder { cl_ord_id: id("a1"), account: AccountId(7), reserved: 0 }.into(),
        CancelAll { account: AccountId(7), instrument: InstrumentId::ALL }.into(),
        KillAccount { account: AccountId(7), reserved: 0 }.into(),
        SetPhase { instrument: InstrumentId(3), phase: Phase::Halted, reserved: [0; 3] }.into(),
        AdvanceTime { now: Timestamp(1_767_623_400_000_000_000) }.into(),
        StartTradingDay { day: DayNumber(20458), reserved: 0 }.into(),
        Configure {
            max_order_ids: 1 << 20,
            max_working_orders: 1 << 16,
            max_accounts: 10_000,
            max_instruments: 100,
            reserved: 0,
        }
        .into(),
        CreateInstrument {
            symbol: Symbol::new("AAPL").unwrap(),
            currency: Symbol::new("USD").unwrap(),
            calendar: CalendarName::new("XNYS").unwrap(),
            tick_size: decimal("0.01"),
            lot_size: decimal("1"),
            max_quantity: Decimal::NONE,
            max_notional: decimal("1000000"),
            collar_percent: decimal("2.5"),
            self_trade_prevention: SelfTradePrevention::CancelNewest,
            currency_decimals: 2,
            reserved: [0; 6],
        }
        .into(),
        OpenAccount {
            name: AccountName::new("alice").unwrap(),
            balances,
            status: AccountStatus::Verified,
            reserved: [0; 7],
        }
        .into(),
        Deposit {
            asset: Symbol::new("USD").unwrap(),
            amount: decimal("500"),
            account: AccountId(7),
            reserved: 0,
        }
        .into(),
        Withdraw {
            asset: Symbol::new("AAPL").unwrap(),
            amount: decimal("5"),
            account: AccountId(7),
            reserved: 0,
        }
        .into(),
        SetAccountStatus { account: AccountId(7), status: AccountStatus::Suspended, reserved: [0; 3] }.into(),
        SetAccountLimits { max_notional: decimal("10000"), account: AccountId(7), max_working_orders: 100 }
            .into(),
        LoadRule {
            name: RuleName::new("fat-finger").unwrap(),
            component: ComponentHash([0xc0; 32]),
            signer: SignerKey([0x51; 32]),
            by: OperatorName::new("olga").unwrap(),
            fuel: 100_000,
            memory_bytes: 1 << 20,
            size_bytes: 14_000,
            contract_major: 1,
            contract_minor: 1,
            max_faults: 3,
            kind: RuleKind::Risk,
            fail: FailMode::Open,
            counter_key: CounterKey::AccountInstrument,
            counter_window: CounterWindow::Day,
            needs_approval: true,
            reserved: [0; 5],
        }
        .into(),
        ActivateRule {
            name: RuleName::new("fat-finger").unwrap(),
            component: ComponentHash([0xc0; 32]),
            parameters: RuleParameters::new(&[5, -7]).unwrap(),
            by: OperatorName::new("olga").unwrap(),
            account: AccountId::ALL,
            instrument: InstrumentId(3),
            priority: 100,
            mode: RuleMode::Shadow,
            reserved: [0; 5],
        }
        .into(),
        DeactivateRule {
            name: RuleName::new("fat-finger").unwrap(),
            by: OperatorName::new("olga").unwrap(),
            mode: RuleMode::Enforce,
            reserved: [0; 7],
        }
        .into(),
        RollbackRule { name: RuleName::new("fat-finger").unwrap(), by: OperatorName::new("olga").unwrap() }
            .into(),
        ApproveRule {
            name: RuleName::new("fat-finger").unwrap(),
            component: ComponentHash([0xc0; 32]),
            by: OperatorName::new("otto").unwrap(),
        }
        .into(),
    ]
}

#[expect(clippy::too_many_lines, reason = "one sample of every event, in a table")]
fn events() -> Vec<Event> {
    let order_id = OrderId::new(12, 5);
    let (account, instrument) = (AccountId(7), InstrumentId(3));
    vec![
        OrderAccepted {
            order_id,
            cl_ord_id: id("a1"),
            account,
            instrument,
            price: Price(1005),
            quantity: Quantity(100),
            expire_at: Timestamp::NONE,
            side: Side::Sell,
            order_type: OrderType::Limit,
            time_in_force: TimeInForce::Day,
            post_only: false,
            self_trade_prevention: SelfTradePrevention::CancelBoth,
            booked: true,
            reserved: [0; 10],
        }
        .into(),
        OrderRejected {
            cl_ord_id: id("a1"),
            account,
            instrument,
            rule_code: 3,
            rule: 1,
            reason: RejectReason::Rule,
        }
        .into(),
        Trade {
            trade_id: TradeId(9),
            maker_order_id: order_id,
            taker_order_id: OrderId::new(13, 6),
            price: Price(1005),
            quantity: Quantity(60),
            executed_at: Timestamp(1_767_623_400_000_000_000),
            maker_account: account,
            taker_account: AccountId(8),
            instrument,
            taker_side: Side::Buy,
            maker_filled: false,
            taker_filled: true,
            reserved: 0,
        }
        .into(),
        OrderBooked {
            order_id,
            price: Price(1005),
            leaves: Quantity(40),
            instrument,
            side: Side::Sell,
            reserved: [0; 3],
        }
        .into(),
        OrderCanceled {
            order_id,
            leaves: Quantity(40),
            account,
            instrument,
            reason: CancelReason::User,
            side: Side::Sell,
            was_booked: true,
            reserved: [0; 5],
        }
        .into(),
        OrderReplaced {
            order_id,
            cl_ord_id: id("a2"),
            price: Price(1004),
            quantity: Quantity(50),
            account,
            instrument,
            priority_kept: false,
            booked: true,
            side: Side::Sell,
            reserved: [0; 5],
        }
        .into(),
        OrderReduced { order_id, by: Quantity(4), leaves: Quantity(6), account, instrument }.into(),
        CancelRejected { cl_ord_id: id("a1"), account, reason: RejectReason::TooLate, reserved: 0 }.into(),
        ReplaceRejected {
            cl_ord_id: id("a1"),
            new_cl_ord_id: id("a2"),
            account,
            rule_code: 0,
            rule: 0,
            reason: RejectReason::UnknownOrder,
            reserved: 0,
        }
        .into(),
        PhaseChanged { instrument, phase: Phase::Closed, reserved: [0; 3] }.into(),
        TradingDayStarted { day: DayNumber(20458), reserved: 0 }.into(),
        Configured {
            max_order_ids: 1 << 20,
            max_working_orders: 1 << 16,
            max_accounts: 10_000,
            max_instruments: 100,
            reserved: 0,
        }
        .into(),
        AssetRegistered {
            code: Symbol::new("USD").unwrap(),
            asset: AssetId(0),
            decimals: 2,
            is_instrument: false,
            reserved: [0; 2],
        }
        .into(),
        InstrumentCreated {
            symbol: Symbol::new("AAPL").unwrap(),
            calendar: CalendarName::EMPTY,
            tick_size: decimal("0.01"),
            lot_size: decimal("1"),
            tick_value: TickValue(1),
            max_quantity: Quantity(u64::MAX),
            max_notional: Cash(100_000_000),
            collar_ppm: 25_000,
            instrument,
            asset: AssetId(1),
            currency: AssetId(0),
            self_trade_prevention: SelfTradePrevention::CancelNewest,
            phase: Phase::Open,
            reserved: [0; 18],
        }
        .into(),
        AccountOpened {
            name: AccountName::new("alice").unwrap(),
            account,
            status: AccountStatus::Verified,
            reserved: [0; 3],
        }
        .into(),
        BalanceChanged { amount: Cash(-500), account, asset: AssetId(0) }.into(),
        AccountStatusChanged { account, status: AccountStatus::Suspended, reserved: [0; 3] }.into(),
        AccountLimitsChanged { max_notional: decimal("10000"), account, max_working_orders: 100 }.into(),
        AccountKilled { account, reserved: 0 }.into(),
        CommandRejected {
            command: 0x0131,
            reason: RejectReason::InvalidAmount,
            account,
            instrument: InstrumentId::UNKNOWN,
            reserved: 0,
        }
        .into(),
        RuleLoaded {
            name: RuleName::new("fat-finger").unwrap(),
            component: ComponentHash([0xc0; 32]),
            signer: SignerKey::NONE,
            by: OperatorName::new("olga").unwrap(),
            fuel: 100_000,
            memory_bytes: 1 << 20,
            size_bytes: 14_000,
            rule: RuleId(2),
            rule_version: 4,
            contract_major: 1,
            contract_minor: 1,
            max_faults: 3,
            kind: RuleKind::Validation,
            fail: FailMode::Closed,
            counter_key: CounterKey::None,
            counter_window: CounterWindow::Forever,
            needs_approval: false,
            reserved: [0; 9],
        }
        .into(),
        RuleActivated {
            component: ComponentHash([0xc0; 32]),
            parameters: RuleParameters::new(&[5, -7]).unwrap(),
            by: OperatorName::new("olga").unwrap(),
            fuel: 100_000,
            memory_bytes: 1 << 20,
            activation: ActivationId(9),
            account,
            instrument: InstrumentId::ALL,
            rule: RuleId(2),
            rule_version: 4,
            priority: 100,
            max_faults: 3,
            kind: RuleKind::Reporting,
            mode: RuleMode::Enforce,
            fail: FailMode::Closed,
            counter_key: CounterKey::Rule,
            counter_window: CounterWindow::Minute,
            by_rollback: true,
            reserved: [0; 2],
        }
        .into(),
        RuleDeactivated {
            by: OperatorName::new("olga").unwrap(),
            activation: ActivationId(9),
            rule: RuleId(2),
            mode: RuleMode::Enforce,
            by_rollback: true,
        }
        .into(),
        RuleSuspended { activation: ActivationId(9), rule: RuleId(2), faults: 3 }.into(),
        RuleApproved {
            component: ComponentHash([0xc0; 32]),
            by: OperatorName::new("otto").unwrap(),
            rule: RuleId(2),
            reserved: [0; 6],
        }
        .into(),
        RuleVerdict {
            activation: ActivationId(9),
            account,
            instrument,
            code: 17,
            rule: RuleId(2),
            reserved: [0; 6],
        }
        .into(),
        RuleFaulted {
            activation: ActivationId(9),
            account,
            instrument,
            rule: RuleId(2),
            in_a_row: 2,
            fault: RuleFault::Trap,
            mode: RuleMode::Shadow,
            fail: FailMode::Open,
            reserved: [0; 5],
        }
        .into(),
        RuleRecovered { activation: ActivationId(9), rule: RuleId(2), reserved: 0 }.into(),
        RuleCounterChanged {
            key: 7 | 3 << 32,
            window: 20_458,
            value: -12,
            activation: ActivationId(9),
            rule: RuleId(2),
            mode: RuleMode::Enforce,
            reserved: 0,
        }
        .into(),
    ]
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut out, byte| {
        write!(out, "{byte:02x}").unwrap();
        out
    })
}

#[test]
fn every_record_keeps_its_bytes() {
    let mut lines = String::new();
    for command in commands() {
        let mut bytes = vec![0; command.size()];
        command.encode(&mut bytes);
        assert_eq!(Command::decode(command.kind(), command.version(), &bytes).as_ref(), Ok(&command));
        writeln!(lines, "{} {:#06x} v{} {}", command.name(), command.kind(), command.version(), hex(&bytes))
            .unwrap();
    }
    for event in events() {
        let mut bytes = vec![0; event.size()];
        event.encode(&mut bytes);
        assert_eq!(Event::decode(event.kind(), event.version(), &bytes).as_ref(), Ok(&event));
        writeln!(lines, "{} {:#06x} v{} {}", event.name(), event.kind(), event.version(), hex(&bytes))
            .unwrap();
    }
    expect_test::expect_file!["golden/records.txt"].assert_eq(&lines);
}

#[test]
fn bytes_that_are_no_record_are_refused_by_name() {
    assert_eq!(Event::decode(0x02ff, 1, &[]), Err(DecodeError::UnknownKind { kind: 0x02ff }));
    assert_eq!(
        Event::decode(0x0234, 9, &[0; 8]),
        Err(DecodeError::UnknownVersion { kind: 0x0234, version: 9 })
    );
    assert_eq!(Event::decode(0x0234, 1, &[0; 7]), Err(DecodeError::Malformed { kind: 0x0234, len: 7 }));
    // 77 is no trading phase.
    let bytes = [3, 0, 0, 0, 77, 0, 0, 0];
    assert_eq!(Event::decode(0x0210, 1, &bytes), Err(DecodeError::Malformed { kind: 0x0210, len: 8 }));
}
