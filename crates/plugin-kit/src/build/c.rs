//! C, through clang and a linker, without a library.

use super::Made;
use crate::project::c_sources;
use crate::run::run;
use crate::toolchain::{Clang, clang};
use crate::{Error, Project, cache, new};
use std::path::Path;
use std::process::Command;

/// What a component depends on besides files.
pub fn tool() -> Result<String, Error> {
    Ok(clang()?.version.lines().next().unwrap_or_default().to_owned())
}

/// Compiles all of `src/*.c` and links it to a core module.
pub fn build(project: &Project) -> Result<Made, Error> {
    let Clang { compiler, linker, linker_args, .. } = clang()?;
    let folder = &project.folder;
    // A copy of the header that came with the rule wins: what was tested with it is built with it.
    let own = folder.join("sdk");
    let headers = if own.join(new::C_HEADER.0).is_file() {
        own
    } else {
        let headers = cache::folder("c")?;
        cache::write(&headers.join(new::C_HEADER.0), new::C_HEADER.1.as_bytes())?;
        headers
    };
    let work = project.folder.join("dist");
    std::fs::create_dir_all(&work).map_err(Error::file("create", &work))?;
    let sources = c_sources(folder);
    let mut objects = Vec::new();
    for source in &sources {
        let object = work.join(source.file_stem().unwrap_or_default()).with_extension("o");
        run(Command::new(&compiler)
            .current_dir(folder)
            .args(["--target=wasm32-unknown-unknown", "-std=c11", "-O2", "-nostdlib", "-ffreestanding"])
            .args(["-mbulk-memory", "-Wall", "-Wextra", "-Werror", "-c", "-I"])
            .arg(&headers)
            .arg("-o")
            .arg(&object)
            .arg(relative(source, folder)))?;
        objects.push(object);
    }
    let module = work.join("module.wasm");
    run(Command::new(&linker)
        .args(linker_args)
        .args(["--no-entry", "--stack-first", "-z", "stack-size=65536", "--strip-all", "--gc-sections", "-o"])
        .arg(&module)
        .args(&objects))?;
    let bytes = std::fs::read(&module).map_err(Error::file("read", &module))?;
    for path in objects.iter().chain([&module]) {
        std::fs::remove_file(path).map_err(Error::file("remove", path))?;
    }
    let mut inputs = sources;
    inputs.push(headers.join(new::C_HEADER.0));
    Ok(Made { bytes, is_component: false, inputs })
}

fn relative<'a>(path: &'a Path, folder: &Path) -> &'a Path {
    path.strip_prefix(folder).unwrap_or(path)
}
