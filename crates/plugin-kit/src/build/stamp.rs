//! What a component was made of: beside it, as text, one file a line with its hash. If all is as it was, nothing is built.

use super::hash_file;
use crate::{Error, cache};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn place(component: &Path) -> PathBuf {
    component.with_extension("inputs")
}

fn hex(hash: &[u8; 32]) -> String {
    hash.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The hash of the component, if it is the one that was built and all that it was made of is the same.
pub fn fresh(component: &Path, tools: &str) -> Option<[u8; 32]> {
    let (bytes, stamp) = (std::fs::read(component).ok()?, std::fs::read_to_string(place(component)).ok()?);
    let hash: [u8; 32] = Sha256::digest(bytes).into();
    let mut lines = stamp.lines();
    let same = lines.next() == Some(tools)
        && lines.next() == Some(&hex(&hash))
        && lines.all(|line| {
            line.split_once(' ').is_some_and(|(expected, path)| {
                hash_file(Path::new(path)).is_some_and(|hash| hex(&hash) == expected)
            })
        });
    same.then_some(hash)
}

/// Puts down what a component was made of.
pub fn write(component: &Path, tools: &str, mut inputs: Vec<PathBuf>) -> Result<(), Error> {
    let hash = hash_file(component).unwrap_or_default();
    let mut text = format!("{tools}\n{}\n", hex(&hash));
    inputs.sort();
    inputs.dedup();
    for path in inputs {
        if let Some(hash) = hash_file(&path) {
            let _ = writeln!(text, "{} {}", hex(&hash), path.display());
        }
    }
    cache::write(&place(component), text.as_bytes())
}
