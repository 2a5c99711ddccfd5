//! The README's own commands, typed in the order in which they stand there, against a demo market without simulated traders.
//! What they print must be what the README shows, but for hashes, durations and sizes, and what a compiler says of its work.

mod common;

use common::{Exchange, OUTCRY};
use std::path::Path;
use std::process::Command;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../README.md");

/// A command and what the README shows under it.
struct Typed {
    line: usize,
    /// The heading it stands under.
    section: String,
    command: String,
    code: i32,
    shown: Vec<String>,
}

/// The commands of every `console` block.
fn typed(readme: &str) -> Vec<Typed> {
    let mut all: Vec<Typed> = Vec::new();
    let mut inside = false;
    let mut section = "";
    for (at, text) in readme.lines().enumerate() {
        if text.starts_with("```") {
            inside = text == "```console";
        } else if let Some(heading) = text.strip_prefix("## ").filter(|_| !inside) {
            section = heading;
        } else if inside {
            if let Some(command) = text.strip_prefix("$ ") {
                let (command, section) = (command.to_owned(), section.to_owned());
                all.push(Typed { line: at + 1, section, command, code: 0, shown: Vec::new() });
                continue;
            }
            let last = all.last_mut().expect("a block begins with a command");
            match text.strip_prefix("? ") {
                Some(code) => last.code = code.parse().expect("an exit code"),
                None => last.shown.push(text.trim_end().to_owned()),
            }
        }
    }
    all
}

/// A line without what differs from run to run: hashes everywhere, all numbers where the line is a measurement.
fn settled(line: &str) -> String {
    let is_hash = |word: &str| word.len() == 64 && word.bytes().all(|byte| byte.is_ascii_hexdigit());
    let words: Vec<&str> =
        line.trim_end().split(' ').map(|word| if is_hash(word) { "HASH" } else { word }).collect();
    let line = words.join(" ");
    if !line.starts_with("intact:") && !line.starts_with("faithful:") {
        return line;
    }
    line.split_whitespace()
        .map(|word| if word.starts_with(|c: char| c.is_ascii_digit()) { "#" } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}

/// Sizes and hashes of what a compiler makes differ from one to the next.
fn is_of_the_compiler(command: &str) -> bool {
    command.starts_with("outcry plugin build") || command.starts_with("outcry plugin test")
}

#[test]
fn the_readme_is_true() {
    let typed = typed(&std::fs::read_to_string(README).expect("the README is there"));
    assert!(typed.len() >= 8, "the README shows {} commands", typed.len());
    let dir = tempfile::tempdir().expect("a directory");
    let exchange = Exchange::dev(&dir.path().join("data/dev"), 0);
    let bin = Path::new(OUTCRY).parent().expect("a program is in a folder");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").unwrap_or_default());
    // `cargo xtask setup` brings it.
    let no_wasm = plugin_kit::rust_toolchain().err();
    for Typed { line, section, command, code, shown } in typed {
        if let Some(why) = no_wasm.as_ref().filter(|_| section == "Write a rule") {
            eprintln!("skipped README.md:{line}: {command}: {why}");
            continue;
        }
        let output = Command::new("sh")
            .args(["-c", &command])
            .current_dir(dir.path())
            .env("PATH", &path)
            .env("OUTCRY_URL", exchange.url())
            .output()
            .expect("a shell");
        let printed = [output.stdout, output.stderr].concat();
        let printed: Vec<String> = String::from_utf8_lossy(&printed).lines().map(settled).collect();
        let shown: Vec<String> = shown.iter().map(|line| settled(line)).collect();
        assert_eq!(output.status.code(), Some(code), "README.md:{line}: {command}: {printed:#?}");
        if is_of_the_compiler(&command) {
            assert_eq!(printed.len(), shown.len(), "README.md:{line}: {command}: {printed:#?}");
        } else {
            assert_eq!(printed, shown, "README.md:{line}: {command}");
        }
    }
}

#[test]
fn every_file_the_readme_points_to_is_there() {
    let readme = std::fs::read_to_string(README).expect("the README is there");
    let root = Path::new(README).parent().expect("a file is in a folder");
    let mut links = 0;
    for link in readme.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
        assert!(root.join(link).exists(), "README.md points to {link}, which is not there");
        links += 1;
    }
    assert!(links > 10, "the README points to {links} files");
}
