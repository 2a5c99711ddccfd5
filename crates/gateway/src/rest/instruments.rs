//! Instruments: list new ones, show them, move their phase.

use axum::extract::State;
use engine::Instrument;
use model::RejectReason;
use order_book::Book;

use super::extract::{Body, Named};
use super::respond::{Created, Json};
use super::{Answer, App, Shared};
use crate::api::{InstrumentAnswer, Instruments, NewInstrument, PhaseRequest, Problem};
use crate::{normalise, view};

pub(crate) async fn create(
    State(app): Shared,
    Body(request): Body<NewInstrument>,
) -> Result<Created<InstrumentAnswer>, Problem> {
    let command = normalise::create_instrument(&request)?;
    if let Some(calendar) = &request.calendar {
        known_calendar(&app, calendar)?;
    }
    let symbol = &request.symbol;
    let outcome = app.execute(command, "", || format!("list instrument {symbol}")).await?;
    answer(&app, outcome.sequence, symbol).map(Created)
}

/// A calendar nobody knows would never open its instrument.
fn known_calendar(app: &App, calendar: &str) -> Result<(), Problem> {
    let known: Vec<String> =
        app.session.node().status().calendars.into_iter().map(|known| known.name).collect();
    if known.iter().any(|known| known == calendar) {
        return Ok(());
    }
    let problem = Problem::bad_field("calendar", format!("this exchange has no calendar {calendar}"));
    Err(problem.with_hint(format!("it has: {}", known.join(", "))))
}

pub(crate) async fn list(State(app): Shared) -> Answer<Instruments> {
    app.session.read(|model| {
        let state = model.state();
        let instruments = state.instruments().map(|instrument| view::instrument(state, instrument)).collect();
        Ok(Json(Instruments { sequence: model.sequence(), instruments }))
    })
}

pub(crate) async fn show(State(app): Shared, Named(symbol): Named<String>) -> Answer<InstrumentAnswer> {
    app.session.read(|model| {
        let instrument = view::instrument(model.state(), known(model.state(), &symbol)?);
        Ok(Json(InstrumentAnswer { sequence: model.sequence(), instrument }))
    })
}

pub(crate) async fn set_phase(
    State(app): Shared,
    Named(symbol): Named<String>,
    Body(request): Body<PhaseRequest>,
) -> Answer<InstrumentAnswer> {
    let command = app.session.read(|model| normalise::set_phase(model.state(), &symbol, request))?;
    let outcome = app.execute(command, "", || format!("move {symbol} to {}", request.phase)).await?;
    answer(&app, outcome.sequence, &symbol).map(Json)
}

fn answer(app: &App, sequence: u64, symbol: &str) -> Result<InstrumentAnswer, Problem> {
    app.session.read(|model| {
        let instrument = view::instrument(model.state(), known(model.state(), symbol)?);
        Ok(InstrumentAnswer { sequence, instrument })
    })
}

/// An instrument that exists.
pub(crate) fn known<'a>(
    state: &'a engine::State<Book>,
    symbol: &str,
) -> Result<&'a Instrument<Book>, Problem> {
    state.instrument(normalise::instrument(state, symbol)?).ok_or_else(|| {
        Problem::rejected(RejectReason::UnknownInstrument, format!("no instrument has the symbol {symbol}"))
    })
}
