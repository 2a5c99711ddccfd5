//! `trades`: one row a trade, as the log has it.

use std::sync::Arc;

use model::{Record as _, Side, Trade};

use crate::error::Error;
use crate::store::Store;
use crate::table::scan::{FromRecord, RecordScan, Seen};
use crate::table::vector::{Exact, Moment};
use crate::table::{Column, Filter, Scan, Table, columns};

/// One row a trade.
pub struct Trades;

pub struct Row {
    sequence: u64,
    command: u64,
    trade: Trade,
}

impl Row {
    fn buyer(&self) -> model::AccountId {
        match self.trade.taker_side {
            Side::Buy => self.trade.taker_account,
            Side::Sell => self.trade.maker_account,
        }
    }

    fn seller(&self) -> model::AccountId {
        match self.trade.taker_side {
            Side::Buy => self.trade.maker_account,
            Side::Sell => self.trade.taker_account,
        }
    }
}

struct FromTrade(Filter);

impl FromRecord<Row> for FromTrade {
    #[inline]
    fn rows(&self, seen: &Seen<'_>, rows: &mut Vec<Row>) -> Result<(), Error> {
        let record = &seen.record;
        if record.kind != Trade::KIND {
            return Ok(());
        }
        let trade = Trade::decode(record.version, record.payload)
            .map_err(|source| Error::Record { sequence: record.sequence, source })?;
        if self.0.wants_instrument(trade.instrument)
            && (self.0.wants_account(trade.maker_account) || self.0.wants_account(trade.taker_account))
        {
            rows.push(Row { sequence: record.sequence, command: seen.command, trade });
        }
        Ok(())
    }
}

impl Table for Trades {
    type Row = Row;
    const NAME: &'static str = "trades";
    const ABOUT: &'static str = "One row a trade. `account` finds the trades of either side.";
    const COLUMNS: &'static [Column<Row>] = columns![Row:
        u64, "sequence", "record", "Number of the trade's record in the log. Orders everything.", |row| row.sequence;
        i64, "time_ns", "ns", "When the exchange stamped the taker's command: UNIX time.", |row| row.trade.executed_at.0;
        Moment, "time", "UTC", "The same as a timestamp.", |row| Moment(row.trade.executed_at.0);
        u64, "trade_id", "", "The trade's number, from 1 over all instruments.", |row| row.trade.trade_id.0;
        Option<&str>, "symbol", "", "In what.", |row, names| names.symbol(row.trade.instrument);
        Option<Exact>, "price", "currency", "The maker's price, at which both traded.",
            |row, names| names.price(row.trade.instrument, row.trade.price);
        Option<Exact>, "quantity", "units", "How much.",
            |row, names| names.quantity(row.trade.instrument, row.trade.quantity);
        Option<Exact>, "notional", "currency", "Price times quantity: what the buyer paid.",
            |row, names| names.notional(row.trade.instrument, row.trade.price, row.trade.quantity);
        Option<&str>, "currency", "", "What price and notional are in.", |row, names| names.currency(row.trade.instrument);
        Option<&str>, "buyer", "", "Who bought.", |row, names| names.account(row.buyer());
        Option<&str>, "seller", "", "Who sold.", |row, names| names.account(row.seller());
        &str, "taker_side", "", "`buy` or `sell`: the side of the order that came in.", |row| row.trade.taker_side.as_str();
        u64, "maker_order_id", "", "The order that rested.", |row| row.trade.maker_order_id.0;
        u64, "taker_order_id", "", "The order that came in.", |row| row.trade.taker_order_id.0;
        Option<&str>, "maker", "", "Whose order rested.", |row, names| names.account(row.trade.maker_account);
        Option<&str>, "taker", "", "Whose order came in.", |row, names| names.account(row.trade.taker_account);
        bool, "maker_filled", "", "Whether this trade filled the maker.", |row| row.trade.maker_filled;
        bool, "taker_filled", "", "Whether this trade filled the taker.", |row| row.trade.taker_filled;
        i64, "price_ticks", "ticks", "The price as the log has it.", |row| row.trade.price.0;
        u64, "quantity_lots", "lots", "The quantity as the log has it.", |row| row.trade.quantity.0;
        Option<i64>, "notional_minor", "minor units", "The notional in the currency's smallest unit.",
            |row, names| names.notional_minor(row.trade.instrument, row.trade.price, row.trade.quantity);
        i64, "instrument_id", "", "The exchange's number for the instrument.", |row| i64::from(row.trade.instrument.0);
        i64, "maker_account_id", "", "The exchange's number for the maker.", |row| i64::from(row.trade.maker_account.0);
        i64, "taker_account_id", "", "The exchange's number for the taker.", |row| i64::from(row.trade.taker_account.0);
        u64, "command_sequence", "record", "The command that caused it.", |row| row.command;
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Row>>, Error> {
        Ok(Box::new(RecordScan::new(store, filter.range, FromTrade(*filter))?))
    }
}
