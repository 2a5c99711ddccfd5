//! What is fetched or built once and used by every rule: `$XDG_CACHE_HOME/outcry`. All of it can be deleted.

use crate::Error;
use std::fs;
use std::path::{Path, PathBuf};

/// A folder of the cache, made if it is not there.
pub fn folder(name: &str) -> Result<PathBuf, Error> {
    let base = std::env::var_os("XDG_CACHE_HOME")
        .filter(|path| !path.is_empty())
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")))
        .unwrap_or_else(std::env::temp_dir);
    let folder = base.join("outcry").join(name);
    fs::create_dir_all(&folder).map_err(Error::file("create", &folder))?;
    Ok(folder)
}

/// Holds a lock on a folder of the cache until it is dropped: two builds must not write the same files.
pub fn lock(folder: &Path) -> Result<fs::File, Error> {
    let path = folder.join("lock");
    let file = fs::File::create(&path).map_err(Error::file("create", &path))?;
    file.lock().map_err(Error::file("lock", &path))?;
    Ok(file)
}

/// Writes a file so that nobody ever sees half of it, and not at all if it is there as it should be.
pub fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if fs::read(path).is_ok_and(|there| there == bytes) {
        return Ok(());
    }
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    }
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(format!(".{}", std::process::id()));
    fs::write(&temporary, bytes).map_err(Error::file("write", &temporary))?;
    fs::rename(&temporary, path).map_err(Error::file("write", path))
}
