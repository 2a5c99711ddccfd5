//! `outcry log stats`: what a log holds, counted.

use super::record::kind_name;
use crate::commands::store::{Store, directory_size};
use crate::ui::{self, Outcome, Result, Table, Ui};
use clap::Args;
use gateway::api::Time;
use model::{RecordKind, Timestamp};
use serde::Serialize;
use std::collections::BTreeMap;
use std::io;

/// Count what a log holds
#[derive(Debug, Args)]
pub struct Stats {
    #[command(flatten)]
    store: Store,
}

#[derive(Debug, Default, Serialize)]
struct Count {
    records: u64,
    payload_bytes: u64,
}

#[derive(Debug, Serialize)]
struct Answer {
    store: String,
    store_id: String,
    written: u64,
    durable: u64,
    committed: u64,
    /// How often the store was opened for writing.
    incarnation: u64,
    /// Whether the writer stopped after a failed sync.
    halted: bool,
    segments: u64,
    segment_bytes: u64,
    snapshots: u64,
    blocks: u64,
    records: u64,
    first_time: Option<Time>,
    last_time: Option<Time>,
    /// By the name of the record type.
    kinds: BTreeMap<String, Count>,
}

impl Stats {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let mut reader = self.store.reader(false)?;
        let mut kinds: BTreeMap<RecordKind, Count> = BTreeMap::new();
        let (mut blocks, mut records, mut times) = (0, 0, None);
        while let Some(block) = reader.next_block()? {
            let time = block.header().timestamp_ns;
            times = Some((times.map_or(time, |(first, _)| first), time));
            blocks += 1;
            for record in block.records() {
                records += 1;
                let count = kinds.entry(record.kind).or_default();
                count.records += 1;
                count.payload_bytes += record.payload.len() as u64;
            }
        }
        let marks = reader.marks();
        let (segment_bytes, segments) = directory_size(&self.store.dir.join("segments"));
        let (_, snapshots) = directory_size(&self.store.dir.join("snapshots"));
        let time = |nanos| Time(Timestamp(nanos));
        let answer = Answer {
            store: self.store.dir.display().to_string(),
            store_id: reader.store_id().to_string(),
            written: marks.written,
            durable: marks.durable,
            committed: marks.committed,
            incarnation: marks.incarnation,
            halted: marks.halted,
            segments,
            segment_bytes,
            snapshots,
            blocks,
            records,
            first_time: times.map(|(first, _)| time(first)),
            last_time: times.map(|(_, last)| time(last)),
            kinds: kinds.into_iter().map(|(kind, count)| (kind_name(kind), count)).collect(),
        };
        ui.answer(&answer, show)?;
        Ok(Outcome::Success)
    }
}

fn show(ui: &mut Ui, answer: &Answer) -> io::Result<()> {
    let dash = || "-".to_owned();
    let rows = [
        ("store", format!("{} ({})", answer.store, answer.store_id)),
        ("committed", ui::count(answer.committed)),
        ("durable", ui::count(answer.durable)),
        ("written", ui::count(answer.written)),
        (
            "opened",
            format!(
                "{} times{}",
                answer.incarnation,
                if answer.halted { "; HALTED by a failed sync" } else { "" }
            ),
        ),
        ("segments", format!("{} files, {}", answer.segments, ui::bytes(answer.segment_bytes))),
        ("snapshots", ui::count(answer.snapshots)),
        ("blocks", format!("{}, {} records", ui::count(answer.blocks), ui::count(answer.records))),
        ("first", answer.first_time.map_or_else(dash, |time| time.to_string())),
        ("last", answer.last_time.map_or_else(dash, |time| time.to_string())),
    ];
    for (name, value) in rows {
        ui.line(format_args!("{name:<10} {value}"))?;
    }
    let mut table = Table::new(["kind", "#records", "#payload"]);
    for (kind, count) in &answer.kinds {
        table.row([kind.clone(), ui::count(count.records), ui::bytes(count.payload_bytes)]);
    }
    ui.table(&table)
}
