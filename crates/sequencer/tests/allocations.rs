//! The core loop in steady state allocates nothing: every allocation of the thread that polls it is counted.

use engine::NoRules;
use event_store::{Durability, Options};
use model::Configure;
use order_book::Book;
use sequencer::{Agent, Calendars, NodeConfig, SystemClock, prepare};
use simulator::flow::{FlowConfig, MarketConfig, MarketFlow, Shape, numbered_symbols};

const WARM_UP: usize = 150_000;
const MEASURED: usize = 50_000;

#[test]
fn the_loop_allocates_nothing_once_it_is_warm() {
    let dir = tempfile::tempdir().unwrap();
    let limits = Configure {
        max_order_ids: 1 << 20,
        max_working_orders: 1 << 15,
        max_accounts: 1000,
        max_instruments: 10,
        reserved: 0,
    };
    let config = NodeConfig {
        store: dir.path().to_owned(),
        durability: Durability::Os,
        segment_bytes: 128 << 20,
        ring_capacity: 4096,
        limits,
        calendars: Calendars::built_in(),
        ..NodeConfig::default()
    };
    let options =
        Options { segment_bytes: config.segment_bytes, durability: config.durability, ..Options::small() };
    let (mut core, _flusher) =
        prepare::<Book>(&config, &options).unwrap().into_loop(&config, NoRules, SystemClock);
    let market = MarketConfig {
        symbols: numbered_symbols(5),
        accounts: 100,
        flow: FlowConfig { resting_orders: 5000, ..FlowConfig::new(Shape::Normal, 1) },
        ..MarketConfig::new(Shape::Normal, 1)
    };
    let flow = MarketFlow::new(market);
    let mut commands = flow.setup().collect::<Vec<_>>().into_iter().chain(flow);
    let submitter = core.submitter();
    let mut round = |measured: &mut dyn FnMut(&mut dyn FnMut())| {
        for command in commands.by_ref().take(4096) {
            submitter.submit(1, command).unwrap();
        }
        let mut executed = 0;
        measured(&mut || {
            while submitter.depth().0 > 0 {
                executed += core.poll();
            }
        });
        executed
    };
    let mut executed = 0;
    while executed < WARM_UP {
        executed += round(&mut |poll| poll());
    }
    let (mut executed, mut allocations) = (0, 0);
    while executed < MEASURED {
        executed += round(&mut |poll| allocations += allocation_counter::measure(poll).count_total);
    }
    assert_eq!(allocations, 0, "in {executed} commands");
    // The counter works.
    assert_ne!(allocation_counter::measure(|| drop(std::hint::black_box(Box::new(7)))).count_total, 0);
}
