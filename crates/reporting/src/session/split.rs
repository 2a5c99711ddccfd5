//! Where one SQL statement ends and the next begins.

/// A text of SQL, taken apart.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Split<'a> {
    /// Whole statements, without their semicolons.
    pub statements: Vec<&'a str>,
    /// What follows the last semicolon: the beginning of a statement, or only blanks and comments.
    pub rest: &'a str,
}

/// What the text is in the middle of.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Inside {
    Code,
    /// A text or a name in quotes, until the same quote again. A doubled quote ends it and begins the next.
    Quoted(u8),
    LineComment,
    /// Comments of this kind can hold others.
    BlockComment(usize),
}

/// Takes SQL apart at the semicolons that are neither quoted nor in a comment.
pub fn split(sql: &str) -> Split<'_> {
    let bytes = sql.as_bytes();
    let (mut statements, mut start, mut at, mut inside) = (Vec::new(), 0, 0, Inside::Code);
    let mut has_code = false;
    while at < bytes.len() {
        let (here, next) = (bytes[at], bytes.get(at + 1).copied());
        let mut step = 1;
        match (inside, here) {
            (Inside::Code, b'\'' | b'"') => (inside, has_code) = (Inside::Quoted(here), true),
            (Inside::Code, b'-') if next == Some(b'-') => inside = Inside::LineComment,
            (Inside::Code, b'/') if next == Some(b'*') => (inside, step) = (Inside::BlockComment(1), 2),
            (Inside::Code, b'$') => {
                has_code = true;
                step = dollar_quoted(&sql[at..]).unwrap_or(1);
            }
            (Inside::Code, b';') => {
                if has_code {
                    statements.push(sql[start..at].trim());
                }
                (start, has_code) = (at + 1, false);
            }
            (Inside::Code, _) => has_code |= !here.is_ascii_whitespace(),
            (Inside::Quoted(quote), _) if here == quote => inside = Inside::Code,
            (Inside::LineComment, b'\n') => inside = Inside::Code,
            (Inside::BlockComment(depth), b'/') if next == Some(b'*') => {
                (inside, step) = (Inside::BlockComment(depth + 1), 2);
            }
            (Inside::BlockComment(depth), b'*') if next == Some(b'/') => {
                let outer = if depth == 1 { Inside::Code } else { Inside::BlockComment(depth - 1) };
                (inside, step) = (outer, 2);
            }
            _ => {}
        }
        at += step;
    }
    let unfinished = has_code || matches!(inside, Inside::Quoted(_) | Inside::BlockComment(_));
    Split { statements, rest: if unfinished { sql[start..].trim() } else { "" } }
}

/// The length of a text in dollar quotes, `$$…$$` or `$tag$…$tag$`, at the beginning of `sql`. An unfinished one
/// reaches to the end.
fn dollar_quoted(sql: &str) -> Option<usize> {
    let tag_end = sql[1..].find('$')? + 2;
    let tag = &sql[..tag_end];
    let is_tag = tag[1..tag_end - 1].bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    let starts_with_digit = tag.as_bytes()[1].is_ascii_digit();
    if !is_tag || starts_with_digit {
        return None;
    }
    Some(sql[tag_end..].find(tag).map_or(sql.len(), |end| tag_end + end + tag_end))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_end_at_semicolons_that_are_code() {
        let cases: &[(&str, &[&str], &str)] = &[
            ("", &[], ""),
            ("SELECT 1", &[], "SELECT 1"),
            ("SELECT 1; SELECT 2;", &["SELECT 1", "SELECT 2"], ""),
            (";;", &[], ""),
            ("SELECT ';'; x", &["SELECT ';'"], "x"),
            ("SELECT 'it''s;'; ", &["SELECT 'it''s;'"], ""),
            ("SELECT \";\";", &["SELECT \";\""], ""),
            ("SELECT 1 -- no; end\n;", &["SELECT 1 -- no; end"], ""),
            ("SELECT 1 /* a; /* b; */ c; */;", &["SELECT 1 /* a; /* b; */ c; */"], ""),
            ("SELECT $$;$$; y", &["SELECT $$;$$"], "y"),
            ("SELECT $a$;$$;$a$;", &["SELECT $a$;$$;$a$"], ""),
            ("SELECT $1;", &["SELECT $1"], ""),
            ("SELECT 'open;", &[], "SELECT 'open;"),
            ("-- only a comment", &[], ""),
            ("/* open", &[], "/* open"),
            ("SELECT 'ü;'; SELECT 'é'", &["SELECT 'ü;'"], "SELECT 'é'"),
        ];
        for (sql, statements, rest) in cases {
            assert_eq!(split(sql), Split { statements: statements.to_vec(), rest }, "{sql}");
        }
    }
}
