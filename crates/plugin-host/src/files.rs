//! Component files in a store: `plugins/<sha256>.wasm`. They are there, whole and on disk, before the log names them.

use crate::inspect::hash;
use model::ComponentHash;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Why a component file cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// The store has no such file.
    #[error("the store lacks the component {component}")]
    Missing {
        /// Which.
        component: ComponentHash,
    },
    /// The file is not what its name says.
    #[error("the file of the component {component} holds other bytes, with the hash {found}")]
    WrongBytes {
        /// What it should hold.
        component: ComponentHash,
        /// The hash of what it holds.
        found: ComponentHash,
    },
    /// The system says no.
    #[error("{path}: {source}")]
    Io {
        /// Where.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

impl FileError {
    fn io(path: &Path) -> impl Fn(io::Error) -> Self {
        move |source| Self::Io { path: path.to_owned(), source }
    }
}

/// Where a component's file is in the folder `plugins` of a store.
pub fn component_path(plugins: &Path, component: ComponentHash) -> PathBuf {
    plugins.join(format!("{component}.wasm"))
}

/// Puts a component into the folder `plugins` of a store. When this returns, the file survives a crash of the machine: only then
/// may a command name it. Storing what is there already is no error.
pub fn store_component(plugins: &Path, bytes: &[u8]) -> Result<ComponentHash, FileError> {
    let component = hash(bytes);
    let path = component_path(plugins, component);
    fs::create_dir_all(plugins).map_err(FileError::io(plugins))?;
    if !matches!(load_component(plugins, component), Ok(found) if found == bytes) {
        // Of this process and this call alone: two threads may store the same component at once.
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
        let written = (|| {
            let mut file = File::create(&temporary)?;
            file.write_all(bytes)?;
            file.sync_all()?;
            fs::rename(&temporary, &path)
        })();
        if let Err(error) = written {
            let _ = fs::remove_file(&temporary);
            return Err(FileError::io(&path)(error));
        }
    }
    // The file may be there from a process that was killed before its name was on disk.
    File::open(plugins).and_then(|dir| dir.sync_all()).map_err(FileError::io(plugins))?;
    if let Some(store) = plugins.parent().filter(|parent| !parent.as_os_str().is_empty()) {
        File::open(store).and_then(|dir| dir.sync_all()).map_err(FileError::io(store))?;
    }
    Ok(component)
}

/// A component's bytes, checked against its name.
pub fn load_component(plugins: &Path, component: ComponentHash) -> Result<Vec<u8>, FileError> {
    let path = component_path(plugins, component);
    let bytes = fs::read(&path).map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => FileError::Missing { component },
        _ => FileError::io(&path)(error),
    })?;
    let found = hash(&bytes);
    if found == component { Ok(bytes) } else { Err(FileError::WrongBytes { component, found }) }
}
