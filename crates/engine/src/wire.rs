//! Little-endian integers in and out of a snapshot's bytes.

use crate::snapshot::SnapshotError;
use model::Record;

/// Appends to a snapshot.
pub(crate) struct Writer<'a>(pub &'a mut Vec<u8>);

impl Writer<'_> {
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    pub fn u8(&mut self, number: u8) {
        self.0.push(number);
    }

    pub fn u32(&mut self, number: u32) {
        self.bytes(&number.to_le_bytes());
    }

    pub fn u64(&mut self, number: u64) {
        self.bytes(&number.to_le_bytes());
    }

    pub fn i64(&mut self, number: i64) {
        self.bytes(&number.to_le_bytes());
    }

    pub fn u128(&mut self, number: u128) {
        self.bytes(&number.to_le_bytes());
    }

    /// How many of something follow.
    pub fn count(&mut self, count: usize) {
        self.u32(u32::try_from(count).expect("every table is bounded by 32 bits"));
    }

    /// A record as it is in the log.
    pub fn record<R: Record>(&mut self, record: &R) {
        let from = self.0.len();
        self.0.resize(from + R::SIZE, 0);
        record.encode(&mut self.0[from..]);
    }
}

/// Reads a snapshot from its beginning.
pub(crate) struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

/// Room for the largest record, aligned as records must be to be read.
#[repr(align(16))]
struct Aligned([u8; 640]);

impl<'a> Reader<'a> {
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    pub fn bytes(&mut self, len: usize) -> Result<&'a [u8], SnapshotError> {
        let truncated = SnapshotError::Truncated { at: self.at, wanted: len };
        let bytes = self.at.checked_add(len).and_then(|end| self.bytes.get(self.at..end)).ok_or(truncated)?;
        self.at += len;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], SnapshotError> {
        let mut array = [0; N];
        array.copy_from_slice(self.bytes(N)?);
        Ok(array)
    }

    pub fn u8(&mut self) -> Result<u8, SnapshotError> {
        Ok(self.array::<1>()?[0])
    }

    pub fn u32(&mut self) -> Result<u32, SnapshotError> {
        self.array().map(u32::from_le_bytes)
    }

    pub fn u64(&mut self) -> Result<u64, SnapshotError> {
        self.array().map(u64::from_le_bytes)
    }

    pub fn i64(&mut self) -> Result<i64, SnapshotError> {
        self.array().map(i64::from_le_bytes)
    }

    pub fn u128(&mut self) -> Result<u128, SnapshotError> {
        self.array().map(u128::from_le_bytes)
    }

    /// How many of something of at least `size` bytes follow. More than the rest has room for is an error here and now, so
    /// that a damaged count cannot ask for all memory.
    pub fn count(&mut self, size: usize) -> Result<usize, SnapshotError> {
        let count = self.u32()? as usize;
        let wanted = count.saturating_mul(size);
        if wanted > self.bytes.len() - self.at {
            return Err(SnapshotError::Truncated { at: self.at, wanted });
        }
        Ok(count)
    }

    /// A record as it is in the log.
    pub fn record<R: Record>(&mut self) -> Result<R, SnapshotError> {
        let at = self.at;
        let mut aligned = Aligned([0; 640]);
        let bytes = &mut aligned.0[..R::SIZE];
        bytes.copy_from_slice(self.bytes(R::SIZE)?);
        R::decode(R::VERSION, bytes).map_err(|_| SnapshotError::Malformed { what: "record", at })
    }

    /// An error about what was just read.
    pub fn malformed(&self, what: &'static str) -> SnapshotError {
        SnapshotError::Malformed { what, at: self.at }
    }

    /// Refuses bytes after the end.
    pub fn finish(self) -> Result<(), SnapshotError> {
        if self.at == self.bytes.len() { Ok(()) } else { Err(self.malformed("end")) }
    }
}
