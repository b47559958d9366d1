//! Provenance of a run: versions, and the git commit of its script.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde::Serialize;

/// The state of a git repository.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Git {
    /// The commit that is checked out.
    pub commit: String,
    /// True if the script or a tracked file differs from the commit.
    pub dirty: bool,
}

/// Versions of pe-script, its main libraries and the operating system.
pub fn versions() -> BTreeMap<&'static str, String> {
    let libtorch = pe_nn::libtorch::version().unwrap_or_else(|| "unknown".to_owned());
    BTreeMap::from([
        ("pe-script", env!("CARGO_PKG_VERSION").to_owned()),
        ("rhai", env!("PE_RHAI_VERSION").to_owned()),
        ("tch", pe_nn::libtorch::TCH_VERSION.to_owned()),
        ("libtorch", libtorch),
        ("os", os()),
    ])
}

fn os() -> String {
    let release = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    format!("{os} {arch} {}", release.trim())
        .trim_end()
        .to_owned()
}

/// The state of the repository of `script`; `None` outside of a repository, or without git.
pub fn git(script: &Path) -> Option<Git> {
    let folder = match script.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let git = |arguments: &[&str]| {
        let output = Command::new("git")
            .arg("-C")
            .arg(folder)
            .args(arguments)
            .output()
            .ok()?;
        let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        output.status.success().then_some(text)
    };
    let name = script.file_name()?.to_str()?;
    let commit = git(&["rev-parse", "HEAD"])?;
    // Untracked files do not count, except the script: data folders would make every run dirty.
    let tracked = git(&["status", "--porcelain", "--untracked-files=no"])?;
    let own = git(&["status", "--porcelain", "--", name])?;
    Some(Git {
        commit,
        dirty: !(tracked.is_empty() && own.is_empty()),
    })
}
