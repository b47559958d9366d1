//! `pe-script.yaml`, which names the plugins for all scripts of a folder.

use std::env;
use std::path::{Path, PathBuf};

use serde_yaml::Value;

use super::manifest::read_map;
use super::usage;
use crate::diagnosis::Diagnosis;
use crate::language::value::{kind_of, shown};
use crate::sandbox::CONFIG;
use crate::text;

/// Returns the plugin folders named in the nearest `pe-script.yaml`, in `folder` or above it.
///
/// Returns none if there is no such file. For a script that is `confined`, the file must not be a
/// link that leads out of its folder.
pub(super) fn nearest(folder: &Path, confined: bool) -> Result<Vec<PathBuf>, Box<Diagnosis>> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    // A missing folder is no error here. Its script is missing too, and that gets its own message.
    let Ok(real) = folder.canonicalize() else {
        return Ok(Vec::new());
    };
    match real
        .ancestors()
        .map(|folder| folder.join(CONFIG))
        .find(|path| path.exists())
    {
        Some(path) => read(&from_here(&path), confined),
        None => Ok(Vec::new()),
    }
}

/// Parses one `pe-script.yaml` and returns its plugin folders, relative to the file's own folder.
fn read(path: &Path, confined: bool) -> Result<Vec<PathBuf>, Box<Diagnosis>> {
    let home = path.parent().unwrap_or(Path::new(""));
    let real = if confined {
        text::within(home, Path::new(CONFIG), "script")
    } else {
        Ok(path.to_path_buf())
    };
    let mut values = read_map((path, real), &["plugins"])?;
    let wrong = |found: &Value| {
        let (kind, found) = (kind_of(found), shown(found));
        let path = path.display();
        let message = format!("{path}: `plugins`: expected folders, found {kind} {found}");
        usage(
            message,
            "as in `plugins: [shared/clot]`; folders are relative to the file's",
        )
    };
    let folders = match values.remove("plugins") {
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Sequence(folders)) => folders,
        Some(other) => return Err(wrong(&other)),
    };
    // `home.join(".")` would end in `/.`, and that would show in messages.
    let folder = |folder: &Value| match folder.as_str() {
        Some("." | "./") if home.as_os_str().is_empty() => Ok(PathBuf::from(".")),
        Some("." | "./") => Ok(home.to_path_buf()),
        Some(text) if !text.is_empty() => Ok(home.join(text)),
        _ => Err(wrong(folder)),
    };
    folders.iter().map(folder).collect()
}

/// Makes a path relative to the current folder, if it lies below that. Messages are shorter so.
fn from_here(path: &Path) -> PathBuf {
    let here = env::current_dir().and_then(|here| here.canonicalize());
    let short = here.ok().and_then(|here| path.strip_prefix(here).ok());
    short.unwrap_or(path).to_path_buf()
}
