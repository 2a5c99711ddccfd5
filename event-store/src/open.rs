//! Opening a store for writing: take the lock, create or recover, and hand out the writer and the flusher.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::control::{CHAINED, COMMITTED, CONTROL_FILE, Control, DURABLE, HALTED, INCARNATION, WRITTEN};
use crate::error::Error;
use crate::flusher::Flusher;
use crate::format::{ControlHeader, StoreId, seal_offset};
use crate::fs::{Access, FileSystem, LockOutcome};
use crate::mapping::Tail;
use crate::options::{CommitPolicy, Durability, Options};
use crate::publish::BlockCursor;
use crate::recovery::{LogEnd, Recovery, Scan};
use crate::segment::{self, Geometry, Mark, SEGMENTS_DIR};
use crate::shared::Shared;
use crate::supply::Supply;
use crate::walk::Expected;
use crate::watermarks::Committer;
use crate::writer::{Writer, WriterState, WriterStats};

/// Name of the lock file.
pub(crate) const LOCK_FILE: &str = "LOCK";

/// Directories of a store. The store itself uses only the first.
const DIRECTORIES: [&str; 3] = [SEGMENTS_DIR, "snapshots", "plugins"];

/// A store open for writing.
#[derive(Debug)]
pub struct Opened {
    /// Appends. For the one thread that does.
    pub writer: Writer,
    /// Makes durable what was appended. To be polled, or spawned.
    pub flusher: Flusher,
    /// Moves `committed`; present under [`CommitPolicy::External`].
    pub committer: Option<Committer>,
    /// What opening found and did.
    pub recovery: Recovery,
}

pub(crate) fn open(dir: &Path, options: &Options) -> Result<Opened, Error> {
    options.check()?;
    let fs = Arc::clone(&options.file_system);
    let sync = options.syncs_files();
    if options.create {
        fs.create_dir(dir, options.syncs_files()).map_err(|e| Error::io("create", dir, e))?;
    }
    let lock_path = dir.join(LOCK_FILE);
    let lock = match fs.lock(&lock_path) {
        Ok(LockOutcome::Acquired(lock)) => lock,
        Ok(LockOutcome::Held(pid)) => return Err(Error::Locked { dir: dir.to_owned(), pid }),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
            return Err(Error::NotAStore { dir: dir.to_owned() });
        }
        Err(e) => return Err(Error::io("lock", &lock_path, e)),
    };
    let (control, created) = open_control(&*fs, dir, options, sync)?;
    let geometry = Geometry { store_id: control.store_id(), segment_bytes: control.header.segment_bytes };
    let max_block_bytes = options.max_block_bytes(geometry.segment_bytes)?;
    let scan = Scan {
        fs: &*fs,
        dir,
        geometry,
        control: &control,
        truncate_after: options.truncate_after,
        sync,
        #[cfg(feature = "fault-injection")]
        sabotage: options.sabotage,
    };
    let end = scan.run()?;
    if let Some(end) = &end {
        settle(end, sync)?;
    }
    let segments = end.as_ref().map_or(0, |end| end.segment.number + end.ready.len() as u64);
    control.update(sync, |state| {
        state.incarnation += 1;
        state.segments = segments;
        state.clean = false;
        state.boot_id = fs.boot_id();
    })?;
    let shared = Arc::new(Shared::new(dir.to_owned(), fs, control, geometry, lock));
    assemble(&shared, options, end, max_block_bytes, created)
}

/// Opens the control file, creating the store if there is none.
fn open_control(
    fs: &dyn FileSystem,
    dir: &Path,
    options: &Options,
    sync: bool,
) -> Result<(Control, bool), Error> {
    match Control::open(fs, dir, Access::Write) {
        Err(Error::NotAStore { .. }) => {}
        other => return Ok((other?, false)),
    }
    let listing = segment::list(fs, dir)?;
    if !listing.segments.is_empty() {
        return Err(Error::ControlMissing { dir: dir.to_owned() });
    }
    if !options.create {
        return Err(Error::NotAStore { dir: dir.to_owned() });
    }
    for name in DIRECTORIES {
        let path = dir.join(name);
        // Their names survive with that of the control file.
        fs.create_dir(&path, false).map_err(|e| Error::io("create", &path, e))?;
    }
    let header = ControlHeader {
        store_id: match options.store_id {
            Some(id) => id,
            None => random_id().map_err(|e| Error::io("choose an id for", dir, e))?,
        },
        segment_bytes: options.segment_bytes,
        created_ns: options.created_ns.unwrap_or_else(now_ns),
    };
    Control::create(fs, dir, header, sync)?;
    Ok((Control::open(fs, dir, Access::Write)?, true))
}

/// After recovery everything that is in the log is made durable, and the mark says so, before anything is added.
fn settle(end: &LogEnd, sync: bool) -> Result<(), Error> {
    let last = end.expected.last_sequence();
    if !sync || (end.report.clean && end.mark.sequence == last) {
        return Ok(());
    }
    for segment in &end.unsynced {
        segment.mend_mark()?;
        segment.sync()?;
    }
    let turn = end.segment.turn_after(end.mark.turn)?;
    end.segment.set_mark(Mark { turn, sequence: last });
    end.segment.sync()
}

/// Builds the handles. The marks are set before anyone can see a new block.
fn assemble(
    shared: &Arc<Shared>,
    options: &Options,
    end: Option<LogEnd>,
    max_block_bytes: usize,
    created: bool,
) -> Result<Opened, Error> {
    let sync = options.durability == Durability::Fsync;
    let local = options.commit == CommitPolicy::Local;
    let end = match end {
        Some(end) => end,
        None => first_segment(shared, options)?,
    };
    let LogEnd { segment, cursor, expected, mark, ready, report: mut recovery, .. } = end;
    let supply = Supply::new(shared, options, ready, segment.number + 1)?;
    recovery.created = created;
    let last = expected.last_sequence();
    let durable = if options.syncs_files() { last } else { mark.sequence.min(last) };
    let control = &shared.control;
    let committed = if local { last } else { control.load(COMMITTED).min(last) };
    control.publish(HALTED, 0);
    control.publish(INCARNATION, control.state().incarnation);
    control.publish(COMMITTED, committed);
    control.publish(DURABLE, durable);
    control.publish(CHAINED, last);
    control.publish(WRITTEN, last);
    shared.closed.store(false, Ordering::Release);
    let tail = Tail::claim(Arc::clone(&segment.mapping), cursor.offset(), seal_offset(segment.mapping.len()));
    // Of the turn before the next: the flusher counts on from here.
    let turn = segment.turn_after(mark.turn)? - 1;
    let writer = Writer {
        shared: Arc::clone(shared),
        segment: Arc::clone(&segment),
        tail,
        next: None,
        supply,
        state: WriterState {
            next_sequence: expected.next_sequence,
            next_index: expected.next_index,
            timestamp_ns: expected.timestamp_ns,
            previous_bytes: expected.previous_bytes,
            term: options.term.max(expected.term),
            last_term: expected.term,
            stats: WriterStats::default(),
        },
        max_block_bytes,
        commit_on_write: local && !sync,
    };
    let flusher = Flusher {
        shared: Arc::clone(shared),
        segment,
        cursor,
        chain: expected.chain,
        chained: last,
        durable,
        mark: Mark { turn, sequence: durable },
        sync,
        commit_on_durable: local && sync,
        idle_since: None,
        #[cfg(feature = "fault-injection")]
        sabotage: options.sabotage,
    };
    let committer = (!local).then(|| Committer::new(Arc::clone(shared)));
    Ok(Opened { writer, flusher, committer, recovery })
}

/// The end of a log that has just been created.
fn first_segment(shared: &Arc<Shared>, options: &Options) -> Result<LogEnd, Error> {
    let segment = Supply::first(shared, options)?;
    let cursor = BlockCursor::first(Arc::clone(&segment.mapping));
    Ok(LogEnd {
        segment,
        cursor,
        expected: Expected::genesis(shared.geometry.store_id),
        mark: Mark::default(),
        ready: VecDeque::new(),
        report: Recovery::default(),
        unsynced: Vec::new(),
    })
}

fn random_id() -> std::io::Result<StoreId> {
    let mut id = [0; 16];
    let filled = rustix::rand::getrandom(&mut id, rustix::rand::GetRandomFlags::empty())?;
    if filled == id.len() {
        Ok(StoreId(id))
    } else {
        Err(std::io::Error::new(std::io::ErrorKind::UnexpectedEof, "the kernel had too little randomness"))
    }
}

fn now_ns() -> i64 {
    // A clock before 1970 or after 2262 is wrong anyway; the field is informative.
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

/// Whether the directory holds a store.
pub fn exists(dir: impl AsRef<Path>) -> bool {
    dir.as_ref().join(CONTROL_FILE).is_file()
}
