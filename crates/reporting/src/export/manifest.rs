//! What an export is made of, in a file that is written last and whole: what it does not name is not part of the export.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::error::{ExportError, at};

/// The manifest's name.
pub const FILE: &str = "manifest.json";
const TEMPORARY: &str = ".manifest.json.tmp";

/// What [`Manifest::format`] says.
pub const FORMAT: &str = "outcry-export";

/// Counts changes to the layout of an export. Another number: export into another directory.
pub const SCHEMA_VERSION: u32 = 1;

/// All there is to know about an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// What this file is.
    pub format: String,
    /// Which layout the export has.
    pub schema_version: u32,
    /// The store it was made from.
    pub store_id: String,
    /// The log is cut after the block that holds a multiple of this many records.
    pub part_records: u64,
    /// Every record up to this one is in the files.
    pub last_sequence: u64,
    /// Up to this record the files stay as they are; what follows is written anew when there is more of it.
    pub sealed_sequence: u64,
    /// The log's hash chain at the end of the sealed part, in hexadecimal, where the log had it.
    pub sealed_chain: Option<String>,
    /// The columns of each table.
    pub tables: BTreeMap<String, Vec<ColumnEntry>>,
    /// The parts. A table without rows in a part of the log has no file for it.
    pub parts: Vec<PartEntry>,
    /// Small tables that are written whole, as they stood after some record.
    pub reference: Vec<ReferenceEntry>,
}

/// A column of an exported table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ColumnEntry {
    /// Its name.
    pub name: String,
    /// Its SQL type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A file with a table's rows of a part of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PartEntry {
    /// The table.
    pub table: String,
    /// The day, which the path has too.
    pub trade_date: String,
    /// The first record of the part of the log that it covers.
    pub first_sequence: u64,
    /// The last one.
    pub last_sequence: u64,
    /// The file.
    #[serde(flatten)]
    pub file: FileEntry,
}

/// A file with all of a table's rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReferenceEntry {
    /// The table.
    pub table: String,
    /// It is as it stood after this record.
    pub last_sequence: u64,
    /// The file.
    #[serde(flatten)]
    pub file: FileEntry,
}

/// A file of an export.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Where it is, from the export's directory on.
    pub path: String,
    /// Its rows.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// Its SHA-256, in hexadecimal.
    pub sha256: String,
}

impl Manifest {
    /// That of a directory; `None` where there is none.
    pub fn read(dir: &Path) -> Result<Option<Self>, ExportError> {
        let path = dir.join(FILE);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(at("read", &path)(error)),
        };
        match serde_json::from_slice::<Self>(&text) {
            Ok(manifest) if manifest.format == FORMAT && manifest.schema_version == SCHEMA_VERSION => {
                Ok(Some(manifest))
            }
            Ok(_) => Err(ExportError::OtherSchema { dir: dir.to_owned() }),
            Err(source) => Err(ExportError::Manifest { path, source }),
        }
    }

    /// Takes the place of the directory's manifest, at once or not at all.
    pub fn write(&self, dir: &Path) -> Result<(), ExportError> {
        let (temporary, path) = (dir.join(TEMPORARY), dir.join(FILE));
        let mut text = serde_json::to_vec_pretty(self).expect("text and numbers are JSON");
        text.push(b'\n');
        let mut file = File::create(&temporary).map_err(at("create", &temporary))?;
        file.write_all(&text).map_err(at("write", &temporary))?;
        file.sync_all().map_err(at("write", &temporary))?;
        drop(file);
        fs::rename(&temporary, &path).map_err(at("write", &path))?;
        sync_directory(dir)
    }

    /// All files that belong to the export.
    pub fn files(&self) -> impl Iterator<Item = &FileEntry> {
        self.parts.iter().map(|part| &part.file).chain(self.reference.iter().map(|table| &table.file))
    }
}

/// Makes names in a directory last.
pub fn sync_directory(dir: &Path) -> Result<(), ExportError> {
    File::open(dir).and_then(|dir| dir.sync_all()).map_err(at("write", dir))
}
