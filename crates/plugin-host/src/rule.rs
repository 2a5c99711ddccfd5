//! A component made ready to be instantiated, and the recipe by which an activation's instances are made: every one in the
//! same way, so that it does not matter which of them judges.

use crate::cache::{self, Cache};
use crate::contract::{ContractVersion, export_name};
use crate::flat::{self, Flat};
use crate::inspect::Inspection;
use crate::instance::{Instance, WholeExports};
use crate::machine::{self, Ceiling};
use model::{ComponentHash, RuleActivated, RuleFault, RuleKind, RuleParameters};
use std::sync::Arc;
use wasmtime::component::{self, Component};
use wasmtime::{Engine, InstancePre, Linker, Module};

/// Why a rule cannot be made ready.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum BuildError {
    /// The compiler does not take it, which after an inspection it should.
    #[error("the component cannot be compiled: {what}")]
    Compile {
        /// What the engine says.
        what: String,
    },
    /// It cannot begin: it wants more memory than it has, or its start function fails.
    #[error("the rule cannot begin: {what}")]
    Instantiate {
        /// What the engine says.
        what: String,
    },
    /// It does not want its parameters.
    #[error("the rule refuses its parameters: {words} (code {code})")]
    Parameters {
        /// Its code for why.
        code: u32,
        /// The code in its own words.
        words: String,
    },
    /// It fails over its parameters.
    #[error("the rule fails while it takes its parameters: {fault}")]
    Configure {
        /// How.
        fault: RuleFault,
    },
    /// It is of contract 1.0, which has no parameters.
    #[error("the rule is built for a contract without parameters, and is given some ({words} words)")]
    TakesNone {
        /// How many words.
        words: usize,
    },
    /// It describes a table that none can be.
    #[error("the rule's table is not one: {what}")]
    Table {
        /// What is wrong with it.
        what: String,
    },
    /// It is of another kind than the activation says.
    #[error("the component is a {found} rule, and the activation is of a {expected} rule")]
    Kind {
        /// What it is.
        found: RuleKind,
        /// What it should be.
        expected: RuleKind,
    },
}

/// How a rule is called.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum CallPath {
    /// The one module inside the component, directly.
    Module,
    /// The component as a whole.
    Component,
}

/// A compiled component. Many instances can be made of it, on any thread.
pub(crate) struct Rule {
    pub(crate) component: ComponentHash,
    pub(crate) kind: RuleKind,
    engine: Engine,
    code: Code,
}

enum Code {
    Flat { pre: InstancePre<Ceiling>, flat: Flat },
    Whole { pre: component::InstancePre<Ceiling>, exports: WholeExports },
}

impl Rule {
    /// Compiles a component that [`inspect`](crate::inspect) has passed. Takes milliseconds to seconds.
    pub(crate) fn compile(
        engine: &Engine,
        cache: Option<&Cache>,
        bytes: &[u8],
        inspection: &Inspection,
        path: CallPath,
    ) -> Result<Self, BuildError> {
        let (kind, contract) = (inspection.kind, inspection.contract);
        let flat = if path == CallPath::Module { flat::recognise(bytes, kind, contract) } else { None };
        let code = match flat {
            Some(flat) => flat_code(engine, cache, bytes, inspection.component, flat),
            None => whole_code(engine, cache, bytes, inspection.component, kind, contract),
        };
        let code = code.map_err(|error| BuildError::Compile { what: sentence(&error) })?;
        Ok(Self { component: inspection.component, kind, engine: engine.clone(), code })
    }

    pub(crate) fn path(&self) -> CallPath {
        match self.code {
            Code::Flat { .. } => CallPath::Module,
            Code::Whole { .. } => CallPath::Component,
        }
    }
}

fn flat_code(
    engine: &Engine,
    cache: Option<&Cache>,
    bytes: &[u8],
    component: ComponentHash,
    flat: Flat,
) -> wasmtime::Result<Code> {
    let module: Module = cache::compile(cache, engine, component, &bytes[flat.module.clone()])?;
    Ok(Code::Flat { pre: Linker::new(engine).instantiate_pre(&module)?, flat })
}

fn whole_code(
    engine: &Engine,
    cache: Option<&Cache>,
    bytes: &[u8],
    hash: ComponentHash,
    kind: RuleKind,
    contract: ContractVersion,
) -> wasmtime::Result<Code> {
    let component: Component = cache::compile(cache, engine, hash, bytes)?;
    let pre = component::Linker::new(engine).instantiate_pre(&component)?;
    let interface = component.get_export_index(None, export_name(kind, contract));
    let index = |name: &str| {
        interface
            .and_then(|interface| component.get_export_index(Some(&interface), name))
            .ok_or_else(|| wasmtime::format_err!("no function {name}"))
    };
    let configure = contract.has_configure().then(|| index("configure")).transpose()?;
    let exports = WholeExports { check: index("check")?, explain: index("explain")?, configure };
    Ok(Code::Whole { pre, exports })
}

/// The last thing that an error of the engine says: what happened, without where.
pub(crate) fn sentence(error: &wasmtime::Error) -> String {
    error.root_cause().to_string().lines().next().unwrap_or_default().to_owned()
}

/// What an instance of an activation is made of.
#[derive(Clone)]
pub(crate) struct Recipe {
    pub(crate) rule: Arc<Rule>,
    pub(crate) parameters: RuleParameters,
    pub(crate) fuel: u64,
    pub(crate) memory_bytes: u32,
}

/// What sets one recipe apart from another.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct RecipeKey {
    pub(crate) component: ComponentHash,
    pub(crate) kind: RuleKind,
    pub(crate) parameters: RuleParameters,
    pub(crate) fuel: u64,
    pub(crate) memory_bytes: u32,
}

impl RecipeKey {
    pub(crate) fn of(event: &RuleActivated) -> Self {
        Self {
            component: event.component,
            kind: event.kind,
            parameters: event.parameters,
            fuel: event.fuel,
            memory_bytes: event.memory_bytes,
        }
    }
}

impl Recipe {
    pub(crate) fn key(&self) -> RecipeKey {
        RecipeKey {
            component: self.rule.component,
            kind: self.rule.kind,
            parameters: self.parameters,
            fuel: self.fuel,
            memory_bytes: self.memory_bytes,
        }
    }

    /// A fresh instance, configured.
    pub(crate) fn build(&self) -> Result<Instance, BuildError> {
        let rule = &*self.rule;
        let ceiling = Ceiling::new(rule.kind, self.memory_bytes);
        let is_risk = rule.kind == RuleKind::Risk;
        let instance = match &rule.code {
            Code::Flat { pre, flat } => Instance::flat(&rule.engine, ceiling, self.fuel, pre, flat, is_risk),
            Code::Whole { pre, exports } => {
                Instance::whole(&rule.engine, ceiling, self.fuel, pre, exports, is_risk)
            }
        };
        let mut instance = instance.map_err(|error| BuildError::Instantiate { what: sentence(&error) })?;
        let words = self.parameters.words();
        match instance.configure(words) {
            Ok(Some(0)) => Ok(instance),
            Ok(None) if words.is_empty() => Ok(instance),
            Ok(None) => Err(BuildError::TakesNone { words: words.len() }),
            Ok(Some(code)) => {
                let words = instance.explain(code).unwrap_or_else(|_| "it does not say why".to_owned());
                Err(BuildError::Parameters { code, words })
            }
            Err(fault) => Err(BuildError::Configure { fault }),
        }
    }
}

/// The engine for a kind of rule.
pub(crate) fn engine(kind: RuleKind) -> Result<Engine, BuildError> {
    machine::engine(kind).map_err(|error| BuildError::Compile { what: sentence(&error) })
}
