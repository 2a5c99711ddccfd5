//! Where the order with an id is: what everyone who runs a book by client-chosen ids needs beside it.
//!
//! Open addressing with eight bytes an entry, at most half full: the order's handle and 32 bits of the id's hash. The hash
//! multiplies by the golden ratio, which is a bijection, but only half of it is kept: so an entry that seems to be the
//! one wanted is confirmed by the id in the book's own node, which is about to be used anyway.

use model::OrderId;
use order_book::{Handle, OrderBook};

/// An empty entry. No handle is this large.
const EMPTY: u64 = u64::MAX;
const ENTRIES_MIN: usize = 1 << 10;

/// Handles of resting orders by their ids.
#[derive(Debug)]
pub struct OrderIndex {
    /// The upper half of the id's hash, then the handle. Length is a power of two, up to 2^32.
    entries: Vec<u64>,
    /// What a hash is shifted by to make a place: its upper bits.
    shift: u32,
    len: usize,
}

impl Default for OrderIndex {
    fn default() -> Self {
        Self { entries: vec![EMPTY; ENTRIES_MIN], shift: 64 - ENTRIES_MIN.trailing_zeros(), len: 0 }
    }
}

fn hash(id: u64) -> u64 {
    id.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half of an entry is the handle")]
fn handle_of(entry: u64) -> Handle {
    Handle(entry as u32)
}

impl OrderIndex {
    /// Bytes allocated.
    pub fn memory_bytes(&self) -> usize {
        self.entries.capacity() * size_of::<u64>()
    }

    #[expect(clippy::cast_possible_truncation, reason = "at most 32 bits are left")]
    #[inline]
    fn home(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }

    #[inline]
    fn after(&self, place: usize) -> usize {
        (place + 1) & (self.entries.len() - 1)
    }

    /// Remembers an order that is not here.
    #[inline]
    pub fn insert(&mut self, id: u64, handle: Handle) {
        if self.len * 2 >= self.entries.len() {
            self.grow();
        }
        self.len += 1;
        let hash = hash(id);
        self.put(hash >> 32 << 32 | u64::from(handle.0));
    }

    #[inline]
    fn put(&mut self, entry: u64) {
        let mut place = self.home(entry);
        while self.entries[place] != EMPTY {
            place = self.after(place);
        }
        self.entries[place] = entry;
    }

    #[cold]
    fn grow(&mut self) {
        let larger = vec![EMPTY; self.entries.len() * 2];
        let entries = std::mem::replace(&mut self.entries, larger);
        self.shift -= 1;
        assert!(self.shift >= 32, "an entry keeps 32 bits of the hash to find its place again");
        for entry in entries.into_iter().filter(|&entry| entry != EMPTY) {
            self.put(entry);
        }
    }

    #[inline]
    fn find(&self, id: u64, book: &impl OrderBook) -> Option<usize> {
        let hash = hash(id);
        let mut place = self.home(hash);
        loop {
            let entry = self.entries[place];
            if (entry ^ hash) >> 32 == 0
                && entry != EMPTY
                && book.get(handle_of(entry)).order_id == OrderId(id)
            {
                return Some(place);
            }
            if entry == EMPTY {
                return None;
            }
            place = self.after(place);
        }
    }

    /// Where an order is, if it rests.
    #[inline]
    pub fn get(&self, id: u64, book: &impl OrderBook) -> Option<Handle> {
        self.find(id, book).map(|place| handle_of(self.entries[place]))
    }

    /// Says that an order is somewhere else now.
    #[inline]
    pub fn moved(&mut self, id: u64, from: Handle, to: Handle) {
        let hash = hash(id);
        let old = hash >> 32 << 32 | u64::from(from.0);
        let mut place = self.home(hash);
        while self.entries[place] != old {
            place = self.after(place);
        }
        self.entries[place] = hash >> 32 << 32 | u64::from(to.0);
    }

    /// Forgets an order that is here with this handle.
    #[inline]
    pub fn remove(&mut self, id: u64, handle: Handle) {
        let hash = hash(id);
        let wanted = hash >> 32 << 32 | u64::from(handle.0);
        let mut place = self.home(hash);
        while self.entries[place] != wanted {
            place = self.after(place);
        }
        self.clear(place);
    }

    /// Forgets an order, if it rests, and says where it is.
    #[inline]
    pub fn take(&mut self, id: u64, book: &impl OrderBook) -> Option<Handle> {
        let place = self.find(id, book)?;
        let handle = handle_of(self.entries[place]);
        self.clear(place);
        Some(handle)
    }

    #[inline]
    fn clear(&mut self, mut hole: usize) {
        // Entries that were pushed on because this place was taken move back, so that no search ends at the hole.
        let mut place = hole;
        loop {
            place = self.after(place);
            let entry = self.entries[place];
            if entry == EMPTY {
                break;
            }
            let mask = self.entries.len() - 1;
            let from_home = place.wrapping_sub(self.home(entry)) & mask;
            if from_home >= place.wrapping_sub(hole) & mask {
                self.entries[hole] = entry;
                hole = place;
            }
        }
        self.entries[hole] = EMPTY;
        self.len -= 1;
    }
}
