//! Writing files: each under another name first, synced, then moved to where it belongs.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};

use duckdb::Connection;
use sha2::{Digest as _, Sha256};

use super::UNFINISHED;
use super::error::{ExportError, at};
use super::manifest::{FileEntry, PartEntry, ReferenceEntry, sync_directory};
use super::ranges::Stretch;
use super::select;
use crate::error::Error;
use crate::session::quoted;
use crate::table::TableInfo;
use crate::tables;

/// Whether a file has the name of a part.
pub fn is_part(name: &str) -> bool {
    name.strip_prefix("part-").is_some_and(|rest| rest.ends_with(".parquet"))
}

/// A file to write.
struct Task {
    table: TableInfo,
    /// The call that gives its rows.
    source: String,
    /// Where it goes.
    path: String,
    /// Whether it is written without rows too.
    even_empty: bool,
}

/// Writes a part of the log: one file a table that has rows there.
pub fn parts(connections: &mut [Connection], dir: &Path, part: &Stretch) -> Result<Vec<PartEntry>, Error> {
    let trade_date = date(part.day);
    let task = |name: &&str| {
        let (table, Stretch { first, last, .. }) = (find(name), part);
        let source = format!("{name}(from_seq := {first}, to_seq := {last})");
        // Twelve digits: as many records as fit on a disk, in the order of their names.
        let path = format!("{name}/trade_date={trade_date}/part-{first:012}-{last:012}.parquet");
        Task { table, source, path, even_empty: false }
    };
    let tasks: Vec<Task> = select::PARTS.iter().map(task).collect();
    let entry = |(name, file): (&'static str, FileEntry)| PartEntry {
        table: name.to_owned(),
        trade_date: trade_date.clone(),
        first_sequence: part.first,
        last_sequence: part.last,
        file,
    };
    Ok(write_all(connections, dir, &tasks)?.into_iter().map(entry).collect())
}

/// Writes the tables that say how things stand.
pub fn reference(
    connections: &mut [Connection],
    dir: &Path,
    committed: u64,
) -> Result<Vec<ReferenceEntry>, Error> {
    let task = |name: &&str| Task {
        table: find(name),
        source: format!("{name}()"),
        path: format!("{name}/{name}.parquet"),
        even_empty: true,
    };
    let tasks: Vec<Task> = select::REFERENCE.iter().map(task).collect();
    let entry = |(name, file): (&'static str, FileEntry)| ReferenceEntry {
        table: name.to_owned(),
        last_sequence: committed,
        file,
    };
    Ok(write_all(connections, dir, &tasks)?.into_iter().map(entry).collect())
}

fn find(name: &str) -> TableInfo {
    tables::all().into_iter().find(|table| table.name == name).expect("a test holds the list to the tables")
}

/// Writes files, several at a time; when all are complete they get their names.
fn write_all(
    connections: &mut [Connection],
    dir: &Path,
    tasks: &[Task],
) -> Result<Vec<(&'static str, FileEntry)>, Error> {
    let next = AtomicUsize::new(0);
    let work = |connection: &mut Connection| {
        let mut done = Vec::new();
        while let Some(task) = tasks.get(next.fetch_add(1, Ordering::Relaxed)) {
            if let Some(entry) = write(connection, dir, task)? {
                done.push((task.table.name, entry));
            }
        }
        Ok::<_, Error>(done)
    };
    let mut written = std::thread::scope(|scope| {
        let workers: Vec<_> =
            connections.iter_mut().map(|connection| scope.spawn(|| work(connection))).collect();
        let mut written = Vec::new();
        for worker in workers {
            written.extend(worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok::<_, Error>(written)
    })?;
    // Not in the order in which they happened to be ready.
    written.sort_by_key(|(name, _)| *name);
    for (name, entry) in &written {
        let path = dir.join(&entry.path);
        let folder = path.parent().unwrap_or(dir);
        fs::create_dir_all(folder).map_err(at("create", folder))?;
        fs::rename(unfinished(dir, name), &path).map_err(at("write", &path))?;
        for folder in folder.ancestors().take_while(|folder| folder.starts_with(dir)) {
            sync_directory(folder)?;
        }
    }
    Ok(written)
}

fn unfinished(dir: &Path, table: &str) -> std::path::PathBuf {
    dir.join(UNFINISHED).join(format!("{table}.parquet"))
}

/// Writes one file, complete but under another name; `None` where there is nothing to write.
fn write(connection: &Connection, dir: &Path, task: &Task) -> Result<Option<FileEntry>, Error> {
    let path = unfinished(dir, task.table.name);
    let copy = format!(
        "COPY ({}) TO {} (FORMAT parquet, COMPRESSION zstd)",
        select::query(&task.table, &task.source),
        quoted(&path)
    );
    let rows = connection.execute(&copy, [])? as u64;
    if rows == 0 && !task.even_empty {
        fs::remove_file(&path).map_err(at("remove", &path))?;
        return Ok(None);
    }
    let file = File::open(&path).map_err(at("open", &path))?;
    file.sync_all().map_err(at("write", &path))?;
    let (bytes, sha256) = measure(file, &path)?;
    Ok(Some(FileEntry { path: task.path.clone(), rows, bytes, sha256 }))
}

/// A file's size and SHA-256.
fn measure(mut file: File, path: &Path) -> Result<(u64, String), ExportError> {
    let (mut hasher, mut bytes, mut buffer) = (Sha256::new(), 0, vec![0; 1 << 20]);
    loop {
        let read = file.read(&mut buffer).map_err(at("read", path))?;
        if read == 0 {
            return Ok((bytes, hex(&hasher.finalize())));
        }
        hasher.update(&buffer[..read]);
        bytes += read as u64;
    }
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        write!(text, "{byte:02x}").expect("writing to a string cannot fail");
        text
    })
}

/// A day as `YYYY-MM-DD`.
fn date(day: i32) -> String {
    let epoch = jiff::civil::Date::constant(1970, 1, 1);
    epoch.saturating_add(jiff::Span::new().days(day)).to_string()
}
