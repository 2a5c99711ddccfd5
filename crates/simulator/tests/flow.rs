//! Does the made-up market look as it says it does? And does it look the same every time?

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use expect_test::expect;
use model::{Command, Event, Price, Quantity, Side, Timestamp};
use simulator::flow::{Flow, FlowConfig, MarketConfig, MarketFlow, Message, Shape};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

/// FNV-1a over the fields: a hash with one definition everywhere, for the golden values.
#[derive(Clone, Copy)]
struct Fnv(u64);

impl Fnv {
    fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    fn add(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }

    fn message(&mut self, message: &Message) {
        match *message {
            Message::New { id, side, price, qty, ioc } => {
                self.add(&[b'n', side as u8, u8::from(ioc)]);
                self.numbers([id, price.0.cast_unsigned(), qty.0]);
            }
            Message::Cancel { id } => {
                self.add(b"c");
                self.numbers([id]);
            }
            Message::Replace { id, price, qty } => {
                self.add(b"r");
                self.numbers([id, price.0.cast_unsigned(), qty.0]);
            }
        }
    }

    fn numbers<const N: usize>(&mut self, numbers: [u64; N]) {
        for number in numbers {
            self.add(&number.to_le_bytes());
        }
    }
}

/// A book of the plainest kind, which believes nothing the flow says about itself.
#[derive(Default)]
struct PlainBook {
    /// Side, price and leaves of each order that rests, and whether it has traded.
    orders: BTreeMap<u64, (Side, Price, Quantity, bool)>,
    /// Oldest first.
    queues: BTreeMap<(u8, Price), Vec<u64>>,
}

impl PlainBook {
    fn best(&self, side: Side) -> Option<Price> {
        let mut prices = self.queues.range((side as u8, Price(0))..=(side as u8, Price(i64::MAX)));
        match side {
            Side::Buy => prices.next_back(),
            Side::Sell => prices.next(),
        }
        .map(|(&(_, price), _)| price)
    }

    fn crosses(&self, side: Side, limit: Price) -> Option<Price> {
        self.best(side.opposite()).filter(|&best| match side {
            Side::Buy => best <= limit,
            Side::Sell => best >= limit,
        })
    }

    fn unqueue(&mut self, id: u64, side: Side, price: Price) {
        let queue = self.queues.get_mut(&(side as u8, price)).unwrap();
        queue.retain(|&other| other != id);
        if queue.is_empty() {
            self.queues.remove(&(side as u8, price));
        }
    }
}

#[derive(Default, Debug)]
struct Tally {
    messages: u64,
    news: u64,
    iocs: u64,
    cancels: u64,
    replaces: u64,
    /// Orders filled to the last lot, of either side.
    filled: u64,
    low: i64,
    high: i64,
    resting: usize,
    resting_max: usize,
    levels: usize,
}

impl Tally {
    fn per_mille(&self, part: u64, whole: u64) -> u64 {
        assert!(self.messages > 0);
        part * 1000 / whole
    }
}

/// Runs a flow through the plain book, checking every promise of [`Message`] on the way.
fn tally(shape: Shape, seed: u64, messages: u64) -> (Tally, u64) {
    let config = FlowConfig { messages, resting_orders: 2_000, ..FlowConfig::new(shape, seed) };
    let (mut book, mut tally, mut hash) = (PlainBook::default(), Tally::default(), Fnv::new());
    (tally.low, tally.high) = (i64::MAX, i64::MIN);
    let mut flow = Flow::new(&config);
    for at in 0..messages {
        let message = flow.next().unwrap();
        hash.message(&message);
        tally.messages += 1;
        match message {
            Message::New { id, side, price, mut qty, ioc } => {
                assert_eq!(id, tally.news, "ids are dense");
                assert!(price.0 >= 1 && qty.0 >= 1);
                tally.news += 1;
                tally.iocs += u64::from(ioc);
                while qty.0 > 0
                    && let Some(best) = book.crosses(side, price)
                {
                    assert!(ioc, "only an immediate-or-cancel order takes");
                    let maker = book.queues[&(side.opposite() as u8, best)][0];
                    let order = book.orders.get_mut(&maker).unwrap();
                    let traded = qty.min(order.2);
                    (order.2, order.3, qty) = (order.2 - traded, true, qty - traded);
                    if order.2.is_zero() {
                        book.orders.remove(&maker);
                        book.unqueue(maker, side.opposite(), best);
                        tally.filled += 1;
                    }
                }
                tally.filled += u64::from(qty.0 == 0);
                if !ioc {
                    book.orders.insert(id, (side, price, qty, false));
                    book.queues.entry((side as u8, price)).or_default().push(id);
                }
            }
            Message::Cancel { id } => {
                tally.cancels += 1;
                let (side, price, ..) = book.orders.remove(&id).expect("a cancel names an order that rests");
                book.unqueue(id, side, price);
            }
            Message::Replace { id, price, qty } => {
                tally.replaces += 1;
                let order = *book.orders.get(&id).expect("a replace names an order that rests");
                assert!(!order.3, "a replaced order has not traded");
                assert!(qty.0 >= 1 && price.0 >= 1);
                book.orders.insert(id, (order.0, price, qty, false));
                if price != order.1 || qty > order.2 {
                    book.unqueue(id, order.0, order.1);
                    assert_eq!(book.crosses(order.0, price), None, "a replace does not cross");
                    book.queues.entry((order.0 as u8, price)).or_default().push(id);
                }
            }
        }
        if at > messages / 20 {
            let (bid, ask) = (book.best(Side::Buy).unwrap().0, book.best(Side::Sell).unwrap().0);
            assert!(bid < ask);
            tally.low = tally.low.min(i64::midpoint(bid, ask));
            tally.high = tally.high.max(i64::midpoint(bid, ask));
        }
        tally.resting_max = tally.resting_max.max(book.orders.len());
    }
    assert_eq!(flow.best(), (book.best(Side::Buy), book.best(Side::Sell)));
    assert_eq!(flow.resting(), book.orders.len());
    (tally.resting, tally.levels) = (book.orders.len(), book.queues.len());
    (tally, hash.0)
}

/// Did the touch go where the shape goes, from 10,000 ticks?
fn assert_price_range(shape: Shape, low: i64, high: i64) {
    let (lows, highs) = match shape {
        Shape::Static => (10_000..=10_000, 10_000..=10_000),
        Shape::Normal => (9_000..=9_990, 10_010..=11_000),
        Shape::Swing25 => (9_500..=10_100, 12_200..=12_800),
        Shape::Swing40 => (9_500..=10_100, 13_700..=14_400),
        Shape::FlashCrash => (7_700..=8_300, 10_000..=10_500),
    };
    assert!(lows.contains(&low) && highs.contains(&high), "{shape}: from {low} to {high}");
}

/// The flow of `outcry bench book`, all two million messages of its two wildest shapes: ten thousand resting orders must get out of
/// the way of the price in time.
#[test]
fn the_price_gets_through_a_full_book() {
    for shape in [Shape::Swing40, Shape::FlashCrash] {
        let config = FlowConfig::new(shape, 42);
        let mut flow = Flow::new(&config);
        let (mut low, mut high) = (i64::MAX, i64::MIN);
        for at in 0..config.messages {
            flow.next();
            if at > config.messages / 20
                && let (Some(bid), Some(ask)) = flow.best()
            {
                low = low.min(i64::midpoint(bid.0, ask.0));
                high = high.max(i64::midpoint(bid.0, ask.0));
            }
        }
        assert!((9_000..=11_000).contains(&flow.resting()), "{}", flow.resting());
        assert_price_range(shape, low, high);
    }
}

#[test]
fn every_shape_is_what_it_says() {
    let mut golden = String::new();
    for shape in Shape::ALL {
        let (tally, hash) = tally(shape, 42, 400_000);
        let canceled = 1000 - tally.per_mille(tally.filled, tally.news);
        let (iocs, replaces) =
            (tally.per_mille(tally.iocs, tally.news), tally.per_mille(tally.replaces, tally.messages));
        assert!((940..=965).contains(&canceled), "{shape}: {canceled} per mille end canceled");
        assert!((145..=155).contains(&iocs), "{shape}: {iocs} per mille ioc");
        assert!((190..=210).contains(&replaces), "{shape}: {replaces} per mille replace");
        assert!((1_500..=3_000).contains(&tally.resting), "{shape}: {} rest", tally.resting);
        assert_price_range(shape, tally.low, tally.high);
        writeln!(
            golden,
            "{shape}: {hash:016x} canceled {canceled} ioc {iocs} replaced {replaces} price {} to {} resting {} at most {} levels {}",
            tally.low, tally.high, tally.resting, tally.resting_max, tally.levels
        )
        .unwrap();
    }
    expect![[r"
        static: c38f64037880f177 canceled 953 ioc 151 replaced 200 price 10000 to 10000 resting 1958 at most 2076 levels 405
        normal: e274a9e59cb41cf2 canceled 957 ioc 151 replaced 197 price 9954 to 10066 resting 2022 at most 2096 levels 514
        swing-25: 80266d453c5c70e5 canceled 956 ioc 150 replaced 197 price 9920 to 12447 resting 2047 at most 2077 levels 654
        swing-40: 336efdea98f8344d canceled 958 ioc 150 replaced 197 price 9928 to 13954 resting 2013 at most 2074 levels 760
        flash-crash: c508cf2332c1667e canceled 951 ioc 151 replaced 197 price 7985 to 10066 resting 2044 at most 2088 levels 522
    "]].assert_eq(&golden);
}

#[test]
fn a_seed_is_a_flow_and_another_seed_is_another() {
    let hash = |seed| {
        let mut hash = Fnv::new();
        let config = FlowConfig::new(Shape::Normal, seed);
        Flow::new(&config).take(10_000).for_each(|message| hash.message(&message));
        hash.0
    };
    assert_eq!(hash(1), hash(1));
    assert_ne!(hash(1), hash(2));
}

/// Every command must be one the exchange would accept: known accounts and instruments, working orders, no account
/// against itself.
#[test]
fn a_market_speaks_in_commands() {
    let market = MarketFlow::new(MarketConfig::new(Shape::Normal, 7));
    let setup: Vec<Command> = market.setup().collect();
    assert_eq!(setup.len(), 100 + 10_000);
    let mut owned: Vec<BTreeSet<u32>> = Vec::new();
    let mut symbols = BTreeMap::new();
    for command in &setup {
        match command {
            Command::CreateInstrument(create) => {
                symbols.insert(create.symbol, u32::try_from(symbols.len()).unwrap());
            }
            Command::OpenAccount(open) => {
                owned.push(open.balances.iter().filter_map(|one| symbols.get(&one.asset).copied()).collect());
            }
            other => panic!("{other:?} is not set-up"),
        }
    }
    let (mut working, mut takers, mut makers) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let (mut hash, mut counts) = (Fnv::new(), [0u32; 100]);
    for command in market.take(300_000) {
        let mut bytes = vec![0; command.size()];
        command.encode(&mut bytes);
        hash.add(&bytes);
        match command {
            Command::SubmitOrder(submit) => {
                counts[submit.instrument.index()] += 1;
                assert!(owned[submit.account.index()].contains(&submit.instrument.0));
                let ioc = submit.time_in_force == model::TimeInForce::Ioc;
                let seen = if ioc { &mut takers } else { &mut makers };
                seen.insert(submit.account);
                if !ioc {
                    assert!(working.insert((submit.account, submit.cl_ord_id)));
                }
            }
            Command::CancelOrder(cancel) => {
                assert!(working.remove(&(cancel.account, cancel.cl_ord_id)));
            }
            Command::ReplaceOrder(replace) => {
                assert!(working.remove(&(replace.account, replace.cl_ord_id)));
                assert!(working.insert((replace.account, replace.new_cl_ord_id)));
            }
            other => panic!("{other:?} is not order flow"),
        }
    }
    assert!(takers.is_disjoint(&makers), "no account both makes and takes");
    assert!(takers.len() > 900 && makers.len() > 8_500, "{} and {}", takers.len(), makers.len());
    assert!(counts[0] > 40 * counts[99] && counts[99] > 100, "{counts:?}");
    expect!["b36625301990e29a"].assert_eq(&format!("{:016x}", hash.0));
}

/// The real exchange takes every command of every shape: nothing is refused, and what the flow believes of its books is so.
#[test]
fn the_exchange_accepts_it_all() {
    for shape in Shape::ALL {
        let config = MarketConfig {
            symbols: simulator::flow::numbered_symbols(5),
            accounts: 100,
            flow: FlowConfig { messages: 30_000, resting_orders: 2_000, ..FlowConfig::new(shape, 5) },
            ..MarketConfig::new(shape, 5)
        };
        let mut market = MarketFlow::new(config);
        let mut state: engine::State = engine::State::new();
        let setup: Vec<Command> = market.setup().collect();
        let mut events = Vec::new();
        let mut trades = 0;
        for (command, now) in setup.into_iter().chain(market.by_ref().take(30_000)).zip(1..) {
            engine::decide(&state, Timestamp(now), &command, &mut engine::NoRules, &mut events);
            for event in events.drain(..) {
                trades += u32::from(matches!(event, Event::Trade(_)));
                assert!(!event.name().contains("Rejected"), "{shape}: {command:?}: {event:?}");
                engine::evolve(&mut state, &event);
            }
        }
        assert!(trades > 100, "{shape}: {trades}");
    }
}

#[test]
fn small_markets_work_too() {
    for (instruments, accounts) in [(1, 2), (3, 10), (20, 0)] {
        let config = MarketConfig {
            symbols: simulator::flow::numbered_symbols(instruments),
            accounts,
            session: 3,
            ..MarketConfig::new(Shape::Swing25, 1)
        };
        let market = MarketFlow::new(config);
        let accounts = market.config().accounts;
        for command in market.take(2_000) {
            if let Command::SubmitOrder(submit) = command {
                assert!(submit.account.0 < accounts && submit.instrument.0 < instruments);
                assert!(submit.cl_ord_id.to_string().starts_with("3:"));
            }
        }
    }
}
