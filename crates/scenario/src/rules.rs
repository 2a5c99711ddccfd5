//! `rule load` and `rule unload`: finds the component, has it looked at, and makes the commands that a gateway would send. The rules
//! themselves run in `plugin-host`, as in any exchange.

use crate::exchange::ExchangeError;
use model::{
    AccountId, ActivateRule, Command, DeactivateRule, FailMode, InstrumentId, LoadRule, OperatorName,
    RuleKind, RuleMode, RuleName,
};
use plugin_host::{Desk, PrepareError, Settings};
use std::path::{Path, PathBuf};

/// Who loads and unloads rules in scenarios.
const OPERATOR: &str = "scenario";

/// What component files are called.
const COMPONENT_EXTENSION: &str = "wasm";

/// The rules of one run.
pub(crate) struct RuleHost {
    pub desk: Desk,
    /// Where paths are looked for first: the folder of the scenario.
    base: PathBuf,
}

/// Why a rule was not loaded, as it is printed.
pub(crate) struct NotLoaded(String);

impl std::fmt::Display for NotLoaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<PrepareError> for NotLoaded {
    fn from(error: PrepareError) -> Self {
        Self(error.to_string())
    }
}

impl RuleHost {
    /// A host over the components of a store.
    pub fn new(store: &Path, base: &Path) -> Result<Self, ExchangeError> {
        let desk = Desk::open(Settings::of_plugins(store.join("plugins"))).map_err(ExchangeError::Rules)?;
        Ok(Self { desk, base: base.to_owned() })
    }

    /// The commands that load a component under a name and put it in force with its default parameters.
    pub fn load(
        &self,
        name: RuleName,
        path: &str,
        kind: Option<RuleKind>,
        fail: Option<FailMode>,
    ) -> Result<[Command; 2], NotLoaded> {
        let path = self.find(path)?;
        let bytes =
            std::fs::read(&path).map_err(|error| NotLoaded(format!("{}: {error}", path.display())))?;
        let inspection = self.desk.load(&bytes, None)?;
        if let Some(expected) = kind.filter(|kind| *kind != inspection.kind) {
            return Err(NotLoaded(format!("it is a {} rule, not a {expected} rule", inspection.kind)));
        }
        let manifest = inspection.manifest_or_defaults(name);
        let parameters = manifest.configure(&[]).map_err(|error| NotLoaded(error.to_string()))?;
        let load = inspection.load_command(name, operator(), false);
        let load = LoadRule { fail: fail.unwrap_or(load.fail), ..load };
        if inspection.kind != RuleKind::Reporting {
            self.desk.prepare(inspection.component, parameters, load.fuel, load.memory_bytes)?;
        }
        let activate = ActivateRule {
            name,
            component: inspection.component,
            parameters,
            by: operator(),
            account: AccountId::ALL,
            instrument: InstrumentId::ALL,
            priority: 0,
            mode: RuleMode::Enforce,
            reserved: [0; 5],
        };
        Ok([load.into(), activate.into()])
    }

    /// The file a path means: a component, or the one that a rule's folder was built to.
    fn find(&self, path: &str) -> Result<PathBuf, NotLoaded> {
        let beside = self.base.join(path);
        let path = if beside.exists() { beside } else { PathBuf::from(path) };
        if !path.is_dir() {
            return Ok(path);
        }
        let built =
            std::fs::read_dir(path.join("dist")).into_iter().flatten().flatten().map(|entry| entry.path());
        let mut built: Vec<PathBuf> = built
            .filter(|path| path.extension().is_some_and(|extension| extension == COMPONENT_EXTENSION))
            .collect();
        match (built.pop(), built.is_empty()) {
            (Some(component), true) => Ok(component),
            (Some(_), false) => {
                Err(NotLoaded(format!("{} has several components: name one", path.display())))
            }
            (None, _) => {
                Err(NotLoaded(format!("{} is not built: run outcry plugin build there", path.display())))
            }
        }
    }
}

/// The command that takes a rule out of force.
pub(crate) fn unload(name: RuleName) -> Command {
    DeactivateRule { name, by: operator(), mode: RuleMode::Enforce, reserved: [0; 7] }.into()
}

fn operator() -> OperatorName {
    OperatorName::new(OPERATOR).expect("a short word is a name")
}
