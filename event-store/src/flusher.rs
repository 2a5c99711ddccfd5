//! The flusher: chains the hashes of new blocks, syncs them to the disk, many at a time, and moves `durable` and
//! `committed`. An agent to be polled, or a thread of its own.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::checksum::ChainHash;
use crate::control::{CHAINED, COMMITTED, DURABLE, WRITTEN};
use crate::error::{Damage, Error};
use crate::publish::{BlockCursor, Peek};
use crate::segment::{Mark, Segment};
use crate::shared::Shared;
use crate::walk::chain_of;
use crate::watermarks::Watermarks;

/// After this long without work the flusher records, with one more sync, that the last block is durable. While
/// there is work the mark rides along with the next block's sync.
const SETTLE_AFTER: Duration = Duration::from_millis(50);

/// Makes what the writer wrote durable. There is one per writer.
#[derive(Debug)]
pub struct Flusher {
    pub(crate) shared: Arc<Shared>,
    pub(crate) segment: Arc<Segment>,
    pub(crate) cursor: BlockCursor,
    pub(crate) chain: ChainHash,
    /// The last record whose block carries its hash.
    pub(crate) chained: u64,
    /// The last record on the disk.
    pub(crate) durable: u64,
    /// The mark as it stands in a segment header.
    pub(crate) mark: Mark,
    /// Whether blocks are synced, and `durable` moves.
    pub(crate) sync: bool,
    /// Whether `committed` follows `durable`.
    pub(crate) commit_on_durable: bool,
    /// Since when there has been nothing to do.
    pub(crate) idle_since: Option<Instant>,
    #[cfg(feature = "fault-injection")]
    pub(crate) sabotage: crate::fault::Sabotage,
}

/// How a flusher thread waits for work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FlusherWait {
    /// How often it looks, yielding the processor in between, before it goes to sleep.
    pub spins: u32,
}

impl Default for FlusherWait {
    fn default() -> Self {
        Self { spins: 32 }
    }
}

impl Flusher {
    /// Makes everything written so far durable and returns the number of blocks that was. Never waits for work;
    /// with [`crate::Durability::Fsync`] it does wait for the disk.
    ///
    /// # Errors
    /// [`Error::SyncFailed`]: the store has stopped and this error comes back for ever.
    pub fn poll(&mut self) -> Result<usize, Error> {
        self.shared.check()?;
        let target = self.shared.control.load(WRITTEN);
        if target == self.chained {
            self.idle()?;
            return Ok(0);
        }
        self.idle_since = None;
        #[cfg(feature = "fault-injection")]
        if self.sabotage == crate::fault::Sabotage::AcknowledgeBeforeSync {
            self.acknowledge(target);
        }
        let blocks = self.chain_to(target)?;
        self.shared.control.publish(CHAINED, self.chained);
        if self.sync {
            self.sync_segment()?;
            self.acknowledge(self.chained);
        } else {
            self.shared.progress.notify();
        }
        Ok(blocks)
    }

    /// Whether everything written is as safe as the settings ask for.
    pub fn is_caught_up(&self) -> bool {
        self.shared.control.load(WRITTEN) == self.chained
    }

    /// Fills in the hashes of the blocks up to `target`, crossing into new segments as the writer did. A segment is
    /// on the disk, end mark included, before anything of the next one counts.
    fn chain_to(&mut self, target: u64) -> Result<usize, Error> {
        let mut blocks = 0;
        while self.chained < target {
            match self.cursor.peek() {
                Peek::Block(block) => {
                    self.chain = chain_of(&block, &self.chain);
                    block.set_chain(&self.chain);
                    self.chained = block.decode().last_sequence();
                    self.cursor.advance();
                    blocks += 1;
                }
                Peek::Nothing => self.next_segment()?,
                Peek::BadLength(found) => return Err(self.overwritten(Damage::Length { found })),
            }
        }
        Ok(blocks)
    }

    fn next_segment(&mut self) -> Result<(), Error> {
        let Peek::Block(seal) = self.cursor.seal() else { return Err(self.overwritten(Damage::Missing)) };
        self.chain = chain_of(&seal, &self.chain);
        seal.set_chain(&self.chain);
        // Also when syncing is left to the operating system: a finished segment is worth a sync off the hot path,
        // and recovery then knows what of the log cannot be a torn tail.
        self.sync_segment()?;
        self.durable = self.chained;
        self.shared.control.publish(DURABLE, self.durable);
        let next = self.shared.next_rolled().ok_or_else(|| self.overwritten(Damage::Seal))?;
        self.cursor = BlockCursor::first(Arc::clone(&next.mapping));
        self.segment = next;
        Ok(())
    }

    /// Syncs the current segment. The mark of what was durable before goes with it.
    fn sync_segment(&mut self) -> Result<(), Error> {
        self.write_mark();
        self.segment.sync().map_err(|error| self.shared.halt_on_sync_failure(error))
    }

    fn write_mark(&mut self) {
        if self.mark.sequence != self.durable {
            self.mark = Mark { turn: self.mark.turn + 1, sequence: self.durable };
        }
        // Again even if unchanged: the segment may have been begun since.
        self.segment.set_mark(self.mark);
    }

    fn acknowledge(&mut self, sequence: u64) {
        self.durable = sequence;
        self.shared.control.publish(DURABLE, sequence);
        if self.commit_on_durable {
            self.shared.control.publish(COMMITTED, sequence);
        }
        self.shared.progress.notify();
    }

    fn idle(&mut self) -> Result<(), Error> {
        if !self.sync || self.mark.sequence == self.durable {
            return Ok(());
        }
        let since = *self.idle_since.get_or_insert_with(Instant::now);
        if since.elapsed() >= SETTLE_AFTER { self.settle() } else { Ok(()) }
    }

    /// Records permanently that everything durable is durable, so that recovery can tell later damage to it from a
    /// torn tail. [`Flusher::poll`] does so by itself after 50 ms without work.
    ///
    /// # Errors
    /// [`Error::SyncFailed`].
    pub fn settle(&mut self) -> Result<(), Error> {
        self.shared.check()?;
        if self.sync && self.mark.sequence != self.durable {
            self.sync_segment()?;
        }
        Ok(())
    }

    /// Makes everything durable now, whatever the setting: one sync, also under [`crate::Durability::Os`].
    ///
    /// # Errors
    /// [`Error::SyncFailed`].
    pub fn sync_now(&mut self) -> Result<(), Error> {
        self.poll()?;
        if self.durable != self.chained {
            self.sync_segment()?;
            self.durable = self.chained;
            self.shared.control.publish(DURABLE, self.durable);
            self.shared.progress.notify();
        }
        if self.mark.sequence != self.durable {
            self.sync_segment()?;
        }
        Ok(())
    }

    /// Ends the store properly: everything written becomes durable, also under [`crate::Durability::Os`], and the
    /// control file says so. Drop the [`crate::Writer`] first; otherwise what it writes afterwards is as after a
    /// crash.
    ///
    /// # Errors
    /// [`Error::SyncFailed`].
    pub fn close(mut self) -> Result<(), Error> {
        while self.poll()? > 0 {}
        // The writer may have begun a segment and nothing in it.
        while matches!((self.cursor.peek(), self.cursor.seal()), (Peek::Nothing, Peek::Block(_))) {
            self.next_segment()?;
        }
        self.sync_now()?;
        if self.shared.closed.load(Ordering::Acquire) && self.is_caught_up() {
            let last_sequence = self.chained;
            let committed = self.shared.control.load(COMMITTED);
            let recorded = self.shared.control.update(true, |state| {
                state.clean = true;
                state.last_sequence = last_sequence;
                state.committed = committed;
            });
            recorded.map_err(|error| self.shared.halt_on_sync_failure(error))?;
        }
        Ok(())
    }

    /// Runs the flusher in a thread of its own, until the writer is dropped.
    ///
    /// # Errors
    /// [`Error::Io`] if the thread cannot be started.
    pub fn spawn(self, wait: FlusherWait) -> Result<FlusherThread, Error> {
        let watermarks = Watermarks::new(Arc::clone(&self.shared));
        let dir = self.shared.dir.clone();
        let thread = std::thread::Builder::new()
            .name("flusher".to_owned())
            .spawn(move || self.run(wait))
            .map_err(|e| Error::io("start a flusher thread for", &dir, e))?;
        Ok(FlusherThread { thread, watermarks })
    }

    fn run(mut self, wait: FlusherWait) -> Result<(), Error> {
        let mut spins = 0;
        loop {
            if self.poll()? > 0 {
                spins = 0;
            } else if self.shared.closed.load(Ordering::Acquire) && self.is_caught_up() {
                return self.close();
            } else if spins < wait.spins {
                spins += 1;
                std::thread::yield_now();
            } else {
                self.sleep();
            }
        }
    }

    /// Sleeps until there is work; wakes once more to settle.
    pub fn sleep(&self) {
        let settled = !self.sync || self.mark.sequence == self.durable;
        let timeout = if settled { Duration::MAX } else { SETTLE_AFTER };
        let shared = &self.shared;
        shared.work.wait_until(timeout, || {
            !self.is_caught_up() || shared.closed.load(Ordering::Acquire) || shared.halted()
        });
    }

    /// The bytes the writer published are not there: only another program writing to the file does that.
    #[cold]
    fn overwritten(&self, damage: Damage) -> Error {
        Error::Corruption {
            dir: self.shared.dir.clone(),
            path: self.segment.path.clone(),
            segment: self.segment.number,
            offset: self.cursor.offset() as u64,
            first_sequence: self.chained + 1,
            last_sequence: self.shared.control.load(WRITTEN),
            damage,
        }
    }
}

/// A flusher at work in its own thread.
#[derive(Debug)]
pub struct FlusherThread {
    thread: JoinHandle<Result<(), Error>>,
    watermarks: Watermarks,
}

impl FlusherThread {
    /// Waits until the flusher has finished: drop the [`crate::Writer`] first.
    ///
    /// # Errors
    /// What stopped the flusher, if not the end of the writer.
    ///
    /// # Panics
    /// If the flusher did.
    pub fn join(self) -> Result<(), Error> {
        match self.thread.join() {
            Ok(result) => result,
            Err(panic) => std::panic::resume_unwind(panic),
        }
    }

    /// A handle to the watermarks.
    pub fn watermarks(&self) -> &Watermarks {
        &self.watermarks
    }
}
