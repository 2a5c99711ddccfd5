//! `order_events`: everything that happened to every order, one row a step; and `executions`, the trades among them.

use std::sync::Arc;

use event_store::Block;
use model::{ClOrdId, Event, KIND_EVENT_FIRST, OrderType, Price, Quantity};

use super::lives::{Life, Lives, Place, Refusal, Status, Step, is_order_event};
use crate::error::Error;
use crate::store::Store;
use crate::table::scan::{Fold, FoldScan, Range};
use crate::table::vector::{Exact, Moment};
use crate::table::{Column, Filter, Scan, Table, columns};

/// One row a step in an order's life.
pub struct OrderEvents;

/// One row a trade and side.
pub struct Executions;

/// A step, and the order as it stood after it.
pub struct Row {
    place: Place,
    step: Step,
    life: Option<Life>,
}

impl Row {
    fn refusal(&self) -> Option<&Refusal> {
        match &self.step {
            Step::Rejected(refusal) | Step::CancelRejected(refusal) | Step::ReplaceRejected(refusal) => {
                Some(refusal)
            }
            _ => None,
        }
    }

    fn account(&self) -> model::AccountId {
        match (&self.life, self.refusal()) {
            (Some(life), _) => life.account,
            (None, Some(refusal)) => refusal.account,
            (None, None) => model::AccountId::UNKNOWN,
        }
    }

    fn instrument(&self) -> Option<model::InstrumentId> {
        self.life.map(|life| life.instrument).or_else(|| self.refusal()?.instrument)
    }

    fn cl_ord_id(&self) -> Option<ClOrdId> {
        self.life.map(|life| life.cl_ord_id).or_else(|| Some(self.refusal()?.cl_ord_id))
    }

    fn exec_type(&self) -> &'static str {
        match self.step {
            Step::New => "new",
            Step::Trade { .. } => "trade",
            Step::Booked => "booked",
            Step::Canceled(model::CancelReason::Expired) => "expired",
            Step::Canceled(_) => "canceled",
            Step::Replaced { .. } => "replaced",
            Step::Reduced(_) => "reduced",
            Step::Rejected(_) => "rejected",
            Step::CancelRejected(_) => "cancel-rejected",
            Step::ReplaceRejected(_) => "replace-rejected",
        }
    }

    /// A refused cancel or replace says nothing about what the order is.
    fn status(&self) -> Option<Status> {
        match self.step {
            Step::Rejected(_) => Some(Status::Rejected),
            _ => self.life.map(|life| life.status),
        }
    }

    fn reason(&self) -> Option<&'static str> {
        match self.step {
            Step::Canceled(reason) => Some(reason.as_str()),
            _ => self.refusal().map(|refusal| refusal.reason.as_str()),
        }
    }

    fn rule(&self) -> Option<(u16, u32)> {
        self.refusal()?.rule
    }

    fn limit(&self) -> Option<Price> {
        self.life.filter(|life| life.order_type == OrderType::Limit).map(|life| life.price)
    }

    fn last(&self) -> Option<(Price, Quantity)> {
        match self.step {
            Step::Trade { price, quantity, .. } => Some((price, quantity)),
            _ => None,
        }
    }

    /// What still works: nothing once the order is over.
    fn leaves(&self) -> Option<Quantity> {
        let life = self.life?;
        Some(if matches!(life.status, Status::New | Status::PartiallyFilled) {
            life.leaves
        } else {
            Quantity::ZERO
        })
    }

    fn trade_id(&self) -> Option<u64> {
        match self.step {
            Step::Trade { trade_id, .. } => Some(trade_id),
            _ => None,
        }
    }

    fn liquidity(&self) -> Option<&'static str> {
        match self.step {
            Step::Trade { is_maker, .. } => Some(if is_maker { "maker" } else { "taker" }),
            _ => None,
        }
    }

    /// Unique over all steps: a trade has two in one record.
    fn exec_id(&self) -> u64 {
        self.place.sequence * 2 + u64::from(matches!(self.step, Step::Trade { is_maker: false, .. }))
    }
}

/// Makes the rows; only those of trades for `executions`.
struct Steps {
    lives: Lives,
    /// The first record that is not in `lives`.
    next: u64,
    filter: Filter,
    trades_only: bool,
    store: Arc<Store>,
}

impl Fold<Row> for Steps {
    fn block(&mut self, block: &Block<'_>, rows: &mut Vec<Row>) -> Result<(), Error> {
        let (filter, trades_only) = (self.filter, self.trades_only);
        for_each_order_event(block, filter.range.to, |event, place| {
            if place.sequence < self.next {
                return Ok(());
            }
            self.lives.apply(event, place, |life, step| {
                let row = Row { place, step, life: life.copied() };
                if filter.range.holds(place.sequence)
                    && (!trades_only || matches!(step, Step::Trade { .. }))
                    && (filter.instrument.is_none() || filter.instrument == row.instrument())
                    && filter.wants_account(row.account())
                {
                    rows.push(row);
                }
            })
        })
    }

    fn finish(&mut self, _rows: &mut Vec<Row>) -> Result<(), Error> {
        let to = self.filter.range.to;
        self.store.carry().put(OrderEvents::NAME, to, || std::mem::take(&mut self.lives));
        Ok(())
    }
}

/// Calls `visit` with the events of a block that are about orders, up to a record.
pub fn for_each_order_event(
    block: &Block<'_>,
    to: u64,
    mut visit: impl FnMut(&Event, Place) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut command = 0;
    let time_ns = block.header().timestamp_ns;
    for record in block.records().take_while(|record| record.sequence <= to) {
        if record.kind < KIND_EVENT_FIRST {
            command = record.sequence;
        } else if is_order_event(record.kind) {
            let sequence = record.sequence;
            let event = Event::decode(record.kind, record.version, record.payload)
                .map_err(|source| Error::Record { sequence, source })?;
            visit(&event, Place { sequence, command, time_ns })?;
        }
    }
    Ok(())
}

fn scan(store: &Arc<Store>, filter: &Filter, trades_only: bool) -> Result<Box<dyn Scan<Vec<Row>>>, Error> {
    // What an order is at some record depends on all that came before.
    let kept = store.carry().take(OrderEvents::NAME, filter.range.from);
    let (lives, next) = kept.map_or_else(|| (Lives::default(), 1), |lives| (lives, filter.range.from));
    let range = Range { from: next, to: filter.range.to };
    let steps = Steps { lives, next, filter: *filter, trades_only, store: Arc::clone(store) };
    Ok(Box::new(FoldScan::new(store, range, steps)?))
}

impl Table for OrderEvents {
    type Rows = Vec<Row>;
    const NAME: &'static str = "order_events";
    const ABOUT: &'static str = "Everything that happened to every order, one row a step, with the order as it stood after it. \
        A trade is two rows, the maker's first.";
    const COLUMNS: &'static [Column<Vec<Row>>] = columns![Vec<Row>:
        u64, "sequence", "record", "Number of the record in the log.", |row| row.place.sequence;
        u64, "exec_id", "", "Number of the step, unique and in order.", |row| row.exec_id();
        i64, "time_ns", "ns", "When it happened: UNIX time.", |row| row.place.time_ns;
        Moment, "time", "UTC", "The same as a timestamp.", |row| Moment(row.place.time_ns);
        &str, "exec_type", "", "`new`, `trade`, `booked` (the rest now rests), `replaced`, `reduced` (self-trade prevention), \
            `canceled`, `expired`, `rejected`, `cancel-rejected` or `replace-rejected`.", |row| row.exec_type();
        Option<&str>, "ord_status", "", "What the order is after it: `new`, `partially-filled`, `filled`, `canceled`, `expired` \
            or `rejected`; null where a cancel or replace was refused.", |row| row.status().map(Status::as_str);
        Option<u64>, "order_id", "", "The exchange's id for the order; null where there is none.", |row| row.life.map(|life| life.id.0);
        Option<String>, "cl_ord_id", "", "The client's id for it, the new one once replaced.",
            |row| row.cl_ord_id().map(|id| id.to_string());
        Option<String>, "orig_cl_ord_id", "", "The client's id before it was replaced.",
            |row| match row.step { Step::Replaced { before, .. } => Some(before.to_string()), _ => None };
        Option<&str>, "account", "", "Whose.", |row, names| names.account(row.account());
        Option<&str>, "symbol", "", "In what.", |row, names| names.symbol(row.instrument()?);
        Option<&str>, "side", "", "`buy` or `sell`.", |row| row.life.map(|life| life.side.as_str());
        Option<&str>, "order_type", "", "`limit` or `market`.", |row| row.life.map(|life| life.order_type.as_str());
        Option<&str>, "time_in_force", "", "`day`, `gtc`, `ioc`, `fok` or `gtd`.", |row| row.life.map(|life| life.time_in_force.as_str());
        Option<bool>, "post_only", "", "Whether it must not take.", |row| row.life.map(|life| life.post_only);
        Option<&str>, "currency", "", "What prices are in.", |row, names| names.currency(row.instrument()?);
        Option<Exact>, "price", "currency", "Its limit; null for a market order.",
            |row, names| names.price(row.instrument()?, row.limit()?);
        Option<Exact>, "quantity", "units", "All of it: traded and not.",
            |row, names| names.quantity(row.instrument()?, row.life?.quantity());
        Option<Exact>, "last_price", "currency", "The price of this trade.",
            |row, names| names.price(row.instrument()?, row.last()?.0);
        Option<Exact>, "last_quantity", "units", "The quantity of this trade.",
            |row, names| names.quantity(row.instrument()?, row.last()?.1);
        Option<Exact>, "last_notional", "currency", "What this trade was worth.", |row, names| {
            let (price, quantity) = row.last()?;
            names.notional(row.instrument()?, price, quantity)
        };
        Option<Exact>, "leaves", "units", "What still works; 0 once it is over.",
            |row, names| names.quantity(row.instrument()?, row.leaves()?);
        Option<Exact>, "cum", "units", "What has traded so far.", |row, names| names.quantity(row.instrument()?, row.life?.cum);
        Option<u64>, "trade_id", "", "The trade.", |row| row.trade_id();
        Option<&str>, "liquidity", "", "`maker` for the order that rested, `taker` for the one that came in.", |row| row.liquidity();
        Option<u64>, "other_order_id", "", "The order it traded with.",
            |row| match row.step { Step::Trade { other, .. } => Some(other.0), _ => None };
        Option<&str>, "other_account", "", "Whose that was.",
            |row, names| match row.step { Step::Trade { other_account, .. } => names.account(other_account), _ => None };
        Option<bool>, "priority_kept", "", "Whether a replaced order kept its place in the queue.",
            |row| match row.step { Step::Replaced { priority_kept, .. } => Some(priority_kept), _ => None };
        Option<i64>, "priority_time_ns", "ns", "Since when it has its place in the queue: UNIX time.",
            |row| row.life.map(|life| life.priority.time_ns);
        Option<u64>, "priority_sequence", "record", "Since which record: decides among equal times.",
            |row| row.life.map(|life| life.priority.sequence);
        Option<&str>, "self_trade_prevention", "", "What happens when it comes in and meets its own account.",
            |row| row.life.map(|life| life.self_trade_prevention.as_str());
        Option<Moment>, "expire_time", "UTC", "When a `gtd` order expires.",
            |row| row.life.map(|life| life.expire_at).filter(|&at| at != model::Timestamp::NONE).map(|at| Moment(at.0));
        Option<&str>, "reason", "", "Why it was canceled or refused.", |row| row.reason();
        Option<i64>, "rule", "", "The number of the rule that rejected.", |row| row.rule().map(|(rule, _)| i64::from(rule));
        Option<i64>, "rule_code", "", "That rule's own code.", |row| row.rule().map(|(_, code)| i64::from(code));
        Option<i64>, "price_ticks", "ticks", "The limit as the log has it.", |row| row.limit().map(|price| price.0);
        Option<u64>, "quantity_lots", "lots", "The quantity as the log has it.", |row| row.life.map(|life| life.quantity().0);
        Option<i64>, "last_price_ticks", "ticks", "The trade's price as the log has it.", |row| row.last().map(|last| last.0.0);
        Option<u64>, "last_quantity_lots", "lots", "The trade's quantity as the log has it.", |row| row.last().map(|last| last.1.0);
        Option<i64>, "last_notional_minor", "minor units", "What this trade was worth, in the currency's smallest unit.", |row, names| {
            let (price, quantity) = row.last()?;
            names.notional_minor(row.instrument()?, price, quantity)
        };
        Option<u64>, "leaves_lots", "lots", "The leaves as the log has them.", |row| row.leaves().map(|leaves| leaves.0);
        Option<u64>, "cum_lots", "lots", "What has traded, as the log has it.", |row| row.life.map(|life| life.cum.0);
        Option<u64>, "instrument_id", "", "The exchange's number for the instrument.", |row| row.instrument().map(|id| u64::from(id.0));
        u64, "account_id", "", "The exchange's number for the account.", |row| u64::from(row.account().0);
        u64, "command_sequence", "record", "The command that caused it.", |row| row.place.command;
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<Row>>>, Error> {
        scan(store, filter, false)
    }
}

impl Table for Executions {
    type Rows = Vec<Row>;
    const NAME: &'static str = "executions";
    const ABOUT: &'static str = "One row a trade and side: what each order got, and how it stood after it.";
    const COLUMNS: &'static [Column<Vec<Row>>] = OrderEvents::COLUMNS;

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<Row>>>, Error> {
        scan(store, filter, true)
    }
}
