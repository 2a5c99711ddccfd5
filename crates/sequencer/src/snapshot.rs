//! Snapshot files: the state at one sequence number, so that recovery need not replay the whole log. Only an
//! accelerator: deleting them loses nothing, and one that is not in every way right is not used.
//!
//! A file is a 160-byte header and the encoded state. All numbers are little-endian.
//!
//! | at | bytes | what |
//! |---:|---:|---|
//! | 0 | 8 | `OUTCRYSN` |
//! | 8 | 4 | format version of this header, 1 |
//! | 12 | 4 | version of the encoded state |
//! | 16 | 16 | the store's id |
//! | 32 | 8 | sequence number of the last record it holds: the last of its block |
//! | 40 | 8 | time of that block, UNIX nanoseconds |
//! | 48 | 8 | bytes of encoded state |
//! | 56 | 8 | zero |
//! | 64 | 32 | the hash chain after that block: ties the snapshot to this very history |
//! | 96 | 32 | hash of the state: BLAKE3 of its encoding |
//! | 128 | 32 | BLAKE3 of the first 128 bytes |
//! | 160 | | the encoded state |

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use engine::{SNAPSHOT_VERSION, State};
use event_store::{ChainHash, Reader, StoreId};
use model::Timestamp;
use order_book::OrderBook;

/// The directory of the snapshots, in the store directory.
pub const SNAPSHOTS_DIR: &str = "snapshots";
/// Snapshots kept; older ones are removed when a new one is complete.
pub const SNAPSHOTS_KEPT: usize = 2;

const SUFFIX: &str = ".snapshot";
const MAGIC: &[u8; 8] = b"OUTCRYSN";
const FORMAT: u32 = 1;
const HEADER_BYTES: usize = 160;
const CHECKSUM_AT: usize = 128;

/// A state's hash.
pub type StateHash = [u8; 32];

/// Why a snapshot was skipped.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotFault {
    /// The file cannot be read.
    #[error("it cannot be read: {0}")]
    Unreadable(io::Error),
    /// It is no snapshot, or was cut short.
    #[error("it is no complete snapshot")]
    NotASnapshot,
    /// It was written by another version of the program.
    #[error(
        "it has format {format} with state version {state}; this program uses {FORMAT} and {SNAPSHOT_VERSION}"
    )]
    Version {
        /// The version of its header.
        format: u32,
        /// The version of its state.
        state: u32,
    },
    /// Its bytes are not what was written.
    #[error("its checksum does not match")]
    Checksum,
    /// It belongs to another store.
    #[error("it belongs to store {0}")]
    OtherStore(StoreId),
    /// The log does not hold what it was taken from: a crash took that back.
    #[error("it was taken from records that the log does not hold")]
    OtherHistory,
    /// The state in it cannot be decoded.
    #[error("its state cannot be decoded: {0}")]
    Undecodable(engine::SnapshotError),
}

/// A snapshot that was skipped.
#[derive(Debug, thiserror::Error)]
#[error("snapshot {} was skipped: {fault}", path.display())]
pub struct SkippedSnapshot {
    /// The file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub fault: SnapshotFault,
}

/// What identifies a snapshot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SnapshotInfo {
    /// The store it belongs to.
    pub store_id: StoreId,
    /// The last record it holds.
    pub sequence: u64,
    /// The time of that record's block.
    pub timestamp: Timestamp,
    /// The hash chain after that block.
    pub chain: ChainHash,
    /// The hash of the state, which is that of its encoding.
    pub hash: StateHash,
}

impl SnapshotInfo {
    fn header(&self, payload: &[u8]) -> [u8; HEADER_BYTES] {
        let mut header = [0; HEADER_BYTES];
        header[0..8].copy_from_slice(MAGIC);
        header[8..12].copy_from_slice(&FORMAT.to_le_bytes());
        header[12..16].copy_from_slice(&SNAPSHOT_VERSION.to_le_bytes());
        header[16..32].copy_from_slice(&self.store_id.0);
        header[32..40].copy_from_slice(&self.sequence.to_le_bytes());
        header[40..48].copy_from_slice(&self.timestamp.0.to_le_bytes());
        header[48..56].copy_from_slice(&(payload.len() as u64).to_le_bytes());
        header[64..96].copy_from_slice(&self.chain);
        header[96..128].copy_from_slice(&self.hash);
        let checksum = blake3::hash(&header[..CHECKSUM_AT]);
        header[CHECKSUM_AT..].copy_from_slice(checksum.as_bytes());
        header
    }
}

/// A fixed-size piece of a header.
fn piece<const N: usize>(header: &[u8; HEADER_BYTES], at: usize) -> [u8; N] {
    header[at..at + N].try_into().expect("offsets of the table above")
}

/// Checks a snapshot's bytes and decodes its state.
fn decode<B: OrderBook>(bytes: &[u8]) -> Result<(SnapshotInfo, State<B>), SnapshotFault> {
    let (header, payload) = bytes.split_first_chunk::<HEADER_BYTES>().ok_or(SnapshotFault::NotASnapshot)?;
    if !header.starts_with(MAGIC) {
        return Err(SnapshotFault::NotASnapshot);
    }
    let (format, state) = (u32::from_le_bytes(piece(header, 8)), u32::from_le_bytes(piece(header, 12)));
    if (format, state) != (FORMAT, SNAPSHOT_VERSION) {
        return Err(SnapshotFault::Version { format, state });
    }
    if u64::from_le_bytes(piece(header, 48)) != payload.len() as u64 {
        return Err(SnapshotFault::NotASnapshot);
    }
    let sound = *blake3::hash(&header[..CHECKSUM_AT]).as_bytes() == piece::<32>(header, CHECKSUM_AT)
        && *blake3::hash(payload).as_bytes() == piece::<32>(header, 96);
    if !sound {
        return Err(SnapshotFault::Checksum);
    }
    let info = SnapshotInfo {
        store_id: StoreId(piece(header, 16)),
        sequence: u64::from_le_bytes(piece(header, 32)),
        timestamp: Timestamp(i64::from_le_bytes(piece(header, 40))),
        chain: piece(header, 64),
        hash: piece(header, 96),
    };
    Ok((info, State::decode(payload).map_err(SnapshotFault::Undecodable)?))
}

/// Whether the reader's log holds the history the snapshot was taken from. Leaves the reader after it if so.
fn stands_in_log(reader: &mut Reader, info: &SnapshotInfo) -> Result<bool, event_store::Error> {
    if info.sequence == 0 || info.sequence > reader.bound() {
        return Ok(false);
    }
    reader.seek_sequence(info.sequence)?;
    let block = reader.next_block()?;
    Ok(block.is_some_and(|block| {
        block.header().last_sequence() == info.sequence && block.chain_hash() == Some(info.chain)
    }))
}

/// Snapshot files of a store, newest first.
pub fn list(store: &Path) -> io::Result<Vec<(u64, PathBuf)>> {
    let mut found = Vec::new();
    let entries = match fs::read_dir(store.join(SNAPSHOTS_DIR)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(found),
        entries => entries?,
    };
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if let Some(sequence) = name.strip_suffix(SUFFIX).and_then(|stem| stem.parse().ok()) {
            found.push((sequence, path));
        }
    }
    found.sort_unstable_by(|one, other| other.cmp(one));
    Ok(found)
}

/// A snapshot that was found good.
pub(crate) struct Loaded<B: OrderBook> {
    pub info: SnapshotInfo,
    pub state: State<B>,
}

/// The newest good snapshot at or below `up_to`, with the reader placed after it; and those that were skipped.
pub(crate) fn load_newest<B: OrderBook>(
    reader: &mut Reader,
    up_to: u64,
    skipped: &mut Vec<SkippedSnapshot>,
) -> Result<Option<Loaded<B>>, event_store::Error> {
    let dir = reader.dir().to_owned();
    let files = match list(&dir) {
        Ok(files) => files,
        Err(error) => {
            skipped.push(SkippedSnapshot {
                path: dir.join(SNAPSHOTS_DIR),
                fault: SnapshotFault::Unreadable(error),
            });
            return Ok(None);
        }
    };
    for (_, path) in files.into_iter().filter(|&(sequence, _)| sequence <= up_to) {
        let read = fs::read(&path).map_err(SnapshotFault::Unreadable);
        let fault = match read.and_then(|bytes| decode(&bytes)) {
            Ok((info, _)) if info.store_id != reader.store_id() => SnapshotFault::OtherStore(info.store_id),
            Ok((info, state)) if info.sequence <= up_to => {
                if stands_in_log(reader, &info)? {
                    return Ok(Some(Loaded { info, state }));
                }
                SnapshotFault::OtherHistory
            }
            // A renamed file.
            Ok(_) => SnapshotFault::NotASnapshot,
            Err(fault) => fault,
        };
        skipped.push(SkippedSnapshot { path, fault });
    }
    Ok(None)
}

/// Writes a snapshot under a temporary name, syncs it, names it, syncs the directory, and only then removes older
/// ones. Returns its size in bytes.
pub(crate) fn write(store: &Path, info: &SnapshotInfo, payload: &[u8]) -> io::Result<u64> {
    let dir = store.join(SNAPSHOTS_DIR);
    fs::create_dir_all(&dir)?;
    let path = dir.join(format!("{:020}{SUFFIX}", info.sequence));
    let temporary = path.with_extension("tmp");
    let mut file = File::create(&temporary)?;
    file.write_all(&info.header(payload))?;
    file.write_all(payload)?;
    file.sync_all()?;
    fs::rename(&temporary, &path)?;
    File::open(&dir)?.sync_all()?;
    for (_, old) in list(store)?.into_iter().skip(SNAPSHOTS_KEPT) {
        fs::remove_file(old)?;
    }
    Ok((HEADER_BYTES + payload.len()) as u64)
}
