//! What a scenario file says, once parsed: cases of commands and the output each is expected to have.

use crate::instant::Instant;
use market_data::Interval;
use model::{
    AccountName, AssetCode, ClOrdId, Decimal, FailMode, Phase, RuleKind, RuleName, SelfTradePrevention, Side,
    Symbol, TimeInForce, Timestamp,
};
use std::fmt;

/// A place in a file: a line and a range of columns, all from 1, in characters.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Span {
    /// The line.
    pub line: usize,
    /// The first column.
    pub from: usize,
    /// The column after the last.
    pub to: usize,
}

/// A parsed file.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Scenario {
    /// Its cases, in order.
    pub cases: Vec<Case>,
}

/// Some commands and the lines they are expected to print.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Case {
    /// At least one.
    pub commands: Vec<Step>,
    /// The line of its `----`.
    pub separator: usize,
    /// The expected lines with the lines they stand on, comments left out.
    pub expected: Vec<(usize, String)>,
    /// The first line after the case: expected lines and comments among them all lie before it.
    pub end: usize,
}

/// A command with its place and its time.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// What to do.
    pub command: Command,
    /// What the simulated clock shows: one millisecond after the command before, or what `at` says.
    pub stamp: Timestamp,
    /// Where it stands.
    pub span: Span,
}

/// How much of a book to show.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum BookLevel {
    /// Price, total quantity and number of orders.
    Two,
    /// Every order.
    Three,
}

/// A line of a scenario. Numbers are as they were written: what they may be is the exchange's business.
#[derive(Clone, PartialEq, Eq, Debug)]
#[allow(missing_docs, reason = "the fields are the words of the format, which is their documentation")]
pub enum Command {
    Instrument {
        symbol: Symbol,
        /// With the decimals it was written with: they are the decimals prices are shown with.
        tick: Decimal,
        /// With the decimals it was written with: they are the decimals quantities are shown with.
        lot: Decimal,
        currency: Option<AssetCode>,
        self_trade_prevention: Option<SelfTradePrevention>,
        max_quantity: Option<Decimal>,
        max_notional: Option<Decimal>,
        collar_percent: Option<Decimal>,
    },
    Account {
        name: AccountName,
        balances: Vec<(AssetCode, Decimal)>,
    },
    Deposit {
        account: AccountName,
        asset: AssetCode,
        amount: Decimal,
    },
    Withdraw {
        account: AccountName,
        asset: AssetCode,
        amount: Decimal,
    },
    Order {
        side: Side,
        account: AccountName,
        symbol: Symbol,
        quantity: Decimal,
        /// `None` for `market`.
        price: Option<Decimal>,
        id: Option<ClOrdId>,
        time_in_force: Option<TimeInForce>,
        /// With `gtd` only.
        expire_at: Option<Timestamp>,
        post_only: bool,
        self_trade_prevention: Option<SelfTradePrevention>,
    },
    Replace {
        account: AccountName,
        id: ClOrdId,
        quantity: Option<Decimal>,
        price: Option<Decimal>,
        new_id: Option<ClOrdId>,
    },
    Cancel {
        account: AccountName,
        id: ClOrdId,
    },
    CancelAll {
        account: AccountName,
        symbol: Option<Symbol>,
    },
    Phase {
        symbol: Symbol,
        phase: Phase,
    },
    Kill {
        account: AccountName,
    },
    RuleLoad {
        name: RuleName,
        path: Box<str>,
        kind: Option<RuleKind>,
        failure: Option<FailMode>,
    },
    RuleUnload {
        name: RuleName,
    },
    At(Timestamp),
    Restart,
    Book {
        symbol: Symbol,
        depth: Option<usize>,
        level: Option<BookLevel>,
    },
    Orders {
        account: AccountName,
    },
    Balance {
        account: AccountName,
    },
    Trades {
        symbol: Symbol,
    },
    Candles {
        symbol: Symbol,
        interval: Interval,
    },
}

impl Command {
    /// The word the command begins with.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::Instrument { .. } => "instrument",
            Self::Account { .. } => "account",
            Self::Deposit { .. } => "deposit",
            Self::Withdraw { .. } => "withdraw",
            Self::Order { side, .. } => side.as_str(),
            Self::Replace { .. } => "replace",
            Self::Cancel { .. } => "cancel",
            Self::CancelAll { .. } => "cancel-all",
            Self::Phase { .. } => "phase",
            Self::Kill { .. } => "kill",
            Self::RuleLoad { .. } | Self::RuleUnload { .. } => "rule",
            Self::At(_) => "at",
            Self::Restart => "restart",
            Self::Book { .. } => "book",
            Self::Orders { .. } => "orders",
            Self::Balance { .. } => "balance",
            Self::Trades { .. } => "trades",
            Self::Candles { .. } => "candles",
        }
    }
}

/// ` key=value`, when there is a value.
struct Opt<'a, T>(&'a str, Option<T>);

impl<T: fmt::Display> fmt::Display for Opt<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.1 {
            Some(value) => write!(f, " {}={value}", self.0),
            None => Ok(()),
        }
    }
}

/// A command in its canonical form, which parses to the same command.
impl fmt::Display for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())?;
        match self {
            Self::Instrument {
                symbol,
                tick,
                lot,
                currency,
                self_trade_prevention,
                max_quantity,
                max_notional,
                collar_percent,
            } => {
                write!(f, " {symbol} tick={tick} lot={lot}")?;
                write!(f, "{}{}", Opt("currency", *currency), Opt("stp", *self_trade_prevention))?;
                write!(f, "{}{}", Opt("max-qty", *max_quantity), Opt("max-notional", *max_notional))?;
                collar_percent.map_or(Ok(()), |percent| write!(f, " collar={percent}%"))
            }
            Self::Account { name, balances } => {
                write!(f, " {name}")?;
                balances.iter().try_for_each(|(asset, amount)| write!(f, " {asset}={amount}"))
            }
            Self::Deposit { account, asset, amount } | Self::Withdraw { account, asset, amount } => {
                write!(f, " {account} {asset} {amount}")
            }
            Self::Order {
                side: _,
                account,
                symbol,
                quantity,
                price,
                id,
                time_in_force,
                expire_at,
                post_only,
                self_trade_prevention,
            } => {
                write!(f, " {account} {symbol} {quantity} @ ")?;
                match price {
                    Some(price) => write!(f, "{price}")?,
                    None => f.write_str("market")?,
                }
                write!(f, "{}", Opt("id", *id))?;
                if let Some(word) = time_in_force {
                    write!(f, " {word}")?;
                }
                if let Some(time) = expire_at {
                    write!(f, "={}", Instant(*time))?;
                }
                if *post_only {
                    f.write_str(" post")?;
                }
                write!(f, "{}", Opt("stp", *self_trade_prevention))
            }
            Self::Replace { account, id, quantity, price, new_id } => {
                write!(f, " {account} {id}")?;
                write!(f, "{}{}{}", Opt("qty", *quantity), Opt("px", *price), Opt("id", *new_id))
            }
            Self::Cancel { account, id } => write!(f, " {account} {id}"),
            Self::CancelAll { account, symbol: Some(symbol) } => write!(f, " {account} {symbol}"),
            Self::CancelAll { account, symbol: None }
            | Self::Kill { account }
            | Self::Orders { account }
            | Self::Balance { account } => write!(f, " {account}"),
            Self::Phase { symbol, phase } => write!(f, " {symbol} {phase}"),
            Self::RuleLoad { name, path, kind, failure } => {
                write!(f, " load {name} {path}{}{}", Opt("kind", *kind), Opt("fail", *failure))
            }
            Self::RuleUnload { name } => write!(f, " unload {name}"),
            Self::At(time) => write!(f, " {}", Instant(*time)),
            Self::Restart => Ok(()),
            Self::Book { symbol, depth, level } => {
                let level = level.map(|level| match level {
                    BookLevel::Two => 2,
                    BookLevel::Three => 3,
                });
                write!(f, " {symbol}{}{}", Opt("depth", *depth), Opt("level", level))
            }
            Self::Trades { symbol } => write!(f, " {symbol}"),
            Self::Candles { symbol, interval } => write!(f, " {symbol} {interval}"),
        }
    }
}

/// The file in its canonical form: no comments, one blank line between cases.
impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, case) in self.cases.iter().enumerate() {
            if at > 0 {
                writeln!(f)?;
            }
            for step in &case.commands {
                writeln!(f, "{}", step.command)?;
            }
            writeln!(f, "----")?;
            for (_, line) in &case.expected {
                writeln!(f, "{line}")?;
            }
        }
        Ok(())
    }
}
