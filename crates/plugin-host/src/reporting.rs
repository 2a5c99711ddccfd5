//! Reporting rules: committed events in, rows for a table out, away from trading. They run as whole components, since an
//! interpreter is not one module in a wrapper, and on a thread with a stack of its own, since interpreters recurse.
//!
//! The rule keeps nothing: what it must remember it returns, and gets back with the next batch. Where that is kept, and how the rows
//! get into a table, is not known here.

use crate::cache;
use crate::contract::{ContractVersion, export_name};
use crate::desk::{Desk, PrepareError, Shared};
use crate::inspect::Inspection;
use crate::machine::{Ceiling, MAX_REPORTING_STACK_BYTES};
use crate::rule::{BuildError, sentence};
use model::{ComponentHash, RuleFault, RuleKind, RuleParameters};
use std::fmt;
use std::sync::Arc;
use std::thread;
use wasmtime::component::{
    Component, ComponentExportIndex, ComponentType, Instance, InstancePre, Lift, Linker, Lower,
};
use wasmtime::{Engine, Store};

/// The most that a reporting rule can hand to its next batch, in bytes.
pub const MAX_REPORT_STATE_BYTES: usize = 16 * 1024 * 1024;
/// The most columns of a rule's table.
pub const MAX_REPORT_COLUMNS: usize = 64;
/// The most rows of a batch.
pub const MAX_REPORT_ROWS: usize = 1 << 20;
/// The most that is copied out of a rule after a call, in bytes.
const MAX_REPORT_BYTES: usize = 256 * 1024 * 1024;
/// What the rest of a call needs of a stack, beside the rule.
const HOST_STACK_BYTES: usize = 1024 * 1024;

/// What a column holds.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ComponentType, Lift, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum ColumnKind {
    /// A whole number of 64 bits.
    #[component(name = "int64")]
    Int64,
    /// Text.
    #[component(name = "text")]
    Text,
    /// A time: UNIX nanoseconds.
    #[component(name = "timestamp")]
    Timestamp,
    /// A number with a fraction.
    #[component(name = "float64")]
    Float64,
    /// True or false.
    #[component(name = "boolean")]
    Boolean,
}

/// A column of a rule's table.
#[derive(Clone, PartialEq, Eq, Debug, ComponentType, Lift)]
#[component(record)]
pub struct ReportColumn {
    /// Its name: lower-case letters, digits and underscores.
    pub name: String,
    /// What it holds.
    pub kind: ColumnKind,
    /// What it means and its unit, for people.
    pub comment: String,
}

/// A rule's table.
#[derive(Clone, PartialEq, Eq, Debug, ComponentType, Lift)]
#[component(record)]
pub struct ReportTable {
    /// Its name: lower-case letters, digits and underscores.
    pub name: String,
    /// Its columns, from 1 to [`MAX_REPORT_COLUMNS`].
    pub columns: Vec<ReportColumn>,
    /// How many columns, from the first, are its key: a row replaces the one with the same key. 0: rows are only added.
    pub key: u32,
}

/// One value of a row.
#[derive(Clone, PartialEq, Debug, ComponentType, Lift)]
#[component(variant)]
pub enum ReportValue {
    /// Nothing.
    #[component(name = "null")]
    Null,
    /// Of a column of [`ColumnKind::Int64`] or [`ColumnKind::Timestamp`].
    #[component(name = "int64")]
    Int64(i64),
    /// Of a column of [`ColumnKind::Text`].
    #[component(name = "text")]
    Text(String),
    /// Of a column of [`ColumnKind::Float64`].
    #[component(name = "float64")]
    Float64(f64),
    /// Of a column of [`ColumnKind::Boolean`].
    #[component(name = "boolean")]
    Boolean(bool),
}

/// What happened.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ComponentType, Lower)]
#[component(enum)]
#[repr(u8)]
pub enum ReportEventKind {
    /// An order was taken in.
    #[component(name = "order-accepted")]
    OrderAccepted,
    /// A new order was refused.
    #[component(name = "order-rejected")]
    OrderRejected,
    /// Quantity or price of an order changed.
    #[component(name = "order-replaced")]
    OrderReplaced,
    /// A replace was refused.
    #[component(name = "replace-rejected")]
    ReplaceRejected,
    /// An order ended before it was filled.
    #[component(name = "order-canceled")]
    OrderCanceled,
    /// A cancel was refused.
    #[component(name = "cancel-rejected")]
    CancelRejected,
    /// Self-trade prevention took quantity off an order.
    #[component(name = "order-reduced")]
    OrderReduced,
    /// Two orders traded.
    #[component(name = "trade")]
    Trade,
    /// A trading day began.
    #[component(name = "trading-day-started")]
    TradingDayStarted,
}

/// An event as a reporting rule sees it. What each field holds for each kind is in `wit/reporting.wit`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ComponentType, Lower)]
#[component(record)]
pub struct ReportEvent {
    /// Its place in the log.
    pub sequence: u64,
    /// The sequencer's time, UNIX nanoseconds.
    pub time: i64,
    /// What happened.
    pub kind: ReportEventKind,
    /// True: sell. Of a trade, the taker's side.
    pub sell: bool,
    /// Whose order. Of a trade, the taker.
    pub account: u32,
    /// In what.
    pub instrument: u32,
    /// The exchange's id of the order; of a trade, the taker's.
    #[component(name = "order-id")]
    pub order_id: u64,
    /// In ticks.
    pub price: i64,
    /// In lots.
    pub quantity: u64,
    /// A trade's value in minor units of the currency.
    pub notional: i64,
    /// A trade's number.
    #[component(name = "trade-id")]
    pub trade_id: u64,
    /// Of a trade, whose order was resting.
    #[component(name = "maker-account")]
    pub maker_account: u32,
    /// Of a trade, the resting order.
    #[component(name = "maker-order-id")]
    pub maker_order_id: u64,
    /// The number of the reject or cancel reason; of a trading day, the day.
    pub reason: u32,
}

/// What a batch came to.
#[derive(Clone, PartialEq, Debug)]
pub struct Report {
    /// For the next batch, and to be kept with the rows in one transaction. At most [`MAX_REPORT_STATE_BYTES`].
    pub state: Vec<u8>,
    /// Rows of the table, each with a value of the right kind, or nothing, for every column. At most [`MAX_REPORT_ROWS`].
    pub rows: Vec<Vec<ReportValue>>,
    /// Fuel that the call took.
    pub fuel: u64,
}

#[derive(ComponentType, Lift)]
#[component(record)]
struct ReturnedReport {
    state: Vec<u8>,
    rows: Vec<Vec<ReportValue>>,
}

/// Why a batch came to nothing. The instance is replaced, and the same batch can be tried again: nothing is lost.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReportError {
    /// The rule ran out of fuel, trapped, or returned something that is no report.
    #[error("the reporting rule failed: {fault}")]
    Fault {
        /// How.
        fault: RuleFault,
    },
    /// More to keep than is allowed.
    #[error("the reporting rule wants to keep {bytes} bytes, and {MAX_REPORT_STATE_BYTES} are the most")]
    StateTooLarge {
        /// How much.
        bytes: usize,
    },
    /// More rows than are allowed.
    #[error("the reporting rule made {rows} rows of one batch, and {MAX_REPORT_ROWS} are the most")]
    TooManyRows {
        /// How many.
        rows: usize,
    },
    /// A row that is not as long as the table is wide.
    #[error("row {row} of the reporting rule has {values} values, and its table {columns} columns")]
    RowLength {
        /// Which row of the batch, from 0.
        row: usize,
        /// How many values it has.
        values: usize,
        /// How many columns there are.
        columns: usize,
    },
    /// A value that is not of its column's kind.
    #[error("the value of \"{column}\" in row {row} of the reporting rule is not of the column's kind")]
    ValueKind {
        /// Which row of the batch, from 0.
        row: usize,
        /// The column.
        column: String,
    },
    /// No fresh instance could be made.
    #[error(transparent)]
    Build(#[from] BuildError),
}

/// A reporting rule, ready to read events.
pub struct Reporter {
    recipe: Arc<Recipe>,
    table: ReportTable,
    /// `None` after a fault: the next batch makes a fresh one.
    running: Option<Running>,
}

struct Recipe {
    engine: Engine,
    pre: InstancePre<Ceiling>,
    configure: Option<ComponentExportIndex>,
    describe: ComponentExportIndex,
    process: ComponentExportIndex,
    parameters: RuleParameters,
    fuel: u64,
    memory_bytes: u32,
}

struct Running {
    store: Store<Ceiling>,
    instance: Instance,
}

impl Desk {
    /// Makes a reporting rule of the store ready, with these parameters and limits.
    pub fn reporter(
        &self,
        component: ComponentHash,
        parameters: RuleParameters,
        fuel: u64,
        memory_bytes: u32,
    ) -> Result<Reporter, PrepareError> {
        let (bytes, inspection) = self.0.read(component)?;
        Ok(Recipe::new(&self.0, &bytes, &inspection, &parameters, fuel, memory_bytes)?.reporter()?)
    }
}

impl Recipe {
    fn new(
        shared: &Shared,
        bytes: &[u8],
        inspection: &Inspection,
        parameters: &RuleParameters,
        fuel: u64,
        memory_bytes: u32,
    ) -> Result<Self, BuildError> {
        if inspection.kind != RuleKind::Reporting {
            return Err(BuildError::Kind { found: inspection.kind, expected: RuleKind::Reporting });
        }
        let engine = shared.reporting_engine()?.clone();
        let compile = |error: wasmtime::Error| BuildError::Compile { what: sentence(&error) };
        let component: Component =
            cache::compile(shared.cache(), &engine, inspection.component, bytes).map_err(compile)?;
        let index = |name| index(&component, inspection.contract, name).map_err(compile);
        Ok(Self {
            configure: inspection.contract.has_configure().then(|| index("configure")).transpose()?,
            describe: index("describe")?,
            process: index("process")?,
            pre: Linker::new(&engine).instantiate_pre(&component).map_err(compile)?,
            engine,
            parameters: *parameters,
            fuel,
            memory_bytes,
        })
    }

    fn reporter(self) -> Result<Reporter, BuildError> {
        let (running, table) = with_deep_stack(|| {
            let mut running = self.run()?;
            let describe =
                running.instance.get_typed_func::<(), (ReportTable,)>(&mut running.store, self.describe);
            let (table,) =
                describe.and_then(|describe| describe.call(&mut running.store, ())).map_err(|error| {
                    BuildError::Instantiate {
                        what: format!("it cannot describe its table: {}", sentence(&error)),
                    }
                })?;
            Ok((running, table))
        })?;
        check_table(&table)?;
        Ok(Reporter { recipe: Arc::new(self), table, running: Some(running) })
    }

    /// A fresh instance, configured.
    fn run(&self) -> Result<Running, BuildError> {
        let instantiate = |error: wasmtime::Error| BuildError::Instantiate { what: sentence(&error) };
        let mut store = Store::new(&self.engine, Ceiling::new(RuleKind::Reporting, self.memory_bytes));
        store.limiter(|ceiling| ceiling);
        store.set_hostcall_fuel(MAX_REPORT_BYTES);
        store.set_fuel(self.fuel).map_err(instantiate)?;
        let instance = self.pre.instantiate(&mut store).map_err(instantiate)?;
        let words = self.parameters.words();
        if let Some(configure) = self.configure {
            let configure =
                instance.get_typed_func::<(&[i64],), (u32,)>(&mut store, configure).map_err(instantiate)?;
            let code = configure.call(&mut store, (words,));
            let (code,) =
                code.map_err(|error| BuildError::Configure { fault: crate::instance::fault(&error) })?;
            if code != 0 {
                let words = "a reporting rule has no words for it".to_owned();
                return Err(BuildError::Parameters { code, words });
            }
        } else if !words.is_empty() {
            return Err(BuildError::TakesNone { words: words.len() });
        }
        Ok(Running { store, instance })
    }
}

fn index(
    component: &Component,
    contract: ContractVersion,
    name: &str,
) -> wasmtime::Result<ComponentExportIndex> {
    component
        .get_export_index(None, export_name(RuleKind::Reporting, contract))
        .and_then(|interface| component.get_export_index(Some(&interface), name))
        .ok_or_else(|| wasmtime::format_err!("no function {name}"))
}

impl Reporter {
    /// The table that the rule fills.
    pub fn table(&self) -> &ReportTable {
        &self.table
    }

    /// Reads a batch of events. `state` is what the batch before returned, empty for the first.
    pub fn process(&mut self, state: &[u8], events: &[ReportEvent]) -> Result<Report, ReportError> {
        let recipe = Arc::clone(&self.recipe);
        let running = self.running.take();
        let (running, report) = with_deep_stack(move || {
            let mut running = running.map_or_else(|| recipe.run(), Ok)?;
            let report = running.process(&recipe, state, events)?;
            Ok::<_, ReportError>((running, report))
        })?;
        check_report(&self.table, &report)?;
        self.running = Some(running);
        Ok(report)
    }

    /// The same on a fresh instance, whatever the one before may have kept. A rule that keeps nothing makes the same of it.
    pub fn process_afresh(&mut self, state: &[u8], events: &[ReportEvent]) -> Result<Report, ReportError> {
        self.running = None;
        self.process(state, events)
    }
}

impl Running {
    fn process(
        &mut self,
        recipe: &Recipe,
        state: &[u8],
        events: &[ReportEvent],
    ) -> Result<Report, ReportError> {
        let fault = |error: wasmtime::Error| ReportError::Fault { fault: crate::instance::fault(&error) };
        self.store.set_fuel(recipe.fuel).map_err(fault)?;
        let process = self
            .instance
            .get_typed_func::<(&[u8], &[ReportEvent]), (ReturnedReport,)>(&mut self.store, recipe.process)
            .map_err(fault)?;
        let (report,) = process.call(&mut self.store, (state, events)).map_err(fault)?;
        let fuel = recipe.fuel - self.store.get_fuel().map_err(fault)?;
        Ok(Report { state: report.state, rows: report.rows, fuel })
    }
}

fn check_table(table: &ReportTable) -> Result<(), BuildError> {
    let wrong = |what: &str| Err(BuildError::Table { what: what.to_owned() });
    let plain = |name: &str| {
        let mut bytes = name.bytes();
        bytes.next().is_some_and(|byte| byte.is_ascii_lowercase())
            && bytes.all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
            && name.len() <= 64
    };
    if !plain(&table.name) || !table.columns.iter().all(|column| plain(&column.name)) {
        return wrong(
            "a name is up to 64 lower-case letters, digits and underscores, and begins with a letter",
        );
    }
    if table.columns.is_empty() || table.columns.len() > MAX_REPORT_COLUMNS {
        return wrong("a table has from 1 to 64 columns");
    }
    if table.key as usize > table.columns.len() {
        return wrong("the key has more columns than the table");
    }
    let mut names: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
    names.sort_unstable();
    if names.windows(2).any(|pair| pair[0] == pair[1]) {
        return wrong("two columns have one name");
    }
    Ok(())
}

fn check_report(table: &ReportTable, report: &Report) -> Result<(), ReportError> {
    if report.state.len() > MAX_REPORT_STATE_BYTES {
        return Err(ReportError::StateTooLarge { bytes: report.state.len() });
    }
    if report.rows.len() > MAX_REPORT_ROWS {
        return Err(ReportError::TooManyRows { rows: report.rows.len() });
    }
    for (row, values) in report.rows.iter().enumerate() {
        if values.len() != table.columns.len() {
            return Err(ReportError::RowLength { row, values: values.len(), columns: table.columns.len() });
        }
        for (value, column) in values.iter().zip(&table.columns) {
            let fits = matches!(
                (value, column.kind),
                (ReportValue::Null, _)
                    | (ReportValue::Int64(_), ColumnKind::Int64 | ColumnKind::Timestamp)
                    | (ReportValue::Text(_), ColumnKind::Text)
                    | (ReportValue::Float64(_), ColumnKind::Float64)
                    | (ReportValue::Boolean(_), ColumnKind::Boolean)
            );
            if !fits {
                return Err(ReportError::ValueKind { row, column: column.name.clone() });
            }
        }
    }
    Ok(())
}

/// Runs a rule where it can recurse as deep as it may. What a rule does to its stack is bounded by the engine, but only as far as
/// the thread has that much.
fn with_deep_stack<T: Send, E: Send + From<BuildError>>(
    work: impl FnOnce() -> Result<T, E> + Send,
) -> Result<T, E> {
    thread::scope(|scope| {
        let thread = thread::Builder::new()
            .name("reporting-rule".to_owned())
            .stack_size(MAX_REPORTING_STACK_BYTES + HOST_STACK_BYTES)
            .spawn_scoped(scope, work)
            .map_err(|error| BuildError::Instantiate { what: error.to_string() })?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reporter").field("table", &self.table).finish_non_exhaustive()
    }
}
