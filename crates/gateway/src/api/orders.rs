//! Orders and what happens to them.

use super::{CancelReasonWord, Number, OrdType, SideWord, StpWord, Time, TimeInForceWord};
use serde::{Deserialize, Serialize};

/// A new order: the body of `POST /v1/orders`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// The account's name.
    pub account: String,
    /// The instrument's symbol.
    pub symbol: String,
    /// Buy or sell.
    pub side: SideWord,
    /// How much.
    pub order_qty: Number,
    /// Market or limit. Without it: limit when there is a price, market otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ord_type: Option<OrdType>,
    /// The limit, in the quote currency. Only for a limit order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Number>,
    /// The client's id for it, unique per account and trading day. Without it the gateway makes one and answers with it; but
    /// only who chose the id can safely repeat a request whose answer was lost.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cl_ord_id: Option<String>,
    /// How long it works. Without it: `day` for a limit order, `ioc` for a market order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_in_force: Option<TimeInForceWord>,
    /// When it expires. Only, and always, with `gtd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_time: Option<Time>,
    /// Whether it must not take.
    #[serde(default)]
    pub post_only: bool,
    /// Its self-trade prevention mode. Without it: the instrument's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_trade_prevention: Option<StpWord>,
}

/// A change of a working order: the body of `PATCH /v1/orders/{account}/{cl_ord_id}`. What is not named stays.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReplaceRequest {
    /// The new total quantity, what has traded included.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_qty: Option<Number>,
    /// The new limit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Number>,
    /// The id the order shall have from now on. Without it the gateway makes one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub new_cl_ord_id: Option<String>,
}

/// What an order is (FIX tag 39, `OrdStatus`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrdStatus {
    /// Works, and nothing of it has traded.
    New,
    /// Works, and some of it has traded.
    PartiallyFilled,
    /// All of it has traded.
    Filled,
    /// Stopped working before it was filled.
    Canceled,
    /// Stopped working because its time came.
    Expired,
}

impl OrdStatus {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::PartiallyFilled => "partially-filled",
            Self::Filled => "filled",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
        }
    }

    /// Whether the order can still trade.
    pub const fn is_working(self) -> bool {
        matches!(self, Self::New | Self::PartiallyFilled)
    }
}

impl std::fmt::Display for OrdStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// What happened to an order (FIX tag 150, `ExecType`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExecType {
    /// It was accepted.
    New,
    /// It traded.
    Trade,
    /// It was canceled.
    Canceled,
    /// It expired.
    Expired,
    /// It has a new id, quantity or price.
    Replaced,
    /// Self-trade prevention took something off it.
    Restated,
}

impl ExecType {
    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Trade => "trade",
            Self::Canceled => "canceled",
            Self::Expired => "expired",
            Self::Replaced => "replaced",
            Self::Restated => "restated",
        }
    }
}

impl std::fmt::Display for ExecType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad(self.as_str())
    }
}

/// Whether an order rested or came in when it traded (FIX tag 851, `LastLiquidityInd`).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Liquidity {
    /// It rested.
    Maker,
    /// It came in.
    Taker,
}

/// An order as it stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Order {
    /// The exchange's id for it, as a string because it needs more than the 53 bits of a JavaScript number.
    pub order_id: String,
    /// The client's id for it, the newest if it was replaced.
    pub cl_ord_id: String,
    /// The account's name.
    pub account: String,
    /// The instrument's symbol.
    pub symbol: String,
    /// Buy or sell.
    pub side: SideWord,
    /// Market or limit.
    pub ord_type: OrdType,
    /// How long it works.
    pub time_in_force: TimeInForceWord,
    /// When it expires, if it is `gtd`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expire_time: Option<Time>,
    /// The limit, unless it is a market order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub price: Option<Number>,
    /// The total quantity.
    pub order_qty: Number,
    /// What still works: `order_qty - cum_qty` while working, 0 afterwards.
    pub leaves_qty: Number,
    /// What has traded.
    pub cum_qty: Number,
    /// The average price of what has traded, rounded half away from zero to four decimals more than the tick has. Absent
    /// when nothing has, or when some of it traded before the history that is kept in memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub avg_px: Option<Number>,
    /// What it is.
    pub ord_status: OrdStatus,
    /// Why it stopped working before it was filled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancel_reason: Option<CancelReasonWord>,
    /// Whether it must not take.
    pub post_only: bool,
    /// The sequence number of the event that made it what it is.
    pub sequence: u64,
    /// When it was accepted; absent when that lies before the history that is kept in memory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted_time: Option<Time>,
    /// When it became what it is.
    pub transact_time: Time,
}

/// One thing that happened to one order, and the order as it stood right after.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExecutionReport {
    /// Unique per report: the event's sequence number, with `m` or `t` for the maker's or the taker's report of a trade.
    pub exec_id: String,
    /// What happened.
    pub exec_type: ExecType,
    /// The id the order had before, when it was replaced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orig_cl_ord_id: Option<String>,
    /// The price of the trade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_px: Option<Number>,
    /// The quantity of the trade, or what was taken off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_qty: Option<Number>,
    /// The trade's number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trade_id: Option<String>,
    /// Whether the order rested or came in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub liquidity: Option<Liquidity>,
    /// Whether a replaced order kept its place in the queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub priority_kept: Option<bool>,
    /// The order right after.
    #[serde(flatten)]
    pub order: Order,
}

/// The answer to a new order, a replace and a cancel: the order as it stands, and how it came there.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct OrderAnswer {
    /// The command's sequence number.
    pub sequence: u64,
    /// The order right after the command.
    pub order: Order,
    /// Everything the command caused to orders of this account, in order.
    pub executions: Vec<ExecutionReport>,
}

/// The answer to commands that touch many orders: cancel-all and the kill switch.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct ExecutionsAnswer {
    /// The command's sequence number.
    pub sequence: u64,
    /// Everything the command caused to orders of this account, in order.
    pub executions: Vec<ExecutionReport>,
}

/// Which orders to list: the query of `GET /v1/orders`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrdersQuery {
    /// Whose.
    pub account: String,
    /// In what. Without it: everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub symbol: Option<String>,
    /// `working` (the default) or `all`, which adds those of the recent past, newest last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub show: Option<OrdersShown>,
    /// The most to list; those that fit are the newest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// Which orders a list shows.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OrdersShown {
    /// Those that can still trade.
    #[default]
    Working,
    /// Those that can still trade and those of the recent past.
    All,
}

/// A list of orders, oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Orders {
    /// Everything up to this sequence number is in the answer.
    pub sequence: u64,
    /// The orders.
    pub orders: Vec<Order>,
    /// Whether there were more than the limit allowed.
    pub more: bool,
}
