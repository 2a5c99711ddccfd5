//! `outcry log verify`: is the log what was written, and would the same commands lead to the same events again?

use crate::commands::store::Store;
use crate::ui::{self, Failure, Outcome, Paint, Progress, Result, Ui};
use clap::Args;
use event_store::fs::Disk;
use event_store::{TornTail, VerifyReport, verify_with};
use order_book::Book;
use plugin_host::{AuditMode, Desk, Settings};
use sequencer::replay::{Mismatch, ReexecuteReport, reexecute};
use serde::Serialize;
use std::io;
use std::path::PathBuf;

/// Calls after which an audit replaces a rule's instance: often enough to show a rule that keeps state of its own, and no
/// divisor of a batch.
const RENEWED_AFTER: u32 = 61;

/// Check every checksum, the hash chain and the sequence numbers
///
/// With --reexecute also runs every command again and compares every event, bit for bit. Works beside a running
/// exchange, on what was written when it began. Exit code 1 if something is wrong.
#[derive(Debug, Args)]
pub struct Verify {
    /// Run every command again, and compare every event and the state at the end
    #[arg(long)]
    reexecute: bool,
    #[command(flatten)]
    store: Store,
}

#[derive(Debug, Serialize)]
struct Answer {
    /// Whether nothing is wrong.
    intact: bool,
    store: PathBuf,
    store_id: String,
    /// Whether a writer had the store open meanwhile.
    live: bool,
    /// Whether the last writer closed the store.
    clean: bool,
    segments: u64,
    blocks: u64,
    records: u64,
    bytes: u64,
    /// The last good record.
    last_sequence: u64,
    /// The last record certainly on the disk.
    durable_mark: u64,
    /// The hash of the last good block: it stands for the whole log up to there.
    head: String,
    torn: Option<Torn>,
    findings: Vec<Finding>,
    reexecution: Option<Reexecution>,
}

/// What a crash left unfinished. Not damage: the next start erases it.
#[derive(Debug, Serialize)]
struct Torn {
    segment: u64,
    offset: u64,
    first_sequence: u64,
    damage: String,
}

#[derive(Debug, Serialize)]
struct Finding {
    path: PathBuf,
    segment: u64,
    offset: u64,
    first_sequence: Option<u64>,
    last_sequence: Option<u64>,
    damage: String,
}

#[derive(Debug, Serialize)]
struct Reexecution {
    /// Whether everything came out as it is in the log.
    faithful: bool,
    commands: u64,
    events: u64,
    sequence: u64,
    mismatch_count: u64,
    /// The first of them.
    mismatches: Vec<Differing>,
    /// Events that follow no command.
    orphans: u64,
    state_hash: String,
    /// The hash of what recovery comes to, from a snapshot where there is one.
    recovered_hash: String,
    elapsed_ms: u64,
}

#[derive(Debug, Serialize)]
struct Differing {
    /// The command's.
    sequence: u64,
    command: String,
    /// How many of its events are the same, from the first.
    same: usize,
    recorded: Option<String>,
    reexecuted: Option<String>,
}

impl Verify {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let progress = ui.progress("verifying segments", None);
        let report = verify_with(&self.store.dir, &Disk, |segment| progress.set(segment))?;
        progress.end();
        let mut answer = Answer::new(self.store.dir, report);
        // A log that is not what was written is not worth running again.
        if self.reexecute && answer.findings.is_empty() {
            let progress = ui.progress("running commands again", Some(answer.last_sequence));
            answer.reexecution = Some(audit(&answer.store, &progress)?);
            progress.end();
        }
        answer.intact =
            answer.findings.is_empty() && answer.reexecution.as_ref().is_none_or(|again| again.faithful);
        ui.answer(&answer, show)?;
        Ok(Outcome::when(answer.intact))
    }
}

fn audit(store: &std::path::Path, progress: &Progress) -> Result<Reexecution, Failure> {
    // What the log names is in the store; instances are made anew in other places than in live trading.
    let desk = Desk::open(Settings::of_plugins(store.join("plugins")))
        .map_err(|error| Failure::failed("rules cannot be run").caused_by(error))?;
    let mut rules = desk.audit(AuditMode::Renewing(RENEWED_AFTER));
    let report = reexecute::<Book, _>(store, &mut rules, |sequence| progress.set(sequence))?;
    let faithful = report.is_faithful();
    let ReexecuteReport {
        commands,
        events,
        sequence,
        mismatches,
        mismatch_count,
        orphans,
        hash,
        folded_hash,
        elapsed,
    } = report;
    Ok(Reexecution {
        faithful,
        commands,
        events,
        sequence,
        mismatch_count,
        mismatches: mismatches.iter().map(Differing::new).collect(),
        orphans,
        state_hash: ui::hex(&hash),
        recovered_hash: ui::hex(&folded_hash),
        elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
    })
}

impl Differing {
    fn new(mismatch: &Mismatch) -> Self {
        Self {
            sequence: mismatch.sequence,
            command: mismatch.command.name().to_owned(),
            same: mismatch.same,
            recorded: mismatch.recorded.as_ref().map(|event| format!("{event:?}")),
            reexecuted: mismatch.reexecuted.as_ref().map(|event| format!("{event:?}")),
        }
    }
}

impl Answer {
    fn new(store: PathBuf, report: VerifyReport) -> Self {
        let torn = |torn: TornTail| Torn {
            segment: torn.segment,
            offset: torn.offset,
            first_sequence: torn.first_sequence,
            damage: torn.damage.to_string(),
        };
        let finding = |finding: event_store::Finding| Finding {
            path: finding.path,
            segment: finding.segment,
            offset: finding.offset,
            first_sequence: finding.first_sequence,
            last_sequence: finding.last_sequence,
            damage: finding.damage.to_string(),
        };
        Self {
            intact: report.is_intact(),
            store,
            store_id: report.store_id.to_string(),
            live: report.live,
            clean: report.clean,
            segments: report.segments,
            blocks: report.blocks,
            records: report.records,
            bytes: report.bytes,
            last_sequence: report.last_sequence,
            durable_mark: report.durable_mark,
            head: ui::hex(&report.head),
            torn: report.torn.map(torn),
            findings: report.findings.into_iter().map(finding).collect(),
            reexecution: None,
        }
    }
}

fn show(ui: &mut Ui, answer: &Answer) -> io::Result<()> {
    let verdict =
        if answer.intact { ui.paint(Paint::Good, "intact") } else { ui.paint(Paint::Bad, "DAMAGED") };
    ui.line(format_args!(
        "{verdict}: {} records in {} blocks, {} segments, {}",
        ui::count(answer.records),
        ui::count(answer.blocks),
        answer.segments,
        ui::bytes(answer.bytes)
    ))?;
    ui.line(format_args!("last record {}, chain {}", ui::count(answer.last_sequence), answer.head))?;
    if answer.live {
        ui.line("an exchange is writing to it: this is true up to where it had got")?;
    }
    if let Some(torn) = &answer.torn {
        ui.line(format_args!(
            "a crash left an unfinished block in segment {} at offset {} ({}): nothing acknowledged, the next start \
             erases it",
            torn.segment, torn.offset, torn.damage
        ))?;
    }
    for finding in &answer.findings {
        let records = match (finding.first_sequence, finding.last_sequence) {
            (Some(first), Some(last)) => format!(": records {first} to {last} are affected"),
            (Some(first), None) => format!(": records from {first} on are affected"),
            _ => String::new(),
        };
        let word = ui.paint(Paint::Bad, "damage:");
        let path = finding.path.display();
        ui.line(format_args!("{word} {path} at offset {}: {}{records}", finding.offset, finding.damage))?;
    }
    if let Some(first) = answer.findings.first() {
        let word = ui.paint(Paint::Strong, "hint:");
        let good =
            first.first_sequence.map_or_else(String::new, |first| format!(" (records 1 to {})", first - 1));
        let store = answer.store.display();
        ui.line(format_args!(
            "{word} \"outcry log repair --store {store} --to NEW\" copies the good beginning{good} to a new store"
        ))?;
    }
    answer.reexecution.as_ref().map_or(Ok(()), |again| show_reexecution(ui, again))
}

fn show_reexecution(ui: &mut Ui, again: &Reexecution) -> io::Result<()> {
    let verdict =
        if again.faithful { ui.paint(Paint::Good, "faithful") } else { ui.paint(Paint::Bad, "DIFFERENT") };
    ui.line(format_args!(
        "{verdict}: {} commands run again, {} events compared in {} ms",
        ui::count(again.commands),
        ui::count(again.events),
        ui::count(again.elapsed_ms)
    ))?;
    ui.line(format_args!("state {} at record {}", again.state_hash, again.sequence))?;
    if again.state_hash != again.recovered_hash {
        ui.line(format_args!("but recovery comes to {}", again.recovered_hash))?;
    }
    for differing in &again.mismatches {
        let none = || "nothing".to_owned();
        ui.line(format_args!(
            "record {} ({}), after {} equal events:\n  - {}\n  + {}",
            differing.sequence,
            differing.command,
            differing.same,
            differing.recorded.clone().unwrap_or_else(none),
            differing.reexecuted.clone().unwrap_or_else(none),
        ))?;
    }
    Ok(())
}
