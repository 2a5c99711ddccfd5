//! What the market shows: books, trades, candles.

use axum::extract::State;
use market_data::{Interval, UnknownInterval};

use super::extract::{Asked, Named, limit};
use super::instruments::known;
use super::respond::Json;
use super::{Answer, Shared};
use crate::api::{Book, BookQuery, Candles, CandlesQuery, Problem, Trades, TradesQuery};
use crate::view;

/// Levels of a book if nobody says.
const DEPTH: usize = 10;
/// Trades or candles if nobody says.
const LISTED: usize = 100;

pub(crate) async fn book(
    State(app): Shared,
    Named(symbol): Named<String>,
    Asked(query): Asked<BookQuery>,
) -> Answer<Book> {
    let depth = limit("depth", query.depth, DEPTH)?;
    let with_orders = match query.level {
        None | Some(2) => false,
        Some(3) => true,
        Some(_) => {
            return Err(Problem::bad_field("level", "2 for price levels, 3 for the orders in them too"));
        }
    };
    app.session.read(|model| {
        let instrument = known(model.state(), &symbol)?;
        Ok(Json(view::book(model.state(), instrument, model.sequence(), depth, with_orders)))
    })
}

pub(crate) async fn trades(State(app): Shared, Asked(query): Asked<TradesQuery>) -> Answer<Trades> {
    let limit = limit("limit", query.limit, LISTED)?;
    app.session.read(|model| {
        let instrument = known(model.state(), &query.symbol)?;
        Ok(Json(view::trades(model, instrument, limit)))
    })
}

pub(crate) async fn candles(
    State(app): Shared,
    Named(symbol): Named<String>,
    Asked(query): Asked<CandlesQuery>,
) -> Answer<Candles> {
    let limit = limit("limit", query.limit, LISTED)?;
    let interval: Interval = query
        .interval
        .as_deref()
        .map_or(Ok(Interval::Minute), str::parse)
        .map_err(|error: UnknownInterval| Problem::bad_field("interval", error.to_string()))?;
    app.session.read(|model| {
        let instrument = known(model.state(), &symbol)?;
        Ok(Json(view::candles(model, instrument, interval, limit)))
    })
}
