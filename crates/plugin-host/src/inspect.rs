//! Looking at a component before anything is done with it: nothing here compiles or runs a byte of it. What is wrong is
//! said in one sentence, by name.

use crate::contract::{self, CONTRACT, ContractVersion, export_name};
use crate::signature::{self, Signature, SignatureError};
use model::{ComponentHash, RuleKind, SignerKey};
use plugin_manifest::{Limits, Manifest, ManifestError};
use sha2::{Digest, Sha256};
use wasmparser::component_types::ComponentEntityType;
use wasmparser::types::{Types, TypesRef};
use wasmparser::{Encoding, Parser, Payload, Validator, WasmFeatures};

/// What the operator lets a rule have.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Policy {
    /// Ceilings of validation and risk rules, which run on the trading thread.
    pub trading: Ceilings,
    /// Ceilings of reporting rules.
    pub reporting: Ceilings,
    /// The keys whose signatures count. At most [`MAX_SIGNERS`].
    pub signers: Vec<SignerKey>,
    /// Whether a component without a signature is refused.
    pub must_be_signed: bool,
}

/// The most keys in an allow-list.
pub const MAX_SIGNERS: usize = 64;

/// The most that one rule may be and have.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Ceilings {
    /// Size of the component, in bytes.
    pub component_bytes: usize,
    /// Fuel of one call.
    pub fuel: u64,
    /// Memory, in bytes.
    pub memory_bytes: u32,
}

const MIB: usize = 1024 * 1024;

impl Default for Policy {
    fn default() -> Self {
        Self {
            trading: Ceilings { component_bytes: 4 * MIB, fuel: 1_000_000, memory_bytes: 16 * 1024 * 1024 },
            reporting: Ceilings {
                component_bytes: 32 * MIB,
                fuel: 100_000_000_000,
                memory_bytes: 512 * 1024 * 1024,
            },
            signers: Vec::new(),
            must_be_signed: false,
        }
    }
}

impl Policy {
    /// The ceilings of a kind of rule.
    pub fn ceilings(&self, kind: RuleKind) -> &Ceilings {
        match kind {
            RuleKind::Validation | RuleKind::Risk => &self.trading,
            RuleKind::Reporting => &self.reporting,
        }
    }
}

/// What a component turned out to be.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Inspection {
    /// SHA-256 of its bytes.
    pub component: ComponentHash,
    /// Its size in bytes.
    pub size_bytes: u32,
    /// Which world it is of.
    pub kind: RuleKind,
    /// The version of the contract it was built for.
    pub contract: ContractVersion,
    /// What it says about itself, if it carries a manifest.
    pub manifest: Option<Manifest>,
    /// The text of that.
    pub manifest_text: Option<String>,
    /// What a call of it may cost: as the manifest says, or the defaults of its kind.
    pub limits: Limits,
    /// Whose signature it carries, or [`SignerKey::NONE`].
    pub signer: SignerKey,
}

/// Why a component is not taken.
#[derive(Clone, PartialEq, Debug, thiserror::Error)]
pub enum Refusal {
    /// More bytes than the operator allows.
    #[error("the component has {bytes} bytes, and {most} are the most for a {}", kind.map_or("rule", of_kind))]
    TooLarge {
        /// Its size.
        bytes: usize,
        /// The ceiling.
        most: usize,
        /// Its kind, where that is known already.
        kind: Option<RuleKind>,
    },
    /// Not WebAssembly at all.
    #[error("this is not WebAssembly")]
    NotWasm,
    /// A module where a component is needed.
    #[error("this is a core module, not a component")]
    CoreModule,
    /// Broken, or made of things that rules cannot be made of, such as threads.
    #[error("the component is not valid at byte {offset}: {what}")]
    Invalid {
        /// Where.
        offset: usize,
        /// What the validator says.
        what: String,
    },
    /// It wants something from outside.
    #[error("the component imports {}, and a rule imports nothing", names.join(", "))]
    Imports {
        /// What, by name.
        names: Vec<String>,
    },
    /// It exports none of our worlds.
    #[error("the component exports {}, and a rule exports {} of validation-rule, risk-rule and reporting-rule of {} {}",
        listed(exports), if *several { "only one" } else { "one" }, contract::PACKAGE, CONTRACT)]
    WrongWorld {
        /// What it exports.
        exports: Vec<String>,
        /// Whether it is too many rather than none.
        several: bool,
    },
    /// Built for a contract that this host does not speak.
    #[error("the component is built for {} {found}, and this host takes {}.{} and the minor version before it: {}",
        contract::PACKAGE, CONTRACT.major, CONTRACT.minor,
        if *found > CONTRACT { "upgrade the exchange, or build the rule for its version" } else { "build the rule again" })]
    Version {
        /// What it is built for.
        found: ContractVersion,
    },
    /// A function of the contract is not there.
    #[error("the component lacks the function {function}: {expected}")]
    MissingFunction {
        /// Its name.
        function: &'static str,
        /// The type it must have.
        expected: &'static str,
    },
    /// A function of the contract has another type.
    #[error("the component's {function} is {found}, and must be {expected}")]
    WrongType {
        /// Its name.
        function: &'static str,
        /// The type it has.
        found: String,
        /// The type it must have.
        expected: &'static str,
    },
    /// The manifest inside is not text.
    #[error("the manifest in the component is not UTF-8 text")]
    ManifestNotText,
    /// More than one manifest inside.
    #[error("the component carries two manifests")]
    TwoManifests,
    /// The manifest inside is wrong.
    #[error("the manifest in the component is wrong: {0}")]
    Manifest(#[from] ManifestError),
    /// The manifest says another kind than the component is.
    #[error("the manifest says that this is a {manifest} rule, and the component is a {component} rule")]
    ManifestKind {
        /// What the manifest says.
        manifest: RuleKind,
        /// What the component is.
        component: RuleKind,
    },
    /// It asks for more fuel than the operator gives.
    #[error("the rule asks for {asked} units of fuel for a call, and the operator gives at most {most}")]
    TooMuchFuel {
        /// What the manifest says.
        asked: u64,
        /// The ceiling.
        most: u64,
    },
    /// It asks for more memory than the operator gives.
    #[error("the rule asks for {asked} bytes of memory, and the operator gives at most {most}")]
    TooMuchMemory {
        /// What the manifest says.
        asked: u32,
        /// The ceiling.
        most: u32,
    },
    /// Its signature does not count.
    #[error(transparent)]
    Signature(#[from] SignatureError),
}

fn of_kind(kind: RuleKind) -> &'static str {
    match kind {
        RuleKind::Validation => "validation rule",
        RuleKind::Risk => "risk rule",
        RuleKind::Reporting => "reporting rule",
    }
}

fn listed(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

impl Refusal {
    /// What to do about it, where there is something.
    pub fn hint(&self) -> Option<&'static str> {
        Some(match self {
            Self::NotWasm | Self::CoreModule => "make a component of it with \"outcry plugin build\"",
            Self::Imports { names } if names.iter().any(|name| name.starts_with("wasi:")) => {
                "there is no WASI here, no files, clock or random numbers: build for wasm32-unknown-unknown with \"outcry plugin build\""
            }
            Self::Imports { .. } => "what a rule needs to know comes with each order; see docs/RULES.md",
            Self::Version { .. }
            | Self::MissingFunction { .. }
            | Self::WrongType { .. }
            | Self::WrongWorld { .. } => {
                "wit/ holds the contract; \"outcry plugin new\" makes a rule that keeps it"
            }
            Self::TooLarge { .. } => "build with optimisation and without debug information",
            _ => return None,
        })
    }
}

/// What rules may be made of. The engine that runs them is set to the same.
pub(crate) fn features() -> WasmFeatures {
    // References to functions are needed for calls through tables; those to objects of a host are not, as there are none.
    WasmFeatures::WASM2.difference(WasmFeatures::GC_TYPES)
        | WasmFeatures::EXTENDED_CONST
        | WasmFeatures::COMPONENT_MODEL
}

/// Looks at a component: what it is, whether it keeps the contract and the operator's policy, and who signed it.
/// `signature` is the detached Ed25519 signature of the bytes, if there is one.
pub fn inspect(bytes: &[u8], signature: Option<&Signature>, policy: &Policy) -> Result<Inspection, Refusal> {
    let most = policy.trading.component_bytes.max(policy.reporting.component_bytes);
    if bytes.len() > most {
        return Err(Refusal::TooLarge { bytes: bytes.len(), most, kind: None });
    }
    check_header(bytes)?;
    let types =
        Validator::new_with_features(features()).validate_all(bytes).map_err(|error| invalid(&error))?;
    let outside = outside(bytes)?;
    if !outside.imports.is_empty() {
        return Err(Refusal::Imports { names: outside.imports });
    }
    let (kind, version) = world(&outside.exports)?;
    let ceilings = policy.ceilings(kind);
    if bytes.len() > ceilings.component_bytes {
        return Err(Refusal::TooLarge {
            bytes: bytes.len(),
            most: ceilings.component_bytes,
            kind: Some(kind),
        });
    }
    check_functions(&types, kind, version)?;
    let manifest = outside.manifest.as_deref().map(Manifest::parse).transpose()?;
    let limits = limits(manifest.as_ref(), kind, ceilings)?;
    Ok(Inspection {
        component: hash(bytes),
        size_bytes: u32::try_from(bytes.len()).unwrap_or(u32::MAX),
        kind,
        contract: version,
        manifest,
        manifest_text: outside.manifest,
        limits,
        signer: signature::check(bytes, signature, policy)?,
    })
}

/// SHA-256 of a component's bytes: its name.
pub fn hash(bytes: &[u8]) -> ComponentHash {
    ComponentHash(Sha256::digest(bytes).into())
}

fn invalid(error: &wasmparser::BinaryReaderError) -> Refusal {
    Refusal::Invalid { offset: error.offset(), what: error.message().to_owned() }
}

fn check_header(bytes: &[u8]) -> Result<(), Refusal> {
    if !bytes.starts_with(b"\0asm") {
        return Err(Refusal::NotWasm);
    }
    if Parser::is_core_wasm(bytes) { Err(Refusal::CoreModule) } else { Ok(()) }
}

/// What a component shows to the outside.
#[derive(Default)]
struct Outside {
    imports: Vec<String>,
    exports: Vec<String>,
    manifest: Option<String>,
}

fn outside(bytes: &[u8]) -> Result<Outside, Refusal> {
    let mut outside = Outside::default();
    // Parts of a component are components and modules themselves; only the outermost counts.
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(|error| invalid(&error))? {
            Payload::Version { encoding, .. } => {
                if depth == 0 && encoding == Encoding::Module {
                    return Err(Refusal::CoreModule);
                }
                depth += 1;
            }
            Payload::End(_) => depth -= 1,
            Payload::ComponentImportSection(section) if depth == 1 => {
                for import in section {
                    outside.imports.push(import.map_err(|error| invalid(&error))?.name.name.to_owned());
                }
            }
            Payload::ComponentExportSection(section) if depth == 1 => {
                for export in section {
                    outside.exports.push(export.map_err(|error| invalid(&error))?.name.name.to_owned());
                }
            }
            Payload::CustomSection(section) if depth == 1 && section.name() == plugin_manifest::SECTION => {
                if outside.manifest.is_some() {
                    return Err(Refusal::TwoManifests);
                }
                let text = std::str::from_utf8(section.data()).map_err(|_| Refusal::ManifestNotText)?;
                outside.manifest = Some(text.to_owned());
            }
            _ => {}
        }
    }
    Ok(outside)
}

fn world(exports: &[String]) -> Result<(RuleKind, ContractVersion), Refusal> {
    let mut worlds = exports.iter().filter_map(|name| contract::world(name));
    let wrong = |several| Refusal::WrongWorld { exports: exports.to_vec(), several };
    let (kind, version) = worlds.next().ok_or_else(|| wrong(false))?;
    if worlds.next().is_some() {
        return Err(wrong(true));
    }
    if version.is_taken() { Ok((kind, version)) } else { Err(Refusal::Version { found: version }) }
}

fn check_functions(types: &Types, kind: RuleKind, version: ContractVersion) -> Result<(), Refusal> {
    let types: TypesRef<'_> = types.as_ref();
    let item = types.component_item_for_export(&export_name(kind, version));
    let Some(ComponentEntityType::Instance(instance)) = item.map(|item| item.ty) else {
        return Err(Refusal::WrongWorld { exports: vec![export_name(kind, version)], several: false });
    };
    for (function, expected) in contract::functions(kind, version) {
        match types[instance].exports.get(function).map(|item| item.ty) {
            Some(ComponentEntityType::Func(ty)) => {
                let found = contract::render(types, ty);
                if found != expected {
                    return Err(Refusal::WrongType { function, found, expected });
                }
            }
            _ => return Err(Refusal::MissingFunction { function, expected }),
        }
    }
    Ok(())
}

fn limits(manifest: Option<&Manifest>, kind: RuleKind, ceilings: &Ceilings) -> Result<Limits, Refusal> {
    let Some(manifest) = manifest else { return Ok(Limits::defaults(kind)) };
    if manifest.kind != kind {
        return Err(Refusal::ManifestKind { manifest: manifest.kind, component: kind });
    }
    let limits = manifest.limits;
    if limits.fuel > ceilings.fuel {
        return Err(Refusal::TooMuchFuel { asked: limits.fuel, most: ceilings.fuel });
    }
    if limits.memory_bytes > ceilings.memory_bytes {
        return Err(Refusal::TooMuchMemory { asked: limits.memory_bytes, most: ceilings.memory_bytes });
    }
    Ok(limits)
}
