//! `outcry plugin replay`: what a rule would have said about the orders of a recorded log.

use super::candidate::{Candidate, Choice};
use crate::commands::store::Store;
use crate::ui::{self, Failure, Outcome, Result, Table, Ui};
use clap::Args;
use engine::{Outcome as Opinion, State};
use gateway::api::Number;
use gateway::view::{self, Scales};
use model::{
    AccountId, ActivationId, Cash, ComponentHash, InstrumentId, OperatorName, Quantity, RULE_FAULT_CODE,
    RuleActivated, RuleId, RuleKind, RuleMode,
};
use order_book::Book;
use plugin_host::Inspection;
use sequencer::what_if::{Judged, Recorded, Tried, what_if};
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;

/// Try a rule on a recorded log: which orders would it have stopped, and which let through?
///
/// The history stays as it is: an order the candidate would have stopped goes on all the same. Works on the store of a running
/// exchange too, and changes nothing in it. Counters begin empty at the first record tried.
#[derive(Debug, Args)]
pub struct Replay {
    #[command(flatten)]
    choice: Choice,
    /// The first record to try it on; the first of the log if not given
    #[arg(long, value_name = "SEQ")]
    from: Option<u64>,
    /// The last record to try it on; the last of the log if not given
    #[arg(long, value_name = "SEQ")]
    to: Option<u64>,
    /// Print each order whose verdict changes
    #[arg(long)]
    orders: bool,
    #[command(flatten)]
    store: Store,
}

#[derive(Debug, Serialize)]
struct Answer {
    rule: String,
    component: String,
    commands: u64,
    /// Orders the candidate was asked about: those that got as far as the rules.
    asked: u64,
    last_sequence: u64,
    /// Orders whose verdict changes.
    changed: u64,
    elapsed_ms: u64,
    groups: Vec<Group>,
    /// Only with --orders.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    orders: Vec<Order>,
}

/// Orders whose verdict changes in the same way.
#[derive(Debug, Serialize)]
struct Group {
    account: String,
    symbol: String,
    change: &'static str,
    /// The code of the rejection: the candidate's, or the recorded one where that goes away.
    code: u32,
    text: String,
    orders: u64,
    quantity: Number,
    /// In the instrument's currency.
    notional: Number,
}

#[derive(Debug, Serialize)]
struct Order {
    sequence: u64,
    account: String,
    symbol: String,
    side: &'static str,
    quantity: Number,
    price: Number,
    change: &'static str,
    code: u32,
}

/// What would be otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Change {
    Rejected,
    Otherwise,
    Accepted,
    Failed,
}

impl Change {
    fn as_str(self) -> &'static str {
        match self {
            Self::Rejected => "would be rejected",
            Self::Otherwise => "would be rejected for another reason",
            Self::Accepted => "would be let through",
            Self::Failed => "could not be judged",
        }
    }

    /// How the candidate's opinion changes what was recorded. `own` is the rule of the same name in the log, whose place the
    /// candidate would take; what another rule rejected stays rejected.
    fn of(judged: &Judged, own: Option<RuleId>) -> Option<(Self, u32)> {
        match (judged.opinion, judged.recorded) {
            (Opinion::Fault(fault), _) => Some((Self::Failed, RULE_FAULT_CODE + fault as u32)),
            (Opinion::Accept, Recorded::RejectedByRule { rule, code }) if Some(rule) == own => {
                Some((Self::Accepted, code))
            }
            (Opinion::Reject(code), Recorded::Accepted) => Some((Self::Rejected, code)),
            (Opinion::Reject(new), Recorded::RejectedByRule { rule, code })
                if Some(rule) == own && new != code =>
            {
                Some((Self::Otherwise, new))
            }
            _ => None,
        }
    }
}

#[derive(Debug, Default)]
struct Sum {
    orders: u64,
    lots: u128,
    cash: i128,
}

impl Replay {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let tried = self.choice.load()?;
        let candidate = self.activation(&tried)?;
        let Candidate { path, inspection, desk, .. } = &tried;
        let mut sums: BTreeMap<(AccountId, InstrumentId, Change, u32), Sum> = BTreeMap::new();
        let mut listed = Vec::new();
        let mut last: Option<State<Book>> = None;
        let progress = ui.progress("trying the rule", None);
        let started = std::time::Instant::now();
        let own_name = inspection.manifest.as_ref().map(|manifest| manifest.name);
        let mut rules = desk.live();
        let judged = what_if(&self.store.dir, self.from, self.to, candidate, &mut rules, |judged, state| {
            progress.set(judged.sequence);
            let own = own_name.and_then(|name| state.rule_by_name(&name)).map(|rule| rule.id);
            if let Some((change, code)) = Change::of(judged, own) {
                let sum = sums.entry((judged.account, judged.instrument, change, code)).or_default();
                sum.orders += 1;
                sum.lots += u128::from(judged.quantity.0);
                sum.cash += i128::from(judged.notional.0);
                if self.orders {
                    listed.push(order(judged, state, change, code));
                }
            }
        })?;
        progress.end();
        // Names and scales are those at the end.
        if !sums.is_empty() {
            last = Some(sequencer::replay::fold::<Book>(&self.store.dir, Some(judged.sequence))?.state);
        }
        let explain = |code| desk.explain(candidate.component, &candidate.parameters, code).to_string();
        let groups = last.iter().flat_map(|state| {
            sums.iter().map(|(&(account, instrument, change, code), sum)| {
                group(state, account, instrument, change, code, sum, explain(code))
            })
        });
        let answer = Answer::new(path, inspection, judged, started.elapsed(), groups.collect(), listed);
        ui.answer(&answer, show)?;
        Ok(Outcome::Success)
    }

    /// The activation that is tried.
    fn activation(&self, tried: &Candidate) -> Result<RuleActivated> {
        let Candidate { inspection, parameters, .. } = tried;
        if inspection.kind == RuleKind::Reporting {
            let hint = format!("outcry plugin report {}", self.choice.rule.display());
            return Err(Failure::usage("a reporting rule judges no orders; it fills a table").hint(hint));
        }
        let load = inspection.load_command(Candidate::name(), OperatorName::EMPTY, false);
        Ok(RuleActivated {
            component: load.component,
            parameters: *parameters,
            by: OperatorName::EMPTY,
            fuel: load.fuel,
            memory_bytes: load.memory_bytes,
            activation: ActivationId::CANDIDATE,
            account: AccountId::ALL,
            instrument: InstrumentId::ALL,
            rule: RuleId::CANDIDATE,
            rule_version: 0,
            priority: 0,
            max_faults: load.max_faults,
            kind: load.kind,
            mode: RuleMode::Shadow,
            fail: load.fail,
            counter_key: load.counter_key,
            counter_window: load.counter_window,
            by_rollback: false,
            reserved: [0; 2],
        })
    }
}

fn names(state: &State<Book>, account: AccountId, instrument: InstrumentId) -> (String, String) {
    let account = state.account(account).map(|account| account.name.to_string());
    let symbol = state.instrument(instrument).map(|instrument| instrument.terms.symbol.to_string());
    (account.unwrap_or_default(), symbol.unwrap_or_default())
}

fn order(judged: &Judged, state: &State<Book>, change: Change, code: u32) -> Order {
    let (account, symbol) = names(state, judged.account, judged.instrument);
    let scales = Scales::by_id(state, judged.instrument);
    Order {
        sequence: judged.sequence,
        account,
        symbol,
        side: judged.side.as_str(),
        quantity: scales.quantity(judged.quantity),
        price: scales.price(judged.price),
        change: change.as_str(),
        code,
    }
}

fn group(
    state: &State<Book>,
    account: AccountId,
    instrument: InstrumentId,
    change: Change,
    code: u32,
    sum: &Sum,
    text: String,
) -> Group {
    let (account, symbol) = names(state, account, instrument);
    let lots = Quantity(u64::try_from(sum.lots).unwrap_or(u64::MAX));
    let cash = Cash(i64::try_from(sum.cash).unwrap_or(i64::MAX));
    let currency = state.instrument(instrument).and_then(|instrument| state.asset(instrument.terms.currency));
    Group {
        account,
        symbol,
        change: change.as_str(),
        code,
        text,
        orders: sum.orders,
        quantity: Scales::by_id(state, instrument).quantity(lots),
        notional: currency
            .map_or(Number::new(i128::from(cash.0), 0), |currency| view::amount(state, currency, cash)),
    }
}

impl Answer {
    fn new(
        path: &Path,
        inspection: &Inspection,
        tried: Tried,
        elapsed: std::time::Duration,
        groups: Vec<Group>,
        orders: Vec<Order>,
    ) -> Self {
        let ComponentHash(hash) = inspection.component;
        Self {
            rule: inspection
                .manifest
                .as_ref()
                .map_or_else(|| path.display().to_string(), |manifest| manifest.name.to_string()),
            component: ui::hex(&hash),
            commands: tried.commands,
            asked: tried.asked,
            last_sequence: tried.sequence,
            changed: groups.iter().map(|group| group.orders).sum(),
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            groups,
            orders,
        }
    }
}

fn show(ui: &mut Ui, answer: &Answer) -> std::io::Result<()> {
    if !answer.orders.is_empty() {
        let mut table =
            Table::new(["#record", "account", "symbol", "side", "#quantity", "#price", "change", "#code"]);
        for order in &answer.orders {
            table.row([
                order.sequence.to_string(),
                order.account.clone(),
                order.symbol.clone(),
                order.side.to_owned(),
                order.quantity.to_string(),
                order.price.to_string(),
                order.change.to_owned(),
                order.code.to_string(),
            ]);
        }
        ui.table(&table)?;
    }
    if !answer.groups.is_empty() {
        let mut table =
            Table::new(["account", "symbol", "change", "#orders", "#quantity", "#notional", "#code", "text"]);
        for group in &answer.groups {
            table.row([
                group.account.clone(),
                group.symbol.clone(),
                group.change.to_owned(),
                group.orders.to_string(),
                group.quantity.to_string(),
                group.notional.to_string(),
                group.code.to_string(),
                group.text.clone(),
            ]);
        }
        ui.table(&table)?;
    }
    ui.line(format_args!(
        "{}: {} of {} orders would be judged otherwise ({} commands, up to record {}, in {} ms)",
        answer.rule,
        ui::count(answer.changed),
        ui::count(answer.asked),
        ui::count(answer.commands),
        ui::count(answer.last_sequence),
        ui::count(answer.elapsed_ms)
    ))
}
