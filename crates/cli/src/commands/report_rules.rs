//! Reporting rules for the projection: the host's side of what `reporting` asks for, in the host's words.

use crate::ui::{Failure, Result};
use plugin_host::{ColumnKind, Desk, ReportEvent, ReportEventKind, ReportValue, Reporter, Settings};
use reporting::{
    RuleColumn, RuleColumnKind, RuleError, RuleEvent, RuleEventKind, RuleHost, RuleRecipe, RuleReport,
    RuleRunner, RuleTable, RuleValue,
};
use std::path::Path;
use std::sync::Arc;

/// Runs the components of a store.
pub struct ReportHost(Desk);

impl ReportHost {
    /// That of an exchange, which has a desk already.
    pub fn of(desk: Desk) -> Arc<dyn RuleHost> {
        Arc::new(Self(desk))
    }

    /// That of a store in which nobody may run. Compiled code is taken from where an exchange keeps it, if one has been there.
    pub fn of_store(store: &Path) -> Result<Arc<dyn RuleHost>> {
        let plugins = store.join("plugins");
        let compiled = Some(plugins.join("compiled")).filter(|folder| folder.is_dir());
        let desk = Desk::open(Settings { compiled, ..Settings::of_plugins(plugins) })
            .map_err(|error| Failure::failed("reporting rules cannot be run").caused_by(error))?;
        Ok(Self::of(desk))
    }
}

impl RuleHost for ReportHost {
    fn open(&self, recipe: &RuleRecipe) -> std::result::Result<Box<dyn RuleRunner>, RuleError> {
        let RuleRecipe { component, parameters, fuel, memory_bytes } = *recipe;
        let reporter = self.0.reporter(component, parameters, fuel, memory_bytes)?;
        let described = reporter.table();
        let columns = described.columns.iter().map(|column| RuleColumn {
            name: column.name.clone(),
            kind: kind(column.kind),
            comment: column.comment.clone(),
        });
        let table = RuleTable {
            name: described.name.clone(),
            columns: columns.collect(),
            key: described.key as usize,
        };
        Ok(Box::new(Running { reporter, table, events: Vec::new() }))
    }
}

struct Running {
    reporter: Reporter,
    table: RuleTable,
    /// Room for what is told, kept from one call to the next.
    events: Vec<ReportEvent>,
}

impl RuleRunner for Running {
    fn table(&self) -> &RuleTable {
        &self.table
    }

    fn process(&mut self, state: &[u8], events: &[RuleEvent]) -> std::result::Result<RuleReport, RuleError> {
        self.events.clear();
        self.events.extend(events.iter().map(event));
        let report = self.reporter.process(state, &self.events)?;
        let rows = report.rows.into_iter().map(|row| row.into_iter().map(value).collect());
        Ok(RuleReport { state: report.state, rows: rows.collect() })
    }
}

fn kind(kind: ColumnKind) -> RuleColumnKind {
    match kind {
        ColumnKind::Int64 => RuleColumnKind::Int64,
        ColumnKind::Text => RuleColumnKind::Text,
        ColumnKind::Timestamp => RuleColumnKind::Timestamp,
        ColumnKind::Float64 => RuleColumnKind::Float64,
        ColumnKind::Boolean => RuleColumnKind::Boolean,
    }
}

fn value(value: ReportValue) -> RuleValue {
    match value {
        ReportValue::Null => RuleValue::Null,
        ReportValue::Int64(number) => RuleValue::Int64(number),
        ReportValue::Text(text) => RuleValue::Text(text),
        ReportValue::Float64(number) => RuleValue::Float64(number),
        ReportValue::Boolean(truth) => RuleValue::Boolean(truth),
    }
}

fn event(event: &RuleEvent) -> ReportEvent {
    let kind = match event.kind {
        RuleEventKind::OrderAccepted => ReportEventKind::OrderAccepted,
        RuleEventKind::OrderRejected => ReportEventKind::OrderRejected,
        RuleEventKind::OrderReplaced => ReportEventKind::OrderReplaced,
        RuleEventKind::ReplaceRejected => ReportEventKind::ReplaceRejected,
        RuleEventKind::OrderCanceled => ReportEventKind::OrderCanceled,
        RuleEventKind::CancelRejected => ReportEventKind::CancelRejected,
        RuleEventKind::OrderReduced => ReportEventKind::OrderReduced,
        RuleEventKind::Trade => ReportEventKind::Trade,
        RuleEventKind::TradingDayStarted => ReportEventKind::TradingDayStarted,
    };
    ReportEvent {
        sequence: event.sequence,
        time: event.time,
        kind,
        sell: event.sell,
        account: event.account,
        instrument: event.instrument,
        order_id: event.order_id,
        price: event.price,
        quantity: event.quantity,
        notional: event.notional,
        trade_id: event.trade_id,
        maker_account: event.maker_account,
        maker_order_id: event.maker_order_id,
        reason: event.reason,
    }
}
