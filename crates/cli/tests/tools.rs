//! The commands that measure, test and replay: that they run, and that their answers have the shapes docs/CLI.md names.

mod common;

use common::{answer, outcry};
use serde_json::Value;

#[test]
fn every_benchmark_runs() {
    let dir = tempfile::tempdir().expect("a directory");
    let at = dir.path().to_str().expect("text");
    let run = |args: &[&str]| answer(&[&["bench"], args, &["--quick", "--quiet"]].concat());

    let book = run(&["book", "static", "--messages", "5000"]);
    let engines = book["shapes"][0]["engines"].as_array().expect("books");
    assert!(engines[0]["ns_per_message"].as_f64().expect("a number") > 0.0);
    if cfg!(feature = "peers") {
        assert_eq!(engines.len(), 4);
        assert!(book["shapes"][0]["times_fastest_peer"].is_number());
    }
    let store = run(&["store", "--records", "20000", "--dir", at]);
    assert_eq!(store["runs"].as_array().map(Vec::len), Some(6));
    let core = run(&["core", "--commands", "20000", "--dir", at]);
    assert!(core["fsync"]["commands_per_second"].as_u64().expect("a rate") > 0);
    let latency = run(&["latency", "--rates", "2000", "--dir", at]);
    assert!(latency["disk"]["p50_ns"].as_u64().expect("a time") > 0);
    let reports = run(&["reports", "--orders", "20000", "--symbols", "10", "--accounts", "100", "--dir", at]);
    assert!(reports["day"]["counts"]["orders"].as_u64().expect("orders") > 19_000);
    let runs = reports["reports"].as_array().expect("reports");
    assert_eq!(runs.len(), 12);
    for run in runs {
        assert!(run["failure"].is_null() && run["peak_bytes"].is_u64(), "{run}");
        assert!(run["rows"].as_u64().expect("rows") > 0 || run["report"] == "surveillance", "{run}");
    }
    let recovery = run(&["recovery", "--events", "20000", "--dir", at]);
    assert!(recovery["serves_after_ns"].as_u64().expect("a time") > 0);
    assert_eq!(std::fs::read_dir(at).expect("a directory").count(), 0, "nothing is left behind");
}

#[test]
fn a_feed_goes_through_the_exchange_and_agrees_as_far_as_it_can() {
    let data = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let cases = [
        ("AAPL_2012-06-21_message_10.csv", 94, 98, Some((955, 999))),
        ("ES_2024-05-08_2s.mbo.dbn.zst", 4, 5, None),
        ("SYNTHETIC_20101224.ITCH_50.gz", 14, 180, None),
    ];
    for (file, agree, of, best) in cases {
        let path = data.join(file);
        if !path.is_file() {
            eprintln!("skipped: there is no {}", path.display());
            continue;
        }
        let path = path.to_str().expect("text");
        let compared = answer(&["feed", "replay", path, "--compare", "--quiet"]);
        let fills = &compared["fills"]["agreement"];
        assert_eq!((&fills["agree"], &fills["of"]), (&agree.into(), &of.into()), "{file}");
        assert_eq!(compared["rejected"], serde_json::json!({}), "{file}");
        if let Some((agree, of)) = best {
            let best = &compared["book"]["best"];
            assert_eq!((&best["agree"], &best["of"]), (&agree.into(), &of.into()), "{file}");
        }
        // Without comparing, commands do not wait for each other, and the exchange does the same every time.
        let hash = |dir: &tempfile::TempDir| {
            let store = dir.path().join("store");
            let at = store.to_str().expect("text");
            let answer = answer(&["feed", "replay", path, "--quiet", "--store", at]);
            answer["state_hash"].clone()
        };
        let dirs = [(); 2].map(|()| tempfile::tempdir().expect("a directory"));
        assert_eq!(hash(&dirs[0]), hash(&dirs[1]), "{file}");
    }
}

#[test]
fn doctor_looks_at_the_store_it_is_given() {
    let dir = tempfile::tempdir().expect("a directory");
    let at = dir.path().to_str().expect("text");
    let output = outcry(&["doctor", "--store", at, "--listen", "127.0.0.1:0", "--json"]);
    let answer: Value = serde_json::from_slice(&output.stdout).expect("JSON");
    let checks = answer["checks"].as_array().expect("checks");
    let names: Vec<&str> = checks.iter().filter_map(|check| check["name"].as_str()).collect();
    assert!(names.len() > 8 && names.contains(&"store") && names.contains(&"fdatasync"), "{names:?}");
    for check in checks {
        assert_eq!(check["verdict"] == "ok", check["hint"].is_null(), "{check}");
    }
}

#[test]
fn completions_and_man_pages_know_every_command() {
    let dir = tempfile::tempdir().expect("a directory");
    let pages = answer(&["man", dir.path().to_str().expect("text")]);
    let pages: Vec<&str> =
        pages["pages"].as_array().expect("pages").iter().filter_map(Value::as_str).collect();
    assert!(pages.iter().any(|page| page.ends_with("outcry-log-verify.1")), "{pages:?}");
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = answer(&["completions", shell]);
        let script = script["script"].as_str().expect("a script");
        assert!(script.contains("reexecute") && script.contains("scenario"), "{shell}");
    }
}

#[test]
fn a_new_rule_builds_as_it_is() {
    let dir = tempfile::tempdir().expect("a directory");
    let at = dir.path().to_str().expect("text");
    let made = answer(&["plugin", "new", "my-rule", "--kind", "risk", "--lang", "c", "--dir", at]);
    assert_eq!((&made["kind"], &made["language"]), (&"risk".into(), &"c".into()));
    let folder = made["folder"].as_str().expect("a path");
    assert!(std::path::Path::new(made["source"].as_str().expect("a path")).is_file());
    let built = &answer(&["plugin", "build", folder])[0];
    let component = std::fs::read(built["component"].as_str().expect("a path")).expect("a component");
    assert_eq!(built["bytes"], component.len());
    assert_eq!((&built["name"], &built["fresh"]), (&"my-rule".into(), &false.into()));
    assert_eq!(answer(&["plugin", "build", folder])[0]["fresh"], true);
}
