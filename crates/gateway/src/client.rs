//! The blocking client of the REST API, which the program's own commands use.

use crate::api::{
    AccountAnswer, AccountLimits, Accounts, AccountsQuery, ActivateRequest, Amount, ApproveRequest, Book,
    BookQuery, COMPONENT_TYPE, Candles, CandlesQuery, DeactivateRequest, ExecutionsAnswer, Health,
    InstrumentAnswer, Instruments, NewAccount, NewInstrument, NewOrder, OPERATOR_HEADER, Order, OrderAnswer,
    Orders, OrdersQuery, PhaseRequest, Problem, ReplaceRequest, RuleAnswer, RuleList, RuleLoadedAnswer,
    RuleLog, RuleLogQuery, SIGNATURE_HEADER, Status, StatusRequest, Trades, TradesQuery,
};
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt::Write as _;
use std::time::Duration;
use ureq::http::{Method, Request};

/// The largest answer the client reads, in bytes.
pub const MAX_ANSWER_BYTES: u64 = 64 << 20;

/// Where the exchange is and how to talk to it.
#[derive(Clone, Debug)]
pub struct ClientConfig {
    /// Such as `http://127.0.0.1:7870`, without a slash at the end.
    pub url: String,
    /// The bearer token, if the exchange wants one.
    pub token: Option<String>,
    /// How long a whole request may take.
    pub timeout: Duration,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// The exchange answered that it did not do it.
    #[error("{0}")]
    Problem(Box<Problem>),
    /// The exchange was not reached, or the connection broke. What was asked may have been done all the same.
    #[error("no answer from {url}: {source}")]
    Unreachable {
        /// Where.
        url: String,
        /// What the connection said.
        source: Box<ureq::Error>,
    },
    /// What answered is not an exchange this client knows.
    #[error("{url} answered {status} with something that is not an answer of this API: {source}")]
    NotAnAnswer {
        /// Where.
        url: String,
        /// The HTTP status.
        status: u16,
        /// What is wrong with it.
        source: serde_json::Error,
    },
    /// The address is not one.
    #[error("{url} is not an address of an exchange: write it like http://127.0.0.1:7870")]
    BadUrl {
        /// What was given.
        url: String,
    },
}

impl ClientError {
    /// The exchange's own words, if it answered.
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Problem(problem) => Some(problem),
            _ => None,
        }
    }
}

/// A connection to an exchange. Cheap to clone; clones share their connections.
#[derive(Clone, Debug)]
pub struct Client {
    agent: ureq::Agent,
    url: String,
    authorization: Option<String>,
    operator: Option<String>,
}

type Answer<T> = Result<T, ClientError>;

impl Client {
    /// A client for the exchange at `config.url`. Connects when first used.
    pub fn new(config: ClientConfig) -> Self {
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(config.timeout))
            .max_redirects(0)
            .proxy(None)
            .build()
            .into();
        Self {
            agent,
            url: config.url.trim_end_matches('/').to_owned(),
            authorization: config.token.map(|token| format!("Bearer {token}")),
            operator: None,
        }
    }

    /// The same, acting on rules in somebody's name.
    #[must_use]
    pub fn acting_as(self, operator: Option<String>) -> Self {
        Self { operator, ..self }
    }

    /// The address this client talks to.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Sends a new order and waits for what became of it.
    pub fn submit(&self, order: &NewOrder) -> Answer<OrderAnswer> {
        self.send(Method::POST, "/v1/orders", order)
    }

    /// Changes a working order.
    pub fn replace(&self, account: &str, cl_ord_id: &str, change: &ReplaceRequest) -> Answer<OrderAnswer> {
        self.send(Method::PATCH, &order_path(account, cl_ord_id), change)
    }

    /// Cancels a working order.
    pub fn cancel(&self, account: &str, cl_ord_id: &str) -> Answer<OrderAnswer> {
        self.bare(Method::DELETE, &order_path(account, cl_ord_id))
    }

    /// Cancels all of an account's working orders, or those in one instrument.
    pub fn cancel_all(&self, account: &str, symbol: Option<&str>) -> Answer<ExecutionsAnswer> {
        let mut path = format!("/v1/orders?account={}", encode(account));
        if let Some(symbol) = symbol {
            path.push_str("&symbol=");
            path.push_str(&encode(symbol));
        }
        self.bare(Method::DELETE, &path)
    }

    /// One order, working or of the recent past.
    pub fn order(&self, account: &str, cl_ord_id: &str) -> Answer<Order> {
        self.bare(Method::GET, &order_path(account, cl_ord_id))
    }

    /// An account's orders.
    pub fn orders(&self, query: &OrdersQuery) -> Answer<Orders> {
        self.ask("/v1/orders", query)
    }

    /// The newest trades of an instrument.
    pub fn trades(&self, query: &TradesQuery) -> Answer<Trades> {
        self.ask("/v1/trades", query)
    }

    /// An instrument's book.
    pub fn book(&self, symbol: &str, query: &BookQuery) -> Answer<Book> {
        self.ask(&format!("/v1/books/{}", encode(symbol)), query)
    }

    /// The newest candles of an instrument.
    pub fn candles(&self, symbol: &str, query: &CandlesQuery) -> Answer<Candles> {
        self.ask(&format!("/v1/candles/{}", encode(symbol)), query)
    }

    /// Opens an account.
    pub fn open_account(&self, account: &NewAccount) -> Answer<AccountAnswer> {
        self.send(Method::POST, "/v1/accounts", account)
    }

    /// The accounts there are.
    pub fn accounts(&self, query: &AccountsQuery) -> Answer<Accounts> {
        self.ask("/v1/accounts", query)
    }

    /// One account with its balances.
    pub fn account(&self, account: &str) -> Answer<AccountAnswer> {
        self.bare(Method::GET, &account_path(account, ""))
    }

    /// Brings cash or shares in.
    pub fn deposit(&self, account: &str, amount: &Amount) -> Answer<AccountAnswer> {
        self.send(Method::POST, &account_path(account, "/deposits"), amount)
    }

    /// Takes available cash or shares out.
    pub fn withdraw(&self, account: &str, amount: &Amount) -> Answer<AccountAnswer> {
        self.send(Method::POST, &account_path(account, "/withdrawals"), amount)
    }

    /// Verifies or suspends an account.
    pub fn set_account_status(&self, account: &str, status: &StatusRequest) -> Answer<AccountAnswer> {
        self.send(Method::PUT, &account_path(account, "/status"), status)
    }

    /// Sets an account's own limits.
    pub fn set_account_limits(&self, account: &str, limits: &AccountLimits) -> Answer<AccountAnswer> {
        self.send(Method::PUT, &account_path(account, "/limits"), limits)
    }

    /// The kill switch: cancels everything, and the account trades no more, for ever.
    pub fn kill(&self, account: &str) -> Answer<ExecutionsAnswer> {
        self.send(Method::POST, &account_path(account, "/kill"), &serde_json::json!({}))
    }

    /// Lists a new instrument.
    pub fn create_instrument(&self, instrument: &NewInstrument) -> Answer<InstrumentAnswer> {
        self.send(Method::POST, "/v1/instruments", instrument)
    }

    /// The instruments there are.
    pub fn instruments(&self) -> Answer<Instruments> {
        self.bare(Method::GET, "/v1/instruments")
    }

    /// One instrument.
    pub fn instrument(&self, symbol: &str) -> Answer<InstrumentAnswer> {
        self.bare(Method::GET, &format!("/v1/instruments/{}", encode(symbol)))
    }

    /// Moves an instrument to another trading phase.
    pub fn set_phase(&self, symbol: &str, phase: &PhaseRequest) -> Answer<InstrumentAnswer> {
        self.send(Method::PUT, &format!("/v1/instruments/{}/phase", encode(symbol)), phase)
    }

    /// The rules there are.
    pub fn rules(&self) -> Answer<RuleList> {
        self.bare(Method::GET, "/v1/rules")
    }

    /// One rule: its components, what is in force, and what it did.
    pub fn rule(&self, name: &str) -> Answer<RuleAnswer> {
        self.bare(Method::GET, &rule_path(name, ""))
    }

    /// What happened to a rule, and what it did.
    pub fn rule_log(&self, name: &str, query: RuleLogQuery) -> Answer<RuleLog> {
        self.ask(&rule_path(name, "/log"), &query)
    }

    /// Loads a component under a rule's name. `signature` is the detached Ed25519 signature of its bytes.
    pub fn load_rule(
        &self,
        name: &str,
        component: &[u8],
        signature: Option<&[u8; 64]>,
    ) -> Answer<RuleLoadedAnswer> {
        let mut headers = vec![("content-type", COMPONENT_TYPE.to_owned())];
        if let Some(signature) = signature {
            let digits = signature.iter().fold(String::new(), |mut digits, byte| {
                write!(digits, "{byte:02x}").expect("writing to a string cannot fail");
                digits
            });
            headers.push((SIGNATURE_HEADER, digits));
        }
        let path = rule_path(name, "/components");
        self.answered(self.exchange(Method::POST, &path, &headers, Some(component))?)
    }

    /// Puts a loaded component in force, or lets it shadow.
    pub fn activate_rule(&self, name: &str, request: &ActivateRequest) -> Answer<RuleAnswer> {
        self.send(Method::POST, &rule_path(name, "/activate"), request)
    }

    /// Takes a rule out of force, or its shadow away.
    pub fn deactivate_rule(&self, name: &str, request: &DeactivateRequest) -> Answer<RuleAnswer> {
        self.send(Method::POST, &rule_path(name, "/deactivate"), request)
    }

    /// Goes back to what was in force before the last change.
    pub fn roll_back_rule(&self, name: &str) -> Answer<RuleAnswer> {
        self.send(Method::POST, &rule_path(name, "/rollback"), &serde_json::json!({}))
    }

    /// Agrees to a component, as a second operator.
    pub fn approve_rule(&self, name: &str, request: &ApproveRequest) -> Answer<RuleAnswer> {
        self.send(Method::POST, &rule_path(name, "/approve"), request)
    }

    /// How far the exchange is.
    pub fn status(&self) -> Answer<Status> {
        self.bare(Method::GET, "/v1/status")
    }

    /// Whether the exchange takes commands.
    pub fn health(&self) -> Answer<Health> {
        let (status, body) = self.exchange(Method::GET, "/v1/health", &[], None)?;
        self.parse(status, &body)
    }

    /// The metrics, in the text format of Prometheus.
    pub fn metrics(&self) -> Answer<String> {
        let (status, body) = self.exchange(Method::GET, "/metrics", &[], None)?;
        if status == 200 { Ok(body) } else { Err(self.refused(status, &body)) }
    }

    fn ask<Q: Serialize, T: DeserializeOwned>(&self, path: &str, query: &Q) -> Answer<T> {
        self.bare(Method::GET, &format!("{path}{}", query_string(query)))
    }

    fn bare<T: DeserializeOwned>(&self, method: Method, path: &str) -> Answer<T> {
        self.answered(self.exchange(method, path, &[], None)?)
    }

    fn send<B: Serialize, T: DeserializeOwned>(&self, method: Method, path: &str, body: &B) -> Answer<T> {
        let body = serde_json::to_vec(body).expect("the words of the API have string keys and cannot fail");
        let headers = [("content-type", "application/json".to_owned())];
        self.answered(self.exchange(method, path, &headers, Some(&body))?)
    }

    fn answered<T: DeserializeOwned>(&self, (status, text): (u16, String)) -> Answer<T> {
        if (200..300).contains(&status) {
            self.parse(status, &text)
        } else {
            Err(self.refused(status, &text))
        }
    }

    fn exchange(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, String)],
        body: Option<&[u8]>,
    ) -> Answer<(u16, String)> {
        let unreachable =
            |source| ClientError::Unreachable { url: self.url.clone(), source: Box::new(source) };
        let mut request = Request::builder().method(method).uri(format!("{}{path}", self.url));
        if let Some(authorization) = &self.authorization {
            request = request.header("authorization", authorization);
        }
        if let Some(operator) = &self.operator {
            request = request.header(OPERATOR_HEADER, operator);
        }
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let bad_url = |_| ClientError::BadUrl { url: self.url.clone() };
        let response = match body {
            Some(body) => self.agent.run(request.body(body).map_err(bad_url)?),
            None => self.agent.run(request.body(()).map_err(bad_url)?),
        };
        let mut response = match response {
            Err(ureq::Error::BadUri(_)) => return Err(ClientError::BadUrl { url: self.url.clone() }),
            other => other.map_err(unreachable)?,
        };
        let status = response.status().as_u16();
        let text = response
            .body_mut()
            .with_config()
            .limit(MAX_ANSWER_BYTES)
            .read_to_string()
            .map_err(unreachable)?;
        Ok((status, text))
    }

    fn parse<T: DeserializeOwned>(&self, status: u16, text: &str) -> Answer<T> {
        serde_json::from_str(text).map_err(|source| ClientError::NotAnAnswer {
            url: self.url.clone(),
            status,
            source,
        })
    }

    fn refused(&self, status: u16, text: &str) -> ClientError {
        match self.parse::<Problem>(status, text) {
            Ok(problem) => ClientError::Problem(Box::new(problem)),
            Err(error) => error,
        }
    }
}

fn order_path(account: &str, cl_ord_id: &str) -> String {
    format!("/v1/orders/{}/{}", encode(account), encode(cl_ord_id))
}

fn rule_path(name: &str, rest: &str) -> String {
    format!("/v1/rules/{}{rest}", encode(name))
}

fn account_path(account: &str, rest: &str) -> String {
    format!("/v1/accounts/{}{rest}", encode(account))
}

/// Percent-encodes everything that is not unreserved (RFC 3986, 2.3): names may hold any printable character.
fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        // A segment of dots alone would be taken for a way up the path.
        let only_dots = text.bytes().all(|byte| byte == b'.');
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'~') || (byte == b'.' && !only_dots)
        {
            encoded.push(char::from(byte));
        } else {
            write!(encoded, "%{byte:02X}").expect("writing to a string cannot fail");
        }
    }
    encoded
}

/// `?name=value&…` from a query's fields; those that are absent are left out.
fn query_string<Q: Serialize>(query: &Q) -> String {
    let fields = serde_json::to_value(query).expect("the words of the API have string keys and cannot fail");
    let mut text = String::new();
    for (name, value) in fields.as_object().into_iter().flatten() {
        let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        let separator = if text.is_empty() { '?' } else { '&' };
        write!(text, "{separator}{name}={}", encode(&value)).expect("writing to a string cannot fail");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_printable_character_fit_an_address() {
        assert_eq!(order_path("a/b", "x?y#%"), "/v1/orders/a%2Fb/x%3Fy%23%25");
        assert_eq!(encode(".."), "%2E%2E");
        assert_eq!(encode("BRK.B"), "BRK.B");
    }

    #[test]
    fn queries_leave_out_what_is_absent() {
        assert_eq!(query_string(&BookQuery::default()), "");
        let query = TradesQuery { symbol: "A&B".to_owned(), limit: Some(5) };
        assert_eq!(query_string(&query), "?limit=5&symbol=A%26B");
    }

    #[test]
    fn an_exchange_that_is_not_there_is_said_to_be_not_there() {
        // Port 1 of loopback: nothing listens there, and nobody may without privileges.
        let url = "http://127.0.0.1:1".to_owned();
        let client = Client::new(ClientConfig { url, token: None, timeout: Duration::from_secs(5) });
        assert!(matches!(client.status(), Err(ClientError::Unreachable { .. })));
        let client = Client::new(ClientConfig {
            url: "no address".to_owned(),
            token: None,
            timeout: Duration::from_secs(5),
        });
        assert!(matches!(client.status(), Err(ClientError::BadUrl { .. })));
    }
}
