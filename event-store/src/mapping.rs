//! Shared memory over a file, and the exclusive right to the part of it that nobody has been shown yet. All
//! pointer arithmetic of the crate is in this module and in [`crate::publish`].
//!
//! **Architecture invariant:** a mapping never reaches past the end of its file. Lengths are checked before
//! mapping, and segments are fully allocated before they are mapped, so touching a mapping cannot raise SIGBUS
//! unless another program shortens the file while it is open.

use std::ops::Range;
use std::ptr::NonNull;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering};

use crate::format::BLOCK_HEADER_BYTES;
use crate::publish::LengthWord;

/// What keeps the memory of a mapping alive, and what wants to hear of changes to it.
pub trait Backing: Send + Sync {
    /// The memory. It begins on a page boundary, is valid, and stays where it is while `self` lives.
    fn memory(&self) -> NonNull<[u8]>;

    /// Sets up every page for writing ahead of use, where that means something.
    fn populate(&self) {}

    /// Called after each change. A real mapping has nothing to do: the kernel knows. Only a recording one cares.
    fn wrote(&self, _range: Range<usize>) {}
}

struct Mmap(memmap2::MmapRaw);

impl Backing for Mmap {
    fn memory(&self) -> NonNull<[u8]> {
        let base = NonNull::new(self.0.as_mut_ptr()).expect("mmap never returns address zero");
        NonNull::slice_from_raw_parts(base, self.0.len())
    }

    fn populate(&self) {
        // Failing is not an error: see `Mapping::populate`.
        #[cfg(target_os = "linux")]
        let _ = self.0.advise(memmap2::Advice::PopulateWrite);
    }
}

/// A file mapped into memory, shared with every other process that maps it.
///
/// Three kinds of bytes live in it, and each has its own way in:
/// - words that several threads or processes use at once (watermarks, block lengths, chain hashes): atomics only;
/// - bytes of published blocks: never change again, handed out as `&[u8]` by [`crate::publish::BlockCursor`];
/// - bytes nobody has been shown: owned by the one [`Tail`].
pub struct Mapping {
    base: NonNull<u8>,
    len: usize,
    writable: bool,
    /// Whether a [`Tail`] of this mapping exists.
    claimed: AtomicBool,
    /// Present only if somebody wants to hear of writes, so that the hot path tests one pointer at most.
    #[cfg(feature = "fault-injection")]
    recorder: Option<Arc<dyn Backing>>,
    /// Dropped last: unmaps.
    backing: Arc<dyn Backing>,
}

// SAFETY: the memory stays valid and in place while `backing` lives, whichever thread holds the mapping, and
// every access goes through atomics, published (immutable) bytes or the single `Tail`, as described above.
unsafe impl Send for Mapping {}
// SAFETY: as for `Send`: no access through `&Mapping` is an unsynchronised write.
unsafe impl Sync for Mapping {}

impl std::fmt::Debug for Mapping {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mapping")
            .field("len", &self.len)
            .field("writable", &self.writable)
            .finish_non_exhaustive()
    }
}

impl Mapping {
    /// Wraps a memory map of `len` bytes of a file.
    pub(crate) fn from_mmap(map: memmap2::MmapRaw, writable: bool) -> Self {
        let backing: Arc<dyn Backing> = Arc::new(Mmap(map));
        Self {
            base: backing.memory().cast(),
            len: backing.memory().len(),
            writable,
            claimed: AtomicBool::new(false),
            #[cfg(feature = "fault-injection")]
            recorder: None,
            backing,
        }
    }

    /// Wraps memory that is not a mapped file and wants to hear of every write.
    #[cfg(feature = "fault-injection")]
    pub(crate) fn from_backing(backing: Arc<dyn Backing>, writable: bool) -> Self {
        Self {
            base: backing.memory().cast(),
            len: backing.memory().len(),
            writable,
            claimed: AtomicBool::new(false),
            recorder: Some(Arc::clone(&backing)),
            backing,
        }
    }

    /// Size in bytes.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether the mapping is empty. It never is.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Tells a recording backing that these bytes changed. Compiles to nothing in a release.
    #[inline]
    #[cfg_attr(
        not(feature = "fault-injection"),
        expect(clippy::unused_self, reason = "only a recorder listens")
    )]
    pub(crate) fn wrote(&self, range: Range<usize>) {
        #[cfg(feature = "fault-injection")]
        if let Some(recorder) = &self.recorder {
            recorder.wrote(range);
        }
        #[cfg(not(feature = "fault-injection"))]
        let _ = range;
    }

    /// A shared 64-bit word.
    ///
    /// # Panics
    /// If the word is not aligned or not inside the mapping.
    #[inline]
    pub(crate) fn word(&self, offset: usize) -> &AtomicU64 {
        assert!(offset.is_multiple_of(8) && offset + 8 <= self.len, "word {offset} outside the mapping");
        // SAFETY: in bounds and aligned (the base is page-aligned); valid while `self` is borrowed; a word is
        // only ever accessed atomically while shared. Read-only mappings are only loaded from: see `store`.
        unsafe { AtomicU64::from_ptr(self.base.as_ptr().add(offset).cast()) }
    }

    /// The length word of the block that begins, or will begin, at `offset`.
    ///
    /// # Panics
    /// If the word is not aligned or not inside the mapping.
    #[inline]
    pub(crate) fn length_word(&self, offset: usize) -> LengthWord<'_> {
        assert!(offset.is_multiple_of(4) && offset + 4 <= self.len, "length {offset} outside the mapping");
        // SAFETY: as for `word`.
        LengthWord::new(unsafe { AtomicU32::from_ptr(self.base.as_ptr().add(offset).cast()) })
    }

    /// Stores bytes in a region that is shared as words: each word whole, in no particular order.
    ///
    /// # Panics
    /// If the region is not made of whole words.
    pub(crate) fn store_words(&self, offset: usize, bytes: &[u8]) {
        assert!(self.writable && bytes.len().is_multiple_of(8), "not whole words of a writable mapping");
        for (index, word) in bytes.chunks_exact(8).enumerate() {
            let value = u64::from_ne_bytes(word.try_into().expect("chunks_exact(8) yields 8 bytes"));
            self.word(offset + 8 * index).store(value, Ordering::Relaxed);
        }
        self.wrote(offset..offset + bytes.len());
    }

    /// Copies bytes out of a region that is shared as words.
    ///
    /// # Panics
    /// If the region is not made of whole words.
    pub(crate) fn load_words(&self, offset: usize, into: &mut [u8]) {
        assert!(into.len().is_multiple_of(8), "not whole words");
        for (index, word) in into.chunks_exact_mut(8).enumerate() {
            word.copy_from_slice(&self.word(offset + 8 * index).load(Ordering::Relaxed).to_ne_bytes());
        }
    }

    /// The first word in `range` that is not zero, as an offset in the file. Reads atomically: the bytes may belong to
    /// a writer that is just starting.
    ///
    /// # Panics
    /// If the range is not made of whole words inside the mapping.
    pub(crate) fn first_nonzero(&self, range: Range<usize>) -> Option<usize> {
        assert!(range.start.is_multiple_of(8) && range.end.is_multiple_of(8), "not whole words");
        range.step_by(8).find(|&offset| self.word(offset).load(Ordering::Relaxed) != 0)
    }

    /// Asks the kernel to set up every page for writing now rather than on first touch. A kernel that cannot
    /// leaves the pages to be set up one by one, which is slower and otherwise the same.
    pub(crate) fn populate(&self) {
        self.backing.populate();
    }

    /// Published bytes, by address.
    ///
    /// # Safety
    /// The range must lie within a block whose length was read, with Acquire, as not zero, and outside its chain
    /// field; nobody changes those bytes again while the mapping lives.
    #[inline]
    pub(crate) unsafe fn published(&self, range: Range<usize>) -> &[u8] {
        assert!(range.start <= range.end && range.end <= self.len, "published bytes outside the mapping");
        // SAFETY: in bounds as just checked; immutable by the caller's promise.
        unsafe { std::slice::from_raw_parts(self.base.as_ptr().add(range.start), range.end - range.start) }
    }
}

/// A mapping of a file that nobody changes any more.
#[derive(Debug)]
pub(crate) struct Frozen(Mapping);

impl Frozen {
    /// Takes over a mapping of a finished file, made for reading only.
    ///
    /// # Panics
    /// If the mapping can be written to.
    pub fn new(mapping: Mapping) -> Self {
        assert!(!mapping.writable, "frozen bytes are not written");
        Self(mapping)
    }

    /// What is in it.
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        // SAFETY: all of the mapping, read-only, of a file that got its name when it was finished and is never opened for
        // writing again: the same trust as in segments that nobody else shortens.
        unsafe { self.0.published(0..self.0.len()) }
    }
}

/// The exclusive right to the bytes of a segment that no reader has been shown: from the end of the last
/// published block to the end mark. There is at most one per mapping, and one writer per store holds it.
#[derive(Debug)]
pub(crate) struct Tail {
    mapping: Arc<Mapping>,
    start: usize,
    end: usize,
    /// Whether the claim has been given up.
    released: bool,
}

impl Drop for Tail {
    fn drop(&mut self) {
        self.release();
    }
}

impl Tail {
    /// Claims `start..end`, all of it unpublished.
    ///
    /// # Panics
    /// If the range is not inside the mapping, the mapping is read-only, or its tail is already claimed.
    pub fn claim(mapping: Arc<Mapping>, start: usize, end: usize) -> Self {
        assert!(
            mapping.writable && start <= end && end <= mapping.len(),
            "tail {start}..{end} outside the mapping"
        );
        let taken = mapping.claimed.swap(true, Ordering::AcqRel);
        assert!(!taken, "a segment has one tail");
        Self { mapping, start, end, released: false }
    }

    /// Gives up what is left: the tail becomes empty and another may be claimed.
    pub fn release(&mut self) {
        self.end = self.start;
        if !std::mem::replace(&mut self.released, true) {
            self.mapping.claimed.store(false, Ordering::Release);
        }
    }

    /// Bytes left.
    #[inline]
    pub fn remaining(&self) -> usize {
        self.end - self.start
    }

    /// Unpublished bytes; `range` counts from the start of the tail.
    #[inline]
    pub fn bytes(&self, range: Range<usize>) -> &[u8] {
        let at = self.check(&range);
        // SAFETY: in bounds (`check`); only this tail may write them, and it is borrowed.
        unsafe { std::slice::from_raw_parts(self.mapping.base.as_ptr().add(at), range.end - range.start) }
    }

    /// Unpublished bytes to write to; `range` counts from the start of the tail. Say [`Tail::wrote`] afterwards.
    #[inline]
    pub fn bytes_mut(&mut self, range: Range<usize>) -> &mut [u8] {
        let at = self.check(&range);
        // SAFETY: in bounds (`check`); nobody else reads or writes unpublished bytes (other readers look only at
        // the length word at the very start, atomically, and callers leave it to `publish`), and the
        // tail is exclusively borrowed.
        unsafe { std::slice::from_raw_parts_mut(self.mapping.base.as_ptr().add(at), range.end - range.start) }
    }

    /// Reports bytes as changed; `range` counts from the start of the tail.
    #[inline]
    pub fn wrote(&self, range: Range<usize>) {
        self.mapping.wrote(self.start + range.start..self.start + range.end);
    }

    /// Shows the block at the start of the tail to the world and moves past it.
    ///
    /// # Panics
    /// If the block is longer than the tail.
    #[inline]
    pub fn publish(&mut self, length: u32) {
        let bytes = length as usize;
        assert!(bytes >= BLOCK_HEADER_BYTES && bytes <= self.remaining(), "a block of {bytes} bytes");
        self.mapping.length_word(self.start).publish(length);
        self.mapping.wrote(self.start..self.start + 4);
        self.start += bytes;
    }

    #[inline]
    fn check(&self, range: &Range<usize>) -> usize {
        assert!(range.start <= range.end && range.end <= self.end - self.start, "bytes outside the tail");
        self.start + range.start
    }
}
