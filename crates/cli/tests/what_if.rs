//! `outcry plugin replay` on the log of a real exchange: the orders it says a limit would have stopped are those that a look at
//! the log itself finds, and the log still re-executes to the last bit.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use common::{Exchange, OUTCRY};
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The limit that is tried, in lots.
const LIMIT: u64 = 50;

fn json(store: &Path, args: &[&str]) -> Vec<Value> {
    let output =
        Command::new(OUTCRY).args(args).args(["--json", "--quiet", "--store"]).arg(store).output().unwrap();
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    // A line each, or one value over many lines.
    serde_json::Deserializer::from_slice(&output.stdout).into_iter().map(|value| value.unwrap()).collect()
}

/// A rule that ships, as the set-up built it.
fn component(name: &str) -> PathBuf {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let component = plugins.join(name).join("dist").join(format!("{name}.wasm"));
    assert!(component.is_file(), "{} is not there: run `cargo xtask setup`", component.display());
    component
}

#[test]
fn a_changed_limit_names_the_orders_it_would_have_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let exchange = Exchange::dev(dir.path(), 2000);
    std::thread::sleep(std::time::Duration::from_secs(3));
    exchange.stop();

    let orders = json(dir.path(), &["log", "show", "--kind", "OrderAccepted,OrderReplaced"]);
    assert!(orders.len() > 500, "{} orders", orders.len());
    let above = orders.iter().filter(|order| lots(order) > LIMIT);
    let above: Vec<u64> = above.map(lots).collect();
    assert!(!above.is_empty() && above.len() < orders.len(), "the limit cuts the flow in two");

    let component = component("fat-finger");
    let (component, limit) = (component.to_str().unwrap(), format!("max_quantity={LIMIT}"));
    let tried = json(
        dir.path(),
        &["plugin", "replay", component, "--param", &limit, "--param", "max_notional=0", "--orders"],
    );
    let tried = &tried[0];
    assert_eq!(tried["changed"].as_u64(), Some(above.len() as u64));
    assert_eq!(tried["orders"].as_array().unwrap().len(), above.len());
    let groups = tried["groups"].as_array().unwrap();
    assert!(groups.iter().all(|group| group["change"] == "would be rejected"));
    assert!(
        groups.iter().all(|group| group["text"].as_str().unwrap().contains(&LIMIT.to_string())),
        "{groups:?}"
    );
    let in_groups: u64 = groups.iter().map(|group| group["orders"].as_u64().unwrap()).sum();
    assert_eq!(in_groups, above.len() as u64);

    let verified = json(dir.path(), &["log", "verify", "--reexecute"]);
    assert_eq!(verified[0]["reexecution"]["faithful"], true, "{verified:?}");
}

/// An order's total quantity in lots, as the log has it.
fn lots(record: &Value) -> u64 {
    let quantity = record.pointer("/fields/quantity").or_else(|| record.get("quantity"));
    quantity.and_then(Value::as_u64).unwrap_or_else(|| panic!("no quantity in {record}"))
}

#[test]
fn what_cannot_be_tried_is_said() {
    let dir = tempfile::tempdir().unwrap();
    Exchange::dev(dir.path(), 100).stop();
    let component = component("fat-finger");
    let component = component.to_str().unwrap();
    for (args, words) in [
        (["plugin", "replay", "nothing.wasm", "--orders", "--quiet"], "nothing.wasm"),
        (["plugin", "replay", component, "--param", "no_such=1"], "no_such"),
        (["plugin", "replay", component, "--to", "999999999999"], "ends at record"),
    ] {
        let output = Command::new(OUTCRY).args(args).arg("--store").arg(dir.path()).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        if words == "ends at record" {
            // To beyond the end is to the end, as with `log show`.
            assert!(output.status.success(), "{said}");
        } else {
            assert!(!output.status.success() && said.contains(words), "{args:?}: {said}");
        }
    }
}
