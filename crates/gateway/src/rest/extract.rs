//! What a request carries, taken apart with an eye on what is wrong with it: every problem names the field.

use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::header;
use axum::http::request::Parts;
use http_body_util::BodyExt as _;
use serde::de::DeserializeOwned;
use std::sync::Arc;
use std::time::Duration;

use super::App;
use crate::api::{GatewayCode, Problem};
use crate::view::MAX_LISTED;

/// How much of a body that is too large is read before the answer.
const SURPLUS_MAX: usize = 64 << 20;

/// A JSON body.
pub(crate) struct Body<T>(pub T);

/// The parts of the address that are names.
pub(crate) struct Named<T>(pub T);

/// The query after the address.
pub(crate) struct Asked<T>(pub T);

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Body<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Problem> {
        // Browsers send forms and plain text anywhere without asking; JSON they do not. This keeps a page on the web from trading
        // on an exchange on the visitor's own machine.
        let body = bytes(request, "application/json", app.max_body_bytes, app.read_timeout).await?;
        parse(&body).map(Self)
    }
}

/// A body of a media type, as it is.
pub(crate) async fn bytes(
    request: Request,
    media_type: &str,
    most: usize,
    timeout: Duration,
) -> Result<Vec<u8>, Problem> {
    if !is_of_type(&request, media_type) {
        let problem =
            Problem::gateway(GatewayCode::UnsupportedMediaType, format!("the body must be {media_type}"));
        return Err(problem.with_hint(format!("send the header content-type: {media_type}")));
    }
    let Ok(body) = tokio::time::timeout(timeout, collect(request.into_body(), most)).await else {
        let detail = format!("the body did not arrive within {} ms", timeout.as_millis());
        return Err(Problem::gateway(GatewayCode::RequestTimeout, detail));
    };
    let bad = |error| Problem::gateway(GatewayCode::BadRequest, format!("the body did not arrive: {error}"));
    body.map_err(bad)?.ok_or_else(|| {
        Problem::gateway(GatewayCode::BodyTooLarge, format!("a body has at most {most} bytes"))
    })
}

/// A whole body; `None` if it has more than `most` bytes. What is too much is read all the same, up to a point: a client that is
/// still sending when the connection ends does not see the answer.
async fn collect(mut body: axum::body::Body, most: usize) -> Result<Option<Vec<u8>>, axum::Error> {
    let (mut bytes, mut surplus) = (Vec::new(), 0);
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else { continue };
        if surplus == 0 && bytes.len() + data.len() <= most {
            bytes.extend_from_slice(&data);
        } else {
            bytes = Vec::new();
            surplus += data.len();
            if surplus > SURPLUS_MAX {
                break;
            }
        }
    }
    Ok((surplus == 0).then_some(bytes))
}

fn is_of_type(request: &Request, media_type: &str) -> bool {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = value.unwrap_or("").split(';').next().unwrap_or("").trim();
    essence.eq_ignore_ascii_case(media_type)
}

/// Reads a body, or says what is wrong with it and where.
pub(crate) fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(body);
    let value: T = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let problem = bad(path, &error.inner().to_string());
        if error.inner().is_syntax() || error.inner().is_eof() {
            return problem
                .with_hint("the body must be one JSON object, with names and texts in double quotes");
        }
        problem
    })?;
    reader.end().map_err(|error| bad(String::new(), &error.to_string()))?;
    Ok(value)
}

/// A bad request. The field is where the reader stood, or what the message names when that is nowhere.
fn bad(path: String, message: &str) -> Problem {
    let named = ["missing field `", "unknown field `", "duplicate field `"]
        .iter()
        .find_map(|start| message.strip_prefix(start)?.split('`').next());
    let field = match named {
        // The reader stands at the object the field is in, or already at the field.
        Some(name) if path == "." || path.is_empty() => Some(name.to_owned()),
        Some(name) if path == name || path.ends_with(&format!(".{name}")) => Some(path),
        Some(name) => Some(format!("{path}.{name}")),
        None => (path != "." && !path.is_empty()).then_some(path),
    };
    Problem { field, ..Problem::gateway(GatewayCode::BadRequest, message) }
}

impl<T: DeserializeOwned + Send, S: Send + Sync> FromRequestParts<S> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        match Path::<T>::from_request_parts(parts, state).await {
            Ok(Path(names)) => Ok(Self(names)),
            Err(error) => Err(Problem::gateway(GatewayCode::BadRequest, error.body_text())),
        }
    }
}

impl<T: DeserializeOwned, S: Send + Sync> FromRequestParts<S> for Asked<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        match Query::<T>::try_from_uri(&parts.uri) {
            Ok(Query(query)) => Ok(Self(query)),
            Err(error) => {
                let text = error.body_text();
                let message = text.strip_prefix("Failed to deserialize query string: ").unwrap_or(&text);
                // Where one parameter is at fault, the message begins with its name.
                let (path, message) = match message.split_once(": ") {
                    Some((name, message)) if !name.contains([' ', '`']) => (name, message),
                    _ => ("", message),
                };
                Err(bad(path.to_owned(), message))
            }
        }
    }
}

/// How many to list: `default` if nobody says, never more than fit an answer.
pub(crate) fn limit(field: &str, asked: Option<u32>, default: usize) -> Result<usize, Problem> {
    match asked.map(|asked| asked as usize) {
        None => Ok(default),
        Some(asked) if asked <= MAX_LISTED => Ok(asked),
        Some(_) => Err(Problem::bad_field(field, format!("at most {MAX_LISTED}"))),
    }
}
