//! kill -9 at a random moment, again and again: everything a client was told stays true.
//!
//! A few clients trade as fast as they can and write down every answer. The program is killed and started again on the
//! same store; then every answer must be in the log, the same command at the same place with the same result. Commands
//! whose answers were lost are sent again, and count once. `OUTCRY_KILLS` says how
//! often; 200 without it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Exchange, answer};
use event_store::Reader;
use gateway::api::{Amount, NewAccount, NewInstrument, NewOrder, Number, OrdStatus, OrderAnswer};
use gateway::client::{Client, ClientError};
use model::{ClOrdId, Command, Event, KIND_EVENT_FIRST, RejectReason, Side};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// Clients at once.
const CLIENTS: u64 = 3;
/// Answers that all of them together have before the random moment begins: a slow machine is killed later, not less busy.
const ANSWERS: u64 = 12;
/// The state's hash is compared before and after every so many starts.
const HASH_EVERY: u64 = 20;

/// A small exchange that starts in a moment: one MiB segments, and snapshots often enough to be used.
const CONFIG: &str = "\
[store]
segment_bytes = 1048576
[snapshots]
every_records = 3000
[limits]
max_working_orders = 2000
max_order_ids = 1000000
max_accounts = 16
max_instruments = 4
[calendars]
trading_day = \"\"
";

/// What a client was told about an order.
#[derive(Debug)]
struct Told {
    id: String,
    client: u64,
    sequence: u64,
    result: Result<Filled, RejectReason>,
}

/// An accepted order right after its command.
#[derive(Debug, PartialEq, Eq)]
struct Filled {
    order_id: String,
    cum: u64,
    status: OrdStatus,
}

/// Numbers that look random and are not.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        // xorshift64*: https://doi.org/10.1145/2845077
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        (self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33) % sides
    }
}

fn number(units: u64, scale: u8) -> Number {
    Number::new(units.into(), scale)
}

fn whole(number: Number) -> u64 {
    number.units().try_into().unwrap()
}

fn set_up(client: &Client) {
    let terms = NewInstrument {
        symbol: "ACME".to_owned(),
        tick_size: number(1, 2),
        lot_size: number(1, 0),
        currency: None,
        currency_decimals: None,
        calendar: None,
        max_qty: None,
        max_notional: None,
        collar_percent: None,
        self_trade_prevention: None,
    };
    client.create_instrument(&terms).unwrap();
    for number_of in 0..CLIENTS {
        let balance = |asset: &str, amount| Amount { asset: asset.to_owned(), amount: number(amount, 0) };
        let balances = vec![balance("USD", 1_000_000_000), balance("ACME", 100_000_000)];
        client
            .open_account(&NewAccount { account: format!("client{number_of}"), status: None, balances })
            .unwrap();
    }
}

fn order(dice: &mut Dice, client: u64, id: &str) -> NewOrder {
    let side = if dice.roll(2) == 0 { Side::Buy } else { Side::Sell };
    NewOrder {
        account: format!("client{client}"),
        symbol: "ACME".to_owned(),
        side: side.into(),
        // One in sixteen is no quantity at all: refusals are answers too.
        order_qty: number(dice.roll(16), 0),
        ord_type: None,
        price: Some(number(995 + dice.roll(10), 2)),
        cl_ord_id: Some(id.to_owned()),
        time_in_force: Some(if dice.roll(3) == 0 { "gtc" } else { "ioc" }.parse().unwrap()),
        expire_time: None,
        post_only: false,
        self_trade_prevention: None,
    }
}

fn told(client: u64, id: &str, answer: Result<OrderAnswer, ClientError>) -> Option<Told> {
    let (sequence, result) = match answer {
        Ok(answer) => {
            let (order_id, cum) = (answer.order.order_id, whole(answer.order.cum_qty));
            (answer.sequence, Ok(Filled { order_id, cum, status: answer.order.ord_status }))
        }
        Err(ClientError::Problem(problem)) => {
            let reason = problem.reason().filter(|reason| *reason != RejectReason::Busy)?;
            (problem.sequence?, Err(reason))
        }
        Err(ClientError::Unreachable { .. }) => return None,
        Err(error) => panic!("{error}"),
    };
    Some(Told { id: id.to_owned(), client, sequence, result })
}

/// Trades until the exchange is gone. Returns what was told, and the last order if nothing was told about it.
fn trade(
    client: &Client,
    number_of: u64,
    cycle: u64,
    answered: &AtomicU64,
    gone: &AtomicBool,
) -> (Vec<Told>, Option<NewOrder>) {
    let mut dice = Dice(1 + cycle * CLIENTS + number_of);
    let mut all = Vec::new();
    for count in 0.. {
        let id = format!("{cycle}-{number_of}-{count}");
        let order = order(&mut dice, number_of, &id);
        match told(number_of, &id, client.submit(&order)) {
            Some(told) => all.push(told),
            None => return (all, Some(order)),
        }
        answered.fetch_add(1, Ordering::Relaxed);
        if gone.load(Ordering::Relaxed) {
            break;
        }
    }
    (all, None)
}

/// The command at a place in the log, and its events.
fn at(reader: &mut Reader, sequence: u64) -> (Command, Vec<Event>) {
    reader.seek_sequence(sequence).unwrap();
    let block = reader.next_block().unwrap().expect("an acknowledged record is in the log");
    let mut records = block.records_from(sequence);
    let first = records.next().unwrap();
    assert!(first.kind < KIND_EVENT_FIRST, "record {sequence} is a command");
    let command = Command::decode(first.kind, first.version, first.payload).unwrap();
    let events = records
        .take_while(|record| record.kind >= KIND_EVENT_FIRST)
        .map(|record| Event::decode(record.kind, record.version, record.payload).unwrap());
    (command, events.collect())
}

/// Every answer is in the log, as it was given.
fn check(reader: &mut Reader, told: &Told) {
    let (command, events) = at(reader, told.sequence);
    let Command::SubmitOrder(submit) = command else { panic!("{told:?}: the log has {command:?}") };
    assert_eq!(
        (submit.cl_ord_id, u64::from(submit.account.0)),
        (ClOrdId::new(&told.id).unwrap(), told.client)
    );
    let found = match &events[0] {
        Event::OrderRejected(rejected) => Err(rejected.reason),
        Event::OrderAccepted(accepted) => {
            let mut filled =
                Filled { order_id: accepted.order_id.to_string(), cum: 0, status: OrdStatus::New };
            for event in &events[1..] {
                match event {
                    Event::Trade(trade) if trade.taker_order_id == accepted.order_id => {
                        filled.cum += trade.quantity.0;
                        filled.status =
                            if trade.taker_filled { OrdStatus::Filled } else { OrdStatus::PartiallyFilled };
                    }
                    Event::OrderCanceled(canceled) if canceled.order_id == accepted.order_id => {
                        filled.status = OrdStatus::Canceled;
                    }
                    _ => {}
                }
            }
            Ok(filled)
        }
        other => panic!("{told:?}: the log has {other:?}"),
    };
    assert_eq!(found, told.result, "{told:?}");
}

/// Sends orders again whose answers were lost: each counts once, whether or not it had counted before.
fn repeat(client: &Client, reader: &mut Reader, lost: &[NewOrder]) -> (u64, u64) {
    let (mut had_counted, mut had_not) = (0, 0);
    for order in lost {
        let id = ClOrdId::new(order.cl_ord_id.as_deref().unwrap()).unwrap();
        let accepted_before = accepted(reader, id);
        let now_accepted = match client.submit(order) {
            Ok(_) => true,
            Err(ClientError::Problem(problem)) => match problem.reason() {
                Some(RejectReason::DuplicateOrder) => false,
                // It was wrong the first time, too, and its id is free.
                Some(_) => continue,
                None => panic!("{problem:?}"),
            },
            Err(error) => panic!("{error}"),
        };
        assert_ne!(accepted_before, now_accepted, "{order:?} counts once");
        if accepted_before { had_counted += 1 } else { had_not += 1 }
    }
    (had_counted, had_not)
}

/// Whether an order with this id is among the newest in the log.
fn accepted(reader: &mut Reader, id: ClOrdId) -> bool {
    let end = reader.bound();
    reader.seek_sequence(end.saturating_sub(5_000).max(1)).unwrap();
    let mut found = false;
    while let Some(block) = reader.next_block().unwrap() {
        for record in
            block.records().filter(|record| record.kind >= KIND_EVENT_FIRST && record.sequence <= end)
        {
            let event = Event::decode(record.kind, record.version, record.payload).unwrap();
            found |= matches!(event, Event::OrderAccepted(accepted) if accepted.cl_ord_id == id);
        }
    }
    found
}

fn hash(store: &str, sequence: u64) -> String {
    let sequence = sequence.to_string();
    let answer = answer(&["state", "hash", "--at", &sequence, "--store", store]);
    answer["state_hash"].as_str().unwrap().to_owned()
}

/// One life of the exchange: start, trade, kill. Returns what was told and what was lost.
fn live(exchange: Exchange, cycle: u64) -> (Vec<Told>, Vec<NewOrder>) {
    let client = exchange.client();
    let (answered, gone) = (AtomicU64::new(0), AtomicBool::new(false));
    let (mut all, mut lost) = (Vec::new(), Vec::new());
    std::thread::scope(|scope| {
        let traders: Vec<_> = (0..CLIENTS)
            .map(|number_of| {
                let (client, answered, gone) = (client.clone(), &answered, &gone);
                scope.spawn(move || trade(&client, number_of, cycle, answered, gone))
            })
            .collect();
        let started = Instant::now();
        while answered.load(Ordering::Relaxed) < ANSWERS && started.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(1));
        }
        std::thread::sleep(Duration::from_micros(Dice(cycle + 1).roll(40_000)));
        exchange.kill();
        gone.store(true, Ordering::Relaxed);
        for trader in traders {
            let (told, last) = trader.join().unwrap();
            all.extend(told);
            lost.extend(last);
        }
    });
    (all, lost)
}

#[test]
fn no_acknowledged_order_is_lost_to_kill_9() {
    let kills = std::env::var("OUTCRY_KILLS").map_or(200, |kills| kills.parse().unwrap());
    let dir = tempfile::tempdir().unwrap();
    let (store, config) = (dir.path().join("store"), dir.path().join("outcry.toml"));
    std::fs::write(&config, CONFIG).unwrap();
    let at = store.to_str().unwrap();
    let args = ["start", "--config", config.to_str().unwrap(), "--store", at, "--listen", "127.0.0.1:0"];
    let (mut answers, mut had_counted, mut had_not) = (0, 0, 0);
    let (mut told, mut lost): (Vec<Told>, Vec<NewOrder>) = Default::default();
    // One start more than kills: the last kill is recovered from, too.
    for cycle in 0..=kills {
        let last = told.iter().map(|told| told.sequence).max().filter(|_| cycle % HASH_EVERY == 1);
        let before = last.map(|last| hash(at, last));
        let exchange = Exchange::start(&args);
        assert_eq!(last.map(|last| hash(at, last)), before, "the state after record {last:?}");
        let client = exchange.client();
        if cycle == 0 {
            set_up(&client);
        }
        let mut reader = Reader::open(Path::new(at)).unwrap();
        for told in &told {
            check(&mut reader, told);
        }
        let counts = repeat(&client, &mut reader, &lost);
        (had_counted, had_not) = (had_counted + counts.0, had_not + counts.1);
        if cycle < kills {
            (told, lost) = live(exchange, cycle);
            answers += told.len();
        }
    }
    let verified = answer(&["log", "verify", "--reexecute", "--store", at]);
    assert_eq!(verified["reexecution"]["faithful"], true, "{verified}");
    eprintln!(
        "{kills} kills, {answers} answers, all in the log; of the lost answers {had_counted} had counted, {had_not} had not"
    );
    assert!(answers > 10 * usize::try_from(kills).unwrap(), "too little traffic to mean anything: {answers}");
}
