//! A rule's folder: its manifest, its language, and where its component is.

use crate::Error;
use plugin_manifest::{FILE_NAME, Manifest};
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What a rule is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// First class.
    Rust,
    /// A header, no library.
    C,
    /// Reporting rules only.
    Python,
    /// Reporting rules only.
    JavaScript,
}

impl Language {
    /// All there are.
    pub const ALL: [Self; 4] = [Self::Rust, Self::C, Self::Python, Self::JavaScript];

    /// As `--lang` has it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Rust => "rust",
            Self::C => "c",
            Self::Python => "python",
            Self::JavaScript => "js",
        }
    }

    /// The language of the source in a folder.
    fn of(folder: &Path) -> Option<Self> {
        let has = |name: &str| folder.join(name).is_file();
        if has("Cargo.toml") {
            Some(Self::Rust)
        } else if has("rule.py") {
            Some(Self::Python)
        } else if has("rule.js") {
            Some(Self::JavaScript)
        } else {
            (!c_sources(folder).is_empty()).then_some(Self::C)
        }
    }
}

/// A word that is no language.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected rust, c, python or js")]
pub struct UnknownLanguage;

impl FromStr for Language {
    type Err = UnknownLanguage;
    fn from_str(word: &str) -> Result<Self, UnknownLanguage> {
        Self::ALL.into_iter().find(|language| language.as_str() == word).ok_or(UnknownLanguage)
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Rust => "Rust",
            Self::C => "C",
            Self::Python => "Python",
            Self::JavaScript => "JavaScript",
        })
    }
}

/// The C files of a rule, in the order in which they are compiled.
pub(crate) fn c_sources(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder.join("src")).into_iter().flatten().flatten();
    let mut sources: Vec<PathBuf> = entries
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|end| end == "c"))
        .collect();
    sources.sort();
    sources
}

/// A rule's folder.
#[derive(Debug, Clone)]
pub struct Project {
    /// Where it is.
    pub folder: PathBuf,
    /// What the rule says about itself.
    pub manifest: Manifest,
    /// The same as text.
    pub manifest_text: String,
    /// What it is written in.
    pub language: Language,
}

impl Project {
    /// Reads a folder.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let folder = folder.canonicalize().map_err(Error::file("open", folder))?;
        let path = folder.join(FILE_NAME);
        if !path.is_file() {
            return Err(Error::NotAPlugin { folder });
        }
        let manifest_text = std::fs::read_to_string(&path).map_err(Error::file("read", &path))?;
        let manifest = Manifest::parse(&manifest_text).map_err(|source| Error::Manifest { path, source })?;
        let language = Language::of(&folder).ok_or_else(|| Error::NoSource { folder: folder.clone() })?;
        Ok(Self { folder, manifest, manifest_text, language })
    }

    /// Where its component is once it is built: `dist/NAME.wasm` in its folder.
    pub fn component(&self) -> PathBuf {
        self.folder.join("dist").join(format!("{}.wasm", self.manifest.name))
    }
}
