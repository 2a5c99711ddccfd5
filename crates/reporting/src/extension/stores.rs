//! The stores that this process has been asked about. They stay open, because the names in a long log take a while to find.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;
use crate::source::Source;
use crate::store::Store;

/// How many stores stay open.
const OPEN_STORES: usize = 16;

/// The last one used comes last.
static OPEN: Mutex<Vec<Arc<Store>>> = Mutex::new(Vec::new());

/// Any store.
#[derive(Debug, Clone)]
pub struct Stores {
    /// The one that is meant when a call names none.
    pub default: Option<PathBuf>,
}

impl Source for Stores {
    const NAMED: bool = true;

    fn store(&self, dir: Option<String>) -> Result<Arc<Store>, Error> {
        match (dir, &self.default) {
            (Some(dir), _) => open(Path::new(&dir)),
            (None, Some(dir)) => open(dir),
            (None, None) => Err(Error::WhichStore),
        }
    }
}

/// The store in a directory: opened now, or what is known of it already.
fn open(dir: &Path) -> Result<Arc<Store>, Error> {
    let dir = dir.canonicalize().map_err(|error| Error::NoDirectory { dir: dir.to_owned(), error })?;
    // Opened in any case: it may have been damaged, or deleted and made again, since it was asked last.
    let opened = Store::open(&dir)?;
    let stores = || OPEN.lock().unwrap_or_else(PoisonError::into_inner);
    let known = stores().iter().find(|store| store.dir() == dir).map(Arc::clone);
    // Nobody who asks another store has to wait until names are found in this one.
    let store = known.filter(|known| is_same(known, &opened)).unwrap_or(opened);
    let mut stores = stores();
    stores.retain(|store| store.dir() != dir);
    if stores.len() == OPEN_STORES {
        stores.remove(0);
    }
    stores.push(Arc::clone(&store));
    Ok(store)
}

/// Whether what is known of a store still holds for what is in its directory now. An older copy of it has the same id.
fn is_same(known: &Store, opened: &Store) -> bool {
    let ((known_id, looked_through), (id, _)) = (known.identity(), opened.identity());
    known_id == id && looked_through <= opened.committed()
}

#[cfg(test)]
mod tests {
    use super::*;
    use event_store::{Options, Preparation, Writer};

    /// Makes a store with some records, each a block.
    fn make(dir: &Path, records: u64) {
        let options = Options { preparation: Preparation::Inline, ..Options::small() };
        let mut store = Writer::open(dir, &options).unwrap();
        for at in 0..records {
            let mut block = store.writer.begin(i64::try_from(at).unwrap()).unwrap();
            block.reserve(0x7000, 1, 0, 16).unwrap();
            block.finish();
            store.flusher.poll().unwrap();
        }
    }

    #[test]
    fn a_store_stays_open_until_it_is_another() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("store");
        make(&path, 3);
        let first = open(&path).unwrap();
        first.names(3).unwrap();
        assert!(Arc::ptr_eq(&first, &open(&path).unwrap()));
        // Another way to the same place.
        let link = dir.path().join("link");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        assert!(Arc::ptr_eq(&first, &open(&link).unwrap()));
        std::fs::rename(&path, dir.path().join("old")).unwrap();
        assert!(matches!(open(&path), Err(Error::NoDirectory { .. })));
        make(&path, 4);
        let second = open(&path).unwrap();
        assert!(!Arc::ptr_eq(&first, &second));
        assert_eq!((first.committed(), second.committed()), (3, 4));
    }

    #[test]
    fn only_so_many_stay_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = |at: usize| dir.path().join(at.to_string());
        (0..=OPEN_STORES).for_each(|at| make(&path(at), 1));
        let first = open(&path(0)).unwrap();
        (1..=OPEN_STORES).for_each(|at| drop(open(&path(at)).unwrap()));
        assert!(!Arc::ptr_eq(&first, &open(&path(0)).unwrap()), "the one not asked for longest was let go");
    }

    #[test]
    fn a_call_names_a_store_or_means_the_default() {
        let dir = tempfile::tempdir().unwrap();
        make(dir.path(), 1);
        let named = Some(dir.path().to_str().unwrap().to_owned());
        assert!(matches!(Stores { default: None }.store(None), Err(Error::WhichStore)));
        assert!(Stores { default: None }.store(named.clone()).is_ok());
        let default = Stores { default: Some(dir.path().to_owned()) };
        assert!(default.store(None).is_ok());
        assert!(Stores { default: Some("/nowhere".into()) }.store(named).is_ok());
    }
}
