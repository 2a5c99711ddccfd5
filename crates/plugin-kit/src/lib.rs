//! What a rule author needs besides an editor: [`new`] makes the folder of a rule, [`build()`] makes a component of it.
//!
//! A rule's folder has a `plugin.toml`, and a source in Rust (`Cargo.toml`), C (`src/*.c`), Python (`rule.py`) or
//! JavaScript (`rule.js`). The component has the manifest in it, so that one file is the whole rule.
//!
//! **Architecture invariant:** nothing here runs a component, so there is no wasmtime: what can be known about one
//! without running it (its world, its imports) is checked, the rest is `outcry plugin test`'s to find out. Compilers are
//! programs that the machine has or that are fetched once into a cache; nothing else is written outside the folder.

pub mod build;
mod cache;
mod component;
mod error;
pub mod new;
mod project;
mod run;
mod toolchain;

pub use build::{Built, build};
pub use component::{embed, kind_of, wrap};
pub use error::Error;
pub use project::{Language, Project};
pub use toolchain::{Rust, rust_toolchain};
