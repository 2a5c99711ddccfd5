//! Counters in the text format of Prometheus, and the counting of requests.

use axum::extract::{MatchedPath, Request, State};
use axum::http::{Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use model::{RejectReason, RuleFault};
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use super::{App, Shared};
use crate::rules::{Measured, Spread};

/// Requests by address, method and status. Bounded: addresses are patterns, and only known methods count by name.
#[derive(Default)]
pub(crate) struct Requests(Mutex<BTreeMap<(String, &'static str, u16), Served>>);

#[derive(Clone, Copy, Default)]
struct Served {
    count: u64,
    nanos: u64,
}

fn method_name(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        _ => "OTHER",
    }
}

/// Counts a request and how long it took.
pub(crate) async fn count(State(app): Shared, request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = method_name(request.method());
    let began = Instant::now();
    let response = next.run(request).await;
    let took = u64::try_from(began.elapsed().as_nanos()).unwrap_or(u64::MAX);
    let mut requests = app.requests.0.lock().unwrap_or_else(PoisonError::into_inner);
    let served = requests.entry((path, method, response.status().as_u16())).or_default();
    served.count += 1;
    served.nanos = served.nanos.saturating_add(took);
    drop(requests);
    response
}

pub(crate) async fn metrics(State(app): Shared) -> Response {
    let text = render(&app);
    (StatusCode::OK, [(header::CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], text)
        .into_response()
}

/// A page of metrics.
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.line(format_args!("# HELP outcry_{name} {help}"));
        self.line(format_args!("# TYPE outcry_{name} {kind}"));
    }

    fn line(&mut self, line: std::fmt::Arguments) {
        writeln!(self.0, "{line}").expect("writing to a string cannot fail");
    }

    fn spread(&mut self, name: &str, labels: &str, spread: Option<Spread>) {
        let Some(Spread { count, sum, p50, p99, max }) = spread else { return };
        for (quantile, value) in [("0.5", p50), ("0.99", p99), ("1", max)] {
            self.line(format_args!("outcry_{name}{{{labels},quantile=\"{quantile}\"}} {value}"));
        }
        self.line(format_args!("outcry_{name}_sum{{{labels}}} {sum}"));
        self.line(format_args!("outcry_{name}_count{{{labels}}} {count}"));
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.family(name, kind, help);
        self.line(format_args!("outcry_{name} {value}"));
    }
}

fn render(app: &App) -> String {
    let session = &app.session;
    let node = session.node().status();
    let mut page = Page(String::new());
    page.one("healthy", "gauge", "Whether commands are taken.", u64::from(session.trouble().is_none()));
    page.family("watermark", "gauge", "Sequence numbers: how far the log is.");
    let marks = [
        ("written", node.watermarks.written),
        ("durable", node.watermarks.durable),
        ("committed", node.watermarks.committed),
        ("read", session.read(crate::read_model::Model::sequence)),
    ];
    for (mark, value) in marks {
        page.line(format_args!("outcry_watermark{{mark=\"{mark}\"}} {value}"));
    }
    page.one("ring_length", "gauge", "Commands waiting for the core.", node.ring.depth as u64);
    page.one("ring_capacity", "gauge", "The most commands that can wait.", node.ring.capacity as u64);
    page.one(
        "ring_busy_total",
        "counter",
        "Commands refused because the ring was full.",
        node.ring.refused_busy,
    );
    page.one(
        "store_full_total",
        "counter",
        "Commands refused because the log had no room.",
        node.ring.refused_store_full,
    );
    page.one("blocks_total", "counter", "Blocks written by this process.", node.core.blocks);
    page.one("commands_total", "counter", "Commands executed by this process.", node.core.commands);
    page.one("records_total", "counter", "Records written by this process.", node.core.records);
    page.one("snapshots_total", "counter", "Snapshots taken by this process.", node.snapshots.taken);
    page.one("in_flight", "gauge", "Commands whose outcomes are awaited.", session.in_flight().len() as u64);
    page.one("in_flight_max", "gauge", "The most that can be.", session.in_flight().capacity() as u64);
    folded(&mut page, app);
    rules(&mut page, app);
    projection(&mut page, app);
    served(&mut page, app);
    page.0
}

fn folded(page: &mut Page, app: &App) {
    let (orders, tally) =
        app.session.read(|model| (model.state().order_count() as u64, model.tally().clone()));
    page.one("working_orders", "gauge", "Orders that work.", orders);
    page.one(
        "orders_accepted_total",
        "counter",
        "Orders accepted since this process started.",
        tally.accepted,
    );
    page.one("orders_canceled_total", "counter", "Orders canceled or expired since then.", tally.canceled);
    page.one("orders_replaced_total", "counter", "Orders replaced since then.", tally.replaced);
    page.one("trades_total", "counter", "Trades since then.", tally.trades);
    page.family("rejects_total", "counter", "Commands refused since then, by reason.");
    for (reason, count) in RejectReason::ALL.iter().zip(tally.rejected) {
        if count > 0 {
            page.line(format_args!("outcry_rejects_total{{reason=\"{reason}\"}} {count}"));
        }
    }
}

/// What one activation did, for the metrics.
struct Ran {
    labels: String,
    suspended: bool,
    measured: Option<Measured>,
}

fn rules(page: &mut Page, app: &App) {
    let (tallies, mut ran) = app.session.read(|model| {
        let rules = model.state().rules();
        let tallies: Vec<_> =
            rules.map(|rule| (rule.name.to_string(), model.rules().tally(rule.id))).collect();
        let rules = model.state().rules();
        let slots = rules.flat_map(|rule| [&rule.enforced, &rule.shadow].map(|slot| (rule, slot)));
        let ran = slots.filter_map(|(rule, slot)| {
            let active = slot.activation.as_deref()?;
            let (name, mode, version) = (rule.name, active.mode, active.rule_version);
            let activation = active.activation;
            let labels =
                format!("rule=\"{name}\",mode=\"{mode}\",version=\"{version}\",activation=\"{activation}\"");
            Some((activation, Ran { labels, suspended: slot.suspended, measured: None }))
        });
        (tallies, ran.collect::<Vec<_>>())
    });
    for (activation, ran) in &mut ran {
        ran.measured = app.rules.measured(*activation);
    }
    page.family("rule_rejects_total", "counter", "Orders that a rule rejected since this process started.");
    for (name, tally) in &tallies {
        for (code, count) in &tally.rejected {
            page.line(format_args!("outcry_rule_rejects_total{{rule=\"{name}\",code=\"{code}\"}} {count}"));
        }
    }
    page.family("rule_shadow_rejects_total", "counter", "Orders that a shadow would have rejected.");
    for (name, tally) in &tallies {
        for (code, count) in &tally.shadowed {
            let labels = format_args!("rule=\"{name}\",code=\"{code}\"");
            page.line(format_args!("outcry_rule_shadow_rejects_total{{{labels}}} {count}"));
        }
    }
    page.family("rule_faults_total", "counter", "Orders that a rule could not judge.");
    for (name, tally) in &tallies {
        for (number, count) in &tally.faults {
            let fault = RuleFault::ALL.iter().find(|&&fault| fault as u8 == *number);
            let fault = fault.map_or("unknown", |fault| fault.as_str());
            page.line(format_args!("outcry_rule_faults_total{{rule=\"{name}\",fault=\"{fault}\"}} {count}"));
        }
    }
    page.family("rule_suspensions_total", "counter", "How often a rule failed too often in a row.");
    for (name, tally) in &tallies {
        page.line(format_args!("outcry_rule_suspensions_total{{rule=\"{name}\"}} {}", tally.suspended));
    }
    page.family("rule_suspended", "gauge", "Whether an activation failed too often and is asked no more.");
    for (_, Ran { labels, suspended, .. }) in &ran {
        page.line(format_args!("outcry_rule_suspended{{{labels}}} {}", u64::from(*suspended)));
    }
    page.family("rule_calls_total", "counter", "Orders that an activation judged.");
    for (_, Ran { labels, measured, .. }) in &ran {
        let calls = measured.as_ref().map_or(0, |measured| measured.calls);
        page.line(format_args!("outcry_rule_calls_total{{{labels}}} {calls}"));
    }
    page.family("rule_fuel", "summary", "Fuel an order took.");
    for (_, Ran { labels, measured, .. }) in &ran {
        page.spread("rule_fuel", labels, measured.as_ref().map(|it| it.fuel));
    }
    page.family("rule_nanoseconds", "summary", "Time an order took.");
    for (_, Ran { labels, measured, .. }) in &ran {
        page.spread("rule_nanoseconds", labels, measured.as_ref().map(|it| it.latency_ns));
    }
}

fn projection(page: &mut Page, app: &App) {
    let Some(status) = app.session.projection() else { return };
    page.one("projection_running", "gauge", "Whether the projection follows the log.", status.running.into());
    page.one("projection_watermark", "gauge", "The last record that is in its file.", status.sequence);
    page.one("projection_behind", "gauge", "Committed records that are not in it yet.", status.behind);
    page.one("projection_failures_total", "counter", "How often it failed.", status.failures);
    page.family("projection_rule_watermark", "gauge", "The last record that a reporting rule has read.");
    for rule in &status.rules {
        let labels = format_args!("rule=\"{}\",version=\"{}\"", rule.rule, rule.rule_version);
        page.line(format_args!("outcry_projection_rule_watermark{{{labels}}} {}", rule.sequence));
    }
    page.family("projection_rule_failures_total", "counter", "How often a reporting rule failed.");
    for rule in &status.rules {
        let labels = format_args!("rule=\"{}\",version=\"{}\"", rule.rule, rule.rule_version);
        page.line(format_args!("outcry_projection_rule_failures_total{{{labels}}} {}", rule.failures));
    }
    page.family(
        "projection_rule_stopped",
        "gauge",
        "Whether a reporting rule failed too often and is fed no more.",
    );
    for rule in &status.rules {
        let labels = format_args!("rule=\"{}\",version=\"{}\"", rule.rule, rule.rule_version);
        let stopped = u64::from(rule.state == "stopped");
        page.line(format_args!("outcry_projection_rule_stopped{{{labels}}} {stopped}"));
    }
}

fn served(page: &mut Page, app: &App) {
    let requests = app.requests.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    page.family("http_requests_total", "counter", "Requests answered.");
    for ((path, method, status), served) in &requests {
        let labels = format!("path=\"{path}\",method=\"{method}\",status=\"{status}\"");
        page.line(format_args!("outcry_http_requests_total{{{labels}}} {}", served.count));
    }
    page.family("http_request_nanoseconds_total", "counter", "Time spent on them.");
    for ((path, method, status), served) in &requests {
        let labels = format!("path=\"{path}\",method=\"{method}\",status=\"{status}\"");
        page.line(format_args!("outcry_http_request_nanoseconds_total{{{labels}}} {}", served.nanos));
    }
}
