//! `outcry plugin list`: all rules of an exchange, one a line.

use crate::commands::client::{Exchange, or_dash};
use crate::ui::{Outcome, Paint, Result, Table, Ui};
use clap::Args;
use gateway::api::{RuleList, RuleSummary};

/// List the rules of a running exchange
#[derive(Debug, Args)]
pub struct List {
    #[command(flatten)]
    exchange: Exchange,
}

impl List {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let answer = self.exchange.client().rules()?;
        ui.answer(&answer, |ui, answer| ui.table(&table(answer)))?;
        Ok(Outcome::Success)
    }
}

fn table(list: &RuleList) -> Table {
    let mut table =
        Table::new(["rule", "kind", "state", "#version", "#shadow", "#loaded", "#rejected", "#faults"]);
    for rule in &list.rules {
        let (state, paint) = state(rule);
        table.painted([
            (rule.name.clone(), None),
            (rule.kind.to_string(), None),
            (state.to_owned(), Some(paint)),
            (or_dash(rule.active), None),
            (or_dash(rule.shadow), None),
            (rule.components.to_string(), None),
            (rule.rejected.to_string(), None),
            (rule.faults.to_string(), None),
        ]);
    }
    table
}

fn state(rule: &RuleSummary) -> (&'static str, Paint) {
    match (rule.suspended, rule.active, rule.shadow) {
        (true, _, _) => ("suspended", Paint::Bad),
        (false, Some(_), _) => ("in force", Paint::Good),
        (false, None, Some(_)) => ("shadows", Paint::Careful),
        (false, None, None) => ("loaded", Paint::Faint),
    }
}
