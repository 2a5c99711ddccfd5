//! Running the real program: start it, talk to it, kill it.

#![allow(dead_code, reason = "each test binary uses its own part of this")]

use gateway::client::{Client, ClientConfig};
use serde_json::Value;
use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::time::Duration;

/// The program that is tested.
pub const OUTCRY: &str = env!("CARGO_BIN_EXE_outcry");

/// A running exchange in a process of its own. Killed when dropped.
pub struct Exchange {
    child: Child,
    stdout: BufReader<ChildStdout>,
    /// What it said when it began to take commands.
    pub banner: Value,
}

impl Exchange {
    /// Runs `outcry` with these arguments, which must start an exchange, and waits until it takes commands.
    pub fn start<S: AsRef<OsStr>>(args: &[S]) -> Self {
        let mut child = Command::new(OUTCRY)
            .args(args)
            .args(["--json", "--quiet"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        let mut line = String::new();
        stdout.read_line(&mut line).expect("a line");
        let banner = serde_json::from_str(&line)
            .unwrap_or_else(|error| panic!("not a banner: {line:?} ({error}); it is {:?}", child.wait()));
        Self { child, stdout, banner }
    }

    /// `outcry dev` on a store, on any free port.
    pub fn dev(store: &Path, rate: u32) -> Self {
        let store = store.to_str().expect("a path of text");
        let rate = rate.to_string();
        Self::start(&["dev", "--store", store, "--listen", "127.0.0.1:0", "--rate", rate.as_str()])
    }

    /// Where it listens.
    pub fn url(&self) -> &str {
        self.banner["url"].as_str().expect("a url")
    }

    /// A client of it.
    pub fn client(&self) -> Client {
        let timeout = Duration::from_secs(10);
        Client::new(ClientConfig { url: self.url().to_owned(), token: None, timeout })
    }

    /// Ends it as nothing can that it could prepare for: SIGKILL, to this process and no other.
    pub fn kill(mut self) {
        self.child.kill().expect("it is ours");
        self.child.wait().expect("it was killed");
    }

    /// Asks it to stop (SIGTERM), and returns how it ended and the last thing it said.
    pub fn stop(mut self) -> (ExitStatus, Value) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).expect("it is ours");
        let mut last = Value::Null;
        for line in self.stdout.by_ref().lines() {
            last = serde_json::from_str(&line.expect("text")).expect("JSON");
        }
        (self.child.wait().expect("it ends"), last)
    }
}

use std::io::Read as _;

impl Drop for Exchange {
    fn drop(&mut self) {
        // Nothing to do if it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `outcry` to its end.
pub fn outcry(args: &[&str]) -> Output {
    Command::new(OUTCRY).args(args).output().expect("the program starts")
}

/// Runs `outcry … --json`, which must succeed, and parses its answer.
pub fn answer(args: &[&str]) -> Value {
    let output = outcry(&[args, &["--json"]].concat());
    assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{args:?}: {error}"))
}
