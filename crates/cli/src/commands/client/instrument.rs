//! `outcry instrument`: list new instruments and look at those there are.

use super::{Exchange, or_dash};
use crate::ui::{Outcome, Result, Table, Ui};
use clap::{Args, Subcommand};
use gateway::api::{Instrument, NewInstrument, Number, StpWord};

/// Create and show instruments
#[derive(Debug, Args)]
pub struct Instruments {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Create an instrument
    Create(Box<Terms>),
    /// List all instruments
    List {
        #[command(flatten)]
        exchange: Exchange,
    },
    /// Show one instrument
    Show {
        /// Which
        symbol: String,
        #[command(flatten)]
        exchange: Exchange,
    },
}

#[derive(Debug, Args)]
struct Terms {
    /// Its symbol
    symbol: String,
    /// The smallest price step
    #[arg(long, value_name = "STEP", default_value = "0.01")]
    tick: Number,
    /// The smallest quantity step
    #[arg(long, value_name = "STEP", default_value = "1")]
    lot: Number,
    /// What its price is in
    #[arg(long, value_name = "CODE", default_value = "USD")]
    currency: String,
    /// Decimals of the currency's smallest unit
    #[arg(long, value_name = "N", default_value_t = 2)]
    currency_decimals: u8,
    /// Who moves its phases, such as XNYS; without it the operator alone
    #[arg(long, value_name = "NAME")]
    calendar: Option<String>,
    /// The largest order quantity
    #[arg(long, value_name = "QTY")]
    max_qty: Option<Number>,
    /// The largest order value, in the currency
    #[arg(long, value_name = "AMOUNT")]
    max_notional: Option<Number>,
    /// How far from the last trade a limit may be, in percent
    #[arg(long, value_name = "PERCENT")]
    collar: Option<Number>,
    /// Self-trade prevention: cancel-newest, cancel-oldest, cancel-both or decrement
    #[arg(long, value_name = "MODE")]
    stp: Option<StpWord>,
    #[command(flatten)]
    exchange: Exchange,
}

impl Instruments {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        match self.action {
            Action::Create(terms) => {
                let instrument = NewInstrument {
                    symbol: terms.symbol,
                    tick_size: terms.tick,
                    lot_size: terms.lot,
                    currency: Some(terms.currency),
                    currency_decimals: Some(terms.currency_decimals),
                    calendar: terms.calendar,
                    max_qty: terms.max_qty,
                    max_notional: terms.max_notional,
                    collar_percent: terms.collar,
                    self_trade_prevention: terms.stp,
                };
                let answer = terms.exchange.client().create_instrument(&instrument)?;
                ui.answer(&answer, |ui, answer| ui.table(&table(std::slice::from_ref(&answer.instrument))))?;
            }
            Action::List { exchange } => {
                let answer = exchange.client().instruments()?;
                ui.answer(&answer, |ui, answer| ui.table(&table(&answer.instruments)))?;
            }
            Action::Show { symbol, exchange } => {
                let answer = exchange.client().instrument(&symbol)?;
                ui.answer(&answer, |ui, answer| ui.table(&table(std::slice::from_ref(&answer.instrument))))?;
            }
        }
        Ok(Outcome::Success)
    }
}

fn table(instruments: &[Instrument]) -> Table {
    let columns = [
        "symbol",
        "phase",
        "#bid",
        "#ask",
        "#last",
        "currency",
        "#tick",
        "#lot",
        "#max qty",
        "#max notional",
        "#collar %",
        "stp",
        "calendar",
    ];
    let mut table = Table::new(columns);
    for instrument in instruments {
        table.row([
            instrument.symbol.clone(),
            instrument.phase.to_string(),
            or_dash(instrument.best_bid),
            or_dash(instrument.best_ask),
            or_dash(instrument.last_px),
            instrument.currency.clone(),
            instrument.tick_size.to_string(),
            instrument.lot_size.to_string(),
            or_dash(instrument.max_qty),
            or_dash(instrument.max_notional),
            or_dash(instrument.collar_percent),
            instrument.self_trade_prevention.to_string(),
            or_dash(instrument.calendar.as_ref()),
        ]);
    }
    table
}
