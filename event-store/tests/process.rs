//! Two processes: one writes, the other reads along, kills it, and recovers. On the real file system.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use event_store::{Durability, Error, FlusherWait, Opened, Options, Reader, ReaderOptions, Writer, verify};

const CHILD_DIR: &str = "EVENT_STORE_TEST_DIR";
const KILLS: usize = 20;

fn options(kill: usize) -> Options {
    let durability = if kill.is_multiple_of(2) { Durability::Fsync } else { Durability::Os };
    Options { segment_bytes: 256 << 10, durability, ..Options::default() }
}

fn payload(sequence: u64) -> Vec<u8> {
    sequence.to_le_bytes().repeat(usize::try_from(1 + sequence % 20).unwrap())
}

/// Writes until it is killed.
#[test]
#[ignore = "is the other process of the test below"]
fn child_writer() {
    let dir = std::env::var(CHILD_DIR).unwrap();
    let kill = std::env::var("EVENT_STORE_TEST_KILL").unwrap().parse().unwrap();
    let Opened { mut writer, flusher, .. } = Writer::open(dir, &options(kill)).unwrap();
    let _flusher = flusher.spawn(FlusherWait::default()).unwrap();
    loop {
        writer.wait_ready(Duration::from_secs(10)).unwrap();
        let mut block = writer.begin(0).unwrap();
        for _ in 0..=(block.next_sequence() % 7) {
            let sequence = block.next_sequence();
            block.append(1, 1, sequence, &payload(sequence)).unwrap();
        }
        block.finish();
    }
}

/// Reads on from `next` for a while; returns the sequence number after the last record seen.
fn follow(dir: &Path, mut next: u64, wait: Duration) -> u64 {
    let started = Instant::now();
    let mut reader = loop {
        match Reader::with_options(dir, ReaderOptions::tail()) {
            Ok(reader) if reader.bound() + 1 >= next => break reader,
            Ok(_) | Err(Error::NotAStore { .. } | Error::MissingSegment { .. }) => std::thread::yield_now(),
            Err(error) => panic!("{error}"),
        }
        assert!(started.elapsed() < Duration::from_mins(1), "the writer does not come up");
    };
    reader.seek_sequence(next).unwrap();
    let from = next;
    let started = Instant::now();
    while started.elapsed() < wait || next == from {
        assert!(started.elapsed() < Duration::from_mins(1), "the writer does not write");
        let Some(block) = reader.next_block().unwrap() else { continue };
        for record in block.records_from(next) {
            assert_eq!((record.sequence, record.tag), (next, next));
            assert_eq!(record.payload, payload(next));
            next += 1;
        }
    }
    next
}

#[test]
fn nothing_another_process_saw_committed_is_lost_when_the_writer_is_killed() {
    let dir = tempfile::tempdir().unwrap();
    let mut next = 1;
    for kill in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "child_writer", "--ignored"])
            .env(CHILD_DIR, dir.path())
            .env("EVENT_STORE_TEST_KILL", kill.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        let seen = follow(dir.path(), next, Duration::from_millis(5 + 3 * kill as u64));
        child.kill().unwrap();
        child.wait().unwrap();

        let store = Writer::open(dir.path(), &options(kill)).unwrap();
        assert!(store.recovery.last_sequence + 1 >= seen, "{:?}, seen to {seen}", store.recovery);
        assert!(!store.recovery.clean);
        next = store.recovery.last_sequence + 1;
        drop(store);
    }
    let mut store = Writer::open(dir.path(), &options(0)).unwrap();
    store.flusher.poll().unwrap();
    let Opened { writer, flusher, .. } = store;
    drop(writer);
    flusher.close().unwrap();
    let report = verify(dir.path()).unwrap();
    assert!(report.is_intact(), "{report:?}");
    assert_eq!(report.last_sequence + 1, next);
    println!("{KILLS} kills, {} records", report.last_sequence);
}
