//! Orders: submit, replace, cancel, show.

use axum::extract::State;
use model::{AccountId, ClOrdId};

use super::extract::{Asked, Body, Named, limit};
use super::respond::{Created, Json};
use super::{Answer, App, Shared};
use crate::api::{
    ExecutionsAnswer, GatewayCode, NewOrder, Order, OrderAnswer, Orders, OrdersQuery, OrdersShown, Problem,
    ReplaceRequest,
};
use crate::executions::OrderView;
use crate::in_flight::Outcome;
use crate::{answers, normalise, view};
use model::RejectReason;
use serde::Deserialize;

/// How many orders are listed if nobody says.
const LISTED: usize = 1_000;

pub(crate) async fn submit(
    State(app): Shared,
    Body(request): Body<NewOrder>,
) -> Result<Created<OrderAnswer>, Problem> {
    let id =
        normalise::cl_ord_id("cl_ord_id", request.cl_ord_id.as_deref(), || app.session.make_cl_ord_id())?;
    let command = app.session.read(|model| normalise::submit(model.state(), &request, id))?;
    let account = command.account;
    let NewOrder { account: name, symbol, side, order_qty, price, .. } = &request;
    let asked = || match price {
        Some(price) => format!("{side} {order_qty} {symbol} @ {price} for {name}"),
        None => format!("{side} {order_qty} {symbol} @ market for {name}"),
    };
    let outcome = app.execute(command, name, asked).await.map_err(|problem| about(problem, id))?;
    answer(&app, &outcome, account).map(Created)
}

pub(crate) async fn replace(
    State(app): Shared,
    Named((name, id)): Named<(String, String)>,
    Body(change): Body<ReplaceRequest>,
) -> Answer<OrderAnswer> {
    let make = || app.session.make_cl_ord_id();
    let new_id = normalise::cl_ord_id("new_cl_ord_id", change.new_cl_ord_id.as_deref(), make)?;
    let command = app.session.read(|model| normalise::replace(model.state(), &name, &id, &change, new_id))?;
    let asked = || format!("replace {id} of {name}");
    let outcome =
        app.execute(command, &name, asked).await.map_err(|problem| about(problem, command.cl_ord_id))?;
    answer(&app, &outcome, command.account).map(Json)
}

pub(crate) async fn cancel(
    State(app): Shared,
    Named((name, id)): Named<(String, String)>,
) -> Answer<OrderAnswer> {
    let command = app.session.read(|model| normalise::cancel(model.state(), &name, &id))?;
    let asked = || format!("cancel {id} of {name}");
    let outcome =
        app.execute(command, &name, asked).await.map_err(|problem| about(problem, command.cl_ord_id))?;
    answer(&app, &outcome, command.account).map(Json)
}

/// Whose orders, and in what.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct CancelAllQuery {
    account: String,
    symbol: Option<String>,
}

pub(crate) async fn cancel_all(
    State(app): Shared,
    Asked(CancelAllQuery { account: name, symbol }): Asked<CancelAllQuery>,
) -> Answer<ExecutionsAnswer> {
    let command = app.session.read(|model| normalise::cancel_all(model.state(), &name, symbol.as_deref()))?;
    let outcome = app.execute(command, &name, || format!("cancel all orders of {name}")).await?;
    let executions = app.session.read(|model| answers::executions(model, &outcome, command.account));
    Ok(Json(ExecutionsAnswer { sequence: outcome.sequence, executions }))
}

pub(crate) async fn show(State(app): Shared, Named((name, id)): Named<(String, String)>) -> Answer<Order> {
    app.session.read(|model| {
        let account = known_account(normalise::account(model.state(), &name)?, &name)?;
        let wanted = normalise::cl_ord_id("cl_ord_id", Some(&id), ClOrdId::default)?;
        let order = model.orders().find(account, &wanted).ok_or_else(|| {
            let detail = format!("{name} has no order {id} that works or worked lately");
            Problem::rejected(RejectReason::UnknownOrder, detail)
        })?;
        Ok(Json(view::order(model.state(), order)))
    })
}

pub(crate) async fn list(State(app): Shared, Asked(query): Asked<OrdersQuery>) -> Answer<Orders> {
    let limit = limit("limit", query.limit, LISTED)?;
    app.session.read(|model| {
        let account = known_account(normalise::account(model.state(), &query.account)?, &query.account)?;
        let instrument = match &query.symbol {
            None => None,
            Some(symbol) => Some(super::instruments::known(model.state(), symbol)?.terms.instrument),
        };
        let wanted = |order: &&OrderView| {
            order.account == account && instrument.is_none_or(|instrument| order.instrument == instrument)
        };
        let mut orders: Vec<&OrderView> = model
            .state()
            .working_orders(account)
            .filter_map(|order| model.orders().working(order.id))
            .filter(wanted)
            .collect();
        if query.show == Some(OrdersShown::All) {
            orders.extend(model.orders().done().filter(wanted).take(limit + 1));
        }
        // Older orders have smaller ids.
        orders.sort_unstable_by_key(|order| order.order_id);
        let surplus = orders.len().saturating_sub(limit);
        let orders = orders[surplus..].iter().map(|order| view::order(model.state(), order)).collect();
        Ok(Json(Orders { sequence: model.sequence(), orders, more: surplus > 0 }))
    })
}

fn answer(app: &App, outcome: &Outcome, account: AccountId) -> Result<OrderAnswer, Problem> {
    app.session.read(|model| answers::order(model, outcome, account)).ok_or_else(|| {
        // Accepted, replaced or canceled without a word about the order: a log this build does not understand.
        Problem::gateway(
            GatewayCode::OutcomeUnknown,
            format!("command {} says nothing of its order", outcome.sequence),
        )
    })
}

/// A problem with one order names it.
fn about(problem: Problem, id: ClOrdId) -> Problem {
    Problem { cl_ord_id: Some(id.to_string()), ..problem }
}

/// An account that exists.
pub(crate) fn known_account(account: AccountId, name: &str) -> Result<AccountId, Problem> {
    if account == AccountId::UNKNOWN {
        return Err(Problem::rejected(
            RejectReason::UnknownAccount,
            format!("no account has the name {name}"),
        ));
    }
    Ok(account)
}
