//! Why a rule cannot be made, and what its author can do about it.

use crate::Language;
use model::RuleKind;
use plugin_manifest::ManifestError;
use std::io;
use std::path::PathBuf;

/// Why a folder was not made, or a component not built from it.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or folder that cannot be read or written.
    #[error("cannot {what} {}", path.display())]
    File {
        /// read, write, create …
        what: &'static str,
        /// Which.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// There is no `plugin.toml`.
    #[error("{} is not the folder of a rule: there is no plugin.toml in it", folder.display())]
    NotAPlugin {
        /// Where.
        folder: PathBuf,
    },
    /// The manifest is wrong.
    #[error("{} is not right", path.display())]
    Manifest {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        source: ManifestError,
    },
    /// There is a manifest and nothing else.
    #[error("there is no source in {}: no Cargo.toml, src/*.c, rule.py or rule.js", folder.display())]
    NoSource {
        /// Where.
        folder: PathBuf,
    },
    /// A name that a rule cannot have.
    #[error("\"{name}\" cannot be a rule's name")]
    Name {
        /// The name.
        name: String,
    },
    /// The folder of a new rule is there already.
    #[error("{} is there already", folder.display())]
    Exists {
        /// Where.
        folder: PathBuf,
    },
    /// A language whose interpreter is too slow for what is judged while an order waits.
    #[error(
        "{language} is too slow for {kind} rules: its interpreter takes microseconds for each call, while an order waits"
    )]
    TooSlow {
        /// Which language.
        language: Language,
        /// Which kind.
        kind: RuleKind,
    },
    /// There is no header for it.
    #[error(
        "reporting rules cannot be written in C: lists of rows by hand are no joy, so there is no header for them"
    )]
    NotInC,
    /// A compiler or tool that is not there.
    #[error("{what} is needed for rules in {language}, and is not there")]
    Missing {
        /// What.
        what: &'static str,
        /// For which language.
        language: Language,
        /// How to get it.
        hint: &'static str,
    },
    /// A program could not be started.
    #[error("cannot start {program}")]
    NotStarted {
        /// Which.
        program: String,
        /// Why.
        source: io::Error,
    },
    /// The compiler said no.
    #[error("{program} could not do it:\n{}", output.trim_end())]
    Failed {
        /// Which.
        program: String,
        /// What it said.
        output: String,
    },
    /// The compiler was content and made no module.
    #[error("the package in {} makes no module", folder.display())]
    NoModule {
        /// Where.
        folder: PathBuf,
    },
    /// It calls what no host offers.
    #[error("the rule imports {}, and a rule can import nothing", names.join(", "))]
    Imports {
        /// What, by name.
        names: Vec<String>,
        /// In which language.
        language: Language,
    },
    /// It does not export what its world demands.
    #[error("the module is no {kind} rule")]
    WrongWorld {
        /// What the manifest says it is.
        kind: RuleKind,
        /// What is missing or wrong.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The manifest declares other parameters than the source reads.
    #[error("plugin.toml declares the parameters ({}), and the source reads ({})", declares.join(", "), reads.join(", "))]
    Parameters {
        /// What the source reads: name and type, in order.
        reads: Vec<String>,
        /// What the manifest declares.
        declares: Vec<String>,
    },
    /// Bytes that are not WebAssembly.
    #[error("the module cannot be read")]
    Module {
        /// Where it breaks.
        #[from]
        source: wasmparser::BinaryReaderError,
    },
}

impl Error {
    /// What the author can do about it.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            Self::NotAPlugin { .. } => "make one with \"outcry plugin new NAME --kind risk --lang rust\"".to_owned(),
            Self::Missing { hint, .. } => (*hint).to_owned(),
            Self::Name { .. } => {
                "begin with a lower-case letter; then lower-case letters, digits and hyphens; at most 32 characters"
                    .to_owned()
            }
            Self::Exists { .. } => "choose another name, or another place with --dir".to_owned(),
            Self::TooSlow { .. } => "write it in rust or c; python and js are for reporting rules".to_owned(),
            Self::NotInC => "write it in rust, python or js".to_owned(),
            Self::NoModule { .. } => "its Cargo.toml needs [lib] with crate-type = [\"cdylib\", \"rlib\"]".to_owned(),
            Self::Imports { language: Language::Rust, .. } => {
                "a crate that it uses wants an operating system or a browser; leave it out".to_owned()
            }
            Self::Imports { .. } => "a function is declared and not defined".to_owned(),
            Self::Parameters { .. } => {
                "make the [[parameter]] tables those of parameters! in the source, in the same order".to_owned()
            }
            Self::WrongWorld { .. } => {
                "plugin.toml says which kind it is; the source must export that one, once".to_owned()
            }
            _ => return None,
        })
    }

    pub(crate) fn file(what: &'static str, path: impl Into<PathBuf>) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { what, path, source }
    }
}
