//! From outcomes to the words of the API: execution reports for what was done, problems for what was not.

use model::{AccountId, Command};
use std::sync::Arc;

use crate::api::{self, GatewayCode, Problem};
use crate::in_flight::{Outcome, Rejection};
use crate::read_model::Model;
use crate::session::{ExecuteError, SubmitError};
use crate::view;

/// Longest wait a client is told when the exchange is busy, in seconds.
pub const RETRY_AFTER_S: u32 = 1;

/// The answer to a command about one order of `account`.
pub fn order(model: &Model, outcome: &Outcome, account: AccountId) -> Option<api::OrderAnswer> {
    let executions = executions(model, outcome, account);
    // The first event of such a command is about its own order; self-trade prevention may touch others after it.
    let first = outcome.executions.first()?.order.order_id;
    let last = outcome.executions.iter().rfind(|execution| execution.order.order_id == first)?;
    let order = view::order(model.state(), &last.order);
    Some(api::OrderAnswer { sequence: outcome.sequence, order, executions })
}

/// What a command did to orders of `account`, in order. Other accounts' reports are theirs.
pub fn executions(model: &Model, outcome: &Outcome, account: AccountId) -> Vec<api::ExecutionReport> {
    outcome
        .executions
        .iter()
        .filter(|execution| execution.order.account == account)
        .map(|execution| view::execution(model.state(), execution))
        .collect()
}

/// A rule's no, in its own words.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct RuleSaid {
    /// The rule's name.
    pub rule: String,
    /// Its code.
    pub code: u32,
    /// What that means.
    pub text: Arc<str>,
}

/// The problem with a command the exchange refused. `asked` says what was asked, such as `buy 100 AAPL @ 10.05 for alice`.
pub fn refusal(rejection: Rejection, said: Option<RuleSaid>, sequence: u64, asked: &str) -> Problem {
    let mut problem = Problem::rejected(rejection.reason, "");
    match said {
        Some(RuleSaid { rule, code, text }) => {
            problem.detail = format!("{asked}: {rule} says (code {code}): {text}");
            (problem.rule, problem.rule_code, problem.text) =
                (Some(rule), Some(code), Some(text.to_string()));
        }
        None => problem.detail = format!("{asked}: {}", problem.title),
    }
    problem.sequence = Some(sequence);
    problem
}

/// The problem with a command that has no outcome.
pub fn no_outcome(error: ExecuteError, command: &Command, account: &str) -> Problem {
    match error {
        ExecuteError::Submit(error) => not_taken(error),
        ExecuteError::NoOutcome(crate::in_flight::NoOutcome::StoreFull) => not_taken(SubmitError::StoreFull),
        ExecuteError::NoOutcome(crate::in_flight::NoOutcome::Abandoned) | ExecuteError::Timeout => {
            let detail = "the command went to the exchange, but its answer did not come in time: it may have been \
                          done, or may still be";
            unknown(Problem::gateway(GatewayCode::OutcomeUnknown, detail), command, account)
        }
    }
}

/// How to find out what became of a command.
fn unknown(problem: Problem, command: &Command, account: &str) -> Problem {
    let id = match command {
        Command::SubmitOrder(order) => order.cl_ord_id,
        Command::ReplaceOrder(order) => order.new_cl_ord_id,
        Command::CancelOrder(order) => order.cl_ord_id,
        Command::CancelAll(_) | Command::KillAccount(_) => {
            return problem
                .with_hint(format!("GET /v1/orders?account={account} shows which orders still work"));
        }
        Command::CreateInstrument(_) | Command::SetPhase(_) => {
            return problem.with_hint("GET /v1/instruments shows how the instruments stand");
        }
        Command::LoadRule(_)
        | Command::ActivateRule(_)
        | Command::DeactivateRule(_)
        | Command::RollbackRule(_)
        | Command::ApproveRule(_) => {
            return problem.with_hint("GET /v1/rules shows how the rules stand");
        }
        _ => return problem.with_hint(format!("GET /v1/accounts/{account} shows how the account stands")),
    };
    let hint = format!(
        "GET /v1/orders/{account}/{id} shows what became of it; repeating a new order with the same cl_ord_id is safe, \
         because an id is taken once"
    );
    Problem { cl_ord_id: Some(id.to_string()), ..problem.with_hint(hint) }
}

/// The problem with a command that was not taken. Nothing of it is in the log.
fn not_taken(error: SubmitError) -> Problem {
    use model::RejectReason::{Busy, StoreFull};
    match error {
        SubmitError::Busy => Problem::rejected(Busy, error.to_string()),
        SubmitError::StoreFull => Problem::rejected(StoreFull, error.to_string()),
        SubmitError::TooManyInFlight => Problem::gateway(GatewayCode::TooManyInFlight, error.to_string())
            .with_hint("try again after the time Retry-After names"),
        SubmitError::Stopped => Problem::gateway(GatewayCode::Stopped, error.to_string())
            .with_hint("GET /v1/health says why; the operator must start it again"),
    }
}
