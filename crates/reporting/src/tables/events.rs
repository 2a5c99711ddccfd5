//! `events`: one row an event, with the fields that many events share as columns and all of them as JSON.

use std::sync::Arc;

use model::{
    AccountId, ClOrdId, Event, InstrumentId, KIND_EVENT_FIRST, OrderId, Phase, Price, Quantity, RejectReason,
    Side,
};

use super::fields_json;
use crate::error::Error;
use crate::store::Store;
use crate::table::scan::{FromRecord, RecordScan, Seen};
use crate::table::vector::{Exact, Moment};
use crate::table::{Column, Filter, Scan, Table, columns};

/// One row an event.
pub struct Events;

pub struct Row {
    sequence: u64,
    command: u64,
    block: u64,
    time_ns: i64,
    event: Event,
    shared: Shared,
}

/// What many events have in common.
#[derive(Default)]
struct Shared {
    account: Option<AccountId>,
    instrument: Option<InstrumentId>,
    order_id: Option<OrderId>,
    cl_ord_id: Option<ClOrdId>,
    trade_id: Option<u64>,
    side: Option<Side>,
    price: Option<Price>,
    quantity: Option<Quantity>,
    leaves: Option<Quantity>,
    reason: Option<&'static str>,
    phase: Option<Phase>,
    rule: Option<(u16, u32)>,
}

/// A rule's number and code, where a rule rejected.
fn rule(reason: RejectReason, rule: u16, code: u32) -> Option<(u16, u32)> {
    (reason == RejectReason::Rule).then_some((rule, code))
}

impl Shared {
    fn of(event: &Event) -> Self {
        let none = Self::default();
        match event {
            Event::OrderAccepted(it) => Self {
                account: Some(it.account),
                instrument: Some(it.instrument),
                order_id: Some(it.order_id),
                cl_ord_id: Some(it.cl_ord_id),
                side: Some(it.side),
                price: (it.order_type == model::OrderType::Limit).then_some(it.price),
                quantity: Some(it.quantity),
                ..none
            },
            Event::OrderRejected(it) => Self {
                account: Some(it.account),
                instrument: Some(it.instrument),
                cl_ord_id: Some(it.cl_ord_id),
                reason: Some(it.reason.as_str()),
                rule: rule(it.reason, it.rule, it.rule_code),
                ..none
            },
            Event::Trade(it) => Self {
                account: Some(it.taker_account),
                instrument: Some(it.instrument),
                order_id: Some(it.taker_order_id),
                trade_id: Some(it.trade_id.0),
                side: Some(it.taker_side),
                price: Some(it.price),
                quantity: Some(it.quantity),
                ..none
            },
            Event::OrderBooked(it) => Self {
                instrument: Some(it.instrument),
                order_id: Some(it.order_id),
                side: Some(it.side),
                price: Some(it.price),
                leaves: Some(it.leaves),
                ..none
            },
            Event::OrderCanceled(it) => Self {
                account: Some(it.account),
                instrument: Some(it.instrument),
                order_id: Some(it.order_id),
                side: Some(it.side),
                leaves: Some(it.leaves),
                reason: Some(it.reason.as_str()),
                ..none
            },
            Event::OrderReplaced(it) => Self {
                account: Some(it.account),
                instrument: Some(it.instrument),
                order_id: Some(it.order_id),
                cl_ord_id: Some(it.cl_ord_id),
                side: Some(it.side),
                price: Some(it.price),
                quantity: Some(it.quantity),
                ..none
            },
            Event::OrderReduced(it) => Self {
                account: Some(it.account),
                instrument: Some(it.instrument),
                order_id: Some(it.order_id),
                quantity: Some(it.by),
                leaves: Some(it.leaves),
                ..none
            },
            Event::CancelRejected(it) => Self {
                account: Some(it.account),
                cl_ord_id: Some(it.cl_ord_id),
                reason: Some(it.reason.as_str()),
                ..none
            },
            Event::ReplaceRejected(it) => Self {
                account: Some(it.account),
                cl_ord_id: Some(it.cl_ord_id),
                reason: Some(it.reason.as_str()),
                rule: rule(it.reason, it.rule, it.rule_code),
                ..none
            },
            Event::CommandRejected(it) => Self {
                account: Some(it.account),
                instrument: Some(it.instrument),
                reason: Some(it.reason.as_str()),
                ..none
            },
            Event::PhaseChanged(it) => {
                Self { instrument: Some(it.instrument), phase: Some(it.phase), ..none }
            }
            Event::InstrumentCreated(it) => Self { instrument: Some(it.instrument), ..none },
            Event::AccountOpened(it) => Self { account: Some(it.account), ..none },
            Event::BalanceChanged(it) => Self { account: Some(it.account), ..none },
            Event::AccountStatusChanged(it) => Self { account: Some(it.account), ..none },
            Event::AccountLimitsChanged(it) => Self { account: Some(it.account), ..none },
            Event::AccountKilled(it) => Self { account: Some(it.account), ..none },
            // What is about nobody and nothing in particular has only its fields.
            _ => none,
        }
    }

    /// Whether the filter wants it. A trade has two accounts, of which this knows one.
    fn wanted(&self, filter: &Filter, event: &Event) -> bool {
        let instrument = filter.instrument.is_none() || self.instrument == filter.instrument;
        let maker = match event {
            Event::Trade(trade) => Some(trade.maker_account),
            _ => None,
        };
        let account = filter.account.is_none() || self.account == filter.account || maker == filter.account;
        instrument && account
    }
}

struct FromEvent(Filter);

impl FromRecord<Row> for FromEvent {
    fn rows(&self, seen: &Seen<'_>, rows: &mut Vec<Row>) -> Result<(), Error> {
        let record = &seen.record;
        if record.kind < KIND_EVENT_FIRST {
            return Ok(());
        }
        let event = Event::decode(record.kind, record.version, record.payload)
            .map_err(|source| Error::Record { sequence: record.sequence, source })?;
        let shared = Shared::of(&event);
        if shared.wanted(&self.0, &event) {
            rows.push(Row {
                sequence: record.sequence,
                command: seen.command,
                block: seen.block.block_index,
                time_ns: seen.block.timestamp_ns,
                event,
                shared,
            });
        }
        Ok(())
    }
}

impl Table for Events {
    type Rows = Vec<Row>;
    const NAME: &'static str = "events";
    const ABOUT: &'static str =
        "One row an event: what happened, of every kind. What is not in a column is in `fields`.";
    const COLUMNS: &'static [Column<Vec<Row>>] = columns![Vec<Row>:
        u64, "sequence", "record", "Number of the record in the log.", |row| row.sequence;
        i64, "time_ns", "ns", "When its block was stamped: UNIX time.", |row| row.time_ns;
        Moment, "time", "UTC", "The same as a timestamp.", |row| Moment(row.time_ns);
        &str, "kind", "", "The event's name, such as `OrderAccepted`.", |row| row.event.name();
        Option<&str>, "symbol", "", "The instrument it is about.", |row, names| names.symbol(row.shared.instrument?);
        Option<&str>, "account", "", "The account it is about; the taker of a trade.",
            |row, names| names.account(row.shared.account?);
        Option<u64>, "order_id", "", "The order it is about; the taker's of a trade.", |row| row.shared.order_id.map(|id| id.0);
        Option<String>, "cl_ord_id", "", "The client's id for that order.", |row| row.shared.cl_ord_id.map(|id| id.to_string());
        Option<u64>, "trade_id", "", "The trade.", |row| row.shared.trade_id;
        Option<&str>, "side", "", "`buy` or `sell`.", |row| row.shared.side.map(Side::as_str);
        Option<Exact>, "price", "currency", "Limit or trade price; null for a market order.",
            |row, names| names.price(row.shared.instrument?, row.shared.price?);
        Option<Exact>, "quantity", "units", "Order, trade or reduced quantity.",
            |row, names| names.quantity(row.shared.instrument?, row.shared.quantity?);
        Option<Exact>, "leaves", "units", "What still works, or was canceled.",
            |row, names| names.quantity(row.shared.instrument?, row.shared.leaves?);
        Option<&str>, "reason", "", "Why it was refused or canceled.", |row| row.shared.reason;
        Option<&str>, "phase", "", "The phase an instrument moved to.", |row| row.shared.phase.map(Phase::as_str);
        Option<i64>, "rule", "", "The number of the rule that rejected.", |row| row.shared.rule.map(|(rule, _)| i64::from(rule));
        Option<i64>, "rule_code", "", "That rule's own code.", |row| row.shared.rule.map(|(_, code)| i64::from(code));
        Option<i64>, "price_ticks", "ticks", "The price as the log has it.", |row| row.shared.price.map(|price| price.0);
        Option<u64>, "quantity_lots", "lots", "The quantity as the log has it.", |row| row.shared.quantity.map(|lots| lots.0);
        Option<u64>, "leaves_lots", "lots", "The leaves as the log has them.", |row| row.shared.leaves.map(|lots| lots.0);
        u64, "command_sequence", "record", "The command that caused it.", |row| row.command;
        u64, "block", "", "The block it is in, from 1.", |row| row.block;
        i64, "kind_number", "", "The kind's number in the log.", |row| i64::from(row.event.kind());
        String, "fields", "JSON", "All fields of the record, in ticks, lots and minor units.",
            |row| fields_json(&row.event.fields());
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<Row>>>, Error> {
        Ok(Box::new(RecordScan::new(store, filter.range, FromEvent(*filter))?))
    }
}
