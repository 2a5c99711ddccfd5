//! The reporting rules in force, each with its table. The table of a rule is what its component makes of the whole log, from the first
//! record on: a new version begins there, in a table beside the old one, and takes its place when it has caught up. The rows of a part
//! of the log, what the rule remembers and how far it has read are written in one transaction.
//!
//! A rule out of force has no table: what is in the file at a watermark follows from the log up to there.

use std::sync::Arc;
use std::time::{Duration, Instant};

use duckdb::Connection;
use model::{RuleActivated, RuleId};

use super::in_force::InForce;
use super::reading::Slice;
use super::rule_file::{self, Entry};
use super::staged::{Staging, Waiting as _};
use super::worker::{Reply, Worker};
use crate::error::Error;
use crate::names::Names;
use crate::rule::{RuleHost, RuleRecipe, RuleTable};
use crate::store::Store;

/// After how long a component that could not be opened is tried again.
const OPEN_AGAIN: Duration = Duration::from_secs(10);

/// How a reporting rule is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleProgress {
    /// Its name.
    pub rule: String,
    /// Which of its components.
    pub rule_version: u16,
    /// The table it fills, once it could say.
    pub table: Option<String>,
    /// `current`, `building`, `waiting` (its component cannot be opened) or `stopped`.
    pub status: &'static str,
    /// The last record it has read.
    pub sequence: u64,
    /// How often it failed.
    pub failures: u64,
    /// How it failed last.
    pub last_error: Option<String>,
}

/// A rule that fills a table.
struct Fed {
    /// As the file has it, or will have it after the next transaction.
    entry: Entry,
    worker: Option<Worker>,
    /// Whether the component has been opened by this process.
    opened: bool,
    /// What is to be written next.
    slice: Option<Slice>,
    /// Whether anything else of the entry is to be written.
    changed: bool,
    /// Whether the entry is in the file.
    known: bool,
    /// When to try again.
    wait_until: Option<Instant>,
    /// How often in a row it failed on one event.
    in_a_row: u16,
    max_faults: u16,
}

/// All of them.
pub struct Rules {
    host: Option<Arc<dyn RuleHost>>,
    store: Arc<Store>,
    fed: Vec<Fed>,
    /// Those whose tables are to go.
    dismissed: Vec<Entry>,
    /// Names of tables and views that no rule may take.
    taken: Vec<String>,
    news: Vec<String>,
}

impl Rules {
    /// Those that the file has. Without a host they stay as they are.
    pub fn open(
        connection: &Connection,
        store: &Arc<Store>,
        host: Option<Arc<dyn RuleHost>>,
    ) -> Result<Self, Error> {
        let entries = rule_file::entries(connection)?;
        let taken = rule_file::taken(connection, &entries)?;
        let fed = entries.into_iter().map(|entry| Fed::new(entry, true)).collect();
        Ok(Self { host, store: Arc::clone(store), fed, dismissed: Vec::new(), taken, news: Vec::new() })
    }

    /// Follows a change of what is in force.
    pub fn settle(&mut self, in_force: &InForce, names: &Names) {
        if self.host.is_none() {
            return;
        }
        let active = in_force.in_order();
        for activated in &active {
            let name = names.rule(activated.rule).unwrap_or_default();
            self.put_in_force(activated, name);
        }
        // What is out of force goes; but what is being replaced stays until its successor is ready.
        let is_active = |entry: &Entry| active.iter().any(|it| it.activation.0 == entry.activation);
        let is_replaced = |entry: &Entry| entry.built && active.iter().any(|it| it.rule == entry.rule_id);
        let all = std::mem::take(&mut self.fed);
        let (stay, go): (Vec<Fed>, Vec<Fed>) =
            all.into_iter().partition(|fed| is_active(&fed.entry) || is_replaced(&fed.entry));
        self.fed = stay;
        self.dismissed.extend(go.into_iter().filter(|fed| fed.known).map(|fed| fed.entry));
    }

    fn put_in_force(&mut self, activated: &RuleActivated, name: &str) {
        let recipe = recipe(activated);
        if let Some(fed) = self.fed.iter_mut().find(|fed| fed.entry.activation == activated.activation.0) {
            fed.max_faults = activated.max_faults;
            return;
        }
        let same = |fed: &&mut Fed| {
            let entry = &fed.entry;
            entry.rule_id == activated.rule && entry.recipe == recipe && entry.built && !entry.stopped
        };
        if let Some(fed) = self.fed.iter_mut().find(same) {
            // The same component with the same parameters makes the same table.
            fed.entry.was = fed.entry.was.or(Some(fed.entry.activation));
            fed.entry.activation = activated.activation.0;
            fed.entry.rule_version = activated.rule_version;
            (fed.changed, fed.max_faults) = (true, activated.max_faults);
            return;
        }
        let entry = Entry::new(name, activated.rule, activated.rule_version, activated.activation.0, recipe);
        let mut fed = Fed::new(entry, false);
        (fed.changed, fed.max_faults) = (true, activated.max_faults);
        self.fed.push(fed);
    }

    /// Asks the rules to read up to a record, and takes what is ready by some moment.
    pub fn advance(
        &mut self,
        connection: &Connection,
        up_to: u64,
        names: &Arc<Names>,
        by: Instant,
    ) -> Result<(), Error> {
        let Some(host) = self.host.clone() else { return Ok(()) };
        for at in 0..self.fed.len() {
            self.fed[at].ask(&host, &self.store, up_to, names)?;
        }
        for at in 0..self.fed.len() {
            // Two answers: a rule that was opened is asked to read at once.
            for _ in 0..2 {
                let Some(reply) = self.fed[at].reply(by) else { break };
                self.take(at, reply, connection)?;
                self.fed[at].ask(&host, &self.store, up_to, names)?;
            }
        }
        Ok(())
    }

    fn take(&mut self, at: usize, reply: Reply, connection: &Connection) -> Result<(), Error> {
        match reply {
            Reply::Unreadable(error) => return Err(error),
            Reply::NotOpened(why) => {
                let fed = &mut self.fed[at];
                fed.wait_until = Some(Instant::now() + OPEN_AGAIN);
                // A thread that ended is no use any more.
                fed.worker = None;
                fed.opened = false;
                if fed.failed(&why) {
                    let rule = &fed.entry.rule;
                    self.news.push(format!(
                        "the reporting rule {rule} cannot be run: {why}\nhint: it is tried again; \"outcry plugin load\" stores a component that is missing"
                    ));
                }
            }
            Reply::Opened(table) => {
                self.fed[at].opened = true;
                self.fed[at].wait_until = None;
                if self.fed[at].entry.table.is_none() {
                    self.begin_table(at, &table, connection);
                }
            }
            Reply::Slice(slice) => {
                let fed = &mut self.fed[at];
                if slice.sequence > fed.entry.sequence {
                    fed.in_a_row = 0;
                }
                if let Some(why) = slice.failure.clone() {
                    fed.in_a_row += 1;
                    fed.failed(&why);
                    if fed.in_a_row >= fed.max_faults.max(1) {
                        let sequence = slice.sequence + 1;
                        self.stop(at, &format!("record {sequence}: {why}"));
                    }
                }
                self.fed[at].slice = Some(slice);
            }
        }
        Ok(())
    }

    /// Makes the table of a rule, beside that of its former version. When that cannot be, the rule is stopped, and nothing else.
    fn begin_table(&mut self, at: usize, table: &RuleTable, connection: &Connection) {
        let entry = &self.fed[at].entry;
        let other = self.fed.iter().position(|other| {
            other.entry.rule_id != entry.rule_id && other.entry.table.as_ref() == Some(&table.name)
        });
        if let Some(other) = other {
            // Who came first has the name, whoever was opened first.
            let elder = &self.fed[other].entry;
            if elder.built || elder.activation < entry.activation {
                let why = format!("its table {} is that of the rule {}", table.name, elder.rule);
                return self.stop(at, &why);
            }
            let why = format!("its table {} is that of the rule {}", table.name, entry.rule);
            self.stop(other, &why);
        } else if self.taken.contains(&table.name) || table.name.starts_with(rule_file::BUILDING) {
            return self.stop(at, &format!("the name of its table, {}, is taken", table.name));
        }
        match rule_file::begin(connection, &self.fed[at].entry, table, self.fed[at].known) {
            Ok(()) => {
                let fed = &mut self.fed[at];
                fed.entry.table = Some(table.name.clone());
                fed.entry.key =
                    table.columns.iter().take(table.key).map(|column| column.name.clone()).collect();
                fed.known = true;
            }
            Err(error) => self.stop(at, &format!("its table {} cannot be made: {error}", table.name)),
        }
    }

    fn stop(&mut self, at: usize, why: &str) {
        let fed = &mut self.fed[at];
        fed.entry.stopped = true;
        fed.entry.last_error = Some(why.to_owned());
        (fed.changed, fed.worker) = (true, None);
        let rule = &fed.entry.rule;
        self.news.push(format!(
            "the reporting rule {rule} is stopped: {why}; everything else goes on\nhint: its table stays as it is; activate another version, or the same again to read the log anew"
        ));
    }

    /// Whether there is anything to write.
    pub fn has_work(&self) -> bool {
        !self.dismissed.is_empty() || self.fed.iter().any(|fed| fed.changed || fed.slice.is_some())
    }

    /// Writes what is ready, in the transaction that is open.
    pub fn write(&mut self, connection: &Connection, staging: &Staging) -> Result<(), Error> {
        for entry in self.dismissed.drain(..) {
            rule_file::dismiss(connection, &entry)?;
        }
        for fed in &mut self.fed {
            let slice = fed.slice.take();
            if slice.is_none() && !fed.changed {
                continue;
            }
            let mut state = None;
            if let Some(slice) = slice {
                fed.entry.sequence = slice.sequence;
                state = slice.state;
                if slice.rows.len() > 0 {
                    rule_file::put(connection, staging, &fed.entry, slice.rows).map_err(|source| {
                        Error::RuleTable { activation: fed.entry.activation, source: Box::new(source) }
                    })?;
                }
            }
            rule_file::save(connection, &mut fed.entry, state, fed.known)?;
            (fed.changed, fed.known) = (false, true);
        }
        Ok(())
    }

    /// Puts tables that have caught up in the place of those before them. Not in the transaction that filled them: DuckDB renames
    /// no table that has changed in the same one.
    pub fn swap(&mut self, connection: &Connection, up_to: u64) {
        let ready = |fed: &Fed| {
            let entry = &fed.entry;
            !entry.built && !entry.stopped && entry.table.is_some() && entry.sequence >= up_to
        };
        while let Some(at) = self.fed.iter().position(ready) {
            let rule = self.fed[at].entry.rule_id;
            let before = self.fed.iter().position(|fed| fed.entry.rule_id == rule && fed.entry.built);
            let swapped = rule_file::swap(
                connection,
                &self.fed[at].entry,
                before.map(|before| &self.fed[before].entry),
            );
            match swapped {
                Ok(()) => {
                    self.fed[at].entry.built = true;
                    if let Some(before) = before {
                        self.fed.remove(before);
                    }
                }
                Err(error) => self.stop(at, &format!("its table cannot be put in place: {error}")),
            }
        }
    }

    /// Whether a rule can read on at once.
    pub fn is_behind(&self, up_to: u64) -> bool {
        self.host.is_some()
            && self.fed.iter().any(|fed| {
                let ready = fed.wait_until.is_none_or(|until| until <= Instant::now());
                let reads = fed.entry.sequence < up_to || !fed.entry.built;
                fed.worker.as_ref().is_some_and(Worker::is_busy)
                    || fed.changed
                    || (!fed.entry.stopped && ready && reads)
            })
    }

    /// How they are.
    pub fn progress(&self) -> Vec<RuleProgress> {
        let progress = self.fed.iter().map(|fed| {
            let entry = &fed.entry;
            let waits = fed.wait_until.is_some();
            RuleProgress {
                rule: entry.rule.clone(),
                rule_version: entry.rule_version,
                table: entry.table.clone(),
                status: if waits && !entry.stopped { "waiting" } else { entry.status() },
                sequence: entry.sequence,
                failures: entry.failures,
                last_error: entry.last_error.clone(),
            }
        });
        progress.collect()
    }

    /// What an operator should hear, once.
    pub fn take_news(&mut self) -> Vec<String> {
        std::mem::take(&mut self.news)
    }
}

impl Fed {
    fn new(entry: Entry, known: bool) -> Self {
        Self {
            entry,
            worker: None,
            opened: false,
            slice: None,
            changed: false,
            known,
            wait_until: None,
            in_a_row: 0,
            max_faults: 1,
        }
    }

    /// Asks it to get ready or to read on, if it has nothing else to do.
    fn ask(
        &mut self,
        host: &Arc<dyn RuleHost>,
        store: &Arc<Store>,
        up_to: u64,
        names: &Arc<Names>,
    ) -> Result<(), Error> {
        let waits = self.wait_until.is_some_and(|until| Instant::now() < until);
        if self.entry.stopped || waits || self.slice.is_some() {
            return Ok(());
        }
        if self.opened && self.entry.sequence >= up_to {
            return Ok(());
        }
        let worker = match &mut self.worker {
            Some(worker) if worker.is_busy() => return Ok(()),
            Some(worker) => worker,
            None => {
                let (host, store) = (Arc::clone(host), Arc::clone(store));
                let (sequence, state) = (self.entry.sequence, self.entry.state.clone());
                let worker = Worker::start(host, self.entry.recipe.clone(), store, sequence, state);
                self.worker.insert(worker.map_err(Error::Thread)?)
            }
        };
        worker.ask(up_to, names);
        Ok(())
    }

    fn reply(&mut self, by: Instant) -> Option<Reply> {
        self.worker.as_mut().filter(|worker| worker.is_busy())?.reply(by)
    }

    /// Counts a failure. Says whether it is news.
    fn failed(&mut self, why: &str) -> bool {
        self.entry.failures += 1;
        self.changed = true;
        let news = self.entry.last_error.as_deref() != Some(why);
        self.entry.last_error = Some(why.to_owned());
        news
    }
}

fn recipe(activated: &RuleActivated) -> RuleRecipe {
    let RuleActivated { component, parameters, fuel, memory_bytes, .. } = *activated;
    RuleRecipe { component, parameters, fuel, memory_bytes }
}

impl Entry {
    fn new(rule: &str, rule_id: RuleId, rule_version: u16, activation: u32, recipe: RuleRecipe) -> Self {
        Self {
            rule: rule.to_owned(),
            rule_id,
            rule_version,
            activation,
            was: None,
            recipe,
            table: None,
            key: Vec::new(),
            built: false,
            stopped: false,
            sequence: 0,
            failures: 0,
            last_error: None,
            state: Vec::new(),
        }
    }
}
