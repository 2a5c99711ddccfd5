//! Reports as tables.

use crate::ui::{self, Paint, Table, Ui, count, duration_ns};
use bench::{Percentiles, book, core, latency, recovery, reports, rules, sql, store};
use std::io;

pub fn book(ui: &mut Ui, report: &book::Report) -> io::Result<()> {
    let mut table = Table::new([
        "shape",
        "book",
        "#ns/msg",
        "#M msg/s",
        "#x ours",
        "#p50",
        "#p99",
        "#p99.9",
        "#max",
        "#B/order",
        "trades and depth",
    ]);
    for shape in &report.shapes {
        for engine in &shape.engines {
            let agreement = if engine.agreement.is_full() {
                ("equal".to_owned(), Some(Paint::Good))
            } else {
                let book::Agreement { trades, equal, told, same_depth } = engine.agreement;
                let depth = if same_depth { "same depth" } else { "other depth" };
                (format!("{equal} of {trades} equal, {told} told, {depth}"), Some(Paint::Careful))
            };
            let bytes = engine.bytes_per_resting_order;
            table.painted([
                (shape.shape.clone(), None),
                (engine.name.clone(), None),
                (format!("{:.1}", engine.ns_per_message), None),
                (format!("{:.2}", engine.million_messages_per_second), None),
                (format!("{:.2}", engine.times_ours), None),
                (duration_ns(engine.p50_ns), None),
                (duration_ns(engine.p99_ns), None),
                (duration_ns(engine.p999_ns), None),
                (duration_ns(engine.max_ns), None),
                (bytes.map_or_else(|| "-".to_owned(), |bytes| format!("{bytes:.1}")), None),
                agreement,
            ]);
        }
    }
    ui.table(&table)?;
    for shape in &report.shapes {
        if let Some(times) = shape.times_fastest_peer {
            ui.line(format_args!("{}: {times:.2} times as fast as the fastest other book", shape.shape))?;
        }
    }
    ui.line(format_args!("percentiles include one reading of the clock, {:.0} ns", report.clock_ns))
}

pub fn store(ui: &mut Ui, report: &store::Report) -> io::Result<()> {
    let mut table = Table::new(["durability", "#records/block", "#records/s", "#MB/s", "#time"]);
    for run in &report.runs {
        table.row([
            run.durability.to_owned(),
            count(run.records_per_block),
            count(run.records_per_second),
            count(run.megabytes_per_second),
            duration_ns(run.elapsed_ns),
        ]);
    }
    ui.table(&table)
}

pub fn core(ui: &mut Ui, report: &core::Report) -> io::Result<()> {
    let mut table = Table::new([
        "durability",
        "#commands/s",
        "#events/s",
        "#time",
        "#commands/block",
        "#ring full",
        "#p50",
        "#p99",
        "#max",
    ]);
    let runs = [("os", &report.os), ("fsync", &report.fsync)];
    for (durability, run) in runs {
        table.row([
            durability.to_owned(),
            count(run.commands_per_second),
            count(run.events_per_second),
            duration_ns(run.elapsed_ns),
            count(run.commands_per_block),
            count(run.busy),
            duration_ns(run.latency.p50_ns),
            duration_ns(run.latency.p99_ns),
            duration_ns(run.latency.max_ns),
        ]);
    }
    ui.table(&table)?;
    for (durability, run) in runs {
        let threads: Vec<String> = run
            .threads
            .iter()
            .map(|thread| format!("{} {}", thread.thread, duration_ns(thread.cpu_ns)))
            .collect();
        ui.line(format_args!("processor time, {durability}: {}", threads.join(", ")))?;
    }
    ui.line("the ring is kept full: most of the latency is waiting in it (see bench latency)")
}

pub fn rules(ui: &mut Ui, report: &rules::Report) -> io::Result<()> {
    let mut costs = Table::new(["kind", "rule", "run as", "#ns/order", "#fuel/order"]);
    for rule in &report.rules {
        costs.row([
            rule.kind.to_owned(),
            rule.rule.to_owned(),
            rule.path.to_owned(),
            format!("{:.1}", rule.ns_per_order),
            count(rule.fuel),
        ]);
    }
    ui.table(&costs)?;
    let mut times = Table::new(["", "#shortest", "#half", "#longest"]);
    for (what, spread) in [
        ("a rule that never ends is stopped", report.runaway),
        ("from the bytes of 20 kB to a verdict", report.load_to_verdict),
        ("the same, compiled before", report.load_to_verdict_cached),
        ("the trading thread takes over a rule", report.take_over),
    ] {
        let times_of = [spread.min_ns, spread.p50_ns, spread.max_ns].map(duration_ns);
        let [min, half, max] = times_of;
        times.row([what.to_owned(), min, half, max]);
    }
    ui.table(&times)?;
    let rules::CoreReport { without, with_two, core_ns_without, core_ns_with_two } = report.core;
    ui.line(format_args!(
        "the core: {} commands/s without rules, {} with a validation and a risk rule ({}%)",
        count(without),
        count(with_two),
        (with_two * 100).checked_div(without).unwrap_or(0)
    ))?;
    ui.line(format_args!(
        "processor time of the core for a command: {} without rules, {} with both",
        duration_ns(core_ns_without),
        duration_ns(core_ns_with_two)
    ))?;
    let swaps = &report.swaps;
    ui.line(format_args!(
        "{} swaps at {} commands/s: p99 {} beside {} without; {} orders judged, {} rejected, {} by another version than the \
         log says",
        count(swaps.activations - 1),
        count(swaps.config.rate),
        duration_ns(swaps.swapped.p99_ns),
        duration_ns(swaps.still.p99_ns),
        count(swaps.judged),
        count(swaps.rejected),
        count(swaps.misjudged)
    ))
}

pub fn latency(ui: &mut Ui, report: &latency::Report) -> io::Result<()> {
    let mut table = Table::new([
        "durability",
        "#due/s",
        "#done/s",
        "#refused",
        "#p50",
        "#p90",
        "#p99",
        "#p99.9",
        "#p99.99",
        "#max",
    ]);
    let mut add = |words: [String; 4], latency: &Percentiles| {
        let [durability, due, done, refused] = words;
        let Percentiles { p50_ns, p90_ns, p99_ns, p99_9_ns, p99_99_ns, max_ns, .. } = *latency;
        let [p50, p90, p99, p99_9, p99_99, max] =
            [p50_ns, p90_ns, p99_ns, p99_9_ns, p99_99_ns, max_ns].map(duration_ns);
        table.row([durability, due, done, refused, p50, p90, p99, p99_9, p99_99, max]);
    };
    let none = || "-".to_owned();
    add(["disk alone".to_owned(), none(), none(), none()], &report.disk);
    for run in &report.runs {
        let words = [run.durability.to_owned(), count(run.rate), count(run.achieved), count(run.busy)];
        add(words, &run.latency);
    }
    ui.table(&table)
}

pub fn sql(ui: &mut Ui, report: &sql::Report) -> io::Result<()> {
    let mut queries = Table::new([
        "query",
        "#log",
        "#M rows/s",
        "#without index",
        "#native table",
        "#parquet",
        "#x native",
    ]);
    for query in &report.queries {
        let tenths = query.rows_per_second / 100_000;
        queries.row([
            query.query.to_owned(),
            duration_ns(query.log_ns),
            format!("{}.{}", tenths / 10, tenths % 10),
            query.unindexed_ns.map_or_else(|| "-".to_owned(), duration_ns),
            duration_ns(query.native_ns),
            duration_ns(query.parquet_ns),
            format!("{:.2}", query.times_native),
        ]);
    }
    ui.table(&queries)?;
    ui.line(format_args!(
        "log {}, {} of indices made in {} for {} segments; opened in {}, first answer after {}",
        ui::bytes(report.log_bytes),
        ui::bytes(report.index_bytes),
        duration_ns(report.indexing_ns),
        count(report.segments),
        duration_ns(report.open_ns),
        duration_ns(report.first_answer_ns)
    ))?;
    ui.line(format_args!(
        "the trades were copied into the native table in {}",
        duration_ns(report.native_load_ns)
    ))?;
    ui.line(format_args!(
        "a trade is in a candle, asked in SQL, after {}; p99 {}, longest {}",
        duration_ns(report.live.p50_ns),
        duration_ns(report.live.p99_ns),
        duration_ns(report.live.max_ns)
    ))?;
    ui.line(format_args!(
        "projected {} records of a log full of trades into {}: {} a second of one core, {} by the clock",
        count(report.projection.records),
        ui::bytes(report.projection.file_bytes),
        count(report.projection.records_per_cpu_second),
        count(report.projection.records_per_second)
    ))?;
    for (what, run) in [("nobody asks", &report.quiet), ("a heavy query runs", &report.queried)] {
        ui.line(format_args!(
            "{} commands/s while {what}: p50 {}, p99 {}, longest {}; {} refused",
            count(run.achieved),
            duration_ns(run.latency.p50_ns),
            duration_ns(run.latency.p99_ns),
            duration_ns(run.latency.max_ns),
            count(run.busy)
        ))?;
    }
    ui.line(format_args!("{} heavy queries were answered meanwhile", count(report.heavy_queries)))
}

pub fn reports(ui: &mut Ui, report: &reports::Report) -> io::Result<()> {
    if let Some(day) = &report.day {
        let counts = day.counts;
        ui.line(format_args!(
            "the day: {} orders, {} commands ({} refused), {} trades, {} records, {}, written in {} and indexed in {}",
            count(counts.orders),
            count(counts.commands),
            count(counts.rejected),
            count(counts.trades),
            count(counts.records),
            ui::bytes(counts.bytes),
            duration_ns(day.elapsed_ns),
            duration_ns(day.indexing_ns)
        ))?;
    }
    let mut table = Table::new(["report", "#time", "#rows", "#as CSV", "#memory", ""]);
    for run in &report.reports {
        let said =
            run.failure.as_deref().map(|failure| failure.lines().next().unwrap_or("failed").to_owned());
        table.painted([
            (run.report.clone(), None),
            (duration_ns(run.elapsed_ns), None),
            (count(run.rows), None),
            (ui::bytes(run.bytes), None),
            (ui::bytes(run.peak_bytes), None),
            (said.clone().unwrap_or_default(), said.map(|_| Paint::Bad)),
        ]);
    }
    ui.table(&table)
}

pub fn recovery(ui: &mut Ui, report: &recovery::Report) -> io::Result<()> {
    let rows = [
        ("log", format!("{} records, {} events", count(report.records), count(report.events))),
        (
            "replay",
            format!(
                "{} ({} of processor time), {} events/s; {} without checksums",
                duration_ns(report.replay_ns),
                duration_ns(report.replay_cpu_ns),
                count(report.events_per_second),
                count(report.events_per_second_unchecked)
            ),
        ),
        ("snapshot", format!("{} in {}", ui::bytes(report.snapshot_bytes), duration_ns(report.snapshot_ns))),
        (
            "restart",
            format!(
                "serves after {}, {} of it recovery of {} records after the snapshot",
                duration_ns(report.serves_after_ns),
                duration_ns(report.recovery_ns),
                count(report.tail_records)
            ),
        ),
    ];
    rows.iter().try_for_each(|(name, value)| ui.line(format_args!("{name:<9} {value}")))
}
