//! One side's levels by price: near ones in a ring, far ones in an ordered map, the best one by heart.
//!
//! Prices become keys that order both sides alike: the smaller the key, the better the price. The ring follows the
//! touch, a little room before it and much behind. Three rules keep it correct and cheap for any prices:
//!
//! 1. A level is in the ring exactly when the ring covers its key. The far map may hold keys on both sides of it.
//! 2. The ring moves when the touch leaves it or has drifted far into it. Moving it may carry levels over to the far
//!    map or back, and each carried level costs a credit; every new level earns two. When the credit is used up
//!    the ring stays where it is, or covers less, and the far map serves. So no sequence of calls, however wild
//!    its prices, makes a call cost more than O(log n) on average, and none carries over more than a thousand at once.
//! 3. The best level is remembered and searched for only when it ends.

use crate::far::Far;
use crate::near::{Near, WIDTH};
use crate::slab::NONE;
use model::{Price, Side};

/// Keys the ring covers before the best one when it is placed.
const MARGIN: u64 = WIDTH / 8;
/// How deep in the ring the best key may be before the ring follows it.
const DRIFT: u64 = WIDTH / 4;
/// The most levels one call may carry over between the ring and the far map.
const CREDIT_MAX: u32 = 1_024;
/// What a new level earns.
const CREDIT_EARNED: u32 = 2;

/// The levels of one side, by price.
#[derive(Clone, Debug)]
pub(crate) struct Levels {
    /// Turns a price into a key and back.
    flip: u64,
    /// The best level's key, while there is one.
    best_key: u64,
    /// The best level, or `NONE`.
    best: u32,
    credit: u32,
    near: Near,
    far: Far,
}

impl Levels {
    pub(crate) fn new(side: Side) -> Self {
        // Signed order becomes unsigned order by inverting the sign bit; inverting every bit turns it around.
        let flip = match side {
            Side::Buy => !(1 << 63),
            Side::Sell => 1 << 63,
        };
        Self { flip, best_key: 0, best: NONE, credit: CREDIT_MAX, near: Near::default(), far: Far::default() }
    }

    /// Bytes allocated.
    pub(crate) fn memory_bytes(&self) -> usize {
        Near::memory_bytes() + self.far.memory_bytes()
    }

    /// A price's key.
    #[inline]
    pub(crate) fn key(&self, price: Price) -> u64 {
        price.0.cast_unsigned() ^ self.flip
    }

    /// The best level, or `NONE`.
    #[inline]
    pub(crate) fn best(&self) -> u32 {
        self.best
    }

    /// The level at a key, or `NONE`.
    #[inline]
    pub(crate) fn find(&self, key: u64) -> u32 {
        if self.near.covers(key) { self.near.find(key) } else { self.find_far(key) }
    }

    #[cold]
    fn find_far(&self, key: u64) -> u32 {
        self.far.find(key).unwrap_or(NONE)
    }

    /// Adds a level at a key that has none.
    #[inline]
    pub(crate) fn insert(&mut self, key: u64, level: u32) {
        self.credit = (self.credit + CREDIT_EARNED).min(CREDIT_MAX);
        if self.near.covers(key) {
            self.near.insert(key, level);
        } else {
            self.insert_outside(key, level);
        }
        if self.best == NONE || key < self.best_key {
            self.best = level;
            self.best_key = key;
        }
    }

    /// Takes out the level at a key. There must be one.
    #[inline]
    pub(crate) fn remove(&mut self, key: u64, level: u32) {
        if self.near.covers(key) {
            self.near.remove(key);
            if level == self.best {
                // Far levels may be better than the ring only where the best was one of them.
                match self.near.first_from(key) {
                    Some((key, level)) if key.wrapping_sub(self.near.base()) < DRIFT => {
                        self.best = level;
                        self.best_key = key;
                    }
                    found => self.follow(found),
                }
            }
        } else {
            self.remove_outside(key, level);
        }
    }

    /// All levels, best first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = u32> + '_ {
        let base = self.near.base();
        let before = self.far.iter_from(0).take_while(move |&(key, _)| key < base);
        let mut at = self.near.first();
        let near = std::iter::from_fn(move || {
            let found = at?;
            let next = found.0.wrapping_add(1);
            at = if self.near.covers(next) { self.near.first_from(next) } else { None };
            Some(found)
        });
        // Nothing in the far map is covered by the ring, so what is not before it is after it.
        let after = self.far.iter_from(base);
        before.chain(near).chain(after).map(|(_, level)| level)
    }

    /// Adds a level that the ring does not cover, after moving the ring there if that is right and affordable.
    #[cold]
    fn insert_outside(&mut self, key: u64, level: u32) {
        if self.near.is_empty() && self.best == NONE {
            self.near.cover(base_for(key), WIDTH);
        } else if key < self.near.base() {
            self.move_to_better(key);
        } else if self.best != NONE && self.best_key >= self.near.base() {
            self.move_to_worse();
        }
        if self.near.covers(key) {
            self.near.insert(key, level);
        } else {
            self.far.insert(key, level);
        }
    }

    /// Takes out a far level.
    #[cold]
    fn remove_outside(&mut self, key: u64, level: u32) {
        self.far.remove(key);
        if level == self.best {
            self.follow(self.near.first());
        }
    }

    /// Finds the best level after the last one ended, where `near` is the ring's first, and lets the ring follow it.
    #[cold]
    fn follow(&mut self, near: Option<(u64, u32)>) {
        let best = match (near, self.far.first()) {
            (Some(near), Some(far)) => Some(near.min(far)),
            (near, far) => near.or(far),
        };
        let Some((key, level)) = best else {
            self.best = NONE;
            return;
        };
        self.best = level;
        self.best_key = key;
        if near.is_none() {
            // An empty ring can go anywhere at once, and there cover as much as is affordable.
            self.near.cover(base_for(key), 0);
            self.extend();
        } else if key >= self.near.base() {
            self.move_to_worse();
        }
    }

    /// Moves the ring so that it begins before `key`, which is better than anything it covers, if that is affordable.
    fn move_to_better(&mut self, key: u64) {
        let old_base = self.near.base();
        let base = base_for(key);
        let shift = old_base - base;
        let keep = WIDTH.saturating_sub(shift);
        // The far levels that would come in cost too; there are any only if the ring stayed behind before.
        let entering =
            self.far.iter_from(base).take_while(|&(key, _)| key < old_base).take(CREDIT_MAX as usize).count();
        let leaving = self.near.count_from(keep);
        let cost = leaving + u32::try_from(entering).expect("at most CREDIT_MAX");
        if cost > self.credit {
            return;
        }
        self.credit -= cost;
        while let Some((key, level)) = self.near.take_from(keep) {
            self.far.insert(key, level);
        }
        // Beyond the old base nothing was in the far map that the ring covered, so it still covers that, as far as it
        // reaches.
        let span = self.near.span().saturating_add(shift).min(WIDTH);
        self.near.cover(base, span);
        while let Some((key, level)) = self.far.first_from(base).filter(|&(key, _)| self.near.covers(key)) {
            self.far.remove(key);
            self.near.insert(key, level);
        }
    }

    /// Moves the ring on when the best key has drifted deep into it or beyond, and lets it cover what it can.
    fn move_to_worse(&mut self) {
        let offset = self.best_key - self.near.base();
        if offset >= DRIFT && offset < self.near.span() {
            // Nothing is better than the best, so nothing falls out at the front.
            let base = base_for(self.best_key);
            let shift = base - self.near.base();
            self.near.cover(base, self.near.span() - shift);
        }
        self.extend();
    }

    /// Covers as many more keys after the last one covered as is affordable.
    fn extend(&mut self) {
        while self.near.span() < WIDTH {
            let base = self.near.base();
            let end = base + self.near.span();
            match self.far.first_from(end) {
                Some((key, level)) if key - base < WIDTH => {
                    if self.credit == 0 {
                        return;
                    }
                    self.credit -= 1;
                    self.far.remove(key);
                    self.near.cover(base, key - base + 1);
                    self.near.insert(key, level);
                }
                _ => self.near.cover(base, WIDTH),
            }
        }
    }
}

/// Where a ring begins whose best key is `key`.
fn base_for(key: u64) -> u64 {
    let first = key.saturating_sub(MARGIN) & !63;
    // The ring ends at the last key there is.
    first.min(0_u64.wrapping_sub(WIDTH))
}
