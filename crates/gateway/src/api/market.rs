//! What the market shows: books, trades, candles and instruments.

use super::{Number, PhaseWord, SideWord, StpWord, Time};
use serde::{Deserialize, Serialize};

/// A new instrument: the body of `POST /v1/instruments`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NewInstrument {
    /// Its symbol.
    pub symbol: String,
    /// The smallest price step.
    pub tick_size: Number,
    /// The smallest quantity step.
    pub lot_size: Number,
    /// What its price is in. Without it: `USD`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency: Option<String>,
    /// Decimals of the currency's minor unit. Without it: 2.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub currency_decimals: Option<u8>,
    /// Who moves its phases. Without it: the operator alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// The largest order quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_qty: Option<Number>,
    /// The largest order value in the currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_notional: Option<Number>,
    /// How far from the last trade a limit may be, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collar_percent: Option<Number>,
    /// What happens when an account would trade with itself. Without it: `cancel-newest`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub self_trade_prevention: Option<StpWord>,
}

/// An instrument as it stands.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Instrument {
    /// Its symbol.
    pub symbol: String,
    /// The exchange's id for it.
    pub instrument_id: u32,
    /// What its price is in.
    pub currency: String,
    /// The smallest price step.
    pub tick_size: Number,
    /// The smallest quantity step.
    pub lot_size: Number,
    /// What it accepts at the moment.
    pub phase: PhaseWord,
    /// Who moves its phases, if not the operator alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calendar: Option<String>,
    /// The largest order quantity.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_qty: Option<Number>,
    /// The largest order value in the currency.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_notional: Option<Number>,
    /// How far from the last trade a limit may be, in percent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collar_percent: Option<Number>,
    /// What happens when an account would trade with itself.
    pub self_trade_prevention: StpWord,
    /// The last trade's price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_px: Option<Number>,
    /// The highest price somebody bids.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_bid: Option<Number>,
    /// The lowest price somebody asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_ask: Option<Number>,
}

/// All instruments, in the order of their creation.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Instruments {
    /// Everything up to this sequence number is in the answer.
    pub sequence: u64,
    /// The instruments.
    pub instruments: Vec<Instrument>,
}

/// The answer to a command about an instrument, and to a question about one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct InstrumentAnswer {
    /// The command's sequence number; for a question, everything up to it is in the answer.
    pub sequence: u64,
    /// The instrument.
    pub instrument: Instrument,
}

/// A change of trading phase: the body of `PUT /v1/instruments/{symbol}/phase`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PhaseRequest {
    /// The phase to move to.
    pub phase: PhaseWord,
}

/// How to show a book: the query of `GET /v1/books/{symbol}`.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookQuery {
    /// The most levels a side. Without it: 10.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub depth: Option<u32>,
    /// 2 (the default) for price levels, 3 for the orders in them too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<u8>,
}

/// An instrument's book.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Book {
    /// Everything up to this sequence number is in the answer.
    pub sequence: u64,
    /// The instrument's symbol.
    pub symbol: String,
    /// What it accepts at the moment.
    pub phase: PhaseWord,
    /// The last trade's price.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_px: Option<Number>,
    /// Buyers, the highest price first.
    pub bids: Vec<BookLevel>,
    /// Sellers, the lowest price first.
    pub asks: Vec<BookLevel>,
}

/// All orders of one side at one price.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BookLevel {
    /// The price.
    pub price: Number,
    /// The sum of what works.
    pub qty: Number,
    /// How many orders there are.
    pub orders: u32,
    /// The orders, oldest first; only at level 3.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<BookEntry>,
}

/// One order in a book. Books are public, so it carries no account and no client id.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct BookEntry {
    /// The exchange's id for it.
    pub order_id: String,
    /// What still works.
    pub qty: Number,
}

/// Which trades to list: the query of `GET /v1/trades`.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TradesQuery {
    /// In what.
    pub symbol: String,
    /// The most to list; those that fit are the newest. Without it: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The newest trades of an instrument, oldest first.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Trades {
    /// Everything up to this sequence number is in the answer.
    pub sequence: u64,
    /// The instrument's symbol.
    pub symbol: String,
    /// The trades.
    pub trades: Vec<Trade>,
}

/// A trade.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Trade {
    /// Its number, over all instruments.
    pub trade_id: String,
    /// The price: the maker's.
    pub last_px: Number,
    /// The quantity.
    pub last_qty: Number,
    /// The side of the order that came in.
    pub taker_side: SideWord,
    /// The exchange's id of the order that rested.
    pub maker_order_id: String,
    /// The exchange's id of the order that came in.
    pub taker_order_id: String,
    /// When.
    pub transact_time: Time,
}

/// Which candles to list: the query of `GET /v1/candles/{symbol}`.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CandlesQuery {
    /// `1s`, `1m` (the default), `5m`, `15m`, `1h` or `1d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub interval: Option<String>,
    /// The most to list; those that fit are the newest. Without it: 100.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
}

/// The newest candles of an instrument, oldest first; intervals without a trade have none.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Candles {
    /// Everything up to this sequence number is in the answer.
    pub sequence: u64,
    /// The instrument's symbol.
    pub symbol: String,
    /// The length of an interval.
    pub interval: String,
    /// The candles.
    pub candles: Vec<Candle>,
}

/// The trades of one interval.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Candle {
    /// Where the interval begins.
    pub start_time: Time,
    /// The first trade's price.
    pub open: Number,
    /// The highest price.
    pub high: Number,
    /// The lowest price.
    pub low: Number,
    /// The last trade's price.
    pub close: Number,
    /// The quantity traded.
    pub volume: Number,
    /// How many trades there were.
    pub trades: u64,
}
