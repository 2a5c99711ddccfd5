//! `outcry bridge nats` against a real server: whoever is killed, and however often, the stream ends up with every
//! committed event once, in order. Needs the Python of `cargo xtask test`, which brings the server. `OUTCRY_BRIDGE_KILLS` says how
//! often something is killed; 12 times without it.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod common;

use async_nats::jetstream::{self, consumer::pull, stream};
use common::{Exchange, OUTCRY, answer, outcry};
use futures_util::StreamExt as _;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// Kills without `OUTCRY_BRIDGE_KILLS`.
const KILLS: u64 = 12;

/// A NATS server with JetStream. Killed when dropped; nothing is gentle here.
struct Server {
    child: Child,
    program: PathBuf,
    dir: PathBuf,
    port: u16,
}

impl Server {
    /// The program, where there is one.
    fn program() -> Option<PathBuf> {
        let Some(python) = std::env::var_os("OUTCRY_PYTHON").map(PathBuf::from) else {
            eprintln!("skipped: OUTCRY_PYTHON is not set; `cargo xtask test` sets it");
            return None;
        };
        let program = python.with_file_name("nats-server");
        assert!(program.is_file(), "there is no {}", program.display());
        Some(program)
    }

    fn start(program: PathBuf, dir: &Path) -> Self {
        std::fs::create_dir_all(dir).unwrap();
        let child = spawn(&program, dir, "-1");
        let ports = dir.join(format!("nats-server_{}.ports", child.id()));
        let started = Instant::now();
        let port = loop {
            let text = std::fs::read(&ports).unwrap_or_default();
            let url = serde_json::from_slice::<Value>(&text).ok().map(|ports| ports["nats"][0].clone());
            if let Some(port) = url.and_then(|url| url.as_str()?.rsplit(':').next()?.parse().ok()) {
                break port;
            }
            assert!(started.elapsed() < Duration::from_secs(20), "no ports in {}", ports.display());
            std::thread::sleep(Duration::from_millis(20));
        };
        Self { child, program, dir: dir.to_owned(), port }
    }

    fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// SIGKILL.
    fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// The same server again.
    fn restart(&mut self) {
        self.child = spawn(&self.program, &self.dir, &self.port.to_string());
    }
}

fn spawn(program: &Path, dir: &Path, port: &str) -> Child {
    Command::new(program)
        .args(["--addr", "127.0.0.1", "--port", port, "--jetstream"])
        .arg("--store_dir")
        .arg(dir.join("jetstream"))
        .arg("--ports_file_dir")
        .arg(dir)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A bridge that follows.
fn follow(store: &str, url: &str) -> Child {
    Command::new(OUTCRY)
        .args(["bridge", "nats", "--store", store, "--server", url, "-f", "--quiet"])
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

/// A message: its subject, its id and what it holds.
type Received = (String, u64, Vec<u8>);

/// All messages of a stream.
fn received(url: &str, stream: &str) -> Vec<Received> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let client = async_nats::connect(url).await.unwrap();
        let stream = jetstream::new(client).get_stream(stream).await.unwrap();
        let count = usize::try_from(stream.cached_info().state.messages).unwrap();
        let consumer = stream.create_consumer(pull::OrderedConfig::default()).await.unwrap();
        let mut messages = consumer.messages().await.unwrap();
        let mut all = Vec::with_capacity(count);
        while all.len() < count {
            let message = messages.next().await.unwrap().unwrap();
            let id = message.headers.as_ref().unwrap().get("Nats-Msg-Id").unwrap().as_str().parse().unwrap();
            all.push((message.subject.to_string(), id, message.payload.to_vec()));
        }
        all
    })
}

/// The events of a store as `log show --json` has them.
fn events(store: &str) -> Vec<String> {
    let output = outcry(&["log", "show", "--store", store, "--kind", "events", "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap().lines().map(str::to_owned).collect()
}

/// Every event is there once, in order, as it is in the log.
fn the_stream_is_the_log(store: &str, url: &str, stream: &str) -> Vec<Received> {
    let (messages, events) = (received(url, stream), events(store));
    assert_eq!(messages.len(), events.len(), "messages and events");
    for ((subject, id, payload), event) in messages.iter().zip(&events) {
        assert_eq!(std::str::from_utf8(payload).unwrap(), event, "{subject}");
        let event: Value = serde_json::from_str(event).unwrap();
        assert_eq!(event["sequence"], *id);
        assert_eq!(subject.split('.').nth(2), event["kind"].as_str());
    }
    messages
}

#[test]
fn whoever_is_killed_every_event_is_in_the_stream_once_and_in_order() {
    let Some(program) = Server::program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let store = dir.path().join("store");
    let store_text = store.to_str().unwrap();
    let mut server = Server::start(program, &dir.path().join("nats"));
    let url = server.url();
    let exchange = Exchange::dev(&store, 1000);
    outcry(&["instrument", "create", "BRK.B", "--url", exchange.url()]);

    let kills = std::env::var("OUTCRY_BRIDGE_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    // It may be there before the server is.
    server.kill();
    let mut bridge = follow(store_text, &url);
    std::thread::sleep(Duration::from_millis(500));
    server.restart();
    for kill in 0..kills {
        // Moments that look random and are not.
        let random = |salt: u64| (kill * 7 + salt).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 40;
        std::thread::sleep(Duration::from_millis(150 + random(1) % 600));
        let (kills_server, kills_bridge) = (kill % 3 != 2, kill % 3 != 0);
        if kills_server {
            server.kill();
        }
        if kills_bridge {
            bridge.kill().unwrap();
            bridge.wait().unwrap();
            bridge = follow(store_text, &url);
        }
        if kills_server {
            std::thread::sleep(Duration::from_millis(random(2) % 400));
            server.restart();
        }
        assert!(bridge.try_wait().unwrap().is_none(), "the bridge has given up");
    }
    exchange.stop();
    // It gets there by itself.
    let last = answer(&["log", "stats", "--store", store_text])["committed"].as_u64().unwrap();
    let started = Instant::now();
    while received(&url, "OUTCRY").last().is_none_or(|(_, event, _)| *event < last.saturating_sub(1)) {
        assert!(started.elapsed() < Duration::from_mins(1), "it does not get to record {last}");
        assert!(bridge.try_wait().unwrap().is_none(), "the bridge has given up");
        std::thread::sleep(Duration::from_millis(300));
    }
    bridge.kill().unwrap();
    bridge.wait().unwrap();

    let again = answer(&["bridge", "nats", "--store", store_text, "--server", &url]);
    let messages = the_stream_is_the_log(store_text, &url, "OUTCRY");
    assert!(messages.len() > 2000, "only {}", messages.len());
    assert_eq!(again["last_sequence"].as_u64(), messages.last().map(|(_, event, _)| *event));
    assert_eq!(again["messages"], messages.len());
    let subjects: Vec<&str> = messages.iter().map(|(subject, ..)| subject.as_str()).collect();
    for subject in [
        "outcry.events.Trade.AAPL",
        "outcry.events.InstrumentCreated.BRK%2EB",
        "outcry.events.AccountOpened._",
    ] {
        assert!(subjects.contains(&subject), "nothing on {subject}");
    }
}

#[test]
fn what_cannot_be_bridged_is_refused_with_a_hint() {
    let Some(program) = Server::program() else { return };
    let dir = tempfile::tempdir().unwrap();
    let (store, other) = (dir.path().join("store"), dir.path().join("other"));
    let (store, other) = (store.to_str().unwrap(), other.to_str().unwrap());
    for store in [store, other] {
        Exchange::dev(Path::new(store), 0).stop();
    }
    let server = Server::start(program, &dir.path().join("nats"));
    let url = server.url();
    let bridge = |store: &str, more: &[&str]| {
        let output = outcry(&[&["bridge", "nats", "--store", store, "--server", &url], more].concat());
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.code().unwrap(), errors)
    };
    let refused = |(code, errors): (i32, String), expected: i32, words: &str| {
        assert!(code == expected && errors.contains(words) && errors.contains("hint: "), "{code} {errors}");
    };
    let all = events(store).len();

    // In two goes, from a record in the middle.
    let half = |more: &[&str]| {
        let stream =
            ["bridge", "nats", "--store", store, "--server", &url, "--stream", "HALF", "--subject", "half"];
        answer(&[&stream, more].concat())
    };
    let first = half(&["--from", "5"]);
    let sent = first["sent"].as_u64().unwrap();
    assert!(sent > 0 && sent < all as u64, "{first}");
    let second = half(&[]);
    assert_eq!(
        (second["sent"].as_u64(), second["resumed_after"].as_u64()),
        (Some(0), first["last_sequence"].as_u64())
    );
    refused(bridge(store, &["--stream", "HALF", "--subject", "half", "--from", "5"]), 2, "goes on after it");

    assert_eq!(bridge(store, &[]).0, 0);
    the_stream_is_the_log(store, &url, "OUTCRY");
    refused(bridge(other, &[]), 2, "not the events of store");
    refused(bridge(store, &["--subject", "elsewhere"]), 2, "takes the subjects");
    let nobody = outcry(&["bridge", "nats", "--store", store, "--server", "nats://127.0.0.1:1"]);
    assert_eq!(nobody.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nobody.stderr).contains("hint: start one"));

    // Streams that others have made.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let context = runtime.block_on(async { jetstream::new(async_nats::connect(&url).await.unwrap()) });
    let id = answer(&["log", "stats", "--store", store])["store_id"].as_str().unwrap().to_owned();
    let make = |name: &str, change: &dyn Fn(&mut stream::Config)| {
        let mut config = stream::Config {
            name: name.to_owned(),
            subjects: vec![format!("{}.>", name.to_lowercase())],
            metadata: [("outcry-store".to_owned(), id.clone())].into(),
            ..stream::Config::default()
        };
        change(&mut config);
        runtime.block_on(context.create_stream(config)).unwrap();
        bridge(store, &["--stream", name, "--subject", &name.to_lowercase()])
    };
    refused(make("NOTOURS", &|config| config.metadata.clear()), 2, "holds something else");
    refused(make("MEMORY", &|config| config.storage = stream::StorageType::Memory), 2, "in memory");
    refused(
        make("QUEUE", &|config| config.retention = stream::RetentionPolicy::WorkQueue),
        2,
        "drops messages",
    );
    // One with limits will do; when they have left nothing, somebody must say where to go on.
    let limited = |config: &mut stream::Config| config.max_age = Duration::from_hours(1);
    assert_eq!(make("LIMITED", &limited), (0, String::new()));
    runtime.block_on(async { context.get_stream("LIMITED").await.unwrap().purge().await.unwrap() });
    let limited = ["--stream", "LIMITED", "--subject", "limited"];
    refused(bridge(store, &limited), 1, "have been removed");
    let from_the_first = [&limited[..], &["--from", "1"]].concat();
    refused(bridge(store, &from_the_first), 1, "still remembers");
    // What it forgets in a moment, nobody has to wait for.
    runtime.block_on(async {
        let mut config = context.get_stream("LIMITED").await.unwrap().cached_info().config.clone();
        config.duplicate_window = Duration::from_millis(100);
        context.update_stream(config).await.unwrap();
    });
    std::thread::sleep(Duration::from_millis(500));
    assert_eq!(bridge(store, &from_the_first), (0, String::new()));
    assert_eq!(received(&url, "LIMITED").len(), all);
    // Somebody else's message at its end.
    runtime.block_on(async {
        context.publish("limited.hello", "hello".into()).await.unwrap().await.unwrap();
    });
    refused(bridge(store, &limited), 1, "was not sent by this bridge");
}
