//! Makes up a conversation from a seed, with the lines the second reading expects.

use crate::market::{Account, Asked, Listing, Market, Order, Phase, money};
use model::{SelfTradePrevention as Stp, Side, TimeInForce as Tif};
use std::collections::BTreeSet;
use std::fmt::Write as _;

/// `SplitMix64`: small, and the same everywhere.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).unwrap()
    }

    fn between(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.below(usize::try_from(to - from).unwrap())).unwrap()
    }

    /// True once in `odds`.
    fn once_in(&mut self, odds: usize) -> bool {
        self.below(odds) == 0
    }

    fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

const MODES: [Stp; 4] = [Stp::CancelNewest, Stp::CancelOldest, Stp::CancelBoth, Stp::Decrement];
const NAMES: [&str; 3] = ["alice", "bob", "carol"];
const SYMBOLS: [&str; 2] = ["AAPL", "MSFT"];
/// Milliseconds from the first command to the times that `gtd` orders name.
const HORIZON: i64 = 120;

struct Speaker {
    random: Random,
    market: Market,
    /// Milliseconds since the clock started.
    now: i64,
    text: String,
    ids: Vec<String>,
}

/// A scenario of some hundred lines that is right if the second reading is.
pub fn conversation(seed: u64, commands: usize) -> String {
    let mut speaker = Speaker {
        random: Random(seed),
        market: Market::default(),
        now: -1,
        text: String::new(),
        ids: Vec::new(),
    };
    speaker.open();
    for _ in 0..commands {
        speaker.speak();
    }
    speaker.close();
    speaker.text
}

impl Speaker {
    fn open(&mut self) {
        for symbol in SYMBOLS {
            let listing = Listing {
                symbol,
                phase: Phase::Open,
                last: None,
                stp: self.random.pick(&MODES),
                max_quantity: 40,
                max_notional: 35_000,
                collar_percent: 10,
            };
            let limits = format!("max-qty=40 max-notional=350 collar=10% stp={}", listing.stp);
            self.say(&format!("instrument {symbol} tick=0.01 lot=1 {limits}"), |_, _| ());
            self.market.listings.push(listing);
        }
        for name in NAMES {
            let (cash, shares) = (self.random.between(20_000, 200_000), self.random.between(20, 200));
            let balances = format!("USD={} AAPL={shares} MSFT={shares}", money(cash));
            self.say(&format!("account {name} {balances}"), |_, _| ());
            self.market.accounts.push(Account {
                name,
                cash,
                shares: vec![shares; 2],
                killed: false,
                used: BTreeSet::new(),
            });
        }
    }

    /// A command as a case of its own: timers first, then what the command does.
    fn say(&mut self, line: &str, act: impl FnOnce(&mut Market, i64)) {
        self.now += 1;
        self.market.expire(self.now);
        act(&mut self.market, self.now);
        let lines: String = self.market.lines.drain(..).map(|line| line + "\n").collect();
        write!(self.text, "{line}\n----\n{lines}\n").unwrap();
    }

    fn speak(&mut self) {
        match self.random.below(100) {
            0..58 => self.order(),
            58..76 => self.replace(),
            76..86 => self.cancel(),
            86..88 => {
                let account = self.random.below(3);
                self.say(&format!("cancel-all {}", NAMES[account]), |market, _| {
                    market.cancel_where("mass", |order| order.account == account);
                });
            }
            88..90 => {
                let (account, listing) = (self.random.below(3), self.random.below(2));
                self.say(&format!("cancel-all {} {}", NAMES[account], SYMBOLS[listing]), |market, _| {
                    market.cancel_where("mass", |order| order.account == account && order.listing == listing);
                });
            }
            90..96 => self.phase(),
            96 => self.say("restart", |_, _| ()),
            97 if self.random.once_in(4) => {
                let account = self.random.below(3);
                self.say(&format!("kill {}", NAMES[account]), |market, _| {
                    market.accounts[account].killed = true;
                    market.cancel_where("kill", |order| order.account == account);
                });
            }
            _ => self.book(),
        }
    }

    fn new_id(&mut self) -> String {
        if !self.ids.is_empty() && self.random.once_in(25) {
            return self.old_id();
        }
        let id = format!("o{}", self.ids.len() + 1);
        self.ids.push(id.clone());
        id
    }

    fn old_id(&mut self) -> String {
        if self.ids.is_empty() || self.random.once_in(30) {
            return "never".to_owned();
        }
        let at = self.random.below(self.ids.len());
        self.ids[at].clone()
    }

    /// The account that used an id first: ids of two accounts would be shown with their accounts.
    fn owner_of(&mut self, id: &str) -> usize {
        let owner = self.market.accounts.iter().position(|account| account.used.contains(id));
        owner.unwrap_or_else(|| {
            let digits: usize =
                id.trim_start_matches(|letter: char| letter.is_ascii_alphabetic()).parse().unwrap_or(0);
            digits % 3
        })
    }

    fn order(&mut self) {
        let id = self.new_id();
        let account = self.owner_of(&id);
        let random = &mut self.random;
        let price =
            (!random.once_in(6)).then(|| if random.once_in(60) { 0 } else { random.between(985, 1_016) });
        let price = price.map(|price| if random.once_in(15) { price + 150 } else { price });
        let quantity = if random.once_in(30) { random.between(-1, 60) } else { random.between(1, 30) };
        let usual = price.is_some() || random.once_in(12);
        let tif = match random.below(if usual { 8 } else { 3 }) {
            0 => Tif::Fok,
            1 | 2 => Tif::Ioc,
            3 => Tif::Gtc,
            4 => Tif::Gtd,
            _ => Tif::Day,
        };
        let asked = Asked {
            id,
            account,
            listing: random.below(2),
            side: random.pick(&[Side::Buy, Side::Sell]),
            price,
            quantity,
            tif,
            expire: random.between(0, HORIZON),
            post: random.once_in(8),
            stp: random.once_in(2).then(|| random.pick(&MODES)),
        };
        let shown = asked.price.map_or_else(|| "market".to_owned(), money);
        let expire = format!("gtd=2026-01-05T09:30:00.{:03}Z", asked.expire);
        let mut line = format!(
            "{} {} {} {quantity} @ {shown} id={} {}",
            asked.side,
            NAMES[account],
            SYMBOLS[asked.listing],
            asked.id,
            if tif == Tif::Gtd { &expire } else { tif.as_str() }
        );
        if asked.post {
            line.push_str(" post");
        }
        if let Some(mode) = asked.stp {
            write!(line, " stp={mode}").unwrap();
        }
        self.say(&line, |market, now| market.submit(&asked, now));
    }

    /// A working order's id, mostly.
    fn some_id(&mut self) -> String {
        let working: Vec<&Order> = self.market.orders.iter().filter(|order| order.working).collect();
        if working.is_empty() || self.random.once_in(8) {
            return self.old_id();
        }
        working[self.random.below(working.len())].id.clone()
    }

    fn replace(&mut self) {
        let id = self.some_id();
        let account = self.owner_of(&id);
        // A fresh id belongs to the account that uses it first, so it must not be promised to another.
        let new = loop {
            let new = self.new_id();
            if self.owner_of(&new) == account {
                break new;
            }
        };
        let random = &mut self.random;
        let quantity = random.once_in(2).then(|| random.between(-1, 45));
        let price = random.once_in(2).then(|| random.between(985, 1_016));
        let mut line = format!("replace {} {id} id={new}", NAMES[account]);
        if let Some(quantity) = quantity {
            write!(line, " qty={quantity}").unwrap();
        }
        if let Some(price) = price {
            write!(line, " px={}", money(price)).unwrap();
        }
        self.say(&line, |market, _| market.replace(account, &id, quantity, price, &new));
    }

    fn cancel(&mut self) {
        let id = self.some_id();
        let account = self.owner_of(&id);
        self.say(&format!("cancel {} {id}", NAMES[account]), |market, _| market.cancel(account, &id));
    }

    fn phase(&mut self) {
        // One that is not open, if there is one: nothing much happens there.
        let idle = self.market.listings.iter().position(|listing| listing.phase != Phase::Open);
        let listing = idle.unwrap_or_else(|| self.random.below(2));
        // Mostly back to open: nothing happens in the others.
        let (word, phase) = self.random.pick(&[
            ("open", Phase::Open),
            ("open", Phase::Open),
            ("open", Phase::Open),
            ("open", Phase::Open),
            ("open", Phase::Open),
            ("halted", Phase::Halted),
            ("closed", Phase::Closed),
        ]);
        self.say(&format!("phase {} {word}", SYMBOLS[listing]), |market, _| {
            market.listings[listing].phase = phase;
            market.lines.push(format!("phase {} {word}", SYMBOLS[listing]));
            if phase == Phase::Closed {
                market.cancel_where("expired", |order| order.listing == listing && order.tif == Tif::Day);
            }
        });
    }

    fn book(&mut self) {
        let listing = self.random.below(2);
        self.say(&format!("book {} level=3", SYMBOLS[listing]), |market, _| {
            let before = market.lines.len();
            let mut asks = market.queue(listing, Side::Sell);
            // Worst price first, and still oldest first within a price.
            asks.sort_by_key(|&at| std::cmp::Reverse(market.orders[at].price));
            let bids = market.queue(listing, Side::Buy);
            for (word, at) in asks.iter().map(|at| ("ask", at)).chain(bids.iter().map(|at| ("bid", at))) {
                let order = &market.orders[*at];
                let line = format!("{word} {} {} {}", money(order.price.unwrap()), order.leaves, order.id);
                market.lines.push(line);
            }
            nothing_to_show(market, before);
        });
    }

    /// At the end everything there is to see.
    fn close(&mut self) {
        self.book();
        for (account, name) in NAMES.into_iter().enumerate() {
            self.say(&format!("orders {name}"), |market, _| {
                let before = market.lines.len();
                let lines =
                    market.orders.iter().filter(|order| order.working && order.account == account).map(
                        |order| {
                            format!(
                                "{} {} {} {} @ {} leaves={} cum={} status={}",
                                order.id,
                                order.side,
                                SYMBOLS[order.listing],
                                order.leaves + order.cum,
                                money(order.price.unwrap()),
                                order.leaves,
                                order.cum,
                                if order.cum == 0 { "new" } else { "partially-filled" }
                            )
                        },
                    );
                let lines: Vec<String> = lines.collect();
                market.lines.extend(lines);
                nothing_to_show(market, before);
            });
            self.say(&format!("balance {name}"), |market, _| {
                let before = market.lines.len();
                let owner = market.accounts[account].clone();
                assert_eq!(owner.name, name);
                for (listing, symbol) in SYMBOLS.into_iter().enumerate() {
                    let (total, held) = (owner.shares[listing], market.held_shares(account, listing));
                    if total != 0 {
                        market
                            .lines
                            .push(format!("{symbol} total={total} held={held} available={}", total - held));
                    }
                }
                let (total, held) = (owner.cash, market.held_cash(account));
                if total != 0 {
                    let (total, held, rest) = (money(total), money(held), money(total - held));
                    market.lines.push(format!("USD total={total} held={held} available={rest}"));
                }
                nothing_to_show(market, before);
            });
        }
    }
}

/// The answer to a query that found nothing. Timers may have printed before it.
fn nothing_to_show(market: &mut Market, before: usize) {
    if market.lines.len() == before {
        market.lines.push("(none)".to_owned());
    }
}
