//! The canonical ABI, on `wasm32` only: memory for the host, the exported functions, and what a panic does. The exports
//! have fixed names and flat signatures (`wit/`), so nothing is generated; `outcry plugin build` adds the types.
//!
//! A component runs on one thread and is never entered twice at a time: that is what every SAFETY argument here rests on.

use crate::parameters::Parameters;
use crate::reporting::{self, Event};
use crate::{Code, WRONG_PARAMETERS, codes, risk, validation};
use alloc::alloc::{alloc, dealloc, handle_alloc_error, realloc};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::alloc::{GlobalAlloc, Layout};
use core::arch::wasm32;
use core::cell::UnsafeCell;

/// Anything that goes wrong ends the call: the host sees a trap, which is a fault of the rule.
#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    wasm32::unreachable()
}

/// A rule's one value: its parameters, once configured.
pub struct Slot<T>(UnsafeCell<Option<T>>);

// SAFETY: there is one thread.
unsafe impl<T> Sync for Slot<T> {}

impl<T: Parameters> Slot<T> {
    /// Not configured.
    #[expect(clippy::new_without_default, reason = "only ever a static")]
    pub const fn new() -> Self {
        Self(UnsafeCell::new(None))
    }

    fn set(&self, value: Option<T>) {
        // SAFETY: one thread, and no reference outlives the call that `get` made it in; `configure` makes none.
        unsafe { *self.0.get() = value }
    }

    fn get(&self) -> Option<&T> {
        // SAFETY: one thread; only `set` writes, in calls of its own.
        unsafe { (*self.0.get()).as_ref() }
    }

    /// The rule; one that was never configured has no parameters, or faults.
    #[inline]
    fn rule(&self) -> &T {
        if self.get().is_none() {
            self.set(T::from_words(&[]));
        }
        self.get().expect("a rule is configured before it is called")
    }
}

/// A result of two words that the host reads before it calls anything else.
struct Result2(UnsafeCell<[usize; 2]>);

// SAFETY: there is one thread.
unsafe impl Sync for Result2 {}

static RESULT: Result2 = Result2(UnsafeCell::new([0; 2]));

fn result(pointer: usize, count: usize) -> *const usize {
    // SAFETY: one thread, and the host has read what the call before left here.
    unsafe { *RESULT.0.get() = [pointer, count] };
    RESULT.0.get().cast()
}

/// Reads the parameters. The words are the host's gift: they stay for as long as the rule lives.
///
/// # Safety
/// `words` points to `count` words from `cabi_realloc`, and nobody else holds them.
unsafe fn read_parameters<T: Parameters>(slot: &Slot<T>, words: *const i64, count: usize) -> Option<&T> {
    // SAFETY: as this function's; never freed.
    let words: &'static [i64] =
        if count == 0 { &[] } else { unsafe { core::slice::from_raw_parts(words, count) } };
    slot.set(T::from_words(words));
    slot.get()
}

/// `configure` of a validation rule.
///
/// # Safety
/// As `read_parameters`.
pub unsafe fn configure_validation<R: validation::Rule>(
    slot: &Slot<R>,
    words: *const i64,
    count: usize,
) -> u32 {
    // SAFETY: as this function's.
    match unsafe { read_parameters(slot, words, count) } {
        Some(rule) => rule.accept_parameters().code(),
        None => WRONG_PARAMETERS,
    }
}

/// `configure` of a risk rule.
///
/// # Safety
/// As `read_parameters`.
pub unsafe fn configure_risk<R: risk::Rule>(slot: &Slot<R>, words: *const i64, count: usize) -> u32 {
    // SAFETY: as this function's.
    match unsafe { read_parameters(slot, words, count) } {
        Some(rule) => rule.accept_parameters().rejected().map_or(0, |code| u32::from(code.number())),
        None => WRONG_PARAMETERS,
    }
}

/// `configure` of a reporting rule.
///
/// # Safety
/// As `read_parameters`.
pub unsafe fn configure_reporting<R: reporting::Rule>(
    slot: &Slot<R>,
    words: *const i64,
    count: usize,
) -> u32 {
    // SAFETY: as this function's.
    if unsafe { read_parameters(slot, words, count) }.is_some() { 0 } else { WRONG_PARAMETERS }
}

/// `check` of a validation rule. The answers are written over the rows, each behind what has been read, so that a batch needs
/// one piece of memory; [`free_codes`] gives it back.
///
/// # Safety
/// `rows` points to `count` words from `cabi_realloc`, and nobody else holds them.
#[inline]
pub unsafe fn check_rows<R: validation::Rule>(slot: &Slot<R>, rows: *mut u64, count: usize) -> *const usize {
    assert!(count.is_multiple_of(validation::ROW_WORDS), "an order is 12 words");
    let orders = count / validation::ROW_WORDS;
    let rule = slot.rule();
    let codes = rows.cast::<u32>();
    for at in 0..orders {
        // SAFETY: `at` is below the number of rows. They are words of 8 bytes, aligned as such.
        let row = unsafe { &*rows.add(at * validation::ROW_WORDS).cast::<[u64; validation::ROW_WORDS]>() };
        let (order, context) = validation::read(row);
        let code = rule.check(&order, &context).code();
        // SAFETY: byte 4 x `at` is at or before the first of row `at`, which is not needed any more.
        unsafe { codes.add(at).write(code) };
    }
    result(codes.addr(), orders)
}

/// Frees what [`check_rows`] answered.
///
/// # Safety
/// `result` is what it returned, and the host has read it.
pub unsafe fn free_codes(result: *const usize) {
    // SAFETY: as this function's.
    let [pointer, orders] = unsafe { *result.cast::<[usize; 2]>() };
    let size = orders * validation::ROW_WORDS * size_of::<u64>();
    if size > 0 {
        // SAFETY: the rows came from `cabi_realloc` with this layout.
        unsafe { dealloc(pointer as *mut u8, Layout::from_size_align_unchecked(size, 8)) };
    }
}

/// `check` of a risk rule.
#[inline]
#[expect(
    clippy::too_many_arguments,
    reason = "the contract is flat: it saves the host a copy through memory"
)]
pub fn check_order<R: risk::Rule>(
    slot: &Slot<R>,
    account: u32,
    instrument: u32,
    flags: u32,
    quantity: u64,
    limit: i64,
    notional: i64,
    position: i64,
    open_buy: u64,
    open_sell: u64,
    open_cash: i64,
    best_bid: i64,
    best_ask: i64,
    last_price: i64,
    day_volume: u64,
    counter: i64,
    now: i64,
) -> u64 {
    let order = crate::Order::from_contract(account, instrument, flags, quantity, limit, notional);
    let context = risk::Context {
        position,
        open_buy,
        open_sell,
        open_cash,
        best_bid: risk::price(best_bid),
        best_ask: risk::price(best_ask),
        last_price: risk::price(last_price),
        day_volume,
        counter,
        now,
    };
    slot.rule().check(&order, &context).pack()
}

/// `explain`: the words as pointer and length, which [`free_text`] gives back.
pub fn explain<C: Code, P: Parameters>(slot: &Slot<P>, code: u32) -> *const usize {
    let text = Box::leak(codes::explain::<C, P>(code, slot.get()).into_boxed_str());
    result(text.as_ptr().addr(), text.len())
}

/// Frees what [`explain`] answered.
///
/// # Safety
/// `result` is what it returned, and the host has read it.
pub unsafe fn free_text(result: *const usize) {
    // SAFETY: as this function's; the text was a box.
    unsafe {
        let [pointer, length] = *result.cast::<[usize; 2]>();
        drop(Box::from_raw(core::ptr::slice_from_raw_parts_mut(pointer as *mut u8, length)));
    }
}

/// `describe` of a reporting rule. Its answer lives for as long as the component: it is asked once.
pub fn describe<R: reporting::Rule>() -> *const usize {
    reporting::lower::table(&R::TABLE).cast()
}

/// `process` of a reporting rule.
///
/// # Safety
/// `state` points to `state_length` bytes and `events` to `event_count` events, both from `cabi_realloc`, and nobody else
/// holds them.
pub unsafe fn process<R: reporting::Rule>(
    slot: &Slot<R>,
    state: *mut u8,
    state_length: usize,
    events: *mut Event,
    event_count: usize,
) -> *const usize {
    // SAFETY: as this function's. `Event` is laid out as the contract has it, which a test of `outcry plugin build` proves.
    let (state, events) = unsafe { (owned(state, state_length), owned(events, event_count)) };
    let (state, rows) = reporting::process(slot.rule(), &state, &events);
    drop(events);
    reporting::lower::report(state, rows).cast()
}

/// # Safety
/// `pointer` points to `count` values from `cabi_realloc`, and nobody else holds them.
unsafe fn owned<T>(pointer: *mut T, count: usize) -> Vec<T> {
    if count == 0 {
        return Vec::new();
    }
    // SAFETY: as this function's; `cabi_realloc` uses the global allocator with exactly this size.
    unsafe { Vec::from_raw_parts(pointer, count, count) }
}

/// Frees what [`process`] answered.
///
/// # Safety
/// `result` is what it returned, and the host has read it.
pub unsafe fn free_report(result: *const usize) {
    // SAFETY: as this function's.
    unsafe { reporting::lower::free_report(result.cast_mut().cast()) };
}

/// Memory for what the host hands over.
///
/// # Safety
/// As the canonical ABI: `old` is null with size 0, or came from here with this size and alignment.
#[unsafe(no_mangle)]
unsafe extern "C" fn cabi_realloc(old: *mut u8, old_size: usize, align: usize, new_size: usize) -> *mut u8 {
    if new_size == 0 {
        return align as *mut u8;
    }
    // SAFETY: the host's alignments are powers of two, and it asks for less than 4 GiB.
    let layout = unsafe { Layout::from_size_align_unchecked(new_size, align) };
    // SAFETY: the size is not 0; `old` is from here.
    let pointer = unsafe {
        if old_size == 0 {
            alloc(layout)
        } else {
            realloc(old, Layout::from_size_align_unchecked(old_size, align), new_size)
        }
    };
    if pointer.is_null() {
        handle_alloc_error(layout);
    }
    pointer
}

/// Memory in pieces of powers of two, from 16 bytes: a freed piece is used again for the next of its size, nothing is ever
/// split or joined. A call that ran once needs no more memory the next time, in constant time.
struct Pieces(UnsafeCell<Free>);

struct Free {
    /// The first free piece of 16, 32, 64 … bytes; each holds the address of the next one.
    first: [*mut *mut u8; 28],
    /// What no piece has been made of yet.
    from: usize,
    to: usize,
}

// SAFETY: there is one thread.
unsafe impl Sync for Pieces {}

#[global_allocator]
static PIECES: Pieces = Pieces(UnsafeCell::new(Free { first: [core::ptr::null_mut(); 28], from: 0, to: 0 }));

const SMALLEST: usize = 16;
const PAGE: usize = 1 << 16;

unsafe extern "C" {
    /// Where the linker stops using memory.
    static __heap_base: u8;
}

fn class(layout: Layout) -> usize {
    let size = layout.size().max(layout.align()).max(SMALLEST);
    (size.next_power_of_two().trailing_zeros() - SMALLEST.trailing_zeros()) as usize
}

// SAFETY: pieces are as large as their class says, aligned to 16 bytes at least and handed to one owner at a time.
// Larger alignments are given by `next_multiple_of` at the cost of a gap.
unsafe impl GlobalAlloc for Pieces {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let class = class(layout);
        // SAFETY: one thread, and nothing below calls back.
        let free = unsafe { &mut *self.0.get() };
        let Some(first) = free.first.get_mut(class) else { return core::ptr::null_mut() };
        if !first.is_null() {
            let piece = *first;
            // SAFETY: a free piece holds the address of the next one.
            *first = unsafe { *piece }.cast();
            return piece.cast();
        }
        free.cut(SMALLEST << class, layout.align().max(SMALLEST))
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let class = class(layout);
        // SAFETY: one thread, and nothing below calls back.
        let free = unsafe { &mut *self.0.get() };
        let piece = pointer.cast::<*mut u8>();
        // SAFETY: the piece has 16 bytes at least and no owner any more. What `alloc` gave out has a class.
        unsafe { *piece = free.first[class].cast() };
        free.first[class] = piece;
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, new_size: usize) -> *mut u8 {
        // SAFETY: the caller's promise.
        let new = unsafe { Layout::from_size_align_unchecked(new_size, layout.align()) };
        if class(new) == class(layout) {
            return pointer;
        }
        // SAFETY: the caller's promise; both pieces hold at least the bytes copied and are not the same.
        unsafe {
            let moved = self.alloc(new);
            if !moved.is_null() {
                moved.copy_from_nonoverlapping(pointer, layout.size().min(new_size));
                self.dealloc(pointer, layout);
            }
            moved
        }
    }
}

impl Free {
    /// A piece from memory that was never used, growing it by as many pages as are needed.
    fn cut(&mut self, size: usize, align: usize) -> *mut u8 {
        if self.to == 0 {
            self.from = (&raw const __heap_base).addr();
            self.to = wasm32::memory_size(0) * PAGE;
        }
        let start = self.from.next_multiple_of(align);
        let Some(end) = start.checked_add(size) else { return core::ptr::null_mut() };
        if end > self.to {
            let pages = (end - self.to).div_ceil(PAGE);
            if wasm32::memory_grow(0, pages) == usize::MAX {
                return core::ptr::null_mut();
            }
            self.to += pages * PAGE;
        }
        self.from = end;
        start as *mut u8
    }
}
