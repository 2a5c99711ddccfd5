//! An in-memory file system that records, loses, tears, reorders and fails, for crash tests.

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
}
