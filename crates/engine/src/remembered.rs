//! The client order ids used this trading day: what makes a repeated submission a duplicate.
//!
//! An open-addressing table of 16-byte cells, at most two thirds full: at most 24 bytes for each id it may remember. A cell is the
//! 96-bit keyed fingerprint (`SipHash`) of account and id above the 32-bit slot its order had. An id whose order works is
//! compared exactly, with the order table; a slot that holds another order by now marks an id that is used up. Two ids
//! that are not equal share a fingerprint once in 10^29 pairs: at a billion ids a day, once in some 400 million years.
//!
//! Robin Hood placement with ties broken by fingerprint: cells stand sorted along every run, so that a search for an
//! unused id, which is what nearly every new order asks, ends early; and the layout depends on the contents alone, not
//! on their history, so the table is its own canonical encoding.

use model::{AccountId, ClOrdId};
use siphasher::sip128::SipHasher13;

/// Fixed, because the table is part of the state and the state is a function of the log alone.
const KEY: (u64, u64) = (0x6f75_7463_7279_2e6f, 0x7264_6572_2e69_6473);

/// The bits of a cell below its fingerprint.
const SLOT_BITS: u32 = 32;

/// A fingerprint in the place it has in a cell, with no slot.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(crate) struct Fingerprint(u128);

impl Fingerprint {
    #[inline]
    pub fn of(account: AccountId, id: &ClOrdId) -> Self {
        let mut bytes = [0; 28];
        bytes[..24].copy_from_slice(id.as_bytes());
        bytes[24..].copy_from_slice(&account.0.to_le_bytes());
        let hash = SipHasher13::new_with_keys(KEY.0, KEY.1).hash(&bytes).as_u128();
        Self(hash >> SLOT_BITS << SLOT_BITS)
    }
}

/// The client order ids used this trading day.
#[derive(Clone, Debug, Default)]
pub(crate) struct Remembered {
    /// Empty until the first id; a cell is zero when vacant, else fingerprint and slot + 1.
    cells: Vec<u128>,
    len: u64,
    /// Whether nothing is remembered at all.
    is_off: bool,
}

/// The slot in a cell that is not vacant.
#[expect(clippy::cast_possible_truncation, reason = "the low 32 bits of a cell are its slot")]
const fn slot_of(cell: u128) -> u32 {
    cell as u32 - 1
}

impl Remembered {
    /// How many cells make a table for so many ids at most two thirds full.
    fn cells_for(max_order_ids: u64) -> usize {
        // Always one vacant cell, at which a search ends.
        usize::try_from((max_order_ids + max_order_ids / 2).max(2)).expect("bounded by ORDER_IDS_CEILING")
    }

    /// How many ids are remembered.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// The bytes the table takes.
    #[cfg(test)]
    pub fn memory_bytes(&self) -> usize {
        self.cells.capacity() * size_of::<u128>()
    }

    /// Where a cell would stand if nothing stood in its way.
    #[inline]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a product shifted by 64 is below the number of cells"
    )]
    fn home(&self, cell: u128) -> usize {
        (((cell >> 64) * self.cells.len() as u128) >> 64) as usize
    }

    /// How far from its home the cell at a place stands.
    #[inline]
    fn distance(&self, cell: u128, at: usize) -> usize {
        let home = self.home(cell);
        if at >= home { at - home } else { at + self.cells.len() - home }
    }

    #[inline]
    fn after(&self, at: usize) -> usize {
        if at + 1 == self.cells.len() { 0 } else { at + 1 }
    }

    /// Looks where an id would stand, so that finding it soon after is quick. What it returns means nothing.
    #[inline]
    #[expect(clippy::cast_possible_truncation, reason = "any bits will do")]
    pub fn touch(&self, id: Fingerprint) -> u64 {
        if self.cells.is_empty() { 0 } else { self.cells[self.home(id.0)] as u64 }
    }

    /// The slot that the order of an id had when the id was used; `None` for an id that was not.
    #[inline]
    pub fn find(&self, id: Fingerprint) -> Option<u32> {
        if self.cells.is_empty() {
            return None;
        }
        let mut at = self.home(id.0);
        let mut distance = 0;
        loop {
            let cell = self.cells[at];
            if cell == 0 {
                return None;
            }
            let fingerprint = cell >> SLOT_BITS << SLOT_BITS;
            if fingerprint == id.0 {
                return Some(slot_of(cell));
            }
            // Cells of one home stand in the order of their fingerprints, and nobody stands before one who is further
            // from home: past its place, an id is not there.
            let theirs = self.distance(cell, at);
            if theirs < distance || theirs == distance && fingerprint > id.0 {
                return None;
            }
            at = self.after(at);
            distance += 1;
        }
    }

    /// Remembers an id that [`Remembered::find`] did not find, in a table for `max_order_ids`.
    #[inline]
    pub fn insert(&mut self, id: Fingerprint, slot: u32, max_order_ids: u64) {
        if self.is_off {
            return;
        }
        assert!(self.len < max_order_ids, "an id is accepted only while there is room");
        if self.cells.is_empty() {
            self.cells = vec![0; Self::cells_for(max_order_ids)];
        }
        self.len += 1;
        let mut cell = id.0 | u128::from(slot + 1);
        let mut at = self.home(cell);
        let mut distance = 0;
        loop {
            let resident = self.cells[at];
            if resident == 0 {
                self.cells[at] = cell;
                return;
            }
            let theirs = self.distance(resident, at);
            if theirs < distance || theirs == distance && resident > cell {
                self.cells[at] = cell;
                cell = resident;
                distance = theirs;
            }
            at = self.after(at);
            distance += 1;
        }
    }

    /// Forgets everything. A new table rather than a cleared one: fresh pages cost nothing until they are used.
    pub fn clear(&mut self) {
        *self = Self { is_off: self.is_off, ..Self::default() };
    }

    /// Forgets everything, and remembers nothing from now on.
    pub fn switch_off(&mut self) {
        *self = Self { is_off: true, ..Self::default() };
    }

    /// The cells in use, by place.
    pub fn cells(&self) -> impl Iterator<Item = u128> + '_ {
        self.cells.iter().copied().filter(|&cell| cell != 0)
    }

    /// Puts a cell in place, when a snapshot is read. Says whether it is one and was not there before.
    pub fn restore(&mut self, cell: u128, max_order_ids: u64) -> bool {
        let id = Fingerprint(cell >> SLOT_BITS << SLOT_BITS);
        if cell == id.0 || self.len >= max_order_ids || self.find(id).is_some() {
            return false;
        }
        self.insert(id, slot_of(cell), max_order_ids);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn numbered(number: u32) -> Fingerprint {
        Fingerprint::of(AccountId(3), &ClOrdId::new(&format!("order-{number}")).unwrap())
    }

    #[test]
    fn a_full_table_takes_24_bytes_an_id() {
        const IDS: u32 = 100_000;
        let mut table = Remembered::default();
        assert_eq!(table.memory_bytes(), 0, "nothing is taken before the first id");
        for number in 0..IDS {
            assert_eq!(table.find(numbered(number)), None);
            table.insert(numbered(number), number % 1000, u64::from(IDS));
        }
        assert_eq!(table.len(), u64::from(IDS));
        assert!(table.memory_bytes() <= 24 * IDS as usize, "{}", table.memory_bytes());
        for number in 0..IDS {
            assert_eq!(table.find(numbered(number)), Some(number % 1000));
            assert_eq!(table.find(numbered(IDS + number)), None);
        }
    }

    #[test]
    #[should_panic(expected = "only while there is room")]
    fn a_full_table_takes_no_more() {
        let mut table = Remembered::default();
        (0..9).for_each(|number| table.insert(numbered(number), 0, 8));
    }

    #[test]
    fn switched_off_it_takes_no_memory() {
        let mut table = Remembered::default();
        table.insert(numbered(1), 0, 8);
        table.switch_off();
        (0..100).for_each(|number| table.insert(numbered(number), 0, 8));
        table.clear();
        table.insert(numbered(2), 0, 8);
        assert_eq!((table.memory_bytes(), table.len(), table.find(numbered(2))), (0, 0, None));
    }

    #[test]
    fn accounts_do_not_share_ids() {
        let id = ClOrdId::new("a1").unwrap();
        assert_ne!(Fingerprint::of(AccountId(1), &id), Fingerprint::of(AccountId(2), &id));
        assert_ne!(Fingerprint::of(AccountId(1), &id), Fingerprint::of(AccountId(1), &ClOrdId::EMPTY));
    }

    proptest! {
        /// The layout depends on the contents alone, and everything in it is found, also when fingerprints crowd around the
        /// end of the table.
        #[test]
        fn any_order_gives_the_same_table(
            ids in prop::collection::btree_map(
                prop_oneof![any::<u128>(), (0u128..9).prop_map(|low| u128::MAX - (low << SLOT_BITS))],
                0u32..9,
                1..40,
            ),
            shuffle in any::<u128>(),
        ) {
            let cells: std::collections::BTreeMap<_, _> =
                ids.into_iter().map(|(id, slot)| (Fingerprint(id >> SLOT_BITS << SLOT_BITS), slot)).collect();
            let room = cells.len() as u64;
            let mut first = Remembered::default();
            for (&id, &slot) in &cells {
                first.insert(id, slot, room);
            }
            let mut shuffled: Vec<_> = cells.iter().collect();
            shuffled.sort_by_key(|(id, _)| id.0 ^ shuffle);
            let mut second = Remembered::default();
            for (&id, &slot) in shuffled {
                second.insert(id, slot, room);
            }
            prop_assert_eq!(&first.cells, &second.cells);
            for (id, slot) in cells {
                prop_assert_eq!(first.find(id), Some(slot));
            }
            let mut restored = Remembered::default();
            prop_assert!(first.cells().all(|cell| restored.restore(cell, room)));
            prop_assert_eq!(&first.cells, &restored.cells);
        }
    }
}
