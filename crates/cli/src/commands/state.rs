//! `outcry state hash` and `outcry at`: the exchange as it stands, or stood, folded from the log.

use super::client::market::book_table;
use super::store::Store;
use crate::ui::{self, Failure, Outcome, Result, Table, Ui};
use clap::{Args, Subcommand};
use event_store::Reader;
use gateway::api::{self, Time};
use gateway::view::{self, Scales};
use model::{AccountName, KIND_EVENT_FIRST, Symbol, Timestamp};
use order_book::Book;
use sequencer::replay::{FoldError, Folded, fold};
use serde::Serialize;

/// Ask a store for its state
#[derive(Debug, Args)]
pub struct State {
    #[command(subcommand)]
    action: StateAction,
}

#[derive(Debug, Subcommand)]
enum StateAction {
    /// Print the hash of the whole state after a record
    ///
    /// Equal logs have equal hashes, on every machine and in every way of running.
    Hash {
        /// After the command that this record belongs to; after everything committed if not given
        #[arg(long, value_name = "SEQ")]
        at: Option<u64>,
        #[command(flatten)]
        store: Store,
    },
}

#[derive(Debug, Serialize)]
struct HashAnswer {
    /// BLAKE3 of the state's canonical bytes.
    state_hash: String,
    /// The last record that is in it.
    sequence: u64,
    /// When it was written.
    time: Option<Time>,
    /// The record whose snapshot was used.
    snapshot: Option<u64>,
}

impl State {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let StateAction::Hash { at, store } = self.action;
        let folded = folded(&store, at)?;
        let answer = HashAnswer {
            state_hash: ui::hex(&folded.state.hash()),
            sequence: folded.sequence,
            time: folded.timestamp.map(Time),
            snapshot: folded.report.snapshot,
        };
        ui.answer(&answer, |ui, answer| {
            ui.line(format_args!("{} at record {}", answer.state_hash, answer.sequence))
        })?;
        Ok(Outcome::Success)
    }
}

/// Travel in time: the exchange as it stood after a record
///
/// A record stands for the whole command it belongs to, with everything that came of it: the sequence number in any
/// answer will do. The state is folded from the log; the exchange need not run, and if it does it goes on.
#[derive(Debug, Args)]
pub struct At {
    /// The record: a sequence number, as in every answer and in "outcry log show"
    #[arg(value_name = "SEQ")]
    sequence: u64,
    #[command(subcommand)]
    question: Question,
}

#[derive(Debug, Subcommand)]
enum Question {
    /// Show an instrument's book
    Book {
        /// Which instrument
        symbol: String,
        /// At most so many price levels a side
        #[arg(long, value_name = "N", default_value_t = 10)]
        depth: usize,
        /// Show each order, not only each price
        #[arg(long)]
        by_order: bool,
        #[command(flatten)]
        store: Store,
    },
    /// Show an account's working orders
    Orders {
        /// Whose
        account: String,
        #[command(flatten)]
        store: Store,
    },
    /// Show what an account owns
    Balance {
        /// Whose
        account: String,
        #[command(flatten)]
        store: Store,
    },
}

impl At {
    pub fn run(self, ui: &mut Ui) -> Result<Outcome> {
        let at = Some(self.sequence);
        match self.question {
            Question::Book { symbol, depth, by_order, store } => {
                let folded = folded(&store, at)?;
                let instrument = symbol
                    .parse::<Symbol>()
                    .ok()
                    .and_then(|symbol| folded.state.instrument_by_symbol(&symbol))
                    .ok_or_else(|| unknown("instrument", &symbol, self.sequence))?;
                let book = view::book(&folded.state, instrument, folded.sequence, depth, by_order);
                ui.answer(&book, |ui, book| ui.table(&book_table(book, by_order)))?;
            }
            Question::Orders { account, store } => {
                let folded = folded(&store, at)?;
                let answer = WorkingAnswer::of(&folded, find(&folded, &account)?);
                ui.answer(&answer, |ui, answer| ui.table(&answer.table()))?;
            }
            Question::Balance { account, store } => {
                let folded = folded(&store, at)?;
                let account = view::account(&folded.state, find(&folded, &account)?);
                let answer = api::AccountAnswer { sequence: folded.sequence, account };
                ui.answer(&answer, |ui, answer| super::client::account::show(ui, &answer.account))?;
            }
        }
        Ok(Outcome::Success)
    }
}

/// The state after the command that record `at` belongs to: between a command and its last event there is no state
/// that anybody could have seen.
fn folded(store: &Store, at: Option<u64>) -> Result<Folded<Book>> {
    let at = match at {
        Some(sequence) => Some(command_end(&mut store.reader(false)?, sequence)?),
        None => None,
    };
    Ok(fold::<Book>(&store.dir, at)?)
}

/// The last event of the command that a record belongs to. They are all in one block.
fn command_end(reader: &mut Reader, sequence: u64) -> Result<u64> {
    reader.seek_sequence(sequence)?;
    let Some(block) = reader.next_block()? else { return Ok(sequence) };
    let events = block.records_from(sequence + 1).take_while(|record| record.kind >= KIND_EVENT_FIRST);
    Ok(events.last().map_or(sequence, |record| record.sequence))
}

fn find<'a>(folded: &'a Folded<Book>, name: &str) -> Result<&'a engine::Account> {
    let account = name.parse::<AccountName>().ok().and_then(|name| folded.state.account_by_name(&name));
    account.ok_or_else(|| unknown("account", name, folded.sequence))
}

fn unknown(what: &str, name: &str, sequence: u64) -> Failure {
    Failure::failed(format_args!("there is no {what} {name} at record {sequence}"))
        .hint("\"outcry log show --kind InstrumentCreated,AccountOpened\" says when each came to be")
}

impl From<FoldError> for Failure {
    fn from(error: FoldError) -> Self {
        match error {
            FoldError::Store(error) => error.into(),
            FoldError::NotThere { .. } => {
                Self::usage(error).hint("\"outcry log stats\" says what the log holds")
            }
            FoldError::Record { .. } => Self::failed(error),
        }
    }
}

/// An account's working orders, oldest first.
#[derive(Debug, Serialize)]
struct WorkingAnswer {
    sequence: u64,
    account: String,
    orders: Vec<WorkingOrder>,
}

/// A working order, as far as the state remembers it. The words are those of the REST API.
#[derive(Debug, Serialize)]
struct WorkingOrder {
    order_id: String,
    cl_ord_id: String,
    symbol: String,
    side: api::SideWord,
    price: api::Number,
    order_qty: api::Number,
    leaves_qty: api::Number,
    cum_qty: api::Number,
    time_in_force: api::TimeInForceWord,
    expire_time: Option<Time>,
    post_only: bool,
}

impl WorkingAnswer {
    fn of(folded: &Folded<Book>, account: &engine::Account) -> Self {
        let order = |order: &engine::Order| {
            let scales = Scales::by_id(&folded.state, order.instrument);
            let symbol = folded.state.instrument(order.instrument).map(|it| it.terms.symbol.to_string());
            WorkingOrder {
                order_id: order.id.to_string(),
                cl_ord_id: order.cl_ord_id.to_string(),
                symbol: symbol.unwrap_or_default(),
                side: order.side.into(),
                price: scales.price(order.price),
                order_qty: scales.quantity(order.quantity()),
                leaves_qty: scales.quantity(order.leaves),
                cum_qty: scales.quantity(order.cum),
                time_in_force: order.time_in_force.into(),
                expire_time: (order.expire_at != Timestamp::NONE).then_some(Time(order.expire_at)),
                post_only: order.post_only,
            }
        };
        Self {
            sequence: folded.sequence,
            account: account.name.to_string(),
            orders: folded.state.working_orders(account.id).map(order).collect(),
        }
    }

    fn table(&self) -> Table {
        let mut table = Table::new(["id", "side", "symbol", "#price", "#qty", "#leaves", "#cum", "tif"]);
        for order in &self.orders {
            table.row([
                order.cl_ord_id.clone(),
                order.side.to_string(),
                order.symbol.clone(),
                order.price.to_string(),
                order.order_qty.to_string(),
                order.leaves_qty.to_string(),
                order.cum_qty.to_string(),
                order.time_in_force.to_string(),
            ]);
        }
        table
    }
}
