//! What a reader of the log knows: names, the ids orders had, and the trades. Folded from committed events and from
//! nothing else, so that after a crash it is folded again from the first record.

use crate::names::Names;
use crate::number::Fixed;

use market_data::Tape;
use model::{
    AccountId, AccountName, ActivationId, CancelRejected, ClOrdId, CommandRejected, ComponentHash, Event,
    InstrumentCreated, InstrumentId, OrderId, OrderRejected, OrderReplaced, RecordKind, RejectReason,
    ReplaceRejected, RuleId, RuleName, RuleParameters, Trade, TradeId,
};
use plugin_host::Desk;
use std::collections::BTreeMap;
use std::fmt::Write as _;

/// The most trades of an instrument a scenario can ask for.
const TRADES_SHOWN_MAX: usize = 1 << 20;

/// The facts behind the lines.
#[derive(Default)]
pub(crate) struct View {
    accounts: Vec<AccountName>,
    instruments: Vec<Listed>,
    rules: BTreeMap<RuleId, RuleName>,
    /// What is in force, and so what a code means.
    configured: BTreeMap<RuleId, (ComponentHash, RuleParameters)>,
    activations: BTreeMap<ActivationId, RuleName>,
    /// Who knows a rule's words.
    desk: Option<Desk>,
    /// Every order ever accepted, with the id it has now.
    orders: BTreeMap<OrderId, Named>,
    /// The ids the two orders of a trade had when they traded: maker, taker.
    traded: BTreeMap<TradeId, (ClOrdId, ClOrdId)>,
}

#[derive(Debug)]
struct Listed {
    terms: InstrumentCreated,
    tape: Tape,
}

#[derive(Clone, Copy, Debug)]
struct Named {
    id: ClOrdId,
    account: AccountId,
    instrument: InstrumentId,
}

/// The account a refused command named: the exchange may not know it.
pub(crate) type Speaker = Option<AccountName>;

impl View {
    /// Nothing yet. Without a desk, a rule's codes are shown without its words.
    pub fn new(desk: Option<Desk>) -> Self {
        Self { desk, ..Self::default() }
    }

    /// Takes in an event, and says how it is shown, if it is.
    pub fn fold(&mut self, event: &Event, names: &Names, speaker: Speaker) -> Option<String> {
        match event {
            Event::OrderAccepted(accepted) => {
                let named = Named {
                    id: accepted.cl_ord_id,
                    account: accepted.account,
                    instrument: accepted.instrument,
                };
                self.orders.insert(accepted.order_id, named);
                Some(format!("accepted {}", self.shown(accepted.order_id, names)))
            }
            Event::Trade(trade) => Some(self.trade(trade, names)),
            Event::OrderCanceled(canceled) => Some(format!(
                "canceled {} leaves={} reason={}",
                self.shown(canceled.order_id, names),
                Fixed::quantity(canceled.leaves, self.terms(canceled.instrument)),
                canceled.reason
            )),
            Event::OrderReplaced(replaced) => Some(self.replaced(replaced, names)),
            Event::OrderReduced(reduced) => {
                let terms = self.terms(reduced.instrument);
                Some(format!(
                    "reduced {} by={} leaves={} reason=stp",
                    self.shown(reduced.order_id, names),
                    Fixed::quantity(reduced.by, terms),
                    Fixed::quantity(reduced.leaves, terms)
                ))
            }
            Event::OrderRejected(OrderRejected { cl_ord_id, account, reason, rule, rule_code, .. }) => {
                let id = self.spoken(*account, speaker, cl_ord_id, names);
                Some(format!("rejected {id} reason={reason}{}", self.rule_words(*reason, *rule, *rule_code)))
            }
            Event::CancelRejected(CancelRejected { cl_ord_id, account, reason, .. }) => {
                let id = self.spoken(*account, speaker, cl_ord_id, names);
                Some(format!("cancel-rejected {id} reason={reason}"))
            }
            Event::ReplaceRejected(ReplaceRejected {
                cl_ord_id, account, reason, rule, rule_code, ..
            }) => {
                let id = self.spoken(*account, speaker, cl_ord_id, names);
                let words = self.rule_words(*reason, *rule, *rule_code);
                Some(format!("replace-rejected {id} reason={reason}{words}"))
            }
            Event::CommandRejected(CommandRejected { command, reason, .. }) => {
                Some(format!("rejected {} reason={reason}", word(*command)))
            }
            Event::PhaseChanged(changed) => {
                Some(format!("phase {} {}", self.terms(changed.instrument).symbol, changed.phase))
            }
            Event::InstrumentCreated(terms) => {
                self.instruments.push(Listed { terms: *terms, tape: Tape::new(TRADES_SHOWN_MAX) });
                None
            }
            Event::AccountOpened(opened) => {
                self.accounts.push(opened.name);
                None
            }
            Event::RuleLoaded(loaded) => {
                self.rules.insert(loaded.rule, loaded.name);
                None
            }
            Event::RuleActivated(activated) => {
                let configured = (activated.component, activated.parameters);
                self.configured.insert(activated.rule, configured);
                self.activations.insert(activated.activation, self.rules[&activated.rule]);
                Some(format!("rule-activated {}", self.rules[&activated.rule]))
            }
            Event::RuleDeactivated(deactivated) => {
                Some(format!("rule-deactivated {}", self.rules[&deactivated.rule]))
            }
            Event::RuleSuspended(suspended) => {
                Some(format!("rule-suspended {}", self.rules[&suspended.rule]))
            }
            Event::OrderBooked(_)
            | Event::RuleApproved(_)
            | Event::RuleVerdict(_)
            | Event::RuleFaulted(_)
            | Event::RuleRecovered(_)
            | Event::RuleCounterChanged(_)
            | Event::TradingDayStarted(_)
            | Event::Configured(_)
            | Event::AssetRegistered(_)
            | Event::BalanceChanged(_)
            | Event::AccountStatusChanged(_)
            | Event::AccountLimitsChanged(_)
            | Event::AccountKilled(_) => None,
        }
    }

    /// The rule of an activation.
    pub fn rule_of(&self, activation: ActivationId) -> Option<RuleName> {
        self.activations.get(&activation).copied()
    }

    /// Which rule said no, and its code in its own words.
    fn rule_words(&self, reason: RejectReason, rule: u16, code: u32) -> String {
        if reason != RejectReason::Rule {
            return String::new();
        }
        let rule = RuleId(rule);
        let mut words = format!(" rule={} code={code}", self.rules[&rule]);
        if let Some(desk) = &self.desk {
            let (component, parameters) = &self.configured[&rule];
            let _ = write!(words, " \"{}\"", desk.explain(*component, parameters, code));
        }
        words
    }

    /// The terms of an instrument that an event named.
    pub fn terms(&self, instrument: InstrumentId) -> &InstrumentCreated {
        &self.instruments[instrument.index()].terms
    }

    /// The trades in an instrument.
    pub fn tape(&self, instrument: InstrumentId) -> &Tape {
        &self.instruments[instrument.index()].tape
    }

    /// A working order's id as it is shown.
    pub fn shown(&self, order: OrderId, names: &Names) -> String {
        let named = self.orders[&order];
        names.shown(&self.accounts[named.account.index()], &named.id)
    }

    /// A trade as an answer to a query shows it, with the ids the orders had then.
    pub fn shown_trade(&self, trade: &Trade, names: &Names) -> String {
        let terms = self.terms(trade.instrument);
        let (maker, taker) = &self.traded[&trade.trade_id];
        format!(
            "{} @ {} maker={} taker={}",
            Fixed::quantity(trade.quantity, terms),
            Fixed::price(trade.price, terms),
            names.shown(&self.accounts[trade.maker_account.index()], maker),
            names.shown(&self.accounts[trade.taker_account.index()], taker)
        )
    }

    fn trade(&mut self, trade: &Trade, names: &Names) -> String {
        let ids = (self.orders[&trade.maker_order_id].id, self.orders[&trade.taker_order_id].id);
        self.traded.insert(trade.trade_id, ids);
        self.instruments[trade.instrument.index()].tape.fold(trade);
        format!("trade {} {}", self.terms(trade.instrument).symbol, self.shown_trade(trade, names))
    }

    fn replaced(&mut self, replaced: &OrderReplaced, names: &Names) -> String {
        let old = self.shown(replaced.order_id, names);
        let named = self.orders.get_mut(&replaced.order_id).expect("only an accepted order is replaced");
        named.id = replaced.cl_ord_id;
        let terms = self.instruments[named.instrument.index()].terms;
        format!(
            "replaced {old} -> {} qty={} px={} priority={}",
            self.shown(replaced.order_id, names),
            Fixed::quantity(replaced.quantity, &terms),
            Fixed::price(replaced.price, &terms),
            if replaced.priority_kept { "kept" } else { "lost" }
        )
    }

    /// An id as it is shown where no order need stand behind it.
    fn spoken(&self, account: AccountId, speaker: Speaker, id: &ClOrdId, names: &Names) -> String {
        let known = self.accounts.get(account.index()).copied();
        known.or(speaker).map_or_else(|| id.to_string(), |account| names.shown(&account, id))
    }
}

/// The word of a refused command.
fn word(kind: RecordKind) -> &'static str {
    use model::Record;
    match kind {
        model::CreateInstrument::KIND => "instrument",
        model::OpenAccount::KIND => "account",
        model::Deposit::KIND => "deposit",
        model::Withdraw::KIND => "withdraw",
        model::CancelAll::KIND => "cancel-all",
        model::SetPhase::KIND => "phase",
        model::KillAccount::KIND => "kill",
        model::LoadRule::KIND | model::ActivateRule::KIND => "rule load",
        model::DeactivateRule::KIND => "rule unload",
        // No scenario sends the others; should the exchange refuse one, the difference shows.
        _ => "command",
    }
}
