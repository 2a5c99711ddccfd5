//! Sending: a window of messages under way, acknowledgements as they come, and what to do when they do not.
//!
//! Each message says which message of the stream must be the last one before it (`Nats-Expected-Last-Sequence`). So an
//! acknowledgement of one is an acknowledgement of all before it; and a message cannot be stored twice, out of order, or
//! behind a gap, however late it arrives. Trouble of any kind has one answer: ask the stream where it ends and begin again there.

use std::collections::VecDeque;
use std::future::Future;
use std::path::PathBuf;
use std::pin::pin;
use std::time::{Duration, Instant};

use async_nats::client::PublishErrorKind;
use async_nats::jetstream::{self, ErrorCode};
use async_nats::{
    Client, ConnectErrorKind, ConnectOptions, Event, HeaderMap, Message, StatusCode, Subscriber,
};
use futures_util::{FutureExt as _, StreamExt as _};
use serde::Deserialize;
use tokio::sync::watch;

use crate::error::Error;
use crate::source::{Encode, Outgoing, Source};
use crate::stream::{Asked, End, MESSAGE_ID, Stream};

/// The message of the stream that must be the last one.
const EXPECTED_LAST: &str = "Nats-Expected-Last-Sequence";
/// The stream that must take it.
const EXPECTED_STREAM: &str = "Nats-Expected-Stream";

/// Messages that are under way at once. More would make nothing faster; a server that dies makes us send as many again.
const WINDOW: usize = 1024;
/// How long to wait for any acknowledgement before asking the stream.
const ACK_WAIT: Duration = Duration::from_secs(5);
/// How long to wait for an answer to a question.
const ANSWER_WAIT: Duration = Duration::from_secs(2);
/// How often the log is looked at when all of it has been sent.
const IDLE: Duration = Duration::from_millis(5);
/// How long to wait before asking again: at first, and at most.
const BACKOFF: (Duration, Duration) = (Duration::from_millis(50), Duration::from_secs(1));
/// How long a run that is to end waits for a server that does not answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// What to send where.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The store.
    pub store: PathBuf,
    /// Where the server is: `nats://HOST:PORT`, `tls://HOST:PORT`, with `USER:PASSWORD@` or `TOKEN@` before the host.
    pub server: String,
    /// The stream.
    pub stream: String,
    /// What subjects begin with.
    pub prefix: String,
    /// Copies that a cluster keeps of a stream that is made.
    pub replicas: usize,
    /// The first record that is looked at, for a stream without messages.
    pub from: Option<u64>,
    /// Whether to go on with what is committed later.
    pub follow: bool,
}

/// How far it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// The event that the stream ended with when this began; 0 for none.
    pub resumed_after: u64,
    /// The last event in the stream; 0 for none.
    pub event: u64,
    /// The last message of the stream.
    pub message: u64,
    /// Events that were stored by this run.
    pub sent: u64,
    /// How often the stream was asked where it ends, because something was wrong.
    pub recoveries: u64,
}

/// A bridge to a stream.
pub struct Nats {
    client: Client,
    stream: Stream,
    source: Source,
    settings: Settings,
    /// Where acknowledgements come.
    acks: Subscriber,
    inbox: String,
    /// How often the connection was lost.
    losses: watch::Receiver<u64>,
    /// Counts beginnings: an acknowledgement of an earlier one says nothing.
    epoch: u64,
    progress: Progress,
}

/// A message under way.
struct Sent {
    event: u64,
    message: u64,
}

/// What an acknowledgement holds.
#[derive(Debug, Deserialize)]
struct Ack {
    #[serde(rename = "seq", default)]
    message: u64,
    /// Whether it was there already.
    #[serde(default)]
    duplicate: bool,
    error: Option<AckError>,
}

#[derive(Debug, Deserialize)]
struct AckError {
    code: u64,
    #[serde(default)]
    err_code: u64,
    #[serde(default)]
    description: String,
}

/// How a while of sending ended.
enum Ended {
    /// Everything that was wanted is in the stream, or somebody asked to stop.
    Done,
    /// Something did not arrive, or not where it should.
    Trouble,
}

impl Nats {
    /// Connects. With [`Settings::follow`] a server that does not answer is waited for, and `tell` is told so once.
    ///
    /// # Errors
    /// What is wrong with the store or the server.
    pub async fn open(settings: Settings, encode: Encode, tell: impl Fn(&Error)) -> Result<Self, Error> {
        let source = Source::open(&settings.store, &settings.prefix, encode)?;
        let (lost, losses) = watch::channel(0);
        let options = ConnectOptions::new()
            .name("outcry bridge")
            .connection_timeout(ANSWER_WAIT)
            .request_timeout(Some(ANSWER_WAIT))
            .max_reconnects(None)
            .reconnect_delay_callback(backoff)
            .subscription_capacity(WINDOW * 4)
            .event_callback(move |event| {
                if event == Event::Disconnected {
                    lost.send_modify(|times| *times += 1);
                }
                std::future::ready(())
            });
        let client = connect(options, &settings, tell).await?;
        if !client.server_info().jetstream {
            return Err(Error::NoJetStream { server: address(&settings.server) });
        }
        let inbox = client.new_inbox();
        let acks = client
            .subscribe(format!("{inbox}.>"))
            .await
            .map_err(|error| Error::Closed { description: error.to_string() })?;
        let mut context = jetstream::new(client.clone());
        context.set_timeout(ANSWER_WAIT);
        let stream = Stream {
            context,
            name: settings.stream.clone(),
            store_id: source.store_id(),
            prefix: settings.prefix.clone(),
            replicas: settings.replicas,
        };
        let progress = Progress::default();
        Ok(Self { client, stream, source, settings, acks, inbox, losses, epoch: 0, progress })
    }

    /// Sends what there is, and with [`Settings::follow`] goes on until `stop` is ready. `tell` is told how far it is.
    ///
    /// # Errors
    /// What cannot be mended by trying again.
    pub async fn run(
        &mut self,
        stop: impl Future<Output = ()>,
        mut tell: impl FnMut(&Progress),
    ) -> Result<Progress, Error> {
        let mut stop = pin!(stop);
        let mut end = tokio::select! {
            end = self.begin() => end?,
            () = &mut stop => return Ok(self.progress),
        };
        self.progress.resumed_after = end.event.unwrap_or(0);
        let limit = if self.settings.follow { u64::MAX } else { self.source.committed() };
        loop {
            self.progress.event = end.event.unwrap_or(0);
            self.progress.message = end.message;
            tell(&self.progress);
            let ended = tokio::select! {
                ended = self.send(end, limit, &mut tell) => ended?,
                () = &mut stop => Ended::Done,
            };
            match ended {
                Ended::Done => return Ok(self.progress),
                Ended::Trouble => {}
            }
            self.progress.recoveries += 1;
            let sent_to = self.progress.message;
            end = tokio::select! {
                end = self.recover() => end?,
                () = &mut stop => return Ok(self.progress),
            };
            // Some that were not acknowledged may have arrived, and some that were may have been lost with the server's disk.
            self.progress.sent = self.progress.sent.saturating_add(end.message).saturating_sub(sent_to);
        }
    }

    /// Where to begin.
    async fn begin(&mut self) -> Result<End, Error> {
        let started = Instant::now();
        let end = loop {
            self.losses.mark_unchanged();
            match self.stream.open().await? {
                Asked::Answer(end) => break end,
                Asked::Nothing if !self.settings.follow && started.elapsed() > ACK_WAIT => {
                    return Err(Error::Gone { seconds: started.elapsed().as_secs() });
                }
                Asked::Nothing => tokio::time::sleep(BACKOFF.1).await,
            }
        };
        let stream = self.settings.stream.clone();
        if let (Some(_), Some(event)) = (self.settings.from, end.event) {
            return Err(Error::HasBegun { stream, event });
        }
        self.go_to(end)?;
        Ok(end)
    }

    /// Goes on after what the stream ends with.
    fn go_to(&mut self, end: End) -> Result<(), Error> {
        let stream = || self.settings.stream.clone();
        let committed = self.source.committed();
        let from = match (end, self.settings.from) {
            (End { event: Some(event), .. }, _) if event > committed => {
                return Err(Error::Ahead { stream: stream(), event, committed });
            }
            (End { event: Some(event), .. }, _) => event + 1,
            (End { event: None, .. }, Some(from)) => from.clamp(1, committed + 1),
            (End { event: None, message: 0 }, None) => 1,
            (End { event: None, message }, None) => {
                return Err(Error::Emptied { stream: stream(), messages: message });
            }
        };
        self.source.seek(from)
    }

    /// Asks the stream where it ends until it says so, and goes there.
    async fn recover(&mut self) -> Result<End, Error> {
        let started = Instant::now();
        for attempt in 0.. {
            tokio::time::sleep(backoff(attempt)).await;
            // What was lost before the stream answers, its answer knows of.
            self.losses.mark_unchanged();
            match self.stream.end().await {
                Ok(Asked::Answer(end)) => {
                    self.go_to(end)?;
                    return Ok(end);
                }
                // A server that has just begun may not know its streams yet.
                Err(Error::Stream { code, .. })
                    if code == ErrorCode::STREAM_NOT_FOUND.0 && started.elapsed() < ACK_WAIT => {}
                Err(error) => return Err(error),
                Ok(Asked::Nothing) => {}
            }
            if !self.settings.follow && started.elapsed() > PATIENCE {
                break;
            }
        }
        Err(Error::Gone { seconds: started.elapsed().as_secs() })
    }

    /// Sends events up to a record until there are no more, or something is wrong.
    async fn send(&mut self, end: End, limit: u64, tell: &mut impl FnMut(&Progress)) -> Result<Ended, Error> {
        self.epoch += 1;
        let mut under_way: VecDeque<Sent> = VecDeque::with_capacity(WINDOW);
        let mut last = end.message;
        let mut last_heard = Instant::now();
        loop {
            let mut is_idle = false;
            while under_way.len() < WINDOW {
                let Some(event) = self.source.next()?.filter(|event| event.sequence <= limit) else {
                    is_idle = true;
                    break;
                };
                let sequence = event.sequence;
                if !self.publish(event, last).await? {
                    return Ok(Ended::Trouble);
                }
                if under_way.is_empty() {
                    last_heard = Instant::now();
                }
                last += 1;
                under_way.push_back(Sent { event: sequence, message: last });
            }
            if is_idle && under_way.is_empty() {
                if !self.settings.follow {
                    return Ok(Ended::Done);
                }
                tokio::time::sleep(IDLE).await;
                continue;
            }
            let wait = if is_idle { IDLE } else { ACK_WAIT };
            let mut heard = tokio::select! {
                ack = self.acks.next() => match ack {
                    Some(ack) => Some(ack),
                    None => return Err(closed()),
                },
                _ = self.losses.changed() => return Ok(Ended::Trouble),
                () = tokio::time::sleep(wait) => None,
            };
            if heard.is_none() && last_heard.elapsed() > ACK_WAIT {
                return Ok(Ended::Trouble);
            }
            while let Some(ack) = heard {
                last_heard = Instant::now();
                if !self.take(&ack, &mut under_way)? {
                    return Ok(Ended::Trouble);
                }
                heard = self.acks.next().now_or_never().flatten();
            }
            tell(&self.progress);
        }
    }

    /// Sends one event, to be stored right after message `last`. Whether it went out.
    async fn publish(&mut self, event: Outgoing, last: u64) -> Result<bool, Error> {
        let mut headers = HeaderMap::new();
        headers.insert(MESSAGE_ID, event.sequence.to_string());
        headers.insert(EXPECTED_LAST, last.to_string());
        headers.insert(EXPECTED_STREAM, self.settings.stream.as_str());
        let reply = format!("{}.{}.{}", self.inbox, self.epoch, last + 1);
        let sending =
            self.client.publish_with_reply_and_headers(event.subject, reply, headers, event.payload.into());
        let sent = tokio::select! {
            sent = sending => sent,
            // What waits to be sent waits for a connection.
            _ = self.losses.changed() => return Ok(false),
        };
        match sent {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == PublishErrorKind::Send => Err(closed()),
            Err(error) => {
                let description = error.to_string();
                Err(Error::Refused { sequence: event.sequence, code: 0, description })
            }
        }
    }

    /// Takes an acknowledgement. Whether all is well.
    fn take(&mut self, ack: &Message, under_way: &mut VecDeque<Sent>) -> Result<bool, Error> {
        let mut words = ack.subject.rsplit('.');
        let message: Option<u64> = words.next().and_then(|word| word.parse().ok());
        let epoch: Option<u64> = words.next().and_then(|word| word.parse().ok());
        let (Some(message), true) = (message, epoch == Some(self.epoch)) else { return Ok(true) };
        if ack.status == Some(StatusCode::NO_RESPONDERS) {
            return Ok(false);
        }
        let Ok(answer) = serde_json::from_slice::<Ack>(&ack.payload) else { return Ok(false) };
        if let Some(error) = answer.error {
            let is_order = error.err_code == ErrorCode::STREAM_WRONG_LAST_SEQUENCE.0;
            if is_order || error.code == 503 || error.code == 408 {
                return Ok(false);
            }
            let event = under_way.iter().find(|sent| sent.message == message).map_or(0, |sent| sent.event);
            return Err(Error::Refused {
                sequence: event,
                code: error.err_code,
                description: error.description,
            });
        }
        if answer.duplicate && answer.message < message {
            let (stream, earlier) = (self.settings.stream.clone(), answer.message);
            return Err(Error::Remembered { stream, earlier });
        }
        if answer.message != message {
            return Ok(false);
        }
        while let Some(first) = under_way.front()
            && first.message <= message
        {
            self.progress.event = first.event;
            self.progress.message = first.message;
            self.progress.sent += 1;
            under_way.pop_front();
        }
        Ok(true)
    }
}

/// Connects, and where [`Settings::follow`] says so, tries until somebody answers.
async fn connect(
    options: ConnectOptions,
    settings: &Settings,
    tell: impl Fn(&Error),
) -> Result<Client, Error> {
    let mut attempt = 0;
    loop {
        match options.clone().connect(settings.server.as_str()).await {
            Ok(client) => return Ok(client),
            Err(source) => {
                // A name or a password that is wrong stays so.
                let may_come = matches!(source.kind(), ConnectErrorKind::Io | ConnectErrorKind::TimedOut);
                let error = Error::Connect { server: address(&settings.server), source };
                if !settings.follow || !may_come {
                    return Err(error);
                }
                if attempt == 0 {
                    tell(&error);
                }
            }
        }
        tokio::time::sleep(backoff(attempt)).await;
        attempt += 1;
    }
}

/// Where a server is, without who connects to it: that may hold a password.
fn address(server: &str) -> String {
    let Some((scheme, rest)) = server.split_once("://") else {
        return server.rsplit('@').next().unwrap_or_default().to_owned();
    };
    format!("{scheme}://{}", rest.rsplit('@').next().unwrap_or_default())
}

fn backoff(attempt: usize) -> Duration {
    let (first, most) = BACKOFF;
    first.saturating_mul(1 << attempt.min(10)).min(most)
}

fn closed() -> Error {
    Error::Closed { description: "it will not connect again".to_owned() }
}

#[cfg(test)]
mod tests {
    use super::address;

    #[test]
    fn a_password_is_in_no_message() {
        for (server, shown) in [
            ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
            ("tls://user:p@ss@host:1", "tls://host:1"),
            ("token@host", "host"),
            ("host", "host"),
        ] {
            assert_eq!(address(server), shown);
        }
    }
}
