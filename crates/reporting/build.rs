//! Finds the DuckDB library and tells the binaries of this package where it is when they run. `cli` uses this same script
//! for the program itself. Compiling DuckDB instead would take most of an hour.

use std::env;
use std::path::PathBuf;

const LIBRARY: &str = "libduckdb.so";

fn main() {
    println!("cargo::rerun-if-env-changed=DUCKDB_LIB_DIR");
    if env::var_os("CARGO_FEATURE_EXTENSION").is_some() {
        // Loaded by a DuckDB, which is there already.
        return;
    }
    let Some(dir) = env::var_os("DUCKDB_LIB_DIR").map(PathBuf::from) else {
        println!(
            "cargo::error=DUCKDB_LIB_DIR is not set: build inside the checkout, whose .cargo/config.toml sets it"
        );
        return;
    };
    let library = dir.join(LIBRARY);
    println!("cargo::rerun-if-changed={}", library.display());
    match library.canonicalize() {
        Ok(library) => {
            let found = library.parent().expect("a file is in a folder").display().to_string();
            // A copy beside the program comes first, so that the two can be moved to another machine.
            println!("cargo::rustc-link-arg=-Wl,-rpath,$ORIGIN");
            println!("cargo::rustc-link-arg=-Wl,-rpath,{found}");
        }
        Err(error) => println!(
            "cargo::error=there is no DuckDB library at {} ({error}): run `cargo xtask setup`, which fetches it",
            library.display()
        ),
    }
}
