//! `outcry plugin report`: the table that a reporting rule would make of a recorded log.

use super::candidate::{Candidate, Choice};
use crate::commands::report_rules::ReportHost;
use crate::commands::store::Store;
use crate::ui::{self, Align, Failure, Outcome, Result, Table, Ui};
use clap::Args;
use gateway::api::Time;
use model::{RuleKind, Timestamp};
use reporting::{RuleColumn, RuleColumnKind, RuleRecipe, RuleValue, Trial};
use serde_json::{Map, Value, json};

/// Try a reporting rule on a recorded log: show the table that it makes of it
///
/// Works on the store of a running exchange too, and changes nothing in it. Exit code 1 if the rule fails on the way; the rows are those up to there.
#[derive(Debug, Args)]
pub struct Report {
    #[command(flatten)]
    choice: Choice,
    /// The last record it reads; the last of the log if not given
    #[arg(long, value_name = "SEQ")]
    to: Option<u64>,
    /// The most rows that are shown; 0 for all
    #[arg(long, value_name = "N", default_value_t = 1000)]
    max_rows: usize,
    #[command(flatten)]
    store: Store,
}

impl Report {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let Candidate { path, inspection, parameters, desk, .. } = &self.choice.load()?;
        if inspection.kind != RuleKind::Reporting {
            let hint = format!("outcry plugin replay {}", self.choice.rule.display());
            return Err(Failure::usage(format_args!("a {} rule fills no table", inspection.kind)).hint(hint));
        }
        let (fuel, memory_bytes) = (inspection.limits.fuel, inspection.limits.memory_bytes);
        let recipe =
            RuleRecipe { component: inspection.component, parameters: *parameters, fuel, memory_bytes };
        let runner =
            ReportHost::of(desk.clone()).open(&recipe).map_err(|error| Failure::usage(error.to_string()))?;
        let progress = ui.progress("reading the log", None);
        let trial = Trial::run(&self.store.dir, runner, self.to, |sequence| progress.set(sequence))?;
        progress.end();
        let answer = json!({
            "rule": path,
            "component": inspection.component.to_string(),
            "table": trial.table.name,
            "last_sequence": trial.sequence,
            "failure": trial.failure,
            "rows": self.shown(&trial).map(|row| object(&trial, row)).collect::<Vec<_>>(),
        });
        ui.answer(&answer, |ui, _| ui.table(&self.table(&trial)))?;
        let (rows, sequence) = (ui::count(trial.rows.len() as u64), ui::count(trial.sequence));
        ui.say(format_args!("table {}: {rows} rows at record {sequence}", trial.table.name));
        if let Some(failure) = &trial.failure {
            let sequence = trial.sequence + 1;
            ui.complain(format_args!("error: it fails on record {sequence}: {failure}"));
            ui.complain(format_args!("hint: \"outcry log show --from {sequence} --limit 1\" shows it"));
        }
        Ok(Outcome::when(trial.failure.is_none()))
    }

    fn shown<'t>(&self, trial: &'t Trial) -> impl Iterator<Item = &'t Vec<RuleValue>> {
        let most = if self.max_rows == 0 { usize::MAX } else { self.max_rows };
        trial.rows.iter().take(most)
    }

    fn table(&self, trial: &Trial) -> Table {
        let columns = trial.table.columns.iter().map(|column| {
            let number = matches!(column.kind, RuleColumnKind::Int64 | RuleColumnKind::Float64);
            (column.name.clone(), if number { Align::Right } else { Align::Left })
        });
        let mut table = Table::of(columns);
        for row in self.shown(trial) {
            let cell = |(value, column): (&RuleValue, &RuleColumn)| match shown(value, column.kind) {
                Value::Null => "-".to_owned(),
                Value::String(text) => text,
                other => other.to_string(),
            };
            table.cells(row.iter().zip(&trial.table.columns).map(cell).collect());
        }
        table
    }
}

fn object(trial: &Trial, row: &[RuleValue]) -> Value {
    let columns = trial.table.columns.iter().zip(row);
    let object: Map<String, Value> =
        columns.map(|(column, value)| (column.name.clone(), shown(value, column.kind))).collect();
    Value::Object(object)
}

fn shown(value: &RuleValue, kind: RuleColumnKind) -> Value {
    match value {
        RuleValue::Null => Value::Null,
        RuleValue::Int64(ns) if kind == RuleColumnKind::Timestamp => Time(Timestamp(*ns)).to_string().into(),
        RuleValue::Int64(number) => (*number).into(),
        RuleValue::Text(text) => text.as_str().into(),
        RuleValue::Float64(number) => (*number).into(),
        RuleValue::Boolean(truth) => (*truth).into(),
    }
}
