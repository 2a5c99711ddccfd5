//! What every book must do, said once and run on each of them.

use model::{AccountId, OrderId, Price, Quantity, Side};
use order_book::{Book, Handle, Level, NaiveBook, OrderBook, Resting};

use std::collections::BTreeMap;

/// Runs each function here as a test of each book.
macro_rules! suite {
    ($($name:ident)*) => {
        mod naive {
            $(#[test] fn $name() { super::$name::<super::NaiveBook>(); })*
        }

        mod fast {
            $(#[test] fn $name() { super::$name::<super::Book>(); })*
        }
    };
}

suite! {
    an_empty_book_says_so
    the_best_price_comes_first_and_the_oldest_within_it
    a_removed_order_leaves_its_queue_whole
    a_reduced_order_keeps_its_place
    an_order_reduced_to_nothing_is_gone
    a_level_ends_with_its_last_order_and_may_begin_again
    the_sides_do_not_mix
    any_price_may_rest
    a_sweep_goes_through_every_level
    a_handle_outlives_everything_but_its_order
    a_touch_may_run_away_from_a_dense_book_faster_than_the_ring_can_follow
}

fn order(id: u64, price: i64, leaves: u64) -> Resting {
    let owner = AccountId(u32::try_from(id % 7).expect("small"));
    Resting { order_id: OrderId(id), owner, price: Price(price), leaves: Quantity(leaves) }
}

/// The ids of a side's orders, next to trade first.
fn ids<B: OrderBook>(book: &B, side: Side) -> Vec<u64> {
    book.orders(side).map(|(_, order)| order.order_id.0).collect()
}

/// A side's levels as price, quantity, orders.
fn levels<B: OrderBook>(book: &B, side: Side) -> Vec<(i64, u64, u32)> {
    book.levels(side).map(|level| (level.price.0, level.quantity.0, level.orders)).collect()
}

fn an_empty_book_says_so<B: OrderBook>() {
    let book = B::default();
    assert!(book.is_empty());
    for side in [Side::Buy, Side::Sell] {
        assert_eq!(book.best(side), None);
        assert_eq!(book.front(side), None);
        assert_eq!(book.levels(side).count(), 0);
        assert_eq!(book.orders(side).count(), 0);
    }
}

fn the_best_price_comes_first_and_the_oldest_within_it<B: OrderBook>() {
    for (side, expected_ids, expected_levels) in [
        (Side::Buy, [3, 2, 5, 1, 4], [(103, 7, 1), (102, 11, 2), (101, 4, 2)]),
        (Side::Sell, [1, 4, 2, 5, 3], [(101, 4, 2), (102, 11, 2), (103, 7, 1)]),
    ] {
        let mut book = B::default();
        for (id, price, leaves) in [(1, 101, 1), (2, 102, 2), (3, 103, 7), (4, 101, 3), (5, 102, 9)] {
            book.add(side, order(id, price, leaves));
        }
        assert_eq!(ids(&book, side), expected_ids);
        assert_eq!(levels(&book, side), expected_levels);
        assert_eq!(book.len(), 5);
        let (price, quantity, orders) = expected_levels[0];
        let best = Level { price: Price(price), quantity: Quantity(quantity), orders };
        assert_eq!(book.best(side), Some(best));
        assert_eq!(book.front(side), book.orders(side).next());
    }
}

fn a_removed_order_leaves_its_queue_whole<B: OrderBook>() {
    // The first, a middle one and the last of a queue of five.
    for (removed, rest) in [(0, [2, 3, 4, 5]), (2, [1, 2, 4, 5]), (4, [1, 2, 3, 4])] {
        let mut book = B::default();
        let handles: Vec<Handle> = (1..=5).map(|id| book.add(Side::Sell, order(id, 50, id))).collect();
        let id = removed as u64 + 1;
        assert_eq!(book.remove(handles[removed]), order(id, 50, id));
        assert_eq!(ids(&book, Side::Sell), rest);
        assert_eq!(levels(&book, Side::Sell), [(50, 15 - id, 4)]);
        // The queue still grows at its end.
        book.add(Side::Sell, order(6, 50, 1));
        assert_eq!(ids(&book, Side::Sell)[4], 6);
    }
}

fn a_reduced_order_keeps_its_place<B: OrderBook>() {
    let mut book = B::default();
    let handles: Vec<Handle> = (1..=3).map(|id| book.add(Side::Buy, order(id, 50, 10))).collect();
    assert_eq!(book.reduce(handles[1], Quantity(4)), Quantity(6));
    assert_eq!(book.get(handles[1]), order(2, 50, 6));
    assert_eq!(ids(&book, Side::Buy), [1, 2, 3]);
    assert_eq!(levels(&book, Side::Buy), [(50, 26, 3)]);
}

fn an_order_reduced_to_nothing_is_gone<B: OrderBook>() {
    let mut book = B::default();
    let first = book.add(Side::Buy, order(1, 50, 10));
    book.add(Side::Buy, order(2, 50, 5));
    assert_eq!(book.reduce(first, Quantity(10)), Quantity::ZERO);
    assert_eq!(ids(&book, Side::Buy), [2]);
    assert_eq!(levels(&book, Side::Buy), [(50, 5, 1)]);
    assert_eq!(book.len(), 1);
}

fn a_level_ends_with_its_last_order_and_may_begin_again<B: OrderBook>() {
    let mut book = B::default();
    for round in 0..100 {
        let far = book.add(Side::Sell, order(round * 2 + 1, 60, 1));
        let near = book.add(Side::Sell, order(round * 2 + 2, 50, 1));
        assert_eq!(levels(&book, Side::Sell), [(50, 1, 1), (60, 1, 1)]);
        book.remove(near);
        assert_eq!(levels(&book, Side::Sell), [(60, 1, 1)]);
        assert_eq!(book.front(Side::Sell).map(|(handle, _)| handle), Some(far));
        book.remove(far);
        assert!(book.is_empty());
        assert_eq!(book.best(Side::Sell), None);
    }
}

fn the_sides_do_not_mix<B: OrderBook>() {
    // A book does not mind being crossed or locked: whether it may is the engine's to decide.
    let mut book = B::default();
    book.add(Side::Buy, order(1, 105, 3));
    book.add(Side::Sell, order(2, 105, 4));
    book.add(Side::Sell, order(3, 95, 5));
    assert_eq!(levels(&book, Side::Buy), [(105, 3, 1)]);
    assert_eq!(levels(&book, Side::Sell), [(95, 5, 1), (105, 4, 1)]);
    assert_eq!(book.len(), 3);
}

fn any_price_may_rest<B: OrderBook>() {
    let prices = [0, i64::MAX, i64::MIN, 1, -1, i64::MAX - 1, i64::MIN + 1, 1 << 40, -(1 << 40), 4_096];
    let mut sorted = prices;
    sorted.sort_unstable();
    let mut book = B::default();
    let mut handles = Vec::new();
    for side in [Side::Buy, Side::Sell] {
        for (id, price) in (1..).zip(prices) {
            handles.push((book.add(side, order(id, price, id)), order(id, price, id)));
        }
    }
    let of = |side| levels(&book, side).into_iter().map(|(price, ..)| price).collect::<Vec<_>>();
    assert_eq!(of(Side::Sell), sorted);
    sorted.reverse();
    assert_eq!(of(Side::Buy), sorted);
    for (handle, order) in handles {
        assert_eq!(book.remove(handle), order);
    }
    assert!(book.is_empty());
}

fn a_sweep_goes_through_every_level<B: OrderBook>() {
    let mut book = B::default();
    for (step, far) in (0..1_000_u64).zip(0_i64..) {
        // Steps that grow, so that the levels are near, then far, then very far.
        let price = 1_000_000 - far * far * far;
        book.add(Side::Buy, order(step * 2 + 1, price, 2));
        book.add(Side::Buy, order(step * 2 + 2, price, 1));
    }
    let mut swept = Vec::new();
    while let Some((handle, resting)) = book.front(Side::Buy) {
        swept.push(resting.order_id.0);
        assert_eq!(book.best(Side::Buy).map(|level| level.price), Some(resting.price));
        assert!(book.reduce(handle, resting.leaves).is_zero());
    }
    assert_eq!(swept, (1..=2_000).collect::<Vec<_>>());
    assert!(book.is_empty());
}

fn a_handle_outlives_everything_but_its_order<B: OrderBook>() {
    let mut book = B::default();
    let kept = order(1, 10_000, 1);
    let handle = book.add(Side::Buy, kept);
    for (id, round) in (2..).zip(0_i64..5_000) {
        let near = book.add(Side::Buy, order(id, 10_000 + round * 3, 1));
        let far = book.add(Side::Sell, order(id, 20_000 + round * 1_000, 1));
        assert_eq!(book.get(handle), kept);
        book.remove(near);
        book.remove(far);
    }
    assert_eq!(book.remove(handle), kept);
}

/// Levels of one order each, by how far behind a reference price they are.
struct Ladder<B> {
    book: B,
    side: Side,
    levels: BTreeMap<i64, Handle>,
    added: u64,
}

impl<B: OrderBook> Ladder<B> {
    fn add(&mut self, behind: i64) {
        self.added += 1;
        let price = if self.side == Side::Sell { 1_000_000 + behind } else { 1_000_000 - behind };
        let handle = self.book.add(self.side, order(self.added, price, 1));
        assert_eq!(self.levels.insert(behind, handle), None);
        self.check_front();
    }

    fn remove(&mut self, behind: i64) {
        let handle = self.levels.remove(&behind).expect("there is such a level");
        self.book.remove(handle);
        self.check_front();
    }

    fn check_front(&self) {
        let front = self.book.front(self.side).map(|(handle, _)| handle);
        assert_eq!(front, self.levels.values().next().copied());
    }

    fn check_all(&self) {
        let handles: Vec<Handle> = self.book.orders(self.side).map(|(handle, _)| handle).collect();
        assert_eq!(handles, self.levels.values().copied().collect::<Vec<_>>());
    }
}

fn a_touch_may_run_away_from_a_dense_book_faster_than_the_ring_can_follow<B: OrderBook>() {
    for side in [Side::Buy, Side::Sell] {
        let mut ladder = Ladder { book: B::default(), side, levels: BTreeMap::new(), added: 0 };
        (0..3_000).for_each(|behind| ladder.add(behind));
        for _ in 0..2 {
            // Each jump would carry over hundreds of levels: soon it is not worth it, and the new ones are kept apart.
            for jump in 1..=8 {
                for level in 0..3 {
                    ladder.add(-600 * jump - 40 * level);
                }
            }
            ladder.check_all();
            // Activity elsewhere makes it worth it again, and those kept apart come in together.
            for jump in [2, 3, 4, 5, 6] {
                for _ in 0..600 {
                    ladder.add(5_000);
                    ladder.remove(5_000);
                }
                ladder.add(-600 * jump - 100);
                ladder.check_all();
            }
            // The touch comes back, through all of them.
            while let Some((&behind, _)) = ladder.levels.first_key_value().filter(|&(&behind, _)| behind < 0)
            {
                ladder.remove(behind);
            }
            ladder.check_all();
        }
    }
}
