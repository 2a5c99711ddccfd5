//! Files, the cache of compiled code, and what stands ready.

#![expect(clippy::unwrap_used, reason = "helpers of tests are tests")]

mod common;

use common::{Wat, activation, desk, risk_row};
use engine::{Outcome, Rules};
use model::{ActivationId, ComponentHash, RuleKind, RuleParameters};
use plugin_host::{Desk, FileError, PrepareError, Settings, component_path, load_component, store_component};
use plugin_manifest::{DEFAULT_FUEL, DEFAULT_MEMORY_BYTES};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};
use tempfile::TempDir;

#[test]
fn a_component_is_stored_once_and_checked_when_it_is_read() {
    let dir = TempDir::new().unwrap();
    let plugins = dir.path().join("plugins");
    let hash = store_component(&plugins, b"some bytes").unwrap();
    assert_eq!(store_component(&plugins, b"some bytes").unwrap(), hash);
    assert_eq!(load_component(&plugins, hash).unwrap(), b"some bytes");
    assert_eq!(fs::read_dir(&plugins).unwrap().count(), 1);
    let path = component_path(&plugins, hash);
    fs::write(&path, b"some bites").unwrap();
    assert!(
        matches!(load_component(&plugins, hash), Err(FileError::WrongBytes { component, .. }) if component == hash)
    );
    // Storing it again mends it.
    store_component(&plugins, b"some bytes").unwrap();
    assert_eq!(load_component(&plugins, hash).unwrap(), b"some bytes");
    let nowhere = ComponentHash([9; 32]);
    assert!(
        matches!(load_component(&plugins, nowhere), Err(FileError::Missing { component }) if component == nowhere)
    );
}

fn judge(desk: &Desk, component: ComponentHash) -> Outcome {
    let mut rules = desk.live();
    rules.activated(&activation(1, component, RuleKind::Risk, &[10]));
    rules.risk(ActivationId(1), &risk_row(11)).0
}

fn cached(store: &Path) -> Settings {
    Settings { compiled: Some(store.join("compiled")), ..Settings::of_plugins(store.join("plugins")) }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[test]
fn after_a_restart_rules_come_from_the_store() {
    let store = TempDir::new().unwrap();
    let component = Desk::open(cached(store.path()))
        .unwrap()
        .load(&Wat::risk_limit().component(), None)
        .unwrap()
        .component;
    let again = Desk::open(cached(store.path())).unwrap();
    let mut rules = again.live();
    rules.restore(&[activation(1, component, RuleKind::Risk, &[10])]);
    assert_eq!(rules.risk(ActivationId(1), &risk_row(11)).0, Outcome::Reject(7));
    // Without the component there is no rule, and everybody can see why.
    fs::remove_file(component_path(&store.path().join("plugins"), component)).unwrap();
    let bare = Desk::open(cached(store.path())).unwrap();
    assert!(matches!(
        bare.prepare(component, RuleParameters::NONE, DEFAULT_FUEL, DEFAULT_MEMORY_BYTES),
        Err(PrepareError::File(FileError::Missing { .. }))
    ));
    bare.live().restore(&[activation(1, component, RuleKind::Risk, &[10])]);
    let why = bare.statistics().remove(0).unavailable.unwrap();
    assert_eq!(why, format!("the store lacks the component {component}"));
}

#[test]
fn compiled_code_that_was_touched_is_compiled_again() {
    let store = TempDir::new().unwrap();
    let compiled = store.path().join("compiled");
    let load = || {
        Desk::open(cached(store.path()))
            .unwrap()
            .load(&Wat::risk_limit().component(), None)
            .unwrap()
            .component
    };
    let component = load();
    let [path] = &files(&compiled)[..] else { panic!("one file") };
    let good = fs::read(path).unwrap();
    // Found again: nothing is written.
    let before = fs::metadata(path).unwrap().modified().unwrap();
    load();
    assert_eq!(fs::metadata(path).unwrap().modified().unwrap(), before);
    let middle = good.len() / 2;
    let mut flipped = good.clone();
    flipped[middle] ^= 1;
    let mut in_hash = good.clone();
    in_hash[3] ^= 1;
    for bad in [&flipped[..], &in_hash[..], &good[..middle], &good[..10], &[]] {
        fs::write(path, bad).unwrap();
        assert_eq!(judge(&Desk::open(cached(store.path())).unwrap(), component), Outcome::Reject(7));
        assert_eq!(fs::read(path).unwrap().len(), good.len(), "compiled again and replaced");
    }
    // Another component's code under this name is not this component's code.
    let other = Wat::risk("(i64.const 5)").component();
    let other = Desk::open(cached(store.path())).unwrap().load(&other, None).unwrap().component;
    let others = files(&compiled).into_iter().find(|file| file != path).unwrap();
    fs::copy(others, path).unwrap();
    assert_eq!(judge(&Desk::open(cached(store.path())).unwrap(), component), Outcome::Reject(7));
    assert_eq!(judge(&Desk::open(cached(store.path())).unwrap(), other), Outcome::Reject(5));
}

#[test]
fn a_cache_that_others_may_enter_is_not_used() {
    let store = TempDir::new().unwrap();
    let compiled = store.path().join("compiled");
    fs::create_dir(&compiled).unwrap();
    fs::set_permissions(&compiled, fs::Permissions::from_mode(0o750)).unwrap();
    let desk = Desk::open(cached(store.path())).unwrap();
    assert_eq!(desk.cache_error().unwrap().to_string(), "others than this user may enter the directory");
    let component = desk.load(&Wat::risk_limit().component(), None).unwrap().component;
    assert_eq!(judge(&desk, component), Outcome::Reject(7));
    assert_eq!(files(&compiled), Vec::<PathBuf>::new());
}

/// What ended is put back on the shelf, without the instance that has judged.
#[test]
fn what_ended_stands_ready_for_a_rollback() {
    let (store, desk) = desk();
    let component = desk.load(&Wat::risk_limit().component(), None).unwrap().component;
    let mut rules = desk.live();
    for number in 1..200 {
        let limit = i64::from(number % 7) + 10;
        rules.activated(&activation(number, component, RuleKind::Risk, &[limit]));
        rules.ended(ActivationId(number - 1));
        let quantity = limit.cast_unsigned();
        assert_eq!(rules.risk(ActivationId(number), &risk_row(quantity)).0, Outcome::Accept);
        assert_eq!(rules.risk(ActivationId(number), &risk_row(quantity + 1)).0, Outcome::Reject(7));
    }
    // It is compiled and ready: the file is not needed any more.
    fs::remove_file(component_path(&store.path().join("plugins"), component)).unwrap();
    rules.activated(&activation(200, component, RuleKind::Risk, &[10]));
    assert_eq!(rules.risk(ActivationId(200), &risk_row(11)).0, Outcome::Reject(7));
    let statistics = desk.statistics();
    assert_eq!(statistics.iter().filter(|rule| !rule.has_ended).count(), 2);
    assert!(statistics.iter().all(|rule| rule.unavailable.is_none()));
}

/// Preparing is what takes time; taking it over does not.
#[test]
fn what_is_prepared_is_taken_over_at_once() {
    let (_store, desk) = desk();
    let component = desk.load(&Wat::risk_limit().component(), None).unwrap().component;
    let event = activation(1, component, RuleKind::Risk, &[10]);
    desk.prepare(component, event.parameters, event.fuel, event.memory_bytes).unwrap();
    let mut rules = desk.live();
    let start = Instant::now();
    rules.activated(&event);
    // Tens of microseconds; a second on a machine that does something else.
    assert!(start.elapsed() < Duration::from_secs(1));
    assert_eq!(rules.risk(ActivationId(1), &risk_row(11)).0, Outcome::Reject(7));
}
