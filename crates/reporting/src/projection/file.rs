//! The file: opened, made, recognised, and made again where it is not, or no longer, of this log.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use duckdb::{Config, Connection};
use event_store::Reader;
use market_data::Interval;
use model::{AccountId, AssetId, Event, InstrumentId, Price, Quantity, Timestamp};

use super::balances::{self, BalanceRow};
use super::candles::{self, CandleRow};
use super::gather::{Known, Mark};
use super::staged::Staging;
use crate::error::Error;
use crate::store::Store;
use crate::table::{Column, Kind, Table as _};
use crate::tables::accounts::Accounts;
use crate::tables::assets::Assets;
use crate::tables::instruments::Instruments;
use crate::tables::rules::{RuleChanges, RuleVerdicts};
use crate::tables::trades::Trades;
use crate::views::{comment, quoted};

/// Counts changes to the tables of the file. One of another number is made again.
const SCHEMA_VERSION: i64 = 2;

/// Bytes of DuckDB's own log after which it folds it into the file. Folding costs the same however much there is of a
/// table's last row group, so not too often; reading the log again after a crash takes a second at most.
const CHECKPOINT_MIB: u64 = 128;

const CREATE: &str = include_str!("../../reports/projection.sql");

/// A file that is open and recognised.
pub struct File {
    pub connection: Connection,
    pub staging: Staging,
    pub mark: Mark,
    /// Stands behind the mark.
    pub reader: Reader,
    /// Why what was there before was thrown away, if it was.
    pub remade: Option<&'static str>,
}

/// What an existing file turned out to be.
enum Found {
    /// Nothing yet.
    Empty,
    /// Of this log, and as far as this.
    At(Mark),
    /// Of this log, but to be made again, and why.
    Stale(&'static str),
}

impl File {
    /// Opens the projection of a store, or begins one.
    pub fn open(store: &Arc<Store>, path: &Path, memory_mib: u64) -> Result<Self, Error> {
        let mut reader = store.reader();
        let id = reader.store_id().to_string();
        let mut connection = connect(path, memory_mib)?;
        let (mark, remade) = match look(&connection, &mut reader, &id, path)? {
            Found::At(mark) => (mark, None),
            found => {
                let mut remade = None;
                if let Found::Stale(why) = found {
                    drop(connection);
                    remove(path)?;
                    connection = connect(path, memory_mib)?;
                    remade = Some(why);
                }
                make(&connection, &id)?;
                reader = store.reader();
                (Mark::default(), remade)
            }
        };
        let staging = Staging::default();
        staging.register(&connection)?;
        Ok(Self { connection, staging, mark, reader, remade })
    }
}

fn connect(path: &Path, memory_mib: u64) -> Result<Connection, Error> {
    let config = Config::default()
        .max_memory(&format!("{memory_mib}MiB"))?
        .threads(1)?
        .enable_autoload_extension(false)?;
    let connection = Connection::open_with_flags(path, config).map_err(|error| explain(error, path))?;
    connection.execute_batch(&format!("SET checkpoint_threshold = '{CHECKPOINT_MIB}MiB'"))?;
    Ok(connection)
}

/// What DuckDB says of a file that cannot be opened, for the person who has it.
fn explain(error: duckdb::Error, path: &Path) -> Error {
    let (file, said) = (path.to_owned(), error.to_string());
    if let Some((_, holder)) = said.split_once("Conflicting lock is held in ") {
        let holder = holder.split(". See also").next().unwrap_or(holder).trim_end_matches('.').to_owned();
        return Error::ProjectionInUse { file, holder };
    }
    if said.contains("not a valid DuckDB database file") {
        return Error::ForeignProjection { file };
    }
    Error::Sql(error)
}

fn look(connection: &Connection, reader: &mut Reader, id: &str, path: &Path) -> Result<Found, Error> {
    let count = |condition: &str| {
        let count = format!("SELECT count(*) FROM duckdb_tables() WHERE NOT internal AND {condition}");
        connection.query_row(&count, [], |row| row.get::<_, i64>(0))
    };
    if count("true")? == 0 {
        return Ok(Found::Empty);
    }
    let foreign = || Error::ForeignProjection { file: path.to_owned() };
    if count("table_name = 'watermark'")? == 0 {
        return Err(foreign());
    }
    let whose = connection.query_row("SELECT store_id, schema_version FROM watermark", [], |row| {
        Ok((row.get::<_, String>(0)?, row.get::<_, i64>(1)?))
    });
    let (store_id, schema_version) = whose.map_err(|_| foreign())?;
    if store_id != id {
        return Err(foreign());
    }
    if schema_version != SCHEMA_VERSION {
        return Ok(Found::Stale("it was made by another version of this program"));
    }
    let mark = connection.query_row("SELECT sequence, time_ns, checksum FROM watermark", [], |row| {
        Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?, row.get::<_, i64>(2)?))
    })?;
    let (Ok(sequence), time_ns, Ok(checksum)) = (u64::try_from(mark.0), mark.1, u32::try_from(mark.2)) else {
        return Err(foreign());
    };
    let mark = Mark { sequence, time_ns, checksum };
    if is_in_log(reader, mark)? {
        Ok(Found::At(mark))
    } else {
        Ok(Found::Stale("the log has lost records that are in it"))
    }
}

/// Whether the log has the very block that a mark stands behind. The reader is behind it then.
fn is_in_log(reader: &mut Reader, mark: Mark) -> Result<bool, Error> {
    if mark.sequence == 0 {
        return Ok(true);
    }
    if mark.sequence > reader.bound() {
        return Ok(false);
    }
    reader.seek_sequence(mark.sequence)?;
    let Some(block) = reader.next_block()? else { return Ok(false) };
    let header = block.header();
    let found =
        Mark { sequence: header.last_sequence(), time_ns: header.timestamp_ns, checksum: header.checksum };
    Ok(found == mark)
}

/// Deletes a file and what DuckDB keeps beside it.
fn remove(path: &Path) -> Result<(), Error> {
    let mut log = path.as_os_str().to_owned();
    log.push(".wal");
    for file in [path.to_owned(), PathBuf::from(log)] {
        match std::fs::remove_file(&file) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => {
                return Err(Error::CannotRemake { file, source });
            }
            _ => {}
        }
    }
    Ok(())
}

/// Makes all tables, and the mark at the beginning.
fn make(connection: &Connection, id: &str) -> Result<(), Error> {
    let mut sql = String::new();
    declare(&mut sql, Trades::NAME, Trades::ABOUT, Trades::COLUMNS);
    declare(&mut sql, RuleVerdicts::NAME, RuleVerdicts::ABOUT, RuleVerdicts::COLUMNS);
    declare(&mut sql, RuleChanges::NAME, RuleChanges::ABOUT, RuleChanges::COLUMNS);
    declare(&mut sql, Instruments::NAME, Instruments::ABOUT, Instruments::COLUMNS);
    declare(&mut sql, Accounts::NAME, Accounts::ABOUT, Accounts::COLUMNS);
    declare(&mut sql, Assets::NAME, Assets::ABOUT, Assets::COLUMNS);
    let about = "What every account owns in total, one row an account and asset; nothing owned, no row.";
    declare(&mut sql, "balances", about, balances::COLUMNS);
    let about = "Candles that the log has passed: they change no more.";
    declare(&mut sql, "closed_candles", about, candles::COLUMNS);
    let about = "Candles that may still change.";
    declare(&mut sql, "open_candles", about, candles::COLUMNS);
    let transaction = connection.unchecked_transaction()?;
    transaction.execute_batch(&sql)?;
    transaction.execute_batch(CREATE)?;
    transaction
        .execute("INSERT INTO watermark VALUES (?, ?, 0, 0, 0)", duckdb::params![id, SCHEMA_VERSION])?;
    transaction.commit()?;
    Ok(())
}

/// How a column is compressed: said, because DuckDB would try all ways there are on every row group.
const fn compression(kind: Kind) -> &'static str {
    match kind {
        Kind::Text => " USING COMPRESSION dictionary",
        Kind::Integer | Kind::Bigint | Kind::Hugeint | Kind::Decimal | Kind::Timestamp | Kind::Date => {
            " USING COMPRESSION bitpacking"
        }
        Kind::Boolean | Kind::Double => "",
    }
}

fn declare<R>(sql: &mut String, name: &str, about: &str, columns: &[Column<R>]) {
    let list: Vec<String> = columns
        .iter()
        .map(|column| format!("\"{}\" {}{}", column.name, column.kind.sql(), compression(column.kind)))
        .collect();
    let mut put = |statement: std::fmt::Arguments<'_>| {
        sql.write_fmt(statement).expect("writing to a string cannot fail");
    };
    put(format_args!("CREATE TABLE {name} ({});", list.join(", ")));
    put(format_args!("COMMENT ON TABLE {name} IS {};", quoted(about)));
    for column in columns {
        let comment = comment(&column.info());
        put(format_args!("COMMENT ON COLUMN {name}.\"{}\" IS {};", column.name, quoted(&comment)));
    }
}

/// What the file says is known at its mark.
pub fn known(connection: &Connection) -> Result<Known, Error> {
    let mut known = Known::default();
    let mut statement = connection
        .prepare("SELECT sequence, time_ns, kind, version, payload FROM facts ORDER BY sequence")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let sequence = row.get::<_, i64>(0)?.cast_unsigned();
        let (kind, version): (i32, i32) = (row.get(2)?, row.get(3)?);
        let payload: Vec<u8> = row.get(4)?;
        let event = decode(kind, version, &payload).map_err(|source| Error::Record { sequence, source })?;
        known.learn(&event, sequence, row.get(1)?);
    }
    let mut statement =
        connection.prepare("SELECT account_id, asset_id, total_minor, sequence FROM balances")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        known.totals.restore(BalanceRow {
            account: AccountId(id(row.get(0)?)),
            asset: AssetId(id(row.get(1)?)),
            total: row.get(2)?,
            sequence: row.get::<_, i64>(3)?.cast_unsigned(),
        });
    }
    let mut statement = connection.prepare(
        "SELECT instrument_id, \"interval\", start_ns, open_ticks, high_ticks, low_ticks, close_ticks, volume_lots, trades, \
         first_sequence, last_sequence FROM open_candles",
    )?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let unsigned = |at: usize| row.get::<_, i64>(at).map(i64::cast_unsigned);
        let interval: String = row.get(1)?;
        let Ok(interval) = interval.parse::<Interval>() else { continue };
        let candle = market_data::Candle {
            start: Timestamp(row.get(2)?),
            open: Price(row.get(3)?),
            high: Price(row.get(4)?),
            low: Price(row.get(5)?),
            close: Price(row.get(6)?),
            volume: Quantity(unsigned(7)?),
            trades: unsigned(8)?,
        };
        let (first_sequence, last_sequence) = (unsigned(9)?, unsigned(10)?);
        let instrument = InstrumentId(id(row.get(0)?));
        known.candles.restore(CandleRow { instrument, interval, candle, first_sequence, last_sequence });
    }
    Ok(known)
}

/// The ids of the exchange have 32 bits.
fn id(number: i64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

/// A record as it was kept. Its bytes are moved to where records are read: at a multiple of 16.
fn decode(kind: i32, version: i32, payload: &[u8]) -> Result<Event, model::DecodeError> {
    #[repr(align(16))]
    struct Aligned([u8; 1024]);
    let kind = u16::try_from(kind).unwrap_or(u16::MAX);
    let mut aligned = Aligned([0; 1024]);
    let Some(room) = aligned.0.get_mut(..payload.len()) else {
        return Err(model::DecodeError::Malformed { kind, len: payload.len() });
    };
    room.copy_from_slice(payload);
    Event::decode(kind, u16::try_from(version).unwrap_or(u16::MAX), room)
}
