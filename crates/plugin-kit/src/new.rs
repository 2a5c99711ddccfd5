//! Making the folder of a new rule: one that builds and passes its tests as it is, and says what to change.

use crate::build::refuse_slow;
use crate::{Error, Language};
use model::RuleKind;
use plugin_manifest::{FILE_NAME, Manifest};
use std::path::{Path, PathBuf};

/// The header of rules in C: its name and its text.
pub(crate) const C_HEADER: (&str, &str) =
    ("outcry_rules.h", include_str!("../../plugin-sdk/c/outcry_rules.h"));

macro_rules! sdk {
    ($($file:literal)+) => {
        &[$((concat!("sdk/src/", $file), include_str!(concat!("../../plugin-sdk/src/", $file)))),+]
    };
}

/// The SDK of rules in Rust. It goes into the folder, so that the rule builds wherever the folder is.
const RUST_SDK: &[(&str, &str)] = sdk! {
    "abi.rs" "codes.rs" "export.rs" "lib.rs" "order.rs" "parameters.rs" "reporting/lower.rs" "reporting/mod.rs"
    "reporting/state.rs" "reporting/table.rs" "reporting/testing.rs" "risk.rs" "text.rs" "validation.rs"
};

/// What a template's placeholders stand for.
struct Words<'a> {
    name: &'a str,
    kind: RuleKind,
    language: Language,
}

impl Words<'_> {
    fn of(&self, word: &str) -> String {
        let (name, kind, language) = (self.name, self.kind, self.language);
        let by_kind = |validation: &str, risk: &str, reporting: &str| match kind {
            RuleKind::Validation => validation.to_owned(),
            RuleKind::Risk => risk.to_owned(),
            RuleKind::Reporting => reporting.to_owned(),
        };
        match word {
            "name" => name.to_owned(),
            "type" => camel_case(name),
            "table" => name.replace('-', "_"),
            "kind" => kind.as_str().to_owned(),
            "language" => language.to_string(),
            "version" => env!("CARGO_PKG_VERSION").to_owned(),
            "description" => by_kind(
                "Refuses orders that are too large",
                "Keeps what an account owns of an instrument below a limit",
                "Counts what each account took",
            ),
            "limits" => by_kind(
                "fuel = 20_000\nmemory_bytes = \"256 KiB\"\nfail = \"closed\"",
                "fuel = 1_000\nmemory_bytes = \"256 KiB\"\nfail = \"closed\"",
                "max_faults = 3",
            ),
            "parameter" => by_kind("max_quantity", "max_position", "min_quantity"),
            "default" => by_kind("100", "100", "1"),
            "about" => by_kind(
                "Most lots that an order may have",
                "Most lots of an instrument that an account may own",
                "Smaller trades are not counted, in lots",
            ),
            "beyond" => by_kind("101", "1", ""),
            "words" => match language {
                Language::C => {
                    by_kind("the order has too many lots", "the account could own too many lots", "")
                }
                _ => by_kind(
                    "the order has more than 100 lots",
                    "the account could own more than 100 lots",
                    "",
                ),
            },
            "codes" => match kind {
                RuleKind::Reporting => "Its table has a row for each account.".to_owned(),
                _ => format!("Code 1: {}.", self.of("words")),
            },
            "test" => match language {
                Language::Rust => "cargo test                # the rule by itself",
                Language::C => "mkdir -p dist && cc -I sdk -o dist/test tests/rule.c && dist/test",
                Language::Python => "python3 -m unittest discover -s tests",
                Language::JavaScript => "node --test tests/",
            }
            .to_owned(),
            other => unreachable!("no template has the placeholder {other}"),
        }
    }

    fn fill(&self, template: &str) -> String {
        let mut out = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            let (word, behind) =
                after.split_once("}}").expect("a placeholder is closed: tests fill every template");
            out.push_str(before);
            out.push_str(&self.of(word));
            rest = behind;
        }
        out.push_str(rest);
        out
    }

    /// The files of the folder: name and template.
    fn files(&self) -> Vec<(&'static str, &'static str)> {
        let mut files = vec![
            (FILE_NAME, include_str!("../templates/plugin.toml")),
            ("README.md", include_str!("../templates/README.md")),
            (".gitignore", "target\ndist\n__pycache__\n"),
        ];
        if self.kind != RuleKind::Reporting {
            files.push(("tests/orders.trade", include_str!("../templates/orders.trade")));
        }
        match self.language {
            Language::Rust => files.extend([
                ("Cargo.toml", include_str!("../templates/rust/Cargo.toml")),
                ("sdk/Cargo.toml", include_str!("../templates/rust/sdk.toml")),
                (
                    "src/lib.rs",
                    match self.kind {
                        RuleKind::Validation => include_str!("../templates/rust/validation.rs"),
                        RuleKind::Risk => include_str!("../templates/rust/risk.rs"),
                        RuleKind::Reporting => include_str!("../templates/rust/reporting.rs"),
                    },
                ),
            ]),
            Language::C if self.kind == RuleKind::Validation => files.extend([
                ("src/rule.c", include_str!("../templates/c/validation.c")),
                ("tests/rule.c", include_str!("../templates/c/validation_test.c")),
            ]),
            Language::C => files.extend([
                ("src/rule.c", include_str!("../templates/c/risk.c")),
                ("tests/rule.c", include_str!("../templates/c/risk_test.c")),
            ]),
            Language::Python => files.extend([
                ("rule.py", include_str!("../templates/python/rule.py")),
                ("tests/test_rule.py", include_str!("../templates/python/test_rule.py")),
            ]),
            Language::JavaScript => files.extend([
                ("rule.js", include_str!("../templates/js/rule.js")),
                ("tests/rule.test.mjs", include_str!("../templates/js/rule.test.mjs")),
                ("package.json", include_str!("../templates/js/package.json")),
            ]),
        }
        files
    }
}

fn camel_case(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    for part in name.split(['-', '_']).filter(|part| !part.is_empty()) {
        let (first, rest) = part.split_at(1);
        out.push_str(&first.to_ascii_uppercase());
        out.push_str(rest);
    }
    out
}

/// Makes a folder called `name` below `parent` and returns it.
pub fn create(parent: &Path, name: &str, kind: RuleKind, language: Language) -> Result<PathBuf, Error> {
    refuse_slow(language, kind)?;
    if language == Language::C && kind == RuleKind::Reporting {
        return Err(Error::NotInC);
    }
    let words = Words { name, kind, language };
    // The manifest's own reading of a name is the one that counts.
    if Manifest::parse(&words.fill(include_str!("../templates/plugin.toml"))).is_err() {
        return Err(Error::Name { name: name.to_owned() });
    }
    let folder = parent.join(name);
    std::fs::create_dir_all(parent).map_err(Error::file("create", parent))?;
    match std::fs::create_dir(&folder) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {
            return Err(Error::Exists { folder });
        }
        other => other.map_err(Error::file("create", &folder))?,
    }
    for (path, template) in words.files() {
        write(&folder.join(path), &words.fill(template))?;
    }
    // As they are: what stands in braces there is Rust and C.
    match language {
        Language::Rust => RUST_SDK.iter().try_for_each(|(path, text)| write(&folder.join(path), text))?,
        Language::C => write(&folder.join("sdk").join(C_HEADER.0), C_HEADER.1)?,
        Language::Python | Language::JavaScript => {}
    }
    Ok(folder)
}

fn write(path: &Path, text: &str) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(Error::file("create", folder))?;
    }
    std::fs::write(path, text).map_err(Error::file("write", path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn listing(folder: &Path, prefix: &str, into: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            let name = format!("{prefix}/{}", entry.file_name().to_str().unwrap());
            if entry.path().is_dir() {
                listing(&entry.path(), &name, into);
            } else {
                into.insert(name);
            }
        }
    }

    #[test]
    fn the_whole_sdk_goes_into_the_folder() {
        let mut there = BTreeSet::new();
        listing(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugin-sdk/src"), "sdk/src", &mut there);
        let ours: BTreeSet<String> = RUST_SDK.iter().map(|(path, _)| (*path).to_owned()).collect();
        assert_eq!(ours, there);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let create = |name, kind, language| create(parent.path(), name, kind, language);
        for kind in [RuleKind::Validation, RuleKind::Risk] {
            for language in [Language::Python, Language::JavaScript] {
                assert!(matches!(create("slow", kind, language), Err(Error::TooSlow { .. })));
            }
        }
        for name in ["", "Upper", "a b", "9lives", "../up", "a-name-of-more-than-thirty-two-chars"] {
            let refused = create(name, RuleKind::Risk, Language::Rust);
            assert!(matches!(refused, Err(Error::Name { .. })), "{name}: {refused:?}");
        }
        assert!(matches!(create("c", RuleKind::Reporting, Language::C), Err(Error::NotInC)));
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0, "nothing is left behind");
        create("twice", RuleKind::Risk, Language::C).unwrap();
        assert!(matches!(create("twice", RuleKind::Risk, Language::C), Err(Error::Exists { .. })));
    }

    #[test]
    fn names_become_types() {
        assert_eq!(camel_case("fat-finger"), "FatFinger");
        assert_eq!(camel_case("a_b-c1"), "ABC1");
    }
}
