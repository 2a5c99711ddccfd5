//! A node with all its threads: answers, refusals, restarts, snapshots.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use std::time::Duration;

use common::{config, made_up, opening, submit, wait_executed};
use engine::{NoRules, State};
use model::{Command, Event, KIND_EVENT_FIRST};
use order_book::{Book, NaiveBook};
use sequencer::replay::{fold, reexecute};
use sequencer::{Durability, Node, NodeConfig, SEQUENCER_TAG, SnapshotEvery, SubmitError, WaitStrategy};

/// Runs the opening and `count` made-up commands, and waits until they are committed.
fn trade(node: &Node, seed: u64, count: u64) {
    let (submitter, before) = (node.submitter(), node.status().core.commands);
    let mut commands: Vec<Command> = if node.recovery().created { opening() } else { Vec::new() };
    commands.extend((0..count).map(|index| made_up(seed, index)));
    // The sequencer's own: `Configure` and `StartTradingDay`.
    let own = if node.recovery().created { 2 } else { 0 };
    let total = commands.len() as u64;
    for (tag, command) in (1..).zip(commands) {
        submit(&submitter, tag, command);
    }
    wait_executed(node, before.max(own) + total);
}

fn hash_at_end(config: &NodeConfig) -> ([u8; 32], u64) {
    let folded = fold::<Book>(&config.store, None).unwrap();
    folded.state.check().unwrap();
    (folded.state.hash(), folded.sequence)
}

#[test]
fn every_command_stands_beside_its_events_with_its_tag() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(config(dir.path())).unwrap();
    trade(&node, 7, 2000);
    let mut reader = node.reader().unwrap();
    let (mut tags, mut own, mut state) = (Vec::new(), 0, State::<NaiveBook>::default());
    let mut events = Vec::new();
    while let Some(block) = reader.next_block().unwrap() {
        let first = block.records().next().unwrap();
        assert!(first.kind < KIND_EVENT_FIRST, "a block begins with a command");
        for record in block.records() {
            if record.kind >= KIND_EVENT_FIRST {
                assert_eq!(record.tag, 0);
                let event = Event::decode(record.kind, record.version, record.payload).unwrap();
                assert_eq!(events.pop(), Some(event.clone()), "at {}", record.sequence);
                engine::evolve(&mut state, &event);
                continue;
            }
            assert_eq!(events, [], "every event of a command is in its block");
            match record.tag {
                SEQUENCER_TAG => own += 1,
                tag => tags.push(tag),
            }
            let command = Command::decode(record.kind, record.version, record.payload).unwrap();
            let now = model::Timestamp(block.header().timestamp_ns);
            engine::decide(&state, now, &command, &mut NoRules, &mut events);
            events.reverse();
        }
        assert_eq!(events, []);
    }
    assert_eq!(tags, (1..=2008).collect::<Vec<_>>());
    assert_eq!(own, 2);
    node.stop().unwrap();
}

#[test]
fn a_node_goes_on_where_it_stopped_and_where_it_crashed() {
    for (durability, share_thread) in
        [(Durability::Os, false), (Durability::Fsync, false), (Durability::Fsync, true)]
    {
        let dir = tempfile::tempdir().unwrap();
        let config = NodeConfig { durability, share_thread, ..config(dir.path()) };
        let node = Node::start(config.clone()).unwrap();
        trade(&node, 1, 1500);
        node.stop().unwrap();
        let stopped = hash_at_end(&config);

        let node = Node::start(config.clone()).unwrap();
        assert!(node.recovery().clean);
        assert_eq!(node.recovery().last_sequence, stopped.1);
        trade(&node, 2, 1500);
        let committed = node.committed();
        node.crash();
        let crashed = hash_at_end(&config);
        assert!(crashed.1 >= committed, "what was acknowledged is there");

        let node = Node::start(config.clone()).unwrap();
        assert!(!node.recovery().clean);
        assert_eq!(hash_at_end(&config), crashed, "starting changes nothing while there is nothing to do");
        trade(&node, 3, 100);
        node.stop().unwrap();
        let report = reexecute::<NaiveBook, _>(&config.store, &mut NoRules, |_| ()).unwrap();
        assert!(report.is_faithful(), "{report:?}");
        assert!(report.commands >= 3108);
    }
}

#[test]
fn snapshots_shorten_recovery_and_bad_ones_are_not_trusted() {
    let dir = tempfile::tempdir().unwrap();
    let every = SnapshotEvery { records: 500, interval: Duration::from_hours(1) };
    let config = NodeConfig { snapshot_every: every, ..config(dir.path()) };
    let node = Node::start(config.clone()).unwrap();
    for seed in 0..3 {
        trade(&node, seed, 1000);
        wait_for(|| node.status().snapshots.last_sequence >= Some(node.committed() - 500));
    }
    let status = node.status().snapshots;
    assert!(status.taken >= 3 && status.failed == 0, "{status:?}");
    node.stop().unwrap();
    let files = sequencer::snapshot::list(dir.path()).unwrap();
    assert_eq!(files.len(), 2, "the newest two are kept");

    let from_snapshot = fold::<Book>(dir.path(), None).unwrap();
    assert_eq!(from_snapshot.report.snapshot, Some(files[0].0));
    let whole = fold_without_snapshots(&config);
    assert_eq!((from_snapshot.state.hash(), from_snapshot.sequence), whole);

    // Time travel: before the newest snapshot the older one serves, before both none.
    let travel = |up_to| fold::<Book>(dir.path(), Some(up_to)).unwrap();
    assert_eq!(travel(files[0].0 - 1).report.snapshot, Some(files[1].0));
    assert_eq!(travel(files[1].0 - 1).report.snapshot, None);
    assert_eq!(travel(files[1].0 - 1).sequence, files[1].0 - 1);

    // Flip one bit anywhere in the newest; cut the other short.
    let good = std::fs::read(&files[0].1).unwrap();
    for at in [3, 9, 20, 33, 70, 100, 140, 170, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 0x10;
        std::fs::write(&files[0].1, &bad).unwrap();
        let folded = fold::<Book>(dir.path(), None).unwrap();
        assert_eq!(folded.report.skipped.len(), 1, "bit {at}");
        assert_eq!(folded.report.snapshot, Some(files[1].0));
        assert_eq!((folded.state.hash(), folded.sequence), whole);
    }
    std::fs::write(&files[1].1, &good[..good.len() / 2]).unwrap();
    let node = Node::start(NodeConfig { snapshot_every: SnapshotEvery::NEVER, ..config.clone() }).unwrap();
    assert_eq!(node.recovery().snapshot_sequence, None);
    assert_eq!(node.recovery().warnings.len(), 2, "{:?}", node.recovery().warnings);
    node.stop().unwrap();
    assert_eq!(hash_at_end(&config), whole);
}

#[test]
fn a_snapshot_of_another_history_or_store_is_not_used() {
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let take = |dir: &std::path::Path, seed| {
        let node = Node::start(config(dir)).unwrap();
        trade(&node, seed, 300);
        node.stop().unwrap();
        sequencer::Snapshotter::<Book>::new(dir).take().unwrap().unwrap();
        sequencer::snapshot::list(dir).unwrap()[0].1.clone()
    };
    let (_, foreign) = (take(one.path(), 1), take(other.path(), 2));
    let snapshots = one.path().join("snapshots");
    let mine = sequencer::snapshot::list(one.path()).unwrap()[0].clone();
    std::fs::copy(foreign, snapshots.join(format!("{:020}.snapshot", mine.0))).unwrap();
    let folded = fold::<Book>(one.path(), None).unwrap();
    assert_eq!(folded.report.snapshot, None);
    let warning = folded.report.skipped[0].to_string();
    assert!(warning.contains("it belongs to store"), "{warning}");
}

fn fold_without_snapshots(config: &NodeConfig) -> ([u8; 32], u64) {
    let options = sequencer::replay::FoldOptions { snapshots: false, ..Default::default() };
    let folded = sequencer::replay::fold_with::<Book>(&config.store, options).unwrap();
    (folded.state.hash(), folded.sequence)
}

fn wait_for(mut condition: impl FnMut() -> bool) {
    let deadline = std::time::Instant::now() + Duration::from_secs(30);
    while !condition() {
        assert!(std::time::Instant::now() < deadline, "waited in vain");
        std::thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn a_full_ring_is_busy_at_once_and_nothing_of_it_is_lost() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(NodeConfig { ring_capacity: 4, ..config(dir.path()) }).unwrap();
    let submitter = node.submitter();
    let (mut taken, mut busy) = (0, 0);
    while busy < 100 {
        match submitter.submit(taken + 1, made_up(1, taken)) {
            Ok(()) => taken += 1,
            Err(SubmitError::Busy) => busy += 1,
            Err(error) => panic!("{error}"),
        }
    }
    wait_executed(&node, 2 + taken);
    assert_eq!(node.status().ring.refused_busy, 100);
    assert_eq!(node.status().core.commands, 2 + taken);
    node.stop().unwrap();
}

#[test]
fn a_stopped_node_takes_nothing_and_finishes_what_it_took() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path());
    let node = Node::start(config.clone()).unwrap();
    let submitter = node.submitter();
    for (tag, command) in (1..).zip(opening()) {
        submitter.submit(tag, command).unwrap();
    }
    node.stop().unwrap();
    assert_eq!(submitter.submit(99, made_up(0, 0)), Err(SubmitError::Stopped));
    let folded = fold::<Book>(&config.store, None).unwrap();
    assert_eq!(folded.state.accounts().len(), common::ACCOUNTS as usize);
}

#[test]
fn every_wait_strategy_answers() {
    for wait in [WaitStrategy::BusySpin, WaitStrategy::Yield, WaitStrategy::Park, WaitStrategy::Adaptive] {
        let dir = tempfile::tempdir().unwrap();
        let node = Node::start(NodeConfig { wait, core_cpu: Some(0), ..config(dir.path()) }).unwrap();
        trade(&node, 5, 200);
        // One at a time, with the core asleep in between where it sleeps at all.
        for index in 0..20 {
            std::thread::sleep(Duration::from_millis(1));
            let before = node.committed();
            node.submitter().submit(1000 + index, made_up(6, index)).unwrap();
            assert!(node.wait_committed(before + 1, Duration::from_secs(10)).unwrap() > before, "{wait:?}");
        }
        node.stop().unwrap();
    }
}

#[test]
fn a_second_node_on_the_same_store_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let node = Node::start(config(dir.path())).unwrap();
    let error = Node::start(config(dir.path())).err().expect("the store is in use");
    assert!(error.to_string().contains("is being written by process"), "{error}");
    node.stop().unwrap();
}
