//! `cargo xtask dev`: builds the program as it is meant to run and starts the demo exchange.

use crate::steps::{self, Failure};

/// Builds `outcry` optimised and runs `outcry dev` with `args`.
pub fn run(args: &[String]) -> Result<(), Failure> {
    steps::run(
        steps::cargo()
            .args(["run", "--release", "--package", "cli", "--bin", "outcry", "--", "dev"])
            .args(args),
    )
}
