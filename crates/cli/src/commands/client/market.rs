//! `outcry book`, `trades`, `candles`, `phase` and `status`: the market as it stands.

use super::Exchange;
use crate::ui::{self, Outcome, Paint, Result, Table, Ui};
use clap::Args;
use gateway::api::{
    Book, BookLevel, BookQuery, CandlesQuery, PhaseRequest, PhaseWord, ProjectionStatus, SideWord, Status,
    TradesQuery,
};
use model::Side;
use std::io;

/// Show an instrument's book
///
/// The best ask stands right above the best bid.
#[derive(Debug, Args)]
pub struct ShowBook {
    /// Which instrument
    symbol: String,
    /// At most so many price levels a side
    #[arg(long, value_name = "N", default_value_t = 10)]
    depth: u32,
    /// Show each order, not only each price
    #[arg(long)]
    by_order: bool,
    #[command(flatten)]
    exchange: Exchange,
}

impl ShowBook {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let query = BookQuery { depth: Some(self.depth), level: Some(if self.by_order { 3 } else { 2 }) };
        let answer = self.exchange.client().book(&self.symbol, &query)?;
        ui.answer(&answer, |ui, book| ui.table(&book_table(book, self.by_order)))?;
        Ok(Outcome::Success)
    }
}

/// A book as a table, best ask right above best bid.
pub fn book_table(book: &Book, by_order: bool) -> Table {
    let mut table = Table::new(["side", "#price", "#qty", if by_order { "order" } else { "#orders" }]);
    for level in book.asks.iter().rev() {
        add_level(&mut table, ("ask", Paint::Bad), level, by_order);
    }
    for level in &book.bids {
        add_level(&mut table, ("bid", Paint::Good), level, by_order);
    }
    table
}

fn add_level(table: &mut Table, (side, paint): (&str, Paint), level: &BookLevel, by_order: bool) {
    let mut add = |qty: String, last: String| {
        let price = level.price.to_string();
        table.painted([(side.to_owned(), Some(paint)), (price, None), (qty, None), (last, None)]);
    };
    if by_order {
        for entry in &level.entries {
            add(entry.qty.to_string(), entry.order_id.clone());
        }
    } else {
        add(level.qty.to_string(), level.orders.to_string());
    }
}

/// List the newest trades of an instrument
#[derive(Debug, Args)]
pub struct ShowTrades {
    /// Which instrument
    symbol: String,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    #[command(flatten)]
    exchange: Exchange,
}

impl ShowTrades {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let query = TradesQuery { symbol: self.symbol, limit: Some(self.limit) };
        let answer = self.exchange.client().trades(&query)?;
        ui.answer(&answer, |ui, answer| {
            let mut table = Table::new(["time", "#price", "#qty", "taker", "#trade"]);
            for trade in &answer.trades {
                table.painted([
                    (trade.transact_time.to_string(), None),
                    (trade.last_px.to_string(), None),
                    (trade.last_qty.to_string(), None),
                    (trade.taker_side.to_string(), Some(side_paint(trade.taker_side))),
                    (trade.trade_id.clone(), None),
                ]);
            }
            ui.table(&table)
        })?;
        Ok(Outcome::Success)
    }
}

fn side_paint(side: SideWord) -> Paint {
    if side.0 == Side::Buy { Paint::Good } else { Paint::Bad }
}

/// List the newest candles of an instrument
#[derive(Debug, Args)]
pub struct ShowCandles {
    /// Which instrument
    symbol: String,
    /// How long each is: 1s, 1m, 5m, 15m, 1h or 1d
    #[arg(default_value = "1m")]
    interval: String,
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 20)]
    limit: u32,
    #[command(flatten)]
    exchange: Exchange,
}

impl ShowCandles {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let query = CandlesQuery { interval: Some(self.interval), limit: Some(self.limit) };
        let answer = self.exchange.client().candles(&self.symbol, &query)?;
        ui.answer(&answer, |ui, answer| {
            let mut table = Table::new(["start", "#open", "#high", "#low", "#close", "#volume", "#trades"]);
            for candle in &answer.candles {
                table.row([
                    candle.start_time.to_string(),
                    candle.open.to_string(),
                    candle.high.to_string(),
                    candle.low.to_string(),
                    candle.close.to_string(),
                    candle.volume.to_string(),
                    candle.trades.to_string(),
                ]);
            }
            ui.table(&table)
        })?;
        Ok(Outcome::Success)
    }
}

/// Move an instrument to another trading phase
#[derive(Debug, Args)]
pub struct SetPhase {
    /// Which instrument
    symbol: String,
    /// open, halted or closed
    phase: PhaseWord,
    #[command(flatten)]
    exchange: Exchange,
}

impl SetPhase {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let answer = self.exchange.client().set_phase(&self.symbol, &PhaseRequest { phase: self.phase })?;
        ui.answer(&answer, |ui, answer| {
            ui.line(format_args!("phase {} {}", answer.instrument.symbol, answer.instrument.phase))
        })?;
        Ok(Outcome::Success)
    }
}

/// Show how a running exchange is
///
/// Exit code 1 if it does not take commands.
#[derive(Debug, Args)]
pub struct ShowStatus {
    #[command(flatten)]
    exchange: Exchange,
}

impl ShowStatus {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let client = self.exchange.client();
        let answer = client.status()?;
        ui.answer(&answer, |ui, status| show_status(ui, client.url(), status))?;
        Ok(Outcome::when(answer.healthy))
    }
}

fn show_status(ui: &mut Ui, url: &str, status: &Status) -> io::Result<()> {
    let health = if status.healthy {
        ui.paint(Paint::Good, "takes commands")
    } else {
        ui.paint(Paint::Bad, "takes no commands")
    };
    let suspended = match status.rules_suspended.as_slice() {
        [] => "none".to_owned(),
        names => ui.paint(Paint::Bad, names.join(", ")),
    };
    let rows = [
        ("exchange", format!("{url}, version {}", status.version)),
        ("health", health),
        ("since", status.started_time.to_string()),
        ("trading day", super::or_dash(status.trading_day.as_ref())),
        ("committed", ui::count(status.committed)),
        ("not yet committed", ui::count(status.written - status.committed.min(status.written))),
        ("not yet shown", ui::count(status.committed - status.sequence.min(status.committed))),
        (
            "waiting commands",
            format!("{} of {}", ui::count(status.ring_length), ui::count(status.ring_capacity)),
        ),
        ("awaited answers", ui::count(status.in_flight)),
        ("instruments", ui::count(status.instruments)),
        ("accounts", ui::count(status.accounts)),
        ("working orders", ui::count(status.working_orders)),
        ("trades", ui::count(status.trades)),
        ("rules in force", ui::count(status.rules)),
        ("rules suspended", suspended),
        ("projection", projection(ui, status.projection.as_ref())),
    ];
    rows.iter().try_for_each(|(name, value)| ui.line(format_args!("{name:<18} {value}")))
}

/// How the projection is, in a line.
fn projection(ui: &Ui, status: Option<&ProjectionStatus>) -> String {
    match status {
        None => "none".to_owned(),
        Some(ProjectionStatus { running: true, sequence, behind, .. }) => {
            format!("at record {}, {} behind", ui::count(*sequence), ui::count(*behind))
        }
        Some(ProjectionStatus { trouble: None, .. }) => "starting".to_owned(),
        Some(ProjectionStatus { trouble: Some(trouble), .. }) => {
            ui.paint(Paint::Bad, trouble.lines().next().unwrap_or_default())
        }
    }
}
