//! Every interleaving of the publish protocol, by the loom model checker:
//! `RUSTFLAGS="--cfg loom" cargo test -p event-store --test loom --release`.
#![cfg(loom)]

use std::time::Duration;

use event_store::publish::{LengthWord, WatermarkWord};
use event_store::signal::Signal;
use event_store::sync::{AtomicU32, AtomicU64, Ordering};
use loom::cell::UnsafeCell;
use loom::sync::Arc;
use loom::thread;

/// Two blocks of a segment, and the marks. The cells stand for bytes that are not atomic: loom fails the test if one is
/// read while it may be written.
struct Segment {
    length: [AtomicU32; 2],
    records: [UnsafeCell<u64>; 2],
    chain: [UnsafeCell<u64>; 2],
    written: AtomicU64,
    durable: AtomicU64,
    work: Signal,
    progress: Signal,
}

impl Segment {
    fn new() -> Self {
        Self {
            length: [AtomicU32::new(0), AtomicU32::new(0)],
            records: [UnsafeCell::new(0), UnsafeCell::new(0)],
            chain: [UnsafeCell::new(0), UnsafeCell::new(0)],
            written: AtomicU64::new(0),
            durable: AtomicU64::new(0),
            work: Signal::new(),
            progress: Signal::new(),
        }
    }

    fn write(&self, block: usize) {
        // SAFETY: loom checks that nobody reads the cell meanwhile; that is what this test is about.
        self.records[block].with_mut(|cell| unsafe { *cell = 10 + block as u64 });
        LengthWord::new(&self.length[block]).publish(128);
        WatermarkWord::new(&self.written).publish(block as u64 + 1);
        self.work.notify();
    }

    fn read(&self, block: usize) -> u64 {
        // SAFETY: as in `write`.
        self.records[block].with(|cell| unsafe { *cell })
    }

    fn flush(&self, from: u64, to: u64) {
        for block in from..to {
            let hash = 100 + self.read(block as usize);
            // SAFETY: as in `write`.
            self.chain[block as usize].with_mut(|cell| unsafe { *cell = hash });
        }
        WatermarkWord::new(&self.durable).publish(to);
        self.progress.notify();
    }
}

/// A block is seen whole or not at all, by its length alone.
#[test]
fn a_length_that_is_seen_shows_the_whole_block() {
    loom::model(|| {
        let segment = Arc::new(Segment::new());
        let writer = thread::spawn({
            let segment = Arc::clone(&segment);
            move || {
                segment.write(0);
                segment.write(1);
            }
        });
        for block in 0..2 {
            if LengthWord::new(&segment.length[block]).load().is_some() {
                assert_eq!(segment.read(block), 10 + block as u64);
            } else {
                break;
            }
        }
        writer.join().unwrap();
    });
}

/// What is at or below `written` is there; what is at or below `durable` carries its hash.
#[test]
fn marks_never_run_ahead_of_what_they_promise() {
    loom::model(|| {
        let segment = Arc::new(Segment::new());
        let writer = thread::spawn({
            let segment = Arc::clone(&segment);
            move || {
                segment.write(0);
                segment.write(1);
            }
        });
        let flusher = thread::spawn({
            let segment = Arc::clone(&segment);
            move || {
                let target = WatermarkWord::new(&segment.written).load();
                segment.flush(0, target);
            }
        });
        let durable = WatermarkWord::new(&segment.durable).load();
        let written = WatermarkWord::new(&segment.written).load();
        assert!(durable <= written, "durable {durable} is ahead of written {written}");
        for block in 0..written as usize {
            assert!(LengthWord::new(&segment.length[block]).load().is_some());
            assert_eq!(segment.read(block), 10 + block as u64);
        }
        for block in 0..durable as usize {
            // SAFETY: as in `Segment::write`.
            let hash = segment.chain[block].with(|cell| unsafe { *cell });
            assert_eq!(hash, 110 + block as u64);
        }
        writer.join().unwrap();
        flusher.join().unwrap();
    });
}

/// Nobody sleeps through what they wait for: not the flusher through a block, not a waiter through its mark. A lost
/// wake-up would be a deadlock, which loom reports.
#[test]
fn no_wake_up_is_lost() {
    let mut model = loom::model::Builder::new();
    model.preemption_bound = Some(3);
    model.check(|| {
        let segment = Arc::new(Segment::new());
        let flusher = thread::spawn({
            let segment = Arc::clone(&segment);
            move || {
                let written = WatermarkWord::new(&segment.written);
                segment.work.wait_until(Duration::MAX, || written.load() >= 1);
                segment.flush(0, 1);
            }
        });
        let waiter = thread::spawn({
            let segment = Arc::clone(&segment);
            move || {
                let durable = WatermarkWord::new(&segment.durable);
                segment.progress.wait_until(Duration::MAX, || durable.load() >= 1);
                assert_eq!(segment.read(0), 10);
            }
        });
        segment.write(0);
        flusher.join().unwrap();
        waiter.join().unwrap();
    });
}

/// The model would notice a protocol that is too weak: publishing with Relaxed is a race.
#[test]
#[should_panic(expected = "Causality violation")]
fn a_relaxed_length_is_noticed() {
    loom::model(|| {
        let segment = Arc::new(Segment::new());
        let writer = thread::spawn({
            let segment = Arc::clone(&segment);
            move || {
                // SAFETY: none: this is the defect.
                segment.records[0].with_mut(|cell| unsafe { *cell = 10 });
                segment.length[0].store(128, Ordering::Relaxed);
            }
        });
        if LengthWord::new(&segment.length[0]).load().is_some() {
            assert_eq!(segment.read(0), 10);
        }
        writer.join().unwrap();
    });
}
