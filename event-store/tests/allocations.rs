//! Appending, flushing and reading allocate nothing in steady state: counted, not believed.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicU64, Ordering};

use event_store::{Options, Reader, ReaderOptions, Writer};

struct Counting;

static ALLOCATIONS: AtomicU64 = AtomicU64::new(0);

// SAFETY: passes every request on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's promises are passed on.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's promises are passed on.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

#[test]
fn steady_state_allocates_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let options = Options { segment_bytes: 16 << 20, ..Options::small() };
    let mut store = Writer::open(dir.path(), &options).unwrap();
    let mut reader = Reader::with_options(dir.path(), ReaderOptions::tail()).unwrap();
    let mut round = |records: u64| {
        let mut block = store.writer.begin(0).unwrap();
        for tag in 0..records {
            block.append(1, 1, tag, &[1; 100]).unwrap();
        }
        block.finish();
        store.flusher.poll().unwrap();
        let block = reader.next_block().unwrap().unwrap();
        assert_eq!(block.records().count() as u64, records);
    };
    round(1);
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    for records in 1..200 {
        round(records);
    }
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 0);
    // The counter counts.
    drop(vec![0_u8; 100]);
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 1);
}
