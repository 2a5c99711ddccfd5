//! `outcry plugin logs`: what happened to a rule, and what it did to orders.

use crate::commands::client::Exchange;
use crate::ui::{Outcome, Paint, Result, Ui};
use clap::Args;
use gateway::api::{RuleLogLine, RuleLogQuery, RuleMoment};
use std::fmt::Write as _;
use std::io;
use std::time::Duration;

/// How often to look for something new.
const LOOK_EVERY: Duration = Duration::from_millis(300);

/// Show what happened to a rule and what it did, newest last
///
/// Loads, activations and the like, and every order that it rejected or could not judge. With --json one object a line.
/// The exchange remembers the newest of them; "outcry log show" has everything since the log began.
#[derive(Debug, Args)]
pub struct Logs {
    /// Which rule
    name: String,
    /// At most so many lines
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    limit: u32,
    /// Go on with what happens next, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    exchange: Exchange,
}

impl Logs {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let client = self.exchange.client();
        let mut query = RuleLogQuery { limit: Some(self.limit), after: None };
        loop {
            let log = client.rule_log(&self.name, query)?;
            for line in &log.lines {
                ui.item(line, show)?;
            }
            if !self.follow {
                return Ok(Outcome::Success);
            }
            ui.flush()?;
            let last = log.lines.last().map(|line| line.sequence);
            query = RuleLogQuery { limit: None, after: last.or(query.after).or(Some(0)) };
            if !log.more {
                std::thread::sleep(LOOK_EVERY);
            }
        }
    }
}

fn show(ui: &mut Ui, line: &RuleLogLine) -> io::Result<()> {
    let mut text = String::new();
    let mut word = |name: &str, value: &dyn std::fmt::Display| {
        write!(text, " {name}={value}").expect("writing to a string cannot fail");
    };
    if let Some(mode) = line.mode.filter(|_| line.event == RuleMoment::Activated) {
        word("mode", &mode);
    }
    if let Some(version) = line.rule_version {
        word("version", &version);
    }
    for (name, value) in &line.parameters {
        word(name, value);
    }
    for (name, value) in [
        ("account", &line.account),
        ("symbol", &line.symbol),
        ("order", &line.cl_ord_id),
        ("fault", &line.fault),
        ("by", &line.by),
    ] {
        if let Some(value) = value {
            word(name, value);
        }
    }
    if line.by_rollback {
        word("rollback", &"yes");
    }
    if let Some(faults) = line.faults_in_a_row {
        word("in_a_row", &faults);
    }
    if let Some(code) = line.code {
        word("code", &code);
    }
    if let Some(text) = line.text.as_deref().filter(|text| !text.is_empty()) {
        word("text", &format_args!("{text:?}"));
    }
    let paint = match line.event {
        RuleMoment::Loaded | RuleMoment::Approved | RuleMoment::Recovered => Paint::Strong,
        RuleMoment::Activated => Paint::Good,
        RuleMoment::Deactivated | RuleMoment::WouldReject => Paint::Careful,
        RuleMoment::Rejected | RuleMoment::Faulted | RuleMoment::Suspended => Paint::Bad,
    };
    let event = ui.paint(paint, line.event.as_str());
    ui.line(format_args!("{} {event}{text}", line.transact_time))
}
