//! How a block becomes visible: its length word is stored last, with Release; whoever loads it, with Acquire, and
//! finds it not zero may read the whole block, which never changes again. Watermarks work the same way.
//!
//! The types here are built on [`crate::sync`], so that the loom model in `tests/loom.rs` explores this very code.

use crate::sync::{AtomicU32, AtomicU64, Ordering};

/// The first word of a block. Zero: not there yet.
#[derive(Debug, Clone, Copy)]
pub struct LengthWord<'a>(&'a AtomicU32);

impl<'a> LengthWord<'a> {
    /// Uses `word` as a length word.
    #[inline]
    pub fn new(word: &'a AtomicU32) -> Self {
        Self(word)
    }

    /// Makes everything the caller wrote before visible to whoever sees the length.
    #[inline]
    pub fn publish(self, length: u32) {
        debug_assert_ne!(length, 0);
        // The file is little-endian; on the machines this runs on `to_le` is nothing.
        self.0.store(length.to_le(), Ordering::Release);
    }

    /// The length, if the block is there.
    #[inline]
    pub fn load(self) -> Option<u32> {
        match u32::from_le(self.0.load(Ordering::Acquire)) {
            0 => None,
            length => Some(length),
        }
    }
}

/// A sequence number up to which something holds. Only grows while a writer is open.
#[derive(Debug, Clone, Copy)]
pub struct WatermarkWord<'a>(&'a AtomicU64);

impl<'a> WatermarkWord<'a> {
    /// Uses `word` as a watermark.
    #[inline]
    pub fn new(word: &'a AtomicU64) -> Self {
        Self(word)
    }

    /// Moves the mark. Whoever sees it sees everything the caller did before.
    #[inline]
    pub fn publish(self, sequence: u64) {
        self.0.store(sequence.to_le(), Ordering::Release);
    }

    /// The mark.
    #[inline]
    pub fn load(self) -> u64 {
        u64::from_le(self.0.load(Ordering::Acquire))
    }
}

#[cfg(not(loom))]
pub(crate) use cursor::{BlockCursor, Peek, Published, Sealed};

#[cfg(not(loom))]
mod cursor {
    use std::sync::Arc;

    use crate::checksum::ChainHash;
    use crate::control::{CHAINED, load};
    use crate::format::{BLOCK_HEADER_BYTES, BlockHeader, CHAIN_OFFSET, SEGMENT_HEADER_BYTES, seal_offset};
    use crate::mapping::Mapping;

    /// Walks the published blocks of one segment. Its offset starts at the first block and moves only by lengths
    /// that were read from published blocks, so it always stands where a block begins or will begin.
    #[derive(Debug, Clone)]
    pub(crate) struct BlockCursor {
        mapping: Arc<Mapping>,
        offset: usize,
    }

    /// A published block: its bytes do not change again, save the chain field.
    #[derive(Debug, Clone, Copy)]
    pub(crate) struct Published<'a> {
        mapping: &'a Mapping,
        pub offset: usize,
        /// The 96 bytes before the chain field.
        pub header: &'a [u8],
        /// Everything after the header.
        pub records: &'a [u8],
    }

    /// What stands at a cursor.
    #[derive(Debug, Clone, Copy)]
    pub(crate) enum Peek<'a> {
        Nothing,
        Block(Published<'a>),
        /// The length word cannot be right.
        BadLength(u32),
    }

    impl BlockCursor {
        pub fn first(mapping: Arc<Mapping>) -> Self {
            Self { mapping, offset: SEGMENT_HEADER_BYTES }
        }

        #[inline]
        pub fn offset(&self) -> usize {
            self.offset
        }

        /// The block at the cursor, if it has been published.
        #[inline]
        pub fn peek(&self) -> Peek<'_> {
            let end = seal_offset(self.mapping.len());
            if self.offset >= end {
                return Peek::Nothing;
            }
            peek_at(&self.mapping, self.offset, end)
        }

        /// The end mark of the segment, if it has been published.
        pub fn seal(&self) -> Peek<'_> {
            peek_at(&self.mapping, seal_offset(self.mapping.len()), self.mapping.len())
        }

        /// Moves past the block at the cursor, which must have been peeked at, and returns it.
        ///
        /// # Panics
        /// If there is no block at the cursor.
        #[inline]
        pub fn advance(&mut self) -> Published<'_> {
            let start = self.offset;
            let end = seal_offset(self.mapping.len());
            let Peek::Block(block) = peek_at(&self.mapping, start, end) else {
                panic!("no block at {start}")
            };
            self.offset = start + block.length();
            block
        }
    }

    #[inline]
    fn peek_at(mapping: &Mapping, offset: usize, end: usize) -> Peek<'_> {
        let Some(length) = mapping.length_word(offset).load() else { return Peek::Nothing };
        let bytes = length as usize;
        if bytes < BLOCK_HEADER_BYTES || !bytes.is_multiple_of(16) || bytes > end - offset {
            return Peek::BadLength(length);
        }
        // SAFETY: the length was just loaded with Acquire and is not zero; both ranges lie inside the block and
        // leave out the chain field. The writer stores the word once, after the bytes, and never again.
        let (header, records) = unsafe {
            (
                mapping.published(offset..offset + CHAIN_OFFSET),
                mapping.published(offset + BLOCK_HEADER_BYTES..offset + bytes),
            )
        };
        Peek::Block(Published { mapping, offset, header, records })
    }

    /// The part of a segment from its header to an end up to which every byte is final, chain fields included: what is asked of
    /// it need not stand where a walk would have come to.
    #[derive(Debug, Clone)]
    pub(crate) struct Sealed {
        mapping: Arc<Mapping>,
        end: usize,
    }

    impl Sealed {
        /// The whole segment and its end mark, if it has one and the chain is filled in up to it. `control` is the control file.
        pub fn of(mapping: Arc<Mapping>, control: &Mapping) -> Option<(Self, BlockHeader)> {
            let end = seal_offset(mapping.len());
            let Peek::Block(seal) = peek_at(&mapping, end, mapping.len()) else {
                return None;
            };
            let seal = seal.decode();
            let is_final = load(control, CHAINED) >= seal.last_sequence();
            is_final.then_some((Self { mapping, end }, seal))
        }

        /// The segment up to where a walk stands, `last_sequence` being the last record before it, if the chain is filled in so far.
        pub fn before(cursor: &BlockCursor, last_sequence: u64, control: &Mapping) -> Option<Self> {
            let is_final = load(control, CHAINED) >= last_sequence;
            is_final.then(|| Self { mapping: Arc::clone(&cursor.mapping), end: cursor.offset })
        }

        /// The block that may begin at an offset.
        pub fn block_at(&self, offset: usize) -> Peek<'_> {
            if !(SEGMENT_HEADER_BYTES..self.end).contains(&offset) {
                return Peek::Nothing;
            }
            peek_at(&self.mapping, offset, self.end)
        }
    }

    impl Published<'_> {
        #[inline]
        pub fn length(&self) -> usize {
            BLOCK_HEADER_BYTES + self.records.len()
        }

        #[inline]
        pub fn decode(&self) -> BlockHeader {
            BlockHeader::decode(self.header)
        }

        /// The chain field as it is now: meaningful once the block is at or below the `chained` mark.
        pub fn chain(&self) -> ChainHash {
            let mut hash = [0; 32];
            self.mapping.load_words(self.offset + CHAIN_OFFSET, &mut hash);
            hash
        }

        /// Fills the chain field. Only the flusher does, once.
        pub fn set_chain(&self, hash: &ChainHash) {
            self.mapping.store_words(self.offset + CHAIN_OFFSET, hash);
        }
    }
}
