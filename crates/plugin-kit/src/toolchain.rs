//! Finding compilers.

use crate::run::{answers, asks};
use crate::{Error, Language};
use std::path::{Path, PathBuf};
use std::process::Command;

/// How this machine makes WebAssembly of Rust.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rust {
    /// The compiler has the standard library of `wasm32-unknown-unknown`: `rustup target add` brings it.
    Target {
        /// What it calls itself.
        version: String,
    },
    /// Debian's compiler and the standard library's source, which is built on the way; another toolchain's linker.
    FromSource {
        /// The compiler.
        rustc: PathBuf,
        /// The linker.
        linker: PathBuf,
        /// What the compiler calls itself.
        version: String,
    },
}

const TARGET: &str = "wasm32-unknown-unknown";
/// Debian's packages `rustc-web` and `rust-web-src`.
const DEBIAN_RUSTC: &str = "/usr/bin/rustc";
const DEBIAN_SOURCE: &str = "/usr/lib/rustlib/src/rust/library/core";
const LINKER: &str = "bin/rust-lld";

const RUST_HINT: &str =
    "rustup target add wasm32-unknown-unknown, or on Debian: apt-get install rustc-web rust-web-src";

/// The cargo to call: the one that called us, if one did.
pub fn cargo() -> Command {
    Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Finds a way to make WebAssembly of Rust. `OUTCRY_RUST=source` takes the second one even where there is the first.
pub fn rust_toolchain() -> Result<Rust, Error> {
    let missing = |what| Error::Missing { what, language: Language::Rust, hint: RUST_HINT };
    let version = asks("rustc", &["--version"]).ok_or_else(|| missing("rustc"))?;
    let libraries = asks("rustc", &["--print", "target-libdir", "--target", TARGET]);
    let from_source = std::env::var_os("OUTCRY_RUST").is_some_and(|way| way == "source");
    if !from_source && libraries.is_some_and(|path| Path::new(&path).is_dir()) {
        return Ok(Rust::Target { version });
    }
    let rustc = PathBuf::from(DEBIAN_RUSTC);
    let version = asks(&rustc, &["--version"]).filter(|_| Path::new(DEBIAN_SOURCE).exists());
    let version = version.ok_or_else(|| missing("the standard library for wasm32-unknown-unknown"))?;
    let linker = linker().ok_or_else(|| missing("a linker for WebAssembly"))?;
    Ok(Rust::FromSource { rustc, linker, version })
}

/// The linker that comes with Rust, or LLVM's.
fn linker() -> Option<PathBuf> {
    let host = asks("rustc", &["--version", "--verbose"])
        .and_then(|text| text.lines().find_map(|line| line.strip_prefix("host: ").map(str::to_owned)));
    let bundled = asks("rustc", &["--print", "sysroot"])
        .zip(host)
        .map(|(root, host)| Path::new(&root).join("lib/rustlib").join(host).join(LINKER));
    bundled
        .filter(|path| path.is_file())
        .or_else(|| ["rust-lld", "wasm-ld"].map(PathBuf::from).into_iter().find(|name| answers_linker(name)))
}

fn answers_linker(name: &Path) -> bool {
    // `rust-lld` alone says no; it wants to know which linker to be.
    answers(name, "--version") || Command::new(name).args(["-flavor", "wasm", "--version"]).output().is_ok()
}

/// A C compiler that knows WebAssembly, and the linker with the arguments that make it one for WebAssembly.
#[derive(Debug)]
pub struct Clang {
    pub compiler: PathBuf,
    pub linker: PathBuf,
    pub linker_args: &'static [&'static str],
    pub version: String,
}

const CLANG_HINT: &str = "on Debian: apt-get install clang lld; or set OUTCRY_CLANG to one that knows wasm32";

/// Finds clang and a linker: LLVM's own, or the one that comes with Rust.
pub fn clang() -> Result<Clang, Error> {
    let missing = |what| Error::Missing { what, language: Language::C, hint: CLANG_HINT };
    let named = std::env::var_os("OUTCRY_CLANG").map(PathBuf::from);
    let compiler = named
        .into_iter()
        .chain(["clang"].map(PathBuf::from))
        .chain((14..=22).rev().map(|version| PathBuf::from(format!("clang-{version}"))))
        .find(|path| knows_wasm(path))
        .ok_or_else(|| missing("clang with WebAssembly"))?;
    let version = asks(&compiler, &["--version"]).unwrap_or_default();
    let own = Path::new("wasm-ld");
    let (linker, linker_args): (_, &[&str]) = if answers(own, "--version") {
        (own.to_owned(), &[])
    } else {
        (linker().ok_or_else(|| missing("a linker for WebAssembly"))?, &["-flavor", "wasm"])
    };
    Ok(Clang { compiler, linker, linker_args, version })
}

fn knows_wasm(compiler: &Path) -> bool {
    asks(compiler, &["--print-targets"]).is_some_and(|targets| targets.contains("wasm32"))
}
