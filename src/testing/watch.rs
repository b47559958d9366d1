//! `--watch`: runs tests again when files change.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use notify::{Event, EventKind, RecursiveMode, Watcher};

use super::collect::is_script;
use super::snapshot::FOLDER;
use crate::params::Bad;
use crate::stop::DONE;
use crate::stop::Interrupt;

/// Time without an event after which a change counts as complete: an editor writes a file in several
/// steps.
const QUIET: Duration = Duration::from_millis(200);

/// The tests to run again.
#[derive(Debug, PartialEq)]
pub(super) enum Changed {
    /// All tests.
    Everything,
    /// The tests of these scripts, given by their real paths.
    Scripts(BTreeSet<PathBuf>),
}

/// Returns whether a script is one of those that changed.
pub(super) fn is_among(script: &Path, changed: &BTreeSet<PathBuf>) -> bool {
    script
        .canonicalize()
        .is_ok_and(|real| changed.contains(&real))
}

/// Calls `pass` now and after every change below the paths, until the user stops it. Returns the exit
/// code.
///
/// # Errors
/// [`Bad`] when the operating system cannot watch the paths.
pub(super) fn watch(
    roots: &[PathBuf],
    stop: &Interrupt,
    mut pass: impl FnMut(&Changed),
) -> Result<i32, Bad> {
    let (tell, told) = mpsc::channel();
    let cannot = |error: notify::Error| {
        let message = format!("cannot watch for changes: {error}");
        Bad::new(message, "run the tests without `--watch`")
    };
    let mut watcher = notify::recommended_watcher(tell).map_err(cannot)?;
    for root in roots {
        // Editors replace a file by a new one, and a watch on the old one would end. So its folder is
        // watched instead.
        let folder = match root.parent() {
            _ if root.is_dir() => root.as_path(),
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        watcher
            .watch(folder, RecursiveMode::Recursive)
            .map_err(cannot)?;
    }
    pass(&Changed::Everything);
    let mut changed = BTreeSet::new();
    while !stop.requested() {
        match told.recv_timeout(QUIET) {
            Ok(Ok(event)) => changed.extend(paths(event)),
            // Events may have been lost, so anything may have changed: an empty path runs all tests.
            Ok(Err(_)) => drop(changed.insert(PathBuf::new())),
            Err(RecvTimeoutError::Timeout) if changed.is_empty() => {}
            Err(RecvTimeoutError::Timeout) => pass(&sorted(std::mem::take(&mut changed))),
            Err(RecvTimeoutError::Disconnected) => return Ok(DONE),
        }
    }
    Ok(stop.exit_code().unwrap_or(DONE))
}

/// The paths that changed by an event. Events for reading are ignored.
fn paths(event: Event) -> Vec<PathBuf> {
    match event.kind {
        EventKind::Access(_) => Vec::new(),
        _ => event.paths,
    }
}

/// Converts changed paths to the tests to run again. A snapshot counts as its script. Any other file may
/// be read by any script, so all tests run.
fn sorted(changed: BTreeSet<PathBuf>) -> Changed {
    let mut scripts = BTreeSet::new();
    for path in changed {
        match script_of(&path) {
            Some(script) => drop(scripts.insert(script.canonicalize().unwrap_or(script))),
            None if path.is_dir() => {}
            None => return Changed::Everything,
        }
    }
    Changed::Scripts(scripts)
}

/// The script that a path belongs to: itself, or the script of a snapshot.
fn script_of(path: &Path) -> Option<PathBuf> {
    if is_script(path) {
        return Some(path.to_path_buf());
    }
    let folder = path.parent()?;
    let snapshots = folder.parent().filter(|parent| parent.ends_with(FOLDER))?;
    let mut name = folder.file_name()?.to_owned();
    name.push(".rhai");
    Some(snapshots.with_file_name(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_changed_says_what_runs_again() {
        let check = |paths: &[&str], expected: Option<&[&str]>| {
            let changed = sorted(paths.iter().map(PathBuf::from).collect());
            let expected = expected.map_or(Changed::Everything, |scripts| {
                Changed::Scripts(scripts.iter().map(PathBuf::from).collect())
            });
            assert_eq!(changed, expected, "{paths:?}");
        };
        check(&["/no/a.rhai"], Some(&["/no/a.rhai"]));
        check(&["/no/snapshots/a/table.yaml"], Some(&["/no/a.rhai"]));
        check(
            &["/no/snapshots/a/table.yaml", "/no/b.rhai"],
            Some(&["/no/a.rhai", "/no/b.rhai"]),
        );
        check(&["/no/a.rhai", "/no/small.yaml"], None);
        check(&[""], None);
        check(&[], Some(&[]));
    }
}
