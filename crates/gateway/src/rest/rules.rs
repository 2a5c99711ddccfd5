//! Rules: load, activate, deactivate, roll back, approve, show. The order of things is what makes them safe: a component is kept
//! before a command names it, and ready to run before a command puts it in force.

use axum::extract::{Request, State};
use axum::http::HeaderMap;
use model::{
    AccountId, ActivateRule, ApproveRule, ComponentHash, CounterKey, CounterWindow, DeactivateRule,
    InstrumentId, LoadRule, RejectReason, RollbackRule, RuleLoaded, RuleMode, RuleName, RuleParameters,
};
use plugin_manifest::{Manifest, ParameterError};
use std::collections::BTreeMap;
use std::sync::Arc;

use super::auth::By;
use super::extract::{Asked, Body, Named, bytes, limit};
use super::respond::{Created, Json};
use super::{Answer, App, Shared};
use crate::api::{
    ActivateRequest, ApproveRequest, COMPONENT_TYPE, DeactivateRequest, GatewayCode, Problem, RuleAnswer,
    RuleList, RuleLoadedAnswer, RuleLog, RuleLogQuery, SIGNATURE_HEADER,
};
use crate::rules::{Inspected, Recipe, Refused, Why};
use crate::{normalise, rule_view};

use super::accounts::Nothing;

/// How many lines of a rule's log are shown if nobody says.
const LINES: usize = 100;
/// Where a rule stands in the order of asking if nobody says.
const PRIORITY: u16 = 100;

impl From<Refused> for Problem {
    fn from(refused: Refused) -> Self {
        let problem = match refused.why {
            Why::Component => Self::gateway(GatewayCode::BadComponent, refused.detail),
            Why::Parameters => Self::bad_field("parameters", refused.detail),
            Why::Store => Self::gateway(GatewayCode::ComponentStore, refused.detail),
            Why::NoRules => Self::gateway(GatewayCode::NoRules, refused.detail),
        };
        Self { hint: refused.hint, ..problem }
    }
}

fn rule_name(name: &str) -> Result<RuleName, Problem> {
    let problem = |detail: String| {
        Problem::bad_field("name", detail)
            .with_hint("a rule's name has lower-case letters, digits and hyphens, such as fat-finger")
    };
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if !name.bytes().all(plain) {
        return Err(problem(format!("{name:?} is not a rule's name")));
    }
    name.parse().map_err(|error: model::TextError| problem(error.to_string()))
}

fn signature(headers: &HeaderMap) -> Result<Option<[u8; 64]>, Problem> {
    let Some(value) = headers.get(SIGNATURE_HEADER) else { return Ok(None) };
    let digits = value.to_str().unwrap_or("");
    let bad = || Problem::bad_field(SIGNATURE_HEADER, "a signature has 128 hexadecimal digits");
    if digits.len() != 128 || !digits.is_ascii() {
        return Err(bad());
    }
    let mut signature = [0; 64];
    for (byte, at) in signature.iter_mut().zip((0..128).step_by(2)) {
        *byte = u8::from_str_radix(&digits[at..at + 2], 16).map_err(|_| bad())?;
    }
    Ok(Some(signature))
}

pub(crate) async fn load(
    State(app): Shared,
    Named(name): Named<String>,
    by: By,
    request: Request,
) -> Result<Created<RuleLoadedAnswer>, Problem> {
    let rule = rule_name(&name)?;
    let signature = signature(request.headers())?;
    let component = bytes(request, COMPONENT_TYPE, app.rules.config.largest_component(), app.read_timeout);
    let component = component.await?;
    let inspected = app.rules.ask(move |desk| desk.load(&component, signature.as_ref())).await?;
    let command = load_command(rule, &inspected, by, app.rules.config.require_approval);
    let outcome = app.execute(command, "", || format!("load a component of {name}")).await?;
    let hash = inspected.component;
    let known = app
        .session
        .read(|model| model.state().rule_by_name(&rule).and_then(|rule| rule.component(&hash).copied()));
    let known = known.expect("the exchange has just said that it was loaded");
    let component = rule_view::component(&known, inspected.manifest.as_ref());
    Ok(Created(RuleLoadedAnswer { sequence: outcome.sequence, name, component }))
}

fn load_command(name: RuleName, it: &Inspected, by: By, needs_approval: bool) -> LoadRule {
    let counter = it.manifest.as_ref().and_then(|manifest| manifest.counter);
    LoadRule {
        name,
        component: it.component,
        signer: it.signer,
        by: by.0,
        fuel: it.limits.fuel,
        memory_bytes: it.limits.memory_bytes,
        size_bytes: it.size_bytes,
        contract_major: it.contract.0,
        contract_minor: it.contract.1,
        max_faults: it.limits.max_faults,
        kind: it.kind,
        fail: it.limits.fail,
        counter_key: counter.map_or(CounterKey::None, |counter| counter.key),
        counter_window: counter.map_or(CounterWindow::Forever, |counter| counter.window),
        needs_approval,
        reserved: [0; 5],
    }
}

/// What was said of a component when it was loaded: of the one that a hash or its beginning names, or of the last.
fn loaded(app: &App, name: &str, component: Option<&str>) -> Result<(RuleName, RuleLoaded), Problem> {
    let rule = rule_name(name)?;
    app.session.read(|model| {
        let known = model.state().rule_by_name(&rule).ok_or_else(|| unknown(name))?;
        let mut components = known.components.iter().map(|component| component.loaded);
        let Some(wanted) = component else {
            return components.next_back().map(|loaded| (rule, loaded)).ok_or_else(|| unknown(name));
        };
        let is_start = wanted.len() >= 4 && wanted.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !is_start {
            let detail = format!("{wanted:?} is not a component's hash, nor the first four digits of one");
            return Err(Problem::bad_field("component", detail));
        }
        let wanted = wanted.to_ascii_lowercase();
        let mut found = components.filter(|loaded| loaded.component.to_string().starts_with(&wanted));
        match (found.next(), found.next()) {
            (Some(one), None) => Ok((rule, one)),
            (None, _) => {
                let detail = format!("{name} has no component {wanted}");
                Err(Problem::rejected(RejectReason::UnknownComponent, detail))
            }
            (Some(_), Some(_)) => {
                let detail = format!("{name} has more than one component that begins with {wanted}");
                Err(Problem::bad_field("component", detail).with_hint("give more digits"))
            }
        }
    })
}

fn unknown(name: &str) -> Problem {
    Problem::rejected(RejectReason::UnknownRule, format!("no rule has the name {name}"))
}

pub(crate) async fn activate(
    State(app): Shared,
    Named(name): Named<String>,
    by: By,
    Body(request): Body<ActivateRequest>,
) -> Answer<RuleAnswer> {
    let (rule, loaded) = loaded(&app, &name, request.component.as_deref())?;
    let (account, instrument) = scope(&app, &request)?;
    let manifest = app.rules.manifest(loaded.component).await;
    let parameters = parameters((*manifest).as_ref(), request.parameters)?;
    let recipe = Recipe::of_loaded(&loaded, parameters);
    app.rules.ask(move |desk| desk.prepare(&recipe)).await?;
    let mode = request.mode.map_or(RuleMode::Enforce, |word| word.0);
    let command = ActivateRule {
        name: rule,
        component: loaded.component,
        parameters,
        by: by.0,
        account,
        instrument,
        priority: request.priority.unwrap_or(PRIORITY),
        mode,
        reserved: [0; 5],
    };
    let outcome = app.execute(command, "", || format!("activate version {} of {name}", loaded.rule_version));
    let outcome = outcome.await?;
    answer(&app, outcome.sequence, &rule).await.map(Json)
}

/// Whose orders, and in what.
fn scope(app: &App, request: &ActivateRequest) -> Result<(AccountId, InstrumentId), Problem> {
    app.session.read(|model| {
        let state = model.state();
        let account = request.account.as_deref();
        let account = account.map_or(Ok(AccountId::ALL), |name| normalise::account(state, name))?;
        let instrument = request.symbol.as_deref();
        let instrument =
            instrument.map_or(Ok(InstrumentId::ALL), |symbol| normalise::instrument(state, symbol))?;
        Ok((account, instrument))
    })
}

/// What `configure` gets: values by name, as the manifest declares them.
fn parameters(
    manifest: Option<&Manifest>,
    given: BTreeMap<String, serde_json::Value>,
) -> Result<RuleParameters, Problem> {
    let mut texts = Vec::with_capacity(given.len());
    for (name, value) in given {
        let text = as_text(&value).ok_or_else(|| {
            let detail = format!("{name} is {value}; it must be a text, a whole number or a list of them");
            Problem::bad_field(format!("parameters.{name}"), detail)
        })?;
        texts.push((name, text));
    }
    let given: Vec<_> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let Some(manifest) = manifest else {
        if given.is_empty() {
            return Ok(RuleParameters::NONE);
        }
        let detail = "the component has no manifest, so its parameters have no names";
        return Err(Problem::bad_field("parameters", detail)
            .with_hint("build it with \"outcry plugin build\", which puts the manifest in"));
    };
    manifest.configure(&given).map_err(|error| {
        let field = match &error {
            ParameterError::Unknown { name, .. }
            | ParameterError::Twice { name }
            | ParameterError::Missing { name }
            | ParameterError::NotA { name, .. }
            | ParameterError::TooLong { name, .. } => format!("parameters.{name}"),
        };
        let takes: Vec<&str> = manifest.parameters.iter().map(|parameter| parameter.name.as_str()).collect();
        let problem = Problem::bad_field(field, error.to_string());
        if takes.is_empty() { problem } else { problem.with_hint(format!("it takes: {}", takes.join(", "))) }
    })
}

fn as_text(value: &serde_json::Value) -> Option<String> {
    use serde_json::Value;
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(values) if !values.iter().any(Value::is_array) => {
            let texts: Option<Vec<String>> = values.iter().map(as_text).collect();
            texts.map(|texts| texts.join(","))
        }
        _ => None,
    }
}

pub(crate) async fn deactivate(
    State(app): Shared,
    Named(name): Named<String>,
    by: By,
    Body(request): Body<DeactivateRequest>,
) -> Answer<RuleAnswer> {
    let rule = rule_name(&name)?;
    let mode = request.mode.map_or(RuleMode::Enforce, |word| word.0);
    let command = DeactivateRule { name: rule, by: by.0, mode, reserved: [0; 7] };
    let outcome = app.execute(command, "", || format!("deactivate {name}")).await?;
    answer(&app, outcome.sequence, &rule).await.map(Json)
}

pub(crate) async fn rollback(
    State(app): Shared,
    Named(name): Named<String>,
    by: By,
    Body(Nothing {}): Body<Nothing>,
) -> Answer<RuleAnswer> {
    let rule = rule_name(&name)?;
    // What comes back must be able to: an exchange whose rule is not available rejects everything it would have judged.
    let before = app.session.read(|model| {
        let rule = model.state().rule_by_name(&rule)?;
        rule.before().flatten().map(Recipe::of)
    });
    if let Some(recipe) = before {
        app.rules.ask(move |desk| desk.prepare(&recipe)).await.map_err(|refused| {
            let problem = Problem::from(refused);
            let detail = format!("what was in force before cannot come back: {}", problem.detail);
            let hint = format!("POST /v1/rules/{name}/deactivate takes the rule out of force");
            Problem { detail, ..problem }.with_hint(hint)
        })?;
    }
    let command = RollbackRule { name: rule, by: by.0 };
    let outcome = app.execute(command, "", || format!("roll {name} back")).await?;
    answer(&app, outcome.sequence, &rule).await.map(Json)
}

pub(crate) async fn approve(
    State(app): Shared,
    Named(name): Named<String>,
    by: By,
    Body(request): Body<ApproveRequest>,
) -> Answer<RuleAnswer> {
    let (rule, loaded) = loaded(&app, &name, request.component.as_deref())?;
    let command = ApproveRule { name: rule, component: loaded.component, by: by.0 };
    let asked = || format!("approve version {} of {name} as {}", loaded.rule_version, by.0);
    let outcome = app.execute(command, "", asked).await?;
    answer(&app, outcome.sequence, &rule).await.map(Json)
}

pub(crate) async fn list(State(app): Shared) -> Answer<RuleList> {
    app.session.read(|model| {
        let rules = model.state().rules();
        let rules = rules.map(|rule| rule_view::summary(rule, &model.rules().tally(rule.id))).collect();
        Ok(Json(RuleList { sequence: model.sequence(), rules }))
    })
}

pub(crate) async fn show(State(app): Shared, Named(name): Named<String>) -> Answer<RuleAnswer> {
    let rule = rule_name(&name)?;
    let sequence = app.session.read(crate::read_model::Model::sequence);
    answer(&app, sequence, &rule).await.map(Json)
}

async fn answer(app: &App, sequence: u64, name: &RuleName) -> Result<RuleAnswer, Problem> {
    let facts = app.session.read(|model| rule_view::Facts::of(model, name));
    let facts = facts.ok_or_else(|| unknown(name.as_str()))?;
    Ok(RuleAnswer { sequence, rule: facts.shown(&app.rules).await })
}

pub(crate) async fn log(
    State(app): Shared,
    Named(name): Named<String>,
    Asked(query): Asked<RuleLogQuery>,
) -> Answer<RuleLog> {
    let limit = limit("limit", query.limit, LINES)?;
    let rule = rule_name(&name)?;
    let (sequence, notes, more) = app.session.read(|model| {
        let known = model.state().rule_by_name(&rule).ok_or_else(|| unknown(&name))?;
        let (notes, more) = model.rules().notes(known.id, query.after, limit);
        let versions: BTreeMap<ComponentHash, u16> =
            known.components.iter().map(|it| (it.loaded.component, it.loaded.rule_version)).collect();
        let notes = notes.into_iter().map(|note| rule_view::Line::of(model, note, &versions));
        Ok::<_, Problem>((model.sequence(), notes.collect::<Vec<_>>(), more))
    })?;
    let rules = Arc::clone(&app.rules);
    let mut lines = Vec::with_capacity(notes.len());
    for note in notes {
        lines.push(note.shown(&rules).await);
    }
    Ok(Json(RuleLog { sequence, name, lines, more }))
}
