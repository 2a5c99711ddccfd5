//! The tables in somebody else's DuckDB: what happens when `outcry.duckdb_extension` is loaded.
//!
//! DuckDB hands over a table of its functions, of which only the part that version 1.2.0 had is taken: DuckDB promises to
//! keep that part. What came later is left out before `duckdb-rs` gets to see the table, so a call of it would be an error
//! in every DuckDB, and not only in one that has something else in its place.
//!
//! **Architecture invariant:** no panic leaves a function that DuckDB calls. `duckdb-rs` holds to that for table functions,
//! [`outcry_init_c_api`] for itself; the profile that this is built with unwinds.

mod stores;

use std::ffi::{CString, c_char, c_void};
use std::mem::offset_of;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;
use std::sync::OnceLock;

use duckdb::{Connection, ffi};

use crate::footer::API_VERSION;
use crate::tables::functions;
use stores::Stores;

/// Before the name of each table, for a DuckDB where something else has that name.
const PREFIX: &str = "outcry_";

/// Bytes of the part of DuckDB's table of functions that version 1.2.0 has: the first function that is not in it comes next.
const STABLE_BYTES: usize = offset_of!(ffi::duckdb_ext_api_v1, duckdb_create_instance_cache);

/// The functions of the DuckDB that loaded this.
static FUNCTIONS: OnceLock<Functions> = OnceLock::new();

/// DuckDB's functions up to version 1.2.0, and nothing after them.
#[repr(transparent)]
struct Functions(ffi::duckdb_ext_api_v1);

impl Functions {
    /// Takes the stable part of a table.
    ///
    /// # Safety
    /// `table` points to a table of functions of DuckDB's version 1.2.0 or later.
    unsafe fn of(table: *const c_void) -> Self {
        // SAFETY: the table is made of optional function pointers, for which zero is `None`.
        let mut functions: ffi::duckdb_ext_api_v1 = unsafe { std::mem::zeroed() };
        // SAFETY: both are at least so long, by the caller's promise and by `offset_of!`; they do not overlap.
        unsafe {
            std::ptr::copy_nonoverlapping(table.cast::<u8>(), (&raw mut functions).cast(), STABLE_BYTES);
        }
        Self(functions)
    }

    fn bytes(&self) -> &[u8] {
        // SAFETY: function pointers have no padding between them, and all of them are initialised.
        unsafe { std::slice::from_raw_parts((&raw const self.0).cast(), size_of::<Self>()) }
    }
}

/// Why the extension cannot be loaded.
#[derive(Debug, thiserror::Error)]
enum Refusal {
    #[error(
        "this DuckDB does not offer version {API_VERSION} of its functions\nhint: DuckDB 1.5 and later do"
    )]
    Version,
    #[error(
        "another DuckDB in this process has loaded this file\nhint: load a copy of it, in another directory"
    )]
    OtherDuckDb,
    #[error("{0}")]
    Functions(&'static str),
    #[error("cannot make the table functions known: {0}")]
    Sql(#[from] duckdb::Error),
}

/// What DuckDB calls first: it finds it by the file's name.
///
/// # Safety
/// For DuckDB alone, which passes what its C API says.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn outcry_init_c_api(
    info: ffi::duckdb_extension_info,
    access: *const ffi::duckdb_extension_access,
) -> bool {
    // SAFETY: as promised by the caller.
    let outcome = catch_unwind(AssertUnwindSafe(|| unsafe { load(info, &*access) }));
    let message = match outcome {
        Ok(Ok(())) => return true,
        Ok(Err(refusal)) => refusal.to_string(),
        Err(_) => "outcry panicked while it was loaded".to_owned(),
    };
    // SAFETY: as promised by the caller.
    if let (Some(set_error), Ok(message)) = (unsafe { (*access).set_error }, CString::new(message)) {
        // SAFETY: DuckDB copies the message.
        unsafe { set_error(info, message.as_ptr()) };
    }
    false
}

/// Makes everything known.
///
/// # Safety
/// As for [`outcry_init_c_api`].
unsafe fn load(
    info: ffi::duckdb_extension_info,
    access: &ffi::duckdb_extension_access,
) -> Result<(), Refusal> {
    // SAFETY: as promised by the caller; `given` hands over what `duckdb-rs` would have got from DuckDB, or less.
    unsafe {
        take_functions(info, access)?;
        let access = ffi::duckdb_extension_access { get_api: Some(given), ..*access };
        let is_given = ffi::duckdb_rs_extension_api_init(info, &raw const access, API_VERSION);
        if !is_given.map_err(Refusal::Functions)? {
            return Err(Refusal::Version);
        }
    }
    let get_database = access.get_database.ok_or(Refusal::Version)?;
    // SAFETY: DuckDB answers with its database, which is open for as long as this runs.
    let connection = unsafe { Connection::open_from_raw(*get_database(info))? };
    // Other threads of a program may change its environment, but hardly while it loads an extension.
    let dir = std::env::var_os("OUTCRY_STORE").filter(|dir| !dir.is_empty()).map(PathBuf::from);
    let stores = Stores { default: dir.map(|dir| std::path::absolute(&dir).unwrap_or(dir)) };
    for (name, register) in functions::<Stores>() {
        register(&connection, &format!("{PREFIX}{name}"), &stores)?;
        // Who had the name first keeps it.
        let _ = register(&connection, name, &stores);
    }
    Ok(())
}

/// Takes DuckDB's functions, once: all its databases share them.
///
/// # Safety
/// As for [`outcry_init_c_api`].
unsafe fn take_functions(
    info: ffi::duckdb_extension_info,
    access: &ffi::duckdb_extension_access,
) -> Result<(), Refusal> {
    let get_api = access.get_api.ok_or(Refusal::Version)?;
    let version = CString::new(API_VERSION).map_err(|_| Refusal::Version)?;
    // SAFETY: as promised by the caller.
    let table = unsafe { get_api(info, version.as_ptr()) };
    if table.is_null() {
        return Err(Refusal::Version);
    }
    // SAFETY: DuckDB answers with a table of the version asked for, or a later one.
    let functions = unsafe { Functions::of(table) };
    let taken = FUNCTIONS.get_or_init(|| Functions(functions.0));
    if taken.bytes() == functions.bytes() { Ok(()) } else { Err(Refusal::OtherDuckDb) }
}

/// What `duckdb-rs` gets instead of DuckDB's own table.
unsafe extern "C" fn given(_: ffi::duckdb_extension_info, _: *const c_char) -> *const c_void {
    FUNCTIONS.get().map_or(std::ptr::null(), |functions| std::ptr::from_ref(functions).cast())
}
