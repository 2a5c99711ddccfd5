//! One pass over a part of the log, for all tables at once, and what must be known from one part to the next.

use std::collections::BTreeSet;
use std::sync::Arc;

use event_store::{Block, Reader};
use model::{
    AccountId, AssetId, BalanceChanged, Event, InstrumentId, KIND_EVENT_FIRST, Record as _, RecordKind,
    RuleActivated, RuleDeactivated, Timestamp, Trade,
};

use super::balances::Totals;
use super::candles::{CandleRow, OpenCandles};
use super::in_force::InForce;
use crate::error::Error;
use crate::index::TradeRows;
use crate::names::{Names, is_name};
use crate::table::scan::{FromRecord, Seen};
use crate::table::{Column, Rows as _, columns};
use crate::tables::rules::{Change, Judged, RuleChanges, RuleVerdicts};

/// Bytes of log looked at between two looks at how much there is.
const SPAN_BYTES: usize = 1 << 20;

/// The most records of the log in one transaction.
const BATCH_RECORDS: u64 = 1 << 22;

/// And the most trades: four of DuckDB's row groups, which it then writes where they stay, without a detour. More would spare it more
/// balances that change again and again, and take more memory beside a trading exchange.
const BATCH_TRADES: usize = 4 * 122_880;

/// A record that is kept as the log has it: what things are called and which rules are in force is a fold over these.
pub struct Fact {
    pub sequence: u64,
    pub time_ns: i64,
    pub kind: RecordKind,
    pub version: u16,
    pub payload: Vec<u8>,
}

/// The columns of the table of them, but for the payload, which is written as hexadecimal digits and kept as bytes.
pub const FACT_COLUMNS: &[Column<Vec<Fact>>] = columns![Vec<Fact>:
    u64, "sequence", "record", "Number of the record in the log.", |row| row.sequence;
    i64, "time_ns", "ns", "When: UNIX time.", |row| row.time_ns;
    i32, "kind", "", "The kind of record.", |row| i32::from(row.kind);
    i32, "version", "", "The version of its bytes.", |row| i32::from(row.version);
    String, "payload", "", "Its bytes.", |row| hexadecimal(&row.payload);
];

fn hexadecimal(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    digits.map(|digit| char::from(DIGITS[usize::from(digit)])).collect()
}

/// Whether a record is kept as it is.
fn is_fact(kind: RecordKind) -> bool {
    is_name(kind) || matches!(kind, RuleActivated::KIND | RuleDeactivated::KIND)
}

/// What is known after the records so far.
#[derive(Default)]
pub struct Known {
    pub names: Arc<Names>,
    pub totals: Totals,
    pub candles: OpenCandles,
    pub rules: InForce,
}

/// What a part of the log adds to the file.
#[derive(Default)]
pub struct Gathered {
    pub records: u64,
    /// Where it ends.
    pub end: Mark,
    pub trades: TradeRows,
    pub verdicts: Vec<Judged>,
    pub changes: Vec<Change>,
    pub facts: Vec<Fact>,
    pub closed: Vec<CandleRow>,
    pub accounts: BTreeSet<AccountId>,
    pub instruments: BTreeSet<InstrumentId>,
    pub assets: BTreeSet<AssetId>,
    /// Whether the log had more.
    pub more: bool,
}

/// A place between two blocks of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Mark {
    /// The last record before it.
    pub sequence: u64,
    /// When that record's block was made.
    pub time_ns: i64,
    /// The checksum of that block, which tells it from another that once stood, or will stand, in its place.
    pub checksum: u32,
}

impl Known {
    /// Takes in one of the records that are kept as they are.
    pub fn learn(&mut self, event: &Event, sequence: u64, time_ns: i64) {
        Arc::make_mut(&mut self.names).apply(event, sequence, time_ns);
        self.rules.apply(event);
    }

    /// Goes through what a reader finds up to a record, or as much of it as one transaction should have.
    pub fn gather(&mut self, reader: &mut Reader, up_to: u64) -> Result<Gathered, Error> {
        let mut gathered = Gathered::default();
        let (verdicts, changes) = (RuleVerdicts::from_record(), RuleChanges::from_record());
        while gathered.records < BATCH_RECORDS && gathered.trades.len() < BATCH_TRADES {
            let Some(span) = reader.next_span(SPAN_BYTES, up_to)? else {
                break;
            };
            span.try_for_each(|block| self.block(block, &verdicts, &changes, &mut gathered))?;
        }
        if gathered.records > 0 {
            self.candles.pass(Timestamp(gathered.end.time_ns), &mut gathered.closed);
        }
        gathered.more = gathered.end.sequence < up_to && gathered.records > 0;
        Ok(gathered)
    }

    fn block(
        &mut self,
        block: &Block<'_>,
        verdicts: &impl FromRecord<Judged>,
        changes: &impl FromRecord<Change>,
        gathered: &mut Gathered,
    ) -> Result<(), Error> {
        let header = block.header();
        let time_ns = header.timestamp_ns;
        let mut command = 0;
        for record in block.records() {
            let (sequence, version) = (record.sequence, record.version);
            let wrong = |source| Error::Record { sequence, source };
            match record.kind {
                kind if kind < KIND_EVENT_FIRST => command = sequence,
                Trade::KIND => {
                    let trade = Trade::decode(version, record.payload).map_err(wrong)?;
                    self.candles.fold(&trade, sequence, &mut gathered.closed);
                    if let Some(terms) = self.names.terms(trade.instrument) {
                        self.totals.traded(&trade, terms, sequence);
                    }
                    gathered.trades.push(sequence, command, &trade);
                }
                BalanceChanged::KIND => {
                    let event = BalanceChanged::decode(version, record.payload).map_err(wrong)?;
                    self.totals.moved(&event, sequence);
                }
                kind => {
                    if is_fact(kind) {
                        let event = Event::decode(kind, version, record.payload).map_err(wrong)?;
                        self.learn(&event, sequence, time_ns);
                        gathered.touch(&event);
                        let payload = record.payload.to_vec();
                        gathered.facts.push(Fact { sequence, time_ns, kind, version, payload });
                    }
                    // Each looks at the kind first.
                    let seen = Seen { record, block: header, command };
                    verdicts.rows(&seen, &mut gathered.verdicts)?;
                    changes.rows(&seen, &mut gathered.changes)?;
                }
            }
        }
        gathered.records += u64::from(header.record_count);
        gathered.end = Mark { sequence: header.last_sequence(), time_ns, checksum: header.checksum };
        Ok(())
    }
}

impl Gathered {
    /// Remembers what an event changed of what is known by name.
    fn touch(&mut self, event: &Event) {
        match event {
            Event::InstrumentCreated(event) => drop(self.instruments.insert(event.instrument)),
            Event::PhaseChanged(event) => drop(self.instruments.insert(event.instrument)),
            Event::AssetRegistered(event) => drop(self.assets.insert(event.asset)),
            Event::AccountOpened(event) => drop(self.accounts.insert(event.account)),
            Event::AccountStatusChanged(event) => drop(self.accounts.insert(event.account)),
            Event::AccountKilled(event) => drop(self.accounts.insert(event.account)),
            Event::AccountLimitsChanged(event) => drop(self.accounts.insert(event.account)),
            _ => {}
        }
    }
}
