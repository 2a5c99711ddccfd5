//! What came of a replay, for people and for programs.

use crate::ui::{self, Paint, Table, Ui};
use serde::Serialize;
use simulator::replay::{DifferingRow, Summary};
use std::io;
use std::path::PathBuf;

/// Differing rows and fills shown to people; JSON has all that were kept.
const SHOWN_MAX: usize = 5;

#[derive(Debug, Serialize)]
pub struct Answer {
    pub file: PathBuf,
    /// Where the log stays; none for a temporary store.
    pub store: Option<PathBuf>,
    pub durability: &'static str,
    pub elapsed_ms: u64,
    pub commands_per_second: u64,
    /// The last record of the log.
    pub sequence: u64,
    /// The state's hash after it.
    pub state_hash: String,
    /// Whether every message waited for its events, which agreement needs.
    pub compared: bool,
    #[serde(flatten)]
    pub summary: Summary,
}

pub fn show(ui: &mut Ui, answer: &Answer) -> io::Result<()> {
    let summary = &answer.summary;
    let rate = ui::count(answer.commands_per_second);
    let rows = [
        ("file", answer.file.display().to_string()),
        ("format", summary.format.to_owned()),
        ("messages", format!("{} ({})", ui::count(summary.messages), listed(&summary.by_kind))),
        (
            "commands",
            format!("{} in {} ms, {rate}/s", ui::count(summary.commands), ui::count(answer.elapsed_ms)),
        ),
        ("seeds", ui::count(summary.seeds)),
        ("trades", ui::count(summary.trades)),
        ("skipped", or_none(&summary.skipped)),
        ("rejected", or_none(&summary.rejected)),
        ("log", format!("{} records, {}", ui::count(answer.sequence), answer.durability)),
        ("state", answer.state_hash.clone()),
    ];
    for (name, value) in rows {
        ui.line(format_args!("{name:<10} {value}"))?;
    }
    if answer.compared { show_agreement(ui, summary) } else { Ok(()) }
}

fn listed<K: std::fmt::Display>(counts: &std::collections::BTreeMap<K, u64>) -> String {
    let counts: Vec<String> = counts.iter().map(|(kind, count)| format!("{kind} {count}")).collect();
    counts.join(", ")
}

fn or_none<K: std::fmt::Display>(counts: &std::collections::BTreeMap<K, u64>) -> String {
    if counts.is_empty() { "none".to_owned() } else { listed(counts) }
}

/// The word of a reason, as JSON has it.
fn word(reason: impl Serialize) -> String {
    serde_json::to_value(reason).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

fn show_agreement(ui: &mut Ui, summary: &Summary) -> io::Result<()> {
    ui.line("")?;
    let mut table = Table::new(["agreement", "#agree", "#of", "#share", "what differs"]);
    let mut add = |what: String, share: simulator::replay::Share, why: String| {
        let points = share.basis_points();
        let share_text = format!("{}.{:02}%", points / 100, points % 100);
        let paint = if share.agree == share.of { Paint::Good } else { Paint::Careful };
        table.painted([
            (what, None),
            (ui::count(share.agree), None),
            (ui::count(share.of), None),
            (share_text, Some(paint)),
            (why, None),
        ]);
    };
    let fills = &summary.fills;
    add("fills".to_owned(), fills.agreement, reasons(&fills.differing));
    if let Some(book) = &summary.book {
        add("best bid and ask".to_owned(), book.best, reasons(&book.best_differing));
        add(format!("all {} levels", book.depth), book.levels, reasons(&book.levels_differing));
    }
    ui.table(&table)?;
    for fill in fills.first_differing.iter().take(SHOWN_MAX) {
        let ours: Vec<String> = fill
            .ours
            .iter()
            .map(|(order, qty)| {
                format!("{qty} of {}", order.map_or_else(|| "a seed".to_owned(), |id| id.to_string()))
            })
            .collect();
        let ours = if ours.is_empty() { "nothing".to_owned() } else { ours.join(", ") };
        let (record, qty, order) = (fill.record, fill.qty, fill.order);
        ui.line(format_args!(
            "fill at record {record}: market {qty} of {order}, ours {ours}: {}",
            word(fill.why)
        ))?;
    }
    let Some(book) = &summary.book else { return Ok(()) };
    show_rows(ui, "best", &book.first_best_differing)?;
    show_rows(ui, "levels", &book.first_levels_differing)
}

fn reasons<K: Serialize + Copy + Ord>(counts: &std::collections::BTreeMap<K, u64>) -> String {
    let counts: Vec<String> = counts.iter().map(|(&why, count)| format!("{} {count}", word(why))).collect();
    counts.join(", ")
}

fn show_rows(ui: &mut Ui, what: &str, rows: &[DifferingRow]) -> io::Result<()> {
    for row in rows.iter().take(SHOWN_MAX) {
        for level in &row.levels {
            ui.line(format_args!(
                "{what} at row {}: {} {} market {} ours {}: {}",
                row.record,
                level.side,
                level.price,
                level.theirs,
                level.ours,
                word(level.why)
            ))?;
        }
    }
    Ok(())
}
