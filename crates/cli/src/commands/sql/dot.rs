//! The shell's own commands, which begin with a dot.

use super::Format;
use clap::ValueEnum as _;

/// What they are, and what each does.
pub const COMMANDS: &[(&str, &str)] = &[
    (".help", "lists these"),
    (".tables", "lists the tables and reports"),
    (".schema [TABLE]", "explains the columns of a table"),
    (".timer on|off", "says how long each statement took"),
    (".mode FORMAT", "shows answers as table, csv, json or markdown"),
    (".quit", "leaves, as Ctrl-D does"),
];

/// A command of the shell's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Dot {
    Help,
    Tables,
    Schema(Option<String>),
    Timer(bool),
    Mode(Format),
    Quit,
}

impl Dot {
    /// The command that a line is; `None` when it is SQL, `Err` with what is wrong when it is neither.
    pub fn parse(line: &str) -> Option<Result<Self, String>> {
        let line = line.trim().trim_end_matches(';');
        if !line.starts_with('.') {
            return None;
        }
        let mut words = line.split_whitespace();
        let (command, argument) = (words.next().unwrap_or_default(), words.next());
        let parsed = match (command, argument) {
            (".help", None) => Ok(Self::Help),
            (".tables", None) => Ok(Self::Tables),
            (".schema", name) => Ok(Self::Schema(name.map(str::to_owned))),
            (".timer", Some("on")) => Ok(Self::Timer(true)),
            (".timer", Some("off")) => Ok(Self::Timer(false)),
            (".mode", Some(format)) => {
                Format::from_str(format, true).map(Self::Mode).map_err(|_| format!("{format} is no format"))
            }
            (".quit" | ".exit", None) => Ok(Self::Quit),
            _ => Err(format!("{line} is no command")),
        };
        Some(if words.next().is_some() { Err(format!("{line} is no command")) } else { parsed })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn commands_are_told_from_sql() {
        assert_eq!(Dot::parse("SELECT 1"), None);
        for (line, dot) in [
            (".help", Dot::Help),
            (" .tables ", Dot::Tables),
            (".schema", Dot::Schema(None)),
            (".schema trades;", Dot::Schema(Some("trades".to_owned()))),
            (".timer on", Dot::Timer(true)),
            (".mode CSV", Dot::Mode(Format::Csv)),
            (".exit", Dot::Quit),
        ] {
            assert_eq!(Dot::parse(line), Some(Ok(dot)), "{line}");
        }
        for line in [".", ".nope", ".timer", ".timer maybe", ".mode", ".mode xml", ".help me", ".schema a b"]
        {
            assert!(matches!(Dot::parse(line), Some(Err(_))), "{line}");
        }
    }
}
