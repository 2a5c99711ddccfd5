//! Who may: whoever has the token, if the configuration has one; without one, on loopback, whoever is on this machine.

use axum::extract::{Request, State};
use axum::http::{Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;

use super::Shared;
use crate::api::{GatewayCode, Problem};

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
pub(crate) async fn guard(State(app): Shared, request: Request, next: Next) -> Response {
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
    let Some(token) = app.token.as_ref().filter(|_| !open) else {
        return next.run(request).await;
    };
    let header = request.headers().get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let given = header.and_then(|value| {
        let (scheme, given) = value.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then_some(given)
    });
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
