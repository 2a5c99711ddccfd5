//! A command that could not do its work: what went wrong, what caused it, where in the input, and a hint.

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, NamedSource, SourceSpan};
use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind, Write};

/// What commands return.
pub type Result<T, E = Failure> = std::result::Result<T, E>;

/// Why a command ends early.
#[derive(Debug)]
pub struct Failure(Box<Report>);

#[derive(Debug)]
struct Report {
    message: String,
    cause: Option<Box<dyn Error + Send + Sync>>,
    hint: Option<String>,
    place: Option<Place>,
    details: Option<serde_json::Value>,
    exit_code: u8,
}

/// Where in an input file.
#[derive(Debug)]
struct Place {
    source: NamedSource<String>,
    span: SourceSpan,
    label: String,
}

impl Failure {
    fn new(exit_code: u8, message: impl fmt::Display) -> Self {
        Self(Box::new(Report {
            message: message.to_string(),
            cause: None,
            hint: None,
            place: None,
            details: None,
            exit_code,
        }))
    }

    /// The command line or an input is not what it must be: exit code 2.
    pub fn usage(message: impl fmt::Display) -> Self {
        Self::new(2, message)
    }

    /// What was asked for could not be done: exit code 1.
    pub fn failed(message: impl fmt::Display) -> Self {
        Self::new(1, message)
    }

    /// The error underneath, shown with everything under it in turn.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// What the reader could do about it.
    #[must_use]
    pub fn hint(mut self, hint: impl fmt::Display) -> Self {
        self.0.hint = Some(hint.to_string());
        self
    }

    /// The bytes of a text input that are wrong.
    #[must_use]
    pub fn at(
        mut self,
        file: impl AsRef<str>,
        text: String,
        span: std::ops::Range<usize>,
        label: String,
    ) -> Self {
        let source = NamedSource::new(file, text);
        self.0.place = Some(Place { source, span: span.into(), label });
        self
    }

    /// What a program wants to know about it, for `--json`.
    #[must_use]
    pub fn with_details(mut self, details: serde_json::Value) -> Self {
        self.0.details = Some(details);
        self
    }

    /// The exit code this ends the program with.
    pub fn exit_code(&self) -> u8 {
        self.0.exit_code
    }

    /// Whether all that happened is that the reader of our output went away.
    pub fn is_broken_pipe(&self) -> bool {
        self.0
            .cause
            .as_ref()
            .and_then(|cause| cause.downcast_ref::<io::Error>())
            .is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    }

    /// Writes the report: one JSON object, or `error:`, `caused by:` and `hint:` lines.
    pub fn write(&self, out: &mut impl Write, json: bool, color: bool) -> io::Result<()> {
        let report = &*self.0;
        let causes: Vec<String> = causes(report).collect();
        if json {
            let object = serde_json::json!({
                "error": report.message,
                "causes": causes,
                "hint": report.hint,
                "details": report.details,
                "exit_code": report.exit_code,
            });
            return writeln!(out, "{object}");
        }
        let paint = |code: &str, text: &str| {
            if color { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
        };
        writeln!(out, "{} {}", paint("1;31", "error:"), report.message)?;
        for cause in causes {
            writeln!(out, "  caused by: {cause}")?;
        }
        if report.place.is_some() {
            let theme = if color { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
            let mut excerpt = String::new();
            GraphicalReportHandler::new_themed(theme)
                .render_report(&mut excerpt, &Excerpt(report))
                .map_err(|_| io::Error::other("a report that cannot be formatted"))?;
            // The handler begins with its own headline; ours says it already.
            let body = excerpt.lines().skip_while(|line| !line.contains('╭')).collect::<Vec<_>>().join("\n");
            writeln!(out, "{body}")?;
        }
        if let Some(hint) = &report.hint {
            writeln!(out, "{} {hint}", paint("1;36", "hint:"))?;
        }
        Ok(())
    }
}

/// Everything below the message, outermost first. A layer that only repeats the one above it is left out.
fn causes(report: &Report) -> impl Iterator<Item = String> {
    let first = report.cause.as_deref().map(|cause| cause as &(dyn Error + 'static));
    let mut above = report.message.clone();
    std::iter::successors(first, |&error| error.source()).filter_map(move |error| {
        let text = error.to_string();
        let new = !above.contains(&text);
        above.clone_from(&text);
        new.then_some(text)
    })
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::failed("cannot write the answer").caused_by(error)
    }
}

/// The part of a report that miette draws: the lines of the input with a mark under what is wrong.
#[derive(Debug)]
struct Excerpt<'a>(&'a Report);

impl fmt::Display for Excerpt<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

impl Error for Excerpt<'_> {}

impl Diagnostic for Excerpt<'_> {
    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        self.0.place.as_ref().map(|place| &place.source as &dyn miette::SourceCode)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = miette::LabeledSpan> + '_>> {
        let place = self.0.place.as_ref()?;
        let label = miette::LabeledSpan::new_with_span(Some(place.label.clone()), place.span);
        Some(Box::new(std::iter::once(label)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(failure: &Failure, json: bool) -> String {
        let mut out = Vec::new();
        failure.write(&mut out, json, false).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn a_report_names_the_cause_and_what_to_do() {
        let refused = io::Error::new(ErrorKind::ConnectionRefused, "connection refused");
        let failure =
            Failure::failed("no exchange answers").caused_by(refused).hint("start one with \"outcry dev\"");
        assert_eq!(
            written(&failure, false),
            "error: no exchange answers\n  caused by: connection refused\nhint: start one with \"outcry dev\"\n"
        );
        let json: serde_json::Value = serde_json::from_str(&written(&failure, true)).unwrap();
        assert_eq!(json["causes"][0], "connection refused");
        assert_eq!(json["exit_code"], 1);
    }

    #[test]
    fn a_report_shows_the_line_of_the_input() {
        let text = "[store]\ndir = 7\n".to_owned();
        let shown =
            written(&Failure::usage("bad file").at("outcry.toml", text, 14..15, "not a path".into()), false);
        assert!(shown.contains("outcry.toml:2:7") && shown.contains("not a path"), "{shown}");
    }

    #[test]
    fn a_closed_pipe_is_told_apart() {
        assert!(Failure::from(io::Error::from(ErrorKind::BrokenPipe)).is_broken_pipe());
        assert!(!Failure::from(io::Error::from(ErrorKind::StorageFull)).is_broken_pipe());
    }
}
