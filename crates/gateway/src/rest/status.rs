//! How the exchange is.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use model::{DayNumber, NANOS_PER_DAY, Timestamp};

use super::respond::Json;
use super::{Answer, Shared};
use crate::api::{Health, Status, Time};

pub(crate) async fn health(State(app): Shared) -> Response {
    let detail = app.session.trouble();
    let status = if detail.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let mut response = Json(Health { healthy: detail.is_none(), detail }).into_response();
    *response.status_mut() = status;
    response
}

pub(crate) async fn status(State(app): Shared) -> Answer<Status> {
    let session = &app.session;
    let node = session.node().status();
    let detail = session.trouble();
    let projection = session.projection();
    Ok(Json(session.read(|model| {
        let state = model.state();
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            healthy: detail.is_none(),
            detail,
            durability: node.durability.to_owned(),
            started_time: session.started().into(),
            trading_day: state.trading_day().map(date),
            written: node.watermarks.written,
            durable: node.watermarks.durable,
            committed: node.watermarks.committed,
            sequence: model.sequence(),
            ring_length: node.ring.depth as u64,
            ring_capacity: node.ring.capacity as u64,
            in_flight: session.in_flight().len() as u64,
            instruments: state.instruments().len() as u64,
            accounts: state.accounts().len() as u64,
            working_orders: state.order_count() as u64,
            trades: state.next_trade_id().0.saturating_sub(1),
            rules: state.rules().filter(|rule| rule.enforced.asked().is_some()).count() as u64,
            rules_suspended: state
                .rules()
                .filter(|rule| rule.enforced.suspended || rule.shadow.suspended)
                .map(|rule| rule.name.to_string())
                .collect(),
            projection,
        }
    })))
}

/// A day as its date.
fn date(day: DayNumber) -> String {
    let midnight = Time(Timestamp(i64::from(day.0).saturating_mul(NANOS_PER_DAY)));
    midnight.to_string().chars().take_while(|&letter| letter != 'T').collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_is_shown_as_its_date() {
        assert_eq!(date(DayNumber(0)), "1970-01-01");
        assert_eq!(date(DayNumber(20_458)), "2026-01-05");
    }
}
