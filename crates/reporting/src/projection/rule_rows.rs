//! Rows of a reporting rule on their way into its table: what the component declared, in DuckDB's memory.

use std::collections::HashMap;

use super::staged::Waiting;
use crate::rule::{RuleColumnKind, RuleTable, RuleValue};
use crate::table::Kind;
use crate::table::vector::{Cell as _, Moment, Vector};

/// Rows of one table. Of those with the same key, the last.
#[derive(Debug, Default)]
pub struct RuleRows {
    columns: Vec<(String, RuleColumnKind)>,
    key: usize,
    rows: Vec<Vec<RuleValue>>,
    places: HashMap<Vec<u8>, usize>,
}

impl RuleRows {
    /// None yet.
    pub fn new(table: &RuleTable) -> Self {
        let columns = table.columns.iter().map(|column| (column.name.clone(), column.kind)).collect();
        Self { columns, key: table.key, ..Self::default() }
    }

    /// Adds a row, in the place of the one with the same key.
    pub fn put(&mut self, row: Vec<RuleValue>) {
        if self.key == 0 {
            self.rows.push(row);
            return;
        }
        match self.places.entry(key(&row[..self.key])) {
            std::collections::hash_map::Entry::Occupied(place) => self.rows[*place.get()] = row,
            std::collections::hash_map::Entry::Vacant(place) => {
                place.insert(self.rows.len());
                self.rows.push(row);
            }
        }
    }

    /// The rows.
    pub fn into_rows(self) -> impl Iterator<Item = Vec<RuleValue>> {
        self.rows.into_iter()
    }
}

/// Values as bytes: the same bytes for what DuckDB calls equal, and for no others.
fn key(values: &[RuleValue]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(values.len() * 9);
    for value in values {
        match value {
            RuleValue::Null => bytes.push(0),
            RuleValue::Int64(number) => {
                bytes.push(1);
                bytes.extend(number.to_le_bytes());
            }
            RuleValue::Text(text) => {
                bytes.push(2);
                bytes.extend((text.len() as u64).to_le_bytes());
                bytes.extend(text.as_bytes());
            }
            RuleValue::Float64(number) => {
                bytes.push(3);
                // There is one zero and one not-a-number among keys.
                let number = if number.is_nan() { f64::NAN } else { number + 0.0 };
                bytes.extend(number.to_bits().to_le_bytes());
            }
            RuleValue::Boolean(truth) => bytes.extend([4, u8::from(*truth)]),
        }
    }
    bytes
}

fn text(value: &RuleValue) -> Option<&str> {
    match value {
        RuleValue::Text(text) => Some(text),
        _ => None,
    }
}

/// The SQL type of a column.
pub fn kind(kind: RuleColumnKind) -> Kind {
    match kind {
        RuleColumnKind::Int64 => Kind::Bigint,
        RuleColumnKind::Text => Kind::Text,
        RuleColumnKind::Timestamp => Kind::Timestamp,
        RuleColumnKind::Float64 => Kind::Double,
        RuleColumnKind::Boolean => Kind::Boolean,
    }
}

impl Waiting for RuleRows {
    fn columns(&self) -> Vec<(String, Kind)> {
        self.columns.iter().map(|(name, of)| (name.clone(), kind(*of))).collect()
    }

    fn len(&self) -> usize {
        self.rows.len()
    }

    fn fill(&self, column: usize, vector: &mut Vector<'_>, first: usize, count: usize) {
        let values = self.rows[first..first + count].iter().map(|row| &row[column]);
        let number = |value: &RuleValue| match value {
            RuleValue::Int64(number) => Some(*number),
            _ => None,
        };
        match self.columns[column].1 {
            RuleColumnKind::Int64 => Option::<i64>::fill(vector, values.map(number)),
            RuleColumnKind::Timestamp => {
                Option::<Moment>::fill(vector, values.map(|value| number(value).map(Moment)));
            }
            RuleColumnKind::Text => {
                Option::<&str>::fill(vector, values.map(text));
            }
            RuleColumnKind::Float64 => {
                let number = |value: &RuleValue| match value {
                    RuleValue::Float64(number) => Some(*number),
                    _ => None,
                };
                Option::<f64>::fill(vector, values.map(number));
            }
            RuleColumnKind::Boolean => {
                let truth = |value: &RuleValue| match value {
                    RuleValue::Boolean(truth) => Some(*truth),
                    _ => None,
                };
                Option::<bool>::fill(vector, values.map(truth));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rule::RuleColumn;

    #[test]
    fn the_last_row_of_a_key_stays_in_the_place_of_the_first() {
        let column = |name: &str| RuleColumn {
            name: name.to_owned(),
            kind: RuleColumnKind::Float64,
            comment: String::new(),
        };
        let table = RuleTable { name: "t".to_owned(), columns: vec![column("a"), column("b")], key: 1 };
        let row = |a: f64, b: f64| vec![RuleValue::Float64(a), RuleValue::Float64(b)];
        let mut rows = RuleRows::new(&table);
        for (a, b) in [(0.0, 1.0), (f64::NAN, 2.0), (-0.0, 3.0), (-f64::NAN, 4.0), (1.0, 5.0)] {
            rows.put(row(a, b));
        }
        let found: Vec<&RuleValue> = rows.rows.iter().map(|row| &row[1]).collect();
        assert_eq!(found, [&RuleValue::Float64(3.0), &RuleValue::Float64(4.0), &RuleValue::Float64(5.0)]);
        let mut added = RuleRows::new(&RuleTable { key: 0, ..table });
        added.put(row(1.0, 1.0));
        added.put(row(1.0, 1.0));
        assert_eq!(added.len(), 2);
    }
}
