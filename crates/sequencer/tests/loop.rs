//! The core loop alone, under a clock that the test sets: calendars, timers, a full disk, blocks that fill up.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]
#![expect(
    clippy::needless_raw_string_hashes,
    clippy::needless_pass_by_value,
    reason = "expect-test writes and takes them so"
)]

mod common;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{account, config, made_up, opening};
use engine::NoRules;
use event_store::fault::{CallFault, FaultFs};
use event_store::{Durability, Flusher, Options, Preparation, Reader};
use expect_test::{Expect, expect};
use model::{
    AccountId, CalendarName, ClOrdId, Command, Event, InstrumentId, KIND_EVENT_FIRST, OrderType, Phase,
    SelfTradePrevention, SetPhase, Side, SubmitOrder, TimeInForce, Timestamp,
};
use order_book::Book;
use sequencer::core::CoreLoop;
use sequencer::{Agent, Calendars, ManualClock, NodeConfig, SubmitError, prepare};

struct Bench {
    core: CoreLoop<Book, NoRules, ManualClock>,
    flusher: Flusher,
    clock: ManualClock,
}

fn at(text: &str) -> Timestamp {
    let instant: jiff::Timestamp = text.parse().unwrap();
    Timestamp(i64::try_from(instant.as_nanosecond()).unwrap())
}

fn start(config: &NodeConfig, now: &str) -> Bench {
    let clock = ManualClock::new(at(now));
    let options = Options { segment_bytes: config.segment_bytes, ..Options::small() };
    let prepared = prepare::<Book>(config, &options).unwrap();
    let (core, flusher) = prepared.into_loop(config, NoRules, clock.clone());
    Bench { core, flusher, clock }
}

impl Bench {
    fn submit(&mut self, command: Command) {
        self.core.submitter().submit(7, command).unwrap();
        self.core.poll();
    }

    fn wait_until(&mut self, now: &str) {
        self.clock.set(at(now));
        while self.core.poll() > 0 {}
    }

    fn phase(&self, instrument: u32) -> Phase {
        self.core.state().phase(InstrumentId(instrument)).unwrap()
    }
}

fn with_calendars(store: &Path) -> NodeConfig {
    NodeConfig { calendars: Calendars::built_in(), ..config(store) }
}

fn order(id: &str, time_in_force: TimeInForce, expire_at: Timestamp) -> Command {
    SubmitOrder {
        cl_ord_id: ClOrdId::new(id).unwrap(),
        account: AccountId(0),
        instrument: InstrumentId(0),
        price_units: 1000,
        quantity_units: 5,
        expire_at,
        price_scale: 2,
        quantity_scale: 0,
        side: Side::Buy,
        order_type: OrderType::Limit,
        time_in_force,
        post_only: false,
        self_trade_prevention: SelfTradePrevention::Default,
        reserved: 0,
    }
    .into()
}

fn set_phase(phase: Phase) -> Command {
    SetPhase { instrument: InstrumentId(0), phase, reserved: [0; 3] }.into()
}

/// What is in the log: one line a record, by name, with the time of its block.
fn log(dir: &Path) -> String {
    let mut reader = Reader::open(dir).unwrap();
    let mut lines = String::new();
    while let Some(block) = reader.next_block().unwrap() {
        let time = jiff::Timestamp::from_nanosecond(i128::from(block.header().timestamp_ns)).unwrap();
        for record in block.records() {
            let line = if record.kind < KIND_EVENT_FIRST {
                let command = Command::decode(record.kind, record.version, record.payload).unwrap();
                let who = if record.tag == sequencer::SEQUENCER_TAG { "sequencer" } else { "client" };
                format!("{time} {who}: {}\n", command.name())
            } else {
                match Event::decode(record.kind, record.version, record.payload).unwrap() {
                    Event::PhaseChanged(event) => format!("    {} {}\n", event.instrument, event.phase),
                    Event::OrderCanceled(event) => format!("    canceled {}\n", event.reason),
                    event => format!("    {}\n", event.name()),
                }
            };
            lines.push_str(&line);
        }
    }
    lines
}

fn check_log(dir: &Path, expected: Expect) {
    expected.assert_eq(&log(dir));
}

#[test]
fn a_calendar_opens_and_closes_and_begins_the_day() {
    let dir = tempfile::tempdir().unwrap();
    let mut bench = start(&with_calendars(dir.path()), "2026-01-05T13:00:00Z");
    let xnys = CalendarName::new("XNYS").unwrap();
    bench.submit(common::instrument("AAA", xnys));
    bench.submit(account("a0"));
    assert_eq!(bench.phase(0), Phase::Closed, "it is listed before the session");
    bench.wait_until("2026-01-05T14:30:00Z");
    bench.submit(order("d", TimeInForce::Day, Timestamp::NONE));
    bench.submit(order("g", TimeInForce::Gtd, at("2026-01-05T20:00:00Z")));
    bench.wait_until("2026-01-05T19:59:59Z");
    bench.wait_until("2026-01-05T20:00:00Z");
    bench.wait_until("2026-01-05T21:00:00Z");
    bench.wait_until("2026-01-06T05:00:00Z");
    check_log(
        dir.path(),
        expect![[r#"
        2026-01-05T13:00:00Z sequencer: Configure
            Configured
        2026-01-05T13:00:00Z sequencer: StartTradingDay
            TradingDayStarted
        2026-01-05T13:00:00Z client: CreateInstrument
            AssetRegistered
            AssetRegistered
            InstrumentCreated
        2026-01-05T13:00:00Z client: OpenAccount
            AccountOpened
            BalanceChanged
            BalanceChanged
            AssetRegistered
            BalanceChanged
            AssetRegistered
            BalanceChanged
        2026-01-05T14:30:00Z sequencer: SetPhase
            0 open
        2026-01-05T14:30:00Z client: SubmitOrder
            OrderAccepted
        2026-01-05T14:30:00Z client: SubmitOrder
            OrderAccepted
        2026-01-05T20:00:00Z sequencer: AdvanceTime
            canceled expired
        2026-01-05T21:00:00Z sequencer: SetPhase
            0 closed
            canceled expired
        2026-01-06T05:00:00Z sequencer: StartTradingDay
            TradingDayStarted
    "#]],
    );
    drop((bench.core, bench.flusher));
}

#[test]
fn an_instrument_listed_during_the_session_opens_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let mut bench = start(&with_calendars(dir.path()), "2026-01-05T15:00:00Z");
    bench.submit(common::instrument("AAA", CalendarName::new("XNYS").unwrap()));
    assert_eq!(bench.phase(0), Phase::Open);
    bench.submit(common::instrument("BBB", CalendarName::new("always-open").unwrap()));
    assert_eq!(bench.phase(1), Phase::Open);
}

#[test]
fn a_halt_stands_until_the_next_boundary_and_through_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let config = with_calendars(dir.path());
    let mut bench = start(&config, "2026-01-05T15:00:00Z");
    bench.submit(common::instrument("AAA", CalendarName::new("XNYS").unwrap()));
    bench.submit(set_phase(Phase::Halted));
    bench.wait_until("2026-01-05T16:00:00Z");
    assert_eq!(bench.phase(0), Phase::Halted);
    drop((bench.core, bench.flusher));

    let mut bench = start(&config, "2026-01-05T17:00:00Z");
    bench.core.poll();
    assert_eq!(bench.phase(0), Phase::Halted, "a restart is no boundary");
    bench.wait_until("2026-01-05T21:00:00Z");
    assert_eq!(bench.phase(0), Phase::Closed);
    bench.submit(set_phase(Phase::Open));
    bench.wait_until("2026-01-06T02:00:00Z");
    assert_eq!(bench.phase(0), Phase::Open, "what the operator opened in the evening is open");
    drop((bench.core, bench.flusher));

    let mut bench = start(&config, "2026-01-06T03:00:00Z");
    bench.core.poll();
    assert_eq!(bench.phase(0), Phase::Closed, "until a restart, or the next boundary");
    bench.submit(set_phase(Phase::Halted));
    drop((bench.core, bench.flusher));

    let mut bench = start(&config, "2026-01-06T15:00:00Z");
    bench.core.poll();
    assert_eq!(bench.phase(0), Phase::Open, "the open that was slept through counts now");
}

#[test]
fn a_clock_that_goes_back_stands_still_in_the_log() {
    let dir = tempfile::tempdir().unwrap();
    let mut bench = start(&config(dir.path()), "2026-01-05T15:00:00Z");
    bench.submit(account("a0"));
    bench.wait_until("2026-01-04T15:00:00Z");
    bench.submit(account("a1"));
    check_log(
        dir.path(),
        expect![[r#"
        2026-01-05T15:00:00Z sequencer: Configure
            Configured
        2026-01-05T15:00:00Z sequencer: StartTradingDay
            TradingDayStarted
        2026-01-05T15:00:00Z client: OpenAccount
            AccountOpened
            AssetRegistered
            BalanceChanged
            AssetRegistered
            BalanceChanged
            AssetRegistered
            BalanceChanged
            AssetRegistered
            BalanceChanged
        2026-01-05T15:00:00Z client: OpenAccount
            AccountOpened
            BalanceChanged
            BalanceChanged
            BalanceChanged
            BalanceChanged
    "#]],
    );
}

#[test]
fn what_fills_a_block_goes_on_in_the_next() {
    let dir = tempfile::tempdir().unwrap();
    let mut config = config(dir.path());
    // Blocks of 16 KiB, and batches that need more.
    config.segment_bytes = 64 << 10;
    config.max_batch = 512;
    config.limits.max_working_orders = 100;
    let mut bench = start(&config, "2026-01-05T15:00:00Z");
    for command in opening() {
        bench.submit(command);
    }
    let submitter = bench.core.submitter();
    let before = bench.core.writer().stats().blocks;
    for index in 0..1000 {
        submitter.submit(index, made_up(1, index)).unwrap();
    }
    let mut polls = 0;
    while bench.core.poll() > 0 {
        polls += 1;
    }
    assert_eq!(polls, 2);
    assert!(bench.core.writer().stats().blocks > before + polls, "some batch took two blocks");
    let folded = sequencer::replay::fold::<Book>(dir.path(), None).unwrap();
    assert_eq!(folded.state.hash(), bench.core.state().hash());
    let report = sequencer::replay::reexecute::<Book, _>(dir.path(), &mut NoRules, |_| ()).unwrap();
    assert!(report.is_faithful(), "{report:?}");
}

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    const ENOSPC: i32 = 28;
    let fs = FaultFs::new(false);
    let mut config = NodeConfig { store: PathBuf::from("/store"), ..config(Path::new("/store")) };
    config.segment_bytes = 64 << 10;
    config.limits.max_working_orders = 100;
    let options = Options {
        segment_bytes: config.segment_bytes,
        durability: Durability::Fsync,
        preparation: Preparation::Inline,
        file_system: Arc::new(fs.clone()),
        ..Options::default()
    };
    let prepared = prepare::<Book>(&config, &options).unwrap();
    let (mut core, _flusher) =
        prepared.into_loop(&config, NoRules, ManualClock::new(at("2026-01-05T15:00:00Z")));
    let submitter = core.submitter();
    // The next call is the core's, for another segment: nothing is flushed in this test.
    fs.set_fault(Some(CallFault { call: fs.calls(), errno: ENOSPC, stays: true }));

    let (mut index, mut answer) = (0, Ok(()));
    let mut commands = opening().into_iter();
    while answer.is_ok() {
        answer = submitter.submit(index, commands.next().unwrap_or_else(|| made_up(2, index)));
        core.poll();
        index += 1;
        assert!(index < 100_000);
    }
    assert_eq!(answer, Err(SubmitError::StoreFull));
    assert!(core.fatal().is_none(), "a full disk is no reason to stop");
    let (hash, last) = (core.state().hash(), core.writer().next_sequence());

    // Nothing happens while it is full, and room makes it go on by itself.
    core.poll();
    assert_eq!((core.state().hash(), core.writer().next_sequence()), (hash, last));
    fs.set_fault(None);
    while submitter.submit(index, made_up(3, index)).is_err() {
        core.poll();
    }
    assert!(core.poll() > 0);
    assert!(core.writer().next_sequence() > last);
}
