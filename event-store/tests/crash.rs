//! Crashes at every write and sync point of recorded runs, calls that fail, and disks that rot.
//!
//! `cargo test -p event-store --test crash` tries 100,000 points;
//! `OUTCRY_CRASH_POINTS=1000000 cargo test -p event-store --release --test crash` a million. For each: no record
//! that was acknowledged is lost, every record that is there is what was written, numbers have no gap, recovering
//! again changes nothing, and the log goes on from there. The last tests break the store on purpose, to show
//! that these checks can fail.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::path::{Path, PathBuf};
use std::sync::Arc;

use event_store::fault::{CallFault, FaultFs, Loss, Replay, Rng, Sabotage};
use event_store::{
    Durability, Error, Opened, Options, Preparation, Reader, ReaderOptions, SEGMENT_HEADER_BYTES, StoreId,
    VerifyReport, Writer, verify_with,
};

const DIR: &str = "/store";
const EIO: i32 = 5;
const ENOSPC: i32 = 28;

fn options(fs: &FaultFs, sabotage: Sabotage) -> Options {
    with_durability(fs, sabotage, Durability::Fsync)
}

fn with_durability(fs: &FaultFs, sabotage: Sabotage, durability: Durability) -> Options {
    Options {
        segment_bytes: 16 << 10,
        durability,
        preparation: Preparation::Inline,
        store_id: Some(StoreId([9; 16])),
        created_ns: Some(0),
        file_system: Arc::new(fs.clone()),
        sabotage,
        ..Options::default()
    }
}

/// What is written: everything follows from a seed, so that it need not be remembered.
#[derive(Debug, Clone, Copy)]
struct Plan {
    seed: u64,
    blocks: usize,
}

impl Plan {
    fn rng(self, sequence: u64, purpose: u64) -> Rng {
        Rng::new(self.seed ^ sequence.wrapping_mul(0x1_0000_01b3) ^ (purpose << 56))
    }

    /// The payload of a record. Its size does not depend on `life`, so that what is written after a crash has
    /// just the shape of what the crash took, and would be followed by it if any of it had been left.
    fn payload(self, sequence: u64, life: u64) -> Vec<u8> {
        let mut shape = self.rng(sequence, 1);
        let size = if shape.below(8) == 0 { shape.below(1200) } else { shape.below(200) };
        let mut content = self.rng(sequence, 2 + life);
        (0..size).map(|_| u8::try_from(content.draw() >> 56).unwrap()).collect()
    }

    fn records(self, first_sequence: u64) -> u64 {
        1 + self.rng(first_sequence, 0).draw() % 3
    }

    fn append(self, writer: &mut Writer, life: u64) -> Result<(), Error> {
        let first = writer.next_sequence();
        let mut block = writer.begin(i64::try_from(first).unwrap())?;
        for sequence in first..first + self.records(first) {
            block.append(1, 1, life, &self.payload(sequence, life))?;
        }
        block.finish();
        Ok(())
    }

    /// Writes, flushes, settles, closes and reopens, until done or until a call fails.
    fn run(self, fs: &FaultFs, sabotage: Sabotage) -> Result<(), Error> {
        let mut dice = Rng::new(self.seed);
        let mut store = Writer::open(DIR, &options(fs, sabotage))?;
        for _ in 0..self.blocks {
            match self.append(&mut store.writer, 0) {
                // The disk is full: what has been written must still become durable.
                Err(error @ Error::NoSpace { .. }) => {
                    store.flusher.poll()?;
                    assert_eq!(store.writer.watermarks().durable(), store.writer.watermarks().written());
                    return Err(error);
                }
                other => other?,
            }
            if dice.flip() {
                store.flusher.poll()?;
            }
            if dice.below(10) == 0 {
                store.flusher.settle()?;
            }
            if dice.below(30) == 0 {
                let Opened { writer, flusher, .. } = store;
                drop(writer);
                flusher.close()?;
                store = Writer::open(DIR, &options(fs, sabotage))?;
            }
        }
        Ok(())
    }
}

/// Why a recovered store is wrong.
#[derive(Debug)]
#[expect(dead_code, reason = "read by Debug, when a test fails")]
enum Wrong {
    Refused(Error),
    Lost { acknowledged: u64, recovered: u64 },
    Content { sequence: u64 },
    Gap { expected: u64, found: u64 },
    NotIdempotent { before: u64, after: u64 },
    Unfinished { read: u64, last: u64 },
    NotIntact(Box<VerifyReport>),
}

/// Reads everything; records after `boundary` were written in life 1.
fn check_content(fs: &FaultFs, plan: Plan, boundary: u64, last: u64) -> Result<(), Wrong> {
    let reader_options = ReaderOptions { file_system: Arc::new(fs.clone()), ..ReaderOptions::default() };
    let mut reader = Reader::with_options(DIR, reader_options).map_err(Wrong::Refused)?;
    let mut next = 1;
    while let Some(block) = reader.next_block().map_err(Wrong::Refused)? {
        for record in block.records() {
            if record.sequence != next {
                return Err(Wrong::Gap { expected: next, found: record.sequence });
            }
            let life = u64::from(next > boundary);
            if record.tag != life || record.payload != plan.payload(next, life) {
                return Err(Wrong::Content { sequence: next });
            }
            next += 1;
        }
    }
    if next == last + 1 { Ok(()) } else { Err(Wrong::Unfinished { read: next - 1, last }) }
}

/// Recovers what a crash left and checks it. Returns the last record.
fn check(fs: &FaultFs, plan: Plan, acknowledged: u64, sabotage: Sabotage) -> Result<u64, Wrong> {
    let options = options(fs, sabotage);
    let store = Writer::open(DIR, &options).map_err(Wrong::Refused)?;
    let recovered = store.recovery.last_sequence;
    drop(store);
    if recovered < acknowledged {
        return Err(Wrong::Lost { acknowledged, recovered });
    }
    check_content(fs, plan, recovered, recovered)?;
    let mut store = Writer::open(DIR, &options).map_err(Wrong::Refused)?;
    if store.recovery.last_sequence != recovered || store.recovery.torn.is_some() {
        return Err(Wrong::NotIdempotent { before: recovered, after: store.recovery.last_sequence });
    }
    // Life goes on, and again after a crash that loses nothing.
    plan.append(&mut store.writer, 1).map_err(Wrong::Refused)?;
    store.flusher.poll().map_err(Wrong::Refused)?;
    let last = store.writer.watermarks().committed();
    drop(store);
    let store = Writer::open(DIR, &options).map_err(Wrong::Refused)?;
    if store.recovery.last_sequence != last {
        return Err(Wrong::NotIdempotent { before: last, after: store.recovery.last_sequence });
    }
    check_content(fs, plan, recovered, last)?;
    // Closed, the store must be intact to the last bit. Checking that of every store would double the time.
    if last % 4 == 0 {
        let Opened { writer, flusher, .. } = store;
        drop(writer);
        flusher.close().map_err(Wrong::Refused)?;
        let report = verify_with(Path::new(DIR), fs, |_| {}).map_err(Wrong::Refused)?;
        if !report.is_intact() || !report.clean || report.last_sequence != last {
            return Err(Wrong::NotIntact(Box::new(report)));
        }
    }
    Ok(recovered)
}

/// Records a run and crashes it at every point. Returns the number of points, or the first that went wrong.
fn crash_everywhere(plan: Plan, sabotage: Sabotage) -> Result<u64, (usize, Loss, Box<Wrong>)> {
    let fs = FaultFs::new(true);
    let mut replay = Replay::start(&fs);
    plan.run(&fs, sabotage).unwrap();
    replay.finish(&fs);
    let mut points = 0;
    for point in 0..replay.points() {
        for loss in Loss::ALL {
            let mut rng = Rng::new(plan.seed ^ (point as u64) << 8 ^ loss as u64);
            let disk = replay.crash(loss, &mut rng, false);
            let must_survive = if loss == Loss::Nothing { replay.written() } else { replay.acknowledged() };
            check(&disk, plan, must_survive, sabotage).map_err(|wrong| (point, loss, Box::new(wrong)))?;
            points += 1;
        }
        replay.advance();
    }
    Ok(points)
}

/// With syncing left to the operating system the death of the process loses nothing, and the machine's death
/// loses only the end: what is left is a beginning of what was written.
#[test]
fn under_os_durability_only_the_machine_can_lose_records() {
    for seed in 0..6 {
        let plan = Plan { seed, blocks: 40 };
        let fs = FaultFs::new(true);
        let mut replay = Replay::start(&fs);
        let options = with_durability(&fs, Sabotage::None, Durability::Os);
        let mut store = Writer::open(DIR, &options).unwrap();
        for _ in 0..plan.blocks {
            plan.append(&mut store.writer, 0).unwrap();
            store.flusher.poll().unwrap();
        }
        replay.finish(&fs);
        while replay.advance() {}
        assert_eq!(replay.written(), store.writer.next_sequence() - 1);
        check(
            &replay.crash(Loss::Nothing, &mut Rng::new(seed), false),
            plan,
            replay.written(),
            Sabotage::None,
        )
        .unwrap();
        for round in 0..50 {
            for loss in [Loss::Sectors, Loss::Halves, Loss::Prefix] {
                let disk = replay.crash(loss, &mut Rng::new(seed ^ round << 32), false);
                // Files themselves may be gone: then the store says so. Otherwise what is read is right.
                match check(&disk, plan, 0, Sabotage::None) {
                    Ok(_) | Err(Wrong::Refused(_)) => {}
                    Err(wrong) => panic!("seed {seed}, round {round}, {loss:?}: {wrong:?}"),
                }
            }
        }
    }
}

/// Damage to what was written but not synced is told from a torn tail as long as the machine has not restarted.
#[test]
fn damage_before_the_end_is_noticed_while_the_machine_lives() {
    let plan = Plan { seed: 8, blocks: 4 };
    for durability in [Durability::Os, Durability::Fsync] {
        let fs = FaultFs::new(true);
        let mut replay = Replay::start(&fs);
        let mut store = Writer::open(DIR, &with_durability(&fs, Sabotage::None, durability)).unwrap();
        for _ in 0..plan.blocks {
            plan.append(&mut store.writer, 0).unwrap();
        }
        replay.finish(&fs);
        while replay.advance() {}
        let disk = replay.crash(Loss::Nothing, &mut Rng::new(0), false);
        disk.damage(&segment_path(1), SEGMENT_HEADER_BYTES + 200, |byte| byte ^ 4);
        match Writer::open(DIR, &with_durability(&disk, Sabotage::None, durability)) {
            Err(Error::Corruption { segment: 1, offset: 4096, first_sequence: 1, last_sequence, .. }) => {
                assert_eq!(last_sequence, store.writer.next_sequence() - 1);
            }
            other => panic!("{other:?}"),
        }
    }
}

fn points_wanted() -> u64 {
    std::env::var("OUTCRY_CRASH_POINTS").ok().and_then(|text| text.parse().ok()).unwrap_or(100_000)
}

#[test]
fn no_crash_loses_an_acknowledged_record() {
    let mut points = 0;
    for seed in 0.. {
        let plan = Plan { seed, blocks: 40 };
        match crash_everywhere(plan, Sabotage::None) {
            Ok(count) => points += count,
            Err((point, loss, wrong)) => panic!("seed {seed}, point {point}, {loss:?}: {wrong:?}"),
        }
        if points >= points_wanted() {
            break;
        }
    }
    println!("{points} crash points, 0 acknowledged records lost");
}

/// A crash may strike while the crash before it is being recovered from.
#[test]
fn no_crash_during_recovery_loses_an_acknowledged_record() {
    let mut points = 0;
    for seed in 1000..1004 {
        let plan = Plan { seed, blocks: 30 };
        let fs = FaultFs::new(true);
        let mut replay = Replay::start(&fs);
        plan.run(&fs, Sabotage::None).unwrap();
        replay.finish(&fs);
        for point in 0..replay.points() {
            let loss = Loss::ALL[2 + point % 5];
            let mut rng = Rng::new(seed ^ (point as u64) << 8);
            let disk = replay.crash(loss, &mut rng, true);
            let mut recovering = Replay::start(&disk);
            drop(Writer::open(DIR, &options(&disk, Sabotage::None)).unwrap());
            recovering.finish(&disk);
            for second in 0..recovering.points() {
                let disk = recovering.crash(Loss::ALL[2 + (point + second) % 5], &mut rng, false);
                // Recovery itself acknowledges what it found and made durable.
                let acknowledged = replay.acknowledged().max(recovering.acknowledged());
                if let Err(wrong) = check(&disk, plan, acknowledged, Sabotage::None) {
                    panic!("seed {seed}, point {point} then {second}, {loss:?}: {wrong:?}");
                }
                points += 1;
                recovering.advance();
            }
            replay.advance();
        }
    }
    println!("{points} crashes during recovery");
}

/// Every call of a run fails in turn, with an I/O error and with a full disk; then the machine crashes.
#[test]
fn no_failing_call_loses_an_acknowledged_record() {
    let mut points = 0;
    let plan = Plan { seed: 77, blocks: 40 };
    let fs = FaultFs::new(false);
    plan.run(&fs, Sabotage::None).unwrap();
    let calls = fs.calls();
    for call in 0..calls {
        for (errno, stays) in [(EIO, false), (ENOSPC, true)] {
            let fs = FaultFs::new(true);
            let mut replay = Replay::start(&fs);
            fs.set_fault(Some(CallFault { call, errno, stays }));
            let outcome = plan.run(&fs, Sabotage::None);
            assert!(fs.faulted());
            replay.finish(&fs);
            while replay.advance() {}
            if let Err(Error::SyncFailed { .. }) = &outcome {
                // It stays stopped: see `a_failed_sync_is_final`.
            } else if let Err(error) = &outcome {
                assert!(!error.to_string().is_empty());
            }
            for loss in Loss::ALL {
                let disk = replay.crash(loss, &mut Rng::new(call), false);
                if let Err(wrong) = check(&disk, plan, replay.acknowledged(), Sabotage::None) {
                    panic!("call {call}, errno {errno}, {loss:?}, after {outcome:?}: {wrong:?}");
                }
                points += 1;
            }
        }
    }
    println!("{points} crashes after a failing call");
}

#[test]
fn a_failed_sync_is_final() {
    let plan = Plan { seed: 5, blocks: 1 };
    let fs = FaultFs::new(false);
    let mut store = Writer::open(DIR, &options(&fs, Sabotage::None)).unwrap();
    plan.append(&mut store.writer, 0).unwrap();
    store.flusher.poll().unwrap();
    let durable = store.writer.watermarks().durable();
    plan.append(&mut store.writer, 0).unwrap();
    fs.set_fault(Some(CallFault { call: fs.calls(), errno: EIO, stays: false }));
    for _ in 0..3 {
        match store.flusher.poll() {
            Err(Error::SyncFailed { os_error, .. }) => assert_eq!(os_error, Some(EIO)),
            other => panic!("{other:?}"),
        }
        assert!(matches!(store.writer.begin(0), Err(Error::SyncFailed { .. })));
        assert_eq!(store.writer.watermarks().durable(), durable);
        assert_eq!(store.writer.watermarks().committed(), durable);
    }
}

#[test]
fn a_full_disk_refuses_before_accepting_and_recovers() {
    let plan = Plan { seed: 6, blocks: 1 };
    let fs = FaultFs::new(false);
    let mut store = Writer::open(DIR, &options(&fs, Sabotage::None)).unwrap();
    fs.set_fault(Some(CallFault { call: fs.calls(), errno: ENOSPC, stays: true }));
    let refused = loop {
        if let Err(error) = plan.append(&mut store.writer, 0) {
            break error;
        }
    };
    let Error::NoSpace { segment: 2, needed_bytes: 16_384, .. } = refused else { panic!("{refused:?}") };
    assert!(matches!(store.writer.ready(), Err(Error::NoSpace { .. })));
    store.flusher.poll().unwrap();
    let last = store.writer.next_sequence() - 1;
    check_content(&fs, plan, last, last).unwrap();
    // Somebody frees space.
    fs.set_fault(None);
    for _ in 0..20 {
        plan.append(&mut store.writer, 0).unwrap();
    }
    store.flusher.poll().unwrap();
    let last = store.writer.next_sequence() - 1;
    check_content(&fs, plan, last, last).unwrap();
}

/// A store at rest, everything acknowledged and settled, on a disk that then damages it.
fn damaged(seed: u64, sabotage: Sabotage) -> Result<(), Wrong> {
    let plan = Plan { seed, blocks: [3, 40][usize::try_from(seed / 3 % 2).unwrap()] };
    let fs = FaultFs::new(true);
    let mut replay = Replay::start(&fs);
    let mut store = Writer::open(DIR, &options(&fs, sabotage)).unwrap();
    for _ in 0..plan.blocks {
        plan.append(&mut store.writer, 0).unwrap();
        store.flusher.poll().unwrap();
    }
    store.flusher.settle().unwrap();
    let last = store.writer.next_sequence() - 1;
    // The file the log ends in: earlier ones are not read again by recovery, but by `verify`.
    let segment = segment_path(store.writer.stats().segments + 1);
    replay.finish(&fs);
    drop(store);
    while replay.advance() {}
    let mut rng = Rng::new(seed);
    let disk = replay.crash(Loss::Everything, &mut rng, false);
    let mut files = disk.files();
    match seed % 3 {
        0 => {
            let content = files.get_mut(&segment).unwrap();
            let used = content[SEGMENT_HEADER_BYTES..].iter().rposition(|&byte| byte != 0).unwrap();
            let at = SEGMENT_HEADER_BYTES + rng.below(used + 1);
            content[at] ^= 1 << rng.below(8);
        }
        1 => drop(files.remove(&segment)),
        _ => {
            let content = files.get_mut(&segment).unwrap();
            content.truncate(rng.below(content.len()));
        }
    }
    let disk = FaultFs::holding(files);
    match Writer::open(DIR, &options(&disk, sabotage)) {
        Err(
            Error::Corruption { .. }
            | Error::MissingSegment { .. }
            | Error::SegmentSize { .. }
            | Error::HeaderCorrupt { .. },
        ) => Ok(()),
        Err(other) => Err(Wrong::Refused(other)),
        Ok(store) if store.recovery.last_sequence < last => {
            Err(Wrong::Lost { acknowledged: last, recovered: store.recovery.last_sequence })
        }
        Ok(_) => check_content(&disk, plan, last, last),
    }
}

fn segment_path(number: u64) -> PathBuf {
    Path::new(DIR).join("segments").join(format!("{number:010}.segment"))
}

#[test]
fn no_damage_to_acknowledged_records_goes_unnoticed() {
    for seed in 0..600 {
        if let Err(wrong) = damaged(seed, Sabotage::None) {
            panic!("seed {seed}: {wrong:?}");
        }
    }
}

/// The checks above are worth something only if they fail when they should.
#[test]
fn each_deliberate_defect_is_noticed() {
    for sabotage in [Sabotage::AcknowledgeBeforeSync, Sabotage::SkipChecksum, Sabotage::KeepTornTail] {
        let noticed = (0..10).find_map(|seed| crash_everywhere(Plan { seed, blocks: 20 }, sabotage).err());
        println!("{sabotage:?}: {:?}", noticed.unwrap_or_else(|| panic!("{sabotage:?} was not noticed")));
    }
    for sabotage in [Sabotage::IgnoreMark, Sabotage::ForgetSegments] {
        let noticed = (0..10).find_map(|seed| damaged(seed, sabotage).err());
        println!("{sabotage:?}: {:?}", noticed.unwrap_or_else(|| panic!("{sabotage:?} was not noticed")));
    }
}

/// A file system whose directories do not survive crashes loses segments: this is noticed too.
#[test]
fn losing_directory_entries_is_noticed() {
    let plan = Plan { seed: 3, blocks: 40 };
    let fs = FaultFs::new(true);
    fs.lose_names();
    let mut replay = Replay::start(&fs);
    plan.run(&fs, Sabotage::None).unwrap();
    replay.finish(&fs);
    while replay.advance() {}
    let disk = replay.crash(Loss::Everything, &mut Rng::new(0), false);
    assert!(check(&disk, plan, replay.acknowledged(), Sabotage::None).is_err());
}
