//! Text of at most 16 bytes as the contract carries it: two words, little-endian, padded with zeros.

use core::fmt;

/// An instrument's symbol, or another short text. At most 16 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Symbol([u8; 16]);

impl Symbol {
    /// Takes a text; what is beyond 16 bytes is cut off.
    pub const fn new(text: &str) -> Self {
        let text = text.as_bytes();
        let mut bytes = [0; 16];
        let mut at = 0;
        while at < text.len() && at < 16 {
            bytes[at] = text[at];
            at += 1;
        }
        Self(bytes)
    }

    /// Reads the two words of the contract.
    pub const fn from_words(low: u64, high: u64) -> Self {
        Self((low as u128 | (high as u128) << 64).to_le_bytes())
    }

    /// The two words of the contract.
    pub const fn to_words(self) -> [u64; 2] {
        let bits = u128::from_le_bytes(self.0);
        #[expect(clippy::cast_possible_truncation, reason = "the low and the high half")]
        [bits as u64, (bits >> 64) as u64]
    }

    /// The text. Empty if it is not UTF-8, which the exchange never sends.
    pub fn as_str(&self) -> &str {
        let end = self.0.iter().position(|&byte| byte == 0).unwrap_or(16);
        core::str::from_utf8(&self.0[..end]).unwrap_or_default()
    }
}

impl fmt::Debug for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_little_endian_bytes_padded_with_zeros() {
        let symbol = Symbol::new("AAPL");
        assert_eq!(symbol.to_words(), [0x4C50_4141, 0]);
        assert_eq!(Symbol::from_words(0x4C50_4141, 0), symbol);
        assert_eq!(symbol.as_str(), "AAPL");
        assert_eq!(Symbol::new("exactly-16-bytes").as_str(), "exactly-16-bytes");
        assert_eq!(Symbol::default().as_str(), "");
    }
}
