//! The file system itself: files as memory, and a record of what was done to them.

use std::collections::BTreeMap;
use std::io;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use crate::control::{COMMITTED, CONTROL_FILE, DURABLE, WRITTEN};
use crate::fs::{Access, File, FileSystem, LockOutcome};
use crate::mapping::{Backing, Mapping};

const PAGE_BYTES: usize = 4096;
const PAGE_WORDS: usize = PAGE_BYTES / 8;

/// A page of memory. Made of atomics because that is memory which may change under a shared reference.
#[repr(align(4096))]
struct Page([AtomicU64; PAGE_WORDS]);

pub(crate) type FileId = usize;

/// One thing done to the file system.
#[derive(Debug, Clone)]
pub(crate) enum Op {
    Write {
        file: FileId,
        offset: usize,
        bytes: Box<[u8]>,
    },
    Resize {
        file: FileId,
        bytes: usize,
    },
    Sync {
        file: FileId,
    },
    /// What the file holds now, and held since the last good sync, may never reach the disk.
    FailedSync {
        file: FileId,
    },
    Names(Vec<(PathBuf, Option<FileId>)>),
    SyncDir,
}

/// An operation, and how far the log had got.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub op: Op,
    pub acknowledged: u64,
    pub written: u64,
}

/// The memory of one file.
struct Region {
    pages: Box<[Page]>,
    file: FileId,
    world: Weak<Mutex<World>>,
}

impl Region {
    fn new(bytes: usize, file: FileId, world: Weak<Mutex<World>>) -> Self {
        let page = || Page(std::array::from_fn(|_| AtomicU64::new(0)));
        let pages = (0..bytes.div_ceil(PAGE_BYTES).max(1)).map(|_| page()).collect();
        Self { pages, file, world }
    }

    fn word(&self, offset: usize) -> &AtomicU64 {
        &self.pages[offset / PAGE_BYTES].0[offset % PAGE_BYTES / 8]
    }

    fn read(&self, range: Range<usize>) -> Vec<u8> {
        let aligned = range.start & !7;
        let mut bytes = Vec::with_capacity(range.end - aligned + 8);
        for offset in (aligned..range.end).step_by(8) {
            bytes.extend_from_slice(&self.word(offset).load(Ordering::Relaxed).to_ne_bytes());
        }
        bytes.truncate(range.end - aligned);
        bytes.drain(..range.start - aligned);
        bytes
    }

    fn write(&self, offset: usize, bytes: &[u8]) {
        let mut at = offset;
        let mut rest = bytes;
        while !rest.is_empty() {
            let within = at % 8;
            let count = rest.len().min(8 - within);
            let word = self.word(at);
            let mut value = word.load(Ordering::Relaxed).to_ne_bytes();
            value[within..within + count].copy_from_slice(&rest[..count]);
            word.store(u64::from_ne_bytes(value), Ordering::Relaxed);
            at += count;
            rest = &rest[count..];
        }
    }
}

impl Backing for Region {
    fn memory(&self) -> NonNull<[u8]> {
        NonNull::slice_from_raw_parts(NonNull::from(&*self.pages).cast(), self.pages.len() * PAGE_BYTES)
    }

    fn wrote(&self, range: Range<usize>) {
        let Some(world) = self.world.upgrade() else { return };
        let bytes = self.read(range.clone()).into_boxed_slice();
        lock(&world).record(Op::Write { file: self.file, offset: range.start, bytes });
    }
}

struct Entry {
    region: Arc<Region>,
    bytes: usize,
}

/// Which call fails, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CallFault {
    /// Counts every call made to the file system, from 0.
    pub call: u64,
    /// The `errno` it fails with.
    pub errno: i32,
    /// Whether every later call that needs disk space fails too.
    pub stays: bool,
}

struct World {
    names: BTreeMap<PathBuf, FileId>,
    files: Vec<Entry>,
    steps: Option<Vec<Step>>,
    calls: u64,
    fault: Option<CallFault>,
    faulted: bool,
    /// Whether syncing a directory does nothing: a deliberate defect.
    lose_names: bool,
    control: Option<Arc<Region>>,
    /// Stands for the life of the machine since it was switched on.
    boot: u64,
}

impl World {
    fn record(&mut self, op: Op) {
        let written = self.live(WRITTEN);
        let acknowledged = self.live(DURABLE).max(self.live(COMMITTED));
        if let Some(steps) = &mut self.steps {
            steps.push(Step { op, acknowledged, written });
        }
    }

    /// A watermark in the control file.
    fn live(&self, word: usize) -> u64 {
        self.control.as_ref().map_or(0, |region| region.word(word).load(Ordering::Relaxed))
    }

    /// Counts a call, and fails it if it is its turn.
    fn call(&mut self, needs_space: bool) -> io::Result<()> {
        let call = self.calls;
        self.calls += 1;
        match self.fault {
            Some(fault)
                if call == fault.call
                    || (fault.stays && self.faulted && needs_space && call > fault.call) =>
            {
                self.faulted = true;
                Err(io::Error::from_raw_os_error(fault.errno))
            }
            _ => Ok(()),
        }
    }

    fn set_names(&mut self, changes: Vec<(PathBuf, Option<FileId>)>) {
        for (path, file) in &changes {
            match file {
                Some(file) => {
                    if path.file_name().is_some_and(|name| name == CONTROL_FILE) {
                        self.control = Some(Arc::clone(&self.files[*file].region));
                    }
                    self.names.insert(path.clone(), *file)
                }
                None => self.names.remove(path),
            };
        }
        self.record(Op::Names(changes));
    }
}

/// The file system. Clones are the same one.
#[derive(Clone)]
pub struct FaultFs {
    world: Arc<Mutex<World>>,
}

impl std::fmt::Debug for FaultFs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let world = lock(&self.world);
        f.debug_struct("FaultFs")
            .field("names", &world.names)
            .field("calls", &world.calls)
            .finish_non_exhaustive()
    }
}

fn lock(world: &Mutex<World>) -> MutexGuard<'_, World> {
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

fn not_found() -> io::Error {
    io::Error::from(io::ErrorKind::NotFound)
}

impl FaultFs {
    /// An empty file system. `recording` keeps what is done to it, for [`crate::fault::Replay`].
    pub fn new(recording: bool) -> Self {
        let world = World {
            names: BTreeMap::new(),
            files: Vec::new(),
            steps: recording.then(Vec::new),
            calls: 0,
            fault: None,
            faulted: false,
            lose_names: false,
            control: None,
            boot: 1,
        };
        Self { world: Arc::new(Mutex::new(world)) }
    }

    /// A file system that holds these files.
    pub fn holding(files: BTreeMap<PathBuf, Vec<u8>>) -> Self {
        Self::with_files(files, 1, false)
    }

    /// A file system that holds these files, all of it on the disk.
    pub(crate) fn with_files(
        files: impl IntoIterator<Item = (PathBuf, Vec<u8>)>,
        boot: u64,
        recording: bool,
    ) -> Self {
        let this = Self::new(false);
        {
            let mut world = lock(&this.world);
            for (path, content) in files {
                let id = world.files.len();
                let region = Arc::new(Region::new(content.len(), id, Arc::downgrade(&this.world)));
                region.write(0, &content);
                world.files.push(Entry { region, bytes: content.len() });
                world.set_names(vec![(path, Some(id))]);
            }
            world.steps = recording.then(Vec::new);
            world.boot = boot;
        }
        this
    }

    /// Makes a call fail.
    pub fn set_fault(&self, fault: Option<CallFault>) {
        let mut world = lock(&self.world);
        world.fault = fault;
        world.faulted = false;
    }

    /// Makes syncing a directory do nothing: a deliberate defect of the file system.
    pub fn lose_names(&self) {
        lock(&self.world).lose_names = true;
    }

    pub(crate) fn boot(&self) -> u64 {
        lock(&self.world).boot
    }

    /// Calls made so far.
    pub fn calls(&self) -> u64 {
        lock(&self.world).calls
    }

    /// Whether the fault that was set has struck.
    pub fn faulted(&self) -> bool {
        lock(&self.world).faulted
    }

    /// Every file and what it holds now.
    pub fn files(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        let world = lock(&self.world);
        let content = |&id: &FileId| world.files[id].region.read(0..world.files[id].bytes);
        world.names.iter().map(|(path, id)| (path.clone(), content(id))).collect()
    }

    /// Changes bytes behind everybody's back, as a bad disk does.
    ///
    /// # Panics
    /// If there is no such file.
    pub fn damage(&self, path: &Path, offset: usize, change: impl FnOnce(u8) -> u8) {
        let world = lock(&self.world);
        let entry = &world.files[*world.names.get(path).expect("the file to damage exists")];
        let byte = entry.region.read(offset..offset + 1)[0];
        entry.region.write(offset, &[change(byte)]);
    }

    pub(crate) fn take_steps(&self) -> Vec<Step> {
        let mut world = lock(&self.world);
        world.steps.as_mut().map(std::mem::take).unwrap_or_default()
    }

    pub(crate) fn initial(&self) -> Vec<(PathBuf, FileId, Vec<u8>)> {
        let world = lock(&self.world);
        let content = |id: FileId| world.files[id].region.read(0..world.files[id].bytes);
        world.names.iter().map(|(path, &id)| (path.clone(), id, content(id))).collect()
    }

    fn handle(&self, file: FileId) -> Box<dyn File> {
        Box::new(FaultFile { fs: self.clone(), file })
    }
}

impl FileSystem for FaultFs {
    fn create_dir(&self, _path: &Path, _sync: bool) -> io::Result<()> {
        lock(&self.world).call(true)
    }

    fn open(&self, path: &Path, _access: Access) -> io::Result<Box<dyn File>> {
        let mut world = lock(&self.world);
        world.call(false)?;
        let file = *world.names.get(path).ok_or_else(not_found)?;
        drop(world);
        Ok(self.handle(file))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn File>> {
        let mut world = lock(&self.world);
        world.call(true)?;
        let file = world.files.len();
        let region = Arc::new(Region::new(0, file, Arc::downgrade(&self.world)));
        world.files.push(Entry { region, bytes: 0 });
        world.set_names(vec![(path.to_owned(), Some(file))]);
        drop(world);
        Ok(self.handle(file))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut world = lock(&self.world);
        world.call(true)?;
        let file = *world.names.get(from).ok_or_else(not_found)?;
        world.set_names(vec![(from.to_owned(), None), (to.to_owned(), Some(file))]);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut world = lock(&self.world);
        world.call(false)?;
        if !world.names.contains_key(path) {
            return Err(not_found());
        }
        world.set_names(vec![(path.to_owned(), None)]);
        Ok(())
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        let mut world = lock(&self.world);
        world.call(false)?;
        let inside = world.names.keys().filter(|name| name.parent() == Some(path));
        Ok(inside.filter_map(|name| Some(name.file_name()?.to_str()?.to_owned())).collect())
    }

    fn sync_dir(&self, _path: &Path) -> io::Result<()> {
        let mut world = lock(&self.world);
        world.call(false)?;
        if !world.lose_names {
            world.record(Op::SyncDir);
        }
        Ok(())
    }

    fn lock(&self, _path: &Path) -> io::Result<LockOutcome> {
        lock(&self.world).call(true)?;
        Ok(LockOutcome::Acquired(Box::new(())))
    }

    fn is_locked(&self, _path: &Path) -> io::Result<bool> {
        lock(&self.world).call(false)?;
        Ok(false)
    }

    fn boot_id(&self) -> u64 {
        self.boot()
    }
}

struct FaultFile {
    fs: FaultFs,
    file: FileId,
}

impl std::fmt::Debug for FaultFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FaultFile").field("file", &self.file).finish_non_exhaustive()
    }
}

impl FaultFile {
    fn resize(&self, world: &mut World, bytes: usize) {
        let entry = &mut world.files[self.file];
        if bytes > entry.region.pages.len() * PAGE_BYTES {
            // A file is given its size before anybody maps it.
            assert_eq!(Arc::strong_count(&entry.region), 1, "a mapped file is not resized");
            let region = Region::new(bytes, self.file, Arc::downgrade(&self.fs.world));
            region.write(0, &entry.region.read(0..entry.bytes));
            entry.region = Arc::new(region);
        }
        entry.bytes = bytes;
        world.record(Op::Resize { file: self.file, bytes });
    }
}

impl File for FaultFile {
    fn len(&self) -> io::Result<u64> {
        let mut world = lock(&self.fs.world);
        world.call(false)?;
        Ok(world.files[self.file].bytes as u64)
    }

    fn read_exact_at(&self, offset: u64, into: &mut [u8]) -> io::Result<()> {
        let mut world = lock(&self.fs.world);
        world.call(false)?;
        let entry = &world.files[self.file];
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        if start + into.len() > entry.bytes {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        into.copy_from_slice(&entry.region.read(start..start + into.len()));
        Ok(())
    }

    fn write_all_at(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut world = lock(&self.fs.world);
        world.call(true)?;
        let start = usize::try_from(offset).map_err(io::Error::other)?;
        if start + bytes.len() > world.files[self.file].bytes {
            self.resize(&mut world, start + bytes.len());
        }
        world.files[self.file].region.write(start, bytes);
        world.record(Op::Write { file: self.file, offset: start, bytes: bytes.into() });
        Ok(())
    }

    fn allocate(&self, bytes: u64) -> io::Result<()> {
        let mut world = lock(&self.fs.world);
        world.call(true)?;
        self.resize(&mut world, usize::try_from(bytes).map_err(io::Error::other)?);
        Ok(())
    }

    fn sync_data(&self) -> io::Result<()> {
        let mut world = lock(&self.fs.world);
        match world.call(false) {
            Ok(()) => world.record(Op::Sync { file: self.file }),
            Err(error) => {
                world.record(Op::FailedSync { file: self.file });
                return Err(error);
            }
        }
        Ok(())
    }

    fn map(&self, bytes: usize, access: Access) -> io::Result<Mapping> {
        let mut world = lock(&self.fs.world);
        world.call(false)?;
        let entry = &world.files[self.file];
        if entry.bytes < bytes {
            return Err(io::Error::from(io::ErrorKind::UnexpectedEof));
        }
        let region: Arc<dyn Backing> = Arc::clone(&entry.region) as Arc<dyn Backing>;
        Ok(Mapping::from_backing(region, access == Access::Write))
    }
}
