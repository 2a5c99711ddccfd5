//! The levels near the touch: one place per price, and two layers of bits to find the next one.
//!
//! A ring of 4,096 places, one for each key from `base` on: a key's place is its low twelve bits, so moving the base
//! moves nothing. 64 words of 64 bits say which places are taken, and one word says which of those are not zero:
//! the next level after any place is two shifts and two counts of trailing zeros away, however empty the ring.

use crate::slab::NONE;

/// Places in the ring: 64 words of 64 bits.
const PLACES: usize = 64 * 64;
/// Keys covered at most.
pub(crate) const WIDTH: u64 = PLACES as u64;

/// A ring of places for the levels at `base..base + span`.
#[derive(Clone, Debug)]
pub(crate) struct Near {
    /// The first key covered; a multiple of 64, so that the ring's seam is the edge of a word.
    base: u64,
    /// How many keys are covered. `base + span` may be 2^64 and is never computed.
    span: u64,
    /// Bit `w`: whether `words[w]` has any bit.
    summary: u64,
    /// Bit `b` of word `w`: whether `levels[64 * w + b]` is a level.
    words: [u64; 64],
    /// The level in each place, or `NONE`.
    levels: Box<[u32; PLACES]>,
}

impl Default for Near {
    fn default() -> Self {
        Self { base: 0, span: WIDTH, summary: 0, words: [0; 64], levels: Box::new([NONE; PLACES]) }
    }
}

/// A key's place in the ring.
#[inline]
fn place(key: u64) -> usize {
    #[expect(clippy::cast_possible_truncation, reason = "only the low twelve bits are wanted")]
    let low = key as usize;
    low % PLACES
}

impl Near {
    /// Bytes allocated outside the struct.
    pub(crate) fn memory_bytes() -> usize {
        size_of::<[u32; PLACES]>()
    }

    /// The first key covered.
    #[inline]
    pub(crate) fn base(&self) -> u64 {
        self.base
    }

    /// How many keys from `base` on are covered.
    #[inline]
    pub(crate) fn span(&self) -> u64 {
        self.span
    }

    /// Whether a key is covered.
    #[inline]
    pub(crate) fn covers(&self, key: u64) -> bool {
        key.wrapping_sub(self.base) < self.span
    }

    /// The level at a covered key, or `NONE`.
    #[inline]
    pub(crate) fn find(&self, key: u64) -> u32 {
        debug_assert!(self.covers(key));
        self.levels[place(key)]
    }

    /// Puts a level at a covered key that has none.
    #[inline]
    pub(crate) fn insert(&mut self, key: u64, level: u32) {
        debug_assert!(self.covers(key) && self.levels[place(key)] == NONE);
        let place = place(key);
        self.levels[place] = level;
        self.words[place / 64] |= 1 << (place % 64);
        self.summary |= 1 << (place / 64);
    }

    /// Takes out the level at a covered key that has one.
    #[inline]
    pub(crate) fn remove(&mut self, key: u64) {
        debug_assert!(self.covers(key) && self.levels[place(key)] != NONE);
        let place = place(key);
        self.levels[place] = NONE;
        let word = &mut self.words[place / 64];
        *word &= !(1 << (place % 64));
        if *word == 0 {
            self.summary &= !(1 << (place / 64));
        }
    }

    /// Whether no level is here.
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.summary == 0
    }

    /// The first level at a covered key or after it.
    #[inline]
    pub(crate) fn first_from(&self, key: u64) -> Option<(u64, u32)> {
        debug_assert!(self.covers(key));
        let start = place(key);
        let in_word = self.words[start / 64] & (!0 << (start % 64));
        let found = if in_word == 0 {
            // The words after this one, up to the ring's seam. `base` is a multiple of 64, so this word has no keys
            // beyond the seam, only keys before `key`.
            let word = start / 64;
            let after = (place(self.base) + PLACES - start - 1) % PLACES / 64;
            // Bit 0 is this word, bit `after` the last one before the seam.
            let rotated =
                (self.summary >> word | self.summary << 1 << (63 - word)) & !1 & (!0 >> (63 - after));
            if rotated == 0 {
                return None;
            }
            let word = (word + rotated.trailing_zeros() as usize) % 64;
            word * 64 + self.words[word].trailing_zeros() as usize
        } else {
            start / 64 * 64 + in_word.trailing_zeros() as usize
        };
        // How far on in the ring, seen from `key`.
        let ahead = (found + PLACES - start) % PLACES;
        Some((key + ahead as u64, self.levels[found]))
    }

    /// The first level.
    #[inline]
    pub(crate) fn first(&self) -> Option<(u64, u32)> {
        if self.span == 0 { None } else { self.first_from(self.base) }
    }

    /// How many levels are `offset` keys or more after `base`. `offset` is a multiple of 64.
    pub(crate) fn count_from(&self, offset: u64) -> u32 {
        (offset..WIDTH)
            .step_by(64)
            .map(|offset| self.words[place(self.base.wrapping_add(offset)) / 64].count_ones())
            .sum()
    }

    /// Takes out a level that is `offset` keys or more after `base`, or says there is none.
    pub(crate) fn take_from(&mut self, offset: u64) -> Option<(u64, u32)> {
        if offset >= self.span {
            return None;
        }
        let (key, level) = self.first_from(self.base + offset)?;
        self.remove(key);
        Some((key, level))
    }

    /// Covers `base..base + span` from now on. All levels here must be in there.
    pub(crate) fn cover(&mut self, base: u64, span: u64) {
        debug_assert!(base.is_multiple_of(64) && span <= WIDTH && base <= 0_u64.wrapping_sub(WIDTH));
        self.base = base;
        self.span = span;
    }
}
