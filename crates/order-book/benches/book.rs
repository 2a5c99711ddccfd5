//! What single operations cost, on a book of 10,000 orders around a touch.

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use model::{AccountId, OrderId, Price, Quantity, Side};
use order_book::{Book, Handle, NaiveBook, OrderBook, Resting};
use std::hint::black_box;

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

fn filled<B: OrderBook>() -> (B, Vec<Handle>) {
    let mut book = B::default();
    let handles = (0..ORDERS).map(|n| book.add(side(n), order(side(n), n))).collect();
    (book, handles)
}

/// Handles of a batch, scattered over the book.
fn some(handles: &[Handle]) -> Vec<Handle> {
    (0..BATCH).map(|n| handles[usize::try_from(n * 7_919 % ORDERS).expect("small")]).collect()
}

fn book<B: OrderBook + Clone>(criterion: &mut Criterion, name: &str) {
    let mut group = criterion.benchmark_group(name);
    group.throughput(criterion::Throughput::Elements(BATCH));
    let (full, handles) = filled::<B>();
    let some = some(&handles);
    group.bench_function("add", |bencher| {
        bencher.iter_batched_ref(
            || full.clone(),
            |book| {
                for n in ORDERS..ORDERS + BATCH {
                    black_box(book.add(side(n), order(side(n), n)));
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("cancel", |bencher| {
        bencher.iter_batched_ref(
            || full.clone(),
            |book| {
                for &handle in &some {
                    black_box(book.remove(handle));
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.bench_function("execute", |bencher| {
        // One lot off the order in front, which mostly stays. A fresh book before this one has shrunk by a tenth.
        let fresh = ORDERS * 100 / 10 / BATCH;
        let mut book = full.clone();
        let mut left = fresh;
        bencher.iter(|| {
            for n in 0..BATCH {
                let (handle, _) = book.front(side(n)).expect("the book is full");
                black_box(book.reduce(handle, Quantity(1)));
            }
            left -= 1;
            if left == 0 {
                book = full.clone();
                left = fresh;
            }
        });
    });
    group.bench_function("sweep", |bencher| {
        // Whole orders from the front, through one level after the other.
        bencher.iter_batched_ref(
            || full.clone(),
            |book| {
                for _ in 0..BATCH {
                    let (handle, order) = book.front(Side::Sell).expect("the book is full");
                    black_box(book.reduce(handle, order.leaves));
                }
            },
            BatchSize::LargeInput,
        );
    });
    group.finish();
}

fn benches(criterion: &mut Criterion) {
    book::<Book>(criterion, "fast");
    book::<NaiveBook>(criterion, "naive");
}

criterion_group!(all, benches);
criterion_main!(all);
