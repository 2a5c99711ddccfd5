//! `outcry plugin show`: one rule, all of it.

use super::change::terms;
use crate::commands::client::{Exchange, or_dash};
use crate::ui::{self, Outcome, Paint, Result, Table, Ui};
use clap::Args;
use gateway::api::{
    ProjectedRule, Rule, RuleActivation, RuleAnswer, RuleComponent, RuleCount, RuleMeasured, RuleSpread,
};
use model::RuleKind;
use std::io;

/// Show a rule of a running exchange: what is in force, what it did and what it costs
#[derive(Debug, Args)]
pub struct Show {
    /// Which rule
    name: String,
    #[command(flatten)]
    exchange: Exchange,
}

impl Show {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let client = self.exchange.client();
        let answer = client.rule(&self.name)?;
        // What a reporting rule does, the projection says.
        let status =
            if answer.rule.kind.0 == RuleKind::Reporting { client.status()?.projection } else { None };
        let fed = status.and_then(|status| status.rules.into_iter().find(|fed| fed.rule == self.name));
        ui.answer(&answer, |ui, RuleAnswer { rule, .. }| show(ui, rule, fed.as_ref()))?;
        Ok(Outcome::Success)
    }
}

fn show(ui: &mut Ui, rule: &Rule, fed: Option<&ProjectedRule>) -> io::Result<()> {
    let name = ui.paint(Paint::Strong, &rule.name);
    let newest = rule.components.last();
    let description = newest.and_then(|component| component.description.as_deref()).unwrap_or("");
    ui.line(format_args!("{name} ({} rule) {description}", rule.kind))?;
    for (what, slot) in [("in force", &rule.active), ("shadows", &rule.shadow)] {
        match slot {
            Some(activation) => show_activation(ui, what, activation)?,
            None => ui.line(format_args!("{what:<12} nothing"))?,
        }
    }
    if let Some(fed) = fed {
        let (table, sequence) = (or_dash(fed.table.as_deref()), ui::count(fed.sequence));
        ui.line(format_args!("{:<12} {table}, {} at record {sequence}", "table", fed.state))?;
        if let Some(error) = &fed.last_error {
            let failures = ui::count(fed.failures);
            let error = ui.paint(Paint::Bad, error);
            ui.line(format_args!("{:<12} {failures}, last: {error}", "failures"))?;
        }
    }
    let back = match rule.rollback_to {
        None => "nothing to go back to".to_owned(),
        Some(0) => "not in force".to_owned(),
        Some(version) => format!("version {version}"),
    };
    ui.line(format_args!("{:<12} {back}", "rollback to"))?;
    let faults: Vec<String> = rule.faults.iter().map(|(fault, count)| format!("{fault} {count}")).collect();
    if !faults.is_empty() {
        ui.line(format_args!("{:<12} {}", "faults", faults.join(", ")))?;
    }
    for (what, counts) in [("rejected", &rule.rejected), ("would reject", &rule.shadow_rejected)] {
        show_counts(ui, what, counts)?;
    }
    ui.line("")?;
    ui.table(&components(&rule.components))?;
    if let Some(component) = newest.filter(|component| !component.parameters.is_empty()) {
        let mut table = Table::new(["parameter", "type", "default", "meaning"]);
        for it in &component.parameters {
            let default = or_dash(it.default.as_deref());
            table.row([it.name.clone(), it.kind.clone(), default, it.description.clone()]);
        }
        ui.line("")?;
        ui.table(&table)?;
    }
    Ok(())
}

fn show_activation(ui: &mut Ui, what: &str, it: &RuleActivation) -> io::Result<()> {
    let suspended = if it.suspended { ui.paint(Paint::Bad, " SUSPENDED") } else { String::new() };
    let (version, terms, by) = (it.rule_version, terms(it), &it.activated_by);
    let how = if it.by_rollback { "rolled back to" } else { "activated" };
    ui.line(format_args!(
        "{what:<12} version {version}{terms} priority={} {how} by {by}{suspended}",
        it.priority
    ))?;
    let Some(measured) = &it.measured else { return Ok(()) };
    let RuleMeasured { unavailable, calls, rejects, faults, fuel, latency_ns } = measured;
    if let Some(why) = unavailable {
        let why = ui.paint(Paint::Bad, why);
        ui.line(format_args!("{:<12} {why}", "unavailable"))?;
    }
    let spread = |it: &RuleSpread, show: fn(u64) -> String| {
        format!("p50 {}, p99 {}, most {}", show(it.p50), show(it.p99), show(it.max))
    };
    ui.line(format_args!(
        "{:<12} {} calls, {} rejects, {} faults",
        "",
        ui::count(*calls),
        ui::count(*rejects),
        ui::count(*faults)
    ))?;
    if *calls > 0 {
        ui.line(format_args!("{:<12} fuel {}", "", spread(fuel, ui::count)))?;
    }
    if latency_ns.count > 0 {
        ui.line(format_args!("{:<12} time {}", "", spread(latency_ns, ui::duration_ns)))?;
    }
    Ok(())
}

fn show_counts(ui: &mut Ui, what: &str, counts: &[RuleCount]) -> io::Result<()> {
    for count in counts {
        let RuleCount { code, count, text } = count;
        ui.line(format_args!("{what:<12} {} times, code {code}: {text}", ui::count(*count)))?;
    }
    Ok(())
}

fn components(components: &[RuleComponent]) -> Table {
    let mut table = Table::new([
        "#version",
        "author's",
        "component",
        "#size",
        "contract",
        "#fuel",
        "#memory",
        "fail",
        "loaded by",
        "approved by",
        "signed by",
    ]);
    for it in components {
        let approved = match (&it.approved_by, it.needs_approval) {
            (Some(by), _) => by.clone(),
            (None, true) => "nobody yet".to_owned(),
            (None, false) => "-".to_owned(),
        };
        table.row([
            it.rule_version.to_string(),
            or_dash(it.version.as_deref()),
            it.component[..12].to_owned(),
            ui::bytes(it.size_bytes.into()),
            it.contract.clone(),
            ui::count(it.fuel),
            ui::bytes(it.memory_bytes.into()),
            it.fail.to_string(),
            it.loaded_by.clone(),
            approved,
            or_dash(it.signer.as_deref().map(|signer| &signer[..12])),
        ]);
    }
    table
}
