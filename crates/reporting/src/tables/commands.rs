//! `commands`: one row a command, as it was asked, whatever became of it.

use std::sync::Arc;

use model::{
    AccountId, ClOrdId, Command, Decimal, InstrumentId, KIND_EVENT_FIRST, OrderType, SelfTradePrevention,
    Side, TimeInForce, Timestamp,
};

use super::fields_json;
use crate::error::Error;
use crate::store::Store;
use crate::table::scan::{FromRecord, RecordScan, Seen};
use crate::table::vector::{Exact, Moment};
use crate::table::{Column, Filter, Scan, Table, columns};

/// One row a command.
pub struct Commands;

pub struct Row {
    sequence: u64,
    block: u64,
    time_ns: i64,
    tag: u64,
    command: Command,
    shared: Shared,
}

/// What many commands have in common.
#[derive(Default)]
struct Shared {
    account: Option<AccountId>,
    instrument: Option<InstrumentId>,
    cl_ord_id: Option<ClOrdId>,
    new_cl_ord_id: Option<ClOrdId>,
    side: Option<Side>,
    price: Option<Decimal>,
    quantity: Option<Decimal>,
    order: Option<(OrderType, TimeInForce, bool, SelfTradePrevention)>,
    expire_at: Option<Timestamp>,
}

impl Shared {
    fn of(command: &Command) -> Self {
        let none = Self::default();
        match command {
            Command::SubmitOrder(it) => Self {
                account: Some(it.account),
                instrument: Some(it.instrument),
                cl_ord_id: Some(it.cl_ord_id),
                side: Some(it.side),
                price: it.price(),
                quantity: Some(it.quantity()),
                order: Some((it.order_type, it.time_in_force, it.post_only, it.self_trade_prevention)),
                expire_at: Some(it.expire_at).filter(|&at| at != Timestamp::NONE),
                ..none
            },
            Command::ReplaceOrder(it) => Self {
                account: Some(it.account),
                cl_ord_id: Some(it.cl_ord_id),
                new_cl_ord_id: Some(it.new_cl_ord_id),
                price: it.price(),
                quantity: it.quantity(),
                ..none
            },
            Command::CancelOrder(it) => {
                Self { account: Some(it.account), cl_ord_id: Some(it.cl_ord_id), ..none }
            }
            Command::CancelAll(it) => {
                let instrument = Some(it.instrument).filter(|&id| id != InstrumentId::ALL);
                Self { account: Some(it.account), instrument, ..none }
            }
            Command::KillAccount(it) => Self { account: Some(it.account), ..none },
            Command::SetPhase(it) => Self { instrument: Some(it.instrument), ..none },
            Command::Deposit(it) => Self { account: Some(it.account), quantity: it.amount.some(), ..none },
            Command::Withdraw(it) => Self { account: Some(it.account), quantity: it.amount.some(), ..none },
            Command::SetAccountStatus(it) => Self { account: Some(it.account), ..none },
            Command::SetAccountLimits(it) => Self { account: Some(it.account), ..none },
            // What is about nobody and nothing that exists has only its fields.
            _ => none,
        }
    }
}

fn exact(decimal: Option<Decimal>) -> Option<Exact> {
    let decimal = decimal?;
    Exact::of(decimal.units, 1, decimal.scale)
}

struct FromCommand(Filter);

impl FromRecord<Row> for FromCommand {
    fn rows(&self, seen: &Seen<'_>, rows: &mut Vec<Row>) -> Result<(), Error> {
        let record = &seen.record;
        if record.kind >= KIND_EVENT_FIRST {
            return Ok(());
        }
        let command = Command::decode(record.kind, record.version, record.payload)
            .map_err(|source| Error::Record { sequence: record.sequence, source })?;
        let shared = Shared::of(&command);
        let Filter { instrument, account, .. } = self.0;
        if (instrument.is_none() || instrument == shared.instrument)
            && (account.is_none() || account == shared.account)
        {
            rows.push(Row {
                sequence: record.sequence,
                block: seen.block.block_index,
                time_ns: seen.block.timestamp_ns,
                tag: record.tag,
                command,
                shared,
            });
        }
        Ok(())
    }
}

impl Table for Commands {
    type Rows = Vec<Row>;
    const NAME: &'static str = "commands";
    const ABOUT: &'static str =
        "One row a command, as it was asked. What came of it is in `events`, under its `command_sequence`.";
    const COLUMNS: &'static [Column<Vec<Row>>] = columns![Vec<Row>:
        u64, "sequence", "record", "Number of the record in the log.", |row| row.sequence;
        i64, "time_ns", "ns", "When its block was stamped: UNIX time.", |row| row.time_ns;
        Moment, "time", "UTC", "The same as a timestamp.", |row| Moment(row.time_ns);
        &str, "kind", "", "The command's name, such as `SubmitOrder`.", |row| row.command.name();
        Option<&str>, "symbol", "", "The instrument it names.", |row, names| names.symbol(row.shared.instrument?);
        Option<&str>, "account", "", "The account it names.", |row, names| names.account(row.shared.account?);
        Option<String>, "cl_ord_id", "", "The client's id of the order it is about.",
            |row| row.shared.cl_ord_id.map(|id| id.to_string());
        Option<String>, "new_cl_ord_id", "", "The id a replaced order shall have.",
            |row| row.shared.new_cl_ord_id.map(|id| id.to_string());
        Option<&str>, "side", "", "`buy` or `sell`.", |row| row.shared.side.map(Side::as_str);
        Option<&str>, "order_type", "", "`limit` or `market`.", |row| row.shared.order.map(|order| order.0.as_str());
        Option<&str>, "time_in_force", "", "`day`, `gtc`, `ioc`, `fok` or `gtd`.",
            |row| row.shared.order.map(|order| order.1.as_str());
        Option<bool>, "post_only", "", "Whether it must not take.", |row| row.shared.order.map(|order| order.2);
        Option<&str>, "self_trade_prevention", "", "The order's own mode, or `default`.",
            |row| row.shared.order.map(|order| order.3.as_str());
        Option<Exact>, "price", "currency", "The limit that was asked for, on the tick or not.",
            |row| exact(row.shared.price);
        Option<Exact>, "quantity", "units", "The quantity or amount that was asked for.",
            |row| exact(row.shared.quantity);
        Option<Moment>, "expire_time", "UTC", "When a `gtd` order shall expire.",
            |row| row.shared.expire_at.map(|at| Moment(at.0));
        i64, "tag", "", "A word of the gateway's: 0 for the sequencer's own commands.", |row| row.tag.cast_signed();
        u64, "block", "", "The block it is in, from 1.", |row| row.block;
        i64, "kind_number", "", "The kind's number in the log.", |row| i64::from(row.command.kind());
        String, "fields", "JSON", "All fields of the record.", |row| fields_json(&row.command.fields());
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<Row>>>, Error> {
        Ok(Box::new(RecordScan::new(store, filter.range, FromCommand(*filter))?))
    }
}
