//! For tests of reporting rules: events by the line, and the table they come to.

use super::{Event, EventKind, Row, Rule, process};
use alloc::collections::BTreeMap;
use alloc::vec::Vec;

/// An event with everything 0, at sequence and time `at`.
pub fn event(kind: EventKind, at: u32) -> Event {
    Event {
        sequence: u64::from(at),
        time: i64::from(at),
        kind,
        sell: false,
        account: 0,
        instrument: 1,
        order_id: 0,
        price: 0,
        quantity: 0,
        notional: 0,
        trade_id: 0,
        maker_account: 0,
        maker_order_id: 0,
        reason: 0,
    }
}

/// The table that a rule makes of these events: by key, or in the order in which rows were added.
///
/// Runs the rule several times, over batches of different sizes, and panics if that shows in the table.
pub fn table<R: Rule>(rule: &R, events: &[Event]) -> Vec<Row> {
    let whole = in_batches(rule, events, events.len().max(1));
    for size in [1, 2, 3, 7] {
        assert!(whole == in_batches(rule, events, size), "batches of {size} events show in the rows");
    }
    whole
}

fn in_batches<R: Rule>(rule: &R, events: &[Event], size: usize) -> Vec<Row> {
    let key = R::TABLE.key as usize;
    let (mut state, mut added, mut keyed) = (Vec::new(), Vec::new(), BTreeMap::new());
    for batch in events.chunks(size) {
        let (next, rows) = process(rule, &state, batch);
        state = next;
        for row in rows {
            if key == 0 {
                added.push(row);
            } else {
                keyed.insert(row[..key].to_vec(), row);
            }
        }
    }
    if key == 0 { added } else { keyed.into_values().collect() }
}
