//! The last 534 bytes of a DuckDB extension: what it is, for which machine, and which functions of DuckDB it needs. DuckDB reads
//! them before it loads anything. The shape is that of DuckDB's own `append_extension_metadata.py`: a custom section of
//! WebAssembly, so that extensions of that kind carry it too; then eight fields, the last first; then room for a signature.
//!
//! `xtask` builds this file too: it uses nothing but the standard library.

/// What DuckDB calls the machine.
pub const PLATFORM: &str = if cfg!(target_arch = "aarch64") { "linux_arm64" } else { "linux_amd64" };
/// The extension finds DuckDB's functions in a table that it is handed. This version of the table is what it needs: DuckDB
/// promises to keep it.
pub const API_VERSION: &str = "v1.2.0";

/// How DuckDB's functions are handed over.
const ABI: &str = "C_STRUCT";
/// Marks an extension.
const MAGIC: &str = "4";
/// Id 0 and length 531 of the section, its name after the name's length, and the length 512 of what follows.
const SECTION: &[u8; 22] = b"\x00\x93\x04\x10duckdb_signature\x80\x04";
const FIELD: usize = 32;
const SIGNATURE: usize = 256;
/// Bytes of the whole.
const LENGTH: usize = SECTION.len() + 8 * FIELD + SIGNATURE;

/// The footer of this extension at a version such as `v0.1.0`. It is not signed: DuckDB's makers sign only what they build.
pub fn footer(version: &str) -> Vec<u8> {
    let mut bytes = SECTION.to_vec();
    for text in ["", "", "", ABI, version, API_VERSION, PLATFORM, MAGIC] {
        let field = text.len().min(FIELD);
        bytes.extend_from_slice(&text.as_bytes()[..field]);
        bytes.resize(bytes.len() + FIELD - field, 0);
    }
    bytes.resize(LENGTH, 0);
    bytes
}

/// The version in the footer of an extension that this machine's DuckDB loads; `None` where there is no such footer.
pub fn version(extension: &[u8]) -> Option<&str> {
    let (_, found) = extension.split_last_chunk::<LENGTH>()?;
    let at = SECTION.len() + 4 * FIELD;
    let version = std::str::from_utf8(&found[at..at + FIELD]).ok()?.trim_end_matches('\0');
    (found[..] == footer(version)).then_some(version)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Field 1 is the last of eight.
    fn field(footer: &[u8], number: usize) -> &str {
        let at = footer.len() - SIGNATURE - number * FIELD;
        std::str::from_utf8(&footer[at..at + FIELD]).unwrap().trim_end_matches('\0')
    }

    #[test]
    fn duckdb_finds_its_fields() {
        let footer = footer("v1.2.3");
        assert_eq!(footer.len(), 534);
        assert_eq!(&footer[4..20], b"duckdb_signature");
        let fields: Vec<&str> = (1..=8).map(|number| field(&footer, number)).collect();
        assert_eq!(fields, ["4", PLATFORM, "v1.2.0", "v1.2.3", "C_STRUCT", "", "", ""]);
        assert_eq!(footer[534 - 256..], [0; 256]);
    }

    #[test]
    fn a_footer_is_known_by_every_byte() {
        let mut extension = vec![7; 1000];
        assert_eq!(version(&extension), None);
        assert_eq!(version(&extension[..20]), None);
        extension.extend(footer("v0.1.0"));
        assert_eq!(version(&extension), Some("v0.1.0"));
        for at in 1000..extension.len() {
            let mut damaged = extension.clone();
            damaged[at] ^= 0x80;
            assert_eq!(version(&damaged), None, "byte {at}");
        }
    }
}
