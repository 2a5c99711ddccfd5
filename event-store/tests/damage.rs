//! Bad things happen to stores: each is a clear error or a clean recovery, and none goes unnoticed.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use event_store::fault::{CallFault, FaultFs, Rng};
use event_store::fs::FileSystem;
use event_store::{
    Damage, Durability, Error, Mark, Opened, Options, Preparation, Reader, ReaderOptions,
    SEGMENT_HEADER_BYTES, StoreId, Writer, repair_with, stats_with, verify_with,
};
use proptest::prelude::*;

const DIR: &str = "/store";

fn options(fs: &FaultFs) -> Options {
    Options {
        segment_bytes: 16 << 10,
        durability: Durability::Fsync,
        preparation: Preparation::Inline,
        store_id: Some(StoreId([3; 16])),
        created_ns: Some(7),
        file_system: Arc::new(fs.clone()),
        ..Options::default()
    }
}

fn segment_path(number: u64) -> PathBuf {
    Path::new(DIR).join("segments").join(format!("{number:010}.segment"))
}

fn append(store: &mut Opened, records: u64) {
    let mut block = store.writer.begin(0).unwrap();
    for _ in 0..records {
        let sequence = block.next_sequence();
        block
            .append(
                4,
                2,
                sequence,
                &sequence.to_le_bytes().repeat(1 + usize::try_from(sequence % 9).unwrap()),
            )
            .unwrap();
    }
    block.finish();
    store.flusher.poll().unwrap();
}

fn close(store: Opened) {
    let Opened { writer, flusher, .. } = store;
    drop(writer);
    flusher.close().unwrap();
}

/// A closed store of two segments; the last record.
fn closed() -> (FaultFs, u64) {
    let fs = FaultFs::new(false);
    let mut store = Writer::open(DIR, &options(&fs)).unwrap();
    while store.writer.stats().segments < 1 {
        append(&mut store, 11);
    }
    append(&mut store, 5);
    let last = store.writer.next_sequence() - 1;
    close(store);
    (fs, last)
}

fn refusal(fs: &FaultFs) -> Error {
    Writer::open(DIR, &options(fs)).unwrap_err()
}

fn with(files: &BTreeMap<PathBuf, Vec<u8>>, change: impl FnOnce(&mut BTreeMap<PathBuf, Vec<u8>>)) -> FaultFs {
    let mut files = files.clone();
    change(&mut files);
    FaultFs::holding(files)
}

#[test]
fn an_intact_store_verifies() {
    let (fs, last) = closed();
    let mut seen = Vec::new();
    let report = verify_with(Path::new(DIR), &fs, |segment| seen.push(segment)).unwrap();
    assert!(report.is_intact() && report.clean && !report.live, "{report:?}");
    assert_eq!((report.last_sequence, report.records, report.durable_mark), (last, last, last));
    assert_eq!((report.segments, seen), (2, vec![1, 2]));
    let stats = stats_with(Path::new(DIR), Arc::new(fs.clone())).unwrap();
    assert_eq!((stats.records, stats.blocks, stats.block_bytes), (last, report.blocks, report.bytes));
    assert_eq!(stats.kinds[&(4, 2)].payload_bytes, stats.payload_bytes);
    assert_eq!((stats.created_ns, stats.last_segment, stats.block_records_max), (7, 2, 11));
}

#[test]
fn every_single_bit_flip_is_detected() {
    let (fs, _) = closed();
    let mut flips = 0;
    for (path, content) in fs.files() {
        for offset in 0..content.len() {
            for bit in 0..8 {
                fs.damage(&path, offset, |byte| byte ^ (1 << bit));
                match verify_with(Path::new(DIR), &fs, |_| {}) {
                    Ok(report) => assert!(
                        !report.is_intact() || !report.clean,
                        "bit {bit} of byte {offset} of {} goes unnoticed",
                        path.display()
                    ),
                    Err(Error::HeaderCorrupt { .. } | Error::FormatVersion { .. }) => {}
                    Err(other) => panic!("{other:?}"),
                }
                fs.damage(&path, offset, |byte| byte ^ (1 << bit));
                flips += 1;
            }
        }
    }
    assert!(verify_with(Path::new(DIR), &fs, |_| {}).unwrap().is_intact());
    println!("{flips} bit flips");
}

/// In the segment the log ends in, opening notices by itself; readers never show a damaged record.
#[test]
fn flipped_bits_in_blocks_are_refused_by_writers_and_readers() {
    let (fs, last) = closed();
    let content = fs.files()[&segment_path(2)].clone();
    let used = content.len() - content.iter().rev().take_while(|&&byte| byte == 0).count();
    for offset in SEGMENT_HEADER_BYTES..used {
        let files = fs.files();
        let disk = with(&files, |files| files.get_mut(&segment_path(2)).unwrap()[offset] ^= 0x10);
        match refusal(&disk) {
            Error::Corruption { segment: 2, first_sequence, last_sequence, offset: at, .. } => {
                assert!(first_sequence <= last_sequence && last_sequence == last && at <= offset as u64);
            }
            other => panic!("{other:?}"),
        }
        let options = ReaderOptions { file_system: Arc::new(disk.clone()), ..ReaderOptions::default() };
        let mut reader = Reader::with_options(DIR, options).unwrap();
        let mut next = 1;
        let ended = loop {
            match reader.next_block() {
                Ok(Some(block)) => {
                    for record in block.records() {
                        assert_eq!((record.sequence, record.tag), (next, next));
                        next += 1;
                    }
                }
                other => break other.map(|_| ()),
            }
        };
        // A flip in the chain field is invisible to a reader, which does not look there.
        assert!(ended.is_err() || next == last + 1);
    }
}

#[test]
fn a_shortened_segment_is_refused_at_every_length() {
    let (fs, _) = closed();
    let files = fs.files();
    for number in [1, 2] {
        for length in (0..16 << 10).step_by(97) {
            let disk = with(&files, |files| files.get_mut(&segment_path(number)).unwrap().truncate(length));
            match refusal(&disk) {
                Error::SegmentSize { segment, expected: 16_384, found, .. } => {
                    assert_eq!((segment, found), (number, length as u64));
                }
                other => panic!("{other:?}"),
            }
            assert!(!verify_with(Path::new(DIR), &disk, |_| {}).unwrap().is_intact());
        }
    }
}

#[test]
fn a_missing_segment_is_named() {
    let (fs, last) = closed();
    let files = fs.files();
    for (number, before) in [(1, false), (2, true)] {
        let disk = with(&files, |files| drop(files.remove(&segment_path(number))));
        match refusal(&disk) {
            Error::MissingSegment { segment, last_sequence_before, .. } => {
                assert_eq!(segment, number);
                assert_eq!(last_sequence_before > 0, before);
                assert!(last_sequence_before < last);
            }
            other => panic!("{other:?}"),
        }
        let report = verify_with(Path::new(DIR), &disk, |_| {}).unwrap();
        assert!(
            report.findings.iter().any(|found| found.segment == number && found.damage == Damage::Missing)
        );
    }
}

#[test]
fn damage_in_one_segment_does_not_hide_the_next() {
    let (fs, last) = closed();
    fs.damage(&segment_path(1), 5000, |byte| !byte);
    let report = verify_with(Path::new(DIR), &fs, |_| {}).unwrap();
    assert_eq!(report.findings.len(), 1, "{report:?}");
    let finding = &report.findings[0];
    assert_eq!(finding.segment, 1);
    assert!(finding.first_sequence.unwrap() > 1 && finding.last_sequence.unwrap() < last);
    assert_eq!(report.last_sequence, last);
}

#[test]
fn segments_of_another_store_or_place_are_refused() {
    let (fs, _) = closed();
    let files = fs.files();
    let other = FaultFs::new(false);
    close(Writer::open(DIR, &Options { store_id: Some(StoreId([4; 16])), ..options(&other) }).unwrap());
    let foreign = other.files()[&segment_path(1)].clone();
    let disk = with(&files, |files| drop(files.insert(segment_path(2), foreign)));
    assert!(matches!(refusal(&disk), Error::ForeignSegment { .. }));
    let first = files[&segment_path(1)].clone();
    let disk = with(&files, |files| drop(files.insert(segment_path(2), first)));
    assert!(matches!(refusal(&disk), Error::ForeignSegment { .. }));
}

/// Rewrites a file header with another format version and a matching checksum.
fn of_version(content: &mut [u8], version: u32) {
    content[8..12].copy_from_slice(&version.to_le_bytes());
    let checksum = crc32c::crc32c(&content[..60]);
    content[60..64].copy_from_slice(&checksum.to_le_bytes());
}

#[test]
fn another_format_version_is_refused_by_number() {
    let (fs, _) = closed();
    let files = fs.files();
    for path in [Path::new(DIR).join("control"), segment_path(1)] {
        let disk = with(&files, |files| of_version(files.get_mut(&path).unwrap(), 9));
        match refusal(&disk) {
            Error::FormatVersion { path: named, found: 9, supported: 1 } => assert_eq!(named, path),
            other => panic!("{other:?}"),
        }
        let options = ReaderOptions { file_system: Arc::new(disk), ..ReaderOptions::default() };
        assert!(matches!(Reader::with_options(DIR, options), Err(Error::FormatVersion { .. })));
    }
}

#[test]
fn a_lost_or_damaged_control_file_is_refused_and_repair_does_without() {
    let (fs, last) = closed();
    let control = Path::new(DIR).join("control");
    let files = fs.files();
    let gone = with(&files, |files| drop(files.remove(&control)));
    assert!(matches!(refusal(&gone), Error::ControlMissing { .. }));
    let damaged = with(&files, |files| files.get_mut(&control).unwrap()[20] ^= 1);
    assert!(matches!(refusal(&damaged), Error::HeaderCorrupt { .. }));
    let short = with(&files, |files| files.get_mut(&control).unwrap().truncate(100));
    assert!(matches!(refusal(&short), Error::SegmentSize { .. }));
    for disk in [gone, damaged, short] {
        let disk_too: Arc<dyn FileSystem> = Arc::new(disk.clone());
        let report = repair_with(Path::new(DIR), Path::new("/new"), &disk_too).unwrap();
        assert_eq!((report.last_sequence, report.stopped), (last, None));
        assert!(verify_with(Path::new("/new"), &disk, |_| {}).unwrap().is_intact());
    }
}

#[test]
fn repair_copies_what_precedes_the_damage_and_touches_nothing() {
    let (fs, last) = closed();
    fs.damage(&segment_path(2), SEGMENT_HEADER_BYTES + 300, |byte| !byte);
    let before = fs.files();
    let disk: Arc<dyn FileSystem> = Arc::new(fs.clone());
    let report = repair_with(Path::new(DIR), Path::new("/new"), &disk).unwrap();
    let stopped = report.stopped.unwrap();
    assert_eq!((stopped.segment, stopped.path), (2, segment_path(2)));
    assert!(report.last_sequence < last && report.last_sequence > 100);
    let after = fs.files();
    assert!(before.iter().all(|(path, content)| after[path] == *content));
    let mut store = Writer::open("/new", &options(&fs)).unwrap();
    assert_eq!(store.writer.next_sequence(), report.last_sequence + 1);
    append(&mut store, 3);
    close(store);
    assert!(verify_with(Path::new("/new"), &fs, |_| {}).unwrap().is_intact());
    let refused = repair_with(Path::new(DIR), Path::new("/new"), &disk);
    assert!(matches!(refused, Err(Error::TargetNotEmpty { .. })));
}

#[test]
fn a_read_only_file_system_is_refused_as_such() {
    const EROFS: i32 = 30;
    const EACCES: i32 = 13;
    for errno in [EROFS, EACCES] {
        let (fs, _) = closed();
        // Opening takes the lock file first, for writing.
        fs.set_fault(Some(CallFault { call: fs.calls() + 1, errno, stays: true }));
        assert!(matches!(refusal(&fs), Error::ReadOnly { .. }));
        fs.set_fault(None);
        let options = ReaderOptions { file_system: Arc::new(fs.clone()), ..ReaderOptions::default() };
        assert!(Reader::with_options(DIR, options).unwrap().next_block().unwrap().is_some());
    }
}

#[test]
fn an_empty_directory_is_not_a_store() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { create: false, ..Options::small() };
    assert!(matches!(Writer::open(dir.path(), &options), Err(Error::NotAStore { .. })));
    assert!(matches!(Reader::open(dir.path()), Err(Error::NotAStore { .. })));
    assert!(matches!(Writer::open(dir.path().join("nowhere"), &options), Err(Error::NotAStore { .. })));
    assert!(!event_store::exists(dir.path()));
}

#[test]
fn settings_outside_their_limits_are_refused_by_name() {
    let dir = tempfile::tempdir().unwrap();
    for options in [
        Options { segment_bytes: 8192, ..Options::small() },
        Options { segment_bytes: (16 << 10) + 1, ..Options::small() },
        Options { segment_bytes: 4 << 30, ..Options::small() },
        Options { max_block_bytes: Some(100), ..Options::small() },
        Options { max_block_bytes: Some(1 << 20), ..Options::small() },
        Options { segments_ahead: 0, ..Options::small() },
    ] {
        assert!(
            matches!(Writer::open(dir.path(), &options), Err(Error::InvalidOption { .. })),
            "{options:?}"
        );
    }
}

#[test]
fn a_replica_that_appends_the_blocks_has_the_same_bytes() {
    let (leader, last) = closed();
    let follower = FaultFs::new(false);
    let mut store = Writer::open(DIR, &options(&follower)).unwrap();
    let reader_options = ReaderOptions { file_system: Arc::new(leader.clone()), ..ReaderOptions::default() };
    let mut reader = Reader::with_options(DIR, reader_options).unwrap();
    while let Some(block) = reader.next_block().unwrap() {
        let (header, records) = (block.header_bytes(), block.record_bytes());
        let mut wrong = records.to_vec();
        wrong[3] ^= 1;
        assert!(matches!(store.writer.append_raw(header, &wrong), Err(Error::BlockRefused { .. })));
        store.writer.append_raw(header, records).unwrap();
        assert!(matches!(store.writer.append_raw(header, records), Err(Error::BlockRefused { .. })));
        store.flusher.poll().unwrap();
    }
    assert_eq!(store.writer.next_sequence(), last + 1);
    close(store);
    let (ours, theirs) = (leader.files(), follower.files());
    for number in [1, 2] {
        let path = segment_path(number);
        assert!(ours[&path][SEGMENT_HEADER_BYTES..] == theirs[&path][SEGMENT_HEADER_BYTES..]);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Any records, in any blocks, flushed at any time, come back as they were; also after reopening.
    #[test]
    fn what_goes_in_comes_out(
        blocks in prop::collection::vec(
            (prop::collection::vec((any::<u16>(), any::<u16>(), any::<u64>(), 0_usize..900), 0..5), any::<bool>(), any::<i64>()),
            0..40,
        ),
        seed in any::<u64>(),
    ) {
        let fs = FaultFs::new(false);
        let mut store = Writer::open(DIR, &options(&fs)).unwrap();
        let mut rng = Rng::new(seed);
        let mut model = Vec::new();
        let mut time = i64::MIN;
        for (records, reopen, timestamp_ns) in blocks {
            let mut block = store.writer.begin(timestamp_ns).unwrap();
            let before = model.len();
            for (kind, version, tag, size) in records {
                let payload: Vec<u8> = (0..size).map(|_| u8::try_from(rng.below(256)).unwrap()).collect();
                prop_assert_eq!(block.append(kind, version, tag, &payload).unwrap(), model.len() as u64 + 1);
                model.push((kind, version, tag, payload, 0));
            }
            let info = block.finish();
            prop_assert_eq!(info.record_count as usize, model.len() - before);
            if info.record_count > 0 {
                time = time.max(timestamp_ns);
                prop_assert_eq!(info.timestamp_ns, time);
                for record in &mut model[before..] {
                    record.4 = time;
                }
            }
            if reopen {
                drop(store);
                store = Writer::open(DIR, &options(&fs)).unwrap();
                prop_assert_eq!(store.recovery.torn, None);
            }
        }
        store.flusher.poll().unwrap();
        let reader_options = ReaderOptions { bound: Mark::Durable, file_system: Arc::new(fs.clone()), ..ReaderOptions::default() };
        let mut reader = Reader::with_options(DIR, reader_options).unwrap();
        let mut read = Vec::new();
        while let Some(block) = reader.next_block().unwrap() {
            for record in block.records() {
                read.push((record.kind, record.version, record.tag, record.payload.to_vec(), block.header().timestamp_ns));
            }
        }
        prop_assert_eq!(read, model);
        close(store);
        let report = verify_with(Path::new(DIR), &fs, |_| {}).unwrap();
        prop_assert!(report.is_intact(), "{report:?}");
    }

    /// Overwriting any stretch of the last segment with anything is noticed, or leaves every record readable.
    #[test]
    fn scribbling_is_noticed(start in 0_usize..16 << 10, noise in prop::collection::vec(any::<u8>(), 1..700)) {
        let (fs, last) = closed();
        let before = fs.files();
        for (index, byte) in noise.iter().enumerate().filter(|(index, _)| start + index < 16 << 10) {
            fs.damage(&segment_path(2), start + index, |_| *byte);
        }
        let report = verify_with(Path::new(DIR), &fs, |_| {});
        let unchanged = fs.files() == before;
        match Writer::open(DIR, &options(&fs)) {
            Ok(store) => prop_assert_eq!(store.recovery.last_sequence, last),
            Err(Error::Corruption { .. } | Error::HeaderCorrupt { .. } | Error::ForeignSegment { .. } | Error::FormatVersion { .. }) => {}
            Err(other) => panic!("{other:?}"),
        }
        let noticed = match report {
            Ok(report) => !report.is_intact(),
            Err(Error::HeaderCorrupt { .. } | Error::FormatVersion { .. }) => true,
            Err(other) => { panic!("{other:?}") }
        };
        prop_assert_eq!(noticed, !unchanged);
    }
}
