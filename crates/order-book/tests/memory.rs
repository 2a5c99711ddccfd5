//! What a resting order costs in bytes, everything included, and that a steady state allocates nothing.

use model::{AccountId, OrderId, Price, Quantity, Side};
use order_book::{Book, OrderBook, Resting};
use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

thread_local! {
    /// Allocations by this thread.
    static ALLOCATIONS: Cell<u64> = const { Cell::new(0) };
}

struct Counting;

// SAFETY: everything is handed to the system's allocator unchanged; the counter is a plain cell of the thread, has no
// destructor and does not allocate.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: the caller's promises are the ones that the system's allocator asks for.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, place: *mut u8, layout: Layout) {
        // SAFETY: as above, and `place` is from `alloc` above.
        unsafe { System.dealloc(place, layout) }
    }

    unsafe fn realloc(&self, place: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        ALLOCATIONS.set(ALLOCATIONS.get() + 1);
        // SAFETY: as above.
        unsafe { System.realloc(place, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes a resting order may cost.
const BYTES_MAX: usize = 96;

/// Xorshift: enough for prices.
fn random(mut state: u64) -> impl FnMut() -> u64 {
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    }
}

fn order(id: u64, price: i64) -> Resting {
    Resting { order_id: OrderId(id), owner: AccountId(0), price: Price(price), leaves: Quantity(100) }
}

fn side_of(word: u64) -> Side {
    if word & 1 == 0 { Side::Buy } else { Side::Sell }
}

/// The most bytes an order costs at any size of the book from `from` orders on, up to `to`.
fn worst_bytes_per_order(from: usize, to: usize, mut price: impl FnMut(u64) -> i64) -> usize {
    let mut random = random(7);
    let mut book = Book::default();
    let mut worst = 0;
    for id in 0..to as u64 {
        let word = random();
        book.add(side_of(word), order(id, price(word >> 1)));
        if book.len() >= from {
            worst = worst.max(book.memory_bytes().div_ceil(book.len()));
        }
    }
    worst
}

#[test]
fn an_order_costs_at_most_96_bytes_in_a_usual_book() {
    // 1,000 levels a side: from 1,000 orders on, the fixed 34 KiB of the two rings included.
    let price = |word: u64| 10_000 + i64::try_from(word % 1_000).expect("small");
    let worst = worst_bytes_per_order(2_000, 50_000, price);
    assert!(worst <= BYTES_MAX, "{worst} bytes");
}

#[test]
fn an_order_costs_at_most_96_bytes_even_alone_on_its_level_anywhere() {
    let worst = worst_bytes_per_order(10_000, 60_000, u64::cast_signed);
    assert!(worst <= BYTES_MAX, "{worst} bytes");
}

#[test]
fn the_steady_state_allocates_nothing() {
    const ORDERS: usize = 3_000;
    let mut next = random(11);
    let mut book = Book::default();
    let mut handles = Vec::with_capacity(ORDERS);
    let mut replace_one = |book: &mut Book, id: u64| {
        let word = next();
        // Half of the prices near, the others beyond the ring; the middle wanders 20,000 ticks up and down.
        let spread = if word & 2 == 0 { 256 } else { 16_384 };
        let wander = i64::try_from((id / 8 % 40_000).abs_diff(20_000)).expect("small");
        let price = 1_000_000 + wander + i64::try_from(word >> 8 & (spread - 1)).expect("small");
        if handles.len() == ORDERS {
            let at = usize::try_from(word >> 32).expect("32 bits") % ORDERS;
            book.remove(handles.swap_remove(at));
        }
        handles.push(book.add(side_of(word), order(id, price)));
    };
    // One round of the wandering finds how much room the book needs, the next one must need no more.
    for id in 0..640_000 {
        replace_one(&mut book, id);
    }
    let before = ALLOCATIONS.get();
    for id in 640_000..960_000 {
        replace_one(&mut book, id);
    }
    assert_eq!(ALLOCATIONS.get() - before, 0);
}
