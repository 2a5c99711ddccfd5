//! `outcry bridge`: committed events to message brokers. How none is lost or sent twice is in the crate `bridge`.

use super::log::Shown;
use super::store::Store;
use crate::ui::{self, Failure, Outcome, Result, Ui};
use bridge::{Encode, Error, Progress, Settings};
use clap::{Args, Subcommand};
use serde::Serialize;
use std::time::Instant;

/// Send committed events to a message broker
#[derive(Debug, Args)]
pub struct Bridge {
    #[command(subcommand)]
    broker: Broker,
}

#[derive(Debug, Subcommand)]
enum Broker {
    Nats(Nats),
}

/// Bring a NATS JetStream up to date with the log's events, and with -f keep it so
///
/// Each event is a message: the JSON of "outcry log show --json", to PREFIX.KIND.SYMBOL, with its sequence number as the
/// message's id. Run again, or after the server or this has died, it goes on after the stream's last message: every event
/// is in the stream once, in order. docs/EXPORT.md says more.
#[derive(Debug, Args)]
pub struct Nats {
    /// The server: nats://HOST:PORT or tls://HOST:PORT, with USER:PASSWORD@ before the host where it wants that
    #[arg(
        long,
        env = "OUTCRY_NATS",
        value_name = "URL",
        default_value = "nats://127.0.0.1:4222",
        hide_env_values = true
    )]
    server: String,
    /// The stream, which is made if it is not there
    #[arg(long, value_name = "NAME", default_value = "OUTCRY", value_parser = stream_name)]
    stream: String,
    /// What the messages' subjects begin with
    #[arg(long, value_name = "PREFIX", default_value = "outcry.events", value_parser = prefix)]
    subject: String,
    /// Copies that a cluster keeps of a stream that is made
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=5))]
    replicas: u8,
    /// The record to begin with, for a stream that has no messages
    #[arg(long, value_name = "SEQUENCE", value_parser = clap::value_parser!(u64).range(1..))]
    from: Option<u64>,
    /// Go on with what is committed, until interrupted
    #[arg(short, long)]
    follow: bool,
    #[command(flatten)]
    store: Store,
}

fn stream_name(text: &str) -> Result<String, &'static str> {
    let fits = |byte: u8| byte.is_ascii_graphic() && !b".*>/\\".contains(&byte);
    if text.is_empty() || !text.bytes().all(fits) {
        return Err("write a name without dots, blanks, slashes, * and >");
    }
    Ok(text.to_owned())
}

fn prefix(text: &str) -> Result<String, &'static str> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    let is_token = |token: &str| !token.is_empty() && token.bytes().all(fits);
    if !text.split('.').all(is_token) {
        return Err("write words of letters, digits, - and _ with dots between them, such as outcry.events");
    }
    Ok(text.to_owned())
}

#[derive(Debug, Serialize)]
struct Answer {
    stream: String,
    /// The event that the stream ended with before; null for none.
    resumed_after: Option<u64>,
    /// The event that it ends with now; null for none.
    last_sequence: Option<u64>,
    /// Messages that it has had in all.
    messages: u64,
    /// Events that this run put there.
    sent: u64,
    /// How often something went wrong and the stream was asked where to go on.
    recoveries: u64,
    elapsed_ms: u64,
}

impl Bridge {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let Broker::Nats(nats) = self.broker;
        nats.run(ui)
    }
}

impl Nats {
    fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let start = Instant::now();
        let settings = Settings {
            store: self.store.dir,
            server: self.server,
            stream: self.stream.clone(),
            prefix: self.subject,
            replicas: self.replicas.into(),
            from: self.from,
            follow: self.follow,
        };
        // One thread for the connection beside this one, which reads the log.
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .map_err(|error| Failure::failed("cannot begin").caused_by(error))?;
        let shown = ui.progress("sending", None);
        let mut recoveries = 0;
        let outcome = runtime.block_on(async {
            let encode: Encode = |record, header| {
                let shown = Shown::decoded(record, header)?;
                Ok(serde_json::to_vec(&shown).expect("text and numbers are JSON"))
            };
            let waiting = |error: &Error| {
                let text = error.to_string();
                ui.say(format_args!("{}; waiting for it", text.lines().next().unwrap_or_default()));
            };
            let mut nats = bridge::Nats::open(settings, encode, waiting).await?;
            let interrupted = async {
                // Without a handler the signal ends the process, which is as good.
                let _ = tokio::signal::ctrl_c().await;
            };
            nats.run(interrupted, |progress| {
                shown.set(progress.sent);
                if progress.recoveries > recoveries {
                    recoveries = progress.recoveries;
                    let event = ui::count(progress.event);
                    ui.say(format_args!("the stream ends with event {event}; going on after it"));
                }
            })
            .await
        });
        shown.end();
        let Progress { resumed_after, event, message, sent, recoveries } = outcome?;
        let answer = Answer {
            stream: self.stream,
            resumed_after: Some(resumed_after).filter(|event| *event > 0),
            last_sequence: Some(event).filter(|event| *event > 0),
            messages: message,
            sent,
            recoveries,
            elapsed_ms: start.elapsed().as_millis().try_into().unwrap_or(u64::MAX),
        };
        ui.answer(&answer, |ui, answer| {
            let (stream, sent) = (&answer.stream, ui::count(answer.sent));
            match answer.last_sequence {
                Some(last) => {
                    ui.line(format_args!("{stream} ends with event {}; {sent} sent", ui::count(last)))
                }
                None => ui.line(format_args!("{stream} has no events; none was there to send")),
            }
        })?;
        Ok(Outcome::Success)
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        let error = match error {
            Error::Store(error) => return error.into(),
            error => error,
        };
        let text = error.to_string();
        let (message, hint) = match text.split_once("\nhint: ") {
            Some((message, hint)) => (message, Some(hint)),
            None => (text.as_str(), None),
        };
        let is_asked_wrong =
            matches!(error, Error::ForeignStream { .. } | Error::Unfit { .. } | Error::HasBegun { .. });
        let failure = if is_asked_wrong { Self::usage(message) } else { Self::failed(message) };
        match hint {
            Some(hint) => failure.hint(hint),
            None => failure,
        }
    }
}
