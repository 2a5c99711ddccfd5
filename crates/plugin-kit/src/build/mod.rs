//! From a rule's folder to its component. Nothing is done where nothing changed.

mod c;
mod interpreted;
mod javascript;
mod python;
mod rust;
mod stamp;

use crate::{Error, Language, Project, cache, component};
use model::RuleKind;
use plugin_manifest::FILE_NAME;
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};

/// A component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Built {
    /// Where it is.
    pub path: PathBuf,
    /// How many bytes it has.
    pub bytes: u64,
    /// SHA-256 of them: what the exchange knows it by.
    pub hash: [u8; 32],
    /// Whether it was there already, and nothing that it is made of has changed since.
    pub fresh: bool,
}

/// What a compiler made.
struct Made {
    /// A core module with a world's exports, or a whole component.
    bytes: Vec<u8>,
    is_component: bool,
    /// All files that it is made of, as far as the compiler knows.
    inputs: Vec<PathBuf>,
}

/// Builds the rule in a folder and writes its component to [`Project::component`].
pub fn build(project: &Project) -> Result<Built, Error> {
    refuse_slow(project.language, project.manifest.kind)?;
    let path = project.component();
    let tools = tools(project.language)?;
    if let Some(hash) = stamp::fresh(&path, &tools) {
        let bytes = std::fs::metadata(&path).map_err(Error::file("read", &path))?.len();
        return Ok(Built { path, bytes, hash, fresh: true });
    }
    let made = match project.language {
        Language::Rust => rust::build(project)?,
        Language::C => c::build(project)?,
        Language::Python => python::build(project)?,
        Language::JavaScript => javascript::build(project)?,
    };
    let kind = project.manifest.kind;
    let component = if made.is_component {
        let names = component::component_imports(&made.bytes)?;
        if !names.is_empty() {
            return Err(Error::Imports { names, language: project.language });
        }
        component::embed(made.bytes, &project.manifest_text)
    } else {
        component::check_parameters(&made.bytes, &project.manifest)?;
        component::wrap(&made.bytes, kind, project.language, &project.manifest_text)?
    };
    cache::write(&path, &component)?;
    let mut inputs = made.inputs;
    inputs.push(project.folder.join(FILE_NAME));
    stamp::write(&path, &tools, inputs)?;
    let hash = Sha256::digest(&component).into();
    Ok(Built { path, bytes: component.len() as u64, hash, fresh: false })
}

/// Says no to a language whose interpreter is too slow for a kind of rule.
pub(crate) fn refuse_slow(language: Language, kind: RuleKind) -> Result<(), Error> {
    let interpreted = matches!(language, Language::Python | Language::JavaScript);
    if interpreted && kind != RuleKind::Reporting { Err(Error::TooSlow { language, kind }) } else { Ok(()) }
}

/// What a component depends on besides files.
fn tools(language: Language) -> Result<String, Error> {
    let tool = match language {
        Language::Rust => rust::tool()?,
        Language::C => c::tool()?,
        Language::Python => python::tool().to_owned(),
        Language::JavaScript => javascript::tool().to_owned(),
    };
    Ok(format!("outcry {} {tool}", env!("CARGO_PKG_VERSION")))
}

/// SHA-256 of a file, if it can be read.
fn hash_file(path: &Path) -> Option<[u8; 32]> {
    Some(Sha256::digest(std::fs::read(path).ok()?).into())
}
