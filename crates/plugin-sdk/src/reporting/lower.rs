//! Tables and reports as the canonical ABI lays them out in the memory of a component: pointers are 32 bits, records have
//! their fields in order, a variant has its case in the first byte and its payload at 8.

use super::{Row, Table, Value};
use alloc::boxed::Box;
use alloc::vec::Vec;

/// A list or a text: where, and how many.
#[repr(C)]
pub struct Slice {
    pointer: *const u8,
    length: usize,
}

impl Slice {
    fn of<T>(items: &[T]) -> Self {
        Self { pointer: items.as_ptr().cast(), length: items.len() }
    }

    /// The items back.
    ///
    /// # Safety
    /// It was made of a leaked box of `T`, and nobody holds it.
    unsafe fn take<T>(&self) -> Box<[T]> {
        let items = core::ptr::slice_from_raw_parts_mut(self.pointer.cast::<T>().cast_mut(), self.length);
        // SAFETY: as this function's.
        unsafe { Box::from_raw(items) }
    }
}

#[repr(C)]
pub struct LoweredColumn {
    name: Slice,
    kind: u8,
    comment: Slice,
}

#[repr(C)]
pub struct LoweredTable {
    name: Slice,
    columns: Slice,
    key: u32,
}

#[repr(C)]
pub union Payload {
    int64: i64,
    float64: f64,
    boolean: bool,
    text: core::mem::ManuallyDrop<Slice>,
}

#[repr(C)]
pub struct LoweredValue {
    case: u8,
    payload: Payload,
}

#[repr(C)]
pub struct LoweredReport {
    state: Slice,
    rows: Slice,
}

// On 64-bit targets, where tests run, pointers are wider; these hold where it counts.
#[cfg(target_arch = "wasm32")]
const _: () = assert!(
    size_of::<LoweredColumn>() == 20
        && size_of::<LoweredTable>() == 20
        && size_of::<LoweredReport>() == 16
        && size_of::<LoweredValue>() == 16
        && core::mem::offset_of!(LoweredValue, payload) == 8
);

/// A table, for ever.
pub fn table(table: &Table) -> *const LoweredTable {
    let columns: Vec<LoweredColumn> = table
        .columns
        .iter()
        .map(|column| LoweredColumn {
            name: Slice::of(column.name.as_bytes()),
            kind: column.kind as u8,
            comment: Slice::of(column.comment.as_bytes()),
        })
        .collect();
    let columns = Slice::of(columns.leak());
    Box::leak(Box::new(LoweredTable { name: Slice::of(table.name.as_bytes()), columns, key: table.key }))
}

fn value(value: Value) -> LoweredValue {
    let case = value.number();
    let payload = match value {
        Value::Null => Payload { int64: 0 },
        Value::Int64(int64) => Payload { int64 },
        Value::Float64(float64) => Payload { float64 },
        Value::Boolean(boolean) => Payload { boolean },
        Value::Text(text) => {
            let text = Slice::of(Box::leak(text.into_boxed_str()).as_bytes());
            Payload { text: core::mem::ManuallyDrop::new(text) }
        }
    };
    LoweredValue { case, payload }
}

/// A report, until [`free_report`].
pub fn report(state: Vec<u8>, rows: Vec<Row>) -> *mut LoweredReport {
    let rows: Vec<Slice> = rows
        .into_iter()
        .map(|row| Slice::of(Box::leak(row.into_iter().map(value).collect::<Vec<_>>().into_boxed_slice())))
        .collect();
    let state = Slice::of(Box::leak(state.into_boxed_slice()));
    let rows = Slice::of(Box::leak(rows.into_boxed_slice()));
    Box::into_raw(Box::new(LoweredReport { state, rows }))
}

/// Frees a report with everything in it.
///
/// # Safety
/// It is what [`report`] returned, and nobody holds it any more.
pub unsafe fn free_report(report: *mut LoweredReport) {
    const TEXT: u8 = 2;
    // SAFETY: as this function's; each slice was made above of a leaked box of this type.
    unsafe {
        let report = Box::from_raw(report);
        drop(report.state.take::<u8>());
        for row in report.rows.take::<Slice>() {
            for value in row.take::<LoweredValue>() {
                if value.case == TEXT {
                    drop(value.payload.text.take::<u8>());
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reporting::Column;
    use crate::row;

    #[test]
    fn a_report_is_freed_whole() {
        // Run under Miri or a leak checker this shows more; here it shows that every slice is read back as it was made.
        const TABLE: Table = Table { name: "t", key: 1, columns: &[Column::int("a", "b")] };
        let lowered_table = table(&TABLE);
        // SAFETY: it lives for ever.
        unsafe { assert_eq!(((*lowered_table).columns.length, (*lowered_table).key), (1, 1)) };
        let lowered = report(alloc::vec![1, 2, 3], alloc::vec![row![1, "text", true], row![0.5], row![]]);
        // SAFETY: `report` made it.
        unsafe {
            assert_eq!(((*lowered).state.length, (*lowered).rows.length), (3, 3));
            free_report(lowered);
        }
    }
}
