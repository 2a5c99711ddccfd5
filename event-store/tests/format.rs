//! `FORMAT.md` tells the truth: every annotated byte in it is compared with what the writer writes.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use event_store::fault::FaultFs;
use event_store::{Opened, Options, StoreId, Writer};

/// The store the document describes: one block of two records, closed.
fn sample() -> FaultFs {
    let fs = FaultFs::new(false);
    let options = Options {
        segment_bytes: 16 << 10,
        store_id: Some(StoreId(std::array::from_fn(|index| u8::try_from(index).unwrap()))),
        created_ns: Some(1_767_605_400_000_000_000),
        term: 3,
        file_system: Arc::new(fs.clone()),
        ..Options::small()
    };
    let Opened { mut writer, flusher, .. } = Writer::open("/store", &options).unwrap();
    let mut block = writer.begin(1_767_605_400_123_456_789).unwrap();
    block.append(7, 1, 42, b"buy 100 AAPL").unwrap();
    block.append(8, 2, 42, b"accepted, order 1 rests").unwrap();
    block.finish();
    drop(writer);
    flusher.close().unwrap();
    fs
}

/// The documented bytes of a file: offset and bytes of each line of the fenced blocks marked with its name.
fn documented(name: &str) -> Vec<(usize, Vec<u8>)> {
    let text = include_str!("../FORMAT.md");
    let mut lines = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with("```") {
            inside = line == format!("```text {name}");
        } else if inside {
            let (offset, rest) = line.split_once("  ").unwrap_or((line, ""));
            let hex = rest.split("  ").next().unwrap();
            let bytes = hex.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
            lines.push((usize::from_str_radix(offset, 16).unwrap(), bytes));
        }
    }
    lines
}

fn check(name: &str, path: &str, ranges: &[std::ops::Range<usize>]) {
    let files = sample().files();
    let content = &files[Path::new(path)];
    let mut actual = String::new();
    let mut wrong = false;
    let mut covered = vec![false; content.len()];
    for (offset, bytes) in documented(name) {
        let found = &content[offset..offset + bytes.len()];
        wrong |= found != bytes;
        covered[offset..offset + bytes.len()].fill(true);
        let hex: Vec<_> = found.iter().map(|byte| format!("{byte:02x}")).collect();
        writeln!(actual, "{offset:04x}  {}", hex.join(" ")).unwrap();
    }
    assert!(!wrong, "{name} as it is:\n{actual}");
    for range in ranges {
        let gap = range.clone().find(|&offset| !covered[offset]);
        assert_eq!(gap, None, "{name}: byte not in the document");
    }
    let undocumented = (0..content.len()).find(|&offset| !covered[offset] && content[offset] != 0);
    assert_eq!(undocumented, None, "{name}: a byte that is not zero is not in the document");
}

#[test]
fn the_documented_segment_is_what_is_written() {
    check(
        "segment",
        "/store/segments/0000000001.segment",
        &[0..64, 512..576, 1024..1088, 4096..4096 + 128 + 80],
    );
}

#[test]
fn the_documented_control_file_is_what_is_written() {
    check("control", "/store/control", &[0..64, 512..576, 1024..1088]);
}

#[test]
fn the_documented_names_are_the_names() {
    let names: Vec<_> = sample().files().into_keys().collect();
    let expected = ["/store/control", "/store/segments/0000000001.segment"].map(std::path::PathBuf::from);
    assert_eq!(names, expected);
}
