//! Which scripts are the user's own: those that lie in the project.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use super::folder_of;

/// The file in a project's folder, with the plugins that all its scripts use.
pub(crate) const CONFIG: &str = "pe-script.yaml";

/// The project, when `script` does not lie in it. Both the script's folder, where its imports are,
/// and what a link at its place points to must.
pub(super) fn without(script: &Path) -> Option<PathBuf> {
    let project = project();
    let inside = |path: &Path| is_inside(path, &project);
    if inside(script) && inside(&folder_of(script)) {
        None
    } else {
        Some(project)
    }
}

/// Whether a folder lies in the project.
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

/// The folder of the nearest `pe-script.yaml`, upwards from the current folder; the current folder
/// where there is none.
fn project() -> PathBuf {
    let here = env::current_dir().and_then(|here| here.canonicalize());
    let here = here.unwrap_or_default();
    let found = here
        .ancestors()
        .find(|folder| is_of_owner(&folder.join(CONFIG), &here));
    found.unwrap_or(&here).to_path_buf()
}

/// A file that somebody else put above the current folder, into `/tmp` for one, makes nothing a
/// project.
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
