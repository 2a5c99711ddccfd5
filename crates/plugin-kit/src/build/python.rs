//! Python, through componentize-py: the component holds `CPython` and needs no WASI, since what it would ask for is stubbed.

use super::{Made, interpreted};
use crate::run::{answers, run};
use crate::{Error, Language, Project};
use std::path::{Path, PathBuf};
use std::process::Command;

const TOOL: &str = "componentize-py-0.25.1";
const PACKAGE: &str = "componentize-py==0.25.1";
/// What its own script does, which knows where it was installed and cannot be moved.
const PROGRAM: &str = "import sys; from componentize_py import script; sys.exit(script())";

/// What a component depends on besides files.
pub fn tool() -> &'static str {
    TOOL
}

fn python() -> Result<PathBuf, Error> {
    ["python3", "python"].map(PathBuf::from).into_iter().find(|name| answers(name, "--version")).ok_or(
        Error::Missing {
            what: "python3",
            language: Language::Python,
            hint: "on Debian: apt-get install python3 python3-pip",
        },
    )
}

fn install(python: &Path, folder: &Path) -> Result<(), Error> {
    if !Command::new(python)
        .args(["-m", "pip", "--version"])
        .output()
        .is_ok_and(|output| output.status.success())
    {
        let hint = "on Debian: apt-get install python3-pip";
        return Err(Error::Missing { what: "pip", language: Language::Python, hint });
    }
    let args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--target"];
    run(Command::new(python).args(args).arg(folder).arg(PACKAGE)).map(drop)
}

/// Builds `rule.py` and the files beside it to a component.
pub fn build(project: &Project) -> Result<Made, Error> {
    let python = python()?;
    let tool = interpreted::tool(TOOL, |folder| install(&python, folder))?;
    let parameters = format!("PARAMETERS = {}\n", interpreted::parameters(&project.manifest.parameters));
    let glue = include_str!("../../glue/outcry_app.py").to_owned();
    let files = [("outcry_app.py", glue), ("outcry_parameters.py", parameters)];
    let (made, inputs) = interpreted::lay_out(project, "rule.py", &files)?;
    run(Command::new(python)
        .env("PYTHONPATH", &tool)
        .env_remove("VIRTUAL_ENV")
        .args(["-c", PROGRAM, "--wit-path"])
        .arg(&made.wit)
        .args(["--world", "reporting", "componentize", "--stub-wasi", "--python-path"])
        .arg(&made.app)
        .arg("--output")
        .arg(&made.component)
        .arg("outcry_app"))?;
    interpreted::take(&made, inputs)
}
