//! `outcry plugin activate`, `deactivate`, `rollback` and `approve`: what stands in force, changed.

use super::Operated;
use crate::ui::{Failure, Outcome, Paint, Result, Ui};
use clap::Args;
use gateway::api::{
    ActivateRequest, ApproveRequest, DeactivateRequest, Rule, RuleActivation, RuleAnswer, RuleModeWord, Word,
};
use model::RuleMode;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

/// How a component judges: with which parameters, whose orders, in which order.
#[derive(Debug, Args)]
pub struct Terms {
    /// A parameter, NAME=VALUE; a list is separated by commas. What is not given has its default
    #[arg(long = "param", value_name = "NAME=VALUE", value_parser = parameter)]
    parameters: Vec<(String, String)>,
    /// Judge only orders in this instrument
    #[arg(long, value_name = "SYMBOL")]
    symbol: Option<String>,
    /// Judge only orders of this account
    #[arg(long, value_name = "ACCOUNT")]
    account: Option<String>,
    /// Rules of a kind are asked in the order of this number; 100 if not given
    #[arg(long, value_name = "N")]
    priority: Option<u16>,
}

pub(super) fn parameter(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("write it as NAME=VALUE, such as max_qty=100")?;
    Ok((name.to_owned(), value.to_owned()))
}

impl Terms {
    /// Whether any is.
    pub fn are_given(&self) -> bool {
        let Self { parameters, symbol, account, priority } = self;
        !parameters.is_empty() || symbol.is_some() || account.is_some() || priority.is_some()
    }

    /// The request for an activation.
    pub fn request(self, component: Option<String>, mode: RuleMode) -> Result<ActivateRequest> {
        let mut parameters = BTreeMap::new();
        for (name, value) in self.parameters {
            if parameters.insert(name.clone(), value.into()).is_some() {
                return Err(Failure::usage(format_args!("the parameter {name} is given twice")));
            }
        }
        Ok(ActivateRequest {
            component,
            mode: Some(Word(mode)),
            parameters,
            account: self.account,
            symbol: self.symbol,
            priority: self.priority,
        })
    }
}

/// Put a loaded component in force
///
/// It judges from the next order on. What was in force before can be had back with "outcry plugin rollback".
#[derive(Debug, Args)]
pub struct Activate {
    /// Which rule
    name: String,
    /// Which of its components: a hash or the first digits of one; the one loaded last if not given
    #[arg(long, value_name = "HASH")]
    component: Option<String>,
    /// Let it shadow: what it would reject is recorded and counted, and nothing else changes
    #[arg(long)]
    shadow: bool,
    #[command(flatten)]
    terms: Terms,
    #[command(flatten)]
    operated: Operated,
}

impl Activate {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let mode = if self.shadow { RuleMode::Shadow } else { RuleMode::Enforce };
        let request = self.terms.request(self.component, mode)?;
        let answer = self.operated.client().activate_rule(&self.name, &request)?;
        ui.answer(&answer, |ui, answer| show_slot(ui, &answer.rule, mode))?;
        Ok(Outcome::Success)
    }
}

/// Take a rule out of force
#[derive(Debug, Args)]
pub struct Deactivate {
    /// Which rule
    name: String,
    /// End the shadow instead
    #[arg(long)]
    shadow: bool,
    #[command(flatten)]
    operated: Operated,
}

impl Deactivate {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let mode = if self.shadow { RuleMode::Shadow } else { RuleMode::Enforce };
        let request = DeactivateRequest { mode: Some(RuleModeWord::from(mode)) };
        let answer = self.operated.client().deactivate_rule(&self.name, &request)?;
        ui.answer(&answer, |ui, answer| show_slot(ui, &answer.rule, mode))?;
        Ok(Outcome::Success)
    }
}

/// Go back to what was in force before the last change of a rule
#[derive(Debug, Args)]
pub struct Rollback {
    /// Which rule
    name: String,
    #[command(flatten)]
    operated: Operated,
}

impl Rollback {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let answer = self.operated.client().roll_back_rule(&self.name)?;
        ui.answer(&answer, |ui, answer| show_slot(ui, &answer.rule, RuleMode::Enforce))?;
        Ok(Outcome::Success)
    }
}

/// Agree to a component that another operator loaded
#[derive(Debug, Args)]
pub struct Approve {
    /// Which rule
    name: String,
    /// Which of its components: a hash or the first digits of one; the one loaded last if not given
    #[arg(long, value_name = "HASH")]
    component: Option<String>,
    #[command(flatten)]
    operated: Operated,
}

impl Approve {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let request = ApproveRequest { component: self.component.clone() };
        let answer = self.operated.client().approve_rule(&self.name, &request)?;
        let start = self.component.unwrap_or_default().to_ascii_lowercase();
        ui.answer(&answer, |ui, RuleAnswer { rule, .. }| {
            let approved = rule.components.iter().rfind(|it| it.component.starts_with(&start));
            approved.map_or(Ok(()), |it| {
                let by = it.approved_by.as_deref().unwrap_or("-");
                ui.line(format_args!("approved {} version {} by {by}", rule.name, it.rule_version))
            })
        })?;
        Ok(Outcome::Success)
    }
}

/// What is in force now, or shadows.
fn show_slot(ui: &mut Ui, rule: &Rule, mode: RuleMode) -> io::Result<()> {
    let (slot, nothing) = match mode {
        RuleMode::Enforce => (&rule.active, "is not in force"),
        RuleMode::Shadow => (&rule.shadow, "does not shadow"),
    };
    if let Some(activation) = slot {
        return show_activation(ui, &rule.name, activation);
    }
    let line = ui.paint(Paint::Careful, format_args!("{} {nothing}", rule.name));
    ui.line(line)
}

/// An activation on one line.
pub fn show_activation(ui: &mut Ui, name: &str, activation: &RuleActivation) -> io::Result<()> {
    let what = match activation.mode.0 {
        RuleMode::Enforce => ui.paint(Paint::Good, "in force"),
        RuleMode::Shadow => ui.paint(Paint::Careful, "shadows"),
    };
    let version = activation.rule_version;
    ui.line(format_args!("{what}: {name} version {version}{}", terms(activation)))
}

/// What an activation is configured with, as it would be typed.
pub fn terms(activation: &RuleActivation) -> String {
    let mut terms = String::new();
    let scope = [("symbol", &activation.symbol), ("account", &activation.account)];
    let scope = scope.iter().filter_map(|(name, value)| Some((*name, value.as_deref()?)));
    let parameters = activation.parameters.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in parameters.chain(scope) {
        write!(terms, " {name}={value}").expect("writing to a string cannot fail");
    }
    terms
}
