//! The five ways to run one scenario. All of them must print the same.

use std::fmt;
use std::str::FromStr;

/// How a scenario is run.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Default)]
pub enum Mode {
    /// As an exchange runs.
    #[default]
    Live,
    /// Crash after every command, and recover from the log.
    Restart,
    /// Take a snapshot after every command, crash, and recover from it.
    Snapshot,
    /// On the naive book, which is obviously right.
    Naive,
    /// As an exchange runs; then every command of the log is run again and every event compared, bit for bit.
    Reexecute,
}

/// A text that names no [`Mode`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a mode: expected one of live restart snapshot naive reexecute")]
pub struct UnknownMode;

impl Mode {
    /// Every mode.
    pub const ALL: [Self; 5] = [Self::Live, Self::Restart, Self::Snapshot, Self::Naive, Self::Reexecute];

    /// The word for it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Live => "live",
            Self::Restart => "restart",
            Self::Snapshot => "snapshot",
            Self::Naive => "naive",
            Self::Reexecute => "reexecute",
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Mode {
    type Err = UnknownMode;
    fn from_str(word: &str) -> Result<Self, UnknownMode> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == word).ok_or(UnknownMode)
    }
}
