//! The disk under a store: what kind, how much room, and how long it takes to make a write safe.

use super::Check;
use crate::ui;
use std::fs::File;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Less than this and a few segments of the default size fill the disk.
const FREE_BYTES_LOW: u64 = 8 << 30;
/// Less than this and not even the first segments fit.
const FREE_BYTES_MIN: u64 = 1 << 30;
/// How often the latency check syncs, at most.
const SYNCS_MAX: usize = 100;
/// How long the latency check takes, at most.
const SYNC_TIME_MAX: Duration = Duration::from_secs(2);
/// A median sync above this makes every acknowledgement slow.
const SYNC_SLOW: Duration = Duration::from_millis(5);

/// The directory itself, or the nearest one above it that is there.
pub fn nearest_existing(path: &Path) -> PathBuf {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    absolute.ancestors().find(|path| path.is_dir()).unwrap_or(Path::new("/")).to_owned()
}

/// Whether the file system can keep what it is given.
pub fn file_system(directory: &Path) -> Check {
    const NAME: &str = "file system";
    // Numbers from linux/magic.h.
    let kind = match rustix::fs::statfs(directory) {
        Ok(stat) => stat.f_type,
        Err(error) => {
            let hint = format!("is {} readable?", directory.display());
            return Check::failed(NAME, format!("cannot be asked: {error}"), hint);
        }
    };
    let forgets = "a restart of the machine loses the log: choose a directory on a disk";
    let remote = "locks and syncs over a network are weaker and slower: choose a local disk";
    match kind {
        0xef53 => Check::ok(NAME, "ext4"),
        0x5846_5342 => Check::ok(NAME, "xfs"),
        0x9123_683e => Check::warning(NAME, "btrfs", "switch copy-on-write off for the store: chattr +C DIR"),
        0x2fc1_2fc1 => Check::ok(NAME, "zfs"),
        0x794c_7630 => Check::warning(
            NAME,
            "overlayfs, the writable layer of a container",
            "the log goes when the container goes: mount a volume for it",
        ),
        0x0102_1994 => Check::warning(NAME, "tmpfs, which is memory", forgets),
        0x8584_58f6 => Check::warning(NAME, "ramfs, which is memory", forgets),
        0x6969 => Check::warning(NAME, "nfs", remote),
        0xff53_4d42 => Check::warning(NAME, "cifs", remote),
        other => Check::ok(NAME, format!("type {other:#x}")),
    }
}

/// Whether there is room for the next segments.
pub fn space(directory: &Path) -> Check {
    const NAME: &str = "disk space";
    let stat = match rustix::fs::statvfs(directory) {
        Ok(stat) => stat,
        Err(error) => {
            return Check::failed(NAME, format!("cannot be asked: {error}"), "is the disk mounted?");
        }
    };
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    let found = format!("{} free in {}", ui::bytes(free), directory.display());
    let hint =
        "a full disk is refused cleanly, before anything is accepted, but trading stops until there is room";
    match free {
        0..FREE_BYTES_MIN => Check::failed(NAME, found, hint),
        FREE_BYTES_MIN..FREE_BYTES_LOW => Check::warning(NAME, found, hint),
        _ => Check::ok(NAME, found),
    }
}

/// How long one small write takes to become durable: the floor under every acknowledgement with `fsync`.
pub fn sync_latency(directory: &Path) -> Check {
    const NAME: &str = "fdatasync";
    match measure(directory) {
        Ok(mut times) => {
            times.sort_unstable();
            let at = |percent: usize| nanos(times[(times.len() - 1) * percent / 100]);
            let found = format!(
                "4 KiB: p50 {}, p99 {}, max {} of {}",
                ui::duration_ns(at(50)),
                ui::duration_ns(at(99)),
                ui::duration_ns(at(100)),
                times.len()
            );
            if times[times.len() / 2] > SYNC_SLOW {
                let hint = "acknowledgements wait for this: choose a faster disk, or --durability os where losing \
                            the last moments in a power cut is acceptable";
                Check::warning(NAME, found, hint)
            } else {
                Check::ok(NAME, found)
            }
        }
        Err(error) => {
            let hint = format!("the store needs to write to {}", directory.display());
            Check::failed(NAME, format!("cannot be measured: {error}"), hint)
        }
    }
}

fn measure(directory: &Path) -> io::Result<Vec<Duration>> {
    let mut file: File = tempfile::tempfile_in(directory)?;
    // As in the store: the room is there beforehand, so that a sync writes data and no new metadata.
    file.write_all(&vec![0; 4096 * SYNCS_MAX])?;
    file.sync_all()?;
    io::Seek::rewind(&mut file)?;
    let begun = Instant::now();
    let mut times = Vec::with_capacity(SYNCS_MAX);
    while times.len() < SYNCS_MAX && (times.is_empty() || begun.elapsed() < SYNC_TIME_MAX) {
        let start = Instant::now();
        file.write_all(&[0x6f; 4096])?;
        file.sync_data()?;
        times.push(start.elapsed());
    }
    Ok(times)
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_is_not_there_yet_is_looked_for_above() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(nearest_existing(&dir.path().join("a/b")), dir.path());
    }

    #[test]
    fn a_directory_that_cannot_be_written_fails() {
        let check = sync_latency(Path::new("/proc"));
        assert_eq!(check.verdict, super::super::Verdict::Failed, "{check:?}");
    }
}
