//! The stream: made where it is not there, looked at where it is, and asked where it ends.

use async_nats::HeaderMap;
use async_nats::jetstream::context::{CreateStreamErrorKind, GetStreamErrorKind};
use async_nats::jetstream::stream::{Config, Info, LastRawMessageErrorKind, RetentionPolicy, StorageType};
use async_nats::jetstream::{Context, ErrorCode};

use crate::error::Error;

/// Whose events a stream holds, in its metadata.
const STORE: &str = "outcry-store";
/// The message's own number, which the server knows it by: our sequence number.
pub const MESSAGE_ID: &str = "Nats-Msg-Id";

/// A stream, and whose it is to be.
pub struct Stream {
    pub context: Context,
    pub name: String,
    pub store_id: String,
    /// What its subjects begin with.
    pub prefix: String,
    /// Copies of it that a cluster keeps, when it is made.
    pub replicas: usize,
}

/// Where a stream ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct End {
    /// The last message's number in the stream; 0 when there has been none.
    pub message: u64,
    /// The event it holds; `None` when there is no message.
    pub event: Option<u64>,
}

/// What came of asking.
pub enum Asked<T> {
    Answer(T),
    /// Nobody answered; later somebody may.
    Nothing,
}

impl Stream {
    /// Makes the stream where it is not there. Returns where it ends.
    pub async fn open(&self) -> Result<Asked<End>, Error> {
        match self.end().await {
            Err(Error::Stream { code, .. }) if code == ErrorCode::STREAM_NOT_FOUND.0 => {}
            other => return other,
        }
        let config = Config {
            name: self.name.clone(),
            subjects: vec![self.subjects()],
            storage: StorageType::File,
            retention: RetentionPolicy::Limits,
            num_replicas: self.replicas,
            allow_direct: true,
            description: Some(format!("Committed events of the Outcry store {}", self.store_id)),
            metadata: [(STORE.to_owned(), self.store_id.clone())].into(),
            ..Config::default()
        };
        match self.context.create_stream(config).await {
            Ok(_) => self.end().await,
            Err(error) => match error.kind() {
                CreateStreamErrorKind::JetStream(error) => Err(self.refused(&error)),
                CreateStreamErrorKind::InvalidStreamName | CreateStreamErrorKind::EmptyStreamName => {
                    Err(self
                        .unfit("is no name for a stream: it must have no dots, blanks, `*`, `>` or slashes"))
                }
                _ => Ok(Asked::Nothing),
            },
        }
    }

    /// Looks whether the stream is what it must be, and where it ends.
    pub async fn end(&self) -> Result<Asked<End>, Error> {
        let stream = match self.context.get_stream(&self.name).await {
            Ok(stream) => stream,
            Err(error) => match error.kind() {
                GetStreamErrorKind::JetStream(error) if is_momentary(&error) => return Ok(Asked::Nothing),
                GetStreamErrorKind::JetStream(error) => return Err(self.refused(&error)),
                GetStreamErrorKind::Request => return Ok(Asked::Nothing),
                GetStreamErrorKind::InvalidStreamName | GetStreamErrorKind::EmptyName => {
                    return Err(self.unfit(
                        "is no name for a stream: it must have no dots, blanks, `*`, `>` or slashes",
                    ));
                }
            },
        };
        let info = stream.cached_info();
        self.check(info)?;
        let message = info.state.last_sequence;
        if info.state.messages == 0 {
            return Ok(Asked::Answer(End { message, event: None }));
        }
        match stream.get_raw_message(message).await {
            Ok(last) => match event(&last.headers) {
                Some(event) => Ok(Asked::Answer(End { message, event: Some(event) })),
                None => Err(Error::Stranger { stream: self.name.clone(), message }),
            },
            Err(error) => match error.kind() {
                LastRawMessageErrorKind::JetStream(error) if !is_momentary(&error) => {
                    Err(self.refused(&error))
                }
                // Gone between the two questions, or not answered.
                _ => Ok(Asked::Nothing),
            },
        }
    }

    fn check(&self, info: &Info) -> Result<(), Error> {
        let config = &info.config;
        let found = match config.metadata.get(STORE) {
            Some(found) if *found == self.store_id => None,
            Some(found) => Some(format!("the events of store {found}")),
            None => Some("something else".to_owned()),
        };
        if let Some(found) = found {
            let (stream, store) = (self.name.clone(), self.store_id.clone());
            return Err(Error::ForeignStream { stream, found, store });
        }
        let wanted = self.subjects();
        if config.subjects != [wanted.as_str()] {
            let found = config.subjects.join(", ");
            return Err(self.unfit(&format!("takes the subjects {found}, not {wanted} (--subject)")));
        }
        if config.storage != StorageType::File {
            return Err(self.unfit("is kept in memory, not in files"));
        }
        if config.retention != RetentionPolicy::Limits {
            return Err(self.unfit("drops messages that have been read"));
        }
        if config.no_ack {
            return Err(self.unfit("acknowledges nothing"));
        }
        if config.sealed {
            return Err(self.unfit("is sealed"));
        }
        if config.mirror.is_some() || config.sources.as_ref().is_some_and(|sources| !sources.is_empty()) {
            return Err(self.unfit("takes messages from other streams"));
        }
        Ok(())
    }

    fn subjects(&self) -> String {
        format!("{}.>", self.prefix)
    }

    fn unfit(&self, why: &str) -> Error {
        Error::Unfit { stream: self.name.clone(), why: why.to_owned() }
    }

    fn refused(&self, error: &async_nats::jetstream::Error) -> Error {
        let description = error.to_string();
        Error::Stream { stream: self.name.clone(), code: error.error_code().0, description }
    }
}

/// Whether the server only says that it is not ready.
fn is_momentary(error: &async_nats::jetstream::Error) -> bool {
    error.code() == 503 || error.code() == 408
}

/// The event that a message of ours holds.
fn event(headers: &HeaderMap) -> Option<u64> {
    headers.get(MESSAGE_ID)?.as_str().parse().ok()
}
