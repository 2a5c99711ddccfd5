//! Committed events to a message broker: NATS JetStream. Each event is one message, in the order of the log, exactly once,
//! whatever dies meanwhile: the server, the network or this.
//!
//! How that is so: the stream itself says how far it has come. Its last message names the event it holds, and each
//! message we send names the message that must be the last one before it. The server checks that, so a message that was
//! lost on its way keeps all later ones out, and one that arrives twice is refused the second time. After any trouble the
//! stream is asked where it ends, and sending goes on from there ([`send`]).
//!
//! **Architecture invariant:** nothing is remembered here. What is in the log and what is in the stream is all there is to know.

mod error;
mod send;
mod source;
mod stream;

pub use error::Error;
pub use send::{Nats, Progress, Settings};
pub use source::Encode;
