//! The life of a rule through the doors of the exchange, with a desk and rules made of Rust: what a component is and how it runs is
//! not the gateway's business, what is asked of the desk and when is.

#![allow(clippy::unwrap_used, reason = "what goes wrong in a helper fails its test")]

mod common;

use common::{Exchange, gateway_config, node_config, order, problem};
use engine::{Outcome, RiskRow, ValidationRow};
use gateway::api::RuleMoment as M;
use gateway::api::{
    ActivateRequest, ApproveRequest, DeactivateRequest, ReplaceRequest, RuleAnswer, RuleLogQuery, RuleMoment,
    Word,
};
use gateway::client::{Client, ClientConfig, ClientError};
use gateway::rules::{Inspected, Measured, Recipe, Refused, RuleDesk, RulesConfig, Spread, Why};
use model::{
    ActivationId, ComponentHash, RejectReason, RuleActivated, RuleFault, RuleKind, RuleMode, Side, SignerKey,
};
use plugin_manifest::{Limits, Manifest};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

const MANIFEST: &str = r#"
[rule]
name = "max-qty"
version = "1.2.0"
kind = "risk"
description = "Keeps orders small"

[limits]
fuel = 500
max_faults = 2

[[parameter]]
name = "max"
type = "int"
default = 50
description = "Most lots of an order"
"#;

/// A risk rule in Rust: the first parameter is the most lots of an order; 13 lots make it fail.
#[derive(Clone, Default)]
struct FakeRules(Arc<Mutex<BTreeMap<ActivationId, i64>>>);

impl engine::Rules for FakeRules {
    fn restore(&mut self, active: &[RuleActivated]) {
        for event in active {
            self.activated(event);
        }
    }

    fn activated(&mut self, event: &RuleActivated) {
        self.0.lock().unwrap().insert(event.activation, event.parameters.words()[0]);
    }

    fn ended(&mut self, activation: ActivationId) {
        self.0.lock().unwrap().remove(&activation);
    }

    fn prepare(&mut self, _: ActivationId, _: &[ValidationRow]) {}

    fn validation(&mut self, _: ActivationId, _: &ValidationRow) -> Outcome {
        Outcome::Accept
    }

    fn risk(&mut self, activation: ActivationId, row: &RiskRow) -> (Outcome, i64) {
        let most = self.0.lock().unwrap()[&activation];
        let outcome = match row.quantity {
            13 => Outcome::Fault(RuleFault::Trap),
            quantity if i64::try_from(quantity).unwrap() > most => Outcome::Reject(3),
            _ => Outcome::Accept,
        };
        (outcome, 0)
    }
}

/// What the desk was asked, and the components it keeps.
#[derive(Default)]
struct FakeDesk {
    kept: Mutex<BTreeMap<ComponentHash, Vec<u8>>>,
    asked: Mutex<Vec<String>>,
}

impl FakeDesk {
    fn ask(&self, what: impl Into<String>) {
        self.asked.lock().unwrap().push(what.into());
    }

    fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.asked.lock().unwrap())
    }
}

fn refused(why: Why, detail: &str) -> Refused {
    Refused { why, detail: detail.to_owned(), hint: Some("try another".to_owned()) }
}

impl RuleDesk for FakeDesk {
    fn load(&self, bytes: &[u8], signature: Option<&[u8; 64]>) -> Result<Inspected, Refused> {
        self.ask(format!("load {} signed={}", bytes.len(), signature.is_some()));
        if !bytes.starts_with(b"rule") {
            return Err(refused(Why::Component, "this is not WebAssembly"));
        }
        let mut hash = [0; 32];
        hash[..bytes.len()].copy_from_slice(bytes);
        let component = ComponentHash(hash);
        self.kept.lock().unwrap().insert(component, bytes.to_vec());
        let manifest = Manifest::parse(MANIFEST).unwrap();
        Ok(Inspected {
            component,
            size_bytes: u32::try_from(bytes.len()).unwrap(),
            kind: if bytes.ends_with(b"v") { RuleKind::Validation } else { RuleKind::Risk },
            contract: (1, 1),
            limits: Limits { ..manifest.limits },
            manifest: Some(manifest),
            signer: signature.map_or(SignerKey::NONE, |_| SignerKey([7; 32])),
        })
    }

    fn manifest(&self, component: ComponentHash) -> Result<Option<Manifest>, Refused> {
        let kept = self.kept.lock().unwrap();
        kept.get(&component).map(|_| Manifest::parse(MANIFEST).ok()).ok_or(refused(Why::Store, "lost"))
    }

    fn prepare(&self, recipe: &Recipe) -> Result<(), Refused> {
        let words = recipe.parameters.words();
        self.ask(format!("prepare {} {words:?} fuel={}", recipe.component.0[4], recipe.fuel));
        if words[0] < 0 { Err(refused(Why::Parameters, "max must not be negative")) } else { Ok(()) }
    }

    fn explain(&self, recipe: &Recipe, code: u32) -> Option<String> {
        self.ask(format!("explain {code}"));
        (code == 3).then(|| format!("at most {} lots", recipe.parameters.words()[0]))
    }

    fn measured(&self, _: ActivationId) -> Option<Measured> {
        let spread = Spread { count: 4, sum: 40, p50: 9, p99: 11, max: 12 };
        Some(Measured { calls: 4, fuel: spread, latency_ns: spread, ..Measured::default() })
    }
}

struct World {
    exchange: Exchange,
    desk: Arc<FakeDesk>,
}

fn start_with(store: &Path, rules: &RulesConfig, desk: Arc<FakeDesk>) -> World {
    let exchange = Exchange::with_rules(
        node_config(store),
        &gateway_config(),
        FakeRules::default(),
        rules,
        Arc::<FakeDesk>::clone(&desk),
    );
    World { exchange, desk }
}

fn start(store: &Path) -> World {
    let world = start_with(store, &RulesConfig::default(), Arc::default());
    world.exchange.open_market();
    world
}

fn with_max(max: i64) -> ActivateRequest {
    let parameters = BTreeMap::from([("max".to_owned(), serde_json::json!(max))]);
    ActivateRequest { parameters, ..ActivateRequest::default() }
}

impl World {
    fn client(&self) -> &Client {
        &self.exchange.client
    }

    /// Buys so many for alice; the code and text of the no, if there is one.
    fn buy(&self, id: &str, quantity: &str) -> Result<(), (Option<u32>, Option<String>)> {
        match self.client().submit(&order("alice", id, Side::Buy, quantity, "10.00")) {
            Ok(_) => Ok(()),
            Err(error) => {
                let problem = problem::<()>(Err(error));
                assert_eq!(problem.reason(), Some(RejectReason::Rule), "{problem:?}");
                assert_eq!(problem.rule.as_deref(), Some("max-qty"));
                Err((problem.rule_code, problem.text))
            }
        }
    }

    fn log(&self) -> Vec<(RuleMoment, Option<u16>)> {
        let log = self.client().rule_log("max-qty", RuleLogQuery::default()).unwrap();
        assert!(log.lines.is_sorted_by_key(|line| line.sequence));
        log.lines.iter().map(|line| (line.event, line.rule_version)).collect()
    }
}

fn active(answer: &RuleAnswer) -> Option<(u16, String)> {
    answer.rule.active.as_ref().map(|active| (active.rule_version, active.parameters["max"].clone()))
}

#[test]
fn an_order_is_rejected_in_the_words_of_the_rule_that_judged_it() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path());
    let client = world.client();
    let loaded = client.load_rule("max-qty", b"ruleA", None).unwrap();
    assert_eq!((loaded.component.rule_version, loaded.component.fuel), (1, 500));
    assert_eq!(loaded.component.version.as_deref(), Some("1.2.0"));
    assert_eq!(loaded.component.parameters[0].default.as_deref(), Some("50"));
    assert_eq!(world.buy("a0", "60"), Ok(()));

    let activated = client.activate_rule("max-qty", &ActivateRequest::default()).unwrap();
    assert_eq!(active(&activated), Some((1, "50".to_owned())));
    assert_eq!(world.buy("a1", "51"), Err((Some(3), Some("at most 50 lots".to_owned()))));
    assert_eq!(world.buy("a2", "50"), Ok(()));
    let change = ReplaceRequest { order_qty: "70".parse().ok(), ..ReplaceRequest::default() };
    let replaced = problem(client.replace("alice", "a2", &change));
    assert_eq!(replaced.text.as_deref(), Some("at most 50 lots"));

    // Other parameters, other words: each no is explained by the activation that said it.
    client.load_rule("max-qty", b"ruleB", None).unwrap();
    assert_eq!(active(&client.activate_rule("max-qty", &with_max(20)).unwrap()), Some((2, "20".to_owned())));
    assert_eq!(world.buy("a3", "30"), Err((Some(3), Some("at most 20 lots".to_owned()))));
    assert_eq!(active(&client.roll_back_rule("max-qty").unwrap()), Some((1, "50".to_owned())));
    assert_eq!(world.buy("a4", "30"), Ok(()));
    let rolled = client.roll_back_rule("max-qty").unwrap();
    assert_eq!((active(&rolled), rolled.rule.rollback_to), (None, None));
    assert_eq!(world.buy("a5", "60"), Ok(()));
    assert_eq!(problem(client.roll_back_rule("max-qty")).reason(), Some(RejectReason::NothingToRollBack));

    let expected = [
        (M::Loaded, Some(1)),
        (M::Activated, Some(1)),
        (M::Rejected, Some(1)),
        (M::Rejected, Some(1)),
        (M::Loaded, Some(2)),
        (M::Activated, Some(2)),
        (M::Rejected, Some(2)),
        (M::Activated, Some(1)),
        (M::Deactivated, None),
    ];
    assert_eq!(world.log(), expected);
    // Asked once for each text, and ready before each activation.
    let asked = world.desk.asked();
    assert_eq!(
        asked,
        [
            "load 5 signed=false",
            "prepare 65 [50] fuel=500",
            "explain 3",
            "load 5 signed=false",
            "prepare 66 [20] fuel=500",
            "explain 3",
            "prepare 65 [50] fuel=500",
        ]
    );
    world.exchange.stop();
}

#[test]
fn after_a_restart_the_log_tells_the_same() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path());
    world.client().load_rule("max-qty", b"ruleA", None).unwrap();
    world.client().activate_rule("max-qty", &with_max(5)).unwrap();
    assert!(world.buy("a1", "6").is_err());
    let lines = world.client().rule_log("max-qty", RuleLogQuery::default()).unwrap().lines;
    let World { exchange, desk } = world;
    exchange.stop();
    let world = start_with(dir.path(), &RulesConfig::default(), desk);
    let again = world.client().rule_log("max-qty", RuleLogQuery::default()).unwrap().lines;
    assert_eq!(again, lines);
    assert_eq!(again[2].text.as_deref(), Some("at most 5 lots"));
    assert!(world.buy("a2", "6").is_err());
    let after = RuleLogQuery { after: Some(lines[1].sequence), limit: Some(1) };
    let page = world.client().rule_log("max-qty", after).unwrap();
    assert_eq!((page.lines, page.more), (vec![lines[2].clone()], true));
    world.exchange.stop();
}

#[test]
fn a_shadow_is_counted_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path());
    world.client().load_rule("max-qty", b"ruleA", None).unwrap();
    let shadow = ActivateRequest { mode: Some(Word(RuleMode::Shadow)), ..with_max(5) };
    let answer = world.client().activate_rule("max-qty", &shadow).unwrap();
    assert_eq!((active(&answer), answer.rule.shadow.map(|shadow| shadow.rule_version)), (None, Some(1)));
    assert_eq!(world.buy("a1", "6"), Ok(()));
    let rule = world.client().rule("max-qty").unwrap().rule;
    let count = &rule.shadow_rejected[0];
    assert_eq!((count.code, count.count, count.text.as_str()), (3, 1, "at most 5 lots"));
    assert_eq!(world.log().last(), Some(&(RuleMoment::WouldReject, Some(1))));
    let metrics = world.client().metrics().unwrap();
    assert!(metrics.contains("outcry_rule_shadow_rejects_total{rule=\"max-qty\",code=\"3\"} 1"), "{metrics}");
    let ended = DeactivateRequest { mode: Some(Word(RuleMode::Shadow)) };
    assert_eq!(world.client().deactivate_rule("max-qty", &ended).unwrap().rule.shadow, None);
    world.exchange.stop();
}

#[test]
fn a_rule_that_fails_is_spoken_for_and_suspended() {
    let dir = tempfile::tempdir().unwrap();
    let world = start(dir.path());
    world.client().load_rule("max-qty", b"ruleA", None).unwrap();
    world.client().activate_rule("max-qty", &with_max(100)).unwrap();
    let failed = world.buy("a1", "13");
    assert_eq!(failed, Err((Some(65_538), Some("the rule failed over this order".to_owned()))));
    assert!(world.client().status().unwrap().rules_suspended.is_empty());
    assert!(world.buy("a2", "13").is_err());
    // It is asked no more.
    assert_eq!(world.buy("a3", "13"), Ok(()));
    assert_eq!(world.client().status().unwrap().rules_suspended, ["max-qty"]);
    let rule = world.client().rule("max-qty").unwrap().rule;
    assert!(rule.active.unwrap().suspended);
    assert_eq!(rule.faults, BTreeMap::from([("trap".to_owned(), 2)]));
    let metrics = world.client().metrics().unwrap();
    for line in [
        "outcry_rule_faults_total{rule=\"max-qty\",fault=\"trap\"} 2",
        "outcry_rule_suspended{rule=\"max-qty\",mode=\"enforce\",version=\"1\",activation=\"1\"} 1",
        "outcry_rule_rejects_total{rule=\"max-qty\",code=\"65538\"} 2",
        "outcry_rule_calls_total{rule=\"max-qty\",mode=\"enforce\",version=\"1\",activation=\"1\"} 4",
        "quantile=\"0.99\"} 11",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    world.exchange.stop();
}

#[test]
fn every_refusal_says_what_is_wrong() {
    let dir = tempfile::tempdir().unwrap();
    let rules =
        RulesConfig { max_component_bytes: 16, max_reporting_component_bytes: 16, ..RulesConfig::default() };
    let world = start_with(dir.path(), &rules, Arc::default());
    world.exchange.open_market();
    let client = world.client();
    let check = |answer: Result<(), ClientError>, status: u16, code: &str, detail: &str| {
        let problem = problem(answer);
        assert_eq!((problem.status, problem.code.as_str()), (status, code), "{problem:?}");
        assert!(problem.detail.contains(detail), "{problem:?}");
    };
    let load = |name: &str, bytes: &[u8]| client.load_rule(name, bytes, None).map(drop);
    check(load("max-qty", b"junk"), 422, "BAD_COMPONENT", "not WebAssembly");
    check(load("max-qty", &[b'r'; 17]), 413, "BODY_TOO_LARGE", "16 bytes");
    check(load("Max Qty", b"ruleA"), 400, "BAD_REQUEST", "not a rule's name");
    check(load(&"x".repeat(33), b"ruleA"), 400, "BAD_REQUEST", "32");
    let activate = |name: &str, request: &ActivateRequest| client.activate_rule(name, request).map(drop);
    check(activate("max-qty", &ActivateRequest::default()), 404, "UNKNOWN_RULE", "max-qty");
    load("max-qty", b"ruleA").unwrap();
    check(load("max-qty", b"rule-v"), 409, "WRONG_RULE_KIND", "max-qty");
    let request = |change: fn(&mut ActivateRequest)| {
        let mut request = with_max(5);
        change(&mut request);
        client.activate_rule("max-qty", &request).map(drop)
    };
    check(request(|it| it.component = Some("zz".into())), 400, "BAD_REQUEST", "not a component's hash");
    check(request(|it| it.component = Some("abcd".into())), 404, "UNKNOWN_COMPONENT", "abcd");
    check(request(|it| it.account = Some("nobody".into())), 404, "UNKNOWN_ACCOUNT", "");
    check(request(|it| it.symbol = Some("NONE".into())), 404, "UNKNOWN_INSTRUMENT", "");
    check(
        request(|it| it.parameters = BTreeMap::from([("mx".into(), 5.into())])),
        400,
        "BAD_REQUEST",
        "no parameter \"mx\"",
    );
    check(
        request(|it| it.parameters = BTreeMap::from([("max".into(), "many".into())])),
        400,
        "BAD_REQUEST",
        "a whole number",
    );
    check(
        request(|it| it.parameters = BTreeMap::from([("max".into(), true.into())])),
        400,
        "BAD_REQUEST",
        "a text, a whole number",
    );
    check(activate("max-qty", &with_max(-1)), 400, "BAD_REQUEST", "must not be negative");
    let nothing = client.deactivate_rule("max-qty", &DeactivateRequest::default()).map(drop);
    check(nothing, 409, "RULE_NOT_ACTIVE", "max-qty");
    check(client.rule_log("other", RuleLogQuery::default()).map(drop), 404, "UNKNOWN_RULE", "other");
    // A page on the web can send neither.
    let plain = [("content-type", "text/plain")];
    let raw = world.exchange.raw("POST", "/v1/rules/max-qty/components", &plain, Some(b"ruleA"));
    assert_eq!(raw.problem().code, "UNSUPPORTED_MEDIA_TYPE");
    let signed = [("content-type", "application/wasm"), ("x-outcry-signature", "12")];
    let raw = world.exchange.raw("POST", "/v1/rules/max-qty/components", &signed, Some(b"ruleA"));
    assert_eq!(raw.problem().field.as_deref(), Some("x-outcry-signature"));
    assert_eq!(world.buy("a1", "60"), Ok(()), "and trading goes on");
    world.exchange.stop();

    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::start(dir.path());
    let problem = problem(exchange.client.load_rule("max-qty", b"ruleA", None));
    assert_eq!((problem.status, problem.code.as_str()), (501, "NO_RULES"));
    exchange.stop();
}

#[test]
fn a_second_operator_must_agree_and_is_known_by_the_token() {
    let dir = tempfile::tempdir().unwrap();
    let (ann, bo) = ("ann's secret token", "bo's other secret token");
    let operators = [("ann", ann), ("bo", bo)].map(|(name, token)| (name.to_owned(), token.to_owned()));
    let rules = RulesConfig { require_approval: true, operators: operators.into(), ..RulesConfig::default() };
    let world = start_with(dir.path(), &rules, Arc::default());
    world.exchange.open_market();
    let url = world.client().url().to_owned();
    let by = |token: Option<&str>, name: Option<&str>| {
        let (token, timeout) = (token.map(str::to_owned), Duration::from_mins(1));
        Client::new(ClientConfig { url: url.clone(), token, timeout }).acting_as(name.map(str::to_owned))
    };
    assert_eq!(problem(by(None, Some("ann")).load_rule("max-qty", b"ruleA", None)).status, 401);
    assert_eq!(problem(by(Some("guess"), None).load_rule("max-qty", b"ruleA", None)).status, 401);
    let mixed = problem(by(Some(ann), Some("bo")).load_rule("max-qty", b"ruleA", None));
    assert!(mixed.detail.contains("ann's, not bo's"), "{mixed:?}");
    let loaded = by(Some(ann), None).load_rule("max-qty", b"ruleA", Some(&[1; 64])).unwrap().component;
    assert_eq!((loaded.loaded_by.as_str(), loaded.needs_approval), ("ann", true));
    assert_eq!(loaded.signer, Some("07".repeat(32)));

    let activate = || by(Some(ann), None).activate_rule("max-qty", &with_max(5));
    assert_eq!(problem(activate()).reason(), Some(RejectReason::RuleNotApproved));
    // It may shadow until then.
    let shadow = ActivateRequest { mode: Some(Word(RuleMode::Shadow)), ..with_max(5) };
    by(Some(ann), None).activate_rule("max-qty", &shadow).unwrap();
    let own = by(Some(ann), None).approve_rule("max-qty", &ApproveRequest::default());
    assert_eq!(problem(own).reason(), Some(RejectReason::RuleNotApproved));
    let approved = by(Some(bo), None).approve_rule("max-qty", &ApproveRequest::default()).unwrap();
    assert_eq!(approved.rule.components[0].approved_by.as_deref(), Some("bo"));
    activate().unwrap();
    // An operator of rules is no trader by that alone, but traders need no token here.
    assert!(world.buy("a1", "6").is_err());
    assert_eq!(by(None, None).rules().unwrap().rules[0].active, Some(1));
    world.exchange.stop();
}
