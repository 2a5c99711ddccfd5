//! What keeps events from reaching a broker, told so that the operator can do something about it.

use model::DecodeError;

/// Why the bridge cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] event_store::Error),
    /// A record this build does not understand.
    #[error("record {sequence}: {source}")]
    Record {
        /// Its sequence number.
        sequence: u64,
        /// What is wrong with it.
        source: DecodeError,
    },
    /// Nobody answers.
    #[error(
        "no NATS server answers at {server}: {source}\nhint: start one with \"nats-server -js\", or name another with --server"
    )]
    Connect {
        /// Where it was looked for.
        server: String,
        /// What the client says.
        source: async_nats::ConnectError,
    },
    /// The server does not keep messages.
    #[error("the NATS server at {server} has no JetStream\nhint: start it with \"nats-server -js\"")]
    NoJetStream {
        /// Where it is.
        server: String,
    },
    /// The server was there, and is not any more.
    #[error(
        "the NATS server has not answered for {seconds} seconds\nhint: run this again when it is back: it goes on after the last event in the stream"
    )]
    Gone {
        /// How long it was waited for.
        seconds: u64,
    },
    /// The server says no to something about the stream.
    #[error("stream {stream}: {description} (JetStream error {code})")]
    Stream {
        /// The stream.
        stream: String,
        /// JetStream's number for it.
        code: u64,
        /// What it says.
        description: String,
    },
    /// The stream holds something else.
    #[error(
        "stream {stream} holds {found}, not the events of store {store}\nhint: name another with --stream, and another --subject for it"
    )]
    ForeignStream {
        /// The stream.
        stream: String,
        /// What it says it holds.
        found: String,
        /// The store.
        store: String,
    },
    /// The stream would not keep what it is sent, or in another order.
    #[error("stream {stream} {why}\nhint: change that, or name another with --stream")]
    Unfit {
        /// The stream.
        stream: String,
        /// Why it is not fit.
        why: String,
    },
    /// The last message of the stream is not one of ours.
    #[error(
        "message {message} of stream {stream} was not sent by this bridge\nhint: nobody else may publish to its subjects; name another with --stream"
    )]
    Stranger {
        /// The stream.
        stream: String,
        /// The message's number in it.
        message: u64,
    },
    /// The stream has had messages and has none now, so nothing tells where to go on.
    #[error(
        "all {messages} messages of stream {stream} have been removed, so nothing says which event is next\nhint: name it with --from SEQUENCE"
    )]
    Emptied {
        /// The stream.
        stream: String,
        /// How many it has had.
        messages: u64,
    },
    /// The stream has had this event in a message that has been removed, and the server takes it for the same one.
    #[error(
        "the server of stream {stream} still remembers an event that was removed from it as message {earlier}\nhint: it forgets after the stream's duplicate window, two minutes if nobody changed it; run this again then"
    )]
    Remembered {
        /// The stream.
        stream: String,
        /// What number it had.
        earlier: u64,
    },
    /// The stream is ahead of the log.
    #[error(
        "stream {stream} ends with event {event}, and the log with record {committed}\nhint: this is an older copy of the store; use the one that was bridged"
    )]
    Ahead {
        /// The stream.
        stream: String,
        /// The last event in it.
        event: u64,
        /// The last record of the log.
        committed: u64,
    },
    /// A first event was named for a stream that has one.
    #[error(
        "stream {stream} ends with event {event} and goes on after it\nhint: leave out --from, which is for a stream without messages"
    )]
    HasBegun {
        /// The stream.
        stream: String,
        /// The last event in it.
        event: u64,
    },
    /// A message is refused for what it is.
    #[error("the server refuses event {sequence}: {description} (JetStream error {code})")]
    Refused {
        /// The event.
        sequence: u64,
        /// JetStream's number for it; 0 where it never got there.
        code: u64,
        /// What it says.
        description: String,
    },
    /// The client has given up for good.
    #[error("the NATS client has closed its connection: {description}")]
    Closed {
        /// What it says.
        description: String,
    },
}
