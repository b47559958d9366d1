//! The user's project. Scripts in it are trusted.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::folder_of;

/// File that marks a project's folder. It names the plugins for all scripts of the project.
pub(crate) const CONFIG: &str = "pe-script.yaml";

/// Returns the project's folder if `script` lies outside of it, else `None`.
///
/// Inside means that both lie in the project: the script with links resolved, and the folder that it
/// was named in, because its imports come from there.
pub(super) fn without(script: &Path) -> Option<PathBuf> {
    let project = project();
    let inside = |path: &Path| is_inside(path, &project);
    if inside(script) && inside(&folder_of(script)) {
        None
    } else {
        Some(project)
    }
}

/// Returns whether a folder lies in the project.
pub(crate) fn is_of_project(folder: &Path) -> bool {
    let folder = if folder == Path::new("") {
        Path::new(".")
    } else {
        folder
    };
    is_inside(folder, &project())
}

fn is_inside(path: &Path, project: &Path) -> bool {
    path.canonicalize()
        .is_ok_and(|real| real.starts_with(project))
}

/// The project's folder: that of the nearest `pe-script.yaml` upwards from the current folder, or else
/// the current folder.
fn project() -> PathBuf {
    let here = env::current_dir().and_then(|here| here.canonicalize());
    let here = here.unwrap_or_default();
    let found = here
        .ancestors()
        .find(|folder| is_of_owner(&folder.join(CONFIG), &here));
    found.unwrap_or(&here).to_path_buf()
}

/// Returns whether `file` is a file of the same user as the folder `of`.
///
/// Anybody could put a `pe-script.yaml` into `/tmp` and so make all folders below it one project.
#[cfg(unix)]
fn is_of_owner(file: &Path, of: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let owner = |path: &Path| fs::metadata(path).map(|found| (found.uid(), found.is_dir()));
    match (owner(file), owner(of)) {
        (Ok((of_file, false)), Ok((of_here, _))) => of_file == of_here,
        _ => false,
    }
}

#[cfg(not(unix))]
fn is_of_owner(file: &Path, _of: &Path) -> bool {
    fs::metadata(file).is_ok_and(|found| found.is_file())
}
