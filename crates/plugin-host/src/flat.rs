//! Recognises a component that is nothing but one core module in a wrapper, and finds the module's own functions behind
//! the exports. Such a component can be run without the component machinery: measured, 22 ns a call instead of 150. What
//! the wrapper would do for plain numbers is nothing, and for a list of numbers two bounds checks, which the host does itself.
//!
//! The walk below follows every index from the export to the module's function. A component of any other shape (several
//! modules, a start function, a lowered import, another string encoding) is not recognised and runs as a component: slower,
//! never wrong. The component is validated as a whole before this is asked.

use crate::contract::{ContractVersion, export_name};
use model::RuleKind;
use std::collections::BTreeMap;
use std::ops::Range;
use wasmparser::{
    CanonicalFunction, CanonicalOption, ComponentAlias, ComponentExternalKind, ComponentInstance,
    ComponentTypeRef, ExternalKind, Instance, Parser, Payload,
};

/// A module inside a component, and the names of its functions behind the exports of the contract.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct Flat {
    /// Where the module is in the component's bytes.
    pub(crate) module: Range<usize>,
    /// By the contract's names.
    pub(crate) functions: BTreeMap<String, FlatFunction>,
}

/// A lifted function: what the module calls it and its helpers.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct FlatFunction {
    pub(crate) name: String,
    pub(crate) memory: Option<String>,
    pub(crate) realloc: Option<String>,
    pub(crate) post_return: Option<String>,
}

/// The index spaces of the outermost component.
#[derive(Default)]
struct Spaces {
    modules: Vec<Range<usize>>,
    core_instances: usize,
    core_functions: Vec<String>,
    core_memories: Vec<String>,
    functions: Vec<FlatFunction>,
    /// What inner components re-export: by the export's name, the name of the import.
    components: Vec<BTreeMap<String, String>>,
    instances: Vec<BTreeMap<String, FlatFunction>>,
    exports: BTreeMap<String, usize>,
}

/// The one module of the component, if it is no more than that.
pub(crate) fn recognise(bytes: &[u8], kind: RuleKind, version: ContractVersion) -> Option<Flat> {
    let mut spaces = Spaces::default();
    for payload in outermost(bytes) {
        spaces.read(bytes, payload?)?;
    }
    let instance = *spaces.exports.get(&export_name(kind, version))?;
    let [module] = spaces.modules.as_slice() else { return None };
    let flat = Flat { module: module.clone(), functions: spaces.instances.get(instance)?.clone() };
    // Numbers come back as they are. Something to clean up after them would be an unusual shape.
    let plain = |name: &str| flat.functions.get(name).is_none_or(|function| function.post_return.is_none());
    (plain("configure") && (kind != RuleKind::Risk || plain("check"))).then_some(flat)
}

/// The payloads of the outermost component, without those of the parts in it. `None` in place of one that cannot be read.
fn outermost(bytes: &[u8]) -> impl Iterator<Item = Option<Payload<'_>>> {
    let mut depth = 0_u32;
    Parser::new(0).parse_all(bytes).filter_map(move |payload| {
        let Ok(payload) = payload else { return Some(None) };
        match payload {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth -= 1,
            _ if depth == 1 => return Some(Some(payload)),
            _ => {}
        }
        None
    })
}

impl Spaces {
    /// Takes in a section. `None`: a shape that is not recognised.
    fn read(&mut self, bytes: &[u8], payload: Payload<'_>) -> Option<()> {
        match payload {
            Payload::ModuleSection { unchecked_range, .. } => self.modules.push(unchecked_range),
            Payload::ComponentSection { unchecked_range, .. } => {
                self.components.push(reexports(bytes.get(unchecked_range)?)?);
            }
            Payload::InstanceSection(section) => {
                for instance in section {
                    match instance.ok()? {
                        Instance::Instantiate { module_index: 0, args } if args.is_empty() => {
                            self.core_instances += 1;
                        }
                        _ => return None,
                    }
                }
            }
            Payload::ComponentAliasSection(section) => {
                for alias in section {
                    self.alias(&alias.ok()?)?;
                }
            }
            Payload::ComponentCanonicalSection(section) => {
                for function in section {
                    let CanonicalFunction::Lift { core_func_index, options, .. } = function.ok()? else {
                        return None;
                    };
                    self.functions.push(self.lift(core_func_index, &options)?);
                }
            }
            Payload::ComponentInstanceSection(section) => {
                for instance in section {
                    self.instances.push(self.instance(&instance.ok()?)?);
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.ok()?;
                    if export.kind != ComponentExternalKind::Instance {
                        return None;
                    }
                    let index = export.index as usize;
                    self.exports.insert(export.name.name.to_owned(), index);
                    // What is exported is also a new item of its own.
                    self.instances.push(self.instances.get(index)?.clone());
                }
            }
            Payload::ComponentTypeSection(_) | Payload::CoreTypeSection(_) | Payload::CustomSection(_) => {}
            _ => return None,
        }
        Some(())
    }

    fn alias(&mut self, alias: &ComponentAlias<'_>) -> Option<()> {
        match alias {
            // There is only ever one core instance that counts: of the one module.
            ComponentAlias::CoreInstanceExport { kind, instance_index: 0, name }
                if self.core_instances == 1 =>
            {
                match kind {
                    ExternalKind::Func => self.core_functions.push((*name).to_owned()),
                    ExternalKind::Memory => self.core_memories.push((*name).to_owned()),
                    _ => return None,
                }
            }
            ComponentAlias::InstanceExport { kind: ComponentExternalKind::Type, .. } => {}
            _ => return None,
        }
        Some(())
    }

    fn lift(&self, function: u32, options: &[CanonicalOption]) -> Option<FlatFunction> {
        let named = |index: u32| self.core_functions.get(index as usize).cloned();
        let mut lifted = FlatFunction { name: named(function)?, ..FlatFunction::default() };
        for option in options {
            match *option {
                CanonicalOption::UTF8 => {}
                CanonicalOption::Memory(index) => {
                    lifted.memory = Some(self.core_memories.get(index as usize)?.clone());
                }
                CanonicalOption::Realloc(index) => lifted.realloc = Some(named(index)?),
                CanonicalOption::PostReturn(index) => lifted.post_return = Some(named(index)?),
                _ => return None,
            }
        }
        Some(lifted)
    }

    fn instance(&self, instance: &ComponentInstance<'_>) -> Option<BTreeMap<String, FlatFunction>> {
        let function = |index: u32| self.functions.get(index as usize).cloned();
        let mut exports = BTreeMap::new();
        match instance {
            ComponentInstance::FromExports(items) => {
                for item in items {
                    match item.kind {
                        ComponentExternalKind::Func => {
                            exports.insert(item.name.name.to_owned(), function(item.index)?);
                        }
                        ComponentExternalKind::Type => {}
                        _ => return None,
                    }
                }
            }
            ComponentInstance::Instantiate { component_index, args } => {
                for (export, import) in self.components.get(*component_index as usize)? {
                    let arg = args.iter().find(|arg| arg.name == import)?;
                    if arg.kind != ComponentExternalKind::Func {
                        return None;
                    }
                    exports.insert(export.clone(), function(arg.index)?);
                }
            }
        }
        Some(exports)
    }
}

/// The functions that an inner component hands on, by the export's name, if that is all that it does.
fn reexports(bytes: &[u8]) -> Option<BTreeMap<String, String>> {
    let mut functions: Vec<String> = Vec::new();
    let mut exports = BTreeMap::new();
    for payload in outermost(bytes) {
        match payload? {
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let import = import.ok()?;
                    match import.ty {
                        ComponentTypeRef::Func(_) => functions.push(import.name.name.to_owned()),
                        ComponentTypeRef::Type(_) => {}
                        _ => return None,
                    }
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    let export = export.ok()?;
                    match export.kind {
                        ComponentExternalKind::Func => {
                            let import = functions.get(export.index as usize)?.clone();
                            functions.push(import.clone());
                            exports.insert(export.name.name.to_owned(), import);
                        }
                        ComponentExternalKind::Type => {}
                        _ => return None,
                    }
                }
            }
            Payload::ComponentTypeSection(_) | Payload::CustomSection(_) => {}
            _ => return None,
        }
    }
    Some(exports)
}
