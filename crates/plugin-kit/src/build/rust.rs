//! Rust, through cargo.

use super::Made;
use crate::run::{asks, run};
use crate::toolchain::{Rust, cargo, rust_toolchain};
use crate::{Error, Project, cache};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

const TARGET: &str = "wasm32-unknown-unknown";
/// Of the stack. Rust's own default of 1 MiB would be most of a rule's memory.
const STACK_BYTES: u32 = 64 * 1024;

fn toolchain() -> Result<&'static Rust, Error> {
    static FOUND: OnceLock<Rust> = OnceLock::new();
    if let Some(found) = FOUND.get() {
        return Ok(found);
    }
    let found = rust_toolchain()?;
    Ok(FOUND.get_or_init(|| found))
}

/// What a component depends on besides files.
pub fn tool() -> Result<String, Error> {
    Ok(match toolchain()? {
        Rust::Target { version } => version.clone(),
        Rust::FromSource { version, .. } => format!("{version} with its library from source"),
    })
}

/// Builds the package to a core module.
pub fn build(project: &Project) -> Result<Made, Error> {
    let folder = &project.folder;
    // Shared by all rules, so that what they link is compiled once. Cargo keeps packages apart by their path; what it
    // calls the result does not, hence the lock.
    let target = cache::folder("rust")?;
    let lock = cache::lock(&target)?;
    let mut command = cargo();
    command
        .current_dir(folder)
        .args(["build", "--release", "--lib", "--message-format=json-render-diagnostics"])
        .args(["--target", TARGET, "--target-dir"])
        .arg(&target)
        .env("CARGO_ENCODED_RUSTFLAGS", flags(folder))
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET");
    if let Rust::FromSource { rustc, linker, .. } = toolchain()? {
        command
            .args(["-Z", "build-std=core,alloc"])
            .env("RUSTC_BOOTSTRAP", "1")
            .env("RUSTC", rustc)
            .env("CARGO_TARGET_WASM32_UNKNOWN_UNKNOWN_LINKER", linker);
    }
    let output = run(&mut command)?;
    let manifest = folder.join("Cargo.toml");
    let module = String::from_utf8_lossy(&output.stdout)
        .lines()
        .filter_map(|line| serde_json::from_str::<serde_json::Value>(line).ok())
        .filter(|message| message["reason"] == "compiler-artifact")
        .filter(|message| message["manifest_path"].as_str().is_some_and(|path| Path::new(path) == manifest))
        .flat_map(|message| {
            let names = message["filenames"].as_array().cloned().unwrap_or_default();
            names.into_iter().filter_map(|name| name.as_str().map(PathBuf::from)).collect::<Vec<_>>()
        })
        .find(|path| path.extension().is_some_and(|end| end == "wasm"))
        .ok_or_else(|| Error::NoModule { folder: folder.clone() })?;
    let bytes = std::fs::read(&module).map_err(Error::file("read", &module))?;
    let mut inputs = inputs(&module.with_extension("d"));
    drop(lock);
    inputs.push(manifest);
    if let Some(root) = workspace(folder) {
        inputs.extend([root.join("Cargo.toml"), root.join("Cargo.lock")]);
    }
    Ok(Made { bytes, is_component: false, inputs })
}

/// Compiler flags. Paths are cut off, so that the bytes do not tell where a rule was built.
fn flags(folder: &Path) -> String {
    let mut flags = vec![
        "-Clink-arg=-zstack-size=".to_owned() + &STACK_BYTES.to_string(),
        format!("--remap-path-prefix={}=rule", folder.display()),
    ];
    for (above, depth) in folder.ancestors().skip(1).zip(1..) {
        if above.parent().is_some() && depth <= 2 {
            flags.insert(1, format!("--remap-path-prefix={}=above-{depth}", above.display()));
        }
    }
    let home = std::env::var_os("CARGO_HOME").map(PathBuf::from);
    if let Some(home) = home.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cargo")))
    {
        flags.push(format!("--remap-path-prefix={}=cargo", home.display()));
    }
    flags.join("\x1f")
}

/// The files that cargo says a module is made of.
fn inputs(dependencies: &Path) -> Vec<PathBuf> {
    let text = std::fs::read_to_string(dependencies).unwrap_or_default();
    let Some((_, files)) = text.split_once(": ") else { return Vec::new() };
    // A blank within a path is escaped.
    files.trim().replace("\\ ", "\0").split(' ').map(|file| PathBuf::from(file.replace('\0', " "))).collect()
}

fn workspace(folder: &Path) -> Option<PathBuf> {
    let cargo = cargo();
    let manifest = folder.join("Cargo.toml");
    let args = ["locate-project", "--workspace", "--message-format", "plain", "--manifest-path"];
    let root = asks(cargo.get_program(), &[&args[..], &[manifest.to_str()?]].concat())?;
    Some(Path::new(&root).parent()?.to_owned())
}
