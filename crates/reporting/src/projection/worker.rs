//! A reporting rule at work, in a thread of its own: however slow it is, nothing else waits for it. It reads the log by itself and hands
//! over what became of a part of it; when that is in the file, it is asked for the next.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Instant;

use super::reading::{Reading, Slice};
use crate::error::Error;
use crate::names::Names;
use crate::rule::{RuleHost, RuleRecipe, RuleRunner, RuleTable};
use crate::store::Store;

/// What a worker is asked for.
struct Request {
    /// The last record it may read.
    up_to: u64,
    /// What things were called by then.
    names: Arc<Names>,
}

/// What came of it.
pub enum Reply {
    /// The rule is ready, and this is its table.
    Opened(RuleTable),
    /// It could not be made ready.
    NotOpened(String),
    /// It read a part of the log.
    Slice(Slice),
    /// The log could not be read.
    Unreadable(Error),
}

/// A rule's thread, from outside.
pub struct Worker {
    requests: Sender<Request>,
    replies: Receiver<Reply>,
    busy: bool,
}

impl Worker {
    /// Starts the thread of a rule that has read the log up to a record and wants `state` back.
    pub fn start(
        host: Arc<dyn RuleHost>,
        recipe: RuleRecipe,
        store: Arc<Store>,
        sequence: u64,
        state: Vec<u8>,
    ) -> std::io::Result<Self> {
        let (requests, asked) = channel();
        let (answers, replies) = channel();
        let work = Work { host, recipe, reading: Reading::new(store, sequence, state), runner: None };
        std::thread::Builder::new()
            .name("reporting-rule".to_owned())
            .spawn(move || work.run(&asked, &answers))?;
        Ok(Self { requests, replies, busy: false })
    }

    /// Whether it works on what it was asked.
    pub fn is_busy(&self) -> bool {
        self.busy
    }

    /// Asks it to get ready or, once it is, to read on. One thing at a time.
    pub fn ask(&mut self, up_to: u64, names: &Arc<Names>) {
        // If the thread is gone, the next look says so.
        let _ = self.requests.send(Request { up_to, names: Arc::clone(names) });
        self.busy = true;
    }

    /// What it was asked for, if it is there by some moment.
    pub fn reply(&mut self, by: Instant) -> Option<Reply> {
        match self.replies.recv_timeout(by.saturating_duration_since(Instant::now())) {
            Ok(reply) => {
                self.busy = false;
                Some(reply)
            }
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => {
                self.busy = false;
                Some(Reply::NotOpened("its thread has ended".to_owned()))
            }
        }
    }
}

/// What the thread has.
struct Work {
    host: Arc<dyn RuleHost>,
    recipe: RuleRecipe,
    reading: Reading,
    runner: Option<Box<dyn RuleRunner>>,
}

impl Work {
    /// Ends when nobody can ask any more.
    fn run(mut self, asked: &Receiver<Request>, answers: &Sender<Reply>) {
        while let Ok(request) = asked.recv() {
            let reply = if let Some(runner) = &mut self.runner {
                let slice = self.reading.slice(&mut **runner, request.up_to, &request.names);
                slice.map_or_else(Reply::Unreadable, Reply::Slice)
            } else {
                match self.host.open(&self.recipe) {
                    Ok(runner) => {
                        let table = runner.table().clone();
                        self.runner = Some(runner);
                        Reply::Opened(table)
                    }
                    Err(error) => Reply::NotOpened(error.to_string()),
                }
            };
            if answers.send(reply).is_err() {
                return;
            }
        }
    }
}
