//! A script that is not trusted does what it may and no more: every function that takes a path, the
//! program's options and limits, and identifiers that would like to be paths.

// A test may panic, in its own functions too.
#![allow(clippy::unwrap_used)]
#![cfg(unix)]

mod beside;
mod functions;
mod identifiers;
mod limits;
mod program;
mod terminal;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Exit code, stdout and stderr.
fn pe_script(folder: &Path, arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pe-script"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("XDG_STATE_HOME", folder.join(".state"))
        .output()
        .unwrap();
    let text = |bytes| String::from_utf8(bytes).unwrap();
    (
        output.status.code().unwrap(),
        text(output.stdout),
        text(output.stderr),
    )
}

/// Everything below a folder: what it is, and of a file its bytes.
fn world(folder: &Path) -> BTreeMap<PathBuf, Option<Vec<u8>>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap();
        if kind.is_dir() {
            found.extend(world(&path));
        }
        let bytes = kind.is_file().then(|| fs::read(&path).unwrap());
        found.insert(path, bytes);
    }
    found
}

/// The record of the only run of the script `a` that was begun in a folder.
fn record(folder: &Path) -> serde_yaml::Value {
    let mut runs = fs::read_dir(folder.join("runs/a")).unwrap();
    let run = runs.next().unwrap().unwrap().path();
    serde_yaml::from_str(&fs::read_to_string(run.join("run.yaml")).unwrap()).unwrap()
}
