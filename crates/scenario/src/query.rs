//! Answers to queries. Orders, books and balances are asked of the exchange's own state, trades and candles of the log.

use crate::instant::Instant;
use crate::names::Names;
use crate::number::Fixed;
use crate::syntax::{BookLevel, Command};
use crate::view::View;
use engine::{Instrument, State};
use market_data::{Candles, Depth, Interval, MAX_DEPTH};
use model::{AccountName, InstrumentCreated, RejectReason, Side, Symbol};
use order_book::{Level, OrderBook};

/// What a query looks at.
pub(crate) struct Facts<'a, B: OrderBook> {
    pub state: &'a State<B>,
    pub view: &'a View,
    pub names: &'a Names,
}

impl<B: OrderBook> Facts<'_, B> {
    /// The lines that answer a query; `None` when the command is none.
    pub fn answer(&self, command: &Command) -> Option<Vec<String>> {
        let lines = match command {
            Command::Book { symbol, depth, level } => self.instrument(symbol).map(|instrument| {
                let depth = depth.unwrap_or(MAX_DEPTH);
                self.book(instrument, depth, level.unwrap_or(BookLevel::Two))
            }),
            Command::Orders { account } => self.orders(account),
            Command::Balance { account } => self.balance(account),
            Command::Trades { symbol } => self.instrument(symbol).map(|instrument| {
                let tape = self.view.tape(instrument.terms.instrument);
                tape.iter().map(|trade| self.view.shown_trade(trade, self.names)).collect()
            }),
            Command::Candles { symbol, interval } => {
                self.instrument(symbol).map(|instrument| self.candles(instrument, *interval))
            }
            _ => return None,
        };
        Some(match lines {
            Ok(lines) if lines.is_empty() => vec!["(none)".to_owned()],
            Ok(lines) => lines,
            Err(reason) => vec![format!("rejected {} reason={reason}", command.word())],
        })
    }

    fn instrument(&self, symbol: &Symbol) -> Result<&Instrument<B>, RejectReason> {
        self.state.instrument_by_symbol(symbol).ok_or(RejectReason::UnknownInstrument)
    }

    fn account(&self, name: &AccountName) -> Result<&engine::Account, RejectReason> {
        self.state.account_by_name(name).ok_or(RejectReason::UnknownAccount)
    }

    fn book(&self, instrument: &Instrument<B>, depth: usize, level: BookLevel) -> Vec<String> {
        let terms = &instrument.terms;
        let book = self.state.book(terms.instrument);
        let ladder = Depth::of(book, depth);
        match level {
            BookLevel::Two => ladder
                .ladder()
                .map(|(side, level)| {
                    let quantity = Fixed::quantity(level.quantity, terms);
                    format!(
                        "{} {} {quantity} {}",
                        side_of_book(side),
                        Fixed::price(level.price, terms),
                        level.orders
                    )
                })
                .collect(),
            BookLevel::Three => ladder
                .ladder()
                .flat_map(|(side, level)| self.level_orders(book, terms, side, level))
                .collect(),
        }
    }

    /// The orders of a level, oldest first.
    fn level_orders(&self, book: &B, terms: &InstrumentCreated, side: Side, level: Level) -> Vec<String> {
        let price = Fixed::price(level.price, terms);
        book.orders(side)
            .filter(|(_, resting)| resting.price == level.price)
            .map(|(_, resting)| {
                let quantity = Fixed::quantity(resting.leaves, terms);
                let id = self.view.shown(resting.order_id, self.names);
                format!("{} {price} {quantity} {id}", side_of_book(side))
            })
            .collect()
    }

    fn orders(&self, account: &AccountName) -> Result<Vec<String>, RejectReason> {
        let account = self.account(account)?;
        let line = |order: &engine::Order| {
            let terms = self.view.terms(order.instrument);
            format!(
                "{} {} {} {} @ {} leaves={} cum={} status={}",
                self.view.shown(order.id, self.names),
                order.side,
                terms.symbol,
                Fixed::quantity(order.quantity(), terms),
                Fixed::price(order.price, terms),
                Fixed::quantity(order.leaves, terms),
                Fixed::quantity(order.cum, terms),
                if order.cum.is_zero() { "new" } else { "partially-filled" }
            )
        };
        Ok(self.state.working_orders(account.id).map(line).collect())
    }

    fn balance(&self, account: &AccountName) -> Result<Vec<String>, RejectReason> {
        let account = self.account(account)?;
        let mut lines: Vec<_> = self
            .state
            .assets()
            .map(|asset| (asset, self.state.balance(account.id, asset.id)))
            .filter(|(_, balance)| balance.total.0 != 0)
            .map(|(asset, balance)| {
                // An instrument's code is its symbol, and its unit the lot.
                let terms = self.state.instrument_by_symbol(&asset.code).map(|instrument| &instrument.terms);
                let shown = |amount| match terms.filter(|_| asset.is_instrument) {
                    Some(terms) => Fixed::position(amount, terms),
                    None => Fixed::money(amount, asset.decimals),
                };
                let (total, held) = (shown(balance.total), shown(balance.held));
                let line = format!(
                    "{} total={total} held={held} available={}",
                    asset.code,
                    shown(balance.available())
                );
                (asset.code, line)
            })
            .collect();
        lines.sort_unstable();
        Ok(lines.into_iter().map(|(_, line)| line).collect())
    }

    fn candles(&self, instrument: &Instrument<B>, interval: Interval) -> Vec<String> {
        let terms = &instrument.terms;
        let tape = self.view.tape(terms.instrument);
        let mut candles = Candles::new(interval, usize::MAX);
        tape.iter().for_each(|trade| candles.fold(trade));
        let price = |price| Fixed::price(price, terms);
        candles
            .iter()
            .map(|candle| {
                format!(
                    "{} o={} h={} l={} c={} v={} n={}",
                    Instant(candle.start),
                    price(candle.open),
                    price(candle.high),
                    price(candle.low),
                    price(candle.close),
                    Fixed::quantity(candle.volume, terms),
                    candle.trades
                )
            })
            .collect()
    }
}

const fn side_of_book(side: Side) -> &'static str {
    match side {
        Side::Buy => "bid",
        Side::Sell => "ask",
    }
}
