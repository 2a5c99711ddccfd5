//! Reporting rules as the projection sees them: what they are told, the table they fill, and who runs them. The running itself, in a
//! sandbox, is another crate's; this one must not know it.

use model::{ComponentHash, Event, RuleParameters, Side};

use crate::names::Names;

/// What went wrong with a rule, for people.
pub type RuleError = Box<dyn std::error::Error + Send + Sync>;

/// Makes reporting rules ready to run.
pub trait RuleHost: Send + Sync {
    /// One of the store's components, configured.
    ///
    /// # Errors
    /// Its file is not there, it does not want its parameters, or it describes no table.
    fn open(&self, recipe: &RuleRecipe) -> Result<Box<dyn RuleRunner>, RuleError>;
}

/// A reporting rule that runs.
pub trait RuleRunner: Send {
    /// The table that it fills. Always the same.
    fn table(&self) -> &RuleTable;

    /// Reads events. `state` is what the call before returned, empty for the first. How events are cut into calls does not show in
    /// the rows.
    ///
    /// # Errors
    /// The rule trapped, ran out of fuel, or returned something that is no report. It can be asked again.
    fn process(&mut self, state: &[u8], events: &[RuleEvent]) -> Result<RuleReport, RuleError>;
}

/// All that running a rule takes. The same recipe makes the same table of the same log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleRecipe {
    /// The component.
    pub component: ComponentHash,
    /// What it is configured with.
    pub parameters: RuleParameters,
    /// Fuel of a call.
    pub fuel: u64,
    /// The most memory it may have, in bytes.
    pub memory_bytes: u32,
}

/// What a column of a rule's table holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleColumnKind {
    /// A whole number of 64 bits.
    Int64,
    /// Text.
    Text,
    /// A time: UNIX nanoseconds.
    Timestamp,
    /// A number with a fraction.
    Float64,
    /// True or false.
    Boolean,
}

/// A column of a rule's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleColumn {
    /// Its name: lower-case letters, digits and underscores.
    pub name: String,
    /// What it holds.
    pub kind: RuleColumnKind,
    /// What it means and its unit, for people.
    pub comment: String,
}

/// A rule's table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleTable {
    /// Its name: lower-case letters, digits and underscores.
    pub name: String,
    /// Its columns, at least one.
    pub columns: Vec<RuleColumn>,
    /// How many columns, from the first, are its key: a row replaces the one with the same key. 0: rows are only added.
    pub key: usize,
}

/// One value of a row.
#[derive(Debug, Clone, PartialEq)]
pub enum RuleValue {
    /// Nothing.
    Null,
    /// A whole number, or a time.
    Int64(i64),
    /// Text.
    Text(String),
    /// A number with a fraction.
    Float64(f64),
    /// True or false.
    Boolean(bool),
}

/// What a call came to.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct RuleReport {
    /// For the next call.
    pub state: Vec<u8>,
    /// Rows of the table, each with a value of the right kind, or nothing, for every column.
    pub rows: Vec<Vec<RuleValue>>,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RuleEventKind {
    /// An order was taken in.
    OrderAccepted,
    /// A new order was refused.
    OrderRejected,
    /// Quantity or price of an order changed.
    OrderReplaced,
    /// A replace was refused.
    ReplaceRejected,
    /// An order ended before it was filled.
    OrderCanceled,
    /// A cancel was refused.
    CancelRejected,
    /// Self-trade prevention took quantity off an order.
    OrderReduced,
    /// Two orders traded.
    Trade,
    /// A trading day began.
    TradingDayStarted,
}

/// An event as a reporting rule is told it: the words of `wit/reporting.wit`, where each field is explained. What a kind has no use for
/// is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the contract")]
pub struct RuleEvent {
    pub sequence: u64,
    pub time: i64,
    pub kind: RuleEventKind,
    pub sell: bool,
    pub account: u32,
    pub instrument: u32,
    pub order_id: u64,
    pub price: i64,
    pub quantity: u64,
    pub notional: i64,
    pub trade_id: u64,
    pub maker_account: u32,
    pub maker_order_id: u64,
    pub reason: u32,
}

/// Whether records of a kind are told to reporting rules at all.
pub const fn is_told(kind: model::RecordKind) -> bool {
    matches!(kind, 0x0201..=0x0203 | 0x0205..=0x0209 | 0x0211)
}

impl RuleEvent {
    /// An event in the words of the contract; `None` for those that rules are not told.
    pub fn of(event: &Event, sequence: u64, time: i64, names: &Names) -> Option<Self> {
        let blank = |kind| Self {
            sequence,
            time,
            kind,
            sell: false,
            account: 0,
            instrument: 0,
            order_id: 0,
            price: 0,
            quantity: 0,
            notional: 0,
            trade_id: 0,
            maker_account: 0,
            maker_order_id: 0,
            reason: 0,
        };
        Some(match event {
            Event::OrderAccepted(it) => Self {
                sell: it.side == Side::Sell,
                account: it.account.0,
                instrument: it.instrument.0,
                order_id: it.order_id.0,
                price: it.price.0,
                quantity: it.quantity.0,
                ..blank(RuleEventKind::OrderAccepted)
            },
            Event::OrderRejected(it) => Self {
                account: it.account.0,
                instrument: it.instrument.0,
                reason: u32::from(it.reason as u16),
                ..blank(RuleEventKind::OrderRejected)
            },
            Event::OrderReplaced(it) => Self {
                sell: it.side == Side::Sell,
                account: it.account.0,
                instrument: it.instrument.0,
                order_id: it.order_id.0,
                price: it.price.0,
                quantity: it.quantity.0,
                ..blank(RuleEventKind::OrderReplaced)
            },
            Event::ReplaceRejected(it) => Self {
                account: it.account.0,
                reason: u32::from(it.reason as u16),
                ..blank(RuleEventKind::ReplaceRejected)
            },
            Event::OrderCanceled(it) => Self {
                sell: it.side == Side::Sell,
                account: it.account.0,
                instrument: it.instrument.0,
                order_id: it.order_id.0,
                quantity: it.leaves.0,
                reason: u32::from(it.reason as u8),
                ..blank(RuleEventKind::OrderCanceled)
            },
            Event::CancelRejected(it) => Self {
                account: it.account.0,
                reason: u32::from(it.reason as u16),
                ..blank(RuleEventKind::CancelRejected)
            },
            Event::OrderReduced(it) => Self {
                account: it.account.0,
                instrument: it.instrument.0,
                order_id: it.order_id.0,
                quantity: it.by.0,
                ..blank(RuleEventKind::OrderReduced)
            },
            Event::Trade(it) => Self {
                sell: it.taker_side == Side::Sell,
                account: it.taker_account.0,
                instrument: it.instrument.0,
                order_id: it.taker_order_id.0,
                price: it.price.0,
                quantity: it.quantity.0,
                notional: names.notional_minor(it.instrument, it.price, it.quantity).unwrap_or_default(),
                trade_id: it.trade_id.0,
                maker_account: it.maker_account.0,
                maker_order_id: it.maker_order_id.0,
                ..blank(RuleEventKind::Trade)
            },
            Event::TradingDayStarted(it) => {
                Self { reason: it.day.0.cast_unsigned(), ..blank(RuleEventKind::TradingDayStarted) }
            }
            _ => return None,
        })
    }
}
