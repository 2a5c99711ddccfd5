//! A file system in memory that can crash. It records every write, mapped stores included, and every sync; from the
//! record, [`Replay`] makes the disk as a crash at any point may have left it: writes since the last sync lost,
//! kept, torn at sector boundaries or out of order, names that were not synced missing. It can also fail any call.
//!
//! For tests of this crate and of crates built on it. `tests/crash.rs` is the harness.

mod memory;
mod replay;

pub use memory::{CallFault, FaultFs};
pub use replay::{Loss, Replay, Rng, SECTOR_BYTES};

/// A deliberate defect, to prove that the tests would notice it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Sabotage {
    /// No defect.
    #[default]
    None,
    /// Moves the durable mark before the sync.
    AcknowledgeBeforeSync,
    /// Accepts blocks in recovery whatever their checksum.
    SkipChecksum,
    /// Recovers as if no durable mark had been written.
    IgnoreMark,
    /// Leaves what follows the last good block in place.
    KeepTornTail,
    /// Uses a new segment before the control file knows of it for good.
    ForgetSegments,
}
