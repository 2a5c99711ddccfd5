//! The levels far from the touch: an ordered map of any keys, made of small sorted chunks.
//!
//! A directory names each chunk's first key; a chunk holds up to 32 levels. Everything is O(log n) to find and
//! moves at most one chunk and, when a chunk splits or ends, the directory. Chunks are pooled, so a steady state
//! allocates nothing, which rules out the standard library's `BTreeMap`.

/// Levels in a chunk at most.
const CHUNK: usize = 32;
/// Two neighbours that hold no more than this together become one.
const MERGE: usize = CHUNK / 2;

#[derive(Clone, Debug)]
struct Chunk {
    keys: [u64; CHUNK],
    levels: [u32; CHUNK],
    len: usize,
}

impl Chunk {
    const EMPTY: Self = Self { keys: [0; CHUNK], levels: [0; CHUNK], len: 0 };

    fn keys(&self) -> &[u64] {
        &self.keys[..self.len]
    }

    fn insert(&mut self, at: usize, key: u64, level: u32) {
        self.keys.copy_within(at..self.len, at + 1);
        self.levels.copy_within(at..self.len, at + 1);
        self.keys[at] = key;
        self.levels[at] = level;
        self.len += 1;
    }

    fn remove(&mut self, at: usize) {
        self.keys.copy_within(at + 1..self.len, at);
        self.levels.copy_within(at + 1..self.len, at);
        self.len -= 1;
    }

    fn append(&mut self, other: &Self) {
        self.keys[self.len..self.len + other.len].copy_from_slice(other.keys());
        self.levels[self.len..self.len + other.len].copy_from_slice(&other.levels[..other.len]);
        self.len += other.len;
    }

    /// Cuts off the upper half.
    fn split(&mut self) -> Self {
        let mut upper = Self::EMPTY;
        let half = self.len / 2;
        upper.len = self.len - half;
        upper.keys[..upper.len].copy_from_slice(&self.keys[half..self.len]);
        upper.levels[..upper.len].copy_from_slice(&self.levels[half..self.len]);
        self.len = half;
        upper
    }
}

/// A chunk in order.
#[derive(Clone, Copy, Debug)]
struct Entry {
    first: u64,
    chunk: u32,
}

/// An ordered map from keys to levels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Far {
    /// By `first`; no chunk is empty.
    directory: Vec<Entry>,
    chunks: Vec<Chunk>,
    /// Chunks not in the directory.
    free: Vec<u32>,
}

impl Far {
    /// Bytes allocated.
    pub(crate) fn memory_bytes(&self) -> usize {
        self.directory.capacity() * size_of::<Entry>()
            + self.chunks.capacity() * size_of::<Chunk>()
            + self.free.capacity() * size_of::<u32>()
    }

    fn chunk(&self, at: usize) -> &Chunk {
        &self.chunks[self.directory[at].chunk as usize]
    }

    fn chunk_mut(&mut self, at: usize) -> &mut Chunk {
        &mut self.chunks[self.directory[at].chunk as usize]
    }

    /// The chunk in which a key is, or would be. There must be one.
    fn locate(&self, key: u64) -> usize {
        self.directory.partition_point(|entry| entry.first <= key).saturating_sub(1)
    }

    /// The level at a key.
    pub(crate) fn find(&self, key: u64) -> Option<u32> {
        if self.directory.is_empty() {
            return None;
        }
        let chunk = self.chunk(self.locate(key));
        let at = chunk.keys().binary_search(&key).ok()?;
        Some(chunk.levels[at])
    }

    /// The first level at `key` or after it.
    pub(crate) fn first_from(&self, key: u64) -> Option<(u64, u32)> {
        self.iter_from(key).next()
    }

    /// The first level.
    pub(crate) fn first(&self) -> Option<(u64, u32)> {
        let chunk = &self.chunks[self.directory.first()?.chunk as usize];
        Some((chunk.keys[0], chunk.levels[0]))
    }

    /// All levels at `key` and after it, in order.
    pub(crate) fn iter_from(&self, key: u64) -> impl Iterator<Item = (u64, u32)> + '_ {
        let start = self.locate(key);
        let skip = match self.directory.get(start) {
            Some(_) => self.chunk(start).keys().partition_point(|&other| other < key),
            None => 0,
        };
        self.directory[start..]
            .iter()
            .flat_map(|entry| {
                let chunk = &self.chunks[entry.chunk as usize];
                chunk.keys().iter().copied().zip(chunk.levels)
            })
            .skip(skip)
    }

    /// Adds a level at a key that has none.
    pub(crate) fn insert(&mut self, key: u64, level: u32) {
        if self.directory.is_empty() {
            self.add_chunk(0, Chunk::EMPTY);
        }
        let mut at = self.locate(key);
        if self.chunk(at).len == CHUNK {
            let upper = self.chunk_mut(at).split();
            let first = upper.keys[0];
            self.add_chunk(at + 1, upper);
            if key >= first {
                at += 1;
            }
        }
        let chunk = self.chunk_mut(at);
        let place = chunk.keys().partition_point(|&other| other < key);
        chunk.insert(place, key, level);
        self.directory[at].first = self.chunk(at).keys[0];
    }

    /// Takes out the level at a key. There must be one.
    pub(crate) fn remove(&mut self, key: u64) {
        let at = self.locate(key);
        let chunk = self.chunk_mut(at);
        let place = chunk.keys().binary_search(&key).expect("a far level is in the far map");
        chunk.remove(place);
        let left = chunk.len;
        if left == 0 {
            self.drop_chunk(at);
            return;
        }
        self.directory[at].first = self.chunk(at).keys[0];
        if at + 1 < self.directory.len() && left + self.chunk(at + 1).len <= MERGE {
            self.merge_with_next(at);
        } else if at > 0 && left + self.chunk(at - 1).len <= MERGE {
            self.merge_with_next(at - 1);
        }
    }

    fn merge_with_next(&mut self, at: usize) {
        let upper = self.chunk(at + 1).clone();
        self.chunk_mut(at).append(&upper);
        self.drop_chunk(at + 1);
    }

    fn add_chunk(&mut self, at: usize, chunk: Chunk) {
        let first = chunk.keys[0];
        let place = if let Some(place) = self.free.pop() {
            self.chunks[place as usize] = chunk;
            place
        } else {
            // By an eighth, as the nodes.
            if self.chunks.len() == self.chunks.capacity() {
                self.chunks.reserve_exact((self.chunks.len() / 8).max(4));
            }
            self.chunks.push(chunk);
            u32::try_from(self.chunks.len() - 1).expect("fewer chunks than nodes")
        };
        self.directory.insert(at, Entry { first, chunk: place });
    }

    fn drop_chunk(&mut self, at: usize) {
        let entry = self.directory.remove(at);
        self.free.push(entry.chunk);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;
    use std::collections::btree_map::Entry;

    /// Xorshift: the tests' only randomness.
    fn next(seed: &mut u64) -> u64 {
        *seed ^= *seed << 13;
        *seed ^= *seed >> 7;
        *seed ^= *seed << 17;
        *seed
    }

    #[test]
    fn it_is_an_ordered_map() {
        let mut far = Far::default();
        let mut map = BTreeMap::new();
        let mut seed = 42;
        // Grows to hundreds of levels, shrinks to none, and again.
        for round in 0..20_000_u32 {
            let key = next(&mut seed) % 1_000;
            let growing = round / 2_000 % 2 == 0;
            match map.entry(key) {
                Entry::Occupied(entry) if !growing || round % 3 == 0 => {
                    far.remove(key);
                    entry.remove();
                }
                Entry::Vacant(entry) if growing => {
                    far.insert(key, round);
                    entry.insert(round);
                }
                _ => {}
            }
            let probe = next(&mut seed) % 1_100;
            assert_eq!(far.find(probe), map.get(&probe).copied());
            assert_eq!(far.first(), map.iter().next().map(|(&key, &level)| (key, level)));
            assert_eq!(far.first_from(probe), map.range(probe..).next().map(|(&key, &level)| (key, level)));
            if round % 64 == 0 {
                assert!(far.iter_from(0).eq(map.iter().map(|(&key, &level)| (key, level))));
                assert!(far.iter_from(probe).eq(map.range(probe..).map(|(&key, &level)| (key, level))));
            }
        }
    }

    #[test]
    fn few_levels_do_not_hold_many_chunks() {
        let mut far = Far::default();
        for key in 0..10_000 {
            far.insert(key, 0);
        }
        // One level of each chunk stays: neighbours must merge.
        for key in (0..10_000).filter(|key| key % 16 != 0) {
            far.remove(key);
        }
        let left = far.iter_from(0).count();
        assert_eq!(left, 625);
        assert!(far.directory.len() <= left * 2 / MERGE + 1, "{} chunks for {left}", far.directory.len());
    }
}
