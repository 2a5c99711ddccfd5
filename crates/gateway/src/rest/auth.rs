//! Who may: whoever has the token, if the configuration has one; without one, on loopback, whoever is on this machine.

use axum::extract::{FromRequestParts, Request, State};
use axum::http::request::Parts;
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use model::OperatorName;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use super::{App, Shared};
use crate::api::{GatewayCode, OPERATOR_DEFAULT, OPERATOR_HEADER, Problem};

/// Operators with tokens of their own: the only ones who change rules, if there are any.
pub(crate) struct Operators(Vec<(OperatorName, Token)>);

impl Operators {
    /// From names and tokens that were checked.
    pub fn new(operators: &BTreeMap<String, String>) -> Self {
        let known = |(name, token): (&String, &String)| Some((name.parse().ok()?, Token::new(token)));
        Self(operators.iter().filter_map(known).collect())
    }

    fn whose(&self, given: &str) -> Option<OperatorName> {
        // All are compared, so that the time says nothing about which.
        self.0.iter().fold(None, |found, (name, token)| if token.is(given) { Some(*name) } else { found })
    }
}

/// Who acts on rules: whose token it is, where operators have tokens, and otherwise who it says it is.
#[derive(Clone, Copy)]
pub(crate) struct By(pub OperatorName);

impl FromRequestParts<Arc<App>> for By {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Problem> {
        let bad = |detail: String| Problem::bad_field(OPERATOR_HEADER, detail);
        let said = match parts.headers.get(OPERATOR_HEADER) {
            None => None,
            Some(value) => {
                let name = value.to_str().map_err(|error| bad(error.to_string()))?;
                Some(name.parse().map_err(|error: model::TextError| bad(error.to_string()))?)
            }
        };
        match (parts.extensions.get::<Self>(), said) {
            (Some(Self(known)), Some(said)) if *known != said => {
                Err(bad(format!("the token is {known}'s, not {said}'s")))
            }
            (Some(&known), _) => Ok(known),
            (None, Some(said)) => Ok(Self(said)),
            (None, None) => Ok(Self(OPERATOR_DEFAULT.parse().expect("a short name"))),
        }
    }
}

/// A token, kept as its hash.
pub(crate) struct Token(blake3::Hash);

impl Token {
    pub fn new(token: &str) -> Self {
        Self(blake3::hash(token.as_bytes()))
    }

    /// Whether this is the token. Hashes are compared in constant time, and a hash says nothing about how much of the
    /// token was right.
    fn is(&self, given: &str) -> bool {
        self.0 == blake3::hash(given.as_bytes())
    }
}

/// Whether a host, with or without a port, is this machine by a name nobody else can give it.
fn is_local(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    };
    let address = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || address.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

/// Lets those in who may come in.
pub(crate) async fn guard(State(app): Shared, mut request: Request, next: Next) -> Response {
    // A page on the web can have its own name point at this machine, and the browser then takes the exchange for a part of
    // the page. The name gives it away.
    let host = request.headers().get(header::HOST).and_then(|value| value.to_str().ok());
    if app.at_home && !host.is_some_and(is_local) {
        let detail = format!("{} is not this machine", host.unwrap_or("a host without a name"));
        return Problem::gateway(GatewayCode::Misdirected, detail)
            .with_hint(
                "use localhost or 127.0.0.1, or give the exchange a token to be reached by other names",
            )
            .into_response();
    }
    let reads = matches!(*request.method(), Method::GET | Method::HEAD);
    let open = (reads && !app.token_for_reads) || request.uri().path() == "/v1/health";
    if open {
        return next.run(request).await;
    }
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = header.and_then(|value| {
        let (scheme, given) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(given)
    });
    let operator = given.and_then(|given| app.operators.whose(given));
    let of_rules = request.uri().path().starts_with("/v1/rules");
    if let Some(operator) = operator.filter(|_| reads || of_rules) {
        request.extensions_mut().insert(By(operator));
        return next.run(request).await;
    }
    if of_rules && !reads && !app.operators.0.is_empty() {
        let detail =
            if given.is_some() { "this is no operator's token" } else { "this needs an operator's token" };
        return Problem::gateway(GatewayCode::Unauthorized, detail)
            .with_hint("only those in [rules.operators] of the exchange's configuration change rules")
            .into_response();
    }
    let Some(token) = &app.token else {
        return next.run(request).await;
    };
    let detail = match given {
        Some(given) if token.is(given) => return next.run(request).await,
        Some(_) => "this is not the token",
        None => "this needs a token",
    };
    Problem::gateway(GatewayCode::Unauthorized, detail)
        .with_hint(
            "send the header authorization: Bearer TOKEN, with the token of the exchange's configuration",
        )
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_names_of_its_own() {
        for host in ["localhost", "LOCALHOST:7870", "127.0.0.1:1", "127.0.0.2", "[::1]", "[::1]:7870"] {
            assert!(is_local(host), "{host}");
        }
        for host in
            ["", "example.com", "localhost.example.com:7870", "10.0.0.1", "127.0.0.1.example.com", "[::2]:1"]
        {
            assert!(!is_local(host), "{host}");
        }
    }
}
