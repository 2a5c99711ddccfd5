//! Rules as operators and traders meet them: the real program, real components, an exchange that trades meanwhile.

mod common;

#[path = "common/rules.rs"]
mod rules;

use common::{Exchange, OUTCRY, answer, outcry};
use rules::max_qty;
use serde_json::Value;
use std::fs;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

fn text(path: &Path) -> &str {
    path.to_str().expect("a path of text")
}

/// The exit code and what was said.
fn said(args: &[&str]) -> (Option<i32>, String) {
    let output = outcry(args);
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

/// What a failing command says with `--json`.
fn details(args: &[&str]) -> Value {
    let output = outcry(&[args, &["--json"]].concat());
    assert_eq!(output.status.code(), Some(1), "{args:?}: {}", String::from_utf8_lossy(&output.stdout));
    let said: Value = serde_json::from_slice(&output.stderr).expect("JSON");
    said["details"].clone()
}

#[test]
fn an_order_is_rejected_in_the_rules_own_words_until_the_rule_is_rolled_back() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    let (first, second) = (dir.path().join("first.wasm"), dir.path().join("second.wasm"));
    fs::write(&first, max_qty("that is a lot of lots")).expect("written");
    fs::write(&second, max_qty("too many, says the second")).expect("written");
    let exchange = Exchange::dev(&store, 100);
    let url = exchange.url().to_owned();
    let run = |args: &[&str]| said(&[args, &["--url", &url]].concat());
    let buy = |id: &str, qty: &str| run(&["order", "buy", "alice", "AAPL", qty, "@", "1.00", "--id", id]);
    let accepted = |id: &str, qty: &str| {
        let (code, said) = buy(id, qty);
        assert_eq!(code, Some(0), "{said}");
    };

    let (code, loaded) = run(&["plugin", "load", text(&first), "--activate", "--operator", "ann"]);
    assert_eq!(code, Some(0), "{loaded}");
    assert!(loaded.contains("loaded max-qty version 1: risk rule, component "), "{loaded}");
    assert!(loaded.contains("in force: max-qty version 1 max=50"), "{loaded}");
    let (code, no) = buy("a1", "60");
    assert_eq!(code, Some(1));
    assert!(
        no.starts_with("error: rejected a1 reason=RULE rule=max-qty code=7 \"that is a lot of lots\"\n"),
        "{no}"
    );
    let no = details(&["order", "buy", "alice", "AAPL", "60", "@", "1.00", "--id", "a2", "--url", &url]);
    assert_eq!((&no["rule"], &no["rule_code"]), (&"max-qty".into(), &7.into()));
    assert_eq!(no["text"], "that is a lot of lots");
    accepted("a3", "50");
    let (code, no) = run(&["replace", "alice", "a3", "--qty", "51"]);
    assert!(code == Some(1) && no.contains("rule=max-qty code=7"), "{no}");

    let (_, loaded) =
        run(&["plugin", "load", text(&second), "--activate", "--param", "max=20", "--symbol", "AAPL"]);
    assert!(loaded.contains("in force: max-qty version 2 max=20 symbol=AAPL"), "{loaded}");
    let (_, no) = buy("a4", "21");
    assert!(no.contains("code=7 \"too many, says the second\""), "{no}");
    let (_, shown) = run(&["plugin", "show", "max-qty"]);
    for part in
        ["in force     version 2 max=20 symbol=AAPL", "rollback to  version 1", "calls", "Keeps orders small"]
    {
        assert!(shown.contains(part), "{part} in {shown}");
    }

    // Everything survives the death of the process, judgments included.
    exchange.kill();
    let exchange = Exchange::dev(&store, 100);
    let url = exchange.url().to_owned();
    let run = |args: &[&str]| said(&[args, &["--url", &url]].concat());
    let buy = |id: &str, qty: &str| run(&["order", "buy", "alice", "AAPL", qty, "@", "1.00", "--id", id]);
    let (_, no) = buy("b1", "21");
    assert!(no.contains("code=7 \"too many, says the second\""), "{no}");
    assert_eq!(
        run(&["plugin", "rollback", "max-qty"]),
        (Some(0), "in force: max-qty version 1 max=50\n".into())
    );
    assert_eq!(buy("b2", "21").0, Some(0));
    assert_eq!(run(&["plugin", "rollback", "max-qty"]), (Some(0), "max-qty is not in force\n".into()));
    assert_eq!(buy("b3", "60").0, Some(0));
    let (code, nothing) = run(&["plugin", "rollback", "max-qty"]);
    assert!(code == Some(1) && nothing.contains("NOTHING_TO_ROLL_BACK"), "{nothing}");

    let lines = outcry(&["plugin", "logs", "max-qty", "-n", "10000", "--json", "--url", &url]).stdout;
    let lines: Vec<Value> =
        lines.split(|&byte| byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    let events: Vec<&str> = lines.iter().filter_map(|line| line["event"].as_str()).collect();
    let ours = events.iter().filter(|&&event| event != "rejected");
    assert_eq!(
        ours.copied().collect::<Vec<_>>(),
        ["loaded", "activated", "loaded", "activated", "activated", "deactivated"]
    );
    let rejected = lines.iter().find(|line| line["cl_ord_id"] == "b1").expect("it was rejected");
    assert_eq!(
        (&rejected["text"], &rejected["rule_version"]),
        (&"too many, says the second".into(), &2.into())
    );
    assert_eq!(lines[0]["by"], "ann");
    let listed = answer(&["plugin", "list", "--url", &url]);
    assert_eq!((&listed["rules"][0]["components"], &listed["rules"][0]["active"]), (&2.into(), &Value::Null));
    assert!(exchange.stop().0.success());
}

#[test]
fn what_cannot_be_a_rule_is_refused_in_a_sentence_while_trading_goes_on() {
    let dir = tempfile::tempdir().expect("a directory");
    let exchange = Exchange::dev(&dir.path().join("store"), 100);
    let url = exchange.url().to_owned();
    let good = max_qty("x");
    let flipped: Vec<u8> = good
        .iter()
        .enumerate()
        .map(|(at, byte)| if at == good.len() / 3 { byte ^ 0x55 } else { *byte })
        .collect();
    let assembled = |text: &str| wat::parse_str(text).expect("the text is right");
    let wasi = assembled(r#"(component (import "wasi:clocks/wall-clock@0.2.0" (instance)))"#);
    let nothing = assembled("(component)");
    let module = assembled("(module)");
    let hungry = rules::component(
        r#"(module (memory (export "memory") 1)
            (func (export "cabi_realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))
            (func (export "outcry:rules/risk-rule@1.1.0#check")
                (param i32 i32 i32 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64 i64) (result i64) (i64.const 0))
            (func (export "outcry:rules/risk-rule@1.1.0#configure") (param i32 i32) (result i32) (i32.const 0))
            (func (export "outcry:rules/risk-rule@1.1.0#explain") (param i32) (result i32) (i32.const 0)))"#,
        "[rule]\nname = \"hungry\"\nversion = \"1.0.0\"\nkind = \"risk\"\n[limits]\nfuel = 2_000_000\n",
    );
    let cases: [(&str, &[u8], &str, &str); 9] = [
        ("garbage", b"not a rule at all", "BAD_COMPONENT", "not WebAssembly"),
        ("empty", b"", "BAD_COMPONENT", "not WebAssembly"),
        ("truncated", &good[..good.len() / 2], "BAD_COMPONENT", ""),
        ("flipped", &flipped, "BAD_COMPONENT", ""),
        ("wasi", &wasi, "BAD_COMPONENT", "wasi:clocks/wall-clock@0.2.0"),
        ("wrong-world", &nothing, "BAD_COMPONENT", "exports nothing"),
        ("module", &module, "BAD_COMPONENT", "core module"),
        ("fuel", &hungry, "BAD_COMPONENT", "2000000 units of fuel"),
        ("large", &vec![0; 33 << 20], "BODY_TOO_LARGE", "33554432"),
    ];
    let file = dir.path().join("rule.wasm");
    let committed = || answer(&["status", "--url", &url])["committed"].as_u64().expect("a number");
    let before = committed();
    for (name, bytes, code, detail) in cases {
        fs::write(&file, bytes).expect("written");
        let no = details(&["plugin", "load", text(&file), "--name", name, "--url", &url]);
        assert_eq!(no["code"], code, "{name}: {no}");
        assert!(no["detail"].as_str().is_some_and(|said| said.contains(detail)), "{name}: {no}");
    }
    assert_eq!(answer(&["plugin", "list", "--url", &url])["rules"], serde_json::json!([]));
    let kept = fs::read_dir(dir.path().join("store/plugins")).map_or(0, |files| {
        files
            .filter_map(Result::ok)
            .filter(|file| file.path().extension().is_some_and(|it| it == "wasm"))
            .count()
    });
    assert_eq!(kept, 0, "nothing that was refused is kept");
    // A parameter that the rule itself refuses, in its own words.
    fs::write(&file, max_qty("less than nothing")).expect("written");
    let load = ["plugin", "load", text(&file), "--activate", "--param", "max=-1", "--url", &url];
    let (code, no) = said(&load);
    assert!(code == Some(2) && no.contains("less than nothing") && no.contains("code 9"), "{no}");
    let order = ["order", "buy", "alice", "AAPL", "10", "@", "1.00", "--url", &url];
    assert_eq!(said(&order).0, Some(0));
    // The simulated traders went on meanwhile, and still do: a hundred records a second at least.
    let deadline = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while committed() <= before + 100 {
        assert!(std::time::Instant::now() < deadline, "the simulated traders have stopped");
        std::thread::sleep(std::time::Duration::from_millis(50));
    }
}

#[test]
fn only_signed_rules_of_known_operators_and_with_a_second_ones_approval() {
    let dir = tempfile::tempdir().expect("a directory");
    let at = |name: &str| dir.path().join(name);
    let (key, stranger, rule) = (at("key"), at("stranger"), at("rule.wasm"));
    fs::write(&rule, max_qty("no")).expect("written");
    let public = answer(&["plugin", "keygen", text(&key)])["public_key"].as_str().expect("digits").to_owned();
    answer(&["plugin", "keygen", text(&stranger)]);
    let (code, no) = said(&["plugin", "keygen", text(&key)]);
    assert!(code == Some(2) && no.contains("cannot write"), "a key is never overwritten: {no}");
    let config = format!(
        "[store]\ndir = {:?}\nsegment_bytes = 33554432\n[limits]\nmax_working_orders = 65536\nmax_order_ids = 1048576\n\
         max_accounts = 4096\nmax_instruments = 256\n\
         [rules]\nsigners = [\"{public}\"]\nrequire_signature = true\nrequire_approval = true\n\
         [rules.operators]\nann = \"ann's own secret token\"\nbo = \"bo's own secret token\"\n",
        at("store")
    );
    fs::write(at("outcry.toml"), config).expect("written");
    let exchange =
        Exchange::start(&["start", "--config", text(&at("outcry.toml")), "--listen", "127.0.0.1:0"]);
    let url = exchange.url().to_owned();
    let by = |token: &str, args: &[&str]| said(&[args, &["--url", &url, "--token", token]].concat());
    let (ann, bo) = ("ann's own secret token", "bo's own secret token");
    let load = ["plugin", "load", text(&rule)];
    let refused = |(code, said): (Option<i32>, String), why: &str| {
        assert!(code == Some(1) && said.contains(why), "{why}: {said}");
    };
    refused(by("a guess", &load), "UNAUTHORIZED");
    refused(by(ann, &load), "takes only signed ones");
    refused(
        by(ann, &[&load[..], &["--sign", text(&stranger)]].concat()),
        "no key of the operator's allow-list",
    );
    assert_eq!(said(&["plugin", "sign", text(&rule), "--key", text(&key)]).0, Some(0));
    let signature = at("rule.wasm.sig");
    let signed = [&load[..], &["--signature", text(&signature)]].concat();
    refused(by(ann, &[&signed[..], &["--activate"]].concat()), "RULE_NOT_APPROVED");
    refused(by(ann, &["plugin", "approve", "max-qty"]), "RULE_NOT_APPROVED");
    assert_eq!(
        by(bo, &["plugin", "approve", "max-qty"]),
        (Some(0), "approved max-qty version 1 by bo\n".into())
    );
    assert_eq!(
        by(ann, &["plugin", "activate", "max-qty"]),
        (Some(0), "in force: max-qty version 1 max=50\n".into())
    );
    let shown = answer(&["plugin", "show", "max-qty", "--url", &url]);
    assert_eq!(shown["rule"]["components"][0]["signer"], public.as_str());
    assert_eq!(shown["rule"]["components"][0]["approved_by"], "bo");
}

#[test]
fn the_operator_is_told_of_a_rule_that_fails_too_often() {
    let dir = tempfile::tempdir().expect("a directory");
    let rule = dir.path().join("rule.wasm");
    fs::write(&rule, max_qty("no")).expect("written");
    let store = dir.path().join("store");
    let mut child = Command::new(OUTCRY)
        .args(["dev", "--json", "--quiet", "--rate", "0", "--listen", "127.0.0.1:0", "--store", text(&store)])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    let mut banner = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut banner).expect("a line");
    let banner: Value = serde_json::from_str(&banner).expect("JSON");
    let url = banner["url"].as_str().expect("a url").to_owned();
    answer(&["plugin", "load", text(&rule), "--activate", "--url", &url]);
    let buy =
        |id: &str| said(&["order", "buy", "alice", "AAPL", "13", "@", "1.00", "--id", id, "--url", &url]);
    for id in ["a1", "a2", "a3"] {
        let (code, no) = buy(id);
        assert_eq!(code, Some(1));
        assert!(no.contains("code=65538 \"the rule failed over this order\""), "{no}");
    }
    assert_eq!(buy("a4").0, Some(0), "a suspended rule is not asked");
    let mut told = String::new();
    BufReader::new(child.stderr.take().expect("piped")).read_line(&mut told).expect("a line");
    assert!(told.contains("the rule max-qty failed too often in a row and is suspended"), "{told}");
    let (_, status) = said(&["status", "--url", &url]);
    assert!(status.contains("rules suspended    max-qty"), "{status}");
    let (_, log) = said(&["plugin", "logs", "max-qty", "--url", &url]);
    assert!(log.contains("faulted version=1 account=alice symbol=AAPL fault=trap in_a_row=3"), "{log}");
    assert!(log.contains("suspended in_a_row=3"), "{log}");
    child.kill().expect("it is ours");
    child.wait().expect("it was killed");
}
