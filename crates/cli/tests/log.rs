//! `outcry log` on a store made by hand: what is shown is what was written, and damage is never shown as data.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use event_store::{Options, Writer};
use model::{AccountId, AccountKilled, Event, InstrumentId, KillAccount, Phase, PhaseChanged};
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// A block a millisecond: a command and its event in each, ten of them, twenty records.
fn store(dir: &Path) {
    let mut store = Writer::open(dir, &Options::small()).unwrap();
    for account in 0..10 {
        let mut block =
            store.writer.begin(1_767_605_400_000_000_000 + 1_000_000 * i64::from(account)).unwrap();
        let command = KillAccount { account: AccountId(account), reserved: 0 }.into();
        append(&mut block, u64::from(account), &command);
        let event = if account == 9 {
            PhaseChanged { instrument: InstrumentId(3), phase: Phase::Halted, reserved: [0; 3] }.into()
        } else {
            Event::from(AccountKilled { account: AccountId(account), reserved: 0 })
        };
        let mut bytes = vec![0; event.size()];
        event.encode(&mut bytes);
        block.append(event.kind(), event.version(), u64::from(account), &bytes).unwrap();
        block.finish();
    }
    store.flusher.poll().unwrap();
}

fn append(block: &mut event_store::BlockWriter<'_>, tag: u64, command: &model::Command) {
    let mut bytes = vec![0; command.size()];
    command.encode(&mut bytes);
    block.append(command.kind(), command.version(), tag, &bytes).unwrap();
}

fn outcry(args: &[&str], dir: &Path) -> Output {
    Command::new(env!("CARGO_BIN_EXE_outcry")).args(args).arg("--store").arg(dir).output().unwrap()
}

fn text(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn show_gives_the_records_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    store(dir.path());
    let all = text(&outcry(&["log", "show"], dir.path()));
    assert_eq!(all.lines().count(), 20);
    assert_eq!(
        all.lines().last(),
        Some("       20 2026-01-05T09:30:00.009Z       PhaseChanged           instrument=3 phase=halted")
    );
    let lines = |args: &[&str]| text(&outcry(&[&["log", "show"], args].concat(), dir.path())).lines().count();
    assert_eq!(lines(&["--from", "5", "--to", "8"]), 4);
    assert_eq!(lines(&["--from", "2026-01-05T09:30:00.004Z"]), 12);
    assert_eq!(lines(&["--to", "2026-01-05T09:30:00.004Z"]), 10);
    assert_eq!(lines(&["--kind", "events"]), 10);
    assert_eq!(lines(&["--kind", "PhaseChanged,commands"]), 11);
    assert_eq!(lines(&["--limit", "3"]), 3);
    assert_eq!(lines(&["--from", "99"]), 0);
}

#[test]
fn tail_begins_near_the_end() {
    let dir = tempfile::tempdir().unwrap();
    store(dir.path());
    let shown = text(&outcry(&["log", "tail", "-n", "2", "--json"], dir.path()));
    let records: Vec<serde_json::Value> =
        shown.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(records.len(), 2);
    assert_eq!(records[0]["kind"], "KillAccount");
    assert_eq!(records[0]["tag"], 9);
    assert_eq!(records[1]["fields"], serde_json::json!({"instrument": 3, "phase": "halted"}));
}

#[test]
fn stats_count_and_export_writes_what_show_shows() {
    let dir = tempfile::tempdir().unwrap();
    store(dir.path());
    let stats: serde_json::Value =
        serde_json::from_str(&text(&outcry(&["log", "stats", "--json"], dir.path()))).unwrap();
    assert_eq!((&stats["records"], &stats["blocks"]), (&20.into(), &10.into()));
    assert_eq!(stats["kinds"]["AccountKilled"]["records"], 9);
    let file = dir.path().join("out.jsonl");
    let path = file.to_str().unwrap();
    assert!(outcry(&["log", "export", path, "--from", "3", "--to", "9"], dir.path()).status.success());
    let shown = text(&outcry(&["log", "show", "--json", "--from", "3", "--to", "9"], dir.path()));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), shown);
}

#[test]
fn damage_is_an_error_and_not_a_record() {
    let dir = tempfile::tempdir().unwrap();
    store(dir.path());
    let segment = std::fs::read_dir(dir.path().join("segments")).unwrap().next().unwrap().unwrap().path();
    let mut bytes = std::fs::read(&segment).unwrap();
    let at = 4096 + 128 + 300;
    bytes[at] ^= 0x10;
    std::fs::write(&segment, bytes).unwrap();
    let output = outcry(&["log", "show"], dir.path());
    assert_eq!(output.status.code(), Some(1));
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(errors.contains("checksum mismatch") && errors.contains("hint:"), "{errors}");
    assert!(text(&output).lines().count() < 20);
}

#[test]
fn a_reader_that_goes_away_is_not_an_error() {
    let dir = tempfile::tempdir().unwrap();
    store(dir.path());
    let mut child = Command::new(env!("CARGO_BIN_EXE_outcry"))
        .args(["log", "tail", "-f", "-n", "1"])
        .arg("--store")
        .arg(dir.path())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // The first line was read: the pipe is closed while the program follows.
    let mut first = [0; 1];
    std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut first).unwrap();
    drop(child.stdout.take());
    let mut opened = Writer::open(dir.path(), &Options::small()).unwrap();
    let mut code = None;
    for step in 0..500 {
        let mut block = opened.writer.begin(1_767_605_500_000_000_000 + step).unwrap();
        append(&mut block, 0, &KillAccount { account: AccountId(1), reserved: 0 }.into());
        block.finish();
        opened.flusher.poll().unwrap();
        std::thread::sleep(std::time::Duration::from_millis(10));
        code = child.try_wait().unwrap();
        if code.is_some() {
            break;
        }
    }
    assert_eq!(code.and_then(|code| code.code()), Some(0));
    let mut errors = String::new();
    std::io::Read::read_to_string(child.stderr.as_mut().unwrap(), &mut errors).unwrap();
    assert_eq!(errors, "");
}
