//! `outcry order`, `replace`, `cancel` and `cancel-all`: commands that change orders.

use super::Exchange;
use crate::ui::{Outcome, Paint, Result, Ui};
use clap::{Args, Subcommand};
use gateway::api::{
    ExecType, ExecutionReport, ExecutionsAnswer, NewOrder, Number, OrdType, Order, OrderAnswer,
    ReplaceRequest, StpWord, Time, TimeInForceWord,
};
use model::{OrderType, Side};
use std::io;

/// Send an order
///
/// A limit order: outcry order buy alice AAPL 100 @ 10.05
/// A market order: outcry order sell bob AAPL 60 market
///
/// Exit code 1 if it was rejected.
#[derive(Debug, Args)]
#[command(verbatim_doc_comment)]
pub struct Submit {
    #[command(subcommand)]
    side: SideOf,
}

#[derive(Debug, Subcommand)]
enum SideOf {
    /// Send an order to buy
    Buy(Box<Terms>),
    /// Send an order to sell
    Sell(Box<Terms>),
}

#[derive(Debug, Args)]
struct Terms {
    /// Whose order
    account: String,
    /// In what
    symbol: String,
    /// How much
    #[arg(allow_negative_numbers = true)]
    qty: Number,
    /// `@ PRICE` for a limit order, `market` for one that takes whatever price there is
    #[arg(value_name = "AT", num_args = 0..=2, allow_negative_numbers = true)]
    at: Vec<String>,
    /// The limit price, instead of `@ PRICE`
    #[arg(long, value_name = "PRICE", conflicts_with = "at", allow_negative_numbers = true)]
    price: Option<Number>,
    /// Your own id for the order: unique per account and day, so that repeating the command is safe
    #[arg(long, value_name = "ID")]
    id: Option<String>,
    /// How long it works: day, gtc, ioc, fok or gtd; day unless told otherwise, ioc for a market order
    #[arg(long, value_name = "TIF")]
    tif: Option<TimeInForceWord>,
    /// When a gtd order expires, such as 2026-01-05T15:00:00Z
    #[arg(long, value_name = "TIME")]
    expires: Option<Time>,
    /// Reject it rather than let it take
    #[arg(long)]
    post: bool,
    /// Self-trade prevention: cancel-newest, cancel-oldest, cancel-both or decrement
    #[arg(long, value_name = "MODE")]
    stp: Option<StpWord>,
    #[command(flatten)]
    exchange: Exchange,
}

impl Submit {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let (side, terms) = match self.side {
            SideOf::Buy(terms) => (Side::Buy, terms),
            SideOf::Sell(terms) => (Side::Sell, terms),
        };
        let price = match terms.price {
            Some(price) => Some(price),
            None => limit(&terms.at)?,
        };
        let order = NewOrder {
            account: terms.account,
            symbol: terms.symbol,
            side: side.into(),
            order_qty: terms.qty,
            ord_type: Some(OrdType::from(if price.is_some() { OrderType::Limit } else { OrderType::Market })),
            price,
            cl_ord_id: terms.id,
            time_in_force: terms.tif,
            expire_time: terms.expires,
            post_only: terms.post,
            self_trade_prevention: terms.stp,
        };
        let answer = terms.exchange.client().submit(&order)?;
        ui.answer(&answer, show_order)?;
        Ok(Outcome::Success)
    }
}

/// What `@ 10.05`, `@10.05`, `10.05`, `market` and `@ market` mean: a limit, or none.
fn limit(at: &[String]) -> Result<Option<Number>> {
    let words: Vec<&str> = at.iter().map(String::as_str).collect();
    let price = match words.as_slice() {
        ["market"] | ["@", "market"] => return Ok(None),
        ["@", price] => price,
        [price] if *price != "@" => price.strip_prefix('@').unwrap_or(price),
        _ => {
            let hint = "write \"@ 10.05\" for a limit order or \"market\" for a market order";
            return Err(crate::ui::Failure::usage("the order has no price").hint(hint));
        }
    };
    let number = price.parse().map_err(|error: gateway::api::NumberError| {
        crate::ui::Failure::usage(format_args!("{price:?} is not a price")).caused_by(error)
    })?;
    Ok(Some(number))
}

/// Change quantity, price or both of a working order
///
/// Less quantity at the same price keeps its place in the queue; anything else goes to the back.
#[derive(Debug, Args)]
pub struct Replace {
    /// Whose order
    account: String,
    /// The id the order has now
    id: String,
    /// The new total quantity, what has traded included
    #[arg(long, value_name = "QTY", allow_negative_numbers = true, required_unless_present = "price")]
    qty: Option<Number>,
    /// The new limit price
    #[arg(long, value_name = "PRICE", allow_negative_numbers = true)]
    price: Option<Number>,
    /// The id it shall have; one is made if none is given
    #[arg(long, value_name = "ID")]
    new_id: Option<String>,
    #[command(flatten)]
    exchange: Exchange,
}

impl Replace {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let change = ReplaceRequest { order_qty: self.qty, price: self.price, new_cl_ord_id: self.new_id };
        let answer = self.exchange.client().replace(&self.account, &self.id, &change)?;
        ui.answer(&answer, show_order)?;
        Ok(Outcome::Success)
    }
}

/// Cancel a working order
#[derive(Debug, Args)]
pub struct Cancel {
    /// Whose order
    account: String,
    /// The id the order has now
    id: String,
    #[command(flatten)]
    exchange: Exchange,
}

impl Cancel {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let answer = self.exchange.client().cancel(&self.account, &self.id)?;
        ui.answer(&answer, show_order)?;
        Ok(Outcome::Success)
    }
}

/// Cancel all working orders of an account
#[derive(Debug, Args)]
pub struct CancelAll {
    /// Whose orders
    account: String,
    /// Only those in this instrument
    symbol: Option<String>,
    #[command(flatten)]
    exchange: Exchange,
}

impl CancelAll {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let answer = self.exchange.client().cancel_all(&self.account, self.symbol.as_deref())?;
        ui.answer(&answer, show_executions)?;
        Ok(Outcome::Success)
    }
}

fn show_order(ui: &mut Ui, answer: &OrderAnswer) -> io::Result<()> {
    for execution in &answer.executions {
        show_execution(ui, execution)?;
    }
    let summary = summary(&answer.order);
    let summary = ui.paint(Paint::Faint, summary);
    ui.line(summary)
}

/// What a command did to many orders.
pub fn show_executions(ui: &mut Ui, answer: &ExecutionsAnswer) -> io::Result<()> {
    if answer.executions.is_empty() {
        return ui.line("(none)");
    }
    answer.executions.iter().try_for_each(|execution| show_execution(ui, execution))
}

/// In the words of scenarios, as far as they go.
fn show_execution(ui: &mut Ui, execution: &ExecutionReport) -> io::Result<()> {
    let order = &execution.order;
    let id = &order.cl_ord_id;
    let last_qty = super::or_dash(execution.last_qty);
    let line = match execution.exec_type {
        ExecType::New => ui.paint(Paint::Good, format_args!("accepted {id}")),
        ExecType::Trade => {
            let px = super::or_dash(execution.last_px);
            let trade = execution.trade_id.as_deref().unwrap_or("-");
            ui.paint(
                Paint::Good,
                format_args!("trade {} {last_qty} @ {px} order={id} trade={trade}", order.symbol),
            )
        }
        ExecType::Canceled | ExecType::Expired => {
            let reason = super::or_dash(order.cancel_reason);
            ui.paint(Paint::Careful, format_args!("canceled {id} reason={reason}"))
        }
        ExecType::Replaced => {
            let before = execution.orig_cl_ord_id.as_deref().unwrap_or("-");
            let priority = if execution.priority_kept == Some(true) { "kept" } else { "lost" };
            let px = super::or_dash(order.price);
            let text =
                format_args!("replaced {before} -> {id} qty={} px={px} priority={priority}", order.order_qty);
            ui.paint(Paint::Good, text)
        }
        ExecType::Restated => {
            let leaves = order.leaves_qty;
            ui.paint(Paint::Careful, format_args!("reduced {id} by={last_qty} leaves={leaves} reason=stp"))
        }
    };
    ui.line(line)
}

/// The order as it stands, on one line.
fn summary(order: &Order) -> String {
    let price = order.price.map_or_else(|| "market".to_owned(), |price| price.to_string());
    let average =
        order.avg_px.filter(|_| order.cum_qty.units() != 0).map(|average| format!(" avg={average}"));
    format!(
        "{} {} {} {} @ {price} leaves={} cum={}{} status={}",
        order.cl_ord_id,
        order.side,
        order.symbol,
        order.order_qty,
        order.leaves_qty,
        order.cum_qty,
        average.unwrap_or_default(),
        order.ord_status,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(words: &[&str]) -> Result<Option<String>, u8> {
        let words: Vec<String> = words.iter().map(ToString::to_string).collect();
        limit(&words).map(|limit| limit.map(|limit| limit.to_string())).map_err(|failure| failure.exit_code())
    }

    #[test]
    fn a_price_can_be_said_in_more_than_one_way() {
        for words in [&["@", "10.05"][..], &["@10.05"], &["10.05"]] {
            assert_eq!(at(words), Ok(Some("10.05".to_owned())), "{words:?}");
        }
        assert_eq!(at(&["market"]), Ok(None));
        assert_eq!(at(&["@", "market"]), Ok(None));
    }

    #[test]
    fn an_order_says_its_price_or_that_it_has_none() {
        for words in [&[][..], &["@"], &["@", "@"], &["cheap"], &["10.05", "GTC"]] {
            assert_eq!(at(words), Err(2), "{words:?}");
        }
    }
}
