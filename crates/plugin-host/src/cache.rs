//! Compiled code on disk, so that a restart does not compile again. A cache, never a truth: deleting it loses a second.
//!
//! Loading compiled code is the one `unsafe` thing in this crate: whoever can write it can make this process do anything. The
//! argument that it is sound has three parts:
//!
//! 1. **Nobody else can write it.** The directory belongs to the user of this process and nobody else may enter it
//!    (mode 0700); a directory that is not so is not used, neither for reading nor for writing. Whoever can write there all the
//!    same can already write the memory of this process. Files are opened without following links, and must be regular files of
//!    the same user.
//! 2. **It is whole.** A file begins with the BLAKE3 hash of everything after it, keyed by what the file must be: the
//!    component, how it is run, the version and settings of the engine and the processor's features. A file that was cut,
//!    flipped, renamed or copied from another build does not pass.
//! 3. **It is ours.** What has this hash was written by [`Cache::put`], with bytes that came from the compiler in this very form,
//!    into a new file that was renamed when it was complete. The engine checks its own version and settings once more.
//!
//! Anything else is no error: the component is compiled again and the file replaced.

use model::ComponentHash;
use rustix::fs::{Mode, OFlags};
use std::fs::{self, File};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use wasmtime::component::Component;
use wasmtime::{Engine, Module};

const CONTEXT: &str = "outcry compiled rule 1";
const HASH_BYTES: usize = 32;
/// The largest file that is read: compiled code is a few times the size of a component.
const MAX_FILE_BYTES: u64 = 1 << 30;

/// A directory of compiled code.
#[derive(Clone, Debug)]
pub(crate) struct Cache {
    dir: PathBuf,
}

/// What is kept: a component, or the one module in it.
pub(crate) trait Compiled: Sized {
    /// Sets the two apart in the cache.
    const WORD: &'static str;
    fn compile(engine: &Engine, wasm: &[u8]) -> wasmtime::Result<Self>;
    fn serialize(&self) -> wasmtime::Result<Vec<u8>>;
    /// # Safety
    /// The bytes are what [`serialize`](Self::serialize) gave, unchanged.
    unsafe fn deserialize(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Self>;
}

impl Compiled for Module {
    const WORD: &'static str = "module";

    fn compile(engine: &Engine, wasm: &[u8]) -> wasmtime::Result<Self> {
        Self::from_binary(engine, wasm)
    }

    fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        Self::serialize(self)
    }

    unsafe fn deserialize(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Self> {
        // SAFETY: the caller's promise is the one that this asks for.
        unsafe { Self::deserialize(engine, bytes) }
    }
}

impl Compiled for Component {
    const WORD: &'static str = "component";

    fn compile(engine: &Engine, wasm: &[u8]) -> wasmtime::Result<Self> {
        Self::from_binary(engine, wasm)
    }

    fn serialize(&self) -> wasmtime::Result<Vec<u8>> {
        Self::serialize(self)
    }

    unsafe fn deserialize(engine: &Engine, bytes: &[u8]) -> wasmtime::Result<Self> {
        // SAFETY: the caller's promise is the one that this asks for.
        unsafe { Self::deserialize(engine, bytes) }
    }
}

/// Compiles, or takes what was compiled before.
pub(crate) fn compile<T: Compiled>(
    cache: Option<&Cache>,
    engine: &Engine,
    component: ComponentHash,
    wasm: &[u8],
) -> wasmtime::Result<T> {
    let Some(cache) = cache else { return T::compile(engine, wasm) };
    let key = key::<T>(engine, component);
    let path =
        cache.dir.join(format!("{}-{}.bin", component, blake3::Hash::from(key).to_hex().split_at(16).0));
    if let Some(code) = cache.get(&path, &key) {
        // SAFETY: `get` returned these bytes, so they are whole, and were written by `put` in a directory where only this user
        // writes; `put` is called below alone, with what `T::serialize` gave. See the argument at the top of this module.
        if let Ok(compiled) = unsafe { T::deserialize(engine, &code) } {
            return Ok(compiled);
        }
    }
    let compiled = T::compile(engine, wasm)?;
    // A cache that cannot be written costs time at the next start and nothing else.
    let _ = cache.put(&path, &key, &compiled.serialize()?);
    Ok(compiled)
}

/// What a file must be for.
fn key<T: Compiled>(engine: &Engine, component: ComponentHash) -> [u8; 32] {
    struct Fingerprint(blake3::Hasher);
    impl Hasher for Fingerprint {
        fn write(&mut self, bytes: &[u8]) {
            self.0.update(bytes);
        }

        fn finish(&self) -> u64 {
            0
        }
    }
    let mut fingerprint = Fingerprint(blake3::Hasher::new_derive_key(CONTEXT));
    fingerprint.write(T::WORD.as_bytes());
    fingerprint.write(&component.0);
    // Version of the engine, target, processor features and every setting that shows in code.
    engine.precompile_compatibility_hash().hash(&mut fingerprint);
    *fingerprint.0.finalize().as_bytes()
}

impl Cache {
    /// Takes a directory, made if it is not there. An error when others may enter it.
    pub(crate) fn open(dir: &Path) -> io::Result<Self> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
        let cache = Self { dir: dir.to_owned() };
        cache.check()?;
        Ok(cache)
    }

    fn check(&self) -> io::Result<()> {
        let metadata = fs::symlink_metadata(&self.dir)?;
        let ours = metadata.uid() == rustix::process::geteuid().as_raw();
        // The lowest six bits of the mode are what the group and the others may.
        if metadata.is_dir() && ours && metadata.mode().trailing_zeros() >= 6 {
            return Ok(());
        }
        Err(io::Error::new(io::ErrorKind::PermissionDenied, "others than this user may enter the directory"))
    }

    fn get(&self, path: &Path, key: &[u8; 32]) -> Option<Vec<u8>> {
        self.check().ok()?;
        let flags = i32::try_from(OFlags::NOFOLLOW.bits()).ok()?;
        let mut file = File::options().read(true).custom_flags(flags).open(path).ok()?;
        let metadata = file.metadata().ok()?;
        let ours = metadata.uid() == rustix::process::geteuid().as_raw();
        if !metadata.is_file() || !ours || metadata.mode() & 0o022 != 0 || metadata.len() > MAX_FILE_BYTES {
            return None;
        }
        let mut hash = [0; HASH_BYTES];
        file.read_exact(&mut hash).ok()?;
        let mut code = Vec::new();
        file.read_to_end(&mut code).ok()?;
        (blake3::keyed_hash(key, &code) == hash).then_some(code)
    }

    fn put(&self, path: &Path, key: &[u8; 32], code: &[u8]) -> io::Result<()> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        self.check()?;
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let temporary = path.with_extension(format!("{}-{number}.tmp", std::process::id()));
        let written = (|| {
            let mut file = File::options()
                .write(true)
                .create_new(true)
                .mode(Mode::RUSR.bits() | 0o200)
                .open(&temporary)?;
            file.write_all(blake3::keyed_hash(key, code).as_bytes())?;
            file.write_all(code)?;
            fs::rename(&temporary, path)
        })();
        if written.is_err() {
            let _ = fs::remove_file(&temporary);
        }
        written
    }
}
