//! `instruments`: what can be traded.

use std::sync::Arc;

use crate::error::Error;
use crate::names::InstrumentRow;
use crate::store::Store;
use crate::table::scan::Ready;
use crate::table::vector::{Exact, Moment};
use crate::table::{Column, Filter, Parameter, SYMBOL, Scan, Table, columns};

/// One row an instrument.
pub struct Instruments;

impl Table for Instruments {
    type Rows = Vec<InstrumentRow>;
    const NAME: &'static str = "instruments";
    const IS_SMALL: bool = true;
    const ABOUT: &'static str = "One row an instrument, with its phase as it stands.";
    const PARAMETERS: &'static [Parameter] = &[SYMBOL];
    const COLUMNS: &'static [Column<Vec<InstrumentRow>>] = columns![Vec<InstrumentRow>:
        i64, "instrument_id", "", "The exchange's number for it, from 0.", |row| i64::from(row.terms.instrument.0);
        &str, "symbol", "", "Its symbol.", |row| row.terms.symbol.as_str();
        &str, "phase", "", "`open`, `halted`, `closed` or `auction`.", |row| row.phase.as_str();
        Option<&str>, "currency", "", "What its price is in.", |row, names| names.currency(row.terms.instrument);
        Option<Exact>, "tick_size", "currency", "The smallest price step.",
            |row| Exact::of(1, row.terms.tick_size.units, row.terms.tick_size.scale);
        Option<Exact>, "lot_size", "units", "The smallest quantity step.",
            |row| Exact::of(1, row.terms.lot_size.units, row.terms.lot_size.scale);
        i64, "tick_value_minor", "minor units", "What one tick of one lot is worth.", |row| row.terms.tick_value.0;
        Option<u64>, "max_quantity_lots", "lots", "The largest order; null for no limit.",
            |row| Some(row.terms.max_quantity.0).filter(|&lots| lots != u64::MAX);
        Option<i64>, "max_notional_minor", "minor units", "The most an order may be worth; null for no limit.",
            |row| Some(row.terms.max_notional.0).filter(|&minor| minor != i64::MAX);
        Option<i64>, "collar_ppm", "millionths", "How far from the last trade a limit may be; null for no limit.",
            |row| Some(row.terms.collar_ppm).filter(|&ppm| ppm >= 0);
        &str, "self_trade_prevention", "", "What happens by default when an account meets itself.",
            |row| row.terms.self_trade_prevention.as_str();
        Option<&str>, "calendar", "", "Who moves its phases; null for the operator alone.",
            |row| Some(row.terms.calendar.as_str()).filter(|name| !name.is_empty());
        u64, "sequence", "record", "The record that listed it.", |row| row.sequence;
        i64, "time_ns", "ns", "When it was listed: UNIX time.", |row| row.time_ns;
        Moment, "time", "UTC", "The same as a timestamp.", |row| Moment(row.time_ns);
    ];

    fn scan(store: &Arc<Store>, filter: &Filter) -> Result<Box<dyn Scan<Vec<InstrumentRow>>>, Error> {
        let names = store.names(filter.bound)?;
        let rows = names.instruments.iter();
        let wanted =
            rows.filter(|row| row.sequence <= filter.bound && filter.wants_instrument(row.terms.instrument));
        Ok(Box::new(Ready::new(wanted.cloned().collect())))
    }
}
