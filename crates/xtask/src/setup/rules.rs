//! What the rules in `plugins/` need: compilers for WebAssembly, and to be built before tests and the demo load them.

use super::install;
use crate::steps::{self, Failure, cargo, root};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

const TARGET: &str = "wasm32-unknown-unknown";
/// Debian's Rust with the source of its library: the way where the toolchain's own target cannot be had.
const DEBIAN_RUST: &[&str] = &["rustc-web", "rust-web-src", "libllvm22"];
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_SOURCE: &str = "/usr/lib/rustlib/src/rust/library/core";
const DEBIAN_C: &[&str] = &["clang", "lld"];

/// Sets up, and builds all rules whose sources have changed.
pub fn run() -> Result<(), Failure> {
    rust()?;
    c()?;
    let plugins = root().join("plugins");
    let folders = folders(&plugins);
    eprintln!("setup: {} rules in plugins/", folders.len());
    steps::run(
        cargo()
            .args(["run", "--quiet", "--package", "plugin-kit", "--bin", "plugin-kit", "--"])
            .arg(plugins.join("dist"))
            .args(folders),
    )
}

/// The folders that hold a rule.
pub fn folders(plugins: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(plugins).into_iter().flatten().flatten();
    let mut folders: Vec<PathBuf> =
        entries.map(|entry| entry.path()).filter(|folder| folder.join("plugin.toml").is_file()).collect();
    folders.sort();
    folders
}

fn succeeds(program: &str, args: &[&str]) -> bool {
    let quiet = Command::new(program).args(args).stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet.is_ok_and(|status| status.success())
}

fn has_target() -> bool {
    Command::new("rustc").args(["--print", "target-libdir", "--target", TARGET]).output().is_ok_and(
        |output| {
            output.status.success() && Path::new(String::from_utf8_lossy(&output.stdout).trim()).is_dir()
        },
    )
}

fn has_source() -> bool {
    Path::new(DEBIAN_RUSTC).exists() && Path::new(DEBIAN_SOURCE).exists()
}

/// Rust's library for WebAssembly: from rustup, or as source from Debian.
fn rust() -> Result<(), Failure> {
    if has_target() {
        return Ok(());
    }
    eprintln!("setup: rules are written in Rust and run as WebAssembly: getting Rust's library for {TARGET}");
    if succeeds("rustup", &["target", "add", TARGET]) && has_target() {
        return Ok(());
    }
    if has_source() {
        return Ok(());
    }
    eprintln!("setup: rustup does not have it; taking Debian's Rust, whose library is built from source");
    install(DEBIAN_RUST)?;
    if has_source() {
        return Ok(());
    }
    Err(Failure::Missing { what: TARGET, hint: "rustup target add wasm32-unknown-unknown" })
}

/// A C compiler that knows WebAssembly: one rule is written in C.
fn c() -> Result<(), Failure> {
    let knows_wasm = || {
        let targets = Command::new("clang").arg("--print-targets").output();
        targets.is_ok_and(|output| String::from_utf8_lossy(&output.stdout).contains("wasm32"))
    };
    if std::env::var_os("OUTCRY_CLANG").is_some() || knows_wasm() {
        return Ok(());
    }
    eprintln!("setup: a rule is written in C and runs as WebAssembly: installing clang and its linker");
    install(DEBIAN_C)?;
    if knows_wasm() {
        return Ok(());
    }
    Err(Failure::Missing { what: "clang", hint: "install a clang that knows wasm32, and its linker (lld)" })
}
