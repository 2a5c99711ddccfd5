//! Writing, reading, reopening: the ordinary life of a store.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::time::Duration;

use event_store::{
    CommitPolicy, Durability, Error, FlusherWait, Mark, Opened, Options, Preparation, Reader, ReaderOptions,
    Writer,
};

fn tiny() -> Options {
    Options { segment_bytes: 16 << 10, preparation: Preparation::Inline, ..Options::small() }
}

fn payload(sequence: u64) -> Vec<u8> {
    let length = usize::try_from(sequence * 7 % 200).unwrap();
    (0..length).map(|index| u8::try_from((sequence + index as u64) % 251).unwrap()).collect()
}

/// Appends records `next..=last` in blocks of up to `batch`.
fn fill(store: &mut Opened, last: u64, batch: u64) {
    while store.writer.next_sequence() <= last {
        let first = store.writer.next_sequence();
        let mut block = store.writer.begin(i64::try_from(first).unwrap() * 1000).unwrap();
        for sequence in first..=last.min(first + batch - 1) {
            let assigned =
                block.append(u16::try_from(sequence % 5).unwrap(), 1, sequence * 3, &payload(sequence));
            assert_eq!(assigned.unwrap(), sequence);
        }
        block.finish();
    }
    store.flusher.poll().unwrap();
}

fn check(reader: &mut Reader, from: u64, to: u64) {
    let mut next = from;
    while let Some(block) = reader.next_block().unwrap() {
        for record in block.records_from(next) {
            assert_eq!(record.sequence, next);
            assert_eq!(u64::from(record.kind), next % 5);
            assert_eq!(record.tag, next * 3);
            assert_eq!(record.payload, payload(next));
            assert_eq!(record.payload.as_ptr() as usize % 16, 0);
            next += 1;
        }
    }
    assert_eq!(next, to + 1);
}

#[test]
fn what_is_written_is_read_back_across_segments_and_openings() {
    for options in [tiny(), Options { durability: Durability::Fsync, ..tiny() }] {
        let dir = tempfile::tempdir().unwrap();
        let mut store = Writer::open(dir.path(), &options).unwrap();
        assert!(store.recovery.created);
        fill(&mut store, 1000, 7);
        let mut reader = Reader::open(dir.path()).unwrap();
        check(&mut reader, 1, 1000);
        assert!(reader.segment() > 5);
        fill(&mut store, 1500, 1);
        check(&mut reader, 1001, 1500);
        let Opened { writer, flusher, .. } = store;
        drop(writer);
        flusher.close().unwrap();

        let mut store = Writer::open(dir.path(), &options).unwrap();
        assert!(store.recovery.clean);
        assert_eq!(store.recovery.last_sequence, 1500);
        fill(&mut store, 2000, 13);
        drop(store);

        let store = Writer::open(dir.path(), &options).unwrap();
        assert!(!store.recovery.clean);
        assert_eq!(store.recovery.torn, None);
        assert_eq!(store.recovery.last_sequence, 2000);
        check(&mut Reader::open(dir.path()).unwrap(), 1, 2000);
        check(&mut reader, 1501, 2000);
    }
}

#[test]
fn threads_share_the_work() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 64 << 10, ..Options::default() };
    let Opened { mut writer, flusher, .. } = Writer::open(dir.path(), &options).unwrap();
    let watermarks = writer.watermarks();
    let flusher = flusher.spawn(FlusherWait::default()).unwrap();
    let reading = std::thread::spawn({
        let (dir, watermarks) = (dir.path().to_owned(), watermarks.clone());
        move || {
            let mut reader = Reader::with_options(dir, ReaderOptions::tail()).unwrap();
            let mut next = 1;
            while next <= 20_000 {
                watermarks.wait(Mark::Committed, next, Duration::from_secs(10)).unwrap();
                while let Some(block) = reader.next_block().unwrap() {
                    assert!(block.chain_hash().is_some());
                    for record in block.records() {
                        assert_eq!((record.sequence, record.payload), (next, &payload(next)[..]));
                        next += 1;
                    }
                }
            }
        }
    });
    let mut sequence = 1;
    while sequence <= 20_000 {
        writer.wait_ready(Duration::from_secs(10)).unwrap();
        let mut block = writer.begin(0).unwrap();
        for _ in 0..50 {
            block.append((sequence % 5) as u16, 1, 0, &payload(sequence)).unwrap();
            sequence += 1;
        }
        block.finish();
    }
    reading.join().unwrap();
    drop(writer);
    flusher.join().unwrap();
    assert_eq!(watermarks.durable(), 20_000);
}

#[test]
fn seeking_finds_the_block() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Writer::open(dir.path(), &tiny()).unwrap();
    fill(&mut store, 1000, 3);
    let mut reader = Reader::open(dir.path()).unwrap();
    for sequence in [1, 2, 3, 4, 500, 777, 999, 1000, 1001] {
        reader.seek_sequence(sequence).unwrap();
        check(&mut reader, sequence, 1000);
        reader.seek_time(i64::try_from(sequence).unwrap() * 1000).unwrap();
        // Blocks begin at 1, 4, 7, … and carry a thousand times that as their time.
        let first = sequence.div_ceil(3) * 3 - 2;
        let first = if first < sequence { first + 3 } else { first };
        check(&mut reader, first.min(1001), 1000);
    }
    reader.seek_time(i64::MIN).unwrap();
    assert_eq!(reader.next_sequence(), 1);
    reader.seek_end().unwrap();
    assert!(reader.next_block().unwrap().is_none());
    assert!(matches!(reader.seek_sequence(1002), Err(Error::SequenceOutOfRange { last_sequence: 1000, .. })));
    assert!(matches!(reader.seek_sequence(0), Err(Error::SequenceOutOfRange { .. })));
    reader.seek_segment(3).unwrap();
    let next = reader.next_sequence();
    check(&mut reader, next, 1000);
}

#[test]
fn a_second_writer_is_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    let _store = Writer::open(dir.path(), &tiny()).unwrap();
    match Writer::open(dir.path(), &tiny()) {
        Err(Error::Locked { pid, .. }) => assert_eq!(pid, Some(std::process::id())),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_external_committer_bounds_readers() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { commit: CommitPolicy::External, ..tiny() };
    let mut store = Writer::open(dir.path(), &options).unwrap();
    fill(&mut store, 9, 3);
    let mut reader = Reader::open(dir.path()).unwrap();
    check(&mut reader, 1, 0);
    let committer = store.committer.as_mut().unwrap();
    committer.commit(6);
    check(&mut reader, 1, 6);
    drop(store);
    let options = Options { truncate_after: Some(6), ..options };
    let mut store = Writer::open(dir.path(), &options).unwrap();
    assert_eq!((store.recovery.last_sequence, store.recovery.torn), (6, None));
    assert_eq!(store.writer.watermarks().committed(), 6);
    fill(&mut store, 12, 2);
    store.committer.unwrap().commit(12);
    check(&mut reader, 7, 12);
}

#[test]
fn an_unfinished_block_leaves_no_trace_and_a_rolled_back_record_neither() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Writer::open(dir.path(), &tiny()).unwrap();
    let mut block = store.writer.begin(5).unwrap();
    block.append(1, 1, 3, b"dropped").unwrap();
    drop(block);
    assert_eq!(store.writer.begin(5).unwrap().finish().record_count, 0);
    let mut block = store.writer.begin(5).unwrap();
    block.append(1, 1, 3, &payload(1)).unwrap();
    let savepoint = block.savepoint();
    block.append(2, 2, 2, &[0xff; 300]).unwrap();
    block.rollback(savepoint);
    let (sequence, into) = block.reserve(2, 1, 6, payload(2).len()).unwrap();
    assert_eq!(sequence, 2);
    assert!(into.iter().all(|&byte| byte == 0));
    into.copy_from_slice(&payload(2));
    assert_eq!(block.finish().last_sequence(), 2);
    store.flusher.poll().unwrap();
    check(&mut Reader::open(dir.path()).unwrap(), 1, 2);
}

#[test]
fn a_block_too_large_is_refused_and_stays_usable() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Writer::open(dir.path(), &tiny()).unwrap();
    let mut block = store.writer.begin(0).unwrap();
    block.append(1, 1, 3, &payload(1)).unwrap();
    let full = block.append(1, 1, 3, &[0; 4096]).unwrap_err();
    assert_eq!(full.remaining_bytes, block.bytes_remaining());
    block.append(1, 1, 3, &vec![1; block.bytes_remaining() - 16]).unwrap();
    assert_eq!(block.bytes_remaining(), 0);
    assert_eq!(block.append(1, 1, 3, &[]).unwrap_err().needed_bytes, 16);
    block.finish();
}

#[test]
fn time_never_goes_back() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Writer::open(dir.path(), &tiny()).unwrap();
    for time in [100, 90, 110] {
        let mut block = store.writer.begin(time).unwrap();
        block.append(0, 0, 0, b"x").unwrap();
        assert_eq!(block.finish().timestamp_ns, time.max(100));
    }
    assert_eq!(store.writer.stats().clock_regressions, 1);
    drop(store);
    let store = Writer::open(dir.path(), &tiny()).unwrap();
    assert_eq!(store.writer.last_timestamp_ns(), 110);
}

#[test]
fn spans_hold_every_block_once_and_outlive_their_reader() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Writer::open(dir.path(), &tiny()).unwrap();
    fill(&mut store, 1000, 7);
    for (bytes_max, last) in [(0, 1000), (1 << 10, 1000), (4 << 10, 500), (1 << 20, 1000), (1 << 20, 1)] {
        let mut reader = Reader::open(dir.path()).unwrap();
        let mut spans = Vec::new();
        while let Some(span) = reader.next_span(bytes_max, last).unwrap() {
            spans.push(span);
        }
        drop(reader);
        // Blocks hold seven records, so the last one reaches at most six past what was asked for.
        let reached = spans.last().unwrap().last_sequence();
        assert!((last..last + 7).contains(&reached), "{reached} for {last}");
        let sequences = std::thread::spawn(move || {
            let mut sequences = Vec::new();
            for span in spans {
                let mut blocks = 0;
                let walked = span.try_for_each(|block| {
                    sequences.extend(block.records().map(|record| {
                        assert_eq!(record.payload, payload(record.sequence));
                        record.sequence
                    }));
                    blocks += 1;
                    Ok::<_, Error>(())
                });
                walked.unwrap();
                assert!(span.bytes() <= bytes_max || blocks == 1);
                assert_eq!(sequences.last(), Some(&span.last_sequence()));
            }
            sequences
        });
        assert_eq!(sequences.join().unwrap(), (1..=reached).collect::<Vec<_>>());
    }
}

#[test]
fn a_span_ends_where_the_bound_does() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { durability: Durability::Fsync, ..tiny() };
    let mut store = Writer::open(dir.path(), &options).unwrap();
    fill(&mut store, 20, 5);
    let mut reader = Reader::open(dir.path()).unwrap();
    // Written, but neither durable nor committed.
    let mut block = store.writer.begin(100_000).unwrap();
    for sequence in 21..=22 {
        block.append(u16::try_from(sequence % 5).unwrap(), 1, sequence * 3, &payload(sequence)).unwrap();
    }
    block.finish();
    assert_eq!(reader.next_span(1 << 20, u64::MAX).unwrap().unwrap().last_sequence(), 20);
    assert!(reader.next_span(1 << 20, u64::MAX).unwrap().is_none());
    fill(&mut store, 40, 5);
    assert_eq!(reader.next_span(1 << 20, u64::MAX).unwrap().unwrap().first_sequence(), 21);
}
