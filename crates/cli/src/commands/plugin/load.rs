//! `outcry plugin load`: a component on its way into a running exchange.

use super::change::{self, Terms};
use super::{Operated, keys};
use crate::ui::{Failure, Outcome, Result, Ui};
use clap::Args;
use gateway::api::{RuleActivation, RuleLoadedAnswer};
use model::RuleMode;
use plugin_host::{Ceilings, Policy, inspect};
use plugin_kit::Project;
use serde::Serialize;
use std::io;
use std::path::{Path, PathBuf};

/// Load a component into a running exchange
///
/// The exchange looks at it, compiles it and keeps it; it judges nothing until it is activated, at once with --activate or
/// --shadow, or later with "outcry plugin activate".
#[derive(Debug, Args)]
pub struct Load {
    /// A component, or the folder of a rule that was built
    path: PathBuf,
    /// The rule's name in the exchange, instead of the one in its manifest
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Put it in force
    #[arg(long, conflicts_with = "shadow")]
    activate: bool,
    /// Let it shadow: what it would reject is recorded and counted, and nothing else changes
    #[arg(long)]
    shadow: bool,
    #[command(flatten)]
    terms: Terms,
    /// Sign it with this secret key, which "outcry plugin keygen" made
    #[arg(long, value_name = "FILE", conflicts_with = "signature")]
    sign: Option<PathBuf>,
    /// Its signature, which "outcry plugin sign" made
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    #[command(flatten)]
    operated: Operated,
}

#[derive(Debug, Serialize)]
struct Loaded {
    #[serde(flatten)]
    loaded: RuleLoadedAnswer,
    /// What came into force or shadows.
    #[serde(skip_serializing_if = "Option::is_none")]
    activation: Option<RuleActivation>,
}

impl Load {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let path = component(&self.path)?;
        let bytes = std::fs::read(&path).map_err(|error| {
            Failure::usage(format_args!("cannot read {}", path.display())).caused_by(error)
        })?;
        let mode = if self.shadow { RuleMode::Shadow } else { RuleMode::Enforce };
        if !self.activate && !self.shadow && self.terms.are_given() {
            return Err(Failure::usage("nothing is activated, so there is nothing to configure")
                .hint("add --activate or --shadow, or give them to \"outcry plugin activate\""));
        }
        let signature = match (&self.sign, &self.signature) {
            (Some(key), _) => Some(keys::signature(&bytes, key)?),
            (None, Some(file)) => Some(keys::read_hex(file, "a signature")?),
            (None, None) => None,
        };
        let name = self.name.unwrap_or_else(|| name_of(&bytes, &path));
        let client = self.operated.client();
        let loaded = client.load_rule(&name, &bytes, signature.as_ref())?;
        let activation = if self.activate || self.shadow {
            let request = self.terms.request(Some(loaded.component.component.clone()), mode)?;
            let rule = client.activate_rule(&name, &request)?.rule;
            if self.shadow { rule.shadow } else { rule.active }
        } else {
            None
        };
        ui.answer(&Loaded { loaded, activation }, show)?;
        Ok(Outcome::Success)
    }
}

fn show(ui: &mut Ui, Loaded { loaded, activation }: &Loaded) -> io::Result<()> {
    let RuleLoadedAnswer { name, component, .. } = loaded;
    ui.line(format_args!(
        "loaded {name} version {}: {} rule, component {}",
        component.rule_version, component.kind, component.component
    ))?;
    if let Some(activation) = activation {
        change::show_activation(ui, name, activation)?;
    }
    Ok(())
}

/// The component of a rule's folder, or the file itself.
fn component(path: &Path) -> Result<PathBuf> {
    if !path.is_dir() {
        return Ok(path.to_owned());
    }
    let project = Project::open(path).map_err(super::failure)?;
    let component = project.component();
    if component.is_file() {
        return Ok(component);
    }
    let hint = format!("\"outcry plugin build {}\" makes it", path.display());
    Err(Failure::usage(format_args!("{} is not built yet", path.display())).hint(hint))
}

/// What the manifest says, or else what the file is called. Whether it is a rule at all, the exchange says.
fn name_of(bytes: &[u8], path: &Path) -> String {
    let ceilings = Ceilings { component_bytes: usize::MAX, fuel: u64::MAX, memory_bytes: u32::MAX };
    let anything =
        Policy { trading: ceilings, reporting: ceilings, signers: Vec::new(), must_be_signed: false };
    let manifest = inspect(bytes, None, &anything).ok().and_then(|inspection| inspection.manifest);
    manifest.map_or_else(
        || path.file_stem().map_or_else(|| "rule".to_owned(), |stem| stem.to_string_lossy().to_lowercase()),
        |manifest| manifest.name.to_string(),
    )
}
