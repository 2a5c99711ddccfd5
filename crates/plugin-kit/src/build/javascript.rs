//! JavaScript, through componentize-js: the component holds `SpiderMonkey`, with everything switched off that would need WASI.

use super::{Made, interpreted};
use crate::run::{answers, run};
use crate::{Error, Language, Project};
use std::path::Path;
use std::process::Command;

const TOOL: &str = "componentize-js-0.23.0";
const PACKAGE: &str = "@bytecodealliance/componentize-js@0.23.0";
const PROGRAM: &str = "node_modules/@bytecodealliance/componentize-js/src/cli.js";
const HINT: &str = "on Debian: apt-get install nodejs npm; Node 20 or later";

/// What a component depends on besides files.
pub fn tool() -> &'static str {
    TOOL
}

fn install(folder: &Path) -> Result<(), Error> {
    if !answers("npm", "--version") {
        return Err(Error::Missing { what: "npm", language: Language::JavaScript, hint: HINT });
    }
    let args = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix"];
    run(Command::new("npm").current_dir(folder).args(args).arg(folder).arg(PACKAGE)).map(drop)
}

/// Builds `rule.js` and the files beside it to a component.
pub fn build(project: &Project) -> Result<Made, Error> {
    if !answers("node", "--version") {
        return Err(Error::Missing { what: "node", language: Language::JavaScript, hint: HINT });
    }
    let tool = interpreted::tool(TOOL, install)?;
    let parameters =
        format!("export const PARAMETERS = {};\n", interpreted::parameters(&project.manifest.parameters));
    let glue = include_str!("../../glue/outcry_app.js").to_owned();
    let files = [("outcry_app.js", glue), ("outcry_parameters.js", parameters)];
    let (made, inputs) = interpreted::lay_out(project, "rule.js", &files)?;
    run(Command::new("node")
        .current_dir(&made.app)
        .arg(tool.join(PROGRAM))
        .arg("outcry_app.js")
        .arg("--wit")
        .arg(&made.wit)
        .args(["--world-name", "reporting", "--out"])
        .arg(&made.component)
        .args(["--disable", "stdio", "random", "clocks", "http", "fetch-event"]))?;
    interpreted::take(&made, inputs)
}
