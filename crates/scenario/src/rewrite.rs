//! Writing what was printed into the file, and touching nothing else: commands, comments, blank lines and line
//! endings stay, and a case that printed what it should stays byte for byte.

use crate::parse::is_comment;
use crate::syntax::Scenario;

/// The file with the actual output of its cases. `actual` has as many elements as the scenario has cases.
pub(crate) fn rewrite(source: &str, scenario: &Scenario, actual: &[Vec<String>]) -> String {
    let lines: Vec<&str> = source.split_inclusive('\n').collect();
    let mut text = String::with_capacity(source.len());
    let mut copied = 0;
    for (case, printed) in scenario.cases.iter().zip(actual) {
        if case.expected.iter().map(|(_, line)| line).eq(printed) {
            continue;
        }
        let (separator, end) = (case.separator, (case.end - 1).min(lines.len()));
        text.extend(lines[copied..separator].iter().copied());
        let newline = if lines[separator - 1].ends_with("\r\n") { "\r\n" } else { "\n" };
        if !text.ends_with('\n') {
            text.push_str(newline);
        }
        let mut left = printed.iter();
        let write = |text: &mut String, line: &str| {
            text.push_str(line.trim_end());
            text.push_str(newline);
        };
        for line in &lines[separator..end] {
            // A comment keeps as many lines above it as it had, where there are that many.
            let line = if is_comment(line) { Some(*line) } else { left.next().map(String::as_str) };
            if let Some(line) = line {
                write(&mut text, line);
            }
        }
        left.for_each(|line| write(&mut text, line));
        copied = end;
    }
    text.extend(lines[copied..].iter().copied());
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::parse;

    fn check(source: &str, actual: &[&[&str]], expected: &str) {
        let scenario = parse(source).unwrap();
        let actual: Vec<Vec<String>> =
            actual.iter().map(|case| case.iter().map(|&line| line.to_owned()).collect()).collect();
        let rewritten = rewrite(source, &scenario, &actual);
        assert_eq!(rewritten, expected);
        // Afterwards it is what it should be, and rewriting changes nothing.
        let scenario = parse(&rewritten).unwrap();
        assert_eq!(rewrite(&rewritten, &scenario, &actual), rewritten);
    }

    #[test]
    fn output_is_replaced_and_the_rest_stays() {
        let source = "# head\n\nrestart\n----\nold\n# kept\nolder\n\n\n# next\nrestart \n ----\nsame\n";
        check(
            source,
            &[&["new"], &["same"]],
            "# head\n\nrestart\n----\nnew\n# kept\n\n\n# next\nrestart \n ----\nsame\n",
        );
        check(
            source,
            &[&["1", "2", "3"], &[]],
            "# head\n\nrestart\n----\n1\n# kept\n2\n3\n\n\n# next\nrestart \n ----\n",
        );
    }

    #[test]
    fn line_endings_and_a_missing_last_newline() {
        check("restart\r\n----\r\nold", &[&["a", "b"]], "restart\r\n----\r\na\r\nb\r\n");
        check("restart\n----", &[&["a"]], "restart\n----\na\n");
        check("restart\n----", &[&[]], "restart\n----");
    }
}
