//! The control file: one page that says which store this is, which segments exist, how far the log has got, and
//! whether it was closed properly. The watermarks in it are live words in shared memory, each on cache lines of
//! its own; the rest is written rarely, in two copies.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::Ordering;

use crate::checksum::salt;
use crate::error::{Damage, Error};
use crate::format::{CONTROL_BYTES, ControlHeader, FORMAT_VERSION, HeaderFault, STATE_SLOTS, Slot, StoreId};
use crate::fs::{Access, File, FileSystem};
use crate::mapping::Mapping;
use crate::options::check_segment_bytes;
use crate::publish::WatermarkWord;

/// Name of the control file in the store directory.
pub(crate) const CONTROL_FILE: &str = "control";

/// Distance between live words: two cache lines, because processors fetch lines in pairs.
const LINE: usize = 128;
const LIVE: usize = 2048;
pub(crate) const WRITTEN: usize = LIVE;
pub(crate) const CHAINED: usize = LIVE + LINE;
pub(crate) const DURABLE: usize = LIVE + 2 * LINE;
pub(crate) const COMMITTED: usize = LIVE + 3 * LINE;
/// Not zero once the writer has stopped for good: 1 + errno.
pub(crate) const HALTED: usize = LIVE + 4 * LINE;
/// Grows by one each time a writer opens the store.
pub(crate) const INCARNATION: usize = LIVE + 5 * LINE;

/// Salt of the state slots, distinct from every segment's, which are numbered from 1.
const CONTROL_SALT_SEGMENT: u64 = 0;

/// What the control file remembers across crashes besides its header.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct State {
    /// Counts writers.
    pub incarnation: u64,
    /// Every segment up to this number exists.
    pub segments: u64,
    /// Whether the last writer closed the store.
    pub clean: bool,
    /// The last record, if `clean`.
    pub last_sequence: u64,
    /// The `committed` mark, if `clean`.
    pub committed: u64,
    /// The machine's boot id when the last writer opened the store; 0 if unknown.
    pub boot_id: u64,
}

impl State {
    fn to_slot(self, turn: u64) -> Slot {
        let clean = u64::from(self.clean);
        let words =
            [self.incarnation, self.segments, clean, self.last_sequence, self.boot_id, self.committed];
        Slot { turn, words }
    }

    fn from_slot(slot: &Slot) -> Self {
        Self {
            incarnation: slot.words[0],
            segments: slot.words[1],
            clean: slot.words[2] == 1,
            last_sequence: slot.words[3],
            boot_id: slot.words[4],
            committed: slot.words[5],
        }
    }
}

/// The mapped control file.
#[derive(Debug)]
pub(crate) struct Control {
    path: PathBuf,
    pub header: ControlHeader,
    mapping: Arc<Mapping>,
    file: Box<dyn File>,
    salt: u32,
    /// The newest state and its turn. Locked only when a segment is made and when the store opens or closes.
    state: Mutex<(u64, State)>,
}

impl Control {
    /// Writes a new control file. The store exists from the moment this returns.
    pub fn create(fs: &dyn FileSystem, dir: &Path, header: ControlHeader, sync: bool) -> Result<(), Error> {
        let (path, temporary) = (dir.join(CONTROL_FILE), dir.join("control.tmp"));
        let mut page = vec![0; CONTROL_BYTES];
        page[..ControlHeader::BYTES].copy_from_slice(&header.encode());
        let control_salt = salt(header.store_id, CONTROL_SALT_SEGMENT);
        for (turn, at) in (0..).zip(STATE_SLOTS) {
            page[at..at + Slot::BYTES].copy_from_slice(&State::default().to_slot(turn).encode(control_salt));
        }
        let file = fs.create(&temporary).map_err(|e| Error::io("create", &temporary, e))?;
        file.write_all_at(0, &page).map_err(|e| Error::io("write", &temporary, e))?;
        if sync {
            file.sync_data().map_err(|e| Error::io("sync", &temporary, e))?;
        }
        fs.rename(&temporary, &path).map_err(|e| Error::io("rename", &temporary, e))?;
        if sync {
            fs.sync_dir(dir).map_err(|e| Error::io("sync", dir, e))?;
        }
        Ok(())
    }

    /// Maps an existing control file and checks it.
    pub fn open(fs: &dyn FileSystem, dir: &Path, access: Access) -> Result<Self, Error> {
        let path = dir.join(CONTROL_FILE);
        let file = fs.open(&path, access).map_err(|source| {
            if source.kind() == std::io::ErrorKind::NotFound {
                Error::NotAStore { dir: dir.to_owned() }
            } else {
                Error::io("open", &path, source)
            }
        })?;
        let found = file.len().map_err(|e| Error::io("measure", &path, e))?;
        let expected = CONTROL_BYTES as u64;
        if found != expected {
            return Err(Error::SegmentSize { path, segment: 0, expected, found });
        }
        let mapping = Arc::new(file.map(CONTROL_BYTES, access).map_err(|e| Error::io("map", &path, e))?);
        let mut bytes = [0; ControlHeader::BYTES];
        mapping.load_words(0, &mut bytes);
        let header = match ControlHeader::decode(&bytes) {
            Ok(header) => header,
            Err(HeaderFault::Version(found)) => {
                return Err(Error::FormatVersion { path, found, supported: FORMAT_VERSION });
            }
            Err(HeaderFault::Damage(damage)) => return Err(Error::HeaderCorrupt { path, damage }),
        };
        check_segment_bytes(header.segment_bytes)?;
        let salt = salt(header.store_id, CONTROL_SALT_SEGMENT);
        let slots = read_slots(&mapping, STATE_SLOTS, salt);
        let Some(newest) = slots.iter().flatten().max_by_key(|slot| slot.turn) else {
            return Err(Error::HeaderCorrupt { path, damage: Damage::Slots });
        };
        let state = Mutex::new((newest.turn, State::from_slot(newest)));
        Ok(Self { path, header, mapping, file, salt, state })
    }

    pub fn store_id(&self) -> StoreId {
        self.header.store_id
    }

    /// Whether each copy of the state is good.
    pub fn slots_good(&self) -> [bool; 2] {
        read_slots(&self.mapping, STATE_SLOTS, self.salt).map(|slot| slot.is_some())
    }

    pub fn mapping(&self) -> &Arc<Mapping> {
        &self.mapping
    }

    pub fn state(&self) -> State {
        self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner).1
    }

    /// Changes the state and, if asked, makes the change survive a crash.
    pub fn update(&self, sync: bool, change: impl FnOnce(&mut State)) -> Result<(), Error> {
        let mut guard = self.state.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let (turn, mut state) = *guard;
        change(&mut state);
        write_slot(&self.mapping, STATE_SLOTS, &state.to_slot(turn + 1), self.salt);
        *guard = (turn + 1, state);
        if sync { self.sync() } else { Ok(()) }
    }

    /// Makes everything in the page survive a crash.
    pub fn sync(&self) -> Result<(), Error> {
        self.file
            .sync_data()
            .map_err(|e| Error::SyncFailed { path: self.path.clone(), os_error: e.raw_os_error() })
    }

    pub fn load(&self, word: usize) -> u64 {
        load(&self.mapping, word)
    }

    pub fn publish(&self, word: usize, value: u64) {
        WatermarkWord::new(self.mapping.word(word)).publish(value);
        self.mapping.wrote(word..word + 8);
    }
}

/// Loads a live word, with Acquire.
#[inline]
pub(crate) fn load(mapping: &Mapping, word: usize) -> u64 {
    WatermarkWord::new(mapping.word(word)).load()
}

/// Reads both copies of a slot; `None` for a damaged one.
pub(crate) fn read_slots(mapping: &Mapping, at: [usize; 2], salt: u32) -> [Option<Slot>; 2] {
    at.map(|offset| {
        let mut bytes = [0; Slot::BYTES];
        mapping.load_words(offset, &mut bytes);
        Slot::decode(&bytes, salt)
    })
}

/// Writes the copy whose turn it is: its body first, its checksum last, so that a copy caught half-way by a
/// crash fails its checksum and the other one counts.
pub(crate) fn write_slot(mapping: &Mapping, at: [usize; 2], slot: &Slot, salt: u32) {
    let offset = at[usize::from(slot.turn % 2 == 1)];
    let bytes = slot.encode(salt);
    mapping.store_words(offset, &bytes[..56]);
    std::sync::atomic::fence(Ordering::Release);
    mapping.store_words(offset + 56, &bytes[56..]);
}
