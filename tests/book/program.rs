//! The program, run in a folder.

use std::path::Path;
use std::process::Command;

/// What a run of the program left.
pub struct Output {
    pub succeeded: bool,
    pub stdout: String,
    pub stderr: String,
}

impl Output {
    /// The first line that says what went wrong.
    pub fn error(&self) -> &str {
        let mut lines = self.stderr.lines();
        lines
            .find(|line| line.starts_with("error: "))
            .unwrap_or("no error")
    }
}

/// Runs `pe-script` with these arguments in `folder`.
pub fn run(folder: &Path, arguments: &[&str]) -> Output {
    let output = Command::new(env!("CARGO_BIN_EXE_pe-script"))
        .args(arguments)
        .current_dir(folder)
        .env("NO_COLOR", "1")
        .env("COLUMNS", "200")
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Output {
        succeeded: output.status.success(),
        stdout: text(&output.stdout),
        stderr: text(&output.stderr),
    }
}
