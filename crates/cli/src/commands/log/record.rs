//! One record of the log as people and programs see it.

use crate::ui::{Failure, Paint, Ui};
use gateway::api::Time;
use model::{Command, Decimal, DecodeError, Event, FieldValue, KIND_EVENT_FIRST, RecordKind, Timestamp};
use serde::Serialize;
use serde_json::{Map, Value};
use std::fmt::Write as _;
use std::str::FromStr;

/// A record, decoded.
#[derive(Debug, Serialize)]
pub struct Shown {
    /// Its number: from 1, without gaps.
    pub sequence: u64,
    /// The time of its block, nanoseconds since 1970.
    pub time_ns: i64,
    /// The same as people write it.
    pub time: Time,
    /// The block it is in.
    pub block: u64,
    /// What the sender of the command wanted to find it by.
    pub tag: u64,
    /// `command` or `event`.
    pub class: &'static str,
    /// Its type, such as `OrderAccepted`.
    pub kind: &'static str,
    /// The version of its schema.
    pub version: u16,
    /// What it holds. 64-bit ids are strings, because JavaScript's numbers end at 53 bits.
    pub fields: Map<String, Value>,
}

impl Shown {
    /// Decodes a record of a block.
    pub fn new(record: &event_store::Record<'_>, header: &event_store::BlockHeader) -> Result<Self, Failure> {
        Self::decoded(record, header).map_err(|error| {
            Failure::failed(format_args!("record {} cannot be read", record.sequence)).caused_by(error)
        })
    }

    /// The same, for those who have their own words for what is wrong.
    pub fn decoded(
        record: &event_store::Record<'_>,
        header: &event_store::BlockHeader,
    ) -> Result<Self, DecodeError> {
        let event_store::Record { sequence, kind, version, tag, payload } = *record;
        let (class, kind, fields) = if kind >= KIND_EVENT_FIRST {
            let event = Event::decode(kind, version, payload)?;
            ("event", event.name(), event.fields())
        } else {
            let command = Command::decode(kind, version, payload)?;
            ("command", command.name(), command.fields())
        };
        Ok(Self {
            sequence,
            time_ns: header.timestamp_ns,
            time: Time(Timestamp(header.timestamp_ns)),
            block: header.block_index,
            tag,
            class,
            kind,
            version,
            fields: json(&fields),
        })
    }

    /// The record on one line.
    pub fn line(&self, ui: &Ui) -> String {
        let kind = format!("{:<22}", self.kind);
        let kind = if self.class == "command" { ui.paint(Paint::Strong, kind) } else { kind };
        let time = ui.paint(Paint::Faint, format_args!("{:<30}", self.time));
        let mut line = format!("{:>9} {time} {kind}", self.sequence);
        for (name, value) in &self.fields {
            match value {
                Value::Null => continue,
                Value::String(text) => write!(line, " {name}={text}"),
                other => write!(line, " {name}={other}"),
            }
            .expect("writing to a string cannot fail");
        }
        line
    }

    /// Writes it as one answer of many.
    pub fn print(&self, ui: &mut Ui) -> Result<(), Failure> {
        ui.item(self, |ui, shown| {
            let line = shown.line(ui);
            ui.line(line)
        })
    }
}

/// Fields as JSON; a number that the record holds as units and a scale becomes one decimal.
fn json(fields: &[(&'static str, FieldValue)]) -> Map<String, Value> {
    let scale = |name: &str| {
        let wanted = format!("{name}_scale");
        fields.iter().find_map(|(name, value)| match value {
            FieldValue::Unsigned(scale) if *name == wanted => u8::try_from(*scale).ok(),
            _ => None,
        })
    };
    let mut map = Map::new();
    for (name, value) in fields {
        let number = match value {
            FieldValue::Signed(units) => {
                name.strip_suffix("_units").and_then(|stem| Some((stem, *units, scale(stem)?)))
            }
            _ => None,
        };
        if let Some((stem, units, scale)) = number {
            let decimal = Decimal::new(units, scale).some();
            map.insert(stem.to_owned(), decimal.map_or(Value::Null, |decimal| decimal.to_string().into()));
        } else if !name.ends_with("_scale") {
            map.insert((*name).to_owned(), value_of(name, value));
        }
    }
    map
}

fn value_of(name: &str, value: &FieldValue) -> Value {
    match value {
        FieldValue::Absent => Value::Null,
        FieldValue::Flag(flag) => (*flag).into(),
        FieldValue::Unsigned(number) if name.ends_with("order_id") || name == "trade_id" => {
            number.to_string().into()
        }
        FieldValue::Unsigned(number) => (*number).into(),
        FieldValue::Signed(number) => (*number).into(),
        FieldValue::Text(text) => text.as_str().into(),
        FieldValue::Numbers(numbers) => numbers.as_slice().into(),
        FieldValue::Balances(balances) => balances
            .iter()
            .map(|(asset, amount)| (asset.clone(), amount.as_str().into()))
            .collect::<Map<_, _>>()
            .into(),
    }
}

/// The name of a record type, also of one this build does not know.
pub fn kind_name(kind: RecordKind) -> String {
    let known = Command::name_of(kind).or_else(|| Event::name_of(kind));
    known.map_or_else(|| format!("unknown {kind:#06x}"), str::to_owned)
}

/// Which records are wanted.
#[derive(Debug, Clone)]
pub enum Kind {
    Commands,
    Events,
    Named(&'static str),
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "commands" => return Ok(Self::Commands),
            "events" => return Ok(Self::Events),
            _ => {}
        }
        let mut names = Command::NAMES.iter().chain(Event::NAMES);
        names.find(|name| name.eq_ignore_ascii_case(text)).map(|name| Self::Named(name)).ok_or_else(|| {
            format!(
                "write commands, events or one of {} {}",
                Command::NAMES.join(" "),
                Event::NAMES.join(" ")
            )
        })
    }
}

impl Kind {
    /// Whether a record is of this kind.
    pub fn holds(&self, kind: RecordKind) -> bool {
        match self {
            Self::Commands => kind < KIND_EVENT_FIRST,
            Self::Events => kind >= KIND_EVENT_FIRST,
            Self::Named(name) => Command::name_of(kind).or_else(|| Event::name_of(kind)) == Some(name),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_and_scale_become_one_number() {
        let fields = vec![
            ("account", FieldValue::Unsigned(1)),
            ("price_units", FieldValue::Signed(1005)),
            ("quantity_units", FieldValue::Signed(i64::MIN)),
            ("price_scale", FieldValue::Unsigned(2)),
            ("quantity_scale", FieldValue::Unsigned(0)),
            ("order_id", FieldValue::Unsigned(1 << 60)),
        ];
        let json = serde_json::to_string(&json(&fields)).unwrap();
        assert_eq!(json, r#"{"account":1,"order_id":"1152921504606846976","price":"10.05","quantity":null}"#);
    }

    #[test]
    fn kinds_are_found_by_name_in_any_case() {
        let trades: Kind = "trade".parse().unwrap();
        assert!(trades.holds(0x0203) && !trades.holds(0x0202));
        assert!("commands".parse::<Kind>().unwrap().holds(0x0101));
        assert!("nonsense".parse::<Kind>().unwrap_err().contains("OrderAccepted"));
    }
}
