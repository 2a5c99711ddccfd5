//! Where a table function finds its store: one that was fixed when it was registered, or one that each call names.

use std::sync::Arc;

use crate::error::Error;
use crate::store::Store;
use crate::table::{Kind, Parameter};

/// The store's directory, where calls name it.
pub const STORE: Parameter = Parameter { name: "store", kind: Kind::Text, required: false };

/// Where a function finds its store.
pub trait Source: Clone + Send + Sync + 'static {
    /// Whether calls may name it, as [`STORE`].
    const NAMED: bool;

    /// The store of a call that named `dir`.
    fn store(&self, dir: Option<String>) -> Result<Arc<Store>, Error>;
}

impl Source for Arc<Store> {
    const NAMED: bool = false;

    fn store(&self, _: Option<String>) -> Result<Self, Error> {
        Ok(Arc::clone(self))
    }
}
