//! Crashes of the core loop on a disk that loses, tears and reorders what was not synced. Whatever the crash, what was
//! committed is there, and the state is the one the exchange had after the last record that is.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use common::{config, made_up, opening};
use engine::NoRules;
use event_store::fault::{FaultFs, Loss, Replay, Rng};
use event_store::{Durability, Options, Preparation, StoreId};
use model::Timestamp;
use order_book::Book;
use sequencer::{Agent, ManualClock, NodeConfig, prepare};

const DIR: &str = "/store";

fn options(fs: &FaultFs) -> Options {
    Options {
        segment_bytes: 256 << 10,
        durability: Durability::Fsync,
        preparation: Preparation::Inline,
        store_id: Some(StoreId([7; 16])),
        created_ns: Some(0),
        file_system: Arc::new(fs.clone()),
        ..Options::default()
    }
}

fn node_config() -> NodeConfig {
    let mut config = NodeConfig { store: PathBuf::from(DIR), max_batch: 8, ..config(Path::new(DIR)) };
    config.limits.max_working_orders = 512;
    config
}

/// What was recorded: the state's hash after each block, by its last record.
type Hashes = BTreeMap<u64, [u8; 32]>;

/// Runs a flow in batches of all sizes, with syncs now and then.
fn run(fs: &FaultFs, seed: u64, commands: u64) -> Hashes {
    let config = node_config();
    let clock = ManualClock::new(Timestamp(1_767_605_400_000_000_000));
    let prepared = prepare::<Book>(&config, &options(fs)).unwrap();
    let (mut core, mut flusher) = prepared.into_loop(&config, NoRules, clock.clone());
    let (submitter, mut dice) = (core.submitter(), Rng::new(seed));
    let mut hashes = Hashes::from([(0, core.state().hash())]);
    let mut flow = opening().into_iter().chain((0..commands).map(|index| made_up(seed, index)));
    for step in 1.. {
        let burst: Vec<_> = flow.by_ref().take(1 + dice.below(12)).collect();
        if burst.is_empty() {
            break;
        }
        for command in burst {
            submitter.submit(step, command).unwrap();
        }
        clock.set(Timestamp(1_767_605_400_000_000_000 + i64::try_from(step).unwrap()));
        while core.poll() > 0 {
            hashes.insert(core.writer().next_sequence() - 1, core.state().hash());
        }
        if dice.flip() {
            flusher.poll().unwrap();
        }
    }
    hashes
}

#[test]
fn the_state_after_any_crash_is_one_the_exchange_had() {
    let mut recovered_at = std::collections::BTreeSet::new();
    let mut crashes = 0;
    for seed in 0..6 {
        let fs = FaultFs::new(true);
        let mut replay = Replay::start(&fs);
        let hashes = run(&fs, seed, 150);
        replay.finish(&fs);
        let mut dice = Rng::new(seed);
        loop {
            if dice.below(4) == 0 {
                for loss in [Loss::Everything, Loss::Nothing, Loss::Sectors, Loss::Prefix] {
                    let disk = replay.crash(loss, &mut dice, false);
                    let prepared = prepare::<Book>(&node_config(), &options(&disk)).unwrap();
                    let last = prepared.recovery.last_sequence;
                    assert!(
                        last >= replay.acknowledged(),
                        "{last} of {} acknowledged",
                        replay.acknowledged()
                    );
                    assert_eq!(Some(&prepared.state.hash()), hashes.get(&last), "seed {seed}, record {last}");
                    prepared.state.check().unwrap();
                    recovered_at.insert((seed, last));
                    crashes += 1;
                }
            }
            if !replay.advance() {
                break;
            }
        }
    }
    // Were everything or nothing recovered, the assertions above would be cheap to satisfy.
    assert!(recovered_at.len() > 60 && crashes > 500, "{} of {crashes}", recovered_at.len());
}
