//! LOBSTER: the limit order book reconstruction of Nasdaq stocks by the Humboldt University of Berlin (<https://lobsterdata.com>).
//!
//! Two comma-separated files without headings, row by row in step. A message: seconds after midnight, type (1 add, 2 partial
//! cancel, 3 delete, 4 execution of a visible order, 5 of a hidden one, 6 cross, 7 halt), order id, size, price times 10,000, direction of the
//! *resting* order (1 buy, -1 sell). A book row, after that message: ask price, ask size, bid price, bid size, level by level, with
//! prices of ±9,999,999,999 and size 0 where a side has fewer levels.
//!
//! The message file of a ten-level book holds only what changed those ten levels. Orders that rested before the file begins, and
//! orders placed while their price was out of view, are in the book file alone.

use super::{
    Action, BookLevel, BookRow, Fault, Feed, FeedError, FeedInfo, Format, MarketMessage, SkipReason,
};
use model::{Phase, Side, Symbol, Timestamp};
use std::io::{BufRead, Read};

/// LOBSTER's prices have four decimals.
const PRICE_SCALE: u8 = 4;
/// The longest row there can be: a hundred levels of four columns of up to 20 characters.
const ROW_BYTES_MAX: usize = 100 * 4 * 21;
/// The price that stands for "no level", with either sign.
const NO_LEVEL: i64 = 9_999_999_999;

/// The name of the order book file that belongs to a message file:
/// `AAPL_2012-06-21_message_10.csv` has `AAPL_2012-06-21_orderbook_10.csv`.
pub fn book_file_name(message_file_name: &str) -> Option<String> {
    let (before, after) = message_file_name.rsplit_once("_message_")?;
    Some(format!("{before}_orderbook_{after}"))
}

/// The symbol in a file's name: `AAPL` of `AAPL_2012-06-21_message_10.csv`.
pub fn symbol_of_file_name(message_file_name: &str) -> Option<Symbol> {
    Symbol::new(message_file_name.split_once('_')?.0).ok()
}

/// Reads a message file, and the order book file beside it.
#[derive(Debug)]
pub struct LobsterReader<M, B> {
    messages: Rows<M>,
    book: Option<Rows<B>>,
    symbol: Symbol,
    listed: bool,
    ended: bool,
}

impl<M: BufRead, B: BufRead> LobsterReader<M, B> {
    /// A reader of `messages`, and of `book` for the true book after each. The names are for error messages.
    pub fn new(symbol: Symbol, messages: (&str, M), book: Option<(&str, B)>) -> Self {
        Self {
            messages: Rows::new(messages.0, messages.1),
            book: book.map(|(name, rows)| Rows::new(name, rows)),
            symbol,
            listed: false,
            ended: false,
        }
    }

    fn read(&mut self) -> Result<Option<MarketMessage>, FeedError> {
        if !self.listed {
            self.listed = true;
            return Ok(Some(MarketMessage {
                record: 0,
                at: Timestamp::NONE,
                instrument: 0,
                kind: "list",
                action: Action::List { symbol: self.symbol },
                ends_event: true,
                book: None,
            }));
        }
        let has_message = self.messages.advance()?;
        if let Some(book) = &mut self.book
            && book.advance()? != has_message
        {
            return Err(book.error(Fault::UnequalFiles));
        }
        if !has_message {
            return Ok(None);
        }
        let mut message = parse_message(&self.messages.row).map_err(|fault| self.messages.error(fault))?;
        message.record = self.messages.number;
        if let Some(book) = &self.book {
            message.book = Some(Box::new(parse_book_row(&book.row).map_err(|fault| book.error(fault))?));
        }
        Ok(Some(message))
    }
}

impl<M: BufRead, B: BufRead> Feed for LobsterReader<M, B> {
    fn info(&self) -> FeedInfo {
        FeedInfo { format: Format::Lobster, price_scale: PRICE_SCALE }
    }

    fn next_message(&mut self) -> Result<Option<MarketMessage>, FeedError> {
        if self.ended {
            return Ok(None);
        }
        let message = self.read();
        self.ended = !matches!(message, Ok(Some(_)));
        message
    }
}

/// The rows of a text file, one in memory.
#[derive(Debug)]
struct Rows<R> {
    name: Box<str>,
    from: R,
    row: Vec<u8>,
    /// The row's number, from 1.
    number: u64,
    /// Where the row begins.
    offset: u64,
    /// Where the next row begins.
    next_offset: u64,
}

impl<R: BufRead> Rows<R> {
    fn new(name: &str, from: R) -> Self {
        Self { name: name.into(), from, row: Vec::new(), number: 0, offset: 0, next_offset: 0 }
    }

    /// Goes to the next row. `false` at the end.
    fn advance(&mut self) -> Result<bool, FeedError> {
        self.row.clear();
        self.number += 1;
        self.offset = self.next_offset;
        let limit = ROW_BYTES_MAX as u64 + 1;
        let len = match (&mut self.from).take(limit).read_until(b'\n', &mut self.row) {
            Ok(len) => len,
            Err(error) => return Err(self.error(error.into())),
        };
        if len > ROW_BYTES_MAX {
            return Err(self.error(Fault::TooLong { max: ROW_BYTES_MAX }));
        }
        self.next_offset += len as u64;
        while let Some(b'\n' | b'\r') = self.row.last() {
            self.row.pop();
        }
        Ok(len > 0)
    }

    fn error(&self, fault: Fault) -> FeedError {
        FeedError { file: self.name.clone(), record: self.number, offset: self.offset, fault }
    }
}

/// The columns of a row, as whole numbers.
struct Columns<'a> {
    columns: std::slice::Split<'a, u8, fn(&u8) -> bool>,
    column: usize,
}

impl<'a> Columns<'a> {
    fn new(row: &'a [u8]) -> Self {
        Self { columns: row.split(|&byte| byte == b','), column: 0 }
    }

    fn text(&mut self, name: &'static str) -> Result<&'a str, Fault> {
        self.column += 1;
        let column = self.column;
        let bytes = self.columns.next().ok_or(Fault::MissingColumn { column, name })?;
        str::from_utf8(bytes).map_err(|_| Fault::NotANumber { column, name })
    }

    fn number<N: std::str::FromStr>(&mut self, name: &'static str) -> Result<N, Fault> {
        let text = self.text(name)?;
        text.parse().map_err(|_| Fault::NotANumber { column: self.column, name })
    }

    fn end(mut self) -> Result<(), Fault> {
        match self.columns.next() {
            None => Ok(()),
            Some(_) => Err(Fault::ExtraColumn { columns: self.column }),
        }
    }
}

/// `34200.004241176` as nanoseconds.
fn parse_seconds(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits =
        |text: &str| (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())).then_some(());
    digits(whole)?;
    digits(fraction)?;
    let seconds: i64 = whole.parse().ok()?;
    // Finer than a nanosecond is not recorded anywhere; some copies of the files carry such digits from a float.
    let fraction = &fraction[..fraction.len().min(9)];
    let nanos = fraction.parse::<i64>().ok()? * 10i64.pow(9 - u32::try_from(fraction.len()).ok()?);
    seconds.checked_mul(1_000_000_000)?.checked_add(nanos)
}

fn parse_message(row: &[u8]) -> Result<MarketMessage, Fault> {
    let mut columns = Columns::new(row);
    let at = parse_seconds(columns.text("time")?).ok_or(Fault::NotANumber { column: 1, name: "time" })?;
    let kind: u8 = columns.number("type")?;
    let order: i64 = columns.number("order id")?;
    let qty: i64 = columns.number("size")?;
    let price: i64 = columns.number("price")?;
    let side = match columns.number::<i8>("direction")? {
        1 => Side::Buy,
        -1 => Side::Sell,
        _ => return Err(Fault::NotANumber { column: 6, name: "direction" }),
    };
    columns.end()?;
    let (kind, action) = match kind {
        5 => ("hidden-execution", Action::Skip(SkipReason::HiddenExecution)),
        6 => ("cross", Action::Skip(SkipReason::Cross)),
        7 => ("halt", halt(price)),
        1..=4 => visible(kind, order, qty, price, side)?,
        _ => ("unknown", Action::Skip(SkipReason::UnknownKind)),
    };
    Ok(MarketMessage {
        record: 0,
        at: Timestamp(at),
        instrument: 0,
        kind,
        action,
        ends_event: true,
        book: None,
    })
}

/// The price of a halt message says what it is: -1 halted, 0 quoting resumes, 1 trading resumes.
fn halt(price: i64) -> Action {
    match price {
        -1 => Action::Phase(Phase::Halted),
        1 => Action::Phase(Phase::Open),
        _ => Action::Skip(SkipReason::Administrative),
    }
}

fn visible(kind: u8, order: i64, qty: i64, price: i64, side: Side) -> Result<(&'static str, Action), Fault> {
    let order = u64::try_from(order).map_err(|_| Fault::NotANumber { column: 3, name: "order id" })?;
    let qty = match u64::try_from(qty) {
        Ok(qty) if qty > 0 => qty,
        _ => return Err(Fault::NotANumber { column: 4, name: "size" }),
    };
    if price <= 0 {
        return Err(Fault::NotANumber { column: 5, name: "price" });
    }
    let place = Some((side, price));
    Ok(match kind {
        1 => ("add", Action::Add { order, side, price, qty }),
        2 => ("partial-cancel", Action::Cancel { order, qty: Some(qty), place }),
        // A delete names what was left, which is all of it.
        3 => ("delete", Action::Cancel { order, qty: Some(qty), place }),
        _ => ("execution", Action::Execute { order, qty, place }),
    })
}

fn parse_book_row(row: &[u8]) -> Result<BookRow, Fault> {
    let columns = row.split(|&byte| byte == b',').count();
    if !columns.is_multiple_of(4) {
        return Err(Fault::BadRow { columns });
    }
    let mut book = BookRow { depth: columns / 4, ..BookRow::default() };
    let mut columns = Columns::new(row);
    for _ in 0..book.depth {
        let ask = BookLevel { price: columns.number("ask price")?, qty: columns.number("ask size")? };
        let bid = BookLevel { price: columns.number("bid price")?, qty: columns.number("bid size")? };
        for (level, levels) in [(ask, &mut book.asks), (bid, &mut book.bids)] {
            if level.price.unsigned_abs() != NO_LEVEL.unsigned_abs() && level.qty > 0 {
                levels.push(level);
            }
        }
    }
    Ok(book)
}
