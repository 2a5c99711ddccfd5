//! Trying a rule on a log: what it would have said about every order that got as far as the rules, beside what was said. The
//! history is left as it was: an order that the candidate would have stopped goes on in the log all the same.

use std::path::Path;

use engine::{Outcome, RiskRow, Rules, State, ValidationRow, decide, evolve};
use event_store::Reader;
use model::{
    AccountId, ActivationId, Cash, Command, Event, InstrumentId, KIND_EVENT_FIRST, Price, Quantity,
    RejectReason, RuleActivated, RuleId, RuleMode, Side, Timestamp,
};
use order_book::Book;

use crate::replay::{FoldError, fold};

/// What became of an order in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Recorded {
    /// It was taken in.
    Accepted,
    /// A rule rejected it.
    RejectedByRule {
        /// Which.
        rule: RuleId,
        /// With which code.
        code: u32,
    },
    /// It was refused for something that is looked at after the rules.
    Refused(RejectReason),
}

/// An order that a candidate was asked about, and both verdicts on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Judged {
    /// The command's sequence number.
    pub sequence: u64,
    /// The time of its block.
    pub time: Timestamp,
    /// Whose order.
    pub account: AccountId,
    /// In what.
    pub instrument: InstrumentId,
    /// Buy or sell.
    pub side: Side,
    /// What could have traded, in lots.
    pub quantity: Quantity,
    /// Its limit in ticks; 0 for a market order.
    pub price: Price,
    /// Its value in minor units, as the rule saw it: a validation rule sees none of a market order.
    pub notional: Cash,
    /// What the candidate says.
    pub opinion: Outcome,
    /// What became of it.
    pub recorded: Recorded,
}

/// How trying a rule went.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tried {
    /// Commands read.
    pub commands: u64,
    /// Orders that the candidate was asked about.
    pub asked: u64,
    /// The last record read; 0 when there was none.
    pub sequence: u64,
}

/// Tries a candidate on the records `from..=to` of a store: from the first, up to the last committed one. Its counters begin
/// empty there, and no number of faults suspends it. Of `candidate` only the component, its configuration and its scope
/// matter; `rules` is asked about [`ActivationId::CANDIDATE`] alone. `each` is handed everything that the candidate was
/// asked about, and the state after it.
pub fn what_if<R: Rules>(
    store: &Path,
    from: Option<u64>,
    to: Option<u64>,
    candidate: RuleActivated,
    rules: &mut R,
    mut each: impl FnMut(&Judged, &State<Book>),
) -> Result<Tried, FoldError> {
    let before = from.map_or(0, |from| from.saturating_sub(1));
    let to = to.unwrap_or(u64::MAX);
    let candidate = RuleActivated {
        activation: ActivationId::CANDIDATE,
        rule: RuleId::CANDIDATE,
        mode: RuleMode::Shadow,
        max_faults: u16::MAX,
        ..candidate
    };
    let mut state = fold::<Book>(store, Some(before))?.state;
    state.try_out(&candidate);
    rules.restore(&[candidate]);
    let mut listener = Listener { rules, heard: None };
    let mut reader = Reader::open(store)?;
    reader.seek_sequence(before + 1)?;
    let mut tried = Tried::default();
    let mut decided = Vec::new();
    // What the candidate said about the command whose first event comes next.
    let mut open: Option<Judged> = None;
    while tried.sequence < to
        && let Some(block) = reader.next_block()?
    {
        let time = Timestamp(block.header().timestamp_ns);
        for record in block.records().filter(|record| (before + 1..=to).contains(&record.sequence)) {
            tried.sequence = record.sequence;
            let fault = |source| FoldError::Record { sequence: record.sequence, source };
            if record.kind >= KIND_EVENT_FIRST {
                let event = Event::decode(record.kind, record.version, record.payload).map_err(fault)?;
                evolve(&mut state, &event);
                if let Some(judged) = open.take() {
                    each(&Judged { recorded: recorded(&event), ..judged }, &state);
                }
                continue;
            }
            tried.commands += 1;
            let command = Command::decode(record.kind, record.version, record.payload).map_err(fault)?;
            if !matches!(command, Command::SubmitOrder(_) | Command::ReplaceOrder(_)) {
                continue;
            }
            decided.clear();
            decide(&state, time, &command, &mut listener, &mut decided);
            let Some(judged) = listener.heard.take() else { continue };
            tried.asked += 1;
            open = Some(Judged { sequence: record.sequence, time, ..judged });
            // What it counted it must find again; what else was decided is in the log already.
            decided.iter().filter(|event| is_of_candidate(event)).for_each(|event| evolve(&mut state, event));
        }
    }
    Ok(tried)
}

/// What the answer to an order says of it.
fn recorded(answer: &Event) -> Recorded {
    let refused = |reason, rule, code| match reason {
        RejectReason::Rule => Recorded::RejectedByRule { rule: RuleId(rule), code },
        reason => Recorded::Refused(reason),
    };
    match answer {
        Event::OrderRejected(event) => refused(event.reason, event.rule, event.rule_code),
        Event::ReplaceRejected(event) => refused(event.reason, event.rule, event.rule_code),
        _ => Recorded::Accepted,
    }
}

fn is_of_candidate(event: &Event) -> bool {
    let rule = match event {
        Event::RuleCounterChanged(event) => event.rule,
        Event::RuleFaulted(event) => event.rule,
        Event::RuleRecovered(event) => event.rule,
        _ => return false,
    };
    rule == RuleId::CANDIDATE
}

/// Lets the candidate speak, and nobody else.
struct Listener<'r, R> {
    rules: &'r mut R,
    heard: Option<Judged>,
}

impl<R: Rules> Rules for Listener<'_, R> {
    fn restore(&mut self, _: &[RuleActivated]) {}
    fn activated(&mut self, _: &RuleActivated) {}
    fn ended(&mut self, _: ActivationId) {}
    fn prepare(&mut self, _: ActivationId, _: &[ValidationRow]) {}

    fn validation(&mut self, activation: ActivationId, row: &ValidationRow) -> Outcome {
        if activation != ActivationId::CANDIDATE {
            return Outcome::Accept;
        }
        let opinion = self.rules.validation(activation, row);
        let [_, flags, leaves, _, price, value, ..] = row.0;
        self.heard = Some(Judged {
            account: row.account(),
            instrument: row.instrument(),
            quantity: Quantity(leaves),
            price: Price(price.cast_signed()),
            notional: Cash(value.cast_signed()),
            ..heard(flags & 1 == 1, opinion)
        });
        opinion
    }

    fn risk(&mut self, activation: ActivationId, row: &RiskRow) -> (Outcome, i64) {
        if activation != ActivationId::CANDIDATE {
            return (Outcome::Accept, 0);
        }
        let (opinion, delta) = self.rules.risk(activation, row);
        self.heard = Some(Judged {
            account: AccountId(row.account),
            instrument: InstrumentId(row.instrument),
            quantity: Quantity(row.quantity),
            price: Price(row.price),
            notional: Cash(row.notional),
            ..heard(row.flags & 1 == 1, opinion)
        });
        (opinion, delta)
    }
}

/// An opinion about an order of which the rest is filled in by who knows it.
fn heard(sell: bool, opinion: Outcome) -> Judged {
    Judged {
        sequence: 0,
        time: Timestamp::NONE,
        account: AccountId::UNKNOWN,
        instrument: InstrumentId::UNKNOWN,
        side: if sell { Side::Sell } else { Side::Buy },
        quantity: Quantity::ZERO,
        price: Price(0),
        notional: Cash::ZERO,
        opinion,
        recorded: Recorded::Accepted,
    }
}
