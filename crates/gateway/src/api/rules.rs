//! Rules: what is loaded, what is in force, and what they did.

use super::{Time, Word};
use model::{CounterKey, CounterWindow, FailMode, RuleKind, RuleMode};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// `"validation"`, `"risk"` or `"reporting"`.
pub type RuleKindWord = Word<RuleKind>;
/// `"enforce"` or `"shadow"`.
pub type RuleModeWord = Word<RuleMode>;
/// `"closed"` or `"open"`.
pub type FailModeWord = Word<FailMode>;

/// The header that says who acts, where operators have no tokens of their own.
pub const OPERATOR_HEADER: &str = "x-outcry-operator";
/// The header with the detached Ed25519 signature of a component, 128 hexadecimal digits.
pub const SIGNATURE_HEADER: &str = "x-outcry-signature";
/// The media type of a component.
pub const COMPONENT_TYPE: &str = "application/wasm";
/// Who acts when nobody says.
pub const OPERATOR_DEFAULT: &str = "operator";

/// A parameter that a component's manifest declares.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleParameter {
    /// Its name.
    pub name: String,
    /// What it holds: `int`, `price-ticks`, `text`, `list-int` or `list-text`.
    pub kind: String,
    /// What holds when nothing is given; without it, something must be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    /// What it means and its unit.
    pub description: String,
}

/// What the exchange counts for a risk rule.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleCounter {
    /// What counters are kept apart by.
    pub key: Word<CounterKey>,
    /// How long they count before they begin at 0 again.
    pub window: Word<CounterWindow>,
}

/// A component that is known under a rule's name.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleComponent {
    /// SHA-256 of its bytes, in hexadecimal digits.
    pub component: String,
    /// Which of the rule's components it is, from 1 in the order of loading.
    pub rule_version: u16,
    /// The author's version, if its manifest names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// What it does, if its manifest says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Which world it is of.
    pub kind: RuleKindWord,
    /// The version of the contract it was built for, such as `1.1`.
    pub contract: String,
    /// Its size.
    pub size_bytes: u32,
    /// Fuel of one call: about one unit for each instruction.
    pub fuel: u64,
    /// The most memory it may have.
    pub memory_bytes: u32,
    /// Faults in a row after which it is suspended.
    pub max_faults: u16,
    /// What becomes of an order it cannot judge: rejected when closed, gone on with when open.
    pub fail: FailModeWord,
    /// What the exchange counts for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub counter: Option<RuleCounter>,
    /// The Ed25519 key it was signed with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signer: Option<String>,
    /// Who loaded it.
    pub loaded_by: String,
    /// Whether a second operator must approve before it is enforced.
    pub needs_approval: bool,
    /// Who did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approved_by: Option<String>,
    /// What it is configured with when it is activated.
    pub parameters: Vec<RuleParameter>,
}

/// A component in force, or shadowing.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleActivation {
    /// The activation's number.
    pub activation: u32,
    /// Which component.
    pub component: String,
    /// Which of the rule's components that is.
    pub rule_version: u16,
    /// Whether its verdicts count.
    pub mode: RuleModeWord,
    /// What it is configured with.
    pub parameters: BTreeMap<String, String>,
    /// Whose orders it judges; everybody's if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Orders in what it judges; in everything if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// Rules of a kind are asked in the order of this number.
    pub priority: u16,
    /// Who activated it.
    pub activated_by: String,
    /// Whether a rollback did.
    pub by_rollback: bool,
    /// Whether it failed too often and is asked no more.
    pub suspended: bool,
    /// How often it failed in a row.
    pub faults_in_a_row: u16,
    /// What its calls cost. Absent before the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub measured: Option<RuleMeasured>,
}

/// What the calls of an activation cost since this process started.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleMeasured {
    /// Why it cannot run, if it cannot.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unavailable: Option<String>,
    /// Orders judged.
    pub calls: u64,
    /// Orders it said no to.
    pub rejects: u64,
    /// Orders it could not judge.
    pub faults: u64,
    /// Fuel an order took.
    pub fuel: RuleSpread,
    /// Nanoseconds an order took.
    pub latency_ns: RuleSpread,
}

/// How a measure is spread.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleSpread {
    /// How often it was measured.
    pub count: u64,
    /// Half are at most this.
    pub p50: u64,
    /// 99 of 100 are at most this.
    pub p99: u64,
    /// The largest.
    pub max: u64,
}

/// How often something with a code happened.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleCount {
    /// The code; 65536 and above are faults, 0 stands for all codes beyond the first 256.
    pub code: u32,
    /// How often.
    pub count: u64,
    /// What the code means, in the words of the component in force.
    pub text: String,
}

/// A rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Rule {
    /// Its name.
    pub name: String,
    /// Its number in the log.
    pub rule_id: u16,
    /// What it looks at.
    pub kind: RuleKindWord,
    /// Its components, in the order of loading.
    pub components: Vec<RuleComponent>,
    /// What is in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<RuleActivation>,
    /// What shadows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<RuleActivation>,
    /// Whether there is something to roll back to: the version then, or 0 for not being active.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rollback_to: Option<u16>,
    /// Orders rejected since this process started.
    pub rejected: Vec<RuleCount>,
    /// Orders that the shadow would have rejected since then.
    pub shadow_rejected: Vec<RuleCount>,
    /// Orders it could not judge since then, by fault.
    pub faults: BTreeMap<String, u64>,
}

/// The answer to everything about one rule.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleAnswer {
    /// The command's sequence number, or how far this is true.
    pub sequence: u64,
    /// The rule as it stands.
    pub rule: Rule,
}

/// The answer to `POST /v1/rules/{name}/components`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleLoadedAnswer {
    /// The command's sequence number.
    pub sequence: u64,
    /// The rule's name.
    pub name: String,
    /// The component.
    pub component: RuleComponent,
}

/// One line of the list of rules.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleSummary {
    /// Its name.
    pub name: String,
    /// What it looks at.
    pub kind: RuleKindWord,
    /// How many components are loaded.
    pub components: u16,
    /// The version in force.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub active: Option<u16>,
    /// The version that shadows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shadow: Option<u16>,
    /// Whether one of them failed too often and is asked no more.
    pub suspended: bool,
    /// Orders rejected since this process started.
    pub rejected: u64,
    /// Orders it could not judge since then.
    pub faults: u64,
}

/// The answer to `GET /v1/rules`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleList {
    /// How far this is true.
    pub sequence: u64,
    /// In the order in which they were first loaded.
    pub rules: Vec<RuleSummary>,
}

/// The body of `POST /v1/rules/{name}/activate`.
#[derive(Clone, PartialEq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ActivateRequest {
    /// Which component, by hash or the beginning of it. Without it: the one loaded last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Whether its verdicts count. Without it: `enforce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<RuleModeWord>,
    /// What it is configured with, by name: texts, whole numbers, or lists of them. Without one: its default.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, serde_json::Value>,
    /// Whose orders it judges. Without it: everybody's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Orders in what it judges. Without it: in everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// Rules of a kind are asked in the order of this number. Without it: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority: Option<u16>,
}

/// The body of `POST /v1/rules/{name}/deactivate`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeactivateRequest {
    /// What ends: the enforced version or the shadow. Without it: `enforce`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<RuleModeWord>,
}

/// The body of `POST /v1/rules/{name}/approve`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApproveRequest {
    /// Which component, by hash or the beginning of it. Without it: the one loaded last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
}

/// The query of `GET /v1/rules/{name}/log`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RuleLogQuery {
    /// At most so many. Without it: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// Only what follows this sequence number: the first of them instead of the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<u64>,
}

/// What a line of a rule's log is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RuleMoment {
    /// A component became known.
    Loaded,
    /// A second operator agreed to it.
    Approved,
    /// It came into force, or began to shadow.
    Activated,
    /// It went out of force, or shadows no more.
    Deactivated,
    /// It failed too often and is asked no more.
    Suspended,
    /// It had failed, and can judge again.
    Recovered,
    /// It rejected an order.
    Rejected,
    /// As a shadow it would have rejected an order.
    WouldReject,
    /// It could not judge an order.
    Faulted,
}

impl RuleMoment {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Loaded => "loaded",
            Self::Approved => "approved",
            Self::Activated => "activated",
            Self::Deactivated => "deactivated",
            Self::Suspended => "suspended",
            Self::Recovered => "recovered",
            Self::Rejected => "rejected",
            Self::WouldReject => "would-reject",
            Self::Faulted => "faulted",
        }
    }
}

/// One line of a rule's log. What does not belong to its moment is absent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleLogLine {
    /// The event's sequence number.
    pub sequence: u64,
    /// When.
    pub transact_time: Time,
    /// What.
    pub event: RuleMoment,
    /// The operator who did it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// The activation it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub activation: Option<u32>,
    /// Whether that counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<RuleModeWord>,
    /// The component it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Which of the rule's components that is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule_version: Option<u16>,
    /// What it is configured with.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub parameters: BTreeMap<String, String>,
    /// Whether a rollback did it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub by_rollback: bool,
    /// Whose order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// In what.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// The client's id of the order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cl_ord_id: Option<String>,
    /// The rule's code for why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub code: Option<u32>,
    /// The fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fault: Option<String>,
    /// How often it failed in a row.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub faults_in_a_row: Option<u16>,
    /// The code or fault in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// The answer to `GET /v1/rules/{name}/log`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct RuleLog {
    /// How far this is true.
    pub sequence: u64,
    /// The rule's name.
    pub name: String,
    /// Oldest first.
    pub lines: Vec<RuleLogLine>,
    /// Whether there are more than fit the limit.
    pub more: bool,
}
