//! `outcry orders`: what became of an account's orders.

use super::{Exchange, or_dash};
use crate::ui::{Outcome, Result, Table, Ui};
use clap::Args;
use gateway::api::{Order, OrdersQuery, OrdersShown};

/// List an account's orders
///
/// Those that work, oldest first; with --all also those of the recent past.
#[derive(Debug, Args)]
pub struct Orders {
    /// Whose orders
    account: String,
    /// Only those in this instrument
    symbol: Option<String>,
    /// Also those that no longer work
    #[arg(long)]
    all: bool,
    /// At most so many, the newest
    #[arg(long, value_name = "N")]
    limit: Option<u32>,
    #[command(flatten)]
    exchange: Exchange,
}

impl Orders {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let query = OrdersQuery {
            account: self.account,
            symbol: self.symbol,
            show: self.all.then_some(OrdersShown::All),
            limit: self.limit,
        };
        let answer = self.exchange.client().orders(&query)?;
        ui.answer(&answer, |ui, answer| {
            ui.table(&table(&answer.orders))?;
            if answer.more {
                ui.say("there are more: see --limit");
            }
            Ok(())
        })?;
        Ok(Outcome::Success)
    }
}

fn table(orders: &[Order]) -> Table {
    let mut table =
        Table::new(["id", "side", "symbol", "#price", "#qty", "#leaves", "#cum", "#avg", "tif", "status"]);
    for order in orders {
        let status = match order.cancel_reason {
            Some(reason) => format!("{} ({reason})", order.ord_status),
            None => order.ord_status.to_string(),
        };
        table.row([
            order.cl_ord_id.clone(),
            order.side.to_string(),
            order.symbol.clone(),
            order.price.map_or_else(|| "market".to_owned(), |price| price.to_string()),
            order.order_qty.to_string(),
            order.leaves_qty.to_string(),
            order.cum_qty.to_string(),
            or_dash(order.avg_px.filter(|_| order.cum_qty.units() != 0)),
            order.time_in_force.to_string(),
            status,
        ]);
    }
    table
}
