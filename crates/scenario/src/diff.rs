//! What differs, line by line.

use std::fmt;

/// A line of a difference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) enum Line<'a> {
    /// Expected and printed.
    Same(&'a str),
    /// Expected and not printed.
    Missing(&'a str),
    /// Printed and not expected.
    Extra(&'a str),
}

/// The shortest way from the expected lines to the actual ones: a longest common subsequence.
pub(crate) fn diff<'a>(expected: &[&'a str], actual: &[&'a str]) -> Vec<Line<'a>> {
    // Equal ends first: most differences are one line, and a square table of the whole would be a waste.
    let head = expected.iter().zip(actual).take_while(|(one, other)| one == other).count();
    let tail = expected[head..]
        .iter()
        .rev()
        .zip(actual[head..].iter().rev())
        .take_while(|(one, other)| one == other);
    let tail = tail.count();
    let (wanted, got) = (&expected[head..expected.len() - tail], &actual[head..actual.len() - tail]);
    let width = got.len() + 1;
    // common[i * width + j]: how many lines wanted[i..] and got[j..] have in common.
    let mut common = vec![0u32; (wanted.len() + 1) * width];
    for i in (0..wanted.len()).rev() {
        for j in (0..got.len()).rev() {
            common[i * width + j] = if wanted[i] == got[j] {
                common[(i + 1) * width + j + 1] + 1
            } else {
                common[(i + 1) * width + j].max(common[i * width + j + 1])
            };
        }
    }
    let mut lines: Vec<_> = expected[..head].iter().map(|line| Line::Same(line)).collect();
    let (mut i, mut j) = (0, 0);
    while i < wanted.len() || j < got.len() {
        if i < wanted.len() && j < got.len() && wanted[i] == got[j] {
            lines.push(Line::Same(wanted[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == got.len()
            || i < wanted.len() && common[(i + 1) * width + j] >= common[i * width + j + 1]
        {
            lines.push(Line::Missing(wanted[i]));
            i += 1;
        } else {
            lines.push(Line::Extra(got[j]));
            j += 1;
        }
    }
    lines.extend(expected[expected.len() - tail..].iter().map(|line| Line::Same(line)));
    lines
}

/// Lines of a difference as they are shown: `-` expected, `+` actual; red and green if asked.
pub(crate) struct Shown<'a>(pub &'a [Line<'a>], pub bool);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (red, green, plain) = if self.1 { ("\x1b[31m", "\x1b[32m", "\x1b[0m") } else { ("", "", "") };
        for line in self.0 {
            match line {
                Line::Same(line) => writeln!(f, " {line}")?,
                Line::Missing(line) => writeln!(f, "{red}-{line}{plain}")?,
                Line::Extra(line) => writeln!(f, "{green}+{line}{plain}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_common_stays() {
        let lines = diff(&["a", "b", "c", "d"], &["a", "c", "x", "d"]);
        assert_eq!(Shown(&lines, false).to_string(), " a\n-b\n c\n+x\n d\n");
        assert_eq!(Shown(&diff(&["a"], &["b"]), true).to_string(), "\x1b[31m-a\x1b[0m\n\x1b[32m+b\x1b[0m\n");
        assert_eq!(diff(&[], &[]), []);
    }

    proptest! {
        #[test]
        fn a_difference_holds_both_sides(
            expected in proptest::collection::vec("[abc]", 0..12),
            actual in proptest::collection::vec("[abc]", 0..12),
        ) {
            let expected: Vec<&str> = expected.iter().map(String::as_str).collect();
            let actual: Vec<&str> = actual.iter().map(String::as_str).collect();
            let lines = diff(&expected, &actual);
            let side = |extra: bool| -> Vec<&str> {
                lines.iter().filter_map(|line| match line {
                    Line::Same(line) => Some(*line),
                    Line::Missing(line) => (!extra).then_some(*line),
                    Line::Extra(line) => extra.then_some(*line),
                }).collect()
            };
            prop_assert_eq!(side(false), expected.clone());
            prop_assert_eq!(side(true), actual.clone());
            prop_assert_eq!(lines.iter().all(|line| matches!(line, Line::Same(_))), expected == actual);
        }
    }
}
