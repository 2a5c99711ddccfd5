//! `orders`: one row an order, as it ended or as it stands.

use std::sync::Arc;

use event_store::Block;
use model::{OrderType, Price, Quantity};

use super::lives::{Life, Lives, Status, Step};
use super::order_events::for_each_order_event;
use crate::error::Error;
use crate::store::Store;
use crate::table::scan::{Fold, FoldScan, Range};
use crate::table::vector::{Exact, Moment};
use crate::table::{Column, Filter, Scan, Table, columns};

/// One row an order.
pub struct Orders;

fn limit(life: &Life) -> Option<Price> {
    (life.order_type == OrderType::Limit).then_some(life.price)
}

fn leaves(life: &Life) -> Quantity {
    if matches!(life.status, Status::New | Status::PartiallyFilled) { life.leaves } else { Quantity::ZERO }
}

/// Hands each order over when it is over, and at the end those that are not.
struct Ended {
    lives: Lives,
    filter: Filter,
}

impl Ended {
    fn wants(filter: &Filter, life: &Life) -> bool {
        life.accepted.sequence >= filter.range.from
            && filter.wants_instrument(life.instrument)
            && filter.wants_account(life.account)
    }
}

impl Fold<Life> for Ended {
    fn block(&mut self, block: &Block<'_>, rows: &mut Vec<Life>) -> Result<(), Error> {
        let filter = self.filter;
        for_each_order_event(block, filter.range.to, |event, place| {
            self.lives.apply(event, place, |life, step| {
                let ends = matches!(step, Step::Canceled(_))
                    || life.is_some_and(|life| {
                        life.status == Status::Filled && matches!(step, Step::Trade { .. })
                    });
                if let Some(life) = life.filter(|life| ends && Self::wants(&filter, life)) {
                    rows.push(*life);
                }
            })
        })
    }

    fn finish(&mut self, rows: &mut Vec<Life>) -> Result<(), Error> {
        let first = rows.len();
        rows.extend(self.lives.iter().filter(|life| Self::wants(&self.filter, life)).copied());
        rows[first..].sort_unstable_by_key(|life| life.id);
        Ok(())
    }
}

impl Table for Orders {
    type Rows = Vec<Life>;
    const NAME: &'static str = "orders";
    const ABOUT: &'static str = "One row an order that was accepted, as it ended or, if it works, as it stands. `from_seq` leaves out orders \
        accepted before it; `to_seq` shows them as they stood then.";
    const COLUMNS: &'static [Column<Vec<Life>>] = columns![Vec<Life>:
        u64, "order_id", "", "The exchange's id for it; greater for younger orders.", |row| row.id.0;
        String, "cl_ord_id", "", "The client's id for it, the last one if it was replaced.", |row| row.cl_ord_id.to_string();
        Option<&str>, "account", "", "Whose.", |row, names| names.account(row.account);
        Option<&str>, "symbol", "", "In what.", |row, names| names.symbol(row.instrument);
        &str, "side", "", "`buy` or `sell`.", |row| row.side.as_str();
        &str, "order_type", "", "`limit` or `market`.", |row| row.order_type.as_str();
        &str, "time_in_force", "", "`day`, `gtc`, `ioc`, `fok` or `gtd`.", |row| row.time_in_force.as_str();
        bool, "post_only", "", "Whether it must not take.", |row| row.post_only;
        &str, "ord_status", "", "`new`, `partially-filled`, `filled`, `canceled` or `expired`.", |row| row.status.as_str();
        Option<&str>, "cancel_reason", "", "Why it stopped before it was filled.", |row| row.cancel_reason.map(model::CancelReason::as_str);
        Option<Exact>, "price", "currency", "Its limit; null for a market order.",
            |row, names| names.price(row.instrument, limit(row)?);
        Option<Exact>, "quantity", "units", "All of it: traded, and working or canceled.",
            |row, names| names.quantity(row.instrument, row.quantity());
        Option<Exact>, "leaves", "units", "What still works; 0 once it is over.", |row, names| names.quantity(row.instrument, leaves(row));
        Option<Exact>, "cum", "units", "What has traded.", |row, names| names.quantity(row.instrument, row.cum);
        Option<Exact>, "traded", "currency", "What its trades were worth: divided by `cum`, its average price.",
            |row, names| names.amount(names.terms(row.instrument)?.currency, row.traded_minor);
        i64, "trades", "", "How many trades it had.", |row| i64::from(row.trades);
        i64, "replaces", "", "How often it was replaced.", |row| i64::from(row.replaces);
        &str, "self_trade_prevention", "", "What happens when it comes in and meets its own account.",
            |row| row.self_trade_prevention.as_str();
        Option<Moment>, "expire_time", "UTC", "When a `gtd` order expires.",
            |row| Some(row.expire_at).filter(|&at| at != model::Timestamp::NONE).map(|at| Moment(at.0));
        u64, "accepted_sequence", "record", "The record that accepted it.", |row| row.accepted.sequence;
        i64, "accepted_time_ns", "ns", "When: UNIX time.", |row| row.accepted.time_ns;
        Moment, "accepted_time", "UTC", "The same as a timestamp.", |row| Moment(row.accepted.time_ns);
        u64, "last_sequence", "record", "The last record about it.", |row| row.last.sequence;
        i64, "last_time_ns", "ns", "When: UNIX time.", |row| row.last.time_ns;
        Moment, "last_time", "UTC", "The same as a timestamp.", |row| Moment(row.last.time_ns);
        Option<i64>, "price_ticks", "ticks", "The limit as the log has it.", |row| limit(row).map(|price| price.0);
        u64, "quantity_lots", "lots", "The quantity as the log has it.", |row| row.quantity().0;
        u64, "leaves_lots", "lots", "The leaves as the log has them.", |row| leaves(row).0;
        u64, "cum_lots", "lots", "What has traded, as the log has it.", |row| row.cum.0;
        u64, "instrument_id", "", "The exchange's number for the instrument.", |row| u64::from(row.instrument.0);
        u64, "account_id", "", "The exchange's number for the account.", |row| u64::from(row.account.0);
        i64, "traded_minor", "minor units", "What its trades were worth, in the currency's smallest unit.", |row| row.traded_minor;
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<Life>>>, Error> {
        let whole = Range { from: 1, to: filter.range.to };
        Ok(Box::new(FoldScan::new(store, whole, Ended { lives: Lives::default(), filter: *filter })?))
    }
}
