//! From a core module to a component: the types of its world, then the manifest.

use crate::{Error, Language};
use model::RuleKind;
use plugin_manifest::{Manifest, ParameterKind, SECTION};
use std::borrow::Cow;
use wasm_encoder::{ComponentSection as _, CustomSection};
use wasmparser::{Parser, Payload};
use wit_component::{ComponentEncoder, StringEncoding};
use wit_parser::{Resolve, SourceMap, WorldId};

/// The contract, file by file.
pub const WIT: [(&str, &str); 3] = [
    ("validation.wit", include_str!("../../../wit/validation.wit")),
    ("risk.wit", include_str!("../../../wit/risk.wit")),
    ("reporting.wit", include_str!("../../../wit/reporting.wit")),
];

/// The name of the world of a kind.
pub const fn world(kind: RuleKind) -> &'static str {
    kind.as_str()
}

fn resolve(kind: RuleKind) -> (Resolve, WorldId) {
    let mut sources = SourceMap::default();
    for (name, text) in WIT {
        sources.push_str(name, text);
    }
    let mut resolve = Resolve::default();
    let group = sources.parse().map_err(|(_, error)| error).expect("the contract parses: tests parse it");
    let package = resolve.push_group(group).expect("the contract resolves: tests resolve it");
    let world = resolve.select_world(&[package], Some(world(kind))).expect("there is a world for every kind");
    (resolve, world)
}

/// The section of a module in which the SDK says what parameters the rule reads: lines of name and type.
const DECLARED: &str = "outcry:parameters";

/// Compares the parameters that a module says it reads, if it says so, with those that the manifest declares.
pub fn check_parameters(module: &[u8], manifest: &Manifest) -> Result<(), Error> {
    let mut section = None;
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::CustomSection(custom) = payload?
            && custom.name() == DECLARED
        {
            section = Some(String::from_utf8_lossy(custom.data()).into_owned());
        }
    }
    let Some(section) = section else { return Ok(()) };
    // A price is a number like any other to the rule.
    let word = |kind: ParameterKind| if kind == ParameterKind::PriceTicks { "int" } else { kind.as_str() };
    let declared =
        manifest.parameters.iter().map(|of| format!("{} {}", of.name.replace('-', "_"), word(of.kind)));
    let (reads, declares): (Vec<String>, Vec<String>) =
        (section.lines().map(str::to_owned).collect(), declared.collect());
    if reads == declares { Ok(()) } else { Err(Error::Parameters { reads, declares }) }
}

/// Makes a component of a core module that exports one of the worlds under the names of the canonical ABI, and puts the
/// manifest into it.
pub fn wrap(module: &[u8], kind: RuleKind, language: Language, manifest: &str) -> Result<Vec<u8>, Error> {
    let names = core_imports(module)?;
    if !names.is_empty() {
        return Err(Error::Imports { names, language });
    }
    let (resolve, world) = resolve(kind);
    let mut module = module.to_vec();
    let component =
        wit_component::embed_component_metadata(&mut module, &resolve, world, StringEncoding::UTF8)
            .and_then(|()| ComponentEncoder::default().validate(true).module(&module)?.encode())
            .map_err(|error| Error::WrongWorld { kind, source: error.into() })?;
    Ok(embed(component, manifest))
}

/// Puts a manifest into a component, in place of one that is there.
pub fn embed(component: Vec<u8>, manifest: &str) -> Vec<u8> {
    let mut component = without_section(&component).unwrap_or(component);
    CustomSection { name: Cow::Borrowed(SECTION), data: Cow::Borrowed(manifest.as_bytes()) }
        .append_to_component(&mut component);
    component
}

/// The component without its manifest, if it has one.
fn without_section(component: &[u8]) -> Option<Vec<u8>> {
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.ok()? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) if depth == 0 && section.name() == SECTION => {
                // The section's own head is its number and its length, which the range leaves out.
                let range = section.range();
                let length = range.end - range.start;
                let head = 1 + leb_length(length);
                let mut rest = component[..range.start - head].to_vec();
                rest.extend_from_slice(&component[range.end..]);
                return Some(rest);
            }
            _ => {}
        }
    }
    None
}

fn leb_length(number: usize) -> usize {
    (usize::BITS - (number | 1).leading_zeros()).div_ceil(7) as usize
}

/// The kind of rule that a component is, by the interface that it exports; `None` if it is none, or no component.
pub fn kind_of(component: &[u8]) -> Option<RuleKind> {
    let mut depth = 0_u32;
    for payload in Parser::new(0).parse_all(component) {
        match payload.ok()? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentExportSection(exports) if depth == 0 => {
                for export in exports {
                    // A tool may export more than the rule, as the one for Python does.
                    let name = export.ok()?.name.name;
                    let interface =
                        name.strip_prefix("outcry:rules/").and_then(|name| name.split('@').next());
                    if let Some(kind) = interface.and_then(|name| name.strip_suffix("-rule")) {
                        return kind.parse().ok();
                    }
                }
            }
            _ => {}
        }
    }
    None
}

fn core_imports(module: &[u8]) -> Result<Vec<String>, Error> {
    let mut names = Vec::new();
    for payload in Parser::new(0).parse_all(module) {
        if let Payload::ImportSection(imports) = payload? {
            for import in imports.into_imports() {
                let import = import?;
                names.push(format!("{}.{}", import.module, import.name));
            }
        }
    }
    Ok(names)
}

/// What a component imports, by name. Refused here, so that the author sees it rather than the operator.
pub fn component_imports(component: &[u8]) -> Result<Vec<String>, Error> {
    let (mut names, mut depth) = (Vec::new(), 0_u32);
    for payload in Parser::new(0).parse_all(component) {
        match payload? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 => {
                for import in imports {
                    names.push(import?.name.name.to_owned());
                }
            }
            _ => {}
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasm_encoder::Component;

    #[test]
    fn every_kind_has_its_world() {
        for kind in [RuleKind::Validation, RuleKind::Risk, RuleKind::Reporting] {
            let (resolve, world) = resolve(kind);
            let world = &resolve.worlds[world];
            assert_eq!((world.imports.len(), world.exports.len()), (0, 1), "{kind}");
        }
    }

    #[test]
    fn a_manifest_takes_the_place_of_the_one_before() {
        let empty = Component::new().finish();
        let one = embed(empty.clone(), "one");
        assert_eq!(embed(one.clone(), "one"), one);
        let long = "two".repeat(100);
        assert_eq!(embed(one.clone(), &long), embed(empty, &long));
        assert_eq!(kind_of(&one), None);
    }

    #[test]
    fn events_are_laid_out_as_the_contract_has_them() {
        use plugin_sdk::reporting::Event;
        use std::mem::offset_of;
        let (resolve, world) = resolve(RuleKind::Reporting);
        let wit_parser::WorldItem::Interface { id, .. } = &resolve.worlds[world].exports[0] else {
            panic!("the world exports an interface")
        };
        let event = resolve.interfaces[*id].types["event"];
        let mut sizes = wit_parser::SizeAlign::default();
        sizes.fill(&resolve);
        let kind = wit_parser::Type::Id(event);
        assert_eq!(sizes.size(&kind).size_wasm32(), size_of::<Event>());
        assert_eq!(sizes.align(&kind).align_wasm32(), align_of::<Event>());
        let wit_parser::TypeDefKind::Record(record) = &resolve.types[event].kind else {
            panic!("an event is a record")
        };
        let offsets: Vec<(String, usize)> = sizes
            .field_offsets(record.fields.iter().map(|field| &field.ty))
            .into_iter()
            .zip(&record.fields)
            .map(|((offset, _), field)| (field.name.replace('-', "_"), offset.size_wasm32()))
            .collect();
        macro_rules! ours {
            ($($field:ident)+) => { vec![$((stringify!($field).to_owned(), offset_of!(Event, $field))),+] };
        }
        let ours = ours! { sequence time kind sell account instrument order_id price quantity notional trade_id
        maker_account maker_order_id reason };
        assert_eq!(offsets, ours);
    }
}
