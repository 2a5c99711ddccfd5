//! The projection: tables of their own in `reports.duckdb`, for readers that want a DuckDB file. It follows the log in batches; each adds
//! rows and moves the watermark in one transaction, so that however often its process dies, nothing is there twice and nothing is
//! missing. The file can be deleted at any time: the next run makes it again from the log.
//!
//! `gather.rs` goes through the log, once for all tables; `staged.rs` hands the rows to DuckDB; `file.rs` knows the file. The tables of
//! reporting rules are `rules.rs`: each reads the log in a thread of its own (`worker.rs`), so that a slow one holds up nobody.
//!
//! **Architecture invariant:** the log never waits for it, and nothing is in it that is not in the log. What is in it at a watermark
//! follows from the log up to there alone, and not from how it was cut into batches.

mod balances;
mod candles;
mod file;
mod gather;
mod in_force;
mod reading;
mod rule_file;
mod rule_rows;
mod rules;
mod staged;
mod trial;
mod worker;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use duckdb::Connection;
use event_store::Reader;

use self::balances::BalanceRow;
use self::candles::CandleRow;
use self::file::File;
use self::gather::{Gathered, Known, Mark};
pub use self::rules::RuleProgress;
use self::rules::Rules;
use self::staged::{Declared, Staging};
pub use self::trial::Trial;
use crate::error::Error;
use crate::rule::RuleHost;
use crate::store::Store;
use crate::table::{Column, Rows, Table as _};
use crate::tables::accounts::Accounts;
use crate::tables::assets::Assets;
use crate::tables::instruments::Instruments;
use crate::tables::rules::{RuleChanges, RuleVerdicts};
use crate::tables::trades::Trades;

/// The file's name in the store directory.
pub const FILE: &str = "reports.duckdb";

/// How long a step waits for reporting rules. Those that take longer are taken in with a later one.
const RULES_WAIT: Duration = Duration::from_millis(100);

/// How to project.
#[derive(Clone)]
pub struct ProjectionOptions {
    /// The file; [`FILE`] in the store directory if not given.
    pub file: Option<PathBuf>,
    /// The most memory DuckDB may use, in MiB.
    pub memory_mib: u64,
    /// Who runs reporting rules; without, their tables stay as they are.
    pub rules: Option<Arc<dyn RuleHost>>,
}

impl Default for ProjectionOptions {
    fn default() -> Self {
        Self { file: None, memory_mib: 512, rules: None }
    }
}

/// What a step did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    /// Records of the log that it took in.
    pub records: u64,
    /// Whether there is more to do at once.
    pub more: bool,
}

/// The owner of a projection. DuckDB lets no other process open the file meanwhile.
pub struct Projection {
    store: Arc<Store>,
    file: PathBuf,
    connection: Connection,
    staging: Staging,
    reader: Reader,
    /// What is known at the mark.
    known: Known,
    /// How far the file is.
    mark: Mark,
    rules: Rules,
    remade: Option<&'static str>,
    /// A step failed: what is in memory may be ahead of the file.
    spoiled: bool,
}

impl Projection {
    /// Opens the projection of a store, or begins one. One that this version cannot go on with is made again: see
    /// [`Projection::remade`].
    ///
    /// # Errors
    /// [`Error::ForeignProjection`] when the file is of another log or no projection; [`Error::ProjectionInUse`] when another process
    /// has it open; what the store or DuckDB say.
    pub fn open(dir: impl AsRef<Path>, options: ProjectionOptions) -> Result<Self, Error> {
        let store = Store::open(dir)?;
        let path = options.file.unwrap_or_else(|| store.dir().join(FILE));
        let File { connection, staging, mark, reader, remade } =
            File::open(&store, &path, options.memory_mib)?;
        let mut known = file::known(&connection)?;
        let mut rules = Rules::open(&connection, &store, options.rules)?;
        known.rules.take_changed();
        rules.settle(&known.rules, &known.names);
        Ok(Self {
            store,
            file: path,
            connection,
            staging,
            reader,
            known,
            mark,
            rules,
            remade,
            spoiled: false,
        })
    }

    /// The file.
    pub fn file(&self) -> &Path {
        &self.file
    }

    /// Why what was in the file before was thrown away when it was opened, if it was.
    pub fn remade(&self) -> Option<&'static str> {
        self.remade
    }

    /// The last record that is in the file.
    pub fn watermark(&self) -> u64 {
        self.mark.sequence
    }

    /// The last record of the log that could be.
    pub fn committed(&self) -> u64 {
        self.store.committed()
    }

    /// How the reporting rules are.
    pub fn rules(&self) -> Vec<RuleProgress> {
        self.rules.progress()
    }

    /// What an operator should hear about the reporting rules, once.
    pub fn take_news(&mut self) -> Vec<String> {
        self.rules.take_news()
    }

    /// Takes in the next batch, all of it or nothing.
    ///
    /// # Errors
    /// What the store or DuckDB say. The file is as it was; open it again to go on.
    pub fn step(&mut self) -> Result<Step, Error> {
        if std::mem::replace(&mut self.spoiled, true) {
            return Err(Error::Spoiled);
        }
        let stepped = self.try_step();
        if let Err(Error::RuleTable { activation, source }) = &stepped {
            // Everything else must go on, so the rule is left out when the file is opened again.
            rule_file::blame(&self.connection, *activation, &source.to_string())?;
        }
        let step = stepped?;
        self.spoiled = false;
        Ok(step)
    }

    fn try_step(&mut self) -> Result<Step, Error> {
        let gathered = self.known.gather(&mut self.reader, self.store.committed())?;
        let (records, more) = (gathered.records, gathered.more);
        let mark = if records > 0 { gathered.end } else { self.mark };
        if self.known.rules.take_changed() {
            self.rules.settle(&self.known.rules, &self.known.names);
        }
        // While there is a lot to take in, nobody waits for anybody.
        let by = Instant::now() + if more { Duration::ZERO } else { RULES_WAIT };
        self.rules.advance(&self.connection, mark.sequence, &self.known.names, by)?;
        if records > 0 || self.rules.has_work() {
            let (open, balances) = (self.known.candles.changed(), self.known.totals.changed());
            let transaction = self.connection.unchecked_transaction()?;
            self.rules.write(&transaction, &self.staging)?;
            if records > 0 {
                self.write(gathered, open, balances)?;
                self.move_mark(mark)?;
            }
            transaction.commit()?;
            self.staging.clear();
            self.mark = mark;
        }
        self.rules.swap(&self.connection, mark.sequence);
        Ok(Step { records, more: more || self.rules.is_behind(mark.sequence) })
    }

    /// Takes in everything committed so far. Returns its records.
    ///
    /// # Errors
    /// As for [`Projection::step`].
    pub fn catch_up(&mut self) -> Result<u64, Error> {
        let mut taken = 0;
        loop {
            let step = self.step()?;
            taken += step.records;
            if !step.more && (step.records == 0 || self.watermark() >= self.committed()) {
                return Ok(taken);
            }
        }
    }

    /// Writes what a part of the log adds.
    fn write(
        &self,
        gathered: Gathered,
        open: Option<Vec<CandleRow>>,
        balances: Vec<BalanceRow>,
    ) -> Result<(), Error> {
        if !gathered.facts.is_empty() {
            self.stage("facts", gather::FACT_COLUMNS, gathered.facts);
            self.execute(
                "INSERT INTO facts SELECT * REPLACE (unhex(payload) AS payload) FROM staged('facts')",
            )?;
        }
        let names = Arc::clone(&self.known.names);
        let instruments = gathered.instruments.iter();
        let instruments = instruments.filter_map(|id| names.instruments.get(id.index()).cloned()).collect();
        self.replace(Instruments::NAME, Instruments::COLUMNS, instruments, &["instrument_id"], "true")?;
        let accounts = gathered.accounts.iter();
        let accounts = accounts.filter_map(|id| names.accounts.get(id.index()).cloned()).collect();
        self.replace(Accounts::NAME, Accounts::COLUMNS, accounts, &["account_id"], "true")?;
        let assets = gathered.assets.iter();
        let assets = assets.filter_map(|id| names.assets.get(id.index()).copied()).collect();
        self.append(Assets::NAME, Assets::COLUMNS, assets)?;
        self.append(RuleChanges::NAME, RuleChanges::COLUMNS, gathered.changes)?;
        self.append(RuleVerdicts::NAME, RuleVerdicts::COLUMNS, gathered.verdicts)?;
        self.append(Trades::NAME, Trades::COLUMNS, gathered.trades)?;
        self.append("closed_candles", candles::COLUMNS, gathered.closed)?;
        if let Some(open) = open {
            self.execute("DELETE FROM open_candles")?;
            self.append("open_candles", candles::COLUMNS, open)?;
        }
        self.replace("balances", balances::COLUMNS, balances, &["account_id", "asset_id"], "total_minor <> 0")
    }

    fn move_mark(&self, mark: Mark) -> Result<(), Error> {
        let sequence = mark.sequence.cast_signed();
        let parameters = duckdb::params![sequence, mark.time_ns, i64::from(mark.checksum)];
        self.connection
            .prepare_cached("UPDATE watermark SET sequence = ?, time_ns = ?, checksum = ?")?
            .execute(parameters)?;
        Ok(())
    }

    fn stage<R: Rows>(&self, name: &str, columns: &'static [Column<R>], rows: R) {
        self.staging.put(name, Arc::new(Declared { columns, rows, names: Arc::clone(&self.known.names) }));
    }

    fn append<R: Rows>(&self, table: &str, columns: &'static [Column<R>], rows: R) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        self.stage(table, columns, rows);
        self.execute(&format!("INSERT INTO {table} FROM staged('{table}')"))
    }

    /// Puts rows in the place of those with the same key; of them, only those that `keep`.
    fn replace<R: Rows>(
        &self,
        table: &str,
        columns: &'static [Column<R>],
        rows: R,
        key: &[&str],
        keep: &str,
    ) -> Result<(), Error> {
        if rows.is_empty() {
            return Ok(());
        }
        self.stage(table, columns, rows);
        let same: Vec<String> = key.iter().map(|name| format!("{table}.{name} = s.{name}")).collect();
        self.execute(&format!("DELETE FROM {table} USING staged('{table}') s WHERE {}", same.join(" AND ")))?;
        self.execute(&format!("INSERT INTO {table} FROM staged('{table}') WHERE {keep}"))
    }

    fn execute(&self, sql: &str) -> Result<(), Error> {
        self.connection.execute(sql, [])?;
        Ok(())
    }
}
