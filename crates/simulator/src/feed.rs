//! The record of a real market, read message by message.
//!
//! Three formats come in ([`lobster`], [`dbn`], [`itch`]); one vocabulary goes out: [`MarketMessage`]. A reader takes bytes somebody
//! else opened, keeps one message in memory, and names the file, record and byte offset of everything it cannot read. What
//! the messages mean for this exchange is decided in [`replay`](crate::replay).

#[cfg(feature = "feeds")]
pub mod dbn;
pub mod itch;
pub mod lobster;

use model::{Phase, Side, Symbol, TextError, Timestamp};
use std::fmt;

/// A reader of a feed.
pub trait Feed {
    /// What is known before the first message.
    fn info(&self) -> FeedInfo;

    /// The next message; `None` at the end. After an error the feed has ended.
    fn next_message(&mut self) -> Result<Option<MarketMessage>, FeedError>;
}

/// The formats that can be read.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// LOBSTER: a message file and an order book file, both comma-separated.
    Lobster,
    /// Databento Binary Encoding, market by order, zstd or plain.
    Dbn,
    /// Nasdaq TotalView-ITCH 5.0 in `BinaryFILE` framing, gzip or plain.
    Itch,
}

impl Format {
    /// The format that a file of this name is in, if the name tells.
    pub fn of_file_name(name: &str) -> Option<Self> {
        let stem = name.strip_suffix(".gz").or_else(|| name.strip_suffix(".zst")).unwrap_or(name);
        let extension = stem.rsplit('.').next().unwrap_or("");
        if extension == "csv" && lobster::book_file_name(name).is_some() {
            Some(Self::Lobster)
        } else if extension == "dbn" {
            Some(Self::Dbn)
        } else if extension.eq_ignore_ascii_case("itch_50") || extension.eq_ignore_ascii_case("itch50") {
            Some(Self::Itch)
        } else {
            None
        }
    }

    /// Its name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Lobster => "lobster",
            Self::Dbn => "dbn",
            Self::Itch => "itch",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// What is known of a feed before its first message.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct FeedInfo {
    /// The format.
    pub format: Format,
    /// Decimals of every price in the feed.
    pub price_scale: u8,
}

/// One message of a market.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MarketMessage {
    /// Its number in the feed, from 1.
    pub record: u64,
    /// When it happened. Good for pacing; LOBSTER and ITCH count from midnight and do not know the date.
    pub at: Timestamp,
    /// The feed's own number for the instrument.
    pub instrument: u32,
    /// The feed's own name for this kind of message, such as `add` or `A`.
    pub kind: &'static str,
    /// What happened.
    pub action: Action,
    /// Whether the market's event, which can take several messages to tell, is complete with this one.
    pub ends_event: bool,
    /// The true book after it, where the feed tells.
    pub book: Option<Box<BookRow>>,
}

/// What a message says. Prices are integers at the feed's scale, quantities in shares or contracts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Action {
    /// An instrument is listed. Comes before everything else about it.
    List {
        /// Its symbol.
        symbol: Symbol,
    },
    /// A limit order came to rest.
    Add {
        /// The market's id for it.
        order: u64,
        /// Buy or sell.
        side: Side,
        /// Its limit.
        price: i64,
        /// Its quantity.
        qty: u64,
    },
    /// A resting order, or a part of it, was canceled.
    Cancel {
        /// Which.
        order: u64,
        /// How much of it; `None` for all.
        qty: Option<u64>,
        /// Where it rested, if the feed says it again.
        place: Option<(Side, i64)>,
    },
    /// A resting order was changed.
    Modify {
        /// Which.
        order: u64,
        /// Its id from now on.
        new_order: u64,
        /// Its side, if the feed says it again.
        side: Option<Side>,
        /// Its new limit.
        price: i64,
        /// What rests of it now.
        qty: u64,
        /// Whether it goes to the back of the queue whatever changed. Otherwise only another price or more quantity sends it there.
        to_back: bool,
    },
    /// A resting order traded with an order that this feed does not show.
    Execute {
        /// The order that rested.
        order: u64,
        /// How much of it traded.
        qty: u64,
        /// Where it rested, if the feed says it again.
        place: Option<(Side, i64)>,
    },
    /// An aggressor came in. The [`Action::Fill`]s it caused follow.
    Aggress {
        /// The aggressor's side.
        side: Side,
        /// The price at which it traded.
        price: i64,
        /// How much it traded at that price.
        qty: u64,
    },
    /// A resting order was filled by the last aggressor.
    Fill {
        /// Which.
        order: u64,
        /// How much of it.
        qty: u64,
    },
    /// The instrument changed its trading phase.
    Phase(Phase),
    /// The book is empty from here on; a snapshot may follow.
    Clear,
    /// Nothing that an order could have done.
    Skip(SkipReason),
}

/// Why a message cannot become an order, or need not.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub enum SkipReason {
    /// A hidden order traded: it never stood in the visible book, and this exchange has no hidden orders.
    HiddenExecution,
    /// A cross of an auction, which this exchange does not hold.
    Cross,
    /// About the market or the instrument, not about orders.
    Administrative,
    /// An instrument that was never listed in the feed.
    UnlistedInstrument,
    /// An order that the feed has not shown, where the feed says too little to stand in for it.
    UnknownOrder,
    /// A record without a side, a price or a quantity where an order needs one.
    Incomplete,
    /// A kind of message that this reader does not know.
    UnknownKind,
    /// The exchange has done this by itself already: the cancel or change that follows from a fill.
    ProducedByMatching,
    /// The order does not work here any more: our matching filled it, the market's did not.
    AlreadyGone,
}

impl SkipReason {
    /// Every reason.
    pub const ALL: [Self; 9] = [
        Self::HiddenExecution,
        Self::Cross,
        Self::Administrative,
        Self::UnlistedInstrument,
        Self::UnknownOrder,
        Self::Incomplete,
        Self::UnknownKind,
        Self::ProducedByMatching,
        Self::AlreadyGone,
    ];

    /// The reason in words.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HiddenExecution => "execution of a hidden order",
            Self::Cross => "cross of an auction",
            Self::Administrative => "not about orders",
            Self::UnlistedInstrument => "instrument never listed",
            Self::UnknownOrder => "order never shown",
            Self::Incomplete => "no side, price or quantity",
            Self::UnknownKind => "unknown kind of message",
            Self::ProducedByMatching => "follows from a fill: done by the exchange itself",
            Self::AlreadyGone => "order filled here already, not there",
        }
    }
}

/// A price level of the true book. Nothing rests where `qty` is 0.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct BookLevel {
    /// At the feed's scale.
    pub price: i64,
    /// All that rests there.
    pub qty: u64,
}

/// The true book after a message, as deep as the feed shows it, best price first.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct BookRow {
    /// The bids, without empty levels.
    pub bids: Vec<BookLevel>,
    /// The asks, without empty levels.
    pub asks: Vec<BookLevel>,
    /// How many levels the feed shows of each side.
    pub depth: usize,
}

impl BookRow {
    /// One side of it.
    pub fn side(&self, side: Side) -> &[BookLevel] {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }
}

/// What cannot be read, and where it is.
#[derive(Debug, thiserror::Error)]
#[error("{file}: record {record} at byte {offset}: {fault}")]
pub struct FeedError {
    /// The name the reader was given.
    pub file: Box<str>,
    /// The record's number, from 1; 0 for a file's header.
    pub record: u64,
    /// Where the record begins, in bytes from the start of the uncompressed file.
    pub offset: u64,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong with a record.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The bytes could not be had: the disk, or a compressed file that is damaged.
    #[error("cannot read: {0}")]
    Io(#[from] std::io::Error),
    /// The file ends inside a record.
    #[error("the file ends inside a record: {got} of {needed} bytes")]
    Truncated {
        /// Bytes that a whole record has.
        needed: usize,
        /// Bytes there were.
        got: usize,
    },
    /// A record is longer than any record can be.
    #[error("a record of more than {max} bytes")]
    TooLong {
        /// The most there can be.
        max: usize,
    },
    /// A record of fixed length has another one.
    #[error("a record of kind {kind:?} has {expected} bytes, not {got}")]
    BadLength {
        /// Its kind.
        kind: char,
        /// Bytes it has by the specification.
        expected: usize,
        /// Bytes it has here.
        got: usize,
    },
    /// A record without a kind.
    #[error("an empty record")]
    Empty,
    /// Too few columns.
    #[error("column {column} ({name}) is missing")]
    MissingColumn {
        /// Which, from 1.
        column: usize,
        /// What should be there.
        name: &'static str,
    },
    /// More columns than there are.
    #[error("more than {columns} columns")]
    ExtraColumn {
        /// How many there should be.
        columns: usize,
    },
    /// A column that is not the number it should be.
    #[error("column {column} ({name}) is not a number that can be there")]
    NotANumber {
        /// Which, from 1.
        column: usize,
        /// What should be there.
        name: &'static str,
    },
    /// A byte that is none of those a field can hold.
    #[error("{byte:#04x} is no {what}")]
    BadCode {
        /// The byte.
        byte: u8,
        /// What it should have been.
        what: &'static str,
    },
    /// A symbol that cannot be one here.
    #[error("the symbol cannot be used: {0}")]
    BadSymbol(#[from] TextError),
    /// The order book file has fewer rows than the message file, or more.
    #[error("the order book file and the message file do not have the same number of rows")]
    UnequalFiles,
    /// An order book row whose columns are not four for each level.
    #[error("{columns} columns are not four (ask price, ask size, bid price, bid size) for each level")]
    BadRow {
        /// How many there are.
        columns: usize,
    },
    /// What the DBN library says.
    #[cfg(feature = "feeds")]
    #[error(transparent)]
    Dbn(#[from] ::dbn::Error),
}
