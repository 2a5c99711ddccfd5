//! Accounts: open, show, money in and out, status, limits, kill.

use axum::extract::State;
use model::AccountName;

use super::extract::{Asked, Body, Named, limit};
use super::orders::known_account;
use super::respond::{Created, Json};
use super::{Answer, App, Shared};
use crate::api::{
    AccountAnswer, AccountLimits, Accounts, AccountsQuery, Amount, ExecutionsAnswer, NewAccount, Problem,
    StatusRequest,
};
use crate::read_model::Model;
use crate::{answers, normalise, view};

/// How many accounts are listed if nobody says.
const LISTED: usize = 1_000;

pub(crate) async fn open(
    State(app): Shared,
    Body(request): Body<NewAccount>,
) -> Result<Created<AccountAnswer>, Problem> {
    let command = normalise::open_account(&request)?;
    let name = &request.account;
    let outcome = app.execute(command, name, || format!("open account {name}")).await?;
    answer(&app, outcome.sequence, name).map(Created)
}

pub(crate) async fn list(State(app): Shared, Asked(query): Asked<AccountsQuery>) -> Answer<Accounts> {
    let limit = limit("limit", query.limit, LISTED)?;
    app.session.read(|model| {
        let state = model.state();
        let after = match &query.after {
            None => 0,
            Some(name) => known_account(normalise::account(state, name)?, name)?.index() + 1,
        };
        let more = state.accounts().len() > after.saturating_add(limit);
        let accounts =
            state.accounts().skip(after).take(limit).map(|account| view::account(state, account)).collect();
        Ok(Json(Accounts { sequence: model.sequence(), accounts, more }))
    })
}

pub(crate) async fn show(State(app): Shared, Named(name): Named<String>) -> Answer<AccountAnswer> {
    app.session.read(|model| shown(model, model.sequence(), &name)).map(Json)
}

pub(crate) async fn deposit(
    State(app): Shared,
    Named(name): Named<String>,
    Body(request): Body<Amount>,
) -> Answer<AccountAnswer> {
    let command = app.session.read(|model| normalise::deposit(model.state(), &name, &request))?;
    let asked = || format!("deposit {} {} for {name}", request.amount, request.asset);
    let outcome = app.execute(command, &name, asked).await?;
    answer(&app, outcome.sequence, &name).map(Json)
}

pub(crate) async fn withdraw(
    State(app): Shared,
    Named(name): Named<String>,
    Body(request): Body<Amount>,
) -> Answer<AccountAnswer> {
    let command = app.session.read(|model| normalise::withdraw(model.state(), &name, &request))?;
    let asked = || format!("withdraw {} {} of {name}", request.amount, request.asset);
    let outcome = app.execute(command, &name, asked).await?;
    answer(&app, outcome.sequence, &name).map(Json)
}

pub(crate) async fn set_status(
    State(app): Shared,
    Named(name): Named<String>,
    Body(request): Body<StatusRequest>,
) -> Answer<AccountAnswer> {
    let command = app.session.read(|model| normalise::set_account_status(model.state(), &name, request))?;
    let asked = || format!("set {name} to {}", request.status);
    let outcome = app.execute(command, &name, asked).await?;
    answer(&app, outcome.sequence, &name).map(Json)
}

pub(crate) async fn set_limits(
    State(app): Shared,
    Named(name): Named<String>,
    Body(limits): Body<AccountLimits>,
) -> Answer<AccountAnswer> {
    let command = app.session.read(|model| normalise::set_account_limits(model.state(), &name, limits))?;
    let outcome = app.execute(command, &name, || format!("set the limits of {name}")).await?;
    answer(&app, outcome.sequence, &name).map(Json)
}

/// The body of a command that needs none: `{}`. Asked for all the same, because a browser sends an empty POST anywhere
/// without asking.
#[derive(serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Nothing {}

pub(crate) async fn kill(
    State(app): Shared,
    Named(name): Named<String>,
    Body(Nothing {}): Body<Nothing>,
) -> Answer<ExecutionsAnswer> {
    let command = app.session.read(|model| normalise::kill(model.state(), &name))?;
    let outcome = app.execute(command, &name, || format!("kill {name}")).await?;
    let executions = app.session.read(|model| answers::executions(model, &outcome, command.account));
    Ok(Json(ExecutionsAnswer { sequence: outcome.sequence, executions }))
}

fn answer(app: &App, sequence: u64, name: &str) -> Result<AccountAnswer, Problem> {
    app.session.read(|model| shown(model, sequence, name))
}

fn shown(model: &Model, sequence: u64, name: &str) -> Result<AccountAnswer, Problem> {
    let state = model.state();
    known_account(normalise::account(state, name)?, name)?;
    let known = AccountName::new(name).ok().and_then(|name| state.account_by_name(&name));
    let account = known.expect("known a line ago, and accounts are never closed");
    Ok(AccountAnswer { sequence, account: view::account(state, account) })
}
