//! The exchange itself: how far it is, and whether it is well.

use super::Time;
use serde::{Deserialize, Serialize};

/// The answer to `GET /v1/health`: 200 while commands are taken, 503 otherwise.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Health {
    /// Whether commands are taken.
    pub healthy: bool,
    /// Why not, in words for an operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// The answer to `GET /v1/status`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Status {
    /// Version of the program.
    pub version: String,
    /// Whether commands are taken.
    pub healthy: bool,
    /// Why not, in words for an operator.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
    /// When a command counts as safe: `fsync` or `os`.
    pub durability: String,
    /// When this process began to serve.
    pub started_time: Time,
    /// The newest trading day that began, such as `2026-01-05`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trading_day: Option<String>,
    /// How far the log is written: a sequence number.
    pub written: u64,
    /// How far the log is on disk.
    pub durable: u64,
    /// How far the log may be shown.
    pub committed: u64,
    /// How far questions are answered.
    pub sequence: u64,
    /// Commands waiting for the core.
    pub ring_length: u64,
    /// The most commands that can wait.
    pub ring_capacity: u64,
    /// Commands whose answers are awaited.
    pub in_flight: u64,
    /// Instruments listed.
    pub instruments: u64,
    /// Accounts opened.
    pub accounts: u64,
    /// Orders working.
    pub working_orders: u64,
    /// Trades since the log began.
    pub trades: u64,
    /// Rules in force.
    #[serde(default)]
    pub rules: u64,
    /// Names of rules that failed too often and are asked no more.
    #[serde(default)]
    pub rules_suspended: Vec<String>,
    /// The projection to a file for analysts, where this exchange runs one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub projection: Option<ProjectionStatus>,
}

/// How the projection is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProjectionStatus {
    /// Whether it follows the log; if not, it is tried again from time to time.
    pub running: bool,
    /// The last record that is in the file.
    pub sequence: u64,
    /// Committed records that are not in it yet.
    pub behind: u64,
    /// How often it failed since this process started.
    pub failures: u64,
    /// Why it does not run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trouble: Option<String>,
    /// The reporting rules that fill tables of the file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rules: Vec<ProjectedRule>,
}

/// How a reporting rule is.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ProjectedRule {
    /// Its name.
    pub rule: String,
    /// Which of its components, from 1 in the order of loading.
    pub rule_version: u16,
    /// The table it fills, once it could say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// `current`, `building`, `waiting` or `stopped`.
    pub state: String,
    /// The last record it has read.
    pub sequence: u64,
    /// How often it failed.
    pub failures: u64,
    /// How it failed last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_error: Option<String>,
}
