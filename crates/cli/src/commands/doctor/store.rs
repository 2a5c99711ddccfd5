//! The store: is there one, is it in use, is it whole, and does its last record come from the past?

use super::Check;
use crate::ui;
use event_store::Error;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// A larger log is not verified in passing.
const VERIFY_BYTES_MAX: u64 = 1 << 30;
/// A last record this far in the future is a clock that was wrong, then or now.
const AHEAD_NS_MAX: i64 = 1_000_000_000;

/// Everything about a store.
pub fn checks(dir: &Path) -> Vec<Check> {
    if !event_store::exists(dir) {
        return vec![Check::ok("store", format!("none yet in {}", dir.display()))];
    }
    vec![contents(dir), clock(dir)]
}

fn contents(dir: &Path) -> Check {
    const NAME: &str = "store";
    let (bytes, _) = crate::commands::store::directory_size(&dir.join("segments"));
    if bytes > VERIFY_BYTES_MAX {
        return match event_store::Reader::open(dir) {
            Ok(reader) => Check::ok(
                NAME,
                format!(
                    "{} records; {} not verified here, see \"outcry log verify\"",
                    ui::count(reader.bound()),
                    ui::bytes(bytes)
                ),
            ),
            Err(error) => unreadable(&error),
        };
    }
    match event_store::verify(dir) {
        Ok(report) if !report.is_intact() => {
            let found = format!("damaged: {}", report.findings[0].damage);
            Check::failed(
                NAME,
                found,
                "\"outcry log verify\" says where, \"outcry log repair\" saves what is good",
            )
        }
        Ok(report) => {
            let use_of = if report.live {
                "in use by an exchange"
            } else if report.clean {
                "closed"
            } else {
                "left by a crash, the next start recovers it"
            };
            Check::ok(NAME, format!("{} records, intact, {use_of}", ui::count(report.records)))
        }
        Err(error) => unreadable(&error),
    }
}

fn unreadable(error: &Error) -> Check {
    Check::failed("store", error.to_string(), "\"outcry log verify\" says more")
}

fn clock(dir: &Path) -> Check {
    const NAME: &str = "log clock";
    let stats = event_store::Reader::open(dir).and_then(|mut reader| {
        let last = reader.bound();
        if last == 0 {
            return Ok(None);
        }
        reader.seek_sequence(last)?;
        Ok(reader.next_block()?.map(|block| block.header().timestamp_ns))
    });
    let Ok(Some(last)) = stats else { return Check::ok(NAME, "nothing in the log to compare with") };
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos());
    let ahead = last.saturating_sub(i64::try_from(now).unwrap_or(i64::MAX));
    if ahead > AHEAD_NS_MAX {
        let found =
            format!("the last record is {} ahead of the clock", ui::duration_ns(ahead.unsigned_abs()));
        let hint = "the clock was, or is, wrong: until it gets there every record has the last one's time";
        return Check::warning(NAME, found, hint);
    }
    Check::ok(NAME, "the last record is not ahead of the clock")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::Verdict;
    use event_store::{Durability, Options, Writer};

    fn store(time_ns: i64) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        // Only what was synced can be damaged: the rest could be what a crash tore.
        let options = Options { durability: Durability::Fsync, ..Options::small() };
        let mut store = Writer::open(dir.path(), &options).unwrap();
        // Each sync makes the mark before it durable, too: damage to the first block cannot be a torn tail.
        for _ in 0..3 {
            let mut block = store.writer.begin(time_ns).unwrap();
            block.append(1, 1, 1, &[0; 16]).unwrap();
            block.finish();
            store.flusher.poll().unwrap();
        }
        dir
    }

    #[test]
    fn a_good_store_is_fine() {
        let dir = store(1_767_605_400_000_000_000);
        let checks = checks(dir.path());
        assert!(checks.iter().all(|check| check.verdict == Verdict::Ok), "{checks:?}");
    }

    #[test]
    fn a_log_from_the_future_is_a_warning() {
        let dir = store(i64::MAX / 2);
        assert_eq!(checks(dir.path())[1].verdict, Verdict::Warning);
    }

    #[test]
    fn a_damaged_store_fails() {
        let dir = store(1_767_605_400_000_000_000);
        let segment = std::fs::read_dir(dir.path().join("segments")).unwrap().next().unwrap().unwrap().path();
        let mut bytes = std::fs::read(&segment).unwrap();
        bytes[4096 + 130] ^= 1;
        std::fs::write(&segment, bytes).unwrap();
        assert_eq!(checks(dir.path())[0].verdict, Verdict::Failed);
    }
}
