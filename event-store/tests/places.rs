//! Going straight to places: in segments that are complete, and in files beside the log.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use event_store::{
    Durability, Error, Mark, Opened, Options, Preparation, Reader, ReaderOptions, SideFile, Writer,
};

fn options() -> Options {
    Options {
        segment_bytes: 16 << 10,
        preparation: Preparation::Inline,
        durability: Durability::Fsync,
        ..Options::small()
    }
}

/// Appends records up to `last`, seven a block, each with its own number as payload. Not synced.
fn write(store: &mut Opened, last: u64) {
    while store.writer.next_sequence() <= last {
        let first = store.writer.next_sequence();
        let mut block = store.writer.begin(i64::try_from(first).unwrap()).unwrap();
        for sequence in first..=last.min(first + 6) {
            block.append(3, 1, 5, &sequence.to_le_bytes().repeat(4)).unwrap();
        }
        block.finish();
    }
}

#[test]
fn every_block_of_a_complete_segment_is_found_where_it_stands() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Writer::open(dir.path(), &options()).unwrap();
    write(&mut store, 2000);
    store.flusher.poll().unwrap();
    let mut walker = Reader::open(dir.path()).unwrap();
    let asker = Reader::open(dir.path()).unwrap();
    let (mut found, mut open) = (0, 0);
    while let Some(block) = walker.next_block().unwrap() {
        let (header, begin) = (*block.header(), usize::try_from(block.offset()).unwrap());
        let number = asker.segment_of(header.first_sequence).unwrap();
        assert_eq!(number, header.segment);
        let Some(segment) = asker.sealed_segment(number).unwrap() else {
            open += 1;
            continue;
        };
        assert!((segment.first_sequence()..=segment.last_sequence()).contains(&header.first_sequence));
        let again = segment.block_at(begin).unwrap();
        assert_eq!((again.header(), again.chain_hash()), (&header, block.chain_hash()));
        assert!(again.records().eq(block.records()));
        found += header.record_count;
    }
    assert!(found > 1500 && open > 0, "{found} records found, {open} blocks in the segment being written");
}

#[test]
fn a_segment_is_complete_when_all_of_it_is_committed() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Writer::open(dir.path(), &options()).unwrap();
    write(&mut store, 1);
    store.flusher.poll().unwrap();
    let reader = Reader::open(dir.path()).unwrap();
    assert!(reader.sealed_segment(1).unwrap().is_none());
    assert!(reader.sealed_segment(99).unwrap().is_none());
    // Written past its end, and not synced: nothing of it may be acted on.
    write(&mut store, 1000);
    assert!(reader.sealed_segment(1).unwrap().is_none());
    store.flusher.poll().unwrap();
    assert!(reader.sealed_segment(1).unwrap().is_some());
}

#[test]
fn the_part_behind_a_reader_is_final_once_it_is_chained() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Writer::open(dir.path(), &options()).unwrap();
    write(&mut store, 20);
    let mut reader =
        Reader::with_options(dir.path(), ReaderOptions { bound: Mark::Written, ..ReaderOptions::tail() })
            .unwrap();
    assert!(reader.sealed_so_far().is_none(), "nothing is behind it");
    let begin = usize::try_from(reader.next_block().unwrap().unwrap().offset()).unwrap();
    assert!(reader.sealed_so_far().is_none(), "written, and its hash chain is not there yet");
    store.flusher.poll().unwrap();
    let part = reader.sealed_so_far().unwrap();
    assert_eq!((part.number(), part.first_sequence(), part.last_sequence()), (1, 1, 7));
    let block = part.block_at(begin).unwrap();
    assert!(block.chain_hash().is_some());
    assert_eq!(block.records().last().unwrap().sequence, 7);
    // What comes after belongs to no part yet, and a part does not grow.
    let end = begin + block.header().length as usize;
    write(&mut store, 30);
    assert!(part.block_at(end).is_none());
    let here = reader.clone();
    while reader.next_block().unwrap().is_some() {}
    assert_eq!((here.next_sequence(), reader.next_sequence()), (8, 31), "a clone goes its own way");
    assert!(reader.sealed_so_far().is_none());
    store.flusher.poll().unwrap();
    assert_eq!(reader.sealed_so_far().unwrap().last_sequence(), 30);
}

#[test]
fn no_offset_leads_out_of_the_segment() {
    let dir = tempfile::tempdir().unwrap();
    let mut store = Writer::open(dir.path(), &options()).unwrap();
    write(&mut store, 1000);
    store.flusher.poll().unwrap();
    let segment = Reader::open(dir.path()).unwrap().sealed_segment(1).unwrap().unwrap();
    let ends = [usize::MAX, usize::MAX - 15, 1 << 31, 0];
    for offset in (0..(18 << 10)).chain(ends) {
        // Whatever stands there: a slice of the segment or nothing.
        let records = segment.block_at(offset).map_or(0, |block| block.record_bytes().len());
        assert!(records < 16 << 10);
        let is_inside = offset.is_multiple_of(16) && (4096..16 << 10).contains(&offset);
        assert!(is_inside || records == 0, "{offset}");
    }
}

#[test]
fn a_side_file_is_whole_and_stays_what_it_was_for_those_who_have_it() {
    let dir = tempfile::tempdir().unwrap();
    let side = dir.path().join("side");
    assert!(SideFile::open(&side.join("a")).unwrap().is_none());
    SideFile::write(&side, "a", b"first").unwrap();
    let first = SideFile::open(&side.join("a")).unwrap().unwrap();
    SideFile::write(&side, "a", b"the second").unwrap();
    let second = SideFile::open(&side.join("a")).unwrap().unwrap();
    assert_eq!((first.bytes(), second.bytes()), (&b"first"[..], &b"the second"[..]));
    let names: Vec<_> = std::fs::read_dir(&side).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names, ["a"], "nothing else is left there");
    SideFile::write(&side, "empty", b"").unwrap();
    assert!(SideFile::open(&side.join("empty")).unwrap().is_none());
    // A folder that cannot be one.
    let error = SideFile::write(&side.join("a"), "b", b"x").unwrap_err();
    assert!(matches!(error, Error::Io { .. } | Error::ReadOnly { .. }), "{error}");
}
