//! What Python and JavaScript share: the rule's own file, a file between it and the contract, and the contract, in a folder
//! that the language's own tool makes a component of. The component holds the whole interpreter.

use super::Made;
use crate::component::WIT;
use crate::{Error, Project, cache};
use plugin_manifest::Parameter;
use std::path::{Path, PathBuf};

/// What the tool gets to see.
pub struct Layout {
    pub app: PathBuf,
    pub wit: PathBuf,
    pub component: PathBuf,
}

/// Puts the files together: `files` by name and text, and the rule's own file and what lies beside it with the same ending.
pub fn lay_out(
    project: &Project,
    rule: &str,
    files: &[(&str, String)],
) -> Result<(Layout, Vec<PathBuf>), Error> {
    let folder = project.folder.join("dist").join("build");
    if folder.exists() {
        std::fs::remove_dir_all(&folder).map_err(Error::file("remove", &folder))?;
    }
    let wit = folder.join("wit");
    for (name, text) in WIT {
        cache::write(&wit.join(name), text.as_bytes())?;
    }
    let app = folder.join("app");
    for (name, text) in files {
        cache::write(&app.join(name), text.as_bytes())?;
    }
    let ending = Path::new(rule).extension();
    let mut inputs = Vec::new();
    let beside = std::fs::read_dir(&project.folder).map_err(Error::file("read", &project.folder))?;
    for path in beside.flatten().map(|entry| entry.path()).filter(|path| path.extension() == ending) {
        let bytes = std::fs::read(&path).map_err(Error::file("read", &path))?;
        cache::write(&app.join(path.file_name().unwrap_or_default()), &bytes)?;
        inputs.push(path);
    }
    Ok((Layout { component: folder.join("component.wasm"), app, wit }, inputs))
}

/// Takes the component and cleans up.
pub fn take(made: &Layout, inputs: Vec<PathBuf>) -> Result<Made, Error> {
    let bytes = std::fs::read(&made.component).map_err(Error::file("read", &made.component))?;
    let folder = made.component.parent().unwrap_or(&made.app);
    std::fs::remove_dir_all(folder).map_err(Error::file("remove", folder))?;
    Ok(Made { bytes, is_component: true, inputs })
}

/// The parameters as a list of pairs of name and type, in the notation that Python and JavaScript share.
pub fn parameters(parameters: &[Parameter]) -> String {
    let pairs: Vec<String> = parameters
        .iter()
        .map(|parameter| format!("[\"{}\", \"{}\"]", parameter.name, parameter.kind.as_str()))
        .collect();
    format!("[{}]", pairs.join(", "))
}

/// A tool in the cache: installed by `install` the first time, into a folder of its own.
pub fn tool(name: &str, install: impl FnOnce(&Path) -> Result<(), Error>) -> Result<PathBuf, Error> {
    let folder = cache::folder(&format!("tools/{name}"))?;
    let lock = cache::lock(&folder)?;
    let ready = folder.join("ready");
    if !ready.is_file() {
        install(&folder)?;
        cache::write(&ready, b"")?;
    }
    drop(lock);
    Ok(folder)
}
