//! The exchange's mind: what a command causes ([`decide`]) and what an event changes ([`evolve`]).
//!
//! An order's way, top to bottom: `decide/submit.rs` checks it in the documented order of precedence
//! (`decide/limits.rs`, `decide/judge.rs`), `sweep.rs` walks the book read-only and says what it trades with, and `evolve.rs` applies
//! the events one by one to the order table (`orders.rs`), the book, the ledger (`ledger.rs`), the remembered client order ids
//! (`remembered.rs`) and the timers (`timers.rs`). `snapshot.rs` turns the whole [`State`] into bytes and back;
//! `invariants.rs` says what must always be true of it.
//!
//! **Architecture invariants:** [`decide`] is pure and [`evolve`] is the only code that changes a [`State`]. Nothing here does
//! I/O, reads a clock, draws a random number, uses a float or iterates a hash table; time enters only as the
//! sequencer's stamp. The ledger is double-entry: with the outside world's counter-account every asset sums to zero.

mod accounts;
mod activity;
mod assets;
mod bounds;
mod decide;
mod evolve;
mod instruments;
mod invariants;
mod ledger;
mod orders;
mod remembered;
mod rulebook;
mod rules;
mod snapshot;
mod state;
mod sweep;
mod timers;
mod warm;
mod wire;

pub use accounts::Account;
pub use activity::Activity;
pub use assets::{Asset, DEFAULT_CURRENCY_DECIMALS};
pub use bounds::{
    Bounds, DEFAULT_MAX_ACCOUNTS, DEFAULT_MAX_INSTRUMENTS, DEFAULT_MAX_ORDER_IDS, DEFAULT_MAX_WORKING_ORDERS,
};
pub use decide::{decide, prepare};
pub use evolve::{evolve, evolve_telling};
pub use instruments::Instrument;
pub use invariants::InvariantBroken;
pub use ledger::Balance;
pub use orders::Order;
pub use rulebook::{MAX_ROLLBACKS, MAX_RULE_VERSIONS, MAX_RULES, Rule, RuleComponent, RuleSlot};
pub use rules::{NoRules, Outcome, ProposedOrder, RiskRow, Rules, VALIDATION_WORDS, ValidationRow};
pub use snapshot::{SNAPSHOT_VERSION, SnapshotError};
pub use state::{Found, State};
pub use warm::{Ahead, WINDOW_MAX};
