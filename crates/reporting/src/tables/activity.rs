//! `activity`: what each account sent in each instrument, second by second. The log is in the order of time, so a second is counted and
//! forgotten before the next begins: a day of any length takes no more room than its busiest second.

use std::collections::HashMap;
use std::sync::Arc;

use event_store::Block;
use model::{AccountId, CancelReason, InstrumentId};

use super::lives::{Lives, Step};
use super::order_events::for_each_order_event;
use crate::error::Error;
use crate::store::Store;
use crate::table::scan::{Fold, FoldScan, Range};
use crate::table::vector::Moment;
use crate::table::{Column, Filter, Scan, Table, columns};

/// One row an account, instrument and second.
pub struct Activity;

const SECOND_NS: i64 = 1_000_000_000;

#[derive(Debug, Clone, Copy)]
pub struct Row {
    /// When the second begins.
    start_ns: i64,
    account: AccountId,
    instrument: InstrumentId,
    orders: u64,
    replaces: u64,
    cancels: u64,
    trades: u64,
    first_sequence: u64,
    last_sequence: u64,
}

/// Counts one second at a time.
struct Seconds {
    lives: Lives,
    filter: Filter,
    /// The second that is being counted.
    start_ns: i64,
    counts: HashMap<(AccountId, InstrumentId), Row>,
}

impl Seconds {
    /// Hands the second over, in the order in which accounts were first heard of in it.
    fn end(&mut self, rows: &mut Vec<Row>) {
        let first = rows.len();
        rows.extend(self.counts.drain().map(|(_, row)| row));
        rows[first..].sort_unstable_by_key(|row| (row.first_sequence, row.account));
    }
}

impl Fold<Row> for Seconds {
    fn block(&mut self, block: &Block<'_>, rows: &mut Vec<Row>) -> Result<(), Error> {
        let start_ns = block.header().timestamp_ns.div_euclid(SECOND_NS) * SECOND_NS;
        if start_ns != self.start_ns {
            self.end(rows);
            self.start_ns = start_ns;
        }
        let (filter, counts) = (self.filter, &mut self.counts);
        for_each_order_event(block, filter.range.to, |event, place| {
            self.lives.apply(event, place, |life, step| {
                let Some(life) = life.filter(|life| {
                    filter.range.holds(place.sequence)
                        && filter.wants_instrument(life.instrument)
                        && filter.wants_account(life.account)
                }) else {
                    return;
                };
                let counted = match step {
                    Step::New => (1, 0, 0, 0),
                    Step::Replaced { .. } => (0, 1, 0, 0),
                    Step::Canceled(reason) if reason != CancelReason::Expired => (0, 0, 1, 0),
                    Step::Trade { .. } => (0, 0, 0, 1),
                    _ => return,
                };
                let row = counts.entry((life.account, life.instrument)).or_insert(Row {
                    start_ns,
                    account: life.account,
                    instrument: life.instrument,
                    orders: 0,
                    replaces: 0,
                    cancels: 0,
                    trades: 0,
                    first_sequence: place.sequence,
                    last_sequence: place.sequence,
                });
                row.orders += counted.0;
                row.replaces += counted.1;
                row.cancels += counted.2;
                row.trades += counted.3;
                row.last_sequence = place.sequence;
            })
        })
    }

    fn finish(&mut self, rows: &mut Vec<Row>) -> Result<(), Error> {
        self.end(rows);
        Ok(())
    }
}

impl Table for Activity {
    type Rows = Vec<Row>;
    const NAME: &'static str = "activity";
    const ABOUT: &'static str =
        "What happened to each account's orders in each instrument, one row a second in which anything did.";
    const COLUMNS: &'static [Column<Vec<Row>>] = columns![Vec<Row>:
        i64, "time_ns", "ns", "When the second begins: UNIX time.", |row| row.start_ns;
        Moment, "time", "UTC", "The same as a timestamp.", |row| Moment(row.start_ns);
        Option<&str>, "account", "", "Whose.", |row, names| names.account(row.account);
        Option<&str>, "symbol", "", "In what.", |row, names| names.symbol(row.instrument);
        u64, "messages", "", "Orders, replaces and cancels together.", |row| row.orders + row.replaces + row.cancels;
        u64, "orders", "", "Orders accepted.", |row| row.orders;
        u64, "replaces", "", "Replaces accepted.", |row| row.replaces;
        u64, "cancels", "", "Orders canceled, by whomever; those that expired are not counted.", |row| row.cancels;
        u64, "trades", "", "Trades.", |row| row.trades;
        u64, "first_sequence", "record", "The first record of it.", |row| row.first_sequence;
        u64, "last_sequence", "record", "The last record of it.", |row| row.last_sequence;
        u64, "instrument_id", "", "The exchange's number for the instrument.", |row| u64::from(row.instrument.0);
        u64, "account_id", "", "The exchange's number for the account.", |row| u64::from(row.account.0);
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<Row>>>, Error> {
        let whole = Range { from: 1, to: filter.range.to };
        let seconds =
            Seconds { lives: Lives::default(), filter: *filter, start_ns: i64::MIN, counts: HashMap::new() };
        Ok(Box::new(FoldScan::new(store, whole, seconds)?))
    }
}
