//! The log as Parquet files, for engines that are to read it without us: sealed stretches of it, one file a table and
//! stretch, in `TABLE/trade_date=YYYY-MM-DD/part-FIRST-LAST.parquet`, and a manifest that names them all.
//!
//! Where the log is cut is decided by the log alone ([`ranges`]), each file is complete before it has its name, and the
//! manifest is written after the files it names. So a run that is killed at any moment leaves nothing that the next one
//! does not put right, and both together make the files that one would have made.

mod error;
mod manifest;
mod ranges;
mod select;
mod write;

use std::fs::{self, File};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use duckdb::{Config, Connection};

use error::at;
pub use error::{ExportError, OtherLog};
pub use manifest::FILE as MANIFEST;
use manifest::{Manifest, PartEntry};
use ranges::{Ranges, Stretch};

use crate::error::Error;
use crate::session::quoted;
use crate::store::Store;
use crate::tables;

/// A part ends with the block that holds a multiple of so many records, unless it is said otherwise: Parquet files of
/// some ten to a few hundred megabytes, which is what big engines like.
pub const PART_RECORDS: u64 = 4_000_000;

/// Held by the process that exports.
const LOCK: &str = ".lock";
/// Where files are until they are complete.
const UNFINISHED: &str = ".unfinished";

/// How to export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ExportOptions {
    /// Where the log is cut: what the export was begun with, or [`PART_RECORDS`], where it is not given.
    pub part_records: Option<u64>,
    /// Whether what follows the last whole part is written too, as parts that a later run replaces.
    pub all: bool,
    /// Memory, in MiB.
    pub memory_mib: u64,
    /// Tables written at once; 0 for as many as there are processors.
    pub threads: usize,
}

/// A directory of Parquet files, up to some record. Only one process can hold it.
pub struct Export {
    store: Arc<Store>,
    dir: PathBuf,
    manifest: Manifest,
    ranges: Ranges,
    /// One for each table that is written at the same time. Each uses one thread, which keeps rows in the order of the log.
    connections: Vec<Connection>,
    all: bool,
    _lock: File,
}

/// What has been written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Written {
    /// Files.
    pub files: u64,
    /// Rows in them.
    pub rows: u64,
    /// Their size.
    pub bytes: u64,
}

impl std::ops::AddAssign for Written {
    fn add_assign(&mut self, more: Self) {
        self.files += more.files;
        self.rows += more.rows;
        self.bytes += more.bytes;
    }
}

impl Export {
    /// Opens the export of a store in a directory, or begins one where the directory is empty or not there. Puts right what
    /// a run that was killed left behind.
    ///
    /// # Errors
    /// [`Error::Export`] when the directory holds something else, another log's export, or one by another version; what the
    /// store, DuckDB or the system say.
    pub fn open(store: impl AsRef<Path>, dir: &Path, options: &ExportOptions) -> Result<Self, Error> {
        let store = Store::open(store)?;
        fs::create_dir_all(dir).map_err(at("create", dir))?;
        let dir = dir.canonicalize().map_err(at("find", dir))?;
        let lock = lock(&dir)?;
        let fresh = begin(&store, options);
        let manifest = match Manifest::read(&dir)? {
            Some(found) => {
                check(&store, &dir, &found, &fresh, options)?;
                found
            }
            None if is_empty(&dir)? => {
                fresh.write(&dir)?;
                fresh
            }
            None => return Err(ExportError::NotAnExport { dir }.into()),
        };
        remove_leftovers(&dir, &manifest)?;
        let ranges = Ranges::new(&store, manifest.sealed_sequence + 1, manifest.part_records)?;
        store.carry().keep();
        let connections = connections(&store, &dir, options)?;
        Ok(Self { store, dir, manifest, ranges, connections, all: options.all, _lock: lock })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// The last record that is in the files.
    pub fn last_sequence(&self) -> u64 {
        self.manifest.last_sequence
    }

    /// The last record that is in files which stay as they are.
    pub fn sealed_sequence(&self) -> u64 {
        self.manifest.sealed_sequence
    }

    /// The last record that there is.
    pub fn committed(&self) -> u64 {
        self.store.committed()
    }

    /// Writes the next whole part of the log; `None` when there is none yet.
    ///
    /// # Errors
    /// What the store, DuckDB or the system say. The export is as it was.
    pub fn step(&mut self) -> Result<Option<Written>, Error> {
        let Some(part) = self.ranges.next()? else { return Ok(None) };
        self.write(&part, true).map(Some)
    }

    /// Ends a run: writes what follows the last whole part, if that is wanted, and how instruments, accounts and assets stand.
    ///
    /// # Errors
    /// As for [`Export::step`].
    pub fn finish(&mut self) -> Result<Written, Error> {
        let mut written = Written::default();
        if self.all
            && let Some(part) = self.ranges.open()
            && part.last > self.manifest.last_sequence
        {
            written += self.write(&part, false)?;
        }
        let committed = self.store.pin();
        let outcome = self.write_reference(committed);
        self.store.unpin();
        written += outcome?;
        Ok(written)
    }

    /// Writes a part of the log, and the manifest.
    fn write(&mut self, part: &Stretch, is_sealed: bool) -> Result<Written, Error> {
        self.forget_unsealed()?;
        self.store.pin();
        let outcome = write::parts(&mut self.connections, &self.dir, part);
        self.store.unpin();
        let entries = outcome?;
        let mut written = Written::default();
        for PartEntry { file, .. } in &entries {
            written += Written { files: 1, rows: file.rows, bytes: file.bytes };
        }
        self.manifest.parts.extend(entries);
        self.manifest.last_sequence = part.last;
        if is_sealed {
            self.manifest.sealed_sequence = part.last;
            self.manifest.sealed_chain = part.chain.as_ref().map(|chain| write::hex(chain));
        }
        self.manifest.write(&self.dir)?;
        Ok(written)
    }

    /// Takes away what a run wrote of a part that was not whole then. First from the manifest: what that names is there.
    fn forget_unsealed(&mut self) -> Result<(), Error> {
        let sealed = self.manifest.sealed_sequence;
        if self.manifest.last_sequence == sealed {
            return Ok(());
        }
        let old = self.manifest.parts.extract_if(.., |part| part.first_sequence > sealed);
        let old: Vec<PathBuf> = old.map(|part| self.dir.join(part.file.path)).collect();
        self.manifest.last_sequence = sealed;
        self.manifest.write(&self.dir)?;
        for path in old {
            fs::remove_file(&path).map_err(at("remove", &path))?;
        }
        Ok(())
    }

    fn write_reference(&mut self, committed: u64) -> Result<Written, Error> {
        let is_fresh = |dir: &Path, manifest: &Manifest| {
            manifest.reference.len() == select::REFERENCE.len()
                && manifest
                    .reference
                    .iter()
                    .all(|table| table.last_sequence == committed && has_size(dir, &table.file))
        };
        if is_fresh(&self.dir, &self.manifest) {
            return Ok(Written::default());
        }
        let entries = write::reference(&mut self.connections, &self.dir, committed)?;
        let mut written = Written::default();
        for entry in &entries {
            written += Written { files: 1, rows: entry.file.rows, bytes: entry.file.bytes };
        }
        self.manifest.reference = entries;
        self.manifest.write(&self.dir)?;
        Ok(written)
    }
}

fn lock(dir: &Path) -> Result<File, ExportError> {
    let path = dir.join(LOCK);
    let file = File::create(&path).map_err(at("create", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(ExportError::Busy { dir: dir.to_owned() }),
        Err(fs::TryLockError::Error(error)) => Err(at("lock", &path)(error)),
    }
}

/// The manifest of an export in which nothing is yet.
fn begin(store: &Store, options: &ExportOptions) -> Manifest {
    let known = tables::all();
    let exported = known
        .iter()
        .filter(|table| select::PARTS.contains(&table.name) || select::REFERENCE.contains(&table.name));
    Manifest {
        format: manifest::FORMAT.to_owned(),
        schema_version: manifest::SCHEMA_VERSION,
        store_id: store.reader().store_id().to_string(),
        part_records: options.part_records.unwrap_or(PART_RECORDS).max(1),
        last_sequence: 0,
        sealed_sequence: 0,
        sealed_chain: None,
        tables: exported.map(|table| (table.name.to_owned(), select::columns(table))).collect(),
        parts: Vec::new(),
        reference: Vec::new(),
    }
}

/// Whether an export can go on with this store and these settings.
fn check(
    store: &Store,
    dir: &Path,
    found: &Manifest,
    fresh: &Manifest,
    options: &ExportOptions,
) -> Result<(), Error> {
    let other = |why| Err(ExportError::OtherLog { dir: dir.to_owned(), why }.into());
    if found.store_id != fresh.store_id {
        return other(OtherLog::Store { found: found.store_id.clone(), store: fresh.store_id.clone() });
    }
    let committed = store.committed();
    if found.last_sequence > committed {
        return other(OtherLog::Shorter { exported: found.last_sequence, committed });
    }
    if let Some(exported) = &found.sealed_chain {
        let mut reader = store.reader();
        reader.seek_sequence(found.sealed_sequence)?;
        let chain = reader.next_block()?.and_then(|block| block.chain_hash());
        if chain.is_some_and(|chain| write::hex(&chain) != *exported) {
            return other(OtherLog::Chain { sequence: found.sealed_sequence });
        }
    }
    if found.tables != fresh.tables {
        return Err(ExportError::OtherSchema { dir: dir.to_owned() }.into());
    }
    if let Some(asked) = options.part_records
        && asked.max(1) != found.part_records
    {
        let found = found.part_records;
        return Err(ExportError::OtherParts { dir: dir.to_owned(), found, asked }.into());
    }
    // The reference tables are made anew in any case.
    match found.parts.iter().find(|part| !has_size(dir, &part.file)) {
        Some(part) => Err(ExportError::Damaged { path: dir.join(&part.file.path) }.into()),
        None => Ok(()),
    }
}

fn has_size(dir: &Path, file: &manifest::FileEntry) -> bool {
    fs::metadata(dir.join(&file.path)).is_ok_and(|found| found.is_file() && found.len() == file.bytes)
}

/// Whether there is nothing in a directory that an export has to leave alone. A run that was killed before it had a manifest
/// has left files that begin with a dot.
fn is_empty(dir: &Path) -> Result<bool, ExportError> {
    let mut entries = fs::read_dir(dir).map_err(at("read", dir))?;
    Ok(entries.all(|entry| entry.is_ok_and(|entry| entry.file_name().as_encoded_bytes().starts_with(b"."))))
}

/// Removes parts that the manifest does not know, and all that was not finished.
fn remove_leftovers(dir: &Path, manifest: &Manifest) -> Result<(), ExportError> {
    let unfinished = dir.join(UNFINISHED);
    match fs::remove_dir_all(&unfinished) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(at("remove", &unfinished)(error)),
        _ => fs::create_dir(&unfinished).map_err(at("create", &unfinished))?,
    }
    let known: std::collections::HashSet<PathBuf> =
        manifest.files().map(|file| dir.join(&file.path)).collect();
    for table in select::PARTS {
        let table = dir.join(table);
        for day in fs::read_dir(&table).into_iter().flatten().flatten() {
            let day = day.path();
            for file in fs::read_dir(&day).into_iter().flatten().flatten() {
                let is_part = file.file_name().to_str().is_some_and(write::is_part);
                if is_part && !known.contains(&file.path()) {
                    fs::remove_file(file.path()).map_err(at("remove", &file.path()))?;
                }
            }
            // What is not empty stays.
            let _ = fs::remove_dir(&day);
        }
        let _ = fs::remove_dir(&table);
    }
    Ok(())
}

/// Databases that know the store's tables, and can write into the directory and do nothing else.
fn connections(store: &Arc<Store>, dir: &Path, options: &ExportOptions) -> Result<Vec<Connection>, Error> {
    let threads = match options.threads {
        0 => std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        threads => threads,
    };
    let threads = threads.min(select::PARTS.len());
    let memory_mib = (options.memory_mib / threads as u64).max(1);
    let open = |_| {
        let config = Config::default().max_memory(&format!("{memory_mib}MiB"))?.threads(1)?;
        let connection = Connection::open_in_memory_with_flags(config)?;
        tables::register_all(&connection, store)?;
        connection.execute_batch(&format!(
            "SET autoinstall_known_extensions = false;
             SET autoload_known_extensions = false;
             SET temp_directory = '';
             SET allowed_directories = [{}];
             SET enable_external_access = false;
             SET lock_configuration = true;",
            quoted(dir)
        ))?;
        Ok(connection)
    };
    (0..threads).map(open).collect()
}
