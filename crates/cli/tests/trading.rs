//! The program as a newcomer uses it: start an exchange, trade, kill it, start it again and find everything as it was.

mod common;

use common::{Exchange, answer, outcry};
use std::time::Duration;

fn errors(args: &[&str]) -> (Option<i32>, String) {
    let output = outcry(args);
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// The simulated traders need a moment to fill the books.
fn buy_at_the_market(url: &str) {
    for _ in 0..100 {
        let bought = answer(&["order", "buy", "alice", "AAPL", "10", "market", "--url", url]);
        if bought["order"]["ord_status"] == "filled" {
            return;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    panic!("nobody sells AAPL");
}

#[test]
fn a_kill_in_the_middle_of_trading_changes_nothing_that_was_acknowledged() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    let at = store.to_str().expect("text");

    let exchange = Exchange::dev(&store, 500);
    assert_eq!(exchange.banner["created"], true);
    let url = exchange.url().to_owned();
    buy_at_the_market(&url);
    let resting =
        answer(&["order", "buy", "alice", "AAPL", "5", "@", "1.00", "--id", "second", "--url", &url]);
    assert_eq!(resting["order"]["ord_status"], "new");
    std::thread::sleep(Duration::from_millis(300));
    let replaced = answer(&["replace", "alice", "second", "--qty", "4", "--new-id", "third", "--url", &url]);
    let sequence = replaced["sequence"].as_u64().expect("a number").to_string();
    let hash = answer(&["state", "hash", "--at", &sequence, "--store", at]);
    let balance = answer(&["at", &sequence, "balance", "alice", "--store", at]);
    exchange.kill();

    // A stopped store answers as the running one did.
    assert_eq!(
        answer(&["state", "hash", "--at", &sequence, "--store", at])["state_hash"],
        hash["state_hash"]
    );
    let exchange = Exchange::dev(&store, 500);
    assert_eq!((&exchange.banner["created"], &exchange.banner["clean"]), (&false.into(), &false.into()));
    let again = answer(&["state", "hash", "--at", &sequence, "--store", at]);
    assert_eq!(again["state_hash"], hash["state_hash"]);
    assert_eq!(answer(&["at", &sequence, "balance", "alice", "--store", at]), balance);
    let orders = answer(&["at", &sequence, "orders", "alice", "--store", at]);
    assert_eq!(orders["orders"][0]["cl_ord_id"], "third");
    assert_eq!(orders["orders"][0]["leaves_qty"], "4");
    let url = exchange.url().to_owned();
    let working = answer(&["orders", "alice", "--url", &url]);
    assert_eq!(working["orders"][0]["cl_ord_id"], "third");
    let (code, said) =
        errors(&["order", "buy", "alice", "AAPL", "5", "@", "1.00", "--id", "third", "--url", &url]);
    assert_eq!(code, Some(1));
    assert!(said.contains("DUPLICATE_ORDER") && said.contains("hint:"), "{said}");

    let (status, last) = exchange.stop();
    assert!(status.success(), "{status}");
    assert_eq!(last["event"], "stopped");
    let verified = answer(&["log", "verify", "--reexecute", "--store", at]);
    assert_eq!((&verified["intact"], &verified["clean"]), (&true.into(), &true.into()));
    assert_eq!(verified["reexecution"]["faithful"], true);
    assert_eq!(verified["last_sequence"], last["committed"]);
}

#[test]
fn everything_can_be_administered() {
    let dir = tempfile::tempdir().expect("a directory");
    let exchange = Exchange::dev(&dir.path().join("store"), 0);
    let url = exchange.url().to_owned();
    let ask = |args: &[&str]| answer(&[args, &["--url", &url]].concat());

    let created = ask(&["instrument", "create", "ACME", "--tick", "0.05", "--lot", "10", "--collar", "20"]);
    assert_eq!(created["instrument"]["phase"], "open");
    let carol = ask(&["account", "open", "carol", "USD=1000", "ACME=200"]);
    assert_eq!(carol["account"]["status"], "verified");
    assert_eq!(
        ask(&["account", "deposit", "carol", "USD", "50.25"])["account"]["balances"][1]["total"],
        "1050.25"
    );
    assert_eq!(
        ask(&["account", "withdraw", "carol", "USD", "0.25"])["account"]["balances"][1]["total"],
        "1050.00"
    );
    ask(&["order", "sell", "carol", "ACME", "100", "@", "2.50", "--id", "ask"]);
    let book = ask(&["book", "ACME"]);
    assert_eq!((&book["asks"][0]["price"], &book["asks"][0]["qty"]), (&"2.50".into(), &"100".into()));
    let bought = ask(&["order", "buy", "alice", "ACME", "40", "@", "2.50"]);
    assert_eq!(bought["code"], serde_json::Value::Null);
    assert_eq!(ask(&["trades", "ACME"])["trades"][0]["last_px"], "2.50");
    assert_eq!(ask(&["candles", "ACME", "1m"])["candles"][0]["volume"], "40");
    let limited = ask(&["account", "limits", "carol", "--max-working-orders", "1"]);
    assert_eq!(limited["account"]["limits"]["max_working_orders"], 1);
    let (code, said) = errors(&["order", "sell", "carol", "ACME", "10", "@", "2.50", "--url", &url]);
    assert_eq!((code, said.contains("ACCOUNT_ORDER_LIMIT")), (Some(1), true), "{said}");
    assert_eq!(ask(&["phase", "ACME", "halted"])["instrument"]["phase"], "halted");
    let (code, said) = errors(&["order", "buy", "alice", "ACME", "10", "@", "2.50", "--url", &url]);
    assert_eq!((code, said.contains("INSTRUMENT_HALTED")), (Some(1), true), "{said}");
    assert_eq!(ask(&["cancel", "carol", "ask"])["order"]["ord_status"], "canceled");
    assert_eq!(ask(&["cancel-all", "alice"])["executions"], serde_json::json!([]));
    assert_eq!(ask(&["account", "suspend", "carol"])["account"]["status"], "suspended");
    assert_eq!(ask(&["account", "verify", "carol"])["account"]["status"], "verified");
    ask(&["account", "kill", "carol"]);
    assert_eq!(ask(&["account", "show", "carol"])["account"]["status"], "killed");
    assert_eq!(ask(&["status"])["healthy"], true);
}

#[test]
fn what_is_taken_is_said_to_be_taken() {
    let dir = tempfile::tempdir().expect("a directory");
    let (store, other) = (dir.path().join("store"), dir.path().join("other"));
    let exchange = Exchange::dev(&store, 0);
    let pid = exchange.banner["pid"].to_string();
    let (code, said) = errors(&["dev", "--store", store.to_str().expect("text"), "--listen", "127.0.0.1:0"]);
    assert_eq!(code, Some(1));
    assert!(said.contains(&format!("is being written by process {pid}")) && said.contains("hint:"), "{said}");
    let taken = exchange.url().trim_start_matches("http://").to_owned();
    let (code, said) = errors(&["dev", "--store", other.to_str().expect("text"), "--listen", &taken]);
    assert_eq!(code, Some(1));
    assert!(said.contains("cannot listen on") && said.contains("choose another address"), "{said}");
}

#[test]
fn a_configuration_that_cannot_be_is_refused_before_anything_starts() {
    let dir = tempfile::tempdir().expect("a directory");
    let file = dir.path().join("outcry.toml");
    let path = file.to_str().expect("text");
    let store = dir.path().join("store");
    std::fs::write(&file, format!("[store]\ndir = {store:?}\nsegment_bytes = 1048576\n")).expect("written");
    let (code, said) = errors(&["start", "--config", path]);
    assert_eq!(code, Some(2));
    assert!(said.contains("524288 working orders need segments of at least"), "{said}");
    assert!(!store.exists());
    std::fs::write(&file, "[store]\ndurability = \"maybe\"\n").expect("written");
    let (code, said) = errors(&["start", "--config", path, "--check"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("outcry.toml:2:") && said.contains("maybe"), "{said}");
    let printed = outcry(&["start", "--print-config"]);
    std::fs::write(&file, printed.stdout).expect("written");
    assert_eq!(answer(&["start", "--config", path, "--check"])["valid"], true);
}
