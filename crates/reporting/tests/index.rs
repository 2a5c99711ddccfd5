//! With indices and without: the same answers, for every table and every way to ask for part of `trades`.
#![expect(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod common;

use std::path::{Path, PathBuf};

use common::{Market, SYMBOLS, ask, session, splitmix};
use reporting::{INDEX_DIR, Indexer};

/// Indexes what is complete. Returns the segments that had no index.
fn index(dir: &Path) -> Vec<u64> {
    let mut indexer = Indexer::open(dir).unwrap();
    let mut new = Vec::new();
    while let Some((segment, is_new)) = indexer.step().unwrap() {
        new.extend(is_new.then_some(segment));
    }
    new
}

fn index_files(dir: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(dir.join(INDEX_DIR)).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    files
}

/// Questions about all trades and about parts of them, the ends of the log and of segments among the parts.
fn questions(last: u64) -> Vec<String> {
    let candles = "* FROM candles_1s ORDER BY symbol, start";
    let mut questions = vec!["count(*) FROM trades".to_owned(), candles.to_owned()];
    let mut parts = vec![String::new()];
    parts.extend(SYMBOLS.map(|symbol| format!("symbol := '{symbol}'")));
    parts.extend((0..common::ACCOUNTS).map(|account| format!("account := 'account{account}'")));
    for (turn, symbol) in (0..6).zip(SYMBOLS.iter().cycle()) {
        let (one, other) = (splitmix(turn) % last + 1, splitmix(turn + 100) % last + 1);
        let range = format!("from_seq := {}, to_seq := {}", one.min(other), one.max(other));
        parts.push(format!("{range}, symbol := '{symbol}'"));
        parts.push(format!("{range}, symbol := 'BBB', account := 'account1'"));
        parts.push(range);
    }
    parts.extend([
        format!("from_seq := {last}"),
        "to_seq := 1".to_owned(),
        "from_seq := 9, to_seq := 3".to_owned(),
    ]);
    for part in parts {
        questions.push(format!("count(*) FROM trades({part})"));
        if !part.contains("account") {
            let part = if part.is_empty() { part.clone() } else { format!(", {part}") };
            questions.push(format!(
                "CAST(sum(trades) AS BIGINT), CAST(sum(volume_lots) AS BIGINT), max(high_ticks), arg_max(close_ticks, last_sequence) \
                 FROM bars(60000000000{part})"
            ));
        }
        questions.push(format!("* FROM trades({part}) ORDER BY sequence"));
    }
    questions
}

fn answers(dir: &Path, last: u64) -> Vec<Vec<Vec<String>>> {
    let session = session(dir);
    questions(last).iter().map(|question| ask(&session, &format!("SELECT {question}"))).collect()
}

#[test]
fn who_asks_again_while_the_log_grows_is_answered_as_who_asks_first() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    let asker = session(dir.path());
    for round in 0..60 {
        market.trade(11 + round, 5 + splitmix(round) % 40);
        if round % 20 == 19 {
            // Completed segments have files from now on; what was kept in memory of them is of no use any more.
            assert!(!index(dir.path()).is_empty());
        }
        let (last, first) = (market.last(), session(dir.path()));
        let from = last - splitmix(round) % last.min(400);
        let to = from + splitmix(round + 1000) % 300;
        for part in [
            String::new(),
            format!("from_seq := {from}"),
            format!("from_seq := {from}, symbol := 'BBB'"),
            format!("from_seq := {from}, to_seq := {to}, account := 'account1'"),
        ] {
            for question in
                [format!("count(*) FROM trades({part})"), format!("* FROM trades({part}) ORDER BY sequence")]
            {
                let question = format!("SELECT {question}");
                assert_eq!(ask(&asker, &question), ask(&first, &question), "round {round}: {question}");
            }
        }
    }
}

#[test]
fn an_index_changes_no_answer() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    market.trade(7, 4000);
    let last = market.last();
    let without = answers(dir.path(), last);
    assert!(without[0][0][0].parse::<u64>().unwrap() > 300, "a market that trades");

    let segments = index(dir.path());
    assert!(segments.len() > 5, "several segments are complete: {segments:?}");
    assert_eq!(index_files(dir.path()).len(), segments.len());
    assert_eq!(index(dir.path()), [] as [u64; 0], "what is there is not made again");
    assert_eq!(answers(dir.path(), last), without);

    // Some segments with an index and some without, in any pattern.
    for pattern in 0..2 {
        for (at, file) in index_files(dir.path()).iter().enumerate() {
            if splitmix(pattern * 1000 + at as u64).is_multiple_of(2) {
                std::fs::remove_file(file).unwrap();
            }
        }
        assert_eq!(answers(dir.path(), last), without, "pattern {pattern}");
        index(dir.path());
    }

    // The exchange goes on; instruments and accounts come that no index knows yet.
    market.run(&[common::instrument("LATE", 0), common::account("late")]);
    market.trade(8, 1500);
    let session = session(dir.path());
    assert_eq!(ask(&session, "SELECT count(*) FROM instruments WHERE symbol = 'LATE'"), [["1"]]);
    assert_eq!(ask(&session, "SELECT count(*) FROM accounts WHERE account = 'late'"), [["1"]]);
    let before = ask(&session, "SELECT * FROM trades ORDER BY sequence");
    assert!(!index(dir.path()).is_empty());
    assert_eq!(ask(&common::session(dir.path()), "SELECT * FROM trades ORDER BY sequence"), before);
}

#[test]
fn a_bad_index_is_not_believed() {
    let dir = tempfile::tempdir().unwrap();
    let mut market = Market::opened(dir.path());
    market.trade(9, 4000);
    let last = market.last();
    let without = answers(dir.path(), last);
    index(dir.path());
    let good: Vec<(PathBuf, Vec<u8>)> = index_files(dir.path())
        .into_iter()
        .map(|file| (file.clone(), std::fs::read(file).unwrap()))
        .collect();

    for turn in 0..40 {
        let at = usize::try_from(splitmix(turn)).unwrap();
        let turn = usize::try_from(turn).unwrap();
        let (file, bytes) = &good[turn % good.len()];
        let mut bad = bytes.clone();
        match turn % 4 {
            // Another segment's index under this one's name.
            0 => bad.clone_from(&good[(turn + 1) % good.len()].1),
            1 => bad.truncate(at % bytes.len()),
            2 => bad.fill(0),
            _ => bad[at % bytes.len()] ^= 0x10,
        }
        // A new file of that name: one that somebody has mapped is never changed.
        std::fs::remove_file(file).unwrap();
        std::fs::write(file, &bad).unwrap();
        let session = session(dir.path());
        let rows = match session.query("SELECT * FROM trades ORDER BY sequence") {
            Ok(answer) => answer.rows(),
            Err(error) => Err(error),
        };
        match rows {
            Ok(rows) => assert_eq!(rows.len(), without[0][0][0].parse::<usize>().unwrap(), "turn {turn}"),
            Err(error) => {
                let error = error.to_string();
                assert!(
                    error.contains("the index of segment") && error.contains("hint: "),
                    "turn {turn}: {error}"
                );
            }
        }
        drop(session);
        std::fs::remove_file(file).unwrap();
        std::fs::write(file, bytes).unwrap();
    }
    // An index that is refused as a whole is made again.
    std::fs::write(&good[0].0, b"nothing of the kind").unwrap();
    assert_eq!(index(dir.path()), [1]);
    assert_eq!(answers(dir.path(), last), without);
}
