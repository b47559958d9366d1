//! The user's state folder, with the history and the files of sessions.

use std::io;
use std::path::{Path, PathBuf};

use etcetera::{BaseStrategy, choose_base_strategy};

/// `$XDG_STATE_HOME/pe-script`, or `~/.local/state/pe-script`; none for a user without a home.
fn folder() -> Option<PathBuf> {
    let base = choose_base_strategy().ok()?;
    let base = base.state_dir().unwrap_or_else(|| base.data_dir());
    Some(base.join("pe-script"))
}

/// The history file. Its folder is created.
pub(super) fn history() -> Option<PathBuf> {
    let folder = folder()?;
    std::fs::create_dir_all(&folder).ok()?;
    Some(folder.join("history"))
}

/// Creates a folder for this session's pictures and for the files that a script writes into
/// `run_dir()`.
///
/// # Errors
/// When neither the state folder nor a temporary one can be written.
pub(super) fn session() -> io::Result<PathBuf> {
    let now = jiff::Timestamp::now().strftime("%Y%m%dT%H%M%SZ");
    let name = format!("{now}-{}", std::process::id());
    let made = |base: &Path| {
        let folder = base.join("sessions").join(&name);
        std::fs::create_dir_all(&folder).map(|()| folder)
    };
    match folder() {
        Some(base) => made(&base).or_else(|_| made(&std::env::temp_dir().join("pe-script"))),
        None => made(&std::env::temp_dir().join("pe-script")),
    }
}

/// Removes the session's folder if it is empty.
pub(super) fn tidy(folder: &Path) {
    // `remove_dir` fails for a folder that is not empty, as intended.
    let _ = std::fs::remove_dir(folder);
}
