//! What single operations cost, on a book of 10,000 orders around a touch.

#![expect(clippy::disallowed_types, reason = "a benchmark reads the clock; the book does not")]

use criterion::{Criterion, criterion_group, criterion_main};
use model::{AccountId, OrderId, Price, Quantity, Side};
use order_book::{Book, Handle, NaiveBook, OrderBook, Resting};
use std::hint::black_box;
use std::time::{Duration, Instant};

const ORDERS: u64 = 10_000;
/// Operations in a batch: a small part of the book, so that it stays the book it was.
const BATCH: u64 = 500;

/// A price a side's usual distance from the touch at 100,000, different for each `n`.
fn order(side: Side, n: u64) -> Resting {
    let scattered = n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
    // Half of the orders are within 16 ticks, a quarter within the next 16, and so on.
    let octave = (scattered | 1 << 6).trailing_zeros();
    let distance = i64::from(octave) * 16 + i64::try_from(scattered >> 16 & 15).expect("small");
    let price = match side {
        Side::Buy => 99_999 - distance,
        Side::Sell => 100_000 + distance,
    };
    Resting { order_id: OrderId(n), owner: AccountId(0), price: Price(price), leaves: Quantity(100) }
}

fn side(n: u64) -> Side {
    if n & 1 == 0 { Side::Buy } else { Side::Sell }
}

fn filled<B: OrderBook>() -> B {
    let mut book = B::default();
    for n in 0..ORDERS {
        book.add(side(n), order(side(n), n));
    }
    book
}

/// Adds a batch and says where.
fn add_batch<B: OrderBook>(book: &mut B, handles: &mut Vec<Handle>) {
    for n in ORDERS..ORDERS + BATCH {
        handles.push(black_box(book.add(side(n), order(side(n), n))));
    }
}

/// Cancels a batch, in an order that is not the one of adding.
fn cancel_batch<B: OrderBook>(book: &mut B, handles: &mut Vec<Handle>) {
    for n in 0..handles.len() {
        black_box(book.remove(handles[n * 211 % handles.len()]));
    }
    handles.clear();
}

/// How long `what` takes each time, where `undo` makes the book again what it was.
fn timed<S>(times: u64, state: &mut S, what: impl Fn(&mut S), undo: impl Fn(&mut S)) -> Duration {
    (0..times)
        .map(|_| {
            let start = Instant::now();
            what(state);
            let took = start.elapsed();
            undo(state);
            took
        })
        .sum()
}

fn book<B: OrderBook>(criterion: &mut Criterion, name: &str) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(criterion::Throughput::Elements(BATCH));
    let mut state = (filled::<B>(), Vec::new());
    group.bench_function("add", |bencher| {
        let add = |(book, handles): &mut (B, Vec<Handle>)| add_batch(book, handles);
        let cancel = |(book, handles): &mut (B, Vec<Handle>)| cancel_batch(book, handles);
        bencher.iter_custom(|times| timed(times, &mut state, add, cancel));
    });
    group.bench_function("cancel", |bencher| {
        let add = |(book, handles): &mut (B, Vec<Handle>)| add_batch(book, handles);
        let cancel = |(book, handles): &mut (B, Vec<Handle>)| cancel_batch(book, handles);
        add(&mut state);
        bencher.iter_custom(|times| timed(times, &mut state, cancel, add));
        cancel(&mut state);
    });
    group.bench_function("execute", |bencher| {
        // One lot off the order in front, which stays: it is so large that no run ends it.
        let mut book = filled::<B>();
        for side in [Side::Buy, Side::Sell] {
            let price = book.best(side).expect("the book is full").price;
            let price = Price(if side == Side::Buy { price.0 + 1 } else { price.0 - 1 });
            let leaves = Quantity(u64::MAX / 2);
            book.add(side, Resting { order_id: OrderId(0), owner: AccountId(0), price, leaves });
        }
        bencher.iter(|| {
            for n in 0..BATCH {
                let (handle, _) = book.front(side(n)).expect("the book is full");
                black_box(book.reduce(handle, Quantity(1)));
            }
        });
    });
    group.bench_function("sweep", |bencher| {
        // Whole orders from the front, through one level after the other.
        let sweep = |(book, swept): &mut (B, Vec<Resting>)| {
            for _ in 0..BATCH {
                let (handle, order) = book.front(Side::Sell).expect("the book is full");
                black_box(book.reduce(handle, order.leaves));
                swept.push(order);
            }
        };
        let refill = |(book, swept): &mut (B, Vec<Resting>)| {
            for order in swept.drain(..) {
                book.add(Side::Sell, order);
            }
        };
        let mut state = (filled::<B>(), Vec::new());
        bencher.iter_custom(|times| timed(times, &mut state, sweep, refill));
    });
    group.finish();
}

fn benches(criterion: &mut Criterion) {
    book::<Book>(criterion, "fast");
    book::<NaiveBook>(criterion, "naive");
}

criterion_group!(all, benches);
criterion_main!(all);
