//! Runs rules: WebAssembly components that judge orders, sandboxed, metered, hot-swapped at an exact place in the log.
//!
//! The engine owns the policy: which rules are in force, for whom, in which order, and what becomes of a verdict or a fault. This
//! crate runs functions: an activation and a row in, an [`Outcome`](engine::Outcome) out. What it runs is what the log names, by
//! hash, parameters, fuel and memory; nothing else may show in an answer.
//!
//! - [`inspect`] looks at a component before anything of it runs.
//! - [`Desk`] is for any thread: it stores components, makes rules ready, explains codes, shows what rules did.
//! - [`LiveRules`] is the trading thread's side of it, an [`engine::Rules`].
//! - [`AuditRules`] is another one, which finds out rules that keep state of their own.
//!
//! - [`Reporter`] runs a reporting rule, away from trading.
//!
//! What a host does with a rule, step by step, is in `docs/RULES.md`.
//!
//! **Architecture Invariant:** no type of the WebAssembly engine leaves this crate, and no other crate knows it. A rule calls
//! nothing: there is not one host function, so there is nothing to get wrong about one.
//!
//! **Architecture Invariant:** `unsafe` is in `cache` alone, for loading code that this program compiled itself.

mod audit;
mod cache;
mod commands;
mod contract;
mod desk;
mod explain;
mod files;
mod flat;
mod inspect;
mod instance;
mod live;
mod machine;
mod reporting;
mod rule;
mod signature;
mod statistics;

pub use audit::{AuditMode, AuditRules, HiddenState, MAX_FINDINGS};
pub use contract::{CONTRACT, ContractVersion, PACKAGE};
pub use desk::{Desk, MAX_COMPILED, MAX_ENDED, MAX_READY, PrepareError, Settings};
pub use files::{FileError, component_path, load_component, store_component};
pub use inspect::{Ceilings, Inspection, MAX_SIGNERS, Policy, Refusal, hash, inspect};
pub use live::{LiveRules, MAX_BATCH, MAX_PREPARED};
pub use machine::{MAX_REPORTING_STACK_BYTES, MAX_TRADING_STACK_BYTES};
pub use reporting::{
    ColumnKind, MAX_REPORT_COLUMNS, MAX_REPORT_ROWS, MAX_REPORT_STATE_BYTES, Report, ReportColumn,
    ReportError, ReportEvent, ReportEventKind, ReportTable, ReportValue, Reporter,
};
pub use rule::{BuildError, CallPath};
pub use signature::{Signature, SignatureError};
pub use statistics::{Histogram, Statistics};
