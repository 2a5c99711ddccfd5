//! The real market's record, replayed: how far does our book agree, and is every difference accounted for?
//!
//! The files are not part of the repository. Without them (`../shared/data`) these tests say so and pass.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod support;

use expect_test::{Expect, expect};
use model::{Side, Symbol, Timestamp};
use proptest::prelude::*;
use simulator::feed::dbn::{DbnReader, EventOrder};
use simulator::feed::itch::{ItchReader, gunzip};
use simulator::feed::lobster::{LobsterReader, book_file_name, symbol_of_file_name};
use simulator::feed::{Action, BookLevel, BookRow, Feed, FeedError, FeedInfo, Format, MarketMessage};
use simulator::replay::{Learn, Replay, ReplayOptions, Settle, Summary};
use std::fmt::Write;
use std::io::Cursor;
use std::path::PathBuf;
use support::{Engine, Exchange, PlainExchange};

const LOBSTER: &str = "AAPL_2012-06-21_message_10.csv";
const DBN: &str = "ES_2024-05-08_2s.mbo.dbn.zst";
const ITCH: &str = "SYNTHETIC_20101224.ITCH_50.gz";

fn open(name: &str) -> Option<Cursor<Vec<u8>>> {
    let path: PathBuf = [env!("CARGO_MANIFEST_DIR"), "../../../shared/data", name].iter().collect();
    let bytes = std::fs::read(&path).ok();
    if bytes.is_none() {
        eprintln!("skipped: there is no {}", path.display());
    }
    bytes.map(Cursor::new)
}

fn lobster() -> Option<impl Feed> {
    let book_name = book_file_name(LOBSTER).unwrap();
    let symbol = symbol_of_file_name(LOBSTER).unwrap();
    Some(LobsterReader::new(symbol, (LOBSTER, open(LOBSTER)?), Some((&book_name, open(&book_name)?))))
}

fn dbn(event_order: EventOrder) -> Option<DbnReader<'static>> {
    Some(DbnReader::new(DBN, open(DBN)?, event_order).unwrap())
}

/// Replays a feed into both exchanges, which must come out the same.
fn run<F: Feed>(feed: impl Fn() -> Option<F>, change: impl Fn(&mut ReplayOptions)) -> Option<Summary> {
    let plain = replay::<PlainExchange>(feed()?, &change);
    let real = replay::<Engine>(feed()?, &change);
    assert_eq!(plain, real);
    Some(real)
}

fn replay<E: Exchange>(mut feed: impl Feed, change: impl Fn(&mut ReplayOptions)) -> Summary {
    let mut options = ReplayOptions::new(feed.info().format);
    change(&mut options);
    let mut replay = Replay::new(feed.info(), options);
    let mut exchange = E::default();
    for command in replay.setup() {
        exchange.execute(&command).iter().for_each(|event| replay.observe(event));
    }
    while let Some(message) = feed.next_message().unwrap() {
        for command in replay.commands(&message).to_vec() {
            for event in exchange.execute(&command) {
                replay.observe(&event);
            }
        }
        replay.finish_message(&message);
    }
    replay.summary().clone()
}

#[expect(clippy::needless_pass_by_value, reason = "as `expect![[…]]` makes it")]
fn check(summary: Option<Summary>, expected: Expect) {
    let Some(summary) = summary else { return };
    let mut text = String::new();
    writeln!(text, "messages {} {:?}", summary.messages, summary.by_kind).unwrap();
    writeln!(text, "skipped {:?}", summary.skipped).unwrap();
    writeln!(
        text,
        "commands {} seeds {} mapped to them {} modifies taken as adds {}",
        summary.commands, summary.seeds, summary.mapped_to_seeds, summary.modifies_taken_as_adds
    )
    .unwrap();
    writeln!(
        text,
        "trades {} of crossing orders {} rejected {:?}",
        summary.trades, summary.trades_of_crossing_orders, summary.rejected
    )
    .unwrap();
    let fills = &summary.fills;
    writeln!(text, "fills {} on seeds {} {:?}", fills.agreement, fills.on_seeds, fills.differing).unwrap();
    for fill in fills.first_differing.iter().take(5) {
        writeln!(text, "  {fill:?}").unwrap();
    }
    if let Some(book) = &summary.book {
        writeln!(text, "best {} {:?}", book.best, book.best_differing).unwrap();
        writeln!(text, "{} levels {} {:?}", book.depth, book.levels, book.levels_differing).unwrap();
        for row in book.first_best_differing.iter().take(3) {
            writeln!(text, "  {row:?}").unwrap();
        }
        for row in book.first_levels_differing.iter().take(3) {
            writeln!(text, "  {row:?}").unwrap();
        }
    }
    expected.assert_eq(&text);
}

#[test]
fn lobster_from_its_first_row() {
    check(
        run(lobster, |_| {}),
        expect![[r#"
        messages 1000 {"add": 471, "delete": 369, "execution": 98, "hidden-execution": 61, "list": 1}
        skipped {"execution of a hidden order": 61}
        commands 962 seeds 19 mapped to them 5 modifies taken as adds 0
        trades 94 of crossing orders 0 rejected {}
        fills 94 of 98 (95.91%) on seeds 0 {NeverShown: 4}
          DifferingFill { record: 448, order: 13419503, qty: 50, ours: [], why: NeverShown }
          DifferingFill { record: 449, order: 3790155, qty: 20, ours: [], why: NeverShown }
          DifferingFill { record: 450, order: 4725582, qty: 2, ours: [], why: NeverShown }
          DifferingFill { record: 488, order: 12695153, qty: 5, ours: [], why: NeverShown }
        best 955 of 999 (95.59%) {NeverShown: 44}
        10 levels 113 of 999 (11.31%) {NeverShown: 871, LeftUnseen: 328}
          DifferingRow { record: 441, levels: [DifferingLevel { side: "buy", price: "585.40", theirs: 50, ours: 0, why: NeverShown }] }
          DifferingRow { record: 442, levels: [DifferingLevel { side: "buy", price: "585.40", theirs: 50, ours: 0, why: NeverShown }] }
          DifferingRow { record: 443, levels: [DifferingLevel { side: "buy", price: "585.40", theirs: 50, ours: 0, why: NeverShown }] }
          DifferingRow { record: 13, levels: [DifferingLevel { side: "sell", price: "587.65", theirs: 0, ours: 1160, why: LeftUnseen }] }
          DifferingRow { record: 14, levels: [DifferingLevel { side: "sell", price: "587.65", theirs: 0, ours: 1160, why: LeftUnseen }] }
          DifferingRow { record: 15, levels: [DifferingLevel { side: "sell", price: "587.65", theirs: 0, ours: 1160, why: LeftUnseen }] }
    "#]],
    );
}

#[test]
fn lobster_with_levels_that_come_into_view() {
    check(
        run(lobster, |options| options.learn = Learn::LevelsComingIntoView),
        expect![[r#"
        messages 1000 {"add": 471, "delete": 369, "execution": 98, "hidden-execution": 61, "list": 1}
        skipped {"execution of a hidden order": 61}
        commands 976 seeds 30 mapped to them 9 modifies taken as adds 0
        trades 98 of crossing orders 0 rejected {}
        fills 98 of 98 (100.00%) on seeds 4 {}
        best 999 of 999 (100.00%) {}
        10 levels 985 of 999 (98.59%) {NeverShown: 11, LeftUnseen: 3}
          DifferingRow { record: 13, levels: [DifferingLevel { side: "sell", price: "587.65", theirs: 0, ours: 1160, why: LeftUnseen }] }
          DifferingRow { record: 48, levels: [DifferingLevel { side: "sell", price: "587.30", theirs: 200, ours: 0, why: NeverShown }] }
          DifferingRow { record: 85, levels: [DifferingLevel { side: "sell", price: "587.07", theirs: 10, ours: 0, why: NeverShown }] }
    "#]],
    );
}

#[test]
fn dbn_as_recorded() {
    check(
        run(|| dbn(EventOrder::AsRecorded), |_| {}),
        expect![[r#"
        messages 13797 {"A": 13678, "C": 80, "F": 5, "M": 27, "R": 1, "T": 5, "list": 1}
        skipped {"follows from a fill: done by the exchange itself": 4, "not about orders": 1, "order filled here already, not there": 1}
        commands 13790 seeds 0 mapped to them 0 modifies taken as adds 0
        trades 5 of crossing orders 0 rejected {}
        fills 4 of 5 (80.00%) on seeds 0 {TakenAwayInSameEvent: 1}
          DifferingFill { record: 13726, order: 6413245567872, qty: 1, ours: [(Some(6413245567573), 1)], why: TakenAwayInSameEvent }
    "#]],
    );
}

#[test]
fn dbn_with_each_event_as_one() {
    check(
        run(|| dbn(EventOrder::CancelsFirst), |_| {}),
        expect![[r#"
        messages 13797 {"A": 13678, "C": 80, "F": 5, "M": 27, "R": 1, "T": 5, "list": 1}
        skipped {"follows from a fill: done by the exchange itself": 5, "not about orders": 1}
        commands 13790 seeds 0 mapped to them 0 modifies taken as adds 0
        trades 5 of crossing orders 0 rejected {}
        fills 5 of 5 (100.00%) on seeds 0 {}
    "#]],
    );
}

#[test]
fn itch_made_up() {
    let feed = || open(ITCH).map(|file| ItchReader::new(ITCH, gunzip(file)));
    check(
        run(feed, |_| {}),
        expect![[r#"
            messages 12012 {"A": 4997, "D": 1745, "E": 198, "F": 3, "H": 3, "P": 5000, "R": 3, "S": 6, "U": 12, "X": 45}
            skipped {"execution of a hidden order": 5000, "not about orders": 6, "order filled here already, not there": 640, "order never shown": 117}
            commands 6265 seeds 0 mapped to them 0 modifies taken as adds 0
            trades 3071 of crossing orders 2843 rejected {}
            fills 14 of 180 (7.77%) on seeds 0 {OtherOrder: 92, OtherQuantity: 6, FilledBefore: 68}
              DifferingFill { record: 21, order: 130800, qty: 2738, ours: [(Some(130408), 100), (Some(130800), 2638)], why: OtherQuantity }
              DifferingFill { record: 26, order: 134972, qty: 25, ours: [(Some(133680), 25)], why: OtherOrder }
              DifferingFill { record: 76, order: 1093572, qty: 100, ours: [], why: FilledBefore }
              DifferingFill { record: 146, order: 1890020, qty: 100, ours: [], why: FilledBefore }
              DifferingFill { record: 175, order: 2036116, qty: 16700, ours: [(Some(2167068), 200), (Some(2036116), 16500)], why: OtherQuantity }
        "#]],
    );
}

/// Without waiting for events the same commands go out as long as our matcher agrees with the market's.
#[test]
fn by_feed_and_by_events_are_the_same_where_we_agree() {
    let by_feed = run(lobster, |options| options.settle = Settle::ByFeed);
    let by_events = run(lobster, |_| {});
    let (Some(by_feed), Some(by_events)) = (by_feed, by_events) else { return };
    assert_eq!(by_feed.commands, by_events.commands);
    assert_eq!(by_feed.book, by_events.book);
}

#[test]
fn file_names_tell_the_format() {
    assert_eq!(Format::of_file_name(LOBSTER), Some(Format::Lobster));
    assert_eq!(Format::of_file_name(DBN), Some(Format::Dbn));
    assert_eq!(Format::of_file_name(ITCH), Some(Format::Itch));
    assert_eq!(Format::of_file_name("AAPL.csv"), None);
}

/// What a feed could say, sense or nonsense, of few orders at few prices.
fn any_action() -> impl Strategy<Value = Action> {
    let (order, price, qty) = (0..30u64, (95..105i64).prop_map(|tick| tick * 100), 1..50u64);
    let side = prop_oneof![Just(Side::Buy), Just(Side::Sell)];
    let place = proptest::option::of((side.clone(), price.clone()));
    prop_oneof![
        4 => (order.clone(), side.clone(), price.clone(), qty.clone())
            .prop_map(|(order, side, price, qty)| Action::Add { order, side, price, qty }),
        3 => (order.clone(), proptest::option::of(qty.clone()), place.clone())
            .prop_map(|(order, qty, place)| Action::Cancel { order, qty, place }),
        2 => (order.clone(), order.clone(), proptest::option::of(side.clone()), price.clone(), qty.clone(), any::<bool>())
            .prop_map(|(order, new, side, price, qty, renamed)| {
                let new_order = if renamed { new } else { order };
                Action::Modify { order, new_order, side, price, qty, to_back: renamed }
            }),
        2 => (order.clone(), qty.clone(), place)
            .prop_map(|(order, qty, place)| Action::Execute { order, qty, place }),
        1 => (side, price, qty.clone()).prop_map(|(side, price, qty)| Action::Aggress { side, price, qty }),
        1 => (order, qty).prop_map(|(order, qty)| Action::Fill { order, qty }),
        1 => Just(Action::Clear),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever a feed says, a replay cancels and changes only what rests, so that neither exchange refuses it, and they agree. (That an
    /// order id is used twice is the feed's own doing.)
    #[test]
    fn a_replay_asks_only_for_what_can_be(actions in proptest::collection::vec(any_action(), 1..300)) {
        let plain = replay::<PlainExchange>(Nonsense::new(actions.clone()), |_| {});
        let real = replay::<Engine>(Nonsense::new(actions), |_| {});
        let refused = real.rejected.keys().filter(|&&reason| reason != "DUPLICATE_ORDER").count();
        prop_assert_eq!(refused, 0, "{:?}", real.rejected);
        prop_assert_eq!(plain, real);
    }
}

/// A feed that says what it is told to, and always shows the same book.
struct Nonsense {
    actions: std::vec::IntoIter<Action>,
    record: u64,
}

impl Nonsense {
    fn new(mut actions: Vec<Action>) -> Self {
        actions.insert(0, Action::List { symbol: Symbol::new("X").unwrap() });
        Self { actions: actions.into_iter(), record: 0 }
    }
}

impl Feed for Nonsense {
    fn info(&self) -> FeedInfo {
        FeedInfo { format: Format::Lobster, price_scale: 4 }
    }

    fn next_message(&mut self) -> Result<Option<MarketMessage>, FeedError> {
        self.record += 1;
        let levels =
            |side: i64| (1..4).map(move |step| BookLevel { price: 10_000 + side * step * 100, qty: 9 });
        let row = BookRow { bids: levels(-1).collect(), asks: levels(1).collect(), depth: 3 };
        let book = (self.record > 1).then(|| Box::new(row));
        let (record, at) = (self.record, Timestamp::NONE);
        Ok(self.actions.next().map(|action| MarketMessage {
            record,
            at,
            instrument: 0,
            kind: "any",
            action,
            ends_event: true,
            book,
        }))
    }
}
