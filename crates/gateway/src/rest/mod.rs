//! The REST doors: addresses, and what the handlers of all of them share. The words are in [`crate::api`]; the way from
//! them to commands is in [`crate::normalise`], and back in [`crate::view`] and [`crate::answers`].

mod accounts;
mod auth;
mod extract;
mod instruments;
mod market;
mod metrics;
mod orders;
mod respond;
mod rules;
mod status;

use axum::Router;
use axum::extract::State;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post, put};
use model::{Command, RuleId};
use std::sync::Arc;
use std::time::Duration;

use crate::answers::{self, RuleSaid};
use crate::api::{GatewayCode, Problem};
use crate::config::GatewayConfig;
use crate::in_flight::{Outcome, Rejection, Wants};
use crate::rules::{Recipe, Rules};
use crate::session::Session;

/// The answer of a handler.
type Answer<T> = Result<respond::Json<T>, Problem>;

/// What every handler has at hand.
pub(crate) struct App {
    session: Session,
    max_body_bytes: usize,
    read_timeout: Duration,
    token: Option<auth::Token>,
    token_for_reads: bool,
    /// Whether only requests that name this machine itself are taken.
    at_home: bool,
    requests: metrics::Requests,
    operators: auth::Operators,
    rules: Arc<Rules>,
}

type Shared = State<Arc<App>>;

impl App {
    pub fn new(session: Session, config: &GatewayConfig, rules: Arc<Rules>) -> Arc<Self> {
        Arc::new(Self {
            session,
            max_body_bytes: config.max_body_bytes,
            read_timeout: Duration::from_millis(config.read_timeout_ms),
            token: config.token.as_deref().map(auth::Token::new),
            token_for_reads: config.token_for_reads,
            // A token keeps strangers out by itself, also behind a proxy that passes another name on.
            at_home: config.listen.ip().is_loopback() && config.token.is_none(),
            requests: metrics::Requests::default(),
            operators: auth::Operators::new(&rules.config.operators),
            rules,
        })
    }

    /// Executes a command and gives its outcome, or the problem with it. `asked` says what was asked, for people.
    async fn execute(
        &self,
        command: impl Into<Command>,
        account: &str,
        asked: impl FnOnce() -> String,
    ) -> Result<Outcome, Problem> {
        let command = command.into();
        let outcome = self.session.execute(command.clone(), Wants::Executions).await;
        let outcome = outcome.map_err(|error| answers::no_outcome(error, &command, account))?;
        match outcome.rejection() {
            None => Ok(outcome),
            Some(rejection) => {
                let said = self.said(&outcome, rejection).await;
                Err(answers::refusal(rejection, said, outcome.sequence, &asked()))
            }
        }
    }

    /// What the rule that rejected a command has to say about it.
    async fn said(&self, outcome: &Outcome, rejection: Rejection) -> Option<RuleSaid> {
        let (rule, code) = rejection.rule?;
        let active = outcome.judged_by.as_deref()?;
        let name = self.session.read(|model| model.state().rule(RuleId(rule)).map(|rule| rule.name))?;
        let text = self.rules.explain(&Recipe::of(active), code).await;
        Some(RuleSaid { rule: name.to_string(), code, text })
    }
}

/// All addresses.
pub(crate) fn router(app: &Arc<App>) -> Router {
    let v1 = Router::new()
        .route("/orders", post(orders::submit).get(orders::list).delete(orders::cancel_all))
        .route(
            "/orders/{account}/{cl_ord_id}",
            get(orders::show).patch(orders::replace).delete(orders::cancel),
        )
        .route("/trades", get(market::trades))
        .route("/books/{symbol}", get(market::book))
        .route("/candles/{symbol}", get(market::candles))
        .route("/accounts", post(accounts::open).get(accounts::list))
        .route("/accounts/{account}", get(accounts::show))
        .route("/accounts/{account}/deposits", post(accounts::deposit))
        .route("/accounts/{account}/withdrawals", post(accounts::withdraw))
        .route("/accounts/{account}/status", put(accounts::set_status))
        .route("/accounts/{account}/limits", put(accounts::set_limits))
        .route("/accounts/{account}/kill", post(accounts::kill))
        .route("/instruments", post(instruments::create).get(instruments::list))
        .route("/instruments/{symbol}", get(instruments::show))
        .route("/instruments/{symbol}/phase", put(instruments::set_phase))
        .route("/rules", get(rules::list))
        .route("/rules/{name}", get(rules::show))
        .route("/rules/{name}/log", get(rules::log))
        .route("/rules/{name}/components", post(rules::load))
        .route("/rules/{name}/activate", post(rules::activate))
        .route("/rules/{name}/deactivate", post(rules::deactivate))
        .route("/rules/{name}/rollback", post(rules::rollback))
        .route("/rules/{name}/approve", post(rules::approve))
        .route("/status", get(status::status))
        .route("/health", get(status::health));
    Router::new()
        .nest("/v1", v1)
        .route("/metrics", get(metrics::metrics))
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(not_found)
        .layer(from_fn_with_state(Arc::clone(app), auth::guard))
        .layer(from_fn_with_state(Arc::clone(app), metrics::count))
        .layer(from_fn(respond::never_cache))
        .with_state(Arc::clone(app))
}

async fn not_found(uri: axum::http::Uri) -> Problem {
    Problem::gateway(GatewayCode::NotFound, format!("nothing is at {}", uri.path())).with_hint(
        "the addresses begin with /v1: orders, trades, books, candles, accounts, instruments, rules, status, health",
    )
}

async fn method_not_allowed(method: axum::http::Method, uri: axum::http::Uri) -> Problem {
    Problem::gateway(GatewayCode::MethodNotAllowed, format!("{} does not take {method}", uri.path()))
}
