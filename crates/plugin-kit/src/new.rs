//! Making the folder of a new rule.

/// The header of rules in C: its name and its text.
pub const C_HEADER: (&str, &str) = ("outcry_rules.h", include_str!("../../plugin-sdk/c/outcry_rules.h"));
