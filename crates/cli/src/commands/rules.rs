//! The rules of an exchange in this process: the host's side of what the gateway asks for, in the host's words.

use crate::ui::{Failure, Result};
use gateway::rules::{Inspected, Measured, Recipe, Refused, RuleDesk, RulesConfig, Spread, Why};
use model::{ActivationId, ComponentHash, RuleKind};
use plugin_host::{
    BuildError, CallPath, Ceilings, Desk, Histogram, LiveRules, Policy, PrepareError, Settings, Signature,
};
use plugin_manifest::Manifest;
use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::sync::Arc;

/// A desk for the rules of a store, and the rules for its trading thread.
pub fn open(store: &Path, config: &RulesConfig) -> Result<(Arc<HostDesk>, LiveRules)> {
    config.check().map_err(Failure::usage)?;
    let plugins = store.join("plugins");
    // Before the cache makes its folder, which is for this user alone: the store is for whoever may read it.
    make_folder(&plugins).map_err(|error| {
        Failure::failed(format_args!("cannot make the folder {}", plugins.display())).caused_by(error)
    })?;
    let settings = Settings {
        compiled: Some(config.cache.clone().unwrap_or_else(|| plugins.join("compiled"))),
        plugins,
        policy: policy(config)?,
        path: CallPath::Module,
    };
    let desk = Desk::open(settings)
        .map_err(|error| Failure::failed("the exchange cannot run rules").caused_by(error))?;
    let live = desk.live();
    Ok((Arc::new(HostDesk(desk)), live))
}

/// Makes a folder and those above it, so that they survive a crash of the machine: the log will be in one of them.
fn make_folder(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let above = path.parent().filter(|above| !above.as_os_str().is_empty()).unwrap_or(Path::new("."));
    make_folder(above)?;
    match fs::create_dir(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.and_then(|()| File::open(above)?.sync_all()),
    }
}

/// What the operator's settings allow.
pub fn policy(config: &RulesConfig) -> Result<Policy> {
    Ok(Policy {
        trading: Ceilings {
            component_bytes: config.max_component_bytes,
            fuel: config.max_fuel,
            memory_bytes: config.max_memory_bytes,
        },
        reporting: Ceilings {
            component_bytes: config.max_reporting_component_bytes,
            fuel: config.max_reporting_fuel,
            memory_bytes: config.max_reporting_memory_bytes,
        },
        signers: config.keys().map_err(Failure::usage)?,
        must_be_signed: config.require_signature,
    })
}

/// The host as the gateway sees it.
pub struct HostDesk(Desk);

impl HostDesk {
    /// The desk itself, for others in this process.
    pub fn desk(&self) -> Desk {
        self.0.clone()
    }

    /// Why compiled code is not kept, if it is not.
    pub fn cache_trouble(&self) -> Option<String> {
        self.0.cache_error().map(ToString::to_string)
    }
}

fn refused(error: &PrepareError) -> Refused {
    let (why, hint) = match error {
        PrepareError::Refusal(refusal) => (Why::Component, refusal.hint().map(str::to_owned)),
        PrepareError::File(_) => {
            (Why::Store, Some("load the component again: the same bytes have the same name".to_owned()))
        }
        PrepareError::Build(
            BuildError::Parameters { .. } | BuildError::Configure { .. } | BuildError::TakesNone { .. },
        ) => (Why::Parameters, None),
        PrepareError::Build(BuildError::Instantiate { .. }) => (
            Why::Component,
            Some("memory_bytes in plugin.toml must hold what the rule begins with".to_owned()),
        ),
        PrepareError::Build(_) => (Why::Component, None),
    };
    Refused { why, detail: error.to_string(), hint }
}

impl RuleDesk for HostDesk {
    fn load(&self, bytes: &[u8], signature: Option<&[u8; 64]>) -> std::result::Result<Inspected, Refused> {
        let signature = signature.map(|&bytes| Signature(bytes));
        let it = self.0.load(bytes, signature.as_ref()).map_err(|error| refused(&error))?;
        Ok(Inspected {
            component: it.component,
            size_bytes: it.size_bytes,
            kind: it.kind,
            contract: (it.contract.major, it.contract.minor),
            manifest: it.manifest,
            limits: it.limits,
            signer: it.signer,
        })
    }

    fn manifest(&self, component: ComponentHash) -> std::result::Result<Option<Manifest>, Refused> {
        let inspection = self.0.inspection(component).map_err(|error| refused(&error))?;
        Ok(inspection.manifest.clone())
    }

    fn prepare(&self, recipe: &Recipe) -> std::result::Result<(), Refused> {
        let Recipe { component, kind, parameters, fuel, memory_bytes } = *recipe;
        // A reporting rule never comes near the trading thread: there is nothing to make ready.
        let prepared = if kind == RuleKind::Reporting {
            self.0.inspection(component).map(drop)
        } else {
            self.0.prepare(component, parameters, fuel, memory_bytes).map(drop)
        };
        prepared.map_err(|error| refused(&error))
    }

    fn explain(&self, recipe: &Recipe, code: u32) -> Option<String> {
        Some(self.0.explain(recipe.component, &recipe.parameters, code).to_string())
    }

    fn measured(&self, activation: ActivationId) -> Option<Measured> {
        let all = self.0.statistics();
        let it = all.iter().find(|it| it.activation == activation)?;
        let rejects: u64 = it.rejects.iter().map(|(_, count)| count).sum();
        Some(Measured {
            unavailable: it.unavailable.clone(),
            calls: it.calls(),
            rejects: rejects + it.other_rejects,
            faults: it.faults.iter().map(|(_, count)| count).sum(),
            fuel: spread(&it.fuel),
            latency_ns: spread(&it.latency_ns),
        })
    }
}

fn spread(it: &Histogram) -> Spread {
    Spread { count: it.count(), sum: it.sum, p50: it.at_most(500), p99: it.at_most(990), max: it.max }
}
