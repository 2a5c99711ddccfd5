//! Where the order with an id is: what everyone who runs a book by client-chosen ids needs beside it.
//!
//! Buckets of one cache line hold seven orders each: 32 bits of the id's hash and the handle. A search compares all seven
//! at once and a removal empties one place, so that there is hardly a branch that cannot be predicted, unlike probing
//! place by place. Two ids may have the same 32 bits, so the one found is confirmed by the id in the book's own node,
//! which is about to be used anyway.

use model::OrderId;
use order_book::{Handle, OrderBook};

/// Orders in a bucket.
const PLACES: usize = 7;
/// Orders a bucket may hold on average: above 7 go about 3 in 100 buckets then.
const LOAD_NUMERATOR: usize = 7;
const LOAD_DENOMINATOR: usize = 2;
const BUCKETS_MIN: usize = 1 << 8;
/// The tag of an empty place.
const EMPTY: u32 = 0;

#[derive(Clone, Copy, Debug)]
#[repr(align(64))]
struct Bucket {
    /// The hashes' lower halves, never `EMPTY`.
    tags: [u32; PLACES],
    /// How many orders that belong here found no place and are in a later bucket.
    overflow: u32,
    handles: [u32; PLACES],
}

const _: () = assert!(size_of::<Bucket>() == 64);

impl Bucket {
    const EMPTY: Self = Self { tags: [EMPTY; PLACES], overflow: 0, handles: [0; PLACES] };

    /// A bit for each place with this tag.
    #[inline]
    fn matching(&self, tag: u32) -> u32 {
        (0..PLACES).fold(0, |mask, place| mask | u32::from(self.tags[place] == tag) << place)
    }
}

/// Handles of resting orders by their ids.
#[derive(Debug)]
pub struct OrderIndex {
    /// A power of two of them.
    buckets: Vec<Bucket>,
    /// What a hash is shifted by to make a bucket: its upper bits.
    shift: u32,
    len: usize,
}

impl Default for OrderIndex {
    fn default() -> Self {
        Self::with_buckets(BUCKETS_MIN)
    }
}

/// An order's place.
#[derive(Clone, Copy)]
struct Place {
    bucket: usize,
    at: usize,
}

/// Multiplying by the golden ratio spreads neighbours evenly.
#[inline]
fn hash(id: u64) -> u64 {
    id.wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

#[expect(clippy::cast_possible_truncation, reason = "the lower half is what is wanted")]
#[inline]
fn tag(hash: u64) -> u32 {
    // The lowest bit is the id's own, which the others tell well enough.
    hash as u32 | 1
}

impl OrderIndex {
    fn with_buckets(buckets: usize) -> Self {
        Self { buckets: vec![Bucket::EMPTY; buckets], shift: 64 - buckets.trailing_zeros(), len: 0 }
    }

    /// Bytes allocated.
    pub fn memory_bytes(&self) -> usize {
        self.buckets.capacity() * size_of::<Bucket>()
    }

    #[expect(clippy::cast_possible_truncation, reason = "as many bits are left as count the buckets")]
    #[inline]
    fn home(&self, hash: u64) -> usize {
        (hash >> self.shift) as usize
    }

    #[inline]
    fn after(&self, bucket: usize) -> usize {
        (bucket + 1) & (self.buckets.len() - 1)
    }

    /// Remembers an order that is not here.
    #[inline]
    pub fn insert(&mut self, id: u64, handle: Handle, book: &impl OrderBook) {
        if self.len * LOAD_DENOMINATOR >= self.buckets.len() * LOAD_NUMERATOR {
            self.grow(book);
        }
        self.len += 1;
        let hash = hash(id);
        let mut bucket = self.home(hash);
        loop {
            let free = self.buckets[bucket].matching(EMPTY);
            let here = &mut self.buckets[bucket];
            if free != 0 {
                let at = free.trailing_zeros() as usize;
                here.tags[at] = tag(hash);
                here.handles[at] = handle.0;
                return;
            }
            here.overflow += 1;
            bucket = self.after(bucket);
        }
    }

    /// Twice the buckets. The ids are the book's: here are only halves of their hashes.
    #[cold]
    fn grow(&mut self, book: &impl OrderBook) {
        let mut larger = Self::with_buckets(self.buckets.len() * 2);
        for bucket in &self.buckets {
            for at in (0..PLACES).filter(|&at| bucket.tags[at] != EMPTY) {
                let handle = Handle(bucket.handles[at]);
                larger.insert(book.get(handle).order_id.0, handle, book);
            }
        }
        *self = larger;
    }

    #[inline]
    fn find(&self, id: u64, is_it: impl Fn(Handle) -> bool) -> Option<Place> {
        let hash = hash(id);
        let mut bucket = self.home(hash);
        loop {
            let here = &self.buckets[bucket];
            let mut found = here.matching(tag(hash));
            while found != 0 {
                let at = found.trailing_zeros() as usize;
                if is_it(Handle(here.handles[at])) {
                    return Some(Place { bucket, at });
                }
                found &= found - 1;
            }
            if here.overflow == 0 {
                return None;
            }
            bucket = self.after(bucket);
        }
    }

    /// Where an order is, if it rests.
    #[inline]
    pub fn get(&self, id: u64, book: &impl OrderBook) -> Option<Handle> {
        let place = self.find(id, |handle| book.get(handle).order_id == OrderId(id))?;
        Some(Handle(self.buckets[place.bucket].handles[place.at]))
    }

    /// Forgets an order, if it rests, and says where it is.
    #[inline]
    pub fn take(&mut self, id: u64, book: &impl OrderBook) -> Option<Handle> {
        let place = self.find(id, |handle| book.get(handle).order_id == OrderId(id))?;
        let handle = Handle(self.buckets[place.bucket].handles[place.at]);
        self.clear(id, place);
        Some(handle)
    }

    /// Says that an order, which is here, is somewhere else now.
    #[inline]
    pub fn moved(&mut self, id: u64, from: Handle, to: Handle) {
        let place = self.find(id, |handle| handle == from).expect("an order that moves is here");
        self.buckets[place.bucket].handles[place.at] = to.0;
    }

    /// Forgets an order that is here with this handle.
    #[inline]
    pub fn remove(&mut self, id: u64, handle: Handle) {
        let place = self.find(id, |other| other == handle).expect("an order that leaves is here");
        self.clear(id, place);
    }

    #[inline]
    fn clear(&mut self, id: u64, place: Place) {
        self.len -= 1;
        self.buckets[place.bucket].tags[place.at] = EMPTY;
        let mut bucket = self.home(hash(id));
        while bucket != place.bucket {
            self.buckets[bucket].overflow -= 1;
            bucket = self.after(bucket);
        }
    }
}
