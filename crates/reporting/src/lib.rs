//! Questions over the log, in SQL: DuckDB table functions that read the mapped segments where they lie, and a session to
//! ask them in.
//!
//! This is the room to look in for "which columns does a table have" (`tables/`), "how do rows come out of the log"
//! (`table/`) and "what may a query do" ([`Session`]). How answers are shown is the command line's business.
//!
//! Two features, for two ways to ask: `session` (the default) has a DuckDB of its own, and reports and projections made with
//! it; `extension` is loaded by somebody else's DuckDB, and needs neither.
//!
//! **Architecture invariant:** the only user of DuckDB. Nothing here writes a store or slows its writer down; a query
//! reads committed records only, and can neither write a file nor load an extension.
//!
//! **Architecture invariant:** money stays integers. Decimal columns are exact; nothing is divided without a rounding rule.

mod error;
#[cfg(feature = "session")]
mod export;
#[cfg(feature = "extension")]
mod extension;
pub mod footer;
mod index;
#[cfg(feature = "session")]
pub mod measure;
mod names;
#[cfg(feature = "session")]
mod projection;
#[cfg(feature = "session")]
mod reports;
#[cfg(feature = "session")]
mod rule;
#[cfg(feature = "session")]
mod session;
mod source;
mod store;
mod table;
mod tables;
#[cfg(feature = "session")]
mod views;

pub use error::Error;
#[cfg(feature = "session")]
pub use export::{Export, ExportError, ExportOptions, MANIFEST, OtherLog, PART_RECORDS, Written};
pub use index::{INDEX_DIR, Indexer, Indexing};
#[cfg(feature = "session")]
pub use projection::{FILE as PROJECTION_FILE, Projection, ProjectionOptions, RuleProgress, Step, Trial};
#[cfg(feature = "session")]
pub use reports::{COLUMNS as REPORT_COLUMNS, Part, REPORTS, Report};
#[cfg(feature = "session")]
pub use rule::{
    RuleColumn, RuleColumnKind, RuleError, RuleEvent, RuleEventKind, RuleHost, RuleRecipe, RuleReport,
    RuleRunner, RuleTable, RuleValue,
};
#[cfg(feature = "session")]
pub use session::{Answer, AnswerColumn, Batch, CellValue, Limits, Rows, Session, Split, Stopper, split};
pub use store::Store;
pub use table::{ColumnInfo, Kind, Parameter, TableInfo};
pub use tables::all as tables;

/// How much lower the priority of threads that ask should be than that of threads that trade, where both share a machine: what
/// `nice` adds.
pub const NICENESS: i32 = 10;
