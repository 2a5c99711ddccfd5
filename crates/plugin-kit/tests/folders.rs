//! Every folder that `outcry plugin new` makes builds and passes its own tests, and builds to the same bytes again.
//!
//! Rust and C always run; Python and JavaScript run where their tools are in the cache already, or with
//! `OUTCRY_TEST_LANGUAGES=all`, since fetching them takes minutes. `cargo xtask setup` fetches them.

use model::RuleKind;
use plugin_kit::{Error, Language, Project, build, kind_of, new};
use std::path::Path;
use std::process::Command;

fn passes(command: &mut Command) {
    let output = command.output().expect("it starts");
    assert!(
        output.status.success(),
        "{command:?}\n{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn made(parent: &Path, kind: RuleKind, language: Language) -> Project {
    let name = format!("a-{kind}-rule-in-{}", language.as_str());
    let folder = new::create(parent, &name, kind, language).expect("the folder is made");
    Project::open(&folder).expect("the folder is a rule's")
}

/// Builds a rule, looks into the component, and builds it again.
fn builds(project: &Project) -> Vec<u8> {
    let built = build(project).expect("it builds");
    let component = std::fs::read(&built.path).expect("the component is there");
    assert_eq!((built.fresh, built.bytes), (false, component.len() as u64));
    assert_eq!(kind_of(&component), Some(project.manifest.kind));
    let text = String::from_utf8_lossy(&component);
    assert!(text.contains(&project.manifest_text), "the manifest is in the component");
    let again = build(project).expect("it builds");
    assert!(again.fresh && again.hash == built.hash, "nothing changed, nothing is built");
    component
}

/// Removes what was built, and builds it again.
fn builds_the_same_again(project: &Project, component: &[u8]) {
    std::fs::remove_dir_all(project.folder.join("dist")).expect("what was built can be removed");
    let built = build(project).expect("it builds");
    assert!(!built.fresh);
    assert!(std::fs::read(&built.path).expect("the component is there") == component, "the bytes differ");
}

#[test]
fn rust() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let target = parent.path().join("target");
    for kind in [RuleKind::Validation, RuleKind::Risk, RuleKind::Reporting] {
        let project = made(parent.path(), kind, Language::Rust);
        let component = builds(&project);
        let most = if kind == RuleKind::Reporting { 64 } else { 16 } * 1024;
        assert!(component.len() < most, "{} bytes is not small", component.len());
        builds_the_same_again(&project, &component);
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        passes(
            Command::new(cargo)
                .current_dir(&project.folder)
                .args(["test", "--quiet"])
                .env("CARGO_TARGET_DIR", &target),
        );
    }
}

#[test]
fn c() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    for kind in [RuleKind::Validation, RuleKind::Risk] {
        let project = made(parent.path(), kind, Language::C);
        let component = builds(&project);
        assert!(component.len() < 8 * 1024, "{} bytes is not small", component.len());
        builds_the_same_again(&project, &component);
        let program = parent.path().join("test");
        let warnings = ["-std=c11", "-Wall", "-Wextra", "-Werror"];
        let compile = ["-I", "sdk", "-o"];
        passes(
            Command::new("cc")
                .current_dir(&project.folder)
                .args(warnings)
                .args(compile)
                .arg(&program)
                .arg("tests/rule.c"),
        );
        passes(&mut Command::new(&program));
    }
}

/// Whether the tool of a language can be used without fetching it.
fn is_cached(tool: &str) -> bool {
    let cache = std::env::var_os("XDG_CACHE_HOME").map(std::path::PathBuf::from);
    let cache = cache.or_else(|| std::env::var_os("HOME").map(|home| Path::new(&home).join(".cache")));
    let there = cache.is_some_and(|cache| {
        let tools = std::fs::read_dir(cache.join("outcry/tools")).into_iter().flatten().flatten();
        tools.map(|entry| entry.path()).any(|path| {
            path.join("ready").is_file()
                && path.file_name().is_some_and(|name| name.to_string_lossy().starts_with(tool))
        })
    });
    let wanted =
        there || std::env::var_os("OUTCRY_TEST_LANGUAGES").is_some_and(|languages| languages == "all");
    if !wanted {
        eprintln!("skipped: {tool} is not in the cache");
    }
    wanted
}

#[test]
fn python() {
    if !is_cached("componentize-py") {
        return;
    }
    let parent = tempfile::tempdir().expect("a temporary directory");
    let project = made(parent.path(), RuleKind::Reporting, Language::Python);
    builds(&project);
    let args = ["-B", "-m", "unittest", "discover", "-s", "tests"];
    passes(Command::new("python3").current_dir(&project.folder).args(args));
}

#[test]
fn javascript() {
    if !is_cached("componentize-js") {
        return;
    }
    let parent = tempfile::tempdir().expect("a temporary directory");
    let project = made(parent.path(), RuleKind::Reporting, Language::JavaScript);
    builds(&project);
    passes(Command::new("node").current_dir(&project.folder).args(["--test", "tests/"]));
}

#[test]
fn a_change_is_built() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let project = made(parent.path(), RuleKind::Risk, Language::C);
    let first = build(&project).expect("it builds");
    let manifest = project.folder.join("plugin.toml");
    let changed = project.manifest_text.replace("default = 100", "default = 200");
    std::fs::write(&manifest, changed).expect("the manifest can be written");
    let second = build(&Project::open(&project.folder).expect("it is a rule's folder")).expect("it builds");
    assert!(!second.fresh && second.hash != first.hash);
}

#[test]
fn mistakes_are_said_in_words() {
    let parent = tempfile::tempdir().expect("a temporary directory");
    let missing = Project::open(parent.path()).expect_err("there is no rule");
    assert!(matches!(missing, Error::NotAPlugin { .. }) && missing.hint().is_some());

    let project = made(parent.path(), RuleKind::Risk, Language::C);
    let source = project.folder.join("src/rule.c");
    let text = std::fs::read_to_string(&source).expect("the source can be read");

    // Another kind than the manifest says.
    let other =
        new::create(parent.path(), "other", RuleKind::Validation, Language::C).expect("the folder is made");
    std::fs::copy(other.join("src/rule.c"), &source).expect("the source can be written");
    let wrong = build(&project).expect_err("a validation rule is no risk rule");
    assert!(matches!(wrong, Error::WrongWorld { kind: RuleKind::Risk, .. }), "{wrong}");

    // Other parameters than the source reads.
    let rust = made(parent.path(), RuleKind::Risk, Language::Rust);
    let manifest = rust.manifest_text.replace("name = \"max_position\"", "name = \"max_size\"");
    std::fs::write(rust.folder.join("plugin.toml"), manifest).expect("the manifest can be written");
    let differ =
        build(&Project::open(&rust.folder).expect("it is a rule's folder")).expect_err("they differ");
    assert!(matches!(&differ, Error::Parameters { reads, .. } if *reads == ["max_position int"]), "{differ}");

    // Not C at all.
    std::fs::write(&source, format!("{text}\nnonsense")).expect("the source can be written");
    let failed = build(&project).expect_err("it does not compile");
    assert!(failed.to_string().contains("src/rule.c"), "{failed}");

    // A function that is nowhere.
    let calls =
        text.replace("return outcry_verdict(0, 0);", "extern int nowhere(void); return (uint64_t)nowhere();");
    std::fs::write(&source, calls).expect("the source can be written");
    let failed = build(&project).expect_err("it does not link");
    assert!(failed.to_string().contains("nowhere"), "{failed}");
}
