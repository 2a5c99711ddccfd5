//! Holds the shape of the workspace: which crate may depend on which, and which one alone may use a heavy library.
//! The picture and its reasons are in `docs/ARCHITECTURE.md`.

use std::collections::{BTreeMap, BTreeSet};
use std::process::Command;

/// A crate and the crates of this workspace it may depend on. What is not listed is not allowed.
const MAY_DEPEND_ON: &[(&str, &[&str])] = &[
    ("event-store", &[]),
    ("model", &[]),
    ("order-book", &["model"]),
    ("engine", &["model", "order-book"]),
    ("market-data", &["model", "order-book"]),
    ("chart", &[]),
    ("plugin-manifest", &["model"]),
    ("plugin-sdk", &[]),
    ("plugin-kit", &["model", "plugin-manifest"]),
    ("plugin-host", &["model", "engine", "plugin-manifest"]),
    ("simulator", &["model"]),
    ("sequencer", &["model", "order-book", "engine", "event-store"]),
    (
        "scenario",
        &["model", "order-book", "engine", "market-data", "event-store", "sequencer", "plugin-host"],
    ),
    (
        "gateway",
        &[
            "model",
            "order-book",
            "engine",
            "market-data",
            "event-store",
            "sequencer",
            "simulator",
            "plugin-manifest",
        ],
    ),
    (
        "bench",
        &[
            "model",
            "order-book",
            "engine",
            "event-store",
            "sequencer",
            "simulator",
            "plugin-host",
            "reporting",
        ],
    ),
    ("reporting", &["model", "order-book", "engine", "market-data", "event-store", "sequencer"]),
    ("bridge", &["model", "event-store"]),
    (
        "cli",
        &[
            "model",
            "order-book",
            "engine",
            "market-data",
            "event-store",
            "sequencer",
            "scenario",
            "gateway",
            "simulator",
            "bench",
            "bridge",
            "chart",
            "plugin-host",
            "plugin-kit",
            "plugin-manifest",
            "reporting",
        ],
    ),
    ("xtask", &[]),
    ("acceptance", &["scenario", "model"]),
];

/// A library and the only crates that may name it.
const ONLY_USED_BY: &[(&str, &[&str])] = &[
    ("clap", &["cli"]),
    ("miette", &["cli"]),
    ("comfy-table", &["cli"]),
    ("rustyline", &["cli"]),
    ("indicatif", &["cli"]),
    ("duckdb", &["reporting"]),
    ("libduckdb-sys", &["reporting"]),
    ("async-nats", &["bridge"]),
    ("axum", &["gateway"]),
    ("memmap2", &["event-store"]),
    ("tiny-skia", &["chart"]),
    ("wasmtime", &["plugin-host"]),
    ("wit-component", &["plugin-kit"]),
];

/// Crates that read no clock, start no thread and do no I/O: what they may link from outside.
const PURE: &[(&str, &[&str])] = &[
    ("model", &["rkyv", "thiserror"]),
    ("order-book", &[]),
    ("engine", &["blake3", "siphasher", "thiserror", "rkyv"]),
    ("market-data", &["thiserror"]),
    ("plugin-manifest", &["serde", "thiserror", "toml"]),
    ("plugin-sdk", &[]),
];

#[derive(Default)]
struct Package {
    /// What is linked into the program.
    normal: BTreeSet<String>,
    /// That, and what tests and build scripts use.
    all: BTreeSet<String>,
}

fn workspace() -> BTreeMap<String, Package> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--no-deps", "--format-version", "1"])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
        .output()
        .expect("cargo runs, since it runs this test");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout).expect("cargo metadata is JSON");
    let mut packages = BTreeMap::new();
    for package in metadata["packages"].as_array().expect("metadata lists packages") {
        let name = package["name"].as_str().expect("a package has a name").to_owned();
        let entry: &mut Package = packages.entry(name).or_default();
        for dependency in package["dependencies"].as_array().expect("a package lists dependencies") {
            let name = dependency["name"].as_str().expect("a dependency has a name").to_owned();
            if dependency["kind"].is_null() {
                entry.normal.insert(name.clone());
            }
            entry.all.insert(name);
        }
    }
    packages
}

#[test]
fn dependencies_point_down() {
    let packages = workspace();
    let ours: BTreeSet<&str> = packages.keys().map(String::as_str).collect();
    for (name, package) in &packages {
        let (_, allowed) = MAY_DEPEND_ON
            .iter()
            .find(|(listed, _)| listed == name)
            .unwrap_or_else(|| panic!("crate `{name}` has no line in this test: say where it stands"));
        for dependency in package.normal.iter().filter(|dependency| ours.contains(dependency.as_str())) {
            assert!(
                allowed.contains(&dependency.as_str()),
                "`{name}` depends on `{dependency}`, which does not stand below it"
            );
        }
    }
}

#[test]
fn heavy_libraries_have_one_user() {
    for (name, package) in &workspace() {
        for (library, users) in ONLY_USED_BY {
            assert!(
                !package.normal.contains(*library) || users.contains(&name.as_str()),
                "`{name}` uses `{library}`, which belongs to {users:?} alone"
            );
        }
    }
}

#[test]
fn pure_crates_link_next_to_nothing() {
    let packages = workspace();
    let ours: BTreeSet<&str> = packages.keys().map(String::as_str).collect();
    for (name, allowed) in PURE {
        for dependency in
            packages[*name].normal.iter().filter(|dependency| !ours.contains(dependency.as_str()))
        {
            assert!(allowed.contains(&dependency.as_str()), "pure crate `{name}` links `{dependency}`");
        }
    }
}

#[test]
fn every_dependency_says_why_it_is_there() {
    let reasons = include_str!("../docs/DEPENDENCIES.md");
    let packages = workspace();
    let external: BTreeSet<&String> = packages
        .values()
        .flat_map(|package| &package.all)
        .filter(|name| !packages.contains_key(*name))
        .collect();
    for name in external {
        assert!(reasons.contains(&format!("`{name}`")), "`{name}` has no line in docs/DEPENDENCIES.md");
    }
}
