//! `outcry report --chart`: a picture of candles and the page of a day, made of a running exchange, with a name in it that is no text to a
//! browser.

mod common;

use common::{Exchange, answer, outcry};
use std::path::Path;

/// A name that the exchange takes, and that would be a picture with a script in a page that does not escape it.
const HOSTILE: &str = "<img/src=x/onerror=alert(1)>";

fn exchange(store: &Path) -> Exchange {
    let exchange = Exchange::dev(store, 0);
    for args in [
        &["account", "open", HOSTILE, "USD=100000", "AAPL=100"][..],
        &["order", "sell", HOSTILE, "AAPL", "60", "@", "230.05", "--id", "s1"],
        &["order", "buy", "alice", "AAPL", "100", "@", "230.10", "--id", "b1"],
        &["order", "sell", "bob", "MSFT", "3", "@", "410.00", "--id", "s2"],
        &["order", "buy", "alice", "MSFT", "3", "@", "410.00", "--id", "b2"],
    ] {
        let output = outcry(&[args, &["--url", exchange.url()]].concat());
        assert!(output.status.success(), "{args:?}: {}", String::from_utf8_lossy(&output.stderr));
    }
    // And one that is refused.
    outcry(&["order", "buy", HOSTILE, "AAPL", "1000000", "@", "230.00", "--url", exchange.url()]);
    exchange
}

/// Holds a page to being well-formed: every element that begins ends, in order. Returns its text.
fn text_of(html: &str) -> String {
    const NO_END: [&str; 3] = ["meta", "rect", "polyline"];
    let (mut open, mut text, mut rest) = (Vec::new(), String::new(), html);
    while let Some(at) = rest.find('<') {
        text.push_str(&rest[..at]);
        text.push(' ');
        let end = at + rest[at..].find('>').expect("a tag ends");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        let name: String =
            tag.trim_start_matches('/').chars().take_while(char::is_ascii_alphanumeric).collect();
        match tag.as_bytes()[0] {
            b'!' => {}
            b'/' => assert_eq!(open.pop().as_deref(), Some(name.as_str()), "{tag}"),
            _ if tag.ends_with('/') || NO_END.contains(&name.as_str()) => {}
            _ => open.push(name),
        }
    }
    assert!(open.is_empty(), "{open:?} never end");
    text
}

#[test]
fn the_page_of_a_day_says_what_happened_and_runs_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    let exchange = exchange(&store);
    let file = dir.path().join("day.html");
    let at = file.to_str().expect("text");
    let drawn = answer(&["report", "eod", "--chart", at, "--store", store.to_str().expect("text")]);
    assert_eq!((&drawn["closes"], &drawn["symbols"]), (&true.into(), &serde_json::json!(["AAPL", "MSFT"])));
    let html = std::fs::read_to_string(&file).expect("the page is there");
    for unwanted in ["http", "<script", "<img", "<link", "@import", "url(", "javascript:"] {
        assert!(!html.contains(unwanted), "{unwanted} in the page");
    }
    let text = text_of(&html);
    for word in [
        "The books close",
        "cash that changed hands is what trades were worth",
        "&lt;img/src=x/onerror=alert(1)&gt;",
        "AAPL",
        "230.05",
        // 60 at 230.05 and 3 at 410.
        "15,033.00 USD",
        "13,803",
        "INSUFFICIENT_FUNDS",
        "prefers-color-scheme: dark",
        "@media print",
    ] {
        assert!(text.contains(word), "nothing of {word} in the page");
    }
    assert_eq!(html.matches("<svg").count(), 4, "two charts, two sparklines");
    exchange.stop();
}

#[test]
fn candles_are_drawn_on_a_page_and_as_a_picture() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = dir.path().join("store");
    exchange(&store).stop();
    let draw = |name: &str, more: &[&str]| {
        let file = dir.path().join(name);
        let args = [
            "report",
            "candles",
            "--chart",
            file.to_str().expect("text"),
            "--store",
            store.to_str().expect("text"),
        ];
        let drawn = answer(&[&args[..], more].concat());
        let bytes = std::fs::read(&file).expect("it is there");
        assert_eq!(drawn["bytes"], bytes.len());
        (bytes, drawn["symbols"].clone())
    };
    let (html, symbols) = draw("all.html", &[]);
    assert_eq!(symbols, serde_json::json!(["AAPL", "MSFT"]));
    let html = String::from_utf8(html).expect("text");
    assert!(!html.contains("http") && text_of(&html).contains("410.00"), "{html}");
    // Its size in pixels stands in every PNG.
    let size = |png: &[u8]| {
        assert_eq!(&png[..8], b"\x89PNG\r\n\x1a\n");
        [16, 20].map(|at| u32::from_be_bytes(png[at..at + 4].try_into().expect("four bytes")))
    };
    let [width, one] = size(&draw("one.png", &["--symbol", "AAPL", "--interval", "1s", "--fill"]).0);
    let [same_width, two] = size(&draw("two.png", &["--symbol", "AAPL", "--symbol", "MSFT"]).0);
    assert_eq!((same_width, two), (width, 2 * one));
    assert!(width >= 1000 && one >= 300);
    let left: Vec<_> =
        std::fs::read_dir(dir.path()).expect("a directory").flatten().map(|it| it.file_name()).collect();
    assert_eq!(left.len(), 4, "{left:?}");
}
