//! The core thread in steady state calls the operating system not once: strace says so. Where there is no strace, or
//! it may not trace, the test says that it was skipped.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use std::process::Command as Process;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use engine::NoRules;
use event_store::{Durability, Options};
use order_book::Book;
use sequencer::{Agent, Calendars, NodeConfig, SystemClock, prepare};

/// Set in the child that is traced: the store's directory.
const CHILD: &str = "OUTCRY_TRACED_STORE";
/// Paths whose look-up marks the steady state in the trace.
const BEGIN: &str = "/outcry-steady-begin";
const END: &str = "/outcry-steady-end";
const MEASURED: u64 = 20_000;

/// The child: this thread runs the core loop, one submits, one flushes.
fn child(store: &str) {
    let config = NodeConfig {
        segment_bytes: 64 << 20,
        // Room for everything: the submitter never has to wait.
        ring_capacity: 1 << 16,
        calendars: Calendars::built_in(),
        ..common::config(std::path::Path::new(store))
    };
    let options =
        Options { segment_bytes: config.segment_bytes, durability: Durability::Fsync, ..Options::default() };
    let (mut core, mut flusher) =
        prepare::<Book>(&config, &options).unwrap().into_loop(&config, NoRules, SystemClock);
    let (submitter, stop) = (core.submitter(), Arc::new(AtomicBool::new(false)));
    let stopping = Arc::clone(&stop);
    // The flusher never sleeps here, so the core never has to wake it.
    let flushing = std::thread::spawn(move || {
        while !stopping.load(Ordering::Relaxed) {
            flusher.poll().unwrap();
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        flusher
    });
    let submitting = std::thread::spawn(move || {
        let opening = common::opening().into_iter();
        for command in opening.chain((0..2 * MEASURED + 1000).map(|index| common::made_up(3, index))) {
            common::submit(&submitter, 1, command);
        }
    });
    let mut run = |commands| {
        let mut executed = 0;
        while executed < commands {
            executed += core.poll() as u64;
        }
    };
    run(MEASURED);
    // Whether the path exists does not matter: looking is what leaves a mark in the trace.
    let _ = std::fs::metadata(BEGIN);
    run(MEASURED);
    let _ = std::fs::metadata(END);
    submitting.join().unwrap();
    stop.store(true, Ordering::Relaxed);
    flushing.join().unwrap();
}

#[test]
fn the_core_thread_calls_nothing_in_steady_state() {
    if let Ok(store) = std::env::var(CHILD) {
        return child(&store);
    }
    let dir = tempfile::tempdir().unwrap();
    let trace = dir.path().join("trace");
    let strace = Process::new("strace")
        .args(["-f", "-o"])
        .arg(&trace)
        .arg(std::env::current_exe().unwrap())
        .args(["--exact", "the_core_thread_calls_nothing_in_steady_state", "--nocapture"])
        .env(CHILD, dir.path().join("store"))
        .output();
    let output = match strace {
        Ok(output) => output,
        Err(error) => return eprintln!("skipped: strace cannot be run: {error}"),
    };
    let talk = String::from_utf8_lossy(&output.stderr);
    if talk.contains("PTRACE") || talk.contains("ptrace") {
        return eprintln!("skipped: strace may not trace here: {talk}");
    }
    assert!(output.status.success(), "{talk}");

    let trace = std::fs::read_to_string(trace).unwrap();
    let begin = trace.lines().position(|line| line.contains(BEGIN)).expect("the child marks the beginning");
    let thread = trace.lines().nth(begin).and_then(|line| line.split_whitespace().next()).unwrap();
    let calls = |line: &&str| line.split_whitespace().next() == Some(thread);
    let steady: Vec<_> = trace.lines().skip(begin + 1).take_while(|line| !line.contains(END)).collect();
    // strace splits a call that another thread's interrupts in two lines: the mark's own second half is no new call.
    let resumed = |line: &&str| line.contains("statx resumed");
    let core: Vec<_> = steady.iter().copied().filter(calls).filter(|line| !resumed(line)).collect();
    // The trace shows calls where there are any: the flusher syncs, whether within these milliseconds or not.
    assert!(trace.contains(END) && trace.contains("fdatasync"), "the trace is not whole");
    assert_eq!(core, Vec::<&str>::new());
}
