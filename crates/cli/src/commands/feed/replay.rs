//! The way of a feed through the exchange: each message becomes commands, each command goes through a session of the
//! gateway to the core and the log, and what comes back is judged.

use super::open::{Opened, open};
use super::pace::{Pace, Speed};
use super::report::{Answer, show};
use crate::commands::node::{DurabilityWord, Running};
use crate::ui::{Failure, Outcome, Progress, Result, Ui};
use clap::Args;
use gateway::rules::RulesConfig;
use gateway::{ExecuteError, GatewayConfig, Pending, Session, SubmitError, Wants};
use model::{AccountId, Command, InstrumentId};
use sequencer::NodeConfig;
use simulator::feed::MarketMessage;
use simulator::replay::{Learn, Replay as Replayed, ReplayOptions, Settle};
use std::collections::VecDeque;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// The most commands under way when nothing is compared.
const IN_FLIGHT_MAX: usize = 8_192;
/// How long to wait before a command that found no room is sent again.
const BUSY_PAUSE: Duration = Duration::from_micros(50);
/// How often the progress bar moves, in messages.
const PROGRESS_EVERY: u64 = 256;

/// Replay a file of a real market through the exchange
///
/// LOBSTER (the order book file is found beside the message file), Databento DBN market by order, and Nasdaq ITCH 5.0,
/// told by the name of the file. Without --store a temporary store is used.
#[derive(Debug, Args)]
pub struct Replay {
    /// The file
    file: PathBuf,
    /// max, or times the market's own speed such as 1x or 10x; silences are cut to ten seconds
    #[arg(long, value_name = "SPEED", default_value = "max")]
    speed: Speed,
    /// Compare what the exchange does with what the market did, and say what differs and why
    #[arg(long)]
    compare: bool,
    /// Learn levels that come into view after the first row from the true book, once they have been compared
    #[arg(long, requires = "compare")]
    learn: bool,
    /// Take cancels of an event before its trades, as self-match prevention at the venue does (DBN)
    #[arg(long)]
    cancels_first: bool,
    /// Keep the store here: a directory that is not there, or a store without a replay in it
    #[arg(long, env = "OUTCRY_STORE", value_name = "DIR")]
    store: Option<PathBuf>,
    /// When a command counts as safe
    #[arg(long, value_name = "WHEN", default_value = "os")]
    durability: DurabilityWord,
}

impl Replay {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let opened = open(&self.file, self.cancels_first)?;
        let temporary = tempfile::Builder::new()
            .prefix("outcry-replay-")
            .tempdir()
            .map_err(|error| Failure::failed("no directory for a temporary store").caused_by(error))?;
        let store = self.store.clone().unwrap_or_else(|| temporary.path().join("store"));
        let config =
            NodeConfig { store: store.clone(), durability: self.durability.into(), ..NodeConfig::default() };
        ui.say(format_args!("store {}", store.display()));
        let running = Running::start(config, None, &GatewayConfig::default(), &RulesConfig::default())?;
        let outcome = self.through(ui, running.session(), opened);
        running.stop()?;
        let (summary, elapsed) = outcome?;
        let folded = sequencer::replay::fold::<order_book::Book>(&store, None)?;
        let answer = Answer {
            file: self.file,
            store: self.store,
            durability: self.durability.as_str(),
            elapsed_ms: u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX),
            commands_per_second: per_second(summary.commands, elapsed),
            sequence: folded.sequence,
            state_hash: crate::ui::hex(&folded.state.hash()),
            compared: self.compare,
            summary,
        };
        ui.answer(&answer, show)?;
        Ok(Outcome::Success)
    }

    fn through(
        &self,
        ui: &Ui,
        session: &Session,
        mut opened: Opened,
    ) -> Result<(simulator::replay::Summary, Duration)> {
        let info = opened.feed.info();
        let mut options = ReplayOptions::new(info.format);
        (options.first_instrument, options.first_account) = session.read(|model| {
            let state = model.state();
            let next = |count: usize| u32::try_from(count).expect("ids are 32 bits");
            (InstrumentId(next(state.instruments().len())), AccountId(next(state.accounts().len())))
        });
        options.settle = if self.compare { Settle::ByEvents } else { Settle::ByFeed };
        options.learn = if self.learn { Learn::LevelsComingIntoView } else { Learn::FirstRow };
        let mut lane = Lane { session, pending: VecDeque::new() };
        let mut replay = Replayed::new(info, options);
        for command in replay.setup() {
            lane.send(&mut replay, &command)?;
        }
        lane.settle(&mut replay)?;
        if !replay.summary().rejected.is_empty() {
            let hint = "give --store a directory that is not there";
            return Err(Failure::usage("there is a replay in this store already").hint(hint));
        }
        let progress = ui.progress("replaying bytes", Some(opened.length));
        let started = Instant::now();
        let mut pace = Pace::new(self.speed);
        while let Some(message) = opened.feed.next_message()? {
            pace.wait(message.at);
            self.message(&mut lane, &mut replay, &message)?;
            advance(&progress, &opened, message.record);
        }
        lane.settle(&mut replay)?;
        Ok((replay.summary().clone(), started.elapsed()))
    }

    fn message(&self, lane: &mut Lane<'_>, replay: &mut Replayed, message: &MarketMessage) -> Result<()> {
        for command in replay.commands(message).to_vec() {
            lane.send(replay, &command)?;
        }
        if self.compare {
            lane.settle(replay)?;
            replay.finish_message(message);
        }
        Ok(())
    }
}

fn advance(progress: &Progress, opened: &Opened, record: u64) {
    if record.is_multiple_of(PROGRESS_EVERY) {
        progress.set(opened.read.load(Ordering::Relaxed));
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a rate to show"
)]
fn per_second(count: u64, elapsed: Duration) -> u64 {
    (count as f64 / elapsed.as_secs_f64().max(1e-9)) as u64
}

/// Commands on their way, in order.
struct Lane<'a> {
    session: &'a Session,
    pending: VecDeque<Pending>,
}

impl Lane<'_> {
    /// Sends a command; waits where there is no room.
    fn send(&mut self, replay: &mut Replayed, command: &Command) -> Result<()> {
        loop {
            if self.pending.len() >= IN_FLIGHT_MAX {
                self.observe_oldest(replay)?;
            }
            match self.session.submit(command.clone(), Wants::Events) {
                Ok(pending) => {
                    self.pending.push_back(pending);
                    return Ok(());
                }
                Err(SubmitError::Busy | SubmitError::TooManyInFlight) if self.pending.is_empty() => {
                    std::thread::sleep(BUSY_PAUSE);
                }
                Err(SubmitError::Busy | SubmitError::TooManyInFlight) => self.observe_oldest(replay)?,
                Err(error) => return Err(Failure::failed("the exchange stopped").caused_by(error)),
            }
        }
    }

    /// Waits for everything that is under way.
    fn settle(&mut self, replay: &mut Replayed) -> Result<()> {
        while !self.pending.is_empty() {
            self.observe_oldest(replay)?;
        }
        Ok(())
    }

    fn observe_oldest(&mut self, replay: &mut Replayed) -> Result<()> {
        let Some(mut pending) = self.pending.pop_front() else { return Ok(()) };
        let stopped = |error| Failure::failed("no answer from the exchange").caused_by(error);
        let outcome = pending.wait(OUTCOME_MAX).ok_or_else(|| stopped(ExecuteError::Timeout))?;
        let outcome = outcome.map_err(|error| stopped(ExecuteError::NoOutcome(error)))?;
        outcome.events.iter().for_each(|event| replay.observe(event));
        Ok(())
    }
}

/// How long to wait for one outcome before giving up.
const OUTCOME_MAX: Duration = Duration::from_secs(30);
