//! Commands that talk to a running exchange over its REST API. Their JSON is the API's own, word for word.

pub mod account;
pub mod instrument;
pub mod market;
pub mod order;
pub mod orders;

use crate::ui::Failure;
use clap::Args;
use gateway::api::{Amount, GatewayCode, Problem};
use gateway::client::{Client, ClientConfig, ClientError};
use model::RejectReason;
use std::time::Duration;

/// Which exchange, and how to be let in.
#[derive(Debug, Args)]
#[command(next_help_heading = "Exchange")]
pub struct Exchange {
    /// Where the exchange is
    #[arg(long, env = "OUTCRY_URL", value_name = "URL", default_value = "http://127.0.0.1:7870")]
    url: String,
    /// The token it wants, if it wants one
    #[arg(long, env = "OUTCRY_TOKEN", value_name = "TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// How many seconds to wait for an answer
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=3600))]
    timeout: u64,
}

impl Exchange {
    /// A client for it. Connects when first used.
    pub fn client(&self) -> Client {
        Client::new(ClientConfig {
            url: self.url.clone(),
            token: self.token.clone(),
            timeout: Duration::from_secs(self.timeout),
        })
    }
}

impl From<ClientError> for Failure {
    fn from(error: ClientError) -> Self {
        match error {
            ClientError::Problem(problem) => refused(&problem),
            ClientError::Unreachable { url, source } => {
                let hint = match &*source {
                    ureq::Error::Timeout(_) => {
                        "it may have been done all the same; repeating it with the same --id is safe"
                    }
                    _ => "start one with \"outcry dev\", or name another with --url or OUTCRY_URL",
                };
                Self::failed(format_args!("no exchange answers at {url}")).caused_by(*source).hint(hint)
            }
            ClientError::NotAnAnswer { ref url, .. } => {
                let message = format!("what answers at {url} is not an exchange of this version");
                Self::failed(message).caused_by(error)
            }
            ClientError::BadUrl { .. } => Self::usage(error),
        }
    }
}

/// The exchange said no.
fn refused(problem: &Problem) -> Failure {
    let message =
        rejected_by_rule(problem).unwrap_or_else(|| format!("{}: {}", problem.code, problem.detail));
    // A request that could not be read is the command line's fault.
    let usage = problem.code == GatewayCode::BadRequest.as_str();
    let failure = if usage { Failure::usage(message) } else { Failure::failed(message) };
    let failure = failure.with_details(serde_json::json!(problem));
    match hint(problem) {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// A rule's no, in its own words and those of scenarios.
fn rejected_by_rule(problem: &Problem) -> Option<String> {
    let (rule, code, text) = (problem.rule.as_ref()?, problem.rule_code?, problem.text.as_ref()?);
    let id = problem.cl_ord_id.as_deref().unwrap_or("-");
    Some(format!("rejected {id} reason={} rule={rule} code={code} {text:?}", problem.code))
}

/// What to do about it, in commands of this program where the API would speak of its own paths.
fn hint(problem: &Problem) -> Option<String> {
    use RejectReason as R;
    if let Some(rule) = &problem.rule {
        return Some(format!("\"outcry plugin show {rule}\" shows the rule and what it is configured with"));
    }
    let ours = match problem.reason() {
        Some(R::UnknownRule) => "\"outcry plugin list\" lists those there are",
        Some(R::UnknownComponent) => "\"outcry plugin show NAME\" lists what is loaded",
        Some(R::RuleNotApproved) => {
            "another operator than the one who loaded it agrees to it with \"outcry plugin approve NAME\""
        }
        Some(R::WrongRuleKind) => "load it under another name with --name",
        Some(R::UnknownAccount) => {
            "\"outcry account open NAME USD=100000\" opens one; \"outcry account list\" lists them"
        }
        Some(R::UnknownInstrument) => "\"outcry instrument list\" lists those there are",
        Some(R::DuplicateOrder) => {
            "choose another --id; \"outcry orders ACCOUNT --all\" shows what became of this one"
        }
        Some(R::UnknownOrder | R::TooLate) => "\"outcry orders ACCOUNT --all\" shows what became of it",
        Some(R::InstrumentHalted | R::MarketClosed) => {
            "cancels work in every phase; \"outcry phase SYMBOL open\" opens it"
        }
        Some(R::InsufficientFunds | R::InsufficientPosition) => {
            "\"outcry account show ACCOUNT\" shows what is available, \"outcry account deposit\" brings more"
        }
        Some(R::PostOnlyWouldCross) => "\"outcry book SYMBOL\" shows the best prices",
        Some(R::InvalidPrice | R::InvalidQuantity) => "\"outcry instrument show SYMBOL\" shows tick and lot",
        _ if problem.code == GatewayCode::Unauthorized.as_str() => {
            "give the token with --token or OUTCRY_TOKEN"
        }
        _ => return problem.hint.clone(),
    };
    Some(ours.to_owned())
}

/// `USD=100.50`: so much of something.
pub fn amount(text: &str) -> Result<Amount, String> {
    let (asset, amount) = text.split_once('=').ok_or("write it as ASSET=AMOUNT, such as USD=100000")?;
    let amount = amount.parse().map_err(|error: gateway::api::NumberError| error.to_string())?;
    Ok(Amount { asset: asset.to_owned(), amount })
}

/// A value that may not be there, for a table.
pub fn or_dash(value: Option<impl ToString>) -> String {
    value.map_or_else(|| "-".to_owned(), |value| value.to_string())
}
