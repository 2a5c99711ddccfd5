//! `ledger`: every change of every balance, with what it came to; the outside world's side included, so that each asset
//! sums to zero.

use std::sync::Arc;

use engine::{Balance, State, evolve};
use event_store::Block;
use model::{AccountId, AssetId, Cash, Event, InstrumentId, KIND_EVENT_FIRST, OrderId};
use order_book::Book;

use super::at::state_at;
use crate::error::Error;
use crate::store::Store;
use crate::table::scan::{Fold, FoldScan, Range};
use crate::table::vector::{Exact, Moment};
use crate::table::{
    ACCOUNT, Column, FROM_SEQ, FROM_TIME, Filter, Parameter, Scan, TO_SEQ, TO_TIME, Table, columns,
};

/// One row a change of a balance.
pub struct Ledger;

pub struct Row {
    sequence: u64,
    command: u64,
    time_ns: i64,
    entry: &'static str,
    /// `None` for the outside world.
    account: Option<AccountId>,
    asset: AssetId,
    amount: i64,
    held: i64,
    after: Balance,
    instrument: Option<InstrumentId>,
    order_id: Option<OrderId>,
    trade_id: Option<u64>,
}

/// Compares the balances an event can change before and after it.
struct Postings {
    state: State<Book>,
    store: Arc<Store>,
    filter: Filter,
    applied: u64,
    command: u64,
    /// The outside world's side of each asset.
    outside: Vec<i64>,
}

/// What an event can change: what it is called, up to four balances, and the instrument, order or trade it is about.
struct Entry {
    name: &'static str,
    cells: Vec<(AccountId, AssetId)>,
    instrument: Option<InstrumentId>,
    order_id: Option<OrderId>,
    trade_id: Option<u64>,
}

impl Postings {
    /// The balances that an event can change.
    fn entry(&self, event: &Event) -> Option<Entry> {
        let both = |account: AccountId, instrument: InstrumentId| {
            let terms = &self.state.instrument(instrument)?.terms;
            Some(vec![(account, terms.currency), (account, terms.asset)])
        };
        let moves = |name, account: AccountId, instrument: InstrumentId, order_id: OrderId| {
            let cells = both(account, instrument)?;
            let (instrument, order_id) = (Some(instrument), Some(order_id));
            Some(Entry { name, cells, instrument, order_id, trade_id: None })
        };
        match event {
            Event::BalanceChanged(it) => {
                let name = if it.amount < Cash::ZERO { "withdrawal" } else { "deposit" };
                let cells = vec![(it.account, it.asset)];
                Some(Entry { name, cells, instrument: None, order_id: None, trade_id: None })
            }
            Event::Trade(it) => {
                let mut cells = both(it.maker_account, it.instrument)?;
                // Nobody trades with itself under any mode of self-trade prevention.
                cells.extend(both(it.taker_account, it.instrument)?);
                let (instrument, order_id) = (Some(it.instrument), Some(it.taker_order_id));
                Some(Entry { name: "trade", cells, instrument, order_id, trade_id: Some(it.trade_id.0) })
            }
            Event::OrderAccepted(it) => moves("hold", it.account, it.instrument, it.order_id),
            Event::OrderCanceled(it) => moves("release", it.account, it.instrument, it.order_id),
            Event::OrderReduced(it) => moves("release", it.account, it.instrument, it.order_id),
            Event::OrderReplaced(it) => moves("replace", it.account, it.instrument, it.order_id),
            // The others move nothing.
            _ => None,
        }
    }

    fn apply(&mut self, event: &Event, sequence: u64, time_ns: i64, rows: &mut Vec<Row>) {
        let Some(entry) = self.entry(event) else {
            evolve(&mut self.state, event);
            return;
        };
        let balance =
            |state: &State<Book>, &(account, asset): &(AccountId, AssetId)| state.balance(account, asset);
        let before: Vec<Balance> = entry.cells.iter().map(|cell| balance(&self.state, cell)).collect();
        evolve(&mut self.state, event);
        let row = |account, asset, amount, held, after| Row {
            sequence,
            command: self.command,
            time_ns,
            entry: entry.name,
            account,
            asset,
            amount,
            held,
            after,
            instrument: entry.instrument,
            order_id: entry.order_id,
            trade_id: entry.trade_id,
        };
        let wanted = self.filter.range.holds(sequence);
        for (cell, before) in entry.cells.iter().zip(before) {
            let after = balance(&self.state, cell);
            if wanted && after != before && self.filter.wants_account(cell.0) {
                let (amount, held) = (after.total - before.total, after.held - before.held);
                rows.push(row(Some(cell.0), cell.1, amount.0, held.0, after));
            }
        }
        if let Event::BalanceChanged(event) = event {
            if self.outside.len() <= event.asset.index() {
                self.outside.resize(event.asset.index() + 1, 0);
            }
            let outside = &mut self.outside[event.asset.index()];
            *outside -= event.amount.0;
            if wanted && self.filter.account.is_none() {
                let after = Balance { total: Cash(*outside), held: Cash::ZERO };
                rows.push(row(None, event.asset, -event.amount.0, 0, after));
            }
        }
    }
}

impl Fold<Row> for Postings {
    fn block(&mut self, block: &Block<'_>, rows: &mut Vec<Row>) -> Result<(), Error> {
        let time_ns = block.header().timestamp_ns;
        let to = self.filter.range.to;
        for record in block.records_from(self.applied + 1).take_while(|record| record.sequence <= to) {
            if record.kind < KIND_EVENT_FIRST {
                self.command = record.sequence;
            } else {
                let event = Event::decode(record.kind, record.version, record.payload)
                    .map_err(|source| Error::Record { sequence: record.sequence, source })?;
                self.apply(&event, record.sequence, time_ns, rows);
            }
            self.applied = record.sequence;
        }
        Ok(())
    }

    fn finish(&mut self, _rows: &mut Vec<Row>) -> Result<(), Error> {
        let state = &mut self.state;
        self.store.carry().put(Ledger::NAME, self.applied, || std::mem::take(state));
        Ok(())
    }
}

impl Table for Ledger {
    type Rows = Vec<Row>;
    const NAME: &'static str = "ledger";
    const ABOUT: &'static str = "Every change of a balance, with the balance after it. What comes in from outside has its other side in a row \
        without account, so each asset's amounts sum to zero.";
    const PARAMETERS: &'static [Parameter] = &[FROM_SEQ, TO_SEQ, FROM_TIME, TO_TIME, ACCOUNT];
    const COLUMNS: &'static [Column<Vec<Row>>] = columns![Vec<Row>:
        u64, "sequence", "record", "Number of the record in the log.", |row| row.sequence;
        i64, "time_ns", "ns", "When: UNIX time.", |row| row.time_ns;
        Moment, "time", "UTC", "The same as a timestamp.", |row| Moment(row.time_ns);
        &str, "entry", "", "`deposit`, `withdrawal`, `trade`, `hold`, `release` or `replace` (of what an order holds).", |row| row.entry;
        Option<&str>, "account", "", "Whose balance; null for the outside world.", |row, names| names.account(row.account?);
        Option<&str>, "asset", "", "Of what.", |row, names| names.asset(row.asset).map(|asset| asset.code.as_str());
        Option<Exact>, "amount", "units of the asset", "What was added; negative for what was taken.",
            |row, names| names.amount(row.asset, row.amount);
        Option<Exact>, "held", "units of the asset", "What was set aside for orders; negative for what came free.",
            |row, names| names.amount(row.asset, row.held);
        Option<Exact>, "total_after", "units of the asset", "The balance after it.",
            |row, names| names.amount(row.asset, row.after.total.0);
        Option<Exact>, "held_after", "units of the asset", "The held part after it.",
            |row, names| names.amount(row.asset, row.after.held.0);
        i64, "amount_minor", "minor units", "The amount in the asset's smallest unit.", |row| row.amount;
        i64, "held_minor", "minor units", "The change of the held part in that unit.", |row| row.held;
        i64, "total_after_minor", "minor units", "The balance after it in that unit.", |row| row.after.total.0;
        i64, "held_after_minor", "minor units", "The held part after it in that unit.", |row| row.after.held.0;
        Option<&str>, "symbol", "", "The instrument that the order or trade was in.", |row, names| names.symbol(row.instrument?);
        Option<u64>, "order_id", "", "The order that caused it; the taker of a trade.", |row| row.order_id.map(|id| id.0);
        Option<u64>, "trade_id", "", "The trade that caused it.", |row| row.trade_id;
        u64, "command_sequence", "record", "The command that caused it.", |row| row.command;
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<Row>>>, Error> {
        // The outside world's side is not in a snapshot's questions, but it is minus what all accounts have together.
        let before = filter.range.from.saturating_sub(1).min(filter.bound);
        let kept = store.carry().take::<State<Book>>(Ledger::NAME, filter.range.from);
        let (state, applied) = kept.map_or_else(|| state_at(store, before), |state| Ok((state, before)))?;
        let supply = |asset: AssetId| -> i64 {
            state.accounts().map(|account| state.balance(account.id, asset).total.0).sum()
        };
        let outside = state.assets().map(|asset| -supply(asset.id)).collect();
        let range = Range { from: applied + 1, to: filter.range.to };
        let postings =
            Postings { state, store: Arc::clone(store), filter: *filter, applied, command: 0, outside };
        Ok(Box::new(FoldScan::new(store, range, postings)?))
    }
}
