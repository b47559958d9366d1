//! `assert_snapshot(name, value)`: compares a value with a snapshot that is stored beside the script.
//!
//! Plain data is stored as YAML in `snapshots/SCRIPT/NAME.yaml`, text unchanged in `NAME.txt`. Snapshots
//! are written only with `--update`.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, FileType};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use pe_binding::script::{ScriptResult, refused};
use pe_files::{Access, Files};
use rhai::{Dynamic, EvalAltResult};
use serde_yaml::Value;

use super::Case;
use super::assertions::{failed_with, line_diff, notes};
use super::compare::{Texts, Tolerance, differences};
use crate::language::value::{shown, to_value};
use crate::text;

/// Name of the folder with the snapshots of the scripts beside it.
pub(super) const FOLDER: &str = "snapshots";

const UPDATE: &str = "look at it; when it is right, keep it with `pe-script test --update`";

/// The snapshots of one pass over the tests.
#[derive(Debug, Default)]
pub struct Snapshots {
    update: bool,
    state: Mutex<State>,
    /// Lock for writing. Each test sweeps unfinished files from the folder before it writes, and would
    /// remove one that another test has just begun.
    writing: Mutex<()>,
}

#[derive(Debug, Default)]
struct State {
    /// The snapshots that tests have asked for, each with the test's name.
    asked: BTreeMap<PathBuf, String>,
    written: Vec<PathBuf>,
}

/// A value in the form in which it is stored.
struct Kept {
    value: Value,
    text: String,
    ending: &'static str,
}

impl Kept {
    fn new(name: &str, value: &Dynamic) -> ScriptResult<Self> {
        let value = to_value(value).map_err(|kind| {
            let message = format!("snapshot `{name}` is no plain data: found a {kind}");
            let hint = "give its numbers, strings, arrays or maps of these, or its text";
            failed_with(&message, Vec::new(), Some(hint))
        })?;
        let kept = match value.as_str() {
            // A text file ends with a newline.
            Some(text) if text.ends_with('\n') => (text.to_owned(), "txt"),
            Some(text) => (format!("{text}\n"), "txt"),
            None => (serde_yaml::to_string(&value).unwrap_or_default(), "yaml"),
        };
        let (text, ending) = kept;
        if !text::fits(&text) {
            let message = format!("snapshot `{name}` is too long: found {} bytes", text.len());
            let hint = "keep a part of it, or a digest; a snapshot has at most 4 MiB";
            return Err(failed_with(&message, Vec::new(), Some(hint)));
        }
        Ok(Self {
            value,
            text,
            ending,
        })
    }

    /// Parses the content of a snapshot file of this form.
    fn read(&self, text: String) -> Result<Value, String> {
        match self.ending {
            "txt" => Ok(Value::String(text)),
            _ => text::yaml(&text),
        }
    }
}

impl Snapshots {
    /// The snapshots of a pass. With `update`, new and changed ones are written.
    pub fn new(update: bool) -> Self {
        Self {
            update,
            ..Self::default()
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The snapshot files that were written.
    pub fn written(&self) -> Vec<PathBuf> {
        self.state().written.clone()
    }

    /// Compares a value with the snapshot `name` of the test's script. With `--update`, writes it if it
    /// differs.
    pub(super) fn check(
        &self,
        (case, files): (&Case, &Files),
        name: &str,
        value: &Dynamic,
        by: Tolerance,
    ) -> ScriptResult<()> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if name.is_empty() || !name.chars().all(allowed) {
            let message = format!(
                "a snapshot's name has letters, digits, `-` and `_`, for it is a file's; found \
                 {name:?}"
            );
            return Err(failed_with(&message, Vec::new(), None));
        }
        let kept = Kept::new(name, value)?;
        let path = folder_of(&case.file).join(format!("{name}.{}", kept.ending));
        self.claim(&path, name, case)?;
        let text = files.check(&path, Access::Read).and_then(|()| {
            refuse_links(&path)?;
            text::script(&path, files)
        });
        let wrong = match text {
            Ok(text) => match differing(name, &path, &kept, text, by) {
                None => return Ok(()),
                Some(wrong) => wrong,
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => missing(name, &path, &kept),
            Err(error) => {
                return Err(refused(&error).unwrap_or_else(|| file_error("read", &path, &error)));
            }
        };
        if !self.update {
            return Err(wrong);
        }
        // Written with the user's rights, who asked for it by `--update`, not with the script's. A path
        // that the script may not read was refused above.
        let alone = self.writing.lock().unwrap_or_else(PoisonError::into_inner);
        write(&path, &kept.text, &Files::free())
            .map_err(|error| file_error("write", &path, &error))?;
        drop(alone);
        self.state().written.push(path);
        Ok(())
    }

    /// Registers that a test asks for a snapshot. A second request for the same one is an error: the two
    /// values would overwrite each other.
    fn claim(&self, path: &Path, name: &str, case: &Case) -> ScriptResult<()> {
        let test = case.function.clone().unwrap_or_default();
        match self.state().asked.insert(path.to_path_buf(), test) {
            None => Ok(()),
            Some(other) => {
                let message = format!("snapshot `{name}` is asked for twice; first in `{other}`");
                let hint = "give each value of a script a name of its own";
                Err(failed_with(&message, Vec::new(), Some(hint)))
            }
        }
    }

    /// The snapshots that no test asked for.
    ///
    /// Only snapshots of `scripts` count, all of whose tests passed: a test that failed early may not
    /// have reached its snapshots. Snapshots in the same folders that belong to no script at all count
    /// too.
    pub fn unused(&self, scripts: &BTreeSet<PathBuf>) -> Vec<PathBuf> {
        let state = self.state();
        let folders: BTreeSet<PathBuf> = scripts
            .iter()
            .map(|script| script.with_file_name(FOLDER))
            .collect();
        // Returns whether a folder of snapshots belongs to an existing script that is not in `scripts`.
        let owned = |folder: &Path| {
            // Append `.rhai`; `with_extension` would cut a name such as `v1.2`.
            let script = folder.file_name().map(|name| {
                let mut script = name.to_owned();
                script.push(".rhai");
                script
            });
            let script = folder
                .parent()
                .and_then(Path::parent)
                .zip(script)
                .map(|(parent, name)| parent.join(name));
            script.is_some_and(|script| !scripts.contains(&script) && script.exists())
        };
        let mut unused: Vec<PathBuf> = folders
            .iter()
            .flat_map(|folder| entries(folder, FileType::is_dir))
            .filter(|folder| !owned(folder))
            .flat_map(|folder| entries(&folder, FileType::is_file))
            .filter(|path| is_snapshot(path) && !state.asked.contains_key(path))
            .collect();
        unused.sort();
        unused
    }
}

/// Returns whether a file has the extension of a snapshot. Other files are never removed.
fn is_snapshot(path: &Path) -> bool {
    let ending = path.extension().and_then(|ending| ending.to_str());
    matches!(ending, Some("yaml" | "txt"))
}

/// The files, or the folders, in a folder. Links are skipped, and `folder` itself must not be one: their
/// targets are not ours.
fn entries(folder: &Path, is: fn(&FileType) -> bool) -> Vec<PathBuf> {
    let real = fs::symlink_metadata(folder).is_ok_and(|found| found.is_dir());
    let entries = real.then(|| fs::read_dir(folder)).into_iter().flatten();
    let entries = entries.flatten().flatten();
    let these = entries.filter(|entry| entry.file_type().is_ok_and(|kind| is(&kind)));
    these.map(|entry| entry.path()).collect()
}

/// Returns an error if a snapshot is a link or lies behind one. Otherwise `--update` could overwrite and
/// remove files elsewhere.
fn refuse_links(path: &Path) -> io::Result<()> {
    // The file, the folder of the script's snapshots, and `snapshots`.
    let link = path.ancestors().take(3).find(|part| {
        let found = part.symlink_metadata();
        found.is_ok_and(|found| found.is_symlink())
    });
    let Some(link) = link else {
        return Ok(());
    };
    let text = format!(
        "{} is a link, and snapshots are kept in files of their own",
        link.display()
    );
    Err(io::Error::new(io::ErrorKind::PermissionDenied, text))
}

/// Removes snapshots, and their folders if these are empty then.
///
/// # Errors
/// When a file cannot be removed.
pub(super) fn remove(paths: &[PathBuf]) -> io::Result<()> {
    for path in paths {
        let removed = refuse_links(path).and_then(|()| fs::remove_file(path));
        removed.map_err(|error| {
            let message = format!("{}: {error}", path.display());
            io::Error::new(error.kind(), message)
        })?;
        for folder in path.ancestors().skip(1).take(2) {
            // It fails, as intended, while the folder has other files.
            let _ = fs::remove_dir(folder);
        }
    }
    Ok(())
}

/// Writes a snapshot, or replaces it as a whole. Creates its folder.
fn write(path: &Path, text: &str, files: &Files) -> io::Result<()> {
    let parent = path.parent().unwrap_or(Path::new(""));
    refuse_links(path)?;
    files.create_dir_all(parent)?;
    files.sweep(parent)?;
    files.replace(path, text.as_bytes())
}

/// The folder of a script's snapshots.
fn folder_of(script: &Path) -> PathBuf {
    let stem = script.file_stem().unwrap_or_default();
    script.with_file_name(FOLDER).join(stem)
}

/// The error for a snapshot that does not exist yet.
fn missing(name: &str, path: &Path, kept: &Kept) -> Box<EvalAltResult> {
    let message = format!("there is no snapshot `{name}` yet, {}", path.display());
    let text = match kept.value.as_str() {
        Some(text) => format!("the value is\n{text}"),
        None => format!("the value is {}", shown(&kept.value)),
    };
    failed_with(&message, vec![text], Some(UPDATE))
}

/// The error for a value that differs from its snapshot, whose file has the content `text`; `None` if
/// they are equal.
fn differing(
    name: &str,
    path: &Path,
    kept: &Kept,
    text: String,
    by: Tolerance,
) -> Option<Box<EvalAltResult>> {
    let expected = match kept.read(text) {
        Ok(expected) => expected,
        Err(error) => {
            let message = format!("snapshot `{name}`, {}, is no YAML: {error}", path.display());
            return Some(failed_with(&message, Vec::new(), Some(UPDATE)));
        }
    };
    let all = differences(&expected, &kept.value, by, Texts::Words);
    let first = all.first()?;
    let message = format!("snapshot `{name}` has changed: {first} ({by})");
    let mut notes = notes(&all);
    notes.extend(line_diff(&expected, &kept.value));
    notes.push(format!("the snapshot is {}", path.display()));
    Some(failed_with(&message, notes, Some(UPDATE)))
}

fn file_error(what: &str, path: &Path, error: &io::Error) -> Box<EvalAltResult> {
    let message = format!("cannot {what} the snapshot {}: {error}", path.display());
    failed_with(&message, Vec::new(), None)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use pe_files::{Fault, Faults};

    use super::*;

    #[test]
    fn a_snapshot_is_the_old_one_or_the_new_one_whatever_fails_and_when() {
        for fault in [Fault::Killed, Fault::Full, Fault::ReadOnly, Fault::Denied] {
            for at in 0.. {
                let folder = tempfile::tempdir().unwrap();
                let path = folder.path().join("snapshots/a/one.yaml");
                if at % 2 == 0 {
                    write(&path, "old", &Files::free()).unwrap();
                }
                let faults = Arc::new(Faults::at(at / 2, fault, at));
                let files = Files::free().with_faults(faults.clone());
                let written = write(&path, "new", &files);
                if !faults.met() {
                    assert!(at > 4, "{at} changes");
                    break;
                }
                let what = format!("{fault:?}, {at}: {written:?}");
                match fs::read_to_string(&path) {
                    Ok(found) if written.is_ok() => assert_eq!(found, "new", "{what}"),
                    Ok(found) => assert_eq!(found, "old", "{what}"),
                    Err(_) => assert!(written.is_err() && at % 2 == 1, "{what}"),
                }
                write(&path, "new", &Files::free()).unwrap();
                let parent = path.parent().unwrap();
                assert_eq!(fs::read_to_string(&path).unwrap(), "new", "{what}");
                assert_eq!(
                    Files::free().list(parent).unwrap(),
                    std::slice::from_ref(&path),
                    "{what}"
                );
            }
        }
    }
}
