//! A rule that is tried on a recorded log and goes nowhere near an exchange.

use crate::ui::{Failure, Result};
use clap::Args;
use model::{RuleName, RuleParameters};
use plugin_host::{Desk, Inspection, Settings};
use std::path::{Path, PathBuf};

use super::change::parameter;

/// Which rule is tried, and how it is set.
#[derive(Debug, Args)]
pub struct Choice {
    /// The candidate: a component, or a rule's folder that was built
    #[arg(value_name = "RULE")]
    pub rule: PathBuf,
    /// A parameter of the candidate; those not given are as its manifest says
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
}

/// The rule, compiled in a directory that goes away with it.
pub struct Candidate {
    pub path: PathBuf,
    pub inspection: Inspection,
    pub parameters: RuleParameters,
    pub desk: Desk,
    _compiled: tempfile::TempDir,
}

impl Candidate {
    /// Its name where one is needed.
    pub fn name() -> RuleName {
        RuleName::new("candidate").expect("a short word is a name")
    }
}

impl Choice {
    /// Loads it.
    pub fn load(&self) -> Result<Candidate> {
        let path = component(&self.rule)?;
        let compiled = tempfile::tempdir()
            .map_err(|error| Failure::failed("cannot make a temporary directory").caused_by(error))?;
        let desk = Desk::open(Settings::of_plugins(compiled.path()))
            .map_err(|error| Failure::failed("rules cannot be run").caused_by(error))?;
        let bytes = std::fs::read(&path).map_err(|error| {
            Failure::usage(format_args!("cannot read {}", path.display())).caused_by(error)
        })?;
        let inspection =
            desk.load(&bytes, None).map_err(|error| Failure::usage(error).hint("outcry plugin build"))?;
        let parameters = self.configure(&inspection)?;
        Ok(Candidate { path, inspection, parameters, desk, _compiled: compiled })
    }

    fn configure(&self, inspection: &Inspection) -> Result<RuleParameters> {
        let manifest = inspection.manifest_or_defaults(Candidate::name());
        let given: Vec<(&str, &str)> =
            self.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        manifest.configure(&given).map_err(|error| {
            let known: Vec<&str> =
                manifest.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
            Failure::usage(error).hint(format_args!("its parameters are {}", known.join(", ")))
        })
    }
}

/// The component that a path means.
fn component(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let project = plugin_kit::Project::open(path).map_err(super::failure)?;
    let component = project.component();
    if component.is_file() {
        Ok(component)
    } else {
        let hint = format!("outcry plugin build {}", path.display());
        Err(Failure::usage(format_args!("{} is not built", path.display())).hint(hint))
    }
}
