//! The rules that ship: their folders say the same thing everywhere they say it.

use model::RuleKind;
use plugin_kit::{Language, Project};
use std::path::{Path, PathBuf};

fn rules() -> Vec<Project> {
    let plugins = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../plugins");
    let folders = std::fs::read_dir(plugins)
        .expect("there are rules")
        .map(|entry| entry.expect("it can be read").path());
    let mut folders: Vec<PathBuf> = folders.filter(|folder| folder.join("plugin.toml").is_file()).collect();
    folders.sort();
    assert!(folders.len() >= 14, "only {} rules", folders.len());
    folders
        .iter()
        .map(|folder| Project::open(folder).unwrap_or_else(|error| panic!("{}: {error:?}", folder.display())))
        .collect()
}

fn read(project: &Project, file: &str) -> String {
    let path = project.folder.join(file);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

#[test]
fn a_folder_is_called_as_its_rule() {
    for rule in rules() {
        let folder = rule.folder.file_name().expect("a folder has a name");
        assert_eq!(folder.to_string_lossy(), rule.manifest.name.as_str());
        if rule.language == Language::Rust {
            let package = read(&rule, "Cargo.toml");
            let (name, version) = (&rule.manifest.name, &rule.manifest.version);
            assert!(package.contains(&format!("name = \"{name}\"")), "{name}");
            assert!(package.contains(&format!("version = \"{version}\"")), "{name}");
        }
    }
}

#[test]
fn every_parameter_has_a_default_and_words() {
    for rule in rules() {
        let name = rule.manifest.name;
        assert!(!rule.manifest.description.is_empty(), "{name}");
        assert!(rule.manifest.configure(&[]).is_ok(), "{name} cannot be activated as it is");
        let readme = read(&rule, "README.md");
        for parameter in &rule.manifest.parameters {
            let row = format!("| `{}` |", parameter.name);
            assert!(readme.contains(&row), "the README of {name} has no row for {}", parameter.name);
            assert!(
                readme.contains(&parameter.description),
                "the README of {name} says otherwise of {}",
                parameter.name
            );
        }
    }
}

#[test]
fn what_judges_orders_has_a_scenario() {
    for rule in rules() {
        let judges = rule.manifest.kind != RuleKind::Reporting;
        assert_eq!(judges, rule.folder.join("tests/orders.trade").is_file(), "{}", rule.manifest.name);
    }
}
