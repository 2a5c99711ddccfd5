//! Files beside the log, for what can be made again from it: written once, whole, and mapped by whoever reads them.
//!
//! **Architecture invariant:** a side file never changes. A new one takes its name, and whoever had mapped the old one keeps it.

use std::path::Path;

use crate::error::Error;
use crate::fs::{Access, Disk, FileSystem as _};
use crate::mapping::Frozen;

/// A mapped side file.
#[derive(Debug)]
pub struct SideFile {
    frozen: Frozen,
}

impl SideFile {
    /// Writes a file under a temporary name, syncs it, and gives it its name: it is there whole or not at all. The directory is
    /// made if it is not there.
    ///
    /// # Errors
    /// [`Error::Io`]; what could not be finished is removed.
    pub fn write(dir: &Path, name: &str, bytes: &[u8]) -> Result<(), Error> {
        Disk.create_dir(dir, true).map_err(|error| Error::io("create", dir, error))?;
        let (path, temporary) = (dir.join(name), dir.join(format!("{name}.{}.tmp", std::process::id())));
        let written = Disk.create(&temporary).and_then(|file| {
            file.write_all_at(0, bytes)?;
            file.sync_data()?;
            Disk.rename(&temporary, &path)?;
            Disk.sync_dir(dir)
        });
        written.map_err(|error| {
            // Give the space back. A failure here changes nothing.
            let _ = Disk.remove(&temporary);
            Error::io("write", &path, error)
        })
    }

    /// Maps a file; `None` when there is none, or an empty one.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn open(path: &Path) -> Result<Option<Self>, Error> {
        let cannot = |error| Error::io("open", path, error);
        let file = match Disk.open(path, Access::Read) {
            Ok(file) => file,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(cannot(error)),
        };
        let bytes = usize::try_from(file.len().map_err(cannot)?).expect("files fit a 64-bit address space");
        if bytes == 0 {
            return Ok(None);
        }
        Ok(Some(Self { frozen: Frozen::new(file.map(bytes, Access::Read).map_err(cannot)?) }))
    }

    /// What is in it.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        self.frozen.bytes()
    }
}
