//! Running files: what is said about them, where it goes, and the exit code.

#![expect(clippy::unwrap_used, reason = "a test that cannot write its files has failed")]

use scenario::{Mode, Options, Outcome, Summary, run_files, run_source};
use std::path::{Path, PathBuf};

const RIGHT: &str = "\
instrument AAPL tick=0.01 lot=1
account alice USD=1000
buy alice AAPL 1 @ 10.00
----
accepted c1
";

const WRONG: &str = "\
# Two differences, and a case that is right between them.
instrument AAPL tick=0.01 lot=1
account alice USD=1000
buy alice AAPL 1 @ 10.00 id=a1
buy alice AAPL 1 @ 10.001 id=a2
----
accepted a1
# kept
accepted a2
accepted a3

orders alice
----
a1 buy AAPL 1 @ 10.00 leaves=1 cum=0 status=new

balance alice
----
";

const CORRECTED: &str = "\
# Two differences, and a case that is right between them.
instrument AAPL tick=0.01 lot=1
account alice USD=1000
buy alice AAPL 1 @ 10.00 id=a1
buy alice AAPL 1 @ 10.001 id=a2
----
accepted a1
# kept
rejected a2 reason=INVALID_PRICE

orders alice
----
a1 buy AAPL 1 @ 10.00 leaves=1 cum=0 status=new

balance alice
----
USD total=1000.00 held=10.00 available=990.00
";

/// A directory with files in it, and what running it says.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new(files: &[(&str, &str)]) -> Self {
        let bench = Self(tempfile::tempdir().unwrap());
        for (name, text) in files {
            let path = bench.path(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap()
    }

    /// The summary, what went to standard output and what to standard error, without the directory's name.
    fn run(&self, names: &[&str], options: Options) -> (Summary, String, String) {
        let paths: Vec<PathBuf> = names.iter().map(|name| self.path(name)).collect();
        let (mut out, mut talk) = (Vec::new(), Vec::new());
        let summary = run_files(&paths, options, &mut out, &mut talk).unwrap();
        let shown =
            |text| String::from_utf8(text).unwrap().replace(&format!("{}/", self.0.path().display()), "");
        (summary, shown(out), shown(talk))
    }
}

#[test]
fn all_pass() {
    let bench = Bench::new(&[("b/two.trade", RIGHT), ("a.trade", RIGHT), ("b/other.txt", "no scenario")]);
    let (summary, out, talk) = bench.run(&["."], Options::default());
    assert_eq!((summary.passed, summary.exit_code()), (2, 0));
    assert_eq!(
        (out.as_str(), talk.replace("./", "")),
        ("", "ok a.trade (1 cases)\nok b/two.trade (1 cases)\n".into())
    );
}

#[test]
fn a_difference_is_shown_on_standard_output() {
    let bench = Bench::new(&[("x.trade", WRONG), ("y.trade", RIGHT)]);
    let (summary, out, talk) = bench.run(&["x.trade", "y.trade"], Options::default());
    assert_eq!((summary.passed, summary.differing, summary.exit_code()), (1, 1, 1));
    assert_eq!(
        out,
        "--- x.trade:2 expected\n+++ x.trade:2 actual\n accepted a1\n-accepted a2\n-accepted a3\n\
         +rejected a2 reason=INVALID_PRICE\n\
         --- x.trade:16 expected\n+++ x.trade:16 actual\n+USD total=1000.00 held=10.00 available=990.00\n"
    );
    assert_eq!(talk, "differs x.trade (2 of 3 cases)\nok y.trade (1 cases)\n");
    assert_eq!(bench.read("x.trade"), WRONG, "without --rewrite no file changes");
}

#[test]
fn colour_only_if_asked() {
    let bench = Bench::new(&[("x.trade", WRONG)]);
    let (_, plain, _) = bench.run(&["x.trade"], Options::default());
    let (_, coloured, _) = bench.run(&["x.trade"], Options { color: true, ..Options::default() });
    assert!(!plain.contains('\x1b') && coloured.contains("\x1b[31m-accepted a2\x1b[0m"), "{coloured:?}");
}

#[test]
fn rewriting_makes_it_pass_in_every_mode() {
    let bench = Bench::new(&[("x.trade", WRONG)]);
    let (summary, out, talk) = bench.run(&["x.trade"], Options { rewrite: true, ..Options::default() });
    assert_eq!((summary.rewritten, summary.exit_code(), out.as_str()), (1, 0, ""));
    assert_eq!(talk, "rewritten x.trade (2 of 3 cases)\n");
    assert_eq!(bench.read("x.trade"), CORRECTED);
    for mode in Mode::ALL {
        let (summary, ..) = bench.run(&["x.trade"], Options { mode, ..Options::default() });
        assert_eq!(summary.passed, 1, "{mode}");
    }
}

#[test]
fn what_cannot_be_used_wins_over_what_differs() {
    let bench =
        Bench::new(&[("x.trade", WRONG), ("bad.trade", "restart\nfrob\n----\n"), ("empty/note.txt", "")]);
    let (summary, _, talk) = bench.run(&["x.trade", "bad.trade"], Options::default());
    assert_eq!((summary.differing, summary.unusable, summary.exit_code()), (1, 1, 2));
    assert!(talk.contains("bad.trade:2:1: unknown command\n  | frob\n"), "{talk}");

    let (summary, _, talk) = bench.run(&["missing.trade"], Options::default());
    assert_eq!(summary.exit_code(), 2, "{talk}");
    let (summary, _, talk) = bench.run(&["empty"], Options::default());
    assert_eq!((summary.exit_code(), talk.as_str()), (2, "empty: no .trade files here\n"));

    std::fs::write(bench.path("bytes.trade"), b"restart\nr\xffstart\n----\n").unwrap();
    let (summary, _, talk) = bench.run(&["bytes.trade"], Options::default());
    assert_eq!(
        (summary.exit_code(), talk.as_str()),
        (2, "bytes.trade:2:2: the file is not UTF-8 text from here on\n")
    );
}

#[test]
fn a_component_that_is_not_there_is_refused_in_words() {
    let source = "rule load cap cap.wasm kind=risk\n----\nrule-refused cap \"cap.wasm: No such file or directory (os error 2)\"\n";
    assert!(matches!(run_source(source, Path::new(""), Mode::Live), Outcome::Passed { cases: 1, .. }));
}

#[test]
fn a_file_of_comments_passes_and_an_expectation_too_many_differs() {
    assert!(matches!(run_source("# nothing\n", Path::new(""), Mode::Live), Outcome::Passed { cases: 0, .. }));
    assert!(matches!(
        run_source("restart\n----\nsomething\n", Path::new(""), Mode::Live),
        Outcome::Differs { cases: 1, .. }
    ));
    assert!(matches!(
        run_source("balance x\n----\n", Path::new(""), Mode::Live),
        Outcome::Differs { cases: 1, .. }
    ));
}
