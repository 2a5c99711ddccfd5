//! What appending costs the one thread that appends, and reading costs a reader: `cargo bench -p event-store`.
//!
//! A command is two records of 64 and 48 bytes of payload, 144 bytes in the log with their headers, and a share of the block's 128. The files lie
//! in the temporary directory; pages are set up beforehand and nothing is synced, so this is the processor's
//! part alone. `examples/throughput.rs` measures the rest.
#![expect(clippy::unwrap_used, reason = "a benchmark stops at the first surprise")]

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use event_store::{Opened, Options, Reader, ReaderOptions, Writer};

const SEGMENT_BYTES: u64 = 64 << 20;
const COMMAND: [u8; 64] = [7; 64];
const EVENT: [u8; 48] = [9; 48];
const COMMAND_BYTES: u64 = 16 + 64 + 16 + 48;

fn store() -> (tempfile::TempDir, Opened) {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: SEGMENT_BYTES, prefault: Some(true), ..Options::small() };
    let store = Writer::open(dir.path(), &options).unwrap();
    (dir, store)
}

fn block(writer: &mut Writer, commands: u64) {
    let mut block = writer.begin(0).unwrap();
    for command in 0..commands {
        block.append(1, 1, command, &COMMAND).unwrap();
        block.append(2, 1, command, &EVENT).unwrap();
    }
    block.finish();
}

fn append(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    for commands in [1, 16, 64, 256] {
        let bytes = 128 + commands * COMMAND_BYTES;
        group.throughput(Throughput::Bytes(bytes));
        group.bench_function(BenchmarkId::new("commands a block", commands), |bencher| {
            bencher.iter_custom(|iterations| {
                // One segment at a time, so that preparing the next is not measured.
                let a_store = SEGMENT_BYTES / 2 / bytes;
                let (mut left, mut elapsed) = (iterations, Duration::ZERO);
                while left > 0 {
                    let (_dir, mut store) = store();
                    let count = left.min(a_store);
                    let start = Instant::now();
                    for _ in 0..count {
                        block(&mut store.writer, commands);
                    }
                    elapsed += start.elapsed();
                    left -= count;
                }
                elapsed
            });
        });
    }
    group.finish();
}

fn read(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("read");
    let (dir, mut store) = store();
    let blocks = 1000;
    for _ in 0..blocks {
        block(&mut store.writer, 64);
    }
    group.throughput(Throughput::Elements(blocks * 128));
    for (name, options) in [("checked", ReaderOptions::default()), ("tail", ReaderOptions::tail())] {
        group.bench_function(name, |bencher| {
            let mut reader = Reader::with_options(dir.path(), options.clone()).unwrap();
            bencher.iter(|| {
                reader.seek_segment(1).unwrap();
                let mut sum = 0;
                while let Some(block) = reader.next_block().unwrap() {
                    for record in block.records() {
                        sum += record.tag + u64::from(record.payload[0]);
                    }
                }
                sum
            });
        });
    }
    group.finish();
}

fn flush(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("hash");
    let bytes = 128 + 64 * COMMAND_BYTES;
    group.throughput(Throughput::Bytes(bytes));
    group.bench_function("chain a block of 64 commands", |bencher| {
        bencher.iter_custom(|iterations| {
            let mut elapsed = Duration::ZERO;
            let mut left = iterations;
            while left > 0 {
                let (_dir, mut store) = store();
                let count = left.min(SEGMENT_BYTES / 2 / bytes);
                for _ in 0..count {
                    block(&mut store.writer, 64);
                }
                let start = Instant::now();
                store.flusher.poll().unwrap();
                elapsed += start.elapsed();
                left -= count;
            }
            elapsed
        });
    });
    group.finish();
}

criterion_group!(benches, append, read, flush);
criterion_main!(benches);
