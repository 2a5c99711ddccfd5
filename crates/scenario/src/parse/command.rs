//! One command line.

use super::options::{Options, split};
use super::words::{Word, Words};
use super::{COMMANDS, SEPARATOR};
use crate::problem::{Fault, Problem};
use crate::syntax::{BookLevel, Command};
use market_data::Interval;
use model::{
    AssetCode, Decimal, FailMode, MAX_INITIAL_BALANCES, Phase, RuleKind, SelfTradePrevention, Side,
    TimeInForce, Timestamp,
};

type Parsed<T = Command> = Result<T, Problem>;

/// Parses the line with the number `line`, which holds at least one word.
pub(super) fn parse(line: usize, text: &str) -> Parsed {
    let mut words = Words::new(line, text);
    let word = words.need("a command")?;
    match word.text {
        "instrument" => instrument(words),
        "account" => account(words),
        "deposit" => {
            let (account, asset, amount) = transfer(words)?;
            Ok(Command::Deposit { account, asset, amount })
        }
        "withdraw" => {
            let (account, asset, amount) = transfer(words)?;
            Ok(Command::Withdraw { account, asset, amount })
        }
        "buy" => order(Side::Buy, words),
        "sell" => order(Side::Sell, words),
        "replace" => replace(words),
        "cancel" => {
            let account = words.need("the account")?.account()?;
            let id = words.need("the client order id")?.id()?;
            words.end().map(|()| Command::Cancel { account, id })
        }
        "cancel-all" => {
            let account = words.need("the account")?.account()?;
            let symbol = words.next().map(Word::symbol).transpose()?;
            words.end().map(|()| Command::CancelAll { account, symbol })
        }
        "phase" => {
            let symbol = words.need("the instrument")?.symbol()?;
            let phase = phase(words.need("the phase")?)?;
            words.end().map(|()| Command::Phase { symbol, phase })
        }
        "rule" => rule(words),
        "at" => {
            let time = words.need("the time")?.time()?;
            words.end().map(|()| Command::At(time))
        }
        "restart" => words.end().map(|()| Command::Restart),
        "book" => book(words),
        "kill" | "orders" | "balance" => {
            let account = words.need("the account")?.account()?;
            words.end().map(|()| match word.text {
                "kill" => Command::Kill { account },
                "orders" => Command::Orders { account },
                _ => Command::Balance { account },
            })
        }
        "trades" => {
            let symbol = words.need("the instrument")?.symbol()?;
            words.end().map(|()| Command::Trades { symbol })
        }
        "candles" => {
            let symbol = words.need("the instrument")?.symbol()?;
            let interval = words.need("the interval")?;
            let all = Interval::ALL.map(|interval| (interval.as_str(), interval));
            let interval = interval.one_of("interval", "1s, 1m, 5m, 15m, 1h, 1d", &all)?;
            words.end().map(|()| Command::Candles { symbol, interval })
        }
        unknown => Err(word.problem(Fault::UnknownCommand { similar: similar(unknown) })),
    }
}

fn instrument(mut words: Words<'_>) -> Parsed {
    let symbol = words.need("the symbol")?.symbol()?;
    let options = Options::take(
        words,
        &["tick", "lot", "currency", "stp", "max-qty", "max-notional", "collar"],
        &[],
        "tick=, lot=, currency=, stp=, max-qty=, max-notional=, collar=",
    )?;
    Ok(Command::Instrument {
        symbol,
        tick: options.required("tick", |word| word.number_as_written("the tick"))?,
        lot: options.required("lot", |word| word.number_as_written("the lot"))?,
        currency: options.value("currency", Word::asset)?,
        self_trade_prevention: options.value("stp", self_trade_prevention)?,
        max_quantity: options.value("max-qty", |word| word.number("the largest quantity"))?,
        max_notional: options.value("max-notional", |word| word.number("the largest value"))?,
        collar_percent: options.value("collar", percent)?,
    })
}

fn account(mut words: Words<'_>) -> Parsed {
    let name = words.need("the account's name")?.account()?;
    let mut balances: Vec<(AssetCode, Decimal)> = Vec::new();
    for word in words {
        let option = split(word);
        let Some(value) = option.value else {
            return Err(word.problem(Fault::UnknownOption { known: "balances such as USD=1000" }));
        };
        let key = Word { text: option.key, ..word };
        let balance = (key.asset()?, value.number("the balance")?);
        if balances.iter().any(|(asset, _)| *asset == balance.0) {
            return Err(word.problem(Fault::OptionTwice));
        }
        if balances.len() == MAX_INITIAL_BALANCES {
            return Err(word.problem(Fault::TooManyBalances { max: MAX_INITIAL_BALANCES }));
        }
        balances.push(balance);
    }
    Ok(Command::Account { name, balances })
}

fn transfer(mut words: Words<'_>) -> Parsed<(model::AccountName, AssetCode, Decimal)> {
    let account = words.need("the account")?.account()?;
    let asset = words.need("the asset")?.asset()?;
    let amount = words.need("the amount")?.number("the amount")?;
    words.end().map(|()| (account, asset, amount))
}

fn order(side: Side, mut words: Words<'_>) -> Parsed {
    let account = words.need("the account")?.account()?;
    let symbol = words.need("the instrument")?.symbol()?;
    let quantity = words.need("the quantity")?.number("the quantity")?;
    let at = words.need("`@`")?;
    if at.text != "@" {
        return Err(
            at.problem(Fault::BadWord { what: "word before the price", expected: "`@`, as in 100 @ 10.05" })
        );
    }
    let price = words.need("the price")?;
    let price = if price.text == "market" { None } else { Some(price.number("the price")?) };
    let options = Options::take(
        words,
        &["id", "gtd", "stp"],
        &["day", "gtc", "ioc", "fok", "post"],
        "id=, day, gtc, ioc, fok, gtd=TIME, post, stp=",
    )?;
    let (time_in_force, expire_at) = time_in_force(&options)?;
    Ok(Command::Order {
        side,
        account,
        symbol,
        quantity,
        price,
        id: options.value("id", Word::id)?,
        time_in_force,
        expire_at,
        post_only: options.flag("post"),
        self_trade_prevention: options.value("stp", self_trade_prevention)?,
    })
}

fn time_in_force(options: &Options<'_>) -> Parsed<(Option<TimeInForce>, Option<Timestamp>)> {
    let mut found = (None, None);
    for option in options.iter() {
        let Ok(word) = option.key.parse() else { continue };
        if found.0.is_some() {
            return Err(option.word.problem(Fault::TwoTimesInForce));
        }
        found = (Some(word), option.value.map(Word::time).transpose()?);
    }
    Ok(found)
}

fn replace(mut words: Words<'_>) -> Parsed {
    let account = words.need("the account")?.account()?;
    let id = words.need("the client order id")?.id()?;
    let options = Options::take(words, &["qty", "px", "id"], &[], "qty=, px=, id=")?;
    Ok(Command::Replace {
        account,
        id,
        quantity: options.value("qty", |word| word.number("the quantity"))?,
        price: options.value("px", |word| word.number("the price"))?,
        new_id: options.value("id", Word::id)?,
    })
}

fn rule(mut words: Words<'_>) -> Parsed {
    let word = words.need("`load` or `unload`")?;
    match word.text {
        "load" => {
            let name = words.need("the rule's name")?.rule()?;
            let path = words.need("the path of the component")?.text.into();
            let options = Options::take(words, &["kind", "fail"], &[], "kind=, fail=")?;
            let kinds = [("validation", RuleKind::Validation), ("risk", RuleKind::Risk)];
            let failures = [("closed", FailMode::Closed), ("open", FailMode::Open)];
            Ok(Command::RuleLoad {
                name,
                path,
                kind: options.value("kind", |word| word.one_of("kind", "validation, risk", &kinds))?,
                failure: options.value("fail", |word| word.one_of("choice", "closed, open", &failures))?,
            })
        }
        "unload" => {
            let name = words.need("the rule's name")?.rule()?;
            words.end().map(|()| Command::RuleUnload { name })
        }
        _ => Err(word.problem(Fault::BadWord { what: "thing to do with a rule", expected: "load, unload" })),
    }
}

fn book(mut words: Words<'_>) -> Parsed {
    let symbol = words.need("the instrument")?.symbol()?;
    let options = Options::take(words, &["depth", "level"], &[], "depth=, level=")?;
    let levels = [("2", BookLevel::Two), ("3", BookLevel::Three)];
    Ok(Command::Book {
        symbol,
        depth: options.value("depth", |word| word.count("the depth"))?,
        level: options.value("level", |word| word.one_of("level", "2, 3", &levels))?,
    })
}

fn self_trade_prevention(word: Word<'_>) -> Parsed<SelfTradePrevention> {
    const EXPECTED: &str = "cancel-newest, cancel-oldest, cancel-both, decrement";
    let modes = [
        SelfTradePrevention::CancelNewest,
        SelfTradePrevention::CancelOldest,
        SelfTradePrevention::CancelBoth,
        SelfTradePrevention::Decrement,
    ];
    word.one_of("self-trade prevention mode", EXPECTED, &modes.map(|mode| (mode.as_str(), mode)))
}

fn phase(word: Word<'_>) -> Parsed<Phase> {
    let phases = [Phase::Open, Phase::Halted, Phase::Closed, Phase::Auction];
    word.one_of("phase", "open, halted, closed, auction", &phases.map(|phase| (phase.as_str(), phase)))
}

fn percent(word: Word<'_>) -> Parsed<Decimal> {
    let Some(number) = word.text.strip_suffix('%') else { return Err(word.problem(Fault::NotPercent)) };
    Word { text: number, ..word }.number("the collar")
}

/// The command a misspelt word most likely means.
fn similar(word: &str) -> Option<&'static str> {
    // A line of dashes is a separator; any other word may differ by a third of its letters.
    if word.bytes().all(|byte| byte == b'-') {
        return Some(SEPARATOR);
    }
    let (distance, closest) = COMMANDS.into_iter().map(|command| (distance(word, command), command)).min()?;
    (distance <= closest.len() / 3).then_some(closest)
}

/// How many letters must be added, dropped or changed to make one word the other (Levenshtein). The words of a file
/// are cut at 32 letters: no command is longer.
fn distance(word: &str, other: &str) -> usize {
    let word: Vec<char> = word.chars().take(32).collect();
    let mut row: Vec<usize> = (0..=word.len()).collect();
    for (at, letter) in other.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = at + 1;
        for (column, own) in word.iter().enumerate() {
            let changed = diagonal + usize::from(*own != letter);
            diagonal = row[column + 1];
            row[column + 1] = changed.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[word.len()]
}
