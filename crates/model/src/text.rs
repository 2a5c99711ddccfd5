//! Short names held inline: symbols, account names and client order ids, as fixed-width zero-padded ASCII, so that
//! a record that carries one stays flat and a comparison is a few word compares.

use rkyv::{Archive, Deserialize, Serialize};
use std::fmt;

/// Why a text cannot be a name here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TextError {
    /// An empty name names nothing.
    #[error("a name must not be empty")]
    Empty,
    /// The name is longer than its record has room for.
    #[error("a name of {len} bytes is longer than the {max} allowed")]
    TooLong {
        /// Bytes in the name that was given.
        len: usize,
        /// Bytes there is room for.
        max: usize,
    },
    /// Names are printable ASCII without spaces, so that every protocol can carry them unchanged.
    #[error(
        "a name holds the byte {byte:#04x} at position {at}: only printable ASCII without spaces is allowed"
    )]
    BadByte {
        /// The offending byte.
        byte: u8,
        /// Its position, from 0.
        at: usize,
    },
}

/// Up to `N` bytes of printable ASCII without spaces, zero-padded. All zeros is "no name".
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Archive, Serialize, Deserialize)]
#[repr(transparent)]
pub struct Text<const N: usize>([u8; N]);

/// An instrument's symbol, such as `AAPL`. At most 16 bytes.
pub type Symbol = Text<16>;
/// The code of something an account can own: a currency such as `USD`, or an instrument's symbol.
pub type AssetCode = Text<16>;
/// An account's name. At most 32 bytes.
pub type AccountName = Text<32>;
/// A trading calendar's name, such as `XNYS`; empty when the operator alone moves the phases.
pub type CalendarName = Text<16>;

fn check(bytes: &[u8], max: usize) -> Result<(), TextError> {
    if bytes.is_empty() {
        return Err(TextError::Empty);
    }
    if bytes.len() > max {
        return Err(TextError::TooLong { len: bytes.len(), max });
    }
    match bytes.iter().position(|byte| !byte.is_ascii_graphic()) {
        Some(at) => Err(TextError::BadByte { byte: bytes[at], at }),
        None => Ok(()),
    }
}

impl<const N: usize> Text<N> {
    /// No name.
    pub const EMPTY: Self = Self([0; N]);

    /// Takes a name, or says what is wrong with it.
    pub fn new(name: &str) -> Result<Self, TextError> {
        check(name.as_bytes(), N)?;
        let mut bytes = [0; N];
        bytes[..name.len()].copy_from_slice(name.as_bytes());
        Ok(Self(bytes))
    }

    /// Whether this is "no name".
    pub fn is_empty(&self) -> bool {
        self.0[0] == 0
    }

    /// The name, without its padding.
    pub fn as_str(&self) -> &str {
        let len = self.0.iter().position(|&byte| byte == 0).unwrap_or(N);
        // A log written by another program could hold anything; show it as empty rather than panic.
        std::str::from_utf8(&self.0[..len]).unwrap_or("")
    }

    /// The padded bytes.
    pub const fn as_bytes(&self) -> &[u8; N] {
        &self.0
    }
}

impl<const N: usize> Default for Text<N> {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl<const N: usize> std::str::FromStr for Text<N> {
    type Err = TextError;
    fn from_str(name: &str) -> Result<Self, TextError> {
        Self::new(name)
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.as_str())
    }
}

/// A client's own name for an order (FIX tag 11, `ClOrdID`), unique per account within a trading day.
///
/// 24 bytes: up to 23 bytes of printable ASCII, or a lower-case hyphenated UUID (36 characters) packed into its
/// 16 bytes and marked by [`ClOrdId::UUID_MARK`] in the last byte, which text can never reach.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Archive, Serialize, Deserialize)]
#[repr(transparent)]
pub struct ClOrdId([u8; 24]);

impl ClOrdId {
    /// No id.
    pub const EMPTY: Self = Self([0; 24]);
    /// The longest id that is not a UUID, in bytes.
    pub const MAX_TEXT: usize = 23;
    const UUID_MARK: u8 = 0xff;
    const UUID_HYPHENS: [usize; 4] = [8, 13, 18, 23];

    /// Takes an id, or says what is wrong with it.
    pub fn new(id: &str) -> Result<Self, TextError> {
        if let Some(uuid) = Self::pack_uuid(id.as_bytes()) {
            return Ok(uuid);
        }
        check(id.as_bytes(), Self::MAX_TEXT)?;
        let mut bytes = [0; 24];
        bytes[..id.len()].copy_from_slice(id.as_bytes());
        Ok(Self(bytes))
    }

    /// Whether this is "no id".
    pub fn is_empty(&self) -> bool {
        *self == Self::EMPTY
    }

    /// The 24 bytes as they are in a record.
    pub const fn as_bytes(&self) -> &[u8; 24] {
        &self.0
    }

    fn pack_uuid(text: &[u8]) -> Option<Self> {
        if text.len() != 36 {
            return None;
        }
        let mut bytes = [0; 24];
        let mut nibbles = 0;
        for (at, &byte) in text.iter().enumerate() {
            if Self::UUID_HYPHENS.contains(&at) {
                if byte != b'-' {
                    return None;
                }
                continue;
            }
            let nibble = match byte {
                b'0'..=b'9' => byte - b'0',
                b'a'..=b'f' => byte - b'a' + 10,
                // Upper case would not come back as it was sent, so it is not taken as a UUID.
                _ => return None,
            };
            bytes[nibbles / 2] |= nibble << (4 * (1 - nibbles % 2));
            nibbles += 1;
        }
        bytes[23] = Self::UUID_MARK;
        Some(Self(bytes))
    }
}

impl Default for ClOrdId {
    fn default() -> Self {
        Self::EMPTY
    }
}

impl std::str::FromStr for ClOrdId {
    type Err = TextError;
    fn from_str(id: &str) -> Result<Self, TextError> {
        Self::new(id)
    }
}

impl fmt::Display for ClOrdId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0[23] == Self::UUID_MARK {
            for (at, byte) in self.0[..16].iter().enumerate() {
                if matches!(at, 4 | 6 | 8 | 10) {
                    f.write_str("-")?;
                }
                write!(f, "{byte:02x}")?;
            }
            return Ok(());
        }
        let len = self.0.iter().position(|&byte| byte == 0).unwrap_or(Self::MAX_TEXT);
        f.pad(std::str::from_utf8(&self.0[..len]).unwrap_or(""))
    }
}

impl fmt::Debug for ClOrdId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_come_back_as_they_were_sent() {
        for id in ["a", "c1", "12345678901234567890123", "0190a5f2-7c11-7def-8123-456789abcdef"] {
            assert_eq!(ClOrdId::new(id).unwrap().to_string(), id);
        }
    }

    #[test]
    fn bad_names_say_what_is_wrong() {
        assert_eq!(Symbol::new(""), Err(TextError::Empty));
        assert_eq!(Symbol::new("A B"), Err(TextError::BadByte { byte: b' ', at: 1 }));
        assert_eq!(Symbol::new("ABCDEFGHIJKLMNOPQ"), Err(TextError::TooLong { len: 17, max: 16 }));
        assert_eq!(
            ClOrdId::new("0190A5F2-7C11-7DEF-8123-456789ABCDEF"),
            Err(TextError::TooLong { len: 36, max: 23 })
        );
    }
}
