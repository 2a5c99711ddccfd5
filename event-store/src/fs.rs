//! The calls the store makes to a file system, behind two small traits: [`Disk`] is the real one; the `fault`
//! module (feature `fault-injection`) records, loses, tears, reorders and fails them.

use std::any::Any;
use std::fmt;
use std::fs::{self, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::Path;

use memmap2::MmapOptions;

use crate::mapping::Mapping;

/// How often, a millisecond apart, a lock that is held is tried again.
const LOCK_RETRIES: u32 = 5;

/// Whether a file is opened or mapped for reading only.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// Nothing will be changed.
    Read,
    /// Bytes may be changed.
    Write,
}

/// The result of trying to become the writer.
pub enum LockOutcome {
    /// The lock is ours until the value is dropped.
    Acquired(Box<dyn Any + Send + Sync>),
    /// Somebody else has it: the process id found in the file, if there was one.
    Held(Option<u32>),
}

impl fmt::Debug for LockOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Acquired(_) => f.write_str("Acquired"),
            Self::Held(pid) => f.debug_tuple("Held").field(pid).finish(),
        }
    }
}

/// Directories and names.
pub trait FileSystem: Send + Sync + fmt::Debug {
    /// Creates a directory, and those above it that are missing; an existing one is fine. With `sync` the names of
    /// new ones survive a crash.
    fn create_dir(&self, path: &Path, sync: bool) -> io::Result<()>;
    /// Opens an existing file.
    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn File>>;
    /// Creates an empty file, replacing an existing one, open for writing.
    fn create(&self, path: &Path) -> io::Result<Box<dyn File>>;
    /// Gives a file another name, replacing an existing file of that name.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// The names in a directory, in no particular order.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;
    /// Makes the names in a directory survive a crash.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Tries to take the exclusive lock that the file `path` stands for, creating it if need be.
    fn lock(&self, path: &Path) -> io::Result<LockOutcome>;
    /// Whether somebody holds that lock. Changes nothing, works in a read-only directory.
    fn is_locked(&self, path: &Path) -> io::Result<bool>;
    /// A number that stays the same until the machine restarts; 0 if there is none. While it does, what was written
    /// to a file is there, synced or not.
    fn boot_id(&self) -> u64;
}

/// An open file.
pub trait File: Send + Sync + fmt::Debug {
    /// Size in bytes.
    fn len(&self) -> io::Result<u64>;
    /// Whether the file is empty.
    fn is_empty(&self) -> io::Result<bool> {
        Ok(self.len()? == 0)
    }
    /// Fills `into` from `offset`; an early end of the file is an error.
    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()>;
    /// Writes all of `bytes` at `offset`.
    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()>;
    /// Makes the file `bytes` long with disk space behind all of it; new bytes read as zero.
    fn allocate(&self, bytes: u64) -> io::Result<()>;
    /// Makes the bytes, and the size, survive a crash. If it fails, nothing is known about either.
    fn sync_data(&self) -> io::Result<()>;
    /// Maps the first `bytes` bytes. The file must be at least that long.
    fn map(&self, bytes: usize, access: Access) -> io::Result<Mapping>;
}

/// The operating system's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct Disk;

#[derive(Debug)]
struct DiskFile(fs::File);

impl FileSystem for Disk {
    fn create_dir(&self, path: &Path, sync: bool) -> io::Result<()> {
        if path.is_dir() {
            return Ok(());
        }
        let parent = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        self.create_dir(parent, sync)?;
        match fs::create_dir(path) {
            // Somebody else was faster.
            Err(_) if path.is_dir() => {}
            other => other?,
        }
        if sync { self.sync_dir(parent) } else { Ok(()) }
    }

    fn open(&self, path: &Path, access: Access) -> io::Result<Box<dyn File>> {
        let file = OpenOptions::new().read(true).write(access == Access::Write).open(path)?;
        Ok(Box::new(DiskFile(file)))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(true).open(path)?;
        Ok(Box::new(DiskFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(path)? {
            // A name that is not UTF-8 is not one of ours.
            if let Ok(name) = entry?.file_name().into_string() {
                names.push(name);
            }
        }
        Ok(names)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        fs::File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path) -> io::Result<LockOutcome> {
        use rustix::fs::{FlockOperation, flock};
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        // Somebody who only asks whether the store is locked holds it for an instant: look more than once.
        let mut outcome = flock(&file, FlockOperation::NonBlockingLockExclusive);
        for _ in 0..LOCK_RETRIES {
            if outcome != Err(rustix::io::Errno::WOULDBLOCK) {
                break;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
            outcome = flock(&file, FlockOperation::NonBlockingLockExclusive);
        }
        match outcome {
            Ok(()) => {
                let pid = format!("{}\n", std::process::id());
                file.set_len(0)?;
                file.write_all_at(pid.as_bytes(), 0)?;
                Ok(LockOutcome::Acquired(Box::new(file)))
            }
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let pid = fs::read_to_string(path).ok().and_then(|text| text.trim().parse().ok());
                Ok(LockOutcome::Held(pid))
            }
            Err(errno) => Err(errno.into()),
        }
    }

    fn is_locked(&self, path: &Path) -> io::Result<bool> {
        use rustix::fs::{FlockOperation, flock};
        let file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        match flock(&file, FlockOperation::NonBlockingLockShared) {
            Ok(()) => Ok(false),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(true),
            Err(errno) => Err(errno.into()),
        }
    }

    fn boot_id(&self) -> u64 {
        let Ok(text) = fs::read_to_string("/proc/sys/kernel/random/boot_id") else { return 0 };
        let digits: String = text.chars().filter(char::is_ascii_hexdigit).take(16).collect();
        u64::from_str_radix(&digits, 16).unwrap_or(0)
    }
}

impl File for DiskFile {
    fn len(&self) -> io::Result<u64> {
        Ok(self.0.metadata()?.len())
    }

    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        self.0.read_exact_at(into, offset)
    }

    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        self.0.write_all_at(bytes, offset)
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        use rustix::fs::{FallocateFlags, fallocate};
        match fallocate(&self.0, FallocateFlags::empty(), 0, bytes) {
            Ok(()) => Ok(()),
            // File systems without `fallocate` get the space by being written to.
            Err(rustix::io::Errno::OPNOTSUPP | rustix::io::Errno::NOSYS) => write_zeros(self, bytes),
            Err(errno) => Err(errno.into()),
        }
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn map(&self, bytes: usize, access: Access) -> io::Result<Mapping> {
        let found = self.len()?;
        if found < bytes as u64 {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "file shorter than its mapping"));
        }
        let mut options = MmapOptions::new();
        options.len(bytes);
        Ok(match access {
            Access::Read => Mapping::from_mmap(options.map_raw_read_only(&self.0)?, false),
            Access::Write => Mapping::from_mmap(options.map_raw(&self.0)?, true),
        })
    }
}

/// Writes zeros over the first `bytes` bytes.
pub(crate) fn write_zeros(file: &(impl File + ?Sized), bytes: u64) -> io::Result<()> {
    const CHUNK: usize = 256 << 10;
    static ZEROS: [u8; CHUNK] = [0; CHUNK];
    let mut offset = 0;
    while offset < bytes {
        let count = CHUNK.min(usize::try_from(bytes - offset).unwrap_or(CHUNK));
        file.write_all_at(offset, &ZEROS[..count])?;
        offset += count as u64;
    }
    Ok(())
}
