//! The contract of `wit/` as the host checks it: which versions it takes, and which functions of which types each world has.
//! A test holds the types below to the files in `wit/`.

use model::RuleKind;
use std::fmt;
use std::str::FromStr;
use wasmparser::component_types::{ComponentDefinedType, ComponentFuncTypeId, ComponentValType};
use wasmparser::types::TypesRef;

/// The package that rules are built against.
pub const PACKAGE: &str = "outcry:rules";

/// A version of the contract.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct ContractVersion {
    /// Changes what components must offer.
    pub major: u16,
    /// Adds to it.
    pub minor: u16,
    /// Says it better.
    pub patch: u16,
}

/// The version this host speaks.
pub const CONTRACT: ContractVersion = ContractVersion { major: 1, minor: 1, patch: 0 };

impl ContractVersion {
    /// Whether this host runs components of this version: of its own minor version and of the one before.
    pub const fn is_taken(self) -> bool {
        self.major == CONTRACT.major && self.minor <= CONTRACT.minor && self.minor + 1 >= CONTRACT.minor
    }

    /// Whether a component of this version has `configure`.
    pub const fn has_configure(self) -> bool {
        self.major > 1 || self.minor >= 1
    }
}

impl fmt::Display for ContractVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl FromStr for ContractVersion {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        let mut numbers = text.split('.').map(|number| number.parse().map_err(|_| ()));
        let mut next = || numbers.next().unwrap_or(Err(()));
        let version = Self { major: next()?, minor: next()?, patch: next()? };
        if numbers.next().is_some() { Err(()) } else { Ok(version) }
    }
}

/// The interface that a world exports, without its version.
const fn interface(kind: RuleKind) -> &'static str {
    match kind {
        RuleKind::Validation => "validation-rule",
        RuleKind::Risk => "risk-rule",
        RuleKind::Reporting => "reporting-rule",
    }
}

/// The world and version that an export's name stands for, if it is one of ours.
pub(crate) fn world(export: &str) -> Option<(RuleKind, ContractVersion)> {
    let rest = export.strip_prefix(PACKAGE)?.strip_prefix('/')?;
    let (name, version) = rest.split_once('@')?;
    let kind = RuleKind::ALL.iter().find(|&&kind| interface(kind) == name)?;
    Some((*kind, version.parse().ok()?))
}

/// The name under which a world is exported.
pub(crate) fn export_name(kind: RuleKind, version: ContractVersion) -> String {
    format!("{PACKAGE}/{}@{version}", interface(kind))
}

/// The functions of a world and their types, as [`render`] writes them.
pub(crate) fn functions(kind: RuleKind, version: ContractVersion) -> Vec<(&'static str, &'static str)> {
    let mut functions = match kind {
        RuleKind::Validation => {
            vec![("check", "func(list<u64>) -> list<u32>"), ("explain", "func(u32) -> string")]
        }
        RuleKind::Risk => vec![
            (
                "check",
                "func(u32, u32, u32, u64, s64, s64, s64, u64, u64, s64, s64, s64, s64, u64, s64, s64) -> u64",
            ),
            ("explain", "func(u32) -> string"),
        ],
        RuleKind::Reporting => vec![("describe", DESCRIBE), ("process", PROCESS)],
    };
    if version.has_configure() {
        functions.push(("configure", "func(list<s64>) -> u32"));
    }
    functions
}

const DESCRIBE: &str = "func() -> record { name: string, columns: list<record { name: string, kind: enum { int64, text, \
    timestamp, float64, boolean }, comment: string }>, key: u32 }";
const PROCESS: &str = "func(list<u8>, list<record { sequence: u64, time: s64, kind: enum { order-accepted, order-rejected, \
    order-replaced, replace-rejected, order-canceled, cancel-rejected, order-reduced, trade, trading-day-started }, sell: bool, \
    account: u32, instrument: u32, order-id: u64, price: s64, quantity: u64, notional: s64, trade-id: u64, maker-account: u32, \
    maker-order-id: u64, reason: u32 }>) -> record { state: list<u8>, rows: list<list<variant { null, int64(s64), text(string), \
    float64(f64), boolean(bool) }>> }";

/// The longest type that is written out. Types can be nested so that they take far more room written out than encoded.
const MAX_RENDERED_BYTES: usize = 4096;

/// A function's type, as `wit/` would have it but with every name of a type put in its place.
pub(crate) fn render(types: TypesRef<'_>, function: ComponentFuncTypeId) -> String {
    let function = &types[function];
    let mut text = String::from(if function.async_ { "async func(" } else { "func(" });
    for (at, (_, ty)) in function.params.iter().enumerate() {
        text += if at == 0 { "" } else { ", " };
        value(types, *ty, &mut text);
    }
    text += ")";
    if let Some(ty) = function.result {
        text += " -> ";
        value(types, ty, &mut text);
    }
    text
}

fn value(types: TypesRef<'_>, ty: ComponentValType, text: &mut String) {
    if text.len() > MAX_RENDERED_BYTES {
        if !text.ends_with('…') {
            text.push('…');
        }
        return;
    }
    let id = match ty {
        ComponentValType::Primitive(primitive) => return *text += &primitive.to_string(),
        ComponentValType::Type(id) => id,
    };
    let mut named = |what: &str, parts: &mut dyn Iterator<Item = (&str, Option<ComponentValType>, bool)>| {
        *text += what;
        for (at, (name, ty, is_field)) in parts.enumerate() {
            *text += if at == 0 { " { " } else { ", " };
            *text += name;
            if let Some(ty) = ty {
                *text += if is_field { ": " } else { "(" };
                value(types, ty, text);
                *text += if is_field { "" } else { ")" };
            }
        }
        *text += " }";
    };
    match &types[id] {
        ComponentDefinedType::Primitive(primitive) => *text += &primitive.to_string(),
        ComponentDefinedType::Record(record) => {
            named("record", &mut record.fields.iter().map(|(name, ty)| (name.as_str(), Some(*ty), true)));
        }
        ComponentDefinedType::Variant(variant) => {
            named("variant", &mut variant.cases.iter().map(|(name, case)| (name.as_str(), case.ty, false)));
        }
        ComponentDefinedType::Enum(names) => {
            named("enum", &mut names.iter().map(|name| (name.as_str(), None, false)));
        }
        ComponentDefinedType::Flags(names) => {
            named("flags", &mut names.iter().map(|name| (name.as_str(), None, false)));
        }
        ComponentDefinedType::List { element, .. } => {
            *text += "list<";
            value(types, *element, text);
            *text += ">";
        }
        ComponentDefinedType::Option { ty, .. } => {
            *text += "option<";
            value(types, *ty, text);
            *text += ">";
        }
        ComponentDefinedType::Tuple(tuple) => {
            *text += "tuple<";
            for (at, ty) in tuple.types.iter().enumerate() {
                *text += if at == 0 { "" } else { ", " };
                value(types, *ty, text);
            }
            *text += ">";
        }
        // Whatever it is, the contract has none.
        _ => *text += "something else",
    }
}
