//! `rule_changes`: which rule was in force when; and `rule_verdicts`: what rules objected to, and where they failed.

use std::sync::Arc;

use model::{
    AccountId, ActivationId, ClOrdId, Event, FailMode, InstrumentId, RULE_FAULT_CODE, RejectReason,
    RuleFault, RuleId, RuleMode,
};

use crate::error::Error;
use crate::store::Store;
use crate::table::scan::{FromRecord, RecordScan, Seen};
use crate::table::vector::Moment;
use crate::table::{Column, FROM_SEQ, FROM_TIME, Filter, Parameter, Scan, TO_SEQ, TO_TIME, Table, columns};

/// One row a change to what judges orders.
pub struct RuleChanges;

/// One row an objection or failure of a rule.
pub struct RuleVerdicts;

/// An event and where it stands.
pub struct Change {
    sequence: u64,
    command: u64,
    time_ns: i64,
    event: Event,
}

impl Change {
    fn word(&self) -> &'static str {
        match self.event {
            Event::RuleLoaded(_) => "loaded",
            Event::RuleApproved(_) => "approved",
            Event::RuleActivated(_) => "activated",
            Event::RuleDeactivated(_) => "deactivated",
            Event::RuleSuspended(_) => "suspended",
            _ => "recovered",
        }
    }

    fn rule(&self) -> RuleId {
        match &self.event {
            Event::RuleLoaded(it) => it.rule,
            Event::RuleApproved(it) => it.rule,
            Event::RuleActivated(it) => it.rule,
            Event::RuleDeactivated(it) => it.rule,
            Event::RuleSuspended(it) => it.rule,
            Event::RuleRecovered(it) => it.rule,
            _ => RuleId::NONE,
        }
    }

    fn version(&self) -> Option<u16> {
        match &self.event {
            Event::RuleLoaded(it) => Some(it.rule_version),
            Event::RuleActivated(it) => Some(it.rule_version),
            _ => None,
        }
    }

    fn component(&self) -> Option<String> {
        match &self.event {
            Event::RuleLoaded(it) => Some(it.component.to_string()),
            Event::RuleApproved(it) => Some(it.component.to_string()),
            Event::RuleActivated(it) => Some(it.component.to_string()),
            _ => None,
        }
    }

    fn by(&self) -> Option<&str> {
        match &self.event {
            Event::RuleLoaded(it) => Some(it.by.as_str()),
            Event::RuleApproved(it) => Some(it.by.as_str()),
            Event::RuleActivated(it) => Some(it.by.as_str()),
            Event::RuleDeactivated(it) => Some(it.by.as_str()),
            _ => None,
        }
    }

    fn activation(&self) -> Option<ActivationId> {
        match &self.event {
            Event::RuleActivated(it) => Some(it.activation),
            Event::RuleDeactivated(it) => Some(it.activation),
            Event::RuleSuspended(it) => Some(it.activation),
            Event::RuleRecovered(it) => Some(it.activation),
            _ => None,
        }
    }

    fn mode(&self) -> Option<RuleMode> {
        match &self.event {
            Event::RuleActivated(it) => Some(it.mode),
            Event::RuleDeactivated(it) => Some(it.mode),
            _ => None,
        }
    }

    fn kind(&self) -> Option<&'static str> {
        match &self.event {
            Event::RuleLoaded(it) => Some(it.kind.as_str()),
            Event::RuleActivated(it) => Some(it.kind.as_str()),
            _ => None,
        }
    }

    fn fail(&self) -> Option<&'static str> {
        match &self.event {
            Event::RuleLoaded(it) => Some(it.fail.as_str()),
            Event::RuleActivated(it) => Some(it.fail.as_str()),
            _ => None,
        }
    }

    fn by_rollback(&self) -> Option<bool> {
        match &self.event {
            Event::RuleActivated(it) => Some(it.by_rollback),
            Event::RuleDeactivated(it) => Some(it.by_rollback),
            _ => None,
        }
    }

    fn activated(&self) -> Option<&model::RuleActivated> {
        match &self.event {
            Event::RuleActivated(it) => Some(it),
            _ => None,
        }
    }
}

/// The kinds of event among which changes are.
const FIRST_CHANGE: u16 = 0x0250;
const LAST_CHANGE: u16 = 0x0258;

/// Events of these kinds, as they are.
struct Kinds {
    first: u16,
    last: u16,
}

impl FromRecord<Change> for Kinds {
    fn rows(&self, seen: &Seen<'_>, rows: &mut Vec<Change>) -> Result<(), Error> {
        let record = &seen.record;
        if (self.first..=self.last).contains(&record.kind) {
            let sequence = record.sequence;
            let event = Event::decode(record.kind, record.version, record.payload)
                .map_err(|source| Error::Record { sequence, source })?;
            let is_change = !matches!(
                event,
                Event::RuleVerdict(_) | Event::RuleFaulted(_) | Event::RuleCounterChanged(_)
            );
            if is_change {
                let time_ns = seen.block.timestamp_ns;
                rows.push(Change { sequence, command: seen.command, time_ns, event });
            }
        }
        Ok(())
    }
}

#[cfg(feature = "session")]
impl RuleChanges {
    /// Makes the rows of any part of the log.
    pub fn from_record() -> impl FromRecord<Change> {
        Kinds { first: FIRST_CHANGE, last: LAST_CHANGE }
    }
}

impl Table for RuleChanges {
    type Rows = Vec<Change>;
    const NAME: &'static str = "rule_changes";
    const IS_SMALL: bool = true;
    const ABOUT: &'static str = "Every change to what judges orders: rules loaded, approved, activated, deactivated, suspended, recovered.";
    const PARAMETERS: &'static [Parameter] = &[FROM_SEQ, TO_SEQ, FROM_TIME, TO_TIME];
    const COLUMNS: &'static [Column<Vec<Change>>] = columns![Vec<Change>:
        u64, "sequence", "record", "Number of the record in the log.", |row| row.sequence;
        i64, "time_ns", "ns", "When: UNIX time.", |row| row.time_ns;
        Moment, "time", "UTC", "The same as a timestamp.", |row| Moment(row.time_ns);
        &str, "change", "", "`loaded`, `approved`, `activated`, `deactivated`, `suspended` or `recovered`.", |row| row.word();
        Option<&str>, "rule", "", "The rule's name.", |row, names| names.rule(row.rule());
        i64, "rule_id", "", "The exchange's number for it, from 1.", |row| i64::from(row.rule().0);
        Option<i64>, "rule_version", "", "Which of its components, from 1 in the order of loading.", |row| row.version().map(i64::from);
        Option<String>, "component", "SHA-256", "The component's bytes.", |row| row.component();
        Option<&str>, "kind", "", "`validation`, `risk` or `reporting`.", |row| row.kind();
        Option<&str>, "mode", "", "`enforce` or `shadow`.", |row| row.mode().map(RuleMode::as_str);
        Option<i64>, "activation", "", "The activation that began, ended, failed or recovered.", |row| row.activation().map(|it| i64::from(it.0));
        Option<&str>, "operator", "", "Who did it; null for the exchange itself.", |row| row.by();
        Option<&str>, "account", "", "Whose orders it judges; null for everybody's.",
            |row, names| names.account(row.activated()?.account);
        Option<&str>, "symbol", "", "Orders in what it judges; null for everything.",
            |row, names| names.symbol(row.activated()?.instrument);
        Option<i64>, "priority", "", "Rules of a kind are asked in this order.", |row| row.activated().map(|it| i64::from(it.priority));
        Option<&str>, "fail", "", "What becomes of an order it cannot judge: `closed` rejects it, `open` lets it go on.", |row| row.fail();
        Option<u64>, "fuel", "instructions", "What one call may take.", |row| row.activated().map(|it| it.fuel);
        Option<i64>, "memory_bytes", "bytes", "The most memory it may have.", |row| row.activated().map(|it| i64::from(it.memory_bytes));
        Option<String>, "parameters", "JSON", "What it is configured with.",
            |row| row.activated().map(|it| serde_json::Value::from(it.parameters.words()).to_string());
        Option<bool>, "by_rollback", "", "Whether it went back to what was before.", |row| row.by_rollback();
        Option<i64>, "faults", "", "How often in a row it had failed when it was suspended.",
            |row| match &row.event { Event::RuleSuspended(it) => Some(i64::from(it.faults)), _ => None };
        u64, "command_sequence", "record", "The command that caused it.", |row| row.command;
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<Change>>>, Error> {
        Ok(Box::new(RecordScan::new(store, filter.range, Kinds { first: FIRST_CHANGE, last: LAST_CHANGE })?))
    }
}

/// What a rule said, or failed to say, about one order.
pub struct Judged {
    sequence: u64,
    command: u64,
    time_ns: i64,
    verdict: &'static str,
    mode: RuleMode,
    rule: RuleId,
    activation: Option<ActivationId>,
    code: Option<u32>,
    fault: Option<RuleFault>,
    fail: Option<FailMode>,
    account: AccountId,
    instrument: Option<InstrumentId>,
    cl_ord_id: Option<ClOrdId>,
}

/// A rejection by a rule. One that could not judge and rejects all the same has a code that says so.
fn rejection(reason: RejectReason, rule: u16, code: u32) -> Option<(RuleId, Option<u32>, Option<RuleFault>)> {
    if reason != RejectReason::Rule {
        return None;
    }
    let number = code.checked_sub(RULE_FAULT_CODE);
    let fault =
        number.and_then(|number| RuleFault::ALL.iter().copied().find(|fault| *fault as u32 == number));
    Some((RuleId(rule), number.is_none().then_some(code), fault))
}

fn judged(event: &Event, seen: &Seen<'_>) -> Option<Judged> {
    let blank = Judged {
        sequence: seen.record.sequence,
        command: seen.command,
        time_ns: seen.block.timestamp_ns,
        verdict: "rejected",
        mode: RuleMode::Enforce,
        rule: RuleId::NONE,
        activation: None,
        code: None,
        fault: None,
        fail: None,
        account: AccountId::UNKNOWN,
        instrument: None,
        cl_ord_id: None,
    };
    match event {
        Event::OrderRejected(it) => {
            let (rule, code, fault) = rejection(it.reason, it.rule, it.rule_code)?;
            let (account, cl_ord_id) = (it.account, Some(it.cl_ord_id));
            Some(Judged { rule, code, fault, account, cl_ord_id, instrument: Some(it.instrument), ..blank })
        }
        Event::ReplaceRejected(it) => {
            let (rule, code, fault) = rejection(it.reason, it.rule, it.rule_code)?;
            Some(Judged {
                rule,
                code,
                fault,
                account: it.account,
                cl_ord_id: Some(it.new_cl_ord_id),
                ..blank
            })
        }
        Event::RuleVerdict(it) => Some(Judged {
            verdict: "would-reject",
            mode: RuleMode::Shadow,
            rule: it.rule,
            activation: Some(it.activation),
            code: Some(it.code),
            account: it.account,
            instrument: Some(it.instrument),
            ..blank
        }),
        Event::RuleFaulted(it) => Some(Judged {
            verdict: "fault",
            mode: it.mode,
            rule: it.rule,
            activation: Some(it.activation),
            fault: Some(it.fault),
            fail: Some(it.fail),
            account: it.account,
            instrument: Some(it.instrument),
            ..blank
        }),
        _ => None,
    }
}

struct Verdicts(Filter);

impl FromRecord<Judged> for Verdicts {
    fn rows(&self, seen: &Seen<'_>, rows: &mut Vec<Judged>) -> Result<(), Error> {
        let record = &seen.record;
        if !matches!(record.kind, 0x0202 | 0x0209 | 0x0255 | 0x0256) {
            return Ok(());
        }
        let event = Event::decode(record.kind, record.version, record.payload)
            .map_err(|source| Error::Record { sequence: record.sequence, source })?;
        rows.extend(judged(&event, seen).filter(|judged| {
            let instrument = self.0.instrument.is_none() || self.0.instrument == judged.instrument;
            instrument && self.0.wants_account(judged.account)
        }));
        Ok(())
    }
}

#[cfg(feature = "session")]
impl RuleVerdicts {
    /// Makes the rows of any part of the log.
    pub fn from_record() -> impl FromRecord<Judged> {
        Verdicts(Filter::EVERYTHING)
    }
}

impl Table for RuleVerdicts {
    type Rows = Vec<Judged>;
    const NAME: &'static str = "rule_verdicts";
    const ABOUT: &'static str =
        "What rules objected to and where they failed. An order that every rule accepted has no row.";
    const COLUMNS: &'static [Column<Vec<Judged>>] = columns![Vec<Judged>:
        u64, "sequence", "record", "Number of the record in the log.", |row| row.sequence;
        i64, "time_ns", "ns", "When: UNIX time.", |row| row.time_ns;
        Moment, "time", "UTC", "The same as a timestamp.", |row| Moment(row.time_ns);
        &str, "verdict", "", "`rejected`, `would-reject` (a shadow's) or `fault` (no answer).", |row| row.verdict;
        &str, "mode", "", "`enforce` or `shadow`.", |row| row.mode.as_str();
        Option<&str>, "rule", "", "The rule's name.", |row, names| names.rule(row.rule);
        i64, "rule_id", "", "The exchange's number for it.", |row| i64::from(row.rule.0);
        Option<i64>, "activation", "", "Its activation; null for a rejection, which names only the rule.", |row| row.activation.map(|it| i64::from(it.0));
        Option<i64>, "code", "", "The rule's own code for why.", |row| row.code.map(i64::from);
        Option<&str>, "fault", "", "Why it had no answer: `out-of-fuel`, `trap`, `out-of-range` or `unavailable`.", |row| row.fault.map(RuleFault::as_str);
        Option<&str>, "fail", "", "What became of the order then: `closed` rejected it, `open` let it go on.", |row| row.fail.map(FailMode::as_str);
        Option<&str>, "account", "", "Whose order.", |row, names| names.account(row.account);
        Option<&str>, "symbol", "", "In what; null for a replace.", |row, names| names.symbol(row.instrument?);
        Option<String>, "cl_ord_id", "", "The client's id of the order that was rejected.", |row| row.cl_ord_id.map(|id| id.to_string());
        u64, "command_sequence", "record", "The command that asked for the order.", |row| row.command;
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<Judged>>>, Error> {
        Ok(Box::new(RecordScan::new(store, filter.range, Verdicts(*filter))?))
    }
}
